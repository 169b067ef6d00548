package gate

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/seal"
	"cdgate.dev/cdgate/schemas"
)

// Config is gate.yaml as it is written: key files are still paths. Only Parse makes one.
type Config struct {
	file   string
	digest string // of the bytes
	text   written
}

// written is the text of gate.yaml with defaults filled in.
type written struct {
	APIVersion string                   `json:"apiVersion"`
	Version    int                      `json:"version"`
	Expires    string                   `json:"expires"`
	Roots      []string                 `json:"roots"`
	Threshold  int                      `json:"threshold"`
	Log        writtenLog               `json:"log"`
	Signers    map[string]writtenSigner `json:"signers"`
	People     map[string]writtenPerson `json:"people"`
	Robots     map[string]Robot         `json:"robots"`
	Roles      map[string]Role          `json:"roles"`
	Kinds      map[string]OwnKind       `json:"kinds"`
	Lines      map[string]Line          `json:"lines"`
	Targets    map[string]Target        `json:"targets"`
	Trust      *struct {
		TrustedRoot string `json:"trustedRoot"`
	} `json:"trust"`
	Require   *Require          `json:"require"`
	Witnesses *writtenWitnesses `json:"witnesses"`
	Builders  []Builder         `json:"builders"`
	Verifiers []Verifier        `json:"verifiers"`
}

type writtenSigner struct {
	Keys       []writtenKey `json:"keys"`
	May        []string     `json:"may"`
	Lines      []string     `json:"lines"`
	Identities []Identity   `json:"identities"`
	Require    *Require     `json:"require"`
}

type writtenPerson struct {
	Name       string           `json:"name"`
	Keys       []writtenKey     `json:"keys"`
	Emails     []string         `json:"emails"`
	Logins     []string         `json:"logins"`
	Identities []PersonIdentity `json:"identities"`
}

// writtenKey is a key file, by its name only or with the key's validity.
type writtenKey struct {
	File    string      `json:"file"`
	From    string      `json:"from"`
	Until   string      `json:"until"`
	Revoked *Revocation `json:"revoked"`
}

// UnmarshalJSON takes a text for the name of the file.
func (k *writtenKey) UnmarshalJSON(b []byte) error {
	if jsontext.Value(b).Kind() == '"' {
		*k = writtenKey{}
		return json.Unmarshal(b, &k.File)
	}
	type plain writtenKey
	return json.Unmarshal(b, (*plain)(k), json.RejectUnknownMembers(true))
}

// Parse reads gate.yaml: its shape, and what it means as far as that shows without the key files. Errors are of class
// fault.Usage and name file and place; several are joined.
func Parse(file string, src []byte) (*Config, error) {
	c := &Config{file: file, digest: seal.Digest(src)}
	if err := schemas.Decode(schemas.Gate, file, src, &c.text); err != nil {
		return nil, fault.Wrap(fault.Usage, err)
	}
	if err := errors.Join(problems(c.definition(), file)...); err != nil {
		return nil, fault.Wrap(fault.Usage, err)
	}
	return c, nil
}

// Policies are the policy sources that the targets name, each once, sorted.
func (c *Config) Policies() []string {
	var refs []string
	for _, t := range c.text.Targets {
		refs = append(refs, t.Policies...)
	}
	slices.Sort(refs)
	return slices.Compact(refs)
}

// OwnKinds are the names of the own kinds of evidence, sorted.
func (c *Config) OwnKinds() []string { return sorted(c.text.Kinds) }

// Targets are the targets by id.
func (c *Config) Targets() map[string]Target { return c.definition().Targets }

// Version is the number of the definition.
func (c *Config) Version() int { return c.text.Version }

// LogFile is the file of the log's key that stays.
func (c *Config) LogFile() string {
	file, _ := c.text.Log.definition()
	return file
}

// definition is the text with keys that are only file names yet.
func (c *Config) definition() *Definition {
	d := &Definition{
		APIVersion: c.text.APIVersion, Version: c.text.Version, Expires: c.text.Expires,
		Roots:   rootFiles(c.text.Roots),
		Signers: map[string]Signer{}, People: map[string]Person{},
		Robots: orEmpty(c.text.Robots), Roles: orEmpty(c.text.Roles), Kinds: orEmpty(c.text.Kinds),
		Lines: orEmpty(c.text.Lines), Targets: orEmpty(c.text.Targets),
	}
	d.Log, d.LogKeys = c.text.Log.definition()
	if c.text.Threshold > 1 { // one is what a definition that says nothing means
		d.Threshold = c.text.Threshold
	}
	for id, s := range c.text.Signers {
		d.Signers[id] = Signer{Keys: keyFiles(s.Keys), May: s.May, Lines: s.Lines, Identities: s.Identities, Require: demand(s.Require)}
	}
	for id, p := range c.text.People {
		d.People[id] = Person{Name: p.Name, Keys: keyFiles(p.Keys), Emails: p.Emails, Logins: p.Logins, Identities: p.Identities}
	}
	if c.text.Trust != nil {
		d.Trust = &Trust{File: c.text.Trust.TrustedRoot}
	}
	d.Require = demand(c.text.Require)
	d.Witnesses = c.text.Witnesses.definition()
	d.Builders, d.Verifiers = c.text.Builders, c.text.Verifiers
	return d
}

// demand is nil for what demands nothing, so that saying so signs the same as not saying it.
func demand(r *Require) *Require {
	if r == nil || *r == (Require{}) {
		return nil
	}
	return r
}

func orEmpty[V any](m map[string]V) map[string]V {
	if m == nil {
		return map[string]V{}
	}
	return maps.Clone(m)
}

func rootFiles(files []string) []Key {
	out := []Key{}
	for _, f := range files {
		out = append(out, Key{File: f})
	}
	return out
}

func keyFiles(keys []writtenKey) []Key {
	out := []Key{}
	for _, k := range keys {
		out = append(out, Key{File: k.File, From: k.From, Until: k.Until, Revoked: k.Revoked})
	}
	return out
}

// Resolve inlines the keys: read gives the bytes of a path as gate.yaml has it, sources the digest of every policy
// source that a target names. Errors are of class fault.Usage and name the place in gate.yaml and the key file.
func Resolve(cfg *Config, read func(path string) ([]byte, error), sources []Source) (*Definition, error) {
	d := cfg.definition()
	d.proof.file = cfg.digest
	var errs []error
	for _, k := range d.keys() {
		place := schemas.Error{File: cfg.file, Path: k.place}
		b, err := read(k.key.File)
		if err != nil {
			place.Msg, place.Hint = fmt.Sprintf("read key file: %v", err), "make a key pair with: cdgate keys generate --out NAME"
			errs = append(errs, &place)
			continue
		}
		pub, err := seal.ParsePublicKey(k.key.File, b)
		if err != nil {
			place.Msg = err.Error()
			errs = append(errs, &place)
			continue
		}
		k.key.ID, k.key.PEM = pub.ID, pub.PEM
	}
	if err := d.inlineLog(cfg.file, read); err != nil {
		errs = append(errs, err)
	}
	if err := d.inlineTrust(cfg.file, read); err != nil {
		errs = append(errs, err)
	}
	if err := d.inlineWitnesses(cfg.file, read); err != nil {
		errs = append(errs, err)
	}
	pinned, err := pinSources(cfg, sources)
	if err != nil {
		errs = append(errs, err)
	}
	d.Sources = pinned
	if len(errs) == 0 {
		errs = problems(d, cfg.file)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fault.Wrap(fault.Usage, err)
	}
	return d, nil
}

// inlineTrust reads the trusted root that the definition names.
func (d *Definition) inlineTrust(file string, read func(path string) ([]byte, error)) error {
	if d.Trust == nil {
		return nil
	}
	place := schemas.Error{File: file, Path: "trust.trustedRoot", Hint: "it is a Sigstore trusted root; cosign trusted-root create makes one"}
	text, err := read(d.Trust.File)
	if err != nil {
		place.Msg = fmt.Sprintf("read trusted root: %v", err)
		return &place
	}
	d.Trust.TrustedRoot = string(text)
	if err := d.readTrust(); err != nil {
		place.Msg, place.Hint = err.Error(), ""
		return &place
	}
	return nil
}

// pinSources sorts the sources and demands one for every policy that a target names, and no other.
func pinSources(cfg *Config, sources []Source) ([]Source, error) {
	digests := map[string]string{}
	for _, s := range sources {
		if was, ok := digests[s.Ref]; ok && was != s.Digest {
			return nil, fmt.Errorf("%s: policy source %q was read twice with different content", cfg.file, s.Ref)
		}
		digests[s.Ref] = s.Digest
	}
	out := []Source{}
	for _, ref := range cfg.Policies() {
		if !isDigest(digests[ref]) {
			return nil, fmt.Errorf("%s: policy source %q was not read, so its content cannot be pinned", cfg.file, ref)
		}
		out = append(out, Source{Ref: ref, Digest: digests[ref]})
	}
	return out, nil
}
