package decide

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/policy"
	"cdgate.dev/cdgate/engine/verify"
)

// The model says in its own terms what a case is; spec says in one sentence per outcome what must come of it, and build
// writes the same case as an In. TestModel holds Decide against spec for every small case and for many larger ones.
type model struct {
	rules   []string // names in ruleKinds
	fault   bool
	authors string // "ann" known, or "stranger"
	acts    []act
}

// act is something a person signed.
type act struct {
	person, verdict string
	minute          int // before now
	flaw            string
	rule            string // code of the rule whose requirement it names
}

var (
	ruleKinds = []string{"pass", "block", "ask1", "ask2", "warn", "missing", "later", "elsewhere"}
	flaws     = []string{"", "expired", "stage", "unseen", "meaning", "future"}
	persons   = []string{"eva", "sam", "ann", "tom", "left"}
)

// asks says how many people a kind of rule asks for.
func asks(kind string) int { return map[string]int{"ask1": 1, "ask2": 2}[kind] }

func (m model) spec() Outcome {
	ran := slices.ContainsFunc(m.rules, func(k string) bool { return k != "later" && k != "elsewhere" })
	if m.fault || !ran || slices.Contains(m.rules, "block") || slices.Contains(m.rules, "missing") {
		return Block
	}
	outcome := Allow
	for i, k := range m.rules {
		code := codeOf(i)
		if asks(k) == 0 {
			continue
		}
		if m.vetoed(code) {
			return Block
		}
		approvers := map[string]bool{}
		for _, a := range m.acts {
			if m.counts(a, code) {
				approvers[a.person] = true
			}
		}
		if len(approvers) < asks(k) || m.authors != "ann" {
			outcome = NeedsApproval
		}
	}
	return outcome
}

// vetoed: a release manager, of then or of now, said no here and did not say yes later. Who left may not say so as of a
// time after leaving.
func (m model) vetoed(code string) bool {
	for _, no := range m.acts {
		if no.verdict != reject || no.rule != code || no.flaw == "stage" || no.person == "tom" || no.person == "left" && no.flaw == "future" {
			continue
		}
		lifted := slices.ContainsFunc(m.acts, func(yes act) bool {
			return yes.verdict == approve && yes.rule == code && yes.person == no.person &&
				yes.flaw != "stage" && yes.flaw != "future" && yes.at().After(no.at())
		})
		if !lifted {
			return true
		}
	}
	return false
}

// counts: a release manager who is no author said yes here without flaw, and did not say no at that time or later.
func (m model) counts(a act, code string) bool {
	if a.verdict != approve || a.rule != code || a.flaw != "" || a.person != "eva" && a.person != "sam" {
		return false
	}
	return !slices.ContainsFunc(m.acts, func(no act) bool {
		return no.verdict == reject && no.rule == code && no.person == a.person && no.flaw != "stage" && !no.at().Before(a.at())
	})
}

func codeOf(i int) string { return fmt.Sprintf("cat.r%d", i) }

func (a act) at() time.Time {
	if a.flaw == "future" {
		return now.Add(10*time.Hour - time.Duration(a.minute)*time.Minute)
	}
	return now.Add(-time.Duration(a.minute) * time.Minute)
}

func (m model) build() In {
	x := in()
	for i, k := range m.rules {
		x.Rules = append(x.Rules, ruleOf(codeOf(i), k))
	}
	if m.fault {
		x.Faults = []error{fault.New(fault.Evidence, "cut off")}
	}
	if m.authors == "stranger" {
		x.Authors = append(x.Authors, Author{Name: "Stranger", Email: "s@nowhere.example"})
	}
	if len(m.acts) == 0 {
		return x
	}
	d := Decide(x)
	seen := Seen(d.Findings)
	for i, a := range m.acts {
		x.Signoffs = append(x.Signoffs, a.build(i, d, seen))
	}
	return x
}

func (a act) build(i int, d Decision, seen []string) verify.Signoff {
	s := verify.Signoff{
		Digest: fmt.Sprintf("sha256:%03d", i), Person: a.person, Verdict: a.verdict, Requirement: a.rule, Meaning: "approval",
		Target: target, Stage: stage, Subjects: []verify.Artifact{{Digest: subject}}, Findings: seen,
		SignedAt: a.at(), ValidUntil: now.Add(time.Duration(10+i) * time.Hour),
	}
	if at := slices.IndexFunc(d.Requirements, func(r Requirement) bool { return r.ID == a.rule }); at >= 0 {
		s.RequirementDigest = d.Requirements[at].Digest
	}
	switch a.flaw {
	case "expired":
		s.ValidUntil = now
	case "stage":
		s.Stage = "publish"
	case "unseen":
		s.Findings = nil
	case "meaning":
		s.Meaning = "review"
	}
	return s
}

func ruleOf(code, kind string) policy.Rule {
	finding := policy.Finding{Effect: policy.Block, Msg: kind}
	switch kind {
	case "pass":
		return rule(code)
	case "ask1", "ask2":
		finding.Effect = policy.NeedsApproval
		finding.Requirement = &policy.Requirement{Roles: []string{"release-manager"}, Count: asks(kind)}
	case "warn":
		finding.Effect = policy.Warn
	}
	r := rule(code, finding)
	switch kind {
	case "missing":
		r.Findings, r.Missing, r.Result = nil, []string{"tests"}, policy.Failed
	case "later":
		r.Enforced = false
	case "elsewhere":
		r.Findings, r.Result = nil, policy.NotApplicable
	}
	return r
}

// hold compares Decide with spec for one case.
func (m model) hold(t *testing.T) {
	t.Helper()
	x := m.build()
	if got, want := Decide(x).Outcome, m.spec(); got != want {
		t.Fatalf("%v, want %v\nmodel %+v\ndecision %+v", got, want, m, Decide(x))
	}
}

// TestModel goes through every case of two rules and up to two acts on the first of them, about 200 000 cases.
func TestModel(t *testing.T) {
	var all []act
	for _, p := range persons {
		for _, v := range []string{approve, reject} {
			for _, minute := range []int{30, 60} {
				for _, f := range flaws {
					if minute == 60 && f != "" { // flaws at one time only
						continue
					}
					all = append(all, act{p, v, minute, f, codeOf(0)})
				}
			}
		}
	}
	cases := 0
	for _, first := range ruleKinds {
		for _, second := range []string{"pass", "ask1", "later"} {
			m := model{rules: []string{first, second}, authors: "ann"}
			for i := range all {
				for j := i; j < len(all); j++ {
					if asks(first) == 0 && j > i {
						break // one act that nobody asked for is enough
					}
					m.acts = slices.Compact([]act{all[i], all[j]})
					m.hold(t)
					cases++
				}
			}
			m.acts = nil
			m.hold(t)
			m.fault = true
			m.hold(t)
		}
	}
	if cases < 10_000 {
		t.Errorf("only %d cases", cases)
	}
}

// random is a case of up to four rules and six acts.
func random(r *rand.Rand) model {
	pick := func(from []string) string { return from[r.IntN(len(from))] }
	m := model{authors: "ann", fault: r.IntN(20) == 0}
	if r.IntN(8) == 0 {
		m.authors = "stranger"
	}
	kinds := []string{"pass", "pass", "ask1", "ask1", "ask2", "warn", "later", "elsewhere", "block", "missing"}
	for range r.IntN(4) + 1 {
		k := pick(kinds)
		if (k == "block" || k == "missing") && r.IntN(3) > 0 {
			k = "ask1" // mostly cases in which people matter
		}
		m.rules = append(m.rules, k)
	}
	for range r.IntN(7) {
		a := act{pick(persons), approve, 30 * (r.IntN(4) + 1), "", codeOf(r.IntN(len(m.rules)))}
		if r.IntN(4) == 0 {
			a.verdict = reject
		}
		if r.IntN(3) == 0 {
			a.flaw = pick(flaws)
		}
		m.acts = append(m.acts, a)
	}
	return m
}

func TestModelRandom(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 1))
	seen := map[Outcome]int{}
	for range 6_000 {
		m := random(r)
		m.hold(t)
		seen[m.spec()]++
	}
	if seen[Allow] < 300 || seen[NeedsApproval] < 300 || seen[Block] < 300 {
		t.Errorf("the cases are lopsided: %v", seen)
	}
}
