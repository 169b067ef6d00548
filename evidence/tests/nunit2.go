package tests

import (
	"io"
	"strings"

	"cdgate.dev/cdgate/evidence"
)

// NUnit2 is the result file of NUnit 2, which several other runners still write.
func NUnit2() evidence.Format {
	return evidence.Format{
		Name: "nunit2", Title: "NUnit 2 XML", Kind: evidence.Tests, MediaType: "application/xml",
		Recognised: "root element `test-results`",
		Tools:      "nunit-console 2, Pester, Unity",
		Limits:     "the results of NUnit 2; categories and properties are not read",
		Match: func(h evidence.Head) bool {
			return h.Syntax == evidence.XML && strings.EqualFold(h.Root, "test-results")
		},
		Read: readNUnit2,
	}
}

type nunit2Reader struct{ *xmlReader }

func readNUnit2(r io.Reader, rows *evidence.Rows) (evidence.Report, error) {
	base, err := newXMLReader(r, rows, []string{"result", "success", "executed", "name"}, "test-results", "test-suite", "results", "test-case")
	if err != nil {
		return evidence.Report{}, err
	}
	n := nunit2Reader{base}
	n.tool.Name = "nunit"
	return n.run(n.part, nil, "test-results")
}

func (n nunit2Reader) part(name []byte) error {
	switch string(name) {
	case "environment":
		version, _ := n.x.Attr("nunit-version")
		n.tool.Version = evidence.Cut(version)
	case "results":
		return n.names.Children(n.x, n.part)
	case "test-suite":
		return n.suite()
	case "test-case":
		return n.testCase()
	}
	return nil
}

// suite reads a suite; one that failed although nothing in it did is a problem.
func (n nunit2Reader) suite() error {
	a, line := n.attrs(), n.x.Line()
	before := n.all.Failed + n.all.Errored + n.all.Problems
	if err := n.names.Children(n.x, n.part); err != nil {
		return err
	}
	bad := a["success"] != "" && !strings.EqualFold(a["success"], "true") || a["result"] == "Failure" || a["result"] == "Error"
	if bad && n.all.Failed+n.all.Errored+n.all.Problems == before {
		n.all.Problems++
		n.warn.Add(evidence.SuiteProblem, place(line), "suite %q failed by itself", evidence.Cut(a["name"]))
	}
	return nil
}

func (n nunit2Reader) testCase() error {
	a := n.attrs()
	c := evidence.TestCase{Name: a["name"], Status: nunit2Status(a)}
	if c.Status == "" {
		n.warn.Add(evidence.UnknownStatus, n.x.Place(), "result %q counts as errored", evidence.Cut(a["result"]))
		c.Status = errored
	}
	micros := n.duration(a["time"])
	message, err := n.details("failure", "reason")
	if err != nil {
		return err
	}
	c.Message = message
	return n.add(c, micros)
}

// nunit2Status reads result, and where there is none, as before NUnit 2.5, executed and success.
func nunit2Status(a map[string]string) string {
	switch a["result"] {
	case "Success":
		return passed
	case "Failure":
		return failed
	case "Error", "NotRunnable", "Invalid", "Cancelled":
		return errored
	case "Ignored", "Skipped":
		return skipped
	case "Inconclusive":
		return other
	case "":
	default:
		return ""
	}
	switch {
	case strings.EqualFold(a["executed"], "false"):
		return skipped
	case strings.EqualFold(a["success"], "true"):
		return passed
	case strings.EqualFold(a["success"], "false"):
		return failed
	}
	return ""
}
