package schemas

import (
	"fmt"
	"slices"
	"strings"
)

// Suggest gives the hint for a word that is not in words: the nearest one, if any is near, and the list of all.
func Suggest(word, label string, words []string) string {
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

// nearest gives the word that was probably meant: equal but for case, or at the smallest edit distance, which must not
// exceed a third of the word's length (at least 1, so that short words still have a neighbour).
func nearest(word string, words []string) string {
	if len(word) > 64 {
		return ""
	}
	best, bestDistance := "", max(1, len(word)/3)+1
	for _, w := range words {
		d := Distance(strings.ToLower(word), strings.ToLower(w))
		if d < bestDistance {
			best, bestDistance = w, d
		}
	}
	return best
}

// Distance is the edit distance of a and b in bytes, where swapping two neighbours counts as one edit (Damerau's
// restricted distance).
func Distance(a, b string) int {
	before, row, next := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		next[0] = i + 1
		for j := range len(b) {
			cost := row[j]
			if a[i] != b[j] {
				cost++
			}
			next[j+1] = min(cost, row[j+1]+1, next[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				next[j+1] = min(next[j+1], before[j-1]+1)
			}
		}
		before, row, next = row, next, before
	}
	return row[len(b)]
}
