package strictxml

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/bits"
	"strconv"
	"unicode/utf8"
)

// readText returns a piece of character data.
func (r *Reader) readText() (Event, error) {
	r.started = true
	b := r.buf[r.pos:r.end]
	blank := 0
	for blank < len(b) && classes[b[blank]]&spaceByte != 0 {
		blank++
	}
	if blank < len(b) && b[blank] == '<' && len(r.stack) > 0 {
		// Nothing but white space, as between most elements.
		r.text, r.blank = b[:blank], true
		r.pos += blank
		return Text, nil
	}
	n := bytes.IndexByte(b, '<')
	atEnd := n < 0
	if atEnd {
		n = len(b)
	}
	amp := bytes.IndexByte(b[:n], '&')
	if amp >= 0 && atEnd {
		// A reference may go on in the next piece.
		if last := bytes.LastIndexByte(b, '&'); bytes.IndexByte(b[last:], ';') < 0 {
			if last == 0 {
				return r.completeReference()
			}
			n = last
			if n <= amp {
				amp = -1
			}
		}
	}
	text := b[:n]
	if amp >= 0 {
		var err error
		if r.values, err = appendDecoded(r.values[:0], text, amp, false); err != nil {
			return None, r.Errorf("%s", err)
		}
		text = r.values
	}
	if len(r.stack) == 0 && len(bytes.TrimLeft(text, " \t\r\n")) > 0 {
		return None, r.Errorf("text outside of the root element: %q", shown(text))
	}
	r.pos += n
	if len(r.stack) == 0 {
		return None, nil
	}
	r.text = text
	return Text, nil
}

// completeReference reads on until the reference at the read position has its end.
func (r *Reader) completeReference() (Event, error) {
	if r.end-r.pos > maxReference {
		return None, r.Errorf("\"&\" that starts no entity")
	}
	if err := r.fill(); err == io.EOF {
		return None, r.Errorf("the report ends inside an entity: it was cut off")
	} else if err != nil {
		return None, err
	}
	return None, nil
}

// maxReference is more than the longest character reference.
const maxReference = 16

// readCDATA returns a piece of a CDATA section, or None at its end.
func (r *Reader) readCDATA() (Event, error) {
	b := r.buf[r.pos:r.end]
	switch i := bytes.Index(b, []byte("]]>")); {
	case i == 0:
		r.cdata = false
		r.pos += 3
		return None, nil
	case i > 0:
		r.text = b[:i]
		r.pos += i
		return Text, nil
	case len(b) > 2:
		r.text = b[:len(b)-2]
		r.pos += len(b) - 2
		return Text, nil
	}
	if err := r.fill(); err == io.EOF {
		return r.finish()
	} else if err != nil {
		return None, err
	}
	return None, nil
}

// appendDecoded appends text with its references replaced; first is where the first one starts. In attribute values
// white space becomes a space (XML 1.0, 3.3.3).
func appendDecoded(dst, text []byte, first int, attr bool) ([]byte, error) {
	for first >= 0 {
		dst = appendSpaced(dst, text[:first], attr)
		text = text[first:]
		end := bytes.IndexByte(text[:min(len(text), maxReference)], ';')
		if end < 0 {
			return nil, fmt.Errorf("\"&\" that starts no entity")
		}
		r, err := reference(text[1:end])
		if err != nil {
			return nil, err
		}
		dst = utf8.AppendRune(dst, r)
		text = text[end+1:]
		first = bytes.IndexByte(text, '&')
	}
	return appendSpaced(dst, text, attr), nil
}

func appendSpaced(dst, text []byte, attr bool) []byte {
	from := len(dst)
	dst = append(dst, text...)
	if attr {
		for i := from; i < len(dst); i++ {
			if dst[i] == '\n' || dst[i] == '\t' || dst[i] == '\r' {
				dst[i] = ' '
			}
		}
	}
	return dst
}

// reference returns the character that a reference stands for.
func reference(name []byte) (rune, error) {
	switch string(name) {
	case "lt":
		return '<', nil
	case "gt":
		return '>', nil
	case "amp":
		return '&', nil
	case "quot":
		return '"', nil
	case "apos":
		return '\'', nil
	}
	if len(name) < 2 || name[0] != '#' {
		return 0, fmt.Errorf("entity &%s; is not one of XML's own", shown(name))
	}
	digits, base := name[1:], 10
	if digits[0] == 'x' {
		digits, base = digits[1:], 16
	}
	n, err := strconv.ParseUint(string(digits), base, 32)
	if err != nil || !isChar(rune(n)) || n > utf8.MaxRune {
		return 0, fmt.Errorf("&%s; is no character of XML", shown(name))
	}
	return rune(n), nil
}

// isChar is production Char of XML 1.0; NUL and other control characters are none.
func isChar(r rune) bool {
	return r == '\t' || r == '\n' || r == '\r' || r >= ' ' && r <= 0xD7FF || r >= 0xE000 && r <= 0xFFFD || r >= 0x10000
}

// fill reads more, keeping buf[pos:end]. It returns io.EOF when there is no more.
func (r *Reader) fill() error {
	if r.srcErr != nil {
		return r.srcErr
	}
	if r.pos > 0 {
		r.lines += bytes.Count(r.buf[r.counted:r.pos], []byte{'\n'})
		r.counted = 0
		copy(r.buf, r.buf[r.pos:r.raw])
		r.end -= r.pos
		r.raw -= r.pos
		r.pos = 0
	}
	if r.raw == len(r.buf) {
		r.buf = append(r.buf, make([]byte, len(r.buf))...)
	}
	for range 100 {
		n, err := r.src.Read(r.buf[r.raw:])
		r.raw += n
		if err != nil && err != io.EOF {
			r.srcErr = fmt.Errorf("%s: %w", r.Place(), err)
			return r.srcErr
		}
		before := r.end
		if cerr := r.check(err == io.EOF); cerr != nil {
			r.srcErr = cerr
			return cerr
		}
		if err == io.EOF {
			r.srcErr = io.EOF
			if r.end == before {
				return io.EOF
			}
			return nil
		}
		if r.end > before {
			return nil
		}
	}
	r.srcErr = io.ErrNoProgress
	return r.srcErr
}

// check moves end over what was read and is valid: whole UTF-8 characters, no control characters.
func (r *Reader) check(last bool) error {
	fresh := r.buf[r.end:r.raw]
	n := len(fresh)
	if !last {
		for k := 1; k <= min(utf8.UTFMax-1, n); k++ {
			if utf8.RuneStart(fresh[n-k]) {
				if !utf8.FullRune(fresh[n-k:]) {
					n -= k
				}
				break
			}
		}
	}
	if !utf8.Valid(fresh[:n]) {
		i := 0
		for i < n {
			c, size := utf8.DecodeRune(fresh[i:n])
			if c == utf8.RuneError && size == 1 {
				break
			}
			i += size
		}
		return r.errorAt(r.end+i, "bytes that are no UTF-8 (the report must be UTF-8 or declare its encoding)")
	}
	if i := controlAt(fresh[:n]); i >= 0 {
		return r.errorAt(r.end+i, fmt.Sprintf("control character U+%04X, which XML does not allow", fresh[i]))
	}
	r.end += n
	return nil
}

func (r *Reader) errorAt(i int, msg string) error {
	return &Error{Line: 1 + r.lines + bytes.Count(r.buf[r.counted:i], []byte{'\n'}), Msg: msg}
}

// controlAt returns where the first control character other than tab, line feed and carriage return is, or -1. It looks
// at 32 bytes at a time.
func controlAt(b []byte) int {
	const low, high = 0x2020202020202020, 0x8080808080808080
	i := 0
	for ; i+32 <= len(b); i += 32 {
		p := (*[32]byte)(b[i : i+32])
		x0, x1 := binary.LittleEndian.Uint64(p[0:8]), binary.LittleEndian.Uint64(p[8:16])
		x2, x3 := binary.LittleEndian.Uint64(p[16:24]), binary.LittleEndian.Uint64(p[24:32])
		m0, m1, m2, m3 := (x0-low)&^x0&high, (x1-low)&^x1&high, (x2-low)&^x2&high, (x3-low)&^x3&high
		if m0|m1|m2|m3 == 0 {
			continue
		}
		// A mask has the high bit of the first control character, and perhaps of bytes behind it.
		for k, m := range [4]uint64{m0, m1, m2, m3} {
			for ; m != 0; m &= m - 1 {
				if at := i + 8*k + bits.TrailingZeros64(m)/8; isControl(b[at]) {
					return at
				}
			}
		}
	}
	for ; i < len(b); i++ {
		if isControl(b[i]) {
			return i
		}
	}
	return -1
}

func isControl(c byte) bool { return c < ' ' && c != '\t' && c != '\n' && c != '\r' }

// shown shortens foreign bytes for an error message.
func shown(b []byte) []byte {
	if len(b) > 40 {
		b = b[:40]
		for len(b) > 0 && !utf8.Valid(b) {
			b = b[:len(b)-1]
		}
	}
	return b
}
