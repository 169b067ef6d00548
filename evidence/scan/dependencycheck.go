package scan

import (
	"io"
	"strings"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/strictjson"
	"cdgate.dev/cdgate/evidence/strictxml"
)

// DependencyCheck is the JSON and XML of OWASP Dependency-Check. It counts pairs of dependency and vulnerability; analysis
// exceptions mean that the scan is incomplete.
func DependencyCheck() evidence.Format {
	return evidence.Format{
		Name: "dependency-check", Title: "OWASP Dependency-Check", Kind: evidence.Scan, MediaType: "application/octet-stream",
		Recognised: "JSON with `reportSchema` and `dependencies`; XML with root element `analysis` in its namespace",
		Tools:      "Dependency-Check for Maven, Gradle, Ant and the command line",
		Limits:     "the JSON and XML reports, not CSV; the severity is the word of the report: scores, evidence and identifiers are not weighed",
		Match: func(h evidence.Head) bool {
			return h.Syntax == evidence.JSON && h.Has("dependencies", "reportSchema") || h.Syntax == evidence.JSON && h.Has("reportSchema", "scanInfo") ||
				h.Syntax == evidence.XML && h.Root == "analysis" && strings.Contains(strings.ToLower(h.Space), "dependency-check")
		},
		Read: readDependencyCheck,
	}
}

// maxWaiting is how many vulnerabilities one dependency may have.
const maxWaiting = 20_000

func readDependencyCheck(r io.Reader, rows *evidence.Rows) (evidence.Report, error) {
	first, r, err := firstByte(r)
	if err != nil {
		return evidence.Report{}, err
	}
	if first == '<' {
		return readDependencyCheckXML(r, rows)
	}
	s := newJSONScan(r, rows, "dependency-check")
	dependencies := 0
	file, purl, reason := "", "", ""
	var waiting []func() error
	entry := func(status string) func() error {
		return s.List(s.finding(vulnerability, strictjson.Members{
			"name": s.Into(&s.f.ID), "severity": s.Into(&s.word), "description": s.IntoMessage(&s.f.Title), "notes": s.IntoMessage(&s.f.Justification),
		}, func() error {
			f, word := s.f, s.word
			f.Status = status
			// The package may stand after the vulnerabilities.
			if len(waiting) >= maxWaiting {
				return s.Errorf("more than %d vulnerabilities of one dependency", maxWaiting)
			}
			waiting = append(waiting, func() error {
				s.f, s.word, s.line = f, word, 0
				s.f.Package, s.f.PURL = file, purl
				return s.addBySeverity()
			})
			return nil
		}))
	}
	dependency := s.Record(strictjson.Members{
		"fileName": s.Into(&file),
		"packages": s.List(func() error {
			id := ""
			err := s.Record(strictjson.Members{"id": s.Into(&id)})()
			if purl == "" && strings.HasPrefix(id, "pkg:") {
				purl = id
			}
			return err
		}),
		"vulnerabilities": entry(open), "suppressedVulnerabilities": entry(suppressed),
	})
	err = s.document(s.Record(strictjson.Members{
		"reportSchema": s.Skip,
		"dependencies": s.List(func() error {
			dependencies++
			file, purl, waiting = "", "", nil
			if err := dependency(); err != nil {
				return err
			}
			for _, add := range waiting {
				if err := add(); err != nil {
					return err
				}
			}
			return nil
		}),
		"scanInfo": s.Record(strictjson.Members{
			"engineVersion": s.IntoMessage(&s.tool.Version),
			"analysisExceptions": s.List(func() error {
				err := s.OnlyIf('{', s.Record(strictjson.Members{"message": s.IntoMessage(&reason)}))()
				s.out.incomplete(s.Place(), "an analysis failed: %s", reason)
				return err
			}),
		}),
	}))
	if err != nil {
		return evidence.Report{}, err
	}
	s.out.looked = dependencies > 0
	return s.out.report(s.tool), nil
}

// dcXML reads the XML form.
type dcXML struct {
	x     *strictxml.Reader
	names *strictxml.Names
	out   output
	tool  evidence.Tool
	seen  int
}

func readDependencyCheckXML(r io.Reader, rows *evidence.Rows) (evidence.Report, error) {
	x, err := strictxml.New(r)
	if err != nil {
		return evidence.Report{}, err
	}
	d := &dcXML{x: x, out: output{rows: rows}, tool: evidence.Tool{Name: "dependency-check"},
		names: strictxml.NewNames("analysis", "dependencies", "dependency", "vulnerabilities", "vulnerability", "suppressedVulnerability", "severity", "scanInfo").
			Beside("name", "fileName", "analysisExceptions", "engineVersion", "identifiers", "notes")}
	err = d.names.Root(x, "analysis")
	if err == nil {
		err = d.names.Children(x, d.part)
	}
	if err == nil {
		err = d.names.Finish(x)
	}
	if err != nil {
		return evidence.Report{}, err
	}
	d.out.looked = d.seen > 0
	return d.out.report(d.tool), nil
}

func (d *dcXML) part(name []byte) error {
	switch string(name) {
	case "scanInfo":
		return d.names.Children(d.x, func(name []byte) (err error) {
			switch string(name) {
			case "engineVersion":
				d.tool.Version, err = d.names.Text(d.x)
			case "analysisExceptions":
				return d.names.Children(d.x, func([]byte) error {
					line := d.x.Line()
					text, err := d.names.Text(d.x)
					d.out.incomplete("line "+itoa(line), "an analysis failed: %s", text)
					return err
				})
			}
			return err
		})
	case "dependencies":
		return d.names.Children(d.x, func(name []byte) error {
			if string(name) != "dependency" {
				return nil
			}
			d.seen++
			return d.dependency()
		})
	}
	return nil
}

func (d *dcXML) dependency() error {
	file, purl := "", ""
	return d.names.Children(d.x, func(name []byte) (err error) {
		switch string(name) {
		case "fileName":
			file, err = d.names.Text(d.x)
		case "relatedDependencies", "evidenceCollected":
			return d.x.Skip()
		case "identifiers":
			return d.names.Children(d.x, func([]byte) error {
				return d.names.Children(d.x, func(name []byte) error {
					if string(name) != "id" || purl != "" {
						return nil
					}
					id, err := d.names.Text(d.x)
					if strings.HasPrefix(id, "pkg:") {
						purl = id
					}
					return err
				})
			})
		case "vulnerabilities":
			return d.names.Children(d.x, func(name []byte) error {
				f := evidence.ScanFinding{Category: vulnerability, Package: file, PURL: purl, Status: open}
				switch string(name) {
				case "suppressedVulnerability":
					f.Status = suppressed
				case "vulnerability":
				default:
					return nil
				}
				return d.vulnerability(f)
			})
		}
		return err
	})
}

func (d *dcXML) vulnerability(f evidence.ScanFinding) error {
	word := ""
	err := d.names.Children(d.x, func(name []byte) (err error) {
		switch string(name) {
		case "name":
			f.ID, err = d.names.Text(d.x)
		case "severity":
			word, err = d.names.Text(d.x)
		case "description":
			f.Title, err = d.names.Text(d.x)
		case "notes":
			f.Justification, err = d.names.Text(d.x)
		default:
			err = d.x.Skip() // what else is there has names of its own
		}
		return err
	})
	if err != nil {
		return err
	}
	if f.Severity = unknown; word != "" || f.Status != suppressed {
		f.Severity = d.out.severity(word, d.x.Place)
	}
	if err := d.out.add(f); err != nil {
		return d.x.Errorf("%s", err)
	}
	return nil
}
