package engine_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cdgate.dev/cdgate/engine"
	"cdgate.dev/cdgate/engine/ledger"
	"cdgate.dev/cdgate/engine/policy"
	"cdgate.dev/cdgate/engine/seal"
)

// TestMain lets the test program be the policies' child, as the real program is.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == policy.SandboxArgument {
		if err := policy.Serve(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(70)
		}
		os.Exit(0)
	}
	if len(os.Args) == 3 && os.Args[1] == policy.SandboxArgument { // TestRejectionWhileDeciding
		if err := policy.Serve(&pausing{in: os.Stdin, gone: os.Args[2] + "/idle", until: os.Args[2] + "/signed"}, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(70)
		}
		os.Exit(0)
	}
	if len(os.Args) == 3 && os.Args[1] == evaluateArgument {
		os.Exit(evaluateInChild(os.Args[2]))
	}
	os.Exit(m.Run())
}

// sandbox is the policies' child of these tests: this program.
func sandbox() policy.Sandbox {
	exe, err := os.Executable()
	if err != nil {
		panic(err)
	}
	return policy.Sandbox{Path: exe}
}

// now is the one instant of these tests.
var now = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

const (
	revision = "3f2a9c1d5b7e8a9f0c1d2e3f4a5b6c7d8e9f0a1b"
	appName  = "app.tar"
)

var appDigest = seal.Digest([]byte("the release"))

// org is an organisation in a temporary directory: keys, a signed gate definition, a store and a log.
type org struct {
	t       *testing.T
	dir     string
	signers map[string]*seal.Signer
	private map[string][]byte
	logKey  string
	sandbox policy.Sandbox
}

const gateText = `apiVersion: cdgate.dev/gate/v1
version: 1
expires: 2030-01-01T00:00:00Z
roots: [root.pub]
log: log.pub
signers:
  ci: {keys: [ci.pub], may: [tests, coverage, scan, sbom, build], lines: [payments]}
  gate: {keys: [gate.pub], may: [decision]}
people:
  eva: {name: Eva Peeters, keys: [eva.pub], emails: [eva@acme.example]}
  sam: {name: Sam Author, keys: [sam.pub], emails: [sam@acme.example]}
  kim: {name: Kim Tester, keys: [kim.pub], emails: [kim@acme.example]}
roles:
  release-manager: {people: [eva, sam], lines: [payments], targets: [production]}
  tester: {people: [kim]}
targets:
  production: {class: production, trigger: manual, policies: ["builtin:minimal"]}
  staging: {class: staging, trigger: automatic, policies: ["builtin:minimal"]}
`

// newOrg makes an organisation whose gate definition is text; edit it to plant what a test needs. files lie beside it.
func newOrg(t *testing.T, text string, files ...map[string]string) *org {
	t.Helper()
	o := &org{t: t, dir: t.TempDir(), signers: map[string]*seal.Signer{}, private: map[string][]byte{}, sandbox: sandbox()}
	for _, who := range []string{"root", "ci", "gate", "eva", "sam", "kim", "mallory"} {
		private, public, err := seal.Generate(nil)
		if err != nil {
			t.Fatal(err)
		}
		o.private[who] = private
		if o.signers[who], err = seal.LoadSigner(who, private, nil); err != nil {
			t.Fatal(err)
		}
		o.write(who+".pub", string(public))
	}
	private, public, err := ledger.GenerateKey("test-log")
	if err != nil {
		t.Fatal(err)
	}
	o.logKey = private
	o.write("log.pub", public+"\n")
	o.write("gate.yaml", text)
	for _, more := range files {
		for name, content := range more {
			o.write(name, content)
		}
	}
	o.signGate()
	for name, content := range reports {
		o.write(name, content)
	}
	return o
}

func (o *org) signGate() {
	o.t.Helper()
	if _, err := engine.GateSign(filepath.Join(o.dir, "gate.yaml"), o.signers["root"], now.Add(-time.Hour)); err != nil {
		o.t.Fatalf("sign gate definition: %v", err)
	}
}

func (o *org) path(name string) string { return filepath.Join(o.dir, name) }

func (o *org) write(name, content string) {
	o.t.Helper()
	p := o.path(name)
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		o.t.Fatal(err)
	}
	if err := os.WriteFile(p, []byte(content), 0o644); err != nil {
		o.t.Fatal(err)
	}
}

func (o *org) places() engine.Places {
	return engine.Places{Store: o.path("store"), Log: o.path("log"), Gate: o.path("gate.yaml"), Root: o.signers["root"].Public().Fingerprint()}
}

var (
	payments = engine.Release{Name: "payments", Version: "1.4.2", Line: "payments"}
	commit   = engine.Source{Repository: "https://git.acme.example/payments", Revision: revision, Branch: "main",
		Authors: []engine.Author{{Name: "Sam Author", Email: "sam@acme.example"}}}
	app = engine.Artifact{Name: appName, Digest: appDigest}
)

func (o *org) collectOptions(paths ...string) engine.CollectOptions {
	return engine.CollectOptions{
		Reports: engine.Reports{Paths: paths, Dir: o.dir}, Artifacts: []engine.Artifact{app}, Source: commit,
		Producer: engine.Producer{System: "github", Run: "1", Attempt: 1, Job: "build"}, Release: payments,
		Signer: o.signers["ci"], Store: o.path("store"), Now: now.Add(-10 * time.Minute),
	}
}

// collect collects reports about the artifact, with the options changed by edit.
func (o *org) collect(edit func(*engine.CollectOptions), paths ...string) *engine.Collected {
	o.t.Helper()
	opt := o.collectOptions(paths...)
	if edit != nil {
		edit(&opt)
	}
	c, err := engine.Collect(context.Background(), opt)
	if err != nil {
		o.t.Fatalf("collect: %v", err)
	}
	return c
}

func (o *org) evaluateOptions(target string) engine.EvaluateOptions {
	return o.evaluateOptionsWith(o.signers["gate"], o.signers["root"].Public().Fingerprint(), target)
}

func (o *org) evaluateOptionsWith(signer *seal.Signer, root, target string) engine.EvaluateOptions {
	return engine.EvaluateOptions{
		Places: engine.Places{Store: o.path("store"), Log: o.path("log"), Gate: o.path("gate.yaml"), Root: root}, Release: payments, Artifacts: []engine.Artifact{app}, Source: engine.Source{Revision: revision},
		Target: target, Signer: signer, LogKey: o.logKey, Record: o.path("record.json"), Now: now, Sandbox: o.sandbox,
	}
}

// evaluate evaluates and wants the exit code; the decision comes back for closer looks.
func (o *org) evaluate(want int, target string, edit func(*engine.EvaluateOptions)) *engine.Evaluation {
	o.t.Helper()
	opt := o.evaluateOptions(target)
	if edit != nil {
		edit(&opt)
	}
	ev, err := engine.Evaluate(context.Background(), opt)
	code := engine.ExitCode(err)
	if err == nil {
		code = ev.ExitCode
	}
	if code != want {
		o.t.Fatalf("evaluate %s: exit code %d, want %d; error: %v\n%s", target, code, want, err, findings(ev))
	}
	return ev
}

func findings(ev *engine.Evaluation) string {
	if ev == nil {
		return ""
	}
	var b strings.Builder
	for _, f := range ev.Result.Findings {
		fmt.Fprintf(&b, "  %s:%s %s %s %s: %s (%s; observed %s, expected %s)\n", f.Code, f.ID, f.Effect, f.Cause, f.Status, f.Msg, f.Place, f.Observed, f.Expected)
	}
	for _, n := range ev.Result.NotCounted {
		fmt.Fprintf(&b, "  not counted: %s %s %s\n", n.Kind, n.Reason, n.Msg)
	}
	return b.String()
}

// sign makes a person's verdict on the newest decision.
func (o *org) sign(who, verdict string, at time.Time) (*engine.Signed, error) {
	return engine.Sign(context.Background(), engine.SignOptions{
		Places: o.places(), Release: payments, Target: "production", Verdict: verdict, Comment: "read it", Signer: o.signers[who], LogKey: o.logKey, Now: at,
	})
}

// allGood are the reports of a release that nothing is wrong with.
var allGood = []string{"junit.xml", "coverage.xml", "scan.sarif", "sbom.json", "trivy.json"}

var reports = map[string]string{
	"junit.xml": `<?xml version="1.0" encoding="UTF-8"?>
<testsuites><testsuite name="pay" tests="2" failures="0"><testcase classname="pay" name="ok" time="0.1"/><testcase classname="pay" name="also" time="0.2"/></testsuite></testsuites>
`,
	"junit-failing.xml": `<?xml version="1.0" encoding="UTF-8"?>
<testsuites><testsuite name="pay" tests="2" failures="1"><testcase classname="pay" name="ok"/><testcase classname="pay" name="rounding"><failure message="want 3 got 4"/></testcase></testsuite></testsuites>
`,
	"junit-empty.xml": `<?xml version="1.0" encoding="UTF-8"?>
<testsuites></testsuites>
`,
	"junit-truncated.xml": `<?xml version="1.0" encoding="UTF-8"?>
<testsuites><testsuite name="pay"><testcase classname="pay" name="ok"/><testcase cl`,
	"coverage.xml": `<?xml version="1.0"?>
<coverage line-rate="0.9" lines-covered="9" lines-valid="10" version="7.4" timestamp="1">
<packages><package name="pay"><classes><class name="p" filename="p.py"><methods/><lines>` + coverLines(10, 9) + `</lines></class></classes></package></packages></coverage>
`,
	"scan.sarif": `{"version":"2.1.0","$schema":"https://json.schemastore.org/sarif-2.1.0.json","runs":[{"tool":{"driver":{"name":"gosec","version":"2.22","rules":[]}},"invocations":[{"executionSuccessful":true}],"results":[]}]}
`,
	"trivy.json": `{"SchemaVersion":2,"CreatedAt":"2026-11-20T11:00:00Z","ArtifactName":"app.tar","ArtifactType":"filesystem","Results":[{"Target":"go.mod","Class":"lang-pkgs","Type":"gomod","Vulnerabilities":[]}]}
`,
	"trivy-critical.json": `{"SchemaVersion":2,"CreatedAt":"2026-11-20T11:00:00Z","ArtifactName":"app.tar","ArtifactType":"filesystem","Results":[{"Target":"go.mod","Class":"lang-pkgs","Type":"gomod","Vulnerabilities":[{"VulnerabilityID":"CVE-2026-0001","PkgName":"left-pad","InstalledVersion":"1.0.0","FixedVersion":"1.0.1","Severity":"CRITICAL","Title":"bad"}]}]}
`,
	"sbom.json": `{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"serialNumber":"urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79","metadata":{"component":{"type":"application","name":"app"}},"components":[{"type":"library","name":"left-pad","version":"1.0.0","purl":"pkg:npm/left-pad@1.0.0"}]}
`,
}

func coverLines(total, covered int) string {
	var b strings.Builder
	for i := range total {
		hits := 0
		if i < covered {
			hits = 1
		}
		fmt.Fprintf(&b, `<line number="%d" hits="%d"/>`, i+1, hits)
	}
	return b.String()
}
