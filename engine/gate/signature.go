package gate

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/seal"
	"cdgate.dev/cdgate/schemas"
)

// subjectName is the name of the one subject of the signature; the digest decides, not the name.
const subjectName = "gate.yaml"

// predicate is what is signed.
type predicate struct {
	Definition *Definition `json:"definition"`
	Sources    []Source    `json:"sources"`
	SignedAt   string      `json:"signedAt"`
}

// JSON is the signed predicate: the bytes as they were signed, or the deterministic JSON of an unsigned definition.
func (d *Definition) JSON() ([]byte, error) {
	if d.proof.predicate != nil {
		return d.proof.predicate, nil
	}
	b, err := json.Marshal(predicate{d, d.Sources, d.SignedAt}, json.Deterministic(true), json.FormatNilSliceAsNull(false), json.FormatNilMapAsNull(false))
	if err != nil {
		return nil, fmt.Errorf("write gate definition: %w", err)
	}
	return b, nil
}

// Digest is the SHA-256 of JSON, or empty where there is none.
func (d *Definition) Digest() string {
	b, err := d.JSON()
	if err != nil {
		return ""
	}
	return seal.Digest(b)
}

// Sign signs a definition that Resolve made from gateBytes. The signer's key must be the root that it names. Errors are
// of class fault.Usage.
func Sign(def *Definition, gateBytes []byte, signer *seal.Signer, now time.Time) ([]byte, error) {
	if def.proof.file == "" || def.proof.file != seal.Digest(gateBytes) {
		return nil, fault.New(fault.Usage, "sign gate definition: gate.yaml is not the text that was read; read it again and sign that")
	}
	if _, ok := find(def.Roots, signer.KeyID()); !ok {
		return nil, fault.New(fault.Usage, "sign gate definition: key %s is not its root key, which is %s; sign with that key, or name another root in gate.yaml",
			signer.Public().Fingerprint(), def.rootNames())
	}
	if !now.Before(def.ExpiresAt()) {
		return nil, fault.New(fault.Usage, "sign gate definition: it expired at %s; move expires in gate.yaml forward", def.Expires)
	}
	signed := *def
	signed.SignedAt = now.UTC().Truncate(time.Second).Format(time.RFC3339)
	b, err := signed.JSON()
	if err != nil {
		return nil, fault.Wrap(fault.Usage, err)
	}
	if err := schemas.ValidateJSON(schemas.GateSignature, subjectName, b); err != nil {
		return nil, fault.Wrap(fault.Usage, err)
	}
	bundle, err := signer.Sign(seal.Statement{
		Type:          seal.StatementType,
		Subject:       []seal.Subject{{Name: subjectName, Digest: map[string]string{"sha256": strings.TrimPrefix(def.proof.file, "sha256:")}}},
		PredicateType: PredicateType, Predicate: jsontext.Value(b),
	})
	if err != nil {
		return nil, fmt.Errorf("sign gate definition: %w", err)
	}
	return bundle, nil
}

// ParsePin reads a fingerprint ("SHA256:…") or a public key in PEM; empty text is the zero Pin. Errors are of class
// fault.Usage.
func ParsePin(text string) (Pin, error) {
	text = strings.TrimSpace(text)
	switch {
	case text == "":
		return Pin{}, nil
	case strings.HasPrefix(text, "SHA256:"):
		return Pin{Fingerprint: text}, nil
	case strings.Contains(text, "-----BEGIN"):
		k, err := seal.ParsePublicKey("root key", []byte(text))
		if err != nil {
			return Pin{}, fault.Wrap(fault.Usage, err)
		}
		return Pin{Fingerprint: k.Fingerprint()}, nil
	}
	return Pin{}, fault.New(fault.Usage, "read root key: want a fingerprint (SHA256:…) or a public key in PEM, got %.80q", text)
}

// Open opens the signature of gate.yaml and demands that it is that of the root key, that gate.yaml is the signed text,
// and that it has not expired at now. What counts afterwards is what was signed: gate.yaml and the key files are not
// read again. Errors are of class fault.Trust; where there is nothing to open, fault.Usage.
func Open(gateBytes, bundle []byte, root Pin, now time.Time) (*Definition, error) {
	if len(gateBytes) == 0 {
		return nil, fault.New(fault.Usage, "open gate definition: gate.yaml is empty; start with: cdgate init")
	}
	if len(bundle) == 0 {
		return nil, fault.New(fault.Usage, "open gate definition: the signature is empty; its owner makes it with: cdgate gate sign --key ROOT.key")
	}
	d, err := open(bundle, root)
	if err != nil {
		return nil, err
	}
	if got := seal.Digest(gateBytes); got != d.proof.file {
		return nil, fault.New(fault.Trust, "open gate definition: gate.yaml (%s) is not the text that %s signed (%s); "+
			"a change takes effect when its owner has signed it with: cdgate gate sign --key ROOT.key", got, d.rootNames(), d.proof.file)
	}
	if err := d.checkTime(now); err != nil {
		return nil, err
	}
	return d, nil
}

// OpenArchived opens the signature that a record names and demands that it was valid at the time of the record. gate.yaml
// is not needed: what counts is what was signed. Errors are of class fault.Trust.
func OpenArchived(bundle []byte, root Pin, at time.Time) (*Definition, error) {
	d, err := open(bundle, root)
	if err != nil {
		return nil, err
	}
	if err := d.checkTime(at); err != nil {
		return nil, err
	}
	return d, nil
}

func (d *Definition) checkTime(now time.Time) error {
	if now.Before(d.ExpiresAt()) {
		return nil
	}
	return fault.New(fault.Trust, "open gate definition: version %d expired at %s; its owner moves expires forward and runs: cdgate gate sign --key ROOT.key",
		d.Version, d.Expires)
}

func open(bundle []byte, root Pin) (*Definition, error) {
	claim, err := seal.InspectUnsafe(bundle)
	if err != nil {
		return nil, fault.New(fault.Trust, "open gate definition: its signature cannot be read: %v; restore it, or sign again with: cdgate gate sign --key ROOT.key", err)
	}
	claimed, err := decode(claim)
	if err != nil {
		return nil, err
	}
	keys, err := claimed.rootKeys(root)
	if err != nil {
		return nil, err
	}
	opened, err := seal.Open(bundle, keys...)
	switch {
	case errors.Is(err, seal.ErrUnknownKey):
		return nil, fault.New(fault.Trust, "open gate definition: it is signed with key SHA256:%s, but its root key is %s; have the owner of that key sign it", claim.KeyID, claimed.rootNames())
	case err != nil:
		return nil, fault.New(fault.Trust, "open gate definition: the signature of %s does not hold: %v; gate.sigstore.json was altered, sign again with: cdgate gate sign --key ROOT.key", claimed.rootNames(), err)
	}
	d, err := decode(opened)
	if err != nil {
		return nil, err
	}
	d.proof.signed, d.proof.pinned, d.proof.root = true, root.Fingerprint != "", opened.KeyID
	return d, nil
}

// decode reads the definition out of a statement and checks what it means; it does not check the signature.
func decode(o *seal.Opened) (*Definition, error) {
	st := o.Statement
	if st.PredicateType != PredicateType {
		return nil, fault.New(fault.Trust, "open gate definition: the signed statement is a %q, want %q", st.PredicateType, PredicateType)
	}
	if len(st.Subject) != 1 || len(st.Subject[0].Digest["sha256"]) != 64 {
		return nil, fault.New(fault.Trust, "open gate definition: the signed statement does not name gate.yaml by its SHA-256")
	}
	var p predicate
	if err := json.Unmarshal(st.Predicate, &p, json.RejectUnknownMembers(true)); err != nil {
		return nil, fault.New(fault.Trust, "open gate definition: the signed text is none of this version: %w", err)
	}
	if p.Definition == nil {
		return nil, fault.New(fault.Trust, "open gate definition: the signed text holds no definition")
	}
	d := p.Definition
	d.Sources, d.SignedAt = p.Sources, p.SignedAt
	d.proof = proof{
		file: "sha256:" + st.Subject[0].Digest["sha256"], bundle: o.Digest, predicate: append([]byte{}, st.Predicate...),
	}
	errs := append(d.keyProblems(), d.readTrust())
	errs = append(errs, problems(d, "signed gate definition")...)
	if err := errors.Join(errs...); err != nil {
		return nil, fault.New(fault.Trust, "open gate definition: %w", err)
	}
	return d, nil
}

// keyProblems reads every key again: an id that is not that of the key beside it would let one key pass for another.
func (d *Definition) keyProblems() []error {
	var errs []error
	for _, k := range d.keys() {
		pub, err := seal.ParsePublicKey(k.key.File, []byte(k.key.PEM))
		if err == nil && pub.ID != k.key.ID {
			err = fmt.Errorf("its id is SHA256:%s, not SHA256:%s", pub.ID, k.key.ID)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("signed gate definition: %s: %w", k.place, err))
			continue
		}
		k.key.PEM = pub.PEM
	}
	for _, s := range d.Sources {
		if !isDigest(s.Digest) {
			errs = append(errs, fmt.Errorf("signed gate definition: sources: %q is pinned by %q, which is no digest", s.Ref, s.Digest))
		}
	}
	return errs
}

// rootKeys are the keys that may have signed: the pinned one, which the definition must name, or those it names.
func (d *Definition) rootKeys(pin Pin) ([]seal.PublicKey, error) {
	var keys []seal.PublicKey
	for _, k := range d.Roots {
		if pin.Fingerprint == "" || k.Public().Fingerprint() == pin.Fingerprint {
			keys = append(keys, k.Public())
		}
	}
	if len(keys) == 0 {
		return nil, fault.New(fault.Trust, "open gate definition: its root key is %s, but %s is pinned; "+
			"either it is somebody else's definition, or the root was changed and the pin (--root, CDGATE_ROOT) was not", d.rootNames(), pin.Fingerprint)
	}
	return keys, nil
}

// rootNames is how messages name the root: fingerprint and file.
func (d *Definition) rootNames() string {
	var names []string
	for _, k := range d.Roots {
		names = append(names, fmt.Sprintf("%s (%s)", k.Public().Fingerprint(), k.File))
	}
	return strings.Join(names, ", ")
}

// Signed says whether Open or OpenArchived made the definition; nothing else counts for a decision.
func (d *Definition) Signed() bool { return d.proof.signed }

// RootPinned is false when only the definition itself says who may sign it.
func (d *Definition) RootPinned() bool { return d.proof.pinned }

// RootKey is the id of the key that signed the definition.
func (d *Definition) RootKey() string { return d.proof.root }

// BundleDigest is the digest of the signature's bytes.
func (d *Definition) BundleDigest() string { return d.proof.bundle }

// FileDigest is the digest of the text of gate.yaml that was resolved or signed.
func (d *Definition) FileDigest() string { return d.proof.file }

// isDigest says whether s is "sha256:" and 64 lower-case hexadecimal digits.
func isDigest(s string) bool {
	hex, ok := strings.CutPrefix(s, "sha256:")
	return ok && len(hex) == 64 && strings.Trim(hex, "0123456789abcdef") == ""
}
