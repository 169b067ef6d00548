package tests

import (
	"io"
	"strings"

	"cdgate.dev/cdgate/evidence"
)

// XUnit2 is the result file of xUnit.net, version 2 and 3.
func XUnit2() evidence.Format {
	return evidence.Format{
		Name: "xunit2", Title: "xUnit.net XML", Kind: evidence.Tests, MediaType: "application/xml",
		Recognised: "root element `assemblies`, or `assembly` with `collection`",
		Tools:      "xunit.console, dotnet test --logger xunit, Fixie",
		Limits:     "xUnit.net 2 and 3, not 1; output and traits are not read",
		Match: func(h evidence.Head) bool {
			return h.Syntax == evidence.XML && (strings.EqualFold(h.Root, "assemblies") || h.Root == "assembly" && h.Has("assembly/collection"))
		},
		Read: readXUnit2,
	}
}

type xunit2Reader struct{ *xmlReader }

func readXUnit2(r io.Reader, rows *evidence.Rows) (evidence.Report, error) {
	base, err := newXMLReader(r, rows, []string{"result", "name", "type", "time"}, "assemblies", "assembly", "collection", "test", "errors", "error")
	if err != nil {
		return evidence.Report{}, err
	}
	n := xunit2Reader{base}
	declared := map[string]string{}
	single := false
	report, err := n.run(n.part, func() {
		if string(n.x.Name()) == "assembly" {
			single, declared = true, n.attrs()
			n.framework(declared)
		}
	}, "assemblies", "assembly")
	if err == nil && single {
		n.declared(declared, tally{}, 0)
		report.Warnings = n.warn
	}
	report.Tool = n.tool
	return report, err
}

// framework takes the tool from "xUnit.net 2.4.1".
func (n xunit2Reader) framework(a map[string]string) {
	if text := a["test-framework"]; text != "" {
		name, version, _ := strings.Cut(text, " ")
		n.tool = evidence.Tool{Name: evidence.Cut(name), Version: evidence.Cut(version)}
	}
}

func (n xunit2Reader) part(name []byte) error {
	switch string(name) {
	case "assembly":
		a, before := n.attrs(), n.all
		n.framework(a)
		if err := n.names.Children(n.x, n.part); err != nil {
			return err
		}
		n.declared(a, before, before.Problems)
	case "collection":
		return n.names.Children(n.x, n.part)
	case "errors":
		return n.names.Children(n.x, n.part)
	case "error":
		line := n.x.Line()
		message, err := n.details("failure")
		n.all.Problems++
		n.warn.Add(evidence.SuiteProblem, place(line), "an error outside of any test: %s", message)
		return err
	case "test":
		return n.test()
	}
	return nil
}

// declared compares the counts of an assembly.
func (n xunit2Reader) declared(a map[string]string, before tally, problems int64) {
	n.compare("assembly", a, "total", n.all.Total-before.Total)
	n.compare("assembly", a, "passed", n.all.Passed-before.Passed)
	n.compare("assembly", a, "failed", n.all.Failed+n.all.Errored-before.Failed-before.Errored)
	n.compare("assembly", a, "errors", n.all.Problems-problems)
}

func (n xunit2Reader) test() error {
	a := n.attrs()
	c := evidence.TestCase{Suite: a["type"], Name: a["name"]}
	switch a["result"] {
	case "Pass":
		c.Status = passed
	case "Fail":
		c.Status = failed
	case "Skip", "NotRun":
		c.Status = skipped
	default:
		n.warn.Add(evidence.UnknownStatus, n.x.Place(), "result %q counts as errored", evidence.Cut(a["result"]))
		c.Status = errored
	}
	micros := n.duration(a["time"])
	reason := ""
	err := n.names.Children(n.x, func(name []byte) (err error) {
		switch string(name) {
		case "failure":
			return n.names.Children(n.x, func(name []byte) (err error) {
				if string(name) == "message" && c.Message == "" {
					c.Message, err = n.names.Text(n.x)
				}
				return err
			})
		case "reason":
			reason, err = n.names.Text(n.x)
		}
		return err
	})
	if err != nil {
		return err
	}
	if c.Message == "" {
		c.Message = reason
	}
	return n.add(c, micros)
}
