package scan

import (
	"cmp"
	"io"
	"slices"
	"strconv"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/purl"
	"cdgate.dev/cdgate/evidence/strictjson"
)

// OSVScanner is the JSON of osv-scanner. Each group of aliases is one finding; its severity is max_severity, else the
// worst that a record of the group gives, as a CVSS vector or as a word.
func OSVScanner() evidence.Format {
	return evidence.Format{
		Name: "osv-scanner", Title: "osv-scanner JSON", Kind: evidence.Scan, MediaType: "application/json",
		Recognised: "an object with `results` of `packages`, or `results` with `experimental_config`",
		Tools:      "osv-scanner 1 and 2",
		Limits:     "of vectors only CVSS 3.0 and 3.1 are computed; what its call analysis says is not read",
		Match: func(h evidence.Head) bool {
			return h.Syntax == evidence.JSON && (h.Has("results[].packages") || h.Has("results", "experimental_config") ||
				len(h.Paths) <= 2 && h.Has("results") && !h.HasAny("errors", "metrics"))
		},
		Read: readOSVScanner,
	}
}

// osvRecord is one record of a vulnerability database.
type osvRecord struct {
	id, summary, word string
	score             float64
}

// osvGroup is one group of aliases.
type osvGroup struct {
	ids, aliases []string
	severity     string
}

type osvReader struct {
	*jsonScan
	name, version, place string
	// ecosystem is that of the package, osName what its distribution calls it where that is another name.
	ecosystem, osName string
	records           []osvRecord
	groups            []osvGroup
	kept              int
	hasResults        bool
}

func readOSVScanner(r io.Reader, rows *evidence.Rows) (evidence.Report, error) {
	s := &osvReader{jsonScan: newJSONScan(r, rows, "osv-scanner")}
	var record osvRecord
	kind, vector := "", ""
	readSeverity := s.Record(strictjson.Members{"type": s.Into(&kind), "score": s.Into(&vector)})
	readRecord := s.Record(strictjson.Members{
		"id": s.Into(&record.id), "summary": s.IntoMessage(&record.summary),
		"severity": s.List(func() error {
			kind, vector = "", ""
			err := readSeverity()
			if score, ok := cvss3(vector); ok {
				record.score = max(record.score, score)
			}
			return err
		}),
		"database_specific": s.OnlyIf('{', s.Record(strictjson.Members{"severity": s.OnlyIf('"', s.Into(&record.word))})),
	})
	var group osvGroup
	readGroup := s.Record(strictjson.Members{"ids": s.IntoStrings(&group.ids), "aliases": s.IntoStrings(&group.aliases), "max_severity": s.IntoWord(&group.severity)})
	pack := s.Record(strictjson.Members{
		"package": s.Record(strictjson.Members{"name": s.Into(&s.name), "version": s.Into(&s.version), "ecosystem": s.Into(&s.ecosystem), "os_package_name": s.Into(&s.osName)}),
		"vulnerabilities": s.List(func() error {
			record = osvRecord{}
			err := readRecord()
			s.records = append(s.records, record)
			if err == nil {
				err = s.keep(record.id, record.summary, record.word)
			}
			return err
		}),
		"groups": s.List(func() error {
			group = osvGroup{}
			err := readGroup()
			s.groups = append(s.groups, group)
			if err == nil {
				err = s.keep(slices.Concat(group.ids, group.aliases, []string{group.severity})...)
			}
			return err
		}),
		"license_violations": s.List(func() error {
			text, err := s.Message()
			if err == nil {
				s.f = evidence.ScanFinding{Category: licence, ID: text, Severity: unknown, Package: s.name, Version: s.version, Place: s.place}
				err = s.add()
			}
			return err
		}),
	})
	err := s.document(s.Record(strictjson.Members{
		"results": func() error {
			s.hasResults = true
			return s.ArrayOrNull(s.Record(strictjson.Members{
				"source": s.Record(strictjson.Members{"path": s.Into(&s.place)}),
				"packages": s.List(func() error {
					s.name, s.version, s.ecosystem, s.osName, s.records, s.groups = "", "", "", "", nil, nil
					s.kept = 0
					if err := pack(); err != nil {
						return err
					}
					return s.addGroups()
				}),
			}))
		},
	}))
	if err != nil {
		return evidence.Report{}, err
	}
	s.out.looked = s.hasResults
	return s.out.report(s.tool), nil
}

// maxOSVKept is how much of one package may be held while its groups are not known, in bytes: far more than any has.
const maxOSVKept = 16 << 20

// keep counts what is held of a package.
func (s *osvReader) keep(texts ...string) error {
	for _, text := range texts {
		s.kept += len(text) + 64
	}
	if s.kept > maxOSVKept {
		return s.Errorf("more than %d bytes of vulnerabilities of one package", maxOSVKept)
	}
	return nil
}

// addGroups turns the groups of a package into findings. A record in no group is one of its own.
func (s *osvReader) addGroups() error {
	byID := map[string]osvRecord{}
	grouped := map[string]bool{}
	for _, r := range s.records {
		byID[r.id] = r
	}
	for _, g := range s.groups {
		for _, id := range g.ids {
			grouped[id] = true
		}
	}
	for _, r := range s.records {
		if !grouped[r.id] {
			s.groups = append(s.groups, osvGroup{ids: []string{r.id}})
		}
	}
	url := purl.OfOSV(s.ecosystem, cmp.Or(s.osName, s.name), s.version)
	for _, g := range s.groups {
		s.f = evidence.ScanFinding{Category: vulnerability, Package: s.name, Version: s.version, PURL: url, Place: s.place, Severity: unknown}
		score, err := strconv.ParseFloat(g.severity, 64)
		if err != nil {
			score = 0
		}
		word := ""
		for i, id := range g.ids {
			r := byID[id]
			if i == 0 {
				s.f.ID = id
			} else {
				s.f.Aliases = append(s.f.Aliases, id)
			}
			if s.f.Title == "" {
				s.f.Title = r.summary
			}
			if g.severity == "" {
				score = max(score, r.score)
			}
			if b, known := bucket(r.word); known && worse(b, word) {
				word = b
			}
		}
		for _, id := range g.aliases {
			if id != s.f.ID && !contains(s.f.Aliases, id) && len(s.f.Aliases) < evidence.MaxList {
				s.f.Aliases = append(s.f.Aliases, id)
			}
		}
		if score > 0 {
			s.f.Severity = scored(score)
		}
		if score <= 0 && word != "" || g.severity == "" && worse(word, s.f.Severity) {
			s.f.Severity = word
		}
		if err := s.add(); err != nil {
			return err
		}
	}
	return nil
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}
