package seal

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"cdgate.dev/cdgate/engine/fault"
	"github.com/go-json-experiment/json/jsontext"
)

func TestOpenWithoutTheKey(t *testing.T) {
	s, other := newSigner(t), newSigner(t)
	bundle := sign(t, s, statement(`{}`))
	if _, err := Open(bundle, other.Public(), s.Public()); err != nil {
		t.Fatalf("twin: %v", err)
	}
	forgedID := PublicKey{ID: s.KeyID(), PEM: other.Public().PEM}
	for name, c := range map[string]struct {
		keys []PublicKey
		want error
	}{
		"no key":                       {nil, ErrUnknownKey},
		"another key":                  {[]PublicKey{other.Public()}, ErrUnknownKey},
		"zero key":                     {[]PublicKey{{}}, ErrUnknownKey},
		"another key under its ID":     {[]PublicKey{forgedID}, nil},
		"ID of the key without a PEM":  {[]PublicKey{{ID: s.KeyID()}}, nil},
		"hint of a key that signs not": {[]PublicKey{other.Public()}, ErrSignature},
	} {
		b := bundle
		if c.want == ErrSignature {
			b = []byte(strings.Replace(string(bundle), s.KeyID(), other.KeyID(), 1))
		}
		_, err := Open(b, c.keys...)
		if err == nil || (c.want != nil && !errors.Is(err, c.want)) || fault.ClassOf(err) != fault.Trust {
			t.Errorf("%s: %v (class %v), want %v", name, err, fault.ClassOf(err), c.want)
		}
	}
}

// Each case is signed by the trusted key and refused all the same.
func TestOpenRefusesStatements(t *testing.T) {
	s := newSigner(t)
	const good = `{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"app","digest":{"sha256":"` + artifactHex +
		`"}}],"predicateType":"https://cdgate.dev/tests/v1","predicate":{"a":1}}`
	if _, err := Open(forge(t, s, good, nil), s.Public()); err != nil {
		t.Fatalf("twin: %v", err)
	}
	if _, err := Open(forge(t, s, " "+good+"\n", nil), s.Public()); err != nil {
		t.Fatalf("twin with white space: %v", err)
	}
	const subject = `{"name":"app","digest":{"sha256":"` + artifactHex + `"}}`
	swap := func(old, new string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("nothing to replace: %s", old)
		}
		return strings.Replace(good, old, new, 1)
	}
	cases := map[string]string{
		"another _type":             swap("https://in-toto.io/Statement/v1", "https://evil/Statement/v9"),
		"older _type":               swap("Statement/v1", "Statement/v0.1"),
		"no _type":                  swap(`"_type":"https://in-toto.io/Statement/v1",`, ""),
		"two subjects":              swap(subject, subject+`,{"name":"b","digest":{"sha256":"`+strings.Repeat("b", 64)+`"}}`),
		"the same subject twice":    swap(subject, subject+","+subject),
		"no subject":                swap(subject, ""),
		"null subject":              swap("["+subject+"]", "null"),
		"no predicateType":          swap(`"predicateType":"https://cdgate.dev/tests/v1",`, ""),
		"empty predicateType":       swap("https://cdgate.dev/tests/v1", ""),
		"snake-case predicate_type": swap(`"predicateType"`, `"predicate_type"`),
		"both spellings":            swap(`"predicateType"`, `"predicate_type":"https://cdgate.dev/signoff/v1","predicateType"`),
		"wrong-case Subject":        swap(`"subject"`, `"Subject"`),
		"second, wrong-case member": swap(`"predicateType"`, `"Subject":[],"predicateType"`),
		"duplicate subject":         swap(`"predicateType"`, `"subject":[`+subject+`],"predicateType"`),
		"duplicate in predicate":    swap(`{"a":1}`, `{"a":1,"a":2}`),
		"duplicate deep inside":     swap(`{"a":1}`, `{"a":[{"b":{"c":1,"c":2}}]}`),
		"escaped duplicate":         swap(`{"a":1}`, `{"a":1,"\u0061":2}`),
		"unknown member":            swap(`"predicateType"`, `"extra":1,"predicateType"`),
		"unknown subject member":    swap(`"name":"app"`, `"name":"app","annotations":{}`),
		"no predicate":              swap(`,"predicate":{"a":1}`, ""),
		"null predicate":            swap(`{"a":1}`, "null"),
		"array predicate":           swap(`{"a":1}`, "[]"),
		"trailing data":             good + "{}",
		"trailing garbage":          good + "x",
		"byte order mark":           "\ufeff" + good,
		"invalid UTF-8":             swap("app", "a\xff"),
		"lone surrogate":            swap("app", `\ud800`),
		"truncated":                 good[:len(good)-1],
		"empty object":              "{}",
		"an array":                  "[" + good + "]",
		"upper-case hex":            swap(artifactHex, strings.ToUpper(artifactHex)),
		"short digest":              swap(artifactHex, artifactHex[:63]),
		"long digest":               swap(artifactHex, artifactHex+"0"),
		"no digest":                 swap(`{"sha256":"`+artifactHex+`"}`, "{}"),
		"weak digest":               swap(`"sha256":"`+artifactHex, `"sha1":"`+artifactHex[:40]),
		"two digests":               swap(`"sha256"`, `"gitCommit":"`+artifactHex[:40]+`","sha256"`),
		"digest not hex":            swap(artifactHex[:8], "zzzzzzzz"),
		"nested too deep":           swap(`{"a":1}`, `{"a":`+strings.Repeat("[", 20000)+strings.Repeat("]", 20000)+"}"),
	}
	for name, payload := range cases {
		bundle := forge(t, s, payload, nil)
		if _, err := Open(bundle, s.Public()); !errors.Is(err, ErrMalformed) || fault.ClassOf(err) != fault.Evidence {
			t.Errorf("%s: Open gave %v", name, err)
		}
		if _, err := InspectUnsafe(bundle); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: InspectUnsafe gave %v", name, err)
		}
	}
}

func TestOpenRefusesBundles(t *testing.T) {
	s, other := newSigner(t), newSigner(t)
	twin := string(sign(t, s, statement(`{}`)))
	if _, err := Open([]byte(twin), s.Public()); err != nil {
		t.Fatalf("twin: %v", err)
	}
	payload := string(must(InspectUnsafe([]byte(twin))).Payload)
	edit := func(f func(*bundleJSON)) string { return string(forge(t, s, payload, f)) }
	text := func(old, new string) string {
		if !strings.Contains(twin, old) {
			t.Fatalf("nothing to replace: %s", old)
		}
		return strings.Replace(twin, old, new, 1)
	}
	otherType := fmt.Sprintf("DSSEv1 %d %s %d %s", len("text/plain"), "text/plain", len(payload), payload)
	sig := func(b *bundleJSON) *string { return &b.Envelope.Signatures[0].Sig }
	for name, c := range map[string]struct {
		bundle string
		want   error
	}{
		"v0.2 media type":     {edit(func(b *bundleJSON) { b.MediaType = "application/vnd.dev.sigstore.bundle+json;version=0.2" }), ErrMalformed},
		"no media type":       {edit(func(b *bundleJSON) { b.MediaType = "" }), ErrMalformed},
		"no signature":        {edit(func(b *bundleJSON) { b.Envelope.Signatures = nil }), ErrMalformed},
		"null signatures":     {text(twin[strings.Index(twin, `[{"sig"`):strings.Index(twin, `}]`)+2], "null"), ErrMalformed},
		"empty signature":     {edit(func(b *bundleJSON) { *sig(b) = "" }), ErrMalformed},
		"the signature twice": {edit(func(b *bundleJSON) { b.Envelope.Signatures = append(b.Envelope.Signatures, b.Envelope.Signatures[0]) }), ErrMalformed},
		"a second signer": {edit(func(b *bundleJSON) {
			b.Envelope.Signatures = append(b.Envelope.Signatures, signatureJSON{Sig: rawSignature(t, other, pae([]byte(payload)))})
		}), ErrMalformed},
		"10000 signatures":     {edit(func(b *bundleJSON) { b.Envelope.Signatures = make([]signatureJSON, 10000) }), ErrMalformed},
		"keyid of the key":     {edit(func(b *bundleJSON) { b.Envelope.Signatures[0].KeyID = s.KeyID() }), ErrMalformed},
		"keyid of another key": {edit(func(b *bundleJSON) { b.Envelope.Signatures[0].KeyID = other.KeyID() }), ErrMalformed},
		"no hint":              {edit(func(b *bundleJSON) { b.Material.PublicKey.Hint = "" }), ErrMalformed},
		"no material":          {edit(func(b *bundleJSON) { b.Material.PublicKey = nil }), ErrMalformed},
		"hint of nobody":       {edit(func(b *bundleJSON) { b.Material.PublicKey.Hint = "nobody" }), ErrUnknownKey},
		"hint of another key":  {edit(func(b *bundleJSON) { b.Material.PublicKey.Hint = other.KeyID() }), ErrSignature},
		"certificate":          {edit(func(b *bundleJSON) { b.Material.Certificate, b.Material.PublicKey = &certificateJSON{"AA=="}, nil }), ErrMalformed},
		"log entry":            {edit(func(b *bundleJSON) { b.Material.LogEntries = []jsontext.Value{jsontext.Value(`{"logIndex":"1"}`)} }), ErrUntrusted},
		"timestamp": {edit(func(b *bundleJSON) {
			b.Material.Timestamps.RFC3161 = []jsontext.Value{jsontext.Value(`{"signedTimestamp":"AA=="}`)}
		}), ErrUntrusted},
		"nine timestamps": {edit(func(b *bundleJSON) {
			b.Material.Timestamps.RFC3161 = slices.Repeat([]jsontext.Value{jsontext.Value(`{"signedTimestamp":"AA=="}`)}, MaxWitnesses+1)
		}), ErrMalformed},
		"certificate beside the key": {edit(func(b *bundleJSON) { b.Material.Certificate = &certificateJSON{"AA=="} }), ErrMalformed},
		"message signature":          {edit(func(b *bundleJSON) { b.Envelope, b.Message = nil, jsontext.Value(`{}`) }), ErrMalformed},
		"message and envelope":       {edit(func(b *bundleJSON) { b.Message = jsontext.Value(`{}`) }), ErrMalformed},
		"payload type":               {edit(func(b *bundleJSON) { b.Envelope.PayloadType = "text/plain" }), ErrMalformed},
		"signed as another type":     {edit(func(b *bundleJSON) { *sig(b) = rawSignature(t, s, []byte(otherType)) }), ErrSignature},
		"signed without PAE":         {edit(func(b *bundleJSON) { *sig(b) = rawSignature(t, s, []byte(payload)) }), ErrSignature},
		"signed by another":          {edit(func(b *bundleJSON) { *sig(b) = rawSignature(t, other, pae([]byte(payload))) }), ErrSignature},
		"another payload": {edit(func(b *bundleJSON) {
			b.Envelope.Payload = base64.StdEncoding.EncodeToString([]byte(strings.Replace(payload, "app", "apq", 1)))
		}), ErrSignature},
		"empty payload":           {edit(func(b *bundleJSON) { b.Envelope.Payload = "" }), ErrMalformed},
		"payload in URL alphabet": {edit(func(b *bundleJSON) { b.Envelope.Payload = "_-" + b.Envelope.Payload[2:] }), ErrMalformed},
		"payload with line break": {edit(func(b *bundleJSON) { b.Envelope.Payload = b.Envelope.Payload[:4] + "\n" + b.Envelope.Payload[4:] }), ErrMalformed},
		"padding cut off":         {edit(func(b *bundleJSON) { *sig(b) = strings.TrimRight(*sig(b)+"=", "=")[:93] }), ErrMalformed},
		"unknown member":          {text(`"mediaType"`, `"extra":1,"mediaType"`), ErrMalformed},
		"unknown in envelope":     {text(`"payloadType"`, `"extra":1,"payloadType"`), ErrMalformed},
		"snake case":              {text(`"dsseEnvelope"`, `"dsse_envelope"`), ErrMalformed},
		"wrong case":              {text(`"payload"`, `"Payload"`), ErrMalformed},
		"duplicate envelope":      {text(`"dsseEnvelope"`, `"dsseEnvelope":{},"dsseEnvelope"`), ErrMalformed},
		"duplicate payload":       {text(`"payload"`, `"payload":"","payload"`), ErrMalformed},
		"trailing data":           {twin + "{}", ErrMalformed},
		"truncated":               {twin[:len(twin)-1], ErrMalformed},
		"empty":                   {"", ErrMalformed},
		"null":                    {"null", ErrMalformed},
		"too big":                 {twin + strings.Repeat(" ", MaxBundle), ErrMalformed},
	} {
		_, err := Open([]byte(c.bundle), s.Public(), other.Public())
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %.200v, want %v", name, err, c.want)
		}
		if _, err := InspectUnsafe([]byte(c.bundle)); (err == nil) != (c.want != ErrMalformed) {
			t.Errorf("%s: InspectUnsafe gave %.200v", name, err)
		}
	}
}

func FuzzOpen(f *testing.F) {
	// A fixed key: the fuzzer runs in several processes, and all must know the same one.
	private := must(ecdsa.ParseRawPrivateKey(elliptic.P256(), bytes.Repeat([]byte{1}, 32)))
	s := &Signer{sign: local(private), public: must(publicKey(&private.PublicKey))}
	good := sign(f, s, statement(`{"a":[1,2.5,"x",null,{"b":true}]}`))
	f.Add(good)
	f.Add([]byte(`{"mediaType":"` + MediaType + `","verificationMaterial":{"publicKey":{"hint":"x"}},"dsseEnvelope":{}}`))
	for _, b := range corpusBundles(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		claimed, errClaimed := InspectUnsafe(b)
		o, err := Open(b, s.Public())
		if errClaimed == nil && len(claimed.Statement.Subject) == 0 {
			t.Error("a statement about nothing")
		}
		if err == nil && (errClaimed != nil || string(o.Payload) != string(must(InspectUnsafe(good)).Payload)) {
			t.Errorf("opened what was never signed: %s", b)
		}
	})
}
