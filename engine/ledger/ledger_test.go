package ledger

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"cdgate.dev/cdgate/engine/fault"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

var ctx = context.Background()

// testLog is a log with its keys and the receipts of what was appended.
type testLog struct {
	dir, private, verifier string
	leaves                 [][]byte
	receipts               []*Receipt
}

func newLog(t testing.TB, entries int) *testLog {
	t.Helper()
	private, verifier, err := GenerateKey("log.acme.example/cdgate")
	if err != nil {
		t.Fatal(err)
	}
	l := &testLog{dir: filepath.Join(t.TempDir(), "a", "log"), private: private, verifier: verifier}
	for i := range entries {
		l.append(t, fmt.Sprintf(`{"type":"decision","n":%d}`, i))
	}
	return l
}

func (l *testLog) append(t testing.TB, leaf string) *Receipt {
	t.Helper()
	r, err := Append(ctx, l.dir, l.private, []byte(leaf))
	if err != nil {
		t.Fatal(err)
	}
	l.leaves, l.receipts = append(l.leaves, []byte(leaf)), append(l.receipts, r)
	return r
}

func (l *testLog) read(t testing.TB) *View {
	t.Helper()
	v, err := Read(ctx, l.dir, l.verifier)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func (l *testLog) path(name string) string { return filepath.Join(l.dir, filepath.FromSlash(name)) }

// plainRoot is RFC 6962 section 2.1 in plain words.
func plainRoot(leaves [][]byte) [32]byte {
	switch n := len(leaves); n {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return sha256.Sum256(append([]byte{0}, leaves[0]...))
	default:
		k := 1
		for 2*k < n {
			k *= 2
		}
		left, right := plainRoot(leaves[:k]), plainRoot(leaves[k:])
		return sha256.Sum256(append(append([]byte{1}, left[:]...), right[:]...))
	}
}

func trustFault(t testing.TB, what string, err error) {
	t.Helper()
	if err == nil || fault.ClassOf(err) != fault.Trust {
		t.Errorf("%s: %v (class %v), want a trust fault", what, err, fault.ClassOf(err))
	}
}

// 300 entries: more than one tile and one file of entries.
func TestAppendAndRead(t *testing.T) {
	l := newLog(t, 300)
	v := l.read(t)
	if v.Size != 300 || len(v.Leaves) != 300 {
		t.Fatalf("%d entries, %d leaves", v.Size, len(v.Leaves))
	}
	for i, r := range l.receipts {
		root := plainRoot(l.leaves[:i+1])
		if r.Index != uint64(i) || r.Size != uint64(i)+1 || r.Root != "sha256:"+hex.EncodeToString(root[:]) {
			t.Fatalf("receipt %d: %+v, root %x", i, r, root)
		}
		index, err := v.CheckProof(r.Proof, l.leaves[i])
		if err != nil || index != uint64(i) || !bytes.Equal(v.Leaves[i], l.leaves[i]) {
			t.Fatalf("entry %d: %d, %v", i, index, err)
		}
		index, size, err := CheckProof(l.verifier, r.Proof, l.leaves[i])
		if err != nil || index != uint64(i) || size != r.Size {
			t.Fatalf("proof %d: %d, %d, %v", i, index, size, err)
		}
		sumdbChecks(t, l.verifier, r, l.leaves[i])
	}
	if v.Root != l.receipts[299].Root || !bytes.Equal(v.Checkpoint, l.receipts[299].Checkpoint) {
		t.Errorf("view %s, %s", v.Root, v.Checkpoint)
	}
}

// sumdbChecks reads the proof by hand and checks it with the Go checksum database's code, which shares nothing with ours.
func sumdbChecks(t *testing.T, verifier string, r *Receipt, leaf []byte) {
	t.Helper()
	head, checkpoint, ok := strings.Cut(string(r.Proof), "\n\n")
	lines := strings.Split(head, "\n")
	if !ok || len(lines) < 2 || lines[0] != "c2sp.org/tlog-proof@v1" || lines[1] != fmt.Sprint("index ", r.Index) {
		t.Fatalf("proof is not in the form of c2sp.org/tlog-proof:\n%s", r.Proof)
	}
	v, err := note.NewVerifier(verifier)
	if err != nil {
		t.Fatal(err)
	}
	n, err := note.Open([]byte(checkpoint), note.VerifierList(v))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Split(n.Text, "\n")
	if len(text) != 4 || text[0] != v.Name() {
		t.Fatalf("checkpoint:\n%s", n.Text)
	}
	size, err := strconv.ParseInt(text[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	root, err := tlog.ParseHash(text[2])
	if err != nil {
		t.Fatal(err)
	}
	var proof tlog.RecordProof
	for _, line := range lines[2:] {
		h, err := tlog.ParseHash(line)
		if err != nil {
			t.Fatal(err)
		}
		proof = append(proof, h)
	}
	if err := tlog.CheckRecord(proof, size, root, int64(r.Index), tlog.RecordHash(leaf)); err != nil {
		t.Fatalf("entry %d: %v", r.Index, err)
	}
}

func TestKeys(t *testing.T) {
	for range 50 { // about half of the keys have a plus sign in their base64
		private, verifier, err := GenerateKey("log")
		if err != nil {
			t.Fatal(err)
		}
		if got, err := VerifierKey(" " + private + "\n"); err != nil || got != verifier {
			t.Fatalf("%s, %v, want %s", got, err, verifier)
		}
		if err := CheckVerifierKey(verifier + "\n"); err != nil {
			t.Fatal(err)
		}
	}
	private, verifier, _ := GenerateKey("log")
	for _, name := range []string{"", "a b", "a+b", "a\nb"} {
		if _, _, err := GenerateKey(name); err == nil || fault.ClassOf(err) != fault.Usage {
			t.Errorf("name %q: %v", name, err)
		}
	}
	for _, bad := range []string{"", "x", verifier, private[:len(private)-4], strings.Replace(private, "+log+", "+gol+", 1)} {
		if _, err := VerifierKey(bad); err == nil || fault.ClassOf(err) != fault.Usage || strings.Contains(err.Error(), private[30:40]) {
			t.Errorf("private key %q: %v", bad, err)
		}
		if _, err := Append(ctx, t.TempDir(), bad, []byte("x")); err == nil || fault.ClassOf(err) != fault.Usage {
			t.Errorf("Append with private key %q: %v", bad, err)
		}
	}
	for _, bad := range []string{"", "x", private, verifier + "A", strings.Replace(verifier, "log", "gol", 1)} {
		if err := CheckVerifierKey(bad); err == nil || fault.ClassOf(err) != fault.Usage {
			t.Errorf("verifier key %q: %v", bad, err)
		}
	}
}

func TestCheckProofRefuses(t *testing.T) {
	l, other := newLog(t, 5), newLog(t, 5)
	good, leaf := string(l.receipts[3].Proof), l.leaves[3]
	if _, _, err := CheckProof(l.verifier, []byte(good), leaf); err != nil {
		t.Fatalf("twin: %v", err)
	}
	swap := func(old, new string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("nothing to replace: %q", old)
		}
		return strings.Replace(good, old, new, 1)
	}
	lines := strings.Split(good, "\n")
	zero := base64.StdEncoding.EncodeToString(make([]byte, 32))
	for name, c := range map[string]struct {
		proof string
		leaf  []byte
		class fault.Class
	}{
		"another leaf":           {good, l.leaves[2], fault.Trust},
		"altered leaf":           {good, append(bytes.Clone(leaf), ' '), fault.Trust},
		"no leaf":                {good, nil, fault.Trust},
		"proof of another entry": {string(l.receipts[2].Proof), leaf, fault.Trust},
		"proof of another log":   {string(other.receipts[3].Proof), leaf, fault.Trust},
		"another index":          {swap("index 3", "index 2"), leaf, fault.Trust},
		"index out of range":     {swap("index 3", "index 18446744073709551615"), leaf, fault.Trust},
		"another hash":           {swap(lines[2], zero), leaf, fault.Trust},
		"a hash less":            {swap(lines[2]+"\n", ""), leaf, fault.Trust},
		"a hash more":            {swap(lines[2], lines[2]+"\n"+zero), leaf, fault.Trust},
		"many hashes":            {swap(lines[2], strings.Repeat(zero+"\n", 100)+zero), leaf, fault.Evidence},
		"another size":           {swap("\n4\n", "\n5\n"), leaf, fault.Trust},
		"no signature":           {good[:strings.Index(good, "— ")], leaf, fault.Trust},
		"no checkpoint":          {good[:strings.Index(good, "\n\n")+2], leaf, fault.Trust},
		"padded index":           {swap("index 3", "index 03"), leaf, fault.Evidence},
		"carriage returns":       {strings.ReplaceAll(good, "\n", "\r\n"), leaf, fault.Evidence},
		"trailing line":          {good + "x\n", leaf, fault.Trust},
		"no final line end":      {good[:len(good)-1], leaf, fault.Evidence},
		"another header":         {swap("@v1", "@v2"), leaf, fault.Evidence},
		"empty":                  {"", leaf, fault.Evidence},
		"too big":                {good + strings.Repeat("x", MaxProof), leaf, fault.Evidence},
	} {
		_, _, err := CheckProof(l.verifier, []byte(c.proof), c.leaf)
		if err == nil || fault.ClassOf(err) != c.class {
			t.Errorf("%s: %v (class %v), want class %v", name, err, fault.ClassOf(err), c.class)
		}
		if _, err := l.read(t).CheckProof([]byte(c.proof), c.leaf); err == nil || fault.ClassOf(err) != c.class {
			t.Errorf("%s: View.CheckProof: %v", name, err)
		}
	}
	if _, _, err := CheckProof(other.verifier, []byte(good), leaf); err == nil || fault.ClassOf(err) != fault.Trust {
		t.Errorf("key of another log: %v", err)
	}
}

// One signature in its one encoding: what else stands there is not checked, so it may not be there.
func TestCheckpointSignatures(t *testing.T) {
	l, other := newLog(t, 1), newLog(t, 1)
	good, err := os.ReadFile(l.path("checkpoint"))
	if err != nil {
		t.Fatal(err)
	}
	i := len(good) - len("x=\n") // the last digit carries two bits that decode to nothing
	spare := bytes.Clone(good)
	const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	spare[i] = digits[strings.IndexByte(digits, good[i])^1]
	stranger := other.receipts[0].Checkpoint
	for name, text := range map[string][]byte{
		"spare bits":         spare,
		"second signature":   append(bytes.Clone(good), stranger[bytes.Index(stranger, []byte("\n\n"))+2:]...),
		"signature repeated": append(bytes.Clone(good), good[bytes.Index(good, []byte("\n\n"))+2:]...),
	} {
		if err := os.WriteFile(l.path("checkpoint"), text, 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := Read(ctx, l.dir, l.verifier)
		trustFault(t, name, err)
	}
	if err := os.WriteFile(l.path("checkpoint"), good, 0o644); err != nil {
		t.Fatal(err)
	}
	l.read(t) // twin
}

// Signed by the right key, and still no checkpoint of ours.
func TestCheckpointForm(t *testing.T) {
	l := newLog(t, 1)
	signer, err := note.NewSigner(l.private)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := verifierOf(l.verifier)
	if err != nil {
		t.Fatal(err)
	}
	root := plainRoot(l.leaves)
	good := fmt.Sprintf("%s\n1\n%s\n", verifier.Name(), base64.StdEncoding.EncodeToString(root[:]))
	for name, c := range map[string]struct {
		text string
		ok   bool
	}{
		"twin":           {good, true},
		"extension line": {good + "extra\n", false},
		"another origin": {"x" + good, false},
		"padded size":    {strings.Replace(good, "\n1\n", "\n01\n", 1), false},
		"short root":     {strings.Replace(good, base64.StdEncoding.EncodeToString(root[:]), "AAAA", 1), false},
		"negative size":  {strings.Replace(good, "\n1\n", "\n-1\n", 1), false},
	} {
		signed, err := note.Sign(&note.Note{Text: c.text}, signer)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(l.path("checkpoint"), signed, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(ctx, l.dir, l.verifier); (err == nil) != c.ok || (err != nil && fault.ClassOf(err) != fault.Trust) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNothingToRead(t *testing.T) {
	l := newLog(t, 0)
	if _, err := Read(ctx, l.dir, l.verifier); !errors.Is(err, ErrNotFound) || fault.ClassOf(err) != fault.Record {
		t.Errorf("no log: %v", err)
	}
	if _, err := Append(ctx, l.dir, l.private, nil); err == nil {
		t.Error("an empty leaf was appended")
	}
	if _, err := Append(ctx, l.dir, l.private, make([]byte, MaxLeaf+1)); err == nil {
		t.Error("a leaf over the limit was appended")
	}
	if _, err := os.Stat(l.dir); err == nil {
		t.Error("a refused leaf made a log")
	}
	l.append(t, "first")
	l.append(t, strings.Repeat("x", MaxLeaf)) // twin
	if l.read(t).Size != 2 {
		t.Error("two entries were appended")
	}
	empty := newLog(t, 0)
	signer, _ := note.NewSigner(empty.private)
	none := sha256.Sum256(nil)
	signed, _ := note.Sign(&note.Note{Text: fmt.Sprintf("%s\n0\n%s\n", signer.Name(), base64.StdEncoding.EncodeToString(none[:]))}, signer)
	os.MkdirAll(empty.dir, 0o755)
	os.WriteFile(empty.path("checkpoint"), signed, 0o644)
	if _, err := Read(ctx, empty.dir, empty.verifier); !errors.Is(err, ErrEmpty) {
		t.Errorf("empty log: %v", err)
	}
}

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
		_, err := Append(ctx, l.dir, l.private, []byte("next"))
		trustFault(t, name, err)
		if after := listing(t, l.dir); after != before {
			t.Errorf("%s: the log was written to:\n%s\nbefore:\n%s", name, after, before)
		}
		copyDir(t, keep, l.dir)
	}
	_, err := Append(ctx, l.dir, stranger.private, []byte("next"))
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

func TestAppendRefusesForeignDirectory(t *testing.T) {
	l := newLog(t, 0)
	os.MkdirAll(l.dir, 0o755)
	os.WriteFile(l.path("notes.txt"), nil, 0o644)
	if _, err := Append(ctx, l.dir, l.private, []byte("x")); err == nil || fault.ClassOf(err) != fault.Usage || !strings.Contains(err.Error(), "notes.txt") {
		t.Errorf("a directory with other files: %v", err)
	}
	os.Remove(l.path("notes.txt"))
	l.append(t, "x") // twin
}

func TestGoroutinesAppendAtOnce(t *testing.T) {
	l := newLog(t, 0)
	const writers, each = 8, 5
	var wg sync.WaitGroup
	receipts := make([][]*Receipt, writers)
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				r, err := Append(ctx, l.dir, l.private, fmt.Appendf(nil, "%d-%d", w, i))
				if err != nil {
					t.Error(err)
					return
				}
				receipts[w] = append(receipts[w], r)
			}
		})
	}
	wg.Wait()
	v := l.read(t)
	if v.Size != writers*each {
		t.Errorf("%d entries, want %d", v.Size, writers*each)
	}
	for w := range receipts {
		for i, r := range receipts[w] {
			if _, err := v.CheckProof(r.Proof, fmt.Appendf(nil, "%d-%d", w, i)); err != nil {
				t.Errorf("entry %d-%d: %v", w, i, err)
			}
		}
	}
}

func FuzzCheckProof(f *testing.F) {
	// A fixed key: the fuzzer runs in several processes, and all must know the same one.
	seed := bytes.Repeat([]byte{1}, ed25519.SeedSize)
	real, err := note.NewEd25519VerifierKey("log", ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey))
	if err != nil {
		f.Fatal(err)
	}
	private := "PRIVATE+KEY+log+" + strings.Split(real, "+")[1] + "+" + base64.StdEncoding.EncodeToString(append([]byte{1}, seed...))
	dir := filepath.Join(f.TempDir(), "log")
	r, err := Append(ctx, dir, private, []byte("leaf"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(r.Proof, []byte("leaf"))
	f.Fuzz(func(t *testing.T, proof, leaf []byte) {
		_, size, err := CheckProof(real, proof, leaf)
		if err == nil && (size != 1 || string(leaf) != "leaf") {
			t.Errorf("proved %q with\n%s", leaf, proof)
		}
	})
}

func BenchmarkCheckProof(b *testing.B) {
	l := newLog(b, 20)
	for b.Loop() {
		if _, _, err := CheckProof(l.verifier, l.receipts[19].Proof, l.leaves[19]); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	l := newLog(b, 1)
	for b.Loop() {
		l.append(b, "leaf")
	}
}
