package sbom

import (
	"io"
	"strings"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/strictxml"
	"cdgate.dev/cdgate/evidence/vex"
)

// cycloneDXSpace starts the namespaces of CycloneDX; the version follows.
const cycloneDXSpace = "http://cyclonedx.org/schema/bom/"

// CycloneDXXML is the XML form of CycloneDX 1.0 to 1.7; it is counted as the JSON form is.
func CycloneDXXML() evidence.Format {
	return evidence.Format{
		Name: "cyclonedx-xml", Title: "CycloneDX XML", Kind: evidence.SBOM, MediaType: "application/vnd.cyclonedx+xml",
		Recognised: "root element `bom` in a namespace of CycloneDX, unless it has `vulnerabilities` and no `components`",
		Tools:      "CycloneDX plugins for Maven, Gradle, npm, .NET; Syft",
		Limits:     "versions 1.0 to 1.7; as the JSON form",
		Match: func(h evidence.Head) bool {
			return h.Syntax == evidence.XML && strings.EqualFold(h.Root, "bom") && strings.HasPrefix(h.Space, cycloneDXSpace) && !vex.IsCycloneDXVEX(h)
		},
		MatchNamed: func(h evidence.Head) bool { return h.Syntax == evidence.XML && vex.IsCycloneDXVEX(h) },
		Read:       readCycloneDXXML,
	}
}

type cycloneDXXML struct {
	x     *strictxml.Reader
	names *strictxml.Names
	out   output
	tool  evidence.Tool
}

func readCycloneDXXML(r io.Reader, rows *evidence.Rows) (evidence.Report, error) {
	x, err := strictxml.New(r)
	if err != nil {
		return evidence.Report{}, err
	}
	c := &cycloneDXXML{x: x, out: output{rows: rows}, names: strictxml.NewNames("bom", "components", "component", "services", "service").
		Beside("name", "version", "licenses", "license", "expression", "purl", "compositions", "composition", "aggregate", "metadata", "dependencies", "dependency").Attributes("type", "bom-ref")}
	err = c.names.Root(x, "bom")
	if err == nil {
		version := strings.TrimPrefix(x.Space(), cycloneDXSpace)
		if !cycloneDXVersions[version] && version != "1.0" && version != "1.1" {
			return evidence.Report{}, x.Errorf("CycloneDX version %q, known are 1.0 to 1.7", evidence.Cut(version))
		}
		c.out.sum.SpecVersion = strings.Clone(version)
		err = c.names.Children(x, c.part)
	}
	if err == nil {
		err = c.names.Finish(x)
	}
	if err != nil {
		return evidence.Report{}, err
	}
	return c.out.report(c.tool), nil
}

func (c *cycloneDXXML) part(name []byte) error {
	switch string(name) {
	case "metadata":
		return c.names.Children(c.x, func(name []byte) error {
			switch string(name) {
			case "tools":
				return c.readTools()
			}
			return c.x.Skip() // the product itself, and who made the document
		})
	case "components":
		return c.names.Children(c.x, c.readComponent)
	case "services":
		return c.names.Children(c.x, c.readService)
	case "dependencies":
		return c.names.Children(c.x, func([]byte) error {
			c.out.sum.Dependencies++
			return c.x.Skip()
		})
	case "compositions":
		return c.readCompositions()
	}
	// What else stands here, vulnerabilities and declarations for instance, may hold elements of the same names.
	return c.x.Skip()
}

// readTools takes the first tool, of the old list or the new one.
func (c *cycloneDXXML) readTools() error {
	tool := func() error {
		var t evidence.Tool
		err := c.names.Children(c.x, func(name []byte) (err error) {
			switch string(name) {
			case "name":
				t.Name, err = c.names.Text(c.x)
			case "version":
				t.Version, err = c.names.Text(c.x)
			default:
				err = c.x.Skip()
			}
			return err
		})
		if c.tool.Name == "" {
			c.tool = t
		}
		return err
	}
	return c.names.Children(c.x, func(name []byte) error {
		if n := string(name); n == "components" || n == "services" {
			return c.names.Children(c.x, func([]byte) error { return tool() })
		}
		return tool()
	})
}

func (c *cycloneDXXML) readComponent(name []byte) error {
	if string(name) != "component" {
		return nil
	}
	kind, _ := c.x.Attr("type")
	row := evidence.Component{Type: kind}
	err := c.names.Children(c.x, func(name []byte) (err error) {
		switch string(name) {
		case "name":
			row.Name, err = c.names.Text(c.x)
		case "version":
			row.Version, err = c.names.Text(c.x)
		case "purl":
			row.PURL, err = c.names.Text(c.x)
		case "licenses":
			err = c.readLicences(&row)
		case "components":
			err = c.names.Children(c.x, c.readComponent)
		default:
			err = c.x.Skip()
		}
		return err
	})
	if err != nil {
		return err
	}
	if err := c.out.add(row, c.x.Place); err != nil {
		return c.x.Errorf("%s", err)
	}
	return nil
}

func (c *cycloneDXXML) readLicences(row *evidence.Component) error {
	add := func() error {
		text, err := c.names.Text(c.x)
		if says(text) && len(row.Licences) < evidence.MaxList {
			row.Licences = append(row.Licences, text)
		}
		return err
	}
	return c.names.Children(c.x, func(name []byte) error {
		switch string(name) {
		case "expression":
			return add()
		case "license":
			return c.names.Children(c.x, func(name []byte) error {
				if n := string(name); n == "id" || n == "name" {
					return add()
				}
				return c.x.Skip()
			})
		}
		return nil
	})
}

func (c *cycloneDXXML) readService(name []byte) error {
	if string(name) != "service" {
		return nil
	}
	c.out.sum.Services++
	return c.names.Children(c.x, func(name []byte) error {
		if string(name) == "services" {
			return c.names.Children(c.x, c.readService)
		}
		return c.x.Skip()
	})
}

func (c *cycloneDXXML) readCompositions() error {
	return c.names.Children(c.x, func([]byte) error {
		return c.names.Children(c.x, func(name []byte) error {
			if string(name) != "aggregate" {
				return c.x.Skip()
			}
			line := c.x.Place()
			aggregate, err := c.names.Text(c.x)
			if strings.HasPrefix(aggregate, "incomplete") {
				c.out.partial = true
				c.out.warn.Add(evidence.Incomplete, line, "the document says that its list is incomplete (%s)", aggregate)
			}
			return err
		})
	})
}
