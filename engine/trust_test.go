package engine_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"cdgate.dev/cdgate/engine"
	"cdgate.dev/cdgate/engine/seal"
	"cdgate.dev/cdgate/engine/store"
	"cdgate.dev/cdgate/engine/verify"
)

// bundleBy is a bundle around any bytes, properly signed with somebody's key; without a signature where nobody signs. It shares
// no code with the product.
func (o *org) bundleBy(who, payload string) []byte {
	o.t.Helper()
	const kind = "application/vnd.in-toto+json"
	signatures := []any{}
	hint := o.signers["ci"].KeyID()
	if who != "" {
		hint = o.signers[who].KeyID()
		block, _ := pem.Decode(o.private[who])
		key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		o.must(err)
		digest := sha256.Sum256(fmt.Appendf(nil, "DSSEv1 %d %s %d %s", len(kind), kind, len(payload), payload))
		sig, err := ecdsa.SignASN1(rand.Reader, key.(*ecdsa.PrivateKey), digest[:])
		o.must(err)
		signatures = append(signatures, map[string]any{"sig": sig})
	}
	b, err := json.Marshal(map[string]any{
		"mediaType": seal.MediaType, "verificationMaterial": map[string]any{"publicKey": map[string]string{"hint": hint}},
		"dsseEnvelope": map[string]any{"payload": base64.StdEncoding.EncodeToString([]byte(payload)), "payloadType": kind, "signatures": signatures},
	})
	o.must(err)
	return b
}

// TestUntrustedEvidence replaces the one test report of a good release by one that something is wrong with, listed by a collection
// that nothing is wrong with. What nobody trusted signed does not count, and a rule needs it: 20. What a trusted key signed and
// cannot be read is 30, what was altered 50.
func TestUntrustedEvidence(t *testing.T) {
	from := newOrg(t, gateText)
	all := from.collect(nil, allGood...)
	at := slices.IndexFunc(all.Items, func(i engine.CollectedItem) bool { return i.Kind == "tests" })
	good := payload(from.blob(all.Items[at].Statement))
	swap := func(pairs ...string) string {
		for i := 0; i < len(pairs); i += 2 {
			if !strings.Contains(good, pairs[i]) {
				t.Fatalf("the statement does not hold %q: %s", pairs[i], good)
			}
		}
		return strings.NewReplacer(pairs...).Replace(good)
	}
	hex := strings.TrimPrefix(appDigest, "sha256:")
	subject := `{"name":"app.tar","digest":{"sha256":"` + hex + `"}}`
	other := strings.Replace(subject, hex, strings.Repeat("b", 64), 1)
	for _, c := range []struct {
		name, by, payload string
		forge             func([]byte) []byte
		code              int
		reason            string
	}{
		{name: "twin", by: "ci", payload: good},
		{name: "unsigned", payload: good, code: 20, reason: "unknown_signer"},
		{name: "signed by nobody we know", by: "mallory", payload: good, code: 20, reason: "unknown_signer"},
		{name: "signed by a trusted key of another role", by: "gate", payload: good, code: 20, reason: "wrong_role"},
		{name: "signed by a person", by: "eva", payload: good, code: 20, reason: "wrong_role"},
		{name: "of another kind than the signer may attest", by: "ci", payload: swap("https://cdgate.dev/tests/v1", "https://cdgate.dev/vex/v1"), code: 20, reason: "wrong_role"},
		{name: "wrong subject", by: "ci", payload: swap(subject, other), code: 20, reason: "other_subject"},
		{name: "for another release of other bytes", by: "ci", payload: swap(subject, other, `"version":"1.4.2"`, `"version":"1.4.1"`), code: 20},
		{name: "of another line", by: "ci", payload: swap(`"line":"payments"`, `"line":"billing"`), code: 20, reason: "wrong_line"},
		{name: "two subjects", by: "ci", payload: swap(subject, subject+","+other), code: 30},
		{name: "foreign _type", by: "ci", payload: swap("https://in-toto.io/Statement/v1", "https://evil.example/Statement/v9"), code: 30},
		{name: "alias of predicateType", by: "ci", payload: swap(`"predicateType"`, `"predicate_type"`), code: 30},
		{name: "alias beside predicateType", by: "ci", payload: swap(`"predicateType"`, `"predicate_type":"https://cdgate.dev/vex/v1","predicateType"`), code: 30},
		{name: "a field twice", by: "ci", payload: swap(`"summary":{`, `"summary":{},"summary":{`), code: 30},
		{name: "a field in another case", by: "ci", payload: swap(`"summary"`, `"Summary"`), code: 30},
		{name: "a second field in another case", by: "ci", payload: swap(`"summary":{`, `"Summary":{},"summary":{`), code: 30},
		{name: "a field too many", by: "ci", payload: swap(`"summary":{`, `"more":1,"summary":{`), code: 30},
		{name: "altered after it was signed", by: "ci", payload: good, code: 50, forge: func(b []byte) []byte {
			return []byte(strings.Replace(string(b), base64.StdEncoding.EncodeToString([]byte(good)), base64.StdEncoding.EncodeToString([]byte(swap(`"level":"`, `"level":"x`))), 1))
		}},
		{name: "signed by a stranger under ci's name", by: "mallory", payload: good, code: 50, forge: func(b []byte) []byte {
			return []byte(strings.Replace(string(b), from.signers["mallory"].KeyID(), from.signers["ci"].KeyID(), 1))
		}},
	} {
		t.Run(strings.ReplaceAll(c.name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			o := from.copied(t)
			bundle := o.bundleBy(c.by, c.payload)
			if c.forge != nil {
				bundle = c.forge(bundle)
			}
			o.replaceItem(all.Items[at].Statement, bundle)
			ev := o.evaluate(c.code, "staging", nil)
			if got := notCounted(ev); c.reason != "" && !slices.Contains(got, c.reason) {
				t.Errorf("not counted: %v, want %s", got, c.reason)
			}
			if c.code != 0 && exists(o.path("record.json")) && ev.Result.Outcome != "block" {
				t.Errorf("the record says %s", ev.Result.Outcome)
			}
		})
	}
}

// replaceItem makes the store again with another statement in the place of one, and a collection by ci that lists everything.
func (o *org) replaceItem(statement string, by []byte) {
	o.t.Helper()
	st, err := store.Open(o.path("store"))
	o.must(err)
	ix, err := st.Index()
	o.must(err)
	o.must(os.Rename(o.path("store"), o.path("before")))
	before, err := store.Open(o.path("before"))
	o.must(err)
	st, err = store.Create(o.path("store"))
	o.must(err)
	digest := ""
	var objects []store.Object
	var listed []string
	for _, e := range ix.Entries {
		if e.Type != store.TypeItem {
			continue
		}
		object := store.Object{Type: e.Type}
		for _, l := range e.Layers {
			b, err := before.Read(l.Digest, 1<<20)
			o.must(err)
			if l.Digest == statement {
				b = by
			}
			l.Digest, err = st.Write(b)
			o.must(err)
			l.Size = int64(len(b))
			if l.MediaType == seal.MediaType {
				listed = append(listed, l.Digest)
			}
			object.Layers = append(object.Layers, l)
		}
		objects = append(objects, object)
	}
	items, err := json.Marshal(listed)
	o.must(err)
	slices.Sort(listed)
	p := `{"collectedAt":"2026-11-20T11:50:00Z","producer":{"system":"github","repository":"","revision":"","branch":"","workflow":"","job":"build","run":"1","attempt":1,"actor":""},"line":"payments","items":` + string(items) + `}`
	bundle, err := o.signers["ci"].Sign(seal.Statement{Type: seal.StatementType, PredicateType: verify.CollectionType, Predicate: []byte(p),
		Subject: []seal.Subject{{Name: appName, Digest: map[string]string{"sha256": strings.TrimPrefix(appDigest, "sha256:")}}}})
	o.must(err)
	digest, err = st.Write(bundle)
	o.must(err)
	objects = append(objects, store.Object{Type: store.TypeCollection, Layers: []store.Layer{{Name: "c", MediaType: seal.MediaType, Digest: digest, Size: int64(len(bundle))}}})
	_, err = st.Add(context.Background(), objects...)
	o.must(err)
}
