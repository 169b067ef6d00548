package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"cdgate.dev/cdgate/engine/bench/workload"
	"cdgate.dev/cdgate/engine/seal"
)

// The files of a pipeline's directory.
const (
	artifactFile = "artifact"
	documentFile = "release.json"
	ownKey       = "own.key"
	bundleSuffix = ".sigstore.json"
)

// password protects the key that cosign signs with, which it refuses to have in the clear.
const password = "bench"

// pipeline is a directory with twelve signed statements that together make a release document.
type pipeline struct {
	dir, rules string
	types      []string // predicate types, in the order of the bundles
}

func predicateType(key string) string { return "https://cdgate.test/" + key + "/v1" }

// makePipeline has a process of its own make the directory: a process inherits the peak memory of the one that starts
// it, so this one stays small.
func (b *bench) makePipeline(mb float64, rules int) (pipeline, error) {
	p := pipeline{dir: b.path(fmt.Sprintf("pipeline-%v-%d", mb, rules)), rules: b.path(fmt.Sprintf("rules%d", rules))}
	cmd := exec.Command(b.self, "side", "make-pipeline", p.dir, fmt.Sprint(mb))
	if out, err := cmd.CombinedOutput(); err != nil {
		return p, fmt.Errorf("make %s: %w: %s", p.dir, err, out)
	}
	bundles, err := filepath.Glob(filepath.Join(p.dir, "*"+bundleSuffix))
	for _, path := range bundles {
		p.types = append(p.types, strings.TrimSuffix(filepath.Base(path), bundleSuffix))
	}
	return p, err
}

// writePipeline splits a release document into one bundle per key, and three fillers, as twelve jobs would write them.
func writePipeline(dir string, mb float64) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	doc := filepath.Join(dir, documentFile)
	if err := workload.Write("release", mb, doc); err != nil {
		return err
	}
	text, err := os.ReadFile(doc)
	if err != nil {
		return err
	}
	var parts map[string]jsontext.Value
	if err := json.Unmarshal(text, &parts); err != nil {
		return err
	}
	for i := len(parts); i < 12; i++ {
		parts[fmt.Sprintf("filler%d", i)] = jsontext.Value(`{"ok":true}`)
	}
	artifact := []byte("12345678")
	private, public, err := seal.Generate(nil)
	if err != nil {
		return err
	}
	signer, err := seal.LoadSigner(ownKey, private, nil)
	if err != nil {
		return err
	}
	encrypted, _, err := seal.Generate([]byte(password))
	if err != nil {
		return err
	}
	files := map[string][]byte{artifactFile: artifact, ownKey: private, "own.pub": public, "cosign.key": encrypted,
		"trusted-root.json":   []byte(`{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1"}`),
		"signing-config.json": []byte(`{"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.2+json","rekorTlogConfig":{},"tsaConfig":{}}`)}
	subject := []seal.Subject{{Name: artifactFile, Digest: map[string]string{"sha256": strings.TrimPrefix(seal.Digest(artifact), "sha256:")}}}
	var keys []string
	for key := range parts {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		predicate := jsontext.Value(fmt.Sprintf(`{%q:%s}`, key, parts[key]))
		bundle, err := signer.Sign(seal.Statement{Type: seal.StatementType, Subject: subject, PredicateType: predicateType(key), Predicate: predicate})
		if err != nil {
			return err
		}
		files[key+bundleSuffix] = bundle
	}
	statement, err := json.Marshal(seal.Statement{Type: seal.StatementType, Subject: subject, PredicateType: predicateType("decision"),
		Predicate: jsontext.Value(`{"outcome":"block"}`)})
	if err != nil {
		return err
	}
	files["statement.json"] = statement
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// own is cdgate's side: one process, and its sandbox.
func (p pipeline) own(b *bench) command {
	return command{name: "cdgate", steps: [][]string{{b.self, "side", "gate", p.rules, p.dir}}}
}

// peers is the other side: cosign for each statement, opa, and cosign again.
func (p pipeline) peers(b *bench) command {
	in := func(name string) string { return filepath.Join(p.dir, name) }
	c := command{name: "cosign + opa", env: []string{"COSIGN_PASSWORD=" + password, "HOME=" + p.dir}}
	for _, key := range p.types {
		c.steps = append(c.steps, []string{b.cosign, "verify-blob-attestation", "--bundle", in(key + bundleSuffix), "--key", in("own.pub"),
			"--insecure-ignore-tlog", "--type", predicateType(key), in(artifactFile)})
	}
	c.steps = append(c.steps,
		[]string{b.opa, "eval", "-f", "raw", "-d", p.rules, "-i", in(documentFile), "data.main.deny"},
		[]string{b.cosign, "attest-blob", "--key", in("cosign.key"), "--signing-config", in("signing-config.json"), "--trusted-root", in("trusted-root.json"),
			"--statement", in("statement.json"), "--bundle", in("decision.json"), "-y", in(artifactFile)})
	return c
}

// gate is what one cdgate process does: verify the statements, put the document together, evaluate, sign, write.
func gate(rules, dir string) error {
	public, err := os.ReadFile(filepath.Join(dir, "own.pub"))
	if err != nil {
		return err
	}
	key, err := seal.ParsePublicKey("own.pub", public)
	if err != nil {
		return err
	}
	bundles, err := filepath.Glob(filepath.Join(dir, "*"+bundleSuffix))
	if err != nil {
		return err
	}
	if len(bundles) != 12 {
		return fmt.Errorf("there are %d bundles, want 12", len(bundles))
	}
	child, err := start(rules)
	if err != nil {
		return err
	}
	defer child.Close()
	doc := []byte("{")
	for i, path := range bundles {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		opened, err := seal.Open(text, key)
		if err != nil {
			return err
		}
		if i > 0 {
			doc = append(doc, ',')
		}
		predicate := bytes.TrimSpace(opened.Statement.Predicate)
		doc = append(doc, predicate[1:len(predicate)-1]...)
	}
	resp, err := child.Evaluate(append(doc, '}'))
	if err != nil {
		return err
	}
	private, err := os.ReadFile(filepath.Join(dir, ownKey))
	if err != nil {
		return err
	}
	signer, err := seal.LoadSigner(ownKey, private, nil)
	if err != nil {
		return err
	}
	predicate, err := json.Marshal(map[string]any{"rules": resp.Rules})
	if err != nil {
		return err
	}
	decision, err := signer.Sign(seal.Statement{Type: seal.StatementType, PredicateType: predicateType("decision"), Predicate: predicate,
		Subject: []seal.Subject{{Name: artifactFile, Digest: map[string]string{"sha256": strings.Repeat("0", 64)}}}})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "own-decision.json"), decision, 0o600)
}
