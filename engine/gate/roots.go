package gate

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/seal"
)

// Tally says who of the root keys of one version has signed a definition. Several keys of one person are one owner.
type Tally struct {
	// Version is the version whose roots are counted: that of the definition, or the one before.
	Version int `json:"version"`
	// Need is how many owners must sign, Have how many did.
	Need int `json:"need"`
	Have int `json:"have"`
	// Signed and Missing are the keys, as people know them: fingerprint, file and person.
	Signed  []string `json:"signed"`
	Missing []string `json:"missing"`
}

// Complete says whether enough owners signed.
func (t Tally) Complete() bool { return t.Need > 0 && t.Have >= t.Need }

func (t Tally) String() string {
	s := fmt.Sprintf("%d of %d root signatures", t.Have, t.Need)
	if !t.Complete() {
		s += "; still to sign: " + strings.Join(t.Missing, ", ")
	}
	return s
}

// need is how many owners of root keys must sign.
func (d *Definition) need() int { return max(d.Threshold, 1) }

// rootOwner is whose key it is: a person of the definition, or where it is nobody's the key itself. Before the keys were
// read, each file is an owner.
func (d *Definition) rootOwner(k Key) string {
	if p, ok := d.PersonOf(k.ID); ok {
		return "person " + p.ID
	}
	return "key " + k.ID + " " + k.File
}

// owners are the distinct owners of keys.
func (d *Definition) owners(keys []Key) map[string]bool {
	out := map[string]bool{}
	for _, k := range keys {
		out[d.rootOwner(k)] = true
	}
	return out
}

// tally counts the root keys of d among those that signed.
func (d *Definition) tally(signed map[string]bool) Tally {
	t := Tally{Version: d.Version, Need: d.need(), Signed: []string{}, Missing: []string{}}
	have := map[string]bool{}
	for _, k := range d.Roots {
		if signed[k.ID] {
			have[d.rootOwner(k)] = true
			t.Signed = append(t.Signed, d.rootName(k))
		}
	}
	for _, k := range d.Roots {
		if !have[d.rootOwner(k)] {
			t.Missing = append(t.Missing, d.rootName(k))
		}
	}
	t.Have = len(have)
	return t
}

// rootName is how messages name a root key: fingerprint, file and person.
func (d *Definition) rootName(k Key) string {
	name := k.File
	if p, ok := d.PersonOf(k.ID); ok {
		name += ", " + p.ID
	}
	return fmt.Sprintf("%s (%s)", k.Public().Fingerprint(), name)
}

// rootNames are the names of all root keys.
func (d *Definition) rootNames() string {
	var names []string
	for _, k := range d.Roots {
		names = append(names, d.rootName(k))
	}
	return strings.Join(names, ", ")
}

// Pin says under whose keys a definition must be signed. The zero Pin believes the keys that the definition itself names,
// and then RootPinned is false.
type Pin struct {
	// Keys are fingerprints: "SHA256:" and the key's id.
	Keys []string
	// Of is how many of them must have signed, among themselves; 0 means more than half. Somebody who has stolen fewer
	// cannot make a definition that asks for fewer.
	Of int
}

func (p Pin) none() bool { return len(p.Keys) == 0 }

// need is how many owners of pinned keys must have signed a definition, whatever it asks for itself.
func (p Pin) need(d *Definition) int {
	of := p.Of
	if of == 0 {
		of = len(p.Keys)/2 + 1
	}
	return max(of, d.need())
}

// have is how many owners of pinned keys are roots of the definition and signed it.
func (p Pin) have(d *Definition, signed map[string]bool) int {
	var keys []Key
	for _, k := range d.Roots {
		if signed[k.ID] && slices.Contains(p.Keys, k.Public().Fingerprint()) {
			keys = append(keys, k)
		}
	}
	return len(d.owners(keys))
}

func (p Pin) String() string {
	s := strings.Join(p.Keys, ",")
	if p.Of > 0 {
		s = fmt.Sprintf("%d/%s", p.Of, s)
	}
	return s
}

// ParsePin reads fingerprints ("SHA256:…") or public keys in PEM, separated by commas, with the number of those that must
// have signed before them ("2/SHA256:…,SHA256:…"). Empty text is the zero Pin. Errors are of class fault.Usage.
func ParsePin(text string) (Pin, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return Pin{}, nil
	}
	var p Pin
	if number, rest, ok := strings.Cut(text, "/"); ok && strings.Trim(number, "0123456789") == "" {
		of, err := strconv.Atoi(number)
		if err != nil || of < 1 {
			return Pin{}, fault.New(fault.Usage, "read root keys: %.20q is no number of keys; write 2/SHA256:…,SHA256:…", number)
		}
		p.Of, text = of, rest
	}
	for _, one := range strings.Split(text, ",") {
		key, err := parseRoot(strings.TrimSpace(one))
		if err != nil {
			return Pin{}, err
		}
		if slices.Contains(p.Keys, key) {
			return Pin{}, fault.New(fault.Usage, "read root keys: %s is named twice", key)
		}
		p.Keys = append(p.Keys, key)
	}
	if p.Of > len(p.Keys) {
		return Pin{}, fault.New(fault.Usage, "read root keys: %d must have signed, but only %d are named", p.Of, len(p.Keys))
	}
	return p, nil
}

func parseRoot(text string) (string, error) {
	switch {
	case strings.HasPrefix(text, "SHA256:"):
		return text, nil
	case strings.Contains(text, "-----BEGIN"):
		k, err := seal.ParsePublicKey("root key", []byte(text))
		if err != nil {
			return "", fault.Wrap(fault.Usage, err)
		}
		return k.Fingerprint(), nil
	}
	return "", fault.New(fault.Usage, "read root key: want a fingerprint (SHA256:…) or a public key in PEM, got %.80q", text)
}
