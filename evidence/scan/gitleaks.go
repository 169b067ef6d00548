package scan

import (
	"io"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/strictjson"
)

// Gitleaks is the JSON of Gitleaks 7 and 8. The secrets themselves are never taken over. Its report without findings is
// an empty array, which says nothing about who wrote it.
func Gitleaks() evidence.Format {
	return evidence.Format{
		Name: "gitleaks", Title: "Gitleaks JSON", Kind: evidence.Scan, MediaType: "application/json",
		Recognised: "an array of objects with `RuleID` and `Secret`, or `rule` and `offender`; an empty array",
		Tools:      "Gitleaks 7 and 8",
		Limits:     "an empty array is a report without findings; severities are unknown, as Gitleaks has none; the secrets themselves are never taken over, and unless it ran with --redact the report is refused",
		Match: func(h evidence.Head) bool {
			return h.Syntax == evidence.JSON && (h.Has("[].RuleID") && h.HasAny("[].Secret", "[].Match", "[].Fingerprint", "[].File") ||
				h.Has("[].rule") && h.HasAny("[].offender", "[].lineNumber") || h.EmptyArray())
		},
		Read: readGitleaks,
	}
}

func readGitleaks(r io.Reader, rows *evidence.Rows) (evidence.Report, error) {
	s := newJSONScan(r, rows, "gitleaks")
	err := s.document(s.List(s.finding(secret, strictjson.Members{
		"RuleID": s.Into(&s.f.ID), "rule": s.Into(&s.f.ID), "Description": s.IntoMessage(&s.f.Title), "File": s.Into(&s.f.Place), "file": s.Into(&s.f.Place),
		"StartLine": s.IntoInt(&s.line), "lineNumber": s.IntoInt(&s.line),
	}, s.add)))
	if err != nil {
		return evidence.Report{}, err
	}
	s.out.looked = true
	if s.out.sum.Open == 0 {
		s.out.warn.Add(evidence.UnknownTool, "", "an empty array: read as Gitleaks without findings, but nothing in it says which tool wrote it")
	}
	return s.out.report(s.tool), nil
}
