package schemas

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// check compares a text with a shape and returns every problem.
func check(doc Document, file string, s *shape, root *node) error {
	c := checker{doc: doc, file: file}
	c.value(s, root, nil)
	return joinErrors(file, c.problems)
}

// place is where in a document a value stands; nil is the whole. It becomes text only when there is something to tell.
type place struct {
	parent *place
	key    string
	index  int // of an entry of a list, whose key is empty
	isItem bool
}

// String gives the path, such as targets.production.policies[0].
func (p *place) String() string {
	switch {
	case p == nil:
		return ""
	case p.isItem:
		return fmt.Sprintf("%s[%d]", p.parent, p.index)
	}
	return keyPath(p.parent.String(), p.key)
}

type checker struct {
	doc      Document
	file     string
	problems []*Error
}

func (c *checker) add(line, col int, at *place, hint, format string, args ...any) {
	c.problems = append(c.problems, &Error{
		File: c.file, Line: line, Column: col, Path: at.String(), Msg: fmt.Sprintf(format, args...), Hint: hint,
	})
}

func (c *checker) value(s *shape, n *node, at *place) {
	if n.kind&s.kinds == 0 {
		c.add(n.line, n.col, at, "", "must be %s, not %s", s.wanted(), n)
		return
	}
	if len(s.alts) > 0 {
		c.alternative(s, n, at)
		return
	}
	switch n.kind {
	case kindObject:
		c.object(s, n, at)
	case kindArray:
		c.list(s, n, at)
	default:
		if why := s.misfit(n); why != "" {
			c.add(n.line, n.col, at, s.nearestHint(n), "must be %s, not %s", why, n)
		}
	}
}

// alternative checks n against the alternative that is closest: one of n's kind, the last of those if none fits.
func (c *checker) alternative(s *shape, n *node, at *place) {
	var closest []*Error
	for _, alt := range s.alts {
		if n.kind&alt.kinds == 0 {
			continue
		}
		try := checker{doc: c.doc, file: c.file}
		try.value(alt, n, at)
		if len(try.problems) == 0 {
			return
		}
		closest = try.problems
	}
	if s.says != "" && n.kind&(kindObject|kindArray) == 0 {
		c.add(n.line, n.col, at, "", "must be %s, not %s", s.says, n)
		return
	}
	c.problems = append(c.problems, closest...)
}

func (c *checker) object(s *shape, n *node, at *place) {
	if s.values != nil {
		for _, m := range n.members {
			here := &place{parent: at, key: m.key}
			if s.keys.misfit(&node{kind: kindString, text: m.key}) != "" {
				c.add(m.line, m.col, here, "", "the key must be %s", s.keys.wanted())
				continue
			}
			c.value(s.values, m.value, here)
		}
		return
	}
	if s.kinds == kindAny {
		return
	}
	seen := make([]bool, len(s.members))
	for _, m := range n.members {
		here := &place{parent: at, key: m.key}
		if i := s.index(m.key); i >= 0 {
			seen[i] = true
			c.value(s.members[i].shape, m.value, here)
			continue
		}
		c.add(m.line, m.col, here, c.unknownHint(s, m.key, at), "unknown key")
		if i := s.index(nearest(m.key, s.names())); i >= 0 {
			seen[i] = true // one mistake, one message
		}
	}
	var missing []string
	for i, f := range s.members {
		if f.required && !seen[i] {
			missing = append(missing, strconv.Quote(f.name))
		}
	}
	switch len(missing) {
	case 0:
	case 1:
		c.add(n.line, n.col, at, "", "the required key %s is missing", missing[0])
	default:
		c.add(n.line, n.col, at, "", "the required keys %s are missing", strings.Join(missing, ", "))
	}
}

// unknownHint says what an unknown key probably should have been.
func (c *checker) unknownHint(s *shape, key string, at *place) string {
	if c.doc == Config && at == nil && strings.Contains(" targets policies params people roles signers ", " "+key+" ") {
		return "it belongs in the signed gate definition (gate.yaml): nothing in the checkout can change a decision"
	}
	return Suggest(key, "valid keys", s.names())
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

func (c *checker) list(s *shape, n *node, at *place) {
	if s.elem == nil {
		return
	}
	if len(n.items) < s.minItems {
		c.add(n.line, n.col, at, "", "must have at least %s", entries(s.minItems))
	}
	if s.maxItems >= 0 && len(n.items) > s.maxItems {
		c.add(n.line, n.col, at, "", "must have at most %s", entries(s.maxItems))
	}
	for i, item := range n.items {
		c.value(s.elem, item, &place{parent: at, index: i, isItem: true})
	}
	if s.unique {
		c.twice(n, at)
	}
}

// twice finds entries that stand in a list more than once.
func (c *checker) twice(n *node, at *place) {
	seen := make(map[string]bool, len(n.items))
	for i, item := range n.items {
		text := string(item.appendJSON(nil))
		if seen[text] {
			c.add(item.line, item.col, &place{parent: at, index: i, isItem: true}, "", "%s stands in the list twice", item)
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
