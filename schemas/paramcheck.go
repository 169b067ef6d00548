package schemas

import (
	"slices"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/token"
)

// checkParamFile holds a params.cue to its form: a field per parameter, each with a comment; definitions (#Name) for
// what several share; of CUE's packages only list and strings.
func checkParamFile(file string, f *ast.File) error {
	at := func(n ast.Node, msg, hint string) error {
		return &Error{File: file, Line: n.Pos().Line(), Column: n.Pos().Column(), Msg: msg, Hint: hint}
	}
	if f.PackageName() != "params" {
		return at(f, "does not start with `package params`", "put it on the first line")
	}
	if err := checkParts(at, f); err != nil {
		return err
	}
	if e := newExpansion(f); e.fields(f) > maxShapes || e.choices(f) > maxChoices {
		return at(f, "is too large when every reference is followed, or refers to itself", "write definitions that do not multiply")
	}
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.Package, *ast.CommentGroup:
		case *ast.ImportDecl:
			for _, spec := range d.Specs {
				if path := spec.Path.Value; path != `"list"` && path != `"strings"` {
					return at(spec, "imports "+path, `only "list" and "strings" can be imported`)
				}
			}
		case *ast.Field:
			if err := checkParamField(at, d); err != nil {
				return err
			}
		default:
			return at(d, "is not a parameter", "write one field per parameter: its name, a colon, its type and default")
		}
	}
	return nil
}

func checkParamField(at func(ast.Node, string, string) error, f *ast.Field) error {
	name, isIdent, err := ast.LabelName(f.Label)
	if err != nil || f.Alias != nil {
		return at(f, "is not a parameter", "a parameter's name is a plain word")
	}
	if isIdent && strings.HasPrefix(name, "#") {
		return nil
	}
	if f.Constraint != token.ILLEGAL {
		return at(f, "the parameter "+quote(name)+" is marked with ? or !", "a parameter always has a value: leave the mark out and give a default, or none to make setting it compulsory")
	}
	if strings.HasPrefix(name, "_") || name == "" || strings.ContainsAny(name, ".-\"\\ ") {
		return at(f, "the name "+quote(name)+" cannot be used in a policy", "use letters, digits and _")
	}
	return nil
}

// checkParts holds everything in the file to what a definition of parameters needs: types, values, bounds, patterns,
// and the functions that limit lists and texts. What computes could take any time and memory. A mark that is none of
// @tighter's four would be no mark at all, wherever it stands.
func checkParts(at func(ast.Node, string, string) error, f *ast.File) error {
	var bad error
	refuse := func(n ast.Node, msg, hint string) {
		if bad == nil {
			bad = at(n, msg, hint)
		}
	}
	ast.Walk(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Attribute:
			if !slices.Contains([]string{"@tighter(up)", "@tighter(down)", "@tighter(more)", "@tighter(fewer)"}, n.Text) {
				refuse(n, "unknown mark "+quote(n.Text), "@tighter(up), @tighter(down), @tighter(more) and @tighter(fewer) are known")
			}
		case *ast.BinaryExpr:
			if n.Op != token.AND && n.Op != token.OR {
				refuse(n, "computes with "+n.Op.String(), "write the value itself")
			}
		case *ast.CallExpr:
			if name := calledName(n); !slices.Contains(paramFunctions, name) {
				refuse(n, "calls a function", "only "+strings.Join(paramFunctions, ", ")+" can be used")
			}
		case *ast.Interpolation, *ast.Comprehension, *ast.LetClause, *ast.IndexExpr, *ast.SliceExpr:
			refuse(n, "computes a value", "write the value itself")
		}
		return bad == nil
	}, nil)
	return bad
}

// paramFunctions are the functions a definition of parameters may call.
var paramFunctions = []string{"close", "list.MinItems", "list.MaxItems", "list.UniqueItems", "strings.MinRunes", "strings.MaxRunes"}

func calledName(c *ast.CallExpr) string {
	switch fun := c.Fun.(type) {
	case *ast.Ident:
		return fun.Name
	case *ast.SelectorExpr:
		pkg, ok := fun.X.(*ast.Ident)
		name, _, err := ast.LabelName(fun.Sel)
		if ok && err == nil {
			return pkg.Name + "." + name
		}
	}
	return ""
}

// expansion tells how large a file is when every reference is replaced by what it refers to. CUE does that, and a few
// lines that refer to each other twice would keep it busy for ever.
type expansion struct {
	values map[string][]ast.Expr
	sizes  map[string]int
}

func newExpansion(f *ast.File) expansion {
	e := expansion{values: map[string][]ast.Expr{}, sizes: map[string]int{}}
	ast.Walk(f, func(n ast.Node) bool {
		if field, ok := n.(*ast.Field); ok {
			if name, _, err := ast.LabelName(field.Label); err == nil {
				e.values[name] = append(e.values[name], field.Value)
			}
		}
		return true
	}, nil)
	return e
}

// fields gives the size of all fields of the file; more than maxShapes when they are larger than that.
func (e expansion) fields(f *ast.File) int {
	sum := 0
	for _, d := range f.Decls {
		if field, ok := d.(*ast.Field); ok {
			sum = min(sum+e.size(field.Value), maxShapes+1)
		}
	}
	return sum
}

// size gives the size of an expression. A name counts for everything in the file that is called so.
func (e expansion) size(x ast.Expr) int {
	sum := 0
	ast.Walk(x, func(n ast.Node) bool {
		sum = min(sum+1, maxShapes+1)
		switch n := n.(type) {
		case *ast.Field: // the label is no reference
			sum = min(sum+e.size(n.Value), maxShapes+1)
			return false
		case *ast.Ident:
			sum = min(sum+e.named(n.Name), maxShapes+1)
		}
		return sum <= maxShapes
	}, nil)
	return sum
}

func (e expansion) named(name string) int {
	if size, known := e.sizes[name]; known {
		return size
	}
	e.sizes[name] = maxShapes + 1 // what refers to itself has no size
	sum := 0
	for _, x := range e.values[name] {
		sum = min(sum+e.size(x), maxShapes+1)
	}
	e.sizes[name] = sum
	return sum
}
