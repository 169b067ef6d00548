package secrets

import "bytes"

// quotesSecrets reports whether a report begins like one of Gitleaks, in JSON, SARIF or JUnit: its fields hold the
// secrets that it found, whatever their shape.
func quotesSecrets(head []byte) bool {
	has := func(text string) bool { return bytes.Contains(head, []byte(text)) }
	switch {
	case has(`"Secret"`):
		return has(`"RuleID"`) || has(`"Match"`)
	case has(`"offender"`):
		return has(`"lineNumber"`)
	}
	for _, name := range []string{`"name":"gitleaks"`, `"name": "gitleaks"`, `name="gitleaks"`} {
		if has(name) {
			return true
		}
	}
	return false
}

// quoteRules are the fields of Gitleaks 8 (Secret, Match), of Gitleaks 7 (offender, line) and of its SARIF (snippet).
func quoteRules() []rule {
	return []rule{
		{"gitleaks-secret", []string{"Secret", "Match", "offender", "line"}, quoted},
		{"gitleaks-snippet", []string{`"snippet"`}, snippet},
	}
}

// quoted is the text of a member whose name is the literal. Quotes may be those of XML, as in its JUnit report.
func quoted(b []byte, start, rest int) (match, bool) {
	for _, quote := range []string{`"`, `&#34;`, `&quot;`} {
		if bytes.HasPrefix(b[rest:], []byte(quote)) && bytes.HasSuffix(b[:start], []byte(quote)) {
			return value(b, rest+len(quote), quote)
		}
	}
	return match{}, false
}

// snippet is the text in "snippet": {"text": "…"}.
func snippet(b []byte, _, rest int) (match, bool) {
	i := rest
	for _, want := range []string{":", "{", `"text"`} {
		i = blanks(b, i)
		if !bytes.HasPrefix(b[i:], []byte(want)) {
			return match{}, false
		}
		i += len(want)
	}
	return value(b, i, `"`)
}

// value is the text behind a colon, up to the quote that ends it. One that Gitleaks itself made unreadable is none.
func value(b []byte, i int, quote string) (match, bool) {
	i = blanks(b, i)
	if i >= len(b) || b[i] != ':' {
		return match{}, false
	}
	if i = blanks(b, i+1); !bytes.HasPrefix(b[i:], []byte(quote)) {
		return match{}, false
	}
	from := i + len(quote)
	to := from
	for to < len(b) && !bytes.HasPrefix(b[to:], []byte(quote)) {
		to += max(1, escaped(b, to))
	}
	to = min(to, len(b))
	if text := b[from:to]; unreadable(text) {
		return match{}, false
	}
	m, ok := one(from, to)
	if quote == `"` {
		m.goOn = stringRest()
	}
	return m, ok
}

// unreadable reports whether nothing in a text is a secret: it is empty, or Gitleaks ran with --redact, or somebody put
// asterisks, or documentation's word for it.
func unreadable(text []byte) bool {
	return len(bytes.Trim(text, "* \t")) == 0 || bytes.Contains(text, []byte("REDACTED")) || bytes.Contains(text, []byte("****")) ||
		bytes.Contains(text, []byte("EXAMPLE"))
}

// blanks skips white space.
func blanks(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
		i++
	}
	return i
}

// stringRest goes on with a JSON string that is longer than the buffer.
func stringRest() func(c byte) verdict {
	escape := false
	return func(c byte) verdict {
		switch {
		case escape:
			escape = false
		case c == '\\':
			escape = true
		case c == '"':
			return ends
		}
		return covered
	}
}
