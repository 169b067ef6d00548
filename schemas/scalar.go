package schemas

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"cuelang.org/go/cue"
)

// scalar derives the shape of texts, numbers, booleans, and of disjunctions of anything.
func (d *deriver) scalar(v cue.Value, what string, depth int) (*shape, error) {
	s := &shape{kinds: fromCUE(v.IncompleteKind()), maxItems: -1}
	if err := d.constrain(s, v, what, depth); err != nil {
		if d.lenient || d.total { // CUE itself judges the rest
			return &shape{kinds: s.kinds, maxItems: -1}, nil
		}
		return nil, err
	}
	return s, nil
}

// constrain adds to s what the expression v was written as.
func (d *deriver) constrain(s *shape, v cue.Value, what string, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("derive shape of %s: expressions nest too deep", what)
	}
	op, args := v.Expr()
	switch op {
	case cue.NoOp, cue.SelectorOp:
		return d.plain(s, v, args, what, depth)
	case cue.AndOp:
		for _, a := range args {
			if err := d.constrain(s, a, what, depth+1); err != nil {
				return err
			}
		}
		return nil
	case cue.OrOp:
		return d.alternatives(s, args, what, depth)
	case cue.RegexMatchOp:
		text, err := args[0].String()
		if err != nil {
			return fmt.Errorf("derive shape of %s: %w", what, err)
		}
		re, err := regexp.Compile(text)
		if err != nil {
			return fmt.Errorf("derive shape of %s: %w", what, err)
		}
		s.patterns = append(s.patterns, re)
		return nil
	case cue.LessThanOp, cue.LessThanEqualOp, cue.GreaterThanOp, cue.GreaterThanEqualOp:
		limit, err := args[0].Float64()
		if err != nil || len(args) != 1 {
			return fmt.Errorf("derive shape of %s: a bound that is not a number", what)
		}
		s.bounds = append(s.bounds, bound{op, limit, fmt.Sprint(args[0])})
		return nil
	}
	return fmt.Errorf("derive shape of %s: cannot express %v", what, op)
}

// plain handles a reference, a literal, or a basic type.
func (d *deriver) plain(s *shape, v cue.Value, args []cue.Value, what string, depth int) error {
	if root, path := v.ReferencePath(); root.Exists() {
		target := root.LookupPath(path)
		if !target.Exists() {
			return fmt.Errorf("derive shape of %s: %s does not exist", what, path)
		}
		if s.says == "" {
			s.says = phrase(target)
		}
		return d.constrain(s, target, what, depth+1)
	}
	if v.IsConcrete() && v.Kind() != cue.StructKind && v.Kind() != cue.ListKind {
		text, err := v.MarshalJSON()
		if err != nil {
			return fmt.Errorf("derive shape of %s: %w", what, err)
		}
		s.enum = append(s.enum, string(text))
		return nil
	}
	// A disjunction whose default is one of its other members is left with one member.
	if len(args) == 1 {
		if _, has := v.Default(); has {
			return d.constrain(s, args[0], what, depth+1)
		}
	}
	return nil
}

// alternatives takes over a disjunction: an enumeration where all members are values, alternatives otherwise. A value
// that another member allows anyway, as a default usually is, is no alternative of its own.
func (d *deriver) alternatives(s *shape, args []cue.Value, what string, depth int) error {
	var alts []*shape
	all := true
	for _, a := range args {
		alt, err := d.derive(a, what, depth+1)
		if err != nil {
			return err
		}
		alts = append(alts, alt)
		all = all && len(alt.enum) > 0
	}
	if all {
		for _, alt := range alts {
			for _, e := range alt.enum {
				if !slices.Contains(s.enum, e) {
					s.enum = append(s.enum, e)
				}
			}
		}
		return nil
	}
	s.alts = slices.DeleteFunc(slices.Clone(alts), func(a *shape) bool {
		return len(a.enum) > 0 && slices.ContainsFunc(alts, func(other *shape) bool { return other.allows(a.enum) })
	})
	if len(s.alts) == 1 {
		*s = *s.alts[0]
	}
	return nil
}

// allows tells whether s, which is no enumeration, allows every one of the scalar values, which are JSON.
func (s *shape) allows(values []string) bool {
	if len(s.enum) > 0 || len(s.alts) > 0 {
		return false
	}
	for _, v := range values {
		n, err := readJSON("", []byte(v))
		if err != nil || s.misfit(n) != "" {
			return false
		}
	}
	return true
}

// comment gives the comment of a definition or field as one line.
func comment(v cue.Value) string {
	for _, g := range v.Doc() {
		if text := strings.Join(strings.Fields(g.Text()), " "); text != "" {
			return text
		}
	}
	return ""
}

// phrase gives the comment as it fits into a sentence, without its full stop.
func phrase(v cue.Value) string { return strings.TrimSuffix(comment(v), ".") }

// phraseOf describes the texts that keys of an object match: CUE gives a key's pattern without the name of the
// definition it was written with, so the definition with the same pattern is looked up.
func (d *deriver) phraseOf(keys *shape) string {
	fields, err := d.root.Fields(cue.Definitions(true))
	if err != nil || len(keys.patterns) != 1 {
		return ""
	}
	for fields.Next() {
		v := fields.Value()
		if !fields.Selector().IsDefinition() || v.IncompleteKind() != cue.StringKind {
			continue
		}
		s, err := d.scalar(v, "", 0)
		if err == nil && len(s.patterns) == 1 && s.patterns[0].String() == keys.patterns[0].String() {
			return phrase(v)
		}
	}
	return ""
}
