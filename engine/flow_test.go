package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"cdgate.dev/cdgate/engine"
	"cdgate.dev/cdgate/engine/decide"
	"cdgate.dev/cdgate/engine/fault"
)

// TestDeliveryAndDeploymentDifferByOneFinding is the whole story: the same evidence is allowed on staging by itself,
// waits for a person on production, and goes when she approves.
func TestDeliveryAndDeploymentDifferByOneFinding(t *testing.T) {
	o := newOrg(t, gateText)
	o.collect(nil, allGood...)
	staging := o.evaluate(0, "staging", nil)
	if staging.Result.Outcome != "allow" || staging.Result.Basis != decide.Automatic || staging.Path == "" {
		t.Fatalf("staging: %+v", staging.Result)
	}
	production := o.evaluate(10, "production", nil)
	extra := len(production.Result.Findings) - len(staging.Result.Findings)
	if extra != 1 || production.Result.Findings[0].Code != "governance.delivery_mode" {
		t.Fatalf("production has %d findings more than staging, want one of governance.delivery_mode:\n%s", extra, findings(production))
	}

	var refused *engine.Refused
	if _, err := o.sign("sam", "approve", now); !errors.As(err, &refused) || !strings.Contains(err.Error(), "author") {
		t.Errorf("the author's approval: %v, want a refusal that says why", err)
	}
	if _, err := o.sign("kim", "approve", now); !errors.As(err, &refused) {
		t.Errorf("an approval without the role: %v, want a refusal", err)
	}
	if _, err := o.sign("mallory", "approve", now); !errors.As(err, &refused) {
		t.Errorf("an approval by nobody the gate definition knows: %v, want a refusal", err)
	}
	o.evaluate(10, "production", nil) // no refusal left anything behind
	if _, err := o.sign("eva", "approve", now); err != nil {
		t.Fatalf("eva's approval: %v", err)
	}
	allowed := o.evaluate(0, "production", nil)
	if allowed.Result.Basis != decide.Approved || allowed.Result.Recommendation != "needs_approval" {
		t.Errorf("basis %q, recommendation %q", allowed.Result.Basis, allowed.Result.Recommendation)
	}
	if _, err := o.sign("eva", "reject", now.Add(time.Minute)); err != nil {
		t.Fatalf("eva's rejection: %v", err)
	}
	o.evaluate(20, "production", func(e *engine.EvaluateOptions) { e.Now = now.Add(2 * time.Minute) })
}

func TestNewFindingVoidsTheSignoff(t *testing.T) {
	o := newOrg(t, gateText)
	o.collect(nil, "junit.xml", "coverage.xml", "scan.sarif", "sbom.json", "trivy.json")
	o.evaluate(10, "production", nil)
	if _, err := o.sign("eva", "approve", now); err != nil {
		t.Fatal(err)
	}
	o.evaluate(0, "production", nil)
	o.write("more.sarif", strings.Replace(reports["scan.sarif"], `"results":[]`,
		`"results":[{"ruleId":"G1","level":"error","message":{"text":"injection"},"locations":[{"physicalLocation":{"artifactLocation":{"uri":"a.go"},"region":{"startLine":3}}}]}]`, 1))
	o.collect(nil, "more.sarif")
	o.evaluate(10, "production", nil)
}

func TestOrderOfEvidenceDoesNotMatter(t *testing.T) {
	o := newOrg(t, gateText)
	var want []byte
	for i := range 4 {
		paths := slices.Clone(allGood)
		rand.New(rand.NewSource(int64(i))).Shuffle(len(paths), func(a, b int) { paths[a], paths[b] = paths[b], paths[a] })
		if err := os.RemoveAll(o.path("store")); err != nil {
			t.Fatal(err)
		}
		if err := os.RemoveAll(o.path("log")); err != nil {
			t.Fatal(err)
		}
		for _, p := range paths {
			o.collect(nil, p)
		}
		got, err := json.Marshal(o.evaluate(10, "production", nil).Result)
		if err != nil {
			t.Fatal(err)
		}
		if want == nil {
			want = got
		} else if string(got) != string(want) {
			t.Fatalf("order %v gives another decision:\n%s\n%s", paths, got, want)
		}
	}
}

func TestVerifyAndReplay(t *testing.T) {
	o := newOrg(t, gateText)
	o.collect(nil, allGood...)
	o.evaluate(10, "production", nil)
	if _, err := o.sign("eva", "approve", now); err != nil {
		t.Fatal(err)
	}
	o.evaluate(0, "production", nil)
	v := o.verify(nil)
	if v.ExitCode != 0 {
		t.Fatalf("verify: %d %+v", v.ExitCode, v.Checks)
	}
	for name, c := range map[string]struct {
		code int
		edit func(*engine.VerifyOptions)
	}{
		"other artifact": {20, func(v *engine.VerifyOptions) {
			v.Artifacts = []engine.Artifact{{Name: "x", Digest: "sha256:" + strings.Repeat("0", 64)}}
		}},
		"other target": {20, func(v *engine.VerifyOptions) { v.Target = "staging" }},
		"expired":      {20, func(v *engine.VerifyOptions) { v.Now = now.Add(25 * time.Hour) }},
		"no proof":     {60, func(v *engine.VerifyOptions) { v.Proof = nil }},
		"no log":       {50, func(v *engine.VerifyOptions) { v.Log = o.path("elsewhere") }},
		"flipped": {50, func(v *engine.VerifyOptions) {
			v.Record = []byte(strings.Replace(string(v.Record), `"sig":"ME`, `"sig":"MA`, 1))
		}},
		"other root": {50, func(v *engine.VerifyOptions) { v.Root = o.signers["mallory"].Public().Fingerprint() }},
	} {
		if got := o.verify(c.edit); got.ExitCode != c.code {
			t.Errorf("%s: exit code %d, want %d: %+v", name, got.ExitCode, c.code, got.Checks)
		}
	}
	if r := o.replay(); r.ExitCode != 0 {
		t.Fatalf("replay: %d %v %+v", r.ExitCode, r.Differences, r.Checks)
	}
	if _, err := o.sign("eva", "reject", now.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if got := o.verify(nil); got.ExitCode != 20 {
		t.Errorf("verify after a rejection: %d, want 20: %+v", got.ExitCode, got.Checks)
	}
}

func (o *org) verify(edit func(*engine.VerifyOptions)) *engine.Verification {
	o.t.Helper()
	opt := engine.VerifyOptions{Places: o.places(), Record: o.read("record.json"), Proof: o.read("record.json.tlog-proof"),
		Artifacts: []engine.Artifact{app}, Target: "production", Now: now.Add(time.Minute)}
	if edit != nil {
		edit(&opt)
	}
	v, err := engine.Verify(context.Background(), opt)
	if err != nil {
		o.t.Fatal(err)
	}
	return v
}

func (o *org) replay() *engine.Replayed {
	o.t.Helper()
	r, err := engine.Replay(context.Background(), engine.ReplayOptions{
		Store: o.path("store"), Root: o.signers["root"].Public().Fingerprint(), Record: o.read("record.json"), Sandbox: o.sandbox})
	if err != nil {
		o.t.Fatal(err)
	}
	return r
}

func (o *org) read(name string) []byte {
	o.t.Helper()
	b, err := os.ReadFile(o.path(name))
	if err != nil {
		o.t.Fatal(err)
	}
	return b
}

// TestPreviewSaysWhatWouldBeAndWritesNothing rehearses a decision; even an allow is not one.
func TestPreviewSaysWhatWouldBeAndWritesNothing(t *testing.T) {
	o := newOrg(t, gateText)
	if _, err := engine.Preview(context.Background(), o.evaluateOptions("staging")); fault.ClassOf(err) != fault.Usage {
		t.Errorf("a preview without a store: %v, want a usage error", err)
	}
	if _, err := os.Stat(o.path("store")); err == nil {
		t.Error("a preview made a store")
	}
	o.collect(nil, allGood...)
	before := len(o.index())
	ev, err := engine.Preview(context.Background(), o.evaluateOptions("staging"))
	if err != nil || ev.Result.Outcome != "allow" || ev.ExitCode == 0 {
		t.Errorf("a preview of an allow: %+v, %v; want the outcome allow and no exit code 0", ev, err)
	}
	if _, err := os.Stat(o.path("log")); err == nil || len(o.index()) != before {
		t.Error("a preview wrote something")
	}
	o.evaluate(0, "staging", nil)
}

// TestCheckNeverSaysAllow judges what is present and says what comes later.
func TestCheckNeverSaysAllow(t *testing.T) {
	o := newOrg(t, gateText)
	check := func(paths ...string) (*engine.Checked, error) {
		return engine.Check(context.Background(), engine.CheckOptions{Places: o.places(), Reports: engine.Reports{Paths: paths, Dir: o.dir},
			Release: payments, Source: commit, Target: "staging", Now: now, Sandbox: o.sandbox})
	}
	good, err := check("junit.xml")
	if err != nil || good.ExitCode != 0 || len(good.Later) == 0 {
		t.Fatalf("a good report: %+v, %v", good, err)
	}
	for _, r := range good.Later {
		if r.Code == "tests.suite_complete" {
			t.Errorf("%s comes later though its evidence is here", r.Code)
		}
	}
	if bad, err := check("junit-failing.xml"); err != nil || bad.ExitCode != 20 {
		t.Errorf("a failing report: %+v, %v; want exit code 20", bad, err)
	}
	if _, err := check("junit-truncated.xml"); fault.ClassOf(err) != fault.Evidence {
		t.Errorf("a truncated report: %v, want an evidence fault", err)
	}
	if _, err := check(); fault.ClassOf(err) != fault.Evidence {
		t.Errorf("no report: %v, want an evidence fault", err)
	}
	if len(o.index()) != 0 {
		t.Error("a check wrote into the store")
	}
}
