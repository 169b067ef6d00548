// Package formats lists every report format, recognises a report by its content, and reads it.
package formats

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/attestation"
	"cdgate.dev/cdgate/evidence/change"
	"cdgate.dev/cdgate/evidence/check"
	"cdgate.dev/cdgate/evidence/coverage"
	"cdgate.dev/cdgate/evidence/deployment"
	"cdgate.dev/cdgate/evidence/form"
	"cdgate.dev/cdgate/evidence/metrics"
	"cdgate.dev/cdgate/evidence/objective"
	"cdgate.dev/cdgate/evidence/review"
	"cdgate.dev/cdgate/evidence/run"
	"cdgate.dev/cdgate/evidence/sbom"
	"cdgate.dev/cdgate/evidence/scan"
	"cdgate.dev/cdgate/evidence/source"
	"cdgate.dev/cdgate/evidence/tests"
	"cdgate.dev/cdgate/evidence/vex"
)

// All returns every format, in the order of the table in evidence/README.md. To add a format is to add its line here.
func All() []evidence.Format {
	return []evidence.Format{
		tests.JUnit(),
		tests.GoTest(),
		tests.TAP(),
		tests.TRX(),
		tests.NUnit3(),
		tests.NUnit2(),
		tests.XUnit2(),
		tests.CTRF(),
		tests.Cucumber(),
		tests.Robot(),
		tests.InToto(),
		coverage.GoCover(),
		coverage.Cobertura(),
		coverage.JaCoCo(),
		coverage.LCOV(),
		coverage.Clover(),
		scan.SARIF(),
		scan.Trivy(),
		scan.Grype(),
		scan.NPMAudit(),
		scan.Gitleaks(),
		scan.Gosec(),
		scan.Bandit(),
		scan.Semgrep(),
		scan.Checkov(),
		scan.Snyk(),
		scan.OSVScanner(),
		scan.Govulncheck(),
		scan.DependencyCheck(),
		scan.ZAP(),
		scan.Clair(),
		scan.Hadolint(),
		sbom.CycloneDXJSON(),
		sbom.CycloneDXXML(),
		sbom.SPDXJSON(),
		sbom.SPDXTagValue(),
		sbom.SPDX3JSON(),
		metrics.Prometheus(),
		metrics.K6(),
		metrics.JMeter(),
		metrics.Gatling(),
		metrics.Locust(),
		objective.OpenSLO(),
		objective.Kayenta(),
		vex.OpenVEX(),
		vex.CSAF(),
		vex.CycloneDX(),
		review.GitHubReviews(),
		review.GitLabApprovals(),
		change.JiraIssue(),
		change.JSMApproval(),
		change.ServiceNowChange(),
		deployment.GitHubDeployments(),
		check.GitHubChecks(),
		check.Command(),
		source.Git(),
		run.CIRun(),
		form.ManualTest(),
		form.Demo(),
		form.Checklist(),
		form.CustomerAcceptance(),
		attestation.Provenance02(),
		attestation.Provenance1(),
		attestation.VerificationSummary(),
	}
}

// ErrUnknown says that no format matches a report.
var ErrUnknown = errors.New("no known report format")

// ErrAmbiguous says that several formats match a report.
var ErrAmbiguous = errors.New("more than one report format")

// Recognise returns the one format that a report starting with head is in. kind, if not empty, leaves only formats of
// that kind to choose from, and lets those read it that could not tell without. Errors wrap ErrUnknown or ErrAmbiguous and say what to do.
func Recognise(head []byte, kind evidence.Kind) (evidence.Format, error) {
	h := inspect(head)
	var found, others, named []evidence.Format
	for _, f := range All() {
		switch {
		case !f.Match(h):
			if f.Kind == kind && f.MatchNamed != nil && f.MatchNamed(h) {
				named = append(named, f)
			}
		case kind != "" && f.Kind != kind:
			others = append(others, f)
		default:
			found = append(found, f)
		}
	}
	if len(found) == 0 {
		found = named
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return evidence.Format{}, fmt.Errorf("%w: it could be %s; %s", ErrAmbiguous, names(found), choose(found))
	case len(others) > 0:
		return evidence.Format{}, fmt.Errorf("%w of kind %s: it is %s, which is kind %s; name it as %s:PATH or without a kind",
			ErrUnknown, kind, names(others), others[0].Kind, others[0].Kind)
	}
	if kind != "" {
		return evidence.Format{}, fmt.Errorf("%w of kind %s: %s", ErrUnknown, kind, describe(h, "known are "+names(ofKind(kind))))
	}
	return evidence.Format{}, fmt.Errorf("%w: %s", ErrUnknown,
		describe(h, fmt.Sprintf("evidence/README.md lists the %d known ones; one of a kind of your own is named KIND:PATH", len(All()))))
}

// choose says what helps when a report could be any of these.
func choose(found []evidence.Format) string {
	var kinds []string
	for _, f := range found {
		if k := string(f.Kind) + ":PATH"; !slices.Contains(kinds, k) {
			kinds = append(kinds, k)
		}
	}
	if len(kinds) == 1 {
		return "have the tool write a report of one format, which has no members of the other"
	}
	return "say which: " + strings.Join(kinds, " or ")
}

// ofKind lists the formats of a kind.
func ofKind(kind evidence.Kind) []evidence.Format {
	return slices.DeleteFunc(All(), func(f evidence.Format) bool { return f.Kind != kind })
}

// names lists the titles of formats.
func names(list []evidence.Format) string {
	var out []string
	for _, f := range list {
		out = append(out, f.Title)
	}
	return strings.Join(out, ", ")
}

// describe says what an unknown report looks like, with advice where it may be a report at all.
func describe(h evidence.Head, advice string) string {
	trimmed := bytes.TrimLeft(h.Bytes, " \t\r\n")
	switch {
	case len(trimmed) == 0:
		return "it is empty: was the tool that writes it run?"
	case strings.EqualFold(h.Root, "html"), bytes.HasPrefix(bytes.ToLower(trimmed[:min(len(trimmed), 14)]), []byte("<!doctype html")):
		return "it is a web page: a download may have ended at a login page"
	case h.Syntax == evidence.XML:
		return fmt.Sprintf("it is XML with root element <%s>; %s", clip(h.Root), advice)
	case isBundle(h):
		return "it is a Sigstore bundle that signs a file and states nothing about it"
	case h.Syntax == evidence.JSON && h.Has("_type", "predicateType"):
		return "it is an in-toto statement that nobody signed; collect it with its signature (a Sigstore bundle or a DSSE envelope)"
	case h.Syntax == evidence.JSON:
		return "it is JSON with " + topMembers(h) + "; " + advice
	case trimmed[0] == '<':
		return fmt.Sprintf("it starts like XML, and its first tag is broken or longer than %d KiB; %s", evidence.HeadBytes>>10, advice)
	case bytes.IndexByte(h.Bytes, 0) >= 0:
		return "it is binary data; " + advice
	}
	return "it is text; " + advice
}

func topMembers(h evidence.Head) string {
	var list []string
	for p := range h.Paths {
		if p != "" && !strings.ContainsAny(strings.TrimPrefix(p, "[]."), ".[") {
			list = append(list, fmt.Sprintf("%q", clip(p)))
		}
	}
	if len(list) == 0 {
		return "no members that tell"
	}
	slices.Sort(list)
	return "members " + strings.Join(list[:min(len(list), 8)], ", ")
}

func clip(s string) string {
	if len(s) > 40 {
		return strings.ToValidUTF8(s[:40], "") + "…"
	}
	return s
}

// Read recognises the report that r holds and reads it to its last byte. Rows are written to w as one JSON document.
// The format is returned whenever it was recognised.
func Read(r io.Reader, kind evidence.Kind, w io.Writer) (evidence.Format, evidence.Report, error) {
	buffered := bufio.NewReaderSize(r, evidence.HeadBytes)
	head, err := buffered.Peek(evidence.HeadBytes)
	if err != nil && err != io.EOF {
		return evidence.Format{}, evidence.Report{}, fmt.Errorf("read report: %w", err)
	}
	f, err := Recognise(head, kind)
	if err != nil {
		return evidence.Format{}, evidence.Report{}, err
	}
	if isUTF16(head) {
		return f, evidence.Report{}, fmt.Errorf("read %s: the report is UTF-16; write it as UTF-8", f.Title)
	}
	if bytes.HasPrefix(head, []byte("\xEF\xBB\xBF")) {
		_, _ = buffered.Discard(3) // just peeked at
	}
	rows := evidence.NewRows(w, f.Kind)
	report, err := f.Read(buffered, rows)
	if err != nil {
		return f, evidence.Report{}, fmt.Errorf("read %s: %w", f.Title, err)
	}
	if err := rows.Close(); err != nil {
		return f, evidence.Report{}, err
	}
	if n, err := io.Copy(io.Discard, buffered); err != nil {
		return f, evidence.Report{}, fmt.Errorf("read %s: %w", f.Title, err)
	} else if n > 0 {
		return f, evidence.Report{}, fmt.Errorf("read %s: %d bytes after its end", f.Title, n)
	}
	return f, report, nil
}
