package coverage

import (
	"io"
	"strconv"
	"strings"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/strictxml"
)

// Clover is the XML of Clover and OpenClover. Statements, branches and functions are the metrics of the project, as the
// entries do not carry them all; lines are its stmt and cond lines. Test code (testproject) is left out.
func Clover() evidence.Format {
	return evidence.Format{
		Name: "clover", Title: "Clover XML", Kind: evidence.Coverage, MediaType: "application/xml",
		Recognised: "root element `coverage` with `project`",
		Tools:      "OpenClover, PHPUnit, Istanbul (Jest, nyc), Bullseye",
		Limits:     "statements, branches and methods come from the project's metrics alone; complexity is not read",
		Match: func(h evidence.Head) bool {
			return h.Syntax == evidence.XML && strings.EqualFold(h.Root, "coverage") && h.Has("coverage/project")
		},
		Read: readClover,
	}
}

type cloverReader struct {
	x     *strictxml.Reader
	names *strictxml.Names
	files lineFiles
	warn  evidence.Warnings
	sum   evidence.CoverageSummary
}

func readClover(r io.Reader, rows *evidence.Rows) (evidence.Report, error) {
	x, err := strictxml.New(r)
	if err != nil {
		return evidence.Report{}, err
	}
	c := &cloverReader{x: x, names: strictxml.NewNames("coverage", "project", "testproject", "package", "file", "class", "metrics", "line").Attributes(
		"type", "num", "count", "truecount", "falsecount", "path", "name", "statements", "coveredstatements", "conditionals",
		"coveredconditionals", "methods", "coveredmethods")}
	err = c.names.Root(x, "coverage")
	if err == nil {
		err = c.names.Children(x, func(name []byte) error {
			switch string(name) {
			case "project":
				return c.names.Children(x, func(name []byte) error {
					if string(name) == "metrics" {
						return c.metrics()
					}
					return c.part(name)
				})
			case "testproject":
				return x.Skip()
			}
			return nil
		})
	}
	if err == nil {
		err = c.names.Finish(x)
	}
	if err != nil {
		return evidence.Report{}, err
	}
	lines, err := c.files.finish(rows)
	if err != nil {
		return evidence.Report{}, err
	}
	c.sum.Line, c.sum.Files = lines.Line, lines.Files
	nothing(&c.sum, &c.warn)
	return evidence.Report{Summary: evidence.Summary{Coverage: &c.sum}, Warnings: c.warn}, nil
}

// metrics reads the metrics of the project.
func (c *cloverReader) metrics() error {
	pair := func(all, covered string) evidence.Ratio {
		a, ok1 := c.x.Attr(all)
		b, ok2 := c.x.Attr(covered)
		if !ok1 || !ok2 {
			return evidence.Ratio{}
		}
		t, err1 := strconv.ParseUint(a, 10, 40)
		n, err2 := strconv.ParseUint(b, 10, 40)
		if err1 != nil || err2 != nil || n > t {
			c.warn.Add(evidence.BadNumber, c.x.Place(), "%s=%q and %s=%q of the project are no pair of counts", all, evidence.Cut(a), covered, evidence.Cut(b))
			return evidence.Ratio{}
		}
		return evidence.RatioOf(int64(n), int64(t))
	}
	c.sum.Statement = pair("statements", "coveredstatements")
	c.sum.Branch = pair("conditionals", "coveredconditionals")
	c.sum.Function = pair("methods", "coveredmethods")
	return nil
}

// part reads a package or file.
func (c *cloverReader) part(name []byte) error {
	switch string(name) {
	case "package":
		return c.names.Children(c.x, c.part)
	case "file":
		path, ok := c.x.Attr("path")
		if !ok {
			path, _ = c.x.Attr("name")
		}
		if path == "" {
			return c.x.Errorf("a <file> without path and name")
		}
		c.files.file(path)
		return c.names.Children(c.x, func(name []byte) error {
			switch string(name) {
			case "line":
				return c.line(path)
			case "class":
				return c.x.Skip()
			}
			return nil
		})
	}
	return nil
}

// line reads a line; those of methods are no lines of code.
func (c *cloverReader) line(path string) error {
	var kind, num, count, yes, no string
	hasCount := false
	for _, a := range c.x.Attrs() {
		switch string(a.Name) {
		case "type":
			kind = string(a.Value)
		case "num":
			num = string(a.Value)
		case "count":
			count, hasCount = string(a.Value), true
		case "truecount":
			yes = string(a.Value)
		case "falsecount":
			no = string(a.Value)
		}
	}
	if kind != "stmt" && kind != "cond" {
		return nil
	}
	n, err := strconv.ParseUint(num, 10, 31)
	if err != nil {
		return c.x.Errorf("line number %q", evidence.Cut(num))
	}
	hit := false
	if hasCount || kind == "stmt" {
		hit = c.positive(count)
	} else {
		hit = yes != "" && c.positive(yes) || no != "" && c.positive(no)
	}
	if _, err := c.files.add(path, []record{{line: int32(n), hit: hit}}); err != nil {
		return c.x.Errorf("%s", err)
	}
	return nil
}

// positive reads a count; what is none counts as not covered.
func (c *cloverReader) positive(text string) bool {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		c.warn.Add(evidence.BadNumber, c.x.Place(), "count %q; the line counts as not covered", evidence.Cut(text))
	}
	return err == nil && n > 0
}
