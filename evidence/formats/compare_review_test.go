package formats

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
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

// TestEmptyArrayNeedsItsKind: an empty array could be anybody's; only with the kind named it is a list without entries,
// and that is nothing measured.
func TestEmptyArrayNeedsItsKind(t *testing.T) {
	for _, empty := range []string{"[]", " [\n] \n"} {
		for kind, name := range map[evidence.Kind]string{evidence.Review: "github-reviews", "": "gitleaks", evidence.Scan: "gitleaks"} {
			var rows bytes.Buffer
			f, r, err := Read(strings.NewReader(empty), kind, &rows)
			if err != nil || f.Name != name {
				t.Errorf("%q as %q: %s, %v; want %s", empty, kind, f.Name, err, name)
			}
			if kind == evidence.Review && (r.Warnings.Count(evidence.NothingMeasured) != 1 || r.Summary.Review.Reviews != 0 || r.Summary.Review.Approved) {
				t.Errorf("%q: %+v, %v", empty, r.Summary.Review, r.Warnings.List())
			}
		}
		if _, _, err := Read(strings.NewReader(empty), evidence.Coverage, &bytes.Buffer{}); err == nil {
			t.Errorf("%q was read as coverage", empty)
		}
	}
}

// memberName is the name of a member.
var memberName = regexp.MustCompile(`"\w+":`)

// TestDamageNeverApproves misspells every member's name in every sample of reviews, and cuts every sample off at every byte:
// what is left must not be approved where the whole is not without a serious warning. Who the author is may be missing:
// GitHub and GitLab have it only in some of their answers.
func TestDamageNeverApproves(t *testing.T) {
	for _, f := range All() {
		if f.Kind != evidence.Review {
			continue
		}
		for name := range samples(t, f) {
			b, err := os.ReadFile(filepath.Join(sampleDir(f), name))
			if err != nil {
				t.Fatal(err)
			}
			_, whole, _, err := readAll(b)
			if err != nil {
				continue
			}
			damaged := [][]byte{}
			for i := range b {
				damaged = append(damaged, b[:i])
			}
			for _, at := range memberName.FindAllIndex(b, -1) {
				damaged = append(damaged, slices.Concat(b[:at[0]+1], []byte("x"), b[at[0]+1:]))
			}
			for _, part := range damaged {
				got, r, _, err := readAll(part)
				if err != nil || got.Name != f.Name || serious(r) {
					continue
				}
				s, w := r.Summary.Review, whole.Summary.Review
				if s.Approved && !w.Approved && s.Author == w.Author {
					t.Errorf("%s %s is approved as %s", f.Name, name, part)
				}
			}
		}
	}
}
