package sbom

import (
	"errors"
	"io"
	"strings"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/strictjson"
	"cdgate.dev/cdgate/evidence/vex"
)

// CycloneDXJSON is the JSON form of CycloneDX 1.2 to 1.7. Nested components and services count; the product that the
// document describes (metadata.component) does not.
func CycloneDXJSON() evidence.Format {
	return evidence.Format{
		Name: "cyclonedx-json", Title: "CycloneDX JSON", Kind: evidence.SBOM, MediaType: "application/vnd.cyclonedx+json",
		Predicates: vex.CycloneDXPredicates(),
		Recognised: "member `bomFormat` with value CycloneDX, unless it has `vulnerabilities` and no `components`",
		Tools:      "Syft, Trivy, cdxgen, npm sbom, CycloneDX plugins for Maven, Gradle, Go, PHP",
		Limits:     "versions 1.2 to 1.7; vulnerabilities in it are not read here (see `cyclonedx-vex`); hashes, pedigree and signatures are not read; a BOM-Link is not followed",
		Match: func(h evidence.Head) bool {
			return h.Syntax == evidence.JSON && strings.EqualFold(h.Text("bomFormat"), "CycloneDX") && !vex.IsCycloneDXVEX(h)
		},
		MatchNamed: func(h evidence.Head) bool { return h.Syntax == evidence.JSON && vex.IsCycloneDXVEX(h) },
		Read:       readCycloneDX,
	}
}

// cycloneDXVersions are the versions of the specification that have a JSON form.
var cycloneDXVersions = map[string]bool{"1.2": true, "1.3": true, "1.4": true, "1.5": true, "1.6": true, "1.7": true}

// cycloneDXReader is the state of one pass.
type cycloneDXReader struct {
	json   *strictjson.Reader
	out    output
	tool   evidence.Tool
	format string
	top, metadata, tools, component,
	service, licence, other *strictjson.Names
}

func readCycloneDX(r io.Reader, rows *evidence.Rows) (evidence.Report, error) {
	n := strictjson.NewNames
	c := &cycloneDXReader{
		json: strictjson.New(r), out: output{rows: rows},
		top:       n("bomFormat", "specVersion", "metadata", "components", "services", "dependencies", "compositions", "vulnerabilities"),
		metadata:  n("tools", "component", "timestamp"),
		tools:     n("components", "services", "name", "version"),
		component: n("name", "version", "purl", "type", "licenses", "components"),
		service:   n("services", "name"),
		licence:   n("license", "expression", "id", "name"),
		other:     n("aggregate"),
	}
	err := c.json.Object(c.readTop)
	if err == nil {
		err = c.json.End()
	}
	if err == nil && c.format != "CycloneDX" {
		err = errors.New("member bomFormat is missing")
	}
	if err == nil && c.out.sum.SpecVersion == "" {
		err = errors.New("member specVersion is missing")
	}
	if err != nil {
		return evidence.Report{}, err
	}
	return c.out.report(c.tool), nil
}

func (c *cycloneDXReader) readTop(name []byte) (err error) {
	switch string(name) {
	case "bomFormat":
		c.format, err = c.json.String()
		if err == nil && c.format != "CycloneDX" {
			err = c.json.Errorf("bomFormat %q, want CycloneDX", evidence.Cut(c.format))
		}
		return err
	case "specVersion":
		c.out.sum.SpecVersion, err = c.json.String()
		if err == nil && !cycloneDXVersions[c.out.sum.SpecVersion] {
			err = c.json.Errorf("CycloneDX version %q, known are 1.2 to 1.7", evidence.Cut(c.out.sum.SpecVersion))
		}
		return err
	case "metadata":
		return c.json.ObjectOrNull(func(name []byte) error {
			switch string(name) {
			case "tools":
				return c.readTools()
			case "timestamp":
				at, err := c.json.StringOrNull()
				c.out.made(at)
				return err
			}
			return c.json.Other(c.metadata, name)
		})
	case "components":
		return c.json.ArrayOrNull(c.readComponent)
	case "services":
		return c.json.ArrayOrNull(c.readService)
	case "dependencies":
		return c.json.ArrayOrNull(func() error {
			c.out.sum.Dependencies++
			return c.json.Skip()
		})
	case "compositions":
		return c.json.ArrayOrNull(c.readComposition)
	}
	return c.json.Other(c.top, name)
}

// readTools reads who wrote the document: a list of tools, or since 1.5 an object with components and services.
func (c *cycloneDXReader) readTools() error {
	if c.json.Kind() != '{' {
		return c.json.ArrayOrNull(c.readTool)
	}
	return c.json.Object(func(name []byte) error {
		if string(name) == "components" || string(name) == "services" {
			return c.json.ArrayOrNull(c.readTool)
		}
		return c.json.Other(c.tools, name)
	})
}

// readTool takes the first tool.
func (c *cycloneDXReader) readTool() error {
	var t evidence.Tool
	err := c.json.Object(func(name []byte) (err error) {
		switch string(name) {
		case "name":
			t.Name, err = c.json.Message()
		case "version":
			t.Version, err = c.json.Message()
		default:
			err = c.json.Other(c.tools, name)
		}
		return err
	})
	if c.tool.Name == "" {
		c.tool = t
	}
	return err
}

// readComponent reads one component and those inside it.
func (c *cycloneDXReader) readComponent() error {
	var row evidence.Component
	err := c.json.Object(func(name []byte) (err error) {
		switch string(name) {
		case "name":
			row.Name, err = c.json.String()
		case "version":
			row.Version, err = c.json.StringOrNull()
		case "purl":
			row.PURL, err = c.json.StringOrNull()
		case "type":
			row.Type, err = c.json.String()
		case "licenses":
			err = c.json.ArrayOrNull(func() error { return c.readLicence(&row) })
		case "components":
			err = c.json.ArrayOrNull(c.readComponent)
		default:
			err = c.json.Other(c.component, name)
		}
		return err
	})
	if err != nil {
		return err
	}
	if err := c.out.add(row, c.json.Place); err != nil {
		return c.json.Errorf("%w", err)
	}
	return nil
}

// readLicence reads one choice of a licence: an expression, or a licence with id or name.
func (c *cycloneDXReader) readLicence(row *evidence.Component) error {
	add := func() error {
		text, err := c.json.Message()
		if says(text) && len(row.Licences) < evidence.MaxList {
			row.Licences = append(row.Licences, text)
		}
		return err
	}
	return c.json.Object(func(name []byte) error {
		switch string(name) {
		case "expression":
			return add()
		case "license":
			return c.json.ObjectOrNull(func(name []byte) error {
				if string(name) == "id" || string(name) == "name" {
					return add()
				}
				return c.json.Other(c.licence, name)
			})
		}
		return c.json.Other(c.licence, name)
	})
}

// readService counts a service and those inside it.
func (c *cycloneDXReader) readService() error {
	c.out.sum.Services++
	return c.json.Object(func(name []byte) error {
		if string(name) == "services" {
			return c.json.ArrayOrNull(c.readService)
		}
		return c.json.Other(c.service, name)
	})
}

// readComposition reads what the document says about its own completeness.
func (c *cycloneDXReader) readComposition() error {
	return c.json.Object(func(name []byte) error {
		if string(name) != "aggregate" {
			return c.json.Other(c.other, name)
		}
		aggregate, err := c.json.Message()
		if strings.HasPrefix(aggregate, "incomplete") {
			c.out.partial = true
			c.out.warn.Add(evidence.Incomplete, c.json.Place(), "the document says that its list is incomplete (%s)", aggregate)
		}
		return err
	})
}
