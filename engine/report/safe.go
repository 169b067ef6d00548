package report

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// maxText is how many bytes of one foreign text are shown; the rest is cut visibly.
const maxText = 2000

// Safe makes foreign text harmless on one line of a terminal or a log: control characters (newline included), text
// direction controls, invisible characters and invalid UTF-8 become \u{…}, and text longer than 2,000 bytes is cut with
// a mark. So do the signs by which CI systems know orders: "##", which GitHub and Azure look for anywhere in a line
// ("##[error]", "##vso[task.setvariable …]"), and "::" before a word, which GitHub takes for an order after any blanks,
// so that a wrapped line would do. It does not escape for Markdown, XML or JSON: those do so after it.
func Safe(s string) string {
	cut := ""
	if len(s) > maxText {
		end := maxText
		for end > 0 && !utf8.RuneStart(s[end]) {
			end--
		}
		cut = fmt.Sprintf("… (%d bytes more)", len(s)-end)
		s = s[:end]
	}
	if isPlain(s) {
		return withoutOrders(s) + cut
	}
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD"):
			fmt.Fprintf(&b, `\x{%02x}`, s[i])
		case dangerous(r):
			fmt.Fprintf(&b, `\u{%x}`, r)
		default:
			b.WriteRune(r)
		}
	}
	return withoutOrders(b.String()) + cut
}

// withoutOrders takes the signs of orders to CI systems apart.
func withoutOrders(s string) string {
	if !strings.Contains(s, "##") && !strings.Contains(s, "::") {
		return s
	}
	var b strings.Builder
	for i := range len(s) {
		switch {
		case s[i] == '#' && i > 0 && s[i-1] == '#':
			b.WriteString(`\u{23}`)
		case s[i] == ':' && i > 0 && s[i-1] == ':' && (i == 1 || s[i-2] == ' '):
			b.WriteString(`\u{3a}`)
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

// isPlain is the common case: nothing but printable ASCII.
func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e {
			return false
		}
	}
	return true
}

// dangerous says whether a character can move the cursor, hide itself or reorder what stands around it: C0, DEL, C1,
// line and paragraph separators, every format character (direction controls, zero width, tags), variation selectors,
// private use, and the blanks that look like nothing or like a space.
func dangerous(r rune) bool {
	switch {
	case r < 0x20, r >= 0x7f && r < 0xa0:
		return true
	case unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co, unicode.Cs, unicode.Variation_Selector):
		return true
	case unicode.Is(unicode.Zs, r) && r != ' ':
		return true
	}
	// Letters and symbols by category that are shown as nothing at all.
	switch r {
	case 0x034f, 0x115f, 0x1160, 0x17b4, 0x17b5, 0x2800, 0x3164, 0xffa0:
		return true
	}
	return false
}

// SafeJSON writes the dangerous characters of a JSON text as \u escapes, which means the same to every reader of JSON
// and nothing to a terminal or a CI system. Its input must be valid JSON.
func SafeJSON(b []byte) []byte {
	b = bytes.ReplaceAll(b, []byte("##"), []byte(`#\u0023`)) // stands in texts only
	clean := true
	for _, r := range string(b) {
		if r >= 0x7f && dangerous(r) {
			clean = false
			break
		}
	}
	if clean {
		return b
	}
	var out bytes.Buffer
	for _, r := range string(b) {
		switch {
		case r < 0x7f || !dangerous(r):
			out.WriteRune(r)
		case r > 0xffff:
			r -= 0x10000
			fmt.Fprintf(&out, `\u%04x\u%04x`, 0xd800+(r>>10), 0xdc00+(r&0x3ff))
		default:
			fmt.Fprintf(&out, `\u%04x`, r)
		}
	}
	return out.Bytes()
}

// EncodeJSON is the JSON of a result for people and programs: two blanks of indentation, map keys sorted, newline at
// the end, no character that a terminal would act on.
func EncodeJSON(v any) ([]byte, error) {
	b, err := json.Marshal(v, json.Deterministic(true), json.FormatNilSliceAsNull(false), jsontext.WithIndent("  "))
	if err != nil {
		return nil, fmt.Errorf("encode result: %w", err)
	}
	return append(SafeJSON(b), '\n'), nil
}

// span is foreign text as a Markdown code span: nothing inside one is markup, a link, a mention or an image. The fence
// is longer than any run of backticks inside.
func span(s string) string {
	s = Safe(s)
	if strings.TrimSpace(s) == "" {
		return ""
	}
	run, longest := 0, 0
	for _, r := range s {
		if r == '`' {
			run++
			longest = max(longest, run)
		} else {
			run = 0
		}
	}
	fence := strings.Repeat("`", longest+1)
	if strings.HasPrefix(s, "`") || strings.HasSuffix(s, "`") {
		s = " " + s + " "
	}
	return fence + s + fence
}

// cell is span for a table. Readers of Markdown disagree on when a backslash protects a bar inside a cell, so a bar is
// written the way Safe writes characters.
func cell(s string) string {
	return span(strings.ReplaceAll(s, "|", `\u{7c}`))
}
