// Package strictjson reads JSON reports as a stream of values, strictly: no duplicate names, no invalid UTF-8, no names
// in the wrong case, no numbers beyond a double, nothing after the last value.
package strictjson

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"cdgate.dev/cdgate/evidence"
)

// Error is a report that is no acceptable JSON, with the place where that shows.
type Error struct {
	// Place is a path such as "runs[0].results", or "" for the top.
	Place string
	// Offset counts bytes from the start of the report.
	Offset int64
	Err    error
}

// Error returns "runs[0].results (byte 120): …".
func (e *Error) Error() string {
	place := e.Place
	if place == "" {
		place = "top level"
	}
	return fmt.Sprintf("%s (byte %d): %s", place, e.Offset, e.Err)
}

// Unwrap returns what is wrong.
func (e *Error) Unwrap() error { return e.Err }

// Reader reads a sequence of JSON values. Use New.
type Reader struct {
	dec  *jsontext.Decoder
	src  *source
	text []byte
	// names holds the names of the members that are being read, one inside another.
	names []byte
}

// source counts what was read, so that one token cannot fill the memory.
type source struct {
	r   io.Reader
	n   int64
	dec *jsontext.Decoder
}

// Read passes on src and refuses to go on when the token being read is too long.
func (s *source) Read(p []byte) (int, error) {
	if s.dec != nil && s.n-s.dec.InputOffset() > evidence.MaxToken {
		return 0, fmt.Errorf("a text or number of more than %d bytes", evidence.MaxToken)
	}
	n, err := s.r.Read(p)
	s.n += int64(n)
	return n, err
}

// New returns a reader of src, which must not start with a byte order mark.
func New(src io.Reader) *Reader {
	s := &source{r: src}
	s.dec = jsontext.NewDecoder(s)
	return &Reader{dec: s.dec, src: s}
}

// Place returns the path of the value that was read last, such as "runs[0].results[3]".
func (r *Reader) Place() string { return place(r.dec.StackPointer()) }

// maxPlace is how long a place may become, about, in bytes: reports nest deeper than people read.
const maxPlace = 200

// place turns a JSON pointer into a path that people read.
func place(p jsontext.Pointer) string {
	var b strings.Builder
	for name := range p.Tokens() {
		if b.Len() > maxPlace {
			return b.String() + "…"
		}
		if len(name) > 60 {
			name = name[:60] + "…"
		}
		if _, err := strconv.ParseUint(name, 10, 32); err == nil {
			b.WriteString("[" + name + "]")
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.WriteString(strings.ToValidUTF8(name, "\uFFFD"))
	}
	return b.String()
}

// Errorf returns an error at the current place.
func (r *Reader) Errorf(format string, args ...any) error {
	return &Error{Place: r.Place(), Offset: r.dec.InputOffset(), Err: fmt.Errorf(format, args...)}
}

// wrap gives an error of the decoder its place.
func (r *Reader) wrap(err error) error {
	if err == nil {
		return nil
	}
	return r.placed(err)
}

// placed is the rest of wrap; apart, so that the usual way costs nothing.
func (r *Reader) placed(err error) error {
	var done *Error
	if errors.As(err, &done) {
		return err
	}
	var syntactic *jsontext.SyntacticError
	if errors.As(err, &syntactic) {
		cause := syntactic.Err
		if errors.Is(cause, io.ErrUnexpectedEOF) {
			cause = errors.New("the report ends in the middle: it was cut off")
		}
		return &Error{Place: place(syntactic.JSONPointer), Offset: syntactic.ByteOffset, Err: cause}
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || err == io.EOF {
		err = errors.New("the report ends in the middle: it was cut off")
	}
	return &Error{Place: r.Place(), Offset: r.dec.InputOffset(), Err: err}
}

// Kind returns the kind of the next value: '{', '[', '"', '0', 't', 'f', 'n', or 0 when it cannot be read.
func (r *Reader) Kind() jsontext.Kind { return r.dec.PeekKind() }

// More reports whether another value follows at the top level. The error says why the rest cannot be read.
func (r *Reader) More() (bool, error) {
	if r.dec.PeekKind() != 0 {
		return true, nil
	}
	if _, err := r.dec.ReadToken(); err != io.EOF {
		return false, r.wrap(err)
	}
	return false, nil
}

// End checks that nothing follows at the top level.
func (r *Reader) End() error {
	more, err := r.More()
	if err != nil {
		return err
	}
	if more {
		return r.Errorf("a second document after the first")
	}
	return nil
}

// Null consumes the next value if it is null and reports whether it was.
func (r *Reader) Null() (bool, error) {
	if r.dec.PeekKind() != 'n' {
		return false, nil
	}
	_, err := r.dec.ReadToken()
	return true, r.wrap(err)
}

// begin consumes the start of an object or array.
func (r *Reader) begin(want jsontext.Kind, word string) error {
	if k := r.dec.PeekKind(); k != want {
		if k == 0 {
			_, err := r.dec.ReadToken()
			return r.wrap(err)
		}
		return r.Errorf("want %s, found %s", word, kindWord(k))
	}
	if r.dec.StackDepth() >= evidence.MaxDepth {
		return r.Errorf("more than %d values inside one another", evidence.MaxDepth)
	}
	_, err := r.dec.ReadToken()
	return r.wrap(err)
}

// Object reads an object and calls member for each name; member must consume the value. The name is valid until member
// returns: it is a copy, as the decoder's own text may change as soon as the next value is looked at.
func (r *Reader) Object(member func(name []byte) error) error {
	if err := r.begin('{', "an object"); err != nil {
		return err
	}
	for {
		k := r.dec.PeekKind()
		if k == '}' || k == 0 {
			_, err := r.dec.ReadToken()
			return r.wrap(err)
		}
		v, err := r.dec.ReadValue()
		if err != nil {
			return r.wrap(err)
		}
		from := len(r.names)
		if bytes.IndexByte(v, '\\') >= 0 {
			if r.names, err = jsontext.AppendUnquote(r.names, v); err != nil {
				return r.wrap(err)
			}
		} else {
			r.names = append(r.names, v[1:len(v)-1]...)
		}
		err = member(r.names[from:])
		r.names = r.names[:from]
		if err != nil {
			return err
		}
	}
}

// Array reads an array and calls element for each entry, which must consume it.
func (r *Reader) Array(element func() error) error {
	if err := r.begin('[', "an array"); err != nil {
		return err
	}
	for {
		k := r.dec.PeekKind()
		if k == ']' || k == 0 {
			_, err := r.dec.ReadToken()
			return r.wrap(err)
		}
		if err := element(); err != nil {
			return err
		}
	}
}

// ObjectOrNull is Object, except that null is an object without members.
func (r *Reader) ObjectOrNull(member func(name []byte) error) error {
	if null, err := r.Null(); null || err != nil {
		return err
	}
	return r.Object(member)
}

// ArrayOrNull is Array, except that null is an array without entries.
func (r *Reader) ArrayOrNull(element func() error) error {
	if null, err := r.Null(); null || err != nil {
		return err
	}
	return r.Array(element)
}

// Reset makes the reader read src instead, keeping its buffers.
func (r *Reader) Reset(src io.Reader) {
	*r.src = source{r: src, dec: r.dec}
	r.names = r.names[:0]
	r.dec.Reset(r.src)
}
