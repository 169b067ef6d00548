package decide

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/policy"
	"cdgate.dev/cdgate/engine/verify"
)

// findingList is all findings of a decision, those that gate and need people again with what their rules say about
// that, and the highest class of fault.
type findingList struct {
	list  []Finding
	asks  []stated
	class fault.Class
}

// stated is a finding that needs people, with what its rule says about them; nil for the default.
type stated struct {
	finding Finding
	ask     *policy.Requirement
}

// findings are those of the rules and of what went wrong.
func findings(in In) *findingList {
	l := &findingList{list: []Finding{}}
	l.addFaults(in.Faults...)
	l.addGaps(in.Gaps)
	ran, codes := 0, map[string]bool{}
	for _, r := range in.Rules {
		if codes[r.Code] {
			l.addFaults(fault.New(fault.Policy, "two rules have the code %q; rename one, or select one source only", r.Code))
		}
		codes[r.Code] = true
		l.addRule(r, in.NotCounted)
		if r.Enforced && (r.Result == policy.Passed || r.Result == policy.Failed) {
			ran++
		}
	}
	if ran == 0 && l.class < fault.Policy {
		l.addFaults(fault.New(fault.Policy, "no rule that gates judged this release at stage %q; "+
			"select policies for the target in gate.yaml, and look at their stages and effective_on", in.Stage))
	}
	return l
}

// addRule adds what one rule found, what it could not judge, and what cannot be.
func (l *findingList) addRule(r policy.Rule, notCounted []verify.NotCounted) {
	for _, kind := range r.Missing {
		l.add(missing(r, kind, notCounted), nil)
	}
	for _, f := range r.Findings {
		l.add(found(r, f), f.Requirement)
		if outcomeOf(f.Effect) == Block && f.Effect != policy.Block {
			l.addFaults(fault.New(fault.Policy, "rule %q gave a finding with effect %q", r.Code, f.Effect))
		}
	}
	said := len(r.Findings) + len(r.Missing)
	switch r.Result {
	case policy.Passed, policy.NotApplicable:
		if gates := slices.ContainsFunc(r.Findings, func(f policy.Finding) bool { return f.Effect != policy.Warn }); gates || len(r.Missing) > 0 {
			l.addFaults(fault.New(fault.Policy, "rule %q is %s, and yet it found something", r.Code, r.Result))
		}
	case policy.Failed:
		if said == 0 {
			l.addFaults(fault.New(fault.Policy, "rule %q failed and does not say why", r.Code))
		}
	default:
		l.addFaults(fault.New(fault.Policy, "rule %q has no result (%q)", r.Code, r.Result))
	}
}

// found is a finding as a rule said it. A finding whose rule states a requirement waits for people; without one it is a
// criterion that failed, which people may accept.
func found(r policy.Rule, f policy.Finding) Finding {
	out := Finding{
		Code: r.Code, ID: f.ID, Effect: f.Effect, Cause: CriterionFailed, Msg: f.Msg, Status: StatusOpen, Enforced: r.Enforced,
		Evidence: list(f.Evidence), Place: f.Place, Observed: f.Observed, Expected: f.Expected,
		Remedy: cmp.Or(f.Remedy, r.Remedy), Controls: list(r.Controls),
	}
	switch {
	case outcomeOf(f.Effect) == Block:
		out.Effect = policy.Block
	case f.Effect == policy.NeedsApproval && f.Requirement != nil:
		out.Cause = ApprovalMissing
	}
	if f.Inconclusive {
		out.Cause = Inconclusive
	}
	return out
}

// missing is the finding of a rule that could not run because no item of a kind counts. What was not counted says why.
func missing(r policy.Rule, kind string, notCounted []verify.NotCounted) Finding {
	out := Finding{
		Code: r.Code, ID: kind, Effect: r.Strongest, Cause: EvidenceMissing, Status: StatusOpen, Enforced: r.Enforced,
		Msg: fmt.Sprintf("there is no %s evidence about this release", kind), Observed: "none", Expected: "at least one item of kind " + kind,
		Remedy: cmp.Or(r.Remedy, fmt.Sprintf("collect it: cdgate collect %s:PATH", kind)), Controls: list(r.Controls), Evidence: []string{},
	}
	if outcomeOf(r.Strongest) == Block {
		out.Effect = policy.Block
	}
	var stale, untrusted, other []verify.NotCounted
	for _, nc := range notCounted {
		if nc.Kind != kind {
			continue
		}
		switch nc.Reason {
		case verify.Stale:
			stale = append(stale, nc)
		case verify.OtherSubject, verify.Superseded:
			other = append(other, nc)
		default:
			untrusted = append(untrusted, nc)
		}
	}
	switch {
	case len(stale) > 0:
		out.Cause = EvidenceStale
		out.explain(fmt.Sprintf("all %s evidence about this release is too old", kind), stale)
	case len(untrusted) > 0:
		out.Cause = EvidenceUntrusted
		out.explain(fmt.Sprintf("no %s evidence about this release can be counted", kind), untrusted)
	case len(other) > 0:
		out.explain(out.Msg, other)
	}
	return out
}

// explain says why items were not counted; the first reason stands for all of its kind.
func (f *Finding) explain(msg string, why []verify.NotCounted) {
	slices.SortFunc(why, func(a, b verify.NotCounted) int { return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Msg, b.Msg)) })
	f.Msg = msg
	for i, nc := range why {
		if i == 0 {
			f.Msg += ": " + nc.Msg
		}
		f.Evidence = append(f.Evidence, nc.ID)
	}
	if n := len(why) - 1; n > 0 {
		f.Msg += fmt.Sprintf(" (and %d more)", n)
	}
	f.Observed = string(why[0].Reason)
}

// add adds one finding, and what its rule says about people when it needs them.
func (l *findingList) add(f Finding, ask *policy.Requirement) {
	l.list = append(l.list, f)
	if f.Enforced && f.Effect == policy.NeedsApproval {
		l.asks = append(l.asks, stated{f, ask})
	}
}

// addFaults adds a finding that blocks for each error; joined errors are taken apart.
func (l *findingList) addFaults(errs ...error) {
	for _, err := range errs {
		if several, ok := err.(interface{ Unwrap() []error }); ok && len(several.Unwrap()) > 0 {
			l.addFaults(several.Unwrap()...)
			continue
		}
		if err == nil {
			err = fault.New(fault.Internal, "a fault that nobody described")
		}
		class := fault.ClassOf(err)
		l.class = max(l.class, class)
		l.list = append(l.list, Finding{
			Code: "engine." + class.Word(), Effect: policy.Block, Cause: faultCause(class), Msg: err.Error(),
			Status: StatusOpen, Enforced: true, Evidence: []string{}, Controls: []string{},
		})
	}
}

// addGaps adds a finding that blocks for each kind of evidence that is there for some platforms of an image index and not for all: no
// rule could tell, because to a rule one item is as good as another.
func (l *findingList) addGaps(gaps []verify.Gap) {
	for _, g := range gaps {
		l.add(Finding{
			Code: "engine.platforms", ID: g.What() + ":" + g.Index.Digest, Effect: policy.Block, Cause: EvidenceMissing, Status: StatusOpen, Enforced: true,
			Msg:      fmt.Sprintf("there is %s evidence about %s of image index %s and none about %s", g.What(), strings.Join(g.Have, ", "), g.Index.Name, strings.Join(g.Missing, ", ")),
			Observed: strings.Join(g.Have, ", "), Expected: strings.Join(slices.Sorted(slices.Values(append(slices.Clone(g.Have), g.Missing...))), ", "),
			Remedy: fmt.Sprintf("collect it about each platform: cdgate collect --artifact NAME@%s %s:PATH; or about the index itself", g.Digests[0], g.Kind), Evidence: []string{}, Controls: []string{},
		}, nil)
	}
}

// faultCause is config where somebody's configuration or policy is wrong, error where something is broken.
func faultCause(c fault.Class) Cause {
	if c == fault.Policy || c == fault.Usage {
		return Config
	}
	return Error
}

// outcome is the strongest effect of the open findings that gate.
func (l *findingList) outcome() Outcome {
	out := Allow
	for _, f := range l.list {
		if f.Enforced && f.Status != StatusDischarged {
			out = min(out, outcomeOf(f.Effect))
		}
	}
	return out
}

// sort orders the findings by what they say, so that no order of rules, faults or evidence shows.
func (l *findingList) sort() {
	slices.SortStableFunc(l.list, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Code, b.Code), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Effect, b.Effect), cmp.Compare(a.Cause, b.Cause),
			cmp.Compare(a.Msg, b.Msg), cmp.Compare(a.Observed, b.Observed), cmp.Compare(a.Expected, b.Expected), cmp.Compare(a.Place, b.Place),
			cmp.Compare(a.Remedy, b.Remedy), slices.Compare(a.Evidence, b.Evidence), slices.Compare(a.Controls, b.Controls))
	})
}

// Seen names the finding and its content, "code#hash" or "code:id#hash", so that a sign-off can say which findings its
// signer saw. The hash is half a SHA-256 over code, id, effect, cause, observed and expected: texts for people may
// change without voiding what was signed.
func (f Finding) Seen() string {
	content, err := json.Marshal([]string{f.Code, f.ID, string(f.Effect), string(f.Cause), f.Observed, f.Expected})
	if err != nil { // invalid UTF-8: a name that nobody can have seen
		return requirementID(f) + "#"
	}
	sum := sha256.Sum256(content)
	return requirementID(f) + "#" + hex.EncodeToString(sum[:16])
}

// list is a copy that is never nil, in the order given.
func list(in []string) []string { return append([]string{}, in...) }

// quoted lists names for people.
func quoted(names []string) string { return strings.Join(names, ", ") }
