package vex

import (
	"strings"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/strictxml"
)

// cycloneDXXML reads the XML form.
type cycloneDXXML struct {
	x     *strictxml.Reader
	names *strictxml.Names
	c     *cycloneDX
}

func (c *cycloneDX) readXML() error {
	x, err := strictxml.New(c.out)
	if err != nil {
		return err
	}
	r := &cycloneDXXML{x: x, c: c, names: strictxml.NewNames("bom", "vulnerabilities", "vulnerability", "id", "analysis",
		"state", "justification", "affects", "target", "ref", "versions", "range", "status")}
	if err := r.names.Root(x, "bom"); err != nil {
		return err
	}
	version, ok := strings.CutPrefix(x.Space(), cycloneDXSpace)
	if !ok {
		return x.Errorf("the root element is in no namespace of CycloneDX")
	}
	c.out.sum.SpecVersion = strings.Clone(version)
	c.out.sum.Document, _ = x.Attr("serialNumber")
	c.version, _ = x.Attr("version")
	if err := r.names.Children(x, r.top); err != nil {
		return err
	}
	return r.names.Finish(x)
}

// texts says where the text of each child element goes.
type texts map[string]*string

// read reads the children of the current element: those of into as text, the others with more, if given, or not at all.
func (r *cycloneDXXML) read(into texts, more func(name []byte) (bool, error)) error {
	return r.names.Children(r.x, func(name []byte) (err error) {
		if s, ok := into[string(name)]; ok {
			if *s != "" {
				return r.x.Errorf("a second <%s>", name)
			}
			*s, err = r.names.Text(r.x)
			return err
		}
		if more != nil {
			if done, err := more(name); done || err != nil {
				return err
			}
		}
		return r.x.Skip()
	})
}

func (r *cycloneDXXML) top(name []byte) error {
	switch string(name) {
	case "metadata":
		return r.metadata()
	case "components", "services":
		return r.names.Children(r.x, func([]byte) error { return r.part(false) })
	case "vulnerabilities":
		return r.names.Children(r.x, r.vulnerability)
	}
	return r.x.Skip()
}

func (r *cycloneDXXML) metadata() error {
	someone := func() error {
		name := ""
		err := r.read(texts{"name": &name}, nil)
		r.c.out.sum.Author = first(r.c.out.sum.Author, name)
		return err
	}
	return r.read(texts{"timestamp": &r.c.created}, func(name []byte) (bool, error) {
		switch string(name) {
		case "component":
			return true, r.part(true)
		case "authors":
			return true, r.names.Children(r.x, func([]byte) error { return someone() })
		case "supplier", "manufacturer", "manufacture":
			return true, someone()
		case "tools":
			return true, r.names.Children(r.x, func(name []byte) error {
				if n := string(name); n == "components" || n == "services" {
					return r.names.Children(r.x, func([]byte) error { return r.tool() })
				}
				return r.tool()
			})
		}
		return false, nil
	})
}

// tool takes the first tool, of the old list or the new one.
func (r *cycloneDXXML) tool() error {
	var t evidence.Tool
	err := r.read(texts{"name": &t.Name, "version": &t.Version}, nil)
	if r.c.tool.Name == "" {
		r.c.tool = t
	}
	return err
}

// part reads a component or service and those inside it.
func (r *cycloneDXXML) part(main bool) error {
	p := cycloneDXPart{main: main}
	p.ref, _ = r.x.Attr("bom-ref")
	err := r.read(texts{"name": &p.name, "version": &p.version, "purl": &p.purl, "cpe": &p.cpe}, func(name []byte) (bool, error) {
		switch string(name) {
		case "components", "services":
			return true, r.names.Children(r.x, func([]byte) error { return r.part(false) })
		case "hashes":
			return true, r.names.Children(r.x, func([]byte) (err error) {
				if alg, _ := r.x.Attr("alg"); alg != "SHA-256" {
					return r.x.Skip()
				}
				p.sha256, err = r.names.Text(r.x)
				return err
			})
		}
		return false, nil
	})
	if err == nil {
		err = r.c.part(p)
	}
	return err
}

func (r *cycloneDXXML) vulnerability(name []byte) error {
	if string(name) != "vulnerability" {
		return nil
	}
	v := cycloneDXVulnerability{place: r.x.Place()}
	into := texts{"id": &v.id, "recommendation": &v.recommendation, "workaround": &v.workaround, "updated": &v.changed}
	err := r.read(into, func(name []byte) (bool, error) {
		switch string(name) {
		case "references":
			return true, r.names.Children(r.x, func([]byte) error {
				id := ""
				err := r.read(texts{"id": &id}, nil)
				v.references = append(v.references, id)
				return err
			})
		case "analysis":
			return true, r.analysis(&v)
		case "affects":
			return true, r.names.Children(r.x, func(name []byte) error { return r.target(&v, name) })
		}
		return false, nil
	})
	if err != nil {
		return err
	}
	if err := r.c.vulnerability(v); err != nil {
		return r.x.Errorf("%s", err)
	}
	return nil
}

func (r *cycloneDXXML) analysis(v *cycloneDXVulnerability) error {
	into := texts{"state": &v.state, "justification": &v.justification, "detail": &v.detail, "firstIssued": &v.issued, "lastUpdated": &v.updated}
	return r.read(into, func(name []byte) (bool, error) {
		if string(name) != "responses" {
			return false, nil
		}
		return true, r.names.Children(r.x, func([]byte) error {
			word, err := r.names.Text(r.x)
			if len(v.responses) < evidence.MaxList {
				v.responses = append(v.responses, word)
			}
			return err
		})
	})
}

func (r *cycloneDXXML) target(v *cycloneDXVulnerability, name []byte) error {
	if string(name) != "target" {
		return nil
	}
	var t cycloneDXTarget
	err := r.read(texts{"ref": &t.ref}, func(name []byte) (bool, error) {
		if string(name) != "versions" {
			return false, nil
		}
		return true, r.names.Children(r.x, func([]byte) error {
			var one cycloneDXVersion
			err := r.read(texts{"version": &one.version, "range": &one.rang, "status": &one.status}, nil)
			t.versions = append(t.versions, one)
			if err == nil {
				err = r.c.out.keep(one.version, one.rang, one.status)
			}
			return err
		})
	})
	v.targets = append(v.targets, t)
	return err
}
