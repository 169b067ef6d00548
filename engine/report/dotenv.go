package report

import (
	"fmt"
	"strings"
)

// dotenv renders KEY=VALUE lines. The names start with CDGATE_RESULT_ so that none sets a flag of a later job.
func dotenv(d Document) ([]byte, error) {
	outcome := d.Result.Outcome
	if outcome == "" {
		outcome = "block"
	}
	var b strings.Builder
	for _, v := range []struct{ name, value string }{
		{"OUTCOME", outcome},
		{"BASIS", string(d.Result.Basis)},
		{"EXIT_CODE", fmt.Sprint(d.Result.ExitCode)},
		{"RELEASE", releaseName(d.Result.Release)},
		{"TARGET", d.Result.Target.ID},
		{"VALID_UNTIL", d.Result.ValidUntil},
		{"RECORD", d.Record.Path},
		{"RECORD_DIGEST", d.Record.Digest},
	} {
		fmt.Fprintf(&b, "CDGATE_RESULT_%s=%s\n", v.name, plainValue(v.value))
	}
	return []byte(b.String()), nil
}

// plainValue keeps what no reader of such files interprets and replaces the rest by "_": they disagree on quoting.
func plainValue(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune("@._:/+-", r):
			return r
		}
		return '_'
	}, s)
}

// GitHubOutput is what is appended to the file GITHUB_OUTPUT names, so that later steps can read the outcome.
func GitHubOutput(d Document) []byte {
	outcome := d.Result.Outcome
	if outcome == "" {
		outcome = "block"
	}
	return fmt.Appendf(nil, "outcome=%s\nexit-code=%d\nrecord=%s\nrecord-digest=%s\n",
		Safe(outcome), d.Result.ExitCode, Safe(d.Record.Path), Safe(d.Record.Digest))
}
