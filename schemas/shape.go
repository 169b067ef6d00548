package schemas

import (
	"fmt"
	"regexp"
	"strings"

	"cuelang.org/go/cue"
)

// shape is what a CUE definition says, in the form that checking, filling in and type-checking work on. It is derived
// from the evaluated definition once and never changes, so that any number of goroutines may read it, which a CUE
// value does not allow. A definition that says more than a shape can hold is refused when it is derived.
type shape struct {
	kinds kinds
	// def is the name of the definition that the shape is, doc its comment; empty for what is written in place.
	def, doc string
	// says describes a good value: the comment of the definition it refers to.
	says string
	// enum holds the only values allowed, as JSON; empty where others are allowed.
	enum []string
	// alts are alternatives, one of which must fit; the rest of the shape is then empty but for kinds and says.
	alts     []*shape
	patterns []*regexp.Regexp
	bounds   []bound
	// members are the fields of an object in the order of the definition; keys and values are for free keys.
	members      []*field
	keys, values *shape
	// elem is what a list holds.
	elem               *shape
	minItems, maxItems int // maxItems is -1 for no limit
	unique             bool
}

// bound is a limit of a number.
type bound struct {
	op    cue.Op
	limit float64
	text  string
}

// field is one field of an object.
type field struct {
	name     string
	doc      string
	shape    *shape
	required bool
	// optional fields stay absent; the others are filled with fill, JSON, or with what their shape fills in.
	optional bool
	fill     string
}

// index gives the place of the field called name in members, or -1.
func (s *shape) index(name string) int {
	for i, f := range s.members {
		if f.name == name {
			return i
		}
	}
	return -1
}

// deriveShape derives the shape of v, a part of root. what is the path for error messages; lenient means that of what a
// shape cannot hold only the kind is kept, where otherwise it is an error.
func deriveShape(root, v cue.Value, what string, lenient bool) (*shape, error) {
	d := &deriver{root: root, lenient: lenient}
	s, err := d.derive(v, what, 0)
	if err == nil {
		s.doc = comment(v)
	}
	return s, err
}

type deriver struct {
	root    cue.Value
	lenient bool
	// total makes every field without a default required, marked or not.
	total bool
	count int
}

func (d *deriver) refuse(v cue.Value, what, why string) (*shape, error) {
	if d.lenient {
		return &shape{kinds: fromCUE(v.IncompleteKind()), maxItems: -1}, nil
	}
	return nil, fmt.Errorf("derive shape of %s: %s", what, why)
}

// derive gives the shape of v and notes the definition that v refers to.
func (d *deriver) derive(v cue.Value, what string, depth int) (*shape, error) {
	if d.count++; d.count > maxShapes {
		return nil, fmt.Errorf("derive shape of %s: the definition is too large, or refers to itself", what)
	}
	s, err := d.body(v, what, depth)
	if err != nil {
		return nil, err
	}
	root, path := v.ReferencePath()
	if sels := path.Selectors(); root.Exists() && len(sels) == 1 && sels[0].IsDefinition() {
		s.def = strings.TrimPrefix(sels[0].String(), "#")
		s.doc = comment(root.LookupPath(path))
	}
	return s, nil
}

func (d *deriver) body(v cue.Value, what string, depth int) (*shape, error) {
	if depth > maxDepth {
		return d.refuse(v, what, "definitions nest too deep")
	}
	if err := v.Err(); err != nil {
		if list, ok := unfinishedList(v); ok {
			return d.list(list, v, what, depth)
		}
		return nil, fmt.Errorf("derive shape of %s: %w", what, err)
	}
	if alts := disjuncts(v, depth); len(alts) == 1 {
		return d.derive(alts[0], what, depth+1)
	} else if len(alts) > 1 {
		s := &shape{kinds: fromCUE(v.IncompleteKind()), maxItems: -1}
		return s, d.alternatives(s, alts, what, depth)
	}
	switch v.IncompleteKind() {
	case cue.TopKind:
		return &shape{kinds: kindAny, maxItems: -1}, nil
	case cue.StructKind:
		return d.object(v, what, depth)
	case cue.ListKind:
		return d.list(v, v, what, depth)
	}
	return d.scalar(v, what, depth)
}

func (d *deriver) object(v cue.Value, what string, depth int) (*shape, error) {
	s := &shape{kinds: kindObject, maxItems: -1}
	fields, err := v.Fields(cue.Optional(true), cue.Patterns(true))
	if err != nil {
		return nil, fmt.Errorf("derive shape of %s: %w", what, err)
	}
	for fields.Next() {
		sel := fields.Selector()
		if sel.LabelType() == cue.PatternConstraint || sel.ConstraintType() == cue.PatternConstraint {
			if s.values != nil {
				return d.refuse(v, what, "more than one pattern of keys")
			}
			if s.keys, err = d.derive(sel.Pattern(), what+".[key]", depth+1); err != nil {
				return nil, err
			}
			s.keys.says = d.phraseOf(s.keys)
			if s.values, err = d.derive(fields.Value(), what+".[value]", depth+1); err != nil {
				return nil, err
			}
			continue
		}
		f, err := d.field(sel, fields.Value(), what, depth)
		if err != nil {
			return nil, err
		}
		s.members = append(s.members, f)
	}
	if len(s.members) > 0 && s.values != nil {
		return d.refuse(v, what, "both fields and a pattern of keys")
	}
	if s.values == nil && !d.lenient && v.Allows(cue.AnyString) {
		return nil, fmt.Errorf("derive shape of %s: the definition is not closed", what)
	}
	return s, nil
}

func (d *deriver) field(sel cue.Selector, v cue.Value, what string, depth int) (*field, error) {
	f := &field{name: sel.Unquoted(), doc: comment(v)}
	f.required = sel.ConstraintType() == cue.RequiredConstraint
	f.optional = sel.ConstraintType() == cue.OptionalConstraint
	var err error
	if f.shape, err = d.derive(v, what+"."+f.name, depth+1); err != nil {
		return nil, err
	}
	if f.required || f.optional {
		return f, nil
	}
	text, marked := markedDefault(v)
	if d.total {
		f.required, f.fill = !marked, text
		return f, nil
	}
	if f.shape.kinds == kindObject && (f.shape.values == nil || !d.lenient) {
		return f, nil
	}
	switch {
	case f.shape.kinds == kindObject && !marked:
		f.fill = "{}"
	case marked:
		f.fill = text
	case f.shape.kinds == kindArray && f.shape.minItems == 0 && !d.lenient:
		f.fill = "[]"
	case !d.lenient:
		return nil, fmt.Errorf("derive shape of %s.%s: neither required nor optional, and no default", what, f.name)
	}
	return f, nil
}

// unfinishedList gives the list in [...T] & list.MinItems(1), which CUE takes for a mistake because an open list is an
// empty one to it until somebody fills it.
func unfinishedList(v cue.Value) (cue.Value, bool) {
	op, args := v.Expr()
	if op != cue.AndOp {
		return cue.Value{}, false
	}
	for _, a := range args {
		if a.Err() == nil && a.IncompleteKind() == cue.ListKind && hasOpen(a) {
			return a, true
		}
	}
	return cue.Value{}, false
}

// list derives the shape of the list v; limits may be written around it, in whole.
func (d *deriver) list(v, whole cue.Value, what string, depth int) (*shape, error) {
	s := &shape{kinds: kindArray, maxItems: -1}
	elem := v.LookupPath(cue.MakePath(cue.AnyIndex))
	fixed, err := v.List()
	if err != nil {
		return d.refuse(v, what, "a list that is not one")
	}
	for fixed.Next() { // [T, ...T] is a list of at least one T, [T] of exactly one
		s.minItems++
		if first := fixed.Value(); !elem.Exists() {
			elem, s.maxItems = first, 1
		}
	}
	if !elem.Exists() || s.maxItems >= 0 && s.minItems != s.maxItems {
		return d.refuse(v, what, "a list of fixed length")
	}
	if s.elem, err = d.derive(elem, what+"[]", depth+1); err != nil {
		return nil, err
	}
	if err := d.limits(s, whole, what, depth); err != nil && !d.lenient {
		return nil, err
	}
	return s, nil
}

// limits adds to s the limits of a list that the expression v was written with.
func (d *deriver) limits(s *shape, v cue.Value, what string, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("derive shape of %s: expressions nest too deep", what)
	}
	op, args := v.Expr()
	switch op {
	case cue.NoOp, cue.SelectorOp:
		if root, path := v.ReferencePath(); root.Exists() {
			return d.limits(s, root.LookupPath(path), what, depth+1)
		}
	case cue.AndOp:
		for _, a := range args {
			if err := d.limits(s, a, what, depth+1); err != nil {
				return err
			}
		}
	case cue.CallOp:
		if !s.limit(args) {
			return fmt.Errorf("derive shape of %s: unknown limit of a list", what)
		}
	}
	return nil
}

// limit takes over one of list.MinItems(n), list.MaxItems(n), list.UniqueItems() and tells whether it was one of them.
// (Definitions in this folder write [T, ...T] instead of MinItems: see unfinishedList.)
func (s *shape) limit(call []cue.Value) bool {
	name := strings.TrimSuffix(fmt.Sprint(call[0]), "()")
	if name == "list.UniqueItems" {
		s.unique = true
		return true
	}
	if len(call) != 2 {
		return false
	}
	n, err := call[1].Int64()
	if err != nil {
		return false
	}
	switch name {
	case "list.MinItems":
		s.minItems = int(n)
	case "list.MaxItems":
		s.maxItems = int(n)
	default:
		return false
	}
	return true
}

// fromCUE gives the kinds of a CUE kind.
func fromCUE(k cue.Kind) kinds {
	var out kinds
	for _, pair := range []struct {
		from cue.Kind
		to   kinds
	}{
		{cue.StructKind, kindObject}, {cue.ListKind, kindArray}, {cue.StringKind, kindString}, {cue.IntKind, kindInteger},
		{cue.FloatKind, kindFraction}, {cue.BoolKind, kindBool}, {cue.NullKind, kindNull},
	} {
		if k&pair.from != 0 {
			out |= pair.to
		}
	}
	return out
}
