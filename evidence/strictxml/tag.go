package strictxml

import (
	"bytes"
	"encoding/binary"
	"math/bits"

	"cdgate.dev/cdgate/evidence"
)

// class of a byte in a tag.
const (
	nameStart = 1 << iota
	nameByte
	spaceByte
	// specialByte ends the plain part of an attribute value.
	specialByte
	// colonByte parts the prefix of a name from the rest.
	colonByte
)

// classes tells which bytes may start a name, be in one, or be white space. Bytes above ASCII are allowed in names; UTF-8
// was checked before.
var classes = func() (t [256]byte) {
	for c := 0; c < 256; c++ {
		switch {
		case c == ':':
			t[c] = nameStart | nameByte | colonByte
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '_', c >= 0x80:
			t[c] = nameStart | nameByte
		case c >= '0' && c <= '9', c == '-', c == '.':
			t[c] = nameByte
		case c == ' ':
			t[c] = spaceByte
		case c == '\t', c == '\n', c == '\r':
			t[c] = spaceByte | specialByte
		case c == '&', c == '<', c == '"', c == '\'':
			t[c] = specialByte
		}
	}
	return t
}()

func isName(b []byte) bool {
	if len(b) == 0 || classes[b[0]]&nameStart == 0 {
		return false
	}
	for _, c := range b {
		if classes[c]&nameByte == 0 {
			return false
		}
	}
	return true
}

// nameEnd returns where the name at the beginning of b ends, and whether there is a colon in it.
func nameEnd(b []byte) (int, bool) {
	var seen byte
	for i, c := range b {
		class := classes[c]
		if class&nameByte == 0 {
			return i, seen&colonByte != 0
		}
		seen |= class
	}
	return len(b), seen&colonByte != 0
}

// plainEnd returns where the plain part of an attribute value ends: at a quote, "&", "<", white space but the space, or the
// end of b. It looks at 32 bytes at a time, without a branch for each: most values are shorter, and none has the length of
// the one before.
func plainEnd(b []byte) int {
	i := 0
	for ; i+32 <= len(b); i += 32 {
		p := (*[32]byte)(b[i : i+32])
		m := special(binary.LittleEndian.Uint64(p[0:8])) | special(binary.LittleEndian.Uint64(p[8:16]))<<8 |
			special(binary.LittleEndian.Uint64(p[16:24]))<<16 | special(binary.LittleEndian.Uint64(p[24:32]))<<24
		for ; m != 0; m &= m - 1 {
			if k := i + bits.TrailingZeros64(m); classes[b[k]]&specialByte != 0 {
				return k
			}
		}
	}
	for i < len(b) && classes[b[i]]&specialByte == 0 {
		i++
	}
	return i
}

// special returns a bit for each of the eight bytes of x, from the lowest: set for those that end the plain part of a value,
// and perhaps for bytes behind one of them. The quotes and "&" differ in the two bits of fold alone, as "#" does, which is
// set too.
func special(x uint64) uint64 {
	const (
		ones, high = 0x0101010101010101, 0x8080808080808080
		low        = 0x20 * ones
		fold       = 0x05 * ones
		quote      = '"' * ones
		less       = '<' * ones
		gather     = 0x0102040810204080
	)
	q, l := x&^fold^quote, x^less
	m := ((x-low)&^x | (q-ones)&^q | (l-ones)&^l) & high
	return m >> 7 * gather >> 56
}

// parseStart parses a start tag. It changes the reader only when the tag is complete.
func (r *Reader) parseStart(b []byte) (Event, int, error) {
	if classes[b[1]]&nameStart == 0 {
		return None, 0, r.Errorf("\"<\" that starts no tag")
	}
	n, colon := nameEnd(b[1:])
	r.prefixed = colon
	i := 1 + n
	name := b[1:i]
	r.attrs = r.attrs[:0]
	r.values = r.values[:0]
	r.alike = true
	selfClosed := false
	for {
		if n := r.likeShape(b[i:]); n > 0 {
			i += n
			continue
		}
		space := i
		for i < len(b) && classes[b[i]]&spaceByte != 0 {
			i++
		}
		if i >= len(b) {
			return None, 0, errShort
		}
		if b[i] == '>' {
			i++
			break
		}
		if b[i] == '/' {
			if i+1 >= len(b) {
				return None, 0, errShort
			}
			if b[i+1] != '>' {
				return None, 0, r.Errorf("\"/\" inside <%s>", shown(name))
			}
			selfClosed = true
			i += 2
			break
		}
		if space == i {
			return None, 0, r.Errorf("attributes of <%s> that are not separated by white space", shown(name))
		}
		r.alike = false
		n, err := r.parseAttr(name, b[i:])
		if err != nil {
			return None, 0, err
		}
		i += n
	}
	if !r.alike && !r.prefixed && len(r.attrs) > 2 {
		r.shape.learn(r.attrs)
	}
	return Start, i, r.open(name, selfClosed)
}

// parseAttr parses one attribute of the element name and returns its length.
func (r *Reader) parseAttr(element, b []byte) (int, error) {
	i, colon := nameEnd(b)
	name := b[:i]
	r.prefixed = r.prefixed || colon || string(name) == "xmlns"
	for i < len(b) && classes[b[i]]&spaceByte != 0 {
		i++
	}
	if i >= len(b) {
		return 0, errShort
	}
	if len(name) == 0 || classes[name[0]]&nameStart == 0 || b[i] != '=' {
		return 0, r.Errorf("a broken attribute in <%s>", shown(element))
	}
	i++
	for i < len(b) && classes[b[i]]&spaceByte != 0 {
		i++
	}
	if i >= len(b) {
		return 0, errShort
	}
	quote := b[i]
	if quote != '"' && quote != '\'' {
		return 0, r.Errorf("attribute %s of <%s> has no quotes", shown(name), shown(element))
	}
	i++
	end := i + plainEnd(b[i:])
	if end == len(b) {
		return 0, errShort
	}
	value := b[i:end]
	if b[end] != quote {
		more := bytes.IndexByte(b[end:], quote)
		if more < 0 {
			return 0, errShort
		}
		end += more
		var err error
		if value, err = r.attrValue(b[i:end]); err != nil {
			return 0, r.Errorf("attribute %s of <%s>: %s", shown(name), shown(element), err)
		}
	}
	for k := range r.attrs {
		if bytes.Equal(r.attrs[k].Name, name) {
			return 0, r.Errorf("<%s> has attribute %s twice", shown(element), shown(name))
		}
	}
	if len(r.attrs) >= evidence.MaxAttributes {
		return 0, r.Errorf("<%s> has more than %d attributes", shown(element), evidence.MaxAttributes)
	}
	r.attrs = append(r.attrs, Attr{Name: name, Value: value})
	return end + 1, nil
}

// attrValue decodes an attribute value with references, white space or quotes of the other sort.
func (r *Reader) attrValue(b []byte) ([]byte, error) {
	if bytes.IndexByte(b, '<') >= 0 {
		return nil, errLess
	}
	from := len(r.values)
	out, err := appendDecoded(r.values, b, bytes.IndexByte(b, '&'), true)
	if err != nil {
		return nil, err
	}
	r.values = out
	return out[from:len(out):len(out)], nil
}

type constError string

func (e constError) Error() string { return string(e) }

const errLess = constError("\"<\" in its value")

// open pushes an element whose tag was parsed.
func (r *Reader) open(name []byte, selfClosed bool) error {
	r.started = true
	if len(r.stack) == 0 {
		if r.rootSeen {
			return r.Errorf("a second root element <%s>: two reports in one file?", shown(name))
		}
		r.rootSeen = true
	}
	if len(r.stack) >= evidence.MaxDepth {
		return r.Errorf("more than %d elements inside one another", evidence.MaxDepth)
	}
	if r.elements++; r.elements > evidence.MaxElements {
		return r.Errorf("more than %d elements", evidence.MaxElements)
	}
	if len(name) > evidence.MaxName {
		return r.Errorf("an element name of %d bytes", len(name))
	}
	local := len(r.names)
	if r.prefixed {
		local += bytes.IndexByte(name, ':') + 1
	}
	r.stack = append(r.stack, frame{len(r.names), local, len(r.spaces)})
	r.names = append(r.names, name...)
	r.selfClosed = selfClosed
	if !r.prefixed {
		return nil
	}
	return r.bind(name)
}

// bind takes up namespace declarations and checks that every prefix has one.
func (r *Reader) bind(name []byte) error {
	for _, a := range r.attrs {
		if string(a.Name) == "xmlns" {
			r.spaces = append(r.spaces, binding{"", string(a.Value)})
		} else if bytes.HasPrefix(a.Name, []byte("xmlns:")) {
			r.spaces = append(r.spaces, binding{string(a.Name[len("xmlns:"):]), string(a.Value)})
		}
	}
	check := func(n []byte) error {
		i := bytes.IndexByte(n, ':')
		if i < 0 || bytes.HasPrefix(n, []byte("xmlns:")) {
			return nil
		}
		if _, ok := r.lookup(n[:i]); !ok || i == 0 || i == len(n)-1 || bytes.IndexByte(n[i+1:], ':') >= 0 {
			return r.Errorf("%s uses a namespace prefix that is not declared", shown(n))
		}
		return nil
	}
	if err := check(name); err != nil {
		return err
	}
	for _, a := range r.attrs {
		if err := check(a.Name); err != nil {
			return err
		}
	}
	return nil
}
