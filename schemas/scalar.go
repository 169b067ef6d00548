package schemas

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"cuelang.org/go/cue"
)

// scalar derives the shape of texts, numbers, booleans, and of disjunctions of anything.
func (d deriver) scalar(v cue.Value, what string, depth int) (*shape, error) {
	s := &shape{kinds: fromCUE(v.IncompleteKind()), maxItems: -1}
	if err := d.constrain(s, v, what, depth); err != nil {
		if d.lenient {
			return &shape{kinds: s.kinds, maxItems: -1}, nil
		}
		return nil, err
	}
	return s, nil
}

// constrain adds to s what the expression v was written as.
func (d deriver) constrain(s *shape, v cue.Value, what string, depth int) error {
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
func (d deriver) plain(s *shape, v cue.Value, args []cue.Value, what string, depth int) error {
	if root, path := v.ReferencePath(); root.Exists() {
		target := root.LookupPath(path)
		if !target.Exists() {
			return fmt.Errorf("derive shape of %s: %s does not exist", what, path)
		}
		if s.says == "" {
			s.says = comment(target)
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

// alternatives takes over a disjunction: an enumeration where all members are values, alternatives otherwise.
func (d deriver) alternatives(s *shape, args []cue.Value, what string, depth int) error {
	var enum []string
	var says string
	all := true
	for _, a := range args {
		alt, err := d.derive(a, what, depth+1)
		if err != nil {
			return err
		}
		s.alts = append(s.alts, alt)
		enum = append(enum, alt.enum...)
		all = all && len(alt.enum) > 0
		if alt.says != "" {
			says = alt.says
		}
	}
	if all {
		s.alts = nil
		for _, e := range enum {
			if !slices.Contains(s.enum, e) {
				s.enum = append(s.enum, e)
			}
		}
	} else if s.says == "" && len(args) == 2 && len(enum) == 1 {
		s.says = says
	}
	return nil
}

// comment gives the comment of a definition as one line without its full stop.
func comment(v cue.Value) string {
	for _, g := range v.Doc() {
		if text := strings.Join(strings.Fields(g.Text()), " "); text != "" {
			return strings.TrimSuffix(text, ".")
		}
	}
	return ""
}
