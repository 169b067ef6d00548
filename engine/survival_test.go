package engine_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"cdgate.dev/cdgate/engine"
	"cdgate.dev/cdgate/engine/seal"
)

// evaluateArgument makes the test program evaluate in a process of its own, which can be killed.
const evaluateArgument = "evaluate-in-child"

// order is what such a process is asked to do.
type evaluateOrder struct {
	Dir, Key, LogKey, Root, Record string
}

// evaluateInChild is the main function of such a process; it gives the exit code.
func evaluateInChild(text string) int {
	var e evaluateOrder
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		return 70
	}
	signer, err := seal.LoadSigner("key", []byte(e.Key), nil)
	if err != nil {
		return 70
	}
	o := org{dir: e.Dir, logKey: e.LogKey, sandbox: sandbox()}
	opt := o.evaluateOptionsWith(signer, e.Root, "staging")
	opt.Record = e.Record
	ev, err := engine.Evaluate(context.Background(), opt)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return engine.ExitCode(err)
	}
	return ev.ExitCode
}

// startEvaluate starts an evaluation in a process of its own.
func (o *org) startEvaluate(record string) (*exec.Cmd, *bytes.Buffer) {
	o.t.Helper()
	text, err := json.Marshal(evaluateOrder{Dir: o.dir, Key: string(o.private["gate"]), LogKey: o.logKey,
		Root: o.signers["root"].Public().Fingerprint(), Record: record})
	if err != nil {
		o.t.Fatal(err)
	}
	exe, err := os.Executable()
	if err != nil {
		o.t.Fatal(err)
	}
	cmd := exec.Command(exe, evaluateArgument, string(text))
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		o.t.Fatal(err)
	}
	return cmd, &said
}

// TestKilledAtAnyMoment kills evaluations at random moments. Whatever is left behind, a record file that is there can be
// verified and replayed, and the next evaluation decides.
func TestKilledAtAnyMoment(t *testing.T) {
	kills := 25
	if testing.Short() {
		kills = 5
	}
	o := newOrg(t, gateText)
	o.collect(nil, allGood...)
	record := o.path("record.json")
	start := time.Now()
	o.evaluate(0, "staging", nil)
	whole := time.Since(start)
	r := rand.New(rand.NewSource(7))
	finished, left := 0, 0
	for range kills {
		cmd, _ := o.startEvaluate(record)
		time.Sleep(time.Duration(r.Int63n(int64(whole) * 5 / 4)))
		_ = cmd.Process.Signal(syscall.SIGKILL)
		if cmd.Wait() == nil {
			finished++
		}
		if _, err := os.Stat(record); err != nil {
			continue
		}
		left++
		v := o.verify(func(v *engine.VerifyOptions) { v.Target = "staging" })
		if v.ExitCode != 0 {
			t.Fatalf("a killed evaluation left a record that does not verify: %d %+v", v.ExitCode, v.Checks)
		}
	}
	t.Logf("%d kills, %d had finished, %d records were left and verify", kills, finished, left)
	o.evaluate(0, "staging", nil)
	if v := o.verify(func(v *engine.VerifyOptions) { v.Target = "staging" }); v.ExitCode != 0 {
		t.Fatalf("after the kills: %d %+v", v.ExitCode, v.Checks)
	}
	if r := o.replay(); r.ExitCode != 0 {
		t.Fatalf("after the kills: replay %d %+v", r.ExitCode, r.Checks)
	}
}

func TestSeveralProcessesDecideAtOnce(t *testing.T) {
	o := newOrg(t, gateText)
	o.collect(nil, allGood...)
	const n = 4
	type started struct {
		cmd  *exec.Cmd
		said *bytes.Buffer
	}
	var all []started
	for i := range n {
		cmd, said := o.startEvaluate(o.path(fmt.Sprintf("record%d.json", i)))
		all = append(all, started{cmd, said})
	}
	for i, s := range all {
		if err := s.cmd.Wait(); err != nil {
			t.Errorf("process %d: %v: %s", i, err, s.said)
		}
	}
	entries, err := engine.LogList(context.Background(), o.places(), now)
	if err != nil || len(entries) != n {
		t.Errorf("the log has %d entries, want %d: %v", len(entries), n, err)
	}
}

// TestFullDisk gives the whole organisation a disk that is too small at some point of the evaluation.
func TestFullDisk(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED LOUDLY: mounting a small file system needs root")
	}
	o := newOrg(t, gateText)
	o.collect(nil, allGood...)
	small := o.path("small")
	if err := os.Mkdir(small, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", small, "tmpfs", 0, "size=8m"); err != nil {
		t.Skipf("SKIPPED LOUDLY: no small file system can be mounted here: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(small, syscall.MNT_DETACH) })
	for _, name := range []string{"store", "gate.yaml", "gate.sigstore.json"} {
		if out, err := exec.Command("cp", "-R", o.path(name), small).CombinedOutput(); err != nil {
			t.Fatalf("%v %s", err, out)
		}
	}
	full := func(e *engine.EvaluateOptions) {
		e.Store, e.Log, e.Record = filepath.Join(small, "store"), filepath.Join(small, "log"), filepath.Join(small, "record.json")
	}
	filler := filepath.Join(small, "filler")
	fill := func(free int64) {
		t.Helper()
		var fs syscall.Statfs_t
		if err := syscall.Statfs(small, &fs); err != nil {
			t.Fatal(err)
		}
		if size := int64(fs.Bavail)*fs.Bsize - free; size > 0 {
			if err := os.WriteFile(filler, make([]byte, size), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, free := range []int64{0, 16 << 10, 64 << 10, 256 << 10} {
		fill(free)
		ev, err := o.attempt("staging", full)
		code := engine.ExitCode(err)
		if err == nil {
			code = ev.ExitCode
		}
		_, there := os.Stat(filepath.Join(small, "record.json"))
		if code != 60 && code != 0 || (code == 60) != (there != nil) {
			t.Errorf("%d bytes free: exit code %d, record there: %v; error: %v", free, code, there == nil, err)
		}
		if err := os.Remove(filler); err != nil {
			t.Fatal(err)
		}
	}
	fill(0)
	if _, err := o.attempt("staging", full); engine.ExitCode(err) != 60 {
		t.Errorf("a full disk: %v, want class 60", err)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	o.evaluate(0, "staging", full) // the twin: with room it decides
}

// TestReplayElsewhere replays a copy of the archive in other surroundings.
func TestReplayElsewhere(t *testing.T) {
	o := newOrg(t, gateText)
	o.collect(nil, append(allGood, "junit-failing.xml", "trivy-critical.json")...)
	o.evaluate(20, "production", nil)
	elsewhere := t.TempDir()
	if out, err := exec.Command("cp", "-R", o.path("store"), elsewhere).CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	for _, env := range [][]string{{"TZ=Asia/Kathmandu", "LANG=tr_TR.UTF-8", "LC_ALL=tr_TR.UTF-8"}, {"TZ=America/St_Johns", "GOMAXPROCS=1"}, {"ZONEINFO=/nonexistent", "HOME=/nonexistent"}} {
		for _, kv := range env {
			k, v, _ := strings.Cut(kv, "=")
			t.Setenv(k, v)
		}
		r, err := engine.Replay(context.Background(), engine.ReplayOptions{Store: filepath.Join(elsewhere, "store"),
			Root: o.signers["root"].Public().Fingerprint(), Record: o.read("record.json"), Sandbox: o.sandbox})
		if err != nil || r.ExitCode != 0 {
			t.Fatalf("%v: %v %+v", env, err, r)
		}
	}
}

// TestReplayNamesWhatIsMissingOrAltered takes away and alters each blob of the archive that the record names.
func TestReplayNamesWhatIsMissingOrAltered(t *testing.T) {
	o := newOrg(t, gateText)
	o.collect(nil, allGood...)
	ev := o.evaluate(0, "staging", nil)
	in := ev.Predicate.Inputs
	named := map[string]string{"bundle": in.Bundle, "gate": in.GateBundle, "policies": in.Policies[0].Archive, "item": in.Items[0]}
	for what, digest := range named {
		path := o.blobPath(digest)
		whole := o.blob(digest)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if r := o.replay(); r.ExitCode != 30 && r.ExitCode != 50 {
			t.Errorf("%s missing: exit code %d %+v", what, r.ExitCode, r.Checks)
		}
		altered := bytes.Clone(whole)
		altered[len(altered)/2] ^= 4
		if err := os.WriteFile(path, altered, 0o644); err != nil {
			t.Fatal(err)
		}
		if r := o.replay(); r.ExitCode != 50 {
			t.Errorf("%s altered: exit code %d, want 50 %+v", what, r.ExitCode, r.Checks)
		}
		if err := os.WriteFile(path, whole, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if r := o.replay(); r.ExitCode != 0 {
		t.Errorf("with everything back: exit code %d %+v", r.ExitCode, r.Checks)
	}
}

// TestCosignAcceptsTheRecord has the real cosign check a record and a summary, and refuse altered ones.
func TestCosignAcceptsTheRecord(t *testing.T) {
	cosign, err := exec.LookPath("cosign")
	if err != nil {
		t.Skip("SKIPPED LOUDLY: cosign is not on PATH; .tools/tool cosign builds it")
	}
	o := newOrg(t, gateText)
	o.write("app.tar", "the release")
	if sum := sha256.Sum256([]byte("the release")); "sha256:"+hex.EncodeToString(sum[:]) != appDigest {
		t.Fatal("the artifact is not the one the evidence is about")
	}
	o.collect(nil, allGood...)
	o.evaluate(0, "staging", nil)
	verify := func(bundle, predicate string) error {
		cmd := exec.Command(cosign, "verify-blob-attestation", "--bundle", bundle, "--key", o.path("gate.pub"),
			"--insecure-ignore-tlog", "--type", predicate, o.path("app.tar"))
		cmd.Env = append(os.Environ(), "HOME="+t.TempDir())
		out, err := cmd.CombinedOutput()
		if err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	}
	if err := verify(o.path("record.json"), "https://cdgate.dev/decision/v1"); err != nil {
		t.Errorf("cosign refuses the record: %v", err)
	}
	if err := verify(o.path("record.json"), "https://cdgate.dev/other/v1"); err == nil {
		t.Error("cosign accepts the record as another type: the check checks nothing")
	}
	summaries, err := filepath.Glob(o.path("record.json.vsa-*"))
	if err != nil || len(summaries) != 1 {
		t.Fatalf("summaries %v, want one: %v", summaries, err)
	}
	if err := verify(summaries[0], "https://slsa.dev/verification_summary/v1"); err != nil {
		t.Errorf("cosign refuses the summary: %v", err)
	}
	o.write("app.tar", "another release")
	if err := verify(o.path("record.json"), "https://cdgate.dev/decision/v1"); err == nil {
		t.Error("cosign accepts the record for another artifact")
	}
}

// TestReplayOfWhatDidNotCount replays a decision that was asked by commit, with superseded builds, evidence by a stranger
// and sign-offs that the log does not hold.
func TestReplayOfWhatDidNotCount(t *testing.T) {
	o := newOrg(t, gateText)
	o.collect(nil, allGood...)
	o.collect(func(c *engine.CollectOptions) { c.Producer.Attempt = 2 }, "junit.xml")
	o.collect(func(c *engine.CollectOptions) { c.Signer = o.signers["mallory"] }, "trivy-critical.json")
	byCommit := func(e *engine.EvaluateOptions) { e.Artifacts = nil }
	o.evaluate(10, "production", byCommit)
	if _, err := o.sign("eva", "approve", now); err != nil {
		t.Fatal(err)
	}
	state := o.path("log/.state/treeState") // the log can be read and not be written: the sign-off is stored, and logging it fails
	o.must(os.Rename(state, o.path("aside")))
	if _, err := o.sign("eva", "approve", now.Add(time.Second)); err == nil {
		t.Fatal("signing into a log that cannot be written succeeded")
	}
	o.must(os.Rename(o.path("aside"), state))
	ev := o.evaluate(0, "production", byCommit)
	reasons := map[string]bool{}
	for _, n := range ev.Result.NotCounted {
		reasons[string(n.Reason)] = true
	}
	for _, want := range []string{"superseded", "unknown_signer", "unlogged"} {
		if !reasons[want] {
			t.Errorf("nothing is not counted as %s: %+v", want, ev.Result.NotCounted)
		}
	}
	if r := o.replay(); r.ExitCode != 0 {
		t.Errorf("replay: %d %v %+v", r.ExitCode, r.Differences, r.Checks)
	}
}
