package metrics

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"cdgate.dev/cdgate/evidence"
)

// table reads CSV with a header line, one record at a time and strictly: every record has as many fields as the header,
// quotes are balanced, texts are UTF-8.
type table struct {
	csv    *csv.Reader
	src    *bounded
	header []string
	record []string
	n      int
}

// shortestColumn is the length of a column's name from which a slip in it is taken for one.
const shortestColumn = 5

// bounded refuses a record that is too long, such as one whose quotes never end.
type bounded struct {
	r io.Reader
	n int
}

// Read passes on r.
func (b *bounded) Read(p []byte) (int, error) {
	if b.n > evidence.MaxToken {
		return 0, fmt.Errorf("a record of more than %d bytes", evidence.MaxToken)
	}
	n, err := b.r.Read(p)
	b.n += n
	return n, err
}

// newTable reads the header. known are the columns that are read; one that only looks like one of them is refused.
func newTable(r io.Reader, comma rune, known ...string) (*table, error) {
	src := &bounded{r: r}
	t := &table{csv: csv.NewReader(src), src: src}
	t.csv.Comma, t.csv.ReuseRecord = comma, true
	header, err := t.csv.Read()
	if err != nil {
		return nil, t.explain(err)
	}
	t.header = slices.Clone(header)
	for i, name := range t.header {
		if !utf8.ValidString(name) {
			return nil, errors.New("line 1: the name of a column is not valid UTF-8")
		}
		for _, right := range known {
			if name != right && (strings.EqualFold(name, right) || evidence.Misspelt(name, right, shortestColumn)) {
				return nil, fmt.Errorf("line 1: column %q is in the wrong case or misspelt, the format has %q", evidence.Cut(name), right)
			}
		}
		if slices.Contains(t.header[:i], name) {
			return nil, fmt.Errorf("line 1: two columns are named %q", evidence.Cut(name))
		}
	}
	return t, nil
}

// next reads a record and reports whether there was one.
func (t *table) next() (bool, error) {
	t.src.n = 0
	record, err := t.csv.Read()
	if err == io.EOF {
		return false, nil
	}
	if err != nil {
		return false, t.explain(err)
	}
	if t.n++; t.n > evidence.MaxElements {
		return false, fmt.Errorf("more than %d records", evidence.MaxElements)
	}
	for _, field := range record {
		if !utf8.ValidString(field) {
			return false, t.errorf("a text is not valid UTF-8")
		}
	}
	t.record = record
	return true, nil
}

// explain says what is wrong with a record.
func (t *table) explain(err error) error {
	var e *csv.ParseError
	switch {
	case err == io.EOF:
		return errors.New("the report is empty")
	case !errors.As(err, &e):
		return err
	case errors.Is(err, csv.ErrFieldCount):
		return fmt.Errorf("line %d: another number of fields than the %d of the header; was the report cut off?", e.Line, len(t.header))
	}
	return fmt.Errorf("line %d, column %d: %w", e.Line, e.Column, e.Err)
}

// column returns the place of the first of these columns, or -1.
func (t *table) column(names ...string) int {
	for _, name := range names {
		if i := slices.Index(t.header, name); i >= 0 {
			return i
		}
	}
	return -1
}

// field returns a field of the record, "" where the column is not there.
func (t *table) field(column int) string {
	if column < 0 {
		return ""
	}
	return t.record[column]
}

// place returns "line 12".
func (t *table) place() string {
	line, _ := t.csv.FieldPos(0)
	return fmt.Sprintf("line %d", line)
}

func (t *table) errorf(format string, args ...any) error {
	return fmt.Errorf(t.place()+": "+format, args...)
}
