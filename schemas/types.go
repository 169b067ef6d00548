package schemas

import "github.com/go-json-experiment/json/jsontext"

// TypeSchema gives the types of doc as a JSON Schema that OPA's compiler can use: every object lists its properties and
// is closed, nothing is a reference, no keyword occurs that the compiler does not know. The caller owns the map.
//
// What the compiler makes of it: objects with listed properties are typed and closed; of an object with free keys it
// knows only that it is an object (additionalProperties tells linters the type of its values); an enumeration or
// pattern is a string to it; a value of several types is the first of them.
func TypeSchema(doc Document) (map[string]any, error) {
	d, err := find(doc)
	if err != nil {
		return nil, err
	}
	s, err := d.shape()
	if err != nil {
		return nil, err
	}
	return s.types(), nil
}

func (s *shape) types() map[string]any {
	switch {
	case s.kinds == kindAny:
		return map[string]any{}
	case len(s.alts) > 0 && !s.oneType():
		var any_ []any
		for _, alt := range s.alts {
			any_ = append(any_, alt.types())
		}
		return map[string]any{"anyOf": any_}
	case s.kinds == kindObject && s.values != nil:
		return map[string]any{"type": "object", "additionalProperties": s.values.types()}
	case s.kinds == kindObject:
		properties := make(map[string]any, len(s.members))
		for _, f := range s.members {
			properties[f.name] = f.shape.types()
		}
		return map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
	case s.kinds == kindArray:
		t := map[string]any{"type": "array"}
		if s.elem != nil {
			t["items"] = s.elem.types()
		}
		return t
	}
	name := s.typeName()
	if name == "" {
		return map[string]any{}
	}
	t := map[string]any{"type": name}
	if len(s.enum) > 0 && name == "string" {
		t["enum"] = s.enumValues()
	}
	return t
}

// oneType tells whether all alternatives have the same type.
func (s *shape) oneType() bool { return s.typeName() != "" }

func (s *shape) typeName() string {
	switch {
	case s.kinds == kindString:
		return "string"
	case s.kinds == kindBool:
		return "boolean"
	case s.kinds == kindInteger:
		return "integer"
	case s.kinds != 0 && s.kinds&^kindNumber == 0:
		return "number"
	case s.kinds == kindNull:
		return "null"
	}
	return ""
}

// enumValues gives the texts of an enumeration.
func (s *shape) enumValues() []any {
	var out []any
	for _, e := range s.enum {
		if text, err := jsontext.AppendUnquote(nil, e); err == nil {
			out = append(out, string(text))
		}
	}
	return out
}
