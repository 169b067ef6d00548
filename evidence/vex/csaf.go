package vex

import (
	"errors"
	"io"
	"slices"
	"strings"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/strictjson"
)

// CSAF is a CSAF 2.0 or 2.1 document of a profile that says which products a vulnerability affects: csaf_vex and
// csaf_security_advisory (clauses 4.4 and 4.5). The other categories make no statements and are refused. One vulnerability
// with one status is a statement. Recommended products have no status. In csaf_vex a known_not_affected product without
// flag or impact (6.1.27.9) is unknown, and so is what is said of a product that the tree does not define (6.1.1), or that
// two statuses contradict each other about (6.1.6).
func CSAF() evidence.Format {
	return evidence.Format{
		Name: "csaf", Title: "CSAF", Kind: evidence.VEX, MediaType: "application/json",
		Recognised: "`document.csaf_version`, or `document.category` that starts with csaf_",
		Tools:      "Red Hat, SUSE, Siemens, Cisco, BSI; Secvisogram",
		Limits: "versions 2.0 and 2.1, categories `csaf_vex` and `csaf_security_advisory`, others are refused; no signature or feed; " +
			"version ranges are not computed: such a product is named by its name and matches no package",
		Match: func(h evidence.Head) bool {
			return h.Syntax == evidence.JSON && (h.Has("document.csaf_version") || strings.HasPrefix(strings.ToLower(h.Text("document.category")), "csaf_"))
		},
		Read: readCSAF,
	}
}

// csafStatuses says what each list of product_status means, in the order in which rows are written.
var csafStatuses = [8]struct{ list, status string }{
	{"known_affected", affected}, {"first_affected", affected}, {"last_affected", affected}, {"fixed", fixed}, {"first_fixed", fixed},
	{"known_not_affected", notAffected}, {"under_investigation", underInvestigation}, {"unknown", unknown},
}

// csafNote is a flag, a threat or a remediation: a text about some products.
type csafNote struct {
	category, text   string
	products, groups []string
}

type csafVulnerability struct {
	place, cve                   string
	ids                          []string
	status                       [len(csafStatuses)][]string
	flags, threats, remediations []csafNote
}

type csafReader struct {
	*strictjson.Reader
	out                                   *output
	tree                                  *csafTree
	category, version, tracking, released string
	tool                                  evidence.Tool
	v                                     csafVulnerability
	held                                  []csafVulnerability
	// spread counts the products of flags, threats and remediations, up to maxNotes.
	spread int
	// missing holds the undefined product ids that were told.
	missing map[string]bool
}

func readCSAF(r io.Reader, rows *evidence.Rows) (evidence.Report, error) {
	out := newOutput(r, rows)
	c := &csafReader{Reader: strictjson.New(out), out: out, missing: map[string]bool{}}
	c.tree = newCSAFTree(c.Reader, out)
	vulnerability := c.vulnerability()
	err := c.Record(strictjson.Members{
		"document": c.document(), "product_tree": c.tree.read,
		"vulnerabilities": c.List(func() error {
			c.v = csafVulnerability{}
			if err := vulnerability(); err != nil {
				return err
			}
			c.v.place = c.Place()
			c.held = append(c.held, c.v)
			c.out.kept += rowHeld
			return c.kept(append(c.v.ids, c.v.cve)...)
		}),
	})()
	if err == nil {
		err = c.End()
	}
	if err == nil {
		err = c.check()
	}
	for i := range c.held {
		if err == nil {
			err = c.write(&c.held[i])
		}
	}
	if err != nil {
		return evidence.Report{}, err
	}
	out.sum.Products = int64(len(c.tree.products))
	return out.report(c.tool), nil
}

func (c *csafReader) kept(texts ...string) error {
	if err := c.out.keep(texts...); err != nil {
		return c.Errorf("%w", err)
	}
	return nil
}

// document returns a function that reads the head of the document.
func (c *csafReader) document() func() error {
	s := &c.out.sum
	engine := c.Record(strictjson.Members{"name": c.IntoMessage(&c.tool.Name), "version": c.IntoMessage(&c.tool.Version)})
	return c.Record(strictjson.Members{
		"category": c.IntoMessage(&c.category), "csaf_version": c.IntoMessage(&c.version),
		"publisher": c.Record(strictjson.Members{"name": c.IntoMessage(&s.Author)}),
		"tracking": c.Record(strictjson.Members{
			"id": c.IntoMessage(&s.Document), "version": c.IntoMessage(&s.DocumentVersion), "status": c.IntoMessage(&c.tracking),
			"current_release_date": c.IntoMessage(&c.released),
			"generator":            c.Record(strictjson.Members{"engine": engine}),
		}),
	})
}

// vulnerability returns a function that reads a vulnerability into c.v.
func (c *csafReader) vulnerability() func() error {
	system, text := "", ""
	id := c.Record(strictjson.Members{"system_name": c.IntoMessage(&system), "text": c.Into(&text)})
	lists := strictjson.Members{"recommended": c.Skip}
	for i, s := range csafStatuses {
		lists[s.list] = c.tree.ids(&c.v.status[i])
	}
	return c.Record(strictjson.Members{
		"cve": c.Into(&c.v.cve),
		"ids": c.List(func() error {
			system, text = "", ""
			err := id()
			if strings.Trim(text, "0123456789") == "" && text != "" {
				text = system + " " + text // a bare number is a name in its own system only
			}
			c.v.ids = append(c.v.ids, text)
			return err
		}),
		"product_status": c.Record(lists),
		"flags":          c.notes(&c.v.flags, "label"), "threats": c.notes(&c.v.threats, "details"), "remediations": c.notes(&c.v.remediations, "details"),
	})
}

// notes returns a function that reads flags, threats or remediations, of which the member text is kept.
func (c *csafReader) notes(list *[]csafNote, text string) func() error {
	var n csafNote
	note := c.Record(strictjson.Members{
		"category": c.IntoMessage(&n.category), text: c.IntoMessage(&n.text), "product_ids": c.tree.ids(&n.products), "group_ids": c.tree.ids(&n.groups),
	})
	return c.List(func() error {
		n = csafNote{}
		if err := note(); err != nil {
			return err
		}
		*list = append(*list, n)
		return c.kept(n.category, n.text)
	})
}

// check checks the head of the document.
func (c *csafReader) check() error {
	s := &c.out.sum
	s.SpecVersion = c.version
	switch {
	case c.version != "2.0" && c.version != "2.1":
		return c.Errorf("csaf_version %q, want 2.0 or 2.1", c.version)
	case c.category != "csaf_vex" && c.category != "csaf_security_advisory":
		return c.Errorf("category %q makes no statements about products, want csaf_vex or csaf_security_advisory", c.category)
	}
	for _, m := range []struct{ name, value string }{
		{"publisher.name", s.Author}, {"tracking.id", s.Document}, {"tracking.version", s.DocumentVersion}, {"tracking.current_release_date", c.released},
	} {
		if strings.TrimSpace(m.value) == "" {
			c.out.breaks("document", "%s is missing, which every document must have", m.name)
		}
	}
	switch c.tracking {
	case "final", "interim":
	case "draft":
		c.out.warn.Add(evidence.Incomplete, "document.tracking", "the document says that it is a draft")
	default:
		c.out.breaks("document.tracking", "status %q, want final, interim or draft", c.tracking)
	}
	c.released = c.out.stamp(c.released, "document.tracking.current_release_date")
	for _, id := range c.tree.undefined() {
		c.out.breaks("product_tree", "a relationship names the product %q, which the product tree does not define", evidence.Cut(id))
	}
	return nil
}

// about returns what notes say of each product.
func (c *csafReader) about(list []csafNote, use func(csafNote) string) (map[string]string, error) {
	out := map[string]string{}
	for _, n := range list {
		text := use(n)
		if text == "" {
			continue
		}
		lists := [][]string{n.products}
		for _, g := range n.groups {
			lists = append(lists, c.tree.groups[g])
		}
		for _, id := range slices.Concat(lists...) {
			if out[id] == "" {
				out[id] = text
			}
			if c.spread++; c.spread > maxNotes {
				return nil, errors.New("too many products of flags, threats and remediations; split the document")
			}
		}
	}
	return out, nil
}

// write writes the rows of a vulnerability.
func (c *csafReader) write(v *csafVulnerability) error {
	said, err := c.said(v)
	if err != nil {
		return err
	}
	statements := c.out.sum.Statements
	for _, status := range []string{affected, fixed, notAffected, underInvestigation, unknown} {
		if err := said.statement(status); err != nil {
			return err
		}
	}
	if c.out.sum.Statements > statements {
		return nil
	}
	c.out.breaks(v.place, "the vulnerability says nothing of any product")
	c.out.begin(unknown)
	defer c.out.end()
	row := said.row
	row.Status = unknown
	return c.out.row(row, v.place)
}
