package scan

import (
	"io"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/strictjson"
)

// hadolintLevels are the buckets of Hadolint's levels, which are those of a compiler, as for Semgrep.
var hadolintLevels = map[string]string{"error": "high", "warning": "medium", "info": "low", "style": "info"}

// Hadolint is the JSON of Hadolint, a linter of Dockerfiles. Its report without findings is an empty array.
func Hadolint() evidence.Format {
	return evidence.Format{
		Name: "hadolint", Title: "Hadolint JSON", Kind: evidence.Scan, MediaType: "application/json",
		Recognised: "an array of objects with `code`, `level`, `line` and `message`",
		Tools:      "Hadolint 1 and 2, with --format json",
		Limits:     "error, warning, info and style are high, medium, low and info; rules that a comment switches off are not in the report; an empty array is read as Gitleaks, so write SARIF where nothing may be found",
		Match: func(h evidence.Head) bool {
			return h.Syntax == evidence.JSON && h.Has("[].code", "[].level", "[].line", "[].message")
		},
		Read: readHadolint,
	}
}

func readHadolint(r io.Reader, rows *evidence.Rows) (evidence.Report, error) {
	s := newJSONScan(r, rows, "hadolint")
	err := s.document(s.List(s.finding(misconfiguration, strictjson.Members{
		"code": s.Into(&s.f.ID), "message": s.IntoMessage(&s.f.Title), "file": s.Into(&s.f.Place), "line": s.IntoInt(&s.line), "level": s.Into(&s.word),
	}, func() error {
		if level, ok := hadolintLevels[s.word]; ok {
			s.word = level
		}
		return s.addBySeverity()
	})))
	if err != nil {
		return evidence.Report{}, err
	}
	s.out.looked = true
	return s.out.report(s.tool), nil
}
