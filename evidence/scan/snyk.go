package scan

import (
	"io"
	"strings"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/purl"
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
	// findings waits for the end of the project: what is there twice is about what both have in common. Seen holds the
	// place of each in it, kept the size of their texts.
	findings     []evidence.ScanFinding
	seen         map[string]int
	kept         int
	ok, stated   bool
	dependencies int64
	trouble      string
}

func readSnyk(r io.Reader, rows *evidence.Rows) (evidence.Report, error) {
	s := newJSONScan(r, rows, "snyk")
	var p snykProject
	kind, manager, full := "", "", ""
	entry := func(status string) func() error {
		return s.finding(vulnerability, strictjson.Members{
			"id": s.Into(&s.f.ID), "severity": s.Into(&s.word), "title": s.IntoMessage(&s.f.Title), "packageName": s.Into(&s.f.Package),
			"version": s.Into(&s.f.Version), "type": s.Into(&kind), "packageManager": s.Into(&manager), "name": s.Into(&full), "fixedIn": s.first(&s.f.FixedVersion),
			"identifiers": s.OnlyIf('{', s.Record(strictjson.Members{"CVE": s.IntoStrings(&s.f.Aliases)})),
		}, func() error {
			if kind == "license" {
				s.f.Category = licence
			}
			s.f.Status, s.f.PURL = status, snykPURL(manager, full, &s.f)
			kind, manager, full = "", "", ""
			if key := status + s.f.ID; s.f.ID != "" {
				if i, seen := p.seen[key]; seen {
					p.findings[i].PURL = purl.Common(p.findings[i].PURL, s.f.PURL)
					return nil
				}
				p.seen[key] = len(p.findings)
			}
			if p.kept += len(s.f.Title) + len(s.f.Package) + 256; p.kept > evidence.MaxKept {
				return s.Errorf("more findings in one project than can be held")
			}
			s.f.Severity = s.out.severity(s.word, s.Place)
			p.findings = append(p.findings, s.f)
			return nil
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
		p = snykProject{seen: map[string]int{}}
		place := s.Place()
		if err := read(); err != nil {
			return err
		}
		for _, s.f = range p.findings {
			if err := s.add(); err != nil {
				return err
			}
		}
		switch {
		case p.trouble != "":
			s.out.incomplete(place, "the tool reports an error: %s", p.trouble)
		case len(p.findings) == 0 && !p.stated:
			s.out.incomplete(place, "the project lists nothing, and does not say that it is ok")
		case len(p.findings) == 0 && !p.ok:
			s.out.incomplete(place, "the project is not ok, but the report lists nothing")
		}
		if p.dependencies > 0 || len(p.findings) > 0 {
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

// snykPURL is the package URL of what an entry is about; only its own package manager counts, since an image holds packages
// of several. Packages of a distribution are listed by their source, and the full name is "source/package".
func snykPURL(manager, full string, f *evidence.ScanFinding) string {
	if !strings.Contains(manager, ":") {
		return purl.OfSnyk(manager, f.Package, f.Version)
	}
	name := f.Package
	if own, ok := strings.CutPrefix(full, name+"/"); ok {
		name = own
	}
	return purl.OfDistribution(manager, name, f.Version)
}
