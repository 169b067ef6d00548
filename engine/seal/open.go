package seal

import (
	"cmp"
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"cdgate.dev/cdgate/engine/fault"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// The members of a bundle that are known here, in the spelling of the specification only: protojson's snake-case aliases
// would give two readers two meanings. Log entries and timestamps are only counted here; what is in them is read once, by
// Roots.witness.
type bundleJSON struct {
	MediaType string         `json:"mediaType"`
	Material  materialJSON   `json:"verificationMaterial"`
	Envelope  *envelopeJSON  `json:"dsseEnvelope"`
	Message   jsontext.Value `json:"messageSignature,omitzero"`
}

type materialJSON struct {
	PublicKey   *hintJSON        `json:"publicKey,omitzero"`
	Certificate *certificateJSON `json:"certificate,omitzero"`
	Chain       jsontext.Value   `json:"x509CertificateChain,omitzero"`
	LogEntries  []jsontext.Value `json:"tlogEntries,omitzero"`
	Timestamps  timestampsJSON   `json:"timestampVerificationData,omitzero"`
}

type hintJSON struct {
	Hint string `json:"hint"`
}

type certificateJSON struct {
	RawBytes string `json:"rawBytes"`
}

type timestampsJSON struct {
	RFC3161 []jsontext.Value `json:"rfc3161Timestamps,omitzero"`
}

type envelopeJSON struct {
	Payload     string          `json:"payload"`
	PayloadType string          `json:"payloadType"`
	Signatures  []signatureJSON `json:"signatures"`
}

type signatureJSON struct {
	Sig   string `json:"sig"`
	KeyID string `json:"keyid,omitzero"`
}

// Trust says whom a bundle is believed from. The zero Trust believes nobody.
type Trust struct {
	// Keys are the keys that may have signed.
	Keys []PublicKey
	// Identity says whether the identity of a certificate may have signed; nil means that none may.
	Identity func(Identity) bool
	// Roots are the authorities and logs that certificates, timestamps and log entries are checked with; nil means none, and
	// then a bundle that has any of these is refused.
	Roots *Roots
}

// Open decodes a bundle, checks that one of keys signed it and gives its statement, which has exactly one subject. The
// errors are ErrMalformed, ErrUnknownKey, ErrSignature and ErrUntrusted. What the caller still has to ask: may this key say a
// statement of this predicate type, and is the subject the one that is wanted?
func Open(bundle []byte, keys ...PublicKey) (*Opened, error) {
	return Trust{Keys: keys}.Open(bundle)
}

// Open is Open for signatures with keys and with certificates, with timestamps and log entries: all that the bundle has must hold.
// A certificate must have been valid when it was used, and a timestamp or log entry must say when that was.
func (t Trust) Open(bundle []byte) (*Opened, error) { return t.open(bundle, false) }

// OpenDecision is Open for decision records: the predicate type must be DecisionType, and all artifacts of the release
// may be subjects.
func (t Trust) OpenDecision(bundle []byte) (*Opened, error) {
	o, err := t.open(bundle, true)
	if err != nil {
		return nil, err
	}
	if o.Statement.PredicateType != DecisionType {
		return nil, malformed("the statement is a %q, want %q", o.Statement.PredicateType, DecisionType)
	}
	return o, nil
}

// OpenDecision is Trust.OpenDecision for keys alone.
func OpenDecision(bundle []byte, keys ...PublicKey) (*Opened, error) {
	return Trust{Keys: keys}.OpenDecision(bundle)
}

// ClaimedBy is who a bundle claims to be signed by, to find out whom to ask for. It looks at nothing but the envelope.
func ClaimedBy(bundle []byte) (Signatory, error) {
	e, err := decodeBundle(bundle)
	if err != nil {
		return Signatory{}, err
	}
	return e.signatory(), nil
}

// InspectUnsafe decodes a bundle as strictly as Open but checks no signature: whoever wrote the bytes chose everything
// in them, the key's ID included. It is for finding out which key to ask for, and for showing what was refused.
func InspectUnsafe(bundle []byte) (*Opened, error) {
	e, err := decodeBundle(bundle)
	if err != nil {
		return nil, err
	}
	return e.opened(bundle, true)
}

func (t Trust) open(bundle []byte, several bool) (*Opened, error) {
	e, err := decodeBundle(bundle)
	if err != nil {
		return nil, err
	}
	key, err := t.key(e)
	if err != nil {
		return nil, err
	}
	digest := sha256.Sum256(pae(e.payload))
	if !ecdsa.VerifyASN1(key, digest[:], e.signature) {
		return nil, fault.New(fault.Trust, "check signature of %s: %w", e.signatory(), ErrSignature)
	}
	var at time.Time
	if e.certified || e.timestamps > 0 || e.logged > 0 {
		times, err := t.Roots.vouch(bundle, e, key, (*Roots).demandsOfOurs)
		if err != nil {
			return nil, err
		}
		at = earliest(times, authorityTime) // a log proves less: its time is its own word
	}
	o, err := e.opened(bundle, several)
	if err == nil {
		o.Timestamped = at
	}
	return o, err
}

// key is the key that must have signed: that of the certificate when its identity is one of those wanted, or the wanted
// key that the bundle names.
func (t Trust) key(e *envelope) (*ecdsa.PublicKey, error) {
	if e.certified {
		if t.Identity == nil || !t.Identity(e.identity) {
			return nil, fault.New(fault.Trust, "find %s: %w", e.identity, ErrUnknownKey)
		}
		return e.certKey, nil
	}
	for _, k := range t.Keys {
		if k.ID == e.hint {
			return k.verifier()
		}
	}
	return nil, fault.New(fault.Trust, "find key %q: %w", e.hint, ErrUnknownKey)
}

// envelope is a bundle taken apart.
type envelope struct {
	mediaType string // of an attestation of another tool
	hint      string
	payload   []byte
	signature []byte
	// certified says that it has a certificate; then certKey and identity are what that says.
	certified bool
	certKey   *ecdsa.PublicKey
	identity  Identity
	// timestamps and logged are how many timestamps and log entries it has.
	timestamps, logged int
}

func (e *envelope) signatory() Signatory { return Signatory{KeyID: e.hint, Identity: e.identity} }

func decodeBundle(bundle []byte) (*envelope, error) {
	if len(bundle) > MaxBundle {
		return nil, malformed("it has %d bytes, more than the limit of %d", len(bundle), MaxBundle)
	}
	var b bundleJSON
	if err := json.Unmarshal(bundle, &b, json.RejectUnknownMembers(true)); err != nil {
		var at *json.SemanticError
		if errors.As(err, &at) && at.Err != nil { // its text names Go types
			err = fmt.Errorf("%s: %w", cmp.Or(string(at.JSONPointer), "top level"), at.Err)
		}
		return nil, malformed("no Sigstore bundle in JSON: %w", err)
	}
	m := b.Material
	switch {
	case b.MediaType != MediaType:
		return nil, malformed("mediaType is %q, want %q", b.MediaType, MediaType)
	case b.Message != nil || b.Envelope == nil:
		return nil, malformed("it has no DSSE envelope, or more than that")
	case m.Chain != nil:
		return nil, malformed("it carries a chain of certificates, want one certificate")
	case (m.Certificate == nil) == (m.PublicKey == nil):
		return nil, malformed("it names no key (verificationMaterial.publicKey) and has no certificate, or both")
	case m.PublicKey != nil && m.PublicKey.Hint == "":
		return nil, malformed("it does not name its key (verificationMaterial.publicKey.hint)")
	case len(m.LogEntries) > MaxWitnesses || len(m.Timestamps.RFC3161) > MaxWitnesses:
		return nil, malformed("it has more than %d log entries or timestamps", MaxWitnesses)
	}
	e := &envelope{timestamps: len(m.Timestamps.RFC3161), logged: len(m.LogEntries)}
	if err := e.readSigner(m); err != nil {
		return nil, err
	}
	if err := b.Envelope.decode(e); err != nil {
		return nil, err
	}
	return e, nil
}

func (e *envelope) readSigner(m materialJSON) error {
	if m.Certificate == nil {
		e.hint = m.PublicKey.Hint
		return nil
	}
	der, err := decodeBase64("certificate", m.Certificate.RawBytes)
	if err != nil {
		return err
	}
	e.certified = true
	if e.certKey, e.identity, err = readCertificate(der); err != nil {
		return malformed("certificate: %w", err)
	}
	return nil
}

func (j *envelopeJSON) decode(e *envelope) (err error) {
	if j.PayloadType != PayloadType {
		return malformed("payloadType is %q, want %q", j.PayloadType, PayloadType)
	}
	if len(j.Signatures) != 1 {
		return malformed("it has %d signatures, want 1", len(j.Signatures))
	}
	if id := j.Signatures[0].KeyID; id != "" {
		return malformed("the signature names key %q a second time (keyid)", id)
	}
	if e.payload, err = decodeBase64("payload", j.Payload); err != nil {
		return err
	}
	e.signature, err = decodeBase64("sig", j.Signatures[0].Sig)
	return err
}

// decodeBase64 takes only the one standard encoding of a value. Go's decoder would skip line breaks.
func decodeBase64(member, s string) ([]byte, error) {
	if strings.ContainsAny(s, "\r\n") {
		return nil, malformed("%s: line breaks in base64", member)
	}
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil {
		return nil, malformed("%s: %w", member, err)
	}
	if len(b) == 0 {
		return nil, malformed("%s is empty", member)
	}
	return b, nil
}

func (e *envelope) opened(bundle []byte, several bool) (*Opened, error) {
	st, err := decodeStatement(e.payload)
	if err != nil {
		return nil, err
	}
	if len(st.Subject) > 1 && (!several || st.PredicateType != DecisionType) {
		return nil, malformed("the statement has %d subjects, want 1", len(st.Subject))
	}
	return &Opened{Statement: *st, Payload: e.payload, KeyID: e.hint, Identity: e.identity, Digest: Digest(bundle)}, nil
}
