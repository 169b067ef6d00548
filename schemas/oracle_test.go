package schemas

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/cuecontext"
	cuejson "cuelang.org/go/encoding/json"
	"cuelang.org/go/encoding/jsonschema"
)

// oracles judge JSON texts independently of shapes: CUE with the definition, and CUE's reader of JSON Schema with the
// published file.
type oracles struct{ definition, published cue.Value }

func newOracles(t testing.TB, doc Document) oracles {
	t.Helper()
	d, err := find(doc)
	if err != nil {
		t.Fatal(err)
	}
	root, err := d.compile()
	if err != nil {
		t.Fatal(err)
	}
	v := root.LookupPath(cue.ParsePath(d.path))
	text, err := os.ReadFile(filepath.Join("json", string(doc)+".json"))
	if err != nil {
		t.Fatal(err)
	}
	ctx := cuecontext.New()
	schema := ctx.CompileBytes(text)
	f, err := jsonschema.Extract(schema, &jsonschema.Config{StrictFeatures: true})
	if err != nil {
		t.Fatalf("read json schema of %s: %v", doc, err)
	}
	published := ctx.BuildFile(f)
	if err := published.Err(); err != nil {
		t.Fatalf("read json schema of %s: %v", doc, err)
	}
	return oracles{definition: v, published: published}
}

func accepts(t testing.TB, v cue.Value, text []byte) bool {
	t.Helper()
	expr, err := cuejson.Extract("sample", text)
	if err != nil {
		t.Fatalf("sample is not JSON: %v\n%s", err, text)
	}
	return v.Unify(cuecontext.New().BuildExpr(expr)).Validate(cue.Concrete(true)) == nil
}

// samples gives the good samples of every document, by file.
func samples(t testing.TB) map[string]Document {
	t.Helper()
	out := map[string]Document{}
	for _, doc := range Documents() {
		files, err := filepath.Glob(filepath.Join("testdata", string(doc), "good*"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no sample of %s: %v", doc, err)
		}
		for _, f := range files {
			out[f] = doc
		}
	}
	return out
}

var every = flag.Bool("every", false, "try every change in TestReadersAgree, not a fixed part of them")

// TestReadersAgree changes every sample in every place and in many ways, and holds the three readers of a definition
// to one verdict: the shapes this package checks with, CUE itself, and the published JSON Schema.
func TestReadersAgree(t *testing.T) {
	count, bad := 0, 0
	for file, doc := range samples(t) {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		root, err := read(file, src)
		if err != nil {
			t.Fatal(err)
		}
		d, err := find(doc)
		if err != nil {
			t.Fatal(err)
		}
		s, err := d.shape()
		if err != nil {
			t.Fatal(err)
		}
		o := newOracles(t, doc)
		stride, turn := 1, 0
		verdict := func(what string) {
			if turn++; turn%stride != 0 {
				return
			}
			count++
			text := root.appendJSON(nil)
			err := check(doc, file, s, root)
			if err != nil {
				bad++
			}
			if what == "" && err != nil {
				t.Fatalf("%s: the sample itself is refused: %v", file, err)
			}
			if cueSays := accepts(t, o.definition, text); cueSays != (err == nil) {
				t.Errorf("%s, %s: CUE accepts: %v, shape: %v", file, what, cueSays, err)
			}
			if jsonSays := accepts(t, o.published, text); jsonSays != (err == nil) && !wholeFraction(err) {
				t.Errorf("%s, %s: JSON Schema accepts: %v, shape: %v", file, what, jsonSays, err)
			}
		}
		verdict("")
		if stride = len(src)/60 + 1; *every {
			stride = 1
		}
		mutate(root, "", verdict)
	}
	t.Logf("%d texts, %d of them refused by all readers", count, bad)
}

// wholeFraction tells whether the only objection is that a whole number is written as a fraction, 1.0: JSON Schema
// calls that an integer, CUE and this package do not.
func wholeFraction(err error) bool {
	return err != nil && strings.HasSuffix(err.Error(), "not 1.0")
}

// mutate changes n and everything below it, one change at a time, calls verdict, and undoes the change.
func mutate(n *node, path string, verdict func(string)) {
	was := *n
	for _, other := range []node{
		{kind: kindNull, text: "null"}, {kind: kindBool, text: "true"}, {kind: kindString, text: ""}, {kind: kindString, text: "x"},
		{kind: kindString, text: "x y\n"}, {kind: kindInteger, text: "-1"}, {kind: kindInteger, text: "0"}, {kind: kindInteger, text: "101"},
		{kind: kindFraction, text: "1.0"}, {kind: kindFraction, text: "0.5"}, {kind: kindObject}, {kind: kindArray},
		{kind: kindArray, items: []*node{{kind: kindNull, text: "null"}}}, {kind: kindString, text: "sha256:" + strings.Repeat("0", 63)},
		{kind: kindString, text: "2026-13-01T00:00:00Z"}, {kind: kindString, text: "0s"}, {kind: kindString, text: "never"},
	} {
		*n = other
		verdict(path + " = " + string(n.appendJSON(nil)))
	}
	*n = was
	for i, m := range was.members {
		n.members = append(append([]member(nil), was.members[:i]...), was.members[i+1:]...)
		verdict(path + " without " + m.key)
		renamed := append([]member(nil), was.members...)
		renamed[i].key = m.key + "X"
		n.members = renamed
		verdict(path + " with " + m.key + " renamed")
		n.members = was.members
		mutate(m.value, keyPath(path, m.key), verdict)
	}
	if n.kind == kindObject {
		n.members = append(append([]member(nil), was.members...), member{key: "zusatz", value: &node{kind: kindInteger, text: "1"}})
		verdict(path + " with a further key")
		n.members = append(append([]member(nil), was.members...), member{key: "a b", value: &node{kind: kindObject}})
		verdict(path + " with a key with a space")
		n.members = was.members
	}
	for i, item := range was.items {
		n.items = append(append([]*node(nil), was.items...), item)
		verdict(path + " with an item twice")
		n.items = was.items
		mutate(item, path+"["+string(rune('0'+i))+"]", verdict)
	}
}
