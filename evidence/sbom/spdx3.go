package sbom

import (
	"errors"
	"io"
	"strings"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/strictjson"
)

// SPDX3JSON is the JSON-LD form of SPDX 3.0. Packages, AI packages and datasets count; licences come from relationships
// and are held with the packages until the end.
func SPDX3JSON() evidence.Format {
	return evidence.Format{
		Name: "spdx3-json", Title: "SPDX 3 JSON", Kind: evidence.SBOM, MediaType: "application/spdx+json",
		Predicates: []string{"https://spdx.dev/Document", "https://spdx.dev/Document/v3", "https://spdx.dev/Document/v3.0", "https://spdx.dev/Document/v3.0.1"},
		Recognised: "`@context` of SPDX 3 with `@graph`",
		Tools:      "Syft, SPDX tools, Yocto",
		Limits:     "version 3.x, JSON-LD in its compact form; packages, AI packages and datasets; security and build profiles are not read",
		Match: func(h evidence.Head) bool {
			return h.Syntax == evidence.JSON && h.Has("@graph") && (strings.Contains(h.Text("@context"), "spdx.org") || h.Has("@graph[].spdxId"))
		},
		Read: readSPDX3,
	}
}

// spdx3Element is an element of the graph, with the members of all types that are read.
type spdx3Element struct {
	kind, id, name, version, purl, purpose, expression, specVersion, created string
	relationship, from, completeness                                         string
	to                                                                       []string
}

type spdx3Package struct {
	id  string
	row evidence.Component
}

type spdx3Reader struct {
	*strictjson.Reader
	out      output
	tool     evidence.Tool
	e        spdx3Element
	packages []spdx3Package
	// licence is what a licence element says, declared the licences of a package.
	licence  map[string]string
	declared map[string][]string
	kept     int
}

func readSPDX3(r io.Reader, rows *evidence.Rows) (evidence.Report, error) {
	s := &spdx3Reader{Reader: strictjson.New(r), out: output{rows: rows}, licence: map[string]string{}, declared: map[string][]string{}}
	kind, identifier := "", ""
	external := s.Record(strictjson.Members{"externalIdentifierType": s.Into(&kind), "identifier": s.Into(&identifier)})
	element := s.Record(strictjson.Members{
		"type": s.Into(&s.e.kind), "spdxId": s.Into(&s.e.id), "name": s.Into(&s.e.name), "specVersion": s.Into(&s.e.specVersion),
		"created":                 s.Into(&s.e.created),
		"software_packageVersion": s.Into(&s.e.version), "software_packageUrl": s.Into(&s.e.purl), "software_primaryPurpose": s.Into(&s.e.purpose),
		"simplelicensing_licenseExpression": s.IntoMessage(&s.e.expression),
		"relationshipType":                  s.Into(&s.e.relationship), "from": s.OnlyIf('"', s.Into(&s.e.from)), "completeness": s.Into(&s.e.completeness),
		"to": s.List(s.OnlyIf('"', func() error {
			id, err := s.String()
			s.kept += len(id)
			s.e.to = append(s.e.to, id)
			return err
		})),
		"externalIdentifier": s.List(s.OnlyIf('{', func() error {
			kind, identifier = "", ""
			err := external()
			if kind == "packageUrl" && s.e.purl == "" {
				s.e.purl = identifier
			}
			return err
		})),
	})
	graph := false
	err := s.Record(strictjson.Members{
		"@context": s.Skip,
		"@graph": func() error {
			graph = true
			return s.Array(func() error {
				s.e = spdx3Element{}
				if err := element(); err != nil {
					return err
				}
				return s.note()
			})
		},
	})()
	if err == nil {
		err = s.End()
	}
	if err == nil && (!graph || s.out.sum.SpecVersion == "") {
		err = errors.New("there is no @graph with a CreationInfo that names its specVersion")
	}
	if err != nil {
		return evidence.Report{}, err
	}
	for _, p := range s.packages {
		for _, id := range s.declared[p.id] {
			if text := s.text(id); says(text) && len(p.row.Licences) < evidence.MaxList {
				p.row.Licences = append(p.row.Licences, evidence.Cut(text))
			}
		}
		if err := s.out.add(p.row, func() string { return evidence.Cut(p.id) }); err != nil {
			return evidence.Report{}, err
		}
	}
	return s.out.report(s.tool), nil
}

// text is what a licence element says. Individuals of the specification that assert nothing say nothing.
func (s *spdx3Reader) text(id string) string {
	last := id[strings.LastIndexAny(id, "/#")+1:]
	switch last {
	case "NoAssertion", "NoAssertionLicense", "None", "NoneLicense":
		return ""
	}
	if text, ok := s.licence[id]; ok {
		return text
	}
	return last
}

// note keeps what an element says.
func (s *spdx3Reader) note() error {
	e := &s.e
	if s.kept += 128 + len(e.id) + len(e.name) + len(e.expression) + len(e.from); s.kept > evidence.MaxKept {
		return s.Errorf("more than %d bytes that belong together; split the document", evidence.MaxKept)
	}
	switch {
	case e.kind == "":
		s.out.partial = true
		s.out.warn.Add(evidence.BreaksFormat, s.Place(), "an element without a type: nobody can tell what it is")
	case e.kind == "CreationInfo":
		if !strings.HasPrefix(e.specVersion, "3.") {
			return s.Errorf("SPDX version %q, want 3.x", evidence.Cut(e.specVersion))
		}
		s.out.sum.SpecVersion = e.specVersion
		s.out.made(e.created)
	case e.kind == "Tool":
		if s.tool.Name == "" {
			s.tool = spdxTool(evidence.Cut(e.name))
		}
	case e.kind == "software_Package" || e.kind == "ai_AIPackage" || e.kind == "dataset_DatasetPackage":
		s.packages = append(s.packages, spdx3Package{e.id, evidence.Component{Name: e.name, Version: e.version, PURL: e.purl, Type: e.purpose}})
	case strings.HasSuffix(e.kind, "Relationship"):
		if e.relationship != "" && e.from != "" && len(e.to) > 0 {
			s.out.sum.Dependencies++
		}
		if e.relationship == "hasDeclaredLicense" {
			s.declared[e.from] = append(s.declared[e.from], e.to...)
		}
		if e.completeness == "incomplete" && (e.relationship == "contains" || e.relationship == "dependsOn") {
			s.out.partial = true
			s.out.warn.Add(evidence.Incomplete, s.Place(), "the document says that its list is incomplete (%s)", e.relationship)
		}
	case strings.HasPrefix(e.kind, "simplelicensing_") || strings.HasPrefix(e.kind, "expandedlicensing_"):
		text := e.expression
		if text == "" {
			text = e.name
		}
		if text == "" {
			text = e.id[strings.LastIndexAny(e.id, "/#:")+1:]
		}
		s.licence[e.id] = text
	}
	return nil
}
