package schemas

import (
	"bytes"
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/cuecontext"
	cueerrors "cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/parser"
)

// ParamDoc describes one parameter of a rule.
type ParamDoc struct {
	Name string
	// Type says in words what values it takes, such as "a number of at least 0 and at most 100".
	Type string
	// Default is JSON; empty where there is none.
	Default string
	// Doc is the comment above the parameter as one line.
	Doc string
	// Tighter is up, down, more, fewer, or empty: the direction in which an overlay may change it.
	Tighter string
}

// ParamDocs describes the parameters that a params.cue defines, in the order of the file.
func ParamDocs(src []byte) ([]ParamDoc, error) {
	r, err := parseParams("params.cue", src)
	if err != nil {
		return nil, err
	}
	docs := make([]ParamDoc, 0, len(r.shape.members))
	for _, f := range r.shape.members {
		v := r.value.LookupPath(cue.MakePath(cue.Str(f.name)))
		doc := ParamDoc{Name: f.name, Type: f.shape.describe(), Default: f.fill, Doc: phrase(v), Tighter: tighter(v)}
		if len(f.shape.unset(nil, "")) == 0 && f.shape.kinds == kindObject && len(f.shape.members) > 0 {
			if text, err := v.MarshalJSON(); err == nil {
				doc.Default = string(bytes.TrimSpace(text))
			}
		}
		docs = append(docs, doc)
	}
	return docs, nil
}

// parseParams compiles a params.cue: package params, one field per parameter.
func parseParams(code string, src []byte) (*ruleParams, error) {
	file := "params.cue"
	if code != file {
		file = strings.ReplaceAll(code, ".", "/") + "/params.cue"
	}
	if len(src) > maxParams {
		return nil, tooLarge(file, maxParams)
	}
	f, err := parser.ParseFile(file, src, parser.ParseComments)
	if err != nil {
		return nil, explainCUE(file, err)
	}
	if err := checkParamFile(file, f); err != nil {
		return nil, err
	}
	v := cuecontext.New().BuildFile(f)
	if err := v.Err(); err != nil {
		return nil, compileError(file, err)
	}
	s, err := deriveShape(v, v, code, true)
	if err != nil {
		return nil, compileError(file, err)
	}
	return &ruleParams{code: code, file: file, value: v, shape: s}, nil
}

// compileError tells the author of a params.cue what CUE objects to, where CUE says it.
func compileError(file string, err error) error {
	e := &Error{File: file, Msg: "does not compile: " + strings.SplitN(err.Error(), "\n", 2)[0]}
	if at := cueerrors.Positions(err); len(at) > 0 && at[0].Filename() == file {
		e.Line, e.Column = at[0].Line(), at[0].Column()
	}
	return e
}

// tighter gives the direction in which the parameter v may be changed by an overlay; empty for none. In the short form
// `name: [string]: T @tighter(more)` the mark is written behind the inner field and meant for the parameter.
func tighter(v cue.Value) string {
	mark := v.Attribute("tighter")
	if word, err := mark.String(0); err == nil {
		return word
	}
	f, ok := v.Source().(*ast.Field)
	if !ok {
		return ""
	}
	short, ok := f.Value.(*ast.StructLit)
	if !ok || short.Lbrace.IsValid() || len(short.Elts) != 1 {
		return ""
	}
	inner, ok := short.Elts[0].(*ast.Field)
	if !ok || len(inner.Attrs) != 1 {
		return ""
	}
	return strings.TrimSuffix(strings.TrimPrefix(inner.Attrs[0].Text, "@tighter("), ")")
}

// describe says in words what values fit.
func (s *shape) describe() string {
	switch {
	case s.kinds == kindArray && s.elem != nil:
		text := "a list"
		if s.minItems > 0 {
			text += " with at least " + entries(s.minItems)
		}
		if s.maxItems >= 0 {
			text += " with at most " + entries(s.maxItems)
		}
		return text + ", each " + s.elem.describe()
	case s.kinds == kindObject && s.values != nil:
		return "an object with free keys, each value " + s.values.describe()
	case s.kinds == kindObject:
		var parts []string
		for _, f := range s.members {
			parts = append(parts, f.name+": "+f.shape.describe())
		}
		return "an object {" + strings.Join(parts, ", ") + "}"
	case len(s.alts) > 0 && s.says == "":
		var parts []string
		for _, alt := range s.alts {
			parts = append(parts, alt.describe())
		}
		return strings.Join(parts, " or ")
	}
	return s.wanted()
}
