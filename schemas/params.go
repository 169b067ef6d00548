package schemas

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/cuecontext"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Layer is one set of values for parameters.
type Layer struct {
	// Name says in messages where the values come from, such as `gate.yaml targets.production.params`.
	Name string
	// Values are by rule code and parameter, of the types that decoding JSON gives.
	Values map[string]map[string]any
}

// Params gives every parameter of every rule its value.
//
// files holds the params.cue of each rule that has one, by rule code. layers come lowest first: the first sets values
// freely within the definitions, over the defaults; each later one may only tighten what stands below it, as the
// parameter's @tighter says. Members of an object are merged, everything else is replaced.
//
// values is JSON {category: {rule: {parameter: value}}} with sorted keys, schema its types for OPA's compiler, closed. The
// error joins one *Error per problem: an unknown rule or parameter, a value that does not fit, a layer that loosens, a
// parameter that nothing sets and that has no default.
func Params(files map[string][]byte, layers []Layer) (values []byte, schema map[string]any, err error) {
	rules := make(map[string]*ruleParams, len(files))
	var problems []error
	codes := slices.Sorted(maps.Keys(files))
	for _, code := range codes {
		r, err := parseParams(code, files[code])
		if err != nil {
			problems = append(problems, err)
			continue
		}
		rules[code] = r
	}
	if len(problems) > 0 {
		return nil, nil, errors.Join(problems...)
	}
	for i, layer := range layers {
		for _, code := range slices.Sorted(maps.Keys(layer.Values)) {
			r, ok := rules[code]
			if !ok {
				problems = append(problems, unknownRule(layer.Name, code, layer.Values[code], codes))
				continue
			}
			problems = append(problems, r.lay(layer, i > 0)...)
		}
	}
	if len(problems) > 0 {
		return nil, nil, errors.Join(problems...)
	}
	tree, types := map[string]any{}, closedObject()
	for _, code := range codes {
		value, err := rules[code].result()
		if err != nil {
			problems = append(problems, err)
			continue
		}
		if err := plant(tree, types, code, value, rules[code].shape.types()); err != nil {
			problems = append(problems, err)
		}
	}
	if len(problems) > 0 {
		return nil, nil, errors.Join(problems...)
	}
	values, err = json.Marshal(tree, json.Deterministic(true))
	if err != nil {
		return nil, nil, fmt.Errorf("write parameters: %w", err)
	}
	return values, types, nil
}

func unknownRule(layer, code string, values map[string]any, codes []string) error {
	e := &Error{File: layer, Path: code, Msg: "no selected rule with this code has parameters"}
	if len(codes) > 0 {
		e.Hint = Suggest(code, "rules with parameters", codes)
	}
	return e
}

func closedObject() map[string]any {
	return map[string]any{"type": "object", "properties": map[string]any{}, "additionalProperties": false}
}

// plant puts a rule's values and types at its place below data.params.
func plant(tree, types map[string]any, code string, value, schema any) error {
	parts := strings.Split(code, ".")
	for _, part := range parts[:len(parts)-1] {
		properties := types["properties"].(map[string]any)
		if _, ok := tree[part]; !ok {
			tree[part], properties[part] = map[string]any{}, closedObject()
		}
		next, ok := tree[part].(map[string]any)
		nextTypes, typed := properties[part].(map[string]any)
		if !ok || !typed || nextTypes["properties"] == nil {
			return fmt.Errorf("place parameters of %s: another rule has a parameter there", code)
		}
		tree, types = next, nextTypes
	}
	last := parts[len(parts)-1]
	if _, taken := tree[last]; taken {
		return fmt.Errorf("place parameters of %s: another rule's code starts with it", code)
	}
	tree[last], types["properties"].(map[string]any)[last] = value, schema
	return nil
}

// ruleParams is the parameters of one rule while layers are laid on each other.
type ruleParams struct {
	code  string
	file  string
	value cue.Value
	shape *shape
	// given holds what the layers say so far, without defaults.
	given map[string]any
}

// lay merges the rule's values of one layer. An overlay may only tighten.
func (r *ruleParams) lay(layer Layer, overlay bool) []error {
	values := layer.Values[r.code]
	text, err := json.Marshal(values, json.Deterministic(true))
	if err != nil {
		return []error{fmt.Errorf("read parameters of %s in %s: %w", r.code, layer.Name, err)}
	}
	root, err := readJSON(layer.Name, text)
	if err != nil {
		return []error{err}
	}
	c := checker{file: layer.Name}
	c.value(r.shape, root, &place{key: r.code})
	var problems []error
	for _, p := range c.problems {
		p.Line, p.Column = 0, 0
		p.Msg = strings.Replace(p.Msg, "unknown key", "unknown parameter", 1)
		p.Hint = strings.Replace(p.Hint, "valid keys", "parameters of the rule", 1)
		problems = append(problems, p)
	}
	if len(problems) > 0 {
		return problems
	}
	var plain map[string]any // numbers and lists as JSON has them, whatever Go types the caller used
	if err := json.Unmarshal(text, &plain); err != nil {
		return []error{fmt.Errorf("read parameters of %s in %s: %w", r.code, layer.Name, err)}
	}
	if overlay {
		j := judge{layer: layer.Name}
		j.object(r.value, r.given, plain, r.code, "")
		problems = j.problems
	}
	r.given = merge(r.given, plain)
	return problems
}

// merge lays b over a; members of objects are merged, everything else is replaced.
func merge(a, b map[string]any) map[string]any {
	out := maps.Clone(a)
	if out == nil {
		out = make(map[string]any, len(b))
	}
	for k, v := range b {
		below, isObject := out[k].(map[string]any)
		if over, ok := v.(map[string]any); ok && isObject {
			v = merge(below, over)
		}
		out[k] = v
	}
	return out
}

// result gives the rule's values with defaults, judged by CUE.
func (r *ruleParams) result() (any, error) {
	if missing := r.shape.unset(r.given, ""); len(missing) > 0 {
		return nil, &Error{
			File: r.file, Path: r.code + "." + missing[0], Msg: "the parameter is not set and has no default",
			Hint: fmt.Sprintf("set params: {%s: {%s: …}} on the target in gate.yaml", r.code, missing[0]),
		}
	}
	given := r.given
	if given == nil {
		given = map[string]any{}
	}
	v := r.value
	for _, name := range slices.Sorted(maps.Keys(given)) {
		text, err := json.Marshal(given[name], json.Deterministic(true))
		if err != nil {
			return nil, fmt.Errorf("read parameter %s.%s: %w", r.code, name, err)
		}
		v = v.FillPath(cue.MakePath(cue.Str(name)), cuecontext.New().CompileBytes(text))
		if v.Validate() != nil {
			return nil, &Error{
				File: r.file, Path: r.code + "." + name, Msg: fmt.Sprintf("%s does not fit the definition of the parameter", text),
			}
		}
	}
	text, err := v.MarshalJSON()
	if err != nil {
		return nil, &Error{File: r.file, Path: r.code, Msg: "the parameters have no definite value", Hint: "give each a type and a default"}
	}
	var value any
	dec := jsontext.NewDecoder(bytes.NewReader(text))
	if err := json.UnmarshalDecode(dec, &value); err != nil {
		return nil, fmt.Errorf("read parameters of %s: %w", r.code, err)
	}
	return value, nil
}

// unset gives the paths of fields that neither values nor a default sets.
func (s *shape) unset(values map[string]any, path string) []string {
	var missing []string
	if s.values != nil {
		for _, key := range slices.Sorted(maps.Keys(values)) {
			if inner, ok := values[key].(map[string]any); ok {
				missing = append(missing, s.values.unset(inner, keyPath(path, key))...)
			}
		}
	}
	for _, f := range s.members {
		at := keyPath(path, f.name)
		value, given := values[f.name]
		switch {
		case f.optional:
		case f.fill != "" && !given:
		case f.shape.kinds == kindObject && f.shape.values != nil:
			inner, _ := value.(map[string]any)
			missing = append(missing, f.shape.unset(inner, at)...)
		case f.shape.kinds == kindObject && len(f.shape.members) > 0:
			inner, _ := value.(map[string]any)
			missing = append(missing, f.shape.unset(inner, at)...)
		case !given:
			missing = append(missing, at)
		}
	}
	return missing
}
