package schemas

import (
	"fmt"

	"cuelang.org/go/encoding/jsonschema"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// JSONSchema gives the published JSON Schema (draft 2020-12) of doc, as CUE's generator makes it from the definition;
// json/<doc>.json holds the same bytes.
func JSONSchema(doc Document) ([]byte, error) {
	d, err := find(doc)
	if err != nil {
		return nil, err
	}
	v, err := d.compile()
	if err != nil {
		return nil, err
	}
	expr, err := jsonschema.Generate(v, nil)
	if err != nil {
		return nil, fmt.Errorf("generate json schema of %s: %w", doc, err)
	}
	text, err := v.Context().BuildExpr(expr).MarshalJSON()
	if err != nil {
		return nil, fmt.Errorf("generate json schema of %s: %w", doc, err)
	}
	var schema map[string]any
	if err := json.Unmarshal(text, &schema); err != nil {
		return nil, fmt.Errorf("generate json schema of %s: %w", doc, err)
	}
	schema["$id"] = "https://cdgate.dev/schemas/" + string(doc) + ".json"
	text, err = json.Marshal(schema, json.Deterministic(true), jsontext.WithIndent("  "))
	if err != nil {
		return nil, fmt.Errorf("write json schema of %s: %w", doc, err)
	}
	return append(text, '\n'), nil
}
