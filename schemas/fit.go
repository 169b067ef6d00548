package schemas

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"cuelang.org/go/cue"
)

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
