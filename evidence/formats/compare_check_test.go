package formats

import (
	"testing"

	"cdgate.dev/cdgate/evidence"
)

func init() {
	kindTests[evidence.Check] = kindTest{func(*testing.T, evidence.Report, []byte) map[string]any { return nil }, checkChecks}
}

// checkChecks: checks are counted, and only successes alone are OK.
func checkChecks(t *testing.T, r evidence.Report, rows []byte) {
	t.Helper()
	var passed, failed int64
	list := rowsOf[evidence.CheckRow](t, evidence.Check, rows)
	for _, c := range list {
		if c.Conclusion == "success" {
			passed++
		}
		if c.Conclusion == "failure" {
			failed++
		}
	}
	s := r.Summary.Check
	if s.Checks != int64(len(list)) || s.Passed != passed || s.Failed < failed || s.Passed+s.Failed+s.Unfinished+s.Other != s.Checks {
		t.Errorf("%d rows, %d successes, %d failures; summary %+v", len(list), passed, failed, s)
	}
	if s.OK && (s.Checks == 0 || s.Passed != s.Checks || !s.Complete) {
		t.Errorf("OK in spite of %+v", s)
	}
}
