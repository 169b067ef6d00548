package seal

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/asn1"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"cdgate.dev/cdgate/engine/seal/sealtest"
)

const provenanceV1 = "https://slsa.dev/provenance/v1"

// foreignPayload is a statement as another tool may write it, with two subjects.
func foreignPayload(edit ...string) string {
	return strings.NewReplacer(edit...).Replace(`{"_type":"https://in-toto.io/Statement/v0.1","predicateType":"` + provenanceV1 +
		`","subject":[{"name":"other","digest":{"sha512":"ab","sha256":"` + strings.Repeat("b", 64) + `"}},{"name":"app","uri":"pkg:oci/app","digest":{"sha256":"` +
		artifactHex + `"}}],"predicate":{"a":1}}`)
}

// bare is an envelope alone; sig gives its signature.
func bare(t testing.TB, payload string, sig []byte, edit func(*envelopeJSON)) []byte {
	t.Helper()
	e := envelopeJSON{
		Payload: base64.StdEncoding.EncodeToString([]byte(payload)), PayloadType: PayloadType,
		Signatures: []signatureJSON{{Sig: base64.StdEncoding.EncodeToString(sig), KeyID: "projects/x/cryptoKeys/y"}},
	}
	if edit != nil {
		edit(&e)
	}
	return must(json.Marshal(e))
}

// p1363 is an ASN.1 signature as r and s of 32 bytes each.
func p1363(t testing.TB, sig []byte) []byte {
	t.Helper()
	var rs struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(sig, &rs); err != nil {
		t.Fatal(err)
	}
	out := make([]byte, 64)
	rs.R.FillBytes(out[:32])
	rs.S.FillBytes(out[32:])
	return out
}

func TestOpenAttestationOfKeys(t *testing.T) {
	s, other := newSigner(t), newSigner(t)
	keys := Trust{Keys: []PublicKey{other.Public(), s.Public()}}
	good := foreignPayload()
	signed := func(payload string) []byte { return bare(t, payload, must(s.sign(pae([]byte(payload)))), nil) }
	edited := func(edit func(*envelopeJSON)) []byte { return bare(t, good, must(s.sign(pae([]byte(good)))), edit) }
	inBundle := func(edit func(*bundleJSON)) []byte { return forge(t, s, good, edit) }
	for name, c := range map[string]struct {
		text []byte
		want error
	}{
		"an envelope":  {signed(good), nil},
		"Statement v1": {signed(foreignPayload("Statement/v0.1", "Statement/v1")), nil},
		"r and s":      {bare(t, good, p1363(t, must(s.sign(pae([]byte(good))))), nil), nil},
		"base64 for URLs": {edited(func(e *envelopeJSON) {
			e.Signatures[0].Sig = strings.NewReplacer("+", "-", "/", "_").Replace(e.Signatures[0].Sig)
		}), nil},
		"a line of JSON lines":                {append(signed(good), '\n'), nil},
		"a bundle":                            {inBundle(nil), nil},
		"a bundle v0.1":                       {inBundle(func(b *bundleJSON) { b.MediaType = bundleVersions[0] }), nil},
		"a bundle that names the key its way": {inBundle(func(b *bundleJSON) { b.Material.PublicKey.Hint = "SHA256:x" }), nil},

		"unsigned":                  {edited(func(e *envelopeJSON) { e.Signatures = nil }), ErrMalformed},
		"an empty signature":        {edited(func(e *envelopeJSON) { e.Signatures[0].Sig = "" }), ErrMalformed},
		"a statement alone":         {[]byte(good), ErrMalformed},
		"two signatures":            {edited(func(e *envelopeJSON) { e.Signatures = append(e.Signatures, e.Signatures[0]) }), ErrMalformed},
		"signed by nobody we know":  {bare(t, good, must(newSigner(t).sign(pae([]byte(good)))), nil), ErrUnknownKey},
		"r and s of zero":           {bare(t, good, make([]byte, 64), nil), ErrUnknownKey},
		"r and s cut off":           {bare(t, good, p1363(t, must(s.sign(pae([]byte(good)))))[:63], nil), ErrUnknownKey},
		"another payload":           {edited(func(e *envelopeJSON) { e.Payload = base64.StdEncoding.EncodeToString([]byte(good + " ")) }), ErrUnknownKey},
		"a forged hint":             {forge(t, newSigner(t), good, func(b *bundleJSON) { b.Material.PublicKey.Hint = s.KeyID() }), ErrSignature},
		"another payload type":      {edited(func(e *envelopeJSON) { e.PayloadType = "text/plain" }), ErrMalformed},
		"a foreign _type":           {signed(foreignPayload("in-toto.io/Statement/v0.1", "in-toto.io/Statement/v9")), ErrMalformed},
		"no _type":                  {signed(foreignPayload(`"_type":"https://in-toto.io/Statement/v0.1",`, "")), ErrMalformed},
		"predicate_type":            {signed(foreignPayload("predicateType", "predicate_type")), ErrMalformed},
		"both predicate types":      {signed(foreignPayload(`"predicateType"`, `"predicate_type":"x","predicateType"`)), ErrMalformed},
		"a subject in another case": {signed(foreignPayload(`"subject"`, `"Subject":[],"subject"`)), ErrMalformed},
		"a member twice":            {signed(foreignPayload(`{"a":1}`, `{"a":1,"a":2}`)), ErrMalformed},
		"the subject twice":         {signed(foreignPayload(`"subject"`, `"subject":[],"subject"`)), ErrMalformed},
		"no subject":                {signed(foreignPayload(`"subject":[`, `"subject":[],"x":[`)), ErrMalformed},
		"a subject without digest":  {signed(foreignPayload(`"digest":{"sha512":"ab","sha256":"`+strings.Repeat("b", 64)+`"}`, `"digest":{}`)), ErrMalformed},
		"a digest in upper case":    {signed(foreignPayload(strings.Repeat("b", 64), strings.Repeat("B", 64))), ErrMalformed},
		"no predicate":              {signed(foreignPayload(`{"a":1}`, `null`)), ErrMalformed},
		"bytes behind":              {append(signed(good), "{}"...), ErrMalformed},
		"a bundle v0.4":             {inBundle(func(b *bundleJSON) { b.MediaType = "application/vnd.dev.sigstore.bundle.v0.4+json" }), ErrMalformed},
		"a bundle without signer":   {inBundle(func(b *bundleJSON) { b.Material.PublicKey = nil }), ErrMalformed},
		"a member in another case":  {[]byte(strings.Replace(string(signed(good)), `"signatures"`, `"Signatures":[],"signatures"`, 1)), ErrMalformed},
		"a bundle in snake case":    {[]byte(strings.Replace(string(inBundle(nil)), "dsseEnvelope", "dsse_envelope", 1)), ErrMalformed},
		"nothing":                   {nil, ErrMalformed},
	} {
		a, err := keys.OpenAttestation(c.text)
		if !errors.Is(err, c.want) || (c.want == nil) != (err == nil) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
			continue
		}
		if err == nil && (a.Signatory != Signatory{KeyID: s.KeyID()} || a.PredicateType != provenanceV1 || string(a.Predicate) != `{"a":1}` ||
			a.Digest != Digest(c.text) || !a.Witnessed.IsZero()) {
			t.Errorf("%s: %+v", name, a)
		}
	}
	if _, err := (Trust{}).OpenAttestation(signed(good)); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("believed by nobody: %v", err)
	}
	if _, err := keys.Open(forge(t, s, good, nil)); !errors.Is(err, ErrMalformed) {
		t.Errorf("what others may write is accepted from ourselves: %v", err)
	}
}

func TestAttestationCovers(t *testing.T) {
	s := newSigner(t)
	a := must(Trust{Keys: []PublicKey{s.Public()}}.OpenAttestation(forge(t, s, foreignPayload(), nil)))
	for digest, want := range map[string]bool{
		"sha256:" + artifactHex: true, "sha256:" + strings.Repeat("b", 64): true,
		"sha256:" + strings.Repeat("c", 64): false, artifactHex: false, "sha256:": false, "": false, "sha512:ab": false, "sha256:ab": false,
	} {
		if a.Covers(digest) != want {
			t.Errorf("covers %q: want %v", digest, want)
		}
	}
	shorter := must(Trust{Keys: []PublicKey{s.Public()}}.OpenAttestation(forge(t, s, foreignPayload(`,"sha256":"`+strings.Repeat("b", 64)+`"`, ""), nil)))
	if shorter.Covers("sha256:") || shorter.Covers("") {
		t.Error("a subject without SHA-256 digest is anything")
	}
}

func TestOpenAttestationOfCertificates(t *testing.T) {
	w, other, s := sealtest.New(t, noon), sealtest.New(t, noon), newSigner(t)
	id := sealtest.Workflow("https://github.com/acme/payments", ".github/workflows/release.yml", "refs/heads/main")
	good, at := foreignPayload(), noon.Add(5*time.Minute)
	believed := Trust{Identity: func(i Identity) bool { return i.Issuer == id.Issuer && i.Subject == id.Subject }, Roots: rootsOf(t, w)}
	eva := sealtest.Identity{Issuer: "https://sso.example", Subject: "eva@acme.example"}
	plain := sign(t, s, statement(`{"a":1}`))
	withKey := Trust{Keys: []PublicKey{s.Public()}, Roots: rootsOf(t, w)}
	for name, c := range map[string]struct {
		text  []byte
		trust Trust
		want  error
	}{
		"good":                                         {w.Sign(good, id, noon, at), believed, nil},
		"the older chain of one":                       {asChain(t, w.Sign(good, id, noon, at)), believed, nil},
		"a timestamp of strangers too":                 {stampTwice(t, w.Sign(good, id, noon, at), other, at), believed, nil},
		"a key with a timestamp":                       {w.Stamp(plain, at), withKey, nil},
		"a key with a log entry":                       {w.Log(plain, s.Public().PEM, at), withKey, nil},
		"a key with both, log first":                   {w.Log(w.Stamp(plain, at.Add(time.Hour)), s.Public().PEM, at), withKey, nil},
		"a key with both, log later":                   {w.Log(w.Stamp(plain, at), s.Public().PEM, at.Add(time.Hour)), withKey, nil},
		"a key, logged, with a timestamp of strangers": {w.Log(other.Stamp(plain, at.Add(-time.Hour)), s.Public().PEM, at), withKey, nil},

		"used after it expired":                        {w.Sign(good, id, noon, noon.Add(11*time.Minute)), believed, ErrUntrusted},
		"expired, without a timestamp":                 {w.Sign(good, id, noon, time.Time{}), believed, ErrUntrusted},
		"a timestamp of strangers alone":               {other.Stamp(w.Sign(good, id, noon, time.Time{}), at), believed, ErrUntrusted},
		"another instance":                             {other.Sign(good, id, noon, at), believed, ErrUntrusted},
		"no roots":                                     {w.Sign(good, id, noon, at), Trust{Identity: believed.Identity}, ErrUntrusted},
		"another identity":                             {w.Sign(good, eva, noon, at), believed, ErrUnknownKey},
		"keys only":                                    {w.Sign(good, id, noon, at), withKey, ErrUnknownKey},
		"an altered payload":                           {altered(t, w.Sign(good, id, noon, at)), believed, ErrSignature},
		"a key with a strange timestamp":               {other.Stamp(plain, at), withKey, ErrUntrusted},
		"a key with a timestamp that nobody can check": {w.Stamp(plain, at), Trust{Keys: withKey.Keys}, ErrUntrusted},
		"a key with an entry of a strange log":         {other.Log(plain, s.Public().PEM, at), withKey, ErrUntrusted},
		"a key with an entry of another key":           {w.Log(plain, newSigner(t).Public().PEM, at), withKey, ErrUntrusted},
		"a key with another time than the log signed":  {bytes.Replace(w.Log(plain, s.Public().PEM, at), fmt.Appendf(nil, "%d", at.Unix()), fmt.Appendf(nil, "%d", at.Unix()+1), 1), withKey, ErrUntrusted},
		"a chain of none":                              {[]byte(strings.Replace(string(w.Sign(good, id, noon, at)), `"certificate":{`, `"x509CertificateChain":{"certificates":[]},"x":{`, 1)), believed, ErrMalformed},
	} {
		a, err := c.trust.OpenAttestation(c.text)
		if !errors.Is(err, c.want) || (c.want == nil) != (err == nil) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
			continue
		}
		if err == nil && (!a.Witnessed.Equal(at) || (a.Signatory.KeyID == "") == (a.Signatory.Identity == Identity{})) {
			t.Errorf("%s: %+v", name, a)
		}
	}
}

// asChain is a bundle as v0.1 writes its certificate.
func asChain(t testing.TB, text []byte) []byte {
	t.Helper()
	var b bundleJSON
	if err := json.Unmarshal(text, &b); err != nil {
		t.Fatal(err)
	}
	b.MediaType = bundleVersions[1]
	b.Material.Chain = must(json.Marshal(map[string]any{"certificates": []certificateJSON{*b.Material.Certificate}}))
	b.Material.Certificate = nil
	return must(json.Marshal(b))
}

// Every bit of an attestation in turn: whatever still opens says the same, signed by the same.
func TestEveryBitOfAttestations(t *testing.T) {
	w, s := sealtest.New(t, noon), newSigner(t)
	id := sealtest.Workflow("https://github.com/acme/payments", ".github/workflows/release.yml", "refs/heads/main")
	payload := foreignPayload()
	trust := Trust{
		Keys: []PublicKey{s.Public()}, Roots: rootsOf(t, w),
		Identity: func(i Identity) bool { return i.Issuer == id.Issuer && i.Subject == id.Subject },
	}
	for name, c := range map[string]struct {
		text []byte
		step int // a certificate and a timestamp take a millisecond each time
	}{
		"envelope":    {bare(t, payload, must(s.sign(pae([]byte(payload)))), nil), 1},
		"certificate": {w.Sign(payload, id, noon, noon.Add(time.Minute)), 13},
	} {
		want, refused := must(trust.OpenAttestation(c.text)), 0
		for bit := 0; bit < 8*len(c.text); bit += c.step {
			b := append([]byte{}, c.text...)
			b[bit/8] ^= 1 << (bit % 8)
			a, err := trust.OpenAttestation(b)
			if err != nil {
				refused++
				continue
			}
			if string(a.Payload) != payload || a.Signatory != want.Signatory || !a.Witnessed.Equal(want.Witnessed) {
				t.Errorf("%s: bit %d changed and it says something else: %+v", name, bit, a)
			}
		}
		// The name of a key may be changed, and little else.
		if all := 8 * len(c.text) / c.step; refused < all*9/10 {
			t.Errorf("%s: of %d altered attestations only %d are refused", name, all, refused)
		}
	}
}

// FuzzOpenAttestation holds what must be true of any bytes: nobody is believed by default, and what is accepted from ourselves
// is accepted as an attestation with the same content.
func FuzzOpenAttestation(f *testing.F) {
	private := must(ecdsa.ParseRawPrivateKey(elliptic.P256(), bytes.Repeat([]byte{1}, 32))) // the same in all processes of the fuzzer
	s := &Signer{sign: local(private), public: must(publicKey(&private.PublicKey))}
	payload := foreignPayload()
	ours := sign(f, s, statement(`{"a":1}`))
	for _, b := range [][]byte{
		ours, bare(f, payload, must(s.sign(pae([]byte(payload)))), nil), forge(f, s, payload, nil),
		sealtest.New(f, noon).Sign(payload, sealtest.Identity{Issuer: "https://sso.example", Subject: "eva@acme.example"}, noon, noon),
		nil, []byte("{}"), []byte(`{"payloadType":""}`), []byte(`{"mediaType":"` + MediaType + `"}`),
	} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if a, err := (Trust{}).OpenAttestation(b); err == nil {
			t.Fatalf("nobody is trusted and it opens: %+v", a)
		}
		a, err := Trust{Keys: []PublicKey{s.Public()}}.OpenAttestation(b)
		o, strict := Open(b, s.Public())
		if strict == nil && (err != nil || string(a.Payload) != string(o.Payload) || a.Signatory != o.Signatory()) {
			t.Fatalf("accepted from ourselves and not from others: %v", err)
		}
		if err == nil && (a.PredicateType == "" || len(a.Subjects) == 0 || a.Predicate.Kind() != '{') {
			t.Fatalf("it says nothing: %+v", a)
		}
	})
}
