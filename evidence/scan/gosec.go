package scan

import (
	"io"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/strictjson"
)

// Gosec is the JSON of gosec. Issues with suppressions or nosec are suppressed.
func Gosec() evidence.Format {
	return evidence.Format{
		Name: "gosec", Title: "gosec JSON", Kind: evidence.Scan, MediaType: "application/json",
		Recognised: "an object with `Issues` and `Stats`",
		Tools:      "gosec",
		Limits:     "its own JSON; confidence and the quoted code are not read; a file that could not be analysed makes it incomplete",
		Match: func(h evidence.Head) bool {
			return h.Syntax == evidence.JSON && h.Has("Issues") && h.HasAny("Stats", "Golang errors", "GosecVersion", "Issues[].rule_id")
		},
		Read: readGosec,
	}
}

func readGosec(r io.Reader, rows *evidence.Rows) (evidence.Report, error) {
	s := newJSONScan(r, rows, "gosec")
	files := int64(0)
	nosec, line := false, ""
	issue := s.finding(code, strictjson.Members{
		"severity": s.Into(&s.word), "rule_id": s.Into(&s.f.ID), "details": s.IntoMessage(&s.f.Title), "file": s.Into(&s.f.Place),
		"line": s.IntoWord(&line), "nosec": s.IntoBool(&nosec),
		"suppressions": s.List(func() error {
			s.f.Status = suppressed
			return s.Record(strictjson.Members{"justification": s.IntoMessage(&s.f.Justification)})()
		}),
	}, func() error {
		if nosec {
			s.f.Status = suppressed
		}
		if line != "" {
			s.f.Place += ":" + line
		}
		nosec, line = false, ""
		return s.addBySeverity()
	})
	file := ""
	err := s.document(s.Record(strictjson.Members{
		"Issues":       s.List(issue),
		"Stats":        s.Record(strictjson.Members{"files": s.IntoInt(&files)}),
		"GosecVersion": s.IntoMessage(&s.tool.Version),
		"Golang errors": s.Each(func(n string) { file = n }, func() error {
			s.out.incomplete(evidence.Cut(file), "a file could not be analysed")
			return s.Skip()
		}),
	}))
	if err != nil {
		return evidence.Report{}, err
	}
	s.out.looked = files > 0
	return s.out.report(s.tool), nil
}
