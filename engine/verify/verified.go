// Package verify turns what a store holds into what may be believed: statements, the signed gate definition and a
// release go in, a Verified comes out, and nothing else makes one. What is not believed is listed with the reason.
package verify

import (
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"cdgate.dev/cdgate/evidence"
)

// Reason is why a statement was not counted.
type Reason string

// The reasons. Unlogged is one of sign-offs only, Misfit one of own kinds, and of attestations of a predicate type that is not read.
// WrongBuilder, WrongVerifier and NotPassed are those of attestations: the signer may not claim the builder or verifier that is named, and
// a summary of a verification that failed. NoTimestamp is a good signature
// without the timestamp that the gate definition wants, Untrusted one whose certificate, timestamp or log entry the definition's trusted
// root does not vouch for.
const (
	UnknownSigner Reason = "unknown_signer"
	WrongRole     Reason = "wrong_role"
	WrongLine     Reason = "wrong_line"
	OtherSubject  Reason = "other_subject"
	Stale         Reason = "stale"
	Future        Reason = "future"
	Unlisted      Reason = "unlisted"
	Superseded    Reason = "superseded"
	Unbound       Reason = "unbound"
	Unlogged      Reason = "unlogged"
	Misfit        Reason = "misfit"
	NoTimestamp   Reason = "no_timestamp"
	Untrusted     Reason = "untrusted"
	ExpiredKey    Reason = "expired_key"
	RevokedKey    Reason = "revoked_key"
	WrongBuilder  Reason = "wrong_builder"
	WrongVerifier Reason = "wrong_verifier"
	NotPassed     Reason = "not_passed"
)

// NotCounted is a statement that does not count, and why. ID is the digest of the signed statement; Kind is the kind of
// evidence, "collection" or "signoff", as far as it could be read; Signer is the name in the gate definition, or the id
// of the unknown key, or issuer and subject of the unknown certificate.
type NotCounted struct {
	ID     string `json:"id"`
	Kind   string `json:"kind"`
	Reason Reason `json:"reason"`
	Msg    string `json:"msg"`
	Signer string `json:"signer"`
}

// Want is the release that evidence is wanted about, at one instant.
type Want struct {
	Name, Version, Line string
	// Artifacts are the artifacts of the release. Where it names none, they come from trusted build evidence about
	// Revision, or about Name and Version where Revision is empty too.
	Artifacts []Artifact
	// Revision is the git commit the release is built from. Empty means whatever trusted build evidence says about the
	// artifacts; where both say something and differ, that is a fault.
	Revision string
	// Repository is shown where no trusted build evidence names one. It decides nothing.
	Repository string
	Target     string
	Now        time.Time
	// Kinds are the own kinds of evidence that the target's policies define.
	Kinds map[evidence.Kind]OwnKind
}

// OwnKind reads documents of one own kind strictly, and gives the one form of each; schemas.OwnKind does.
type OwnKind interface {
	Read(file string, text []byte) ([]byte, error)
}

// About is what an item is about: Kind is "artifact" and Digest "sha256:…", or Kind is "revision" and Digest the git
// commit in hexadecimal digits.
type About struct {
	Kind   string `json:"kind"`
	Name   string `json:"name"`
	Digest string `json:"digest"`
}

// The kinds of About.
const (
	AboutArtifact = "artifact"
	AboutRevision = "revision"
)

// Signer is who signed an item: the name in the gate definition, and what its signatures count for.
type Signer struct {
	ID    string   `json:"id"`
	Roles []string `json:"roles"`
}

// Item is one statement that counts: the signature is that of a signer who may attest the kind for the line, the
// signer's collection lists it, it belongs to the release, and it is neither superseded nor too old.
type Item struct {
	// ID is the digest of the signed statement, Manifest that of the store object that holds it.
	ID, Manifest string
	Kind         evidence.Kind
	About        About
	Signer       Signer
	Level, Part  string
	Scope        string
	Format       string
	Tool         evidence.Tool
	CollectedAt  time.Time
	// AgeSeconds is the age at Want.Now; negative by at most the tolerated skew of clocks.
	AgeSeconds int64
	Producer   Producer
	Line       string
	Release    ReleaseRef
	Warnings   []evidence.Warning
	// Attested says that it is an attestation of another tool, with that tool's own signature. It has no Level, Part, Producer and Release,
	// and CollectedAt is the earliest time that is known of it. One that is about several artifacts is an item for each.
	Attested bool
	// Summary is the summary of the kind as it was signed; nil for builds.
	Summary jsontext.Value
	// Rows is the JSON array of the kind's rows, of exactly the shape of the row type in package evidence, or the one document
	// of an own kind; nil for builds. RowsFrom and Report describe the two blobs.
	Rows     jsontext.Value
	RowsFrom evidence.Descriptor
	Report   evidence.Descriptor
	// Build is set for builds only.
	Build *Built
}

// Source is what trusted build evidence says the release was built from.
type Source struct {
	Repository, Revision, Branch string
	// Authors are the distinct authors, co-authors and committers, sorted by e-mail address and name.
	Authors []Author
	// AuthorsKnown is true only when every artifact of the release has trusted build evidence that names its authors.
	AuthorsKnown bool
}

// Verified is the evidence about one release that may be believed. Only Evidence makes one that holds anything; the
// zero value holds no item.
type Verified struct {
	items      []Item
	notCounted []NotCounted
	subjects   []Artifact
	source     Source
	digests    []string
	faults     []error
	gaps       []Gap
	contains   map[string][]Contained
	name       string
	version    string
}

// Items are the items that count, sorted by digest.
func (v *Verified) Items() []Item { return v.items }

// NotCounted are the statements about this release that do not count, sorted by digest.
func (v *Verified) NotCounted() []NotCounted { return v.notCounted }

// Subjects are the artifacts of the release, sorted by digest; empty when only a revision is known.
func (v *Verified) Subjects() []Artifact { return v.subjects }

// Source is what the release was built from.
func (v *Verified) Source() Source { return v.source }

// Digests are the digests of the store objects to seal: every item and collection about the release that is signed by a
// known signer, those that were superseded or stale too. Sorted.
func (v *Verified) Digests() []string { return v.digests }

// Faults are what was wrong beyond not counting, each with its class of package fault, in a fixed order. A Verified with
// faults may be evaluated for its reasons, but its decision is a block.
func (v *Verified) Faults() []error { return v.faults }

// Gaps are the kinds of evidence that are there for some platforms of an image index of the release and not for all, in a fixed
// order. A release with gaps must not go.
func (v *Verified) Gaps() []Gap { return v.gaps }

// Contains are the images in the artifacts that are image indexes, sorted by digest, by that of the index.
func (v *Verified) Contains() map[string][]Contained { return v.contains }

// ReleaseID identifies the release, see ReleaseID.
func (v *Verified) ReleaseID() string {
	return ReleaseID(v.name, v.version, v.subjects, v.source.Revision)
}

// Signoff is a person's verdict, verified: the signature is that of a key of Person, and the log holds it. Whether the
// person may sign, and for what it counts, is for package decide.
type Signoff struct {
	// Digest is that of the signed statement, Manifest that of the store object.
	Digest, Manifest string
	// Person is the id in the gate definition, Name the full name, KeyID the key that signed; empty where a certificate did.
	Person, Name, KeyID string
	// Verdict is "approve" or "reject".
	Verdict                        string
	Requirement, RequirementDigest string
	Meaning                        string
	Target, Stage                  string
	Subjects                       []Artifact
	// Findings are the findings the signer saw.
	Findings             []string
	Comment              string
	SignedAt, ValidUntil time.Time
}
