package policy

import (
	"fmt"

	"github.com/open-policy-agent/opa/v1/ast"

	"cdgate.dev/cdgate/engine/fault"
)

// kindViews are the index views of one kind of evidence. Views share the terms of the rows: a rule that reads a view
// visits only the rows it asks for.
type kindViews struct {
	names []string
	// build makes the views from the fields of an item; words are the names that the schema gives a view's parts.
	build func(item [][2]*ast.Term, words map[string][]string) [][2]*ast.Term
}

var viewsOfKind = map[string]kindViews{
	"tests": {names: []string{"byStatus", "flaky"}, build: testViews},
	"scan":  {names: []string{"bySeverity", "suppressed", "byCategory", "byPackage"}, build: scanViews},
	"sbom":  {names: []string{"byPackage"}, build: sbomViews},
}

// Views is the policy input with its index views, as a policy sees it: deterministic JSON, sorted keys. The error is
// of class fault.Evidence.
func Views(input []byte, sources ...Source) ([]byte, error) {
	types, err := typesOf(sources)
	if err != nil {
		return nil, fault.Wrap(fault.Policy, err)
	}
	v, err := types.decodeInput(input)
	if err != nil {
		return nil, fault.Wrap(fault.Evidence, err)
	}
	addVulnerabilities(v)
	out, err := appendValue(nil, v)
	if err != nil {
		return nil, fault.New(fault.Internal, "write policy input: %w", err)
	}
	return out, nil
}

// buckets sorts rows under names that are fixed beforehand, so that every view has all of them.
type buckets struct {
	keys  []*ast.Term
	lists map[ast.String][]*ast.Term
}

func newBuckets(names []string) *buckets {
	b := &buckets{lists: make(map[ast.String][]*ast.Term, len(names))}
	for _, n := range names {
		b.keys = append(b.keys, ast.InternedTerm(n))
		b.lists[ast.String(n)] = nil
	}
	return b
}

// add puts a row under a name. The decoder has refused every other name.
func (b *buckets) add(name *ast.Term, row *ast.Term) {
	if s, ok := name.Value.(ast.String); ok {
		if list, ok := b.lists[s]; ok {
			b.lists[s] = append(list, row)
		}
	}
}

func (b *buckets) term() *ast.Term {
	pairs := make([][2]*ast.Term, 0, len(b.keys))
	for _, k := range b.keys {
		pairs = append(pairs, [2]*ast.Term{k, ast.ArrayTerm(b.lists[k.Value.(ast.String)]...)})
	}
	return ast.ObjectTerm(pairs...)
}

// groups sorts rows under names that are not known beforehand.
type groups struct {
	order []*ast.Term
	lists map[ast.String][]*ast.Term
}

func (g *groups) add(name *ast.Term, row *ast.Term) {
	s, ok := name.Value.(ast.String)
	if !ok || s == "" {
		return
	}
	list, ok := g.lists[s]
	if !ok {
		g.order = append(g.order, name)
	}
	g.lists[s] = append(list, row)
}

func (g *groups) term() *ast.Term {
	pairs := make([][2]*ast.Term, 0, len(g.order))
	for _, k := range g.order {
		pairs = append(pairs, [2]*ast.Term{k, ast.ArrayTerm(g.lists[k.Value.(ast.String)]...)})
	}
	return ast.ObjectTerm(pairs...)
}

func testViews(item [][2]*ast.Term, words map[string][]string) [][2]*ast.Term {
	status := newBuckets(words["byStatus"])
	var flaky []*ast.Term
	eachRow(item, "cases", func(row ast.Object, t *ast.Term) {
		status.add(row.Get(ast.InternedTerm("status")), t)
		if row.Get(ast.InternedTerm("flaky")).Equal(ast.InternedTerm(true)) {
			flaky = append(flaky, t)
		}
	})
	return [][2]*ast.Term{view("byStatus", status.term()), view("flaky", ast.ArrayTerm(flaky...))}
}

func scanViews(item [][2]*ast.Term, words map[string][]string) [][2]*ast.Term {
	severity := newBuckets(words["bySeverity"])
	category := newBuckets(words["byCategory"])
	packages := &groups{lists: map[ast.String][]*ast.Term{}}
	var suppressed []*ast.Term
	keySeverity, keyCategory, keyStatus, keyPackage := ast.InternedTerm("severity"), ast.InternedTerm("category"),
		ast.InternedTerm("status"), ast.InternedTerm("package")
	eachRow(item, "findings", func(row ast.Object, t *ast.Term) {
		// Only a finding that says it is suppressed leaves the views of open ones.
		if s, ok := row.Get(keyStatus).Value.(ast.String); ok && s == "suppressed" {
			suppressed = append(suppressed, t)
			return
		}
		severity.add(row.Get(keySeverity), t)
		category.add(row.Get(keyCategory), t)
		packages.add(row.Get(keyPackage), t)
	})
	return [][2]*ast.Term{
		view("bySeverity", severity.term()), view("byCategory", category.term()), view("byPackage", packages.term()),
		view("suppressed", ast.ArrayTerm(suppressed...)),
	}
}

func sbomViews(item [][2]*ast.Term, _ map[string][]string) [][2]*ast.Term {
	packages := &groups{lists: map[ast.String][]*ast.Term{}}
	eachRow(item, "components", func(row ast.Object, t *ast.Term) { packages.add(row.Get(ast.InternedTerm("name")), t) })
	return [][2]*ast.Term{view("byPackage", packages.term())}
}

func view(name string, t *ast.Term) [2]*ast.Term { return [2]*ast.Term{ast.InternedTerm(name), t} }

// eachRow visits the rows of an item; the decoder has made sure that they are objects with all their fields.
func eachRow(item [][2]*ast.Term, rows string, visit func(ast.Object, *ast.Term)) {
	for _, pair := range item {
		if pair[0].Value.(ast.String) != ast.String(rows) {
			continue
		}
		if list, ok := pair[1].Value.(*ast.Array); ok {
			list.Foreach(func(t *ast.Term) {
				if row, ok := t.Value.(ast.Object); ok {
					visit(row, t)
				}
			})
		}
	}
}

// appendValue writes a ground value as JSON: objects by sorted key, sets as sorted lists.
func appendValue(dst []byte, v ast.Value) ([]byte, error) {
	var err error
	switch x := v.(type) {
	case ast.Null:
		return append(dst, "null"...), nil
	case ast.Boolean:
		if x {
			return append(dst, "true"...), nil
		}
		return append(dst, "false"...), nil
	case ast.Number:
		return append(dst, x...), nil
	case ast.String:
		return appendQuoted(dst, string(x)), nil
	case *ast.Array:
		return appendList(dst, x.Len(), x.Elem)
	case ast.Set:
		list := x.Slice()
		return appendList(dst, len(list), func(i int) *ast.Term { return list[i] })
	case ast.Object:
		dst = append(dst, '{')
		for i, k := range x.Keys() {
			if i > 0 {
				dst = append(dst, ',')
			}
			s, ok := k.Value.(ast.String)
			if !ok {
				return nil, fmt.Errorf("the key %v is no text", k)
			}
			dst = append(appendQuoted(dst, string(s)), ':')
			if dst, err = appendValue(dst, x.Get(k).Value); err != nil {
				return nil, err
			}
		}
		return append(dst, '}'), nil
	}
	return nil, fmt.Errorf("%T is no JSON value", v)
}

func appendList(dst []byte, n int, elem func(int) *ast.Term) ([]byte, error) {
	dst = append(dst, '[')
	for i := range n {
		if i > 0 {
			dst = append(dst, ',')
		}
		var err error
		if dst, err = appendValue(dst, elem(i).Value); err != nil {
			return nil, err
		}
	}
	return append(dst, ']'), nil
}
