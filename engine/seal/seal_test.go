package seal

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"cdgate.dev/cdgate/engine/fault"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

const artifactHex = "a0cfc71271d6e278e57cd332ff957c3f7043fdda354c4cbb190a30d56efa01bf" // sha256 of the corpus' a.txt

func newSigner(t testing.TB) *Signer {
	t.Helper()
	private, _, err := Generate(nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := LoadSigner("key.pem", private, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func statement(predicate string) Statement {
	return Statement{
		Subject:       []Subject{{Name: "app", Digest: map[string]string{"sha256": artifactHex}}},
		PredicateType: "https://cdgate.dev/tests/v1",
		Predicate:     jsontext.Value(predicate),
	}
}

func sign(t testing.TB, s *Signer, st Statement) []byte {
	t.Helper()
	b, err := s.Sign(st)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// forge signs any bytes: what a holder of a trusted key could write with other tools. edit changes the bundle, or is nil.
func forge(t testing.TB, s *Signer, payload string, edit func(*bundleJSON)) []byte {
	t.Helper()
	b := bundleJSON{MediaType: MediaType}
	b.Material.PublicKey = &hintJSON{Hint: s.KeyID()}
	b.Envelope = &envelopeJSON{
		Payload:     base64.StdEncoding.EncodeToString([]byte(payload)),
		PayloadType: PayloadType,
		Signatures:  []signatureJSON{{Sig: rawSignature(t, s, pae([]byte(payload)))}},
	}
	if edit != nil {
		edit(&b)
	}
	out, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func rawSignature(t testing.TB, s *Signer, message []byte) string {
	t.Helper()
	return base64.StdEncoding.EncodeToString(must(s.sign(message)))
}

func TestSignOpen(t *testing.T) {
	s, other := newSigner(t), newSigner(t)
	bundle := sign(t, s, statement(`{"n": 9007199254740993, "html": "<&>", "u": "é"}`))
	o, err := Open(bundle, other.Public(), s.Public())
	if err != nil {
		t.Fatal(err)
	}
	want := `{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"app","digest":{"sha256":"` + artifactHex +
		`"}}],"predicateType":"https://cdgate.dev/tests/v1","predicate":{"n":9007199254740993,"html":"<&>","u":"é"}}`
	if string(o.Payload) != want {
		t.Errorf("payload\n%s\nwant\n%s", o.Payload, want)
	}
	if got := string(o.Statement.Predicate); !strings.Contains(got, "9007199254740993") {
		t.Errorf("a big number was rounded: %s", got)
	}
	if o.KeyID != s.KeyID() || o.Digest != Digest(bundle) || o.Statement.Subject[0].Digest["sha256"] != artifactHex {
		t.Errorf("opened %+v", o)
	}
	claimed, err := InspectUnsafe(bundle)
	if err != nil || claimed.KeyID != s.KeyID() || !bytes.Equal(claimed.Payload, o.Payload) {
		t.Errorf("InspectUnsafe: %+v, %v", claimed, err)
	}
	if again := sign(t, s, statement(`{"n":9007199254740993,"html":"<&>","u":"é"}`)); !bytes.Equal(again, bundle) {
		t.Errorf("the same statement gave other bytes\n%s\n%s", bundle, again)
	}
	if bytes.ContainsAny(bundle, " \n\t") {
		t.Errorf("bundle is not compact: %s", bundle)
	}
}

func TestDecisionsMayHaveSeveralSubjects(t *testing.T) {
	s := newSigner(t)
	st := statement(`{}`)
	st.Subject = append(st.Subject, Subject{Name: "b", Digest: map[string]string{"gitCommit": artifactHex[:40]}})
	if _, err := s.Sign(st); !errors.Is(err, ErrMalformed) || fault.ClassOf(err) != fault.Record {
		t.Errorf("two subjects were signed for tests: %v", err)
	}
	st.PredicateType = DecisionType
	bundle := sign(t, s, st)
	if o, err := OpenDecision(bundle, s.Public()); err != nil || len(o.Statement.Subject) != 2 {
		t.Errorf("OpenDecision: %v", err)
	}
	if _, err := InspectUnsafe(bundle); err != nil {
		t.Errorf("InspectUnsafe: %v", err)
	}
	if _, err := Open(bundle, s.Public()); !errors.Is(err, ErrMalformed) {
		t.Errorf("Open took two subjects: %v", err)
	}
	if _, err := OpenDecision(sign(t, s, statement(`{}`)), s.Public()); !errors.Is(err, ErrMalformed) {
		t.Errorf("OpenDecision took a tests statement: %v", err)
	}
}

func TestSignRefuses(t *testing.T) {
	s := newSigner(t)
	for name, edit := range map[string]func(*Statement){
		"another type":        func(st *Statement) { st.Type = "x" },
		"no subject":          func(st *Statement) { st.Subject = nil },
		"no predicate":        func(st *Statement) { st.Predicate = nil },
		"duplicate member":    func(st *Statement) { st.Predicate = jsontext.Value(`{"a":1,"a":1}`) },
		"predicate no object": func(st *Statement) { st.Predicate = jsontext.Value(`1`) },
		"no predicate type":   func(st *Statement) { st.PredicateType = "" },
		"bad digest":          func(st *Statement) { st.Subject[0].Digest = map[string]string{"sha256": "x"} },
		"invalid UTF-8":       func(st *Statement) { st.Subject[0].Name = "\xff" },
	} {
		st := statement(`{"a":1}`)
		if _, err := s.Sign(st); err != nil {
			t.Fatalf("%s: twin: %v", name, err)
		}
		edit(&st)
		if b, err := s.Sign(st); err == nil || b != nil || fault.ClassOf(err) != fault.Record {
			t.Errorf("%s: signed, or wrong class: %v", name, err)
		}
	}
	if _, err := (&Signer{}).Sign(statement(`{}`)); err == nil {
		t.Error("the zero signer signs")
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func BenchmarkOpen(b *testing.B) {
	s := newSigner(b)
	bundle := sign(b, s, statement(`{"pad":"`+strings.Repeat("x", 2000)+`"}`))
	keys := []PublicKey{newSigner(b).Public(), newSigner(b).Public(), s.Public()}
	for b.Loop() {
		if _, err := Open(bundle, keys...); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSign(b *testing.B) {
	s := newSigner(b)
	st := statement(`{"pad":"` + strings.Repeat("x", 2000) + `"}`)
	for b.Loop() {
		if _, err := s.Sign(st); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRawVerify(b *testing.B) {
	s := newSigner(b)
	digest := sha256.Sum256([]byte("x"))
	pub := must(s.public.verifier())
	sig := must(s.sign([]byte("x")))
	for b.Loop() {
		ecdsa.VerifyASN1(pub, digest[:], sig)
	}
}
