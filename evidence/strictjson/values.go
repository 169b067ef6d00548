package strictjson

import (
	"bytes"
	"math"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"cdgate.dev/cdgate/evidence"
)

// bytes reads a string without keeping it.
func (r *Reader) bytes() ([]byte, error) {
	if k := r.dec.PeekKind(); k != '"' && k != 0 {
		return nil, r.Errorf("want a string, found %s", kindWord(k))
	}
	v, err := r.dec.ReadValue()
	if err != nil {
		return nil, r.wrap(err)
	}
	if s := v[1 : len(v)-1]; bytes.IndexByte(s, '\\') < 0 {
		return s, nil
	}
	if r.text, err = jsontext.AppendUnquote(r.text[:0], v); err != nil {
		return nil, r.wrap(err)
	}
	return r.text, nil
}

// String reads a string.
func (r *Reader) String() (string, error) {
	b, err := r.bytes()
	return string(b), err
}

// StringOrNull reads a string; null is "".
func (r *Reader) StringOrNull() (string, error) {
	if null, err := r.Null(); null || err != nil {
		return "", err
	}
	return r.String()
}

// Message reads a string of which only evidence.MaxMessage bytes are kept; null is "".
func (r *Reader) Message() (string, error) {
	if null, err := r.Null(); null || err != nil {
		return "", err
	}
	b, err := r.bytes()
	if err != nil || len(b) <= evidence.MaxMessage {
		return string(b), err
	}
	return evidence.Cut(string(b[:min(len(b), evidence.MaxMessage+4)])), nil
}

// Strings reads an array of strings, or null, with at most evidence.MaxList entries.
func (r *Reader) Strings() ([]string, error) {
	var out []string
	size := 0
	err := r.ArrayOrNull(func() error {
		s, err := r.String()
		if err == nil && len(out) >= evidence.MaxList {
			err = r.Errorf("more than %d texts in one list", evidence.MaxList)
		}
		if size += len(s); err == nil && size > evidence.MaxToken {
			err = r.Errorf("a list of texts of more than %d bytes together", evidence.MaxToken)
		}
		out = append(out, s)
		return err
	})
	return out, err
}

// Bool reads true or false.
func (r *Reader) Bool() (bool, error) {
	k := r.dec.PeekKind()
	if k != 't' && k != 'f' && k != 0 {
		return false, r.Errorf("want true or false, found %s", kindWord(k))
	}
	_, err := r.dec.ReadToken()
	return k == 't', r.wrap(err)
}

// Int reads a whole number.
func (r *Reader) Int() (int64, error) {
	b, err := r.number()
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(string(b), 10, 64)
	if err != nil {
		// 3.0 and 3e2 are whole numbers too.
		f, ferr := strconv.ParseFloat(string(b), 64)
		if ferr != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
			return 0, r.Errorf("want a whole number, found %s", clip(b))
		}
		n = int64(f)
	}
	return n, nil
}

// Float reads a number.
func (r *Reader) Float() (float64, error) {
	b, err := r.number()
	if err != nil {
		return 0, err
	}
	f, err := strconv.ParseFloat(string(b), 64)
	if err != nil {
		return 0, r.Errorf("want a number, found %s", clip(b))
	}
	return f, nil
}

// NumberText reads a number as it is written, for readers that must not round it.
func (r *Reader) NumberText() (string, error) {
	b, err := r.number()
	return string(b), err
}

func (r *Reader) number() ([]byte, error) {
	if k := r.dec.PeekKind(); k != '0' && k != 0 {
		return nil, r.Errorf("want a number, found %s", kindWord(k))
	}
	v, err := r.dec.ReadValue()
	if err != nil {
		return nil, r.wrap(err)
	}
	return v, r.checkNumber(v)
}

// checkNumber refuses numbers that no double can hold: readers would disagree about them.
func (r *Reader) checkNumber(v []byte) error {
	if len(v) < 300 && !bytes.ContainsAny(v, "eE") {
		return nil
	}
	if f, err := strconv.ParseFloat(string(v), 64); err != nil || math.IsInf(f, 0) {
		return r.Errorf("the number %s is out of range", clip(v))
	}
	return nil
}

// Skip passes over the next value, whatever it is, as strictly as if it were read.
func (r *Reader) Skip() error {
	depth, before := r.dec.StackDepth(), r.dec.InputOffset()
	for {
		token, err := r.dec.ReadToken()
		if err != nil {
			return r.wrap(err)
		}
		offset := r.dec.InputOffset()
		length := offset - before
		before = offset
		now := r.dec.StackDepth()
		switch token.Kind() {
		case '{', '[':
			if now > evidence.MaxDepth {
				return r.Errorf("more than %d values inside one another", evidence.MaxDepth)
			}
		case '0':
			// A number of up to four characters is always in range: it takes 1e309 not to be.
			if length <= 4 {
				break
			}
			if _, err := token.Float(); err != nil {
				return r.Errorf("the number %s is out of range", clip([]byte(token.String())))
			}
		}
		if now == depth {
			return nil
		}
	}
}

func clip(b []byte) string {
	if len(b) > 40 {
		return string(b[:40]) + "…"
	}
	return string(b)
}

func kindWord(k jsontext.Kind) string {
	switch k {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a string"
	case '0':
		return "a number"
	case 't', 'f':
		return "true or false"
	case 'n':
		return "null"
	}
	return "something else"
}
