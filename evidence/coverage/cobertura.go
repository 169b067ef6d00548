package coverage

import (
	"bytes"
	"io"
	"math"
	"strconv"
	"strings"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/strictxml"
)

// Cobertura is the XML of the Java tool of that name, written by many others (coverage-04.dtd). Lines are those directly
// in a class; only where a class has none, those of its methods count.
func Cobertura() evidence.Format {
	return evidence.Format{
		Name: "cobertura", Title: "Cobertura XML", Kind: evidence.Coverage, MediaType: "application/xml",
		Recognised: "root element `coverage` with `packages`, `sources` or rates, without `project`",
		Tools:      "coverage.py, coverlet, AltCover, Istanbul, gocover-cobertura, SimpleCov, gcovr, Cobertura",
		Limits:     "conditions of a line only by its `condition-coverage`; methods and complexity are not counted; the root's own numbers are only compared",
		Match: func(h evidence.Head) bool {
			return h.Syntax == evidence.XML && strings.EqualFold(h.Root, "coverage") && !h.Has("coverage/project") &&
				(h.HasAny("coverage/packages", "coverage/sources", "coverage/@line-rate", "coverage/@lines-valid"))
		},
		Read: readCobertura,
	}
}

// coberturaReader is the state of one pass.
type coberturaReader struct {
	x       *strictxml.Reader
	names   *strictxml.Names
	files   lineFiles
	warn    evidence.Warnings
	path    []string
	file    string
	direct  []record
	methods []record
	// declared are the attributes of the root that repeat what the lines say.
	declared map[string]string
}

func readCobertura(r io.Reader, rows *evidence.Rows) (evidence.Report, error) {
	x, err := strictxml.New(r)
	if err != nil {
		return evidence.Report{}, err
	}
	c := &coberturaReader{x: x, declared: map[string]string{}, names: strictxml.NewNames("coverage", "packages", "package",
		"classes", "class", "methods", "method", "lines", "line", "conditions", "condition").Attributes("filename", "number", "hits", "condition-coverage",
		"lines-covered", "lines-valid", "branches-covered", "branches-valid", "line-rate", "branch-rate")}
	if err := c.document(); err != nil {
		return evidence.Report{}, err
	}
	sum, err := c.files.finish(rows)
	if err != nil {
		return evidence.Report{}, err
	}
	c.compare(&sum)
	nothing(&sum, &c.warn)
	return evidence.Report{Summary: evidence.Summary{Coverage: &sum}, Warnings: c.warn}, nil
}

func (c *coberturaReader) document() error {
	for {
		ev, err := c.x.Next()
		if err != nil {
			return err
		}
		switch ev {
		case strictxml.EOF:
			if c.x.Doctype() != "" {
				c.warn.Add(evidence.ExternalDTD, "", "the report has a DOCTYPE; nothing it names was fetched")
			}
			return nil
		case strictxml.Start:
			if err := c.start(); err != nil {
				return err
			}
		case strictxml.End:
			if string(c.x.Name()) == "class" {
				if err := c.endClass(); err != nil {
					return err
				}
			}
			c.path = c.path[:len(c.path)-1]
		}
	}
}

// coberturaParents says where each element stands; the root has none.
var coberturaParents = map[string]string{
	"coverage": "", "packages": "coverage", "package": "packages", "classes": "package", "class": "classes",
	"methods": "class", "method": "methods",
}

// start deals with a start tag. Elements of the format stay open, others are read to their end.
func (c *coberturaReader) start() error {
	known, err := c.names.Known(c.x)
	if err != nil {
		return err
	}
	name, parent := string(c.x.Name()), ""
	if len(c.path) > 0 {
		parent = c.path[len(c.path)-1]
	}
	if !known {
		return c.names.SkipOther(c.x)
	}
	right := true
	switch name {
	case "lines":
		right = parent == "class" || parent == "method"
	case "line":
		if right = parent == "lines"; right {
			return c.line()
		}
	case "conditions", "condition":
		right = false
	default:
		right = coberturaParents[name] == parent
	}
	if !right {
		return c.x.Errorf("<%s> inside <%s>, where the format has none", name, parent)
	}
	c.path = append(c.path, name)
	switch name {
	case "coverage":
		for _, a := range c.x.Attrs() {
			c.declared[string(a.Name)] = evidence.Cut(string(a.Value))
		}
	case "class":
		file, ok := c.x.Attr("filename")
		if !ok || file == "" {
			return c.x.Errorf("a <class> without filename")
		}
		if len(file) > evidence.MaxName {
			return c.x.Errorf("a filename of %d bytes", len(file))
		}
		c.file, c.direct, c.methods = file, c.direct[:0], c.methods[:0]
	}
	return nil
}

// line reads one line, directly in a class or in a method.
func (c *coberturaReader) line() error {
	rec := record{line: -1}
	hits, conditions := []byte(nil), []byte(nil)
	for _, a := range c.x.Attrs() {
		switch string(a.Name) {
		case "number":
			n, err := strconv.ParseInt(string(a.Value), 10, 32)
			if err != nil || n < 0 {
				return c.x.Errorf("line number %q", evidence.Cut(string(a.Value)))
			}
			rec.line = int32(n)
		case "hits":
			hits = a.Value
		case "condition-coverage":
			conditions = a.Value
		}
	}
	if rec.line < 0 {
		return c.x.Errorf("a <line> without number")
	}
	rec.hit = c.hit(hits)
	if len(conditions) > 0 {
		rec.covered, rec.branch = c.conditions(conditions)
	}
	if len(c.direct)+len(c.methods) > evidence.MaxLines {
		return c.x.Errorf("more than %d lines in one class", evidence.MaxLines)
	}
	if len(c.path) > 1 && c.path[len(c.path)-2] == "method" {
		c.methods = append(c.methods, rec)
	} else {
		c.direct = append(c.direct, rec)
	}
	return c.skipConditions()
}

// skipConditions reads to the end of a line; its conditions repeat what the attribute says.
func (c *coberturaReader) skipConditions() error {
	depth := c.x.Depth()
	for {
		ev, err := c.x.Next()
		switch {
		case err != nil:
			return err
		case ev == strictxml.End && c.x.Depth() == depth:
			return nil
		case ev == strictxml.Start:
			known, err := c.names.Known(c.x)
			if err != nil {
				return err
			}
			if name := c.x.Name(); known && string(name) != "conditions" && string(name) != "condition" {
				return c.x.Errorf("<%s> inside <line>, where the format has none", name)
			}
		}
	}
}

// hit reads a count. What is no count, or is negative, is not covered.
func (c *coberturaReader) hit(text []byte) bool {
	digits := bytes.TrimLeft(text, "0")
	if len(text) > 0 && len(digits) == 0 {
		return false
	}
	for _, d := range digits {
		if d < '0' || d > '9' {
			f, err := strconv.ParseFloat(string(text), 64)
			if err != nil || !(f >= 0) || math.IsInf(f, 0) {
				c.warn.Add(evidence.BadNumber, c.x.Place(), "hits=%q is no count; the line counts as not covered", text)
				return false
			}
			return f > 0
		}
	}
	if len(digits) == 0 {
		c.warn.Add(evidence.BadNumber, c.x.Place(), "a line without hits counts as not covered")
	}
	return len(digits) > 0
}

// conditions reads "50% (1/2)". More covered than there are counts as all, with a warning.
func (c *coberturaReader) conditions(text []byte) (covered, all int32) {
	open, slash, end := bytes.IndexByte(text, '('), bytes.IndexByte(text, '/'), bytes.IndexByte(text, ')')
	if open < 0 && bytes.HasSuffix(text, []byte("%")) {
		return 0, 0 // some tools give the percentage alone: nothing to count
	}
	if open >= 0 && open < slash && slash < end {
		a, err1 := strconv.ParseInt(string(text[open+1:slash]), 10, 32)
		b, err2 := strconv.ParseInt(string(text[slash+1:end]), 10, 32)
		if err1 == nil && err2 == nil && a >= 0 && b >= 0 && a <= b {
			return int32(a), int32(b)
		}
	}
	c.warn.Add(evidence.BadNumber, c.x.Place(), "condition-coverage=%q is no pair of counts; its branches were not counted", text)
	return 0, 0
}

// endClass keeps the lines of a class.
func (c *coberturaReader) endClass() error {
	lines := &c.direct
	if len(*lines) == 0 {
		lines = &c.methods
	}
	kept, err := c.files.add(c.file, *lines)
	if err != nil {
		return c.x.Errorf("%s", err)
	}
	if kept {
		*lines = nil
	}
	return nil
}

// compare warns about attributes of the root that the lines contradict: counts exactly, rates by more than 0.01.
func (c *coberturaReader) compare(s *evidence.CoverageSummary) {
	count := func(name string, found int64) {
		text, ok := c.declared[name]
		if !ok || text == "" {
			return
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 0 {
			c.warn.Add(evidence.BadNumber, "", "<coverage> says %s=%q", name, text)
		} else if n != found {
			c.warn.Add(evidence.CountsDisagree, "", "<coverage> says %s=\"%d\", its lines give %d", name, n, found)
		}
	}
	rate := func(name string, found evidence.Ratio) {
		text, ok := c.declared[name]
		if !ok || text == "" || !found.Measured {
			return
		}
		f, err := strconv.ParseFloat(text, 64)
		if err != nil || !(f >= 0 && f <= 1) {
			c.warn.Add(evidence.BadNumber, "", "<coverage> says %s=%q", name, text)
		} else if got := float64(found.Covered) / float64(found.Total); math.Abs(f-got) > 0.01 {
			c.warn.Add(evidence.CountsDisagree, "", "<coverage> says %s=%q, its lines give %.4f", name, text, got)
		}
	}
	count("lines-covered", s.Line.Covered)
	count("lines-valid", s.Line.Total)
	count("branches-covered", s.Branch.Covered)
	count("branches-valid", s.Branch.Total)
	rate("line-rate", s.Line)
	rate("branch-rate", s.Branch)
}
