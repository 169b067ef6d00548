package engine_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"cdgate.dev/cdgate/engine"
	"cdgate.dev/cdgate/engine/seal"
	"cdgate.dev/cdgate/engine/store"
)

// attest is a DSSE envelope around a statement, as another tool with somebody's key would sign it.
func (o *org) attest(who, statement string) []byte {
	o.t.Helper()
	block, _ := pem.Decode(o.private[who])
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	o.must(err)
	const kind = "application/vnd.in-toto+json"
	digest := sha256.Sum256(fmt.Appendf(nil, "DSSEv1 %d %s %d %s", len(kind), kind, len(statement), statement))
	sig, err := ecdsa.SignASN1(rand.Reader, key.(*ecdsa.PrivateKey), digest[:])
	o.must(err)
	b64 := base64.StdEncoding.EncodeToString
	return fmt.Appendf(nil, `{"payloadType":%q,"payload":%q,"signatures":[{"keyid":"its name","sig":%q}]}`, kind, b64([]byte(statement)), b64(sig))
}

// manySubjects is a statement of in-toto v0.1 about so many other things and, as the last but one, app.tar.
func manySubjects(before int, predicateType, predicate string) string {
	var subjects []string
	for i := range before {
		subjects = append(subjects, fmt.Sprintf(`{"name":"other %d","digest":{"sha256":"%064x"}}`, i, i+1))
	}
	subjects = append(subjects, `{"name":"app","digest":{"sha256":"`+appDigest[7:]+`"}}`, `{"name":"a file","digest":{"sha1":"abc"}}`)
	return `{"_type":"https://in-toto.io/Statement/v0.1","subject":[` + strings.Join(subjects, ",") + `],"predicateType":"` + predicateType + `","predicate":` + predicate + `}`
}

const (
	testResult = "https://in-toto.io/attestation/test-result/v0.1"
	smoke      = `{"result":"PASSED","configuration":[],"passedTests":["smoke"]}`
)

// builtFrom is provenance of a commit.
func builtFrom(revision string) string {
	return `{"buildDefinition":{"resolvedDependencies":[{"uri":"git+https://git.acme.example/payments","digest":{"gitCommit":"` + revision + `"}}]},"runDetails":{"builder":{"id":"https://builder.example"}}}`
}

const attestingGate = "signers:\n  lab: {keys: [kim.pub], may: [tests, provenance]}\n"

// attestingOrg is an organisation in which kim's key is that of a tool.
func attestingOrg(t *testing.T) *org {
	t.Helper()
	text := strings.NewReplacer("signers:\n", attestingGate, "  kim: {name: Kim Tester, keys: [kim.pub], emails: [kim@acme.example]}\n", "", "  tester: {people: [kim]}\n", "").Replace(gateText)
	return newOrg(t, text)
}

// TestAttestationsInBothStores: an attestation that was collected for something else counts for each of its subjects, in a directory as
// in a registry, with the referrers API and without it, and so does what provenance in it leads to. The twin does not name the release.
func TestAttestationsInBothStores(t *testing.T) {
	for name, c := range map[string]struct {
		statement string
		want      string
	}{
		"the only subject": {manySubjects(0, testResult, smoke), "tests"},
		"the last of many": {manySubjects(30, testResult, smoke), "tests"},
		"provenance":       {manySubjects(1, "https://slsa.dev/provenance/v1", builtFrom(revision)), "provenance"},
		"another (twin)":   {strings.Replace(manySubjects(1, testResult, smoke), appDigest[7:], strings.Repeat("9", 64), 1), ""},
	} {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			o := attestingOrg(t)
			o.write("attested.json", string(o.attest("kim", c.statement)))
			library := func(c *engine.CollectOptions) {
				c.Artifacts = []engine.Artifact{{Name: "library.tar", Digest: "sha256:" + strings.Repeat("7", 64)}}
				c.Release.Name, c.Producer.Job = "library", "library"
			}
			attested := func(edit func(*engine.EvaluateOptions)) string {
				t.Helper()
				ev := o.evaluate(0, "staging", edit)
				var doc struct {
					Evidence map[string][]struct {
						Attested bool `json:"attested"`
					} `json:"evidence"`
				}
				o.must(json.Unmarshal(ev.Input, &doc))
				out := ""
				for kind, items := range doc.Evidence {
					for _, it := range items {
						if it.Attested {
							out += kind
						}
					}
				}
				return out
			}
			o.collect(nil, allGood...)
			o.collect(library, "attested.json")
			if got := attested(nil); got != c.want {
				t.Errorf("a directory has %q, want %q", got, c.want)
			}
			for _, api := range []bool{true, false} {
				s := newShelf(t, api)
				o.collect(s.in(machine(t), "build"), allGood...)
				o.collect(func(c *engine.CollectOptions) {
					s.in(machine(t), "library")(c)
					library(c)
				}, "attested.json")
				if got := attested(s.gate(machine(t))); got != c.want {
					t.Errorf("a registry (referrers API: %v) has %q, want %q", api, got, c.want)
				}
				if checked, err := engine.StoreCheck(context.Background(), s.store, machine(t)); err != nil || checked.ExitCode != 0 || len(checked.Orphans) != 0 {
					t.Errorf("%+v, %v", checked, err)
				}
			}
		})
	}
}

// TestExamineStoreWithAttestations: attestations of known signers and of strangers stand in a store as they are; an altered one, and one
// of a known signer that says nothing, do not.
func TestExamineStoreWithAttestations(t *testing.T) {
	o := attestingOrg(t)
	o.collect(nil, allGood...)
	good := o.attest("kim", manySubjects(3, testResult, smoke))
	inBundle := func(hint string, envelope []byte) []byte {
		return fmt.Appendf(nil, `{"mediaType":%q,"verificationMaterial":{"publicKey":{"hint":%q}},"dsseEnvelope":%s}`, "application/vnd.dev.sigstore.bundle+json;version=0.2", hint, envelope)
	}
	id := o.signers["kim"].Public().ID
	for name, c := range map[string]struct {
		text []byte
		code int
	}{
		"of a signer":            {good, 0},
		"in a bundle v0.2":       {inBundle(id, good), 0},
		"of a stranger":          {o.attest("mallory", manySubjects(3, testResult, smoke)), 0},
		"of a person":            {o.attest("eva", manySubjects(3, testResult, smoke)), 0},
		"altered":                {inBundle(id, o.attest("mallory", manySubjects(3, testResult, smoke))), 50},
		"altered, in one of two": {bytes.Replace(inBundle(id, good), []byte(`"sig":"ME`), []byte(`"sig":"MF`), 1), 50},
	} {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			c2 := o.copied(t)
			c2.addAttestation(c.text)
			x, err := engine.ExamineStore(context.Background(), engine.ExamineOptions{Name: c2.path("store"), VerifyOptions: engine.VerifyOptions{Places: c2.places(), Now: now}})
			if err != nil || x.ExitCode != c.code {
				t.Errorf("%v, want exit code %d: %+v", err, c.code, x)
			}
		})
	}
}

// addAttestation puts an attestation into the store, as somebody could who does not collect.
func (o *org) addAttestation(text []byte) {
	o.t.Helper()
	st, err := store.Open(o.path("store"))
	o.must(err)
	digest, err := st.Write(text)
	o.must(err)
	media := seal.MediaTypeEnvelope
	if bytes.Contains(text, []byte(`"mediaType"`)) {
		media = seal.MediaType
	}
	_, err = st.Add(context.Background(), store.Object{Type: store.TypeAttestation, Layers: []store.Layer{{Name: "a", MediaType: media, Digest: digest, Size: int64(len(text))}}})
	o.must(err)
}

// TestProvenanceOfAnotherCommit: provenance that contradicts a build is told by store list and store check, as an evaluation tells it,
// if a collection lists it and its signer is known.
func TestProvenanceOfAnotherCommit(t *testing.T) {
	const another = "0000000000000000000000000000000000000001"
	for name, c := range map[string]struct {
		who, revision    string
		unlisted         bool
		list, check, say int
	}{
		"another commit":        {who: "kim", revision: another, list: 1, check: 1, say: 30},
		"the same (twin)":       {who: "kim", revision: revision},
		"in no collection":      {who: "kim", revision: another, unlisted: true},
		"by somebody not known": {who: "mallory", revision: another, check: 1}, // a check knows no signers
	} {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			o := attestingOrg(t)
			o.collect(nil, allGood...)
			text := o.attest(c.who, manySubjects(3, "https://slsa.dev/provenance/v1", builtFrom(c.revision)))
			if c.unlisted {
				o.addAttestation(text)
			} else {
				o.write("attested.json", string(text))
				o.collect(func(c *engine.CollectOptions) { c.Producer.Run = "2" }, "attested.json")
			}
			l, err := engine.StoreList(context.Background(), o.evaluateOptions(""))
			if err != nil || len(l.Problems) != c.list || c.list > 0 && !strings.Contains(l.Problems[0].Error(), "builds of artifact "+appDigest+" name different commits") {
				t.Errorf("list: %v, %v", l.Problems, err)
			}
			checked, err := engine.StoreCheck(context.Background(), o.path("store"), engine.Registries{})
			if err != nil || len(checked.Problems) != c.check {
				t.Errorf("check: %+v, %v", checked, err)
			}
			o.evaluate(c.say, "staging", nil)
		})
	}
}

// TestStoreRawOfAnAttestation: it is its own report, whatever its predicate says of another.
func TestStoreRawOfAnAttestation(t *testing.T) {
	o := attestingOrg(t)
	text := o.attest("kim", strings.Replace(manySubjects(1, testResult, smoke), `"configuration":[]`, `"configuration":[],"report":{"digest":"`+seal.Digest([]byte(reports["junit.xml"]))+`"}`, 1))
	o.write("attested.json", string(text))
	o.collect(nil, append([]string{"attested.json"}, allGood...)...)
	var b bytes.Buffer
	digest := seal.Digest(text)
	if err := engine.StoreRaw(context.Background(), o.evaluateOptions(""), digest, &b); err != nil || !bytes.Equal(b.Bytes(), text) {
		t.Errorf("%v, %d bytes of %d", err, b.Len(), len(text))
	}
	b.Reset()
	o.must(os.Remove(o.blobPath(digest)))
	if err := engine.StoreRaw(context.Background(), o.evaluateOptions(""), digest, &b); engine.ExitCode(err) == 0 || b.Len() > 0 {
		t.Errorf("taken away: %v, %d bytes", err, b.Len())
	}
}
