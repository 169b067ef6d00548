package ledger

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/ledger/ledgertest"
	"github.com/transparency-dev/formats/log"
	cosignature "github.com/transparency-dev/formats/note"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
)

// testWitness is a witness (c2sp.org/tlog-witness) in this process: it signs what continues what it signed last. The real one
// is in TestRealWitness.
type testWitness struct {
	signer note.Signer
	key    string // verifier key
	url    string
	log    note.Verifier
	answer func(w http.ResponseWriter) bool // instead of an honest one

	mu   sync.Mutex
	size uint64
	root []byte
}

func newWitness(t *testing.T, name string, l *testLog) *testWitness {
	t.Helper()
	private, _, err := note.GenerateKey(nil, name)
	if err != nil {
		t.Fatal(err)
	}
	s, err := cosignature.NewSignerForCosignatureV1(private)
	if err != nil {
		t.Fatal(err)
	}
	v, err := verifierOf(l.verifier.Key)
	if err != nil {
		t.Fatal(err)
	}
	w := &testWitness{signer: s, log: v}
	w.key = cosignatureKey(t, name, private)
	server := httptest.NewServer(w)
	t.Cleanup(server.Close)
	w.url = server.URL
	return w
}

// cosignatureKey is the verifier key of type 0x04 of a private note key.
func cosignatureKey(t *testing.T, name, private string) string {
	t.Helper()
	plain, err := VerifierKey(private)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := base64.StdEncoding.DecodeString(strings.SplitN(plain, "+", 3)[2])
	if err != nil {
		t.Fatal(err)
	}
	return ledgertest.CosignatureKey(name, raw[1:])
}

func (w *testWitness) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.answer != nil && w.answer(rw) {
		return
	}
	body, _ := io.ReadAll(r.Body)
	head, text, _ := bytes.Cut(body, []byte("\n\n"))
	lines := strings.Split(string(head), "\n")
	old, err := strconv.ParseUint(strings.TrimPrefix(lines[0], "old "), 10, 64)
	cp, _, n, err2 := log.ParseCheckpoint(text, w.log.Name(), w.log)
	if err != nil || err2 != nil || r.URL.Path != "/add-checkpoint" {
		rw.WriteHeader(http.StatusForbidden)
		return
	}
	if old != w.size {
		rw.Header().Set("Content-Type", "text/x.tlog.size")
		rw.WriteHeader(http.StatusConflict)
		fmt.Fprintln(rw, w.size)
		return
	}
	var hashes [][]byte
	for _, l := range lines[1:] {
		h, _ := base64.StdEncoding.DecodeString(l)
		hashes = append(hashes, h)
	}
	if old > 0 && proof.VerifyConsistency(rfc6962.DefaultHasher, old, cp.Size, hashes, w.root, cp.Hash) != nil {
		rw.WriteHeader(http.StatusUnprocessableEntity)
		return
	}
	signed, err := note.Sign(&note.Note{Text: n.Text}, w.signer)
	if err != nil {
		rw.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.size, w.root = cp.Size, cp.Hash
	_, _ = rw.Write(signed[len(n.Text)+1:])
}

// witness gives the log witnesses, of which quorum must sign.
func (l *testLog) witness(quorum int, of ...*testWitness) {
	w := Witnesses{Quorum: quorum}
	for _, one := range of {
		w.Of = append(w.Of, Witness{Key: one.key, URL: one.url})
	}
	l.witnesses, l.verifier.Witnesses = w, w
}

// without is a text without the lines that hold a part.
func without(text []byte, part string) []byte {
	var b strings.Builder
	for line := range strings.Lines(string(text)) {
		if !strings.Contains(line, part) {
			b.WriteString(line)
		}
	}
	return []byte(b.String())
}

func TestWitnesses(t *testing.T) {
	l := newLog(t, 2)
	one, two, three := newWitness(t, "one", l), newWitness(t, "two", l), newWitness(t, "three", l)
	if v := l.read(t); !v.Witnessed {
		t.Error("no witness is wanted, and one is missed")
	}
	l.witness(2, one, two, three)
	if v := l.read(t); v.Witnessed {
		t.Error("nobody countersigned, and the log calls itself witnessed")
	}
	_, _, err := CheckProof(l.verifier, l.receipts[1].Proof, l.leaves[1])
	trustFault(t, "a proof from before", err)

	three.answer = func(w http.ResponseWriter) bool { w.WriteHeader(http.StatusServiceUnavailable); return true }
	r := l.append(t, "with two of three")
	if v := l.read(t); !v.Witnessed {
		t.Error("two countersigned, and the log does not call itself witnessed")
	}
	if index, size, err := CheckProof(l.verifier, r.Proof, l.leaves[2]); err != nil || index != 2 || size != 3 {
		t.Errorf("%d, %d, %v", index, size, err)
	}
	if n := bytes.Count(r.Proof, []byte("— ")); n != 3 {
		t.Errorf("%d signatures in\n%s", n, r.Proof)
	}
	// Whoever names fewer witnesses, or none, reads it too: what others countersigned does not count and does not disturb.
	for _, w := range []Witnesses{{}, {Quorum: 1, Of: l.witnesses.Of[:1]}} {
		if _, _, err := CheckProof(Verifier{Key: l.verifier.Key, Witnesses: w}, r.Proof, l.leaves[2]); err != nil {
			t.Error(err)
		}
	}

	stranger := newWitness(t, "stranger", l)
	namesake := newWitness(t, "two", l)
	line := func(w *testWitness) string {
		n := string(r.Checkpoint[:bytes.Index(r.Checkpoint, []byte("\n\n"))+1])
		signed, err := note.Sign(&note.Note{Text: n}, w.signer)
		if err != nil {
			t.Fatal(err)
		}
		return string(signed[len(n)+1:])
	}
	only := without(r.Proof, "— two ")
	i := bytes.Index(r.Proof, []byte("— two ")) + len("— two ") + 30
	flipped := bytes.Clone(r.Proof)
	flipped[i] ^= 1
	elsewhere := newLog(t, 3) // another log has it countersigned by the same witness
	e := newWitness(t, "two", elsewhere)
	e.signer, e.key = two.signer, two.key
	elsewhere.witness(1, e)
	foreign := elsewhere.append(t, "x").Proof
	moved := append(bytes.Clone(only), foreign[bytes.Index(foreign, []byte("— two ")):]...)
	for name, proof := range map[string][]byte{
		"one of two":                      only,
		"none":                            without(only, "— one "),
		"one and a stranger":              append(bytes.Clone(only), line(stranger)...),
		"one and a namesake":              append(bytes.Clone(only), line(namesake)...),
		"one twice":                       append(bytes.Clone(only), line(one)...),
		"an altered one":                  flipped,
		"one of another log":              moved,
		"the log's own signature is gone": without(r.Proof, "— log."),
		"more than there can be":          append(bytes.Clone(r.Proof), strings.Repeat(line(stranger), MaxWitnesses)...),
		"the log's signature behind":      append(without(r.Proof, "— log."), r.Proof[bytes.Index(r.Proof, []byte("— log.")):bytes.Index(r.Proof, []byte("— one "))]...),
	} {
		if bytes.Equal(proof, r.Proof) {
			t.Errorf("%s: nothing was changed", name)
		}
		_, _, err := CheckProof(l.verifier, proof, l.leaves[2])
		trustFault(t, name, err)
	}
	// Twins: the right ones, also with a stranger's beside them.
	for name, proof := range map[string][]byte{
		"put together again": append(bytes.Clone(only), line(two)...),
		"and a stranger":     append(bytes.Clone(r.Proof), line(stranger)...),
	} {
		if _, _, err := CheckProof(l.verifier, proof, l.leaves[2]); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A log that is not the one its witness knows is not written on, and what is written stays without a checkpoint until a
// quorum signs.
func TestWitnessRefuses(t *testing.T) {
	l := newLog(t, 1)
	w := newWitness(t, "witness", l)
	l.witness(1, w)
	l.append(t, "first")
	if err := os.CopyFS(l.dir+".old", os.DirFS(l.dir)); err != nil {
		t.Fatal(err)
	}
	l.append(t, "second")
	l.append(t, "third")

	old := *l
	old.dir = l.dir + ".old"
	_, err := Append(ctx, old.dir, l.private, l.witnesses, []byte("another second"))
	trustFault(t, "an older copy", err)
	if !strings.Contains(err.Error(), "rolled back") {
		t.Error(err)
	}
	fork := newLog(t, 0)
	fork.private, fork.verifier, fork.witnesses = l.private, l.verifier, l.witnesses
	_, err = Append(ctx, fork.dir, l.private, l.witnesses, []byte("a new one"))
	trustFault(t, "a log made anew", err)

	for name, c := range map[string]struct {
		answer func(w http.ResponseWriter) bool
		says   string
	}{
		"does not know the log": {func(w http.ResponseWriter) bool { w.WriteHeader(http.StatusNotFound); return true }, "verifier key"},
		"is broken":             {func(w http.ResponseWriter) bool { w.WriteHeader(http.StatusInternalServerError); return true }, "HTTP 500"},
		"sends elsewhere": {func(w http.ResponseWriter) bool {
			w.Header().Set("Location", "http://127.0.0.1:1/")
			w.WriteHeader(http.StatusTemporaryRedirect)
			return true
		}, "HTTP 307"},
	} {
		w.mu.Lock()
		w.answer = c.answer
		w.mu.Unlock()
		_, err := Append(ctx, l.dir, l.private, l.witnesses, []byte(name))
		if fault.ClassOf(err) != fault.Record || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), strings.TrimPrefix(w.url, "http://")) {
			t.Errorf("%s: %v", name, err)
		}
		if v := l.read(t); v.Size != 4 || !v.Witnessed {
			t.Errorf("%s: a checkpoint of %d entries was published", name, v.Size)
		}
	}
	w.mu.Lock()
	w.answer = nil
	w.mu.Unlock()
	r, err := Append(ctx, l.dir, l.private, l.witnesses, []byte("fourth"))
	if err != nil {
		t.Fatalf("twin: %v", err)
	}
	if _, _, err := CheckProof(l.verifier, r.Proof, []byte("fourth")); err != nil {
		t.Error(err)
	}
}

func TestWitnessKeys(t *testing.T) {
	l := newLog(t, 1)
	w := newWitness(t, "witness", l)
	log := Witness{Key: l.verifier.Key, URL: w.url}
	good := Witness{Key: w.key, URL: w.url}
	for name, c := range map[string]Witnesses{
		"more than there are": {2, []Witness{good}},
		"fewer than none":     {-1, []Witness{good}},
		"a key twice":         {1, []Witness{good, good}},
		"a key of a log":      {1, []Witness{log}},
		"no key":              {1, []Witness{{Key: "x", URL: w.url}}},
		"no address":          {1, []Witness{{Key: w.key, URL: "witness.example"}}},
		"another scheme":      {1, []Witness{{Key: w.key, URL: "file:///etc/passwd"}}},
	} {
		if _, err := Append(ctx, l.dir, l.private, c, []byte("x")); fault.ClassOf(err) != fault.Usage {
			t.Errorf("%s: %v", name, err)
		}
	}
	l.witness(1, w)
	l.append(t, "twin")
}
