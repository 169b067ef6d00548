package engine

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/gate"
	"cdgate.dev/cdgate/schemas"
)

// GateEdit is a change of gate.yaml that is not written yet. It keeps comments and layout.
type GateEdit struct {
	path     string
	def      *gate.Definition // as gate.yaml says it before
	Old, New []byte
	// key is a key file to write, content its text.
	key     string
	content []byte
	// Changes say what it means.
	Changes []gate.Change
}

// NewGateEdit begins a change of gate.yaml, which must be sound.
func NewGateEdit(gatePath string) (*GateEdit, error) {
	def, text, err := resolveGate(gatePath)
	if err != nil {
		return nil, err
	}
	return &GateEdit{path: gatePath, def: def, Old: text, New: text}, nil
}

// Finish checks what came out and says what it means. Nothing is written.
func (e *GateEdit) Finish() error {
	undo := func() error { return nil }
	if e.key != "" {
		var err error
		if undo, err = e.writeKey(); err != nil {
			return err
		}
	}
	def, err := resolveText(e.path, e.New)
	if err = errors.Join(err, undo()); err != nil {
		return err
	}
	e.Changes = gate.Compare(e.def, def)
	return nil
}

// Write writes the key file, where there is one, and gate.yaml.
func (e *GateEdit) Write() error {
	if e.key != "" {
		if _, err := e.writeKey(); err != nil {
			return err
		}
	}
	return writeDurable(e.path, e.New)
}

// writeKey writes the key file; one that is there must be the same.
func (e *GateEdit) writeKey() (undo func() error, err error) {
	path := filepath.Join(filepath.Dir(e.path), filepath.FromSlash(e.key))
	if b, err := os.ReadFile(path); err == nil {
		if string(b) != string(e.content) {
			return nil, fault.New(fault.Usage, "write %q: it exists with another key, and nothing is overwritten; name the new one with --id", path)
		}
		return func() error { return nil }, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fault.New(fault.Usage, "write key file: %w", err)
	}
	return func() error { return os.Remove(path) }, writeDurable(path, e.content)
}

// change applies one edit of the text.
func (e *GateEdit) change(text []byte, err error) error {
	if err != nil {
		return fault.Wrap(fault.Usage, err)
	}
	e.New = text
	return nil
}

func (e *GateEdit) set(value string, path ...string) error {
	return e.change(schemas.SetYAML(e.path, e.New, value, path...))
}

func (e *GateEdit) append(value string, path ...string) error {
	return e.change(schemas.AppendYAML(e.path, e.New, value, path...))
}

func (e *GateEdit) remove(path ...string) error {
	return e.change(schemas.RemoveYAML(e.path, e.New, path...))
}

// Newcomer says as what somebody is added.
type Newcomer struct {
	// ID is the person's id, or the signer's name with Signer.
	ID     string
	Signer bool
	// May are what a signer's signature counts for.
	May []string
	// Roles are those the person gets; Lines and Targets limit a new role, and a signer's lines.
	Roles, Lines, Targets []string
	// Until is the end of the key's validity; zero for none.
	Until time.Time
}

// Add adds a person or signer from an enrolment, or one more key to somebody who is there.
func (e *GateEdit) Add(en *gate.Enrolment, n Newcomer) error {
	if n.ID == "" || strings.Trim(n.ID, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != "" {
		return fault.New(fault.Usage, "add %q: an id is of letters, digits, \"-\" and \"_\"; give one with --id", n.ID)
	}
	e.key = strings.TrimPrefix(filepath.ToSlash(filepath.Join(filepath.Dir(filepath.FromSlash(e.def.Roots[0].File)), n.ID+".pub")), "./")
	e.content = []byte(en.PublicKey)
	section := "people"
	_, there := e.def.People[n.ID]
	if n.Signer {
		section = "signers"
		_, there = e.def.Signers[n.ID]
	}
	key := schemas.QuoteYAML(e.key)
	if there {
		// The second key of somebody needs a file of its own.
		e.key = strings.TrimSuffix(e.key, ".pub") + "-" + short8(en.Key.ID) + ".pub"
		key = schemas.QuoteYAML(e.key)
	}
	if !n.Until.IsZero() {
		key = "{file: " + key + ", until: " + rfc3339(n.Until) + "}"
	}
	var err error
	switch {
	case there:
		err = e.append(key, section, n.ID, "keys")
	case n.Signer:
		if len(n.May) == 0 {
			return fault.New(fault.Usage, "add signer %s: say what its signatures count for with --may", n.ID)
		}
		err = e.set("{keys: ["+key+"], may: "+flow(n.May)+optional(", lines: ", n.Lines)+"}", section, n.ID)
	default:
		err = e.set("{name: "+schemas.QuoteYAML(en.Name)+", keys: ["+key+"]"+optional(", emails: ", en.Emails)+optional(", logins: ", en.Logins)+"}", section, n.ID)
	}
	for _, role := range n.Roles {
		if err == nil {
			err = e.addRole(role, n)
		}
	}
	return err
}

// short8 is enough of a key's id for a file name.
func short8(id string) string {
	return strings.Map(func(r rune) rune {
		if r == '/' || r == '+' || r == '=' {
			return -1
		}
		return r
	}, id)[:8]
}

// addRole gives a role to a person. Lines and targets are those of the role, not of one who has it.
func (e *GateEdit) addRole(role string, n Newcomer) error {
	is, ok := e.def.Roles[role]
	if !ok {
		return e.set("{people: ["+schemas.QuoteYAML(n.ID)+"]"+optional(", lines: ", n.Lines)+optional(", targets: ", n.Targets)+"}", "roles", role)
	}
	same := func(a, b []string) bool {
		return len(b) == 0 || slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
	}
	if !same(is.Lines, n.Lines) || !same(is.Targets, n.Targets) {
		return fault.New(fault.Usage, "add %s to role %s: the role is for lines %s and targets %s, for everybody who has it; leave --line and --target out, or name another role",
			n.ID, role, all(is.Lines), all(is.Targets))
	}
	if slices.Contains(is.People, n.ID) {
		return nil
	}
	return e.append(schemas.QuoteYAML(n.ID), "roles", role, "people")
}

func all(names []string) string {
	if len(names) == 0 {
		return "(every one)"
	}
	return strings.Join(names, ", ")
}

func flow(names []string) string {
	var out []string
	for _, n := range names {
		out = append(out, schemas.QuoteYAML(n))
	}
	return "[" + strings.Join(out, ", ") + "]"
}

func optional(name string, values []string) string {
	if len(values) == 0 {
		return ""
	}
	return name + flow(values)
}

// Closing says how a key is closed.
type Closing struct {
	At time.Time
	// Compromised says that somebody else may have the key: then nothing that it ever signed counts without a timestamp.
	Compromised bool
}

// Remove closes the keys of a person or signer, or one key by its file, and takes a person out of roles and lines. Nothing is
// taken out that older records need.
func (e *GateEdit) Remove(what, name string, c Closing) error {
	closed := 0
	for _, k := range e.held() {
		if what == "key" && k.file == name || what == k.section && k.owner == name {
			closed++
			if err := e.close(k, c); err != nil {
				return err
			}
		}
	}
	_, isPerson := e.def.People[name]
	if closed == 0 && !(what == "person" && isPerson) {
		return fault.New(fault.Usage, "remove %s %s: gate.yaml has none", what, name)
	}
	if what != "person" {
		return nil
	}
	for _, id := range sortedKeys(e.def.Roles) {
		if err := e.without(e.def.Roles[id].People, name, "roles", id, "people"); err != nil {
			return err
		}
	}
	for _, id := range sortedKeys(e.def.Lines) {
		if err := e.without(e.def.Lines[id].Owners, name, "lines", id, "owners"); err != nil {
			return err
		}
	}
	return nil
}

// without takes a name out of a list; a role that nobody has any more goes.
func (e *GateEdit) without(names []string, name string, path ...string) error {
	i := slices.Index(names, name)
	switch {
	case i < 0:
		return nil
	case len(names) == 1 && path[0] == "roles":
		return e.remove(path[:2]...)
	}
	return e.remove(append(path, strconv.Itoa(i))...)
}

// heldKey is a key of a person or signer, and where it stands.
type heldKey struct {
	section, owner, file string
	path                 []string
	key                  gate.Key
}

func (e *GateEdit) held() []heldKey {
	var out []heldKey
	add := func(section, in, owner string, keys []gate.Key) {
		for i, k := range keys {
			out = append(out, heldKey{section, owner, k.File, []string{in, owner, "keys", strconv.Itoa(i)}, k})
		}
	}
	for _, id := range sortedKeys(e.def.Signers) {
		add("signer", "signers", id, e.def.Signers[id].Keys)
	}
	for _, id := range sortedKeys(e.def.People) {
		add("person", "people", id, e.def.People[id].Keys)
	}
	for i, k := range e.def.LogKeys {
		out = append(out, heldKey{"log", "", k.File, []string{"log", strconv.Itoa(i)}, gate.Key{File: k.File, From: k.From, Until: k.Until, Revoked: k.Revoked}})
	}
	return out
}

// close writes the end of a key's validity. One that ended earlier stays as it is, unless it is compromised now.
func (e *GateEdit) close(k heldKey, c Closing) error {
	key, at := k.key, rfc3339(c.At)
	switch {
	case c.Compromised:
		key.Revoked = &gate.Revocation{At: at, Reason: gate.Compromise}
	case key.Until == "" || key.Until > at:
		key.Until = at
	}
	return e.set(keyEntry(key), k.path...)
}

// keyEntry is a key with its validity, as gate.yaml has it.
func keyEntry(key gate.Key) string {
	var b strings.Builder
	fmt.Fprintf(&b, "{file: %s", schemas.QuoteYAML(key.File))
	if key.From != "" {
		b.WriteString(", from: " + key.From)
	}
	if key.Until != "" {
		b.WriteString(", until: " + key.Until)
	}
	if key.Revoked != nil {
		fmt.Fprintf(&b, ", revoked: {at: %s, reason: %s}", key.Revoked.At, key.Revoked.Reason)
	}
	return b.String() + "}"
}

// Rotate puts a new key beside that of a signer, a person or the decision log, whose older keys are valid until then; or in the place of a root
// key, whose owner signs the change too. file is the new public key as gate.yaml names it.
func (e *GateEdit) Rotate(what, name, file string, until time.Time) error {
	value := schemas.QuoteYAML(filepath.ToSlash(file))
	if what == "root" {
		for i, k := range e.def.Roots {
			if k.File == name || name == "" && len(e.def.Roots) == 1 {
				return e.set(value, "roots", strconv.Itoa(i))
			}
		}
		return fault.New(fault.Usage, "rotate root %q: name one of the files under roots in gate.yaml", name)
	}
	if what == "log" && len(e.def.LogKeys) == 0 { // one file becomes a list
		cfg, err := gate.Parse(e.path, e.New)
		if err != nil {
			return err
		}
		return e.set("["+keyEntry(gate.Key{File: cfg.LogFile(), Until: rfc3339(until)})+", "+value+"]", "log")
	}
	var path []string
	for _, k := range e.held() {
		if k.section == what && k.owner == name {
			path = k.path[:len(k.path)-1]
			if k.key.Revoked == nil {
				if err := e.close(k, Closing{At: until}); err != nil {
					return err
				}
			}
		}
	}
	if path == nil {
		return fault.New(fault.Usage, "rotate the key of %s %q: gate.yaml has none", what, name)
	}
	return e.append(value, path...)
}
