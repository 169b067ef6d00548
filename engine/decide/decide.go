package decide

import (
	"fmt"
	"slices"
	"time"

	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/policy"
	"cdgate.dev/cdgate/engine/verify"
)

// Author is somebody who had a hand in the change. Known says that the gate definition knows the address, as that of
// Person or of a Robot; the zero Author is nobody known, and leaves every requirement open.
type Author struct {
	Name, Email string
	// Person is the id of a person in the gate definition, or "".
	Person string
	Robot  bool
	Known  bool
}

// People says which roles a person has for a line and target at an instant. gate.Definition does.
type People interface {
	RolesOf(person, line, target string, at time.Time) []string
}

// In is everything a decision is made from. The zero In is a block.
type In struct {
	Rules      []policy.Rule
	NotCounted []verify.NotCounted
	// Faults are what went wrong on the way here; each makes the decision a block. An error that nobody classified, and
	// nil, count as internal ones.
	Faults []error
	// Gaps are kinds of evidence that are there for a part of the release only; each blocks.
	Gaps     []verify.Gap
	Signoffs []verify.Signoff
	Authors  []Author
	// AuthorsKnown says that Authors is complete; false leaves every requirement open.
	AuthorsKnown bool
	People       People
	Line         string
	Target       string
	Stage        string
	// Subjects are the digests of the artifacts of the release; a release without any cannot be signed off.
	Subjects []string
	Now      time.Time
	// ValidFor is how long an allow stands; Expiries are other instants at which it ends.
	ValidFor time.Duration
	Expiries []time.Time
}

// Decision is the answer and all its reasons. Allow in it is not yet permission: only a durable, re-read record is.
type Decision struct {
	Outcome Outcome
	Basis   Basis
	// Recommendation is the outcome before people acted.
	Recommendation Outcome
	// ExitClass is the highest class of fault, 0 for none.
	ExitClass fault.Class
	// Findings are sorted by code and id, Requirements by id. Both are never nil.
	Findings     []Finding
	Requirements []Requirement
	// NotCounted are the sign-offs for this target and stage that belong to no requirement of this decision.
	NotCounted []verify.NotCounted
	// ValidUntil is when an allow ends.
	ValidUntil time.Time
}

// Decide decides: the outcome is the strongest effect of all findings that gate and that nothing discharges.
func Decide(in In) Decision {
	found := findings(in)
	reqs, faults := requirements(found.asks)
	found.addFaults(faults...)
	found.sort()

	d := Decision{Recommendation: found.outcome()}
	o := newOffice(in, Seen(found.list))
	d.NotCounted = o.unasked(reqs)
	for i := range reqs {
		o.count(&reqs[i])
	}
	found.settle(reqs, o.stuck)
	found.sort()

	d.ValidUntil = validUntil(in, reqs)
	if found.outcome() == Allow {
		found.addFaults(expired(in, d.ValidUntil)...)
		found.sort()
	}
	d.Outcome, d.ExitClass, d.Findings = found.outcome(), found.class, found.list
	if d.Outcome == Allow {
		d.Basis = Automatic
		if len(reqs) > 0 {
			d.Basis = Approved
		}
	}
	d.Requirements = []Requirement{}
	for _, r := range reqs {
		d.Requirements = append(d.Requirements, r.Requirement)
	}
	return d
}

// ExitCode is the exit code of the decision: that of the highest class of fault, else 0 for allow, 10 for
// needs_approval and 20 for block.
func (d Decision) ExitCode() int {
	switch {
	case d.ExitClass != 0:
		return int(d.ExitClass)
	case d.Outcome == Allow:
		return 0
	case d.Outcome == NeedsApproval:
		return 10
	}
	return 20
}

// Seen names every finding that gates, sorted, so that a sign-off made on them can say which findings its signer saw.
// Discharged ones are among them: should their sign-offs lapse, this signer has seen them too. Rejections are not: they
// answer to people and not to evidence.
func Seen(findings []Finding) []string {
	out := []string{}
	for _, f := range findings {
		if f.Enforced && outcomeOf(f.Effect) != Allow && f.Cause != ApprovalRejected {
			out = append(out, f.Seen())
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// validUntil is the first instant at which something an allow stands on ends.
func validUntil(in In, reqs []asked) time.Time {
	until := in.Now.Add(max(in.ValidFor, 0))
	for _, e := range in.Expiries {
		if e.Before(until) {
			until = e
		}
	}
	for _, r := range reqs {
		if r.State == StateMet && r.until.Before(until) {
			until = r.until
		}
	}
	return until
}

// expired refuses an allow that would be over before it began.
func expired(in In, until time.Time) []error {
	switch {
	case in.ValidFor <= 0:
		return []error{fault.New(fault.Policy, "the target says for how long an allow stands: %s, which is no time at all; set validFor", in.ValidFor)}
	case until.Before(in.Now):
		return []error{fault.New(fault.Evidence, "an allow would have ended at %s, before it was made", until.UTC().Format(time.RFC3339))}
	}
	return nil
}

// outcomeOf is what an effect does to a decision; an effect nobody knows blocks.
func outcomeOf(e policy.Effect) Outcome {
	switch e {
	case policy.NeedsApproval:
		return NeedsApproval
	case policy.Warn:
		return Allow
	}
	return Block
}

// requirementID is "code" or "code:id".
func requirementID(f Finding) string {
	if f.ID == "" {
		return f.Code
	}
	return fmt.Sprintf("%s:%s", f.Code, f.ID)
}
