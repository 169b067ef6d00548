package formats

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"cdgate.dev/cdgate/evidence"
)

// corpusFile is one entry of the corpus manifest.
type corpusFile struct {
	Path, Kind, Format, SHA256, Why, Note string
	AlsoRight                             string `json:"also_right"`
	Expect                                json.RawMessage
}

// corpus finds the report corpus beside the repository, or skips loudly.
func corpus(t testing.TB) (dir string, files []corpusFile) {
	t.Helper()
	dir = os.Getenv("CDGATE_CORPUS")
	if dir == "" {
		_, here, _, _ := runtime.Caller(0)
		dir = filepath.Join(filepath.Dir(here), "..", "..", "..", "shared", "corpus")
	}
	b, err := os.ReadFile(filepath.Join(dir, "MANIFEST.json"))
	if err != nil {
		t.Skipf("THE CORPUS IS NOT HERE: no report of other people's tools was read. Set CDGATE_CORPUS to its folder. (%v)", err)
	}
	var m struct{ Files []corpusFile }
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	return dir, m.Files
}

// readAll reads a report and returns its rows too.
func readAll(b []byte) (evidence.Format, evidence.Report, []byte, error) {
	var rows bytes.Buffer
	f, r, err := Read(bytes.NewReader(b), "", &rows)
	return f, r, rows.Bytes(), err
}

// serious reports whether a report warns of something that makes it prove less than it seems to.
func serious(r evidence.Report) bool {
	return slices.ContainsFunc(r.Warnings.List(), func(w evidence.Warning) bool { return evidence.Serious(w.Code) })
}

// TestCorpus reads every report of the corpus in a format that is known and compares what is found with the manifest.
func TestCorpus(t *testing.T) {
	dir, files := corpus(t)
	known := map[string]bool{}
	for _, f := range All() {
		known[f.Name] = true
	}
	read := map[string]int{}
	for _, file := range files {
		if file.Kind == "malformed" || !known[file.Format] {
			continue
		}
		read[file.Format]++
		t.Run(file.Path, func(t *testing.T) {
			b, err := os.ReadFile(filepath.Join(dir, file.Path))
			if err != nil {
				t.Fatal(err)
			}
			if sum := sha256.Sum256(b); hex.EncodeToString(sum[:]) != file.SHA256 {
				t.Fatal("the file was changed: its checksum differs from the manifest")
			}
			var want map[string]any
			if err := json.Unmarshal(file.Expect, &want); err != nil {
				t.Fatal(err)
			}
			checkCorpusFile(t, file, b, want)
		})
	}
	t.Logf("reports read by format: %v", read)
}

func checkCorpusFile(t *testing.T, file corpusFile, b []byte, want map[string]any) {
	f, r, rows, err := readAll(b)
	if want["verdict"] == "error" && err == nil && file.AlsoRight == "" {
		t.Fatalf("was read as %s, want an error: %s", f.Name, file.Note)
	}
	if err != nil {
		if want["verdict"] != "error" && file.AlsoRight != "error" {
			t.Fatal(err)
		}
		t.Logf("refused as it should be: %v", err)
		return
	}
	if f.Name != file.Format {
		t.Fatalf("recognised as %s, want %s", f.Name, file.Format)
	}
	if want["verdict"] == "warning" && !serious(r) {
		t.Errorf("no warning, want one: %s; found %v", file.Note, r.Warnings.List())
	}
	checkRows(t, f, r, rows)
	got := found(r)
	want["other"] = extra(want)
	if f.Name == "jacoco" || f.Name == "clover" {
		delete(want, "declared_disagrees")
	}
	if f.Name == "robot" || f.Name == "trx" || f.Name == "nunit3" {
		delete(got, "suite_level_problems")
	}
	for key, w := range want {
		if list, ok := w.([]any); ok && key == "format_version" && len(list) == 1 {
			w = list[0]
		}
		g, ok := got[key]
		if !ok {
			continue
		}
		if !equal(g, w) {
			t.Errorf("%s = %v, want %v (%s)", key, g, w, file.Note)
		}
	}
	if d, ok := want["declared_disagrees"].([]any); ok {
		checkDisagreements(t, r, d)
	}
}

// checkDisagreements compares the names of the root's attributes that do not fit with the warnings about them.
func checkDisagreements(t *testing.T, r evidence.Report, want []any) {
	for _, name := range want {
		if !slices.ContainsFunc(r.Warnings.List(), func(w evidence.Warning) bool {
			return w.Code == string(evidence.CountsDisagree) && strings.Contains(w.Msg, " says "+name.(string)+"=")
		}) {
			t.Errorf("no warning that %s disagrees; found %v", name, r.Warnings.List())
		}
	}
	if len(want) == 0 && r.Summary.Coverage != nil && r.Warnings.Count(evidence.CountsDisagree) > 0 {
		t.Errorf("warnings about totals that agree: %v", r.Warnings.List())
	}
}

// extra adds up the buckets that only some formats of tests have; here they are one.
func extra(want map[string]any) any {
	sum := 0.0
	for _, name := range []string{"other", "todo", "undefined", "pending", "inconclusive", "warning", "empty"} {
		if n, ok := want[name].(float64); ok {
			sum += n
		}
	}
	return sum
}

// found puts what a reader found under the names of the manifest.
func found(r evidence.Report) map[string]any {
	m := map[string]any{}
	switch s := r.Summary; {
	case s.Tests != nil:
		m["total"], m["passed"], m["failed"], m["errored"], m["skipped"] = s.Tests.Total, s.Tests.Passed, s.Tests.Failed, s.Tests.Errored, s.Tests.Skipped
		m["other"] = s.Tests.Other
		m["flaky"], m["gate_ok"] = s.Tests.Flaky, s.Tests.OK
		m["suite_level_problems"] = s.Tests.Problems
		m["packages_failed_without_failed_test"] = s.Tests.Problems
		m["non_json_lines"] = int64(r.Warnings.Count(evidence.UnreadableLines))
		m["duration_s"] = seconds(s.Tests.DurationMillis)
	case s.Coverage != nil:
		ratio := func(prefix, pct string, q evidence.Ratio) {
			m[prefix+"_total"], m[prefix+"_covered"] = q.Total, q.Covered
			m[pct] = any(nil)
			if q.Measured {
				m[pct] = float64(q.Percent) / 1e4
			}
		}
		ratio("lines", "line_pct", s.Coverage.Line)
		ratio("branches", "branch_pct", s.Coverage.Branch)
		ratio("statements", "statement_pct", s.Coverage.Statement)
		ratio("methods", "method_pct", s.Coverage.Function)
		ratio("instructions", "instruction_pct", s.Coverage.Instruction)
		m["files"] = s.Coverage.Files
	case s.Scan != nil:
		m["suppressed"] = s.Scan.Suppressed
		m["findings_total"] = s.Scan.Open
		v := s.Scan.BySeverity
		m["by_severity"] = map[string]any{"critical": v.Critical, "high": v.High, "medium": v.Medium, "low": v.Low, "info": v.Info, "unknown": v.Unknown}
		m["suppressions_not_accepted"] = int64(r.Warnings.Count(evidence.NotAccepted))
		m["results_without_rule"] = int64(r.Warnings.Count(evidence.UnknownRule))
		if r.Tool.Version != "" {
			m["tool_version"] = r.Tool.Version
		}
	case s.SBOM != nil:
		m["components"], m["services"], m["components_with_licence"] = s.SBOM.Components, s.SBOM.Services, s.SBOM.WithLicence
		m["components_without_version"], m["components_with_purl"] = s.SBOM.WithoutVersion, s.SBOM.WithPURL
		m["format_version"], m["dependencies"], m["relationships"] = s.SBOM.SpecVersion, s.SBOM.Dependencies, s.SBOM.Dependencies
	}
	return m
}

// seconds is a duration that is compared to the millisecond.
type seconds int64

// equal compares a number that was found with one of the manifest, by the manifest's tolerance.
func equal(got, want any) bool {
	switch g := got.(type) {
	case int64:
		w, ok := want.(float64)
		return ok && float64(g) == w
	case float64:
		w, ok := want.(float64)
		return ok && math.Abs(g-w) < 0.00011
	case seconds:
		w, ok := want.(float64)
		return ok && math.Abs(float64(g)/1000-w) <= 0.00051
	case map[string]any:
		w, ok := want.(map[string]any)
		for k := range g {
			if !ok || !equal(g[k], w[k]) {
				return false
			}
		}
		return ok
	}
	return fmt.Sprint(got) == fmt.Sprint(want)
}

// checkRows checks that the rows are one JSON document of the right shape that adds up to the summary.
func checkRows(t *testing.T, f evidence.Format, r evidence.Report, rows []byte) {
	t.Helper()
	var doc struct {
		Cases      []evidence.TestCase
		Files      []evidence.CoverageFile
		Findings   []evidence.ScanFinding
		Components []evidence.Component
	}
	dec := json.NewDecoder(bytes.NewReader(rows))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&doc); err != nil {
		t.Fatalf("rows are no JSON of their shape: %v", err)
	}
	switch s := r.Summary; f.Kind {
	case evidence.Tests:
		count := map[string]int64{}
		for _, c := range doc.Cases {
			count[c.Status]++
		}
		if count["passed"] != s.Tests.Passed || count["failed"] != s.Tests.Failed || count["errored"] != s.Tests.Errored ||
			count["skipped"] != s.Tests.Skipped || count["other"] != s.Tests.Other || int64(len(doc.Cases)) != s.Tests.Total {
			t.Errorf("rows give %v, summary %+v", count, s.Tests)
		}
	case evidence.Coverage:
		if f.Name == "jacoco" {
			break // its sums are those of the report element
		}
		var line, branch, statement int64
		for _, c := range doc.Files {
			line, branch, statement = line+c.Line.Total, branch+c.Branch.Total, statement+c.Statement.Total
		}
		if int64(len(doc.Files)) != s.Coverage.Files || line != s.Coverage.Line.Total || branch != s.Coverage.Branch.Total && f.Name != "clover" {
			t.Errorf("rows give %d files, %d lines, %d branches, summary %+v", len(doc.Files), line, branch, s.Coverage)
		}
	case evidence.Scan:
		count := map[string]int64{}
		for _, c := range doc.Findings {
			if c.Status == "open" {
				count[c.Severity]++
			}
			count[c.Status]++
		}
		if count["open"] != s.Scan.Open || count["suppressed"] != s.Scan.Suppressed || count["critical"] != s.Scan.BySeverity.Critical ||
			count["unknown"] != s.Scan.BySeverity.Unknown {
			t.Errorf("rows give %v, summary %+v", count, s.Scan)
		}
	case evidence.SBOM:
		if int64(len(doc.Components)) != s.SBOM.Components {
			t.Errorf("%d rows, summary %+v", len(doc.Components), s.SBOM)
		}
	}
}

// TestMalformed reads the broken and hostile inputs: each gets its verdict, quickly and in little memory.
func TestMalformed(t *testing.T) {
	dir, files := corpus(t)
	known := map[string]bool{}
	for _, f := range All() {
		known[f.Name] = true
	}
	for _, file := range files {
		if file.Kind != "malformed" || strings.HasSuffix(file.Path, ".gz") {
			continue // package collect unpacks
		}
		t.Run(filepath.Base(file.Path), func(t *testing.T) {
			b, err := os.ReadFile(filepath.Join(dir, file.Path))
			if err != nil {
				t.Fatal(err)
			}
			var want string
			if err := json.Unmarshal(file.Expect, &want); err != nil {
				t.Fatal(err)
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			f, r, _, err := readAll(b)
			runtime.ReadMemStats(&after)
			if d := time.Since(start); d > 2*time.Second {
				t.Errorf("took %v", d)
			}
			if n := after.TotalAlloc - before.TotalAlloc; n > 256<<20 {
				t.Errorf("used %d bytes", n)
			}
			got := "ok"
			if err != nil {
				got = "error"
			} else if len(r.Warnings.List()) > 0 {
				got = "warning"
			}
			t.Logf("%s %s %v %v", f.Name, got, err, r.Warnings.List())
			if got != want && got != file.AlsoRight && !(want == "warning" && !known[file.Format] && got == "error") {
				t.Errorf("%s, want %s: %s", got, want, file.Why)
			}
		})
	}
}
