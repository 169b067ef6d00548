package policy

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/open-policy-agent/opa/v1/ast"
)

// node is a place of the policy input's schema in the form the decoder follows. It never changes after it is made.
type node struct {
	// kind is the kind of JSON value that has to be there, 't' for both booleans, 0 for any.
	kind    jsontext.Kind
	integer bool
	// enum holds the only texts allowed; nil for any.
	enum []string
	// fields are those of a closed object, by quoted name; values is for objects with free keys, elem for lists.
	fields map[string]*field
	values *node
	elem   *node
	// required is how many fields the document itself has to have: all but the views.
	required int
	// views makes the index views of an evidence item from its fields.
	views func(item [][2]*ast.Term) [][2]*ast.Term
}

type field struct {
	name string
	key  *ast.Term
	node *node
	// derived fields are index views.
	derived bool
}

// inputNode makes the decoder's form of the policy input's schema.
func inputNode(schema map[string]any) (*node, error) {
	root := nodes{}.of(schema)
	for kind, v := range viewsOfKind {
		if err := root.addViews(kind, v); err != nil {
			return nil, err
		}
	}
	f, ok := root.fields[string(appendQuoted(nil, vulnerabilities))]
	if !ok {
		return nil, fmt.Errorf("read schema of the policy input: no index view %s", vulnerabilities)
	}
	f.derived = true
	root.required--
	return root, nil
}

// nodes are the nodes that are made, by the identity of their schema: a definition gets one node wherever it occurs.
type nodes map[uintptr]*node

func (made nodes) of(schema map[string]any) *node {
	id := reflect.ValueOf(schema).Pointer()
	if n, ok := made[id]; ok {
		return n
	}
	n := &node{}
	made[id] = n
	switch schema["type"] {
	case "object":
		n.kind = '{'
		if values, ok := schema["additionalProperties"].(map[string]any); ok {
			n.values = made.of(values)
			return n
		}
		n.fields = map[string]*field{}
		for _, name := range names(schema) {
			quoted := string(appendQuoted(nil, name))
			n.fields[quoted] = &field{name: name, key: ast.InternedTerm(name), node: made.of(property(schema, name))}
			n.required++
		}
	case "array":
		n.kind = '['
		if items, ok := schema["items"].(map[string]any); ok {
			n.elem = made.of(items)
		}
	case "string":
		n.kind = '"'
		if values, ok := schema["enum"].([]any); ok {
			for _, v := range values {
				if s, ok := v.(string); ok {
					n.enum = append(n.enum, s)
				}
			}
		}
	case "boolean":
		n.kind = 't'
	case "integer":
		n.kind, n.integer = '0', true
	case "number":
		n.kind = '0'
	}
	return n
}

// addViews marks the views of one kind of evidence as derived and says how they are made.
func (n *node) addViews(kind string, v kindViews) error {
	item := n.at("evidence", kind)
	if item == nil || item.elem == nil {
		return fmt.Errorf("read schema of the policy input: no list evidence.%s", kind)
	}
	words := map[string][]string{}
	for _, name := range v.names {
		f, ok := item.elem.fields[string(appendQuoted(nil, name))]
		if !ok {
			return fmt.Errorf("read schema of the policy input: evidence.%s has no index view %s", kind, name)
		}
		f.derived = true
		item.elem.required--
		words[name] = f.node.names()
	}
	item.elem.views = func(item [][2]*ast.Term) [][2]*ast.Term { return v.build(item, words) }
	return nil
}

func (n *node) at(path ...string) *node {
	for _, name := range path {
		f, ok := n.fields[string(appendQuoted(nil, name))]
		if !ok {
			return nil
		}
		n = f.node
	}
	return n
}

// names are the fields the document itself may have, sorted.
func (n *node) names() []string {
	var out []string
	for _, f := range n.fields {
		if !f.derived {
			out = append(out, f.name)
		}
	}
	slices.Sort(out)
	return out
}

// missing names the fields that are not among pairs.
func (n *node) missing(pairs [][2]*ast.Term) string {
	have := map[string]bool{}
	for _, p := range pairs {
		have[string(p[0].Value.(ast.String))] = true
	}
	for _, name := range n.names() {
		if !have[name] {
			return name
		}
	}
	return "a field"
}
