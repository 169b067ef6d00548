package collect

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"cdgate.dev/cdgate/evidence"
)

// argument is a parsed argument.
type argument struct {
	text  string
	kind  evidence.Kind
	level string
	path  string
}

// prefixed finds KIND[/LEVEL]: at the start of an argument. A single letter is a Windows drive.
var prefixed = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9_-]+)(?:/([^/:\\]*))?:(.*)$`)

// levelName is what a level may look like.
var levelName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)

// CheckLevel reports what is wrong with the name of a level; an empty one is no level.
func CheckLevel(level string) error {
	if level == "" {
		return nil
	}
	return checkLevel(level)
}

func checkLevel(level string) error {
	if !levelName.MatchString(level) {
		return fmt.Errorf("level %q; want lower-case letters, digits, '.', '_' or '-'", label(level))
	}
	return nil
}

// kinds are those that files can be of.
var kinds = slices.DeleteFunc(evidence.Kinds(), func(k evidence.Kind) bool { return k == evidence.Build })

// parseArgument splits [KIND[/LEVEL]:]PATH. own are the kinds besides those that are built in.
func parseArgument(text string, own map[evidence.Kind]OwnKind) (argument, error) {
	a := argument{text: text, path: text}
	if m := prefixed.FindStringSubmatch(text); m != nil && !strings.HasPrefix(m[3], "//") {
		if _, isOwn := own[evidence.Kind(m[1])]; !isOwn && !slices.Contains(kinds, evidence.Kind(m[1])) {
			return a, fmt.Errorf("read argument %q: %q is no kind of report; kinds are %s; one of your own is defined beside the policies, in kinds/NAME.cue, "+
				"and declared in gate.yaml (write ./%s for a file of that name)", label(text), label(m[1]), kindList(own), label(text))
		}
		a.kind, a.level, a.path = evidence.Kind(m[1]), m[2], m[3]
		if err := checkLevel(a.level); err != nil && strings.Contains(text[:len(text)-len(m[3])], "/") {
			return a, fmt.Errorf("read argument %q: %w", label(text), err)
		}
	}
	if a.path == "" {
		return a, fmt.Errorf("read argument %q: no path", label(text))
	}
	if strings.ContainsRune(a.path, 0) {
		return a, fmt.Errorf("read argument %q: a path with U+0000", label(text))
	}
	return a, nil
}

func kindList(own map[evidence.Kind]OwnKind) string {
	var names []string
	for _, k := range append(slices.Clone(kinds), slices.Sorted(maps.Keys(own))...) {
		names = append(names, string(k))
	}
	return strings.Join(names, ", ")
}

// defaultLevel is the level of tests that nobody named.
const defaultLevel = "unit"

// maxLabel is how long a label may be, in bytes.
const maxLabel = 512

// label makes a path or argument fit to be shown and stored: one line, no control or direction characters, valid UTF-8.
func label(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case !unicode.IsPrint(r) || unicode.Is(unicode.Bidi_Control, r):
			fmt.Fprintf(&b, `\u{%x}`, r)
		default:
			b.WriteRune(r)
		}
		i += size
		if b.Len() > maxLabel {
			return b.String() + "…"
		}
	}
	return b.String()
}
