package schemas

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"cuelang.org/go/cue"
)

// check compares a text with a shape and returns every problem.
func check(doc Document, file string, s *shape, root *node) error {
	c := checker{doc: doc, file: file}
	c.value(s, root, "")
	return joinErrors(file, c.problems)
}

type checker struct {
	doc      Document
	file     string
	problems []*Error
}

func (c *checker) add(line, col int, path, hint, format string, args ...any) {
	c.problems = append(c.problems, &Error{
		File: c.file, Line: line, Column: col, Path: path, Msg: fmt.Sprintf(format, args...), Hint: hint,
	})
}

func (c *checker) value(s *shape, n *node, path string) {
	if n.kind&s.kinds == 0 {
		c.add(n.line, n.col, path, "", "must be %s, not %s", s.wanted(), n)
		return
	}
	if len(s.alts) > 0 {
		c.alternative(s, n, path)
		return
	}
	switch n.kind {
	case kindObject:
		c.object(s, n, path)
	case kindArray:
		c.list(s, n, path)
	default:
		if why := s.misfit(n); why != "" {
			c.add(n.line, n.col, path, s.nearestHint(n), "must be %s, not %s", why, n)
		}
	}
}

// alternative checks n against the alternative that is closest: one of n's kind, the last of those if none fits.
func (c *checker) alternative(s *shape, n *node, path string) {
	var closest []*Error
	for _, alt := range s.alts {
		if n.kind&alt.kinds == 0 {
			continue
		}
		try := checker{doc: c.doc, file: c.file}
		try.value(alt, n, path)
		if len(try.problems) == 0 {
			return
		}
		closest = try.problems
	}
	if s.says != "" && n.kind&(kindObject|kindArray) == 0 {
		c.add(n.line, n.col, path, "", "must be %s, not %s", s.says, n)
		return
	}
	c.problems = append(c.problems, closest...)
}

func (c *checker) object(s *shape, n *node, path string) {
	if s.values != nil {
		for _, m := range n.members {
			if s.keys.misfit(&node{kind: kindString, text: m.key}) != "" {
				c.add(m.line, m.col, keyPath(path, m.key), "", "the key must be %s", s.keys.wanted())
				continue
			}
			c.value(s.values, m.value, keyPath(path, m.key))
		}
		return
	}
	if s.kinds == kindAny {
		return
	}
	seen := map[string]bool{}
	for _, m := range n.members {
		f := s.member(m.key)
		if f == nil {
			c.add(m.line, m.col, keyPath(path, m.key), c.unknownHint(s, m.key, path), "unknown key")
			seen[nearest(m.key, s.names())] = true // one mistake, one message
			continue
		}
		seen[m.key] = true
		c.value(f.shape, m.value, keyPath(path, m.key))
	}
	var missing []string
	for _, f := range s.members {
		if f.required && !seen[f.name] {
			missing = append(missing, strconv.Quote(f.name))
		}
	}
	switch len(missing) {
	case 0:
	case 1:
		c.add(n.line, n.col, path, "", "the required key %s is missing", missing[0])
	default:
		c.add(n.line, n.col, path, "", "the required keys %s are missing", strings.Join(missing, ", "))
	}
}

// unknownHint says what an unknown key probably should have been.
func (c *checker) unknownHint(s *shape, key, path string) string {
	if c.doc == Config && path == "" && strings.Contains(" targets policies params people roles signers ", " "+key+" ") {
		return "it belongs in the signed gate definition (gate.yaml): nothing in the checkout can change a decision"
	}
	return suggest(key, "valid keys", s.names())
}

// names gives the names of the fields, sorted.
func (s *shape) names() []string {
	var names []string
	for _, f := range s.members {
		names = append(names, f.name)
	}
	slices.Sort(names)
	return names
}

func (c *checker) list(s *shape, n *node, path string) {
	if s.elem == nil {
		return
	}
	if len(n.items) < s.minItems {
		c.add(n.line, n.col, path, "", "must have at least %s", entries(s.minItems))
	}
	if s.maxItems >= 0 && len(n.items) > s.maxItems {
		c.add(n.line, n.col, path, "", "must have at most %s", entries(s.maxItems))
	}
	seen := map[string]bool{}
	for i, item := range n.items {
		at := fmt.Sprintf("%s[%d]", path, i)
		c.value(s.elem, item, at)
		if !s.unique {
			continue
		}
		text := string(item.appendJSON(nil))
		if seen[text] {
			c.add(item.line, item.col, at, "", "%s stands in the list twice", item)
		}
		seen[text] = true
	}
}

func entries(n int) string {
	if n == 1 {
		return "1 entry"
	}
	return fmt.Sprintf("%d entries", n)
}

// wanted describes a good value.
func (s *shape) wanted() string {
	switch {
	case s.says != "":
		return s.says
	case len(s.enum) == 1:
		return s.enum[0]
	case len(s.enum) > 1:
		return "one of " + strings.Join(s.enum, ", ")
	case len(s.bounds) > 0:
		return s.kinds.String() + s.range_()
	case len(s.patterns) > 0:
		return fmt.Sprintf("a text of the form %s", s.patterns[0])
	}
	return s.kinds.String()
}

// range_ describes the bounds: " from 1 to 9", " of 1 or more".
func (s *shape) range_() string {
	words := map[cue.Op]string{
		cue.GreaterThanEqualOp: "at least", cue.LessThanEqualOp: "at most", cue.GreaterThanOp: "more than", cue.LessThanOp: "less than",
	}
	var parts []string
	for _, b := range s.bounds {
		parts = append(parts, words[b.op]+" "+b.text)
	}
	return " of " + strings.Join(parts, " and ")
}

// misfit says what a value that does not fit should have been; empty when it fits.
func (s *shape) misfit(n *node) string {
	if n.kind&s.kinds == 0 {
		return s.wanted()
	}
	if len(s.enum) > 0 {
		text := string(n.appendJSON(nil))
		for _, e := range s.enum {
			if text == e {
				return ""
			}
		}
		return s.wanted()
	}
	if n.kind == kindString {
		for _, re := range s.patterns {
			if !re.MatchString(n.text) {
				return s.wanted()
			}
		}
	}
	if n.kind&kindNumber != 0 && len(s.bounds) > 0 {
		value, err := strconv.ParseFloat(n.text, 64)
		for _, b := range s.bounds {
			if err != nil || !b.holds(value) {
				return s.wanted()
			}
		}
	}
	return ""
}

func (b bound) holds(v float64) bool {
	switch b.op {
	case cue.LessThanOp:
		return v < b.limit
	case cue.LessThanEqualOp:
		return v <= b.limit
	case cue.GreaterThanOp:
		return v > b.limit
	case cue.GreaterThanEqualOp:
		return v >= b.limit
	}
	return false
}

// nearestHint gives the word of an enumeration that was probably meant.
func (s *shape) nearestHint(n *node) string {
	if n.kind != kindString {
		return ""
	}
	if near := nearest(n.text, s.enumTexts()); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return ""
}

// String describes a value that somebody wrote.
func (n *node) String() string {
	switch n.kind {
	case kindObject:
		return "an object"
	case kindArray:
		return "a list"
	case kindString:
		if utf8.RuneCountInString(n.text) == 0 {
			return "an empty text"
		}
		return quote(n.text)
	case kindNull:
		return "nothing"
	}
	return n.text
}
