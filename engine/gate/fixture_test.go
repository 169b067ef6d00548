package gate

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"cdgate.dev/cdgate/engine/seal"
)

// now is the instant the tests live at.
var now = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// logVkey is a note verifier key made with golang.org/x/mod/sumdb/note (the example in its documentation).
const logVkey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"

// goodYAML is a definition with one of everything.
const goodYAML = `apiVersion: cdgate.dev/gate/v1
version: 3
expires: 2027-06-01T00:00:00Z
roots: [root.pub]
log: log.pub
signers:
  ci: {keys: [ci.pub], may: [tests, coverage, scan, sbom, build], lines: [payments]}
  gate: {keys: [gate.pub], may: [decision]}
people:
  eva: {name: Eva Peeters, keys: [eva.pub], emails: [Eva@acme.example], logins: ["github:eva-p"]}
  sam: {name: Sam Jones, keys: [sam.pub, sam2.pub], emails: [sam@acme.example]}
robots:
  github-web: {emails: [noreply@github.com]}
roles:
  release-manager: {people: [eva, sam], lines: [payments], targets: [production]}
  tester: {people: [sam], from: 2026-01-01T00:00:00Z, until: 2026-12-01T00:00:00Z}
lines:
  payments: {tier: 1, owners: [eva], repositories: [https://git.example/payments]}
targets:
  production: {class: production, trigger: manual, policies: [builtin:minimal, ./policies], params: {tests.coverage_floor: {line: 80}}, maxAge: {scan: 24h}, validFor: 12h}
  staging: {class: staging, trigger: automatic, policies: [builtin:minimal]}
`

// world is a set of keys as files, with their signers.
type world struct {
	t       *testing.T
	files   map[string][]byte
	signers map[string]*seal.Signer
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, files: map[string][]byte{"log.pub": []byte(logVkey + "\n")}, signers: map[string]*seal.Signer{}}
	for _, name := range []string{"root", "ci", "gate", "eva", "sam", "sam2", "mallory"} {
		private, public, err := seal.Generate(nil)
		if err != nil {
			t.Fatal(err)
		}
		s, err := seal.LoadSigner(name+".key", private, nil)
		if err != nil {
			t.Fatal(err)
		}
		w.files[name+".pub"], w.signers[name] = public, s
	}
	return w
}

func (w *world) read(path string) ([]byte, error) {
	b, ok := w.files[path]
	if !ok {
		return nil, fmt.Errorf("open %s: no such file", path)
	}
	return b, nil
}

// sources are the two policy sources of goodYAML.
func sources() []Source {
	return []Source{
		{Ref: "builtin:minimal", Digest: "sha256:" + strings.Repeat("1", 64)},
		{Ref: "./policies", Digest: "sha256:" + strings.Repeat("2", 64)},
	}
}

func (w *world) resolve(src string) (*Definition, error) {
	cfg, err := Parse("gate.yaml", []byte(src))
	if err != nil {
		return nil, err
	}
	return Resolve(cfg, w.read, sources())
}

// sign signs goodYAML with the named key.
func (w *world) sign(src string) []byte {
	w.t.Helper()
	d, err := w.resolve(src)
	if err != nil {
		w.t.Fatal(err)
	}
	b, err := Sign(d, []byte(src), nil, w.signers["root"], now)
	if err != nil {
		w.t.Fatal(err)
	}
	return b
}

func (w *world) open(src string) *Definition {
	w.t.Helper()
	d, err := Open([]byte(src), Signatures{w.sign(src)}, nil, Pin{}, now)
	if err != nil {
		w.t.Fatal(err)
	}
	return d
}
