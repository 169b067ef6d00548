package engine_test

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"cdgate.dev/cdgate/engine"
	"cdgate.dev/cdgate/engine/ledger"
)

// rotated is an organisation whose log's key ends an hour after its first decision, and a new one that stays.
type rotated struct {
	*org
	newKey, newPub string
	old            string
}

// rotate makes a new key of the log's name and names both in version 2 of the gate definition.
func rotate(t *testing.T, ending string) rotated {
	t.Helper()
	o := newOrg(t, gateText)
	o.collect(nil, allGood...)
	o.evaluate(0, "staging", nil)
	for _, end := range []string{"", ".tlog-proof"} {
		o.write("first.json"+end, string(o.read("record.json"+end)))
	}
	private, public, err := ledger.GenerateKey("test-log")
	o.must(err)
	o.write("log2.pub", public+"\n")
	o.write("gate.yaml", strings.NewReplacer("version: 1", "version: 2", "log: log.pub", "log: [{file: log.pub, "+ending+"}, log2.pub]").Replace(gateText))
	o.signGate()
	return rotated{org: o, newKey: private, newPub: public, old: o.logKey}
}

const (
	ended       = "until: 2026-11-20T13:00:00Z"
	replaced    = "revoked: {at: 2026-11-20T13:00:00Z, reason: rotation}"
	compromised = "revoked: {at: 2026-11-20T13:00:00Z, reason: compromise}"
)

// then is after the old key's end.
var then = now.Add(2 * time.Hour)

// evaluateThen evaluates with the new key after the old one's end.
func (r rotated) evaluateThen(want int) *engine.Evaluation {
	r.t.Helper()
	r.logKey = r.newKey
	return r.evaluate(want, "staging", func(e *engine.EvaluateOptions) { e.Now = then })
}

func (r rotated) verifyThen(want int, record, says string) {
	r.t.Helper()
	v, err := engine.Verify(context.Background(), engine.VerifyOptions{Places: r.places(), Record: r.read(record), Proof: r.read(record + ".tlog-proof"),
		Artifacts: []engine.Artifact{app}, Target: "staging", Now: then.Add(time.Minute)})
	r.must(err)
	last := v.Checks[len(v.Checks)-1]
	if v.ExitCode != want || !strings.Contains(last.Detail, says) {
		r.t.Errorf("verify %s: %d, want %d and %q: %+v", record, v.ExitCode, want, says, v.Checks)
	}
}

// forge adds an entry with a key, which says that it was made at a time.
func (r rotated) forge(key string, former []string, at time.Time) {
	r.t.Helper()
	entry, err := json.Marshal(map[string]any{"type": "signoff", "digest": "sha256:" + strings.Repeat("0", 64), "release": "x", "name": "x", "target": "staging",
		"stage": "activate", "verdict": "approve", "at": at.Format(time.RFC3339)})
	r.must(err)
	_, err = ledger.AppendAfter(context.Background(), r.path("log"), key, former, ledger.Witnesses{}, entry)
	r.must(err)
}

// TestLogKeyRotation: old records stay verifiable with the old key, and new ones need the new.
func TestLogKeyRotation(t *testing.T) {
	for _, ending := range []string{ended, replaced} {
		r := rotate(t, ending)
		r.verifyThen(0, "first.json", "") // before anything is signed with the new key
		ev, err := r.attempt("staging", func(e *engine.EvaluateOptions) { e.Now = then })
		if engine.ExitCode(err) != 64 || ev != nil || !strings.Contains(err.Error(), "use test-log+") {
			t.Errorf("evaluate with the old key after its end: %v", err)
		}
		r.evaluateThen(0)
		r.verifyThen(0, "record.json", "")
		r.verifyThen(0, "first.json", "")
		if _, err := engine.LogList(context.Background(), r.places(), then); err != nil {
			t.Error(err)
		}
		r.logKey = r.old
		if _, err := engine.Sign(context.Background(), engine.SignOptions{Places: r.places(), Release: payments, Verdict: "approve", Signer: r.signers["eva"], LogKey: r.old, Now: then}); engine.ExitCode(err) != 64 {
			t.Errorf("sign off with the old key of the log: %v", err)
		}
	}
	r := rotate(t, ended) // both count until the end
	r.evaluate(0, "staging", nil)
	r.logKey = r.newKey
	r.evaluate(0, "staging", nil)
}

// TestLogKeySwapped: whoever does not have the log's key, or has one that does not count any more, cannot sign a head of it.
func TestLogKeySwapped(t *testing.T) {
	resign := func(r rotated, key string) {
		signer, err := note.NewSigner(key)
		r.must(err)
		text, _, _ := strings.Cut(string(r.read("log/checkpoint")), "\n\n")
		b, err := note.Sign(&note.Note{Text: text + "\n"}, signer)
		r.must(err)
		r.write("log/checkpoint", string(b))
	}
	stranger, _, err := ledger.GenerateKey("test-log")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		ending string
		attack func(rotated)
		code   int
		says   string
	}{
		"twin":                   {ended, func(rotated) {}, 0, ""},
		"signed again, the same": {ended, func(r rotated) { resign(r, r.newKey) }, 0, ""},
		"a stranger's key":       {ended, func(r rotated) { resign(r, stranger) }, 50, "belongs to another key"},
		"the old key":            {ended, func(r rotated) { resign(r, r.old) }, 50, "was valid until"},
		"the old key, revoked":   {replaced, func(r rotated) { resign(r, r.old) }, 50, "was revoked at"},
		"another log":            {ended, func(r rotated) { r.must(os.RemoveAll(r.path("log"))); r.forge(stranger, nil, now) }, 50, "belongs to another key"},
		"an entry with the old":  {ended, func(r rotated) { r.forge(r.old, []string{r.newPub}, then) }, 50, "was valid until"},
		"an entry with the new":  {ended, func(r rotated) { r.forge(r.newKey, nil, then) }, 0, ""},
	} {
		r := rotate(t, c.ending)
		r.evaluateThen(0)
		c.attack(r)
		t.Run(name, func(t *testing.T) { r.t = t; r.verifyThen(c.code, "record.json", c.says) })
	}
}

// TestLogProofOfTheOldKey: whoever has the old key makes a proof for a newer record.
func TestLogProofOfTheOldKey(t *testing.T) {
	for key, want := range map[string]int{"new": 0, "old": 50} {
		r := rotate(t, ended)
		r.evaluateThen(0)
		signer, err := note.NewSigner(map[string]string{"new": r.newKey, "old": r.old}[key])
		r.must(err)
		proof := string(r.read("record.json.tlog-proof"))
		at := strings.Index(proof, "\n\ntest-log\n") + 2
		text, _, _ := strings.Cut(proof[at:], "\n\n")
		b, err := note.Sign(&note.Note{Text: text + "\n"}, signer)
		r.must(err)
		r.write("record.json.tlog-proof", proof[:at]+string(b))
		says := ""
		if want != 0 {
			says = "check log proof: it is signed with key test-log+"
		}
		r.verifyThen(want, "record.json", says)
		// Where the record lies in the future, the times of older entries do not make the old key good.
		v, err := engine.Verify(context.Background(), engine.VerifyOptions{Places: r.places(), Record: r.read("record.json"), Proof: r.read("record.json.tlog-proof"),
			Artifacts: []engine.Artifact{app}, Target: "staging", Now: now})
		r.must(err)
		if last := v.Checks[len(v.Checks)-1]; v.ExitCode == 0 || (last.Name == "log proof") != (key == "old") {
			t.Errorf("signed with the %s key, asked before: %d, %+v", key, v.ExitCode, last)
		}
	}
}

// TestLogKeyCompromised: a head that only a compromised key signed proves nothing; once another key has signed it, older proofs hold.
func TestLogKeyCompromised(t *testing.T) {
	r := rotate(t, compromised)
	r.verifyThen(50, "first.json", "nobody with another key has signed it since")
	r.logKey = r.newKey
	if _, err := r.attempt("staging", func(e *engine.EvaluateOptions) { e.Now = then }); engine.ExitCode(err) != 50 {
		t.Errorf("evaluate: %v", err)
	}
	r = rotate(t, replaced) // the way out that the message names
	r.evaluateThen(0)
	r.write("gate.yaml", strings.NewReplacer("reason: rotation", "reason: compromise", "version: 2", "version: 3").Replace(string(r.read("gate.yaml"))))
	r.signGate()
	r.verifyThen(0, "first.json", "")
	r.verifyThen(0, "record.json", "")
}

// TestLogKeyForgotten: a definition that does not name the key any more cannot verify what it signed.
func TestLogKeyForgotten(t *testing.T) {
	for log, want := range map[string]int{"[{file: log.pub, " + ended + "}, log2.pub]": 0, "log2.pub": 50} {
		r := rotate(t, ended)
		r.evaluateThen(0)
		r.write("gate.yaml", strings.NewReplacer("version: 1", "version: 3", "log: log.pub", "log: "+log).Replace(gateText))
		r.signGate()
		r.verifyThen(want, "first.json", "")
	}
}

// TestLogProofMadeLater: a proof that is made today of an old record is signed with today's key, which was not valid when the
// decision was made.
func TestLogProofMadeLater(t *testing.T) {
	r := rotate(t, ended)
	r.write("gate.yaml", strings.Replace(string(r.read("gate.yaml")), "log2.pub]", "{file: log2.pub, from: 2026-11-20T13:00:00Z}]", 1))
	r.signGate()
	r.forge(r.newKey, []string{strings.TrimSpace(string(r.read("log.pub")))}, then)
	bundle, proof, err := engine.NewestRecord(context.Background(), r.places(), payments, "staging", "activate", then)
	r.must(err)
	r.write("made.json", string(bundle))
	r.write("made.json.tlog-proof", string(proof))
	r.verifyThen(0, "made.json", "")
	r.verifyThen(0, "first.json", "")
}

// TestLogClockAhead: somebody whose clock was months ahead does not make the log unreadable when its key ends.
func TestLogClockAhead(t *testing.T) {
	r := rotate(t, ended)
	r.forge(r.old, []string{r.newPub}, now.Add(60*24*time.Hour))
	r.evaluateThen(0)
	r.verifyThen(0, "record.json", "")
}
