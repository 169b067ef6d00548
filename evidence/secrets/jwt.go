package secrets

import (
	"bytes"
	"encoding/base64"
)

// jwtStarts are the beginnings of {"a to {"z in base 64.
func jwtStarts() []string {
	var out []string
	for c := byte('a'); c <= 'z'; c++ {
		out = append(out, base64.RawURLEncoding.EncodeToString([]byte{'{', '"', c}))
	}
	return out
}

// jwt is a signed JSON Web Token (RFC 7519): a header with an algorithm, a payload and a signature.
func jwt(b []byte, start, _ int) (match, bool) {
	first := run(b, start, urlChars)
	if first == len(b) || b[first] != '.' || inWord(b, start) || !names(b[start:first], `"alg"`) || names(b[start:first], `"none"`) {
		return match{}, false
	}
	second := run(b, first+1, urlChars)
	payload := b[first+1 : second]
	if !bytes.HasPrefix(payload, []byte("ey")) || second < len(b) && b[second] != '.' || names(payload, "John Doe") {
		return match{}, false // "John Doe" is in the example that everybody copies
	}
	to := run(b, min(second+1, len(b)), urlChars)
	if to-second-1 < 22 && to-start < lookahead/2 {
		return match{}, false // no signature; a very long token may end behind what is here
	}
	return match{spans: []span{{start, to}}, goOn: func(c byte) verdict {
		if urlDots[c] {
			return covered
		}
		return ends
	}}, true
}

// names reports whether a part of a token holds a text.
func names(part []byte, text string) bool {
	plain := make([]byte, base64.RawURLEncoding.DecodedLen(len(part)))
	n, _ := base64.RawURLEncoding.Decode(plain, part) // what could be decoded
	return bytes.Contains(plain[:n], []byte(text))
}
