package ledger

import (
	"bytes"
	"os"
	"testing"

	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/fsck"
	"golang.org/x/mod/sumdb/note"
)

// fsckChecks has Tessera's own checker read a whole log: every entry, every tile and the checkpoint.
func fsckChecks(t *testing.T, l *testLog) error {
	t.Helper()
	v, err := note.NewVerifier(l.verifier.Key)
	if err != nil {
		t.Fatal(err)
	}
	hashes := func(entries []byte) ([][]byte, error) {
		var b api.EntryBundle
		if err := b.UnmarshalText(entries); err != nil {
			return nil, err
		}
		out := make([][]byte, len(b.Entries))
		for i, leaf := range b.Entries {
			out[i] = rfc6962.DefaultHasher.HashLeaf(leaf)
		}
		return out, nil
	}
	return fsck.New(v.Name(), v, client.FileFetcher{Root: l.dir}, hashes, fsck.Opts{N: 8}).Check(ctx) // a worker ends at its first error
}

// fsckFinds wants it to accept a log of 300 entries, which is more than one tile, and to refuse it with one byte of any part changed.
func fsckFinds(t *testing.T, l *testLog) {
	t.Helper()
	if err := fsckChecks(t, l); err != nil {
		t.Errorf("fsck refuses a good log: %v", err)
	}
	for _, name := range []string{"checkpoint", "tile/entries/000", "tile/entries/001.p/44", "tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1"} {
		good, err := os.ReadFile(l.path(name))
		if err != nil {
			t.Fatal(err)
		}
		bad := bytes.Clone(good)
		bad[len(bad)/2] ^= 1
		if err := os.WriteFile(l.path(name), bad, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := fsckChecks(t, l); err == nil {
			t.Errorf("fsck finds nothing with a byte of %s changed", name)
		}
		if err := os.WriteFile(l.path(name), good, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
