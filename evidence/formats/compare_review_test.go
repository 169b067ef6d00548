package formats

import (
	"slices"
	"strings"
	"testing"

	"cdgate.dev/cdgate/evidence"
)

func init() {
	kindTests[evidence.Review] = kindTest{found: foundReview, check: checkReview}
}

// foundReview puts reviews under the names of the manifest.
func foundReview(t *testing.T, r evidence.Report, rows []byte) map[string]any {
	s := r.Summary.Review
	states := map[string]any{}
	reviewers, approvers, commits := []string{}, []string{}, []string{}
	nobody := int64(0)
	for _, row := range rowsOf[evidence.ReviewRow](t, evidence.Review, rows) {
		n, _ := states[strings.ToUpper(row.State)].(int64)
		states[strings.ToUpper(row.State)] = n + 1
		if row.State == "approved" && row.Reviewer == "" {
			nobody++
		}
		if row.Reviewer != "" {
			reviewers = append(reviewers, row.Reviewer)
		}
		if row.Effective && row.State == "approved" {
			approvers = append(approvers, row.Reviewer)
		}
		if row.Commit != "" {
			commits = append(commits, row.Commit)
		}
	}
	slices.Sort(reviewers)
	m := map[string]any{
		"reviews": s.Reviews, "states": states, "effective_approvals": s.Approvals, "effective_changes_requested": s.ChangesRequested,
		"approvals_without_user": nobody, "reviewers": slices.Compact(reviewers), "commits": slices.Compact(commits),
		"approved_by": approvers, "approved": s.Approved, "author": s.Author, "required": s.Required, "left": s.Left,
		"iid": s.Number, "mr_state": map[string]string{"open": "opened"}[s.State], "state": s.State,
	}
	if len(s.Rules) == 1 {
		m["name"], m["eligible"] = s.Rules[0].Name, s.Rules[0].Eligible
	}
	return m
}

// checkReview checks that rows and summary fit, and what must hold for every report of reviews.
func checkReview(t *testing.T, r evidence.Report, rows []byte) {
	t.Helper()
	s := r.Summary.Review
	var approvals, changes int64
	people := map[string]bool{}
	list := rowsOf[evidence.ReviewRow](t, evidence.Review, rows)
	for _, row := range list {
		if !row.Effective {
			continue
		}
		if row.Reviewer == "" || people[row.Reviewer] || row.State != "approved" && row.State != "changes_requested" {
			t.Errorf("effective: %+v", row)
		}
		people[row.Reviewer] = true
		if row.State == "changes_requested" {
			changes++
			continue
		}
		approvals++
		if row.Account == "bot" || row.Reviewer == s.Author {
			t.Errorf("an approval that may not count: %+v", row)
		}
	}
	if int64(len(list)) != s.Reviews || approvals != s.Approvals || changes != s.ChangesRequested {
		t.Errorf("%d rows, %d approvals, %d changes requested, summary %+v", len(list), approvals, changes, s)
	}
	if s.Approved && (s.Approvals == 0 || s.Left > 0 || s.ChangesRequested > 0 || !s.Complete) {
		t.Errorf("approved in spite of %+v", s)
	}
	if !s.Complete && !serious(r) {
		t.Errorf("no warning about %+v", s)
	}
}
