package gate

import (
	"bytes"
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
	Previous   string      `json:"previous,omitempty"`
}

// JSON is the signed predicate: the bytes as they were signed, or the deterministic JSON of an unsigned definition.
func (d *Definition) JSON() ([]byte, error) {
	if d.proof.predicate != nil {
		return d.proof.predicate, nil
	}
	b, err := json.Marshal(predicate{d, d.Sources, d.SignedAt, d.Previous}, json.Deterministic(true), json.FormatNilSliceAsNull(false), json.FormatNilMapAsNull(false))
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

// Sign signs a definition that Resolve made from gateBytes, as the one that follows previous; nil where it is the first. The
// signer's key must be a root that either of the two names. Errors are of class fault.Usage.
func Sign(def *Definition, gateBytes []byte, previous *Definition, signer *seal.Signer, now time.Time) ([]byte, error) {
	if def.proof.file == "" || def.proof.file != seal.Digest(gateBytes) {
		return nil, fault.New(fault.Usage, "sign gate definition: gate.yaml is not the text that was read; read it again and sign that")
	}
	signed := *def
	signed.SignedAt, signed.Previous = rfc3339(now), ""
	if previous != nil {
		if previous.proof.link == nil || def.Version != previous.Version+1 {
			return nil, fault.New(fault.Usage, "sign gate definition: version %d is signed, so this must be version %d, and it is version %d", previous.Version, previous.Version+1, def.Version)
		}
		signed.Previous = previous.Digest()
	}
	if err := mayRoot(def, previous, signer, now); err != nil {
		return nil, err
	}
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

// Countersign signs exactly what another root key has signed. Errors are of class fault.Usage.
func Countersign(s *Signing, signer *seal.Signer, now time.Time) ([]byte, error) {
	if err := mayRoot(s.Definition, s.Previous, signer, now); err != nil {
		return nil, err
	}
	first := s.Definition.proof.link.opened
	bundle, err := signer.Sign(first.Statement)
	if err != nil {
		return nil, fmt.Errorf("sign gate definition: %w", err)
	}
	if again, err := seal.InspectUnsafe(bundle); err != nil || !bytes.Equal(again.Payload, first.Payload) {
		return nil, fault.New(fault.Internal, "sign gate definition: what was signed is not what the first signature is over")
	}
	return bundle, nil
}

// mayRoot says whether a key may sign the definition now.
func mayRoot(def, previous *Definition, signer *seal.Signer, now time.Time) error {
	_, ok := find(def.Roots, signer.KeyID())
	names := def.rootNames()
	if previous != nil && !ok {
		_, ok = find(previous.Roots, signer.KeyID())
		if !sameRoots(def, previous) {
			names += ", or before " + previous.rootNames()
		}
	}
	if !ok {
		return fault.New(fault.Usage, "sign gate definition: key %s is not its root key, which is %s; sign with that key, or name another root in gate.yaml",
			signer.Public().Fingerprint(), names)
	}
	if !now.Before(def.ExpiresAt()) {
		return fault.New(fault.Usage, "sign gate definition: it expired at %s; move expires in gate.yaml forward", def.Expires)
	}
	return nil
}

// Open opens the signatures of gate.yaml and demands that enough of its root keys made them, that gate.yaml is the signed
// text, that the definition follows from the versions before, and that it has not expired at now. What counts afterwards is
// what was signed: gate.yaml and the key files are not read again. Errors are of class fault.Trust; where there is nothing
// to open, fault.Usage.
func Open(gateBytes []byte, sigs Signatures, history History, root Pin, now time.Time) (*Definition, error) {
	if len(gateBytes) == 0 {
		return nil, fault.New(fault.Usage, "open gate definition: gate.yaml is empty; start with: cdgate init")
	}
	if len(sigs) == 0 || len(sigs[0]) == 0 {
		return nil, fault.New(fault.Usage, "open gate definition: the signature is empty; its owner makes it with: cdgate gate sign --key ROOT.key")
	}
	d, err := open(sigs, history, root)
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

// OpenArchived opens the signatures that a record names and demands that the definition was valid at the time of the
// record. gate.yaml is not needed: what counts is what was signed. Errors are of class fault.Trust.
func OpenArchived(sigs Signatures, history History, root Pin, at time.Time) (*Definition, error) {
	d, err := open(sigs, history, root)
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

func open(sigs Signatures, history History, root Pin) (*Definition, error) {
	l, err := load(sigs, history)
	if err != nil {
		return nil, err
	}
	prev, err := l.back()
	if err != nil {
		return nil, err
	}
	if err := l.onlyRoots(prev); err != nil {
		return nil, err
	}
	if t := l.def.tally(l.signed); !t.Complete() {
		return nil, fault.New(fault.Trust, "open gate definition: version %d has %s; each runs: cdgate gate sign --key ROOT.key", l.def.Version, t)
	}
	if err := l.anchored(root); err != nil {
		return nil, err
	}
	d := l.def
	d.proof.signed, d.proof.pinned, d.proof.root = true, !root.none(), l.first(d)
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
	d.Sources, d.SignedAt, d.Previous = p.Sources, p.SignedAt, p.Previous
	d.proof = proof{
		file: "sha256:" + st.Subject[0].Digest["sha256"], predicate: append([]byte{}, st.Predicate...),
	}
	errs := append(d.keyProblems(), d.readTrust())
	errs = append(errs, problems(d, "signed gate definition")...)
	if d.Previous != "" && !isDigest(d.Previous) {
		errs = append(errs, fmt.Errorf("signed gate definition: previous: %q is no digest", d.Previous))
	}
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

// Signed says whether Open or OpenArchived made the definition; nothing else counts for a decision.
func (d *Definition) Signed() bool { return d.proof.signed }

// RootPinned is false when only the definition itself says who may sign it.
func (d *Definition) RootPinned() bool { return d.proof.pinned }

// RootKey is the id of the first of its root keys that signed the definition.
func (d *Definition) RootKey() string { return d.proof.root }

// FileDigest is the digest of the text of gate.yaml that was resolved or signed.
func (d *Definition) FileDigest() string { return d.proof.file }

// isDigest says whether s is "sha256:" and 64 lower-case hexadecimal digits.
func isDigest(s string) bool {
	hex, ok := strings.CutPrefix(s, "sha256:")
	return ok && len(hex) == 64 && strings.Trim(hex, "0123456789abcdef") == ""
}
