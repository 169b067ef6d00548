// Package platform is what the readers of platforms' API answers share: bounds, times, and signs that a list goes on. An
// answer is a few kilobytes, rarely megabytes; it is read as strictly as any report, but members that nobody reads are
// passed over, for these APIs grow.
package platform

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/strictjson"
)

// maxEntries is how many reviews, tickets and so on one answer may hold. Platforms give a hundred at a time.
const maxEntries = 100_000

// Reader reads one API answer and gathers what there is to warn about.
type Reader struct {
	*strictjson.Reader
	Warn evidence.Warnings
}

// New returns a reader of src, which refuses answers of more than evidence.MaxKept bytes: they are held in memory.
func New(src io.Reader) *Reader {
	return &Reader{Reader: strictjson.New(&bounded{r: src, left: evidence.MaxKept})}
}

// bounded is a source with an end.
type bounded struct {
	r    io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, fmt.Errorf("an API answer of more than %d bytes", evidence.MaxKept)
	}
	n, err := b.r.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

// Objects returns a function that reads an array, or null, of objects and appends each to list. m reads into *one, which is
// zeroed before each.
func Objects[T any](r *Reader, list *[]T, one *T, m strictjson.Members) func() error {
	read := Object(r, one, m)
	return r.List(func() error {
		if len(*list) >= maxEntries {
			return r.Errorf("more than %d entries", maxEntries)
		}
		err := read()
		*list = append(*list, *one)
		return err
	})
}

// Object returns a function that reads an object, or null, with m into *one, which is zeroed before.
func Object[T any](r *Reader, one *T, m strictjson.Members) func() error {
	read := r.Record(m)
	return func() error {
		*one = *new(T)
		return read()
	}
}

// Known returns a function that reads with f and notes that there was a value other than null.
func (r *Reader) Known(known *bool, f func() error) func() error {
	return func() error {
		if r.Kind() != 'n' {
			*known = true
		}
		return f()
	}
}

// Present returns a function that reads with f and notes that the member was there, be it null.
func (r *Reader) Present(present *bool, f func() error) func() error {
	return func() error {
		*present = true
		return f()
	}
}

// Missing warns that the platform always writes a member that is not there.
func (r *Reader) Missing(place, member string) {
	r.Warn.Add(evidence.BreaksFormat, place, "no member %q, which the platform always writes", member)
}

// Count returns a function that reads a whole number of 0 or more into n; null is 0.
func (r *Reader) Count(n *int64) func() error {
	read := r.IntoInt(n)
	return func() error {
		if err := read(); err != nil {
			return err
		}
		if *n < 0 {
			return r.Errorf("want 0 or more, found %d", *n)
		}
		return nil
	}
}

// Scalar returns a function that reads a string, number, true or false into s as text; null is "".
func (r *Reader) Scalar(s *string) func() error {
	return func() (err error) {
		if k := r.Kind(); k != 't' && k != 'f' {
			*s, err = r.Word()
			return err
		}
		yes, err := r.Bool()
		*s = strconv.FormatBool(yes)
		return err
	}
}

// layouts are the notations of times; the last one is ServiceNow's, which is always UTC.
var layouts = []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999-0700", time.DateTime}

// Time returns a time as RFC 3339 in UTC with whole seconds. "" stays "". What is no time becomes "" with a warning that
// names what.
func (r *Reader) Time(text, what string) string {
	if text == "" {
		return ""
	}
	for _, layout := range layouts {
		if t, err := time.Parse(layout, text); err == nil && t.UTC().Year() > 0 && t.UTC().Year() < 10_000 {
			return t.UTC().Format(time.RFC3339)
		}
	}
	r.Warn.Add(evidence.BreaksFormat, what, "%q is no time", evidence.Cut(text))
	return ""
}

// Status returns what words make of a word of the platform. Any other word is "unknown", with a warning that names what.
func (r *Reader) Status(words map[string]string, text, what string) string {
	if s, ok := words[text]; ok {
		return s
	}
	r.Warn.Add(evidence.UnknownStatus, what, "%q is no word of the platform's", evidence.Cut(text))
	return "unknown"
}

// Incomplete warns that entries are missing.
func (r *Reader) Incomplete(place, format string, args ...any) {
	r.Warn.Add(evidence.Incomplete, place, format, args...)
}

// Empty warns that there is no entry.
func (r *Reader) Empty(what string) {
	r.Warn.Add(evidence.NothingMeasured, "", "the list of %s is empty: it proves nothing", what)
}

// FullPage warns when a list has exactly as many entries as one page of the platform, for then there are probably more,
// and reports whether it did.
func (r *Reader) FullPage(n int, what string, sizes ...int) bool {
	if !slices.Contains(sizes, n) {
		return false
	}
	r.Incomplete("", "%d %s, exactly one page: there are probably more; collect all pages", n, what)
	return true
}

// Tail returns the last part of an address, such as the number of a pull request.
func Tail(address string) string {
	return address[strings.LastIndexByte(address, '/')+1:]
}

// Login returns a login as it is compared: without surrounding space, in lower case.
func Login(s string) string { return strings.ToLower(strings.TrimSpace(s)) }
