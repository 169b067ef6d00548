package ledger

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"cdgate.dev/cdgate/engine/fault"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

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

// One signature of the log in its one encoding: what else stands there under its name is not checked, so it may not be there.
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
	verifier, err := verifierOf(l.verifier.Key)
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

func FuzzCheckProof(f *testing.F) {
	// A fixed key: the fuzzer runs in several processes, and all must know the same one.
	seed := bytes.Repeat([]byte{1}, ed25519.SeedSize)
	real, err := note.NewEd25519VerifierKey("log", ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey))
	if err != nil {
		f.Fatal(err)
	}
	private := "PRIVATE+KEY+log+" + strings.Split(real, "+")[1] + "+" + base64.StdEncoding.EncodeToString(append([]byte{1}, seed...))
	dir := filepath.Join(f.TempDir(), "log")
	r, err := Append(ctx, dir, private, Witnesses{}, []byte("leaf"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(r.Proof, []byte("leaf"))
	f.Fuzz(func(t *testing.T, proof, leaf []byte) {
		_, size, err := CheckProof(Verifier{Key: real}, proof, leaf)
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
