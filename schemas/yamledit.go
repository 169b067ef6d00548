package schemas

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// plainYAML are texts that YAML reads as themselves without quotes, wherever they stand; yamlTime are times.
var (
	plainYAML = regexp.MustCompile(`^[A-Za-z./][A-Za-z0-9_./@+-]*( [A-Za-z0-9_./@+-]+)*$`)
	yamlTime  = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z$`)
	yamlWord  = regexp.MustCompile(`^(?i:true|false|null|yes|no|on|off|y|n|\.nan|[-+.]?\.?inf)$`)
)

// QuoteYAML is a text as it is written in YAML: plain where that means the same, else in quotes.
func QuoteYAML(s string) string {
	if yamlTime.MatchString(s) || plainYAML.MatchString(s) && !yamlWord.MatchString(s) {
		return s
	}
	return strconv.Quote(s)
}

// SetYAML is src with the value at a path replaced, or added where the path leads nowhere yet. value is YAML on one line. A
// step of the path is a key, or the index of an item. Everything else, comments and layout included, stays byte for byte.
func SetYAML(file string, src []byte, value string, path ...string) ([]byte, error) {
	return edit(file, src, value, path, false)
}

// AppendYAML is SetYAML for one more item of the list at a path.
func AppendYAML(file string, src []byte, value string, path ...string) ([]byte, error) {
	return edit(file, src, value, path, true)
}

// RemoveYAML is src without the entry or item at a path. The last one of a list or mapping in lines of its own is not
// removed: what would be left means something else.
func RemoveYAML(file string, src []byte, path ...string) ([]byte, error) {
	e, err := newEditor(file, src)
	if err != nil {
		return nil, err
	}
	at, rest := e.find(path[:len(path)-1])
	if len(rest) > 0 || child(at, path[len(path)-1]) == nil {
		return nil, e.cannot(path, "there is none")
	}
	out, err := e.remove(at, path)
	if err != nil {
		return nil, err
	}
	want, err := without(e.value, path)
	if err != nil {
		return nil, err
	}
	return e.checked(out, want, path)
}

func edit(file string, src []byte, value string, path []string, add bool) ([]byte, error) {
	e, err := newEditor(file, src)
	if err != nil {
		return nil, err
	}
	var v any
	if err := yaml.Unmarshal([]byte(value), &v); err != nil || strings.Contains(value, "\n") {
		return nil, e.cannot(path, "the new value is not YAML on one line")
	}
	at, rest := e.find(path)
	var out []byte
	switch {
	case len(rest) == 0 && add:
		out, err = e.insert(at, value, path)
		v = append(slices.Clone(asList(lookup(e.value, path))), v)
	case len(rest) == 0:
		var end int
		if end, err = e.end(at, path); err == nil {
			out = e.splice(e.start(at), end, value)
		}
	default:
		if add {
			value, v = "["+value+"]", []any{v}
		}
		for i := len(rest) - 1; i > 0; i-- {
			value = "{" + QuoteYAML(rest[i]) + ": " + value + "}"
		}
		if at.Kind != yaml.MappingNode {
			return nil, e.cannot(path, "it is no mapping")
		}
		out, err = e.insert(at, QuoteYAML(rest[0])+": "+value, path)
	}
	if err != nil {
		return nil, err
	}
	return e.checked(out, with(e.value, path, v), path)
}

// editor is a YAML text with its nodes.
type editor struct {
	file  string
	src   []byte
	root  *yaml.Node
	value any
	lines []int // the offset of each line
}

func newEditor(file string, src []byte) (*editor, error) {
	if _, err := readYAML(file, src); err != nil {
		return nil, err
	}
	e := &editor{file: file, src: src, lines: []int{0}}
	var doc yaml.Node
	if err := yaml.Unmarshal(src, &doc); err != nil {
		return nil, explainYAML(file, err)
	}
	if err := yaml.Unmarshal(src, &e.value); err != nil {
		return nil, explainYAML(file, err)
	}
	e.root = doc.Content[0]
	for i, b := range src {
		if b == '\n' {
			e.lines = append(e.lines, i+1)
		}
	}
	return e, nil
}

func (e *editor) cannot(path []string, why string) error {
	return &Error{File: e.file, Path: strings.Join(path, "."), Msg: "cannot be changed here: " + why, Hint: "edit the file by hand"}
}

// checked holds the text that came out against what it must mean.
func (e *editor) checked(out []byte, want any, path []string) ([]byte, error) {
	var got any
	if _, err := readYAML(e.file, out); err != nil {
		return nil, e.cannot(path, "its layout is not understood")
	}
	if err := yaml.Unmarshal(out, &got); err != nil || !reflect.DeepEqual(got, want) {
		return nil, e.cannot(path, "its layout is not understood")
	}
	return out, nil
}

// find follows a path as far as it leads.
func (e *editor) find(path []string) (at *yaml.Node, rest []string) {
	at = e.root
	for i, step := range path {
		next := child(at, step)
		if next == nil {
			return at, path[i:]
		}
		at = next
	}
	return at, nil
}

func child(at *yaml.Node, step string) *yaml.Node {
	if i := position(at, step); i >= 0 {
		return at.Content[i]
	}
	return nil
}

// position is the place of a child among the contents of a node; -1 where there is none.
func position(at *yaml.Node, step string) int {
	switch at.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(at.Content); i += 2 {
			if at.Content[i].Value == step {
				return i + 1
			}
		}
	case yaml.SequenceNode:
		if i, err := strconv.Atoi(step); err == nil && i >= 0 && i < len(at.Content) {
			return i
		}
	}
	return -1
}

func (e *editor) splice(from, to int, text string) []byte {
	return slices.Concat(e.src[:from], []byte(text), e.src[to:])
}

// start is the offset of a node; columns count characters.
func (e *editor) start(n *yaml.Node) int {
	at := e.lines[n.Line-1]
	for range n.Column - 1 {
		_, size := utf8.DecodeRune(e.src[at:])
		at += size
	}
	return at
}

// end is the offset behind a node.
func (e *editor) end(n *yaml.Node, path []string) (int, error) {
	at := e.start(n)
	switch {
	case n.Kind == yaml.ScalarNode && n.Style == 0 && n.Value != "" && strings.HasPrefix(string(e.src[at:]), n.Value):
		return at + len(n.Value), nil
	case n.Kind == yaml.ScalarNode && (n.Style == yaml.DoubleQuotedStyle || n.Style == yaml.SingleQuotedStyle):
		return closing(e.src, at), nil
	case n.Kind != yaml.ScalarNode && n.Style&yaml.FlowStyle != 0:
		return closing(e.src, at), nil
	case n.Kind != yaml.ScalarNode && len(n.Content) > 0:
		return e.end(n.Content[len(n.Content)-1], path)
	}
	return 0, e.cannot(path, "it goes over several lines, or is empty")
}

// closing is the offset behind the quote or bracket that closes the one at an offset.
func closing(src []byte, at int) int {
	if q := src[at]; q == '"' || q == '\'' {
		for i := at + 1; i < len(src); i++ {
			switch {
			case src[i] == '\\' && q == '"', src[i] == q && q == '\'' && i+1 < len(src) && src[i+1] == q:
				i++
			case src[i] == q:
				return i + 1
			}
		}
		return len(src)
	}
	depth := 0
	for i := at; i < len(src); i++ {
		switch c := src[i]; {
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			if depth--; depth == 0 {
				return i + 1
			}
		case (c == '"' || c == '\'') && strings.IndexByte(" \n\t,:{[", src[i-1]) >= 0:
			i = closing(src, i) - 1
		case c == '#' && (src[i-1] == ' ' || src[i-1] == '\n'):
			for i < len(src) && src[i] != '\n' {
				i++
			}
		}
	}
	return len(src)
}

// insert adds a last entry to a mapping, or a last item to a list.
func (e *editor) insert(at *yaml.Node, text string, path []string) ([]byte, error) {
	if at.Kind == yaml.ScalarNode {
		return nil, e.cannot(path, "it is no list or mapping")
	}
	end, err := e.end(at, path)
	if err != nil {
		return nil, err
	}
	if at.Style&yaml.FlowStyle != 0 {
		if len(at.Content) == 0 {
			return e.splice(e.start(at)+1, end-1, text), nil
		}
		last, err := e.end(at.Content[len(at.Content)-1], path)
		return e.splice(last, last, ", "+text), err
	}
	indent := strings.Repeat(" ", at.Column-1)
	if at.Kind == yaml.SequenceNode {
		indent += "- "
	}
	line := e.nextLine(end)
	if line == len(e.src) && !strings.HasSuffix(string(e.src), "\n") {
		return e.splice(line, line, "\n"+indent+text+"\n"), nil
	}
	return e.splice(line, line, indent+text+"\n"), nil
}

// nextLine is the offset of the line after the one that an offset is in.
func (e *editor) nextLine(at int) int {
	if i := strings.IndexByte(string(e.src[at:]), '\n'); i >= 0 {
		return at + i + 1
	}
	return len(e.src)
}

// remove takes a child out of a node.
func (e *editor) remove(at *yaml.Node, path []string) ([]byte, error) {
	i := position(at, path[len(path)-1])
	first, last, step := at.Content[i], at.Content[i], 1
	if at.Kind == yaml.MappingNode {
		first, step = at.Content[i-1], 2
		i--
	}
	end, err := e.end(last, path)
	if err != nil {
		return nil, err
	}
	start := e.start(first)
	if at.Style&yaml.FlowStyle == 0 {
		if len(at.Content) == step {
			return nil, e.cannot(path, "it is the only one")
		}
		return e.splice(e.lines[first.Line-1], e.nextLine(end), ""), nil
	}
	if i+step < len(at.Content) {
		return e.splice(start, e.start(at.Content[i+step]), ""), nil
	}
	if i > 0 {
		start, err = e.end(at.Content[i-1], path)
	}
	return e.splice(start, end, ""), err
}

// lookup is the value at a path, nil where there is none.
func lookup(v any, path []string) any {
	for _, step := range path {
		switch at := v.(type) {
		case map[string]any:
			v = at[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(at) {
				return nil
			}
			v = at[i]
		default:
			return nil
		}
	}
	return v
}

func asList(v any) []any {
	l, _ := v.([]any)
	return l
}

// with is a copy of a document with another value at a path.
func with(v any, path []string, value any) any {
	if len(path) == 0 {
		return value
	}
	switch at := v.(type) {
	case []any:
		out := slices.Clone(at)
		if i, err := strconv.Atoi(path[0]); err == nil && i >= 0 && i < len(out) {
			out[i] = with(out[i], path[1:], value)
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for k, x := range at {
			out[k] = x
		}
		out[path[0]] = with(at[path[0]], path[1:], value)
		return out
	}
	return map[string]any{path[0]: with(nil, path[1:], value)}
}

// without is a copy of a document without what is at a path.
func without(v any, path []string) (any, error) {
	parent, last := path[:len(path)-1], path[len(path)-1]
	switch at := lookup(v, parent).(type) {
	case map[string]any:
		out := map[string]any{}
		for k, x := range at {
			if k != last {
				out[k] = x
			}
		}
		return with(v, parent, out), nil
	case []any:
		i, err := strconv.Atoi(last)
		if err != nil {
			return nil, err
		}
		return with(v, parent, slices.Delete(slices.Clone(at), i, i+1)), nil
	}
	return nil, fmt.Errorf("%s is no list or mapping", strings.Join(parent, "."))
}
