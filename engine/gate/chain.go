package gate

import (
	"bytes"
	"slices"

	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/seal"
)

// Signatures are the bundles that sign one definition, each with one root key and all around exactly the same statement.
type Signatures [][]byte

// History gives the signatures of an earlier version of the definition. It is asked only for versions that the signed text
// says were there, and nothing that it gives is believed before it fits the digest in that text.
type History func(version int) (Signatures, error)

// maxSignatures is how many signatures a definition may have: those of 32 roots, and of 32 before.
const maxSignatures = 64

// link is one version of the definition with its signatures, and the way to the version before.
type link struct {
	def     *Definition
	sigs    Signatures
	opened  *seal.Opened // the first signature, as it claims
	claims  []string     // the key that each signature claims, in their order
	signed  map[string]bool
	history History

	walked bool
	prev   *link
	err    error
}

// load reads the signatures of a version and checks those of its own roots. Whether they are enough is not asked here.
func load(sigs Signatures, history History) (*link, error) {
	if len(sigs) == 0 || len(sigs) > maxSignatures {
		return nil, fault.New(fault.Trust, "open gate definition: it has %d signatures, want 1 to %d", len(sigs), maxSignatures)
	}
	l := &link{sigs: sigs, history: history}
	for i, b := range sigs {
		claim, err := seal.InspectUnsafe(b)
		if err != nil {
			return nil, fault.New(fault.Trust, "open gate definition: its signature cannot be read: %v; restore gate.sigstore.json from version control", err)
		}
		if i == 0 {
			l.opened = claim
		} else if !bytes.Equal(claim.Payload, l.opened.Payload) {
			return nil, fault.New(fault.Trust, "open gate definition: signature %d is over another text than the first; gate.yaml was changed between the two, "+
				"so everybody signs again with: cdgate gate sign --key ROOT.key", i+1)
		}
		if slices.Contains(l.claims, claim.KeyID) {
			return nil, fault.New(fault.Trust, "open gate definition: signature %d is of the same key as another one, SHA256:%s; remove it", i+1, claim.KeyID)
		}
		l.claims = append(l.claims, claim.KeyID)
	}
	var err error
	if l.def, err = decode(l.opened); err != nil {
		return nil, err
	}
	l.def.proof.link = l
	l.signed, err = l.signedBy(l.def)
	return l, err
}

// signedBy are the root keys of a version that signed this one. A signature that claims such a key and is not that key's
// is an error.
func (l *link) signedBy(d *Definition) (map[string]bool, error) {
	out := map[string]bool{}
	for i, id := range l.claims {
		k, ok := find(d.Roots, id)
		if !ok {
			continue
		}
		if _, err := seal.Open(l.sigs[i], k.Public()); err != nil {
			return nil, fault.New(fault.Trust, "open gate definition: the signature of %s does not hold: %v; gate.sigstore.json was altered, restore it from version control", d.rootName(k), err)
		}
		out[id] = true
	}
	return out, nil
}

// onlyRoots refuses signatures of keys that are roots neither of the version nor of the one before.
func (l *link) onlyRoots(prev *link) error {
	for _, id := range l.claims {
		_, ok := find(l.def.Roots, id)
		if !ok && prev != nil {
			_, ok = find(prev.def.Roots, id)
		}
		if !ok {
			return fault.New(fault.Trust, "open gate definition: it is signed with key SHA256:%s, but its root key is %s; have the owner of that key sign it", id, l.def.rootNames())
		}
	}
	return nil
}

// first is the first of the keys that signed and are roots of d.
func (l *link) first(d *Definition) string {
	for _, id := range l.claims {
		if _, ok := find(d.Roots, id); ok {
			return id
		}
	}
	return ""
}

// before reads the version before without asking who of its roots signed this one; nil where this is the first.
func (l *link) before() (*link, error) {
	if l.walked {
		return l.prev, l.err
	}
	l.walked = true
	if l.def.Previous != "" {
		l.prev, l.err = l.fetch()
	}
	return l.prev, l.err
}

func (l *link) fetch() (*link, error) {
	version := l.def.Version - 1
	if l.history == nil {
		return nil, fault.New(fault.Trust, "open gate definition: version %d follows version %d (%s), which is not at hand", l.def.Version, version, l.def.Previous)
	}
	sigs, err := l.history(version)
	if err != nil {
		return nil, fault.New(fault.Trust, "open gate definition: version %d follows version %d (%s), which cannot be read: %v; restore it from version control", l.def.Version, version, l.def.Previous, err)
	}
	p, err := load(sigs, l.history)
	if err != nil {
		return nil, fault.New(fault.Trust, "version %d, before this one: %w", version, err)
	}
	if p.def.Version != version || p.def.Digest() != l.def.Previous {
		return nil, fault.New(fault.Trust, "open gate definition: version %d follows %s, and what is kept as version %d is version %d, %s: somebody put another history there, "+
			"or signed from another one; restore it from version control", l.def.Version, l.def.Previous, version, p.def.Version, p.def.Digest())
	}
	if t := p.def.tally(p.signed); !t.Complete() {
		return nil, fault.New(fault.Trust, "open gate definition: version %d, before this one, has %s", version, t)
	}
	return p, nil
}

// back is the version before, whose roots must have signed this one as well as its own did: otherwise whoever may write a
// definition could put roots of their own into it. nil where this is the first.
func (l *link) back() (*link, error) {
	p, err := l.before()
	if p == nil || err != nil {
		return nil, err
	}
	signed, err := l.signedBy(p.def)
	if err != nil {
		return nil, err
	}
	if t := p.def.tally(signed); !t.Complete() {
		return nil, fault.New(fault.Trust, "open gate definition: version %d must be signed by the roots of version %d too, and has %s; each runs: cdgate gate sign --key ROOT.key",
			l.def.Version, p.def.Version, t)
	}
	return p, nil
}

// anchored demands that enough of the pinned keys signed the version, or one that it follows from.
func (l *link) anchored(pin Pin) error {
	if pin.none() {
		return nil
	}
	for at := l; at != nil; {
		if pin.have(at.def, at.signed) >= pin.need(at.def) {
			return nil
		}
		var err error
		if at, err = at.back(); err != nil {
			return err
		}
	}
	if pin.have(l.def, l.signed) == 0 {
		return fault.New(fault.Trust, "open gate definition: its root key is %s, but %s is pinned; "+
			"either it is somebody else's definition, or the root was changed and the pin (--root, CDGATE_ROOT) was not", l.def.rootNames(), pin)
	}
	return fault.New(fault.Trust, "open gate definition: of the pinned keys %s, %d signed it, and %d must; it follows from no version that enough of them signed. "+
		"Either somebody has one of them, or the pin (--root, CDGATE_ROOT) is short of keys; the roots are %s", pin, pin.have(l.def, l.signed), pin.need(l.def), l.def.rootNames())
}

// Follows demands that the definition is the version with the digest, or follows from it step by step. Errors are of class
// fault.Trust.
func (d *Definition) Follows(version int, digest string) error {
	if version == d.Version {
		if d.Digest() != digest {
			return fault.New(fault.Trust, "version %d of the gate definition was another one, %s, and this is %s: the same number was signed twice", version, digest, d.Digest())
		}
		return nil
	}
	at := d.proof.link
	if at == nil || version > d.Version {
		return fault.New(fault.Trust, "version %d of the gate definition does not follow from version %d", d.Version, version)
	}
	for at.def.Version > version+1 {
		prev, err := at.back()
		if err != nil {
			return err
		}
		if prev == nil {
			break
		}
		at = prev
	}
	if at.def.Version != version+1 || at.def.Previous != digest {
		return fault.New(fault.Trust, "version %d of the gate definition does not follow from version %d, %s: it has another history", d.Version, version, digest)
	}
	return nil
}

// Signatures are the bundles that signed the definition.
func (d *Definition) Signatures() Signatures {
	if d.proof.link == nil {
		return nil
	}
	return d.proof.link.sigs
}

// Ancestors are the signatures of the versions before that had to be asked so far, newest first; a record keeps them, so
// that its definition opens again.
func (d *Definition) Ancestors() []Signatures {
	var out []Signatures
	for l := d.proof.link; l != nil && l.prev != nil; l = l.prev {
		out = append(out, l.prev.sigs)
	}
	return out
}

// Signing is how far the signing of a definition is. Nothing of it is believed for a decision.
type Signing struct {
	Definition *Definition
	// Previous is the version before; nil for the first.
	Previous *Definition
	// Tallies are the roots that must sign: its own, and those of the version before where those are others.
	Tallies []Tally
	signed  map[string]bool
}

// Inspect reads the signatures that there are. Errors are of class fault.Trust.
func Inspect(sigs Signatures, history History) (*Signing, error) {
	l, err := load(sigs, history)
	if err != nil {
		return nil, err
	}
	prev, err := l.before()
	if err != nil {
		return nil, err
	}
	if err := l.onlyRoots(prev); err != nil {
		return nil, err
	}
	s := &Signing{Definition: l.def, Tallies: []Tally{l.def.tally(l.signed)}, signed: map[string]bool{}}
	for _, id := range l.claims {
		s.signed[id] = true
	}
	if prev == nil {
		return s, nil
	}
	old, err := l.signedBy(prev.def)
	if err != nil {
		return nil, err
	}
	s.Previous = prev.def
	if t := prev.def.tally(old); !sameRoots(l.def, prev.def) {
		s.Tallies = append(s.Tallies, t)
	}
	return s, nil
}

// Complete says whether everybody signed who must.
func (s *Signing) Complete() bool {
	return !slices.ContainsFunc(s.Tallies, func(t Tally) bool { return !t.Complete() })
}

// SignedBy says whether the key has signed.
func (s *Signing) SignedBy(keyID string) bool { return s.signed[keyID] }

// Same says whether the signatures are of what def says now, whenever it was signed: the same text, keys and policies.
func (s *Signing) Same(def *Definition) bool {
	again := *def
	again.SignedAt, again.Previous, again.proof.predicate = s.Definition.SignedAt, s.Definition.Previous, nil
	return def.proof.file == s.Definition.proof.file && again.Digest() != "" && again.Digest() == s.Definition.Digest()
}

// sameRoots says whether two versions have the same root keys, owners and threshold.
func sameRoots(a, b *Definition) bool {
	ids := func(d *Definition) []string {
		var out []string
		for _, k := range d.Roots {
			out = append(out, k.ID+" "+d.rootOwner(Key{ID: k.ID}))
		}
		slices.Sort(out)
		return out
	}
	return a.need() == b.need() && slices.Equal(ids(a), ids(b))
}

// ReadUnsafe reads what a signature claims to be over, for showing it: nobody has checked who made it, and the definition
// does not count as signed.
func ReadUnsafe(bundle []byte) (*Definition, error) {
	claim, err := seal.InspectUnsafe(bundle)
	if err != nil {
		return nil, fault.New(fault.Usage, "read gate definition: %w", err)
	}
	return decode(claim)
}
