// Package decide turns findings and sign-offs into a decision. It is pure: no clock, no file, no network; the same
// inputs give the same decision, and the zero value of everything it returns is a block.
package decide

import "cdgate.dev/cdgate/engine/policy"

// Outcome is the answer. Its zero value is Block, so that a decision nobody made says no.
type Outcome uint8

// The outcomes. Only Allow opens the gate.
const (
	Block Outcome = iota
	NeedsApproval
	Allow
)

// String is the outcome's name in JSON, Rego and the command line.
func (o Outcome) String() string {
	switch o {
	case Allow:
		return "allow"
	case NeedsApproval:
		return "needs_approval"
	}
	return "block"
}

// Cause is why a finding stands. Only the engine sets causes; a rule may ask for Inconclusive.
type Cause string

// The causes of this version. Windows and holds are causes of the contract that nothing sets yet.
const (
	CriterionFailed   Cause = "criterion_failed"
	EvidenceMissing   Cause = "evidence_missing"
	EvidenceUntrusted Cause = "evidence_untrusted"
	EvidenceStale     Cause = "evidence_stale"
	Inconclusive      Cause = "inconclusive"
	ApprovalMissing   Cause = "approval_missing"
	ApprovalRejected  Cause = "approval_rejected"
	Config            Cause = "config"
	Error             Cause = "error"
)

// Basis is what an allow stands on; it is empty for the other outcomes.
type Basis string

// The bases of this version.
const (
	Automatic Basis = "automatic"
	Approved  Basis = "approved"
)

// The states of a finding.
const (
	StatusOpen       = "open"
	StatusDischarged = "discharged"
)

// The states of a requirement.
const (
	StateOpen         = "open"
	StatePartiallyMet = "partially_met"
	StateMet          = "met"
	StateVetoed       = "vetoed"
)

// Finding is one thing that stands, or stood, between the release and the target.
type Finding struct {
	Code     string        `json:"code"`
	ID       string        `json:"id"`
	Effect   policy.Effect `json:"effect"`
	Cause    Cause         `json:"cause"`
	Msg      string        `json:"msg"`
	Status   string        `json:"status"`
	Enforced bool          `json:"enforced"`
	Evidence []string      `json:"evidence"`
	Place    string        `json:"place"`
	Observed string        `json:"observed"`
	Expected string        `json:"expected"`
	Remedy   string        `json:"remedy"`
	Controls []string      `json:"controls"`
}

// Requirement is what people must sign before a finding is discharged, and how far they are. ID is "code" or
// "code:id" of its finding; Digest is the SHA-256 of its canonical content, which a sign-off names. Have counts
// distinct entitled people, Open is how many more must sign.
type Requirement struct {
	ID         string   `json:"id"`
	Digest     string   `json:"digest"`
	Roles      []string `json:"roles"`
	Count      int      `json:"count"`
	Meaning    string   `json:"meaning"`
	ValidHours int      `json:"validHours"`
	VetoRoles  []string `json:"vetoRoles"`
	Have       int      `json:"have"`
	Open       int      `json:"open"`
	State      string   `json:"state"`
	// By lists the sign-offs that count; NotCounted those for this requirement that do not, with the reason.
	By         []Signature `json:"by"`
	NotCounted []Signature `json:"notCounted"`
}

// Signature is one person's sign-off as the decision used it.
type Signature struct {
	Person     string `json:"person"`
	Name       string `json:"name"`
	Verdict    string `json:"verdict"`
	Role       string `json:"role"`
	SignedAt   string `json:"signedAt"`
	ValidUntil string `json:"validUntil"`
	Comment    string `json:"comment"`
	Digest     string `json:"digest"`
	// Reason says why the sign-off does not count; empty for those that do.
	Reason string `json:"reason"`
}
