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
	tapPoint = regexp.MustCompile(`^(not )?ok(?:\s+(\d{1,9})(?:\s|$))?\s*(?:- ?)?(.*)$`)
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
	case bailsOut(text):
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
	if m := tapPoint.FindStringSubmatch(text); m != nil && (len(text) == len(m[1])+2 || text[len(m[1])+2] == ' ' || text[len(m[1])+2] == '\t') {
		return t.point(n, m)
	}
	t.warn.Add(evidence.UnreadableLines, place(n), "a line that is no TAP was passed over")
	return nil
}

// bailsOut reports whether a line gives the run up, also in another case and with one slip in it.
func bailsOut(text string) bool {
	const words = "bail out!"
	text = strings.ToLower(strings.ReplaceAll(text, "\uFFFD", ""))
	for n := len(words) - 1; n <= min(len(words)+1, len(text)); n++ {
		if word := text[:n]; word == words || evidence.Misspelt(word, words, len(words)) {
			return true
		}
	}
	return false
}

// point reads one test point.
func (t *tapReader) point(n int, m []string) error {
	c := evidence.TestCase{Status: passed}
	if m[1] != "" {
		c.Status = failed
	}
	name, directive := tapSplit(m[3])
	if w := tapWord.FindStringSubmatch(directive); w != nil {
		c.Message = w[3]
		switch {
		case w[1] != "":
			c.Status = other
		case c.Status == passed:
			c.Status = skipped
		}
	} else if directive != "" {
		name += " #" + directive
	}
	c.Name = name
	if m[2] != "" {
		number, err := strconv.ParseInt(m[2], 10, 64)
		if err != nil {
			return fmt.Errorf("number %s of a point", m[2])
		}
		if t.seen[number] {
			t.again++
			t.warn.Add(evidence.DuplicateEntry, place(n), "a second point with number %d; both count", number)
		}
		t.seen[number] = true
		if c.Name == "" {
			c.Name = m[2]
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

func unescapeTAP(s string) string {
	return strings.NewReplacer(`\#`, "#", `\\`, `\`).Replace(s)
}
