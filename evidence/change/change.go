// Package change reads what ticket systems say about requests for change and work items.
package change

import (
	"io"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/platform"
)

// What the status of a ticket means.
const (
	isNew      = "new"
	scheduled  = "scheduled"
	inProgress = "in_progress"
	done       = "done"
	cancelled  = "cancelled"
	unknown    = "unknown"
)

// The answers of an approval; unknown is one of them too.
const (
	approved = "approved"
	declined = "declined"
	pending  = "pending"
	none     = "none"
)

// tickets gathers the tickets of one report.
type tickets struct {
	*platform.Reader
	rows *evidence.Rows
	sum  evidence.ChangeSummary
	seen map[string]bool
}

func newTickets(r io.Reader, rows *evidence.Rows, name string) *tickets {
	return &tickets{Reader: platform.New(r), rows: rows, sum: evidence.ChangeSummary{Platform: name, Complete: true}, seen: map[string]bool{}}
}

// add writes and counts a ticket.
func (t *tickets) add(c evidence.ChangeTicket) error {
	switch {
	case c.Key == "":
		t.Missing("", "key")
	case t.seen[c.Key]:
		t.Warn.Add(evidence.DuplicateEntry, c.Key, "the ticket is listed twice")
	}
	t.seen[c.Key] = true
	t.sum.Tickets++
	if c.Category == done {
		t.sum.Done++
	}
	if c.OnHold {
		t.sum.OnHold++
	}
	switch c.Approval {
	case approved:
		if !c.OnHold && (c.Category == scheduled || c.Category == inProgress || c.Category == done) {
			t.sum.Approved++
		}
	case declined:
		t.sum.Declined++
	case pending:
		t.sum.Pending++
	}
	c.Title = evidence.Cut(c.Title)
	return t.rows.Row(c)
}

// missing warns of one page of several.
func (t *tickets) missing(format string, args ...any) {
	t.sum.Complete = false
	t.Incomplete("", format, args...)
}

// report ends the report.
func (t *tickets) report() (evidence.Report, error) {
	if t.sum.Tickets == 0 {
		t.Empty("tickets")
	}
	return evidence.Report{Tool: evidence.Tool{Name: t.sum.Platform}, Summary: evidence.Summary{Change: &t.sum}, Warnings: t.Warn}, t.End()
}
