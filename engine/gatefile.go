package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/gate"
	"cdgate.dev/cdgate/engine/policy"
	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/collect"
	"cdgate.dev/cdgate/schemas"
)

// GateCheck reads gate.yaml, its keys and its policies as GateSign would, without signing: everything that would stop
// an evaluation for reasons of the definition itself is an error here.
func GateCheck(gatePath string) (*gate.Definition, error) {
	def, _, err := resolveGate(gatePath)
	if err != nil {
		return def, err
	}
	var errs []error
	for _, id := range sortedKeys(def.Targets) {
		errs = append(errs, checkTarget(def, id, gatePath))
	}
	return def, errors.Join(errs...)
}

// checkTarget says what would make an evaluation refuse the policies and parameters of a target.
func checkTarget(def *gate.Definition, id, gatePath string) error {
	t, _ := def.Target(id)
	sources, err := loadSources(def, t, nil, gatePath)
	if err != nil {
		return err
	}
	for _, d := range policy.Check(program(sources, t)) {
		if !d.Warning {
			return fault.New(fault.Policy, "check target %s: %s: %s; see all with: cdgate policy check --target %s", id, d.File, d.Msg, id)
		}
	}
	return nil
}

// GateShow opens the signed gate definition as an evaluation at now would, pinned policies included.
func GateShow(p Places, now time.Time) (*gate.Definition, error) {
	def, _, err := openGate(p, now)
	if err != nil {
		return nil, err
	}
	for _, id := range sortedKeys(def.Targets) {
		t, _ := def.Target(id)
		if _, err := loadSources(def, t, nil, p.Gate); err != nil {
			return def, err
		}
	}
	return def, nil
}

func resolveGate(gatePath string) (*gate.Definition, []byte, error) {
	text, err := readRegular(gatePath)
	if err != nil {
		return nil, nil, fault.New(fault.Usage, "read gate definition: %w; name it with --gate, or start with: cdgate init", err)
	}
	def, err := resolveText(gatePath, text)
	return def, text, err
}

// resolveText reads what a text of gate.yaml means, with the keys and policies that lie beside it.
func resolveText(gatePath string, text []byte) (*gate.Definition, error) {
	cfg, err := gate.Parse(gatePath, text)
	if err != nil {
		return nil, err
	}
	dir := filepath.Dir(gatePath)
	var sources []gate.Source
	var loaded []policy.Source
	for _, ref := range cfg.Policies() {
		s, err := loadSource(ref, dir)
		if err != nil {
			return nil, err
		}
		loaded = append(loaded, s)
		sources = append(sources, gate.Source{Ref: ref, Digest: s.Digest})
	}
	if err := checkKinds(gatePath, cfg.OwnKinds(), loaded); err != nil {
		return nil, err
	}
	return gate.Resolve(cfg, func(path string) ([]byte, error) {
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		return os.ReadFile(path)
	}, sources)
}

// checkKinds holds the own kinds that gate.yaml declares against those that its policies define: a kind that is only
// declared could not be collected, one that is only defined could be attested by nobody.
func checkKinds(file string, declared []string, sources []policy.Source) error {
	defined, err := policy.OwnKinds(sources)
	if err != nil {
		return fault.Wrap(fault.Usage, err)
	}
	var errs []error
	for _, name := range declared {
		if defined[evidence.Kind(name)] == nil {
			errs = append(errs, &schemas.Error{File: file, Path: "kinds." + name, Msg: "no policy source defines this kind", Hint: "write kinds/" + name + ".cue in one of them"})
		}
	}
	for _, name := range sortedKeys(defined) {
		if !slices.Contains(declared, string(name)) {
			errs = append(errs, &schemas.Error{File: file, Path: "kinds", Msg: fmt.Sprintf("a policy source defines the kind %q, which is not declared here, so nobody could attest it", name),
				Hint: fmt.Sprintf("add kinds: {%s: {}}, and the kind to the may list of a signer or role", name)})
		}
	}
	return fault.Wrap(fault.Usage, errors.Join(errs...))
}

// OwnKinds are the own kinds of evidence that the policies of gate.yaml define, for collecting. Nothing is trusted by that:
// what is collected is held to the kinds of the signed definition again when it is evaluated. There are none where there is no gate.yaml.
func OwnKinds(gatePath string) (map[evidence.Kind]collect.OwnKind, error) {
	text, err := readRegular(gatePath)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fault.New(fault.Usage, "read gate definition: %w", err)
	}
	cfg, err := gate.Parse(gatePath, text)
	if err != nil || len(cfg.OwnKinds()) == 0 {
		return nil, err
	}
	var sources []policy.Source
	for _, ref := range cfg.Policies() {
		s, err := loadSource(ref, filepath.Dir(gatePath))
		if err != nil {
			return nil, err
		}
		sources = append(sources, s)
	}
	kinds, err := policy.OwnKinds(sources)
	return kindsFor[collect.OwnKind](kinds), err
}
