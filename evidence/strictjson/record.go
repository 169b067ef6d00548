package strictjson

import "github.com/go-json-experiment/json/jsontext"

// Members says what to do with the members of an object: each function reads one value.
type Members map[string]func() error

// Record returns a function that reads an object, or null, member by member. Make it once and use it for every object of
// that kind.
func (r *Reader) Record(m Members) func() error {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	known := NewNames(names...)
	member := func(name []byte) error {
		if f, ok := m[string(name)]; ok {
			return f()
		}
		return r.Other(known, name)
	}
	return func() error { return r.ObjectOrNull(member) }
}

// List returns a function that reads an array, or null, entry by entry.
func (r *Reader) List(entry func() error) func() error {
	return func() error { return r.ArrayOrNull(entry) }
}

// Each returns a function that reads an object, or null, whose names are data: key gets each before value reads its
// value.
func (r *Reader) Each(key func(name string), value func() error) func() error {
	member := func(name []byte) error {
		key(string(name))
		return value()
	}
	return func() error { return r.ObjectOrNull(member) }
}

// Into returns a function that reads a string into s; null is "".
func (r *Reader) Into(s *string) func() error {
	return func() (err error) {
		*s, err = r.StringOrNull()
		return err
	}
}

// IntoMessage is Into for text for people, of which only the beginning is kept.
func (r *Reader) IntoMessage(s *string) func() error {
	return func() (err error) {
		*s, err = r.Message()
		return err
	}
}

// IntoInt returns a function that reads a whole number into n; null is 0.
func (r *Reader) IntoInt(n *int64) func() error {
	return func() (err error) {
		if null, err := r.Null(); null || err != nil {
			return err
		}
		*n, err = r.Int()
		return err
	}
}

// IntoBool returns a function that reads true or false into b; null is false.
func (r *Reader) IntoBool(b *bool) func() error {
	return func() (err error) {
		if null, err := r.Null(); null || err != nil {
			return err
		}
		*b, err = r.Bool()
		return err
	}
}

// IntoStrings returns a function that reads an array of strings into list.
func (r *Reader) IntoStrings(list *[]string) func() error {
	return func() (err error) {
		*list, err = r.Strings()
		return err
	}
}

// Word reads a string, or a number as it is written; null is "". Some tools write line numbers and codes either way.
func (r *Reader) Word() (string, error) {
	if r.Kind() == '0' {
		b, err := r.number()
		return string(b), err
	}
	return r.StringOrNull()
}

// IntoWord returns a function that reads a Word into s.
func (r *Reader) IntoWord(s *string) func() error {
	return func() (err error) {
		*s, err = r.Word()
		return err
	}
}

// OnlyIf returns a function that reads the next value with f if it is of kind k, and passes over any other.
func (r *Reader) OnlyIf(k jsontext.Kind, f func() error) func() error {
	return func() error {
		if r.Kind() != k {
			return r.Skip()
		}
		return f()
	}
}
