package policy

import "github.com/go-json-experiment/json/jsontext"

// appendQuoted appends s as a JSON string. Invalid UTF-8 becomes the replacement character.
func appendQuoted(dst []byte, s string) []byte {
	dst, _ = jsontext.AppendQuote(dst, s)
	return dst
}
