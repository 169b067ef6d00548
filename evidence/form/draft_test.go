package form

import (
	"bytes"
	"strings"
	"testing"

	"cdgate.dev/cdgate/evidence"
)

// TestDraft fills in a form from a file and from flags, and reads what comes of it.
func TestDraft(t *testing.T) {
	f, ok := Find("manual-test")
	if _, other := Find("manual_test"); !ok || !other {
		t.Fatal("no form")
	}
	d := f.Draft()
	if got := strings.Join(d.Missing(), " "); got != "script tester at result steps" {
		t.Errorf("missing %s", got)
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
	}
	must(d.Load([]byte(`{"script":"TC-7","tester":"Tess","result":"failed","steps":[{"text":"one","state":"done"}]}`)))
	must(d.Set("tester", "Eva"))
	must(d.Set("at", "2026-11-20T15:00:00Z"))
	must(d.Set("result", "passed"))
	must(d.Add(evidence.FormItem{Text: "two", State: "not_applicable", Note: "why"}))
	if m := d.Missing(); len(m) > 0 {
		t.Errorf("missing %v", m)
	}
	b, err := d.Document()
	must(err)
	var rows bytes.Buffer
	w := evidence.NewRows(&rows, evidence.ManualTest)
	r, err := ManualTest().Read(bytes.NewReader(b), w)
	must(err)
	must(w.Close())
	want := `{"items":[{"text":"one","state":"done","note":""},{"text":"two","state":"not_applicable","note":"why"}]}`
	if s := r.Summary.Form; s.By != "Eva" || s.Reference != "TC-7" || !s.OK || rows.String() != want {
		t.Errorf("%+v, %s", s, rows.String())
	}
	again, err := d.Document()
	must(err)
	if !bytes.Equal(b, again) {
		t.Error("two documents of one draft differ")
	}

	for want, do := range map[string]func() error{
		`has no field "outcome"; it has script, title`: func() error { return f.Draft().Load([]byte(`{"outcome":"passed"}`)) },
		`is an object with script`:                     func() error { return f.Draft().Load([]byte(`["passed"]`)) },
		`has no field "verdict"`:                       func() error { return f.Draft().Set("verdict", "x") },
		`holds its steps; add each of them as an item`: func() error { return f.Draft().Set("steps", "x") },
		`is set twice`:                                 func() error { return d.Set("tester", "Sam") },
		`a demonstration has no items`:                 func() error { return demo.Draft().Add(evidence.FormItem{Text: "x"}) },
		`is a list of steps`: func() error {
			d := f.Draft()
			must(d.Load([]byte(`{"steps":"x"}`)))
			return d.Add(evidence.FormItem{Text: "x"})
		},
	} {
		if err := do(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %q", err, want)
		}
	}
	list := demo.Draft()
	must(list.Load([]byte(`{"attendees":["old"]}`)))
	must(list.Set("attendees", "Eva"))
	must(list.Set("attendees", "Sam"))
	if got := string(list.members["attendees"]); got != `["Eva","Sam"]` {
		t.Errorf("attendees %s", got)
	}
}
