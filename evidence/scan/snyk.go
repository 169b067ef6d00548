package scan

import (
	"io"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/strictjson"
)

// Snyk is the JSON of snyk test and snyk container test: one project, or an array of them. It lists one entry for each
// path to a vulnerability; here each identifier counts once in a project, the applications of an image included.
func Snyk() evidence.Format {
	return evidence.Format{
		Name: "snyk", Title: "Snyk JSON", Kind: evidence.Scan, MediaType: "application/json",
		Recognised: "`vulnerabilities` with `ok`, `dependencyCount` or `packageManager`, alone or in an array",
		Tools:      "snyk test, snyk container test",
		Limits:     "`snyk test` and `snyk container test`; not Snyk Code (use its SARIF) or Infrastructure as Code; a vulnerability counts once in a project, whatever its paths",
		Match: func(h evidence.Head) bool {
			return h.Syntax == evidence.JSON && !h.Has("bomFormat") &&
				(h.Has("vulnerabilities") && h.HasAny("ok", "dependencyCount", "packageManager", "vulnerabilities[].packageManager") ||
					h.Has("[].vulnerabilities") && h.HasAny("[].ok", "[].dependencyCount", "[].packageManager", "[].vulnerabilities[].packageManager") || h.Has("ok", "error"))
		},
		Read: readSnyk,
	}
}

// snykProject is what is known of the project that is being read.
type snykProject struct {
	seen         map[string]bool
	ok, stated   bool
	findings     int
	dependencies int64
	trouble      string
}

func readSnyk(r io.Reader, rows *evidence.Rows) (evidence.Report, error) {
	s := newJSONScan(r, rows, "snyk")
	var p snykProject
	kind := ""
	entry := func(status string) func() error {
		return s.finding(vulnerability, strictjson.Members{
			"id": s.Into(&s.f.ID), "severity": s.Into(&s.word), "title": s.IntoMessage(&s.f.Title), "packageName": s.Into(&s.f.Package),
			"version": s.Into(&s.f.Version), "type": s.Into(&kind), "fixedIn": s.first(&s.f.FixedVersion),
			"identifiers": s.OnlyIf('{', s.Record(strictjson.Members{"CVE": s.IntoStrings(&s.f.Aliases)})),
		}, func() error {
			if kind == "license" {
				s.f.Category = licence
			}
			kind = ""
			s.f.Status = status
			if key := status + s.f.ID; s.f.ID != "" {
				if p.seen[key] {
					return nil
				}
				p.seen[key] = true
			}
			p.findings++
			return s.addBySeverity()
		})
	}
	openEntries := s.List(entry(open))
	members := strictjson.Members{
		"vulnerabilities": openEntries,
		"ok": func() (err error) {
			p.stated = true
			p.ok, err = s.Bool()
			return err
		},
		"dependencyCount": s.IntoInt(&p.dependencies), "error": s.OnlyIf('"', s.IntoMessage(&p.trouble)),
		"filtered": s.Record(strictjson.Members{"ignore": s.List(entry(suppressed)), "patch": s.List(entry(suppressed))}),
	}
	members["applications"] = s.List(s.Record(strictjson.Members{
		"vulnerabilities": openEntries,
		"dependencyCount": func() error {
			n, err := s.Int()
			p.dependencies += max(n, 0)
			return err
		},
	}))
	read := s.Record(members)
	project := func() error {
		p = snykProject{seen: map[string]bool{}}
		place := s.Place()
		if err := read(); err != nil {
			return err
		}
		switch {
		case p.trouble != "":
			s.out.incomplete(place, "the tool reports an error: %s", p.trouble)
		case p.findings == 0 && !p.stated:
			s.out.incomplete(place, "the project lists nothing, and does not say that it is ok")
		case p.findings == 0 && !p.ok:
			s.out.incomplete(place, "the project is not ok, but the report lists nothing")
		}
		if p.dependencies > 0 || p.findings > 0 {
			s.out.looked = true
		} else {
			s.out.warn.Add(evidence.NothingMeasured, place, "a project without dependencies: nothing was looked at")
		}
		return nil
	}
	err := s.document(func() error {
		if s.Kind() == '[' {
			return s.Array(project)
		}
		return project()
	})
	if err != nil {
		return evidence.Report{}, err
	}
	return s.out.report(s.tool), nil
}
