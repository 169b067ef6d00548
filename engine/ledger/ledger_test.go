package ledger

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"cdgate.dev/cdgate/engine/fault"
	"golang.org/x/mod/sumdb/note"
)

var ctx = context.Background()

// testLog is a log with its keys and the receipts of what was appended.
type testLog struct {
	dir, private string
	verifier     Verifier
	witnesses    Witnesses // that the log asks when it is appended to
	leaves       [][]byte
	receipts     []*Receipt
}

func newLog(t testing.TB, entries int) *testLog {
	t.Helper()
	private, verifier, err := GenerateKey("log.acme.example/cdgate")
	if err != nil {
		t.Fatal(err)
	}
	l := &testLog{dir: filepath.Join(t.TempDir(), "a", "log"), private: private, verifier: Verifier{Key: verifier}}
	for i := range entries {
		l.append(t, fmt.Sprintf(`{"type":"decision","n":%d}`, i))
	}
	return l
}

func (l *testLog) append(t testing.TB, leaf string) *Receipt {
	t.Helper()
	r, err := Append(ctx, l.dir, l.private, l.witnesses, []byte(leaf))
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
		// A proof under the log's head can be made at any time, and a second implementation takes it.
		made, err := v.Prove(uint64(i))
		if err != nil {
			t.Fatal(err)
		}
		sumdbChecks(t, l.verifier.Key, &Receipt{Index: uint64(i), Size: v.Size, Root: v.Root, Checkpoint: v.Checkpoint, Proof: made}, l.leaves[i])
		index, size, err := CheckProof(l.verifier, r.Proof, l.leaves[i])
		if err != nil || index != uint64(i) || size != r.Size {
			t.Fatalf("proof %d: %d, %d, %v", i, index, size, err)
		}
		sumdbChecks(t, l.verifier.Key, r, l.leaves[i])
	}
	if v.Root != l.receipts[299].Root || !bytes.Equal(v.Checkpoint, l.receipts[299].Checkpoint) {
		t.Errorf("view %s, %s", v.Root, v.Checkpoint)
	}
	fsckFinds(t, l)
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
		if _, err := verifierOf(verifier + "\n"); err != nil {
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
		if _, err := Append(ctx, t.TempDir(), bad, Witnesses{}, []byte("x")); err == nil || fault.ClassOf(err) != fault.Usage {
			t.Errorf("Append with private key %q: %v", bad, err)
		}
	}
	for _, bad := range []string{"", "x", private, verifier + "A", strings.Replace(verifier, "log", "gol", 1)} {
		if _, err := verifierOf(bad); err == nil || fault.ClassOf(err) != fault.Usage {
			t.Errorf("verifier key %q: %v", bad, err)
		}
	}
}

func TestNothingToRead(t *testing.T) {
	l := newLog(t, 0)
	if _, err := Read(ctx, l.dir, l.verifier); !errors.Is(err, ErrNotFound) || fault.ClassOf(err) != fault.Record {
		t.Errorf("no log: %v", err)
	}
	if _, err := Append(ctx, l.dir, l.private, Witnesses{}, nil); err == nil {
		t.Error("an empty leaf was appended")
	}
	if _, err := Append(ctx, l.dir, l.private, Witnesses{}, make([]byte, MaxLeaf+1)); err == nil {
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

func TestAppendRefusesForeignDirectory(t *testing.T) {
	l := newLog(t, 0)
	os.MkdirAll(l.dir, 0o755)
	os.WriteFile(l.path("notes.txt"), nil, 0o644)
	if _, err := Append(ctx, l.dir, l.private, Witnesses{}, []byte("x")); err == nil || fault.ClassOf(err) != fault.Usage || !strings.Contains(err.Error(), "notes.txt") {
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
				r, err := Append(ctx, l.dir, l.private, Witnesses{}, fmt.Appendf(nil, "%d-%d", w, i))
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

func BenchmarkAppend(b *testing.B) {
	l := newLog(b, 1)
	for b.Loop() {
		l.append(b, "leaf")
	}
}
