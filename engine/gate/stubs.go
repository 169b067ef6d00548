package gate

import (
	"errors"
	"time"

	"cdgate.dev/cdgate/engine/seal"
	"cdgate.dev/cdgate/evidence"
)

// Config is gate.yaml as it is written.
type Config struct{}

// Parse reads gate.yaml.
func Parse(file string, src []byte) (*Config, error) { return nil, errors.ErrUnsupported }

// Resolve inlines keys; read gives the bytes of a path relative to gate.yaml.
func Resolve(cfg *Config, read func(path string) ([]byte, error), sources []Source) (*Definition, error) {
	return nil, errors.ErrUnsupported
}

// Sign signs.
func Sign(def *Definition, gateBytes []byte, signer *seal.Signer, now time.Time) ([]byte, error) {
	return nil, errors.ErrUnsupported
}

// ParsePin reads a fingerprint or a public key in PEM; empty text is the zero Pin.
func ParsePin(text string) (Pin, error) { return Pin{}, errors.ErrUnsupported }

// Open opens gate.yaml and its signature.
func Open(gateBytes, bundle []byte, root Pin, now time.Time) (*Definition, error) {
	return nil, errors.ErrUnsupported
}

// OpenArchived opens the signature that a record names, as it was valid at the time of the record.
func OpenArchived(bundle []byte, root Pin, at time.Time) (*Definition, error) {
	return nil, errors.ErrUnsupported
}

// Signed says whether Open or OpenArchived made it.
func (d *Definition) Signed() bool { return d.proof.signed }

// RootPinned says whether the caller named the root key.
func (d *Definition) RootPinned() bool { return d.proof.pinned }

// RootKey is the id of the key that signed.
func (d *Definition) RootKey() string { return d.proof.root }

// Digest is that of JSON.
func (d *Definition) Digest() string { return "" }

// JSON is the canonical JSON of the signed predicate.
func (d *Definition) JSON() ([]byte, error) { return nil, errors.ErrUnsupported }

// BundleDigest is the digest of the signature bundle.
func (d *Definition) BundleDigest() string { return d.proof.bundle }

// FileDigest is the digest of gate.yaml.
func (d *Definition) FileDigest() string { return d.proof.file }

// ExpiresAt is the end of validity.
func (d *Definition) ExpiresAt() time.Time { return time.Time{} }

// SignerOf is the signer a key belongs to.
func (d *Definition) SignerOf(keyID string) (Signer, bool) { return Signer{}, false }

// PersonOf is the person a key belongs to.
func (d *Definition) PersonOf(keyID string) (Person, bool) { return Person{}, false }

// PersonByEmail finds a person or robot by address.
func (d *Definition) PersonByEmail(email string) (id string, robot, ok bool) { return "", false, false }

// RolesOf are the roles.
func (d *Definition) RolesOf(person, line, target string, at time.Time) []string { return nil }

// Target is a target.
func (d *Definition) Target(id string) (Target, bool) { return Target{}, false }

// SourcesOf are the policy sources of a target.
func (d *Definition) SourcesOf(target string) []Source { return nil }

// MaxAge is how old evidence may be.
func (d *Definition) MaxAge(target string, k evidence.Kind) time.Duration { return 0 }

// ValidFor is how long an allow stands.
func (d *Definition) ValidFor(target string) time.Duration { return 0 }

// LogKey is the verifier key of the log.
func (d *Definition) LogKey() string { return d.Log }

// DecisionKeys are the keys of signers who may sign decisions.
func (d *Definition) DecisionKeys() []seal.PublicKey { return nil }

// MayDo says whether the signer has the duty: a kind of evidence or Decision.
func (s Signer) MayDo(duty string) bool { return false }

// ForLine says whether the signer may attest the line.
func (s Signer) ForLine(line string) bool { return false }
