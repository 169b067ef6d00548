package schemas

import (
	"fmt"
	"path"
	"regexp"
	"strings"
	"sync"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/cuecontext"
	cueerrors "cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/parser"
	cuejson "cuelang.org/go/encoding/json"
	"cuelang.org/go/encoding/jsonschema"
	"github.com/go-json-experiment/json/jsontext"
)

// OwnKind is a kind of evidence that a team defines, in a file kinds/NAME.cue or kinds/NAME.schema.json of its policies.
// A document of the kind is total: every field is there, given or by its default, and none is null, so that a rule never
// meets a field that is undefined.
type OwnKind struct {
	// Name is the kind, Doc what its file says about it, in one line.
	Name, Doc string

	shape *shape
	// mu guards value: a CUE context must not be used by two goroutines at once.
	mu    sync.Mutex
	value cue.Value
}

// The endings of a file that defines an own kind.
const (
	ownKindCUE  = ".cue"
	ownKindJSON = ".schema.json"
)

// ownKindName is what an own kind may be called: a word that a rule can write behind input.evidence with a dot.
var ownKindName = regexp.MustCompile(`^[a-z][a-z0-9_]{1,62}$`)

// OwnKindName gives the kind that a file defines by its name; false for a file that defines none.
func OwnKindName(file string) (string, bool) {
	base := path.Base(file)
	for _, end := range []string{ownKindJSON, ownKindCUE} {
		if name, ok := strings.CutSuffix(base, end); ok {
			return name, ownKindName.MatchString(name)
		}
	}
	return "", false
}

// ParseOwnKind reads the definition of an own kind. A .cue file holds `package kinds` and the definition #NAME, closed, a
// struct, with other definitions it refers to; a .schema.json file is a JSON Schema of an object with
// additionalProperties false everywhere. Errors name the place and what to do.
func ParseOwnKind(file string, src []byte) (*OwnKind, error) {
	name, ok := OwnKindName(file)
	switch {
	case !ok:
		return nil, &Error{File: file, Msg: "no name of a kind", Hint: "call the file NAME.cue or NAME.schema.json, NAME being lower-case letters, digits and _, starting with a letter"}
	case len(src) > maxParams:
		return nil, tooLarge(file, maxParams)
	}
	var value cue.Value
	var err error
	if strings.HasSuffix(file, ownKindJSON) {
		value, err = ownKindSchema(file, src)
	} else {
		value, err = ownKindDefinition(file, name, src)
	}
	if err != nil {
		return nil, err
	}
	d := &deriver{root: value, total: true}
	s, err := d.derive(value, name, 0)
	if err != nil {
		return nil, &Error{File: file, Msg: strings.TrimPrefix(err.Error(), "derive shape of "), Hint: "close it, and give every field a type that a rule can rely on"}
	}
	if s.kinds != kindObject || s.values != nil || len(s.alts) > 0 || len(s.members) == 0 {
		return nil, &Error{File: file, Path: name, Msg: "is no struct with fields", Hint: "define the fields of the report"}
	}
	if err := s.checkTotal(file, name); err != nil {
		return nil, err
	}
	return &OwnKind{Name: name, Doc: comment(value), shape: s, value: value}, nil
}

// ownKindDefinition compiles a .cue file and gives the definition #NAME.
func ownKindDefinition(file, name string, src []byte) (cue.Value, error) {
	f, err := parser.ParseFile(file, src, parser.ParseComments)
	if err != nil {
		return cue.Value{}, explainCUE(file, err)
	}
	if err := checkOwnKindFile(file, name, f); err != nil {
		return cue.Value{}, err
	}
	root := cuecontext.New().BuildFile(f)
	if err := root.Err(); err != nil {
		return cue.Value{}, compileError(file, err)
	}
	return root.LookupPath(cue.MakePath(cue.Def(name))), nil
}

// checkOwnKindFile holds the file to its form: definitions only, #NAME among them, nothing that computes.
func checkOwnKindFile(file, name string, f *ast.File) error {
	at := func(n ast.Node, msg, hint string) error {
		return &Error{File: file, Line: n.Pos().Line(), Column: n.Pos().Column(), Msg: msg, Hint: hint}
	}
	if f.PackageName() != "kinds" {
		return at(f, "does not start with `package kinds`", "put it on the first line")
	}
	if err := checkParts(at, f); err != nil {
		return err
	}
	if e := newExpansion(f); e.fields(f) > maxShapes || e.choices(f) > maxChoices {
		return at(f, "is too large when every reference is followed, or refers to itself", "write definitions that do not multiply")
	}
	found := false
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
			label, isIdent, err := ast.LabelName(d.Label)
			if err != nil || !isIdent || !strings.HasPrefix(label, "#") {
				return at(d, "is no definition", "write #"+name+": {…}, and #Other: {…} for its parts")
			}
			found = found || label == "#"+name
		default:
			return at(d, "is no definition", "write #"+name+": {…}, and #Other: {…} for its parts")
		}
	}
	if !found {
		return at(f, "does not define #"+name, "the file is called "+path.Base(file)+", so the kind is #"+name)
	}
	return nil
}

// ownKindSchema turns a JSON Schema into CUE.
func ownKindSchema(file string, src []byte) (cue.Value, error) {
	if _, err := readJSON(file, src); err != nil {
		return cue.Value{}, err // duplicate names and the like, which the next reader would pass over
	}
	expr, err := cuejson.Extract(file, src)
	if err != nil {
		return cue.Value{}, &Error{File: file, Msg: "is not JSON"}
	}
	ctx := cuecontext.New()
	f, err := jsonschema.Extract(ctx.BuildExpr(expr), &jsonschema.Config{StrictKeywords: true, StrictFeatures: true})
	if err != nil {
		return cue.Value{}, &Error{File: file, Msg: "is no JSON Schema that can be used here: " + strings.SplitN(err.Error(), "\n", 2)[0], Hint: "use type, properties, required, additionalProperties, items, enum, pattern, minimum, maximum"}
	}
	if e := newExpansion(f); e.fields(f) > maxShapes || e.choices(f) > maxChoices {
		return cue.Value{}, &Error{File: file, Msg: "is too large when every reference is followed, or refers to itself"}
	}
	root := ctx.BuildFile(f)
	if err := root.Err(); err != nil {
		return cue.Value{}, compileError(file, err)
	}
	return root, nil
}

// checkTotal refuses what would let a rule meet a field that is undefined, null, or of a type the compiler cannot know.
func (s *shape) checkTotal(file, at string) error {
	refuse := func(msg, hint string) error { return &Error{File: file, Path: at, Msg: msg, Hint: hint} }
	switch {
	case s.kinds == kindAny:
		return refuse("takes any value", "give it a type: rules on it could not be checked")
	case s.kinds&kindNull != 0:
		return refuse("may be null", "leave null out: a rule would have to ask for it everywhere")
	case len(s.alts) > 0 && s.typeName() == "", s.typeName() == "" && s.kinds != kindObject && s.kinds != kindArray:
		return refuse("may be of several types", "choose one type: rules on it could not be checked")
	case s.kinds == kindArray && s.elem == nil:
		return refuse("is a list of anything", "say what is in it: [...#Entry]")
	}
	for _, f := range s.members {
		here := at + "." + f.name
		if f.optional {
			hint := `give it a default instead (for instance *"" | string)`
			if strings.HasSuffix(file, ownKindJSON) {
				hint = "list it under required (what JSON Schema calls a default fills nothing in; CUE has defaults)"
			}
			return &Error{File: file, Path: here, Msg: "may be absent", Hint: hint + ": a rule that reads an absent field is undefined, which is no answer"}
		}
		if err := f.shape.checkTotal(file, here); err != nil {
			return err
		}
	}
	if s.values != nil {
		return s.values.checkTotal(file, at+"[key]")
	}
	if s.elem != nil {
		return s.elem.checkTotal(file, at+"[]")
	}
	return nil
}

// Read checks a report of the kind, strict JSON, and gives it with its defaults filled in: the same bytes for the same
// document, whatever the order of its members. The error joins one *Error per problem.
func (k *OwnKind) Read(file string, text []byte) ([]byte, error) {
	root, err := readJSON(file, text)
	if err != nil {
		return nil, err
	}
	if err := check(Document(k.Name), file, k.shape, root); err != nil {
		return nil, err
	}
	filled := jsontext.Value(appendFilled(nil, k.shape, root))
	if err := k.confirm(file, filled); err != nil {
		return nil, err
	}
	if err := filled.Format(jsontext.ReorderRawObjects(true), jsontext.PreserveRawStrings(false)); err != nil {
		return nil, fmt.Errorf("write %s %q: %w", k.Name, file, err)
	}
	return filled, nil
}

// confirm lets CUE itself judge what the shape has passed.
func (k *OwnKind) confirm(file string, text []byte) error {
	expr, err := cuejson.Extract(file, text)
	if err != nil {
		return &Error{File: file, Msg: "cannot be read as a " + k.Name + " document"}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.value.Unify(cuecontext.New().BuildExpr(expr)).Validate(cue.Concrete(true)); err != nil {
		e := &Error{File: file, Msg: "does not fit the definition of kind " + k.Name}
		if all := cueerrors.Errors(err); len(all) > 0 {
			format, args := all[0].Msg()
			e.Msg += ": " + strings.SplitN(fmt.Sprintf(format, args...), "\n", 2)[0]
			for _, key := range all[0].Path() {
				if !strings.HasPrefix(key, "#") {
					e.Path = keyPath(e.Path, key)
				}
			}
		}
		return e
	}
	return nil
}

// Types gives the types of the kind's documents as OPA's compiler uses them; see TypeSchema. The caller owns the map.
func (k *OwnKind) Types() map[string]any { return k.shape.types() }

// Describe gives the fields of the kind's documents in words, one line each: name, type, default and comment.
func (k *OwnKind) Describe() []ParamDoc {
	var docs []ParamDoc
	for _, f := range k.shape.members {
		docs = append(docs, ParamDoc{Name: f.name, Type: f.shape.describe(), Default: f.fill, Doc: f.doc})
	}
	return docs
}
