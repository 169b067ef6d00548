package scan

import (
	"errors"
	"io"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/purl"
	"cdgate.dev/cdgate/evidence/strictjson"
)

// Govulncheck is the JSON of govulncheck: a stream of messages, or the single object of versions before 1.0. A
// vulnerability counts once, with the deepest level at which it was found: symbol (called), package or module. The tool
// gives no severities.
func Govulncheck() evidence.Format {
	return evidence.Format{
		Name: "govulncheck", Title: "govulncheck JSON", Kind: evidence.Scan, MediaType: "application/json",
		Recognised: "a stream of objects with `config`, `osv`, `finding`; an object with `Vulns` and `Calls`",
		Tools:      "govulncheck -json, -format json",
		Limits:     "a stream, or the object before version 1; severities are unknown, as the tool has none; the trace is read for its deepest level only",
		Match: func(h evidence.Head) bool {
			return h.Syntax == evidence.JSON && (h.HasAny("config.protocol_version", "config.scanner_name") || h.Has("osv.id") || h.HasAny("finding.osv", "finding.trace") ||
				h.Has("Vulns") || h.Has("Calls.Functions"))
		},
		Read: readGovulncheck,
	}
}

// govulnLevels orders how deep a vulnerability was found.
var govulnLevels = []string{"", "module", "package", "symbol"}

type govulnFound struct {
	level   int
	finding evidence.ScanFinding
}

type govulnReader struct {
	*jsonScan
	order  []string
	found  map[string]*govulnFound
	titles map[string]string
	alias  map[string][]string
	kept   int
	config bool
}

func readGovulncheck(r io.Reader, rows *evidence.Rows) (evidence.Report, error) {
	s := &govulnReader{jsonScan: newJSONScan(r, rows, "govulncheck"), found: map[string]*govulnFound{}, titles: map[string]string{}, alias: map[string][]string{}}
	var id, fixed, title string
	var aliases []string
	var module, version, pkg, function string
	level, first := 0, true
	var top evidence.ScanFinding
	frame := s.Record(strictjson.Members{"module": s.Into(&module), "version": s.Into(&version), "package": s.Into(&pkg), "function": s.Into(&function)})
	readOSV := s.Record(strictjson.Members{"id": s.Into(&id), "summary": s.IntoMessage(&title), "aliases": s.IntoStrings(&aliases)})
	osv := func() error {
		id, title, aliases = "", "", nil
		err := readOSV()
		if s.kept += len(title) + 64; s.kept > evidence.MaxKept {
			return s.Errorf("more database entries than can be held")
		}
		s.titles[id], s.alias[id] = title, aliases
		return err
	}
	readFinding := s.Record(strictjson.Members{
		"osv": s.Into(&id), "fixed_version": s.Into(&fixed),
		"trace": s.List(func() error {
			module, version, pkg, function = "", "", "", ""
			err := frame()
			if first {
				top = evidence.ScanFinding{Package: module, Version: version, Place: pkg}
				level = 1
				if pkg != "" {
					level = 2
				}
				if function != "" {
					level, top.Place = 3, pkg+"."+function
				}
			}
			first = false
			return err
		}),
	})
	legacy := s.Record(strictjson.Members{"OSV": osv, "Symbol": s.Into(&function), "PkgPath": s.Into(&pkg), "ModPath": s.Into(&module)})
	message := s.Record(strictjson.Members{
		"config": func() error {
			s.config = true
			return s.Record(strictjson.Members{"scanner_version": s.IntoMessage(&s.tool.Version)})()
		},
		"osv": osv,
		"finding": func() error {
			id, fixed, level, first, top = "", "", 0, true, evidence.ScanFinding{}
			err := readFinding()
			top.FixedVersion = fixed
			s.note(id, level, top)
			return err
		},
		"Vulns": func() error {
			s.config = true
			return s.ArrayOrNull(func() error {
				module, pkg, function = "", "", ""
				err := legacy()
				s.note(id, 3, evidence.ScanFinding{Package: module, Place: pkg + "." + function})
				return err
			})
		},
	})
	for {
		more, err := s.More()
		if err != nil {
			return evidence.Report{}, err
		}
		if !more {
			break
		}
		if err := message(); err != nil {
			return evidence.Report{}, err
		}
	}
	if !s.config {
		return evidence.Report{}, errors.New("the stream does not start with a config message: the report is not whole")
	}
	s.out.looked = true
	for _, id := range s.order {
		f := s.found[id]
		s.f = f.finding
		s.f.ID, s.f.Category, s.f.Severity = id, vulnerability, unknown
		s.f.Title, s.f.Aliases = s.titles[id], s.alias[id]
		s.f.Justification = "found at the level of the " + govulnLevels[max(f.level, 1)]
		s.line = 0
		if err := s.add(); err != nil {
			return evidence.Report{}, err
		}
	}
	return s.out.report(s.tool), nil
}

// note keeps the deepest finding of a vulnerability. It stands for all of them, so its package URL is what they have in
// common: who speaks about one module says nothing about another.
func (s *govulnReader) note(id string, level int, f evidence.ScanFinding) {
	f.PURL = purl.OfGo(f.Package, f.Version)
	old := s.found[id]
	if old == nil {
		s.order = append(s.order, id)
		old = &govulnFound{level: -1, finding: f}
		s.found[id] = old
	}
	common := purl.Common(old.finding.PURL, f.PURL)
	if level > old.level {
		old.level, old.finding = level, f
	}
	old.finding.PURL = common
}
