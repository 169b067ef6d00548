package formats

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"regexp"
	"slices"
	"unicode/utf16"
	"unicode/utf8"

	"cdgate.dev/cdgate/evidence"
)

// mutation is one way to damage a report. None of them writes a value that says "passed": a report that shows better for
// it was misread.
type mutation struct {
	what string
	text func() []byte
	// edits is set where the text of a failure may be lost, which the marks of the report then show.
	edits bool
	// doubled is set where something good may be there twice.
	doubled bool
	// slip is set for another spelling of a name.
	slip bool
	// same is set where the meaning is not changed, refused where no reader may go on.
	same, refused bool
}

// lines reports whether lines are deleted or doubled.
func (m mutation) lines() bool { return m.edits && !m.slip || m.doubled }

// span is the place of a name in a report.
type span struct{ from, to int }

// syntax of a text, judged by its first character.
func syntax(b []byte) evidence.Syntax {
	switch head := bytes.TrimLeft(b, " \t\r\n"); {
	case bytes.HasPrefix(head, []byte("{")), bytes.HasPrefix(head, []byte("[")):
		return evidence.JSON
	case bytes.HasPrefix(head, []byte("<")):
		return evidence.XML
	}
	return evidence.Text
}

// document reports whether b is one XML element or one JSON value, and no stream of lines: then its end shows.
func document(b []byte) bool {
	return syntax(b) == evidence.XML || syntax(b) == evidence.JSON && oneValue(b)
}

// streams are formats of several JSON values in a row: that another one follows is no error.
var streams = map[string]bool{"govulncheck": true}

// oneValue counts brackets outside of strings.
func oneValue(b []byte) bool {
	depth, text := 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case text && c == '\\':
			i++
		case c == '"':
			text = !text
		case text:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			if depth--; depth == 0 && len(bytes.TrimSpace(b[i+1:])) > 0 {
				return false
			}
		}
	}
	return true
}

// mutations returns every damage of one step to b, with at most about limit cuts.
func mutations(b []byte, limit int) []mutation {
	var out []mutation
	end := len(bytes.TrimRight(b, " \t\r\n"))
	for i := 0; i < end; i += 1 + len(b)/limit {
		out = append(out, mutation{what: fmt.Sprintf("cut at %d", i), text: func() []byte { return b[:i] }, edits: true, refused: document(b)})
	}
	out = append(out, lineMutations(b)...)
	for _, at := range keys(b) {
		out = append(out, keyMutations(b, at)...)
	}
	return append(out, wholeMutations(b)...)
}

// lineMutations deletes and doubles lines.
func lineMutations(b []byte) []mutation {
	var out []mutation
	from := 0
	for n := 1; from < len(b); n++ {
		first, to := from, len(b)
		if i := bytes.IndexByte(b[first:], '\n'); i >= 0 {
			to = first + i + 1
		}
		out = append(out,
			mutation{what: fmt.Sprintf("without line %d", n), text: func() []byte { return slices.Concat(b[:first], b[to:]) }, edits: true},
			mutation{what: fmt.Sprintf("line %d twice", n), text: func() []byte { return slices.Concat(b[:to], b[first:]) }, doubled: true})
		from = to
	}
	return out
}

// keyMutations spells a name otherwise, and puts members beside it.
func keyMutations(b []byte, at span) []mutation {
	name := b[at.from:at.to]
	var out []mutation
	put := func(what string, other []byte) {
		if !bytes.Equal(other, name) {
			out = append(out, mutation{what: fmt.Sprintf("%s %s at %d: %q", name, what, at.from, other), slip: true, edits: !judged(b, name),
				text: func() []byte { return slices.Concat(b[:at.from], other, b[at.to:]) }})
		}
	}
	first, all := slices.Clone(name), slices.Clone(name)
	for i, c := range name {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' {
			all[i] ^= 0x20
		}
	}
	first[0] = all[0]
	put("in another case", all)
	put("in another case", first)
	for _, i := range []int{0, len(name) / 2, len(name) - 1} {
		flipped := slices.Clone(name)
		flipped[i] = 'q'
		put("misspelt", flipped)
	}
	if len(name) >= 8 {
		put("misspelt", append([]byte("x"), name...))
		put("misspelt", name[1:])
	}
	if syntax(b) == evidence.JSON && at.from > 0 && b[at.from-1] == '"' {
		for _, value := range []string{`null`, `[]`, `""`, `0`, `true`, `{}`} {
			out = append(out, mutation{what: fmt.Sprintf("%s twice at %d, first as %s", name, at.from, value), refused: document(b), edits: true,
				text: func() []byte {
					return slices.Concat(b[:at.from], name, []byte(`":`+value+`,"`), b[at.from:])
				}})
		}
		out = append(out, mutation{what: fmt.Sprintf("an unknown member before %s at %d", name, at.from),
			text: func() []byte { return slices.Concat(b[:at.from], []byte(`xUnknown":{"a":[1]},"`), b[at.from:]) }})
	}
	return out
}

// judged reports whether a name is long enough that a slip in it is taken for one, and in a notation that has names.
func judged(b, name []byte) bool {
	return syntax(b) == evidence.XML && len(name) >= 4 || syntax(b) == evidence.JSON && len(name) >= 5
}

// wholeMutations changes how the report is written.
func wholeMutations(b []byte) []mutation {
	always := func(text []byte) func() []byte { return func() []byte { return text } }
	out := []mutation{
		{what: "with a byte order mark", text: always(append([]byte("\xEF\xBB\xBF"), b...)), same: true},
		{what: "with two byte order marks", text: always(append([]byte("\xEF\xBB\xBF\xEF\xBB\xBF"), b...))},
		{what: "with spaces before", text: always(append([]byte(" \n"), b...))},
		{what: "with spaces after", text: always(append(slices.Clone(b), " \n \n"...))},
		{what: "with CR LF", text: func() []byte { return bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n")) }},
		{what: "with CR", text: func() []byte { return bytes.ReplaceAll(b, []byte("\n"), []byte("\r")) }, edits: true},
		{what: "as UTF-16", text: func() []byte { return wide(b) }, refused: true},
		{what: "packed", text: func() []byte { return packed(b) }, refused: true},
		{what: "with NUL after", text: always(append(slices.Clone(b), 0)), refused: true},
		{what: "twice", text: always(slices.Concat(b, b)), refused: document(b), doubled: true},
		{what: "with text after", text: always(append(slices.Clone(b), "\nx"...)), refused: document(b)},
	}
	for i := 0; i < len(b); i += 1 + len(b)/50 {
		if utf8.RuneStart(b[i]) {
			out = append(out, mutation{what: fmt.Sprintf("with a broken byte at %d", i), edits: true,
				text: func() []byte { return slices.Concat(b[:i], []byte{0xFF}, b[i:]) }})
		}
	}
	return out
}

// wide is b as UTF-16 with a byte order mark.
func wide(b []byte) []byte {
	out := []byte{0xFF, 0xFE}
	for _, u := range utf16.Encode([]rune(string(b))) {
		out = append(out, byte(u), byte(u>>8))
	}
	return out
}

func packed(b []byte) []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if _, err := z.Write(b); err != nil {
		panic(err) // a buffer takes everything
	}
	if err := z.Close(); err != nil {
		panic(err)
	}
	return out.Bytes()
}

var (
	memberKeys = regexp.MustCompile(`"([^"\\\n]+)"\s*:`)
	xmlKeys    = regexp.MustCompile(`</?([A-Za-z_][\w:.-]*)|\s([A-Za-z_][\w:.-]*)\s*=\s*["']`)
	lineKeys   = regexp.MustCompile(`(?m)^\s*(?:- )?([A-Za-z_][\w.-]*)`)
)

// keys finds the names in a report: members of JSON, elements and attributes of XML, the first words of lines.
func keys(b []byte) []span {
	names := map[evidence.Syntax]*regexp.Regexp{evidence.JSON: memberKeys, evidence.XML: xmlKeys, evidence.Text: lineKeys}[syntax(b)]
	var out []span
	for _, m := range names.FindAllSubmatchIndex(b, -1) {
		for i := 2; i < len(m); i += 2 {
			if m[i] >= 0 {
				out = append(out, span{m[i], m[i+1]})
			}
		}
	}
	return out
}
