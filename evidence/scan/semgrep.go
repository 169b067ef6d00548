package scan

import (
	"io"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/strictjson"
)

// Semgrep is the JSON of Semgrep and Opengrep. ERROR, WARNING and INFO are high, medium and low; the newer words mean
// themselves.
func Semgrep() evidence.Format {
	return evidence.Format{
		Name: "semgrep", Title: "Semgrep JSON", Kind: evidence.Scan, MediaType: "application/json",
		Recognised: "an object with `results` whose entries have `check_id`, or with `results`, `errors` and `paths`",
		Tools:      "Semgrep, Opengrep",
		Limits:     "its own JSON; metavariables, fixes and the quoted code are not read; an error of level error makes it incomplete",
		Match: func(h evidence.Head) bool {
			return h.Syntax == evidence.JSON && (h.Has("results[].check_id", "results[].extra") || h.Has("results", "errors", "paths") || h.Has("results", "errors", "interfile_languages_used"))
		},
		Read: readSemgrep,
	}
}

func readSemgrep(r io.Reader, rows *evidence.Rows) (evidence.Report, error) {
	s := newJSONScan(r, rows, "semgrep")
	ignored, level, text := false, "", ""
	scanned, hasPaths, hasResults := 0, false, false
	err := s.document(s.Record(strictjson.Members{
		"version": s.IntoMessage(&s.tool.Version),
		"results": func() error {
			hasResults = true
			return s.ArrayOrNull(s.finding(code, strictjson.Members{
				"check_id": s.Into(&s.f.ID), "path": s.Into(&s.f.Place), "start": s.Record(strictjson.Members{"line": s.IntoInt(&s.line)}),
				"extra": s.Record(strictjson.Members{"severity": s.Into(&s.word), "message": s.IntoMessage(&s.f.Title), "is_ignored": s.IntoBool(&ignored)}),
			}, func() error {
				if ignored {
					s.f.Status = suppressed
				}
				ignored = false
				if word, ok := map[string]string{"ERROR": "high", "WARNING": "medium", "INFO": "low"}[s.word]; ok {
					s.word = word
				}
				return s.addBySeverity()
			}))
		},
		"paths": s.Record(strictjson.Members{"scanned": func() error {
			hasPaths = true
			return s.ArrayOrNull(func() error {
				scanned++
				return s.Skip()
			})
		}}),
		"errors": s.List(func() error {
			level, text = "", ""
			err := s.OnlyIf('{', s.Record(strictjson.Members{"level": s.IntoMessage(&level), "message": s.IntoMessage(&text)}))()
			if level == "error" || level == "" {
				s.out.incomplete(s.Place(), "the tool reports an error of its own: %s", text)
			}
			return err
		}),
	}))
	if err != nil {
		return evidence.Report{}, err
	}
	s.out.looked = hasResults && (!hasPaths || scanned > 0 || s.out.sum.Open+s.out.sum.Suppressed > 0)
	return s.out.report(s.tool), nil
}
