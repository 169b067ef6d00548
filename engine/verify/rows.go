package verify

import (
	"bytes"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"

	"cdgate.dev/cdgate/evidence"
)

// rowField is one member of a row: its name in quotes, and what its value must be.
type rowField struct {
	name string
	want rowValue
	// words are the values of a word, in quotes; fields the members of an object.
	words  []string
	fields []rowField
}

type rowValue uint8

const (
	rowText rowValue = iota
	rowBool
	rowCount
	rowPercent
	rowTexts
	rowWord
	rowObject
)

// rowShape is the array and the row of each kind. It says the same as the row types of package evidence and the document
// "rows" of package schemas, without building a value: rows are the bulk of the evidence and are read on every decision.
func rowShape(kind evidence.Kind) (array string, fields []rowField) {
	ratio := []rowField{{name: `"covered"`, want: rowCount}, {name: `"total"`, want: rowCount}, {name: `"percent"`, want: rowPercent}, {name: `"measured"`, want: rowBool}}
	switch kind {
	case evidence.Tests:
		return `"cases"`, []rowField{
			{name: `"suite"`}, {name: `"name"`},
			{name: `"status"`, want: rowWord, words: []string{`"passed"`, `"failed"`, `"errored"`, `"skipped"`}},
			{name: `"flaky"`, want: rowBool}, {name: `"durationMillis"`, want: rowCount}, {name: `"message"`},
		}
	case evidence.Coverage:
		return `"files"`, []rowField{
			{name: `"path"`}, {name: `"line"`, want: rowObject, fields: ratio},
			{name: `"branch"`, want: rowObject, fields: ratio}, {name: `"statement"`, want: rowObject, fields: ratio},
		}
	case evidence.Scan:
		return `"findings"`, []rowField{
			{name: `"id"`},
			{name: `"category"`, want: rowWord, words: []string{`"vulnerability"`, `"misconfiguration"`, `"secret"`, `"licence"`, `"code"`}},
			{name: `"severity"`, want: rowWord, words: []string{`"critical"`, `"high"`, `"medium"`, `"low"`, `"info"`, `"unknown"`}},
			{name: `"status"`, want: rowWord, words: []string{`"open"`, `"suppressed"`}},
			{name: `"package"`}, {name: `"version"`}, {name: `"fixedVersion"`}, {name: `"purl"`}, {name: `"title"`}, {name: `"place"`},
			{name: `"aliases"`, want: rowTexts}, {name: `"justification"`},
		}
	case evidence.SBOM:
		return `"components"`, []rowField{
			{name: `"name"`}, {name: `"version"`}, {name: `"purl"`}, {name: `"type"`}, {name: `"licences"`, want: rowTexts},
		}
	}
	return "", nil
}

// checkRows reads a document of rows strictly, in one pass, and gives its array: exactly the members there must be, each
// of its type, no duplicate name, no invalid UTF-8, nothing after the document.
func checkRows(kind evidence.Kind, b []byte) (jsontext.Value, error) {
	array, fields := rowShape(kind)
	r := rowReader{dec: jsontext.NewDecoder(bytes.NewBuffer(b))}
	r.begin('{')
	r.name(array)
	r.begin('[')
	start := r.dec.InputOffset() - 1
	for r.err == nil && r.dec.PeekKind() != ']' {
		if r.rows++; r.rows > evidence.MaxRows {
			return nil, fmt.Errorf("more than %d rows", evidence.MaxRows)
		}
		r.object(fields)
	}
	r.begin(']')
	end := r.dec.InputOffset()
	r.begin('}')
	if r.err == nil {
		if _, err := r.dec.ReadToken(); err != io.EOF {
			r.fail("there is something after the rows")
		}
	}
	if r.err != nil {
		return nil, fmt.Errorf("row %d: %w", r.rows, r.err)
	}
	return jsontext.Value(b[start:end]), nil
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
	case rowTexts:
		r.begin('[')
		for r.err == nil && r.dec.PeekKind() != ']' {
			if v := r.value(); r.err == nil && v.Kind() != '"' {
				r.fail("%s holds something else than texts", f.name)
			}
		}
		r.begin(']')
		return
	}
	v := r.value()
	if r.err == nil && !f.fits(v) {
		r.fail("%s is %.80s", f.name, v)
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
