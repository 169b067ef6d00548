package tests

import (
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"cdgate.dev/cdgate/evidence"
)

// Robot is the output.xml of Robot Framework. A failed teardown of a suite fails every test in it, whatever the tests
// themselves say; they are therefore held until their suite has ended.
func Robot() evidence.Format {
	return evidence.Format{
		Name: "robot", Title: "Robot Framework XML", Kind: evidence.Tests, MediaType: "application/xml",
		Recognised: "root element `robot`",
		Tools:      "Robot Framework 2 to 7, Rebot, Pabot",
		Limits:     "`output.xml`; keywords and log messages are no tests of their own",
		Match: func(h evidence.Head) bool {
			return h.Syntax == evidence.XML && strings.EqualFold(h.Root, "robot")
		},
		Read: readRobot,
	}
}

type robotReader struct {
	*xmlReader
	cases  []robotCase
	kept   int
	path   []string
	stated map[string]string
}

type robotCase struct {
	evidence.TestCase
	micros int64
}

func readRobot(r io.Reader, rows *evidence.Rows) (evidence.Report, error) {
	base, err := newXMLReader(r, rows, []string{"status", "level", "name", "type"}, "robot", "suite", "test", "status", "statistics", "total", "stat")
	if err != nil {
		return evidence.Report{}, err
	}
	b := &robotReader{xmlReader: base}
	report, err := b.run(b.part, func() {
		generator, _ := b.x.Attr("generator")
		name, rest, _ := strings.Cut(generator, " ")
		version, _, _ := strings.Cut(rest, " ")
		b.tool = evidence.Tool{Name: evidence.Cut(strings.ToLower(name)), Version: evidence.Cut(version)}
	}, "robot")
	if err != nil {
		return report, err
	}
	s := report.Summary.Tests
	b.compare("stat", b.stated, "pass", s.Passed)
	b.compare("stat", b.stated, "fail", s.Failed+s.Errored)
	b.compare("stat", b.stated, "skip", s.Skipped)
	report.Warnings = b.warn
	return report, nil
}

func (b *robotReader) part(name []byte) error {
	switch string(name) {
	case "suite":
		if err := b.suite(); err != nil {
			return err
		}
		for _, c := range b.cases {
			if err := b.add(c.TestCase, c.micros); err != nil {
				return err
			}
		}
		b.cases = nil
	case "statistics":
		return b.names.Children(b.x, func(name []byte) error {
			if string(name) != "total" {
				return b.x.Skip()
			}
			return b.names.Children(b.x, func([]byte) error {
				// The last line of the totals is that of all tests.
				b.stated = b.attrs()
				return nil
			})
		})
	case "errors":
		return b.names.Children(b.x, func([]byte) error {
			level, _ := b.x.Attr("level")
			line := b.x.Line()
			text, err := b.names.Text(b.x)
			if level == "ERROR" {
				b.warn.Add(evidence.SuiteProblem, place(line), "an error while the tests were run: %s", text)
			}
			return err
		})
	}
	return nil
}

// suite reads a suite and the suites in it.
func (b *robotReader) suite() error {
	title, _ := b.x.Attr("name")
	b.path = append(b.path, title)
	defer func() { b.path = b.path[:len(b.path)-1] }()
	from, before := len(b.cases), b.all.Problems
	teardown, status := "", ""
	err := b.names.Children(b.x, func(name []byte) (err error) {
		switch string(name) {
		case "suite":
			return b.suite()
		case "test":
			return b.test()
		case "kw":
			kind, _ := b.x.Attr("type")
			status, message, err := b.keyword()
			if strings.EqualFold(kind, "teardown") && status != "PASS" && status != "NOT RUN" && status != "NOT_RUN" {
				teardown = "the teardown of the suite failed: " + message
			}
			return err
		case "status":
			status, _ = b.x.Attr("status")
			return b.x.Skip()
		}
		return nil
	})
	if err == nil && teardown == "" && status == "FAIL" && before == b.all.Problems && !slices.ContainsFunc(b.cases[from:], func(c robotCase) bool {
		return c.Status == failed || c.Status == errored
	}) {
		teardown = "the suite failed, although none of its tests did"
	}
	if err != nil || teardown == "" {
		return err
	}
	if from == len(b.cases) {
		b.all.Problems++
	}
	b.warn.Add(evidence.SuiteProblem, b.x.Place(), "suite %q: %s", strings.Join(b.path, "."), teardown)
	for i := from; i < len(b.cases); i++ {
		if b.cases[i].Status != failed {
			b.cases[i].Status, b.cases[i].Message = failed, evidence.Cut(teardown)
		}
	}
	return nil
}

// keyword reads a keyword of a suite and returns how it ended.
func (b *robotReader) keyword() (status, message string, err error) {
	depth := b.x.Depth()
	err = b.names.Children(b.x, func(name []byte) (err error) {
		if string(name) == "status" && b.x.Depth() == depth+1 {
			status, _ = b.x.Attr("status")
			status = strings.Clone(status)
			message, err = b.names.Text(b.x)
			return err
		}
		return b.x.Skip()
	})
	return status, message, err
}

// test reads a test. Its own status stands after its keywords.
func (b *robotReader) test() error {
	title, _ := b.x.Attr("name")
	c := robotCase{TestCase: evidence.TestCase{Suite: strings.Join(b.path, "."), Name: title}}
	word := ""
	err := b.names.Children(b.x, func(name []byte) (err error) {
		if string(name) != "status" {
			return b.x.Skip()
		}
		a := b.attrs()
		word, c.micros = a["status"], robotDuration(a)
		c.Message, err = b.names.Text(b.x)
		return err
	})
	if err != nil {
		return err
	}
	switch word {
	case "PASS":
		c.Status = passed
	case "FAIL":
		c.Status = failed
	case "SKIP", "NOT RUN", "NOT_RUN":
		c.Status = skipped
	default:
		b.warn.Add(evidence.UnknownStatus, b.x.Place(), "status %q of test %q counts as errored", evidence.Cut(word), evidence.Cut(title))
		c.Status = errored
	}
	b.kept += 128 + len(c.Suite) + len(c.Name) + len(c.Message)
	if len(b.cases) >= evidence.MaxRows || b.kept > evidence.MaxKept {
		return b.x.Errorf("more tests in one suite than can be held (%d)", len(b.cases))
	}
	b.cases = append(b.cases, c)
	return nil
}

// robotDuration reads elapsed seconds, or the difference of two times; 0 when there is none.
func robotDuration(a map[string]string) int64 {
	if text := a["elapsed"]; text != "" {
		f, err := strconv.ParseFloat(text, 64)
		if err == nil && f > 0 && f < maxSeconds {
			return int64(f*1e6 + 0.5)
		}
		return 0
	}
	const layout = "20060102 15:04:05.000"
	start, err1 := time.Parse(layout, a["starttime"])
	end, err2 := time.Parse(layout, a["endtime"])
	if d := end.Sub(start); err1 == nil && err2 == nil && d > 0 && d < maxSeconds*time.Second {
		return d.Microseconds()
	}
	return 0
}
