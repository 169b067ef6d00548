// Package seal signs statements and opens signed ones. It is the only door to sigstore: keys, envelopes and bundles are
// known nowhere else.
//
// A sealed statement is a Sigstore bundle v0.3 in JSON with one DSSE envelope around one in-toto Statement v1, signed
// with one P-256 key. Open is the one way to believe a bundle; InspectUnsafe only reads what it claims.
//
// The envelope, the signature and the statement are always checked here, also when there is a certificate: sigstore-go's
// verifier accepts things a gate must not (any _type, several subjects, aliases of field names, a forged key hint). Its part is
// what others say about a signature: certificate chains, timestamps and log entries, against Roots. A bundle without
// any of these never gets there. The tests hold the two against each other: whatever Open accepts, sigstore-go accepts too.
//
// Attestations of other tools are opened by OpenAttestation, which takes older bundles, bare envelopes, in-toto v0.1 and several
// subjects, and is as strict about everything else. What it accepts is never taken for a statement of ours.
package seal

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"

	"cdgate.dev/cdgate/engine/fault"
	"github.com/go-json-experiment/json/jsontext"
)

var (
	// ErrMalformed says that the bytes are no bundle, envelope or statement this package accepts (evidence fault).
	ErrMalformed = errors.New("malformed bundle")
	// ErrUnknownKey says that the bundle names none of the keys asked for as its signer (trust fault).
	ErrUnknownKey = errors.New("signed by an unknown key")
	// ErrSignature says that the signature does not fit the key and the bytes (trust fault).
	ErrSignature = errors.New("the signature does not match")
	// ErrUntrusted says that the certificate, a timestamp or a log entry is none that the trusted root vouches for (trust
	// fault). The signature itself is good.
	ErrUntrusted = errors.New("not vouched for by the trusted root")
)

const (
	// MediaType of the bundles: Sigstore bundle v0.3 as JSON.
	MediaType = "application/vnd.dev.sigstore.bundle.v0.3+json"
	// PayloadType of the envelopes: an in-toto statement.
	PayloadType = "application/vnd.in-toto+json"
	// StatementType is the _type of in-toto Statement v1.
	StatementType = "https://in-toto.io/Statement/v1"
	// DecisionType is the predicate type of decision records, the only statements that may have several subjects.
	DecisionType = "https://cdgate.dev/decision/v1"
)

// Subject is what a statement is about: one digest, "sha256" (64 lower-case hex digits) or "gitCommit" (40 or 64).
type Subject struct {
	Name   string            `json:"name,omitempty"`
	Digest map[string]string `json:"digest"`
}

// Statement is an in-toto Statement v1. Sign fills in an empty Type.
type Statement struct {
	Type          string    `json:"_type"`
	Subject       []Subject `json:"subject"`
	PredicateType string    `json:"predicateType"`
	// Predicate is one JSON object: decode it from these bytes, they are those that were signed.
	Predicate jsontext.Value `json:"predicate"`
}

// Opened is a bundle that was opened.
type Opened struct {
	Statement Statement
	Payload   []byte   // the statement's bytes as they were signed
	KeyID     string   // of the key whose signature was checked, empty for certificates; from InspectUnsafe: of the key the bundle only claims
	Identity  Identity // of the certificate that was checked, zero for keys; from InspectUnsafe: what the certificate only claims
	Digest    string   // of the bundle's bytes, "sha256:<64 hex>"
	// Timestamped is when a timestamp authority saw the signature (RFC 3161, verified); zero when nothing proves the time.
	// What a statement says about its own time proves nothing.
	Timestamped time.Time
}

// Digest is "sha256:" and the lower-case hex SHA-256 of b.
func Digest(b []byte) string {
	h := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(h[:])
}

func malformed(format string, args ...any) error {
	return fault.New(fault.Evidence, "%w: "+format, append([]any{ErrMalformed}, args...)...)
}

func untrusted(format string, args ...any) error {
	return fault.New(fault.Trust, "%w: "+format, append([]any{ErrUntrusted}, args...)...)
}

// Signatory is who signed: the key or the certificate's identity.
func (o *Opened) Signatory() Signatory { return Signatory{KeyID: o.KeyID, Identity: o.Identity} }
