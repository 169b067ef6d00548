// Package report shows decisions to people and programs, one file per output format. Everything a report, a commit or a
// policy wrote is foreign text and is escaped for the place where it goes; see Safe.
package report

import (
	"fmt"
	"strings"

	"cdgate.dev/cdgate/engine/record"
)

// Document is one result to show. The zero Document is a block without reasons.
type Document struct {
	Result record.Result
	// Record and Log say where the record is; both are zero when nothing was recorded.
	Record Record
	Log    Log
	// Check is set for the result of "cdgate check", which is no decision and never says allow.
	Check bool
	// Preview is set for a judgement that nobody signed and logged: it is no decision and permits nothing.
	Preview bool
	// Later are rules that Check could not judge yet.
	Later []Later
	// Signers maps the id of a requirement to the people who may sign it.
	Signers map[string][]string
	// Next are the commands to run now, in order.
	Next []string
	// Notes are sentences of advice, such as that the root key is not pinned.
	Notes []string
	// Detail adds to the text what an explanation has: rules that passed by title, controls, evidence digests.
	Detail bool
	// Input is the policy input with its index views, for the format input.
	Input []byte
	// Colour allows colour in the format text.
	Colour bool
}

// Record is where a decision record was written.
type Record struct {
	Path   string `json:"path"`
	Digest string `json:"digest"`
}

// Log is the entry of the decision log. Index is -1 in JSON when there is none, so that nobody takes it for entry 0.
type Log struct {
	Logged     bool
	Index      uint64
	Checkpoint string
}

// Later is a rule that cannot be judged yet, and the kinds of evidence it waits for.
type Later struct {
	Code    string   `json:"code"`
	Title   string   `json:"title"`
	Missing []string `json:"missing"`
}

// format is one way to show a document.
type format struct {
	name, usage string
	render      func(Document) ([]byte, error)
}

// formats lists all formats in the order in which people are shown them.
func formats() []format {
	return []format{
		{"text", "for people, 80 columns", text},
		{"json", "stable keys, for programs", encodeDocument},
		{"markdown", "for a step summary or a comment, at most 1 MiB", markdown},
		{"junit", "JUnit XML, one case per rule", junit},
		{"dotenv", "KEY=VALUE lines for GitLab's reports:dotenv", dotenv},
		{"input", "the document the policies saw, with index views", input},
	}
}

// Formats returns the names of all formats.
func Formats() []string {
	var names []string
	for _, f := range formats() {
		names = append(names, f.name)
	}
	return names
}

// Render shows a document in a format.
func Render(name string, d Document) ([]byte, error) {
	for _, f := range formats() {
		if f.name == name {
			return f.render(d)
		}
	}
	return nil, fmt.Errorf("render report: no format %q; there are: %s", name, strings.Join(Formats(), ", "))
}

// input is the policy input as it was made.
func input(d Document) ([]byte, error) {
	if len(d.Input) == 0 {
		return nil, fmt.Errorf("render input: no policy was evaluated, so there is none")
	}
	return append(SafeJSON(d.Input), '\n'), nil
}
