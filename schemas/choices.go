package schemas

import (
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/token"
)

// maxChoices is how many combinations of alternatives one value of a definition may have. CUE tries them all: sixteen
// pairs of structs joined by & keep it busy for hours.
const maxChoices = 256

// choices gives the combinations of alternatives that CUE would try for the value which needs most of them, references
// followed; more than maxChoices when there are more. Fields that nothing unifies are independent of each other.
func (e expansion) choices(f *ast.File) int {
	most := 1
	ast.Walk(f, func(n ast.Node) bool {
		joined := false
		switch n := n.(type) {
		case *ast.BinaryExpr:
			joined = n.Op == token.AND
		case *ast.StructLit:
			joined = joins(n.Elts)
		case *ast.File:
			joined = joins(n.Decls)
		}
		if joined {
			most = max(most, e.combined(n, 0))
		}
		return !joined // else what is inside was counted
	}, nil)
	return most
}

// joins reports whether the parts of a struct are unified with each other: one is embedded, is for all labels that fit,
// or has the label of another.
func joins(parts []ast.Decl) bool {
	seen := map[string]bool{}
	for _, d := range parts {
		switch d := d.(type) {
		case *ast.EmbedDecl:
			return true
		case *ast.Field:
			name, _, err := ast.LabelName(d.Label)
			if err != nil || seen[name] {
				return true
			}
			seen[name] = true
		}
	}
	return false
}

// combined multiplies the alternatives of everything in a value. Literals and the names of types are no alternatives that
// multiply: of two such lists no more is left than the longer one has.
func (e expansion) combined(x ast.Node, depth int) int {
	if depth > maxChoices {
		return maxChoices + 1 // it refers to itself
	}
	product := 1
	times := func(n int) { product = min(product*max(n, 1), maxChoices+1) }
	ast.Walk(x, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BinaryExpr:
			if n.Op == token.OR && (!e.plain(n.X) && !e.plain(n.Y)) {
				times(2)
			}
		case *ast.Ident:
			for _, value := range e.values[n.Name] {
				times(e.combined(value, depth+1))
			}
		case *ast.Field: // the label is no reference
			times(e.combined(n.Value, depth))
			return false
		}
		return product <= maxChoices
	}, nil)
	return product
}

// plain reports whether an alternative is a literal, or the name of a type.
func (e expansion) plain(x ast.Expr) bool {
	switch x := x.(type) {
	case *ast.BasicLit:
		return true
	case *ast.UnaryExpr:
		return (x.Op == token.MUL || x.Op == token.SUB) && e.plain(x.X)
	case *ast.ParenExpr:
		return e.plain(x.X)
	case *ast.Ident:
		return e.values[x.Name] == nil
	case *ast.BinaryExpr:
		return x.Op == token.OR && e.plain(x.X) && e.plain(x.Y)
	}
	return false
}
