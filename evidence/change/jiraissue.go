package change

import (
	"io"
	"strings"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/platform"
	"cdgate.dev/cdgate/evidence/strictjson"
)

// JiraIssue is what Jira's REST API says about one issue or about the issues of a search, version 2 or 3. What a status means
// is said by its category, whose key, unlike all names, is never translated.
func JiraIssue() evidence.Format {
	return evidence.Format{
		Name: "jira-issue", Title: "Jira issues", Kind: evidence.Change, MediaType: "application/json",
		Recognised: "`key` and `fields`; `issues[].fields`; `issues` with `startAt`, `isLast` or `nextPageToken`; `errorMessages`",
		Tools:      "Jira Cloud and Data Center, REST API 2 and 3",
		Limits:     "a search has to say that it is whole (`total`, `isLast`); custom fields are not read, nor approvals in them: see jsm-approval",
		Match: func(h evidence.Head) bool {
			return h.Syntax == evidence.JSON && (h.Has("key", "fields") || h.HasAny("issues[].fields", "errorMessages") ||
				h.Has("issues") && h.HasAny("startAt", "isLast", "nextPageToken"))
		},
		Read: readJiraIssue,
	}
}

// jiraCategories are the keys of the status categories.
var jiraCategories = map[string]string{"new": isNew, "indeterminate": inProgress, "done": done}

// jiraIssue is one issue.
type jiraIssue struct{ key, title, kind, status, category, resolution string }

func readJiraIssue(r io.Reader, rows *evidence.Rows) (evidence.Report, error) {
	t := newTickets(r, rows, "jira")
	var list []jiraIssue
	var one, self jiraIssue
	var start, total int64
	var search, startKnown, totalKnown, lastKnown, last bool
	next, problem := "", ""
	m := t.issue(&self)
	m["issues"] = t.Present(&search, platform.Objects(t.Reader, &list, &one, t.issue(&one)))
	m["startAt"] = t.Known(&startKnown, t.Count(&start))
	m["total"] = t.Known(&totalKnown, t.Count(&total))
	m["isLast"] = t.Known(&lastKnown, t.IntoBool(&last))
	m["nextPageToken"] = t.Into(&next)
	m["errorMessages"] = t.List(func() error {
		if err := t.IntoMessage(&problem)(); err != nil {
			return err
		}
		return t.Errorf("Jira answered with an error: %s", problem)
	})
	m["warningMessages"] = t.List(func() error {
		err := t.IntoMessage(&problem)()
		t.missing("Jira warns about the search: %s", problem)
		return err
	})
	if err := t.Record(m)(); err != nil {
		return evidence.Report{}, err
	}
	n := int64(len(list))
	switch {
	case !search:
		list = append(list, self)
	case start > 0 || next != "" || lastKnown && !last || totalKnown && n < total:
		t.missing("%d issues are one page of several; collect all pages", n)
	case totalKnown && n > total:
		t.missing("%d issues, but total says %d", n, total)
	case !lastKnown && !(totalKnown && startKnown):
		t.missing("nothing says that these %d issues are all", n)
	}
	for _, issue := range list {
		if err := t.addIssue(issue); err != nil {
			return evidence.Report{}, err
		}
	}
	return t.report()
}

// issue says how an issue is read into *one.
func (t *tickets) issue(one *jiraIssue) strictjson.Members {
	name := func(s *string) func() error { return t.Record(strictjson.Members{"name": t.Into(s)}) }
	return strictjson.Members{
		"key": t.Into(&one.key),
		"fields": t.Record(strictjson.Members{
			"summary": t.IntoMessage(&one.title), "issuetype": name(&one.kind), "resolution": name(&one.resolution),
			"status": t.Record(strictjson.Members{"name": t.Into(&one.status), "statusCategory": t.Record(strictjson.Members{"key": t.Into(&one.category)})}),
		}),
	}
}

// addIssue turns an issue into a row. A resolution does not make an issue done: its status does.
func (t *tickets) addIssue(one jiraIssue) error {
	c := evidence.ChangeTicket{
		Key: one.key, Type: one.kind, Title: one.title, Status: one.status, Resolution: one.resolution, Approval: none, Approvers: []string{},
		Category: t.Status(jiraCategories, one.category, strings.TrimSpace(one.key+" status")),
	}
	if c.Resolution != "" && c.Category != done {
		t.Warn.Add(evidence.Contradiction, c.Key, "resolved (%s), but its status %q is not in the category done; it counts as not done", c.Resolution, c.Status)
	}
	return t.add(c)
}
