package schemas

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// readJSON reads strict JSON (RFC 8259, RFC 7493): unique names, valid UTF-8, one value.
func readJSON(file string, src []byte) (*node, error) {
	r := jsonReader{file: file, src: src, dec: jsontext.NewDecoder(bytes.NewReader(src)), line: 1}
	n, err := r.value(0)
	if err != nil {
		return nil, r.explain(err)
	}
	line, col, _ := r.next()
	if _, err := r.dec.ReadToken(); err == nil {
		return nil, &Error{File: file, Line: line, Column: col, Msg: "something follows the end of the document"}
	} else if !errors.Is(err, io.EOF) {
		return nil, r.explain(err)
	}
	return n, nil
}

// jsonReader builds nodes from tokens and follows lines and columns.
type jsonReader struct {
	file string
	src  []byte
	dec  *jsontext.Decoder
	// pos is the byte the place is known for: in line line, which starts at byte start.
	pos, line, start int
}

// moveTo moves the known place forward to byte pos.
func (r *jsonReader) moveTo(pos int) {
	pos = min(pos, len(r.src))
	for pos > r.pos {
		i := bytes.IndexByte(r.src[r.pos:pos], '\n')
		if i < 0 {
			break
		}
		r.pos += i + 1
		r.line++
		r.start = r.pos
	}
	r.pos = max(r.pos, pos)
}

// column gives the column in characters, from 1.
func (r *jsonReader) column() int { return utf8.RuneCount(r.src[r.start:r.pos]) + 1 }

// next moves to the start of the next token and gives its place.
func (r *jsonReader) next() (line, col int, kind jsontext.Kind) {
	kind = r.dec.PeekKind()
	pos := int(r.dec.InputOffset())
	for pos < len(r.src) && strings.IndexByte(" \t\r\n,:", r.src[pos]) >= 0 {
		pos++
	}
	r.moveTo(pos)
	return r.line, r.column(), kind
}

func (r *jsonReader) value(depth int) (*node, error) {
	line, col, _ := r.next()
	if depth > maxDepth {
		return nil, &Error{File: r.file, Line: line, Column: col, Msg: "nests too deep"}
	}
	n := &node{line: line, col: col}
	t, err := r.dec.ReadToken()
	if err != nil {
		return nil, err
	}
	switch t.Kind() {
	case 'n':
		n.kind, n.text = kindNull, "null"
	case 't', 'f':
		n.kind, n.text = kindBool, t.String()
	case '"':
		n.kind, n.text = kindString, t.String()
	case '0':
		n.text = t.String()
		n.kind = kindInteger
		if strings.ContainsAny(n.text, ".eE") {
			n.kind = kindFraction
		}
		if len(n.text) > maxNumber {
			return nil, &Error{File: r.file, Line: line, Column: col, Msg: "a number with too many digits"}
		}
	case '{':
		n.kind = kindObject
		return n, r.members(n, depth)
	case '[':
		n.kind = kindArray
		for r.dec.PeekKind() != ']' {
			item, err := r.value(depth + 1)
			if err != nil {
				return nil, err
			}
			n.items = append(n.items, item)
		}
		_, err = r.dec.ReadToken()
	}
	return n, err
}

func (r *jsonReader) members(n *node, depth int) error {
	for r.dec.PeekKind() != '}' {
		line, col, _ := r.next()
		t, err := r.dec.ReadToken()
		if err != nil {
			return err
		}
		key := t.String()
		value, err := r.value(depth + 1)
		if err != nil {
			return err
		}
		n.members = append(n.members, member{key, line, col, value})
	}
	_, err := r.dec.ReadToken()
	return err
}

// explain gives a decoder's error in the words of this package.
func (r *jsonReader) explain(err error) error {
	var own *Error
	if errors.As(err, &own) {
		return own
	}
	msg := "is not JSON"
	var syntax *jsontext.SyntacticError
	switch {
	case errors.As(err, &syntax):
		r.moveTo(int(syntax.ByteOffset))
		msg += ": " + syntax.Err.Error()
		if errors.Is(err, jsontext.ErrDuplicateName) {
			msg = "the key " + quote(syntax.JSONPointer.LastToken()) + " stands here twice"
		}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		r.moveTo(len(r.src))
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		msg = "ends too early"
		if len(bytes.TrimSpace(r.src)) == 0 {
			msg = "is empty"
		}
	}
	return &Error{File: r.file, Line: r.line, Column: r.column(), Msg: msg}
}
