// Package review reads what platforms say about the reviews and approvals of a change.
package review

import (
	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/platform"
)

// The states of a review.
const (
	approved         = "approved"
	changesRequested = "changes_requested"
	commented        = "commented"
	dismissed        = "dismissed"
	pending          = "pending"
	unknown          = "unknown"
)

// The accounts of reviewers.
const (
	user = "user"
	bot  = "bot"
)

// ghost is the login under which platforms show what deleted accounts left behind.
const ghost = "ghost"

// takeEffect marks the reviews that count: the last opinion of each person. Comments and pending reviews are no opinion; a
// dismissed one takes back what came before. What approves has to come from a person other than the author, and from
// nobody who also has a review in a state that is not known.
func takeEffect(list []evidence.ReviewRow, author string) {
	last := map[string]int{}
	doubt := map[string]bool{}
	timed := haveTimes(list)
	for i, r := range list {
		switch r.State {
		case unknown:
			doubt[r.Reviewer] = true
		case approved, changesRequested, dismissed:
			before, ok := last[r.Reviewer]
			if !ok || !timed[r.Reviewer] || r.At >= list[before].At {
				last[r.Reviewer] = i
			}
		}
	}
	for login, i := range last {
		r := &list[i]
		switch r.State {
		case changesRequested:
			r.Effective = login != ""
		case approved:
			r.Effective = login != "" && r.Account != bot && !doubt[login] && (author == "" || login != author)
		}
	}
}

// haveTimes says for each login whether all its opinions have times; if not, the order of the list decides.
func haveTimes(list []evidence.ReviewRow) map[string]bool {
	timed := map[string]bool{}
	for _, r := range list {
		if r.State != approved && r.State != changesRequested && r.State != dismissed {
			continue
		}
		before, ok := timed[r.Reviewer]
		timed[r.Reviewer] = r.At != "" && (before || !ok)
	}
	return timed
}

// finish writes the rows and counts what is effective.
func finish(r *platform.Reader, rows *evidence.Rows, list []evidence.ReviewRow, sum *evidence.ReviewSummary) error {
	takeEffect(list, sum.Author)
	for _, row := range list {
		switch {
		case row.Effective && row.State == approved:
			sum.Approvals++
		case row.Effective:
			sum.ChangesRequested++
		case row.State == approved:
			warnNotCounted(r, row, sum.Author)
		}
		if err := rows.Row(row); err != nil {
			return err
		}
	}
	sum.Reviews = int64(len(list))
	return nil
}

// warnNotCounted says why an approval is not effective, unless a later review of the same person stands in its place.
func warnNotCounted(r *platform.Reader, row evidence.ReviewRow, author string) {
	switch {
	case row.Reviewer == "":
		r.Warn.Add(evidence.ApprovalNotTaken, "", "an approval without a login: by nobody")
	case row.Account == bot:
		r.Warn.Add(evidence.ApprovalNotTaken, row.Reviewer, "an approval by %q, which is no person's account", row.Reviewer)
	case row.Reviewer == author:
		r.Warn.Add(evidence.ApprovalNotTaken, row.Reviewer, "an approval by the author")
	}
}

// contradict notes that the platform's answer is not borne out by its numbers.
func contradict(r *platform.Reader, format string, args ...any) {
	r.Warn.Add(evidence.Contradiction, "", format+"; it counts as not approved", args...)
}
