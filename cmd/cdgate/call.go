package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/urfave/cli/v2"

	"cdgate.dev/cdgate/engine"
	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/policy"
	"cdgate.dev/cdgate/engine/report"
	"cdgate.dev/cdgate/evidence/registry"
	"cdgate.dev/cdgate/schemas"
)

// call is one run of one command: its flags, the configuration it found, and what it knows of its surroundings.
type call struct {
	*cli.Context
	*world
	now    time.Time
	config config
	// root is the directory that relative places in the configuration and their defaults start from.
	root string
	// facts are what the CI system and git say; read on first use.
	facts *facts
	// sha512 are those of the artifacts that are files, by their digest.
	sha512 map[string]string
}

// config is .cdgate.yaml. It is not trusted: nothing in it can soften a decision.
type config struct {
	APIVersion string                `json:"apiVersion"`
	Gate       string                `json:"gate"`
	Store      string                `json:"store"`
	Log        string                `json:"log"`
	Lines      map[string]configLine `json:"lines"`
}

// configLine is one line of the checkout.
type configLine struct {
	Path     string   `json:"path"`
	Evidence []string `json:"evidence"`
}

// configNames are the names a configuration may have, in the order of search.
func configNames() []string { return []string{".cdgate.yaml", ".cdgate.json", ".cdgate.cue"} }

// maxReleaseName is how long the name and version of a release may be together, in bytes.
const maxReleaseName = 512

// maxConfig is how long a configuration may be, in bytes.
const maxConfig = 1 << 20

func (w *world) newCall(c *cli.Context) (*call, error) {
	w.quiet = c.Bool("quiet")
	k := &call{
		Context: c, world: w, now: w.now().UTC().Truncate(time.Second), root: w.dir,
		config: config{Gate: "gate.yaml", Store: ".cdgate/store", Log: ".cdgate/log"},
	}
	path, err := k.configPath()
	if err != nil || path == "" {
		return k, err
	}
	b, err := readRegular(path, maxConfig)
	if err != nil {
		return nil, fault.New(fault.Usage, "read configuration: %w", err)
	}
	if err := schemas.Decode(schemas.Config, relative(w.dir, path), b, &k.config); err != nil {
		return nil, fault.Wrap(fault.Usage, err)
	}
	k.root = filepath.Dir(path)
	return k, nil
}

// configPath finds the configuration by walking up from the working directory; "" when there is none. The search ends
// at the root of the repository, so that a stray file above it is not taken.
func (k *call) configPath() (string, error) {
	if k.Command.Name == "init" || k.Command.Name == "version" {
		return "", nil
	}
	if path := k.String("config"); path != "" {
		return k.abs(path), nil
	}
	for dir := k.dir; ; dir = filepath.Dir(dir) {
		var found []string
		for _, name := range configNames() {
			switch _, err := os.Lstat(filepath.Join(dir, name)); {
			case err == nil:
				found = append(found, name)
			case !errors.Is(err, fs.ErrNotExist):
				return "", fault.New(fault.Usage, "look for configuration: %w", err)
			}
		}
		if len(found) > 1 {
			return "", fault.New(fault.Usage, "look for configuration: %s has both %s; keep one, or name one with --config", dir, strings.Join(found, " and "))
		}
		if len(found) == 1 {
			return filepath.Join(dir, found[0]), nil
		}
		if _, err := os.Lstat(filepath.Join(dir, ".git")); err == nil || filepath.Dir(dir) == dir {
			return "", nil
		}
	}
}

// abs is a path of the command line, relative to the working directory.
func (k *call) abs(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(k.dir, path)
}

// relative is path as a person in dir would write it.
func relative(dir, path string) string {
	if r, err := filepath.Rel(dir, path); err == nil && !strings.HasPrefix(r, "..") {
		return r
	}
	return path
}

// place is where something lives: the flag, relative to the working directory, else the configuration's word, relative
// to the configuration.
func (k *call) place(flag, configured string) string {
	if v := k.String(flag); v != "" {
		return relative(k.dir, k.abs(v))
	}
	if filepath.IsAbs(configured) {
		return configured
	}
	return relative(k.dir, filepath.Join(k.root, configured))
}

// store is where the evidence store is: a directory, or a repository of a registry as it is spelt.
func (k *call) store() string {
	if v := first(k.String("store"), k.config.Store); strings.HasPrefix(v, registry.Scheme) {
		return v
	}
	return k.place("store", k.config.Store)
}

// registries is how a store in a registry is reached. What is fetched is kept with the user's other caches.
func (k *call) registries() (engine.Registries, error) { return k.registriesFor(k.store()) }

// registriesFor is how the stores of these names are reached, as far as they are in registries.
func (k *call) registriesFor(stores ...string) (o engine.Registries, err error) {
	if !slices.ContainsFunc(stores, func(s string) bool { return strings.HasPrefix(s, registry.Scheme) }) {
		if k.IsSet("registry-ca") && k.String("referrers") == "" {
			return o, fault.New(fault.Usage, "--registry-ca is about a registry; name a store there with --store, or an image with collect --referrers")
		}
		return o, nil
	}
	o.DockerConfig, o.Now = k.dockerConfig(), k.world.now
	if o.Roots, err = k.authorities("registry-ca"); err != nil {
		return o, err
	}
	if cache, err := os.UserCacheDir(); err == nil {
		o.Cache = filepath.Join(cache, "cdgate", "stores")
	}
	return o, nil
}

// places gathers what several commands need to know.
func (k *call) places() (engine.Places, error) {
	root, err := k.pinnedRoot()
	if err != nil {
		return engine.Places{}, err
	}
	registries, err := k.registries()
	if err != nil {
		return engine.Places{}, err
	}
	return engine.Places{
		Store: k.store(), Registries: registries, Log: k.place("log", k.config.Log),
		Gate: k.place("gate", k.config.Gate), Root: root,
	}, nil
}

// pinnedRoot is --root as the engine wants it: a fingerprint as it is, a file by its content; several are separated by
// commas, and the number of those that must have signed stands before them.
func (k *call) pinnedRoot() (string, error) {
	v := strings.TrimSpace(k.String("root"))
	if v == "" || strings.Contains(v, "-----BEGIN") {
		return v, nil
	}
	number, rest, ok := strings.Cut(v, "/")
	if !ok || number == "" || strings.Trim(number, "0123456789") != "" {
		number, rest = "", v
	} else {
		number += "/"
	}
	keys := strings.Split(rest, ",")
	for i, key := range keys {
		key = strings.TrimSpace(key)
		if !strings.HasPrefix(key, "SHA256:") {
			b, err := readSmall(k.abs(key), maxKeyFile)
			if err != nil {
				return "", fault.New(fault.Usage, `read --root: %w; want a fingerprint ("SHA256:…") or a public key file`, err)
			}
			key = string(b)
		}
		keys[i] = key
	}
	return number + strings.Join(keys, ","), nil
}

// release is what is released: the flag, else the line and the CI system's tag or commit.
func (k *call) release() (engine.Release, error) {
	return k.releaseOf(k.String("release"))
}

func (k *call) releaseOf(spelt string) (engine.Release, error) {
	r := engine.Release{Line: k.line()}
	if spelt != "" {
		var found bool
		r.Name, r.Version, found = cutLast(spelt, "@")
		if !found || r.Name == "" || r.Version == "" {
			return r, fault.New(fault.Usage, "a release is written NAME@VERSION, such as payments@1.4.2, not %q", spelt)
		}
		if len(spelt) > maxReleaseName || !utf8.ValidString(spelt) || strings.ContainsFunc(spelt, unicode.IsControl) {
			return r, fault.New(fault.Usage, "a release is named in at most %d bytes of UTF-8 without control characters, not %.80q", maxReleaseName, spelt)
		}
		if _, isLine := k.config.Lines[r.Name]; r.Line == "" && isLine {
			r.Line = r.Name
		}
		return r, nil
	}
	f := k.ciFacts()
	r.Name = r.Line
	if r.Name == "" {
		r.Name = strings.TrimSuffix(filepath.Base(filepath.FromSlash(f.repository)), ".git")
	}
	if r.Name == "" || r.Name == "." || r.Name == string(filepath.Separator) {
		r.Name = filepath.Base(k.root)
	}
	r.Version = f.tag
	if r.Version == "" && len(f.revision) >= 12 {
		r.Version = f.revision[:12]
	}
	if r.Version == "" {
		return r, fault.New(fault.Usage, "no release is named and there is no commit to take one from; use --release NAME@VERSION")
	}
	return r, nil
}

// line is the flag, else the only line of the configuration.
func (k *call) line() string {
	if v := k.String("line"); v != "" {
		return v
	}
	if len(k.config.Lines) == 1 {
		for name := range k.config.Lines {
			return name
		}
	}
	return ""
}

// cutLast is strings.Cut at the last separator.
func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// positional are the arguments, and the words that follow "--" where --run makes them a command.
func (k *call) positional() (args, command []string) {
	args = k.Args().Slice()
	i := slices.Index(args, "--")
	switch {
	case i < 0 || !k.IsSet("run"):
		return args, nil
	case !k.Bool("run"): // --run=false
		return slices.Concat(args[:i], args[i+1:]), nil
	}
	return args[:i], args[i+1:]
}

// reports are the report files to read: the arguments, else what the configuration lists for the line.
func (k *call) reports() engine.Reports {
	args, _ := k.positional()
	r := engine.Reports{Paths: args, Dir: k.dir, Stdin: k.stdin, Redact: k.Bool("redact"), Progress: k.progress()}
	if len(r.Paths) == 0 {
		line := k.config.Lines[k.line()]
		r.Paths, r.Dir = line.Evidence, filepath.Join(k.root, line.Path)
	}
	return r
}

// sandbox is how the child that evaluates policies is started.
func (k *call) sandbox() policy.Sandbox { return policy.Sandbox{Path: k.self} }

// print writes a result for people on stdout; foreign text in args must have gone through report.Safe.
func (k *call) print(format string, args ...any) { fmt.Fprintf(k.stdout, format+"\n", args...) }

// shown is foreign text for people.
func shown(s string) string { return report.Safe(s) }
