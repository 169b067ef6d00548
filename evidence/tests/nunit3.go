package tests

import (
	"io"
	"strings"

	"cdgate.dev/cdgate/evidence"
)

// NUnit3 is the result file of NUnit 3 and 4.
func NUnit3() evidence.Format {
	return evidence.Format{
		Name: "nunit3", Title: "NUnit 3 XML", Kind: evidence.Tests, MediaType: "application/xml",
		Recognised: "root element `test-run`",
		Tools:      "nunit3-console, NunitXml.TestLogger, Unity Test Runner",
		Limits:     "NUnit 3 and 4; output, properties and attachments are not read",
		Match: func(h evidence.Head) bool {
			return h.Syntax == evidence.XML && strings.EqualFold(h.Root, "test-run")
		},
		Read: readNUnit3,
	}
}

type nunit3Reader struct{ *xmlReader }

func readNUnit3(r io.Reader, rows *evidence.Rows) (evidence.Report, error) {
	base, err := newXMLReader(r, rows, []string{"result", "label", "site", "name", "fullname", "classname", "duration"}, "test-run", "test-suite", "test-case")
	if err != nil {
		return evidence.Report{}, err
	}
	n := nunit3Reader{base}
	declared := map[string]string{}
	report, err := n.run(n.part, func() { declared = n.attrs() }, "test-run")
	if err != nil {
		return report, err
	}
	s := report.Summary.Tests
	n.compare("test-run", declared, "total", s.Total)
	n.compare("test-run", declared, "passed", s.Passed)
	n.compare("test-run", declared, "failed", s.Failed+s.Errored)
	n.compare("test-run", declared, "skipped", s.Skipped)
	if result, _ := nunitResult(declared["result"]); result == "Failed" && s.Failed+s.Errored+s.Problems == 0 {
		s.Problems++
		s.OK = false
		n.warn.Add(evidence.SuiteProblem, "", "the run says that it failed although no test did")
	}
	report.Tool = evidence.Tool{Name: "nunit", Version: evidence.Cut(declared["engine-version"])}
	report.Warnings = n.warn
	return report, nil
}

// nunitResult splits "Failed(Child)" or "Failed:Error" into result and label.
func nunitResult(text string) (result, label string) {
	if i := strings.IndexAny(text, "(:"); i >= 0 {
		return text[:i], strings.Trim(text[i:], "():")
	}
	return text, ""
}

// part reads a suite or a case.
func (n nunit3Reader) part(name []byte) error {
	switch string(name) {
	case "test-case":
		return n.testCase()
	case "test-suite":
		return n.suite()
	}
	return nil
}

// suite reads a suite. One that failed by itself, in its setup or teardown, is a problem: its tests may all have passed.
func (n nunit3Reader) suite() error {
	a, line := n.attrs(), n.x.Line()
	before := n.all.Failed + n.all.Errored + n.all.Problems
	if err := n.names.Children(n.x, n.part); err != nil {
		return err
	}
	result, _ := nunitResult(a["result"])
	alone := n.all.Failed+n.all.Errored+n.all.Problems == before
	if result == "Failed" && (alone || a["site"] == "TearDown") {
		n.all.Problems++
		n.warn.Add(evidence.SuiteProblem, place(line), "suite %q failed by itself (%s)", evidence.Cut(a["fullname"]), evidence.Cut(a["site"]))
	}
	return nil
}

func (n nunit3Reader) testCase() error {
	a := n.attrs()
	result, label := nunitResult(a["result"])
	if l := a["label"]; l != "" {
		label = l
	}
	c := evidence.TestCase{Suite: a["classname"], Name: a["name"]}
	if c.Suite == "" {
		c.Suite = strings.TrimSuffix(strings.TrimSuffix(a["fullname"], c.Name), ".")
	}
	switch result {
	case "Passed":
		c.Status = passed
	case "Failed":
		c.Status = failed
		if label == "Error" || label == "Invalid" || label == "Cancelled" {
			c.Status = errored
		}
	case "Skipped":
		c.Status = skipped
	case "Inconclusive", "Warning":
		c.Status = other
	default:
		n.warn.Add(evidence.UnknownStatus, n.x.Place(), "result %q counts as errored", evidence.Cut(result))
		c.Status = errored
	}
	text := a["duration"]
	if text == "" {
		text = a["time"]
	}
	micros := n.duration(text)
	message, err := n.details("failure", "reason")
	if err != nil {
		return err
	}
	c.Message = message
	return n.add(c, micros)
}
