package formats

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cdgate.dev/cdgate/evidence"
)

// fuzz feeds changed samples to the reader of one format. It must not panic or write anything but valid rows, read the
// same bytes in the same way twice, and never call a run OK that counts a failure.
func fuzz(f *testing.F, name string) {
	var format evidence.Format
	for _, candidate := range All() {
		if candidate.Name == name {
			format = candidate
		}
	}
	if format.Read == nil {
		f.Fatalf("no format %s", name)
	}
	seed(f, format)
	f.Fuzz(func(t *testing.T, b []byte) {
		read := func() (evidence.Report, []byte, error) {
			var out bytes.Buffer
			rows := evidence.NewRows(&out, format.Kind)
			r, err := format.Read(bytes.NewReader(b), rows)
			if err == nil {
				err = rows.Close()
			}
			return r, out.Bytes(), err
		}
		r, rows, err := read()
		if err != nil {
			return
		}
		if len(rows) > 100*len(b)+10_000 {
			t.Fatalf("%d bytes of rows from a report of %d", len(rows), len(b))
		}
		checkRows(t, format, r, rows)
		checkSums(t, r)
		r2, rows2, err := read()
		if err != nil || !bytes.Equal(rows, rows2) || len(r.Warnings.List()) != len(r2.Warnings.List()) {
			t.Fatalf("read twice, two results: %v", err)
		}
		inspect(b) // must not panic either
	})
}

// maxSeed is how large a seed may be: large ones make the fuzzer slow and teach it nothing more.
const maxSeed = 64 << 10

// seed adds the samples of a format, and its reports of the corpus where that is beside the repository.
func seed(f *testing.F, format evidence.Format) {
	files, err := os.ReadDir(sampleDir(format))
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		if b, err := os.ReadFile(filepath.Join(sampleDir(format), file.Name())); err == nil && file.Name() != "want.json" {
			f.Add(b)
		}
	}
	if _, err := os.Stat(filepath.Join(corpusDir(), "MANIFEST.json")); err != nil {
		return
	}
	dir, reports := corpus(f)
	for _, report := range reports {
		if b, err := os.ReadFile(filepath.Join(dir, report.Path)); err == nil && report.Format == format.Name && len(b) <= maxSeed {
			f.Add(b)
		}
	}
}

// checkSums checks what must hold for every report.
func checkSums(t *testing.T, r evidence.Report) {
	t.Helper()
	if s := r.Summary.Tests; s != nil {
		if s.Passed+s.Failed+s.Errored+s.Skipped+s.Other != s.Total || s.DurationMillis < 0 || s.Flaky > s.Passed {
			t.Fatalf("sums of %+v", s)
		}
		if s.OK && (s.Total == 0 || s.Failed > 0 || s.Errored > 0 || s.Problems > 0 || !s.Complete) {
			t.Fatalf("OK in spite of %+v", s)
		}
	}
	if s := r.Summary.Coverage; s != nil {
		for _, q := range []evidence.Ratio{s.Line, s.Branch, s.Statement, s.Function, s.Instruction} {
			if q.Covered < 0 || q.Covered > q.Total || q.Percent > 1_000_000 || q.Measured != (q.Total > 0) || q.Percent == 1_000_000 && q.Covered < q.Total {
				t.Fatalf("ratio %+v", q)
			}
		}
	}
	if s := r.Summary.Scan; s != nil {
		v := s.BySeverity
		if v.Critical+v.High+v.Medium+v.Low+v.Info+v.Unknown != s.Open {
			t.Fatalf("sums of %+v", s)
		}
		if (!s.Complete || !s.Looked) && !serious(r) {
			t.Fatalf("no warning about %+v", s)
		}
	}
}

func FuzzJUnit(f *testing.F)         { fuzz(f, "junit") }
func FuzzGoTest(f *testing.F)        { fuzz(f, "gotest") }
func FuzzGoCover(f *testing.F)       { fuzz(f, "gocover") }
func FuzzCobertura(f *testing.F)     { fuzz(f, "cobertura") }
func FuzzSARIF(f *testing.F)         { fuzz(f, "sarif") }
func FuzzTrivy(f *testing.F)         { fuzz(f, "trivy") }
func FuzzCycloneDXJSON(f *testing.F) { fuzz(f, "cyclonedx-json") }
func FuzzSPDXJSON(f *testing.F)      { fuzz(f, "spdx-json") }

func FuzzTAP(f *testing.F)               { fuzz(f, "tap") }
func FuzzTRX(f *testing.F)               { fuzz(f, "trx") }
func FuzzNUnit3(f *testing.F)            { fuzz(f, "nunit3") }
func FuzzNUnit2(f *testing.F)            { fuzz(f, "nunit2") }
func FuzzXUnit2(f *testing.F)            { fuzz(f, "xunit2") }
func FuzzCTRF(f *testing.F)              { fuzz(f, "ctrf") }
func FuzzCucumber(f *testing.F)          { fuzz(f, "cucumber") }
func FuzzRobot(f *testing.F)             { fuzz(f, "robot") }
func FuzzJaCoCo(f *testing.F)            { fuzz(f, "jacoco") }
func FuzzLCOV(f *testing.F)              { fuzz(f, "lcov") }
func FuzzClover(f *testing.F)            { fuzz(f, "clover") }
func FuzzGrype(f *testing.F)             { fuzz(f, "grype") }
func FuzzNPMAudit(f *testing.F)          { fuzz(f, "npm-audit") }
func FuzzGitleaks(f *testing.F)          { fuzz(f, "gitleaks") }
func FuzzGosec(f *testing.F)             { fuzz(f, "gosec") }
func FuzzBandit(f *testing.F)            { fuzz(f, "bandit") }
func FuzzSemgrep(f *testing.F)           { fuzz(f, "semgrep") }
func FuzzCheckov(f *testing.F)           { fuzz(f, "checkov") }
func FuzzSnyk(f *testing.F)              { fuzz(f, "snyk") }
func FuzzOSVScanner(f *testing.F)        { fuzz(f, "osv-scanner") }
func FuzzGovulncheck(f *testing.F)       { fuzz(f, "govulncheck") }
func FuzzDependencyCheck(f *testing.F)   { fuzz(f, "dependency-check") }
func FuzzZAP(f *testing.F)               { fuzz(f, "zap") }
func FuzzClair(f *testing.F)             { fuzz(f, "clair") }
func FuzzCycloneDXXML(f *testing.F)      { fuzz(f, "cyclonedx-xml") }
func FuzzSPDXTagValue(f *testing.F)      { fuzz(f, "spdx-tag-value") }
func FuzzSPDX3JSON(f *testing.F)         { fuzz(f, "spdx3-json") }
func FuzzOpenVEX(f *testing.F)           { fuzz(f, "openvex") }
func FuzzCSAF(f *testing.F)              { fuzz(f, "csaf") }
func FuzzCycloneDXVEX(f *testing.F)      { fuzz(f, "cyclonedx-vex") }
func FuzzGitHubReviews(f *testing.F)     { fuzz(f, "github-reviews") }
func FuzzGitLabApprovals(f *testing.F)   { fuzz(f, "gitlab-approvals") }
func FuzzJiraIssue(f *testing.F)         { fuzz(f, "jira-issue") }
func FuzzJSMApproval(f *testing.F)       { fuzz(f, "jsm-approval") }
func FuzzServiceNowChange(f *testing.F)  { fuzz(f, "servicenow-change") }
func FuzzGitHubDeployments(f *testing.F) { fuzz(f, "github-deployments") }
func FuzzGitHubChecks(f *testing.F)      { fuzz(f, "github-checks") }

func FuzzCommand(f *testing.F)            { fuzz(f, "command") }
func FuzzGit(f *testing.F)                { fuzz(f, "git") }
func FuzzCIRun(f *testing.F)              { fuzz(f, "ci-run") }
func FuzzManualTest(f *testing.F)         { fuzz(f, "manual-test") }
func FuzzDemo(f *testing.F)               { fuzz(f, "demo") }
func FuzzChecklist(f *testing.F)          { fuzz(f, "checklist") }
func FuzzCustomerAcceptance(f *testing.F) { fuzz(f, "customer-acceptance") }

func FuzzPrometheus(f *testing.F) { fuzz(f, "prometheus") }
func FuzzK6(f *testing.F)         { fuzz(f, "k6") }
func FuzzJMeter(f *testing.F)     { fuzz(f, "jmeter") }
func FuzzGatling(f *testing.F)    { fuzz(f, "gatling") }
func FuzzLocust(f *testing.F)     { fuzz(f, "locust") }
func FuzzOpenSLO(f *testing.F)    { fuzz(f, "openslo") }
func FuzzKayenta(f *testing.F)    { fuzz(f, "kayenta") }

// TestEveryFormatIsFuzzed fails until a format in the list has a fuzz target.
func TestEveryFormatIsFuzzed(t *testing.T) {
	b, err := os.ReadFile("fuzz_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range All() {
		if !strings.Contains(string(b), `fuzz(f, "`+f.Name+`")`) {
			t.Errorf("format %s has no fuzz target", f.Name)
		}
	}
}

// TestCutNeverPasses cuts every sample of tests that are not OK at every byte: no piece of it may be read as a run that
// is OK, unless what it still shows are passes and it is a complete report by its own format.
func TestCutNeverPasses(t *testing.T) {
	for _, f := range All() {
		if f.Kind != evidence.Tests {
			continue
		}
		for name, w := range samples(t, f) {
			if w.Error != "" || w.Unrecognised {
				continue
			}
			b, err := os.ReadFile(filepath.Join(sampleDir(f), name))
			if err != nil {
				t.Fatal(err)
			}
			for i := range b[:len(b)-1] {
				if strings.TrimSpace(string(b[i:])) == "" {
					break
				}
				_, r, _, err := readAll(b[:i])
				if err == nil && r.Summary.Tests != nil && r.Summary.Tests.OK {
					t.Errorf("%s %s cut after %d bytes is OK: %+v", f.Name, name, i, r.Summary.Tests)
				}
			}
		}
	}
}

// TestDeletionNeverPasses deletes every byte of the good samples of runs that are not OK: what is left must not be read as
// a run that is OK without a word.
func TestDeletionNeverPasses(t *testing.T) {
	for _, f := range All() {
		if f.Kind != evidence.Tests {
			continue
		}
		for name := range samples(t, f) {
			b, err := os.ReadFile(filepath.Join(sampleDir(f), name))
			if err != nil {
				t.Fatal(err)
			}
			_, r, _, err := readAll(b)
			if err != nil || r.Summary.Tests == nil || r.Summary.Tests.OK || !strings.HasPrefix(name, "good-") {
				continue
			}
			for i := range b {
				got, r, _, err := readAll(append(append([]byte{}, b[:i]...), b[i+1:]...))
				if err == nil && got.Name == f.Name && r.Summary.Tests.OK && len(r.Warnings.List()) == 0 {
					t.Errorf("%s %s without byte %d (%q) is OK: %+v", f.Name, name, i, b[i], r.Summary.Tests)
				}
			}
		}
	}
}
