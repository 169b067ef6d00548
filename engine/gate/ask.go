package gate

import (
	"fmt"
	"slices"
	"time"

	"cdgate.dev/cdgate/engine/seal"
	"cdgate.dev/cdgate/evidence"
)

// How old evidence may be, and how long an allow stands, where the definition says nothing.
const (
	defaultMaxAge        = 720 * time.Hour
	defaultMaxAgeScan    = 168 * time.Hour
	defaultMaxAgeMetrics = 24 * time.Hour
	defaultValidFor      = 24 * time.Hour
)

// place is a key and where in the definition it stands, such as "signers.ci.keys[0]".
type place struct {
	key   *Key
	place string
}

// keys are all keys of the definition in a fixed order, roots first.
func (d *Definition) keys() []place {
	var out []place
	list := func(prefix string, keys []Key) {
		for i := range keys {
			out = append(out, place{&keys[i], fmt.Sprintf("%s[%d]", prefix, i)})
		}
	}
	list("roots", d.Roots)
	for _, id := range sorted(d.Signers) {
		list("signers."+id+".keys", d.Signers[id].Keys)
	}
	for _, id := range sorted(d.People) {
		list("people."+id+".keys", d.People[id].Keys)
	}
	return out
}

// Public is the key as package seal wants it.
func (k Key) Public() seal.PublicKey { return seal.PublicKey{ID: k.ID, PEM: k.PEM} }

// SignerOf is the signer that a key belongs to.
func (d *Definition) SignerOf(keyID string) (Signer, bool) {
	for _, id := range sorted(d.Signers) {
		s := d.Signers[id]
		if _, ok := find(s.Keys, keyID); ok {
			s.ID = id
			return s, true
		}
	}
	return Signer{}, false
}

// PersonOf is the person that a key belongs to.
func (d *Definition) PersonOf(keyID string) (Person, bool) {
	for _, id := range sorted(d.People) {
		p := d.People[id]
		if _, ok := find(p.Keys, keyID); ok {
			p.ID = id
			return p, true
		}
	}
	return Person{}, false
}

// find is the key with the id; an empty id is no key.
func find(keys []Key, id string) (Key, bool) {
	i := slices.IndexFunc(keys, func(k Key) bool { return k.ID == id })
	if i < 0 || id == "" {
		return Key{}, false
	}
	return keys[i], true
}

// SignerFor is the person as a signer of evidence about a line on its way to a target: with the kinds that the person's roles
// let people sign at an instant. It may attest nothing when there are none.
func (d *Definition) SignerFor(p Person, line, target string, at time.Time) Signer {
	s := Signer{ID: p.ID, Keys: p.Keys}
	for _, id := range d.RolesOf(p.ID, line, target, at) {
		for _, kind := range d.Roles[id].May {
			if !s.MayDo(kind) && slices.Contains(d.human(), kind) {
				s.May = append(s.May, kind)
			}
		}
	}
	return s
}

// PersonMay are the kinds of evidence that any role ever lets the person sign.
func (d *Definition) PersonMay(p Person) []string {
	var out []string
	for _, id := range sorted(d.Roles) {
		if r := d.Roles[id]; slices.Contains(r.People, p.ID) {
			out = append(out, r.May...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// MayDo says whether the signer's signature counts for the duty: a kind of evidence, or Decision.
func (s Signer) MayDo(duty string) bool { return slices.Contains(s.May, duty) }

// ForLine says whether the signer may attest the line; a signer without lines may attest every line.
func (s Signer) ForLine(line string) bool { return len(s.Lines) == 0 || slices.Contains(s.Lines, line) }

// Attests says whether the signer may attest any kind of evidence, and so list what it collected.
func (s Signer) Attests() bool {
	return slices.ContainsFunc(s.May, func(duty string) bool { return duty != Decision })
}

// Target is the target with the id.
func (d *Definition) Target(id string) (Target, bool) {
	t, ok := d.Targets[id]
	t.ID = id
	return t, ok
}

// SourcesOf are the policy sources of a target in the order the definition names them; none for an unknown target.
func (d *Definition) SourcesOf(target string) []Source {
	var out []Source
	for _, ref := range d.Targets[target].Policies {
		for _, s := range d.Sources {
			if s.Ref == ref {
				out = append(out, s)
			}
		}
	}
	return out
}

// MaxAge is how old evidence of a kind may be for a target; 0, so that everything is too old, for an unknown target.
func (d *Definition) MaxAge(target string, k evidence.Kind) time.Duration {
	t, ok := d.Targets[target]
	switch text := t.MaxAge[string(k)]; {
	case !ok:
		return 0
	case text != "":
		return duration(text)
	case d.Kinds[string(k)].MaxAge != "":
		return duration(d.Kinds[string(k)].MaxAge)
	case k == evidence.Scan, k == evidence.VerificationSummary:
		return defaultMaxAgeScan
	case k == evidence.Metrics:
		return defaultMaxAgeMetrics
	}
	return defaultMaxAge
}

// ValidFor is how long an allow for the target stands; 0 for an unknown target.
func (d *Definition) ValidFor(target string) time.Duration {
	t, ok := d.Targets[target]
	if !ok {
		return 0
	}
	return t.ValidForDuration()
}

// ValidForDuration is how long an allow for the target stands.
func (t Target) ValidForDuration() time.Duration {
	switch {
	case t.Trigger == "":
		return 0 // the zero Target is no target
	case t.ValidFor == "":
		return defaultValidFor
	}
	return duration(t.ValidFor)
}

// duration reads a duration that problems has checked; 0 for anything else.
func duration(text string) time.Duration {
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0
	}
	return d
}

// BuiltFrom says whether the line may be built from the repository: a line that names no repository, or that the
// definition does not know, may be built from any that no other line names. A checkout says itself which line it is,
// and must not come under another line's roles by that.
//
// Repositories are compared as addresses: https, ssh and SPDX's git+https name the same one.
func (d *Definition) BuiltFrom(line, repository string) bool {
	names := func(l Line) bool {
		return slices.ContainsFunc(l.Repositories, func(r string) bool { return evidence.SameRepository(r, repository) })
	}
	if l := d.Lines[line]; len(l.Repositories) > 0 {
		return names(l)
	}
	for _, l := range d.Lines {
		if names(l) {
			return false
		}
	}
	return true
}

// ExpiresAt is the end of validity; the zero time, long past, where it cannot be read.
func (d *Definition) ExpiresAt() time.Time {
	t, err := parseTime(d.Expires)
	if err != nil {
		return time.Time{}
	}
	return t
}
