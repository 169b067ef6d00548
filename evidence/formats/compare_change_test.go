package formats

import (
	"slices"
	"testing"

	"cdgate.dev/cdgate/evidence"
)

func init() {
	kindTests[evidence.Change] = kindTest{foundChange, checkChange}
	kindTests[evidence.Deployment] = kindTest{foundDeployments, checkDeployments}
}

// foundChange puts tickets under the names of the manifest.
func foundChange(t *testing.T, r evidence.Report, rows []byte) map[string]any {
	list := rowsOf[evidence.ChangeTicket](t, evidence.Change, rows)
	categories, decisions, approvers, issues := map[string]any{}, []string{}, []any{}, []any{}
	for _, c := range list {
		n, _ := categories[c.Category].(int64)
		categories[c.Category] = n + 1
		decisions = append(decisions, c.Approval)
		// The corpus lists what each approver decided; here only who approved is kept.
		approvers = append(approvers, slices.Repeat([]string{"approved"}, len(c.Approvers)))
		issue := map[string]any{"key": c.Key, "status": c.Status, "status_category": c.Category, "resolution": nil, "type": c.Type}
		if c.Resolution != "" {
			issue["resolution"] = c.Resolution
		}
		issues = append(issues, issue)
	}
	m := map[string]any{
		"issues": r.Summary.Change.Tickets, "approvals": r.Summary.Change.Tickets, "by_status_category": categories, "rows": issues,
		"final_decisions": decisions, "approver_decisions": approvers, "last_page": r.Summary.Change.Complete,
		"resolved_but_not_done": int64(r.Warnings.Count(evidence.Contradiction)),
	}
	if c := list[0]; len(list) == 1 {
		m["number"], m["type"], m["approval"], m["state_display"], m["on_hold"] = c.Key, c.Type, c.Approval, c.Status, c.OnHold
	}
	return m
}

// checkChange: tickets are counted, and an approval counts only while the change may go on.
func checkChange(t *testing.T, r evidence.Report, rows []byte) {
	t.Helper()
	list := rowsOf[evidence.ChangeTicket](t, evidence.Change, rows)
	want := evidence.ChangeSummary{Platform: r.Summary.Change.Platform, Complete: r.Summary.Change.Complete, Tickets: int64(len(list))}
	for _, c := range list {
		switch c.Category {
		case "done":
			want.Done++
		}
		if c.OnHold {
			want.OnHold++
		}
		switch c.Approval {
		case "approved":
			if !c.OnHold && !slices.Contains([]string{"new", "cancelled", "unknown"}, c.Category) {
				want.Approved++
			}
		case "declined":
			want.Declined++
		case "pending":
			want.Pending++
		}
	}
	if *r.Summary.Change != want {
		t.Errorf("summary %+v, rows give %+v", *r.Summary.Change, want)
	}
	if (!want.Complete || want.Tickets == 0) && !serious(r) {
		t.Errorf("no warning about %+v", want)
	}
}

// foundDeployments puts deployments under the names of the manifest.
func foundDeployments(t *testing.T, r evidence.Report, rows []byte) map[string]any {
	states := map[string]any{}
	var environments, commits []string
	for _, d := range rowsOf[evidence.DeploymentRow](t, evidence.Deployment, rows) {
		n, _ := states[d.State].(int64)
		states[d.State] = n + 1
		environments, commits = append(environments, d.Environment), append(commits, d.Commit)
	}
	s := r.Summary.Deployment
	return map[string]any{"rows": s.Deployments, "states": states, "latest_state": s.Latest, "environments": environments, "shas": commits}
}

// checkDeployments: entries are counted, and the latest state is that of the newest one.
func checkDeployments(t *testing.T, r evidence.Report, rows []byte) {
	t.Helper()
	list := rowsOf[evidence.DeploymentRow](t, evidence.Deployment, rows)
	s := r.Summary.Deployment
	newest := ""
	for _, d := range list {
		newest = max(newest, d.At)
	}
	right := len(list) == 0 && s.Latest == "unknown"
	for _, d := range list {
		right = right || d.At == newest && d.State == s.Latest
	}
	if int64(len(list)) != s.Deployments || !right {
		t.Errorf("%d rows, summary %+v", len(list), s)
	}
	if (!s.Complete || s.Deployments == 0) && !serious(r) {
		t.Errorf("no warning about %+v", s)
	}
}
