package formats

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"testing"

	"cdgate.dev/cdgate/evidence"
)

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

// kindTest holds what the tests need to know of a kind.
type kindTest struct {
	// found puts what a reader found under the names of the manifest.
	found func(t *testing.T, r evidence.Report, rows []byte) map[string]any
	// check checks that the rows are of the right shape and add up to the summary.
	check func(t *testing.T, r evidence.Report, rows []byte)
}

// kindTests are those of the kinds that have a file of their own here.
var kindTests = map[evidence.Kind]kindTest{}

// rowsOf reads rows strictly.
func rowsOf[Row any](t *testing.T, kind evidence.Kind, rows []byte) []Row {
	t.Helper()
	shape, _ := evidence.ShapeOf(kind)
	var doc map[string][]Row
	dec := json.NewDecoder(bytes.NewReader(rows))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&doc); err != nil || len(doc) != 1 || doc[shape.Rows] == nil {
		t.Fatalf("rows are no JSON of their shape: %v", err)
	}
	return doc[shape.Rows]
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

// micro is a number that is compared to six places.
type micro float64

// equal compares a number that was found with one of the manifest, by the manifest's tolerance.
func equal(got, want any) bool {
	switch g := got.(type) {
	case int64:
		w, ok := want.(float64)
		return ok && float64(g) == w
	case float64:
		w, ok := want.(float64)
		return ok && math.Abs(g-w) < 0.00011
	case micro:
		w, ok := want.(float64)
		return ok && math.Abs(float64(g)-w) < 0.00000051
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
	if own, ok := kindTests[f.Kind]; ok {
		own.check(t, r, rows)
		return
	}
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
