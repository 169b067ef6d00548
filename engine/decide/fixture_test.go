package decide

import (
	"slices"
	"time"

	"cdgate.dev/cdgate/engine/policy"
	"cdgate.dev/cdgate/engine/verify"
)

// now is the instant the tests live at.
var now = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

const (
	line    = "payments"
	target  = "production"
	stage   = "activate"
	subject = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
)

// office hours: who has which role, with the hour (before or after now) at which it starts and ends.
type staff map[string][]post

type post struct {
	role     string
	from, to time.Duration
}

// always is a role one has the whole time.
func always(role string) post { return post{role, -1000 * time.Hour, 1000 * time.Hour} }

func (s staff) RolesOf(person, l, t string, at time.Time) []string {
	var out []string
	for _, p := range s[person] {
		if l == line && t == target && !at.Before(now.Add(p.from)) && at.Before(now.Add(p.to)) {
			out = append(out, p.role)
		}
	}
	return out
}

// people: two release managers, a tester with no say, an author who is one too, one who left, one who came.
func people() staff {
	return staff{
		"eva": {always("release-manager")}, "sam": {always("release-manager")}, "tom": {always("tester")},
		"ann":  {always("release-manager")},
		"left": {{"release-manager", -1000 * time.Hour, -time.Minute}}, "came": {{"release-manager", -time.Minute, 1000 * time.Hour}},
	}
}

// rule is a rule that found the given things.
func rule(code string, findings ...policy.Finding) policy.Rule {
	r := policy.Rule{Code: code, Title: code, Result: policy.Passed, Enforced: true, Strongest: policy.Block, Findings: findings}
	if slices.ContainsFunc(findings, func(f policy.Finding) bool { return f.Effect != policy.Warn }) {
		r.Result = policy.Failed
	}
	return r
}

// delivery asks for one release manager, as governance.delivery_mode does.
func delivery(count int) policy.Rule {
	return rule("governance.delivery_mode", policy.Finding{
		Effect: policy.NeedsApproval, Msg: "a person releases to production",
		Requirement: &policy.Requirement{Roles: []string{"release-manager"}, Count: count, Meaning: "release", ValidHours: 48},
	})
}

// in is a release that only lacks approvals, if rules ask for any.
func in(rules ...policy.Rule) In {
	return In{
		Rules: rules, Authors: []Author{{Name: "Ann", Email: "ann@acme.example", Person: "ann", Known: true}}, AuthorsKnown: true,
		People: people(), Line: line, Target: target, Stage: stage, Subjects: []string{subject}, Now: now, ValidFor: 24 * time.Hour,
	}
}

// signed is a good sign-off of the first requirement of in's decision, made an hour ago.
func signed(in In, person, verdict string) verify.Signoff {
	d := Decide(in)
	s := verify.Signoff{
		Digest: "sha256:" + person + "-" + verdict, Manifest: "m", Person: person, Name: person, Verdict: verdict,
		Target: target, Stage: stage, Subjects: []verify.Artifact{{Name: "app", Digest: subject}}, Findings: Seen(d.Findings),
		SignedAt: now.Add(-time.Hour), ValidUntil: now.Add(30 * time.Hour),
	}
	if len(d.Requirements) > 0 {
		r := d.Requirements[0]
		s.Requirement, s.RequirementDigest, s.Meaning = r.ID, r.Digest, r.Meaning
	}
	return s
}

// with is in with sign-offs.
func with(in In, signoffs ...verify.Signoff) In {
	in.Signoffs = append(slices.Clone(in.Signoffs), signoffs...)
	return in
}
