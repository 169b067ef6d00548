package verify

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"cdgate.dev/cdgate/engine/store"
	"cdgate.dev/cdgate/evidence"
)

// TestOrder: whatever the order in which objects were written, and in whichever store, the result is the same.
func TestOrder(t *testing.T) {
	var first *Verified
	w := newWorld(t)
	r := rand.New(rand.NewPCG(1, 2))
	for range 6 {
		var err error
		w.dir = t.TempDir()
		w.st, err = store.Create(w.dir)
		w.must(err)
		s := good()
		s.attempt("tests", 2)
		s.change("sbom", func(x *thing) { x.signer = "mallory" })
		s.edit("scan", "soft", true)
		w.put(s, func(n int) []int { return r.Perm(n) })
		v := w.evidence(want())
		if first == nil {
			first = v
		}
		if !reflect.DeepEqual(tidy(first), tidy(v)) {
			t.Fatalf("another order, another result:\n%+v\n%+v", first, v)
		}
	}
}

// tidy makes faults comparable by their text.
func tidy(v *Verified) Verified {
	out := *v
	out.faults = nil
	for _, f := range v.faults {
		out.name += f.Error()
	}
	return out
}

// TestDuplicates: the same statement in two objects is one item, and the object with more beside it is sealed.
func TestDuplicates(t *testing.T) {
	w := newWorld(t)
	digests := w.put(good(), nil)
	before := w.evidence(want())
	i := slices.IndexFunc(before.Items(), func(it Item) bool { return it.Kind == evidence.Tests })
	rows := before.Items()[i].RowsFrom
	statement, err := w.st.Read(digests["tests"], 1<<20)
	w.must(err)
	added, err := w.st.Add(t.Context(), store.Object{
		Type: store.TypeItem, Annotations: map[string]string{"again": "yes"},
		Layers: []store.Layer{
			statementLayer(digests["tests"], int64(len(statement))),
			{Name: "rows.json", MediaType: rows.MediaType, Digest: rows.Digest, Size: rows.Size},
		},
	})
	w.must(err)
	v := w.evidence(want())
	if tell(v, digests) != allGood || !slices.Contains(v.Digests(), added[0]) || len(v.Digests()) != len(before.Digests()) {
		t.Errorf("%s, %v", tell(v, digests), v.Digests())
	}
}

// TestSealed: what Digests names is enough to come to the same result again.
func TestSealed(t *testing.T) {
	w := newWorld(t)
	s := good()
	s.attempt("tests", 2)
	s.change("sbom", func(x *thing) { x.signer = "mallory" })
	s.change("coverage", func(x *thing) { x.taken = true })
	w.put(s, nil)
	// Evidence about another release, which has no part in the result.
	elsewhere := good()
	for i := range elsewhere.things {
		elsewhere.things[i].about = onOther
		elsewhere.edit(elsewhere.things[i].name, "release.name", "billing")
	}
	w.put(elsewhere, nil)
	v := w.evidence(want())
	sealed, err := w.st.Seal(v.Digests())
	w.must(err)
	ix, err := w.st.IndexAt(sealed)
	w.must(err)
	all, err := w.st.Index()
	w.must(err)
	if len(ix.Entries) >= len(all.Entries) {
		t.Errorf("sealed %d of %d objects", len(ix.Entries), len(all.Entries))
	}
	again, err := Evidence(w.st, ix, w.def, want())
	w.must(err)
	if !reflect.DeepEqual(tidy(v), tidy(again)) {
		t.Errorf("from what was sealed comes another result:\n%+v\n%+v", v, again)
	}
}

// TestTypeOfObject: the type of a store object is not signed. Calling an item a record hides it, and the collection tells.
func TestTypeOfObject(t *testing.T) {
	w := newWorld(t)
	s := good()
	s.change("tests", func(x *thing) { x.taken = true })
	digests := w.put(s, nil)
	b, err := w.st.Read(digests["tests"], 1<<20)
	w.must(err)
	_, err = w.st.Add(t.Context(), store.Object{Type: store.TypeRecord, Layers: []store.Layer{statementLayer(digests["tests"], int64(len(b)))}})
	w.must(err)
	if got := tell(w.evidence(want()), digests); got != "build coverage sbom scan !50" {
		t.Errorf("hidden as a record: %s", got)
	}
	_, err = w.st.Add(t.Context(), store.Object{Type: store.TypeItem, Layers: []store.Layer{statementLayer(digests["tests"], int64(len(b)))}})
	w.must(err)
	if got := tell(w.evidence(want()), digests); got != allGood {
		t.Errorf("restored: %s", got)
	}
}

// TestMaxAgeOfNow: age is measured at the one sample of the clock that the caller gives.
func TestMaxAgeOfNow(t *testing.T) {
	w := newWorld(t)
	digests := w.put(good(), nil)
	later := want()
	later.Now = now.Add(48 * time.Hour)
	if got := tell(w.evidence(later), digests); got != "build coverage sbom scan:stale tests" {
		t.Error(got)
	}
}
