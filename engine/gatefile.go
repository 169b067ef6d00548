package engine

import (
	"os"
	"path/filepath"
	"time"

	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/gate"
	"cdgate.dev/cdgate/engine/seal"
)

// GateCheck reads gate.yaml, its keys and its policies as GateSign would, without signing: everything that would stop
// an evaluation for reasons of the definition itself is an error here.
func GateCheck(gatePath string) (*gate.Definition, error) {
	def, _, err := resolveGate(gatePath)
	return def, err
}

// GateSign signs gate.yaml with a root key. It pins the keys the definition names and the content of every policy
// source, and writes gate.sigstore.json beside it.
func GateSign(gatePath string, signer *seal.Signer, now time.Time) (*gate.Definition, error) {
	def, text, err := resolveGate(gatePath)
	if err != nil {
		return nil, err
	}
	bundle, err := gate.Sign(def, text, signer, now)
	if err != nil {
		return nil, err
	}
	if err := writeDurable(SignaturePath(gatePath), bundle); err != nil {
		return nil, err
	}
	return def, nil
}

// GateShow opens the signed gate definition as an evaluation at now would, pinned policies included.
func GateShow(p Places, now time.Time) (*gate.Definition, error) {
	def, _, _, err := openGate(p, now)
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
	cfg, err := gate.Parse(gatePath, text)
	if err != nil {
		return nil, nil, err
	}
	dir := filepath.Dir(gatePath)
	var sources []gate.Source
	for _, ref := range cfg.Policies() {
		s, err := loadSource(ref, dir)
		if err != nil {
			return nil, nil, err
		}
		sources = append(sources, gate.Source{Ref: ref, Digest: s.Digest})
	}
	def, err := gate.Resolve(cfg, func(path string) ([]byte, error) {
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		return os.ReadFile(path)
	}, sources)
	return def, text, err
}
