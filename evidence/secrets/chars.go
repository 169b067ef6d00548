package secrets

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"hash/crc32"
)

// set is a set of characters.
type set [256]bool

// chars makes a set of ranges, written as pairs: "azAZ09__".
func chars(ranges string) *set {
	var s set
	for i := 0; i < len(ranges); i += 2 {
		for c := int(ranges[i]); c <= int(ranges[i+1]); c++ {
			s[c] = true
		}
	}
	return &s
}

var (
	letters     = chars("azAZ09")
	upperChars  = chars("AZ09")
	hexChars    = chars("afAF09")
	base32      = chars("AZ27")
	wordChars   = chars("azAZ09__")
	urlChars    = chars("azAZ09__--")
	urlDots     = chars("azAZ09__--..")
	urlSlash    = chars("azAZ09__--//")
	urlEqual    = chars("azAZ09__--==")
	base64Chars = chars("azAZ09++//==")
)

// run returns where the characters of a set end.
func run(b []byte, from int, s *set) int {
	for from < len(b) && s[b[from]] {
		from++
	}
	return from
}

// mixed reports whether a text has small and capital letters and digits.
func mixed(b []byte) bool {
	return bytes.ContainsAny(b, "abcdefghijklmnopqrstuvwxyz") && bytes.ContainsAny(b, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") && bytes.ContainsAny(b, "0123456789")
}

// escaped returns the length of the escape that stands at b[i] in JSON or XML, or 0: \n, \u000a, &#10;, &quot;.
func escaped(b []byte, i int) int {
	switch {
	case i >= len(b):
	case b[i] == '\\' && i+1 < len(b) && b[i+1] == 'u':
		return min(6, len(b)-i)
	case b[i] == '\\':
		return min(2, len(b)-i)
	case b[i] == '&':
		if end := bytes.IndexByte(b[i:min(i+8, len(b))], ';'); end > 0 {
			return end + 1
		}
	}
	return 0
}

// githubToken is one of 36 characters whose last six are a checksum, or one of the longer ones, whose form is not
// documented. See https://github.blog/2021-04-05-behind-githubs-new-authentication-token-formats/.
func githubToken(body []byte) bool { return len(body) > 36 || crcOfLast6(body) }

// crcOfLast6 reports whether the last six characters are the CRC-32 of the others, in base 62 with digits first.
func crcOfLast6(body []byte) bool {
	const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	sum := crc32.ChecksumIEEE(body[:len(body)-6])
	for i := len(body) - 1; i >= len(body)-6; i-- {
		if body[i] != digits[sum%62] {
			return false
		}
		sum /= 62
	}
	return true
}

// openAI is a key of OpenAI: each has the same letters in its middle.
func openAI(body []byte) bool { return bytes.Contains(body, []byte("T3Blbk"+"FJ")) }

// azurite is the SHA-256 of the key that is built into the Azurite emulator.
const azurite = "0011cc25eb4320717494d2703e8cba85743e71b500283c21c8b88147992f9059"

// notAzurite reports whether a storage key is another than that of the Azurite emulator, which everybody has.
func notAzurite(body []byte) bool {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:]) != azurite
}
