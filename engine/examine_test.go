package engine_test

import (
	"context"
	"encoding/base64"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"cdgate.dev/cdgate/engine"
	"cdgate.dev/cdgate/engine/gate"
	"cdgate.dev/cdgate/engine/ledger"
	"cdgate.dev/cdgate/engine/seal"
	"cdgate.dev/cdgate/engine/store"
	"cdgate.dev/cdgate/engine/verify"
)

// copied is the organisation in another directory.
func (o *org) copied(t *testing.T) *org {
	t.Helper()
	c := *o
	c.t, c.dir = t, t.TempDir()
	if err := os.CopyFS(c.dir, os.DirFS(o.dir)); err != nil {
		t.Fatal(err)
	}
	return &c
}

func (o *org) must(err error) {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
}

// examined is a file of the organisation and what is done to it.
type examined struct {
	name string
	// file is its path in the organisation; empty where bytes makes it.
	file  string
	bytes func(o *org) []byte
	// attack is made on the organisation before, edit on what is asked.
	attack func(o *org)
	edit   func(*engine.ExamineOptions)
	code   int
	// check is the one that fails, and says a part of what it says.
	check, says string
}

// altered changes what a bundle signs and leaves its signature.
func (o *org) altered(bundle []byte, was, is string) []byte {
	o.t.Helper()
	p := payload(bundle)
	if !strings.Contains(p, was) {
		o.t.Fatalf("the statement does not hold %q: %s", was, p)
	}
	b64 := base64.StdEncoding.EncodeToString
	return []byte(strings.Replace(string(bundle), b64([]byte(p)), b64([]byte(strings.Replace(p, was, is, 1))), 1))
}

// resigned signs what a bundle signs, changed by edit, with somebody's key.
func (o *org) resigned(who string, bundle []byte, edit func(*seal.Statement)) []byte {
	o.t.Helper()
	x, err := seal.InspectUnsafe(bundle)
	o.must(err)
	if edit != nil {
		edit(&x.Statement)
	}
	b, err := o.signers[who].Sign(x.Statement)
	o.must(err)
	return b
}

func said(was, is string) func(*seal.Statement) {
	return func(s *seal.Statement) { s.Predicate = []byte(strings.Replace(string(s.Predicate), was, is, 1)) }
}

// TestExamine takes each file that cdgate writes: without an attack it holds, and with each attack the check that is there for
// it fails, with its exit code.
func TestExamine(t *testing.T) {
	o := newOrg(t, gateText)
	tests := o.collect(nil, allGood...)
	o.evaluate(0, "staging", func(e *engine.EvaluateOptions) { e.Record = o.path("staging.json") })
	o.evaluate(10, "production", nil)
	signed, err := o.sign("eva", "approve", now)
	o.must(err)
	o.evaluate(0, "production", nil)
	vsa := "record.json.vsa-" + appDigest[7:19] + ".sigstore.json"
	enrolment, err := gate.Enrol(gate.Enrolment{Name: "Ann", Emails: []string{"ann@acme.example"}, Logins: []string{}}, o.signers["mallory"], now)
	o.must(err)
	o.write("ann.enrol", string(enrolment))
	blob := func(digest string) string { return "store/blobs/sha256/" + strings.TrimPrefix(digest, "sha256:") }
	statement := tests.Items[slices.IndexFunc(tests.Items, func(i engine.CollectedItem) bool { return i.Kind == "tests" })].Statement
	item, collection, signoff := blob(statement), blob(tests.Collection), blob(signed.Digest)
	later := func(d time.Duration) func(*engine.ExamineOptions) {
		return func(e *engine.ExamineOptions) { e.Now = now.Add(d) }
	}
	target := func(id string) func(*engine.ExamineOptions) { return func(e *engine.ExamineOptions) { e.Target = id } }
	other := func(e *engine.ExamineOptions) {
		e.Artifacts = []engine.Artifact{{Name: "x", Digest: "sha256:" + strings.Repeat("0", 64)}}
	}
	signedBy := func(who, file string, edit func(*seal.Statement)) func(o *org) []byte {
		return func(o *org) []byte { return o.resigned(who, o.read(file), edit) }
	}
	changed := func(file, was, is string) func(o *org) []byte {
		return func(o *org) []byte { return o.altered(o.read(file), was, is) }
	}
	remove := func(file string) func(o *org) { return func(o *org) { o.must(os.Remove(o.path(file))) } }

	for _, c := range []examined{
		{name: "record", file: "record.json"},
		{name: "record altered", bytes: changed("record.json", `"outcome":"allow"`, `"outcome":"Allow"`), code: 50, check: "signature"},
		{name: "record of a stranger", bytes: signedBy("mallory", "staging.json", nil), code: 50, check: "signer"},
		{name: "record without proof", file: "record.json", edit: func(e *engine.ExamineOptions) { e.Proof = nil }, code: 60, check: "log proof"},

		{name: "summary", file: vsa},
		{name: "summary altered", bytes: changed(vsa, "PASSED", "passed"), code: 50, check: "signature"},
		{name: "summary by a collector", bytes: signedBy("ci", vsa, nil), code: 50, check: "signer"},
		{name: "summary that says more than the record", bytes: signedBy("gate", vsa, said("cdgate://production/", "cdgate://staging/")), code: 50, check: "record", says: "does not say what the record"},
		{name: "summary about another artifact", bytes: signedBy("gate", vsa, func(s *seal.Statement) { s.Subject[0].Digest["sha256"] = strings.Repeat("0", 64) }), code: 50, check: "record", says: "is not about"},
		{name: "summary of another verifier", bytes: signedBy("gate", vsa, said("https://cdgate.dev/cdgate", "https://example.org/other")), code: 20, check: "content"},
		{name: "summary asked about another artifact", file: vsa, edit: other, code: 20, check: "subject"},
		{name: "summary asked about another target", file: vsa, edit: target("staging"), code: 20, check: "target"},
		{name: "summary expired", file: vsa, edit: later(25 * time.Hour), code: 20, check: "fresh"},
		{name: "summary of a record taken away", file: vsa, attack: func(o *org) { o.must(os.Remove(o.path(blob(seal.Digest(o.read("record.json")))))) }, code: 50, check: "record"},
		{name: "summary of a release rejected since", file: vsa, attack: func(o *org) {
			_, err := o.sign("eva", "reject", now.Add(time.Second))
			o.must(err)
		}, code: 20, check: "nothing later"},

		{name: "evidence", file: item},
		{name: "evidence for a target", file: item, edit: target("production")},
		{name: "evidence altered", bytes: changed(item, `"level":"`, `"level":"x`), code: 50, check: "signature"},
		{name: "evidence of a stranger", bytes: signedBy("mallory", item, nil), code: 20, check: "signer"},
		{name: "evidence of the gate's key", bytes: signedBy("gate", item, nil), code: 20, check: "role"},
		{name: "evidence with a member too many", bytes: signedBy("ci", item, said(`{`, `{"more":1,`)), code: 30, check: "content"},
		{name: "evidence about another line", bytes: signedBy("ci", item, said(`"line":"payments"`, `"line":"billing"`)), code: 20, check: "line"},
		{name: "evidence that nobody collected", bytes: signedBy("ci", item, said(`"level":"`, `"level":"x`)), code: 20, check: "collection"},
		{name: "evidence whose rows were altered", file: item, attack: func(o *org) {
			o.flip(o.find(func(b []byte) bool { return strings.HasPrefix(string(b), `{"cases"`) }))
		}, code: 50, check: "blobs"},
		{name: "evidence whose report was taken away", file: item, attack: func(o *org) { o.must(os.Remove(o.path(blob(seal.Digest([]byte(reports["junit.xml"])))))) }, code: 50, check: "blobs"},
		{name: "evidence replaced by a later attempt", file: item, attack: func(o *org) {
			o.collect(func(c *engine.CollectOptions) { c.Producer.Attempt = 2 }, "junit.xml")
		}, code: 20, check: "attempt"},
		{name: "evidence too old for a target", file: item, edit: func(e *engine.ExamineOptions) { e.Target, e.Now = "production", now.Add(31*24*time.Hour) }, code: 20, check: "time"},
		{name: "evidence from the future", file: item, edit: later(-time.Hour), code: 20, check: "key|time"},
		{name: "evidence about another artifact", file: item, edit: other, code: 20, check: "subject"},
		{name: "evidence without a store", file: item, edit: func(e *engine.ExamineOptions) { e.Store = "/nowhere" }, code: 64, check: "store"},
		{name: "evidence for no target there is", file: item, edit: target("prod"), code: 64, check: "store"},

		{name: "collection", file: collection},
		{name: "collection of a stranger", bytes: signedBy("mallory", collection, nil), code: 20, check: "signer"},
		{name: "collection whose item was taken away", file: collection, attack: (*org).takeAway, code: 50, check: "items"},

		{name: "sign-off", file: signoff},
		{name: "sign-off altered", bytes: changed(signoff, `"approve"`, `"reject"`), code: 50, check: "signature"},
		{name: "sign-off of a stranger", bytes: signedBy("mallory", signoff, nil), code: 20, check: "signer"},
		{name: "sign-off of a machine", bytes: signedBy("ci", signoff, nil), code: 20, check: "role"},
		{name: "sign-off that was not logged", bytes: signedBy("eva", signoff, said("read it", "again")), code: 20, check: "log"},
		{name: "sign-off taken from the store", bytes: func(o *org) []byte {
			b := o.read(signoff)
			remove(signoff)(o)
			return b
		}, code: 50, check: "store"},
		{name: "sign-off for another target", file: signoff, edit: target("staging"), code: 20, check: "target"},
		{name: "sign-off about other artifacts", file: signoff, edit: other, code: 20, check: "subject"},
		{name: "sign-off expired", file: signoff, edit: later(91 * 24 * time.Hour), code: 20, check: "time"},
		{name: "sign-off taken back", file: signoff, attack: func(o *org) {
			_, err := o.sign("eva", "reject", now.Add(time.Second))
			o.must(err)
		}, code: 20, check: "nothing later"},

		{name: "gate definition", file: "gate.yaml"},
		{name: "gate definition edited", file: "gate.yaml", attack: func(o *org) { o.write("gate.yaml", gateText+"# more\n") }, code: 50, check: "text"},
		{name: "gate definition with an altered signature", file: "gate.yaml", attack: func(o *org) {
			o.write("gate.sigstore.json", string(o.altered(o.read("gate.sigstore.json"), "2030", "2031")))
		}, code: 50, check: "signatures"},
		{name: "gate definition of another root", file: "gate.yaml", edit: func(e *engine.ExamineOptions) { e.Root = o.signers["mallory"].Public().Fingerprint() }, code: 50, check: "root"},
		{name: "gate definition expired", file: "gate.yaml", edit: later(10 * 365 * 24 * time.Hour), code: 50, check: "time"},
		{name: "gate definition unsigned", file: "gate.yaml", attack: remove("gate.sigstore.json"), code: 64, check: "signatures"},
		{name: "signature of the gate definition", file: "gate.sigstore.json"},
		{name: "signature of the gate definition altered", bytes: changed("gate.sigstore.json", "2030", "2031"), code: 50, check: "signature"},
		{name: "signature of no root", bytes: signedBy("mallory", "gate.sigstore.json", nil), code: 50, check: "signature"},
		{name: "signature of another definition", bytes: signedBy("root", "gate.sigstore.json", said("2030", "2031")), code: 50, check: "follows", says: "signed twice"},

		{name: "enrolment", file: "ann.enrol"},
		{name: "enrolment altered", bytes: changed("ann.enrol", `"Ann"`, `"Eva"`), code: 50, check: "signature"},
		{name: "enrolment by somebody else", bytes: signedBy("eva", "ann.enrol", nil), code: 50, check: "signature"},
		{name: "enrolment too old", file: "ann.enrol", edit: later(31 * 24 * time.Hour), code: 20, check: "time"},

		{name: "proof", file: "record.json.tlog-proof"},
		{name: "proof beside another record", file: "record.json.tlog-proof", edit: func(e *engine.ExamineOptions) { e.Record = o.read("staging.json") }, code: 50, check: "entry"},
		{name: "proof of another log", bytes: func(o *org) []byte { return o.otherLog().Proof }, code: 50, check: "proof"},
		{name: "proof in another form", bytes: func(o *org) []byte {
			return []byte(strings.Replace(string(o.read("record.json.tlog-proof")), "\nindex ", "\nindex 0", 1))
		}, code: 30, check: "proof"},
		{name: "proof, and the log is gone", file: "record.json.tlog-proof", edit: func(e *engine.ExamineOptions) { e.Log = "/nowhere" }, code: 50, check: "log"},
		{name: "checkpoint", file: "log/checkpoint"},
		{name: "checkpoint of another log", bytes: func(o *org) []byte { return o.otherLog().Checkpoint }, code: 50, check: "checkpoint"},

		{name: "nothing", bytes: func(*org) []byte { return nil }, code: 30, says: "it is empty"},
		{name: "cut off", bytes: func(o *org) []byte { b := o.read("record.json"); return b[:len(b)/2] }, code: 30, says: "cut off"},
		{name: "a text", bytes: func(*org) []byte { return []byte("Remember the milk.") }, code: 30, says: "it can check a decision record"},
		{name: "a key", file: "ci.pub", code: 64, says: "it is a key"},
		{name: "a result", bytes: func(*org) []byte { return []byte(`{"outcome":"allow"}`) }, code: 64, says: "nobody signed"},
		{name: "other JSON", bytes: func(*org) []byte { return []byte(`{}`) }, code: 64, says: "no Sigstore bundle"},
		{name: "another program's statement", bytes: signedBy("ci", item, func(s *seal.Statement) { s.PredicateType = "https://slsa.dev/provenance/v1" }), code: 64, says: "of another program"},
	} {
		t.Run(strings.ReplaceAll(c.name, " ", "_"), func(t *testing.T) { c.run(t, o.copied(t)) })
	}
}

func (c examined) run(t *testing.T, o *org) {
	if c.attack != nil {
		c.attack(o)
	}
	opt := engine.ExamineOptions{VerifyOptions: engine.VerifyOptions{Places: o.places(), Now: now.Add(time.Minute), Artifacts: []engine.Artifact{app}}}
	if c.bytes != nil {
		opt.Bytes = c.bytes(o)
	} else {
		opt.Name = o.path(c.file)
		opt.Bytes = o.read(c.file)
	}
	opt.Proof = o.read("record.json.tlog-proof")
	if c.edit != nil {
		c.edit(&opt)
	}
	// Whoever asks whether an artifact may go somewhere gets no answer from a file that decides nothing, whatever it holds.
	for prefix, as := range map[string]string{
		"evidence": engine.IsEvidence, "collection": engine.IsCollection, "sign-off": engine.IsSignoff, "gate definition": engine.IsGate,
		"signature": engine.IsGateSignature, "enrolment": engine.IsEnrolment, "proof": engine.IsProof, "checkpoint": engine.IsCheckpoint,
	} {
		if !strings.HasPrefix(c.name, prefix) {
			continue
		}
		for _, not := range []string{"", engine.AsWord(engine.IsRecord)} {
			opt.As = not
			if _, err := engine.Examine(context.Background(), opt); engine.ExitCode(err) != 64 {
				t.Errorf("as %q: %v", not, err)
			}
		}
		opt.As = engine.AsWord(as)
	}
	x, err := engine.Examine(context.Background(), opt)
	if err != nil {
		if code := engine.ExitCode(err); code != c.code || c.check != "" || !strings.Contains(err.Error(), c.says) {
			t.Fatalf("%v (%d), want exit code %d and %q", err, code, c.code, c.says)
		}
		return
	}
	last := x.Checks[len(x.Checks)-1]
	if x.ExitCode != c.code || last.OK != (c.code == 0) || c.code != 0 && !slices.Contains(strings.Split(c.check, "|"), last.Name) || !strings.Contains(last.Detail, c.says) {
		t.Errorf("exit code %d, want %d at check %q that says %q: %+v", x.ExitCode, c.code, c.check, c.says, x.Checks)
	}
	for _, other := range x.Checks[:len(x.Checks)-1] {
		if !other.OK {
			t.Errorf("check %s failed, and others were made after it: %+v", other.Name, x.Checks)
		}
	}
}

// otherLog is a log of another key.
func (o *org) otherLog() *ledger.Receipt {
	o.t.Helper()
	private, _, err := ledger.GenerateKey("test-log")
	o.must(err)
	r, err := ledger.Append(context.Background(), o.path("other-log"), private, ledger.Witnesses{}, []byte("{}"))
	o.must(err)
	return r
}

// TestExamineStoreAndLog: what is altered or taken away is found, wherever in a store or a log it is.
func TestExamineStoreAndLog(t *testing.T) {
	o := newOrg(t, gateText)
	o.collect(nil, allGood...)
	o.evaluate(0, "staging", nil)
	examine := func(o *org, f func(context.Context, engine.ExamineOptions) (*engine.Examination, error), code int, check string) {
		o.t.Helper()
		x, err := f(context.Background(), engine.ExamineOptions{Name: o.path("store"), VerifyOptions: engine.VerifyOptions{Places: o.places(), Now: now}})
		o.must(err)
		at := slices.IndexFunc(x.Checks, func(c engine.VerifyCheck) bool { return !c.OK })
		if x.ExitCode != code || (at >= 0) != (code != 0) || at >= 0 && x.Checks[at].Name != check {
			o.t.Errorf("exit code %d, want %d at %q: %+v", x.ExitCode, code, check, x.Checks)
		}
	}
	whole := func(o *org) func(context.Context, engine.ExamineOptions) (*engine.Examination, error) {
		return engine.ExamineStore
	}
	examine(o, whole(o), 0, "")
	examine(o, engine.ExamineLog, 0, "")

	c := o.copied(t)
	c.flip(c.find(func(b []byte) bool { return strings.HasPrefix(string(b), `{"cases"`) }))
	examine(c, whole(c), 50, "content")

	c = o.copied(t)
	c.takeAway()
	examine(c, whole(c), 50, "content")

	c = o.copied(t) // every byte is what its digest says, and one statement is forged
	st, err := store.Open(c.path("store"))
	c.must(err)
	forged := c.altered(c.blob(c.find(func(b []byte) bool { return strings.Contains(payload(b), verify.PredicateType("tests")) })), `"level":"`, `"level":"x`)
	digest, err := st.Write(forged)
	c.must(err)
	_, err = st.Add(context.Background(), store.Object{Type: store.TypeItem, Layers: []store.Layer{{Name: "s", MediaType: seal.MediaType, Digest: digest, Size: int64(len(forged))}}})
	c.must(err)
	examine(c, whole(c), 50, "signatures")

	c = o.copied(t)
	c.must(os.Remove(c.blobPath(seal.Digest(c.read("record.json")))))
	examine(c, engine.ExamineLog, 50, "entries")

	c = o.copied(t) // an entry that lies about its record
	var l map[string]any
	entries, err := engine.LogList(context.Background(), c.places(), now)
	c.must(err)
	b, err := json.Marshal(entries[0].Leaf)
	c.must(err)
	c.must(json.Unmarshal(b, &l))
	l["target"] = "production"
	b, err = json.Marshal(l)
	c.must(err)
	_, err = ledger.Append(context.Background(), c.path("log"), c.logKey, ledger.Witnesses{}, b)
	c.must(err)
	examine(c, engine.ExamineLog, 50, "entries")
}

// TestApproverWhoMayAttest: a person whom a role lets sign evidence everywhere is still a person, and signs off.
func TestApproverWhoMayAttest(t *testing.T) {
	for _, may := range []string{"", ", may: [manual_test]"} {
		o := newOrg(t, strings.Replace(gateText, "tester: {people: [kim]", "tester: {people: [kim, eva]"+may, 1))
		o.collect(nil, allGood...)
		o.evaluate(10, "production", nil)
		if _, err := o.sign("eva", "approve", now); err != nil {
			t.Fatal(err)
		}
		o.evaluate(0, "production", nil)
	}
}

// TestSummaryOfAnotherDefinition: a decision with the gate's own keys, store and log, under a definition of somebody else with other
// rules, made where nobody pinned the root. Neither its record nor its summary says anything where the root is pinned.
func TestSummaryOfAnotherDefinition(t *testing.T) {
	o := newOrg(t, gateText)
	o.collect(nil, allGood...)
	for _, key := range []string{"ci.pub", "gate.pub", "log.pub", "eva.pub", "sam.pub", "kim.pub", "mallory.pub"} {
		o.write("other/"+key, string(o.read(key)))
	}
	o.write("other/gate.yaml", strings.NewReplacer("roots: [root.pub]", "roots: [mallory.pub]", "trigger: manual", "trigger: automatic").Replace(gateText))
	_, err := engine.GateSign(o.path("other/gate.yaml"), o.signers["mallory"], now.Add(-time.Hour))
	o.must(err)
	summary := func(root string) string {
		return root + ".vsa-" + appDigest[7:19] + ".sigstore.json"
	}
	o.evaluate(0, "production", func(e *engine.EvaluateOptions) {
		e.Gate, e.Root, e.Record = o.path("other/gate.yaml"), "", o.path("theirs.json")
	})
	pinned := func(file string) *engine.Examination {
		t.Helper()
		p := o.places()
		p.Root = o.signers["root"].Public().Fingerprint()
		opt := engine.ExamineOptions{Name: o.path(file), Bytes: o.read(file), VerifyOptions: engine.VerifyOptions{Places: p, Now: now, Artifacts: []engine.Artifact{app}}}
		if file == "theirs.json" {
			opt.Proof = o.read("theirs.json.tlog-proof")
		}
		x, err := engine.Examine(context.Background(), opt)
		o.must(err)
		return x
	}
	for _, file := range []string{"theirs.json", summary("theirs.json")} {
		x := pinned(file)
		if last := x.Checks[len(x.Checks)-1]; x.ExitCode != 50 || last.OK || !strings.Contains(last.Detail, "another gate definition") {
			t.Errorf("%s: exit code %d, %+v", file, x.ExitCode, last)
		}
	}
	o.evaluate(0, "staging", func(e *engine.EvaluateOptions) {
		e.Root, e.Record = o.signers["root"].Public().Fingerprint(), o.path("ours.json")
	})
	if x := pinned(summary("ours.json")); x.ExitCode != 0 {
		t.Errorf("twin: %d, %+v", x.ExitCode, x.Checks)
	}
}
