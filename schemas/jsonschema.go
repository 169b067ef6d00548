package schemas

import (
	"fmt"
	"strconv"

	"cuelang.org/go/cue"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// JSONSchema gives the published JSON Schema (draft 2020-12) of doc; json/<doc>.json holds the same bytes. It says all that
// the definition says, with the comments as descriptions. (CUE's own generator was tried: it drops the limits of numbers
// that have a default, and everything below a free key that is not of type string.)
func JSONSchema(doc Document) ([]byte, error) {
	d, err := find(doc)
	if err != nil {
		return nil, err
	}
	s, err := d.shape()
	if err != nil {
		return nil, err
	}
	p := publisher{defs: map[string]any{}}
	schema := p.body(s)
	schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	schema["$id"] = "https://cdgate.dev/schemas/" + string(doc) + ".json"
	if s.doc != "" {
		schema["description"] = s.doc
	}
	if len(p.defs) > 0 {
		schema["$defs"] = p.defs
	}
	text, err := json.Marshal(schema, json.Deterministic(true), jsontext.WithIndent("  "))
	if err != nil {
		return nil, fmt.Errorf("write json schema of %s: %w", doc, err)
	}
	return append(text, '\n'), nil
}

// publisher writes shapes as JSON Schema and collects the definitions they refer to.
type publisher struct{ defs map[string]any }

// schema gives a reference for a definition and the schema itself for anything else.
func (p publisher) schema(s *shape) map[string]any {
	if s.def == "" {
		return p.body(s)
	}
	if _, done := p.defs[s.def]; !done {
		p.defs[s.def] = nil // definitions are not recursive; this keeps a mistake from running away
		body := p.body(s)
		if s.doc != "" {
			body["description"] = s.doc
		}
		p.defs[s.def] = body
	}
	return map[string]any{"$ref": "#/$defs/" + s.def}
}

func (p publisher) body(s *shape) map[string]any {
	switch {
	case s.kinds == kindAny:
		return map[string]any{}
	case len(s.alts) > 0:
		var alts []any
		for _, alt := range s.alts {
			alts = append(alts, p.schema(alt))
		}
		return map[string]any{"anyOf": alts}
	case s.kinds == kindObject:
		return p.object(s)
	case s.kinds == kindArray:
		return p.list(s)
	case len(s.enum) == 1:
		return map[string]any{"const": jsontext.Value(s.enum[0])}
	case len(s.enum) > 1:
		values := make([]any, 0, len(s.enum))
		for _, e := range s.enum {
			values = append(values, jsontext.Value(e))
		}
		return map[string]any{"enum": values}
	}
	return scalarSchema(s)
}

func scalarSchema(s *shape) map[string]any {
	m := map[string]any{}
	if name := s.typeName(); name != "" {
		m["type"] = name
	}
	switch len(s.patterns) {
	case 0:
	case 1:
		m["pattern"] = s.patterns[0].String()
	default:
		var all []any
		for _, re := range s.patterns {
			all = append(all, map[string]any{"pattern": re.String()})
		}
		m["allOf"] = all
	}
	for _, b := range s.bounds {
		switch b.op {
		case cue.GreaterThanEqualOp:
			m["minimum"] = b.limit
		case cue.LessThanEqualOp:
			m["maximum"] = b.limit
		case cue.GreaterThanOp:
			m["exclusiveMinimum"] = b.limit
		case cue.LessThanOp:
			m["exclusiveMaximum"] = b.limit
		}
	}
	return m
}

func (p publisher) object(s *shape) map[string]any {
	m := map[string]any{"type": "object"}
	if s.values != nil {
		if len(s.keys.patterns) == 0 && len(s.keys.enum) == 0 {
			m["additionalProperties"] = p.schema(s.values)
			return m
		}
		// More readers enforce patternProperties than propertyNames.
		pattern := ".*"
		if len(s.keys.patterns) == 1 && len(s.keys.enum) == 0 {
			pattern = s.keys.patterns[0].String()
		} else {
			m["propertyNames"] = p.body(s.keys)
		}
		m["patternProperties"], m["additionalProperties"] = map[string]any{pattern: p.schema(s.values)}, false
		return m
	}
	properties, required := make(map[string]any, len(s.members)), []string{}
	for _, f := range s.members {
		property := p.schema(f.shape)
		if f.doc != "" {
			property["description"] = f.doc
		}
		if f.fill != "" {
			property["default"] = jsontext.Value(f.fill)
		}
		properties[f.name] = property
		if f.required {
			required = append(required, f.name)
		}
	}
	m["properties"], m["additionalProperties"] = properties, false
	if len(required) > 0 {
		m["required"] = required
	}
	return m
}

func (p publisher) list(s *shape) map[string]any {
	m := map[string]any{"type": "array"}
	if s.elem != nil {
		m["items"] = p.schema(s.elem)
	}
	if s.minItems > 0 {
		m["minItems"] = s.minItems
	}
	if s.maxItems >= 0 {
		m["maxItems"] = s.maxItems
	}
	if s.unique {
		m["uniqueItems"] = true
	}
	return m
}

// enumTexts gives the texts of an enumeration without the empty one.
func (s *shape) enumTexts() []string {
	var words []string
	for _, e := range s.enum {
		if w, err := strconv.Unquote(e); err == nil && w != "" {
			words = append(words, w)
		}
	}
	return words
}
