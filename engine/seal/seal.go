// Package seal signs statements and opens signed ones. It is the only door to sigstore: keys, envelopes and bundles are
// known nowhere else.
package seal

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"

	"github.com/go-json-experiment/json/jsontext"
)

var (
	// ErrMalformed says that the bytes are no bundle, envelope or statement this package accepts (evidence fault).
	ErrMalformed = errors.New("malformed")
	// ErrUnknownKey says that none of the keys asked for signed the bundle (trust fault).
	ErrUnknownKey = errors.New("signed by an unknown key")
	// ErrSignature says that the signature does not fit the key and the bytes (trust fault).
	ErrSignature = errors.New("the signature does not match")
)

const (
	// MediaType of the bundles: Sigstore bundle v0.3 as JSON.
	MediaType = "application/vnd.dev.sigstore.bundle.v0.3+json"
	// PayloadType of the envelopes: an in-toto statement.
	PayloadType = "application/vnd.in-toto+json"
	// StatementType is the _type of in-toto Statement v1.
	StatementType = "https://in-toto.io/Statement/v1"
	// DecisionType is the predicate type of decision records, the only statements with more than one subject.
	DecisionType = "https://cdgate.dev/decision/v1"
)

// Subject is what a statement is about: exactly one digest, "sha256" (64 hex digits) or "gitCommit" (40 or 64).
type Subject struct {
	Name   string            `json:"name,omitempty"`
	Digest map[string]string `json:"digest"`
}

// Statement is an in-toto Statement v1.
type Statement struct {
	Type          string         `json:"_type"`
	Subject       []Subject      `json:"subject"`
	PredicateType string         `json:"predicateType"`
	Predicate     jsontext.Value `json:"predicate"`
}

// Opened is a bundle that was opened.
type Opened struct {
	Statement Statement
	Payload   []byte // the signed bytes of the statement, as they were signed
	KeyID     string // of the key whose signature was checked; InspectUnsafe: of the key the bundle only claims
	Digest    string // of the bundle's bytes, "sha256:<hex>"
}

// Digest is "sha256:" and the lower-case hex SHA-256 of b.
func Digest(b []byte) string {
	h := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(h[:])
}

// Open checks everything about a bundle and gives its statement.
func Open(bundle []byte, keys ...PublicKey) (*Opened, error) { return nil, errors.ErrUnsupported }

// OpenDecision is Open for decision records: the predicate type must be DecisionType and there may be several subjects.
func OpenDecision(bundle []byte, keys ...PublicKey) (*Opened, error) {
	return nil, errors.ErrUnsupported
}

// InspectUnsafe decodes a bundle as strictly as Open and checks no signature: what it gives is only a claim.
func InspectUnsafe(bundle []byte) (*Opened, error) { return nil, errors.ErrUnsupported }

// PublicKey is a P-256 public key in one canonical form, so that equal keys compare equal with ==.
type PublicKey struct {
	ID  string // base64(SHA-256(SPKI DER)), what cosign writes as hint
	PEM string
}

// ParsePublicKey reads one PEM block PUBLIC KEY with a P-256 key; file names it in errors.
func ParsePublicKey(file string, pem []byte) (PublicKey, error) {
	return PublicKey{}, errors.ErrUnsupported
}

// Fingerprint is "SHA256:" and the key's ID.
func (k PublicKey) Fingerprint() string { return "SHA256:" + k.ID }

// Signer signs statements with one P-256 key.
type Signer struct{}

// Generate makes a P-256 key pair as PEM.
func Generate(password []byte) (privatePEM, publicPEM []byte, err error) {
	return nil, nil, errors.ErrUnsupported
}

// LoadSigner reads a private key.
func LoadSigner(file string, pem []byte, password func() ([]byte, error)) (*Signer, error) {
	return nil, errors.ErrUnsupported
}

// KeyID is the ID of the public key.
func (s *Signer) KeyID() string { return "" }

// Public is the public key.
func (s *Signer) Public() PublicKey { return PublicKey{} }

// Sign makes a bundle.
func (s *Signer) Sign(st Statement) (bundle []byte, err error) { return nil, errors.ErrUnsupported }
