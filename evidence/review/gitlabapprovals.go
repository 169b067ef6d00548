package review

import (
	"io"
	"regexp"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/platform"
	"cdgate.dev/cdgate/evidence/strictjson"
)

// GitLabApprovals are GitLab's answers about the approvals of one merge request: its approvals, its approval state, its
// approval rules (which say what is wanted, not who approved), or the merge request itself (which says neither, but has
// author, state and commit). GitLab does not say which commit somebody approved.
func GitLabApprovals() evidence.Format {
	return evidence.Format{
		Name: "gitlab-approvals", Title: "GitLab approvals", Kind: evidence.Review, MediaType: "application/json",
		Recognised: "an object with `approved_by` and `approvals_required`, `approvals_left` or `user_has_approved`; `rules[].approvals_required`; " +
			"`rule_type` with `approvals_required`, alone or in an array; `iid` with `source_branch` and `target_branch`",
		Tools:  "GitLab REST API",
		Limits: "one merge request; GitLab does not say which commit was approved; rules and the merge request say nothing about who approved; without the member `approved` (old versions) there is no answer",
		Match: func(h evidence.Head) bool {
			if h.Syntax != evidence.JSON {
				return false
			}
			return h.HasAny("approvals_left", "user_has_approved", "approvals_required") && h.HasAny("approved_by", "iid", "rule_type", "eligible_approvers") ||
				h.HasAny("approval_rules_overwritten", "rules[].approvals_required") ||
				h.Has("[].rule_type", "[].approvals_required") || h.Has("iid", "source_branch", "target_branch")
		},
		Read: readGitLabApprovals,
	}
}

// gitlabUser is a user as GitLab writes it, with the time of an approval.
type gitlabUser struct {
	login, name, at string
	// named is true when the member with the login is there, or there is no user at all.
	named bool
}

// gitlabRule is one approval rule.
type gitlabRule struct {
	name                   string
	required               int64
	eligible               int64
	approved, answer, asks bool
	by                     []gitlabUser
}

// gitlabApprovals is the state of one pass. self is what the top of the report says when it is a rule or the approvals.
type gitlabApprovals struct {
	*platform.Reader
	user       gitlabUser
	self, rule gitlabRule
	rules      []gitlabRule
	sum        evidence.ReviewSummary
	state      string
	head       string
	left       int64
	leftKnown  bool
	// list, ruled and approvals are the shapes: rules alone, an approval state, approvals.
	list, ruled, approvals bool
}

// gitlabStates are GitLab's words for the state of a merge request; locked is one that is being merged.
var gitlabStates = map[string]string{"": unknown, "opened": "open", "locked": "open", "merged": "merged", "closed": "closed"}

func readGitLabApprovals(r io.Reader, rows *evidence.Rows) (evidence.Report, error) {
	g := &gitlabApprovals{Reader: platform.New(r), sum: evidence.ReviewSummary{Platform: "gitlab", Complete: true, Rules: []evidence.ReviewRule{}}}
	read := g.top()
	if g.Kind() == '[' {
		g.list = true
		read = g.ruleList()
	}
	if err := read(); err != nil {
		return evidence.Report{}, err
	}
	if err := g.End(); err != nil {
		return evidence.Report{}, err
	}
	if g.list {
		g.sum.Complete = !g.FullPage(len(g.rules), "rules", 20, 100)
	}
	if g.sum.Commit == "" {
		g.sum.Commit = g.head
	}
	g.sum.Author = platform.Login(g.sum.Author)
	g.sum.State = g.Status(gitlabStates, g.state, "state")
	if err := finish(g.Reader, rows, g.reviews(), &g.sum); err != nil {
		return evidence.Report{}, err
	}
	g.conclude()
	return evidence.Report{Tool: evidence.Tool{Name: "gitlab"}, Summary: evidence.Summary{Review: &g.sum}, Warnings: g.Warn}, nil
}

// person says how a user is read.
func (g *gitlabApprovals) person() strictjson.Members {
	return strictjson.Members{"username": g.Present(&g.user.named, g.Into(&g.user.login)), "name": g.Into(&g.user.name)}
}

// ruleMembers says how an approval rule is read into rule.
func (g *gitlabApprovals) ruleMembers(rule *gitlabRule) strictjson.Members {
	return strictjson.Members{
		"name":               g.Into(&rule.name),
		"approvals_required": g.Known(&rule.asks, g.Count(&rule.required)),
		"eligible_approvers": g.List(func() error {
			rule.eligible++
			return g.Skip()
		}),
		"approved":    g.Known(&rule.answer, g.IntoBool(&rule.approved)),
		"approved_by": platform.Objects(g.Reader, &rule.by, &g.user, g.person()),
	}
}

func (g *gitlabApprovals) ruleList() func() error {
	return platform.Objects(g.Reader, &g.rules, &g.rule, g.ruleMembers(&g.rule))
}

// top says how the object of any of the shapes is read.
func (g *gitlabApprovals) top() func() error {
	m := g.ruleMembers(&g.self)
	giver := g.person()
	person := g.Record(g.person())
	giver["user"] = func() error {
		g.user.named = g.Kind() == 'n'
		return person()
	}
	giver["approved_at"] = g.Into(&g.user.at)
	m["approved_by"] = g.Known(&g.approvals, platform.Objects(g.Reader, &g.self.by, &g.user, giver))
	m["approvals_left"] = g.Known(&g.leftKnown, g.Count(&g.left))
	m["rules"] = g.Known(&g.ruled, g.ruleList())
	m["iid"] = g.IntoWord(&g.sum.Number)
	m["state"] = g.Into(&g.state)
	m["sha"] = g.Into(&g.sum.Commit)
	m["diff_refs"] = g.Record(strictjson.Members{"head_sha": g.Into(&g.head)})
	m["author"] = g.Record(strictjson.Members{"username": g.Into(&g.sum.Author)})
	alone := g.Known(&g.list, g.Skip)
	m["rule_type"], m["eligible_approvers"] = alone, func() error {
		g.list = true
		return g.List(func() error {
			g.self.eligible++
			return g.Skip()
		})()
	}
	read := g.Record(m)
	return func() error {
		err := read()
		if g.list {
			g.rules = append(g.rules, g.self)
		}
		return err
	}
}

// gitlabBot is the name of the account that stands behind an access token of a project or group.
var gitlabBot = regexp.MustCompile(`^(project|group)_[0-9]+_bot[0-9a-z_]*$`)

// nobody reports whether an account is no person's.
func nobody(login string) bool { return login == ghost || gitlabBot.MatchString(login) }

// reviews turns the people who approved into rows, each person once, although one may stand under several rules.
func (g *gitlabApprovals) reviews() []evidence.ReviewRow {
	var givers []gitlabUser
	for _, rule := range g.rules {
		givers = append(givers, rule.by...)
	}
	if !g.list {
		givers = append(givers, g.self.by...)
	}
	var out []evidence.ReviewRow
	seen := map[string]bool{}
	for _, giver := range givers {
		if !giver.named {
			g.Missing("approved_by", "username")
		}
		row := evidence.ReviewRow{
			Reviewer: platform.Login(giver.login), Name: giver.name, Account: unknown, State: approved, At: g.Time(giver.at, "approved_by"),
		}
		if nobody(row.Reviewer) {
			row.Account = bot
		}
		switch {
		case !seen[row.Reviewer] || row.Reviewer == "":
			out = append(out, row)
		case !g.ruled:
			g.Warn.Add(evidence.DuplicateEntry, "approved_by", "%q approved twice; it counts once", row.Reviewer)
		}
		seen[row.Reviewer] = true
	}
	return out
}

// conclude says what is wanted and whether it was given.
func (g *gitlabApprovals) conclude() {
	switch {
	case g.ruled || g.list:
		g.byRules()
	case g.approvals:
		g.byNumbers()
	}
}

// byRules concludes from the rules: each must be approved, by as many people as it wants.
func (g *gitlabApprovals) byRules() {
	all := len(g.rules) > 0
	for _, rule := range g.rules {
		people := map[string]bool{}
		for _, p := range rule.by {
			if login := platform.Login(p.login); login != "" && !nobody(login) {
				people[login] = true
			}
		}
		n := int64(len(people))
		out := evidence.ReviewRule{Name: rule.name, Required: rule.required, Eligible: rule.eligible, Approvals: n, Approved: rule.approved && rule.asks && n >= rule.required}
		switch {
		case rule.approved && !out.Approved:
			contradict(g.Reader, "rule %q says approved with %d of %d approvals", rule.name, n, rule.required)
		case rule.answer && !rule.approved && n >= rule.required && n > 0:
			contradict(g.Reader, "rule %q says not approved with %d of %d approvals", rule.name, n, rule.required)
		}
		if !rule.asks {
			g.Missing("rules", "approvals_required")
		}
		g.sum.Rules = append(g.sum.Rules, out)
		g.sum.Required += rule.required
		g.sum.Left += max(0, rule.required-n)
		all = all && out.Approved
	}
	g.sum.RequiredKnown = len(g.rules) > 0
	if len(g.rules) == 0 {
		g.Empty("approval rules")
	}
	if all && g.sum.Approvals == 0 {
		contradict(g.Reader, "every rule says approved, but nobody did")
	}
	g.sum.Approved = all && g.sum.Approvals > 0 && g.sum.Complete
}

// byNumbers concludes from the approvals: what GitLab says, and only if its numbers and the list of people say so too.
func (g *gitlabApprovals) byNumbers() {
	self, n := g.self, g.sum.Approvals
	g.sum.Required, g.sum.RequiredKnown, g.sum.Left = self.required, self.asks, g.left
	if !g.leftKnown {
		g.sum.Left = max(0, self.required-n)
	}
	switch {
	case self.asks && !g.leftKnown:
		g.Missing("", "approvals_left")
	case g.leftKnown && !self.asks:
		g.Missing("", "approvals_required")
	}
	enough := n >= 1 && n >= self.required && (!g.leftKnown || g.left == 0)
	switch {
	case self.approved && !enough:
		contradict(g.Reader, "GitLab says approved, but %d approvals count, %d are required and %d are left", n, self.required, g.sum.Left)
	case self.answer && !self.approved && enough && g.leftKnown:
		contradict(g.Reader, "%d approvals are there, %d are required and none is left, but GitLab says not approved", n, self.required)
	case g.left > 0 && self.required > 0 && n >= self.required:
		contradict(g.Reader, "%d approvals are there, %d are required, but GitLab says that %d are left", n, self.required, g.left)
	}
	g.sum.Approved = self.approved && enough
}
