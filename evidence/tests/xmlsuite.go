package tests

import (
	"io"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/strictxml"
)

// xmlReader is what the readers of XML formats with nested suites share.
type xmlReader struct {
	x     *strictxml.Reader
	names *strictxml.Names
	rows  *evidence.Rows
	warn  evidence.Warnings
	all   tally
	tool  evidence.Tool
}

// newXMLReader starts reading a document. names are the elements that carry meaning, attributes those of their attributes
// that do.
func newXMLReader(r io.Reader, rows *evidence.Rows, attributes []string, names ...string) (*xmlReader, error) {
	x, err := strictxml.New(r)
	if err != nil {
		return nil, err
	}
	return &xmlReader{x: x, rows: rows, names: strictxml.NewNames(names...).Attributes(attributes...)}, nil
}

// run reads the whole document below one of the roots.
func (r *xmlReader) run(child func(name []byte) error, atRoot func(), roots ...string) (evidence.Report, error) {
	err := r.names.Root(r.x, roots...)
	if err == nil {
		if atRoot != nil {
			atRoot()
		}
		err = r.names.Children(r.x, child)
	}
	if err == nil {
		err = r.names.Finish(r.x)
	}
	if err != nil {
		return evidence.Report{}, err
	}
	summary := r.all.summary(&r.warn)
	return evidence.Report{Tool: r.tool, Summary: summary, Warnings: r.warn}, nil
}

// attrs returns the attributes of the current element; later ones of the same name cannot be.
func (r *xmlReader) attrs() map[string]string {
	m := make(map[string]string, len(r.x.Attrs()))
	for _, a := range r.x.Attrs() {
		m[string(a.Name)] = string(a.Value)
	}
	return m
}

// duration reads seconds.
func (r *xmlReader) duration(text string) int64 {
	n, ok := seconds([]byte(text))
	if !ok && text != "" {
		r.warn.Add(evidence.BadNumber, r.x.Place(), "duration %q is no usable number", evidence.Cut(text))
	}
	return n
}

// add counts and writes one test.
func (r *xmlReader) add(c evidence.TestCase, micros int64) error {
	c.DurationMillis = millis(micros)
	r.all.add(c.Status, c.Flaky, micros)
	if err := r.rows.Case(c); err != nil {
		return r.x.Errorf("%s", err)
	}
	return nil
}

// details reads the children of a test and returns the text of the first message in one of the named elements.
func (r *xmlReader) details(in ...string) (message string, err error) {
	err = r.names.Children(r.x, func(name []byte) error {
		for _, n := range in {
			if string(name) != n {
				continue
			}
			return r.names.Children(r.x, func(name []byte) (err error) {
				if string(name) == "message" && message == "" {
					message, err = r.names.Text(r.x)
				}
				return err
			})
		}
		return nil
	})
	return message, err
}

// compare warns when a count that the report declares is not what it holds.
func (r *xmlReader) compare(element string, declared map[string]string, name string, found int64) {
	text, ok := declared[name]
	if !ok || text == "" {
		return
	}
	n, ok := count(text)
	if !ok {
		r.warn.Add(evidence.BadNumber, "", "<%s> says %s=%q", element, name, evidence.Cut(text))
	} else if n != found {
		r.warn.Add(evidence.CountsDisagree, "", "<%s> says %s=\"%d\", its entries give %d", element, name, n, found)
	}
}
