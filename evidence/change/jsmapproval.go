package change

import (
	"cmp"
	"io"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/platform"
	"cdgate.dev/cdgate/evidence/strictjson"
)

// JSMApproval is what Jira Service Management says about the approvals of one request: a page of them, or one. Each is a
// ticket of type approval, and its status is the final decision.
func JSMApproval() evidence.Format {
	return evidence.Format{
		Name: "jsm-approval", Title: "Jira Service Management approvals", Kind: evidence.Change, MediaType: "application/json",
		Recognised: "`finalDecision` with `approvers`, alone or in `values[]`; with the kind given, `values` with `isLastPage`",
		Tools:      "Jira Service Management, REST API",
		Limits:     "the answer does not say which request it is about",
		Match: func(h evidence.Head) bool {
			return h.Syntax == evidence.JSON && (h.Has("finalDecision") && h.HasAny("approvers", "canAnswerApproval") ||
				h.HasAny("values[].finalDecision", "values[].approvers[].approverDecision"))
		},
		MatchNamed: func(h evidence.Head) bool { return h.Has("values", "isLastPage") },
		Read:       readJSMApproval,
	}
}

// jsmDecisions are the words for a decision, final or of one approver.
var jsmDecisions = map[string]string{"approved": approved, "declined": declined, "pending": pending}

// jsmApprover is one approver with their decision.
type jsmApprover struct{ account, key, name, mail, decision string }

// jsmApproval is one approval.
type jsmApproval struct {
	id, name, decision string
	approvers          []jsmApprover
	asked              bool
}

func readJSMApproval(r io.Reader, rows *evidence.Rows) (evidence.Report, error) {
	t := newTickets(r, rows, "jira-service-management")
	var list []jsmApproval
	var one, self jsmApproval
	var size, start int64
	var page, last, sizeKnown, startKnown bool
	m := t.approval(&self)
	m["values"] = t.Present(&page, platform.Objects(t.Reader, &list, &one, t.approval(&one)))
	m["size"] = t.Known(&sizeKnown, t.Count(&size))
	m["start"] = t.Known(&startKnown, t.Count(&start))
	m["isLastPage"] = t.IntoBool(&last)
	if err := t.Record(m)(); err != nil {
		return evidence.Report{}, err
	}
	n := int64(len(list))
	switch {
	case !page:
		list = append(list, self)
	case start > 0 || !last || !startKnown || !sizeKnown:
		t.missing("%d approvals are one page of several, or nothing says that they are not; collect all pages", n)
	case size != n:
		t.missing("%d approvals, but size says %d", n, size)
	}
	for _, a := range list {
		if err := t.addApproval(a); err != nil {
			return evidence.Report{}, err
		}
	}
	return t.report()
}

// approval says how an approval is read into *one.
func (t *tickets) approval(one *jsmApproval) strictjson.Members {
	var a jsmApprover
	return strictjson.Members{
		"id":            t.IntoWord(&one.id),
		"name":          t.IntoMessage(&one.name),
		"finalDecision": t.Into(&one.decision),
		"approvers": t.Present(&one.asked, platform.Objects(t.Reader, &one.approvers, &a, strictjson.Members{
			"approverDecision": t.Into(&a.decision),
			"approver": t.Record(strictjson.Members{
				"accountId": t.Into(&a.account), "key": t.Into(&a.key), "name": t.Into(&a.name), "emailAddress": t.Into(&a.mail),
			}),
		})),
	}
}

// addApproval turns an approval into a row. It is approved if the final decision says so, somebody approved and nobody
// declined.
func (t *tickets) addApproval(one jsmApproval) error {
	c := evidence.ChangeTicket{
		Key: one.id, Type: "approval", Title: one.name, Status: one.decision, Category: done, Approvers: []string{},
		Approval: t.Status(jsmDecisions, one.decision, one.id),
	}
	if !one.asked {
		t.Missing(one.id, "approvers")
	}
	against := 0
	for _, a := range one.approvers {
		who := cmp.Or(a.account, a.key, a.name, a.mail)
		switch t.Status(jsmDecisions, a.decision, one.id) {
		case approved:
			if who != "" {
				c.Approvers = append(c.Approvers, who)
			}
		case declined:
			against++
		}
	}
	switch c.Approval {
	case approved:
		if against > 0 {
			t.Warn.Add(evidence.Contradiction, c.Key, "the final decision is approved, but %d declined; it counts as declined", against)
			c.Approval = declined
		} else if len(c.Approvers) == 0 {
			t.Warn.Add(evidence.Contradiction, c.Key, "the final decision is approved, but nobody approved; it counts as unknown")
			c.Approval = unknown
		}
	case declined:
		if against == 0 {
			t.Warn.Add(evidence.Contradiction, c.Key, "the final decision is declined, but nobody declined; it counts as declined")
		}
	case pending:
		c.Category = inProgress
	default:
		c.Category = unknown
	}
	return t.add(c)
}
