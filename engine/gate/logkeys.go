package gate

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/mod/sumdb/note"

	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/schemas"
)

// LogKey is a key that signs the decision log, or has signed it. Key is the verifier key (c2sp.org/signed-note); the validity is
// that of a Key.
type LogKey struct {
	Key     string      `json:"key"`
	File    string      `json:"file"`
	From    string      `json:"from,omitempty"`
	Until   string      `json:"until,omitempty"`
	Revoked *Revocation `json:"revoked,omitempty"`
}

// writtenLog is what stands under log: a file, or a list of them.
type writtenLog []writtenKey

// UnmarshalJSON takes a text for the only file.
func (w *writtenLog) UnmarshalJSON(b []byte) error {
	if jsontext.Value(b).Kind() == '"' {
		*w = make(writtenLog, 1)
		return json.Unmarshal(b, &(*w)[0].File)
	}
	return json.Unmarshal(b, (*[]writtenKey)(w))
}

// definition gives the file of the key that signs now, and all of them where there is more to say than that.
func (w writtenLog) definition() (log string, keys []LogKey) {
	for _, k := range w {
		keys = append(keys, LogKey{File: k.File, From: k.From, Until: k.Until, Revoked: k.Revoked})
	}
	log = newestLog(keys).File
	if len(keys) == 1 && keys[0] == (LogKey{File: log}) {
		keys = nil // what says nothing else signs the same as a name alone
	}
	return log, keys
}

// newestLog is the key that stays: the one without end, else the one that ends last.
func newestLog(keys []LogKey) LogKey {
	var out LogKey
	for i, k := range keys {
		if i == 0 || k.Revoked == nil && (out.Revoked != nil || out.Until != "" && (k.Until == "" || k.Until > out.Until)) {
			out = k
		}
	}
	return out
}

// inlineLog reads the key files of the log.
func (d *Definition) inlineLog(file string, read func(path string) ([]byte, error)) error {
	one := func(name string) (string, error) {
		b, err := read(name)
		key := string(bytes.TrimSpace(b))
		if err == nil {
			_, err = note.NewVerifier(key)
		}
		if err != nil {
			return "", &schemas.Error{
				File: file, Path: "log", Msg: fmt.Sprintf("read log key file %q: %v", name, err),
				Hint: "it holds the log's verifier key on one line, name+hash+base64; cdgate init makes one",
			}
		}
		return key, nil
	}
	var err error
	for i := range d.LogKeys {
		if d.LogKeys[i].Key, err = one(d.LogKeys[i].File); err != nil {
			return err
		}
	}
	if len(d.LogKeys) > 0 {
		d.Log = newestLog(d.LogKeys).Key
		return nil
	}
	d.Log, err = one(d.Log)
	return err
}

// logs are all keys of the decision log.
func (d *Definition) logs() []LogKey {
	if len(d.LogKeys) == 0 {
		return []LogKey{{Key: d.Log}}
	}
	return d.LogKeys
}

// LogKey is the verifier key of the decision log that stays.
func (d *Definition) LogKey() string { return d.Log }

// FormerLogKeys are the others that have signed the log, or still may for a while.
func (d *Definition) FormerLogKeys() []string {
	var out []string
	for _, k := range d.logs() {
		if k.Key != d.Log {
			out = append(out, k.Key)
		}
	}
	return out
}

// name is how messages name a log key: what identifies it in signatures, and its file.
func (k LogKey) name() string {
	parts := strings.SplitN(k.Key, "+", 3)
	name := strings.Join(parts[:min(2, len(parts))], "+")
	if k.File != "" {
		name += " (" + k.File + ")"
	}
	return name
}

// at says why the key does not sign at an instant; "" when it does.
func (k LogKey) at(t time.Time) string {
	u := Key{From: k.From, Until: k.Until, Revoked: k.Revoked}.at(t, "")
	switch {
	case u == nil:
		return ""
	case u.Revoked:
		return fmt.Sprintf("was revoked at %s (%s)", k.Revoked.At, k.Revoked.Reason)
	case k.Until != "" && !(Key{From: k.From}).early(t):
		return "was valid until " + k.Until
	}
	return "is valid from " + k.From + " on"
}

// LogStands says whether a key could sign the log when its newest entry, or the entry that a proof is for, says that it was made.
// head says that the whole log stands on the signature: then a compromised key is refused whatever the entries say, because
// whoever has it can write any. Errors are of class fault.Trust.
func (d *Definition) LogStands(key string, made time.Time, head bool) error {
	i := slices.IndexFunc(d.logs(), func(k LogKey) bool { return k.Key == key })
	if i < 0 {
		return fault.New(fault.Trust, "it is signed with a key that the gate definition does not name")
	}
	k := d.logs()[i]
	if head && k.Revoked != nil && k.Revoked.Reason != Rotation {
		return fault.New(fault.Trust, "it is signed with key %s, which was revoked at %s (%s), and nobody with another key has signed it since. Hold it against proofs that were kept elsewhere; "+
			"where they agree, revoke the key for rotation, have one decision logged with the new key, and then revoke it for compromise", k.name(), k.Revoked.At, k.Revoked.Reason)
	}
	// Entries and the ends of keys are written in whole seconds: within one, nobody knows which was first.
	if why := k.at(made); why != "" && k.at(made.Add(-time.Second)) != "" {
		return fault.New(fault.Trust, "it is signed with key %s, which %s, and an entry says that it was made at %s: somebody used the key when it did not count; restore the log from where it is kept", k.name(), why, rfc3339(made))
	}
	return nil
}

// MayLog says whether entries that are signed with a key now count. Errors are of class fault.Usage.
func (d *Definition) MayLog(key string, now time.Time) error {
	i := slices.IndexFunc(d.logs(), func(k LogKey) bool { return k.Key == key })
	var names []string
	for _, k := range d.logs() {
		if k.at(now) == "" {
			names = append(names, k.name())
		}
	}
	switch {
	case i < 0:
		return fault.New(fault.Usage, "write the decision log: the key is %s, and the gate definition names %s; use that one (--log-key, CDGATE_LOG_KEY)", LogKey{Key: key}.name(), strings.Join(names, ", "))
	case d.logs()[i].at(now) != "":
		return fault.New(fault.Usage, "write the decision log: the key %s %s; use %s (--log-key, CDGATE_LOG_KEY)", d.logs()[i].name(), d.logs()[i].at(now), orNone(strings.Join(names, ", ")))
	}
	return nil
}

// logs checks that the keys are of one log, and that it is clear which stays.
func (c *checker) logs() {
	if c.d.Log == "" {
		c.add("log", "name the file with the log's verifier key", "is empty")
		return
	}
	open, seen := 0, map[string]bool{}
	for i, k := range c.d.LogKeys {
		place := fmt.Sprintf("log[%d]", i)
		if k.Until == "" && k.Revoked == nil {
			open++
		}
		c.keyValidity(place, Key{File: k.File, From: k.From, Until: k.Until, Revoked: k.Revoked})
		if k.Key == "" {
			continue // not read yet
		}
		if seen[k.Key] {
			c.add(place, "", "is the same key as another one")
		}
		seen[k.Key] = true
		if name, _, _ := strings.Cut(k.Key, "+"); name != logName(c.d.LogKeys[0].Key) {
			c.add(place, "make it with: cdgate keys generate --log --name "+logName(c.d.LogKeys[0].Key), "is a key called %q, and the log is called %q", name, logName(c.d.LogKeys[0].Key))
		}
	}
	if open > 1 {
		c.add("log", "give those that were replaced an end: {file: …, until: …}", "names %d keys without end", open)
	}
	if n := newestLog(c.d.LogKeys); n.Revoked != nil {
		c.add("log", "add a new one: cdgate gate rotate log --with NEW.pub", "names only keys that were revoked")
	}
	if len(c.d.LogKeys) > 0 && c.d.LogKeys[0].Key != "" && newestLog(c.d.LogKeys).Key != c.d.Log {
		c.add("log", "", "is not the key of logKeys that stays")
	}
}

func logName(key string) string {
	name, _, _ := strings.Cut(key, "+")
	return name
}

// logs tells of a change of the log's keys.
func (c *comparer) logs(a, b *Definition) {
	find := func(d *Definition, key string) (LogKey, bool) {
		i := slices.IndexFunc(d.logs(), func(k LogKey) bool { return k.Key == key })
		if i < 0 {
			return LogKey{}, false
		}
		return d.logs()[i], true
	}
	span := func(k LogKey) Key { return Key{From: k.From, Until: k.Until, Revoked: k.Revoked} }
	for _, k := range b.logs() {
		was, ok := find(a, k.Key)
		switch x, y := span(was), span(k); {
		case !ok:
			c.add(true, "the decision log may be signed with a new key, %s%s", k.name(), validity(y))
		case validity(x) != validity(y):
			c.add(laxer(x, y), "the key %s of the decision log is valid%s instead of%s", k.name(), or(validity(y), " without limit"), or(validity(x), " without limit"))
		}
	}
	for _, k := range a.logs() {
		if _, ok := find(b, k.Key); !ok {
			c.add(true, "the key %s of the decision log is unknown now: what it signed, old proofs too, is a stranger's; give it an end instead with: cdgate gate rotate log", k.name())
		}
	}
}
