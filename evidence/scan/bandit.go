package scan

import (
	"io"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/strictjson"
)

// Bandit is the JSON of Bandit, for Python. Without a line of code nothing was looked at.
func Bandit() evidence.Format {
	return evidence.Format{
		Name: "bandit", Title: "Bandit JSON", Kind: evidence.Scan, MediaType: "application/json",
		Recognised: "an object with `metrics._totals` and `results`",
		Tools:      "Bandit",
		Limits:     "its own JSON; confidence and the quoted code are not read; a file that could not be analysed makes it incomplete",
		Match: func(h evidence.Head) bool {
			return h.Syntax == evidence.JSON && (h.Has("metrics._totals") || h.Has("metrics", "results", "generated_at") || h.Has("results[].issue_severity"))
		},
		Read: readBandit,
	}
}

func readBandit(r io.Reader, rows *evidence.Rows) (evidence.Report, error) {
	s := newJSONScan(r, rows, "bandit")
	loc := int64(0)
	why, file := "", ""
	err := s.document(s.Record(strictjson.Members{
		"results": s.List(s.finding(code, strictjson.Members{
			"test_id": s.Into(&s.f.ID), "issue_text": s.IntoMessage(&s.f.Title), "issue_severity": s.Into(&s.word), "filename": s.Into(&s.f.Place),
			"line_number": s.IntoInt(&s.line),
		}, func() error {
			if s.word == "UNDEFINED" {
				s.word = "unknown"
			}
			return s.addBySeverity()
		})),
		"metrics": s.Record(strictjson.Members{"_totals": s.Record(strictjson.Members{"loc": s.IntoInt(&loc)})}),
		"errors": s.List(func() error {
			err := s.Record(strictjson.Members{"reason": s.IntoMessage(&why), "filename": s.IntoMessage(&file)})()
			s.out.incomplete(file, "a file could not be analysed: %s", why)
			return err
		}),
	}))
	if err != nil {
		return evidence.Report{}, err
	}
	s.out.looked = loc > 0
	return s.out.report(s.tool), nil
}
