package policy

import "github.com/open-policy-agent/opa/v1/ast"

// withoutEvery copies modules with every `every k, v in domain { body }` rewritten into the comprehension
// `[true | some k, v in domain; body]`, whose body OPA's type checker looks into. any is false when there is none; the
// copies are for checking only.
func withoutEvery(modules map[string]*ast.Module) (copied map[string]*ast.Module, any bool) {
	for _, m := range modules {
		any = any || hasEvery(m)
	}
	if !any {
		return nil, false
	}
	copied = make(map[string]*ast.Module, len(modules))
	for name, m := range modules {
		m = m.Copy()
		rewriteEvery(m)
		copied[name] = m
	}
	return copied, true
}

func hasEvery(x any) bool {
	found := false
	ast.WalkExprs(x, func(e *ast.Expr) bool {
		_, ok := e.Terms.(*ast.Every)
		found = found || ok
		return found
	})
	return found
}

// rewriteEvery rewrites in place, outermost first: the visitor then goes into the new comprehension.
func rewriteEvery(m *ast.Module) {
	vis := ast.NewGenericVisitor(func(x any) bool {
		e, ok := x.(*ast.Expr)
		if !ok {
			return false
		}
		every, ok := e.Terms.(*ast.Every)
		if !ok {
			return false
		}
		member := ast.Member.Call(every.Value, every.Domain)
		if every.Key != nil {
			member = ast.MemberWithKey.Call(every.Key, every.Value, every.Domain)
		}
		locate(member, every.Domain.Location)
		some := ast.NewExpr(&ast.SomeDecl{Symbols: []*ast.Term{member}, Location: every.Domain.Location})
		some.Location = every.Domain.Location
		body := ast.NewBody(append([]*ast.Expr{some}, every.Body...)...)
		yes := ast.BooleanTerm(true)
		yes.Location = e.Location
		term := ast.ArrayComprehensionTerm(yes, body)
		term.Location = e.Location
		e.Terms = term
		return false
	})
	vis.Walk(m)
}

// locate gives a place to a call and to what it calls.
func locate(t *ast.Term, loc *ast.Location) {
	t.Location = loc
	if call, ok := t.Value.(ast.Call); ok && call[0].Location == nil {
		name := *call[0]
		name.Location = loc
		call[0] = &name
	}
}
