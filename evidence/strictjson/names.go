package strictjson

import (
	"unicode/utf8"

	"cdgate.dev/cdgate/evidence"
)

// Names are the member names of one kind of object. A member whose name differs from one of them only in case is an
// error: readers that ignore case would take it for the real one. So is one with a slip in it, as evidence.Misspelt says.
type Names struct {
	folded map[string]string
	// passed remembers unknown names that are no variant of a known one.
	passed map[string]struct{}
}

// maxPassed bounds the memory for remembered names.
const maxPassed = 256

// shortest is the length of a member's name from which a slip in it is taken for one.
const shortest = 5

// NewNames returns the set of these names.
func NewNames(names ...string) *Names {
	n := &Names{folded: make(map[string]string, len(names)), passed: map[string]struct{}{}}
	for _, name := range names {
		n.folded[string(fold(nil, []byte(name)))] = name
	}
	return n
}

// Other deals with a member that the caller does not read: it refuses a name in the wrong case or with a slip in it,
// and skips the value of any other.
func (r *Reader) Other(known *Names, name []byte) error {
	if _, ok := known.passed[string(name)]; ok {
		return r.Skip()
	}
	var buf [64]byte
	folded := string(fold(buf[:0], name))
	if right, ok := known.folded[folded]; ok && right != string(name) {
		return r.Errorf("member %q is in the wrong case, the format has %q", clip(name), right)
	}
	for lower, right := range known.folded {
		if evidence.Misspelt(folded, lower, shortest) {
			return r.Errorf("member %q is misspelt, the format has %q", clip(name), right)
		}
	}
	if len(known.passed) < maxPassed && len(name) <= 64 {
		known.passed[string(name)] = struct{}{}
	}
	return r.Skip()
}

// fold appends name in lower case; the two letters beyond ASCII that Unicode folds into ASCII ones are folded too.
func fold(dst, name []byte) []byte {
	for i := 0; i < len(name); {
		c := name[i]
		if c < utf8.RuneSelf {
			if c >= 'A' && c <= 'Z' {
				c += 'a' - 'A'
			}
			dst = append(dst, c)
			i++
			continue
		}
		r, size := utf8.DecodeRune(name[i:])
		switch r {
		case 'ſ':
			dst = append(dst, 's')
		case '\u212A': // Kelvin sign
			dst = append(dst, 'k')
		default:
			dst = append(dst, name[i:i+size]...)
		}
		i += size
	}
	return dst
}
