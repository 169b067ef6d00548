package schemas

import "github.com/go-json-experiment/json/jsontext"

// TypeSchema gives the types of doc as a JSON Schema that OPA's compiler can use: every object lists its properties and
// is closed, and no keyword occurs that the compiler does not know. An object that has a name is under "$defs", and
// "#/$defs/NAME" refers to it; a schema with a reference has nothing else. The caller owns the map.
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
	t := typer{defs: map[string]any{}}
	types := t.body(s)
	if len(t.defs) > 0 {
		types["$defs"] = t.defs
	}
	return types, nil
}

// types are the types of s in one piece, without references.
func (s *shape) types() map[string]any { return typer{}.body(s) }

// typer writes shapes as types. With defs it puts named objects there and refers to them: rows occur in many places.
type typer struct{ defs map[string]any }

func (t typer) types(s *shape) map[string]any {
	if t.defs == nil || s.def == "" || len(s.members) == 0 {
		return t.body(s)
	}
	if _, done := t.defs[s.def]; !done {
		t.defs[s.def] = nil // as in publisher.schema
		t.defs[s.def] = t.body(s)
	}
	return map[string]any{"$ref": "#/$defs/" + s.def}
}

func (t typer) body(s *shape) map[string]any {
	switch {
	case s.kinds == kindAny:
		return map[string]any{}
	case len(s.alts) > 0 && !s.oneType():
		var any_ []any
		for _, alt := range s.alts {
			any_ = append(any_, t.types(alt))
		}
		return map[string]any{"anyOf": any_}
	case s.kinds == kindObject && s.values != nil:
		return map[string]any{"type": "object", "additionalProperties": t.types(s.values)}
	case s.kinds == kindObject:
		properties := make(map[string]any, len(s.members))
		for _, f := range s.members {
			properties[f.name] = t.types(f.shape)
		}
		return map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
	case s.kinds == kindArray:
		list := map[string]any{"type": "array"}
		if s.elem != nil {
			list["items"] = t.types(s.elem)
		}
		return list
	}
	name := s.typeName()
	if name == "" {
		return map[string]any{}
	}
	out := map[string]any{"type": name}
	if len(s.enum) > 0 && name == "string" {
		out["enum"] = s.enumValues()
	}
	return out
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
