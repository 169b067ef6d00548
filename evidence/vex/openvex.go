package vex

import (
	"io"
	"strconv"
	"strings"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/strictjson"
)

// openVEXContext starts the @context of OpenVEX; "/v" and the version follow, or nothing in version 0.0.1.
const openVEXContext = "https://openvex.dev/ns"

// OpenVEX is OpenVEX 0.2.0 (github.com/openvex/spec, OPENVEX-SPEC.md), and 0.0.1, in which vulnerabilities and products
// are plain texts. A not_affected without justification or impact statement is unknown: the specification says MUST. An
// affected without action statement breaks the format too, but that silences nothing, and most tools write it so.
func OpenVEX() evidence.Format {
	return evidence.Format{
		Name: "openvex", Title: "OpenVEX", Kind: evidence.VEX, MediaType: "application/json",
		Predicates: []string{openVEXContext, openVEXContext + "/v0.2.0"},
		Recognised: "`@context` of OpenVEX, or `statements` with `vulnerability` and `status`",
		Tools:      "vexctl, govulncheck -format openvex, Trivy, Chainguard, Kubernetes",
		Limits: "versions 0.2.0 and 0.0.1; `not_affected` without reason counts as unknown; later statements " +
			"do not replace earlier ones here: every one is a row with its time",
		Match: func(h evidence.Head) bool {
			return h.Syntax == evidence.JSON && (strings.HasPrefix(strings.ToLower(h.Text("@context")), openVEXContext) ||
				h.Has("statements[].vulnerability", "statements[].status"))
		},
		Read: readOpenVEX,
	}
}

// openVEXComponent is a product or a subcomponent.
type openVEXComponent struct {
	id, purl, cpe23, cpe22, sha256 string
}

func (c *openVEXComponent) identity() string { return first(c.purl, c.id, c.cpe23, c.cpe22) }

type openVEXProduct struct {
	openVEXComponent
	parts []openVEXComponent
}

type openVEXStatement struct {
	place, name, id, status, justification, impact, action, at string
	aliases                                                    []string
	products                                                   []openVEXProduct
	// parts are those of version 0.0.1, which belong to every product.
	parts []openVEXComponent
}

type openVEXReader struct {
	*strictjson.Reader
	out                                                     *output
	context, id, author, version, tooling, created, updated string
	s                                                       openVEXStatement
	p                                                       openVEXProduct
	c                                                       openVEXComponent
	held                                                    []openVEXStatement
	// old notes that something is written as in version 0.0.1.
	old bool
}

func readOpenVEX(r io.Reader, rows *evidence.Rows) (evidence.Report, error) {
	out := newOutput(r, rows)
	v := &openVEXReader{Reader: strictjson.New(out), out: out}
	statement := v.statement()
	err := v.Record(strictjson.Members{
		"@context": v.Into(&v.context), "@id": v.Into(&v.id), "author": v.IntoMessage(&v.author), "timestamp": v.Into(&v.created), "last_updated": v.Into(&v.updated),
		"version": v.IntoWord(&v.version), "tooling": v.IntoMessage(&v.tooling),
		"statements": v.List(func() error {
			v.s = openVEXStatement{}
			if err := statement(); err != nil {
				return err
			}
			v.s.place = v.Place()
			v.held = append(v.held, v.s)
			v.out.kept += rowHeld
			return v.kept(append(v.s.aliases, v.s.status, v.s.justification, v.s.impact, v.s.action, v.s.at)...)
		}),
	})()
	if err == nil {
		err = v.End()
	}
	if err == nil {
		err = v.document()
	}
	if err != nil {
		return evidence.Report{}, err
	}
	return out.report(evidence.Tool{Name: v.tooling}), nil
}

// kept notes texts that are held, with the place where they become too many.
func (v *openVEXReader) kept(texts ...string) error {
	if err := v.out.keep(texts...); err != nil {
		return v.Errorf("%w", err)
	}
	return nil
}

// statement returns a function that reads a statement into v.s.
func (v *openVEXReader) statement() func() error {
	vulnerability := v.Record(strictjson.Members{"@id": v.into(&v.s.id), "name": v.into(&v.s.name), "aliases": v.IntoStrings(&v.s.aliases)})
	component := v.component(&v.c, nil)
	product := v.component(&v.p.openVEXComponent, v.List(func() error {
		v.c = openVEXComponent{}
		err := v.plain(&v.c, component)
		v.p.parts = append(v.p.parts, v.c)
		return err
	}))
	return v.Record(strictjson.Members{
		"vulnerability": func() error {
			if v.Kind() == '"' {
				v.old = true
				return v.into(&v.s.name)()
			}
			return vulnerability()
		},
		"timestamp": v.Into(&v.s.at), "status": v.Into(&v.s.status), "justification": v.Into(&v.s.justification),
		"impact_statement": v.IntoMessage(&v.s.impact), "action_statement": v.IntoMessage(&v.s.action),
		"products": v.List(func() error {
			v.p = openVEXProduct{}
			err := v.plain(&v.p.openVEXComponent, product)
			v.s.products = append(v.s.products, v.p)
			return err
		}),
		"subcomponents": v.List(func() error {
			v.c = openVEXComponent{}
			v.old = true
			err := v.plain(&v.c, component)
			v.s.parts = append(v.s.parts, v.c)
			return err
		}),
	})
}

// into reads an identifier, which is kept.
func (v *openVEXReader) into(s *string) func() error {
	return func() (err error) {
		if *s, err = v.StringOrNull(); err != nil {
			return err
		}
		return v.kept(*s)
	}
}

// plain reads a component that is an object, or a text as in version 0.0.1.
func (v *openVEXReader) plain(c *openVEXComponent, object func() error) error {
	v.out.kept += 2 * rowHeld / 5
	if v.Kind() != '"' {
		return object()
	}
	v.old = true
	return v.into(&c.id)()
}

// component returns a function that reads a component into c.
func (v *openVEXReader) component(c *openVEXComponent, parts func() error) func() error {
	m := strictjson.Members{
		"@id":         v.into(&c.id),
		"identifiers": v.Record(strictjson.Members{"purl": v.into(&c.purl), "cpe23": v.into(&c.cpe23), "cpe22": v.into(&c.cpe22)}),
		"hashes":      v.Record(strictjson.Members{"sha-256": v.into(&c.sha256)}),
	}
	if parts != nil {
		m["subcomponents"] = parts
	}
	return v.Record(m)
}

// document checks the head of the document, which may stand after the statements, and writes the rows.
func (v *openVEXReader) document() error {
	version, ok := strings.CutPrefix(v.context, openVEXContext)
	switch version = strings.TrimPrefix(version, "/v"); {
	case v.context == "":
		v.out.breaks("", "@context is missing")
	case ok && (version == "" || version == "0.0.1"):
		version = "0.0.1"
	case !ok || version != "0.2.0":
		return v.Errorf("@context %q, known are %s/v0.2.0 and %s", evidence.Cut(v.context), openVEXContext, openVEXContext)
	case v.old:
		v.out.breaks("", "the document says that it is OpenVEX 0.2.0 and is written as 0.0.1")
	}
	s := &v.out.sum
	s.SpecVersion, s.Document, s.DocumentVersion, s.Author = version, evidence.Cut(v.id), evidence.Cut(v.version), v.author
	for _, m := range []struct{ name, value string }{{"@id", v.id}, {"author", v.author}, {"timestamp", v.created}} {
		if strings.TrimSpace(m.value) == "" {
			v.out.breaks("", "%s is missing, which every document must have", m.name)
		}
	}
	if n, err := strconv.ParseInt(v.version, 10, 64); err != nil || n < 1 {
		v.out.breaks("", "version %q, want a whole number from 1", evidence.Cut(v.version))
	}
	v.out.at = first(v.updated, v.created)
	created := v.out.stamp(v.created, "timestamp")
	for _, s := range v.held {
		if err := v.write(s, created); err != nil {
			return err
		}
	}
	return nil
}

// write writes the rows of a statement.
func (v *openVEXReader) write(s openVEXStatement, created string) error {
	row := evidence.VEXStatement{
		Vulnerability: first(s.name, s.id), Status: v.status(&s), Justification: s.justification, Impact: s.impact, Action: s.action, At: created,
	}
	if s.at != "" {
		row.At = v.out.stamp(s.at, s.place)
	}
	var err error
	if row.Aliases, err = aliases(row.Vulnerability, append(s.aliases, s.id)); err != nil {
		return err
	}
	status := row.Status
	v.out.begin(status)
	defer v.out.end()
	if len(s.products) == 0 {
		v.out.warn.Add(evidence.UnknownIdentifier, s.place, "the statement names no product: it applies to nothing")
		return v.out.row(row, s.place)
	}
	for _, p := range s.products {
		row.Product, row.Digest, row.Component = p.identity(), v.out.digest(p.sha256, s.place), ""
		row.Status = status
		if row.Product == "" && row.Digest == "" {
			v.out.breaks(s.place, "a product without any identifier; what is said of it counts as unknown")
			row.Status = unknown
		}
		parts := append(p.parts, s.parts...)
		if len(parts) == 0 {
			if err := v.out.row(row, s.place); err != nil {
				return err
			}
		}
		for _, c := range parts {
			r := row
			if r.Component = first(c.identity(), v.out.digest(c.sha256, s.place)); r.Component == "" {
				v.out.breaks(s.place, "a subcomponent without any identifier; what is said of it counts as unknown")
				r.Status = unknown
			}
			if err := v.out.row(r, s.place); err != nil {
				return err
			}
		}
	}
	return nil
}

// status returns what a statement says, unknown where it breaks a rule.
func (v *openVEXReader) status(s *openVEXStatement) string {
	if !justifications[s.justification] && s.justification != "" {
		v.out.breaks(s.place, "justification %q is no word of the format", evidence.Cut(s.justification))
	}
	switch s.status {
	case notAffected:
		if !justifications[s.justification] && strings.TrimSpace(s.impact) == "" {
			v.out.breaks(s.place, "not_affected without justification or impact statement counts as unknown")
			return unknown
		}
	case affected, fixed, underInvestigation:
	default:
		v.out.warn.Add(evidence.UnknownStatus, s.place, "status %q, want not_affected, affected, fixed or under_investigation", evidence.Cut(s.status))
		return unknown
	}
	if s.name == "" && s.id == "" {
		v.out.breaks(s.place, "the statement names no vulnerability and counts as unknown")
		return unknown
	}
	return s.status
}
