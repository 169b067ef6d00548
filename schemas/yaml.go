package schemas

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// The plain scalars of YAML 1.2's core schema that are numbers, and those of them that JSON writes the same way.
var (
	yamlNumber = regexp.MustCompile(`^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$|^0o[0-7]+$|^0x[0-9a-fA-F]+$|^[-+]?\.(inf|Inf|INF)$|^\.(nan|NaN|NAN)$`)
	jsonNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$`)
	yamlPlace  = regexp.MustCompile(`^yaml: (?:line ([0-9]+): )?`)
)

// YAMLDocuments reads a text of one or several YAML 1.2 documents by the same strict rules as configuration (no duplicate
// keys, anchors, aliases, merge keys or tags, no numbers that can be read in two ways) and gives each as one line of
// JSON, for readers of other people's YAML. Documents without content are null. file is the name that errors give; a text of
// more than 1 MiB is an error.
func YAMLDocuments(file string, src []byte) ([][]byte, error) {
	if len(src) > maxConfig {
		return nil, &Error{File: file, Msg: "is larger than 1 MiB"}
	}
	nodes, err := readYAMLs(file, src, len(src))
	if err != nil {
		return nil, err
	}
	docs := make([][]byte, 0, len(nodes))
	for _, n := range nodes {
		docs = append(docs, n.appendJSON(nil))
	}
	return docs, nil
}

// readYAML reads one YAML 1.2 document of the part of the language that means one thing to every reader: no duplicate
// keys, anchors, aliases, merge keys or tags, keys are texts.
func readYAML(file string, src []byte) (*node, error) {
	docs, err := readYAMLs(file, src, 1)
	if err != nil {
		return nil, err
	}
	return docs[0], nil
}

// readYAMLs reads the documents of a text, of which there may be so many; none is an error.
func readYAMLs(file string, src []byte, most int) ([]*node, error) {
	if !utf8.Valid(src) {
		return nil, &Error{File: file, Msg: "is not valid UTF-8"}
	}
	dec := yaml.NewDecoder(bytes.NewReader(src))
	r := yamlReader{file: file}
	var docs []*node
	for {
		var doc yaml.Node
		if err := dec.Decode(&doc); errors.Is(err, io.EOF) && len(docs) > 0 {
			return docs, nil
		} else if err != nil {
			return nil, explainYAML(file, err)
		}
		if len(docs) == most {
			return nil, r.fault(&doc, "a second document starts here; one file holds one document", "")
		}
		if len(doc.Content) != 1 {
			return nil, &Error{File: file, Msg: "is empty"}
		}
		n, err := r.value(doc.Content[0], 0)
		if err != nil {
			return nil, err
		}
		docs = append(docs, n)
	}
}

// explainYAML gives a parser's error in the words of this package.
func explainYAML(file string, err error) error {
	if errors.Is(err, io.EOF) {
		return &Error{File: file, Msg: "is empty"}
	}
	text, _, _ := strings.Cut(err.Error(), "\n")
	e := &Error{File: file}
	if m := yamlPlace.FindStringSubmatch(text); m != nil {
		text = text[len(m[0]):]
		if e.Line, _ = strconv.Atoi(m[1]); e.Line > 0 {
			e.Column = 1
		}
	}
	e.Msg = "is not YAML: " + text
	if strings.Contains(text, "cannot start any token") {
		e.Hint = "indent with spaces, never with tabs, and put texts with special characters in quotes"
	}
	return e
}

type yamlReader struct{ file string }

func (r yamlReader) fault(at *yaml.Node, msg, hint string) error {
	return &Error{File: r.file, Line: at.Line, Column: at.Column, Msg: msg, Hint: hint}
}

func (r yamlReader) value(y *yaml.Node, depth int) (*node, error) {
	switch {
	case depth > maxDepth:
		return nil, r.fault(y, "nests too deep", "")
	case y.Kind == yaml.AliasNode:
		return nil, r.fault(y, "aliases (*name) are not allowed", "write the value out")
	case y.Anchor != "":
		return nil, r.fault(y, "anchors (&name) are not allowed", "write the value out where it is needed")
	case y.Style&yaml.TaggedStyle != 0:
		return nil, r.fault(y, "tags (!name) are not allowed", "put a text in quotes instead")
	}
	n := &node{line: y.Line, col: y.Column}
	switch y.Kind {
	case yaml.MappingNode:
		n.kind = kindObject
		return n, r.members(n, y, depth)
	case yaml.SequenceNode:
		n.kind = kindArray
		for _, item := range y.Content {
			v, err := r.value(item, depth+1)
			if err != nil {
				return nil, err
			}
			n.items = append(n.items, v)
		}
		return n, nil
	case yaml.ScalarNode:
		return n, r.scalar(n, y)
	}
	return nil, r.fault(y, "cannot be read", "")
}

func (r yamlReader) members(n *node, y *yaml.Node, depth int) error {
	seen := make(map[string]int, len(y.Content)/2)
	for i := 0; i+1 < len(y.Content); i += 2 {
		k := y.Content[i]
		key, err := r.value(k, depth+1)
		if err != nil {
			return err
		}
		if k.Kind == yaml.ScalarNode && k.Value == "<<" && k.Style == 0 {
			return r.fault(k, "merge keys (<<) are not allowed", "write the keys out")
		}
		if key.kind != kindString {
			return r.fault(k, "a key must be a text, not "+key.String(), "put it in quotes")
		}
		if line := seen[key.text]; line > 0 {
			return r.fault(k, "the key "+quote(key.text)+" stands here twice, first on line "+strconv.Itoa(line), "")
		}
		seen[key.text] = k.Line
		value, err := r.value(y.Content[i+1], depth+1)
		if err != nil {
			return err
		}
		n.members = append(n.members, member{key.text, k.Line, k.Column, value})
	}
	return nil
}

// scalar reads a scalar by the rules of YAML 1.2's core schema, except that a number which another reader could read
// differently (010, 0x1f, .inf) is an error.
func (r yamlReader) scalar(n *node, y *yaml.Node) error {
	n.kind, n.text = kindString, y.Value
	if y.Style != 0 {
		return nil
	}
	switch y.Value {
	case "", "~", "null", "Null", "NULL":
		n.kind, n.text = kindNull, "null"
	case "true", "True", "TRUE", "false", "False", "FALSE":
		n.kind, n.text = kindBool, strings.ToLower(y.Value)
	default:
		switch {
		case jsonNumber.MatchString(y.Value) && len(y.Value) <= maxNumber:
			n.kind = kindInteger
			if strings.ContainsAny(y.Value, ".eE") {
				n.kind = kindFraction
			}
		case yamlNumber.MatchString(y.Value):
			return r.fault(y, quote(y.Value)+" can be read in more than one way", "write a plain decimal number, or put a text in quotes")
		}
	}
	return nil
}
