package tests

import (
	"bytes"
	"io"
	"strconv"
	"strings"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/strictxml"
)

// JUnit is the XML that nearly every test tool can write. It has no specification; what is read is what the tools have
// in common: each testcase is one test, its worst child says how it went.
func JUnit() evidence.Format {
	return evidence.Format{
		Name: "junit", Title: "JUnit XML", Kind: evidence.Tests, MediaType: "application/xml",
		Recognised: "root element `testsuites` or `testsuite`",
		Tools:      "Maven Surefire, Gradle, pytest, Jest, Vitest, Playwright, gotestsum, GoogleTest, CTest, PHPUnit, nextest, RSpec, bats",
		Match: func(h evidence.Head) bool {
			return h.Syntax == evidence.XML && (strings.EqualFold(h.Root, "testsuites") || strings.EqualFold(h.Root, "testsuite")) &&
				!h.Has("testsuite/results")
		},
		Read: readJUnit,
	}
}

// junitReader is the state of one pass.
type junitReader struct {
	x     *strictxml.Reader
	names *strictxml.Names
	rows  *evidence.Rows
	warn  evidence.Warnings
	all   tally
	suite []junitSuite
	// class is the class name of the last case: most cases share it with the one before.
	class string
}

// junitSuite is an open suite: what it declares and what it holds.
type junitSuite struct {
	name     string
	element  string
	line     int
	declared [4]string
	start    [4]int64
}

// junitCounts are the attributes that repeat what the entries say.
var junitCounts = [4]string{"tests", "failures", "errors", "skipped"}

func readJUnit(r io.Reader, rows *evidence.Rows) (evidence.Report, error) {
	x, err := strictxml.New(r)
	if err != nil {
		return evidence.Report{}, err
	}
	j := &junitReader{x: x, rows: rows, names: strictxml.NewNames("testsuites", "testsuite", "testcase", "failure", "error",
		"skipped", "flakyFailure", "flakyError", "rerunFailure", "rerunError")}
	if err := j.document(); err != nil {
		return evidence.Report{}, err
	}
	summary := j.all.summary(&j.warn)
	return evidence.Report{Summary: summary, Warnings: j.warn}, nil
}

// document reads suites down to their cases.
func (j *junitReader) document() error {
	for {
		ev, err := j.x.Next()
		if err != nil {
			return err
		}
		switch ev {
		case strictxml.EOF:
			if j.x.Doctype() != "" {
				j.warn.Add(evidence.ExternalDTD, "", "the report has a DOCTYPE; nothing it names was fetched")
			}
			return nil
		case strictxml.Start:
			if err := j.start(); err != nil {
				return err
			}
		case strictxml.End:
			j.closeSuite()
		}
	}
}

// start deals with an element outside of a case. Suites stay open, everything else is read to its end.
func (j *junitReader) start() error {
	name := j.x.Name()
	if _, err := j.names.Known(j.x); err != nil {
		return err
	}
	if n := string(name); j.x.Depth() == 1 && n != "testsuites" && n != "testsuite" {
		return j.x.Errorf("root element <%s>, want <testsuites> or <testsuite>", n)
	}
	switch string(name) {
	case "testsuites", "testsuite":
		if j.x.Depth() > 1 && string(name) == "testsuites" {
			return j.x.Errorf("<testsuites> inside another element")
		}
		j.openSuite()
		return nil
	case "testcase":
		return j.testcase()
	case "failure", "error":
		j.all.Problems++
		line, what := j.x.Line(), string(name)
		message, err := j.message()
		j.warn.Add(evidence.SuiteProblem, place(line), "<%s> of suite %q: %s", what, j.suite[len(j.suite)-1].name, message)
		return err
	}
	switch string(name) {
	case "properties", "system-out", "system-err", "skipped":
	default:
		j.warn.Add(evidence.UnknownElement, j.x.Place(), "<%s> in a suite was not read", name)
	}
	return j.names.SkipOther(j.x)
}

func (j *junitReader) openSuite() {
	s := junitSuite{line: j.x.Line(), element: string(j.x.Name()), start: j.counts()}
	for _, a := range j.x.Attrs() {
		if string(a.Name) == "name" {
			s.name = evidence.Cut(string(a.Value))
			continue
		}
		for i, name := range junitCounts {
			if string(a.Name) == name {
				s.declared[i] = evidence.Cut(string(a.Value))
			}
		}
	}
	j.suite = append(j.suite, s)
}

func (j *junitReader) counts() [4]int64 {
	return [4]int64{j.all.Total, j.all.Failed, j.all.Errored, j.all.Skipped}
}

// closeSuite compares what a suite declares with what it held.
func (j *junitReader) closeSuite() {
	s := j.suite[len(j.suite)-1]
	j.suite = j.suite[:len(j.suite)-1]
	now := j.counts()
	for i, text := range s.declared {
		if text == "" {
			continue
		}
		n, err := strconv.ParseInt(strings.ReplaceAll(text, ",", ""), 10, 64)
		if err != nil || n < 0 {
			j.warn.Add(evidence.BadNumber, place(s.line), "<%s> says %s=%q", s.element, junitCounts[i], text)
		} else if found := now[i] - s.start[i]; n != found {
			j.warn.Add(evidence.CountsDisagree, place(s.line), "<%s> says %s=\"%d\", its entries give %d", s.element, junitCounts[i], n, found)
		}
	}
}

func place(line int) string { return "line " + strconv.Itoa(line) }

// severityOf orders what the children of a case say: the worst one wins.
const (
	sayNothing = iota
	saySkipped
	sayFailure
	sayError
)

// testcase reads one test.
func (j *junitReader) testcase() error {
	c, worst, micros := j.caseAttributes()
	flaky, rerun := false, false
	line := j.x.Line()
	depth := j.x.Depth()
	for {
		ev, err := j.x.Next()
		if err != nil {
			return err
		}
		if ev == strictxml.End && j.x.Depth() == depth {
			break
		}
		if ev != strictxml.Start {
			continue
		}
		if _, err := j.names.Known(j.x); err != nil {
			return err
		}
		say := sayNothing
		switch name := j.x.Name(); string(name) {
		case "failure":
			say = sayFailure
		case "error":
			say = sayError
		case "skipped":
			say = saySkipped
		case "flakyFailure", "flakyError":
			flaky = true
		case "rerunFailure", "rerunError":
			rerun = true
		case "testcase", "testsuite", "testsuites":
			return j.x.Errorf("<%s> inside a <testcase>", name)
		default:
			if err := j.names.SkipOther(j.x); err != nil {
				return err
			}
			continue
		}
		message, err := j.message()
		if err != nil {
			return err
		}
		if say > worst || say == worst && c.Message == "" {
			worst, c.Message = say, message
		}
	}
	if rerun && !flaky && worst < sayFailure {
		j.warn.Add(evidence.BreaksFormat, place(line), "a re-run that failed, in a test that did not: counted as failed")
		worst = sayFailure
	}
	c.Status = [...]string{passed, skipped, failed, errored}[worst]
	c.Flaky = flaky && worst == sayNothing
	c.DurationMillis = millis(micros)
	j.all.add(c.Status, c.Flaky, micros)
	if err := j.rows.Case(c); err != nil {
		return j.x.Errorf("%s", err)
	}
	return nil
}

// caseAttributes reads the start tag of a case.
func (j *junitReader) caseAttributes() (c evidence.TestCase, worst int, micros int64) {
	var class []byte
	for _, a := range j.x.Attrs() {
		switch string(a.Name) {
		case "name":
			c.Name = string(a.Value)
		case "classname":
			class = a.Value
		case "time":
			n, ok := seconds(a.Value)
			if !ok && len(a.Value) > 0 {
				j.warn.Add(evidence.BadNumber, j.x.Place(), "duration %q is no usable number", evidence.Cut(string(a.Value)))
			}
			micros = n
		case "status", "result":
			worst = max(worst, junitStatus(a.Value))
		}
	}
	if string(class) != j.class {
		j.class = string(class)
	}
	c.Suite = j.class
	if c.Suite == "" && len(j.suite) > 0 {
		c.Suite = j.suite[len(j.suite)-1].name
	}
	return c, worst, micros
}

// junitStatus reads the attributes status and result, which some tools write beside or instead of children. A word that
// says nothing bad says nothing.
func junitStatus(word []byte) int {
	switch string(bytes.ToLower(word)) {
	case "notrun", "disabled", "skipped", "suppressed", "ignored":
		return saySkipped
	case "fail", "failed", "failure":
		return sayFailure
	case "error", "errored", "broken":
		return sayError
	}
	return sayNothing
}

// message reads a result element to its end and returns its message attribute, or else the beginning of its text.
func (j *junitReader) message() (string, error) {
	message, _ := j.x.Attr("message")
	message = evidence.Cut(message)
	var text []byte
	depth := j.x.Depth()
	for {
		ev, err := j.x.Next()
		switch {
		case err != nil:
			return "", err
		case ev == strictxml.End && j.x.Depth() == depth:
			if message == "" {
				message = evidence.Cut(strings.TrimSpace(strings.ToValidUTF8(string(text), "")))
			}
			return message, nil
		case ev == strictxml.Text && message == "" && len(text) < evidence.MaxMessage:
			t := j.x.Text()
			if len(text) == 0 {
				t = bytes.TrimLeft(t, " \t\r\n")
			}
			text = append(text, t[:min(len(t), 2*evidence.MaxMessage)]...)
		case ev == strictxml.Start:
			if known, err := j.names.Known(j.x); err != nil {
				return "", err
			} else if known {
				return "", j.x.Errorf("<%s> inside another result", j.x.Name())
			}
		}
	}
}
