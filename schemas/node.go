package schemas

import (
	"path"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// kinds is a set of kinds of values.
type kinds uint8

const (
	kindObject kinds = 1 << iota
	kindArray
	kindString
	kindInteger
	kindFraction // a number that is written with a fraction or an exponent
	kindBool
	kindNull

	kindNumber = kindInteger | kindFraction
	kindAny    = kindObject | kindArray | kindString | kindNumber | kindBool | kindNull
)

// String names the kinds as a person would.
func (k kinds) String() string {
	if k == kindAny {
		return "any value"
	}
	var words []string
	for _, w := range []struct {
		kind kinds
		word string
	}{
		{kindObject, "an object"}, {kindArray, "a list"}, {kindString, "a text"}, {kindNumber, "a number"},
		{kindBool, "true or false"}, {kindNull, "nothing"},
	} {
		if k&w.kind == 0 {
			continue
		}
		if w.kind == kindNumber && k&kindNumber == kindInteger {
			w.word = "a whole number"
		}
		words = append(words, w.word)
	}
	return strings.Join(words, " or ")
}

// node is one value of a text, whatever the syntax was, with its place.
type node struct {
	kind      kinds
	line, col int
	text      string // of a text or a number; "true" or "false" of a bool
	members   []member
	items     []*node
}

// member is one key of an object with its place.
type member struct {
	key       string
	line, col int
	value     *node
}

// read reads a configuration text in the syntax that the file name asks for.
func read(file string, src []byte) (*node, error) {
	switch strings.ToLower(path.Ext(file)) {
	case ".json":
		return readJSON(file, src)
	case ".cue":
		return readCUE(file, src)
	}
	return readYAML(file, src)
}

// keyPath gives the path of a member; keys that a path cannot hold as they are stand in quotes. (The code of a rule, the
// only key with dots at the top, can.)
func keyPath(parent, key string) string {
	plain := key != "" && len(key) <= 128
	for _, r := range key {
		plain = plain && (r == '_' || r == '.' && parent == "" || r == '-' || r == '/' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z')
	}
	if !plain {
		key = quote(key)
	}
	if parent == "" {
		return key
	}
	return parent + "." + key
}

// quote gives untrusted text in quotes, without control characters and not too long.
func quote(s string) string {
	if len(s) > 80 {
		s = strings.ToValidUTF8(s[:80], "") + "…"
	}
	return strconv.Quote(s)
}

// appendJSON appends the value as JSON.
func (n *node) appendJSON(b []byte) []byte {
	switch n.kind {
	case kindObject:
		b = append(b, '{')
		for i, m := range n.members {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendText(b, m.key), ':')
			b = m.value.appendJSON(b)
		}
		return append(b, '}')
	case kindArray:
		b = append(b, '[')
		for i, v := range n.items {
			if i > 0 {
				b = append(b, ',')
			}
			b = v.appendJSON(b)
		}
		return append(b, ']')
	case kindString:
		return appendText(b, n.text)
	case kindNull:
		return append(b, "null"...)
	}
	return append(b, n.text...)
}

// appendText appends s as a JSON string; every reader of this package has made sure that s is valid UTF-8.
func appendText(b []byte, s string) []byte {
	b, _ = jsontext.AppendQuote(b, s)
	return b
}
