package evidence

import "strings"

// misspeltLong is the length of a name from which one letter too few or too many is taken for a slip.
const misspeltLong = 8

// Misspelt reports whether a name is want with one slip in it: one other letter in a name of at least shortest letters, or
// in long names one too many or too few. Shorter names have too many real neighbours ("line" and "link"). A reader refuses such a name as it refuses one in the wrong case: what it stands for would be lost without a word, and a
// list of findings with it. The plural of a name is another name, and so is one that differs in a digit.
func Misspelt(name, want string, shortest int) bool {
	if len(name) > len(want) {
		name, want = want, name
	}
	i := 0
	for i < len(name) && name[i] == want[i] {
		i++
	}
	switch len(want) - len(name) {
	case 0:
		return len(want) >= shortest && i < len(name) && name[i+1:] == want[i+1:] && !isDigit(name[i]) && !isDigit(want[i])
	case 1:
		return len(want) >= misspeltLong && name[i:] == want[i+1:] && !isDigit(want[i]) && strings.TrimSuffix(want, "s") != name
	}
	return false
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
