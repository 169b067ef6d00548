package tests

import (
	"bytes"
	"io"
	"slices"
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
		Limits:     "there is no specification: what the tools have in common is read; output, properties and attachments are not kept; a suite's own counts are only compared",
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
	// attrs are the attributes that are read; one that only looks like one of them is refused.
	attrs *strictxml.Names
	rows  *evidence.Rows
	warn  evidence.Warnings
	all   tally
	suite []junitSuite
	// one is the case that is being read, name its name; class is the class name of the last one, which most share with the
	// one before.
	one   evidence.TestCase
	name  []byte
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
		"skipped", "flakyFailure", "flakyError", "rerunFailure", "rerunError"),
		attrs: strictxml.NewNames("name", "classname", "time", "status", "result", "tests", "failures", "errors", "skipped")}
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
		case strictxml.Text:
			if !j.x.Blank() {
				j.stray("a suite")
			}
		}
	}
}

// stray tells of text where the format has none; it may be what is left of a result.
func (j *junitReader) stray(where string) {
	if text := bytes.TrimSpace(j.x.Text()); len(text) > 0 {
		j.warn.Add(evidence.UnknownElement, j.x.Place(), "text in %s was not read: %q", where, evidence.Cut(string(text[:min(len(text), 200)])))
	}
}

// start deals with an element outside of a case. Suites stay open, everything else is read to its end.
func (j *junitReader) start() error {
	name := j.x.Name()
	if _, err := j.names.Known(j.x); err != nil {
		return err
	}
	if j.x.Depth() == 1 && string(name) != "testsuites" && string(name) != "testsuite" {
		return j.x.Errorf("root element <%s>, want <testsuites> or <testsuite>", name)
	}
	switch string(name) {
	case "testsuites", "testsuite":
		if j.x.Depth() > 1 && string(name) == "testsuites" {
			return j.x.Errorf("<testsuites> inside another element")
		}
		return j.openSuite()
	case "testcase":
		return j.testcase()
	case "failure", "error":
		j.all.Problems++
		line, what := j.x.Line(), string(name)
		message, err := j.message()
		j.warn.Add(evidence.SuiteProblem, place(line), "<%s> of suite %q: %s", what, j.suite[len(j.suite)-1].name, message)
		return err
	}
	j.unread(name, "a suite")
	return j.names.SkipOther(j.x)
}

// unread tells of an element that is none of those that say nothing about how tests went.
func (j *junitReader) unread(name []byte, where string) {
	switch string(name) {
	case "properties", "property", "system-out", "system-err", "skipped", "assertions", "attachments":
	default:
		j.warn.Add(evidence.UnknownElement, j.x.Place(), "<%s> in %s was not read", evidence.Cut(string(name)), where)
	}
}

func (j *junitReader) openSuite() error {
	s := junitSuite{line: j.x.Line(), element: string(j.x.Name()), start: j.counts()}
	for _, a := range j.x.Attrs() {
		if string(a.Name) == "name" {
			s.name = evidence.Cut(string(a.Value))
			continue
		}
		i := slices.Index(junitCounts[:], string(a.Name))
		if i >= 0 {
			s.declared[i] = evidence.Cut(string(a.Value))
		} else if err := j.attrs.OtherAttribute(j.x, a.Name); err != nil {
			return err
		}
	}
	j.suite = append(j.suite, s)
	return nil
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
