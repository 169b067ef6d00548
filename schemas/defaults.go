package schemas

import (
	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/token"
)

// disjuncts gives the members of a disjunction of lists or structs without the default, nil where v is none.
func disjuncts(v cue.Value, depth int) []cue.Value {
	if k := v.IncompleteKind(); k != cue.ListKind && k != cue.StructKind || depth > maxDepth {
		return nil
	}
	op, args := v.Expr()
	if root, path := v.ReferencePath(); root.Exists() {
		return disjuncts(root.LookupPath(path), depth+1)
	}
	if op != cue.OrOp && (op != cue.NoOp || len(args) != 1 || !hasMark(v.Syntax())) {
		return nil
	}
	def, marked := markedDefault(v)
	var alts []cue.Value
	for _, a := range args {
		if text, err := a.MarshalJSON(); marked && len(args) > 1 && a.IsConcrete() && err == nil && string(text) == def && !hasOpen(a) {
			continue
		}
		alts = append(alts, a)
	}
	return alts
}

// hasOpen tells whether v is an open list, which CUE takes for an empty one.
func hasOpen(v cue.Value) bool { return v.LookupPath(cue.MakePath(cue.AnyIndex)).Exists() }

// hasMark tells whether an expression marks a default with *.
func hasMark(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.File: // what CUE gives for an expression that needs an import
		for _, d := range n.Decls {
			if e, ok := d.(*ast.EmbedDecl); ok && hasMark(e.Expr) {
				return true
			}
		}
	case *ast.ParenExpr:
		return hasMark(n.X)
	case *ast.BinaryExpr:
		return n.Op == token.OR && (hasMark(n.X) || hasMark(n.Y))
	case *ast.UnaryExpr:
		return n.Op == token.MUL
	}
	return false
}

// markedDefault gives the default of v as JSON: what the definition marks with *, or its only value. (CUE also takes an
// open list for an empty one; that is no default anybody wrote.)
func markedDefault(v cue.Value) (text string, ok bool) {
	if v.IncompleteKind() == cue.ListKind && hasOpen(v) && !hasMark(v.Syntax()) {
		return "", false
	}
	def, _ := v.Default()
	b, err := def.MarshalJSON()
	if err != nil {
		return "", false
	}
	return string(b), true
}
