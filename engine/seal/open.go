package seal

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/base64"
	"strings"

	"cdgate.dev/cdgate/engine/fault"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// The members of a bundle that are known here, in the spelling of the specification only: protojson's snake-case aliases
// would give two readers two meanings. Log entries and timestamps are members so that the refusal can name them.
type bundleJSON struct {
	MediaType string         `json:"mediaType"`
	Material  materialJSON   `json:"verificationMaterial"`
	Envelope  *envelopeJSON  `json:"dsseEnvelope"`
	Message   jsontext.Value `json:"messageSignature,omitzero"`
}

type materialJSON struct {
	PublicKey   *hintJSON        `json:"publicKey"`
	Certificate jsontext.Value   `json:"certificate,omitzero"`
	Chain       jsontext.Value   `json:"x509CertificateChain,omitzero"`
	LogEntries  []jsontext.Value `json:"tlogEntries,omitzero"`
	Timestamps  timestampsJSON   `json:"timestampVerificationData,omitzero"`
}

type hintJSON struct {
	Hint string `json:"hint"`
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

// Open decodes a bundle, checks that one of keys signed it and gives its statement, which has exactly one subject. The
// errors are ErrMalformed, ErrUnknownKey and ErrSignature. What the caller still has to ask: may this key say a
// statement of this predicate type, and is the subject the one that is wanted?
func Open(bundle []byte, keys ...PublicKey) (*Opened, error) {
	return open(bundle, false, keys...)
}

// OpenDecision is Open for decision records: the predicate type must be DecisionType, and all artifacts of the release
// may be subjects.
func OpenDecision(bundle []byte, keys ...PublicKey) (*Opened, error) {
	o, err := open(bundle, true, keys...)
	if err != nil {
		return nil, err
	}
	if o.Statement.PredicateType != DecisionType {
		return nil, malformed("the statement is a %q, want %q", o.Statement.PredicateType, DecisionType)
	}
	return o, nil
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

func open(bundle []byte, several bool, keys ...PublicKey) (*Opened, error) {
	e, err := decodeBundle(bundle)
	if err != nil {
		return nil, err
	}
	for _, k := range keys {
		if k.ID != e.hint {
			continue
		}
		pub, err := k.verifier()
		if err != nil {
			return nil, err
		}
		digest := sha256.Sum256(pae(e.payload))
		if !ecdsa.VerifyASN1(pub, digest[:], e.signature) {
			return nil, fault.New(fault.Trust, "check signature of key %q: %w", e.hint, ErrSignature)
		}
		return e.opened(bundle, several)
	}
	return nil, fault.New(fault.Trust, "find key %q: %w", e.hint, ErrUnknownKey)
}

// envelope is a bundle taken apart.
type envelope struct {
	hint      string
	payload   []byte
	signature []byte
}

func decodeBundle(bundle []byte) (*envelope, error) {
	if len(bundle) > MaxBundle {
		return nil, malformed("it has %d bytes, more than the limit of %d", len(bundle), MaxBundle)
	}
	var b bundleJSON
	if err := json.Unmarshal(bundle, &b, json.RejectUnknownMembers(true)); err != nil {
		return nil, malformed("%w", err)
	}
	switch m := b.Material; {
	case b.MediaType != MediaType:
		return nil, malformed("mediaType is %q, want %q", b.MediaType, MediaType)
	case b.Message != nil || b.Envelope == nil:
		return nil, malformed("it has no DSSE envelope, or more than that")
	case m.Certificate != nil || m.Chain != nil:
		return nil, malformed("it is signed with a certificate; only signatures with a key are supported")
	case m.PublicKey == nil || m.PublicKey.Hint == "":
		return nil, malformed("it does not name its key (verificationMaterial.publicKey.hint)")
	case len(m.LogEntries) > 0 || len(m.Timestamps.RFC3161) > 0:
		// Nobody would check them here, and what looks checked must have been.
		return nil, malformed("it carries log entries or timestamps, which are not supported")
	}
	return b.Envelope.decode(b.Material.PublicKey.Hint)
}

func (j *envelopeJSON) decode(hint string) (*envelope, error) {
	if j.PayloadType != PayloadType {
		return nil, malformed("payloadType is %q, want %q", j.PayloadType, PayloadType)
	}
	if len(j.Signatures) != 1 {
		return nil, malformed("it has %d signatures, want 1", len(j.Signatures))
	}
	if id := j.Signatures[0].KeyID; id != "" {
		return nil, malformed("the signature names key %q a second time (keyid)", id)
	}
	payload, err := decodeBase64("payload", j.Payload)
	if err != nil {
		return nil, err
	}
	signature, err := decodeBase64("sig", j.Signatures[0].Sig)
	if err != nil {
		return nil, err
	}
	return &envelope{hint: hint, payload: payload, signature: signature}, nil
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
	return &Opened{Statement: *st, Payload: e.payload, KeyID: e.hint, Digest: Digest(bundle)}, nil
}
