package engine_test

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"cdgate.dev/cdgate/engine"
	"cdgate.dev/cdgate/engine/ledger"
	"cdgate.dev/cdgate/engine/policy"
	"cdgate.dev/cdgate/engine/seal"
)

// TestRecordUnderAnotherRoot: a checkout leads the gate job to rules of its own, under a root of its own. The job signs
// the record with its real key, and the deploy job, which pins the real root, still says no.
func TestRecordUnderAnotherRoot(t *testing.T) {
	o := newOrg(t, gateText)
	o.collect(nil, "junit.xml")
	private, public, err := seal.Generate(nil)
	if err != nil {
		t.Fatal(err)
	}
	other, err := seal.LoadSigner("other", private, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"ci.pub", "gate.pub", "log.pub", "eva.pub", "sam.pub", "kim.pub"} {
		o.write("planted/"+name, string(o.read(name)))
	}
	o.write("planted/root.pub", string(public))
	o.write("planted/policies/x.rego", "package x\n\nblock contains \"no\" if input.release.name == \"another\"\n")
	o.write("planted/gate.yaml", strings.NewReplacer("trigger: manual", "trigger: automatic", `"builtin:minimal"`, "./policies").Replace(gateText))
	if _, err := engine.GateSign(o.path("planted/gate.yaml"), other, now.Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	o.evaluate(0, "production", func(e *engine.EvaluateOptions) { e.Gate, e.Root = o.path("planted/gate.yaml"), "" })
	if v := o.verify(nil); v.ExitCode != 50 {
		t.Errorf("a record under another root: verify says %d, want 50: %+v", v.ExitCode, v.Checks)
	}
	if v := o.verify(func(v *engine.VerifyOptions) { v.Gate, v.Root = o.path("planted/gate.yaml"), "" }); v.ExitCode != 0 {
		t.Errorf("the same record under its own root: verify says %d, want 0: %+v", v.ExitCode, v.Checks)
	}
}

// TestOlderGateDefinitionPutBack: a gate definition is as valid as on the day it was signed, but not after a newer one
// has decided.
func TestOlderGateDefinitionPutBack(t *testing.T) {
	o := newOrg(t, strings.Replace(gateText, "trigger: manual", "trigger: automatic", 1))
	o.collect(nil, allGood...)
	o.evaluate(0, "production", nil)
	text, signature := o.read("gate.yaml"), o.read("gate.sigstore.json")
	o.write("gate.yaml", strings.Replace(gateText, "version: 1", "version: 2", 1))
	o.signGate()
	o.evaluate(10, "production", nil)
	o.write("gate.yaml", string(text))
	o.write("gate.sigstore.json", string(signature))
	o.evaluate(50, "production", nil)
	if _, err := o.sign("eva", "approve", now); engine.ExitCode(err) != 50 {
		t.Errorf("an approval under the older definition: %v, want exit code 50", err)
	}
}

// TestRejectionWhileDeciding: somebody rejects after the log was read and before the decision is in it.
func TestRejectionWhileDeciding(t *testing.T) {
	for _, verdict := range []string{"reject", "approve"} {
		t.Run(verdict, func(t *testing.T) {
			t.Parallel()
			o := newOrg(t, gateText)
			o.collect(nil, allGood...)
			o.evaluate(10, "production", nil)
			if _, err := o.sign("eva", "approve", now); err != nil {
				t.Fatal(err)
			}
			o.sandbox.Args = []string{policy.SandboxArgument, o.dir}
			o.write("idle", "")
			done := make(chan error, 1)
			go func() {
				for exists(o.path("idle")) {
					time.Sleep(10 * time.Millisecond)
				}
				_, err := o.sign("eva", verdict, now.Add(time.Second))
				done <- errors.Join(err, os.WriteFile(o.path("signed"), nil, 0o644))
			}()
			want := map[string]int{"reject": 60, "approve": 0}[verdict]
			o.evaluate(want, "production", nil)
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			if exists(o.path("record.json")) != (want == 0) {
				t.Errorf("a record's file after exit code %d: %v", want, exists(o.path("record.json")))
			}
		})
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// pausing is the evaluator's standard input. When the third message begins, the policies' document, which is made after
// the log was read, it removes the file gone and waits for the file until. It can open none: it is confined by then.
type pausing struct {
	in          io.Reader
	gone, until string
	frames      int
	left        uint64
	head        []byte
}

func (p *pausing) Read(b []byte) (int, error) {
	if p.left == 0 && len(p.head) == 0 {
		var head [8]byte
		if _, err := io.ReadFull(p.in, head[:]); err != nil {
			return 0, err
		}
		p.head, p.left = head[:], binary.BigEndian.Uint64(head[:])
		if p.frames++; p.frames == 3 {
			if err := os.Remove(p.gone); err != nil {
				return 0, err
			}
			for !exists(p.until) {
				time.Sleep(10 * time.Millisecond)
			}
		}
	}
	if len(p.head) > 0 {
		n := copy(b, p.head)
		p.head = p.head[n:]
		return n, nil
	}
	n, err := p.in.Read(b[:min(uint64(len(b)), p.left)])
	p.left -= uint64(n)
	return n, err
}

// TestLogEntryThatLies: whoever holds the log's key can write entries, and must not lead a person to sign for another
// release than the one they named.
func TestLogEntryThatLies(t *testing.T) {
	o := newOrg(t, gateText)
	o.collect(nil, allGood...)
	ev := o.evaluate(10, "production", nil)
	entry, err := json.Marshal(map[string]any{
		"type": "decision", "digest": ev.Digest, "release": ev.Result.Release.ID, "name": "harmless@0.1", "target": "staging",
		"stage": "activate", "outcome": "needs_approval", "at": ev.Result.EvaluatedAt, "gate": 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ledger.Append(context.Background(), o.path("log"), o.logKey, ledger.Witnesses{}, entry); err != nil {
		t.Fatal(err)
	}
	_, err = engine.Sign(context.Background(), engine.SignOptions{Places: o.places(), Release: engine.Release{Name: "harmless", Version: "0.1"},
		Target: "staging", Verdict: "approve", Signer: o.signers["eva"], LogKey: o.logKey, Now: now})
	if engine.ExitCode(err) != 50 {
		t.Errorf("approve what a lying entry names: %v, want exit code 50", err)
	}
	if _, err := o.sign("eva", "approve", now); err != nil {
		t.Errorf("approve what the true entry names: %v", err)
	}
}

// TestApprovalTakenBack: an approver without a veto takes the approval back, and the allow that stood on it falls.
func TestApprovalTakenBack(t *testing.T) {
	o := newOrg(t, gateText)
	o.write("policies/two/two.rego", "package two\n\nneeds_approval contains {\"msg\": \"two\", \"requirement\": {\"roles\": [\"release-manager\"], \"vetoRoles\": [\"tester\"]}}\n")
	o.write("gate.yaml", strings.Replace(gateText, `["builtin:minimal"]`, `["builtin:minimal", ./policies]`, 1))
	o.signGate()
	o.collect(nil, allGood...)
	o.evaluate(10, "production", nil)
	sign := func(who, requirement, verdict string, at time.Time) {
		t.Helper()
		if _, err := engine.Sign(context.Background(), engine.SignOptions{Places: o.places(), Release: payments, Target: "production", Requirement: requirement,
			Verdict: verdict, Comment: "so be it", Signer: o.signers[who], LogKey: o.logKey, Now: at}); err != nil {
			t.Fatal(err)
		}
	}
	sign("eva", "two", "approve", now)
	sign("eva", "governance.delivery_mode", "approve", now)
	o.evaluate(0, "production", nil)
	sign("sam", "two", "reject", now) // stood behind nothing, and has no veto here
	if v := o.verify(nil); v.ExitCode != 0 {
		t.Errorf("a rejection without a veto by somebody else: verify says %d: %+v", v.ExitCode, v.Checks)
	}
	sign("eva", "two", "reject", now.Add(time.Second))
	if v := o.verify(nil); v.ExitCode != 20 {
		t.Errorf("the approval is taken back: verify says %d, want 20: %+v", v.ExitCode, v.Checks)
	}
}

// TestVerifyWithAClockBehind: a clock that was set back would make an expired decision fresh.
func TestVerifyWithAClockBehind(t *testing.T) {
	o := newOrg(t, gateText)
	o.collect(nil, allGood...)
	o.evaluate(0, "staging", nil)
	for behind, want := range map[time.Duration]int{time.Minute: 0, 3 * time.Minute: 60, 24 * 365 * time.Hour: 60} {
		if v := o.verify(func(v *engine.VerifyOptions) { v.Target, v.Now = "staging", now.Add(-behind) }); v.ExitCode != want {
			t.Errorf("a clock %s behind: verify says %d, want %d: %+v", behind, v.ExitCode, want, v.Checks)
		}
	}
}

// TestRecordPathIsNoPattern: the path of a record may hold the characters of patterns; only its own files are removed.
func TestRecordPathIsNoPattern(t *testing.T) {
	o := newOrg(t, gateText)
	o.collect(nil, allGood...)
	o.write("other.vsa-aaaaaaaaaaaa.sigstore.json", "of another record")
	summary := func(path string) string { return o.path(path + ".vsa-" + appDigest[7:19] + ".sigstore.json") }
	for _, path := range []string{"*", "[x]"} {
		o.evaluate(0, "staging", func(e *engine.EvaluateOptions) { e.Record = o.path(path) })
		if !exists(summary(path)) {
			t.Fatalf("record %q has no summary", path)
		}
		o.evaluate(10, "production", func(e *engine.EvaluateOptions) { e.Record = o.path(path) })
		if exists(summary(path)) {
			t.Errorf("record %q: the summary of an earlier run survives", path)
		}
	}
	o.read("other.vsa-aaaaaaaaaaaa.sigstore.json")
}

// TestCheckoutNamesAnotherLine: .cdgate.yaml says which line a checkout is, and that must not choose who may approve.
func TestCheckoutNamesAnotherLine(t *testing.T) {
	text := strings.NewReplacer(", lines: [payments]}\n  gate", "}\n  gate", "  tester:", "  docs-manager: {people: [kim], lines: [docs]}\n  tester:",
		"targets:\n", "lines:\n  payments: {repositories: [\"https://git.acme.example/payments\"]}\n  docs: {}\ntargets:\n").Replace(gateText)
	for line, want := range map[string]string{"payments": revision, "docs": ""} {
		o := newOrg(t, text)
		named := engine.Release{Name: "payments", Version: "1.4.2", Line: line}
		o.collect(func(c *engine.CollectOptions) { c.Release = named }, allGood...)
		opt := o.evaluateOptions("production")
		opt.Release, opt.Source = named, engine.Source{}
		ev, err := engine.Evaluate(context.Background(), opt)
		if err != nil {
			t.Fatal(err)
		}
		if got := ev.Result.Release.Revision; got != want {
			t.Errorf("line %s: the build ties the artifact to %q, want %q\n%s", line, got, want, findings(ev))
		}
	}
}

// TestStageChoosesTheRules: rules may be for one stage only. A decision at another stage is no permission to activate,
// and a stage that does not exist is asked for in vain.
func TestStageChoosesTheRules(t *testing.T) {
	o := newOrg(t, gateText)
	o.collect(nil, allGood...)
	o.evaluate(64, "staging", func(e *engine.EvaluateOptions) { e.Stage = "bogus" })
	o.evaluate(64, "staging", func(e *engine.EvaluateOptions) { e.Stage = "activate\n" })
	o.evaluate(0, "staging", func(e *engine.EvaluateOptions) { e.Stage = "withdraw" })
	for stage, want := range map[string]int{"": 20, "activate": 20, "withdraw": 0} {
		if v := o.verify(func(v *engine.VerifyOptions) { v.Target, v.Stage = "staging", stage }); v.ExitCode != want {
			t.Errorf("a decision about withdrawing, verified for stage %q: %d, want %d: %+v", stage, v.ExitCode, want, v.Checks)
		}
	}
}

// TestPlantedGateDefinition: a link to a device in place of the gate definition, or of the record, does no harm.
func TestPlantedGateDefinition(t *testing.T) {
	o := newOrg(t, gateText)
	o.collect(nil, allGood...)
	o.evaluate(0, "staging", nil)
	o.evaluate(64, "staging", func(e *engine.EvaluateOptions) { e.Record = o.path("store") })
	if err := syscall.Mkfifo(o.path("pipe"), 0o644); err != nil {
		t.Fatal(err)
	}
	o.evaluate(64, "staging", func(e *engine.EvaluateOptions) { e.Record = o.path("pipe") })
	if !exists(o.path("pipe")) {
		t.Fatal("the pipe is gone")
	}
	if err := os.Remove(o.path("gate.yaml")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/dev/zero", o.path("gate.yaml")); err != nil {
		t.Fatal(err)
	}
	o.evaluate(64, "staging", nil)
}
