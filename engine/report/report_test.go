package report

import (
	"bytes"
	"encoding/xml"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"cdgate.dev/cdgate/engine/decide"
	"cdgate.dev/cdgate/engine/policy"
	"cdgate.dev/cdgate/engine/record"
	"cdgate.dev/cdgate/engine/verify"
)

var update = flag.Bool("update", false, "write the golden files again")

// sample is a block with one of everything, each foreign text being s.
func sample(s string) Document {
	return Document{
		Result: record.Result{
			Outcome: "block", Recommendation: "block", ExitCode: 20,
			Release: record.Release{Name: s, Version: s, Line: s, Revision: s, Subjects: []record.Subject{{Name: s, Digest: "sha256:" + strings.Repeat("ab", 32)}}},
			Target:  record.Target{ID: s, Class: s, Trigger: "manual"}, Stage: "activate",
			EvaluatedAt: "2026-11-20T12:00:00Z", ValidUntil: s,
			Rules: []record.Rule{
				{Code: s, Title: s, Result: "passed", Enforced: true},
				{Code: "security." + s, Title: s, Result: "not_applicable", Enforced: true},
			},
			Findings: []decide.Finding{
				{Code: "tests.floor", ID: s, Effect: policy.Block, Cause: decide.EvidenceMissing, Msg: s, Status: "open", Enforced: true, Place: s, Observed: s, Expected: s, Remedy: s, Controls: []string{s}, Evidence: []string{s}},
				{Code: "engine." + s, Effect: policy.Block, Cause: decide.Error, Msg: s, Status: "open", Enforced: true},
				{Code: "governance.mode", Effect: policy.NeedsApproval, Cause: decide.ApprovalMissing, Msg: s, Status: "open", Enforced: true},
				{Code: "governance.done", Effect: policy.NeedsApproval, Cause: decide.ApprovalMissing, Msg: s, Status: "discharged", Enforced: true},
				{Code: "tests.warn", Effect: policy.Warn, Cause: decide.CriterionFailed, Msg: s, Status: "open"},
			},
			Requirements: []decide.Requirement{{ID: s, Roles: []string{s}, Count: 1, Meaning: s, Open: 1, State: "open",
				By:         []decide.Signature{{Person: s, Name: s, Role: s, Verdict: "approve", Comment: s, SignedAt: s}},
				NotCounted: []decide.Signature{{Person: s, Name: s, Verdict: "approve", Reason: s, SignedAt: s}}}},
			NotCounted: []verify.NotCounted{{ID: s, Kind: s, Reason: verify.Stale, Msg: s, Signer: s}},
		},
		Record: Record{Path: s, Digest: "sha256:" + strings.Repeat("cd", 32)}, Log: Log{Logged: true, Index: 3, Checkpoint: s},
		Later: []Later{{Code: s, Title: s, Missing: []string{s}}}, Signers: map[string][]string{s: {s}},
		Next: []string{s}, Notes: []string{s}, Detail: true, Input: []byte(`{"a":"b"}`),
	}
}

// hostile are texts that attack the place where they are shown.
func hostile() []string {
	return []string{
		"plain text",
		"\x1b]0;title\x07\x1b[2J\x1b[31mALLOW", "a\x9b31mb", "\u009b31m", "bell\x07 backspace\x08 delete\x7f",
		"line\nbreak", "carriage\rreturn", "\u2028sep\u2029sep", "tab\tstop\vvertical\fform",
		"rtl \u202e cod.exe", "isolate \u2066x\u2069", "mark \u200f\u200e\u061c", "zero\u200bwidth\u200d\u2060\ufeff", "\u00adsoft", "tag\U000e0041",
		"blank\u3164hangul\u2800braille\u00a0nbsp", "variation\ufe0f", "bad utf8 \xff\xfe\xc0\x80",
		"::error file=x::boo", strings.Repeat("x", 70) + " ::add-mask::y z", "a ##vso[task.setvariable variable=x]y", "a ###[error]b", "\n::add-mask::secret", "##[command]rm", "::set-output name=outcome::allow", "##vso[task.setvariable variable=x]y",
		"<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "]]><x/>", "<!--", "&lt;b&gt;",
		"[click](http://evil.example)", "![img](http://evil.example/x.png)", "@everyone #1", "http://evil.example www.evil.example a@evil.example",
		"`` `code` ``", "```\n# heading\n```", "`", "``", "a|b|c", `a\|b`, `\`, "| a | b |\n|---|---|", "# heading", "- [ ] task", "**bold** _it_ ~~s~~", "$x^2$ $$y$$",
		strings.Repeat("long ", 3000), strings.Repeat("é", 3000), strings.Repeat("`", 50),
		"", " ",
	}
}

func render(t *testing.T, format string, d Document) string {
	t.Helper()
	b, err := Render(format, d)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestHostileText shows every hostile text in every place of every format and looks for bytes a terminal or a CI
// system would act on.
func TestHostileText(t *testing.T) {
	for _, s := range hostile() {
		d := sample(s)
		if in, err := json.Marshal(map[string]string{"a": strings.ToValidUTF8(s, "?")}); err == nil {
			d.Input = in
		}
		for _, f := range Formats() {
			if f == "json" && !utf8.ValidString(s) {
				continue // refused before: nothing that is not UTF-8 becomes a result
			}
			harmless(t, f, render(t, f, d))
		}
		harmless(t, "github output", string(GitHubOutput(d)))
	}
}

func harmless(t *testing.T, where, out string) {
	t.Helper()
	if !utf8.ValidString(out) {
		t.Errorf("%s: not UTF-8: %q", where, out)
	}
	for _, r := range out {
		if r != '\n' && dangerous(r) {
			t.Errorf("%s: character %U in %.200q", where, r, out)
			return
		}
	}
	for line := range strings.SplitSeq(out, "\n") {
		// GitHub takes "::" after any blanks; GitHub and Azure take the others anywhere in a line.
		if strings.HasPrefix(strings.TrimLeft(line, " \t"), "::") || strings.Contains(line, "##[") || strings.Contains(line, "##vso[") {
			t.Errorf("%s: line %.100q is an order to a CI system", where, line)
		}
	}
}

func TestSafe(t *testing.T) {
	for in, want := range map[string]string{
		"plain":            "plain",
		"Łódź ✓ 日本":        "Łódź ✓ 日本",
		"a\x1b]0;x\x07b":   `a\u{1b}]0;x\u{7}b`,
		"a\nb":             `a\u{a}b`,
		"\u202eabc":        `\u{202e}abc`,
		"\u200b":           `\u{200b}`,
		"bad\xffend":       `bad\x{ff}end`,
		"real \uFFFD here": "real \uFFFD here",
		"::error::x":       `:\u{3a}error::x`,
		"a ::error::x":     `a :\u{3a}error::x`,
		"std::vector":      "std::vector",
		"x ##vso[a]":       `x #\u{23}vso[a]`,
		"###[a]":           `#\u{23}\u{23}[a]`,
		"issue #1":         "issue #1",
	} {
		if got := Safe(in); got != want {
			t.Errorf("Safe(%q) = %q, want %q", in, got, want)
		}
	}
	if got := Safe(strings.Repeat("é", 5000)); len(got) > maxText+40 || !strings.HasSuffix(got, "bytes more)") || !utf8.ValidString(got) {
		t.Errorf("a long text is not cut: %d bytes, ends %q", len(got), got[len(got)-30:])
	}
}

// TestJSONMeansTheSame reads the escaped JSON back: a reader gets the text as it was.
func TestJSONMeansTheSame(t *testing.T) {
	for _, s := range hostile() {
		if !utf8.ValidString(s) {
			continue
		}
		var back struct {
			Outcome string `json:"outcome"`
			Release struct {
				Name string `json:"name"`
			} `json:"release"`
		}
		if err := json.Unmarshal([]byte(render(t, "json", sample(s))), &back); err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		if back.Release.Name != s || back.Outcome != "block" {
			t.Errorf("name %q came back as %.80q, outcome %q", s[:min(len(s), 80)], back.Release.Name, back.Outcome)
		}
	}
}

// TestJUnitIsXML parses what was written and counts.
func TestJUnitIsXML(t *testing.T) {
	for _, s := range hostile() {
		out := render(t, "junit", sample(s))
		dec := xml.NewDecoder(strings.NewReader(out))
		elements := map[string]int{}
		for {
			tok, err := dec.Token()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("%q: %v", s, err)
			}
			if e, ok := tok.(xml.StartElement); ok {
				elements[e.Name.Local]++
			}
		}
		want := map[string]int{"testsuites": 1, "testsuite": 1, "failure": 2, "error": 1, "skipped": elements["skipped"], "system-out": 2, "testcase": elements["testcase"]}
		for name, n := range elements {
			if want[name] != n {
				t.Errorf("%q: %d elements %s, want %d", s, n, name, want[name])
			}
		}
	}
}

// TestMarkdownOnlySpans removes code spans the way CommonMark finds them; what is left is ours and has no foreign text.
func TestMarkdownOnlySpans(t *testing.T) {
	base := outsideSpans(render(t, "markdown", sample("plain text")))
	for _, s := range hostile() {
		if strings.TrimSpace(s) == "" {
			continue
		}
		if got := outsideSpans(render(t, "markdown", sample(s))); got != base {
			t.Errorf("%q: text outside code spans differs:\n%s\nwant\n%s", s, got, base)
		}
	}
}

// outsideSpans is Markdown without its code spans (CommonMark 6.1: a run of backticks, closed by an equal run).
func outsideSpans(s string) string {
	var out strings.Builder
	for i := 0; i < len(s); {
		if s[i] != '`' {
			out.WriteByte(s[i])
			i++
			continue
		}
		n := run(s[i:])
		end := -1
		for j := i + n; j < len(s); {
			if s[j] != '`' {
				j++
				continue
			}
			m := run(s[j:])
			if m == n {
				end = j + m
				break
			}
			j += m
		}
		if end < 0 {
			out.WriteString(s[i : i+n])
			i += n
			continue
		}
		if span := s[i:end]; strings.Contains(span, "\n") {
			out.WriteString("SPAN OVER LINES")
		}
		out.WriteString("CODE")
		i = end
	}
	return out.String()
}

func run(s string) int { return len(s) - len(strings.TrimLeft(s, "`")) }

func TestMarkdownTableCells(t *testing.T) {
	for _, s := range hostile() {
		for line := range strings.SplitSeq(render(t, "markdown", sample(s)), "\n") {
			if !strings.HasPrefix(line, "|") {
				continue
			}
			if n := strings.Count(line, "|"); n != 4 && n != 6 {
				t.Errorf("%q: a row with %d bars: %.200s", s, n, line)
			}
		}
	}
}

func TestMarkdownIsCut(t *testing.T) {
	d := sample("x")
	f := d.Result.Findings[0]
	f.Msg = strings.Repeat("m", maxText)
	for range 1000 {
		d.Result.Findings = append(d.Result.Findings, f)
	}
	out := render(t, "markdown", d)
	if len(out) > MaxMarkdown || !strings.HasSuffix(out, truncated) {
		t.Errorf("%d bytes, ends %q", len(out), out[len(out)-80:])
	}
	if got := TruncateMarkdown([]byte("short"), 100); string(got) != "short" {
		t.Errorf("a short text was cut: %q", got)
	}
	if got := TruncateMarkdown(bytes.Repeat([]byte("x"), 100), 10); len(got) > 10 {
		t.Errorf("no room and still %d bytes", len(got))
	}
}

// TestTextWidth holds the width for ordinary text.
func TestTextWidth(t *testing.T) {
	for line := range strings.SplitSeq(render(t, "text", sample("several words of ordinary length that go on for longer than one line of a terminal")), "\n") {
		if utf8.RuneCountInString(line) > width && !strings.Contains(line, "sha256:") && strings.Count(strings.TrimSpace(line), " ") > 0 &&
			!strings.Contains(line, "✗") && !strings.Contains(line, "●") && !strings.Contains(line, "✓") && !strings.HasPrefix(line, "    several") && !strings.Contains(line, "·") {
			t.Errorf("%d columns: %s", utf8.RuneCountInString(line), line)
		}
	}
}

func TestColour(t *testing.T) {
	d := sample("x")
	if strings.Contains(render(t, "text", d), "\x1b") {
		t.Error("colour without being asked for")
	}
	d.Colour = true
	if !strings.Contains(render(t, "text", d), "\x1b[1;31mBLOCK\x1b[0m") {
		t.Error("no colour though asked for")
	}
}

// TestZeroDocumentSaysNo renders nothing at all: every format says block.
func TestZeroDocumentSaysNo(t *testing.T) {
	for f, want := range map[string]string{"text": "BLOCK", "json": `"outcome": "block"`, "markdown": "BLOCK", "dotenv": "OUTCOME=block"} {
		out := render(t, f, Document{})
		if !strings.Contains(out, want) || strings.Contains(strings.ToLower(out), "allow") {
			t.Errorf("%s: %s", f, out)
		}
	}
	if _, err := Render("input", Document{}); err == nil {
		t.Error("an input though nothing was evaluated")
	}
	if _, err := Render("pdf", Document{}); err == nil || !strings.Contains(err.Error(), "markdown") {
		t.Errorf("unknown format: %v", err)
	}
	// A failed run without findings is still red in JUnit.
	if out := render(t, "junit", Document{Result: record.Result{ExitCode: 60}}); !strings.Contains(out, "<failure") {
		t.Errorf("junit: %s", out)
	}
}

func TestGolden(t *testing.T) {
	for name, d := range goldens() {
		for _, f := range []string{"text", "markdown", "junit", "json", "dotenv"} {
			file := filepath.Join("testdata", name+"."+f)
			got := render(t, f, d)
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("%s differs; run go test -update and read the difference:\n%s", file, got)
			}
		}
	}
}

// goldens are one document per outcome, written by hand as the engine would give them.
func goldens() map[string]Document {
	release := record.Release{Name: "payments", Version: "1.4.2", Line: "payments", Revision: "3f2a9c1d0e4b5a69788796a5b4c3d2e1f0011223",
		Subjects: []record.Subject{{Name: "payments.tar", Digest: "sha256:" + strings.Repeat("0a", 32)}}}
	rules := []record.Rule{
		{Code: "governance.delivery_mode", Title: "A person releases where the target says so", Result: "failed", Enforced: true},
		{Code: "release.sbom_present", Title: "The release has a bill of materials", Result: "passed", Enforced: true},
		{Code: "tests.required_levels", Title: "Every required test level passed on this build", Result: "passed", Enforced: true},
	}
	approval := decide.Finding{Code: "governance.delivery_mode", Effect: policy.NeedsApproval, Cause: decide.ApprovalMissing, Msg: "production is released by a person",
		Status: "open", Enforced: true, Remedy: "Ask a release manager to approve.", Controls: []string{"SOC2/CC8.1"}}
	requirement := decide.Requirement{ID: "governance.delivery_mode", Roles: []string{"release-manager"}, Count: 1, Meaning: "release", Open: 1, State: "open"}
	base := record.Result{Release: release, Target: record.Target{ID: "production", Class: "production", Trigger: "manual"}, Stage: "activate",
		EvaluatedAt: "2026-11-20T12:00:00Z", Rules: rules}

	waiting := base
	waiting.Outcome, waiting.Recommendation, waiting.ExitCode = "needs_approval", "needs_approval", 10
	waiting.Findings, waiting.Requirements = []decide.Finding{approval}, []decide.Requirement{requirement}

	allowed := base
	allowed.Outcome, allowed.Basis, allowed.Recommendation, allowed.ValidUntil = "allow", decide.Approved, "needs_approval", "2026-11-21T12:00:00Z"
	done, signed := approval, requirement
	done.Status, signed.Open, signed.Have, signed.State = "discharged", 0, 1, "met"
	signed.By = []decide.Signature{{Person: "eva", Name: "Eva Peeters", Role: "release-manager", Verdict: "approve", SignedAt: "2026-11-20T11:58:00Z", Comment: "smoke tests seen"}}
	allowed.Findings, allowed.Requirements = []decide.Finding{done}, []decide.Requirement{signed}

	blocked := base
	blocked.Outcome, blocked.Recommendation, blocked.ExitCode = "block", "block", 20
	blocked.Findings = []decide.Finding{
		{Code: "tests.coverage_floor", ID: "line", Effect: policy.Block, Cause: decide.CriterionFailed, Msg: "line coverage is below the floor", Status: "open", Enforced: true,
			Observed: "71.4 %", Expected: "at least 80 %", Place: "coverage.xml", Remedy: "Add tests for what is not covered, or lower the floor in the signed gate definition."},
		{Code: "security.vuln_threshold", Effect: policy.Block, Cause: decide.EvidenceMissing, Msg: "no counted item of kind scan", Status: "open", Enforced: true},
	}
	record := Record{Path: "payments.sigstore.json", Digest: "sha256:" + strings.Repeat("cd", 32)}
	log := Log{Logged: true, Index: 7, Checkpoint: "cdgate\n8\n"}
	return map[string]Document{
		"allow": {Result: allowed, Record: record, Log: log, Next: []string{"cdgate verify payments.sigstore.json --target production"}},
		"needs_approval": {Result: waiting, Record: record, Log: log, Signers: map[string][]string{"governance.delivery_mode": {"Eva Peeters", "Sam Smit"}},
			Next: []string{"cdgate approve payments@1.4.2 --target production --key YOUR.key"}},
		"block": {Result: blocked, Record: record, Log: log, Notes: []string{"The root key of the gate definition is vouched for by this checkout only."}},
	}
}
