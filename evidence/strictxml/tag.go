package strictxml

import (
	"bytes"

	"cdgate.dev/cdgate/evidence"
)

// class of a byte in a tag.
const (
	nameStart = 1 << iota
	nameByte
	spaceByte
	// specialByte ends the plain part of an attribute value.
	specialByte
)

// classes tells which bytes may start a name, be in one, or be white space. Bytes above ASCII are allowed in names; UTF-8
// was checked before.
var classes = func() (t [256]byte) {
	for c := 0; c < 256; c++ {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '_', c == ':', c >= 0x80:
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

// parseStart parses a start tag. It changes the reader only when the tag is complete.
func (r *Reader) parseStart(b []byte) (Event, int, error) {
	i := 1
	if classes[b[1]]&nameStart == 0 {
		return None, 0, r.Errorf("\"<\" that starts no tag")
	}
	r.prefixed = false
	for i < len(b) && classes[b[i]]&nameByte != 0 {
		r.prefixed = r.prefixed || b[i] == ':'
		i++
	}
	name := b[1:i]
	r.attrs = r.attrs[:0]
	r.values = r.values[:0]
	selfClosed := false
	for {
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
		n, err := r.parseAttr(name, b[i:])
		if err != nil {
			return None, 0, err
		}
		i += n
	}
	return Start, i, r.open(name, selfClosed)
}

// parseAttr parses one attribute of the element name and returns its length.
func (r *Reader) parseAttr(element, b []byte) (int, error) {
	i := 0
	for i < len(b) && classes[b[i]]&nameByte != 0 {
		r.prefixed = r.prefixed || b[i] == ':'
		i++
	}
	name := b[:i]
	r.prefixed = r.prefixed || string(name) == "xmlns"
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
	end := i
	for end < len(b) && classes[b[end]]&specialByte == 0 {
		end++
	}
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
	r.stack = append(r.stack, frame{len(r.names), len(r.spaces)})
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
