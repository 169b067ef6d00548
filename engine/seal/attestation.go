package seal

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/base64"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"cdgate.dev/cdgate/engine/fault"
)

// StatementTypeOlder is the _type of in-toto Statement v0.1, which is accepted from others and never written.
const StatementTypeOlder = "https://in-toto.io/Statement/v0.1"

// Attestation is a statement that somebody else's tool made and signed, opened. Its subjects may be several, with digests of any
// algorithm.
type Attestation struct {
	// Type is the _type of the statement: StatementType or StatementTypeOlder.
	Type          string
	PredicateType string
	Subjects      []Subject
	// Predicate is one JSON object, and Payload the whole statement, both as they were signed.
	Predicate jsontext.Value
	Payload   []byte
	// Signatory is who signed: the key that fits the signature, whatever the attestation calls it, or the identity of the
	// certificate.
	Signatory Signatory
	// Witnessed is the earliest time at which a timestamp authority or a log saw the signature; zero when nothing proves it.
	Witnessed time.Time
	// Digest is that of the attestation's bytes, "sha256:<64 hex>"; MediaType is what they are.
	Digest, MediaType string
}

// Covers says whether one of the subjects has the SHA-256 digest, "sha256:<64 hex>". Digests of other algorithms never do: see CoversSHA512.
func (a *Attestation) Covers(digest string) bool {
	want, ok := strings.CutPrefix(digest, "sha256:")
	return ok && digestOK("sha256", want) &&
		slices.ContainsFunc(a.Subjects, func(s Subject) bool { return s.Digest["sha256"] == want })
}

// CoversSHA512 says whether one of the subjects has the SHA-512, in hexadecimal digits. The caller knows from elsewhere that it belongs to
// the artifact.
func (a *Attestation) CoversSHA512(want string) bool {
	return len(want) == 128 && isHex(want) &&
		slices.ContainsFunc(a.Subjects, func(s Subject) bool { return s.Digest["sha512"] == want })
}

// OpenAttestation opens an attestation of another tool: a Sigstore bundle v0.1 to v0.3 or a bare DSSE envelope, with one signature
// over one in-toto Statement v0.1 or v1. One of the keys must have signed, or the certificate of an identity that is believed.
// A certificate must have been valid when a log or a timestamp authority saw it used. In a bundle every log entry must hold; a
// timestamp of an authority that the roots do not know proves nothing and does no harm. The errors are ErrMalformed,
// ErrUnknownKey, ErrSignature and ErrUntrusted. What the caller still has to ask: may this signatory say a statement of this
// predicate type, and is what is wanted among the subjects?
func (t Trust) OpenAttestation(text []byte) (*Attestation, error) {
	e, err := decodeAttestation(text)
	if err != nil {
		return nil, err
	}
	key, who, err := t.attester(e)
	if err != nil {
		return nil, err
	}
	var at time.Time
	if e.certified || e.timestamps > 0 || e.logged > 0 {
		times, err := t.Roots.vouch(text, e, key, (*Roots).demandsOfOthers)
		if err != nil {
			return nil, err
		}
		at = earliest(times, authorityTime, logTime)
	}
	a, err := decodeForeignStatement(e.payload)
	if err != nil {
		return nil, err
	}
	a.Signatory, a.Witnessed, a.Digest, a.MediaType = who, at, Digest(text), e.mediaType
	return a, nil
}

// attester finds who signed and checks the signature. The name that an attestation gives its key is not asked: everybody has
// names of their own for keys, and what is reported is the key that fits.
func (t Trust) attester(e *envelope) (*ecdsa.PublicKey, Signatory, error) {
	if e.certified {
		if t.Identity == nil || !t.Identity(e.identity) {
			return nil, Signatory{}, fault.New(fault.Trust, "find %s: %w", e.identity, ErrUnknownKey)
		}
		if !signedBy(e.certKey, e) {
			return nil, Signatory{}, fault.New(fault.Trust, "check signature of %s: %w", e.identity, ErrSignature)
		}
		return e.certKey, Signatory{Identity: e.identity}, nil
	}
	named := false
	for _, k := range t.Keys {
		key, err := k.verifier()
		if err != nil {
			return nil, Signatory{}, err
		}
		if signedBy(key, e) {
			return key, Signatory{KeyID: k.ID}, nil
		}
		named = named || k.ID == e.hint
	}
	if named {
		return nil, Signatory{}, fault.New(fault.Trust, "check signature of key SHA256:%s: %w", e.hint, ErrSignature)
	}
	return nil, Signatory{}, fault.New(fault.Trust, "find a key that fits the signature, which names %.80q: %w", e.hint, ErrUnknownKey)
}

// signedBy checks a signature in ASN.1, or as the 64 bytes of r and s (IEEE P1363), which some key management services give.
func signedBy(key *ecdsa.PublicKey, e *envelope) bool {
	digest := sha256.Sum256(pae(e.payload))
	if ecdsa.VerifyASN1(key, digest[:], e.signature) {
		return true
	}
	if len(e.signature) != 64 {
		return false
	}
	r, s := new(big.Int).SetBytes(e.signature[:32]), new(big.Int).SetBytes(e.signature[32:])
	return ecdsa.Verify(key, digest[:], r, s)
}

// bundleVersions are the media types of Sigstore bundles; 0.3 has two.
var bundleVersions = []string{
	"application/vnd.dev.sigstore.bundle+json;version=0.1",
	"application/vnd.dev.sigstore.bundle+json;version=0.2",
	"application/vnd.dev.sigstore.bundle+json;version=0.3",
	MediaType,
}

// decodeAttestation takes a bundle or an envelope apart. Nothing is believed by that.
func decodeAttestation(text []byte) (*envelope, error) {
	if len(text) > MaxBundle {
		return nil, malformed("it has %d bytes, more than the limit of %d", len(text), MaxBundle)
	}
	var kind struct {
		MediaType   jsontext.Value `json:"mediaType"`
		PayloadType jsontext.Value `json:"payloadType"`
	}
	if err := json.Unmarshal(text, &kind); err != nil {
		return nil, malformed("%w", err)
	}
	if kind.MediaType == nil && kind.PayloadType != nil {
		var j envelopeJSON
		if err := json.Unmarshal(text, &j, json.RejectUnknownMembers(true)); err != nil {
			return nil, malformed("%w", err)
		}
		e := &envelope{mediaType: MediaTypeEnvelope}
		err := j.decodeForeign(e)
		return e, err
	}
	b, e, err := decodeForeignBundle(text)
	if err != nil {
		return nil, err
	}
	if b.Message != nil || b.Envelope == nil {
		return nil, malformed("it has no DSSE envelope: it signs a file and states nothing about it")
	}
	hint := e.hint
	err = b.Envelope.decodeForeign(e)
	e.hint = hint // a bundle names its key outside the envelope
	return e, err
}

// decodeForeignBundle reads all of a bundle but what was signed.
func decodeForeignBundle(text []byte) (*bundleJSON, *envelope, error) {
	var b bundleJSON
	if err := json.Unmarshal(text, &b, json.RejectUnknownMembers(true)); err != nil {
		return nil, nil, malformed("%w", err)
	}
	m := b.Material
	if !slices.Contains(bundleVersions, b.MediaType) {
		return nil, nil, malformed("mediaType is %.80q, want one of %q", b.MediaType, bundleVersions)
	}
	signers := 0
	for _, there := range []bool{m.Certificate != nil, m.Chain != nil, m.PublicKey != nil} {
		if there {
			signers++
		}
	}
	switch {
	case signers != 1:
		return nil, nil, malformed("it has %d of publicKey, certificate and x509CertificateChain, want one", signers)
	case len(m.LogEntries) > MaxWitnesses || len(m.Timestamps.RFC3161) > MaxWitnesses:
		return nil, nil, malformed("it has more than %d log entries or timestamps", MaxWitnesses)
	}
	if m.Chain != nil {
		var chain struct {
			Certificates []certificateJSON `json:"certificates"`
		}
		if err := json.Unmarshal(m.Chain, &chain, json.RejectUnknownMembers(true)); err != nil {
			return nil, nil, malformed("x509CertificateChain: %w", err)
		}
		if len(chain.Certificates) == 0 {
			return nil, nil, malformed("the chain of certificates is empty")
		}
		m.Certificate = &chain.Certificates[0] // what stands above it comes from the roots and not from here
	}
	e := &envelope{mediaType: b.MediaType, timestamps: len(m.Timestamps.RFC3161), logged: len(m.LogEntries)}
	return &b, e, e.readSigner(m)
}

// decodeForeign is decode for envelopes of others: they may name their key, and write the payload in either base64 of DSSE.
func (j *envelopeJSON) decodeForeign(e *envelope) (err error) {
	if j.PayloadType != PayloadType {
		return malformed("payloadType is %.80q, want %q", j.PayloadType, PayloadType)
	}
	if len(j.Signatures) != 1 {
		return malformed("it has %d signatures, want 1", len(j.Signatures))
	}
	e.hint = j.Signatures[0].KeyID
	if e.payload, err = decodeEitherBase64("payload", j.Payload); err != nil {
		return err
	}
	e.signature, err = decodeEitherBase64("sig", j.Signatures[0].Sig)
	return err
}

// decodeEitherBase64 takes the standard alphabet, or the one for URLs where the text has its letters.
func decodeEitherBase64(member, s string) ([]byte, error) {
	if strings.ContainsAny(s, "-_") && !strings.ContainsAny(s, "+/\r\n") {
		b, err := base64.URLEncoding.Strict().DecodeString(s)
		if err != nil {
			return nil, malformed("%s: %w", member, err)
		}
		return b, nil
	}
	return decodeBase64(member, s)
}

// descriptorJSON is a subject: what in-toto v1 calls a resource descriptor. Of its members only name and digest are used.
type descriptorJSON struct {
	Name             string            `json:"name"`
	Digest           map[string]string `json:"digest"`
	URI              jsontext.Value    `json:"uri"`
	Content          jsontext.Value    `json:"content"`
	DownloadLocation jsontext.Value    `json:"downloadLocation"`
	MediaType        jsontext.Value    `json:"mediaType"`
	Annotations      jsontext.Value    `json:"annotations"`
}

// decodeForeignStatement is decodeStatement for statements of others: as strict about JSON, and open for in-toto v0.1, several
// subjects, and digests of any algorithm.
func decodeForeignStatement(payload []byte) (*Attestation, error) {
	var st struct {
		Type          string           `json:"_type"`
		Subject       []descriptorJSON `json:"subject"`
		PredicateType string           `json:"predicateType"`
		Predicate     jsontext.Value   `json:"predicate"`
	}
	if err := json.Unmarshal(payload, &st, json.RejectUnknownMembers(true)); err != nil {
		return nil, malformed("statement: %w", err)
	}
	switch {
	case st.Type != StatementType && st.Type != StatementTypeOlder:
		return nil, malformed("statement: _type is %.80q, want %q or %q", st.Type, StatementType, StatementTypeOlder)
	case st.PredicateType == "":
		return nil, malformed("statement: predicateType is missing")
	case st.Predicate.Kind() != '{':
		return nil, malformed("statement: predicate is not an object")
	case len(st.Subject) == 0:
		return nil, malformed("statement: it has no subject")
	case len(st.Subject) > MaxSubjects:
		return nil, malformed("statement: it has %d subjects, more than the limit of %d", len(st.Subject), MaxSubjects)
	}
	a := &Attestation{Type: st.Type, PredicateType: st.PredicateType, Predicate: st.Predicate, Payload: payload}
	for i, s := range st.Subject {
		if len(s.Digest) == 0 {
			return nil, malformed("statement: subject %d has no digest", i)
		}
		for algorithm, value := range s.Digest {
			if algorithm == "" || value == "" || algorithm == "sha256" && !digestOK(algorithm, value) {
				return nil, malformed("statement: subject %d: digest %.20q: %.80q is none in lower-case hex", i, algorithm, value)
			}
		}
		a.Subjects = append(a.Subjects, Subject{Name: s.Name, Digest: s.Digest})
	}
	return a, nil
}
