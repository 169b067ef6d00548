package formats

import (
	"testing"

	"cdgate.dev/cdgate/evidence"
)

// The corpus has no reports of these kinds: they are documents of cdgate's own.
func init() {
	nothing := func(*testing.T, evidence.Report, []byte) map[string]any { return nil }
	forms := kindTest{nothing, nil}
	for _, k := range []evidence.Kind{evidence.ManualTest, evidence.Demo, evidence.Checklist, evidence.CustomerAcceptance} {
		forms.check = func(t *testing.T, r evidence.Report, rows []byte) { checkForm(t, k, r, rows) }
		kindTests[k] = forms
	}
	kindTests[evidence.Source] = kindTest{nothing, checkSource}
	kindTests[evidence.Run] = kindTest{nothing, func(t *testing.T, r evidence.Report, rows []byte) {
		rowsOf[evidence.Fact](t, evidence.Run, rows)
		if s := r.Summary.Run; s.System == "" || s.Attempt < 1 {
			t.Errorf("a run of nothing: %+v", s)
		}
	}}
}

// checkForm: the items are counted, and only a form without a blemish is OK.
func checkForm(t *testing.T, k evidence.Kind, r evidence.Report, rows []byte) {
	t.Helper()
	list := rowsOf[evidence.FormItem](t, k, rows)
	count := map[string]int64{}
	for _, it := range list {
		count[it.State]++
	}
	s := r.Summary.Form
	if s.Items != int64(len(list)) || s.Done != count["done"] || s.Failed != count["failed"] || s.Open != count["open"] {
		t.Errorf("rows give %v, summary %+v", count, s)
	}
	if s.OK && (s.Result != "passed" || s.Failed > 0 || s.Open > 0 || k != evidence.Demo && s.Done == 0) {
		t.Errorf("OK in spite of %+v", s)
	}
	if s.Result == "passed" && s.Failed > 0 {
		t.Errorf("passed in spite of %+v", s)
	}
}

// checkSource: files are counted, and what is not complete says so.
func checkSource(t *testing.T, r evidence.Report, rows []byte) {
	t.Helper()
	s := r.Summary.Source
	if list := rowsOf[evidence.ChangedFile](t, evidence.Source, rows); int64(len(list)) != s.Files {
		t.Errorf("%d rows, %d files", len(list), s.Files)
	}
	if s.Complete == serious(r) {
		t.Errorf("complete %v, serious warning %v", s.Complete, serious(r))
	}
	if (s.Commits == 0) != (len(s.Contributors) == 0) || s.Base == "" && s.Commits == 0 {
		t.Errorf("commits without anybody: %+v", s)
	}
}
