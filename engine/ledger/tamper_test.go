package ledger

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cdgate.dev/cdgate/engine/fault"
)

// Every bit of every file of a small log: reading and holding a kept proof against it never succeeds with other content,
// and every bit of the checkpoint and of the entries in use is found.
func TestEveryFlippedBitIsFound(t *testing.T) {
	l := newLog(t, 3)
	check := func() (string, error) {
		v, err := Read(ctx, l.dir, l.verifier)
		if err != nil {
			return "", err
		}
		_, err = v.CheckProof(l.receipts[1].Proof, l.leaves[1])
		return fmt.Sprintf("%s %s %q", v.Root, v.Checkpoint, v.Leaves), err
	}
	good, err := check()
	if err != nil {
		t.Fatalf("twin: %v", err)
	}
	used := 0
	err = filepath.WalkDir(l.dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		mustFind := path == l.path("checkpoint") || path == l.path("tile/entries/000.p/3")
		if mustFind {
			used++
		}
		for i := range text {
			for bit := range 8 {
				bad := bytes.Clone(text)
				bad[i] ^= 1 << bit
				if err := os.WriteFile(path, bad, 0o644); err != nil {
					return err
				}
				got, err := check()
				if err == nil && got != good {
					t.Errorf("%s byte %d bit %d: other content was read", path, i, bit)
				}
				if mustFind && (err == nil || fault.ClassOf(err) != fault.Trust) {
					t.Errorf("%s byte %d bit %d: %v", path, i, bit, err)
				}
			}
		}
		return os.WriteFile(path, text, 0o644)
	})
	if err != nil || used != 2 {
		t.Errorf("%d files in use were altered, want 2 (%v)", used, err)
	}
	if again, err := check(); err != nil || again != good {
		t.Errorf("twin at the end: %v", err)
	}
}

func copyDir(t testing.TB, from, to string) {
	t.Helper()
	if err := os.RemoveAll(to); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

func TestDeletedRolledBackForked(t *testing.T) {
	l := newLog(t, 3)
	old := filepath.Join(t.TempDir(), "old")
	copyDir(t, l.dir, old)
	l.append(t, "fourth")
	l.append(t, "fifth")
	v := l.read(t)
	for i, r := range l.receipts {
		if _, err := v.CheckProof(r.Proof, l.leaves[i]); err != nil {
			t.Fatalf("twin: %v", err)
		}
	}
	copyDir(t, old, l.dir)
	v = l.read(t)
	if _, err := v.CheckProof(l.receipts[2].Proof, l.leaves[2]); err != nil {
		t.Errorf("an entry from before the copy: %v", err)
	}
	for i := 3; i < 5; i++ {
		_, err := v.CheckProof(l.receipts[i].Proof, l.leaves[i])
		trustFault(t, "rolled back", err)
	}
	forked := *l
	forked.append(t, "another fourth")
	forked.append(t, "another fifth")
	forked.append(t, "another sixth")
	v = l.read(t)
	for i := 3; i < 5; i++ {
		_, err := v.CheckProof(l.receipts[i].Proof, l.leaves[i])
		trustFault(t, "forked", err)
	}
	if _, err := v.CheckProof(forked.receipts[6].Proof, forked.leaves[6]); err != nil {
		t.Errorf("twin: an entry of the fork itself: %v", err)
	}
	os.RemoveAll(l.dir)
	if _, err := Read(ctx, l.dir, l.verifier); !errors.Is(err, ErrNotFound) {
		t.Errorf("deleted: %v", err)
	}
	fresh := *l
	fresh.append(t, "a new beginning")
	_, err := l.read(t).CheckProof(l.receipts[0].Proof, l.leaves[0])
	trustFault(t, "deleted and begun again", err)
}

// Append must not put its signature under a log that was altered.
func TestAppendRefusesAnAlteredLog(t *testing.T) {
	l := newLog(t, 5)
	stranger := newLog(t, 0)
	keep := filepath.Join(t.TempDir(), "keep")
	copyDir(t, l.dir, keep)
	flip := func(name string, at int) func() {
		return func() {
			text, err := os.ReadFile(l.path(name))
			if err != nil {
				t.Fatal(err)
			}
			text[at] ^= 1
			if err := os.WriteFile(l.path(name), text, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	remove := func(name string) func() { return func() { os.RemoveAll(l.path(name)) } }
	older := filepath.Join(t.TempDir(), "older")
	short := newLog(t, 0)
	short.private, short.verifier = l.private, l.verifier
	for i := range 3 {
		short.append(t, string(l.leaves[i]))
	}
	copyDir(t, short.dir, older)
	for name, damage := range map[string]func(){
		"tile":                flip("tile/0/000.p/5", 40),
		"last entries":        flip("tile/entries/000.p/5", 10),
		"checkpoint":          flip("checkpoint", 30),
		"tree state root":     flip(".state/treeState", 25),
		"tree state size":     func() { rewrite(t, l.path(".state/treeState"), `"size":5`, `"size":4`) },
		"no tree state":       remove(".state/treeState"),
		"no state at all":     remove(".state"),
		"no checkpoint":       remove("checkpoint"),
		"no tiles":            remove("tile/0"),
		"no entries":          remove("tile/entries"),
		"only tiles are left": func() { os.RemoveAll(l.path(".state")); os.Remove(l.path("checkpoint")) },
		"older tree state":    func() { copyFile(t, filepath.Join(older, ".state/treeState"), l.path(".state/treeState")) },
	} {
		damage()
		before := listing(t, l.dir)
		_, err := Append(ctx, l.dir, l.private, Witnesses{}, []byte("next"))
		trustFault(t, name, err)
		if after := listing(t, l.dir); after != before {
			t.Errorf("%s: the log was written to:\n%s\nbefore:\n%s", name, after, before)
		}
		copyDir(t, keep, l.dir)
	}
	_, err := Append(ctx, l.dir, stranger.private, Witnesses{}, []byte("next"))
	trustFault(t, "key of another log", err)
	l.append(t, "next") // twin
	if l.read(t).Size != 6 {
		t.Error("the twin is not there")
	}
}

func rewrite(t testing.TB, path, old, new string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil || !bytes.Contains(text, []byte(old)) {
		t.Fatalf("nothing to replace in %s: %s, %v", path, text, err)
	}
	if err := os.WriteFile(path, bytes.Replace(text, []byte(old), []byte(new), 1), 0o644); err != nil {
		t.Fatal(err)
	}
}

func copyFile(t testing.TB, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, text, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// listing is every file with its hash, but for locks.
func listing(t testing.TB, dir string) string {
	t.Helper()
	var out strings.Builder
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(path, ".lock") {
			return err
		}
		text, err := os.ReadFile(path)
		fmt.Fprintf(&out, "%s %x\n", path, sha256.Sum256(text))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}
