package verify

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/schemas"
)

// sampleRows are one row and more of each kind that has no reader of this module's first days, made by hand.
var sampleRows = map[evidence.Kind][]any{
	evidence.VEX: {evidence.VEXStatement{Vulnerability: "CVE-2026-1", Aliases: []string{"GHSA-1"}, Product: "pkg:oci/app", Status: "not_affected", Justification: "inline_mitigations_already_exist"}},
	evidence.Metrics: {evidence.MetricSeries{Name: "GET /", Labels: map[string]string{"b": "2", "a": "1"}, Unit: "ms", Samples: 57, Errors: 3,
		Min: measure("-0.5"), Max: measure("1200"), P95: measure("201.125")}, evidence.MetricSeries{Name: "up"}},
	evidence.Objective:          {evidence.ObjectiveRow{Name: "availability", Target: measure("99.9"), Critical: true}},
	evidence.Review:             {evidence.ReviewRow{Reviewer: "eva", Account: "user", State: "approved", Effective: true}},
	evidence.Change:             {evidence.ChangeTicket{Key: "PAY-12", Category: "done", Approval: "approved", Approvers: []string{"eva"}}},
	evidence.Deployment:         {evidence.DeploymentRow{ID: "7", Environment: "staging", State: "success"}},
	evidence.Check:              {evidence.CheckRow{Name: "lint", Conclusion: "success", ExitCode: -1}, evidence.CheckRow{Name: "make", Conclusion: "failure", ExitCode: 2}},
	evidence.Source:             {evidence.ChangedFile{Path: "a.go", OldPath: "b.go", Status: "renamed", Added: 1}},
	evidence.Run:                {evidence.Fact{Name: "RUNNER_OS", Value: "Linux"}},
	evidence.ManualTest:         {evidence.FormItem{Text: "pay by card", State: "done"}},
	evidence.Demo:               {evidence.FormItem{Text: "show the cart", State: "done"}},
	evidence.Checklist:          {evidence.FormItem{Text: "backup made", State: "open"}, evidence.FormItem{Text: "n/a here", State: "not_applicable"}},
	evidence.CustomerAcceptance: {evidence.FormItem{Text: "accepts", State: "failed", Note: "no"}},
}

// sampleSummaries are the summaries beside sampleRows.
var sampleSummaries = map[evidence.Kind]any{
	evidence.VEX:                evidence.VEXSummary{Statements: 1, NotAffected: 1, Products: 1, Complete: true},
	evidence.Metrics:            evidence.MetricsSummary{Series: 2, Samples: 57, Errors: 3, ErrorRatio: evidence.RatioOf(3, 57), P95: measure("201.125"), Verdict: "failed", Thresholds: 6, Breached: []string{"p(95)<200"}, Complete: true},
	evidence.Objective:          evidence.ObjectiveSummary{SpecVersion: "openslo/v1", Documents: 1, Objectives: 1, Critical: 1, Complete: true},
	evidence.Review:             evidence.ReviewSummary{Platform: "github", State: "open", Reviews: 1, Approvals: 1, Required: 1, RequiredKnown: true, Rules: []evidence.ReviewRule{{Name: "owners", Required: 1, Eligible: 3, Approvals: 1, Approved: true}}, Approved: true, Complete: true},
	evidence.Change:             evidence.ChangeSummary{Platform: "jira", Tickets: 1, Done: 1, Approved: 1, Complete: true},
	evidence.Deployment:         evidence.DeploymentSummary{Platform: "github", Deployments: 1, Latest: "success", Complete: true},
	evidence.Check:              evidence.CheckSummary{Checks: 2, Passed: 1, Failed: 1, Complete: true},
	evidence.Source:             evidence.SourceSummary{Revision: commit, Contributors: []evidence.Contributor{{Name: "Eva", Email: "eva@acme.example", Role: "author"}}, Signature: "none", Clean: true, Complete: true},
	evidence.Run:                evidence.RunSummary{System: "github", Attempt: 1},
	evidence.ManualTest:         evidence.FormSummary{Title: "by hand", Result: "passed", Attendees: []string{"Kim"}, Items: 1, Done: 1, OK: true},
	evidence.Demo:               evidence.FormSummary{Title: "sprint", Result: "passed", Attendees: []string{}, Items: 1, Done: 1, OK: true},
	evidence.Checklist:          evidence.FormSummary{Title: "before", Result: "failed", Attendees: []string{}, Items: 2, Open: 1},
	evidence.CustomerAcceptance: evidence.FormSummary{Title: "acceptance", Result: "failed", Attendees: []string{}, Items: 1, Failed: 1},
}

func measure(d evidence.Decimal) evidence.Measure { return evidence.Measure{Value: d, Measured: true} }

// The samples join those of the kinds that the scene has.
func init() {
	for kind, rows := range sampleRows {
		var b bytes.Buffer
		w := evidence.NewRows(&b, kind)
		for _, row := range rows {
			if err := w.Row(row); err != nil {
				panic(err)
			}
		}
		if err := w.Close(); err != nil {
			panic(err)
		}
		rowsOf[kind], summaryOf[kind] = b.String(), sampleSummaries[kind]
	}
}

// TestEveryKindHasASample: the tests of this package that loop over rowsOf leave no kind out.
func TestEveryKindHasASample(t *testing.T) {
	for _, k := range evidence.ReportKinds() {
		s, _ := evidence.ShapeOf(k)
		if rowsOf[k] == "" || reflect.TypeOf(summaryOf[k]) != s.Summary {
			t.Errorf("%s has no sample of its own", k)
		}
		if rows := sampleRows[k]; len(rows) > 0 && reflect.TypeOf(rows[0]) != s.Row {
			t.Errorf("%s has a sample of %T", k, rows[0])
		}
	}
}

// TestEveryWordIsRead: each word that a reader may write into a row or summary is read back, and no other is. (The list
// of tests once lacked "other", so that a pending scenario would have made its report unreadable at the evaluation.)
func TestEveryWordIsRead(t *testing.T) {
	tried := 0
	for _, k := range evidence.ReportKinds() {
		s, _ := evidence.ShapeOf(k)
		for _, typ := range []reflect.Type{s.Row, s.Summary} {
			for i := range typ.NumField() {
				words := typ.Field(i).Tag.Get("words")
				if words == "" {
					continue
				}
				for w := range strings.SplitSeq(words, ",") {
					tried++
					if err := readWord(k, typ, i, w); err != nil {
						t.Errorf("%s: %s %q is refused: %v", k, typ.Field(i).Name, w, err)
					}
				}
				for _, w := range []string{"", "Passed", words, "x"} {
					if readWord(k, typ, i, w) == nil {
						t.Errorf("%s: %s %q is accepted", k, typ.Field(i).Name, w)
					}
				}
			}
		}
	}
	if tried < 80 {
		t.Errorf("tried only %d words", tried)
	}
}

// readWord reads a row or summary whose other fields are good, with one word in it.
func readWord(k evidence.Kind, typ reflect.Type, field int, word string) error {
	v := reflect.New(typ).Elem()
	for i := range typ.NumField() {
		if words := typ.Field(i).Tag.Get("words"); words != "" {
			first, _, _ := strings.Cut(words, ",")
			v.Field(i).SetString(first)
		}
		if f := v.Field(i); f.Kind() == reflect.Slice {
			f.Set(reflect.MakeSlice(f.Type(), 0, 0))
		} else if f.Kind() == reflect.Map {
			f.Set(reflect.MakeMap(f.Type()))
		}
	}
	v.Field(field).SetString(word)
	b, err := json.Marshal(v.Interface())
	if err != nil {
		return err
	}
	s, _ := evidence.ShapeOf(k)
	if typ == s.Summary {
		return checkSummary(k, b)
	}
	_, err = checkRows(k, []byte(`{"`+s.Rows+`":[`+string(b)+`]}`))
	return err
}

// TestSummariesRefused changes good summaries in one place each. TestPredicatesFitSchemas is the twin that passes.
func TestSummariesRefused(t *testing.T) {
	for _, tt := range []struct {
		name, from, to string
		kind           evidence.Kind
	}{
		{"another verdict", `"failed"`, `"fine"`, evidence.Metrics},
		{"a role nobody has", `"role":"author"`, `"role":"owner"`, evidence.Source},
		{"a contributor without a role", `,"role":"author"`, ``, evidence.Source},
		{"a contributor that is a text", `{"name":"Eva","email":"eva@acme.example","role":"author"}`, `"Eva"`, evidence.Source},
		{"null for a list", `["p(95)\u003c200"]`, `null`, evidence.Metrics},
		{"a measure that is a number", `"p95":{"value":201.125,"measured":true}`, `"p95":201.125`, evidence.Metrics},
		{"a text for a number", `201.125`, `"201.125"`, evidence.Metrics},
		{"a negative count", `"statements":1`, `"statements":-1`, evidence.VEX},
		{"absent", `"complete":true`, ``, evidence.VEX},
		{"unknown", `"complete":true`, `"complete":true,"x":1`, evidence.VEX},
		{"two documents", `"complete":true}`, `"complete":true}{}`, evidence.VEX},
	} {
		b, err := json.Marshal(summaryOf[tt.kind])
		if err != nil {
			t.Fatal(err)
		}
		good := string(b)
		if err := checkSummary(tt.kind, b); err != nil {
			t.Fatalf("%s: %v", tt.kind, err)
		}
		bad := strings.Replace(good, tt.from, tt.to, 1)
		if bad == good {
			t.Fatalf("%s: nothing to change in %s", tt.name, good)
		}
		if checkSummary(tt.kind, []byte(bad)) == nil {
			t.Errorf("%s: accepted: %s", tt.name, bad)
		}
	}
	if checkSummary(evidence.Build, []byte(`{}`)) == nil || checkSummary("own", []byte(`{}`)) == nil {
		t.Error("a kind without summary has one")
	}
}

// TestAttemptsOfEveryKind: of every kind of report, a later attempt supersedes an earlier one, and one of another part
// stands beside it.
func TestAttemptsOfEveryKind(t *testing.T) {
	w := newWorld(t)
	s, parts := good(), good()
	var later, beside []string
	for _, k := range evidence.ReportKinds() {
		name := string(k)
		if sampleRows[k] != nil {
			x := thing{name: name, kind: k, about: onApp, signer: "platform"}
			s.things, parts.things = append(s.things, x), append(parts.things, x)
		}
		s.attempt(name, 2)
		parts.attempt(name, 2)
		parts.edit(name+"2", "part", "2of2")
		later = append(later, name+"2", name+":superseded")
		beside = append(beside, name, name+"2")
	}
	later, beside = append(later, "build"), append(beside, "build")
	slices.Sort(later)
	slices.Sort(beside)
	digests := w.put(s, nil)
	if got := tell(w.evidence(want()), digests); got != strings.Join(later, " ") {
		t.Errorf("attempts: %s", got)
	}
	w = newWorld(t)
	digests = w.put(parts, nil)
	if got := tell(w.evidence(want()), digests); got != strings.Join(beside, " ") {
		t.Errorf("parts: %s", got)
	}
}

// TestDecimals holds isDecimal to evidence.Decimal, which does it by exact arithmetic.
func TestDecimals(t *testing.T) {
	for _, text := range []string{"0", "-0", "1", "-1", "10", "1.0", "1.5", "-1.5", "0.5", "-0.5", "-0.0", "0.0", "1e3", "1.5e0", "1E2", "0.000000001", "0.0000000001",
		"123456789012345678", "1234567890123456789", "-123456789012345678.123456789", "0.10", "0.01", `"1"`, "true", "null", "{}"} {
		var d evidence.Decimal
		want := d.UnmarshalJSON([]byte(text)) == nil
		if got := isDecimal([]byte(text)); got != want {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
}

// TestPredicatesOfEveryKindFit: what the samples make is a predicate as it is published.
func TestPredicatesOfEveryKindFit(t *testing.T) {
	w := newWorld(t)
	for _, k := range evidence.ReportKinds() {
		b, err := json.Marshal(w.predicate(thing{name: "x", kind: k}))
		w.must(err)
		if err := schemas.ValidateJSON(schemas.Document(k), string(k), b); err != nil {
			t.Error(err)
		}
		if _, err := decodeItem(k, b); err != nil {
			t.Errorf("%s: %v", k, err)
		}
	}
}
