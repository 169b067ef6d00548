package policy

import (
	"slices"
	"strings"

	"cdgate.dev/cdgate/schemas"
	"github.com/open-policy-agent/opa/v1/ast"
)

// What OPA's type checker does not see and a rule may still get wrong: an ordering comparison of values that are not
// both numbers or both texts ("0%" >= 80 is true in Rego), a text compared with a word it can never be, and a name after
// a function's argument that occurs nowhere in the documents.

// vocabulary looks at one compiled rule.
type vocabulary struct {
	c *compiled
	// values says what a variable stands for, in its body: a reference, or the output of a call.
	values map[ast.Var]*ast.Term
	// results are the types of outputs of calls.
	results map[ast.Var]map[string]any
	// guarded are variables and references whose type the rule checks itself.
	guarded map[string]string
	args    map[ast.Var]bool
	out     *Problems
}

func (c *compiled) checkVocabulary() Problems {
	var out Problems
	words := c.words()
	for _, m := range c.sortedModules() {
		ast.WalkRules(c.compiler.Modules[m.name], func(r *ast.Rule) bool {
			v := &vocabulary{c: c, values: map[ast.Var]*ast.Term{}, results: map[ast.Var]map[string]any{},
				guarded: map[string]string{}, args: map[ast.Var]bool{}, out: &out}
			v.rule(r, words)
			return false
		})
	}
	return out.sorted()
}

func (v *vocabulary) rule(r *ast.Rule, words map[string]bool) {
	for _, a := range r.Head.Args {
		ast.WalkVars(a, func(x ast.Var) bool {
			v.args[x] = true
			return false
		})
	}
	ast.WalkExprs(r, func(e *ast.Expr) bool {
		v.learn(e)
		return false
	})
	ast.WalkExprs(r, func(e *ast.Expr) bool {
		v.guard(e)
		return false
	})
	ast.WalkExprs(r, func(e *ast.Expr) bool {
		v.judge(e)
		return false
	})
	ast.WalkRefs(r, func(ref ast.Ref) bool {
		x, ok := ref[0].Value.(ast.Var)
		if ok && v.args[x] && len(ref) > 1 && isString(ref[1]) && !words[headName(ref[1])] {
			v.say(ref[1].Location, "no document has a field %q; %s", headName(ref[1]), schemas.Suggest(headName(ref[1]), "fields", sortedKeys(words)))
		}
		return false
	})
}

func (v *vocabulary) say(loc *ast.Location, format string, args ...any) {
	*v.out = append(*v.out, at(loc, "vocabulary", format, args...))
}

// learn notes what an expression says about variables.
func (v *vocabulary) learn(e *ast.Expr) {
	if !e.IsCall() || e.Negated {
		return
	}
	name, ops := e.Operator().String(), e.Operands()
	if e.IsEquality() && len(ops) == 2 {
		for i, t := range ops {
			if x, ok := t.Value.(ast.Var); ok {
				if _, known := v.values[x]; !known {
					v.values[x] = ops[1-i]
				}
			}
		}
		return
	}
	b, ok := ast.BuiltinMap[name]
	if !ok || len(ops) != b.Decl.Arity()+1 {
		return
	}
	if x, ok := ops[len(ops)-1].Value.(ast.Var); ok {
		switch b.Decl.Result().String() {
		case "number":
			v.results[x] = map[string]any{"type": "number"}
		case "string":
			v.results[x] = map[string]any{"type": "string"}
		}
	}
}

// guard notes the checks of types that the rule makes itself.
func (v *vocabulary) guard(e *ast.Expr) {
	if !e.IsCall() || e.Negated || len(e.Operands()) == 0 {
		return
	}
	if name, ok := strings.CutPrefix(e.Operator().String(), "is_"); ok {
		v.guarded[v.origin(e.Operand(0), 0)] = name
	}
}

// judge looks at comparisons.
func (v *vocabulary) judge(e *ast.Expr) {
	if !e.IsCall() {
		return
	}
	ops := e.Operands()
	switch e.Operator().String() {
	case "lt", "lte", "gt", "gte":
		if len(ops) >= 2 {
			v.ordering(e, ops[0], ops[1])
		}
	case "eq", "equal", "neq":
		if len(ops) >= 2 {
			v.member(ops[0], ops[1])
			v.member(ops[1], ops[0])
		}
	case "internal.member_2":
		if len(ops) >= 2 {
			each(ops[1], func(t *ast.Term) { v.member(ops[0], t) })
		}
	}
}

func each(t *ast.Term, visit func(*ast.Term)) {
	switch x := t.Value.(type) {
	case *ast.Array:
		x.Foreach(visit)
	case ast.Set:
		x.Foreach(visit)
	}
}

func (v *vocabulary) ordering(e *ast.Expr, a, b *ast.Term) {
	ta, tb := v.typeName(a), v.typeName(b)
	switch {
	case ta == tb && (ta == "number" || ta == "string"):
	case ta == "" || tb == "":
		v.say(e.Location, "the type of a side of this comparison is not known: check it with is_number or is_string first, "+
			"because Rego orders values of different types without complaint")
	default:
		v.say(e.Location, "this comparison orders a %s and a %s", ta, tb)
	}
}

// member says when a text is compared with a word it can never be.
func (v *vocabulary) member(t, word *ast.Term) {
	s, ok := word.Value.(ast.String)
	if !ok {
		return
	}
	values, ok := v.schema(t, 0)["enum"].([]any)
	if !ok {
		return
	}
	var words []string
	for _, x := range values {
		if w, ok := x.(string); ok {
			words = append(words, w)
		}
	}
	if !slices.Contains(words, string(s)) {
		loc := word.Location
		if loc == nil {
			loc = t.Location
		}
		v.say(loc, "%q is never there; %s", string(s), schemas.Suggest(string(s), "valid values", words))
	}
}

// typeName is number, string or another JSON type, and empty when it is not known.
func (v *vocabulary) typeName(t *ast.Term) string {
	if name, ok := v.guarded[v.origin(t, 0)]; ok {
		return name
	}
	switch t.Value.(type) {
	case ast.Number:
		return "number"
	case ast.String:
		return "string"
	}
	name, _ := v.schema(t, 0)["type"].(string)
	if name == "integer" {
		return "number"
	}
	return name
}

// origin is the text of what a variable stands for, so that two variables for one thing are known as one.
func (v *vocabulary) origin(t *ast.Term, depth int) string {
	if x, ok := t.Value.(ast.Var); ok && depth < 32 {
		if to, ok := v.values[x]; ok {
			return v.origin(to, depth+1)
		}
	}
	return t.String()
}

// schema is the schema of what a term stands for, nil when it is not known.
func (v *vocabulary) schema(t *ast.Term, depth int) map[string]any {
	if depth > 32 {
		return nil
	}
	switch x := t.Value.(type) {
	case ast.Var:
		if s, ok := v.results[x]; ok {
			return s
		}
		if to, ok := v.values[x]; ok {
			return v.schema(to, depth+1)
		}
	case ast.Ref:
		return v.refSchema(x, depth)
	case ast.Number:
		return map[string]any{"type": "number"}
	case ast.String:
		return map[string]any{"type": "string"}
	}
	return nil
}

func (v *vocabulary) refSchema(ref ast.Ref, depth int) map[string]any {
	var s map[string]any
	rest := ref[1:]
	switch {
	case ref[0].Equal(ast.InputRootDocument):
		s = v.c.types.schema
	case ref[0].Equal(ast.DefaultRootDocument) && len(ref) > 2 && headName(ref[1]) == "params":
		s, rest = v.c.paramSchema, ref[2:]
	default:
		if x, ok := ref[0].Value.(ast.Var); ok {
			if to, ok := v.values[x]; ok {
				s = v.schema(to, depth+1)
			}
		}
	}
	for _, t := range rest {
		s = below(s, t)
	}
	return s
}

// below goes down one step: into a property, or into any element.
func below(s map[string]any, t *ast.Term) map[string]any {
	if properties, ok := s["properties"].(map[string]any); ok {
		if isString(t) {
			next, _ := properties[headName(t)].(map[string]any)
			return next
		}
		return sameForAll(properties)
	}
	if items, ok := s["items"].(map[string]any); ok {
		return items
	}
	values, _ := s["additionalProperties"].(map[string]any)
	return values
}

// sameForAll is the schema of any property, where all are lists or all of one type, as in the index views.
func sameForAll(properties map[string]any) map[string]any {
	var first map[string]any
	for _, name := range sortedKeys(properties) {
		s, _ := properties[name].(map[string]any)
		if first == nil {
			first = s
		} else if s["type"] != first["type"] {
			return nil
		}
	}
	return first
}

// words are all names of fields: of the input, of the parameters, and of objects that the policies write themselves.
func (c *compiled) words() map[string]bool {
	out := map[string]bool{}
	var collect func(map[string]any)
	collect = func(s map[string]any) {
		if properties, ok := s["properties"].(map[string]any); ok {
			for name, p := range properties {
				out[name] = true
				if p, ok := p.(map[string]any); ok {
					collect(p)
				}
			}
		}
		for _, key := range []string{"items", "additionalProperties"} {
			if p, ok := s[key].(map[string]any); ok {
				collect(p)
			}
		}
	}
	collect(c.types.schema)
	collect(c.paramSchema)
	for _, m := range c.modules {
		ast.WalkTerms(m.mod, func(t *ast.Term) bool {
			if o, ok := t.Value.(ast.Object); ok {
				o.Foreach(func(k, _ *ast.Term) { out[headName(k)] = true })
			}
			return false
		})
	}
	return out
}
