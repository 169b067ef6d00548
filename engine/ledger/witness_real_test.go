package ledger

import (
	"os"
	"testing"

	"cdgate.dev/cdgate/engine/ledger/ledgertest"
)

// TestRealWitness has a log countersigned by litewitness: it signs what continues the log, and refuses an older copy and a
// log made anew.
func TestRealWitness(t *testing.T) {
	if p := ledgertest.Missing(); p != "" {
		t.Skipf("%s IS NOT ON PATH: no real witness countersigns here (make test-integration builds litewitness; Debian has openssh-client)", p)
	}
	l := newLog(t, 1)
	key, url, stop, err := ledgertest.Litewitness("witness.acme.example/w", l.verifier.Key)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	l.witnesses = Witnesses{Quorum: 1, Of: []Witness{{Key: key, URL: url}}}
	l.verifier.Witnesses = l.witnesses
	r := l.append(t, "countersigned")
	if _, _, err := CheckProof(l.verifier, r.Proof, l.leaves[1]); err != nil || !l.read(t).Witnessed {
		t.Fatal(err)
	}
	if err := os.CopyFS(l.dir+".old", os.DirFS(l.dir)); err != nil {
		t.Fatal(err)
	}
	l.append(t, "third")
	_, err = Append(ctx, l.dir+".old", l.private, l.witnesses, []byte("another third"))
	trustFault(t, "an older copy", err)
	_, err = Append(ctx, newLog(t, 0).dir, l.private, l.witnesses, []byte("a new one"))
	trustFault(t, "a log made anew", err)
	l.append(t, "twin")
}
