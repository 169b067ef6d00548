package schemas

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Error is one problem of one text, told so that a person who only knows the file can mend it.
type Error struct {
	File string
	// Line and Column count from 1; 0 when the place is not known.
	Line, Column int
	// Path is the place in the document, such as targets.production.trigger; empty for the whole document.
	Path string
	// Msg says what is wrong.
	Msg string
	// Hint says what to do; may be empty.
	Hint string
}

// Error gives "file:line:column: path: what is wrong; what to do" without the parts that are not known.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", e.Line, e.Column)
	}
	if b.Len() > 0 {
		b.WriteString(": ")
	}
	if e.Path != "" {
		b.WriteString(e.Path + ": ")
	}
	b.WriteString(e.Msg)
	if e.Hint != "" {
		b.WriteString("; " + e.Hint)
	}
	return b.String()
}

// joinErrors gives all problems in the order of the text as one error; nil for none.
func joinErrors(file string, problems []*Error) error {
	slices.SortStableFunc(problems, func(a, b *Error) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
	more := len(problems) - maxProblems
	if more > 0 {
		problems = append(problems[:maxProblems:maxProblems], &Error{File: file, Msg: fmt.Sprintf("%d more problems", more)})
	}
	errs := make([]error, 0, len(problems))
	for _, p := range problems {
		errs = append(errs, p)
	}
	return errors.Join(errs...)
}

// suggest gives the hint for a word that is not in words: the nearest one, if any is near, and the list of all.
func suggest(word, label string, words []string) string {
	if len(words) == 0 {
		return "no " + label + " are allowed here"
	}
	words = slices.Clone(words)
	slices.Sort(words)
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
		d := distance(strings.ToLower(word), strings.ToLower(w))
		if d < bestDistance {
			best, bestDistance = w, d
		}
	}
	return best
}

// distance is the edit distance of a and b in bytes, where swapping two neighbours counts as one edit (Damerau's
// restricted distance).
func distance(a, b string) int {
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
