package policy

import (
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"cdgate.dev/cdgate/evidence"
)

// inputTypes is what schemas.TypeSchema gives for the policy input. Deriving it takes CUE longer than a whole evaluation,
// so it is kept; a test holds it to the schema.
//
//go:embed input_types.json
var inputTypes []byte

// documentTypes are the types of the policy input that a program sees. They never change after they are made.
type documentTypes struct {
	// text is the type schema as OPA gets it: with references, which is much less to read.
	text jsontext.Value
	// schema is the same with its references followed: a definition is one map wherever it occurs. kinds are the kinds of
	// evidence in it, sorted.
	schema map[string]any
	kinds  []string
	// node is the schema in the form the decoder follows.
	node func() (*node, error)
}

// builtInTypes are the types of a program that defines no kinds of evidence of its own.
var builtInTypes = sync.OnceValues(func() (*documentTypes, error) { return newTypes(inputTypes) })

func newTypes(text jsontext.Value) (*documentTypes, error) {
	var s map[string]any
	if err := json.Unmarshal(text, &s); err != nil {
		return nil, fmt.Errorf("read schema of the policy input: %w", err)
	}
	defs, _ := s["$defs"].(map[string]any)
	delete(s, "$defs")
	for _, d := range defs {
		d, _ := d.(map[string]any)
		if err := follow(d, defs); err != nil {
			return nil, err
		}
	}
	if err := follow(s, defs); err != nil {
		return nil, err
	}
	kinds := names(property(s, "evidence"))
	if len(kinds) == 0 {
		return nil, errors.New("read schema of the policy input: no kind of evidence")
	}
	return &documentTypes{text: text, schema: s, kinds: kinds, node: sync.OnceValues(func() (*node, error) { return inputNode(s) })}, nil
}

// typesOf are the types of the policy input for programs of these sources: those built in, and a list for each of their
// own kinds of evidence, whose items have what items of every kind have, the raw report, and the document under data.
func typesOf(sources []Source) (*documentTypes, error) {
	built, err := builtInTypes()
	if err != nil {
		return nil, err
	}
	own, err := OwnKinds(sources)
	if err != nil || len(own) == 0 {
		return built, err
	}
	var s struct {
		Defs map[string]map[string]any `json:"$defs"`
		Rest map[string]any            `json:",embed"`
	}
	if err := json.Unmarshal(inputTypes, &s); err != nil {
		return nil, fmt.Errorf("read schema of the policy input: %w", err)
	}
	var item map[string]any
	for _, k := range evidence.ReportKinds() {
		list, _ := property(s.Defs["InputEvidence"], string(k))["items"].(map[string]any)
		ref, _ := list["$ref"].(string)
		have := properties(s.Defs[strings.TrimPrefix(ref, "#/$defs/")])
		if item == nil {
			item = maps.Clone(have)
		}
		maps.DeleteFunc(item, func(name string, _ any) bool { return have[name] == nil })
	}
	delete(item, "summary")
	if len(item) == 0 {
		return nil, errors.New("read schema of the policy input: items of evidence have nothing in common")
	}
	for name, kind := range own {
		fields := maps.Clone(item)
		fields["data"] = kind.Types()
		properties(s.Defs["InputEvidence"])[string(name)] = map[string]any{"type": "array",
			"items": map[string]any{"type": "object", "properties": fields, "additionalProperties": false}}
	}
	text, err := json.Marshal(s, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("write schema of the policy input: %w", err)
	}
	return newTypes(text)
}

// follow puts the definitions in the place of references to them, in one schema and not in what it refers to.
func follow(schema, defs map[string]any) error {
	for name, inner := range properties(schema) {
		if err := put(properties(schema), name, inner, defs); err != nil {
			return err
		}
	}
	for _, name := range []string{"items", "additionalProperties"} {
		if err := put(schema, name, schema[name], defs); err != nil {
			return err
		}
	}
	return nil
}

func put(in map[string]any, name string, inner any, defs map[string]any) error {
	m, ok := inner.(map[string]any)
	if !ok {
		return nil
	}
	ref, ok := m["$ref"].(string)
	if !ok {
		return follow(m, defs)
	}
	d, ok := defs[strings.TrimPrefix(ref, "#/$defs/")]
	if !ok { // a type that is not known would take anything
		return fmt.Errorf("read schema of the policy input: %s is not there", ref)
	}
	in[name] = d
	return nil
}

func properties(schema map[string]any) map[string]any {
	p, _ := schema["properties"].(map[string]any)
	return p
}

// property goes down a type schema by names of properties.
func property(schema map[string]any, path ...string) map[string]any {
	for _, name := range path {
		schema, _ = properties(schema)[name].(map[string]any)
	}
	return schema
}

// names are the properties of a type schema, sorted.
func names(schema map[string]any) []string {
	return slices.Sorted(maps.Keys(properties(schema)))
}
