// Package vex holds the readers of VEX documents, one format per file. What a document does not say clearly is unknown and
// silences nothing.
package vex

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/purl"
)

// The words of evidence.VEXStatement.Status.
const (
	affected           = "affected"
	notAffected        = "not_affected"
	fixed              = "fixed"
	underInvestigation = "under_investigation"
	unknown            = "unknown"
)

const (
	// maxSpread is how many times larger than its document rows may become: one text can be said of many products.
	maxSpread = 80
	// freeSpread is what rows may take whatever the document's size, rowBytes what a row takes besides its texts.
	freeSpread, rowBytes = 8 << 10, 180
	// rowHeld is what a statement takes, besides its texts, while it waits for the end of the document.
	rowHeld = 400
	// maxNotes is how often flags, threats and remediations of one document may name a product.
	maxNotes = 10_000_000
)

// justifications are the words of OpenVEX 0.2.0 and of the flags of CSAF.
var justifications = map[string]bool{
	"component_not_present": true, "vulnerable_code_not_present": true, "vulnerable_code_not_in_execute_path": true,
	"vulnerable_code_cannot_be_controlled_by_adversary": true, "inline_mitigations_already_exist": true,
}

// silences reports whether a status takes a finding out of account.
func silences(status string) bool { return status == notAffected || status == fixed }

// output counts statements and writes rows.
type output struct {
	src  *bufio.Reader
	n    int64
	rows *evidence.Rows
	warn evidence.Warnings
	sum  evidence.VEXSummary
	// kept counts bytes that wait for the end of the document, written those of the rows.
	kept, written int64
	products      map[string]struct{}
	unreadable    map[string]struct{}
	// status is that of the statement whose rows are being written.
	status string
	// at is when the document says that it was made.
	at string
}

func newOutput(src io.Reader, rows *evidence.Rows) *output {
	return &output{src: bufio.NewReader(src), rows: rows, products: map[string]struct{}{}, unreadable: map[string]struct{}{}}
}

// Read counts the bytes of the document.
func (o *output) Read(p []byte) (int, error) {
	n, err := o.src.Read(p)
	o.n += int64(n)
	return n, err
}

// xml reports whether the document starts as XML does.
func (o *output) xml() (bool, error) {
	for i := 1; ; i++ {
		b, err := o.src.Peek(i)
		if err != nil {
			return false, fmt.Errorf("the document cannot be read: %w", err)
		}
		if c := b[i-1]; c != ' ' && c != '\t' && c != '\r' && c != '\n' {
			return c == '<', nil
		}
	}
}

// keep notes texts that are held until the end of the document.
func (o *output) keep(texts ...string) error {
	for _, s := range texts {
		o.kept += int64(len(s)) + 48
	}
	if o.kept > evidence.MaxKept {
		return fmt.Errorf("more than %d bytes that belong together; split the document", evidence.MaxKept)
	}
	return nil
}

// begin starts a statement, end counts it. One that silences, and has a row that does not, counts as unknown.
func (o *output) begin(status string) { o.status = status }

func (o *output) end() {
	o.sum.Statements++
	switch o.status {
	case affected:
		o.sum.Affected++
	case notAffected:
		o.sum.NotAffected++
	case fixed:
		o.sum.Fixed++
	case underInvestigation:
		o.sum.UnderInvestigation++
	default:
		o.sum.Unknown++
	}
}

// row writes a row of the statement that was begun.
func (o *output) row(s evidence.VEXStatement, place string) error {
	if silences(o.status) && s.Status != o.status {
		o.status = unknown
	}
	if s.Product != "" || s.Digest != "" {
		o.products[s.Product+"\x00"+s.Digest] = struct{}{}
	}
	for _, id := range []string{s.Product, s.Component} {
		if _, seen := o.unreadable[id]; seen || !strings.HasPrefix(id, "pkg:") {
			continue
		}
		if _, ok := purl.Parse(strings.TrimSpace(strings.SplitN(id, " ", 2)[0])); !ok {
			o.unreadable[id] = struct{}{}
			o.warn.Add(evidence.UnknownIdentifier, place, "%q is no package URL; no package matches it", evidence.Cut(id))
		}
	}
	s.Impact, s.Action = evidence.Cut(s.Impact), evidence.Cut(s.Action)
	o.written += rowBytes
	for _, text := range append(s.Aliases, s.Vulnerability, s.Product, s.Digest, s.Component, s.Justification, s.Impact, s.Action, s.At) {
		o.written += int64(len(text))
	}
	if o.written > maxSpread*o.n+freeSpread {
		return fmt.Errorf("the statements about each product are more than %d times as large as the document; split it", maxSpread)
	}
	return o.rows.Row(s)
}

// report ends the count.
func (o *output) report(tool evidence.Tool) evidence.Report {
	if o.sum.Statements == 0 {
		o.warn.Add(evidence.NothingMeasured, "", "the document makes no statement")
	}
	if o.sum.Products == 0 {
		o.sum.Products = int64(len(o.products))
	}
	o.sum.Complete = !slices.ContainsFunc(o.warn.List(), func(w evidence.Warning) bool { return evidence.Serious(w.Code) })
	return evidence.Report{Tool: tool, Summary: evidence.Summary{VEX: &o.sum}, Warnings: o.warn, At: evidence.Cut(o.at)}
}

// breaks warns of a rule of the format that the document breaks.
func (o *output) breaks(place, format string, args ...any) {
	o.warn.Add(evidence.BreaksFormat, place, format, args...)
}

// stamp returns a time of RFC 3339 in UTC, or "" for none. A text that is no such time breaks the format.
func (o *output) stamp(text, place string) string {
	if text == "" {
		return ""
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if t = t.UTC(); err != nil || t.Year() < 1 || t.Year() > 9999 {
		o.breaks(place, "%q is no RFC 3339 time", evidence.Cut(text))
		return ""
	}
	return t.Format(time.RFC3339Nano)
}

var sha256Text = regexp.MustCompile(`^[0-9a-fA-F]{64}$`)

// digest returns the SHA-256 of a product as "sha256:…". What is none breaks the format.
func (o *output) digest(hex, place string) string {
	if hex == "" {
		return ""
	}
	if !sha256Text.MatchString(hex) {
		o.breaks(place, "%q is no SHA-256", evidence.Cut(hex))
		return ""
	}
	return "sha256:" + strings.ToLower(hex)
}

// aliases returns the other names of a vulnerability, each once.
func aliases(name string, others []string) ([]string, error) {
	var out []string
	for _, s := range others {
		if s != "" && s != name && !slices.Contains(out, s) {
			out = append(out, s)
		}
		if len(out) > evidence.MaxList {
			return nil, errors.New("a vulnerability has too many names")
		}
	}
	return out, nil
}

// first returns the first text that is not empty.
func first(texts ...string) string {
	for _, s := range texts {
		if s != "" {
			return s
		}
	}
	return ""
}
