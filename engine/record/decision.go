// Package record says what a decision record holds: the deterministic result, the digests of everything it was made
// of, and who made it. It builds the statement that is signed and reads it back.
package record

import (
	"cdgate.dev/cdgate/engine/decide"
	"cdgate.dev/cdgate/engine/verify"
)

// PredicateType of the statement that a decision record is.
const PredicateType = "https://cdgate.dev/decision/v1"

// Predicate is the predicate of a decision record.
type Predicate struct {
	// Result is the same byte for byte for the same inputs, whatever the machine, order, time zone or locale.
	Result Result `json:"result"`
	Inputs Inputs `json:"inputs"`
	Engine Engine `json:"engine"`
	Root   Root   `json:"root"`
	Log    Head   `json:"log"`
}

// Result is the decision and all its reasons.
type Result struct {
	Outcome        string               `json:"outcome"`
	Basis          decide.Basis         `json:"basis"`
	Recommendation string               `json:"recommendation"`
	ExitCode       int                  `json:"exitCode"`
	Release        Release              `json:"release"`
	Target         Target               `json:"target"`
	Stage          string               `json:"stage"`
	EvaluatedAt    string               `json:"evaluatedAt"`
	ValidUntil     string               `json:"validUntil"`
	Rules          []Rule               `json:"rules"`
	Findings       []decide.Finding     `json:"findings"`
	Requirements   []decide.Requirement `json:"requirements"`
	Obligations    []Obligation         `json:"obligations"`
	NotCounted     []verify.NotCounted  `json:"notCounted"`
}

// Rule is one rule of the selected sets as the record keeps it; rules that found nothing are kept too.
type Rule struct {
	Code        string `json:"code"`
	Title       string `json:"title"`
	Digest      string `json:"digest"`
	Result      string `json:"result"`
	Enforced    bool   `json:"enforced"`
	EffectiveOn string `json:"effectiveOn"`
}

// Obligation is something that must happen after the decision.
type Obligation struct {
	ID  string `json:"id"`
	Msg string `json:"msg"`
	Due string `json:"due"`
}

// Release is what was decided on.
type Release struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Line    string `json:"line"`
	ID      string `json:"id"`
	// Repository and Revision are what trusted build evidence says the release was built from.
	Repository string    `json:"repository"`
	Revision   string    `json:"revision"`
	Subjects   []Subject `json:"subjects"`
	// Authors had a hand in the revision or started the run that built it; they cannot approve.
	Authors []Author `json:"authors"`
}

// Author is an author, co-author, committer or requester; Person is their id in the gate definition, "" when it knows
// nobody with that address.
type Author struct {
	Name   string `json:"name"`
	Email  string `json:"email"`
	Person string `json:"person"`
}

// Subject is one artifact; Digest is "sha256:…".
type Subject struct {
	Name   string `json:"name"`
	Digest string `json:"digest"`
}

// Target is where the release was to go.
type Target struct {
	ID      string `json:"id"`
	Class   string `json:"class"`
	Trigger string `json:"trigger"`
}

// Inputs are the digests of everything the result was computed from; each is kept in the store.
type Inputs struct {
	Asked Asked `json:"asked"`
	// Bundle is the sealed evidence, and Items the manifests in it. Signoffs are the manifests of sign-offs that count,
	// NotCounted those of everything that was looked at and does not. Logged are the sign-off statements about the
	// release that the log held.
	Bundle     string   `json:"bundle"`
	Items      []string `json:"items"`
	Signoffs   []string `json:"signoffs"`
	NotCounted []string `json:"notCounted"`
	Logged     []string `json:"logged"`
	// LoggedUnder is for each of Logged the newest version of the gate definition that the log named up to its entry.
	LoggedUnder []int  `json:"loggedUnder,omitempty"`
	Input       string `json:"input"`
	Gate        string `json:"gate"`
	GateBundle  string `json:"gateSignature"`
	// GateSignatures are the further signatures of the gate definition, GateHistory those of the versions before that were
	// asked, newest first.
	GateSignatures []string   `json:"gateSignatures,omitempty"`
	GateHistory    [][]string `json:"gateHistory,omitempty"`
	Policies       []Source   `json:"policies"`
	Params         string     `json:"params"`
	Capabilities   string     `json:"capabilities"`
}

// Asked is what the caller named, before evidence said more; a replay asks the same.
type Asked struct {
	Artifacts  []Subject `json:"artifacts"`
	Revision   string    `json:"revision"`
	Repository string    `json:"repository"`
}

// Source is one policy source and the digest of its content.
type Source struct {
	Ref     string `json:"ref"`
	Digest  string `json:"digest"`
	Archive string `json:"archive"`
}

// Engine says which programs computed the result.
type Engine struct {
	Cdgate string `json:"cdgate"`
	OPA    string `json:"opa"`
	Go     string `json:"go"`
}

// Root says under whose key the gate definition was valid. Pinned is false when only the checkout vouches for it.
type Root struct {
	KeyID string `json:"keyId"`
	// Version is that of the gate definition.
	Version int  `json:"version"`
	Pinned  bool `json:"pinned"`
	// Digest is that of the signed gate definition.
	Digest string `json:"digest,omitempty"`
}

// Head is the head of the decision log that was read before deciding.
type Head struct {
	Size uint64 `json:"size"`
	Root string `json:"root"`
}
