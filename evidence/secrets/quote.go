package secrets

import "bytes"

// quotesSecrets reports whether a report begins like one of Gitleaks, in JSON, SARIF or JUnit: its fields hold the
// secrets that it found, whatever their shape.
func quotesSecrets(head []byte) bool {
	has := func(text string) bool { return bytes.Contains(head, []byte(text)) }
	if has(`"Secret"`) && (has(`"RuleID"`) || has(`"Match"`)) || has(`"offender"`) && has(`"lineNumber"`) {
		return true
	}
	for _, name := range []string{`"name":"gitleaks"`, `"name": "gitleaks"`, `name="gitleaks"`} {
		if has(name) {
			return true
		}
	}
	return false
}

// quoteRules are the fields of Gitleaks 8 (Secret, Match), of Gitleaks 7 (offender, line) and of its SARIF (snippet).
func quoteRules(n notation) []rule {
	return []rule{
		{"gitleaks-secret", []string{"Secret", "Match", "offender", "line"}, n.quoted},
		{"gitleaks-snippet", []string{`"snippet"`}, n.snippet},
	}
}

// notation is how a report is written that quotes secrets: which quotes stand around a member, and what its text cannot
// go past. To cover what lies behind would take it out of the report, a failed test for instance.
type notation struct {
	quotes []string
	ends   func(c byte) bool
	// skip is how many bytes at b[i] belong together.
	skip func(b []byte, i int) int
	// stays is never covered: it may be the end of a comment, or of a CDATA section, which would go on without.
	stays *set
}

// asJSON is JSON. A line end in a string is written as an escape (RFC 8259, section 7).
var asJSON = notation{[]string{`"`}, func(c byte) bool { return c == '"' || c < ' ' }, func(b []byte, i int) int {
	if b[i] == '\\' && i+1 < len(b) && b[i+1] >= ' ' {
		return 2
	}
	return 1
}, chars("")}

// asXML is JSON in the text of XML: markup ends it, and so do the quotes that may end an attribute.
var asXML = notation{[]string{`&#34;`, `&quot;`, `"`}, func(c byte) bool { return c == '<' || c == '>' || c == '"' || c == '\'' || c < ' ' },
	func(b []byte, i int) int {
		if b[i] == '\\' {
			return 1 + entity(b, i+1)
		}
		return max(1, entity(b, i))
	}, chars("--]]??")}

var entityChars = chars("azAZ09##")

// entity returns the length of the reference that stands in XML at b[i], or 0.
func entity(b []byte, i int) int {
	if i >= len(b) || b[i] != '&' {
		return 0
	}
	end := run(b, i+1, entityChars)
	if end == len(b) || b[end] != ';' {
		return 0
	}
	return end + 1 - i
}

// isXML reports whether a report begins like XML.
func isXML(head []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(head, "\uFEFF \t\r\n"), []byte("<"))
}

// quoted is the text of a member whose name is the literal.
func (n notation) quoted(b []byte, start, rest int) (match, bool) {
	for _, quote := range n.quotes {
		if bytes.HasPrefix(b[rest:], []byte(quote)) && bytes.HasSuffix(b[:start], []byte(quote)) {
			return n.value(b, rest+len(quote), quote)
		}
	}
	return match{}, false
}

// snippet is the text in "snippet": {"text": "…"}.
func (n notation) snippet(b []byte, _, rest int) (match, bool) {
	i := rest
	for _, want := range []string{":", "{", `"text"`} {
		i = blanks(b, i)
		if !bytes.HasPrefix(b[i:], []byte(want)) {
			return match{}, false
		}
		i += len(want)
	}
	return n.value(b, i, `"`)
}

// value is the text behind a colon, up to what ends it. One that Gitleaks itself made unreadable is none.
func (n notation) value(b []byte, i int, quote string) (match, bool) {
	i = blanks(b, i)
	if i >= len(b) || b[i] != ':' {
		return match{}, false
	}
	if i = blanks(b, i+1); !bytes.HasPrefix(b[i:], []byte(quote)) {
		return match{}, false
	}
	from := i + len(quote)
	to := from
	for to < len(b) && !n.ends(b[to]) && !bytes.HasPrefix(b[to:], []byte(quote)) {
		to += n.skip(b, to)
	}
	to = min(to, len(b))
	if text := b[from:to]; unreadable(text) {
		return match{}, false
	}
	m := match{goOn: n.rest()}
	for i := from; i < to; i++ {
		if n.stays[b[i]] {
			m.spans = append(m.spans, span{from, i})
			from = i + 1
		}
	}
	m.spans = append(m.spans, span{from, to})
	return m, true
}

// unreadable reports whether nothing in a text is a secret: it is empty, or Gitleaks ran with --redact, or somebody put
// asterisks, or documentation's word for it.
func unreadable(text []byte) bool {
	return len(bytes.Trim(text, "*-]? \t")) == 0 || bytes.Contains(text, []byte("REDACTED")) || bytes.Contains(text, []byte("****")) ||
		bytes.Contains(text, []byte("EXAMPLE"))
}

// blanks skips white space.
func blanks(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
		i++
	}
	return i
}

// rest goes on with a text that is longer than the buffer.
func (n notation) rest() func(c byte) verdict {
	escape := false
	return func(c byte) verdict {
		switch {
		case escape && c >= ' ':
			escape = false
		case n.ends(c):
			return ends
		case n.stays[c]:
			return stays
		default:
			escape = c == '\\' && len(n.quotes) == 1 // JSON
		}
		return covered
	}
}
