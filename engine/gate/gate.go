// Package gate is the signed gate definition: who may sign what, who the people are and which roles they have, which
// targets there are and which policies judge them. Every question the rest of the engine asks of it is a method here.
package gate

import "cdgate.dev/cdgate/engine/seal"

// PredicateType of the statement that signs a gate definition.
const PredicateType = "https://cdgate.dev/gate/v1"

// Decision is the duty of signers that sign decision records.
const Decision = "decision"

// Key is a public key with the file it came from. ID is base64(SHA-256(SPKI)). From and Until are RFC 3339 or empty, and
// the validity is half-open, as that of a Role.
type Key struct {
	ID      string      `json:"id"`
	PEM     string      `json:"pem"`
	File    string      `json:"file"`
	From    string      `json:"from,omitempty"`
	Until   string      `json:"until,omitempty"`
	Revoked *Revocation `json:"revoked,omitempty"`
}

// Revocation says from when on nothing counts that a key signs, and why: Rotation or Compromise.
type Revocation struct {
	At     string `json:"at"`
	Reason string `json:"reason"`
}

// The reasons of a revocation: another key took its place, or somebody else may have it.
const (
	Rotation   = "rotation"
	Compromise = "compromise"
)

// Definition is a gate definition with its keys inlined. It is plain data: its canonical JSON, with Sources and
// SignedAt beside it, is what is signed. Only Open and OpenArchived make one that counts as signed.
type Definition struct {
	APIVersion string `json:"apiVersion"`
	Version    int    `json:"version"`
	Expires    string `json:"expires"`
	Roots      []Key  `json:"roots"`
	// Threshold is how many owners of root keys must sign; 0 means one.
	Threshold int `json:"threshold,omitzero"`
	// Log is the verifier key of the decision log that stays; LogKeys are all of its keys, empty where it has only that one.
	Log     string             `json:"log"`
	LogKeys []LogKey           `json:"logKeys,omitempty"`
	Signers map[string]Signer  `json:"signers"`
	People  map[string]Person  `json:"people"`
	Robots  map[string]Robot   `json:"robots"`
	Roles   map[string]Role    `json:"roles"`
	Kinds   map[string]OwnKind `json:"kinds"`
	Lines   map[string]Line    `json:"lines"`
	Targets map[string]Target  `json:"targets"`
	// Trust and Require are nil where the definition says nothing of them.
	Trust   *Trust   `json:"trust,omitempty"`
	Require *Require `json:"require,omitempty"`
	// Witnesses is nil where the decision log has none.
	Witnesses *Witnesses `json:"witnesses,omitempty"`
	// Builders and Verifiers are those whose provenance and summaries mean something.
	Builders  []Builder  `json:"builders,omitempty"`
	Verifiers []Verifier `json:"verifiers,omitempty"`

	Sources  []Source `json:"-"`
	SignedAt string   `json:"-"`
	// Previous is the digest of the version before, empty for the first that was signed.
	Previous string `json:"-"`

	proof proof
}

// proof is what Open learnt about the signature; zero for a definition nobody signed.
type proof struct {
	signed    bool
	pinned    bool
	root      string      // id of the first key that signed
	file      string      // digest of gate.yaml
	predicate []byte      // as it was signed
	link      *link       // the signatures, and the way to the versions before; nil for a definition nobody signed
	trust     *seal.Roots // nil where the definition has none
}

// Signer is a machine that signs; Lines empty means every line.
type Signer struct {
	// ID is the name in the definition.
	ID    string   `json:"-"`
	Keys  []Key    `json:"keys"`
	May   []string `json:"may"`
	Lines []string `json:"lines,omitempty"`
	// Identities are whose certificates count as the signer's, beside Keys.
	Identities []Identity `json:"identities,omitempty"`
	Require    *Require   `json:"require,omitempty"`
}

// Person is a natural person.
type Person struct {
	// ID is the id in the definition.
	ID     string   `json:"-"`
	Name   string   `json:"name"`
	Keys   []Key    `json:"keys"`
	Emails []string `json:"emails"`
	Logins []string `json:"logins"`
	// Identities are those at which certificates are issued to the person, with a subject each.
	Identities []PersonIdentity `json:"identities,omitempty"`
}

// Robot is a committer that is no person.
type Robot struct {
	Emails []string `json:"emails"`
}

// Role is who may act as what, where and when; Lines or Targets empty means all. From and Until are RFC 3339 or empty,
// and the validity is half-open: at From the role is there, at Until no longer.
//
// May are the kinds of evidence that its people may sign with their own keys.
type Role struct {
	People  []string `json:"people"`
	Lines   []string `json:"lines,omitempty"`
	Targets []string `json:"targets,omitempty"`
	From    string   `json:"from,omitempty"`
	Until   string   `json:"until,omitempty"`
	May     []string `json:"may,omitempty"`
}

// OwnKind is a kind of evidence that the organisation defines itself. MaxAge is as written, such as "720h".
type OwnKind struct {
	MaxAge string `json:"maxAge"`
}

// Line is a product or service; Tier 1 is the most critical, 0 not stated.
type Line struct {
	Tier         int      `json:"tier,omitzero"`
	Owners       []string `json:"owners"`
	Repositories []string `json:"repositories"`
}

// Target is a place a release goes to. Durations are as written, such as "168h".
type Target struct {
	// ID is the id in the definition.
	ID       string                    `json:"-"`
	Class    string                    `json:"class"`
	Trigger  string                    `json:"trigger"`
	Policies []string                  `json:"policies"`
	Params   map[string]map[string]any `json:"params"`
	MaxAge   map[string]string         `json:"maxAge"`
	ValidFor string                    `json:"validFor"`
}

// Source is a policy source, pinned by the digest of its content.
type Source struct {
	Ref    string `json:"ref"`
	Digest string `json:"digest"`
}
