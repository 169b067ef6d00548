package scan

import (
	"io"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/strictjson"
)

// Checkov is the JSON of Checkov: one report, or an array with one for each framework. Failed checks are findings,
// skipped ones are suppressed. Without any check nothing was looked at.
func Checkov() evidence.Format {
	return evidence.Format{
		Name: "checkov", Title: "Checkov JSON", Kind: evidence.Scan, MediaType: "application/json",
		Recognised: "`check_type` with `results`, alone or in an array; `checkov_version`",
		Tools:      "Checkov",
		Limits:     "its own JSON; a check without severity is unknown (the free version has none); passed checks are only counted to see that something was looked at",
		Match: func(h evidence.Head) bool {
			return h.Syntax == evidence.JSON && (h.HasAny("checkov_version", "summary.checkov_version", "[].summary.checkov_version") ||
				h.Has("check_type", "results") || h.Has("[].check_type", "[].results"))
		},
		Read: readCheckov,
	}
}

func readCheckov(r io.Reader, rows *evidence.Rows) (evidence.Report, error) {
	s := newJSONScan(r, rows, "checkov")
	checks := 0
	resource, comment := "", ""
	members := strictjson.Members{
		"check_id": s.Into(&s.f.ID), "check_name": s.IntoMessage(&s.f.Title), "file_path": s.Into(&s.f.Place), "resource": s.Into(&resource),
		"severity":     s.Into(&s.word),
		"check_result": s.Record(strictjson.Members{"suppress_comment": s.IntoMessage(&comment)}),
		"file_line_range": s.List(func() error {
			n, err := s.Int()
			if s.line == 0 {
				s.line = n
			}
			return err
		}),
	}
	check := func(status string) func() error {
		return s.List(s.finding(misconfiguration, members, func() error {
			checks++
			s.f.Status, s.f.Package, s.f.Justification = status, resource, comment
			if status == open {
				s.f.Justification = ""
			}
			resource, comment = "", ""
			if s.word == "" {
				s.f.Severity = unknown // the severity comes from the vendor's service only
				return s.add()
			}
			return s.addBySeverity()
		}))
	}
	report := s.Record(strictjson.Members{
		"checkov_version": s.IntoMessage(&s.tool.Version),
		"summary":         s.Record(strictjson.Members{"checkov_version": s.IntoMessage(&s.tool.Version)}),
		"results": s.Record(strictjson.Members{
			"failed_checks": check(open), "skipped_checks": check(suppressed),
			"passed_checks": s.List(func() error {
				checks++
				return s.Skip()
			}),
			"parsing_errors": s.List(func() error {
				file, err := s.Message()
				s.out.incomplete(file, "a file could not be read")
				return err
			}),
		}),
	})
	err := s.document(func() error {
		if s.Kind() == '[' {
			return s.Array(report)
		}
		return report()
	})
	if err != nil {
		return evidence.Report{}, err
	}
	s.out.looked = checks > 0
	return s.out.report(s.tool), nil
}
