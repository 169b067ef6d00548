package formats

import (
	"testing"

	"cdgate.dev/cdgate/evidence"
)

func init() {
	kindTests[evidence.Check] = kindTest{foundChecks, checkChecks}
}

// foundChecks puts checks under the names of the manifest.
func foundChecks(t *testing.T, r evidence.Report, rows []byte) map[string]any {
	conclusions := map[string]any{}
	for _, row := range rowsOf[evidence.CheckRow](t, evidence.Check, rows) {
		n, _ := conclusions[row.Conclusion].(int64)
		conclusions[row.Conclusion] = n + 1
	}
	return map[string]any{"listed": r.Summary.Check.Checks, "complete": r.Summary.Check.Complete, "conclusions": conclusions}
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
	if !s.Complete && !serious(r) {
		t.Errorf("no warning about %+v", s)
	}
}
