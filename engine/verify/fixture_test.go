package verify

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/gate"
	"cdgate.dev/cdgate/engine/seal"
	"cdgate.dev/cdgate/engine/store"
	"cdgate.dev/cdgate/evidence"
)

// now is the instant the tests live at.
var now = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

var (
	app      = "sha256:" + strings.Repeat("a", 64)
	other    = "sha256:" + strings.Repeat("b", 64)
	commit   = strings.Repeat("c", 40)
	commit2  = strings.Repeat("d", 40)
	onApp    = About{AboutArtifact, "app", app}
	onOther  = About{AboutArtifact, "other", other}
	onCommit = About{AboutRevision, "https://git.example/payments", commit}
)

const gateYAML = `apiVersion: cdgate.dev/gate/v1
version: 1
expires: 2027-06-01T00:00:00Z
roots: [root.pub]
log: log.pub
signers:
  ci: {keys: [ci.pub], may: [tests, coverage, scan, sbom, build], lines: [payments]}
  ci2: {keys: [ci2.pub], may: [tests, build]}
  platform: {keys: [platform.pub], may: [vex, metrics, objective, review, change, deployment, check, source, run, manual_test, demo, checklist, customer_acceptance]}
  gate: {keys: [gate.pub], may: [decision]}
people:
  eva: {name: Eva Peeters, keys: [eva.pub, eva2.pub]}
  sam: {name: Sam Jones, keys: [sam.pub]}
lines:
  payments: {repositories: ["https://git.example/payments"]}
  billing: {}
targets:
  production: {class: production, trigger: manual, policies: [builtin:minimal], maxAge: {scan: 24h}}
`

// world is a store, a signed gate definition and everybody's keys.
type world struct {
	t       *testing.T
	dir     string
	st      *store.Store
	def     *gate.Definition
	signers map[string]*seal.Signer
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), signers: map[string]*seal.Signer{}}
	files := map[string][]byte{"log.pub": []byte("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW\n")}
	for _, name := range []string{"root", "ci", "ci2", "platform", "gate", "eva", "eva2", "sam", "mallory"} {
		private, public, err := seal.Generate(nil)
		w.must(err)
		w.signers[name], err = seal.LoadSigner(name, private, nil)
		w.must(err)
		files[name+".pub"] = public
	}
	cfg, err := gate.Parse("gate.yaml", []byte(gateYAML))
	w.must(err)
	def, err := gate.Resolve(cfg, func(p string) ([]byte, error) { return files[p], nil },
		[]gate.Source{{Ref: "builtin:minimal", Digest: app}})
	w.must(err)
	bundle, err := gate.Sign(def, []byte(gateYAML), nil, w.signers["root"], now)
	w.must(err)
	w.def, err = gate.Open([]byte(gateYAML), gate.Signatures{bundle}, nil, gate.Pin{}, now)
	w.must(err)
	w.st, err = store.Create(w.dir)
	w.must(err)
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// predicate is the predicate of a good thing, as generic JSON.
func (w *world) predicate(x thing) map[string]any {
	w.t.Helper()
	var p any
	at, release := "2026-11-20T11:00:00Z", ReleaseRef{"payments", "1.4.2"}
	if x.kind == evidence.Build {
		p = BuildPredicate{CollectedAt: at, Producer: producer, Line: "payments", Release: release, Source: Built{
			Repository: "https://git.example/payments", Revision: commit, Branch: "main", Authors: []Author{{"Ann", "ann@acme.example"}},
		}}
	} else {
		rows := x.rows
		if rows == "" {
			rows = rowsOf[x.kind]
		}
		rowsDigest, err := w.st.Write([]byte(rows))
		w.must(err)
		report := "raw report of " + x.name
		reportDigest, err := w.st.Write([]byte(report))
		w.must(err)
		summary, err := json.Marshal(summaryOf[x.kind])
		w.must(err)
		p = ItemPredicate{
			Level: "unit", Scope: "artifact", Format: "junit", CollectedAt: at, Producer: producer, Line: "payments", Release: release,
			Summary: summary, Warnings: []evidence.Warning{},
			Report: evidence.Descriptor{Name: x.name + ".xml", MediaType: "application/xml", Digest: reportDigest, Size: int64(len(report))},
			Rows:   evidence.Descriptor{MediaType: "application/vnd.cdgate.rows.v1+json", Digest: rowsDigest, Size: int64(len(rows))},
		}
	}
	return w.generic(p)
}

func (w *world) generic(p any) map[string]any {
	w.t.Helper()
	b, err := json.Marshal(p)
	w.must(err)
	out := map[string]any{}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	w.must(dec.Decode(&out))
	return out
}

// sign signs a statement and stores its bytes.
func (w *world) sign(signer, predicateType string, about About, predicate any, forge func([]byte) []byte) (digest string, size int64) {
	w.t.Helper()
	b, err := json.Marshal(predicate)
	w.must(err)
	sub := seal.Subject{Name: about.Name, Digest: map[string]string{"sha256": strings.TrimPrefix(about.Digest, "sha256:")}}
	if about.Kind == AboutRevision {
		sub.Digest = map[string]string{"gitCommit": about.Digest}
	}
	bundle, err := w.signers[signer].Sign(seal.Statement{Type: seal.StatementType, Subject: []seal.Subject{sub}, PredicateType: predicateType, Predicate: b})
	w.must(err)
	if forge != nil {
		bundle = forge(bundle)
	}
	digest, err = w.st.Write(bundle)
	w.must(err)
	return digest, int64(len(bundle))
}

func statementLayer(digest string, size int64) store.Layer {
	return store.Layer{Name: "statement.sigstore.json", MediaType: seal.MediaType, Digest: digest, Size: size}
}

// put stores a scene, one object at a time in the order given by at, and gives the digest of each thing.
func (w *world) put(s *scene, order func(n int) []int) map[string]string {
	w.t.Helper()
	type list struct {
		about  About
		signer string
	}
	digests, listed := map[string]string{}, map[list][]string{}
	var lists []list
	var objects []store.Object
	for _, x := range s.things {
		p := w.predicate(x)
		if x.edit != nil {
			x.edit(p)
		}
		as := x.as
		if as == "" {
			as = PredicateType(x.kind)
		}
		digest, size := w.sign(x.signer, as, x.about, p, x.forge)
		digests[x.name] = digest
		if !x.unlisted {
			k := list{x.about, x.signer}
			if len(listed[k]) == 0 {
				lists = append(lists, k)
			}
			listed[k] = append(listed[k], digest)
		}
		if !x.taken {
			objects = append(objects, store.Object{Type: store.TypeItem, Layers: []store.Layer{statementLayer(digest, size)}})
		}
	}
	for _, k := range lists {
		p := w.generic(CollectionPredicate{CollectedAt: "2026-11-20T11:00:00Z", Producer: producer, Line: "payments", Items: listed[k]})
		if s.editCollection != nil {
			s.editCollection(p)
		}
		signer := k.signer
		if s.collector != "" {
			signer = s.collector
		}
		digest, size := w.sign(signer, CollectionType, k.about, p, nil)
		digests["collection of "+k.signer+" about "+k.about.Name] = digest
		objects = append(objects, store.Object{Type: store.TypeCollection, Layers: []store.Layer{statementLayer(digest, size)}})
	}
	if order == nil {
		_, err := w.st.Add(w.t.Context(), objects...)
		w.must(err)
		return digests
	}
	for _, i := range order(len(objects)) {
		_, err := w.st.Add(w.t.Context(), objects[i])
		w.must(err)
	}
	return digests
}

// want is the release of good.
func want() Want {
	return Want{Name: "payments", Version: "1.4.2", Line: "payments", Artifacts: []Artifact{{"app", app}}, Target: "production", Now: now}
}

func (w *world) evidence(want Want) *Verified {
	w.t.Helper()
	ix, err := w.st.Index()
	w.must(err)
	v, err := Evidence(w.st, ix, w.def, want)
	w.must(err)
	return v
}

// corrupt flips one bit of a blob on disk, or removes it.
func (w *world) corrupt(digest string, remove bool) {
	w.t.Helper()
	path := filepath.Join(w.dir, "blobs", "sha256", strings.TrimPrefix(digest, "sha256:"))
	b, err := os.ReadFile(path)
	w.must(err)
	w.must(os.Remove(path))
	if remove {
		return
	}
	b[len(b)/2] ^= 4
	w.must(os.WriteFile(path, b, 0o644))
}

// tell says in words what came of a scene: names of what counts, "name:reason" for what does not, classes of faults.
func tell(v *Verified, digests map[string]string) string {
	names := map[string]string{}
	for n, d := range digests {
		names[d] = n
	}
	var out []string
	for _, it := range v.Items() {
		out = append(out, names[it.ID])
	}
	for _, nc := range v.NotCounted() {
		n := names[nc.ID]
		if n == "" {
			n = "?"
		}
		out = append(out, n+":"+string(nc.Reason))
	}
	slices.Sort(out)
	for _, f := range v.Faults() {
		out = append(out, fmt.Sprintf("!%d", fault.ClassOf(f)))
	}
	return strings.Join(out, " ")
}
