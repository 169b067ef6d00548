package schemas

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/cuecontext"
	"cuelang.org/go/cue/format"
	"cuelang.org/go/cue/parser"
)

// TestDefinitionsStyle holds the .cue files to the style of the house: formatted, a comment on every definition and
// field, optional or required or with a default, and no file that no document uses.
func TestDefinitionsStyle(t *testing.T) {
	files, err := filepath.Glob("*.cue")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	used, said, unsaid := map[string]bool{}, map[string]bool{}, map[string]string{}
	for _, d := range definitions {
		for _, f := range d.files {
			used[f] = true
		}
	}
	for _, name := range files {
		if !used[name] {
			t.Errorf("%s belongs to no document", name)
		}
		src, err := sources.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if want, err := format.Source(src); err != nil || !bytes.Equal(src, want) {
			t.Errorf("%s is not formatted (cue fmt): %v", name, err)
		}
		f, err := parser.ParseFile(name, src, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		ast.Walk(f, func(n ast.Node) bool {
			field, ok := n.(*ast.Field)
			if !ok {
				return true
			}
			label, _, err := ast.LabelName(field.Label)
			if err != nil || label == "" { // a pattern of keys
				return true
			}
			commented := false
			for _, g := range ast.Comments(field) {
				commented = commented || g.Doc
			}
			switch { // a definition that several files add to is explained in one of them
			case commented:
				said[label] = true
			case strings.HasPrefix(label, "#"):
				unsaid[label] = field.Pos().String()
			default:
				t.Errorf("%s: %s has no comment", field.Pos(), label)
			}
			return true
		}, nil)
	}
	for label, pos := range unsaid {
		if !said[label] {
			t.Errorf("%s: %s has no comment", pos, label)
		}
	}
}

// TestEveryDocumentIsClosed adds a key to every object of every document's types: none may be open by accident.
func TestEveryDocumentIsClosed(t *testing.T) {
	for _, d := range definitions {
		s, err := d.shape()
		if err != nil {
			t.Fatal(err)
		}
		closed(t, s, string(d.doc), 0)
	}
}

func closed(t *testing.T, s *shape, at string, depth int) {
	if depth > maxDepth {
		t.Fatalf("%s nests too deep", at)
	}
	if s.kinds == kindAny && !strings.Contains(at, ".params.") {
		t.Errorf("%s takes anything", at)
	}
	if s.kinds == kindObject && s.values == nil && len(s.members) == 0 && len(s.alts) == 0 {
		t.Errorf("%s is an object without fields", at)
	}
	for _, f := range s.members {
		closed(t, f.shape, at+"."+f.name, depth+1)
	}
	for _, alt := range s.alts {
		closed(t, alt, at, depth+1)
	}
	if s.values != nil {
		closed(t, s.values, at+".{}", depth+1)
	}
	if s.elem != nil {
		closed(t, s.elem, at+"[]", depth+1)
	}
}

// TestUnknownConstructs: a definition that says more than a shape can hold is refused, not half understood.
func TestUnknownConstructs(t *testing.T) {
	for name, c := range map[string]struct{ bad, good string }{
		"not a pattern":    {`#X: {a!: !~"^x"}`, `#X: {a!: =~"^x"}`},
		"unequal":          {`#X: {a!: !=3}`, `#X: {a!: >=3}`},
		"function":         {"import \"strings\"\n#X: {a!: strings.HasPrefix(\"x\")}", `#X: {a!: =~"^x"}`},
		"open":             {`#X: {a!: int, ...}`, `#X: {a!: int}`},
		"tuple":            {`#X: {a!: [int, string]}`, `#X: {a!: [int, ...int]}`},
		"keys and fields":  {`#X: {a!: int, [=~"^b"]: int}`, `#X: {[=~"^b"]: int}`},
		"no default":       {`#X: {a: int}`, `#X: {a: int | *1}`},
		"two key patterns": {`#X: {[=~"^a"]: int, [=~"^b"]: string}`, `#X: {[=~"^a"]: int}`},
	} {
		t.Run(name, func(t *testing.T) {
			if s, err := shapeOfSource(t, c.bad); err == nil {
				t.Errorf("%s was understood as %+v", c.bad, s)
			}
			if _, err := shapeOfSource(t, c.good); err != nil {
				t.Errorf("the twin %s: %v", c.good, err)
			}
		})
	}
}

// TestDistance compares with distances counted by hand.
func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"trigger", "triger", 1}, {"high", "hihg", 1}, {"kitten", "sitting", 3}, {"ca", "abc", 3}} {
		if got := Distance(c.a, c.b); got != c.want {
			t.Errorf("distance(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

func shapeOfSource(t *testing.T, src string) (*shape, error) {
	t.Helper()
	root := cuecontext.New().CompileString(src)
	if err := root.Err(); err != nil {
		t.Fatal(err)
	}
	return deriveShape(root, root.LookupPath(cue.ParsePath("#X")), "x", false)
}
