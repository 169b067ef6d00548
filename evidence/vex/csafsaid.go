package vex

import (
	"errors"
	"strings"

	"cdgate.dev/cdgate/evidence"
)

// csafSaid is what a vulnerability says, by product id.
type csafSaid struct {
	*csafReader
	v                             *csafVulnerability
	row                           evidence.VEXStatement
	justification, impact, action map[string]string
	// by holds the first status of a product id, contradicted those that have two.
	by           map[string]string
	contradicted map[string]bool
}

// said gathers what a vulnerability says.
func (c *csafReader) said(v *csafVulnerability) (*csafSaid, error) {
	s := &csafSaid{csafReader: c, v: v, by: map[string]string{}, contradicted: map[string]bool{}}
	names := append([]string{v.cve}, v.ids...)
	s.row = evidence.VEXStatement{Vulnerability: first(names...), At: c.released}
	if s.row.Vulnerability == "" {
		c.out.breaks(v.place, "a vulnerability without cve and ids counts as unknown")
	}
	var errs [4]error
	s.row.Aliases, errs[0] = aliases(s.row.Vulnerability, names)
	s.justification, errs[1] = c.about(v.flags, func(n csafNote) string {
		if !justifications[n.text] {
			c.out.breaks(v.place, "flag %q is no word of the format", n.text)
			return ""
		}
		return n.text
	})
	s.impact, errs[2] = c.about(v.threats, func(n csafNote) string {
		if n.category != "impact" {
			return ""
		}
		return strings.TrimSpace(n.text)
	})
	s.action, errs[3] = c.about(v.remediations, func(n csafNote) string { return n.category + ": " + n.text })
	for i, l := range csafStatuses {
		for _, id := range v.status[i] {
			if old, ok := s.by[id]; ok && old != l.status && !s.contradicted[id] {
				s.contradicted[id] = true
				c.out.breaks(v.place, "product %q is both %s and %s", evidence.Cut(id), old, l.status)
			}
			s.by[id] = first(s.by[id], l.status)
		}
	}
	return s, errors.Join(errs[:]...)
}

// statement writes the rows of the products of one status, each product once.
func (s *csafSaid) statement(status string) error {
	begun := false
	done := map[string]bool{}
	for i, l := range csafStatuses {
		if l.status != status {
			continue
		}
		for _, id := range s.v.status[i] {
			if done[id] {
				continue
			}
			done[id] = true
			if !begun {
				begun = true
				s.out.begin(status)
			}
			if err := s.product(id, status); err != nil {
				return err
			}
		}
	}
	if begun {
		s.out.end()
	}
	return nil
}

// product writes the rows of one product.
func (s *csafSaid) product(id, status string) error {
	row := s.row
	row.Status, row.Justification, row.Impact, row.Action = status, s.justification[id], s.impact[id], s.action[id]
	target, ok := s.tree.resolve(id)
	switch {
	case !ok:
		if !s.missing[id] {
			s.missing[id] = true
			s.out.breaks(s.v.place, "product_status names the product %q, which the product tree does not define clearly", evidence.Cut(id))
		}
		target = csafTarget{products: []string{id}}
	case status == notAffected && s.category == "csaf_vex" && row.Justification == "" && row.Impact == "":
		s.out.breaks(s.v.place, "product %q is known_not_affected without flag or impact and counts as unknown", evidence.Cut(id))
		ok = false
	}
	if silences(status) && (!ok || s.contradicted[id] || row.Vulnerability == "") {
		row.Status = unknown
	}
	row.Digest = s.out.digest(target.sha256, s.v.place)
	if len(target.components) == 0 {
		target.components = []string{""}
	}
	for _, row.Product = range target.products {
		for _, row.Component = range target.components {
			if err := s.out.row(row, s.v.place); err != nil {
				return err
			}
		}
	}
	return nil
}
