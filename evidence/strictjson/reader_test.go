package strictjson

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"cdgate.dev/cdgate/evidence"
)

// read reads {"a": string, "n": number, "l": [strings], "o": {…}} and skips the rest.
func read(in string) (string, error) {
	r := New(iotest.OneByteReader(strings.NewReader(in)))
	names := NewNames("a", "n", "l", "o", "kind")
	var b strings.Builder
	err := r.Object(func(name []byte) error {
		switch string(name) {
		case "a":
			s, err := r.StringOrNull()
			fmt.Fprintf(&b, "a=%q ", s)
			return err
		case "n":
			n, err := r.Int()
			fmt.Fprintf(&b, "n=%d ", n)
			return err
		case "l":
			l, err := r.Strings()
			fmt.Fprintf(&b, "l=%q ", l)
			return err
		case "o":
			return r.ObjectOrNull(func(name []byte) error {
				fmt.Fprintf(&b, "o.%s ", name)
				return r.Skip()
			})
		}
		return r.Other(names, name)
	})
	if err == nil {
		err = r.End()
	}
	return strings.TrimSpace(b.String()), err
}

func TestAccepted(t *testing.T) {
	for in, want := range map[string]string{
		`{}`:                                  ``,
		` {"a":"x\u0041\n","n":-3} `:          `a="xA\n" n=-3`,
		`{"\u0061":"x","a\n":1}`:              `a="x"`,
		`{"n":3.0,"l":["b","c"]}`:             `n=3 l=["b" "c"]`,
		`{"n":3e2,"l":null,"a":null}`:         `n=300 l=[] a=""`,
		`{"o":{"x":[1,{"y":2}],"z":1.5e300}}`: `o.x o.z`,
		`{"o":null,"other":[[[]]],"A1":1}`:    ``,
		`{"a":"\u0000é"}`:                     `a="\x00é"`,
	} {
		if got, err := read(in); err != nil || got != want {
			t.Errorf("%s: got %s (%v), want %s", in, got, err, want)
		}
	}
}

func TestRefused(t *testing.T) {
	deep := strings.Repeat("[", evidence.MaxDepth) + strings.Repeat("]", evidence.MaxDepth)
	for in, want := range map[string]string{
		``:                                       "cut off",
		`{"a":"x"`:                               "cut off",
		`{"a":`:                                  "cut off",
		`{"a":"x`:                                "cut off",
		`{"a":"x","a":"y"}`:                      "duplicate",
		`{"a":"x","\u0061":"y"}`:                 "duplicate",
		`{"o":{"b":1,"b":2}}`:                    "o.b",
		`{"x":[{"b":1,"b":2}]}`:                  "x[0].b",
		`{"A":"x"}`:                              `member "A" is in the wrong case`,
		`{"Kind":1}`:                             `the format has "kind"`,
		"{\"\u212Aind\":1}":                      `the format has "kind"`,
		`{"a":1}`:                                "want a string, found a number",
		`{"n":"1"}`:                              "want a number, found a string",
		`{"n":1.5}`:                              "whole number",
		`{"n":1e400}`:                            "out of range",
		`{"x":[1e400]}`:                          "out of range",
		`{"x":[-9e999]}`:                         "out of range",
		`{"x":` + strings.Repeat("9", 400) + `}`: "out of range",
		`{"n":99999999999999999999}`:             "whole number",
		`{"l":{}}`:                               "want an array, found an object",
		`{"l":[1]}`:                              "want a string",
		`{"o":[]}`:                               "want an object, found an array",
		`[]`:                                     "want an object",
		`{} {}`:                                  "second document",
		`{}x`:                                    "byte 2",
		`{"a":"` + "\xff" + `"}`:                 "UTF-8",
		`{"a":"\ud800"}`:                         "surrogate",
		`{"a":"x",}`:                             "byte 8",
		`{// c` + "\n}":                          "byte 1",
		"{\"a\":\"\x01\"}":                       "byte",
		"\x00{}":                                 "byte 0",
		`{"x":` + deep + `}`:                     "inside one another",
		`{"l":["` + strings.Repeat(`","`, evidence.MaxList) + `"]}`: "more than",
	} {
		_, err := read(in)
		var place *Error
		if err == nil || !strings.Contains(err.Error(), want) || !errors.As(err, &place) {
			t.Errorf("%.60s: error %v, want one with %q", in, err, want)
		}
	}
}

// endless is a string without end.
type endless struct{ n int }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	if e.n == 0 {
		p[0] = '"'
	}
	e.n += len(p)
	return len(p), nil
}

// TestTokenLimit: one text cannot fill the memory.
func TestTokenLimit(t *testing.T) {
	e := &endless{}
	if err := New(e).Skip(); err == nil || !strings.Contains(err.Error(), "more than") {
		t.Errorf("error %v", err)
	}
	if e.n > 3*evidence.MaxToken {
		t.Errorf("%d bytes were read", e.n)
	}
}

// TestMessage: of long texts only the beginning is kept, between two characters.
func TestMessage(t *testing.T) {
	r := New(strings.NewReader(`"` + strings.Repeat("é", 5000) + `"`))
	s, err := r.Message()
	if err != nil || len(s) > evidence.MaxMessage || !strings.HasSuffix(s, "é…") {
		t.Errorf("%d bytes, %v", len(s), err)
	}
}

// TestNameStays: a name is the same when the value after it was looked at, however little was read at once, and when objects
// inside were read.
func TestNameStays(t *testing.T) {
	const doc = `{"first": {"inner": "x", "an\u0061ther": [1]}, "second": 2}`
	for how, src := range map[string]io.Reader{"whole": strings.NewReader(doc), "bytes": iotest.OneByteReader(strings.NewReader(doc))} {
		r := New(src)
		var got []string
		var member func(name []byte) error
		member = func(name []byte) error {
			k, before := r.Kind(), string(name)
			var err error
			if k == '{' {
				err = r.Object(member)
			} else {
				err = r.Skip()
			}
			if before != string(name) {
				t.Errorf("%s: %q became %q", how, before, name)
			}
			got = append(got, before)
			return err
		}
		if err := r.Object(member); err != nil || strings.Join(got, " ") != "inner anather first second" {
			t.Errorf("%s: %v %v", how, got, err)
		}
	}
}
