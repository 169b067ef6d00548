package engine_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"cdgate.dev/cdgate/engine/seal"
	"cdgate.dev/cdgate/engine/store"
	"cdgate.dev/cdgate/engine/verify"
	"cdgate.dev/cdgate/evidence"
)

// sample is an item of a kind as a collector would have made it, and what a rule has to find in it.
type sample struct {
	row, summary any
	// rule is true of the item and the row.
	rule string
}

var p95 = evidence.Measure{Value: "201.125", Measured: true}

// samples are one of each kind of report that people or platforms speak through.
var samples = map[evidence.Kind]sample{
	evidence.VEX: {evidence.VEXStatement{Vulnerability: "CVE-2026-1", Product: "pkg:oci/payments", Status: "not_affected"},
		evidence.VEXSummary{Statements: 1, NotAffected: 1, Complete: true}, `row.status == "not_affected"; item.summary.notAffected == 1`},
	evidence.Metrics: {evidence.MetricSeries{Name: "GET /", Labels: map[string]string{"job": "web"}, Samples: 57, P95: p95},
		evidence.MetricsSummary{Series: 1, Samples: 57, P95: p95, Verdict: "passed", Complete: true}, `row.labels.job == "web"; row.p95.value > 201; item.summary.p95.value < 201.2; row.p99.measured == false; item.summary.breached == []`},
	evidence.Objective: {evidence.ObjectiveRow{Name: "availability", Target: evidence.Measure{Value: "99.9", Measured: true}},
		evidence.ObjectiveSummary{Objectives: 1, Complete: true}, `row.target.value == 99.9`},
	evidence.Review: {evidence.ReviewRow{Reviewer: "eva", Account: "user", State: "approved", Effective: true},
		evidence.ReviewSummary{State: "open", Approvals: 1, Approved: true, Complete: true}, `row.state == "approved"; item.summary.approved; row.effective`},
	evidence.Change: {evidence.ChangeTicket{Key: "PAY-12", Category: "done", Approval: "approved", Approvers: []string{"eva"}},
		evidence.ChangeSummary{Tickets: 1, Approved: 1, Complete: true}, `row.approvers[_] == "eva"; row.category == "done"`},
	evidence.Deployment: {evidence.DeploymentRow{Environment: "staging", State: "success"},
		evidence.DeploymentSummary{Deployments: 1, Latest: "success", Complete: true}, `row.state == "success"; item.summary.latest == "success"`},
	evidence.Check: {evidence.CheckRow{Name: "lint", Conclusion: "success", ExitCode: -1},
		evidence.CheckSummary{Checks: 1, Passed: 1, Complete: true, OK: true}, `row.conclusion == "success"; row.exitCode == -1; item.summary.ok`},
	evidence.Source: {evidence.ChangedFile{Path: "a.go", Status: "added", Added: 3},
		evidence.SourceSummary{Revision: revision, Contributors: []evidence.Contributor{{Name: "Sam", Role: "co_author"}}, Signature: "none", Clean: true, Complete: true},
		`row.added == 3; item.summary.contributors[_].role == "co_author"`},
	evidence.Run: {evidence.Fact{Name: "RUNNER_OS", Value: "Linux"}, evidence.RunSummary{System: "github", Attempt: 1}, `row.value == "Linux"; item.summary.attempt == 1`},
	evidence.ManualTest: {evidence.FormItem{Text: "pay", State: "done"},
		evidence.FormSummary{Result: "passed", Attendees: []string{"Kim"}, Items: 1, Done: 1, OK: true}, `row.state == "done"; item.summary.attendees == ["Kim"]`},
	evidence.Demo: {evidence.FormItem{Text: "show", State: "done"},
		evidence.FormSummary{Result: "passed", Items: 1, Done: 1, OK: true}, `row.text == "show"; item.summary.attendees == []`},
	evidence.Checklist: {evidence.FormItem{Text: "backup", State: "open"},
		evidence.FormSummary{Result: "failed", Items: 1, Open: 1}, `row.state == "open"; item.summary.result == "failed"`},
	evidence.CustomerAcceptance: {evidence.FormItem{Text: "accepts", State: "not_applicable"},
		evidence.FormSummary{Result: "passed", Party: "Globex", OK: true}, `item.summary.party == "Globex"; row.state == "not_applicable"`},
}

// kindsOrg is an organisation whose ci may attest the samples and whose one target has a rule for each of the kinds: it
// blocks unless it finds what the sample says.
func kindsOrg(t *testing.T, only ...evidence.Kind) *org {
	t.Helper()
	may, rules := []string{"build", "tests"}, map[string]string{}
	for k, s := range samples {
		may = append(may, string(k))
		shape, _ := evidence.ShapeOf(k)
		if len(only) == 0 || only[0] == k {
			rules[fmt.Sprintf("policies/%s/rule.rego", k)] = fmt.Sprintf("package rules.kinds.%s\n\nblock contains \"it is not there\" if not _there\n\n"+
				"_there if {\n\tsome item in input.evidence.%s\n\tsome row in item.%s\n\t%s\n}\n", k, k, shape.Rows, strings.ReplaceAll(s.rule, "; ", "\n\t"))
		}
	}
	text := strings.NewReplacer("may: [tests, coverage, scan, sbom, build]", "may: ["+strings.Join(may, ", ")+"]", `"builtin:minimal"`, "./policies").Replace(gateText)
	return newOrg(t, text, rules)
}

// push adds a signed item of rows that no reader has read, and the collection that lists it.
func (o *org) push(k evidence.Kind, rows string, summary any) {
	o.t.Helper()
	st, err := store.Create(o.path("store"))
	if err != nil {
		o.t.Fatal(err)
	}
	at := now.Add(-10 * time.Minute).Format(time.RFC3339)
	producer := verify.Producer{System: "github", Run: "1", Attempt: 1, Job: "build"}
	s, err := json.Marshal(notNull(summary))
	if err != nil {
		o.t.Fatal(err)
	}
	blob := func(name, content string) store.Layer {
		digest, err := st.Write([]byte(content))
		if err != nil {
			o.t.Fatal(err)
		}
		return store.Layer{Name: name, MediaType: "application/json", Digest: digest, Size: int64(len(content))}
	}
	sign := func(predicateType string, predicate any) store.Layer {
		b, err := json.Marshal(predicate)
		if err != nil {
			o.t.Fatal(err)
		}
		bundle, err := o.signers["ci"].Sign(seal.Statement{Type: seal.StatementType, PredicateType: predicateType, Predicate: b,
			Subject: []seal.Subject{{Name: app.Name, Digest: map[string]string{"sha256": strings.TrimPrefix(app.Digest, "sha256:")}}}})
		if err != nil {
			o.t.Fatal(err)
		}
		l := blob("statement.sigstore.json", string(bundle))
		l.MediaType = seal.MediaType
		return l
	}
	raw, rowsBlob := blob("report.json", "{}"), blob("rows.json", rows)
	statement := sign(verify.PredicateType(k), verify.ItemPredicate{
		Scope: "artifact", Format: "acme", CollectedAt: at, Producer: producer, Line: "payments", Release: verify.ReleaseRef{Name: "payments", Version: "1.4.2"},
		Summary: s, Warnings: []evidence.Warning{},
		Report: evidence.Descriptor{Name: raw.Name, MediaType: raw.MediaType, Digest: raw.Digest, Size: raw.Size},
		Rows:   evidence.Descriptor{MediaType: rowsBlob.MediaType, Digest: rowsBlob.Digest, Size: rowsBlob.Size},
	})
	list := sign(verify.CollectionType, verify.CollectionPredicate{CollectedAt: at, Producer: producer, Line: "payments", Items: []string{statement.Digest}})
	if _, err := st.Add(o.t.Context(), store.Object{Type: store.TypeItem, Layers: []store.Layer{statement, rowsBlob, raw}},
		store.Object{Type: store.TypeCollection, Layers: []store.Layer{list}}); err != nil {
		o.t.Fatal(err)
	}
}

// notNull is a copy of a struct whose lists are empty where they were nil, as collect writes them.
func notNull(in any) any {
	v := reflect.New(reflect.TypeOf(in)).Elem()
	v.Set(reflect.ValueOf(in))
	for i := range v.NumField() {
		if f := v.Field(i); f.Kind() == reflect.Slice && f.IsNil() {
			f.Set(reflect.MakeSlice(f.Type(), 0, 0))
		}
	}
	return v.Interface()
}

// rowsText is a document of rows as a reader writes it.
func rowsText(t *testing.T, k evidence.Kind, rows ...any) string {
	t.Helper()
	var b bytes.Buffer
	w := evidence.NewRows(&b, k)
	for _, row := range rows {
		if err := w.Row(row); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestEveryKindReachesARule: what was signed about a release is what a rule reads, in every kind; a rule whose kind has
// no item fails.
func TestEveryKindReachesARule(t *testing.T) {
	for _, k := range evidence.ReportKinds() {
		if _, ok := samples[k]; !ok && k != evidence.Tests && k != evidence.Coverage && k != evidence.Scan && k != evidence.SBOM {
			t.Errorf("%s has no sample", k)
		}
	}
	o := kindsOrg(t)
	o.collect(nil)
	ev := o.evaluate(20, "staging", nil)
	if len(ev.Result.Findings) != len(samples) {
		t.Fatalf("%d findings without evidence, want one of each kind\n%s", len(ev.Result.Findings), findings(ev))
	}
	for k, s := range samples {
		o.push(k, rowsText(t, k, s.row), s.summary)
	}
	o.evaluate(0, "staging", nil)
	if r := o.replay(); r.ExitCode != 0 {
		t.Fatalf("replay: %d %v %+v", r.ExitCode, r.Differences, r.Checks)
	}
}

// TestWordsOutsideTheList: a row or summary with a word that its kind does not have is evidence that cannot be read, and
// blocks as evidence of tests does. TestEveryKindReachesARule is the twin.
func TestWordsOutsideTheList(t *testing.T) {
	for k, c := range map[evidence.Kind]struct{ in, from, to string }{
		evidence.Tests:      {"rows", `"passed"`, `"passing"`},
		evidence.VEX:        {"rows", `"not_affected"`, `"not affected"`},
		evidence.Review:     {"rows", `"approved"`, `"APPROVED"`},
		evidence.Deployment: {"summary", `"success"`, `"succeeded"`},
		evidence.Metrics:    {"rows", `201.125`, `"201.125"`},
		evidence.Check:      {"rows", `"exitCode":-1`, `"exitCode":-2`},
		evidence.ManualTest: {"rows", `"done"`, `"passed"`},
	} {
		t.Run(string(k), func(t *testing.T) {
			t.Parallel()
			s := samples[k]
			if k == evidence.Tests {
				s = sample{evidence.TestCase{Suite: "s", Name: "t", Status: "passed"}, evidence.TestsSummary{Total: 1, Passed: 1, Complete: true, OK: true}, ""}
			}
			rows, summary := rowsText(t, k, s.row), s.summary
			if c.in == "rows" {
				if !strings.Contains(rows, c.from) {
					t.Fatalf("nothing to change in %s", rows)
				}
				rows = strings.Replace(rows, c.from, c.to, 1)
			} else {
				d := s.summary.(evidence.DeploymentSummary)
				d.Latest = strings.Trim(c.to, `"`)
				summary = d
			}
			o := kindsOrg(t, evidence.VEX)
			o.collect(nil)
			o.push(evidence.VEX, rowsText(t, evidence.VEX, samples[evidence.VEX].row), samples[evidence.VEX].summary)
			o.evaluate(0, "staging", nil)
			o.push(k, rows, summary)
			ev := o.evaluate(30, "staging", nil)
			if text := findings(ev); !strings.Contains(text, string(k)) {
				t.Errorf("no finding names the %s statement:\n%s", k, text)
			}
		})
	}
}
