package policy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// suggest is the hint for a word that is not in words: the probable one, if any is near, and all of them.
func suggest(word, label string, words []string) string {
	words = slices.Clone(words)
	slices.Sort(words)
	if len(words) == 0 {
		return label + ": none"
	}
	list := label + ": " + strings.Join(words, ", ")
	if near := nearest(word, words); near != "" {
		return fmt.Sprintf("did you mean %q? %s", near, list)
	}
	return list
}

// nearest is the word probably meant: the one at the smallest edit distance, which must not exceed a third of the
// word's length, and 1 for short words. Empty if there is none.
func nearest(word string, words []string) string {
	if len(word) > 64 {
		return ""
	}
	best, limit := "", max(1, len(word)/3)+1
	for _, w := range words {
		if d := distance(strings.ToLower(word), strings.ToLower(w)); d < limit {
			best, limit = w, d
		}
	}
	return best
}

// distance is the Levenshtein distance of a and b in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// appendQuoted appends s as a JSON string. Invalid UTF-8 becomes the replacement character.
func appendQuoted(dst []byte, s string) []byte {
	dst, _ = jsontext.AppendQuote(dst, s)
	return dst
}
