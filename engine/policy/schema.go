package policy

import (
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/go-json-experiment/json"
)

// inputTypes is what schemas.TypeSchema gives for the policy input. Deriving it takes CUE longer than a whole evaluation,
// so it is kept; a test holds it to the schema.
//
//go:embed input_types.json
var inputTypes []byte

// inputSchema is the type schema of the policy input; nobody changes it.
var inputSchema = sync.OnceValues(func() (map[string]any, error) {
	var s map[string]any
	if err := json.Unmarshal(inputTypes, &s); err != nil {
		return nil, fmt.Errorf("read schema of the policy input: %w", err)
	}
	return s, nil
})

// property goes down a type schema by names of properties.
func property(schema map[string]any, path ...string) map[string]any {
	for _, name := range path {
		properties, _ := schema["properties"].(map[string]any)
		schema, _ = properties[name].(map[string]any)
	}
	return schema
}

// names are the properties of a type schema, sorted.
func names(schema map[string]any) []string {
	properties, _ := schema["properties"].(map[string]any)
	return slices.Sorted(maps.Keys(properties))
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
