package schemas

import (
	"fmt"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/build"
	"cuelang.org/go/cue/cuecontext"
	"cuelang.org/go/cue/parser"
	cuejson "cuelang.org/go/encoding/json"
)

// compile compiles the files of the document and gives all their definitions, in a context of its own, which only the caller uses: a CUE context must
// not be used by two goroutines at once.
func (d *definition) compile() (cue.Value, error) {
	inst := build.NewContext().NewInstance("", nil)
	for _, name := range d.files {
		src, err := sources.ReadFile(name)
		if err != nil {
			return cue.Value{}, fmt.Errorf("read schema %s: %w", name, err)
		}
		file, err := parser.ParseFile(name, src, parser.ParseComments)
		if err != nil {
			return cue.Value{}, fmt.Errorf("parse schema %s: %w", name, err)
		}
		if err := inst.AddSyntax(file); err != nil {
			return cue.Value{}, fmt.Errorf("load schema %s: %w", name, err)
		}
	}
	if err := inst.Complete(); err != nil {
		return cue.Value{}, fmt.Errorf("load schema of %s: %w", d.doc, err)
	}
	root := cuecontext.New().BuildInstance(inst)
	if err := root.LookupPath(cue.ParsePath(d.path)).Err(); err != nil {
		return cue.Value{}, fmt.Errorf("compile schema of %s: %w", d.doc, err)
	}
	return root, nil
}

func (d *definition) derive() (*shape, error) {
	root, err := d.compile()
	if err != nil {
		return nil, err
	}
	if d.limit == maxConfig {
		defer func() { d.spare <- root }()
	}
	return deriveShape(root, root.LookupPath(cue.ParsePath(d.path)), string(d.doc), false)
}

// confirm lets CUE itself judge a text that the shape has passed. The two agree (a test compares them); should they
// ever not, the text is refused.
func (d *definition) confirm(file string, text []byte) error {
	var root cue.Value
	select {
	case root = <-d.spare:
	default:
		var err error
		if root, err = d.compile(); err != nil {
			return err
		}
	}
	expr, err := cuejson.Extract(file, text)
	if err != nil {
		return &Error{File: file, Msg: fmt.Sprintf("cannot be read as a %s document", d.doc)}
	}
	v := root.LookupPath(cue.ParsePath(d.path))
	if err := v.Unify(cuecontext.New().BuildExpr(expr)).Validate(cue.Concrete(true)); err != nil {
		return &Error{File: file, Msg: fmt.Sprintf("does not fit the definition of a %s document", d.doc)}
	}
	return nil
}
