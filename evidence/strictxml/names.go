package strictxml

import (
	"bytes"
	"fmt"
	"strings"

	"cdgate.dev/cdgate/evidence"
)

// Names are the element names of a format that carry meaning. An element that has one of them in the wrong case or in
// another namespace than the root is refused: some readers would see it and others would not. So is one with a slip in it,
// as evidence.Misspelt says.
type Names struct {
	known  map[string]bool
	folded map[string]string
	// passed remembers unknown names that are no variant of a known one.
	passed map[string]struct{}
	// last is the unknown name that was passed last, lastKnown the known one: most elements and attributes come many times.
	last, lastKnown string
	beside          *Names
	attrs           *Names
	space           string
}

// maxPassed bounds the memory for remembered names.
const maxPassed = 256

// shortest is the length of a name from which a slip in it is taken for one. The vocabularies of reports in XML are small.
const shortest = 4

// NewNames returns the set of these names.
func NewNames(names ...string) *Names {
	n := &Names{known: map[string]bool{}, folded: map[string]string{}, passed: map[string]struct{}{}}
	for _, name := range names {
		n.known[name] = true
		n.folded[strings.ToLower(name)] = name
	}
	return n
}

// Beside adds names of elements that are read where they stand, but may stand anywhere: only what looks like one of them is
// refused.
func (n *Names) Beside(names ...string) *Names {
	n.beside = NewNames(names...)
	return n
}

// Attributes adds the names of the attributes that carry meaning, of whichever element. Known refuses an attribute that only
// looks like one of them.
func (n *Names) Attributes(names ...string) *Names {
	n.attrs = NewNames(names...)
	return n
}

// other refuses a name that only looks like one of n.
func (n *Names) other(r *Reader, what string, name []byte) error {
	if string(name) == n.last {
		return nil
	}
	if _, ok := n.passed[string(name)]; ok {
		n.last = string(name)
		return nil
	}
	var buf [64]byte
	folded := string(lower(buf[:0], name))
	if right, ok := n.folded[folded]; ok && right == string(name) {
		return nil
	} else if ok {
		return r.Errorf("%s is in the wrong case, the format has %s", fmt.Sprintf(what, shown(name)), fmt.Sprintf(what, right))
	}
	for low, right := range n.folded {
		if evidence.Misspelt(folded, low, shortest) {
			return r.Errorf("%s is misspelt, the format has %s", fmt.Sprintf(what, shown(name)), fmt.Sprintf(what, right))
		}
	}
	if len(n.passed) < maxPassed && len(name) <= 64 {
		n.passed[string(name)] = struct{}{}
	}
	return nil
}

// OtherAttribute refuses an attribute that is none of those of n, but looks like one. It is for readers that look at every
// attribute themselves.
func (n *Names) OtherAttribute(r *Reader, name []byte) error { return n.other(r, "attribute %s", name) }

// Known reports whether the current element of r is one of the names, and refuses one that only looks like it, and
// attributes that only look like theirs. At the root it learns the namespace of the report.
func (n *Names) Known(r *Reader) (bool, error) {
	if r.Depth() == 1 {
		n.space = strings.Clone(r.Space())
	}
	if n.attrs != nil {
		for i := range r.attrs {
			if name := r.attrs[i].Name; !n.attrs.known[string(name)] {
				if err := n.attrs.OtherAttribute(r, name); err != nil {
					return false, err
				}
			}
		}
	}
	local := r.Local()
	if string(local) == n.lastKnown || n.known[string(local)] {
		if string(local) != n.lastKnown {
			n.lastKnown = string(local)
		}
		if r.Depth() > 1 && len(local) != len(r.Name()) || (len(r.spaces) > 0 || n.space != "") && r.Space() != n.space {
			return false, r.Errorf("<%s> is in another namespace than the report: readers would disagree about it", r.Name())
		}
		return true, nil
	}
	if n.beside != nil && !n.beside.known[string(local)] {
		if err := n.beside.other(r, "<%s>", local); err != nil {
			return false, err
		}
	}
	return false, n.other(r, "<%s>", local)
}

// SkipOther reads to the end of the current element, in which none of the names may stand.
func (n *Names) SkipOther(r *Reader) error {
	depth := r.Depth()
	outer := string(r.Name())
	for {
		ev, err := r.Next()
		switch {
		case err != nil:
			return err
		case ev == End && r.Depth() == depth:
			return nil
		case ev == Start:
			known, err := n.Known(r)
			if err != nil {
				return err
			}
			if known {
				return r.Errorf("<%s> inside <%s>, where the format has none", r.Name(), outer)
			}
		}
	}
}

// lower appends name in lower case; what is not ASCII is left to bytes.ToLower.
func lower(dst, name []byte) []byte {
	for _, c := range name {
		if c >= 0x80 {
			return bytes.ToLower(name)
		}
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst
}

// Children reads the current element to its end and calls child at the start of each element in it. What child leaves
// unread is passed over, with the strictness of SkipOther.
func (n *Names) Children(r *Reader, child func(name []byte) error) error {
	depth := r.Depth()
	for {
		ev, err := r.Next()
		switch {
		case err != nil:
			return err
		case ev == End && r.Depth() == depth:
			return nil
		case ev != Start:
			continue
		}
		if _, err := n.Known(r); err != nil {
			return err
		}
		if err := child(r.Name()); err != nil {
			return err
		}
		if r.Depth() == depth+1 && !r.pop {
			if err := n.SkipOther(r); err != nil {
				return err
			}
		}
	}
}

// messageBytes is how much of a text for people is looked at, after the white space before it.
const messageBytes = 2 * evidence.MaxMessage

// AppendMessage adds a piece of text for people to dst, of which only the beginning is kept: the same bytes, however the text
// is cut into pieces.
func AppendMessage(dst, piece []byte) []byte {
	if len(dst) == 0 {
		piece = bytes.TrimLeft(piece, " \t\r\n")
	}
	return append(dst, piece[:min(len(piece), messageBytes-len(dst))]...)
}

// Message is what AppendMessage gathered, for people.
func Message(text []byte) string {
	return evidence.Cut(strings.TrimSpace(strings.ToValidUTF8(string(text), "")))
}

// Text reads the current element to its end and returns the beginning of its text, for people.
func (n *Names) Text(r *Reader) (string, error) {
	var text []byte
	depth := r.Depth()
	for {
		ev, err := r.Next()
		switch {
		case err != nil:
			return "", err
		case ev == End && r.Depth() == depth:
			return Message(text), nil
		case ev == Text:
			text = AppendMessage(text, r.Text())
		case ev == Start:
			if known, err := n.Known(r); err != nil {
				return "", err
			} else if known {
				return "", r.Errorf("<%s> inside text, where the format has none", r.Name())
			}
		}
	}
}

// Root reads up to the root element and checks its name.
func (n *Names) Root(r *Reader, names ...string) error {
	for {
		ev, err := r.Next()
		if err != nil {
			return err
		}
		if ev != Start {
			continue
		}
		if _, err := n.Known(r); err != nil {
			return err
		}
		for _, name := range names {
			if string(r.Name()) == name {
				return nil
			}
		}
		return r.Errorf("root element <%s>, want <%s>", r.Name(), strings.Join(names, "> or <"))
	}
}

// Finish reads what may follow the root element and checks that nothing else does.
func (n *Names) Finish(r *Reader) error {
	for {
		ev, err := r.Next()
		if err != nil || ev == EOF {
			return err
		}
	}
}
