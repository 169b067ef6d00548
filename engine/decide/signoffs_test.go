package decide

import (
	"slices"
	"strings"
	"testing"
	"time"

	"cdgate.dev/cdgate/engine/policy"
	"cdgate.dev/cdgate/engine/verify"
)

// TestApproval: the first row is approved; every other differs in one thing and is not, with the reason.
func TestApproval(t *testing.T) {
	tests := []struct {
		name   string
		person string
		change func(*In, *verify.Signoff)
		reason string
	}{
		{"good", "eva", func(*In, *verify.Signoff) {}, ""},
		{"for another target", "eva", func(_ *In, s *verify.Signoff) { s.Target = "staging" }, "target"},
		{"for another stage", "eva", func(_ *In, s *verify.Signoff) { s.Stage = "publish" }, "stage"},
		{"for another artifact", "eva", func(_ *In, s *verify.Signoff) { s.Subjects[0].Digest = strings.Replace(subject, "a", "b", 1) }, "other artifacts"},
		{"for one artifact more", "eva", func(_ *In, s *verify.Signoff) { s.Subjects = append(s.Subjects, verify.Artifact{Digest: "sha256:b"}) }, "other artifacts"},
		{"for one artifact less", "eva", func(i *In, _ *verify.Signoff) { i.Subjects = append(i.Subjects, "sha256:b") }, "other artifacts"},
		{"no artifact to sign for", "eva", func(i *In, s *verify.Signoff) { i.Subjects, s.Subjects = nil, nil }, "no artifact"},
		{"requirement changed", "eva", func(i *In, s *verify.Signoff) { s.RequirementDigest = "sha256:0" }, "has changed"},
		{"other meaning", "eva", func(_ *In, s *verify.Signoff) { s.Meaning = "review" }, `"review"`},
		{"from the future", "eva", func(_ *In, s *verify.Signoff) { s.SignedAt = now.Add(121 * time.Second) }, "future"},
		{"clock a little ahead", "eva", func(_ *In, s *verify.Signoff) { s.SignedAt = now.Add(120 * time.Second) }, ""},
		{"no time", "eva", func(_ *In, s *verify.Signoff) { s.SignedAt = time.Time{} }, "future"},
		{"expired this second", "eva", func(_ *In, s *verify.Signoff) { s.ValidUntil = now }, "expired"},
		{"a second left", "eva", func(_ *In, s *verify.Signoff) { s.ValidUntil = now.Add(time.Second) }, ""},
		{"older than the requirement lets it be", "eva", func(_ *In, s *verify.Signoff) { s.SignedAt = now.Add(-48 * time.Hour) }, "expired"},
		{"just young enough", "eva", func(_ *In, s *verify.Signoff) { s.SignedAt = now.Add(-48*time.Hour + time.Second) }, ""},
		{"another role", "tom", func(*In, *verify.Signoff) {}, "is not release-manager"},
		{"role lost since", "left", func(*In, *verify.Signoff) {}, "no longer"},
		{"role gained since", "came", func(*In, *verify.Signoff) {}, "when it was signed"},
		{"role on another line", "eva", func(i *In, _ *verify.Signoff) { i.Line = "billing" }, "is not release-manager"},
		{"nobody", "", func(*In, *verify.Signoff) {}, "is not release-manager"},
		{"no directory", "eva", func(i *In, _ *verify.Signoff) { i.People = nil }, "is not release-manager"},
		{"an author", "ann", func(*In, *verify.Signoff) {}, "author"},
		{"authors not known", "eva", func(i *In, _ *verify.Signoff) { i.AuthorsKnown = false }, "who the authors are"},
		{"no author at all", "eva", func(i *In, _ *verify.Signoff) { i.Authors = nil }, "who the authors are"},
		{"an author nobody knows", "eva", func(i *In, _ *verify.Signoff) { i.Authors = append(i.Authors, Author{Name: "Eve", Email: "x@y"}) }, "Eve <x@y>"},
		{"a known author without person", "eva", func(i *In, _ *verify.Signoff) { i.Authors = append(i.Authors, Author{Known: true}) }, "could be anybody"},
		{"a robot among the authors", "eva", func(i *In, _ *verify.Signoff) { i.Authors = append(i.Authors, Author{Known: true, Robot: true}) }, ""},
		{"a robot of a name", "eva", func(i *In, _ *verify.Signoff) { i.Authors = append(i.Authors, Author{Robot: true, Person: "bot"}) }, "could be anybody"},
		{"did not see the finding", "eva", func(_ *In, s *verify.Signoff) { s.Findings = nil }, "had not seen: governance.delivery_mode#"},
		{"saw more", "eva", func(_ *In, s *verify.Signoff) { s.Findings = append(s.Findings, "x.y#0") }, ""},
		{"no verdict", "eva", func(_ *In, s *verify.Signoff) { s.Verdict = "approved" }, "no verdict"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			x := in(rule("a.b"), delivery(1))
			s := signed(x, tt.person, approve)
			tt.change(&x, &s)
			d := Decide(with(x, s))
			want := NeedsApproval
			if tt.reason == "" {
				want = Allow
			}
			r := d.Requirements[0]
			if d.Outcome != want || d.Recommendation != NeedsApproval || (d.Basis == Approved) != (want == Allow) {
				t.Fatalf("%v, recommendation %v, basis %q; want %v: %+v", d.Outcome, d.Recommendation, d.Basis, want, r)
			}
			if want == Allow {
				if r.State != StateMet || r.Have != 1 || r.Open != 0 || len(r.By) != 1 || r.By[0].Role != "release-manager" || d.Findings[0].Status != StatusDischarged {
					t.Errorf("%+v", d)
				}
				return
			}
			if r.State != StateOpen || r.Have != 0 || r.Open != 1 || len(r.By) != 0 || len(r.NotCounted) != 1 || !strings.Contains(r.NotCounted[0].Reason, tt.reason) {
				t.Errorf("want reason %q: %+v", tt.reason, r)
			}
		})
	}
}

func TestQuorum(t *testing.T) {
	x := in(delivery(2))
	eva, sam := signed(x, "eva", approve), signed(x, "sam", approve)
	again := eva
	again.Digest, again.SignedAt = "sha256:other-key", eva.SignedAt.Add(time.Minute)
	tests := []struct {
		name     string
		signoffs []verify.Signoff
		want     Outcome
		state    string
		have     int
	}{
		{"nobody", nil, NeedsApproval, StateOpen, 0},
		{"one of two", []verify.Signoff{eva}, NeedsApproval, StatePartiallyMet, 1},
		{"two of two", []verify.Signoff{eva, sam}, Allow, StateMet, 2},
		{"one person twice", []verify.Signoff{eva, again}, NeedsApproval, StatePartiallyMet, 1},
		{"one statement twice", []verify.Signoff{eva, eva}, NeedsApproval, StatePartiallyMet, 1},
		{"three by two", []verify.Signoff{eva, again, sam}, Allow, StateMet, 2},
	}
	for _, tt := range tests {
		d := Decide(with(x, tt.signoffs...))
		if r := d.Requirements[0]; d.Outcome != tt.want || r.State != tt.state || r.Have != tt.have || r.Open != max(2-tt.have, 0) {
			t.Errorf("%s: %v %+v", tt.name, d.Outcome, r)
		}
	}
}

func TestRejection(t *testing.T) {
	x := in(delivery(1))
	at := func(s verify.Signoff, minutes int) verify.Signoff {
		s.SignedAt = s.SignedAt.Add(time.Duration(minutes) * time.Minute)
		s.Digest += s.SignedAt.Format("1504")
		return s
	}
	yes, no := signed(x, "eva", approve), signed(x, "eva", reject)
	no.Comment = "the invoices are wrong"
	other := signed(x, "sam", approve)
	tests := []struct {
		name     string
		signoffs []verify.Signoff
		want     Outcome
		state    string
	}{
		{"approved", []verify.Signoff{yes}, Allow, StateMet},
		{"rejected", []verify.Signoff{no}, Block, StateVetoed},
		{"approved, then rejected", []verify.Signoff{yes, at(no, 1)}, Block, StateVetoed},
		{"rejected, then approved", []verify.Signoff{no, at(yes, 1)}, Allow, StateMet},
		{"both at once", []verify.Signoff{yes, no}, Block, StateVetoed},
		{"rejected, another approves", []verify.Signoff{no, at(other, 1)}, Block, StateVetoed},
		{"rejection of the future", []verify.Signoff{yes, at(no, 6000)}, Block, StateVetoed},
		{"approval of the future lifts nothing", []verify.Signoff{no, at(yes, 6000)}, Block, StateVetoed},
		{"by someone without veto", []verify.Signoff{signed(x, "tom", reject), other}, Allow, StateMet},
		{"by an author", []verify.Signoff{signed(x, "ann", reject), other}, Block, StateVetoed},
		{"by someone who left", []verify.Signoff{signed(x, "left", reject), other}, Block, StateVetoed},
		{"by someone who came", []verify.Signoff{signed(x, "came", reject), other}, Block, StateVetoed},
		{"for another target", []verify.Signoff{{Person: "eva", Verdict: reject, Requirement: no.Requirement, Target: "staging", Stage: stage, Subjects: no.Subjects}, other}, Allow, StateMet},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := Decide(with(x, tt.signoffs...))
			if r := d.Requirements[0]; d.Outcome != tt.want || r.State != tt.state {
				t.Fatalf("%v %+v", d.Outcome, r)
			}
			rejected := slices.ContainsFunc(d.Findings, func(f Finding) bool { return f.Cause == ApprovalRejected && f.Effect == policy.Block })
			if rejected != (tt.want == Block) {
				t.Errorf("findings %+v", d.Findings)
			}
			if d.Outcome == Block && d.ExitCode() != 20 {
				t.Errorf("exit %d", d.ExitCode())
			}
		})
	}
	d := Decide(with(x, no))
	if f := d.Findings[len(d.Findings)-1]; !strings.Contains(d.Findings[0].Msg+f.Msg, "the invoices are wrong") {
		t.Errorf("the comment is lost: %+v", d.Findings)
	}
	// The tester's rejection takes back the tester's own approval and nobody else's.
	y := in(rule("x", policy.Finding{Effect: policy.NeedsApproval, Requirement: &policy.Requirement{
		Roles: []string{"tester"}, VetoRoles: []string{"release-manager"}}}))
	tom := signed(y, "tom", approve)
	if d := Decide(with(y, tom)); d.Outcome != Allow {
		t.Errorf("tester approves: %v", d.Outcome)
	}
	if d := Decide(with(y, tom, at(signed(y, "tom", reject), 1))); d.Outcome != NeedsApproval {
		t.Errorf("tester approves, then rejects: %v", d.Outcome)
	}
	if d := Decide(with(y, tom, signed(y, "tom", reject))); d.Outcome != NeedsApproval {
		t.Errorf("tester approves and rejects in the same second: %v", d.Outcome)
	}
}

// TestNewFindings: a sign-off stands while what gates is among what its signer saw, and no longer.
func TestNewFindings(t *testing.T) {
	coverage := func(observed string) policy.Rule {
		return rule("tests.coverage_floor", policy.Finding{Effect: policy.NeedsApproval, Msg: "low", Observed: observed, Expected: "80"})
	}
	saw := in(delivery(1), coverage("79"))
	sign := func(requirement string) verify.Signoff {
		s := signed(saw, "eva", approve)
		for _, r := range Decide(saw).Requirements {
			if r.ID == requirement {
				s.Requirement, s.RequirementDigest, s.Meaning, s.Digest = r.ID, r.Digest, r.Meaning, "sha256:"+r.ID
			}
		}
		return s
	}
	a, b := sign("governance.delivery_mode"), sign("tests.coverage_floor")
	if d := Decide(with(saw, a, b)); d.Outcome != Allow {
		t.Errorf("both signed: %v", d.Outcome)
	}
	if d := Decide(with(saw, a)); d.Outcome != NeedsApproval {
		t.Errorf("one signed: %v", d.Outcome)
	}
	if d := Decide(with(in(delivery(1)), a, b)); d.Outcome != Allow || len(d.NotCounted) != 1 || d.NotCounted[0].Kind != "signoff" {
		t.Errorf("less than was seen: %v, %+v", d.Outcome, d.NotCounted)
	}
	if d := Decide(with(in(delivery(1), coverage("12")), a, b)); d.Outcome != NeedsApproval {
		t.Errorf("worse than was seen: %v", d.Outcome)
	}
	warn := rule("x.w", policy.Finding{Effect: policy.Warn, Msg: "new"})
	if d := Decide(with(in(delivery(1), coverage("79"), warn), a, b)); d.Outcome != Allow {
		t.Errorf("a new warning: %v", d.Outcome)
	}
	block := rule("x.b", policy.Finding{Effect: policy.Block, Msg: "new"})
	if d := Decide(with(in(delivery(1), coverage("79"), block), a, b)); d.Outcome != Block || d.Requirements[0].Have != 0 {
		t.Errorf("a new block: %v", d.Outcome)
	}
}

// TestBlockIsNeverDischarged signs a block with everything a sign-off can say.
func TestBlockIsNeverDischarged(t *testing.T) {
	x := in(delivery(1), rule("x.b", policy.Finding{Effect: policy.Block, Msg: "no", Requirement: &policy.Requirement{Roles: []string{"release-manager"}}}))
	s := signed(x, "eva", approve)
	forBlock := s
	forBlock.Requirement, forBlock.Digest = "x.b", "sha256:b"
	d := Decide(with(x, s, forBlock))
	if d.Outcome != Block || len(d.Requirements) != 1 || d.Requirements[0].State != StateMet {
		t.Errorf("%v %+v", d.Outcome, d.Requirements)
	}
}

// TestSeen: the name of a finding follows its content, not the words for people.
func TestSeen(t *testing.T) {
	f := Finding{Code: "a.b", ID: "c", Effect: policy.Block, Cause: CriterionFailed, Observed: "1", Expected: "2", Msg: "x"}
	g := f
	g.Msg, g.Remedy, g.Status, g.Evidence = "y", "z", StatusDischarged, []string{"e"}
	if f.Seen() != g.Seen() || !strings.HasPrefix(f.Seen(), "a.b:c#") || len(f.Seen()) != len("a.b:c#")+32 {
		t.Errorf("%s %s", f.Seen(), g.Seen())
	}
	for i, change := range []func(*Finding){
		func(f *Finding) { f.Code = "a.c" }, func(f *Finding) { f.ID = "" }, func(f *Finding) { f.Effect = policy.NeedsApproval },
		func(f *Finding) { f.Cause = Inconclusive }, func(f *Finding) { f.Observed = "12" }, func(f *Finding) { f.Expected = "1" },
		func(f *Finding) { f.Observed, f.Expected = "12", "" },
	} {
		g := f
		change(&g)
		if g.Seen() == f.Seen() {
			t.Errorf("%d: another finding has the same name", i)
		}
	}
}
