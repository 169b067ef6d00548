package secrets

import "bytes"

const (
	// leastKey is how long the first line of a key's body is at least.
	leastKey = 40
	// maxGap is how many bytes may lie between two lines of a key: programs that log line by line write a record of JSON
	// for each.
	maxGap = 512
)

// privateKey is a private key in PEM (RFC 7468) or OpenPGP armour: the header line, and base 64 behind it. Its lines may
// be separated by escapes, or stand in records of a log. The header alone is no secret.
func privateKey(b []byte, start, rest int) (match, bool) {
	_, sort, found := bytes.Cut(b[max(0, start-40):start], []byte("-----BEGIN "))
	if !found || run(sort, 0, keySort) < len(sort) {
		return match{}, false
	}
	lines, whole := keyLines(b, rest)
	if len(lines) == 0 {
		return match{}, false
	}
	m := match{spans: lines}
	if !whole {
		m.spans, m.goOn = append(lines, span{len(b), len(b)}), keyRest()
	}
	return m, true
}

// keySort is what stands between BEGIN and PRIVATE KEY.
var keySort = chars("AZ09  ")

// keyLines returns the lines of a key's body, which ends at the footer, or where nothing follows that could be of it. whole
// is false when the text ends before that.
func keyLines(b []byte, from int) (lines []span, whole bool) {
	touching := true // nothing but line ends since the header, or since the last line
	for i, last := from, from; i < len(b); {
		if i-last > maxGap || bytes.HasPrefix(b[i:], []byte(footer)) {
			return lines, true
		}
		to := keyRun(b, i)
		if n := escaped(b, i); n > 0 && to == i {
			i += n
			continue
		}
		switch {
		case to == i:
			touching = touching && b[i] <= ' '
			i++
		case isLine(b, i, to, touching, len(lines) > 0):
			lines = append(lines, span{i, to})
			i, last, touching = to, to, true
		default:
			i, touching = to, false
		}
	}
	return lines, false
}

// keyRun returns where base 64 ends. PHP writes the slash in JSON with a backslash before it.
func keyRun(b []byte, i int) int {
	for {
		i = run(b, i, base64Chars)
		if !bytes.HasPrefix(b[i:], []byte(`\/`)) {
			return i
		}
		i += 2
	}
}

// footer begins the line that ends a key.
const footer = "-----END "

// isLine reports whether b[i:to], which is base 64, is a line of a key. Where other text lies between, such as names and
// digests in a record of JSON, it must have the length that key files have. Only the last line is short.
func isLine(b []byte, i, to int, touching, body bool) bool {
	n := to - i
	switch {
	case touching && body:
		return n >= 24 || b[i] == '=' || bytes.Contains(b[to:min(to+16, len(b))], []byte(footer))
	case touching:
		return n >= leastKey && !placeholder(b[i:to])
	default:
		return (n == 64 || n == 70 || n == 76) && mixed(b[i:to])
	}
}

// keyRest goes on with a key that is longer than the buffer.
func keyRest() func(c byte) verdict {
	escape := false
	return func(c byte) verdict {
		switch {
		case escape:
			escape = false
			return stays
		case c == '\\':
			escape = true
			return stays
		case base64Chars[c]:
			return covered
		case c <= ' ':
			return stays
		}
		return ends
	}
}
