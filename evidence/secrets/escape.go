package secrets

import (
	"bytes"
	"strconv"
)

// escapeRule finds escapes of JSON and XML that stand for something a token is made of. Writers escape quotes, signs of
// XML and line ends; nearly none escapes a letter. Such a place is no finding: it has no span to cover.
func escapeRule() rule {
	return rule{literals: []string{`\u002`, `\u003`, `\u004`, `\u005`, `\u006`, `\u007`,
		"&#1", "&#4", "&#5", "&#6", "&#7", "&#8", "&#9", "&#0", "&#x", "&#X"}, find: escapeOfToken}
}

func escapeOfToken(b []byte, start, _ int) (match, bool) {
	var digits []byte
	base := 16
	if b[start] == '\\' {
		digits = b[min(start+2, len(b)):min(start+6, len(b))]
	} else {
		end := bytes.IndexByte(b[start:min(start+16, len(b))], ';')
		if end < 0 {
			return match{}, false
		}
		digits = bytes.TrimLeft(b[start+2:start+end], "xX")
		if len(digits) == end-2 {
			base = 10
		}
	}
	n, err := strconv.ParseUint(string(digits), base, 32)
	return match{}, err == nil && n < 128 && (tokenChars[n] || n == ' ')
}

// tokenChars are what tokens and the headers of keys are made of, but for "=", which many writers escape.
var tokenChars = chars("azAZ09__--..++//")
