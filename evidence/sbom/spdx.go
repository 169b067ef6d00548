package sbom

import (
	"errors"
	"io"
	"strings"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/strictjson"
)

// SPDXJSON is the JSON form of SPDX 2.x, also wrapped in "sbom" as GitHub's export writes it. Every package counts, the
// described one too; a licence is the declared one.
func SPDXJSON() evidence.Format {
	return evidence.Format{
		Name: "spdx-json", Title: "SPDX 2 JSON", Kind: evidence.SBOM, MediaType: "application/spdx+json",
		Predicates: []string{"https://spdx.dev/Document", "https://spdx.dev/Document/v2.2", "https://spdx.dev/Document/v2.3"},
		Recognised: "member `spdxVersion`, or `sbom.spdxVersion`",
		Tools:      "Syft, Trivy, npm sbom, GitHub dependency graph, SPDX tools, Microsoft sbom-tool",
		Limits:     "versions 2.x; files, snippets and annotations are not read; licence expressions are not parsed; external documents are not followed",
		Match: func(h evidence.Head) bool {
			return h.Syntax == evidence.JSON && h.HasAny("spdxVersion", "sbom.spdxVersion")
		},
		Read: readSPDX,
	}
}

// spdxReader is the state of one pass.
type spdxReader struct {
	json *strictjson.Reader
	out  output
	tool evidence.Tool
	top, creation, pkg, ref,
	relationship *strictjson.Names
}

func readSPDX(r io.Reader, rows *evidence.Rows) (evidence.Report, error) {
	n := strictjson.NewNames
	s := &spdxReader{
		json: strictjson.New(r), out: output{rows: rows},
		top:          n("spdxVersion", "SPDXID", "creationInfo", "packages", "files", "relationships", "sbom"),
		creation:     n("creators", "created"),
		pkg:          n("name", "versionInfo", "licenseDeclared", "licenseConcluded", "externalRefs", "primaryPackagePurpose", "SPDXID"),
		ref:          n("referenceType", "referenceLocator"),
		relationship: n("spdxElementId", "relatedSpdxElement", "relationshipType"),
	}
	err := s.json.Object(func(name []byte) error {
		if string(name) == "sbom" {
			return s.json.Object(s.readTop)
		}
		return s.readTop(name)
	})
	if err == nil {
		err = s.json.End()
	}
	if err == nil && s.out.sum.SpecVersion == "" {
		err = errors.New("member spdxVersion is missing")
	}
	if err != nil {
		return evidence.Report{}, err
	}
	return s.out.report(s.tool), nil
}

func (s *spdxReader) readTop(name []byte) (err error) {
	switch string(name) {
	case "spdxVersion":
		s.out.sum.SpecVersion, err = s.json.String()
		if err == nil && !strings.HasPrefix(s.out.sum.SpecVersion, "SPDX-2.") {
			err = s.json.Errorf("version %q, want SPDX-2.x", evidence.Cut(s.out.sum.SpecVersion))
		}
		return err
	case "creationInfo":
		return s.json.Object(func(name []byte) error {
			switch string(name) {
			case "creators":
				return s.json.ArrayOrNull(s.readCreator)
			case "created":
				at, err := s.json.StringOrNull()
				s.out.made(at)
				return err
			}
			return s.json.Other(s.creation, name)
		})
	case "packages":
		return s.json.ArrayOrNull(s.readPackage)
	case "relationships":
		return s.json.ArrayOrNull(s.readRelationship)
	}
	return s.json.Other(s.top, name)
}

// readCreator takes the first tool: "Tool: name-version" (clause 6.8).
func (s *spdxReader) readCreator() error {
	text, err := s.json.Message()
	if tool, ok := strings.CutPrefix(text, "Tool:"); ok && s.tool.Name == "" {
		s.tool = spdxTool(tool)
	}
	return err
}

// spdxTool splits "name-version" at the first hyphen before a digit or bracket, else at the last one.
func spdxTool(text string) evidence.Tool {
	text = strings.TrimSpace(text)
	at := strings.LastIndexByte(text, '-')
	for i := 0; i+1 < len(text); i++ {
		if c := text[i+1]; text[i] == '-' && (c >= '0' && c <= '9' || c == '[') {
			at = i
			break
		}
	}
	if at <= 0 {
		return evidence.Tool{Name: text}
	}
	return evidence.Tool{Name: text[:at], Version: text[at+1:]}
}

func (s *spdxReader) readPackage() error {
	var row evidence.Component
	err := s.json.Object(func(name []byte) (err error) {
		switch string(name) {
		case "name":
			row.Name, err = s.json.String()
		case "versionInfo":
			row.Version, err = s.json.StringOrNull()
		case "primaryPackagePurpose":
			row.Type, err = s.json.StringOrNull()
			row.Type = strings.ToLower(row.Type)
		case "licenseDeclared":
			var l string
			if l, err = s.json.Message(); says(l) {
				row.Licences = []string{l}
			}
		case "externalRefs":
			err = s.json.ArrayOrNull(func() error { return s.readRef(&row) })
		default:
			err = s.json.Other(s.pkg, name)
		}
		return err
	})
	if err != nil {
		return err
	}
	if err := s.out.add(row, s.json.Place); err != nil {
		return s.json.Errorf("%w", err)
	}
	return nil
}

// readRef takes the first package URL.
func (s *spdxReader) readRef(row *evidence.Component) error {
	kind, locator := "", ""
	err := s.json.Object(func(name []byte) (err error) {
		switch string(name) {
		case "referenceType":
			kind, err = s.json.StringOrNull()
		case "referenceLocator":
			locator, err = s.json.StringOrNull()
		default:
			err = s.json.Other(s.ref, name)
		}
		return err
	})
	if kind == "purl" && row.PURL == "" {
		row.PURL = locator
	}
	return err
}

// readRelationship counts relationships with both ends and a type. NONE and NOASSERTION say something too.
func (s *spdxReader) readRelationship() error {
	parts := 0
	err := s.json.Object(func(name []byte) error {
		switch string(name) {
		case "spdxElementId", "relatedSpdxElement", "relationshipType":
			text, err := s.json.StringOrNull()
			if text != "" {
				parts++
			}
			return err
		}
		return s.json.Other(s.relationship, name)
	})
	if parts == 3 {
		s.out.sum.Dependencies++
	}
	return err
}
