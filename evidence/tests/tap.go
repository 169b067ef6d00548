package tests

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"cdgate.dev/cdgate/evidence"
)

// TAP is the Test Anything Protocol, versions 12 to 14. Only the points at the top level count; a TODO point never
// fails; "not ok" with SKIP is a failure. A run without plan is refused: nobody knows whether all tests ran.
func TAP() evidence.Format {
	return evidence.Format{
		Name: "tap", Title: "TAP", Kind: evidence.Tests, MediaType: "text/x-tap",
		Recognised: "first line `TAP version N`, a plan `1..N`, or a point `ok`/`not ok`",
		Tools:      "Perl prove, bats, node:test, tape, pgTAP, Jenkins TAP",
		Limits:     "versions 12 to 14; subtests and YAML blocks are not read, the point after a subtest is its result; without a plan it is refused",
		Match: func(h evidence.Head) bool {
			return h.Syntax == evidence.Text && tapStart(h.Bytes)
		},
		Read: readTAP,
	}
}

var (
	tapFirst = regexp.MustCompile(`^(?:TAP version \d+|1\.\.\d+(?: |$)|(?:not )?ok(?:$| \d+(?: |$)| - ))`)
	tapPlan  = regexp.MustCompile(`^1\.\.(\d{1,9})(?:\s*#\s*(?i:skip).*)?\s*$`)
	tapWord  = regexp.MustCompile(`^\s*(?i:(todo)(?:\s|$)|(skip\S*)(?:\s|$))\s*(.*)$`)
)

// tapStart reports whether the first line that is no comment and not indented is one of TAP.
func tapStart(head []byte) bool {
	for line := range bytes.Lines(head) {
		line = bytes.TrimRight(line, "\r\n")
		if len(line) > 0 && line[0] != '#' && line[0] != ' ' && line[0] != '\t' {
			return tapFirst.Match(line)
		}
	}
	return false
}

type tapReader struct {
	rows *evidence.Rows
	warn evidence.Warnings
	all  tally
	plan int64
	seen map[int64]bool
	// again counts points whose number another one had.
	again int64
}

func readTAP(r io.Reader, rows *evidence.Rows) (evidence.Report, error) {
	t := &tapReader{rows: rows, plan: -1, seen: map[int64]bool{}}
	if err := eachLine(r, t.line); err != nil {
		return evidence.Report{}, err
	}
	switch {
	case t.plan < 0:
		return evidence.Report{}, errors.New("there is no plan (1..N): nobody knows whether all tests ran")
	case t.plan != t.all.Total:
		t.all.unfinished = true
		t.warn.Add(evidence.Unfinished, "", "the plan says %d tests, %d were reported", t.plan, t.all.Total)
	case t.again > 0:
		// The plan is kept only because some points are there twice: others are missing.
		t.all.unfinished = true
		t.warn.Add(evidence.Unfinished, "", "the plan says %d tests, but %d of %d points have a number that another one has", t.plan, t.again, t.all.Total)
	}
	summary := t.all.summary(&t.warn)
	return evidence.Report{Summary: summary, Warnings: t.warn}, nil
}

// line reads one line. What is indented belongs to a subtest or a block of details.
func (t *tapReader) line(n int, line []byte, last bool) error {
	if last && bytes.HasPrefix(line, []byte("1..")) {
		return errCut // 1..1 may be what is left of 1..12
	}
	if bytes.IndexByte(line, 0) >= 0 {
		return errors.New("binary data")
	}
	text := strings.ToValidUTF8(strings.TrimRight(string(line), " \t\r\n"), "\uFFFD")
	switch {
	case text == "" || text[0] == ' ' || text[0] == '\t' || text[0] == '#' || strings.HasPrefix(text, "TAP version ") || strings.HasPrefix(text, "pragma "):
		return nil
	}
	if p, ok := tapPoint(text); ok {
		return t.point(n, p)
	}
	if bailsOut(text) {
		t.all.Problems++
		t.all.unfinished = true
		t.warn.Add(evidence.SuiteProblem, place(n), "the run was given up: %s", text)
		return nil
	}
	if m := tapPlan.FindStringSubmatch(text); m != nil {
		if t.plan >= 0 {
			return errors.New("a second plan: two reports in one file?")
		}
		plan, err := strconv.ParseInt(m[1], 10, 64)
		t.plan = plan
		return err
	}
	t.warn.Add(evidence.UnreadableLines, place(n), "a line that is no TAP was passed over")
	return nil
}

// bailsOut reports whether a line gives the run up, also in another case and with one slip in it.
func bailsOut(text string) bool {
	const words = "bail out!"
	text = text[:min(len(text), 10*len(words))]
	text = strings.ToLower(strings.ReplaceAll(text, "\uFFFD", ""))
	for n := len(words) - 1; n <= min(len(words)+1, len(text)); n++ {
		if word := text[:n]; word == words || evidence.Misspelt(word, words, len(words)) {
			return true
		}
	}
	return false
}

// tapPointLine is a line that is a test point: "ok" or "not ok", its number if it has one, and what follows.
type tapPointLine struct {
	failed       bool
	number, rest string
}

// tapPoint takes a test point apart. It is no regular expression because most lines of a report are points.
func tapPoint(text string) (p tapPointLine, ok bool) {
	text, p.failed = strings.CutPrefix(text, "not ")
	if text, ok = strings.CutPrefix(text, "ok"); !ok || text != "" && text[0] != ' ' && text[0] != '\t' {
		return p, false
	}
	text = strings.TrimLeft(text, tapSpace)
	digits := len(text) - len(strings.TrimLeft(text, "0123456789"))
	if digits > 0 && digits <= maxTAPDigits && (digits == len(text) || strings.IndexByte(tapSpace, text[digits]) >= 0) {
		p.number, text = text[:digits], strings.TrimLeft(text[digits:], tapSpace)
	}
	if after, dash := strings.CutPrefix(text, "-"); dash {
		text = strings.TrimPrefix(after, " ")
	}
	p.rest = text
	return p, true
}

const (
	// tapSpace is what separates words, maxTAPDigits how many digits the number of a point may have.
	tapSpace     = " \t\r\n\f"
	maxTAPDigits = 9
)

// point reads one test point.
func (t *tapReader) point(n int, p tapPointLine) error {
	c := evidence.TestCase{Status: passed}
	if p.failed {
		c.Status = failed
	}
	name, directive := tapSplit(p.rest)
	if directive == "" {
		// a test without a word about it
	} else if w := tapWord.FindStringSubmatch(directive); w != nil {
		c.Message = w[3]
		switch {
		case w[1] != "":
			c.Status = other
		case c.Status == passed:
			c.Status = skipped
		}
	} else {
		name += " #" + directive
	}
	c.Name = name
	if p.number != "" {
		number, err := strconv.ParseInt(p.number, 10, 64)
		if err != nil {
			return fmt.Errorf("number %s of a point", p.number)
		}
		if t.seen[number] {
			t.again++
			t.warn.Add(evidence.DuplicateEntry, place(n), "a second point with number %d; both count", number)
		}
		t.seen[number] = true
		if c.Name == "" {
			c.Name = p.number
		}
	}
	t.all.add(c.Status, false, 0)
	return t.rows.Case(c)
}

// tapSplit splits a description at its first "#" that is not escaped.
func tapSplit(s string) (name, directive string) {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '#':
			return strings.TrimSpace(unescapeTAP(s[:i])), s[i+1:]
		}
	}
	return strings.TrimSpace(unescapeTAP(s)), ""
}

var tapEscapes = strings.NewReplacer(`\#`, "#", `\\`, `\`)

func unescapeTAP(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	return tapEscapes.Replace(s)
}
