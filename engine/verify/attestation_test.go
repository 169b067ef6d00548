package verify

import (
	"bytes"
	"cmp"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"
	"time"

	"cdgate.dev/cdgate/engine/seal"
	"cdgate.dev/cdgate/engine/seal/sealtest"
	"cdgate.dev/cdgate/engine/store"
	"cdgate.dev/cdgate/evidence"
)

const (
	builderID  = "https://builder.example/release@refs/tags/v3"
	verifierID = "https://gate.example"
)

// attestedYAML is the gate definition with signers of attestations; %s is what one of them has besides.
const attestedYAML = `  builder: {keys: [%s], may: [provenance, sbom]}
  other: {keys: [other.pub], may: [provenance]}
  scanner: {keys: [scanner.pub], may: [scan, tests, vex]}
  staging: {keys: [staging.pub], may: [verification_summary]}
`

const buildersYAML = `builders:
  - {id: "https://builder.example/release@refs/tags/*", level: 3, signers: [builder]}
verifiers:
  - {id: "https://gate.example", signers: [staging], resources: ["gate://staging/*"]}
`

// attested is one attestation of another tool, put into the store beside a good scene.
type attested struct {
	key       string
	statement map[string]any
	// text changes the statement as it is signed, envelope what is stored.
	text     func(string) string
	envelope func([]byte) []byte
	// bare is stored as a DSSE envelope and not as a bundle.
	bare bool
	// unlisted is in no collection; collector signs the one it is in, about what it says.
	unlisted  bool
	collector string
	// at is when that was, if not an hour before now.
	at      string
	about   About
	corrupt bool
	taken   bool
}

// set changes one member of the statement.
func (a *attested) set(path string, value any) { set(a.statement, path, value) }

func statementOf(t *testing.T, text string) map[string]any {
	t.Helper()
	out := map[string]any{}
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// provenance is that of app, from the commit that good tests.
func provenance(t *testing.T) *attested {
	return &attested{key: "builder", about: onApp, statement: statementOf(t, `{"_type": "https://in-toto.io/Statement/v1",
		"subject": [{"name": "app", "digest": {"sha256": "`+app[7:]+`"}}], "predicateType": "https://slsa.dev/provenance/v1",
		"predicate": {"buildDefinition": {"buildType": "https://builder.example/t", "externalParameters": {}, "resolvedDependencies": [
			{"uri": "git+https://git.example/payments@refs/heads/main", "digest": {"gitCommit": "`+commit+`"}}]},
			"runDetails": {"builder": {"id": "`+builderID+`"}, "metadata": {"finishedOn": "2026-11-20T10:30:00Z"}}}}`)}
}

func summary(t *testing.T) *attested {
	a := provenance(t)
	a.key = "staging"
	a.set("predicateType", "https://slsa.dev/verification_summary/v1")
	a.set("predicate", statementOf(t, `{"verifier": {"id": "`+verifierID+`"}, "timeVerified": "2026-11-20T10:30:00Z", "resourceUri": "gate://staging/payments",
		"policy": {"uri": "p"}, "verificationResult": "PASSED", "verifiedLevels": ["SLSA_BUILD_LEVEL_2"]}`))
	return a
}

// strangers are keys of tools that sign with no help of ours.
type strangers map[string]*ecdsa.PrivateKey

func newStrangers(t *testing.T, files map[string][]byte, names ...string) strangers {
	t.Helper()
	out := strangers{}
	for _, n := range names {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
		if err != nil {
			t.Fatal(err)
		}
		out[n] = key
		files[n+".pub"] = pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	}
	return out
}

// sign makes the envelope, by the specification of DSSE.
func (s strangers) sign(t *testing.T, a *attested) []byte {
	t.Helper()
	b, err := json.Marshal(a.statement)
	if err != nil {
		t.Fatal(err)
	}
	payload := string(b)
	if a.text != nil {
		payload = a.text(payload)
	}
	const typ = "application/vnd.in-toto+json"
	digest := sha256.Sum256(fmt.Appendf(nil, "DSSEv1 %d %s %d %s", len(typ), typ, len(payload), payload))
	sig, err := ecdsa.SignASN1(rand.Reader, s[a.key], digest[:])
	if err != nil {
		t.Fatal(err)
	}
	b64 := base64.StdEncoding.EncodeToString
	envelope := fmt.Sprintf(`{"payload":%q,"payloadType":%q,"signatures":[{"sig":%q,"keyid":"whatever its tool calls it"}]}`, b64([]byte(payload)), typ, b64(sig))
	out := []byte(envelope)
	if !a.bare {
		out = fmt.Appendf(nil, `{"mediaType":%q,"verificationMaterial":{"publicKey":{"hint":"builder-key"}},"dsseEnvelope":%s}`, seal.MediaType, envelope)
	}
	if a.envelope != nil {
		out = a.envelope(out)
	}
	return out
}

// add stores the attestation, and a collection that lists it.
func (w *world) add(t *testing.T, name string, a *attested, text []byte, digests map[string]string) {
	t.Helper()
	digest, err := w.st.Write(text)
	w.must(err)
	digests[name] = digest
	media := seal.MediaType
	if a.bare {
		media = seal.MediaTypeEnvelope
	}
	var objects []store.Object
	if !a.taken {
		objects = append(objects, store.Object{Type: store.TypeAttestation, Annotations: map[string]string{AnnotationAbout: a.about.Digest}, Layers: []store.Layer{{MediaType: media, Digest: digest, Size: int64(len(text))}}})
	}
	if !a.unlisted {
		collector := a.collector
		if collector == "" {
			collector = "ci"
		}
		p := w.generic(CollectionPredicate{CollectedAt: cmp.Or(a.at, "2026-11-20T11:00:00Z"), Producer: producer, Line: "payments", Items: []string{digest}})
		listing, size := w.sign(collector, CollectionType, a.about, p, nil)
		digests["list of "+name] = listing
		objects = append(objects, store.Object{Type: store.TypeCollection, Layers: []store.Layer{statementLayer(listing, size)}})
	}
	_, err = w.st.Add(t.Context(), objects...)
	w.must(err)
	if a.corrupt {
		w.corrupt(digest, false)
	}
}

// withoutBuild is the good scene, in which only an attestation can tie the artifact to its commit.
func withoutBuild() *scene {
	s := good()
	s.things = s.things[1:]
	return s
}

// TestAttestations starts each row from provenance that counts and ties the artifact to the commit, so that the coverage of the
// commit counts; its first row shows that. Each row changes one thing.
func TestAttestations(t *testing.T) {
	const rest = "sbom scan tests"
	const bound, unbound = "coverage provenance " + rest, "coverage:unbound "
	for name, c := range map[string]struct {
		change func(*attested)
		want   string
		says   string
		level  int64
	}{
		"good":            {func(*attested) {}, bound, "", 3},
		"bare envelope":   {func(a *attested) { a.bare = true }, bound, "", 3},
		"older statement": {func(a *attested) { a.set("_type", "https://in-toto.io/Statement/v0.1") }, bound, "", 3},
		"older provenance": {func(a *attested) {
			a.set("predicateType", "https://slsa.dev/provenance/v0.2")
			a.set("predicate", map[string]any{"builder": map[string]any{"id": builderID}, "materials": []any{
				map[string]any{"uri": "git+https://git.example/payments", "digest": map[string]any{"sha1": commit}}}})
		}, bound, "", 3},
		"several subjects": {func(a *attested) {
			a.set("subject", []any{map[string]any{"name": "other", "digest": map[string]any{"sha256": other[7:]}}, map[string]any{"name": "app", "digest": map[string]any{"sha512": strings.Repeat("e", 128), "sha256": app[7:]}}})
		}, bound, "", 3},
		"collected by another signer": {func(a *attested) { a.collector = "ci2" }, bound, "", 3},
		// Who signed.
		"unknown key":         {func(a *attested) { a.key = "mallory2" }, unbound + "provenance:unknown_signer " + rest, "fits no key in the gate definition", 0},
		"key of another role": {func(a *attested) { a.key = "scanner" }, unbound + "provenance:wrong_role " + rest, "counts for scan, tests, vex only", 0},
		"unsigned": {func(a *attested) {
			a.envelope = func(b []byte) []byte {
				return []byte(strings.Replace(string(b), `"signatures":[{`, `"signatures":[],"was":[{`, 1))
			}
		}, unbound + "provenance:unknown_signer " + rest, "no attestation that can be read", 0},
		"two signatures": {func(a *attested) {
			a.envelope = func(b []byte) []byte {
				return []byte(strings.Replace(string(b), `"signatures":[`, `"signatures":[{"sig":"AAAA"},`, 1))
			}
		}, unbound + "provenance:unknown_signer " + rest, "2 signatures", 0},
		// Who builds.
		"builder claimed by another signer": {func(a *attested) { a.key = "other" }, unbound + "provenance:wrong_builder " + rest, "lets only builder sign as that builder", 0},
		"unknown builder":                   {func(a *attested) { a.set("predicate.runDetails.builder.id", "https://laptop.example") }, "coverage:unbound provenance " + rest, "", 0},
		"level in the provenance": {func(a *attested) {
			a.set("predicate.runDetails.builder.id", "https://laptop.example")
			a.set("predicate.runDetails.builder.level", 4)
		}, "coverage:unbound provenance " + rest, "", 0},
		"builder of a longer name": {func(a *attested) { a.set("predicate.runDetails.builder.id", builderID+"/../../x") }, bound, "", 3}, // within the version that the definition leaves open
		"builder of another name": {func(a *attested) {
			a.set("predicate.runDetails.builder.id", "https://builder.example/release@refs/heads/main")
		}, "coverage:unbound provenance " + rest, "", 0},
		// What it is about.
		"wrong subject": {func(a *attested) {
			a.set("subject", []any{map[string]any{"name": "app", "digest": map[string]any{"sha256": other[7:]}}})
		}, unbound + "provenance:other_subject " + rest, "no part of this release", 0},
		"digest of another algorithm": {func(a *attested) {
			a.set("subject", []any{map[string]any{"name": "app", "digest": map[string]any{"sha512": app[7:] + app[7:]}}})
		}, unbound + "provenance:other_subject " + rest, "other algorithms than sha256", 0},
		"provenance of the commit": {func(a *attested) {
			a.set("subject", []any{map[string]any{"name": "app", "digest": map[string]any{"gitCommit": commit}}})
		}, unbound + "provenance:other_subject " + rest, "", 0},
		"built from a fork": {func(a *attested) {
			a.text = func(s string) string { return strings.Replace(s, "git.example/payments", "git.example/fork", 1) }
		}, unbound + "provenance:wrong_line " + rest, "git.example/fork", 0},
		"no source": {func(a *attested) { a.set("predicate.buildDefinition.resolvedDependencies", []any{}) }, unbound + "provenance:wrong_line " + rest, `built from ""`, 0},
		// What is signed.
		"foreign _type":      {func(a *attested) { a.set("_type", "https://evil.example/Statement/v9") }, unbound + rest + " !30", "_type", 0},
		"no subject":         {func(a *attested) { a.set("subject", []any{}) }, unbound + rest + " !30", "no subject", 0},
		"predicate alias":    {func(a *attested) { a.text = rename("predicateType", "predicate_type") }, unbound + rest + " !30", "predicate_type", 0},
		"case-folded member": {func(a *attested) { a.text = rename("predicate", "Predicate") }, unbound + rest + " !30", "Predicate", 0},
		"duplicate member": {func(a *attested) {
			a.text = func(s string) string { return `{"_type":"https://in-toto.io/Statement/v1",` + s[1:] }
		}, unbound + rest + " !30", "duplicate", 0},
		"duplicate in predicate": {func(a *attested) {
			a.text = func(s string) string { return strings.Replace(s, `"id":`, `"id":"x","id":`, 1) }
		}, unbound + rest + " !30", "duplicate", 0},
		"case-folded builder":       {func(a *attested) { a.text = rename("runDetails", "rundetails") }, unbound + rest + " !30", "wrong case", 0},
		"bytes after":               {func(a *attested) { a.text = func(s string) string { return s + "{}" } }, unbound + rest + " !30", "", 0},
		"unknown predicate type":    {func(a *attested) { a.set("predicateType", "https://slsa.dev/provenance/v9") }, unbound + "provenance:misfit " + rest, "which is not read", 0},
		"predicate of another type": {func(a *attested) { a.set("predicateType", "https://slsa.dev/provenance/v0.2") }, unbound + rest + " !30", "builder.id is missing", 0},
		// Lists, time, bytes.
		"in no collection":             {func(a *attested) { a.unlisted = true }, unbound + "provenance:unlisted " + rest, "no trusted collection lists", 0},
		"collected by somebody":        {func(a *attested) { a.collector = "mallory" }, "coverage:unbound list of provenance:unknown_signer provenance:unlisted " + rest, "no trusted collection lists", 0},
		"about another, collected too": {func(a *attested) { a.about = onOther }, bound, "", 3},
		"tampered byte":                {func(a *attested) { a.corrupt = true }, unbound + rest + " !50", "altered", 0},
		"unlisted and for another":     {func(a *attested) { a.unlisted, a.about = true, onOther }, unbound + rest, "", 0},
		"unlisted and tampered":        {func(a *attested) { a.unlisted, a.corrupt = true, true }, unbound + "provenance:unlisted " + rest, "", 0},
		"unlisted, no JSON at all":     {func(a *attested) { a.unlisted, a.envelope = true, func([]byte) []byte { return []byte("{") } }, unbound + "provenance:unlisted " + rest, "", 0},
		"listed, no JSON at all":       {func(a *attested) { a.envelope = func([]byte) []byte { return []byte("{") } }, unbound + "provenance:unknown_signer " + rest, "no attestation that can be read", 0},
		"taken away":                   {func(a *attested) { a.taken = true }, unbound + rest + " !50", "taken away", 0},
		"too old":                      {func(a *attested) { a.set("predicate.runDetails.metadata.finishedOn", "2026-10-01T00:00:00Z") }, unbound + "provenance:stale " + rest, "make it again", 0},
		"of the future":                {func(a *attested) { a.set("predicate.runDetails.metadata.finishedOn", "2026-11-21T00:00:00Z") }, unbound + "provenance:future " + rest, "in the future", 0},
	} {
		t.Run(name, func(t *testing.T) {
			w, files := newWorld(t), map[string][]byte{}
			keys := newStrangers(t, files, "builder", "other", "scanner", "staging", "mallory2")
			w.reopen(withAttesters("builder.pub", ""), files)
			digests := w.put(withoutBuild(), nil)
			a := provenance(t)
			c.change(a)
			w.add(t, "provenance", a, keys.sign(t, a), digests)
			v := w.evidence(want())
			if got := tell(v, digests); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if msg := said(v); !strings.Contains(msg, c.says) {
				t.Errorf("nothing says %q:\n%s", c.says, msg)
			}
			for _, it := range v.Items() {
				if it.Kind == "provenance" && (!it.Attested || !strings.Contains(string(it.Summary), fmt.Sprintf(`"buildLevel":%d`, c.level))) {
					t.Errorf("want level %d: %s", c.level, it.Summary)
				}
			}
		})
	}
}

// withAttesters is the good gate definition with signers of attestations. keys is the key file of the builder.
func withAttesters(keys, more string) string {
	return strings.Replace(gateYAML, "signers:\n", "signers:\n"+fmt.Sprintf(attestedYAML, keys), 1) + buildersYAML + more
}

func rename(from, to string) func(string) string {
	return func(s string) string { return strings.Replace(s, `"`+from+`":`, `"`+to+`":`, 1) }
}

// said is all that is told of what does not count, and of faults.
func said(v *Verified) string {
	var out []string
	for _, nc := range v.NotCounted() {
		out = append(out, nc.Msg)
	}
	for _, f := range v.Faults() {
		out = append(out, f.Error())
	}
	return strings.Join(out, "\n")
}

// TestVerificationSummaries is TestAttestations for summaries of an earlier stage.
func TestVerificationSummaries(t *testing.T) {
	for name, c := range map[string]struct {
		change     func(*attested)
		want, says string
	}{
		"good":             {func(*attested) {}, "summary", ""},
		"no time, no log":  {func(a *attested) { a.set("predicate.timeVerified", absent{}) }, "summary:no_timestamp", "nothing says when"},
		"failed":           {func(a *attested) { a.set("predicate.verificationResult", "FAILED") }, "summary:not_passed", "says FAILED"},
		"neither":          {func(a *attested) { a.set("predicate.verificationResult", "MAYBE") }, "!30", "want one of"},
		"other resource":   {func(a *attested) { a.set("predicate.resourceUri", "gate://test/payments") }, "summary:other_subject", "believed about gate://staging/*"},
		"the whole prefix": {func(a *attested) { a.set("predicate.resourceUri", "gate://staging/") }, "summary:other_subject", ""},
		"other verifier":   {func(a *attested) { a.set("predicate.verifier.id", "https://laptop.example") }, "summary:wrong_verifier", "does not name"},
		"key of a builder": {func(a *attested) { a.key = "builder" }, "summary:wrong_role", ""},
		"other artifact": {func(a *attested) {
			a.set("subject", []any{map[string]any{"name": "app", "digest": map[string]any{"sha256": other[7:]}}})
		}, "summary:other_subject", ""},
		"old":                        {func(a *attested) { a.set("predicate.timeVerified", "2026-11-01T00:00:00Z") }, "summary:stale", "for 168h"},
		"verified by nobody who may": {func(a *attested) { a.key = "other" }, "summary:wrong_role", ""},
	} {
		t.Run(name, func(t *testing.T) {
			w, files := newWorld(t), map[string][]byte{}
			keys := newStrangers(t, files, "builder", "other", "scanner", "staging")
			w.reopen(withAttesters("builder.pub", ""), files)
			digests := map[string]string{}
			a := summary(t)
			c.change(a)
			w.add(t, "summary", a, keys.sign(t, a), digests)
			v := w.evidence(want())
			if got := tell(v, digests); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if msg := said(v); !strings.Contains(msg, c.says) {
				t.Errorf("nothing says %q:\n%s", c.says, msg)
			}
		})
	}
}

// TestAttesterKeys: the validity of the key holds for attestations too, at the time that something proves, or else now.
func TestAttesterKeys(t *testing.T) {
	for key, wanted := range map[string]string{
		"builder.pub": "provenance",
		"{file: builder.pub, until: 2027-01-01T00:00:00Z}":                             "provenance",
		"{file: builder.pub, until: 2026-11-20T11:30:00Z}":                             "provenance:expired_key",
		"{file: builder.pub, from: 2026-11-20T11:00:00Z}":                              "provenance:expired_key",
		"{file: builder.pub, revoked: {at: 2026-11-20T11:30:00Z, reason: compromise}}": "provenance:revoked_key",
		"{file: builder.pub, revoked: {at: 2027-01-01T00:00:00Z, reason: rotation}}":   "provenance",
	} {
		w, files := newWorld(t), map[string][]byte{}
		keys := newStrangers(t, files, "builder", "other", "scanner", "staging")
		w.reopen(withAttesters(key, ""), files)
		digests := map[string]string{}
		a := provenance(t)
		w.add(t, "provenance", a, keys.sign(t, a), digests)
		if got := tell(w.evidence(want()), digests); got != wanted {
			t.Errorf("%s: got %s, want %s", key, got, wanted)
		}
	}
}

// TestAttestedKinds: bills, scans, tests and VEX inside attestations become evidence of their kinds, if the signer may sign these.
func TestAttestedKinds(t *testing.T) {
	const trivy = `{"SchemaVersion":2,"ArtifactName":"app","ArtifactType":"container_image","Results":[{"Target":"app","Class":"os-pkgs","Type":"debian"}]}`
	for name, c := range map[string]struct{ typ, predicate, key, kind, rows string }{
		"bill":        {"https://cyclonedx.org/bom", `{"bomFormat":"CycloneDX","specVersion":"1.5","components":[{"type":"library","name":"a","version":"1"}]}`, "builder", "sbom", `"name":"a"`},
		"SPDX":        {"https://spdx.dev/Document", `{"spdxVersion":"SPDX-2.3","SPDXID":"SPDXRef-DOCUMENT","name":"x","packages":[{"SPDXID":"SPDXRef-a","name":"a","versionInfo":"1"}]}`, "builder", "sbom", `"name":"a"`},
		"scan":        {"https://cosign.sigstore.dev/attestation/vuln/v1", `{"invocation":{},"scanner":{"uri":"t","version":"1","db":{},"result":` + trivy + `},"metadata":{"scanFinishedOn":"2026-11-20T10:00:00Z"}}`, "scanner", "scan", `[]`},
		"tests":       {"https://in-toto.io/attestation/test-result/v0.1", `{"result":"PASSED","configuration":[],"passedTests":["unit"]}`, "scanner", "tests", `"name":"unit"`},
		"VEX":         {"https://openvex.dev/ns", `{"@context":"https://openvex.dev/ns/v0.2.0","@id":"https://a.example/1","author":"a","timestamp":"2026-11-20T10:00:00Z","version":1,"statements":[{"vulnerability":{"name":"CVE-2026-1"},"products":[{"@id":"pkg:generic/app"}],"status":"fixed"}]}`, "scanner", "vex", `CVE-2026-1`},
		"bill in VEX": {"https://cyclonedx.org/bom", `{"bomFormat":"CycloneDX","specVersion":"1.5","metadata":{"timestamp":"2026-11-20T10:00:00Z"},"vulnerabilities":[{"id":"CVE-2026-1","analysis":{"state":"resolved"},"affects":[{"ref":"pkg:a/b@1"}]}]}`, "scanner", "vex", `CVE-2026-1`},
	} {
		t.Run(name, func(t *testing.T) {
			w, files := newWorld(t), map[string][]byte{}
			keys := newStrangers(t, files, "builder", "other", "scanner", "staging")
			w.reopen(withAttesters("builder.pub", ""), files)
			digests := map[string]string{}
			a := provenance(t)
			a.key = c.key
			a.set("predicateType", c.typ)
			a.set("predicate", statementOf(t, c.predicate))
			w.add(t, "good", a, keys.sign(t, a), digests)
			a.key = map[string]string{"builder": "scanner", "scanner": "builder"}[c.key] // may sign other kinds only
			w.add(t, "twin", a, keys.sign(t, a), digests)
			v := w.evidence(want())
			if got := tell(v, digests); got != "good twin:wrong_role" {
				t.Fatalf("got %s: %s", got, said(v))
			}
			it := v.Items()[0]
			if string(it.Kind) != c.kind || !strings.Contains(string(it.Rows), c.rows) || it.Level != "" || !it.Attested || it.About != onApp || it.Signer.ID != c.key {
				t.Errorf("%+v", it)
			}
		})
	}
}

// TestAttestedTimes: attested evidence is as old as it says, or as a log or timestamp authority says, and does not become new by being collected
// anew. Each kind is of ten in the morning, old, of tomorrow, of no readable time, and of no time, which only those kinds may be whose truth
// does not change with time.
func TestAttestedTimes(t *testing.T) {
	const at, result = "2026-11-20T10:00:00Z", `"scanner":{"result":{"SchemaVersion":2,"ArtifactName":"app","ArtifactType":"container_image","Results":[{"Target":"app","Class":"os-pkgs","Type":"debian"}]}}`
	for name, c := range map[string]struct{ typ, predicate, member, key, without string }{
		"scan":          {"https://cosign.sigstore.dev/attestation/vuln/v1", `{"metadata":{"scanStartedOn":"2020-01-01T00:00:00Z","scanFinishedOn":"AT"},` + result + `}`, `,"scanFinishedOn":"AT"`, "scanner", ":stale"},
		"scan, started": {"https://cosign.sigstore.dev/attestation/vuln/v1", `{"metadata":{"scanStartedOn":"AT"},` + result + `}`, `"scanStartedOn":"AT"`, "scanner", ":no_timestamp"},
		"VEX": {"https://openvex.dev/ns", `{"@context":"https://openvex.dev/ns/v0.2.0","@id":"https://a.example/1","author":"a","timestamp":"AT","version":1,"statements":[
			{"vulnerability":{"name":"CVE-2026-1"},"products":[{"@id":"pkg:generic/app"}],"status":"fixed"}]}`, `"timestamp":"AT",`, "scanner", ":no_timestamp"},
		"VEX, updated": {"https://openvex.dev/ns", `{"@context":"https://openvex.dev/ns/v0.2.0","@id":"https://a.example/1","author":"a","timestamp":"2020-01-01T00:00:00Z","last_updated":"AT","version":2,"statements":[
			{"vulnerability":{"name":"CVE-2026-1"},"products":[{"@id":"pkg:generic/app"}],"status":"fixed"}]}`, `"last_updated":"AT",`, "scanner", ":stale"},
		"bill in VEX": {"https://cyclonedx.org/bom", `{"bomFormat":"CycloneDX","specVersion":"1.5","metadata":{"timestamp":"AT"},"vulnerabilities":[{"id":"CVE-2026-1","analysis":{"state":"resolved"},"affects":[{"ref":"pkg:a/b@1"}]}]}`, `"timestamp":"AT"`, "scanner", ":no_timestamp"},
		"CycloneDX":   {"https://cyclonedx.org/bom", `{"bomFormat":"CycloneDX","specVersion":"1.5","metadata":{"timestamp":"AT"},"components":[{"type":"library","name":"a","version":"1"}]}`, `"timestamp":"AT"`, "builder", ""},
		"SPDX":        {"https://spdx.dev/Document", `{"spdxVersion":"SPDX-2.3","SPDXID":"SPDXRef-DOCUMENT","name":"x","creationInfo":{"created":"AT"},"packages":[{"SPDXID":"SPDXRef-a","name":"a","versionInfo":"1"}]}`, `"created":"AT"`, "builder", ""},
		"SPDX 3":      {"https://spdx.dev/Document/v3", `{"@context":"https://spdx.org/rdf/3.0.1/spdx-context.jsonld","@graph":[{"type":"CreationInfo","created":"AT","specVersion":"3.0.1"},{"type":"software_Package","spdxId":"a","name":"a","software_packageVersion":"1"}]}`, `"created":"AT",`, "builder", ""},
		"tests":       {"https://in-toto.io/attestation/test-result/v0.1", `{"result":"PASSED","configuration":[],"passedTests":["unit"]}`, "", "scanner", ""},
		"provenance": {"https://slsa.dev/provenance/v1", `{"buildDefinition":{"resolvedDependencies":[{"uri":"git+https://git.example/payments","digest":{"gitCommit":"` + commit + `"}}]},
			"runDetails":{"builder":{"id":"` + builderID + `"},"metadata":{"startedOn":"2020-01-01T00:00:00Z","finishedOn":"AT"}}}`, `,"finishedOn":"AT"`, "builder", ":stale"},
	} {
		for what, when := range map[string]struct{ replace, want string }{
			at: {at, ""}, "old": {"2026-10-01T00:00:00+02:00", ":stale"}, "tomorrow": {"2026-11-21T00:00:00Z", ":future"},
			"no time": {"last week", ":no_timestamp"}, "none": {"", c.without},
		} {
			if c.member == "" && what != "none" {
				continue // the format has no time
			}
			text := strings.ReplaceAll(c.predicate, "AT", when.replace)
			if what == "none" {
				text = strings.ReplaceAll(c.predicate, c.member, "")
			}
			if what == "no time" && (name == "provenance" || strings.HasPrefix(name, "scan")) {
				when.want = " !30" // their readers know that it is a time
			}
			w, files := newWorld(t), map[string][]byte{}
			keys := newStrangers(t, files, "builder", "other", "scanner", "staging")
			w.reopen(withAttesters("builder.pub", ""), files)
			digests, a := map[string]string{}, provenance(t)
			a.key = c.key
			a.set("predicateType", c.typ)
			a.set("predicate", statementOf(t, text))
			w.add(t, "it", a, keys.sign(t, a), digests)
			v := w.evidence(want())
			if got := strings.TrimPrefix(tell(v, digests), "it"); got != when.want && " "+got != when.want {
				t.Errorf("%s, %s: got %q, want %q: %s", name, what, got, when.want, said(v))
			}
			for _, it := range v.Items() { // collected an hour before now, made two
				if made := what != "none"; it.AgeSeconds != map[bool]int64{true: 7200, false: 3600}[made] {
					t.Errorf("%s, %s: %d seconds old", name, what, it.AgeSeconds)
				}
			}
		}
	}
}

// TestAttestedByALog: evidence without a time of its own is as old as the first who saw its signature, a log or an authority, prove.
func TestAttestedByALog(t *testing.T) {
	w, files := newWorld(t), map[string][]byte{}
	keys, by := newStrangers(t, files, "builder", "other", "scanner", "staging"), sealtest.New(t, now)
	files["trusted_root.json"] = by.TrustedRoot()
	for name, c := range map[string]struct {
		wants string
		seen  time.Time
		want  string
	}{
		"logged":                {"", now.Add(-2 * time.Hour), "it"},
		"logged long ago":       {"", now.AddDate(0, -2, 0), "it:stale"},
		"a timestamp is wanted": {", require: {timestamp: true}", now.Add(-2 * time.Hour), "it"},
		"nobody saw it":         {"", time.Time{}, "it:no_timestamp"},
		"nor where it must be":  {", require: {timestamp: true}", time.Time{}, "it:no_timestamp"},
	} {
		yaml := withAttesters("builder.pub", "trust: {trustedRoot: trusted_root.json}\n")
		yaml = strings.Replace(yaml, "vex]}", "vex]"+c.wants+"}", 1)
		w.reopen(yaml, files)
		digests, a := map[string]string{}, provenance(t)
		a.key = "scanner"
		a.set("predicateType", "https://cosign.sigstore.dev/attestation/vuln/v1")
		a.set("predicate", statementOf(t, `{"metadata":{"scanFinishedOn":"0001-01-01T00:00:00Z"},"scanner":{"result":{"SchemaVersion":2,"ArtifactName":"`+name+`","ArtifactType":"container_image","Results":[{"Target":"app","Class":"os-pkgs","Type":"debian"}]}}}`))
		a.envelope = func(b []byte) []byte {
			if c.seen.IsZero() {
				return b
			}
			b = bytes.Replace(b, []byte(`"whatever its tool calls it"`), []byte(`""`), 1) // Sigstore's verifier wants none, or its own name for the key
			return by.Log(b, string(files["scanner.pub"]), c.seen)
		}
		st := w.st
		w.st = newWorld(t).st
		w.add(t, "it", a, keys.sign(t, a), digests)
		v := w.evidence(want())
		if got := tell(v, digests); got != c.want {
			t.Errorf("%s: got %q, want %q: %s", name, got, c.want, said(v))
		}
		for _, it := range v.Items() {
			if it.AgeSeconds != 7200 {
				t.Errorf("%s: %d seconds old", name, it.AgeSeconds)
			}
		}
		w.st = st
	}
}

// TestListedInTheFuture: a collection of the future would keep what it lists new for as long, so it lists nothing yet.
func TestListedInTheFuture(t *testing.T) {
	for name, c := range map[string]struct{ first, second, want string }{
		"now":                 {"2026-11-20T12:00:00Z", "", "it"},
		"a clock ahead":       {"2026-11-20T12:02:00Z", "", "it"},
		"the future":          {"2026-11-20T12:02:01Z", "", "it:future"},
		"next year":           {"2027-11-20T12:00:00Z", "", "it:future"},
		"the future, and now": {"2027-11-20T12:00:00Z", "2026-11-20T11:00:00Z", "it"},
		"now, and the future": {"2026-11-20T11:00:00Z", "2027-11-20T12:00:00Z", "it"},
	} {
		w, files := newWorld(t), map[string][]byte{}
		keys := newStrangers(t, files, "builder", "other", "scanner", "staging")
		w.reopen(withAttesters("builder.pub", ""), files)
		digests, a := map[string]string{}, provenance(t)
		a.set("predicate.runDetails.metadata", map[string]any{})
		text := keys.sign(t, a)
		a.at = c.first
		w.add(t, "it", a, text, digests)
		if a.at = c.second; a.at != "" {
			w.add(t, "it", a, text, digests)
		}
		if v := w.evidence(want()); tell(v, digests) != c.want {
			t.Errorf("%s: got %q, want %q: %s", name, tell(v, digests), c.want, said(v))
		}
	}
}

// TestRowsOfAllKinds: attestations and statements of our own have one bound together for the bytes of their rows.
func TestRowsOfAllKinds(t *testing.T) {
	for less, faults := range map[int64]int{10: 0, 9: 1} {
		g := newGathering(nil, want())
		g.rows = maxAllRows - less // of attestations that were read
		about := &statement{digest: "a", foreign: &foreign{rows: []byte(`[12345678]`), report: evidence.Report{Summary: evidence.Summary{SBOM: &evidence.SBOMSummary{}}}}}
		again := *about // about two artifacts of the release: ten bytes more
		again.about = onOther
		items := g.load(nil, []*statement{about, &again})
		if len(g.faults) != faults || len(items) != 2-2*faults {
			t.Errorf("%d left: %d items, %v", less, len(items), g.faults)
		}
		g = newGathering(nil, want())
		g.rows = maxAllRows - less
		own := &statement{digest: "b", item: &ItemPredicate{Rows: evidence.Descriptor{Size: 10}}, kind: evidence.Tests}
		if g.load(newWorld(t).st, []*statement{own}); len(g.faults) != 1 || strings.Contains(g.faults[0].Error(), "more than") != (faults == 1) {
			t.Errorf("%d left: %v", less, g.faults) // its rows are not in the store
		}
	}
}

// TestAttestedTie: an artifact has one commit, whoever says so.
func TestAttestedTie(t *testing.T) {
	for name, c := range map[string]struct {
		revision, key string
		builder       string
		want, says    string
	}{
		"the same":                   {commit, "builder", builderID, "build coverage provenance sbom scan tests", ""},
		"another":                    {commit2, "builder", builderID, "build coverage:unbound provenance sbom scan tests !30", "from commit " + commit2},
		"another, unknown builder":   {commit2, "builder", "https://laptop.example", "build coverage:unbound provenance sbom scan tests !30", "from commit " + commit2},
		"another, by nobody trusted": {commit2, "scanner", builderID, "build coverage provenance:wrong_role sbom scan tests", ""},
	} {
		t.Run(name, func(t *testing.T) {
			w, files := newWorld(t), map[string][]byte{}
			keys := newStrangers(t, files, "builder", "other", "scanner", "staging")
			w.reopen(withAttesters("builder.pub", ""), files)
			digests := w.put(good(), nil)
			a := provenance(t)
			a.key = c.key
			a.set("predicate.runDetails.builder.id", c.builder)
			a.text = func(s string) string { return strings.ReplaceAll(s, commit, c.revision) }
			w.add(t, "provenance", a, keys.sign(t, a), digests)
			v := w.evidence(want())
			if got := tell(v, digests); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if msg := said(v); !strings.Contains(msg, c.says) {
				t.Errorf("nothing says %q:\n%s", c.says, msg)
			}
		})
	}
}

// TestAttestedSubjects: one attestation about two artifacts of the release is an item for each; one about the commit counts when
// something ties the release to it.
func TestAttestedSubjects(t *testing.T) {
	w, files := newWorld(t), map[string][]byte{}
	keys := newStrangers(t, files, "builder", "other", "scanner", "staging")
	w.reopen(withAttesters("builder.pub", ""), files)
	digests := map[string]string{}
	both := provenance(t)
	both.set("subject", []any{map[string]any{"name": "x", "digest": map[string]any{"sha256": other[7:]}}, map[string]any{"name": "y", "digest": map[string]any{"sha256": app[7:]}}})
	w.add(t, "provenance", both, keys.sign(t, both), digests)
	tests := provenance(t)
	tests.key = "scanner"
	tests.set("predicateType", "https://in-toto.io/attestation/test-result/v0.1")
	tests.set("predicate", map[string]any{"result": "PASSED", "configuration": []any{}, "passedTests": []any{"a"}})
	tests.set("subject", []any{map[string]any{"name": "repo", "digest": map[string]any{"gitCommit": commit}}})
	w.add(t, "tests", tests, keys.sign(t, tests), digests)

	asked := want()
	asked.Artifacts = []Artifact{{"app", app}, {"other", other}}
	v := w.evidence(asked)
	if got := tell(v, digests); got != "provenance provenance tests" {
		t.Fatalf("got %s: %s", got, said(v))
	}
	about := map[string]bool{}
	for _, it := range v.Items() {
		about[it.About.Digest] = true
	}
	if !about[app] || !about[other] || !about[commit] || v.Source().Revision != commit || v.Source().AuthorsKnown {
		t.Errorf("%v, source %+v", about, v.Source())
	}
	// A third artifact that nothing ties to the commit.
	asked.Artifacts = append(asked.Artifacts, Artifact{"third", "sha256:" + strings.Repeat("9", 64)})
	v = w.evidence(asked)
	if got := tell(v, digests); got != "provenance provenance tests:other_subject" {
		t.Errorf("got %s: %s", got, said(v))
	}
}

// TestAttestedPlatforms: what is attested about the platforms of an image index counts for the index, if it is about all of them.
func TestAttestedPlatforms(t *testing.T) {
	amd, arm := "sha256:"+strings.Repeat("1", 64), "sha256:"+strings.Repeat("2", 64)
	for _, x := range []struct {
		about      []string
		typ        string
		want, gaps string
	}{
		{[]string{amd, arm}, "https://cyclonedx.org/bom", "bill0 bill1 build", ""},
		{[]string{amd}, "https://cyclonedx.org/bom", "bill0 build", "sbom [linux/amd64] not [linux/arm64]"},
		{[]string{amd, "sha256:" + strings.Repeat("5", 64)}, "https://cyclonedx.org/bom", "bill0 bill1:other_subject build", "sbom [linux/amd64] not [linux/arm64]"},
		{[]string{amd}, "https://slsa.dev/provenance/v1", "bill0:other_subject build", ""},
	} {
		w, files := newWorld(t), map[string][]byte{}
		keys := newStrangers(t, files, "builder", "other", "scanner", "staging")
		w.reopen(withAttesters("builder.pub", ""), files)
		s := &scene{things: good().things[:1]}
		s.edit("build", "contains", []any{map[string]any{"digest": amd, "config": "sha256:" + strings.Repeat("3", 64), "platform": "linux/amd64"},
			map[string]any{"digest": arm, "config": "sha256:" + strings.Repeat("4", 64), "platform": "linux/arm64"}})
		digests := w.put(s, nil)
		for i, digest := range x.about {
			a := provenance(t)
			a.set("subject", []any{map[string]any{"name": "image", "digest": map[string]any{"sha256": digest[7:]}}})
			if a.set("predicateType", x.typ); x.typ == "https://cyclonedx.org/bom" {
				a.set("predicate", statementOf(t, `{"bomFormat":"CycloneDX","specVersion":"1.5","components":[{"type":"library","name":"a","version":"1"}]}`))
			}
			w.add(t, fmt.Sprintf("bill%d", i), a, keys.sign(t, a), digests)
		}
		v := w.evidence(want())
		var gaps []string
		for _, g := range v.Gaps() {
			gaps = append(gaps, fmt.Sprintf("%s %v not %v", g.What(), g.Have, g.Missing))
		}
		if got := tell(v, digests); got != x.want || strings.Join(gaps, "; ") != x.gaps {
			t.Errorf("%v: got %s with gaps %v, want %s with %q\n%s", x.about, got, gaps, x.want, x.gaps, said(v))
		}
	}
}

// TestAttestedIdentity: an identity in CI signs as the builder that is bound to it, and a log or timestamp proves when.
func TestAttestedIdentity(t *testing.T) {
	id := sealtest.Workflow("https://github.com/acme/payments", ".github/workflows/release.yml", "refs/heads/main")
	dev := sealtest.Workflow("https://github.com/acme/payments", ".github/workflows/release.yml", "refs/heads/dev")
	for name, c := range map[string]struct {
		id         sealtest.Identity
		other      bool
		want, says string
	}{
		"good":              {id, false, "provenance", ""},
		"another branch":    {dev, false, "provenance:unknown_signer", "it says reference refs/heads/dev, and refs/heads/main is let"},
		"another authority": {id, true, "provenance:untrusted", "not vouched for"},
	} {
		t.Run(name, func(t *testing.T) {
			w, authorities := newWorld(t), sealtest.New(t, now)
			by := authorities
			if c.other {
				by = sealtest.New(t, now)
			}
			files := map[string][]byte{"trusted_root.json": authorities.TrustedRoot()}
			newStrangers(t, files, "builder", "other", "scanner", "staging")
			yaml := strings.Replace(withAttesters("builder.pub", identitiesYAML), "builder: {keys: [builder.pub]", "builder: {identities: [{issuer: "+id.Issuer+", repository: "+id.Repository+
				", workflow: .github/workflows/release.yml, refs: [refs/heads/main]}]", 1)
			w.reopen(yaml, files)
			a := provenance(t)
			b, err := json.Marshal(a.statement)
			w.must(err)
			at := now.Add(-90 * 60 * 1e9)
			digests := map[string]string{}
			w.add(t, "provenance", a, by.Sign(string(b), c.id, at, at), digests)
			v := w.evidence(want())
			if got := tell(v, digests); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if msg := said(v); !strings.Contains(msg, c.says) {
				t.Errorf("nothing says %q:\n%s", c.says, msg)
			}
		})
	}
}

// TestOwnStatementsOfAttestedKinds: provenance that a signer of evidence writes down themselves is none.
func TestOwnStatementsOfAttestedKinds(t *testing.T) {
	w, files := newWorld(t), map[string][]byte{}
	newStrangers(t, files, "builder", "other", "scanner", "staging")
	w.reopen(strings.Replace(withAttesters("builder.pub", ""), "may: [tests, coverage, scan, sbom, build]", "may: [tests, coverage, scan, sbom, build, provenance]", 1), files)
	s := good()
	s.change("tests", func(x *thing) { x.as = "https://cdgate.dev/provenance/v1" })
	w.put(s, nil)
	v := w.evidence(want())
	if got := fmt.Sprint(v.NotCounted()); !strings.Contains(got, "wrong_role") || len(v.Items()) != 4 {
		t.Errorf("%d items, %s", len(v.Items()), got)
	}
}
