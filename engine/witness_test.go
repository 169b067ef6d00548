package engine_test

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"cdgate.dev/cdgate/engine"
	"cdgate.dev/cdgate/engine/ledger/ledgertest"
)

// TestWitnessedSince: the witness that a version of the gate definition named is wanted under the next one too, before anything was
// decided under that; and nobody asks one that only a checkout names.
func TestWitnessedSince(t *testing.T) {
	if p := ledgertest.Missing(); p != "" {
		t.Skipf("%s IS NOT ON PATH: no real witness countersigns here (make test-integration builds litewitness; Debian has openssh-client)", p)
	}
	o := newOrg(t, gateText)
	o.collect(nil, allGood...)
	key, url, stop, err := ledgertest.Litewitness("witness.acme.example/w", strings.TrimSpace(string(o.read("log.pub"))))
	o.must(err)
	t.Cleanup(stop)
	o.write("witness.pub", key+"\n")
	text := strings.Replace(gateText, "log: log.pub\n", "log: log.pub\nwitnesses: {quorum: 1, of: [{key: witness.pub, url: \""+url+"\"}]}\n", 1)
	o.write("gate.yaml", strings.Replace(text, "version: 1", "version: 2", 1))
	o.signGate()
	pin := o.signers["root"].Public().Fingerprint()
	pinned := func(e *engine.EvaluateOptions) { e.Root = pin }
	if _, err := o.attempt("staging", func(e *engine.EvaluateOptions) { e.Root = "" }); engine.ExitCode(err) != 64 || !strings.Contains(err.Error(), "--root") {
		t.Errorf("a witness is asked that only the checkout names: %v", err)
	}
	o.evaluate(0, "staging", pinned)
	o.write("gate.yaml", strings.Replace(text, "version: 1", "version: 3", 1)+"# a remark\n")
	o.signGate()

	read := func() error {
		p := o.places()
		p.Root = pin
		_, err := engine.LogList(context.Background(), p, now)
		return err
	}
	o.must(read())
	kept := o.read("log/checkpoint")
	i := bytes.Index(kept, []byte("\n\n"))
	signer, err := note.NewSigner(o.logKey)
	o.must(err)
	alone, err := note.Sign(&note.Note{Text: string(kept[:i+1])}, signer)
	o.must(err)
	o.write("log/checkpoint", string(alone))
	if err := read(); engine.ExitCode(err) != 50 || !strings.Contains(err.Error(), "not countersigned") {
		t.Errorf("a head that the witness did not see: %v", err)
	}
	o.write("log/checkpoint", string(kept))
	o.must(read()) // the twin
}
