package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"cdgate.dev/cdgate/engine"
	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/seal"
	"cdgate.dev/cdgate/engine/verify"
)

// refusal is one attack or accident on a release that nothing is wrong with. Each test runs it twice: without the
// attack staging must allow, with it the exit code must be the one wanted and no allow may be left behind.
type refusal struct {
	name   string
	gate   string // replaces gateText where set
	attack func(o *org)
	edit   func(*engine.EvaluateOptions)
	code   int
	// says is a part of some reason that a person reads.
	says string
}

func TestRefusals(t *testing.T) {
	withPolicies := strings.ReplaceAll(gateText, `["builtin:minimal"]`, `["builtin:minimal", "./policies"]`)
	rule := "# METADATA\n# title: Always fine\n# description: For tests.\n# custom:\n#   controls: []\n#   remedy: none\npackage rules.own.fine\n\nblock contains \"never\" if input.stage == \"no such stage\"\n"
	for _, r := range []refusal{
		{name: "wrong subject", code: 20, says: "no ", edit: func(e *engine.EvaluateOptions) {
			e.Artifacts = []engine.Artifact{{Name: "app.tar", Digest: "sha256:" + strings.Repeat("ab", 32)}}
			e.Source = engine.Source{}
		}},
		{name: "failing test", code: 20, says: "rounding", attack: func(o *org) { o.collect(nil, "junit-failing.xml") }},
		{name: "zero tests", code: 20, says: "", attack: func(o *org) {
			o.reset()
			o.collect(nil, "junit-empty.xml", "coverage.xml", "scan.sarif", "sbom.json", "trivy.json")
		}},
		{name: "no tests at all", code: 20, says: "tests", attack: func(o *org) {
			o.reset()
			o.collect(nil, "coverage.xml", "scan.sarif", "sbom.json", "trivy.json")
		}},
		{name: "critical vulnerability", code: 20, says: "CVE-2026-0001", attack: func(o *org) { o.collect(nil, "trivy-critical.json") }},
		{name: "no evidence at all", code: 20, says: "", attack: func(o *org) { o.reset() }},
		{name: "signed by a key nobody knows", code: 20, says: "", attack: func(o *org) {
			o.reset()
			o.collect(func(c *engine.CollectOptions) { c.Signer = o.signers["mallory"] }, allGood...)
		}},
		{name: "signed by a key of another duty", code: 20, says: "", attack: func(o *org) {
			o.reset()
			o.collect(func(c *engine.CollectOptions) { c.Signer = o.signers["gate"] }, allGood...)
		}},
		{name: "stale evidence", code: 20, says: "", edit: func(e *engine.EvaluateOptions) { e.Now = now.Add(60 * 24 * time.Hour) }},
		{name: "evidence from the future", code: 20, says: "", attack: func(o *org) {
			o.reset()
			o.collect(func(c *engine.CollectOptions) { c.Now = now.Add(time.Hour) }, allGood...)
		}},
		{name: "flipped bit in a statement", code: 50, says: "", attack: func(o *org) {
			o.flip(o.find(func(b []byte) bool { return strings.Contains(payload(b), `"https://cdgate.dev/tests/v1"`) }))
		}},
		{name: "flipped bit in the rows", code: 50, says: "", attack: func(o *org) { o.flip(o.find(func(b []byte) bool { return strings.HasPrefix(string(b), `{"cases"`) })) }},
		{name: "item taken away", code: 50, says: "", attack: func(o *org) { o.takeAway() }},
		{name: "policy that does not compile", gate: withPolicies, code: 40, says: "rego_parse_error|parse|unexpected", attack: func(o *org) {
			o.write("policies/own/bad.rego", "package rules.own.bad\n\nblock contains x if {\n")
			o.signGate()
		}},
		{name: "policy with a misspelt field", gate: withPolicies, code: 40, says: "bySeverity", attack: func(o *org) {
			o.write("policies/own/bad.rego", strings.Replace(rule, "rules.own.fine", "rules.own.bad", 1)+"\nblock contains \"x\" if {\n\tsome s in input.evidence.scan\n\tcount(s.bySeverty.high) > 0\n}\n")
			o.signGate()
		}},
		{name: "policy directory without rules", gate: withPolicies, code: 40, says: "no rule", attack: func(o *org) {
			if err := os.RemoveAll(o.path("policies")); err != nil {
				o.t.Fatal(err)
			}
			o.write("policies/README.md", "nothing here")
			o.signGate()
		}},
		{name: "data at a rule's place", gate: withPolicies, code: 40, says: "data", attack: func(o *org) {
			o.write("policies/data.json", `{"rules":{"tests":{"required_levels":{"block":[]}}}}`)
			o.signGate()
		}},
		{name: "policies changed after signing", gate: withPolicies, code: 50, says: "pins", attack: func(o *org) {
			o.write("policies/own/fine.rego", strings.Replace(rule, "never", "ever", 1))
		}},
		{name: "policy that never ends", gate: withPolicies, code: 40, says: "", attack: func(o *org) {
			o.write("policies/own/slow.rego", strings.Replace(rule, "rules.own.fine", "rules.own.slow", 1)+
				"\nblock contains \"x\" if {\n\tn := numbers.range(1, 1000000)\n\tcount([1 | some a in n; some b in n; a*b == -1]) > 0\n}\n")
			o.signGate()
		}},
		{name: "gate definition expired", code: 50, says: "expire", edit: func(e *engine.EvaluateOptions) { e.Now = time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC) }},
		{name: "gate definition edited", code: 50, says: "", attack: func(o *org) { o.write("gate.yaml", strings.Replace(gateText, "version: 1", "version: 2", 1)) }},
		{name: "gate definition signed by somebody else", code: 50, says: "", edit: func(e *engine.EvaluateOptions) { e.Root = "SHA256:" + strings.Repeat("A", 43) + "=" }},
		{name: "gate definition without signature", code: 64, says: "gate sign", attack: func(o *org) { os.Remove(o.path("gate.sigstore.json")) }},
		{name: "unreadable gate definition", code: 64, says: "", attack: func(o *org) { os.Remove(o.path("gate.yaml")) }},
		{name: "unknown target", code: 64, says: "production", edit: func(e *engine.EvaluateOptions) { e.Target = "prod" }},
		{name: "key that may not sign decisions", code: 64, says: "decision", attack: func(o *org) { o.signers["gate"] = o.signers["ci"] }},
		{name: "no key", code: 64, says: "--key", edit: func(e *engine.EvaluateOptions) { e.Signer = nil }},
		{name: "no log key", code: 64, says: "--log-key", edit: func(e *engine.EvaluateOptions) { e.LogKey = "" }},
		{name: "log gone", code: 50, says: "gone", attack: func(o *org) {
			o.evaluate(0, "staging", nil)
			os.RemoveAll(o.path("log"))
		}},
		{name: "record cannot be written", code: 60, says: "", edit: func(e *engine.EvaluateOptions) { e.Record = filepath.Join(e.Store, "no", "such", "dir", "r.json") }},
	} {
		t.Run(strings.ReplaceAll(r.name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			text := r.gate
			if text == "" {
				text = gateText
			}
			o := newOrgWith(t, text, map[string]string{"policies/own/fine.rego": rule})
			o.collect(nil, allGood...)
			o.evaluate(0, "staging", nil) // the twin: without the attack it passes
			if err := os.Remove(o.path("record.json")); err != nil {
				t.Fatal(err)
			}
			if r.attack != nil {
				r.attack(o)
			}
			ev, err := o.attempt("staging", r.edit)
			code := engine.ExitCode(err)
			if err == nil {
				code = ev.ExitCode
			}
			if code != r.code {
				t.Fatalf("exit code %d, want %d; error: %v\n%s", code, r.code, err, findings(ev))
			}
			if ev != nil && ev.Result.Outcome == "allow" && err == nil {
				t.Errorf("the decision says allow")
			}
			said := findings(ev)
			if err != nil {
				said += err.Error()
			}
			if !containsAny(said, strings.Split(r.says, "|")) {
				t.Errorf("nothing that people read says %q:\n%s", r.says, said)
			}
			if code >= 60 {
				if _, err := os.Stat(o.path("record.json")); err == nil {
					t.Errorf("a record was left behind")
				}
			}
		})
	}
}

func containsAny(s string, parts []string) bool {
	for _, p := range parts {
		if strings.Contains(s, p) {
			return true
		}
	}
	return false
}

func TestCollectRefusesBadReportsAndWritesNothing(t *testing.T) {
	for name, content := range map[string]string{
		"empty":     "",
		"truncated": reports["junit-truncated.xml"],
		"unknown":   "hello, this is no report",
		"two roots": reports["junit.xml"] + "<testsuites/>",
		"duplicate": `{"version":"2.1.0","runs":[],"runs":[]}`,
	} {
		o := newOrg(t, gateText)
		o.write("bad.xml", content)
		_, err := engine.Collect(context.Background(), o.collectOptions("junit.xml", "bad.xml"))
		if fault.ClassOf(err) != fault.Evidence || !strings.Contains(err.Error(), "bad.xml") {
			t.Errorf("%s: %v, want an evidence fault that names the file", name, err)
		}
		if n := len(o.index()); n != 0 {
			t.Errorf("%s: %d objects are in the store, want none", name, n)
		}
		o.collect(nil, "junit.xml") // the twin
	}
}

// TestCollectRefusesWhatNoEvaluationReads: a summary that would make a statement too large is refused when it is collected. The
// twin is a little smaller, is collected, and counts.
func TestCollectRefusesWhatNoEvaluationReads(t *testing.T) {
	o := newOrg(t, strings.Replace(gateText, "scan, sbom, build", "scan, sbom, metrics, build", 1))
	breached := func(n int) string {
		var thresholds []string
		for i := range n {
			thresholds = append(thresholds, fmt.Sprintf(`"p(%d)<%s":true`, i, strings.Repeat("1", 900)))
		}
		return `{"root_group":{"name":"","groups":{},"checks":{}},"metrics":{"http_reqs":{"count":200,"rate":20.5},"http_req_duration":{"avg":1,"min":1,"med":1,"max":2,"p(90)":2,"p(95)":2,"thresholds":{` +
			strings.Join(thresholds, ",") + `}}}}`
	}
	o.write("k6.json", breached(75))
	_, err := engine.Collect(t.Context(), o.collectOptions(append([]string{"k6.json"}, allGood...)...))
	if fault.ClassOf(err) != fault.Evidence || !strings.Contains(err.Error(), "k6.json") || !strings.Contains(err.Error(), "room for 65536") {
		t.Errorf("%v, want an evidence fault that names the file and the limit", err)
	}
	if n := len(o.index()); n != 0 {
		t.Errorf("%d objects are in the store, want none", n)
	}
	o.write("k6.json", breached(65))
	o.collect(nil, append([]string{"k6.json"}, allGood...)...)
	ev := o.evaluate(0, "staging", nil)
	if len(ev.Result.NotCounted) != 0 {
		t.Errorf("not counted: %+v", ev.Result.NotCounted)
	}
}

func TestCollectNeedsSomethingToBeAbout(t *testing.T) {
	o := newOrg(t, gateText)
	opt := o.collectOptions("junit.xml")
	opt.Artifacts, opt.Source = nil, engine.Source{}
	if _, err := engine.Collect(context.Background(), opt); fault.ClassOf(err) != fault.Usage {
		t.Errorf("%v, want a usage error", err)
	}
}

func TestTwoRevisionsForOneArtifactIsAFault(t *testing.T) {
	o := newOrg(t, gateText)
	o.collect(nil, allGood...)
	o.evaluate(0, "staging", nil)
	o.collect(func(c *engine.CollectOptions) { c.Source.Revision = strings.Repeat("1", 40) })
	o.evaluate(30, "staging", func(e *engine.EvaluateOptions) { e.Source = engine.Source{} })
}

func TestLaterAttemptSupersedesTheEarlier(t *testing.T) {
	o := newOrg(t, gateText)
	o.write("r.xml", reports["junit-failing.xml"])
	o.collect(nil, "r.xml", "coverage.xml", "scan.sarif", "sbom.json", "trivy.json")
	o.evaluate(20, "staging", nil)
	o.write("r.xml", reports["junit.xml"])
	o.collect(func(c *engine.CollectOptions) { c.Producer.Attempt = 2 }, "r.xml")
	ev := o.evaluate(0, "staging", nil)
	if !slices.ContainsFunc(ev.Result.NotCounted, func(n verify.NotCounted) bool { return n.Kind == "tests" && n.Reason == verify.Superseded }) {
		t.Errorf("the earlier attempt is not visible: %+v", ev.Result.NotCounted)
	}
}

func TestEvidenceAboutTheCommitCountsThroughTheBuild(t *testing.T) {
	o := newOrg(t, gateText)
	o.collect(func(c *engine.CollectOptions) { c.Artifacts = nil }, "junit.xml", "coverage.xml")
	o.collect(nil, "scan.sarif", "sbom.json", "trivy.json")
	o.evaluate(0, "staging", nil)
	o.evaluate(0, "staging", func(e *engine.EvaluateOptions) { e.Artifacts = nil }) // found through the commit
	o.reset()
	o.collect(func(c *engine.CollectOptions) { c.Artifacts = nil }, "junit.xml", "coverage.xml")
	o.collect(func(c *engine.CollectOptions) { c.Source.Revision = "" }, "scan.sarif", "sbom.json", "trivy.json")
	o.evaluate(20, "staging", func(e *engine.EvaluateOptions) { e.Source = engine.Source{} }) // nothing ties the two
}

// newOrgWith is newOrg with files that must be there before the gate definition is signed.
func newOrgWith(t *testing.T, text string, files map[string]string) *org {
	t.Helper()
	o := newOrg(t, gateText)
	for name, content := range files {
		o.write(name, content)
	}
	o.write("gate.yaml", text)
	o.signGate()
	return o
}

func (o *org) attempt(target string, edit func(*engine.EvaluateOptions)) (*engine.Evaluation, error) {
	opt := o.evaluateOptions(target)
	if edit != nil {
		edit(&opt)
	}
	return engine.Evaluate(context.Background(), opt)
}

// reset empties the store and the log together: an organisation that has decided nothing yet.
func (o *org) reset() {
	o.t.Helper()
	if err := errors.Join(os.RemoveAll(o.path("store")), os.RemoveAll(o.path("log"))); err != nil {
		o.t.Fatal(err)
	}
}

type layoutIndex struct {
	Manifests []struct {
		Digest       string            `json:"digest"`
		ArtifactType string            `json:"artifactType"`
		Annotations  map[string]string `json:"annotations"`
	} `json:"manifests"`
}

// index are the objects in the store, read by hand.
func (o *org) index() []string {
	o.t.Helper()
	var top, root layoutIndex
	if b, err := os.ReadFile(o.path("store/index.json")); err != nil || json.Unmarshal(b, &top) != nil || len(top.Manifests) == 0 {
		return nil
	}
	if err := json.Unmarshal(o.blob(top.Manifests[0].Digest), &root); err != nil {
		o.t.Fatal(err)
	}
	var out []string
	for _, m := range root.Manifests {
		out = append(out, m.Digest)
	}
	return out
}

func (o *org) blobPath(digest string) string {
	return o.path("store/blobs/sha256/" + strings.TrimPrefix(digest, "sha256:"))
}

func (o *org) blob(digest string) []byte {
	o.t.Helper()
	b, err := os.ReadFile(o.blobPath(digest))
	if err != nil {
		o.t.Fatal(err)
	}
	return b
}

// find is the blob that is wanted.
func (o *org) find(is func([]byte) bool) string {
	o.t.Helper()
	entries, err := os.ReadDir(o.path("store/blobs/sha256"))
	if err != nil {
		o.t.Fatal(err)
	}
	for _, e := range entries {
		if is(o.blob("sha256:" + e.Name())) {
			return "sha256:" + e.Name()
		}
	}
	o.t.Fatal("no blob is the wanted one")
	return ""
}

// payload is what a bundle signs, "" where the bytes are no bundle.
func payload(b []byte) string {
	var bundle struct {
		Envelope struct {
			Payload []byte `json:"payload"`
		} `json:"dsseEnvelope"`
	}
	if json.Unmarshal(b, &bundle) != nil {
		return ""
	}
	return string(bundle.Envelope.Payload)
}

// flip changes one bit in the middle of a blob.
func (o *org) flip(digest string) {
	o.t.Helper()
	b := o.blob(digest)
	b[len(b)/2] ^= 1
	if err := os.Chmod(o.blobPath(digest), 0o644); err != nil {
		o.t.Fatal(err)
	}
	if err := os.WriteFile(o.blobPath(digest), b, 0o644); err != nil {
		o.t.Fatal(err)
	}
}

// takeAway rewrites the store's index without one item, as somebody with access to the directory could.
func (o *org) takeAway() {
	o.t.Helper()
	var top, root map[string]any
	read := func(b []byte, into *map[string]any) {
		if err := json.Unmarshal(b, into); err != nil {
			o.t.Fatal(err)
		}
	}
	read(o.read("store/index.json"), &top)
	entry := top["manifests"].([]any)[0].(map[string]any)
	read(o.blob(entry["digest"].(string)), &root)
	var kept []any
	taken := false
	for _, m := range root["manifests"].([]any) {
		if !taken && strings.Contains(string(o.blob(m.(map[string]any)["digest"].(string))), `"tests"`) {
			taken = true
			continue
		}
		kept = append(kept, m)
	}
	if !taken {
		o.t.Fatal("found no item to take away")
	}
	root["manifests"] = kept
	b, err := json.Marshal(root)
	if err != nil {
		o.t.Fatal(err)
	}
	digest := seal.Digest(b)
	o.write("store/blobs/sha256/"+strings.TrimPrefix(digest, "sha256:"), string(b))
	entry["digest"], entry["size"] = digest, len(b)
	if b, err = json.Marshal(top); err != nil {
		o.t.Fatal(err)
	}
	o.write("store/index.json", string(b))
}
