package tests

import (
	"io"
	"strconv"
	"strings"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/strictxml"
)

// TRX is what Visual Studio's test platform writes. Only the results without inner results count; every outcome that is
// not known to be good is an error.
func TRX() evidence.Format {
	return evidence.Format{
		Name: "trx", Title: "Visual Studio TRX", Kind: evidence.Tests, MediaType: "application/xml",
		Recognised: "root element `TestRun`",
		Tools:      "dotnet test --logger trx, vstest.console, MSTest",
		Limits:     "results without inner results; attachments, timings and collectors are not read",
		Match: func(h evidence.Head) bool {
			return h.Syntax == evidence.XML && strings.EqualFold(h.Root, "TestRun")
		},
		Read: readTRX,
	}
}

type trxReader struct {
	x     *strictxml.Reader
	names *strictxml.Names
	warn  evidence.Warnings
	all   tally
	cases []trxCase
	// class finds the class of a test by its id; definitions may stand after the results.
	class   map[string]string
	outcome string
}

type trxCase struct {
	evidence.TestCase
	id string
}

// trxResults are the elements of results.
var trxResults = map[string]bool{
	"UnitTestResult": true, "TestResult": true, "GenericTestResult": true, "TestResultAggregation": true, "OrderedTestResult": true,
	"ManualTestResult": true, "WebTestResult": true, "LoadTestResult": true, "DataDrivenTestResult": true,
}

func readTRX(r io.Reader, rows *evidence.Rows) (evidence.Report, error) {
	x, err := strictxml.New(r)
	if err != nil {
		return evidence.Report{}, err
	}
	list := []string{"TestRun", "Results", "InnerResults", "ResultSummary", "RunInfos", "RunInfo", "TestDefinitions", "TestMethod"}
	for name := range trxResults {
		list = append(list, name)
	}
	t := &trxReader{x: x, names: strictxml.NewNames(list...).Beside("Output", "ErrorInfo", "Message", "UnitTest").
		Attributes("testName", "testId", "outcome", "duration", "className"), class: map[string]string{}}
	err = t.names.Root(x, "TestRun")
	if err == nil {
		err = t.names.Children(x, t.part)
	}
	if err == nil {
		err = t.names.Finish(x)
	}
	if err != nil {
		return evidence.Report{}, err
	}
	for _, c := range t.cases {
		c.Suite = t.class[c.id]
		if err := rows.Case(c.TestCase); err != nil {
			return evidence.Report{}, err
		}
	}
	switch t.outcome {
	case "", "Completed", "Passed":
	default:
		t.all.halted = true
		if t.all.Failed+t.all.Errored == 0 {
			t.all.Problems++
			t.warn.Add(evidence.SuiteProblem, "", "the run ended as %q although no test failed", t.outcome)
		}
	}
	summary := t.all.summary(&t.warn)
	return evidence.Report{Summary: summary, Warnings: t.warn}, nil
}

func (t *trxReader) part(name []byte) error {
	switch string(name) {
	case "Results":
		return t.names.Children(t.x, t.result)
	case "ResultSummary":
		outcome, ok := t.x.Attr("outcome")
		if t.outcome = evidence.Cut(outcome); !ok {
			t.outcome = "unknown"
		}
		return t.names.Children(t.x, t.summary)
	case "TestDefinitions":
		return t.names.Children(t.x, func([]byte) error {
			id, _ := t.x.Attr("id")
			return t.names.Children(t.x, func(name []byte) error {
				if string(name) == "TestMethod" && len(t.class) < evidence.MaxRows {
					class, _ := t.x.Attr("className")
					// Assembly-qualified names end with the assembly after a comma.
					t.class[id], _, _ = strings.Cut(class, ",")
				}
				return nil
			})
		})
	}
	return nil
}

// result reads one result, or the results inside it.
func (t *trxReader) result(name []byte) error {
	if !trxResults[string(name)] {
		t.warn.Add(evidence.UnknownElement, t.x.Place(), "<%s> among the results was not read", name)
		return nil
	}
	c := trxCase{}
	micros, inner := int64(0), false
	for _, a := range t.x.Attrs() {
		switch string(a.Name) {
		case "testName":
			c.Name = string(a.Value)
		case "testId":
			c.id = string(a.Value)
		case "outcome":
			c.Status = string(a.Value)
		case "duration":
			n, ok := clock(string(a.Value))
			if !ok {
				t.warn.Add(evidence.BadNumber, t.x.Place(), "duration %q is none", evidence.Cut(string(a.Value)))
			}
			micros = n
		}
	}
	err := t.names.Children(t.x, func(name []byte) error {
		switch string(name) {
		case "InnerResults":
			return t.names.Children(t.x, func(name []byte) error {
				inner = true
				return t.result(name)
			})
		case "Output":
			return t.output(&c.TestCase)
		}
		return nil
	})
	if err != nil || inner {
		return err
	}
	switch c.Status {
	case "Passed":
		c.Status = passed
	case "Failed":
		c.Status = failed
	case "NotExecuted", "Pending", "Inconclusive":
		c.Status = skipped
	default:
		if c.Message == "" {
			c.Message = "outcome " + c.Status
		}
		c.Status = errored
	}
	c.DurationMillis = millis(micros)
	t.all.add(c.Status, false, micros)
	if len(t.cases) >= evidence.MaxRows {
		return t.x.Errorf("more than %d results", evidence.MaxRows)
	}
	t.cases = append(t.cases, c)
	return nil
}

// output reads the message of a failure.
func (t *trxReader) output(c *evidence.TestCase) error {
	return t.names.Children(t.x, func(name []byte) error {
		if string(name) != "ErrorInfo" {
			return nil
		}
		return t.names.Children(t.x, func(name []byte) (err error) {
			if string(name) == "Message" && c.Message == "" {
				c.Message, err = t.names.Text(t.x)
			}
			return err
		})
	})
}

// summary reads what went wrong with the run as a whole.
func (t *trxReader) summary(name []byte) error {
	if string(name) != "RunInfos" {
		return nil
	}
	return t.names.Children(t.x, func(name []byte) error {
		outcome, _ := t.x.Attr("outcome")
		if string(name) != "RunInfo" || outcome == "Warning" || outcome == "Passed" || outcome == "Completed" {
			return nil
		}
		line, text := t.x.Line(), ""
		err := t.names.Children(t.x, func(name []byte) (err error) {
			if string(name) == "Text" {
				text, err = t.names.Text(t.x)
			}
			return err
		})
		t.all.Problems++
		t.warn.Add(evidence.SuiteProblem, place(line), "%s of the run: %s", evidence.Cut(outcome), text)
		return err
	})
}

// clock reads "hh:mm:ss.fffffff", also with days before a dot, and returns microseconds.
func clock(s string) (int64, bool) {
	parts := strings.Split(s, ":")
	if len(parts) != 3 {
		return 0, false
	}
	days, hours, hasDays := strings.Cut(parts[0], ".")
	if !hasDays {
		days, hours = "0", parts[0]
	}
	d, err1 := strconv.ParseUint(days, 10, 16)
	h, err2 := strconv.ParseUint(hours, 10, 16)
	m, err3 := strconv.ParseUint(parts[1], 10, 16)
	sec, err4 := strconv.ParseFloat(parts[2], 64)
	if err1 != nil || err2 != nil || err3 != nil || err4 != nil || !(sec >= 0 && sec < 61) || d > 366 || h > 24*366 || m > 60*24 {
		return 0, false
	}
	return int64(((d*24+h)*60+m)*60)*1_000_000 + int64(sec*1e6+0.5), true
}
