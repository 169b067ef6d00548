package scan

import (
	"io"
	"strconv"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/strictjson"
)

// jsonScan is what the readers of JSON reports share.
type jsonScan struct {
	*strictjson.Reader
	out  output
	tool evidence.Tool
	// f is the finding that is being read, word its severity as written.
	f    evidence.ScanFinding
	word string
	line int64
}

func newJSONScan(r io.Reader, rows *evidence.Rows, tool string) *jsonScan {
	return &jsonScan{Reader: strictjson.New(r), out: output{rows: rows}, tool: evidence.Tool{Name: tool}}
}

// document reads the one document of a report.
func (s *jsonScan) document(read func() error) error {
	if err := read(); err != nil {
		return err
	}
	return s.End()
}

// finding returns a function that reads an object with m and passes the finding that m filled in to done.
func (s *jsonScan) finding(category string, m strictjson.Members, done func() error) func() error {
	read := s.Record(m)
	return func() error {
		s.f = evidence.ScanFinding{Category: category}
		s.word, s.line = "", 0
		if err := read(); err != nil {
			return err
		}
		return done()
	}
}

// add counts the finding.
func (s *jsonScan) add() error {
	if s.line > 0 && s.f.Place != "" {
		s.f.Place += ":" + strconv.FormatInt(s.line, 10)
	}
	if err := s.out.add(s.f); err != nil {
		return s.Errorf("%w", err)
	}
	return nil
}

// addBySeverity counts the finding by its word.
func (s *jsonScan) addBySeverity() error {
	s.f.Severity = s.out.severity(s.word, s.Place)
	return s.add()
}

// first keeps the first text of a list.
func (s *jsonScan) first(into *string) func() error {
	return s.List(func() error {
		text, err := s.StringOrNull()
		if *into == "" {
			*into = text
		}
		return err
	})
}
