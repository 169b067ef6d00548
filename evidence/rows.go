package evidence

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Rows writes the normalised rows of one report as one JSON document, {"cases": [...]} and so on, one row at a time and
// without keeping them. The bytes depend on nothing but the rows. A write error is kept and returned by Close and by
// every later call.
type Rows struct {
	w    io.Writer
	buf  []byte
	n    int64
	err  error
	open bool
	// suite is that of the last test, quoted what it is in JSON: most tests share it with the one before.
	suite  string
	quoted []byte
	// names is where labels are put in order.
	names []string
}

// rowsFlush is how many bytes are gathered before they are written.
const rowsFlush = 64 << 10

// rowsKey names the array of a kind's rows; kinds that teams define have no rows.
func rowsKey(k Kind) string {
	if s, ok := ShapeOf(k); ok && s.Rows != "" {
		return s.Rows
	}
	return "rows"
}

// NewRows starts a document of rows of one kind. Close must be called to end it.
func NewRows(w io.Writer, k Kind) *Rows {
	r := &Rows{w: w, buf: make([]byte, 0, rowsFlush+8<<10), open: true}
	r.buf = append(r.buf, `{"`+rowsKey(k)+`":[`...)
	return r
}

// Count returns the number of rows so far.
func (r *Rows) Count() int64 { return r.n }

// Close ends the document and writes what is left of it. Closing twice does nothing.
func (r *Rows) Close() error {
	if r.open && r.err == nil {
		r.open = false
		r.buf = append(r.buf, "]}"...)
		r.flush()
	}
	return r.err
}

func (r *Rows) flush() {
	if _, err := r.w.Write(r.buf); err != nil && r.err == nil {
		r.err = fmt.Errorf("write rows: %w", err)
	}
	r.buf = r.buf[:0]
}

// start begins a row and reports whether it may be written.
func (r *Rows) start() error {
	if r.err != nil {
		return r.err
	}
	if r.n >= MaxRows {
		return fmt.Errorf("more than %d results in one report; split it", MaxRows)
	}
	if r.n > 0 {
		r.buf = append(r.buf, ',')
	}
	r.n++
	return nil
}

// end ends a row.
func (r *Rows) end() error {
	r.buf = append(r.buf, '}')
	if len(r.buf) >= rowsFlush {
		r.flush()
	}
	return r.err
}

// text appends a member whose value is a string; key holds the punctuation around the name.
func (r *Rows) text(key, s string) {
	r.buf = append(r.buf, key...)
	r.buf = appendQuoted(r.buf, s)
}

func (r *Rows) number(key string, n int64) {
	r.buf = append(r.buf, key...)
	if n < 0 || n >= 1e6 {
		r.buf = strconv.AppendInt(r.buf, n, 10)
		return
	}
	var digits [6]byte
	i := len(digits)
	for small := uint32(n); ; small /= 10 {
		i--
		digits[i] = '0' + byte(small%10)
		if small < 10 {
			break
		}
	}
	r.buf = append(r.buf, digits[i:]...)
}

func (r *Rows) boolean(key string, b bool) {
	r.buf = append(r.buf, key...)
	r.buf = strconv.AppendBool(r.buf, b)
}

func (r *Rows) list(key string, list []string) {
	r.buf = append(r.buf, key...)
	r.buf = append(r.buf, '[')
	for i, s := range list {
		if i > 0 {
			r.buf = append(r.buf, ',')
		}
		r.buf = appendQuoted(r.buf, s)
	}
	r.buf = append(r.buf, ']')
}

func (r *Rows) ratio(key string, q Ratio) {
	r.number(key+`{"covered":`, q.Covered)
	r.number(`,"total":`, q.Total)
	r.buf = append(r.buf, `,"percent":`...)
	r.buf = append(r.buf, q.Percent.String()...)
	r.boolean(`,"measured":`, q.Measured)
	r.buf = append(r.buf, '}')
}

// Case writes one test result. Message is cut at MaxMessage; a suite or name over MaxName is an error.
func (r *Rows) Case(c TestCase) error { return testCase(r, &c, c.Name) }

// CaseNamed is Case with the name as bytes, in place of that in c: most readers have it so, and tests are many.
func (r *Rows) CaseNamed(c *TestCase, name []byte) error { return testCase(r, c, name) }

func testCase[Text string | []byte](r *Rows, c *TestCase, name Text) error {
	if len(c.Suite) > MaxName || len(name) > MaxName {
		return checkNames(c.Suite, string(name))
	}
	if err := r.start(); err != nil {
		return err
	}
	if c.Suite != r.suite || r.quoted == nil {
		r.suite, r.quoted = c.Suite, appendQuoted(r.quoted[:0], c.Suite)
	}
	r.buf = append(append(append(r.buf, `{"suite":`...), r.quoted...), `,"name":`...)
	if n := plainText(name); n == len(name) {
		r.buf = append(append(append(r.buf, '"'), name...), '"')
	} else {
		r.buf = appendQuoted(r.buf, string(name))
	}
	if c.Status == "passed" && !c.Flaky { // in one piece, as it is the most common
		r.number(`,"status":"passed","flaky":false,"durationMillis":`, c.DurationMillis)
	} else {
		r.text(`,"status":`, c.Status)
		r.boolean(`,"flaky":`, c.Flaky)
		r.number(`,"durationMillis":`, c.DurationMillis)
	}
	if c.Message == "" {
		r.buf = append(r.buf, `,"message":""`...)
	} else {
		r.text(`,"message":`, Cut(c.Message))
	}
	return r.end()
}

// File writes the coverage of one file.
func (r *Rows) File(f CoverageFile) error {
	if err := checkNames(f.Path); err != nil {
		return err
	}
	if err := r.start(); err != nil {
		return err
	}
	r.text(`{"path":`, f.Path)
	r.ratio(`,"line":`, f.Line)
	r.ratio(`,"branch":`, f.Branch)
	r.ratio(`,"statement":`, f.Statement)
	return r.end()
}

// Finding writes one result of a scanner. Title and Justification are cut at MaxMessage; other texts over MaxName are
// errors.
func (r *Rows) Finding(f ScanFinding) error {
	if err := checkNames(f.ID, f.Package, f.Version, f.FixedVersion, f.PURL, f.Place); err != nil {
		return err
	}
	if err := checkList(f.Aliases); err != nil {
		return err
	}
	if err := r.start(); err != nil {
		return err
	}
	r.text(`{"id":`, f.ID)
	r.text(`,"category":`, f.Category)
	r.text(`,"severity":`, f.Severity)
	r.text(`,"status":`, f.Status)
	r.text(`,"package":`, f.Package)
	r.text(`,"version":`, f.Version)
	r.text(`,"fixedVersion":`, f.FixedVersion)
	r.text(`,"purl":`, f.PURL)
	r.text(`,"title":`, Cut(f.Title))
	r.text(`,"place":`, f.Place)
	r.list(`,"aliases":`, f.Aliases)
	r.text(`,"justification":`, Cut(f.Justification))
	return r.end()
}

// Component writes one entry of a bill of materials.
func (r *Rows) Component(c Component) error {
	if err := checkNames(c.Name, c.Version, c.PURL, c.Type); err != nil {
		return err
	}
	if err := checkList(c.Licences); err != nil {
		return err
	}
	if err := r.start(); err != nil {
		return err
	}
	r.text(`{"name":`, c.Name)
	r.text(`,"version":`, c.Version)
	r.text(`,"purl":`, c.PURL)
	r.text(`,"type":`, c.Type)
	r.list(`,"licences":`, c.Licences)
	return r.end()
}

// Row writes one row of a kind that has no method of its own here; row is a value of the Row type of the kind's Shape. Texts
// over MaxName and lists over MaxList are errors: a reader cuts text for people with Cut before.
func (r *Rows) Row(row any) error {
	if err := checkTexts(reflect.ValueOf(row)); err != nil {
		return err
	}
	b, err := json.Marshal(row, json.Deterministic(true), json.FormatNilSliceAsNull(false), json.FormatNilMapAsNull(false), jsontext.AllowInvalidUTF8(true))
	if err != nil {
		return fmt.Errorf("write row: %w", err)
	}
	if err := r.start(); err != nil {
		return err
	}
	r.buf = append(r.buf, b[:len(b)-1]...)
	return r.end()
}

// checkTexts refuses texts and lists over the limits, anywhere in a row.
func checkTexts(v reflect.Value) error {
	switch v.Kind() {
	case reflect.String:
		return checkNames(v.String())
	case reflect.Struct:
		for i := range v.NumField() {
			if err := checkTexts(v.Field(i)); err != nil {
				return err
			}
		}
	case reflect.Slice:
		if v.Len() > MaxList {
			return fmt.Errorf("a list of %d entries: more than %d are refused", v.Len(), MaxList)
		}
		for i := range v.Len() {
			if err := checkTexts(v.Index(i)); err != nil {
				return err
			}
		}
	case reflect.Map:
		if v.Len() > MaxList {
			return tooManyLabels(v.Len())
		}
		for it := v.MapRange(); it.Next(); {
			if err := errors.Join(checkTexts(it.Key()), checkTexts(it.Value())); err != nil {
				return err
			}
		}
	}
	return nil
}

// Cut shortens text for people to MaxMessage bytes, between two characters, and marks that it did.
func Cut(s string) string {
	if len(s) <= MaxMessage {
		return s
	}
	end := MaxMessage - len("…")
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "…"
}

// checkNames refuses identifying texts that are too long; cutting them could make two things look the same.
func checkNames(names ...string) error {
	for _, s := range names {
		if len(s) > MaxName {
			return fmt.Errorf("a name of %d bytes (%q…): more than %d is refused", len(s), s[:32], MaxName)
		}
	}
	return nil
}

func checkList(list []string) error {
	if len(list) > MaxList {
		return fmt.Errorf("a list of %d texts in one entry: more than %d are refused", len(list), MaxList)
	}
	return checkNames(list...)
}
