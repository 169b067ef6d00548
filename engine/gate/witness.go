package gate

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"strings"

	"cdgate.dev/cdgate/schemas"
)

// Witnesses are who must have countersigned the decision log (c2sp.org/tlog-witness) before an entry in it counts.
type Witnesses struct {
	// Quorum is how many of them must have countersigned.
	Quorum int       `json:"quorum"`
	Of     []Witness `json:"of"`
}

// Witness is one of them.
type Witness struct {
	// File is the file that the key came from.
	File string `json:"file"`
	// Key is the verifier key of type 0x04 (c2sp.org/tlog-cosignature), empty in a definition whose keys are not inlined.
	Key string `json:"key"`
	// URL is where it takes checkpoints: URL/add-checkpoint.
	URL string `json:"url"`
}

// name is what the key calls its owner.
func (w Witness) name() string {
	name, _, _ := strings.Cut(w.Key, "+")
	return name
}

// WitnessedSince is the version since which the definition wants the witnesses that it wants now; 0, which is before every entry,
// where a version before is not there to be asked.
func (d *Definition) WitnessedSince() int {
	if d.proof.link == nil {
		return 0
	}
	for l := d.proof.link; ; {
		prev, err := l.back()
		switch {
		case err != nil:
			return 0
		case prev == nil || !reflect.DeepEqual(prev.def.Witnesses, d.Witnesses):
			return l.def.Version
		}
		l = prev
	}
}

type writtenWitnesses struct {
	Quorum int `json:"quorum"`
	Of     []struct {
		Key string `json:"key"`
		URL string `json:"url"`
	} `json:"of"`
}

// definition is nil for no witnesses.
func (w *writtenWitnesses) definition() *Witnesses {
	if w == nil {
		return nil
	}
	d := &Witnesses{Quorum: w.Quorum}
	for _, one := range w.Of {
		d.Of = append(d.Of, Witness{File: one.Key, URL: one.URL})
	}
	return d
}

// inlineWitnesses reads the key files that the definition names.
func (d *Definition) inlineWitnesses(file string, read func(path string) ([]byte, error)) error {
	if d.Witnesses == nil {
		return nil
	}
	var errs []error
	for i := range d.Witnesses.Of {
		w := &d.Witnesses.Of[i]
		text, err := read(w.File)
		if err != nil {
			errs = append(errs, &schemas.Error{
				File: file, Path: fmt.Sprintf("witnesses.of[%d].key", i), Msg: fmt.Sprintf("read witness key file: %v", err),
				Hint: "its operator publishes the key: one line, name+hash+base64",
			})
			continue
		}
		w.Key = string(bytes.TrimSpace(text))
	}
	return errors.Join(errs...)
}

// checkWitnessKey says whether a text is an Ed25519 key that countersigns: "name+hash+base64" of type 0x04, where hash is the
// beginning of SHA-256(name, line feed, type, key) (c2sp.org/signed-note, c2sp.org/tlog-cosignature).
func checkWitnessKey(text string) error {
	name, rest, _ := strings.Cut(text, "+")
	hash, key, _ := strings.Cut(rest, "+")
	raw, err := base64.StdEncoding.Strict().DecodeString(key)
	sum := sha256.Sum256(append([]byte(name+"\n"), raw...))
	switch {
	case name == "" || strings.ContainsAny(name, " \t\r\n") || err != nil || len(raw) == 0 || fmt.Sprintf("%08x", sum[:4]) != hash:
		return errors.New("is no verifier key (name+hash+base64)")
	case raw[0] != 4 || len(raw) != 1+ed25519.PublicKeySize:
		return fmt.Errorf("is a key of type %#02x; a witness countersigns with one of type 0x04", raw[0])
	}
	return nil
}

// witnesses checks that a quorum can be had, and of those who are named each counts once.
func (c *checker) witnesses() {
	w := c.d.Witnesses
	if w == nil {
		return
	}
	if w.Quorum < 1 || w.Quorum > len(w.Of) {
		c.add("witnesses.quorum", "", "is %d of %d witnesses", w.Quorum, len(w.Of))
	}
	log, _, _ := strings.Cut(c.d.Log, "+")
	names, hosts := map[string]bool{log: true}, map[string]bool{}
	for i, one := range w.Of {
		place := fmt.Sprintf("witnesses.of[%d]", i)
		u, err := url.Parse(one.URL)
		switch {
		case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
			c.add(place+".url", "write it as https://witness.example/path", "%q is no address of a witness", one.URL)
		case hosts[u.Host]:
			c.add(place+".url", "witnesses protect against one another only when different people run them", "%s is named twice", u.Host)
		default:
			hosts[u.Host] = true
		}
		if one.Key == "" {
			continue // not read yet
		}
		if err := checkWitnessKey(one.Key); err != nil {
			c.add(place+".key", "its operator publishes the right one, or: litewitness says it when it starts", "%s %v", one.File, err)
			continue
		}
		if names[one.name()] {
			c.add(place+".key", "", "another witness, or the log itself, is called %s too", one.name())
		}
		names[one.name()] = true
	}
}

// witnesses tells of a change of the witnesses.
func (c *comparer) witnesses(a, b *Witnesses) {
	if a == nil {
		a = &Witnesses{}
	}
	if b == nil {
		b = &Witnesses{}
	}
	names := func(w *Witnesses) (out []string) {
		for _, one := range w.Of {
			out = append(out, fmt.Sprintf("%s (%s)", one.Key, one.URL))
		}
		return out
	}
	c.lists(names(a), names(b), "%s may countersign the decision log", "%s no longer countersigns the decision log", len(a.Of) > 0, false)
	if a.Quorum != b.Quorum {
		c.add(b.Quorum < a.Quorum, "the decision log needs the countersignatures of %d witnesses instead of %d", b.Quorum, a.Quorum)
	}
}
