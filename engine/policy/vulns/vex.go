package vulns

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Why a statement changes nothing.
const (
	OtherProduct = "other_product" // it is about the vulnerability, and about another product or none
	Superseded   = "superseded"    // its author has said something newer
	Unjustified  = "unjustified"   // not_affected, and no word why
	Incomplete   = "incomplete"    // the document breaks its format or is a draft
	Unversioned  = "unversioned"   // fixed, and not in which version
)

// vex holds statements ready to be looked up.
type vex struct {
	purls      purls
	statements []statement
	byName     map[string][]int
	// asked counts questions; seen holds for each statement the last one in which it came up.
	asked int
	seen  []int
}

type statement struct {
	*Statement
	names names
	// product and component are nil where they are no package URLs. Release says that the product is what is to be
	// released, by digest.
	product, component *located
	release            bool
	at                 time.Time
	// voice is who speaks: the signer, which is proved, with the author that the document names.
	voice [2]string
}

func newVEX(statements []Statement, release []string) *vex {
	v := &vex{purls: purls{}, statements: make([]statement, len(statements)), byName: map[string][]int{}, seen: make([]int, len(statements))}
	for i := range statements {
		s := statement{Statement: &statements[i]}
		s.names = namesOf(s.Vulnerability, s.Aliases)
		s.product, s.component = v.purls.read(s.Product), v.purls.read(s.Component)
		s.release = isRelease(&s, release)
		s.at, _ = time.Parse(time.RFC3339, s.At)
		s.voice = [2]string{s.Signer, s.Author}
		v.statements[i] = s
		for _, list := range [][]string{s.names.cves, s.names.others} {
			for _, name := range list {
				v.byName[name] = append(v.byName[name], i)
			}
		}
	}
	return v
}

// isRelease reports whether the product is one of the released artifacts: by its digest, or by the digest that is the
// version of an OCI package URL (purl-spec, types/oci-definition.json). A name alone is no proof.
func isRelease(s *statement, release []string) bool {
	digest := s.Digest
	if digest == "" {
		digest = s.Product
		if s.product != nil && s.product.Type == "oci" {
			digest = s.product.Version
		}
	}
	return digest != "" && slices.Contains(release, digest)
}

// about are the statements about one finding, seen as the vulnerability cve (empty where no CVE is known).
func (v *vex) about(n names, cve string, f *Finding) []Applied {
	var out []Applied
	v.meant(n, cve, func(i int) {
		s := &v.statements[i]
		if covers, exact := s.covers(v.purls.read(f.PURL)); covers {
			out = append(out, Applied{Index: i, Ignored: s.useless(exact)})
		}
	})
	v.supersede(out)
	return out
}

// elsewhere is the one statement that people may have taken to be about an entry that counts, and that is not: it means
// the vulnerability and would take it out of the count, but is about another product. One that names the package of a
// source in another version is told before all others; -1 is none. Applied are the statements about the entry.
func (v *vex) elsewhere(m *merger, g members, applied []Applied) int {
	best, close := -1, false
	for _, row := range g.rows {
		where := v.purls.read(m.findings[row].PURL)
		v.meant(m.named[row], g.cve, func(i int) {
			s := &v.statements[i]
			if !discharges(s.Status) && s.Status != Investigated || slices.ContainsFunc(applied, func(a Applied) bool { return v.compare(a.Index, i) == 0 }) {
				return
			}
			near := where != nil && (s.product != nil && s.product.kind == where.kind || s.component != nil && s.component.kind == where.kind)
			if best < 0 || near && !close || near == close && v.compare(i, best) < 0 {
				best, close = i, near
			}
		})
	}
	return best
}

// meant visits the statements that mean the vulnerability of one finding, each once, whatever product they are about.
func (v *vex) meant(n names, cve string, visit func(i int)) {
	if len(v.statements) == 0 {
		return
	}
	v.asked++
	add := func(i int) {
		if v.seen[i] == v.asked || !v.statements[i].names.mean(n, cve) {
			return
		}
		v.seen[i] = v.asked
		visit(i)
	}
	if len(n.cves) > 0 {
		for _, i := range v.byName[cve] {
			add(i)
		}
	}
	for _, name := range n.others {
		for _, i := range v.byName[name] {
			add(i)
		}
	}
}

// mean reports whether a statement with names s is about a finding with names n, seen as the vulnerability cve. Where
// both know CVEs that decides: a statement about one CVE of an advisory says nothing about the others.
func (s names) mean(n names, cve string) bool {
	if len(s.cves) > 0 && len(n.cves) > 0 {
		return slices.Contains(s.cves, cve)
	}
	return s.shares(n)
}

// covers reports whether a statement is about the package at where, or about all of the release; exact that it names
// the very version or artifact.
func (s *statement) covers(where *located) (covers, exact bool) {
	match := func(p *located) bool { return p != nil && where != nil && p.CoversQualified(where.P) }
	// A digest that is not of the release pins something that is not at hand.
	product := s.Digest == "" && match(s.product)
	anything := s.Product == "" && s.Digest == ""
	switch {
	case s.Component != "":
		return match(s.component) && (s.release || product || anything), s.release || s.component != nil && s.component.Version != ""
	case s.release:
		return true, true
	}
	return product, product && s.product.Version != ""
}

// useless says why a statement discharges nothing though its status would; it is empty where that is not so.
func (s *statement) useless(exact bool) string {
	switch {
	case !discharges(s.Status):
	case !s.Complete:
		return Incomplete
	case s.Status == NotAffected && strings.TrimSpace(s.Justification) == "" && strings.TrimSpace(s.Impact) == "":
		return Unjustified
	case s.Status == Fixed && !exact:
		return Unversioned
	}
	return ""
}

// supersede leaves of each voice only the newest of the statements that count. One without a time stands beside the
// others, and so do several of one time: the worst of them decides.
func (v *vex) supersede(list []Applied) {
	newest := map[[2]string]time.Time{}
	for _, a := range list {
		if s := &v.statements[a.Index]; a.Ignored == "" && s.at.After(newest[s.voice]) {
			newest[s.voice] = s.at
		}
	}
	for i, a := range list {
		if s := &v.statements[a.Index]; a.Ignored == "" && !s.at.IsZero() && s.at.Before(newest[s.voice]) {
			list[i].Ignored = Superseded
		}
	}
}

// verdict is the worst that the statements that count say, why, and whether they contradict each other; it is empty
// where none counts.
func (v *vex) verdict(list []Applied) (verdict, why string, disputed bool) {
	var reasons []string
	good, bad := false, false
	for _, a := range list {
		if a.Ignored != "" {
			continue
		}
		s := &v.statements[a.Index]
		status := s.Status
		if !slices.Contains(worst, status) {
			status = Open // "unknown"
		}
		if discharges(status) {
			good = true
		} else {
			bad = true
		}
		if verdict == "" || slices.Index(worst, status) < slices.Index(worst, verdict) {
			verdict = status
		}
		reasons = add(reasons, s.Reason())
	}
	return verdict, strings.Join(reasons, "; "), good && bad
}

// Reason is why a product is not affected: the justification, else the impact statement.
func (s *Statement) Reason() string { return cmp.Or(s.Justification, s.Impact) }

// discharges reports whether a status that a statement gives takes a finding out of the count.
func discharges(status string) bool { return status == Fixed || status == NotAffected }

// sorted orders statements by what they say and leaves each once; one that counts for any source counts.
func (v *vex) sorted(list []Applied) []Applied {
	slices.SortFunc(list, func(a, b Applied) int {
		return cmp.Or(v.compare(a.Index, b.Index), strings.Compare(a.Ignored, b.Ignored))
	})
	return slices.CompactFunc(list, func(a, b Applied) bool { return v.compare(a.Index, b.Index) == 0 })
}

// compare orders statements by what they say.
func (v *vex) compare(i, j int) int {
	s, t := &v.statements[i], &v.statements[j]
	return cmp.Or(strings.Compare(s.Item, t.Item), strings.Compare(s.At, t.At), strings.Compare(s.Author, t.Author),
		strings.Compare(s.Signer, t.Signer), strings.Compare(s.Vulnerability, t.Vulnerability), strings.Compare(s.Product, t.Product),
		strings.Compare(s.Digest, t.Digest), strings.Compare(s.Component, t.Component), strings.Compare(s.Status, t.Status),
		strings.Compare(s.Justification, t.Justification), strings.Compare(s.Impact, t.Impact), slices.Compare(s.Aliases, t.Aliases))
}
