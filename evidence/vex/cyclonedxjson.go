package vex

import (
	"errors"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/strictjson"
)

// cycloneDXJSON reads the JSON form.
type cycloneDXJSON struct {
	*strictjson.Reader
	c               *cycloneDX
	format          string
	component, hash *strictjson.Names
}

func (c *cycloneDX) readJSON() error {
	n := strictjson.NewNames
	j := &cycloneDXJSON{Reader: strictjson.New(c.out), c: c, hash: n("alg", "content"),
		component: n("bom-ref", "name", "version", "purl", "cpe", "hashes", "components", "services")}
	vulnerability := j.vulnerability()
	parts := j.List(func() error { return j.part(false) })
	err := j.Record(strictjson.Members{
		"bomFormat": j.Into(&j.format), "specVersion": j.Into(&c.out.sum.SpecVersion), "serialNumber": j.Into(&c.out.sum.Document),
		"version": j.IntoWord(&c.version), "metadata": j.metadata(), "components": parts, "services": parts,
		"vulnerabilities": j.List(vulnerability),
	})()
	if err == nil {
		err = j.End()
	}
	if err == nil && j.format != "CycloneDX" {
		err = errors.New("member bomFormat is missing or not CycloneDX")
	}
	return err
}

// metadata returns a function that reads who wrote the document, when, and about what.
func (j *cycloneDXJSON) metadata() func() error {
	var name, version string
	author := func() error { // the first one counts
		if j.c.out.sum.Author == "" {
			j.c.out.sum.Author = name
		}
		return nil
	}
	who := j.Record(strictjson.Members{"name": j.IntoMessage(&name), "version": j.IntoMessage(&version)})
	tool := func() error {
		name, version = "", ""
		err := who()
		if j.c.tool.Name == "" {
			j.c.tool = evidence.Tool{Name: name, Version: version}
		}
		return err
	}
	someone := func() error {
		name = ""
		return errors.Join(who(), author())
	}
	tools := j.Record(strictjson.Members{"components": j.List(tool), "services": j.List(tool)})
	return j.Record(strictjson.Members{
		"timestamp": j.Into(&j.c.created), "component": func() error { return j.part(true) },
		"authors": j.List(someone), "supplier": someone, "manufacturer": someone, "manufacture": someone,
		"tools": func() error {
			if j.Kind() == '{' {
				return tools()
			}
			return j.ArrayOrNull(tool)
		},
	})
}

// part reads a component or service and those inside it.
func (j *cycloneDXJSON) part(main bool) error {
	p := cycloneDXPart{main: main}
	err := j.ObjectOrNull(func(name []byte) (err error) {
		switch string(name) {
		case "bom-ref":
			p.ref, err = j.StringOrNull()
		case "name":
			p.name, err = j.StringOrNull()
		case "version":
			p.version, err = j.StringOrNull()
		case "purl":
			p.purl, err = j.StringOrNull()
		case "cpe":
			p.cpe, err = j.StringOrNull()
		case "hashes":
			err = j.ArrayOrNull(func() error { return j.sha256(&p) })
		case "components", "services":
			err = j.ArrayOrNull(func() error { return j.part(false) })
		default:
			err = j.Other(j.component, name)
		}
		return err
	})
	if err == nil {
		err = j.c.part(p)
	}
	return err
}

func (j *cycloneDXJSON) sha256(p *cycloneDXPart) error {
	alg, content := "", ""
	err := j.Object(func(name []byte) (err error) {
		switch string(name) {
		case "alg":
			alg, err = j.StringOrNull()
		case "content":
			content, err = j.StringOrNull()
		default:
			err = j.Other(j.hash, name)
		}
		return err
	})
	if alg == "SHA-256" {
		p.sha256 = content
	}
	return err
}

// vulnerability returns a function that reads a vulnerability.
func (j *cycloneDXJSON) vulnerability() func() error {
	var v cycloneDXVulnerability
	var t cycloneDXTarget
	var one cycloneDXVersion
	reference := ""
	named := j.Record(strictjson.Members{"id": j.Into(&reference)})
	version := j.Record(strictjson.Members{"version": j.Into(&one.version), "range": j.Into(&one.rang), "status": j.Into(&one.status)})
	target := j.Record(strictjson.Members{"ref": j.Into(&t.ref), "versions": j.List(func() error {
		one = cycloneDXVersion{}
		err := version()
		t.versions = append(t.versions, one)
		if err == nil {
			err = j.c.out.keep(one.version, one.rang, one.status)
		}
		return err
	})})
	read := j.Record(strictjson.Members{
		"id": j.Into(&v.id), "updated": j.Into(&v.changed), "recommendation": j.IntoMessage(&v.recommendation), "workaround": j.IntoMessage(&v.workaround),
		"references": j.List(func() error {
			reference = ""
			err := named()
			v.references = append(v.references, reference)
			return err
		}),
		"analysis": j.Record(strictjson.Members{
			"state": j.Into(&v.state), "justification": j.Into(&v.justification), "detail": j.IntoMessage(&v.detail),
			"response": j.IntoStrings(&v.responses), "firstIssued": j.Into(&v.issued), "lastUpdated": j.Into(&v.updated),
		}),
		"affects": j.List(func() error {
			t = cycloneDXTarget{}
			err := target()
			v.targets = append(v.targets, t)
			return err
		}),
	})
	return func() error {
		v = cycloneDXVulnerability{}
		if err := read(); err != nil {
			return err
		}
		v.place = j.Place()
		if err := j.c.vulnerability(v); err != nil {
			return j.Errorf("%w", err)
		}
		return nil
	}
}
