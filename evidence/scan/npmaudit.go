package scan

import (
	"errors"
	"io"
	"path"
	"strings"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/purl"
	"cdgate.dev/cdgate/evidence/strictjson"
)

// NPMAudit is the JSON of npm audit, version 1 (npm 6: advisories) and 2 (npm 7 and later: vulnerable packages). The
// object that npm writes when it could not ask is an error.
func NPMAudit() evidence.Format {
	return evidence.Format{
		Name: "npm-audit", Title: "npm audit JSON", Kind: evidence.Scan, MediaType: "application/json",
		Recognised: "`auditReportVersion`, or `advisories` with `metadata`, or npm's `error` object with `code`",
		Tools:      "npm audit, pnpm audit",
		Limits:     "audit report versions 1 and 2; not the text of yarn audit; paths through which a package comes in are not read",
		Match: func(h evidence.Head) bool {
			return h.Syntax == evidence.JSON && (h.Has("auditReportVersion") || h.Has("advisories") && h.HasAny("metadata", "actions", "muted") ||
				h.Has("error.code", "error.summary"))
		},
		Read: readNPMAudit,
	}
}

func readNPMAudit(r io.Reader, rows *evidence.Rows) (evidence.Report, error) {
	s := newJSONScan(r, rows, "npm audit")
	version, total := int64(0), int64(0)
	problem, code := false, ""
	name, via, url := "", "", ""
	// The versions of the vulnerable package that are installed, and the advisories about it.
	found, advisories := map[string]bool{}, map[string]bool{}
	installed := ""
	advisory := s.finding(vulnerability, strictjson.Members{
		"title": s.IntoMessage(&s.f.Title), "module_name": s.Into(&s.f.Package), "severity": s.Into(&s.word), "patched_versions": s.Into(&s.f.FixedVersion),
		"vulnerable_versions": s.Into(&s.f.Version), "cves": s.IntoStrings(&s.f.Aliases), "url": s.Into(&url), "github_advisory_id": s.Into(&s.f.ID),
		"findings": s.List(func() error {
			installed = ""
			err := s.Record(strictjson.Members{"version": s.Into(&installed)})()
			found[installed] = true
			return err
		}),
	}, func() error {
		if s.f.ID == "" {
			s.f.ID = name
		}
		if len(found) != 1 {
			installed = "" // several: the advisory is about each of them
		}
		s.f.PURL = purl.OfNPM(s.f.Package, installed)
		clear(found)
		installed = ""
		return s.addBySeverity()
	})
	vulnerable := s.finding(vulnerability, strictjson.Members{
		"name": s.Into(&s.f.Package), "severity": s.Into(&s.word), "range": s.Into(&s.f.Version),
		"via": s.List(s.OnlyIf('{', s.Record(strictjson.Members{
			"title": s.IntoMessage(&via),
			"url": func() (err error) {
				url, err = s.StringOrNull()
				if s.f.ID == "" {
					s.f.ID = path.Base(url)
				}
				advisories[url] = true
				return err
			},
		}))),
	}, func() error {
		s.f.Title = via
		if s.f.Package == "" {
			s.f.Package = name
		}
		if s.f.ID == "" || s.f.ID == "." {
			s.f.ID = "npm:" + s.f.Package // vulnerable only through another package
		}
		via = ""
		if len(advisories) == 1 { // of several only the first gives its name, and who discharges that one means no other
			s.f.PURL = purl.OfNPM(s.f.Package, "") // the versions are those that would be vulnerable
		}
		clear(advisories)
		return s.addBySeverity()
	})
	key := func(n string) { name = n }
	number := func() error {
		n, err := s.Int()
		total += max(n, 0)
		return err
	}
	err := s.document(s.Record(strictjson.Members{
		"auditReportVersion": s.IntoInt(&version),
		"advisories":         s.Each(key, advisory),
		"vulnerabilities":    s.Each(key, vulnerable),
		"metadata": s.Record(strictjson.Members{
			"dependencies": func() error {
				if s.Kind() == '0' {
					return number()
				}
				return s.Record(strictjson.Members{"total": number})()
			},
			"totalDependencies": number,
		}),
		"error": func() error {
			problem = true
			return s.OnlyIf('{', s.Record(strictjson.Members{"code": s.IntoMessage(&code)}))()
		},
	}))
	if err != nil {
		return evidence.Report{}, err
	}
	if problem {
		return evidence.Report{}, errors.New("npm wrote an error instead of a report: " + strings.ToValidUTF8(code, ""))
	}
	if version != 0 && version != 2 {
		return evidence.Report{}, errors.New("auditReportVersion is not 2")
	}
	s.out.looked = total > 0 || s.out.sum.Open > 0
	return s.out.report(s.tool), nil
}
