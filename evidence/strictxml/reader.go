// Package strictxml reads XML reports as a stream of events, fast and strictly: balanced tags, no duplicate attributes,
// valid UTF-8, no DTD subset, no entities but the five of XML, one root element, nothing after it.
package strictxml

import (
	"bytes"
	"fmt"
	"io"
)

// Event is what Next found.
type Event int

// The events. None is the zero value and is never returned without an error.
const (
	None Event = iota
	Start
	End
	Text
	EOF
)

// Attr is an attribute of the current element. Name and Value are valid until the next call of Next; Value is decoded.
type Attr struct {
	Name, Value []byte
}

// Error is a report that is no acceptable XML, with the line where that shows.
type Error struct {
	Line int
	Msg  string
}

// Error returns "line 12: …".
func (e *Error) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Msg) }

// Reader reads one document. Use New.
type Reader struct {
	src io.Reader
	// buf[pos:end] is checked and unread, buf[end:raw] is read but ends in the middle of a character.
	buf           []byte
	pos, end, raw int
	srcErr        error
	// lines counts the line feeds before buf[counted], and counted never passes pos: lines are counted when asked for.
	lines, counted int
	elements       int

	names  []byte
	stack  []frame
	attrs  []Attr
	values []byte
	spaces []binding

	// prefixed notes a colon or xmlns in the tag that is being parsed.
	prefixed bool
	// shape is that of the last tag with several attributes. alike is set as long as the tag that is being parsed has the same.
	shape      shape
	alike      bool
	text       []byte
	blank      bool
	cdata      bool
	selfClosed bool
	pop        bool
	rootSeen   bool
	started    bool
	doctype    string
}

// frame is an open element: where its name starts in names, and that without its prefix, and how many bindings were there
// before it.
type frame struct{ name, local, spaces int }

// binding is a namespace declaration in force.
type binding struct{ prefix, space string }

// bufferSize is the first size of the buffer; it grows only for a tag that does not fit.
const bufferSize = 128 << 10

// New returns a reader of src, which may start with a byte order mark. It reads the beginning of src to learn its
// encoding: UTF-8, or a single-byte character set that the XML declaration names.
func New(src io.Reader) (*Reader, error) {
	r := &Reader{buf: make([]byte, bufferSize)}
	src, err := decoded(src)
	if err != nil {
		return nil, err
	}
	r.src = src
	return r, nil
}

// Name returns the qualified name of the current element, as written. It is valid until the element ended.
func (r *Reader) Name() []byte {
	if len(r.stack) == 0 {
		return nil
	}
	return r.names[r.stack[len(r.stack)-1].name:]
}

// Local returns the name of the current element without its prefix.
func (r *Reader) Local() []byte {
	if len(r.stack) == 0 {
		return nil
	}
	return r.names[r.stack[len(r.stack)-1].local:]
}

// Space returns the namespace of the current element, "" for none.
func (r *Reader) Space() string {
	if len(r.spaces) == 0 {
		return ""
	}
	n := r.Name()
	space, _ := r.lookup(n[:max(bytes.IndexByte(n, ':'), 0)])
	return space
}

func (r *Reader) lookup(prefix []byte) (string, bool) {
	for i := len(r.spaces) - 1; i >= 0; i-- {
		if r.spaces[i].prefix == string(prefix) {
			return r.spaces[i].space, true
		}
	}
	return "", len(prefix) == 0 || string(prefix) == "xml"
}

// Depth returns how many elements are open; it is 1 in the root element.
func (r *Reader) Depth() int { return len(r.stack) }

// Ended ends the element that Start announced if it is an empty-element tag, and reports whether it is: then there is no End
// of it. It spares readers of many small elements a step.
func (r *Reader) Ended() bool {
	if !r.selfClosed {
		return false
	}
	r.selfClosed = false
	r.attrs = r.attrs[:0]
	r.popElement()
	return true
}

// Attrs returns the attributes of the element that Start announced, in document order.
func (r *Reader) Attrs() []Attr { return r.attrs }

// Attr returns the value of an attribute, and whether the element has it.
func (r *Reader) Attr(name string) (string, bool) {
	for i := range r.attrs {
		if string(r.attrs[i].Name) == name {
			return string(r.attrs[i].Value), true
		}
	}
	return "", false
}

// Text returns the piece of character data that Text announced, decoded; valid until the next call of Next. The text of
// one element may come in several pieces.
func (r *Reader) Text() []byte { return r.text }

// Blank reports whether the text is seen to be nothing but white space between two tags. It is for speed alone: text of
// which it is false may be blank too.
func (r *Reader) Blank() bool { return r.blank }

// Doctype returns the document type declaration ("DOCTYPE …"), or "". Nothing it names is ever fetched.
func (r *Reader) Doctype() string { return r.doctype }

// Line returns the number of the current line, from 1.
func (r *Reader) Line() int {
	r.lines += bytes.Count(r.buf[r.counted:r.pos], []byte{'\n'})
	r.counted = r.pos
	return 1 + r.lines
}

// Place returns "line 12".
func (r *Reader) Place() string { return fmt.Sprintf("line %d", r.Line()) }

// Errorf returns an error at the current line.
func (r *Reader) Errorf(format string, args ...any) error {
	return &Error{Line: r.Line(), Msg: fmt.Sprintf(format, args...)}
}

// Skip reads to the end of the element that Start announced.
func (r *Reader) Skip() error {
	depth := len(r.stack)
	for {
		ev, err := r.Next()
		if err != nil {
			return err
		}
		if ev == End && len(r.stack) == depth {
			return nil
		}
	}
}

// Next returns the next event. After EOF the whole source was read.
func (r *Reader) Next() (Event, error) {
	r.text, r.blank = nil, false
	if r.pop {
		r.popElement()
	}
	if r.selfClosed {
		r.selfClosed, r.pop = false, true
		r.attrs = r.attrs[:0]
		return End, nil
	}
	for {
		if r.pos == r.end {
			if err := r.fill(); err == io.EOF {
				return r.finish()
			} else if err != nil {
				return None, err
			}
		}
		if r.cdata {
			if ev, err := r.readCDATA(); ev != None || err != nil {
				return ev, err
			}
			continue
		}
		var ev Event
		var err error
		if r.buf[r.pos] != '<' {
			ev, err = r.readText()
		} else {
			ev, err = r.readMarkup()
		}
		if ev != None || err != nil {
			return ev, err
		}
	}
}

// popElement forgets the element that End announced. It is done late so that Name still works at End.
func (r *Reader) popElement() {
	top := r.stack[len(r.stack)-1]
	r.stack = r.stack[:len(r.stack)-1]
	r.names = r.names[:top.name]
	r.spaces = r.spaces[:top.spaces]
	r.pop = false
}

// finish judges the end of the source.
func (r *Reader) finish() (Event, error) {
	switch {
	case r.cdata:
		return None, r.Errorf("the report ends inside a CDATA section: it was cut off")
	case len(r.stack) > 0:
		return None, r.Errorf("the report ends inside <%s>: it was cut off", r.Name())
	case !r.rootSeen:
		return None, r.Errorf("the report holds no XML element")
	}
	return EOF, nil
}
