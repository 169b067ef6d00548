package policy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"cdgate.dev/cdgate/schemas"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/open-policy-agent/opa/v1/ast"
)

// Texts up to internedText bytes and up to internedMax of them are kept once per document: reports repeat severities,
// suites and packages thousands of times.
const (
	internedText = 32
	internedMax  = 1 << 15
	maxNumber    = 64
	maxDepth     = 200
)

// decodeJSON reads strict JSON of any shape: no duplicate names, no invalid UTF-8, nothing after the value.
func decodeJSON(b []byte) (ast.Value, error) { return decode(b, nil) }

// decodeInput reads a policy input strictly, holds it to its types, and adds the index views of its items. Every field
// has to be there and none other; views may not be there.
func (t *documentTypes) decodeInput(b []byte) (ast.Value, error) {
	n, err := t.node()
	if err != nil {
		return nil, err
	}
	v, err := decode(b, n)
	if err != nil {
		return nil, fmt.Errorf("decode policy input: %w", err)
	}
	return v, nil
}

func decode(b []byte, n *node) (ast.Value, error) {
	d := &decoder{d: jsontext.NewDecoder(bytes.NewBuffer(b)), keys: map[string]*ast.Term{}, texts: map[string]*ast.Term{}}
	t, err := d.term(n, 0)
	if err != nil {
		return nil, err
	}
	if _, err := d.d.ReadToken(); !errors.Is(err, io.EOF) {
		if err == nil {
			err = errors.New("there is something after the document")
		}
		return nil, err
	}
	return t.Value, nil
}

// decoder turns JSON text into terms, following a node of the schema where there is one.
type decoder struct {
	d *jsontext.Decoder
	// keys and texts hold the terms of names (by their quoted form) and of short texts.
	keys, texts map[string]*ast.Term
	slab        []ast.Term
	pairs       [][2]*ast.Term
	stack       []*ast.Term
	buf         []byte
}

// new takes a term from the slab.
func (d *decoder) new(v ast.Value) *ast.Term {
	if len(d.slab) == 0 {
		d.slab = make([]ast.Term, 512)
	}
	t := &d.slab[0]
	d.slab = d.slab[1:]
	t.Value = v
	return t
}

func (d *decoder) term(n *node, depth int) (*ast.Term, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("%s nests deeper than %d", d.place(), maxDepth)
	}
	kind := d.d.PeekKind()
	if n != nil && n.kind != 0 && kind != n.kind && kind != 0 && (n.kind != 't' || kind != 'f') {
		return nil, fmt.Errorf("%s has the wrong type: %s instead of %s", d.place(), kindName(kind), kindName(n.kind))
	}
	switch kind {
	case '{':
		return d.object(n, depth)
	case '[':
		return d.array(n, depth)
	case '"':
		return d.text(n)
	case '0':
		return d.number(n)
	case 't', 'f':
		t, err := d.d.ReadToken()
		if err != nil {
			return nil, err
		}
		return ast.InternedTerm(t.Bool()), nil
	case 'n':
		if _, err := d.d.ReadToken(); err != nil {
			return nil, err
		}
		return ast.NullTerm(), nil
	}
	_, err := d.d.ReadToken()
	if err == nil || errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return nil, err
}

// place says where the decoder is, as a JSON pointer.
func (d *decoder) place() string {
	if p := string(d.d.StackPointer()); p != "" {
		return p
	}
	return "the document"
}

func (d *decoder) object(n *node, depth int) (*ast.Term, error) {
	if n != nil && n.fields != nil {
		return d.fields(n, depth)
	}
	var values *node
	if n != nil {
		values = n.values
	}
	if _, err := d.d.ReadToken(); err != nil {
		return nil, err
	}
	base := len(d.pairs)
	for d.d.PeekKind() != '}' {
		raw, err := d.d.ReadValue()
		if err != nil {
			return nil, err
		}
		k, err := d.key(raw)
		if err != nil {
			return nil, err
		}
		v, err := d.term(values, depth+1)
		if err != nil {
			return nil, err
		}
		d.pairs = append(d.pairs, [2]*ast.Term{k, v})
	}
	if _, err := d.d.ReadToken(); err != nil {
		return nil, err
	}
	o := ast.NewObject(d.pairs[base:]...)
	d.pairs = d.pairs[:base]
	return d.new(o), nil
}

// fields reads an object that the schema closes: exactly its fields, then its views.
func (d *decoder) fields(n *node, depth int) (*ast.Term, error) {
	if _, err := d.d.ReadToken(); err != nil {
		return nil, err
	}
	base := len(d.pairs)
	for d.d.PeekKind() != '}' {
		raw, err := d.d.ReadValue()
		if err != nil {
			return nil, err
		}
		f, ok := n.fields[string(raw)]
		if !ok {
			return nil, fmt.Errorf("%s is an unknown field; %s", d.place(),
				schemas.Suggest(strings.Trim(string(raw), `"`), "valid names", n.names()))
		}
		if f.derived {
			return nil, fmt.Errorf("%s is an index view: it is built from the rows and cannot be given", d.place())
		}
		v, err := d.term(f.node, depth+1)
		if err != nil {
			return nil, err
		}
		d.pairs = append(d.pairs, [2]*ast.Term{f.key, v})
	}
	if have := len(d.pairs) - base; have != n.required {
		place := d.place()
		if i := strings.LastIndexByte(place, '/'); i > 0 {
			place = place[:i] // the last field there is
		} else {
			place = "the document"
		}
		return nil, fmt.Errorf("%s lacks %s", place, n.missing(d.pairs[base:]))
	}
	if _, err := d.d.ReadToken(); err != nil {
		return nil, err
	}
	if n.views != nil {
		d.pairs = append(d.pairs, n.views(d.pairs[base:])...)
	}
	o := ast.NewObject(d.pairs[base:]...)
	d.pairs = d.pairs[:base]
	return d.new(o), nil
}

func (d *decoder) array(n *node, depth int) (*ast.Term, error) {
	var elem *node
	if n != nil {
		elem = n.elem
	}
	if _, err := d.d.ReadToken(); err != nil {
		return nil, err
	}
	base := len(d.stack)
	for d.d.PeekKind() != ']' {
		v, err := d.term(elem, depth+1)
		if err != nil {
			return nil, err
		}
		d.stack = append(d.stack, v)
	}
	if _, err := d.d.ReadToken(); err != nil {
		return nil, err
	}
	list := append([]*ast.Term(nil), d.stack[base:]...)
	d.stack = d.stack[:base]
	return d.new(ast.NewArray(list...)), nil
}

func (d *decoder) key(raw jsontext.Value) (*ast.Term, error) {
	if t, ok := d.keys[string(raw)]; ok {
		return t, nil
	}
	s, err := jsontext.AppendUnquote(nil, raw)
	if err != nil {
		return nil, err
	}
	t := ast.InternedTerm(string(s))
	if len(d.keys) < internedMax {
		d.keys[string(raw)] = t
	}
	return t, nil
}

func (d *decoder) text(n *node) (*ast.Term, error) {
	raw, err := d.d.ReadValue()
	if err != nil {
		return nil, err
	}
	d.buf, err = jsontext.AppendUnquote(d.buf[:0], raw)
	if err != nil {
		return nil, err
	}
	// A word outside the list would be in no index view, and no rule that reads the views would see its row.
	if n != nil && n.enum != nil && !slices.Contains(n.enum, string(d.buf)) {
		return nil, fmt.Errorf("%s is %q; %s", d.place(), d.buf, schemas.Suggest(string(d.buf), "valid values", n.enum))
	}
	if len(d.buf) > internedText {
		return d.new(ast.String(string(d.buf))), nil
	}
	if t, ok := d.texts[string(d.buf)]; ok {
		return t, nil
	}
	s := string(d.buf)
	t := d.new(ast.String(s))
	if len(d.texts) < internedMax {
		d.texts[s] = t
	}
	return t, nil
}

// number reads a number no policy can make run away: few digits, a small exponent, and none for whole numbers.
func (d *decoder) number(n *node) (*ast.Term, error) {
	raw, err := d.d.ReadValue()
	if err != nil {
		return nil, err
	}
	if len(raw) <= 4 {
		if t := ast.InternedIntNumberTermFromString(string(raw)); t != nil {
			return t, nil
		}
	}
	if len(raw) > maxNumber {
		return nil, fmt.Errorf("%s is a number of more than %d characters", d.place(), maxNumber)
	}
	if e := bytes.IndexAny(raw, "eE"); e >= 0 && len(raw)-e > len("e+999") {
		return nil, fmt.Errorf("%s is a number with too large an exponent", d.place())
	}
	if n != nil && n.integer && bytes.ContainsAny(raw, ".eE") {
		return nil, fmt.Errorf("%s has to be a whole number", d.place())
	}
	return d.new(ast.Number(string(raw))), nil
}

func kindName(k jsontext.Kind) string {
	switch k {
	case '{':
		return "an object"
	case '[':
		return "a list"
	case '"':
		return "a text"
	case '0':
		return "a number"
	case 't', 'f':
		return "true or false"
	case 'n':
		return "null"
	}
	return "nothing"
}
