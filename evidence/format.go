package evidence

import (
	"io"
	"strings"
)

// Format is one report format: how it is recognised and how it is read. Formats are values, listed in evidence/formats.
type Format struct {
	// Name is the identifier in evidence items ("junit"); Title is for people ("JUnit XML").
	Name, Title string
	Kind        Kind
	// MediaType is that of the raw report.
	MediaType string
	// Recognised says in words what Match looks for; Tools lists well-known writers. Both are for the README table.
	Recognised, Tools string
	// Limits says what the reader does not do, and the bounds of the format itself: versions and shapes that are refused,
	// what is not read, what counts how. It is for the README table too.
	Limits string
	// Predicates are the in-toto predicate types whose predicate is read as a report of this format. A format whose kind is attested
	// is read in no other way.
	Predicates []string
	// Match reports whether a report with this head is of this format. It must be true for broken reports of the format
	// too, so that their errors name it, and false for every other format.
	Match func(Head) bool
	// MatchNamed, which may be nil, is Match for reports that do not tell what they are, such as an empty array, and for
	// those that another format matches first, such as a bill of materials with vulnerabilities, which is a VEX document
	// too. It is asked only when people named the kind and no Match of that kind answers.
	MatchNamed func(Head) bool
	// Read reads a whole report strictly, to its last byte, in one pass, and writes its rows. Errors name the place.
	Read func(r io.Reader, rows *Rows) (Report, error)
}

// Report is what a reader found besides the rows.
type Report struct {
	Tool     Tool
	Summary  Summary
	Warnings Warnings
	// At is when the report says that what it tells of happened, or that it was made: RFC 3339, or the text as it stands when
	// that is no such time; "" when it does not say, or its reader does not ask. What is collected has the time of its collecting;
	// this decides the age of what others attest.
	At string
}

// Syntax is the notation of a report.
type Syntax string

// The notations that are told apart. Text is everything that is neither.
const (
	XML  Syntax = "XML"
	JSON Syntax = "JSON"
	Text Syntax = "text"
)

// Head is what the first HeadBytes of a report show.
type Head struct {
	Syntax Syntax
	// Root is the local name of the XML root element, Space its namespace.
	Root, Space string
	// Paths holds the places seen, in document order lost: for JSON "runs[].tool.driver", "[].Target" in an array at the
	// top; for XML "coverage/packages" and attributes "coverage/@line-rate". The value is the text of a short string or
	// number, else empty. Of several equal places the first counts.
	Paths map[string]string
	// Bytes is the text of the head itself, without a byte order mark.
	Bytes []byte
}

// Has reports whether all of these places were seen.
func (h Head) Has(paths ...string) bool {
	for _, p := range paths {
		if _, ok := h.Paths[p]; !ok {
			return false
		}
	}
	return true
}

// HasAny reports whether one of these places was seen.
func (h Head) HasAny(paths ...string) bool {
	for _, p := range paths {
		if _, ok := h.Paths[p]; ok {
			return true
		}
	}
	return false
}

// Text returns the short text at a place, or "".
func (h Head) Text(path string) string { return h.Paths[path] }

// EmptyArray reports whether the report is an empty JSON array, which says nothing about what it lists.
func (h Head) EmptyArray() bool {
	return strings.Join(strings.Fields(string(h.Bytes[:min(len(h.Bytes), 1000)])), "") == "[]"
}
