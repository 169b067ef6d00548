package policy

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/schemas"
)

// Diagnostic is something wrong with a policy at a place. Line and Column start at 1 and are 0 where there is none.
type Diagnostic struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
	// Warning is true for style. The others are refused by an evaluation, or (code vocabulary) make a rule that can never
	// find what it looks for.
	Warning bool `json:"warning"`
	// Code is a snake_case word: parse, type, shape, metadata, params, conflict, data, capability, compile, undefined,
	// strict, format, vocabulary, test.
	Code string `json:"code"`
	Msg  string `json:"msg"`
}

// String is "file:line:column: message" without the parts that are not known.
func (d Diagnostic) String() string {
	var b strings.Builder
	b.WriteString(d.File)
	if d.Line > 0 {
		fmt.Fprintf(&b, ":%d", d.Line)
		if d.Column > 0 {
			fmt.Fprintf(&b, ":%d", d.Column)
		}
	}
	if b.Len() > 0 {
		b.WriteString(": ")
	}
	b.WriteString(d.Msg)
	return b.String()
}

// Problems are the errors of a program, sorted by place. It is the error that evaluations wrap.
type Problems []Diagnostic

func (p Problems) Error() string {
	lines := make([]string, 0, len(p))
	for _, d := range p {
		lines = append(lines, d.String())
	}
	return strings.Join(lines, "\n")
}

func (p Problems) sorted() Problems {
	slices.SortStableFunc(p, func(a, b Diagnostic) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column),
			cmp.Compare(a.Code, b.Code), cmp.Compare(a.Msg, b.Msg))
	})
	return slices.Compact(p)
}

// fault is the problems as a classified error, nil for none.
func (p Problems) fault() error {
	if len(p) == 0 {
		return nil
	}
	p = p.sorted()
	if len(p) > maxErrors {
		more := len(p) - maxErrors
		p = append(p[:maxErrors:maxErrors], Diagnostic{Code: "more", Msg: fmt.Sprintf("%d more problems", more)})
	}
	return fault.New(fault.Policy, "%w", p)
}

// at makes a diagnostic at a place in a module.
func at(loc *ast.Location, code, format string, args ...any) Diagnostic {
	d := Diagnostic{Code: code, Msg: fmt.Sprintf(format, args...)}
	if loc != nil {
		d.File, d.Line, d.Column = loc.File, loc.Row, loc.Col
	}
	return d
}

// fromOPA says in cdgate's words what OPA found.
func fromOPA(err error) Problems {
	var many ast.Errors
	var one *ast.Error
	switch {
	case errors.As(err, &many):
	case errors.As(err, &one):
		many = ast.Errors{one}
	default:
		return Problems{{Code: "compile", Msg: err.Error()}}
	}
	var out Problems
	for _, e := range many {
		out = append(out, explain(e))
	}
	return out
}

func explain(e *ast.Error) Diagnostic {
	if d, ok := e.Details.(*ast.RefErrInvalidDetail); ok {
		if msg := explainRef(d); msg != "" {
			return at(e.Location, "type", "%s", msg)
		}
	}
	msg := strings.TrimSpace(e.Message)
	if e.Details != nil && e.Code != ast.ParseErr {
		if lines := e.Details.Lines(); len(lines) > 0 {
			msg += " (" + strings.Join(trimmed(lines), "; ") + ")"
		}
	}
	switch {
	case strings.HasPrefix(msg, "undefined function "):
		name := strings.TrimPrefix(msg, "undefined function ")
		if isBuiltinOfOPA(name) {
			return at(e.Location, "capability", "%s is not available to policies: its result depends on more than its arguments, "+
				"or it can read files, open connections or run away", name)
		}
		return at(e.Location, "undefined", "%s", msg)
	case e.Code == ast.TypeErr:
		return at(e.Location, "type", "%s", msg)
	case e.Code == ast.ParseErr:
		return at(e.Location, "parse", "%s", msg)
	}
	return at(e.Location, "compile", "%s", msg)
}

func trimmed(lines []string) []string {
	var out []string
	for _, l := range lines {
		if l = strings.TrimSpace(l); l != "" && strings.Trim(l, "^") != "" {
			out = append(out, l)
		}
	}
	return out
}

// explainRef says which name of a reference does not exist, which was probably meant and which there are.
func explainRef(d *ast.RefErrInvalidDetail) string {
	if d.Pos <= 0 || d.Pos >= len(d.Ref) || d.Have != nil {
		return ""
	}
	name, ok := d.Ref[d.Pos].Value.(ast.String)
	if !ok {
		return ""
	}
	holder := d.Ref[:d.Pos].String()
	var words []string
	for _, v := range d.OneOf {
		if s, ok := v.(ast.String); ok {
			words = append(words, string(s))
		}
	}
	if len(words) == 0 {
		if d.Want != nil {
			return fmt.Sprintf("%s has no field %q: it takes a %s there", holder, string(name), d.Want)
		}
		return fmt.Sprintf("%s has no field %q: it has no fields", holder, string(name))
	}
	return fmt.Sprintf("%s has no field %q; %s", holder, string(name), schemas.Suggest(string(name), "valid names", words))
}

func isBuiltinOfOPA(name string) bool {
	_, ok := ast.BuiltinMap[name]
	return ok
}

// fromSchemas tells problems of parameters at their place.
func fromSchemas(err error, rename map[string]string, code string) Problems {
	var out Problems
	var visit func(error)
	visit = func(err error) {
		if e, ok := err.(*schemas.Error); ok {
			d := Diagnostic{File: e.File, Line: e.Line, Column: e.Column, Code: code}
			if name, ok := rename[e.File]; ok {
				d.File = name
			}
			rest := *e
			rest.File, rest.Line, rest.Column = "", 0, 0
			d.Msg = rest.Error()
			out = append(out, d)
			return
		}
		if many, ok := err.(interface{ Unwrap() []error }); ok {
			for _, in := range many.Unwrap() {
				visit(in)
			}
			return
		}
		if inner := errors.Unwrap(err); errors.As(err, new(*schemas.Error)) && inner != nil {
			visit(inner)
			return
		}
		out = append(out, Diagnostic{Code: code, Msg: err.Error()})
	}
	visit(err)
	return out
}
