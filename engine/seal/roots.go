package seal

import (
	"crypto"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"time"

	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"
	"github.com/sigstore/sigstore/pkg/signature"

	"cdgate.dev/cdgate/engine/fault"
)

// Roots are the certificate authorities, timestamp authorities and transparency logs that are believed. ParseRoots makes
// them.
type Roots struct{ material *root.TrustedRoot }

// ParseRoots reads a Sigstore trusted root (trusted_root.json, media type application/vnd.dev.sigstore.trustedroot+json).
// file names it in errors, which are usage faults.
func ParseRoots(file string, text []byte) (*Roots, error) {
	if len(text) > MaxRoots {
		return nil, fault.New(fault.Usage, "read trusted root %q: it has %d bytes, more than the limit of %d", file, len(text), MaxRoots)
	}
	material, err := root.NewTrustedRootFromJSON(text)
	if err == nil && len(material.FulcioCertificateAuthorities())+len(material.TimestampingAuthorities()) == 0 {
		err = errors.New("it names neither a certificate authority nor a timestamp authority")
	}
	if err != nil {
		return nil, fault.New(fault.Usage, "read trusted root %q: %w; make one with: cosign trusted-root create", file, err)
	}
	return &Roots{material: material}, nil
}

// TimestampAuthorities is how many authorities there are whose timestamps are believed.
func (r *Roots) TimestampAuthorities() int {
	if r == nil {
		return 0
	}
	return len(r.material.TimestampingAuthorities())
}

// CertificateAuthorities is how many authorities there are whose certificates are believed.
func (r *Roots) CertificateAuthorities() int {
	if r == nil {
		return 0
	}
	return len(r.material.FulcioCertificateAuthorities())
}

// witness checks what others say about a signature: the certificate authority, timestamp authorities and logs. Whatever
// is in the bundle must hold, every timestamp and every log entry: what looks checked must have been. It gives the earliest time that a timestamp authority
// vouches for, which is the one that proves most; zero when the bundle has no timestamp. The signature itself was checked before, by ourselves.
func (r *Roots) witness(text []byte, e *envelope, key *ecdsa.PublicKey) (time.Time, error) {
	switch {
	case r == nil:
		return time.Time{}, untrusted("it has a certificate, timestamp or log entry, and there is no trusted root to check them with; name one in gate.yaml as trust: {trustedRoot: FILE}")
	case e.certified && e.timestamps+e.logged == 0:
		return time.Time{}, untrusted("nothing says when the certificate was used: it has neither a timestamp nor a log entry")
	}
	var b bundle.Bundle
	if err := b.UnmarshalJSON(text); err != nil {
		return time.Time{}, malformed("%w", err)
	}
	verifier, err := verify.NewVerifier(r.with(e, key), r.demands(e)...)
	if err != nil {
		return time.Time{}, fault.New(fault.Internal, "set up the verifier: %w", err)
	}
	// Which subject and which identity are wanted is for the caller, as with keys.
	who := verify.WithoutIdentitiesUnsafe()
	if !e.certified {
		who = verify.WithKey()
	}
	res, err := verifier.Verify(&b, verify.NewPolicy(verify.WithoutArtifactUnsafe(), who))
	if err == nil {
		err = r.copies(&b)
	}
	if err != nil {
		return time.Time{}, untrusted("%v", err)
	}
	return earliest(res.VerifiedTimestamps), nil
}

// with is what is believed about one bundle: the roots, and the one key that it may be signed with.
func (r *Roots) with(e *envelope, key *ecdsa.PublicKey) root.TrustedMaterial {
	if e.certified {
		return r.material
	}
	keys := root.NewTrustedPublicKeyMaterial(func(hint string) (root.TimeConstrainedVerifier, error) {
		if hint != e.hint {
			return nil, fmt.Errorf("unknown key %q", hint)
		}
		v, err := signature.LoadECDSAVerifier(key, crypto.SHA256)
		if err != nil {
			return nil, err
		}
		return root.NewExpiringKey(v, time.Time{}, time.Time{}), nil
	})
	return root.TrustedMaterialCollection{keys, r.material}
}

// demands are the options that make the verifier look at all there is in the bundle.
func (r *Roots) demands(e *envelope) []verify.VerifierOption {
	// Only the summary of the statement is wanted; decodeStatement reads the rest, more strictly.
	out := []verify.VerifierOption{verify.WithoutStatementPredicate()}
	if e.logged > 0 {
		out = append(out, verify.WithTransparencyLog(e.logged))
	}
	switch {
	case e.timestamps > 0:
		out = append(out, verify.WithSignedTimestamps(e.timestamps))
	case e.certified:
		out = append(out, verify.WithIntegratedTimestamps(1))
	default:
		out = append(out, verify.WithNoObserverTimestamps())
	}
	if e.certified && len(r.material.CTLogs()) > 0 {
		out = append(out, verify.WithSignedCertificateTimestamps(1))
	}
	return out
}

func earliest(times []verify.TimestampVerificationResult) time.Time {
	var out time.Time
	for _, t := range times {
		if t.Type == "TimestampAuthority" && (out.IsZero() || t.Timestamp.Before(out)) {
			out = t.Timestamp.UTC()
		}
	}
	return out
}
