package seal

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/base64"
	"strconv"

	"cdgate.dev/cdgate/engine/fault"
	"github.com/go-json-experiment/json"
)

// Signer signs statements with one P-256 key, or with one identity. LoadSigner, OpenPlugin and OpenKeyless make it. It is not
// for use by several goroutines.
type Signer struct {
	public PublicKey
	// sign gives the ASN.1 signature over the SHA-256 of a message.
	sign func(message []byte) ([]byte, error)

	// What With and OpenKeyless add; token is nil where there is a key.
	ctx         context.Context
	services    Services
	token       func(context.Context) (string, error)
	certificate certified
}

// local signs with a private key that is in memory; the signature is deterministic (RFC 6979).
func local(private *ecdsa.PrivateKey) func([]byte) ([]byte, error) {
	return func(message []byte) ([]byte, error) {
		digest := sha256.Sum256(message)
		return private.Sign(nil, digest[:], crypto.SHA256)
	}
}

// KeyID is the ID of the signer's public key; empty where it signs with an identity.
func (s *Signer) KeyID() string { return s.public.ID }

// Signatory is who signs.
func (s *Signer) Signatory() Signatory {
	return Signatory{KeyID: s.public.ID, Identity: s.certificate.identity}
}

// Timestamps says whether a timestamp authority vouches for the signatures.
func (s *Signer) Timestamps() bool { return len(s.services.Timestamps) > 0 }

// Public is the signer's public key; zero where it signs with an identity.
func (s *Signer) Public() PublicKey { return s.public }

// Sign makes a bundle around the statement. The same key file and statement always give the same bytes: the signature is
// deterministic (RFC 6979) and the JSON compact; keys in other places may sign differently every time. What Open would
// refuse is not signed: the bundle is opened again before it is given out, so a plugin that signs with another key, or
// something else, gives no bundle. Errors are of class Record, since there is no record without a signature.
func (s *Signer) Sign(st Statement) (bundle []byte, err error) {
	if s == nil || s.sign == nil {
		return nil, fault.New(fault.Internal, "sign %s: the signer has no key", st.PredicateType)
	}
	if st.Type == "" {
		st.Type = StatementType
	}
	payload, err := json.Marshal(st, json.Deterministic(true))
	if err != nil {
		return nil, fault.New(fault.Record, "sign %s: encode statement: %w", st.PredicateType, err)
	}
	if err := s.renew(); err != nil {
		return nil, fault.New(fault.Record, "sign %s: %w", st.PredicateType, err)
	}
	message := pae(payload)
	signature, err := s.sign(message)
	if err != nil {
		return nil, fault.New(fault.Record, "sign %s: %w", st.PredicateType, err)
	}
	var b bundleJSON
	b.MediaType = MediaType
	if s.certificate.der != nil {
		b.Material.Certificate = &certificateJSON{RawBytes: base64.StdEncoding.EncodeToString(s.certificate.der)}
	} else {
		b.Material.PublicKey = &hintJSON{Hint: s.public.ID}
	}
	if err := s.vouch(&b.Material, message, signature); err != nil {
		return nil, fault.New(fault.Record, "sign %s: %w", st.PredicateType, err)
	}
	b.Envelope = &envelopeJSON{
		Payload:     base64.StdEncoding.EncodeToString(payload),
		PayloadType: PayloadType,
		Signatures:  []signatureJSON{{Sig: base64.StdEncoding.EncodeToString(signature)}},
	}
	if bundle, err = json.Marshal(b, json.Deterministic(true)); err != nil {
		return nil, fault.New(fault.Record, "sign %s: encode bundle: %w", st.PredicateType, err)
	}
	if _, err = s.self().open(bundle, st.PredicateType == DecisionType); err != nil {
		return nil, fault.New(fault.Record, "sign %s: open what was signed: %w", st.PredicateType, err)
	}
	return bundle, nil
}

// pae is the pre-authentication encoding of DSSE v1: what is signed binds the payload's type as well.
func pae(payload []byte) []byte {
	out := make([]byte, 0, len(payload)+len(PayloadType)+32)
	out = append(out, "DSSEv1 "...)
	out = strconv.AppendInt(out, int64(len(PayloadType)), 10)
	out = append(out, ' ')
	out = append(out, PayloadType...)
	out = append(out, ' ')
	out = strconv.AppendInt(out, int64(len(payload)), 10)
	out = append(out, ' ')
	return append(out, payload...)
}
