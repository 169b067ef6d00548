package main

import (
	"reflect"
	"testing"

	"cdgate.dev/cdgate/evidence"
)

// TestSummaryWords: the line that a person sees of a report, one of each kind and the odd ones.
func TestSummaryWords(t *testing.T) {
	measured := func(d evidence.Decimal) evidence.Measure { return evidence.Measure{Value: d, Measured: true} }
	seen := map[reflect.Type]bool{}
	for _, tt := range []struct {
		in   evidence.Summary
		want string
	}{
		{evidence.Summary{Tests: &evidence.TestsSummary{Total: 3, Failed: 1, Other: 1, Complete: true}}, "3 tests: 1 failed, 1 other"},
		{evidence.Summary{Tests: &evidence.TestsSummary{Total: 1}}, "1 test, incomplete"},
		{evidence.Summary{Coverage: &evidence.CoverageSummary{Line: evidence.RatioOf(9, 10), Files: 1}}, "90% of 10 lines"},
		{evidence.Summary{Coverage: &evidence.CoverageSummary{}}, "nothing measured"},
		{evidence.Summary{Scan: &evidence.ScanSummary{Open: 2, BySeverity: evidence.Severities{High: 2}, Complete: true}}, "2 open: 2 high"},
		{evidence.Summary{SBOM: &evidence.SBOMSummary{Components: 12, Complete: true}}, "12 components"},
		{evidence.Summary{VEX: &evidence.VEXSummary{Statements: 6, Affected: 5, NotAffected: 1, Complete: true}}, "6 statements: 5 affected, 1 not affected"},
		{evidence.Summary{VEX: &evidence.VEXSummary{}}, "0 statements, incomplete"},
		{evidence.Summary{Metrics: &evidence.MetricsSummary{Series: 1, Samples: 57, Errors: 3, ErrorRatio: evidence.RatioOf(11, 200), P95: measured("201"), Unit: "ms",
			Verdict: "failed", Thresholds: 6, Breached: []string{"p(95)<200"}, Complete: true}}, "57 samples in 1 series, 5.5 % errors, p95 201 ms, 1 of 6 thresholds breached"},
		{evidence.Summary{Metrics: &evidence.MetricsSummary{Series: 2, Samples: 1, NoData: 1, P95: measured("0.5"), Verdict: "none", Complete: true}}, "1 sample in 2 series, p95 0.5, 1 without data"},
		{evidence.Summary{Metrics: &evidence.MetricsSummary{Series: 3, Firing: 2, Verdict: "passed"}}, "3 series, 2 firing, passed, incomplete"},
		{evidence.Summary{Objective: &evidence.ObjectiveSummary{Objectives: 3, Critical: 1, Complete: true}}, "3 objectives: 1 critical"},
		{evidence.Summary{Review: &evidence.ReviewSummary{Approvals: 2, Required: 2, RequiredKnown: true, Approved: true, Complete: true}}, "2 approvals of 2 wanted, approved"},
		{evidence.Summary{Review: &evidence.ReviewSummary{Approvals: 1, ChangesRequested: 1, Complete: true}}, "1 approval, 1 asking for changes, not approved"},
		{evidence.Summary{Change: &evidence.ChangeSummary{Tickets: 2, Approved: 1, OnHold: 1, Complete: true}}, "2 tickets, 0 done: 1 approved, 1 on hold"},
		{evidence.Summary{Deployment: &evidence.DeploymentSummary{Deployments: 2, Latest: "in_progress", Complete: true}}, "2 deployments, the latest in progress"},
		{evidence.Summary{Check: &evidence.CheckSummary{Checks: 3, Passed: 2, Failed: 1, Complete: true}}, "3 checks: 2 passed, 1 failed"},
		{evidence.Summary{Source: &evidence.SourceSummary{Revision: "0123456789abcdef0123", Base: "f", Commits: 3, Files: 1, Contributors: make([]evidence.Contributor, 2), Signature: "good", Clean: true, Complete: true}},
			"0123456789ab, 3 commits with 1 changed file, 2 contributors, signature: good"},
		{evidence.Summary{Source: &evidence.SourceSummary{Revision: "0123456789abcdef0123", Contributors: make([]evidence.Contributor, 1), Signature: "none", Complete: true}},
			"0123456789ab, 1 contributor, signature: none, the work tree differs"},
		{evidence.Summary{Run: &evidence.RunSummary{System: "github", Run: "4711", Attempt: 2, Actor: "eva"}}, "github, run 4711, attempt 2, started by eva"},
		{evidence.Summary{Form: &evidence.FormSummary{Title: "Before release", Result: "failed", By: "Eva", Items: 3, Done: 1, Failed: 1, Open: 1}},
			"Before release, failed, by Eva: 1 done, 1 failed, 1 open"},
		{evidence.Summary{Form: &evidence.FormSummary{Title: "a\x1b[31m\nb", Result: "passed", OK: true, Party: "Globex"}}, shown("a\x1b[31m\nb") + ", passed, for Globex"},
		{evidence.Summary{Form: &evidence.FormSummary{Title: "T", Result: "passed", OK: true, Items: 2, Done: 1}}, "T, passed: 1 done, 1 not applicable"},
		{evidence.Summary{Form: &evidence.FormSummary{Title: "T", Result: "passed", Items: 2}}, "T, says passed and is not: nothing was done: 2 not applicable"},
		{evidence.Summary{Form: &evidence.FormSummary{Title: "T", Result: "passed", Items: 2, Done: 1, Open: 1}}, "T, says passed and is not: not everything was done: 1 done, 1 open"},
		{evidence.Summary{}, ""},
	} {
		if got := summaryWords(evidence.Item{Format: "acme", Summary: tt.in}); got != tt.want {
			t.Errorf("%q, want %q", got, tt.want)
		}
		if typ := reflect.TypeOf(tt.in.Value()); typ.Kind() == reflect.Pointer {
			seen[typ.Elem()] = true
		}
	}
	for _, k := range evidence.ReportKinds() {
		if s, _ := evidence.ShapeOf(k); !seen[s.Summary] {
			t.Errorf("nothing shows %s", k)
		}
	}
}
