package scan

import (
	"io"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/strictjson"
)

// Grype is the JSON of Grype: every match is a finding, ignored matches are suppressed.
func Grype() evidence.Format {
	return evidence.Format{
		Name: "grype", Title: "Grype JSON", Kind: evidence.Scan, MediaType: "application/json",
		Recognised: "an object with `matches` and `descriptor`, `source` or `matches[].vulnerability`",
		Tools:      "Grype",
		Limits:     "matches are not merged: one vulnerability in two packages counts twice; related vulnerabilities are aliases",
		Match: func(h evidence.Head) bool {
			return h.Syntax == evidence.JSON && h.Has("matches") && h.HasAny("descriptor", "source", "distro", "matches[].vulnerability")
		},
		Read: readGrype,
	}
}

func readGrype(r io.Reader, rows *evidence.Rows) (evidence.Report, error) {
	s := newJSONScan(r, rows, "grype")
	related, reason := "", ""
	members := strictjson.Members{
		"vulnerability": s.Record(strictjson.Members{
			"id": s.Into(&s.f.ID), "severity": s.Into(&s.word), "description": s.IntoMessage(&s.f.Title),
			"fix": s.Record(strictjson.Members{"versions": s.first(&s.f.FixedVersion)}),
		}),
		"artifact": s.Record(strictjson.Members{
			"name": s.Into(&s.f.Package), "version": s.Into(&s.f.Version), "purl": s.Into(&s.f.PURL),
			"locations": s.List(func() error {
				path := ""
				err := s.Record(strictjson.Members{"path": s.Into(&path)})()
				if s.f.Place == "" {
					s.f.Place = path
				}
				return err
			}),
		}),
		"relatedVulnerabilities": s.List(func() error {
			err := s.Record(strictjson.Members{"id": s.Into(&related)})()
			if related != "" && related != s.f.ID && len(s.f.Aliases) < evidence.MaxList {
				s.f.Aliases = append(s.f.Aliases, related)
			}
			return err
		}),
	}
	ignored := strictjson.Members{"appliedIgnoreRules": s.List(func() error {
		err := s.Record(strictjson.Members{"reason": s.IntoMessage(&reason)})()
		s.f.Justification = reason
		return err
	})}
	for name, read := range members {
		ignored[name] = read
	}
	err := s.document(s.Record(strictjson.Members{
		"matches": func() error {
			s.out.looked = true
			return s.ArrayOrNull(s.finding(vulnerability, members, s.addBySeverity))
		},
		"ignoredMatches": s.List(s.finding(vulnerability, ignored, func() error {
			s.f.Status = suppressed
			return s.addBySeverity()
		})),
		"descriptor": s.Record(strictjson.Members{"version": s.IntoMessage(&s.tool.Version)}),
	}))
	if err != nil {
		return evidence.Report{}, err
	}
	return s.out.report(s.tool), nil
}
