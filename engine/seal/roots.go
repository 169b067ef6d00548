package seal

import (
	"crypto"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"slices"
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

// vouch checks what others say about a signature: the certificate authority, timestamp authorities and logs, as far as the
// options demand it. It gives every time that one of them proves. The signature itself was checked before, by ourselves.
func (r *Roots) vouch(text []byte, e *envelope, key *ecdsa.PublicKey, demands func(*Roots, *envelope) []verify.VerifierOption) ([]verify.TimestampVerificationResult, error) {
	switch {
	case r == nil:
		return nil, untrusted("it has a certificate, timestamp or log entry, and there is no trusted root to check them with; name one in gate.yaml as trust: {trustedRoot: FILE}")
	case e.certified && e.timestamps+e.logged == 0:
		return nil, untrusted("nothing says when the certificate was used: it has neither a timestamp nor a log entry")
	}
	verifier, b, err := r.verifier(text, e, key, demands(r, e))
	if err != nil {
		return nil, err
	}
	// Which subject and which identity are wanted is for the caller, as with keys.
	res, err := verifier.Verify(b, verify.NewPolicy(verify.WithoutArtifactUnsafe(), e.who()))
	if err == nil {
		err = r.copies(b)
	}
	if err != nil {
		return nil, untrusted("%v", err)
	}
	times := res.VerifiedTimestamps
	if e.logged > 0 && !slices.ContainsFunc(times, func(t verify.TimestampVerificationResult) bool { return t.Type == logTime }) {
		// Where no time is demanded, as of a key, the verifier leaves out when the logs saw it.
		logged, err := verify.VerifyTlogEntry(b, r.with(e, key), e.logged, true)
		if err != nil {
			return nil, untrusted("%v", err)
		}
		for _, t := range logged {
			times = append(times, verify.TimestampVerificationResult{Type: logTime, URI: t.URI, Timestamp: t.Time})
		}
	}
	return times, nil
}

// verifier is one for a bundle, and the bundle as it reads it.
func (r *Roots) verifier(text []byte, e *envelope, key *ecdsa.PublicKey, demands []verify.VerifierOption) (*verify.Verifier, *bundle.Bundle, error) {
	var b bundle.Bundle
	if err := b.UnmarshalJSON(text); err != nil {
		return nil, nil, malformed("%w", err)
	}
	v, err := verify.NewVerifier(r.with(e, key), demands...)
	if err != nil {
		return nil, nil, fault.New(fault.Internal, "set up the verifier: %w", err)
	}
	return v, &b, nil
}

// who is the option for a key, or for a certificate of anybody.
func (e *envelope) who() verify.PolicyOption {
	if e.certified {
		return verify.WithoutIdentitiesUnsafe()
	}
	return verify.WithKey()
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

// demandsOfOurs are the options for our own bundles, which make the verifier look at all there is: every timestamp and every log
// entry must hold, because what looks checked must have been.
func (r *Roots) demandsOfOurs(e *envelope) []verify.VerifierOption {
	switch {
	case e.timestamps > 0:
		return r.demands(e, verify.WithSignedTimestamps(e.timestamps))
	case e.certified:
		return r.demands(e, verify.WithIntegratedTimestamps(1))
	}
	return r.demands(e, verify.WithNoObserverTimestamps())
}

// demandsOfOthers are the options for bundles of other tools: all log entries must hold, and something must prove the time at
// which a certificate was used. A timestamp that the roots do not know counts for nothing.
func (r *Roots) demandsOfOthers(e *envelope) []verify.VerifierOption {
	if e.certified || e.timestamps > 0 {
		return r.demands(e, verify.WithObserverTimestamps(1))
	}
	return r.demands(e, verify.WithNoObserverTimestamps())
}

// demands are the options for any bundle, with one about its times.
func (r *Roots) demands(e *envelope, times verify.VerifierOption) []verify.VerifierOption {
	// Only the summary of the statement is wanted; our own readers read the rest, more strictly.
	out := []verify.VerifierOption{verify.WithoutStatementPredicate(), times}
	if e.logged > 0 {
		out = append(out, verify.WithTransparencyLog(e.logged))
	}
	if e.certified && len(r.material.CTLogs()) > 0 {
		out = append(out, verify.WithSignedCertificateTimestamps(1))
	}
	return out
}

// authorityTime and logTime are what sigstore-go calls the times of timestamp authorities and of logs.
const (
	authorityTime = "TimestampAuthority"
	logTime       = "Tlog"
)

// earliest is the first of the times of these types; zero when there is none.
func earliest(times []verify.TimestampVerificationResult, types ...string) time.Time {
	var out time.Time
	for _, t := range times {
		if slices.Contains(types, t.Type) && (out.IsZero() || t.Timestamp.Before(out)) {
			out = t.Timestamp.UTC()
		}
	}
	return out
}
