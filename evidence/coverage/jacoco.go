package coverage

import (
	"io"
	"strconv"
	"strings"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/strictxml"
)

// JaCoCo is the XML report of JaCoCo. What counts are the counters of the report element; a kind of counter that is
// missing there is unknown. Rows are source files.
func JaCoCo() evidence.Format {
	return evidence.Format{
		Name: "jacoco", Title: "JaCoCo XML", Kind: evidence.Coverage, MediaType: "application/xml",
		Recognised: "root element `report` with `package`, `group`, `counter` or `sessioninfo`",
		Tools:      "JaCoCo for Maven, Gradle and Ant, Kover, Pester",
		Limits:     "the XML report, not `.exec`; sums are the report's counters, rows its source files; classes and methods are no rows",
		Match: func(h evidence.Head) bool {
			return h.Syntax == evidence.XML && strings.EqualFold(h.Root, "report") &&
				h.HasAny("report/package", "report/group", "report/counter", "report/sessioninfo")
		},
		Read: readJaCoCo,
	}
}

// jacocoCounters are the counters of one element by type.
type jacocoCounters map[string]evidence.Ratio

type jacocoReader struct {
	x     *strictxml.Reader
	names *strictxml.Names
	rows  *evidence.Rows
	warn  evidence.Warnings
	root  jacocoCounters
	lines [2]int64
	files int64
}

func readJaCoCo(r io.Reader, rows *evidence.Rows) (evidence.Report, error) {
	x, err := strictxml.New(r)
	if err != nil {
		return evidence.Report{}, err
	}
	j := &jacocoReader{x: x, rows: rows, root: jacocoCounters{},
		names: strictxml.NewNames("report", "group", "package", "class", "method", "sourcefile", "line", "counter").
			Attributes("name", "type", "missed", "covered")}
	err = j.names.Root(x, "report")
	if err == nil {
		err = j.names.Children(x, func(name []byte) error { return j.part(name, "", j.root) })
	}
	if err == nil {
		err = j.names.Finish(x)
	}
	if err != nil {
		return evidence.Report{}, err
	}
	if x.Doctype() != "" {
		j.warn.Add(evidence.ExternalDTD, "", "the report has a DOCTYPE; nothing it names was fetched")
	}
	s := evidence.CoverageSummary{Line: j.root["LINE"], Branch: j.root["BRANCH"], Function: j.root["METHOD"], Instruction: j.root["INSTRUCTION"], Files: j.files}
	if j.files > 0 && s.Line.Measured && (s.Line.Covered != j.lines[0] || s.Line.Total != j.lines[1]) {
		j.warn.Add(evidence.CountsDisagree, "", "<report> says %d of %d lines, its source files give %d of %d", s.Line.Covered, s.Line.Total, j.lines[0], j.lines[1])
	}
	nothing(&s, &j.warn)
	return evidence.Report{Tool: evidence.Tool{Name: "jacoco"}, Summary: evidence.Summary{Coverage: &s}, Warnings: j.warn}, nil
}

// part reads a group, package, source file or counter. pkg is the package it stands in.
func (j *jacocoReader) part(name []byte, pkg string, into jacocoCounters) error {
	switch string(name) {
	case "counter":
		return j.counter(into)
	case "group":
		return j.names.Children(j.x, func(name []byte) error { return j.part(name, pkg, jacocoCounters{}) })
	case "package":
		title, _ := j.x.Attr("name")
		return j.names.Children(j.x, func(name []byte) error { return j.part(name, title, jacocoCounters{}) })
	case "class":
		return j.x.Skip()
	case "sourcefile":
		return j.sourceFile(pkg)
	}
	return nil
}

func (j *jacocoReader) sourceFile(pkg string) error {
	title, _ := j.x.Attr("name")
	if pkg != "" {
		title = pkg + "/" + title
	}
	counters := jacocoCounters{}
	err := j.names.Children(j.x, func(name []byte) error {
		if string(name) == "counter" {
			return j.counter(counters)
		}
		return j.x.Skip()
	})
	if err != nil {
		return err
	}
	j.files++
	j.lines[0] += counters["LINE"].Covered
	j.lines[1] += counters["LINE"].Total
	if err := j.rows.File(evidence.CoverageFile{Path: title, Line: counters["LINE"], Branch: counters["BRANCH"]}); err != nil {
		return j.x.Errorf("%s", err)
	}
	return nil
}

func (j *jacocoReader) counter(into jacocoCounters) error {
	kind, _ := j.x.Attr("type")
	missed, _ := j.x.Attr("missed")
	covered, _ := j.x.Attr("covered")
	m, err1 := strconv.ParseUint(missed, 10, 40)
	c, err2 := strconv.ParseUint(covered, 10, 40)
	if err1 != nil || err2 != nil {
		return j.x.Errorf("counter %s with missed=%q covered=%q", evidence.Cut(kind), evidence.Cut(missed), evidence.Cut(covered))
	}
	if _, twice := into[kind]; twice {
		return j.x.Errorf("counter %s twice in one element", evidence.Cut(kind))
	}
	into[kind] = evidence.RatioOf(int64(c), int64(c+m))
	return nil
}
