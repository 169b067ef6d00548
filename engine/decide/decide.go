package decide

import (
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
	Faults     []error
	Signoffs   []verify.Signoff
	Authors    []Author
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
	ExitClass    fault.Class
	Findings     []Finding
	Requirements []Requirement
	// NotCounted are the sign-offs that belong to no requirement of this decision.
	NotCounted []verify.NotCounted
	ValidUntil time.Time
}

// Decide decides.
func Decide(in In) Decision { return Decision{} }

// ExitCode is the exit code of the decision: that of the fault class, else 0, 10 or 20.
func (d Decision) ExitCode() int { return 20 }

// Seen names the finding and its content, so that a sign-off can say which findings its signer saw.
func (f Finding) Seen() string { return "" }
