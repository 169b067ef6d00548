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
)

// inputTypes is what schemas.TypeSchema gives for the policy input. Deriving it takes CUE longer than a whole evaluation,
// so it is kept; a test holds it to the schema.
//
//go:embed input_types.json
var inputTypes []byte

// inputSchema is the type schema of the policy input with its references followed: a definition is one map wherever it
// occurs. Nobody changes it. OPA gets inputTypes itself, which is much less to read.
var inputSchema = sync.OnceValues(func() (map[string]any, error) {
	var s map[string]any
	if err := json.Unmarshal(inputTypes, &s); err != nil {
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
	return s, follow(s, defs)
})

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

// evidenceKinds are the kinds of evidence the policy input has, sorted.
func evidenceKinds() ([]string, error) {
	s, err := inputSchema()
	if err != nil {
		return nil, err
	}
	kinds := names(property(s, "evidence"))
	if len(kinds) == 0 {
		return nil, errors.New("read schema of the policy input: no kind of evidence")
	}
	return kinds, nil
}
