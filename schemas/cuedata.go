package schemas

import (
	"strings"
	"unicode/utf8"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/literal"
	"cuelang.org/go/cue/parser"
	"cuelang.org/go/cue/token"
)

// readCUE reads CUE that holds data only: no imports, references, expressions, definitions or constraints, so that
// what the file says is what is written there.
func readCUE(file string, src []byte) (*node, error) {
	if !utf8.Valid(src) {
		return nil, &Error{File: file, Msg: "is not valid UTF-8"}
	}
	f, err := parser.ParseFile(file, src)
	if err != nil {
		return nil, explainCUE(file, err)
	}
	r := cueReader{file: file}
	decls := f.Decls
	if len(decls) > 0 {
		if _, ok := decls[0].(*ast.Package); ok {
			decls = decls[1:]
		}
	}
	n := &node{kind: kindObject, line: 1, col: 1}
	return n, r.members(n, decls, 0)
}

// explainCUE gives a parser's first error in the words of this package.
func explainCUE(file string, err error) error {
	all := errors.Errors(err)
	if len(all) == 0 {
		return &Error{File: file, Msg: "is not CUE"}
	}
	e := &Error{File: file, Msg: "is not CUE: " + strings.SplitN(all[0].Error(), "\n", 2)[0]}
	if pos := all[0].Position(); pos.IsValid() {
		e.Line, e.Column = pos.Line(), pos.Column()
	}
	return e
}

type cueReader struct{ file string }

func (r cueReader) fault(at ast.Node, msg string) error {
	return &Error{
		File: r.file, Line: at.Pos().Line(), Column: at.Pos().Column(), Msg: msg,
		Hint: "a configuration in CUE may hold data only: keys, texts, numbers, true, false, lists and structs",
	}
}

func (r cueReader) members(n *node, decls []ast.Decl, depth int) error {
	if depth > maxDepth {
		return &Error{File: r.file, Line: n.line, Column: n.col, Msg: "nests too deep"}
	}
	seen := map[string]bool{}
	for _, d := range decls {
		f, ok := d.(*ast.Field)
		if !ok {
			if _, comment := d.(*ast.CommentGroup); comment {
				continue
			}
			return r.fault(d, "this is not data")
		}
		if f.Constraint != token.ILLEGAL || f.Alias != nil || len(f.Attrs) > 0 {
			return r.fault(d, "this is not data")
		}
		name, isIdent, err := ast.LabelName(f.Label)
		if err != nil || isIdent && strings.ContainsAny(name[:min(1, len(name))], "#_") {
			return r.fault(f.Label, "this key is not plain data")
		}
		if seen[name] {
			return r.fault(f.Label, "the key "+quote(name)+" stands here twice")
		}
		seen[name] = true
		value, err := r.value(f.Value, depth+1)
		if err != nil {
			return err
		}
		n.members = append(n.members, member{name, f.Label.Pos().Line(), f.Label.Pos().Column(), value})
	}
	return nil
}

func (r cueReader) value(x ast.Expr, depth int) (*node, error) {
	n := &node{line: x.Pos().Line(), col: x.Pos().Column()}
	switch x := x.(type) {
	case *ast.StructLit:
		n.kind = kindObject
		return n, r.members(n, x.Elts, depth)
	case *ast.ListLit:
		n.kind = kindArray
		if depth > maxDepth {
			return nil, r.fault(x, "nests too deep")
		}
		for _, e := range x.Elts {
			item, err := r.value(e, depth+1)
			if err != nil {
				return nil, err
			}
			n.items = append(n.items, item)
		}
		return n, nil
	case *ast.BasicLit:
		return n, r.literal(n, x)
	case *ast.UnaryExpr:
		if lit, ok := x.X.(*ast.BasicLit); ok && x.Op == token.SUB && (lit.Kind == token.INT || lit.Kind == token.FLOAT) {
			err := r.literal(n, lit)
			n.text = "-" + n.text
			return n, err
		}
	}
	return nil, r.fault(x, "this is not data")
}

func (r cueReader) literal(n *node, x *ast.BasicLit) error {
	switch x.Kind {
	case token.STRING:
		text, err := literal.Unquote(x.Value)
		if err != nil || strings.HasPrefix(x.Value, "'") || !utf8.ValidString(text) {
			return r.fault(x, "this is not a text")
		}
		n.kind, n.text = kindString, text
	case token.INT, token.FLOAT:
		if !jsonNumber.MatchString(x.Value) || len(x.Value) > maxNumber {
			return r.fault(x, "this number is not a plain decimal number")
		}
		n.kind, n.text = kindInteger, x.Value
		if x.Kind == token.FLOAT {
			n.kind = kindFraction
		}
	case token.TRUE, token.FALSE:
		n.kind, n.text = kindBool, x.Value
	case token.NULL:
		n.kind, n.text = kindNull, "null"
	default:
		return r.fault(x, "this is not data")
	}
	return nil
}
