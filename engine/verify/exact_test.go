package verify

import (
	"encoding/json"
	"testing"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/schemas"
)

// TestPredicatesFitSchemas: what the fixtures sign, and so what decodes here, is what the published schemas say.
func TestPredicatesFitSchemas(t *testing.T) {
	w := newWorld(t)
	docs := map[evidence.Kind]schemas.Document{
		evidence.Tests: schemas.Tests, evidence.Coverage: schemas.Coverage, evidence.Scan: schemas.Scan, evidence.SBOM: schemas.SBOM, evidence.Build: schemas.Build,
	}
	check := func(doc schemas.Document, p any) []byte {
		b, err := json.Marshal(p)
		w.must(err)
		if err := schemas.ValidateJSON(doc, string(doc), b); err != nil {
			t.Errorf("%s: %v", doc, err)
		}
		return b
	}
	for kind, doc := range docs {
		b := check(doc, w.predicate(thing{name: "x", kind: kind}))
		var err error
		if kind == evidence.Build {
			_, err = decodeBuild(b)
		} else {
			_, err = decodeItem(kind, b)
		}
		if err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
	if _, err := decodeItem("metrics", check(schemas.Tests, w.predicate(thing{name: "x", kind: evidence.Tests}))); err == nil {
		t.Error("an unknown kind decodes")
	}
	check(schemas.Signoff, signed())
	b := check(schemas.Collection, CollectionPredicate{CollectedAt: "2026-11-20T11:00:00Z", Producer: producer, Line: "payments", Items: []string{app}})
	if c, err := decodeCollection(b); err != nil || c.Items[0] != app {
		t.Error(err)
	}
	if _, err := decodeCollection([]byte(`{"collectedAt":"","producer":null,"line":"","items":[]}`)); err == nil {
		t.Error("a collection without producer decodes")
	}
}
