package verify

import (
	"bytes"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"

	"cdgate.dev/cdgate/evidence"
)

// checkRows reads a document of rows strictly, in one pass, and gives its array: exactly the members there must be, each
// of its type, no duplicate name, no invalid UTF-8, nothing after the document.
func checkRows(kind evidence.Kind, b []byte) (jsontext.Value, error) {
	shape, ok := kindShapes()[kind]
	if !ok {
		return nil, fmt.Errorf("kind %q has no rows", kind)
	}
	r := rowReader{dec: jsontext.NewDecoder(bytes.NewBuffer(b))}
	r.begin('{')
	r.name(shape.array)
	r.begin('[')
	start := r.dec.InputOffset() - 1
	for r.err == nil && r.dec.PeekKind() != ']' {
		if r.rows++; r.rows > evidence.MaxRows {
			return nil, fmt.Errorf("more than %d rows", evidence.MaxRows)
		}
		r.object(shape.row)
	}
	r.begin(']')
	end := r.dec.InputOffset()
	r.begin('}')
	r.end()
	if r.err != nil {
		return nil, fmt.Errorf("row %d: %w", r.rows, r.err)
	}
	return jsontext.Value(b[start:end]), nil
}

// checkSummary reads the summary of a kind as strictly as rows are read.
func checkSummary(kind evidence.Kind, b []byte) error {
	shape, ok := kindShapes()[kind]
	if !ok {
		return fmt.Errorf("kind %q has no report", kind)
	}
	r := rowReader{dec: jsontext.NewDecoder(bytes.NewBuffer(b))}
	r.object(shape.summary)
	r.end()
	return r.err
}

// rowReader reads tokens; the first error stays.
type rowReader struct {
	dec  *jsontext.Decoder
	rows int
	err  error
}

func (r *rowReader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
}

// begin reads one delimiter.
func (r *rowReader) begin(kind jsontext.Kind) {
	if r.err != nil {
		return
	}
	tok, err := r.dec.ReadToken()
	if err != nil {
		r.fail("%w", err)
	} else if tok.Kind() != kind {
		r.fail("want %s, got %s", kind, tok.Kind())
	}
}

// end demands that there is nothing more.
func (r *rowReader) end() {
	if r.err == nil {
		if _, err := r.dec.ReadToken(); err != io.EOF {
			r.fail("there is something after the document")
		}
	}
}

// value reads one value that is no object; it is valid until the next read.
func (r *rowReader) value() jsontext.Value {
	if r.err != nil {
		return nil
	}
	v, err := r.dec.ReadValue()
	if err != nil {
		r.fail("%w", err)
		return nil
	}
	return v
}

func (r *rowReader) name(want string) {
	if v := r.value(); r.err == nil && string(v) != want {
		r.fail("want %s, got %.80s", want, v)
	}
}

// object reads an object with exactly the fields. The decoder refuses duplicates, so as many known names as fields are
// all of them. Our own writer keeps the order, so the next field is tried first.
func (r *rowReader) object(fields []rowField) {
	r.begin('{')
	n := 0
	for r.err == nil && r.dec.PeekKind() != '}' {
		v := r.value()
		if r.err != nil {
			return
		}
		at := -1
		for i := range fields {
			if k := (n + i) % len(fields); string(v) == fields[k].name {
				at = k
				break
			}
		}
		if at < 0 {
			r.fail("unknown member %.80s", v)
			return
		}
		r.member(fields[at])
		n++
	}
	r.begin('}')
	if n != len(fields) {
		r.fail("it has %d members, want %d", n, len(fields))
	}
}

func (r *rowReader) member(f rowField) {
	switch f.want {
	case rowObject:
		r.object(f.fields)
		return
	case rowObjects:
		r.list(func() { r.object(f.fields) })
		return
	case rowTexts:
		r.list(func() { r.text(f) })
		return
	case rowLabels:
		r.begin('{')
		for r.err == nil && r.dec.PeekKind() != '}' {
			r.value()
			r.text(f)
		}
		r.begin('}')
		return
	}
	v := r.value()
	if r.err == nil && !f.fits(v) {
		r.fail("%s is %.80s", f.name, v)
	}
}

// list reads a list, each of its values by read.
func (r *rowReader) list(read func()) {
	r.begin('[')
	for r.err == nil && r.dec.PeekKind() != ']' {
		read()
	}
	r.begin(']')
}

func (r *rowReader) text(f rowField) {
	if v := r.value(); r.err == nil && v.Kind() != '"' {
		r.fail("%s holds something else than texts", f.name)
	}
}

// fits says whether a value is what the field wants.
func (f rowField) fits(v jsontext.Value) bool {
	switch f.want {
	case rowText:
		return v.Kind() == '"'
	case rowBool:
		return v.Kind() == 't' || v.Kind() == 'f'
	case rowCount:
		return isCount(v)
	case rowWhole:
		return isCount(v) || string(v) == "-1"
	case rowDecimal:
		return isDecimal(v)
	case rowPercent:
		var p evidence.Percent
		return v.Kind() == '0' && p.UnmarshalJSON(v) == nil
	case rowWord:
		for _, w := range f.words {
			if string(v) == w {
				return true
			}
		}
	}
	return false
}

// isCount says whether v is a whole number that is not negative and fits an int64.
func isCount(v jsontext.Value) bool {
	if len(v) == 0 || len(v) > 18 {
		return false
	}
	for _, c := range v {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// isDecimal says whether v is a number as evidence.Decimal writes it: no exponent, no needless zeros. JSON itself has no
// leading ones.
func isDecimal(v jsontext.Value) bool {
	digits := bytes.TrimPrefix(v, []byte("-"))
	whole, fraction, broken := bytes.Cut(digits, []byte("."))
	if !isCount(jsontext.Value(whole)) || string(v) == "-0" {
		return false
	}
	return !broken || len(fraction) <= evidence.MaxDecimals && isCount(jsontext.Value(fraction)) && fraction[len(fraction)-1] != '0'
}
