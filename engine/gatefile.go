package engine

import (
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

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

// GateReplaces says whether the signature beside gate.yaml, made earlier, is of the same version of the definition but
// of other content: then nothing could tell the older one from the newer, should somebody put it back.
func GateReplaces(gatePath string) bool {
	def, text, err := resolveGate(gatePath)
	if err != nil {
		return false
	}
	signature, err := os.ReadFile(SignaturePath(gatePath))
	if err != nil {
		return false
	}
	claim, err := seal.InspectUnsafe(signature)
	if err != nil {
		return false
	}
	var earlier struct {
		Definition struct {
			Version int `json:"version"`
		} `json:"definition"`
		Sources []gate.Source `json:"sources"`
	}
	if err := json.Unmarshal(claim.Statement.Predicate, &earlier); err != nil || earlier.Definition.Version != def.Version {
		return false
	}
	same := len(claim.Statement.Subject) == 1 && "sha256:"+claim.Statement.Subject[0].Digest["sha256"] == seal.Digest(text) &&
		slices.Equal(earlier.Sources, def.Sources)
	return !same
}
