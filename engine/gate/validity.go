package gate

import (
	"fmt"
	"time"

	"cdgate.dev/cdgate/engine/seal"
)

// When is what is known about the time of a signature.
type When struct {
	// Stamped is when a timestamp authority saw it; zero when nothing proves the time.
	Stamped time.Time
	// Claimed is the time that the statement gives itself. It proves nothing and can only tell against the statement.
	Claimed time.Time
	// Now is the instant that is judged at.
	Now time.Time
	// Logged is the highest version of the gate definition that the decision log names up to the entry of the statement; 0
	// where the log holds none.
	Logged int
}

// Unsound is why a signature does not count although it is that of the key.
type Unsound struct {
	// Revoked says that the key was revoked; else it is out of its validity.
	Revoked bool
	// Compromised says that somebody else may have the key.
	Compromised bool
	// Msg says since when, and what to do.
	Msg string
}

func (u *Unsound) Error() string { return u.Msg }

// Stands judges a signature of a key of a signer or person: nil when it counts.
//
// A verified timestamp decides alone. Without one nothing proves when a statement was signed, so the key must be valid now,
// and the statement must not itself say that it was signed outside the key's validity. There is one other proof of order:
// the log is only ever added to, so what it held before any decision under the version that closed the key was signed
// before. That is not enough for a compromised key: whoever has it may have had it long before anybody knew.
//
// A certificate has its own validity, which opening has held against a timestamp.
func (d *Definition) Stands(by seal.Signatory, w When) *Unsound {
	if by.Identity != (seal.Identity{}) {
		return nil
	}
	k, ok := d.signingKey(by.KeyID)
	if !ok {
		return &Unsound{Msg: fmt.Sprintf("%s is nobody's", by)}
	}
	if !w.Stamped.IsZero() {
		return k.at(w.Stamped, "a timestamp says that it was signed at "+rfc3339(w.Stamped))
	}
	if !w.Claimed.IsZero() {
		if u := k.at(w.Claimed, "it says itself that it was signed at "+rfc3339(w.Claimed)); u != nil {
			return u
		}
	}
	u := k.at(w.Now, "nothing proves that it was signed "+k.during()+"; sign again with a valid key, or require timestamps")
	if u == nil || u.Compromised || w.Logged == 0 || k.early(w.Now) {
		return u
	}
	if closed, err := d.closedIn(k); err == nil && w.Logged < closed {
		return nil
	}
	return u
}

// signingKey is the key of a signer or person with the id.
func (d *Definition) signingKey(id string) (Key, bool) {
	if s, ok := d.SignerOf(id); ok {
		return find(s.Keys, id)
	}
	if p, ok := d.PersonOf(id); ok {
		return find(p.Keys, id)
	}
	return Key{}, false
}

// at says why the key is not valid at an instant; nil when it is. Times that cannot be read make it invalid.
func (k Key) at(t time.Time, why string) *Unsound {
	if r := k.Revoked; r != nil {
		if at, err := parseTime(r.At); err != nil || !t.Before(at) {
			return &Unsound{Revoked: true, Compromised: r.Reason != Rotation,
				Msg: fmt.Sprintf("key SHA256:%s (%s) was revoked at %s (%s), and %s", k.ID, k.File, r.At, r.Reason, why)}
		}
	}
	if k.early(t) {
		return &Unsound{Msg: fmt.Sprintf("key SHA256:%s (%s) is valid from %s on, and %s", k.ID, k.File, k.From, why)}
	}
	if k.Until != "" {
		if until, err := parseTime(k.Until); err != nil || !t.Before(until) {
			return &Unsound{Msg: fmt.Sprintf("key SHA256:%s (%s) was valid until %s, and %s", k.ID, k.File, k.Until, why)}
		}
	}
	return nil
}

// early says whether the key is not valid yet.
func (k Key) early(t time.Time) bool {
	if k.From == "" {
		return false
	}
	from, err := parseTime(k.From)
	return err != nil || t.Before(from)
}

func (k Key) during() string {
	if k.Revoked != nil {
		return "before"
	}
	return "while it was valid"
}

// end says when and how the validity of the key ends.
func (k Key) end() string {
	if k.Revoked == nil {
		return k.Until
	}
	return k.Until + " " + k.Revoked.At
}

// closedIn is the version that gave a key the end of validity that it has now. An error says that a version before is not
// there to be asked.
func (d *Definition) closedIn(k Key) (int, error) {
	if d.proof.link == nil {
		return 0, fmt.Errorf("the gate definition is not signed")
	}
	for l := d.proof.link; ; {
		prev, err := l.back()
		if err != nil {
			return 0, err
		}
		if prev == nil {
			return l.def.Version, nil
		}
		if was, ok := prev.def.signingKey(k.ID); !ok || was.end() != k.end() {
			return l.def.Version, nil
		}
		l = prev
	}
}

// rfc3339 writes an instant in UTC, whole seconds.
func rfc3339(t time.Time) string { return t.UTC().Truncate(time.Second).Format(time.RFC3339) }
