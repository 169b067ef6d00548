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
