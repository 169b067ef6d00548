package strictxml

import (
	"bytes"
	"strings"

	"cdgate.dev/cdgate/evidence"
)

// Names are the element names of a format that carry meaning. An element that has one of them in the wrong case or in
// another namespace than the root is refused: some readers would see it and others would not.
type Names struct {
	known  map[string]bool
	folded map[string]string
	space  string
}

// NewNames returns the set of these names.
func NewNames(names ...string) *Names {
	n := &Names{known: map[string]bool{}, folded: map[string]string{}}
	for _, name := range names {
		n.known[name] = true
		n.folded[strings.ToLower(name)] = name
	}
	return n
}

// Known reports whether the current element of r is one of the names, and refuses one that only looks like it. At the
// root it learns the namespace of the report.
func (n *Names) Known(r *Reader) (bool, error) {
	if r.Depth() == 1 {
		n.space = strings.Clone(r.Space())
	}
	local := r.Local()
	if n.known[string(local)] {
		if r.Depth() > 1 && len(local) != len(r.Name()) || r.Space() != n.space {
			return false, r.Errorf("<%s> is in another namespace than the report: readers would disagree about it", r.Name())
		}
		return true, nil
	}
	var buf [64]byte
	if right, ok := n.folded[string(lower(buf[:0], local))]; ok {
		return false, r.Errorf("<%s> is in the wrong case, the format has <%s>", r.Name(), right)
	}
	return false, nil
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
			return evidence.Cut(strings.TrimSpace(strings.ToValidUTF8(string(text), ""))), nil
		case ev == Text && len(text) < 2*evidence.MaxMessage:
			t := r.Text()
			if len(text) == 0 {
				t = bytes.TrimLeft(t, " \t\r\n")
			}
			text = append(text, t[:min(len(t), 2*evidence.MaxMessage)]...)
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
