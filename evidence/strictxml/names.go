package strictxml

import (
	"bytes"
	"strings"
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
