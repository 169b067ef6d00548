package strictjson

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// Closed is Record for the documents that cdgate itself writes: a member that m does not name, null, and a member that is
// missing and not optional are errors. Make it once and use it for every object of that kind; it must not nest in itself.
func (r *Reader) Closed(m Members, optional ...string) func() error {
	names := slices.Sorted(maps.Keys(m))
	seen := make(map[string]bool, len(m))
	member := func(name []byte) error {
		f, ok := m[string(name)]
		if !ok {
			return r.Errorf("unknown member %q; there are %s", clip(name), strings.Join(names, ", "))
		}
		seen[string(name)] = true
		if r.Kind() == 'n' {
			return r.Errorf("null; leave the member out, or give it a value")
		}
		return f()
	}
	return func() error {
		clear(seen)
		if err := r.Object(member); err != nil {
			return err
		}
		for _, name := range names {
			if !seen[name] && !slices.Contains(optional, name) {
				return r.Errorf("member %q is missing", name)
			}
		}
		return nil
	}
}

// Is returns a function that reads a string which must be want, such as the version of a document.
func (r *Reader) Is(want string) func() error {
	return func() error {
		s, err := r.String()
		if err == nil && s != want {
			err = r.Errorf("%q, want %q", clip([]byte(s)), want)
		}
		return err
	}
}

// IntoOneOf returns a function that reads a string into s, which must be one of words.
func (r *Reader) IntoOneOf(s *string, words ...string) func() error {
	return func() (err error) {
		if *s, err = r.String(); err == nil && !slices.Contains(words, *s) {
			err = r.Errorf("%q, want one of %s", clip([]byte(*s)), strings.Join(words, ", "))
		}
		return err
	}
}

// IntoTime returns a function that reads an RFC 3339 time with its zone into s, as UTC.
func (r *Reader) IntoTime(s *string) func() error {
	return func() error {
		v, err := r.String()
		if err != nil {
			return err
		}
		t, err := time.Parse(time.RFC3339, v)
		if err != nil {
			return r.Errorf("%q is no time; write one such as 2026-11-20T12:00:00Z", clip([]byte(v)))
		}
		*s = t.UTC().Format(time.RFC3339)
		return nil
	}
}

// IntoCount returns a function that reads a whole number of at least 0 into n.
func (r *Reader) IntoCount(n *int64) func() error {
	return func() (err error) {
		if *n, err = r.Int(); err == nil && *n < 0 {
			err = r.Errorf("%d, want a number of at least 0", *n)
		}
		return err
	}
}
