package vulns

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// The oracle answers the questions of Merge by their definitions, over everything there is: no index, no union-find, no
// reading of package URLs (it knows what they were made of).

type place3 struct{ kind, name, version string }

type sample struct {
	findings   []Finding
	where      []place3
	statements []Statement
	// component and product are what the statements' package URLs were made of; nil where they have none.
	component, product []*place3
	release            []string
}

const released = "sha256:aaaa"

func (p place3) purl() string {
	s := "pkg:" + p.kind + "/" + p.name
	if p.version != "" {
		s += "@" + p.version
	}
	return s
}

var pool = []string{"CVE-2024-1", "CVE-2024-2", "cve-2024-3", "GHSA-aaaa", "GHSA-bbbb", "ghsa-AAAA", "OSV-1", "OSV-2", "DEBIAN-CVE-2024-1", ""}

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

func randomNames(r *rand.Rand) (id string, aliases []string) {
	id = pick(r, pool...)
	for range pick(r, 0, 0, 1, 1, 2, 3) {
		aliases = append(aliases, pick(r, pool...))
	}
	return id, aliases
}

func (s *sample) addFinding(r *rand.Rand) {
	p := place3{pick(r, "npm", "npm", "pypi", ""), pick(r, "a", "a", "b"), pick(r, "1", "1", "2", "")}
	f := Finding{Item: fmt.Sprintf("item%d", len(s.findings)), Tool: "t", Package: p.name, Version: p.version, Severity: pick(r, severities...), Suppressed: r.IntN(4) == 0}
	f.ID, f.Aliases = randomNames(r)
	if f.Suppressed {
		f.Justification = "no"
	}
	if p.kind != "" {
		f.PURL = p.purl()
	}
	s.findings, s.where = append(s.findings, f), append(s.where, p)
}

func (s *sample) addStatement(r *rand.Rand) {
	st := Statement{Item: fmt.Sprintf("vex%d", len(s.statements)), Author: pick(r, "x", "y"), Signer: pick(r, "s", "s", "t"), Complete: r.IntN(8) > 0,
		Status: pick(r, "affected", "not_affected", "not_affected", "not_affected", "fixed", "under_investigation", "unknown"),
		At:     pick(r, "", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", "2026-01-02T00:00:00.5Z")}
	st.Vulnerability, st.Aliases = randomNames(r)
	if r.IntN(4) > 0 {
		st.Justification = pick(r, "j1", "j2")
	} else if r.IntN(2) > 0 {
		st.Impact = "i"
	}
	some := func() (*place3, string) {
		if r.IntN(2) == 0 {
			return nil, ""
		}
		p := place3{pick(r, "npm", "npm", "pypi"), pick(r, "a", "a", "b"), pick(r, "1", "2", "", "")}
		return &p, p.purl()
	}
	var component, product *place3
	component, st.Component = some()
	product, st.Product = some()
	switch r.IntN(6) {
	case 0:
		st.Digest = pick(r, released, "sha256:bbbb")
	case 1:
		product, st.Product = nil, pick(r, "pkg:oci/app@"+released, "pkg:oci/app@sha256:bbbb", "pkg:oci/app", released, "name")
	}
	s.statements, s.component, s.product = append(s.statements, st), append(s.component, component), append(s.product, product)
}

func random(r *rand.Rand) sample {
	s := sample{release: []string{released}}
	for range r.IntN(7) {
		s.addFinding(r)
	}
	for range r.IntN(5) {
		s.addStatement(r)
	}
	return s
}

// packageOf is the package of a finding.
func (s *sample) packageOf(i int) place3 {
	p := s.where[i]
	candidates := map[place3]bool{}
	for j, q := range s.where {
		if q.name != p.name {
			continue
		}
		whole := q.kind != "" && q.version != ""
		switch {
		case p.kind != "" && p.version != "": // itself
		case p.kind != "":
			if whole && q.kind == p.kind {
				candidates[q] = true
			}
		case p.version != "":
			if whole && q.version == p.version {
				candidates[q] = true
			}
		case q.kind != "" || q.version != "":
			candidates[s.packageOf(j)] = true
		}
	}
	if len(candidates) == 1 {
		for q := range candidates {
			return q
		}
	}
	return p
}

// said are the names that a finding or statement gives: CVEs, and others.
func said(id string, aliases []string) (cves, others []string) {
	id = strings.ToUpper(id)
	all := []string{id}
	for _, a := range aliases {
		all = append(all, strings.ToUpper(a))
	}
	for _, n := range all {
		cve := ""
		if strings.HasPrefix(n, "CVE-") {
			cve = n
		} else if n != "" {
			others = append(others, n)
			cve = strings.TrimPrefix(n, "DEBIAN-")
		}
		if strings.HasPrefix(cve, "CVE-") && (!strings.HasPrefix(id, "CVE-") || cve == id) {
			cves = append(cves, cve)
		}
	}
	return cves, others
}

// own is the id of a finding, or its first alias. In the samples the first four characters tell the database.
func own(f Finding) string {
	for _, n := range append([]string{f.ID}, f.Aliases...) {
		if n != "" {
			return strings.ToUpper(n)
		}
	}
	return ""
}

func meet(a, b []string) bool {
	return slices.ContainsFunc(a, func(x string) bool { return slices.Contains(b, x) })
}

// entries maps each entry, written as its CVE and findings, to its status.
func (s *sample) entries() map[string]string {
	n := len(s.findings)
	cves, others := make([][]string, n), make([][]string, n)
	for i, f := range s.findings {
		cves[i], others[i] = said(f.ID, f.Aliases)
	}
	// near[i][j]: a chain of shared names, none of them a CVE, leads from i to j within one package.
	near := make([][]bool, n)
	for i := range n {
		near[i] = make([]bool, n)
		for j := range n {
			near[i][j] = i == j || s.packageOf(i) == s.packageOf(j) && meet(others[i], others[j])
		}
	}
	for range n {
		for i := range n {
			for j := range n {
				for k := range n {
					near[i][j] = near[i][j] || near[i][k] && near[k][j]
				}
			}
		}
	}
	groups := map[string]map[int]bool{}
	put := func(key string, row int) {
		if groups[key] == nil {
			groups[key] = map[int]bool{}
		}
		groups[key][row] = true
	}
	for i := range n {
		known, apart := map[string]bool{}, false
		for j := range n {
			if near[i][j] {
				for _, c := range cves[j] {
					known[c] = true
				}
				for k := range n {
					a, b := own(s.findings[j]), own(s.findings[k])
					apart = apart || near[i][k] && len(cves[j])+len(cves[k]) == 0 && a[:min(4, len(a))] == b[:min(4, len(b))] && a != b
				}
			}
		}
		switch {
		case len(cves[i]) > 0:
			for _, c := range cves[i] {
				put(fmt.Sprint(c, s.packageOf(i)), i)
			}
		case len(others[i]) == 0:
			put(fmt.Sprint("row", i), i)
		case apart:
			put(fmt.Sprint("id", own(s.findings[i]), s.packageOf(i)), i)
		case len(known) == 1:
			for c := range known {
				put(fmt.Sprint(c, s.packageOf(i)), i)
			}
		default:
			for j := range n {
				if near[i][j] && len(cves[j]) == 0 {
					put(fmt.Sprint("class", slices.Index(near[i], true), s.packageOf(i)), j)
				}
			}
		}
	}
	out := map[string]string{}
	for key, rows := range groups {
		cve, _, _ := strings.Cut(key, "{")
		if !strings.HasPrefix(cve, "CVE-") {
			cve = ""
		}
		status, ids := NotAffected, []int{}
		for i := range rows {
			ids = append(ids, i)
			if st := s.status(i, cve); slices.Index(worst, st) < slices.Index(worst, status) {
				status = st
			}
		}
		slices.Sort(ids)
		out[fmt.Sprint(cve, ids)] = status
	}
	return out
}

// means reports whether a statement is about the vulnerability of a finding seen as a CVE.
func (s *sample) means(k, i int, cve string) bool {
	st, f := s.statements[k], s.findings[i]
	cves, others := said(f.ID, f.Aliases)
	stCVEs, stOthers := said(st.Vulnerability, st.Aliases)
	if len(cves) > 0 && len(stCVEs) > 0 {
		return slices.Contains(stCVEs, cve)
	}
	return meet(others, stOthers)
}

// applies reports whether a statement is about a finding seen as a CVE, and whether it counts.
func (s *sample) applies(k, i int, cve string) (applies, counts bool) {
	st := s.statements[k]
	if !s.means(k, i, cve) {
		return false, false
	}
	covers := func(p *place3) bool {
		w := s.where[i]
		return p != nil && w.kind == p.kind && w.name == p.name && (p.version == "" || p.version == w.version)
	}
	release := st.Digest == released || st.Digest == "" && (st.Product == released || st.Product == "pkg:oci/app@"+released)
	byProduct := st.Digest == "" && covers(s.product[k])
	exact := release || s.component[k] != nil && s.component[k].version != "" || s.component[k] == nil && s.product[k] != nil && s.product[k].version != ""
	if st.Component != "" {
		applies = covers(s.component[k]) && (release || byProduct || st.Product == "" && st.Digest == "")
	} else {
		applies = release || byProduct
	}
	good := st.Status == "not_affected" || st.Status == "fixed"
	counts = applies && !(good && !st.Complete) && !(st.Status == "not_affected" && st.Justification+st.Impact == "") && !(st.Status == "fixed" && !exact)
	return applies, counts
}

func (s *sample) status(i int, cve string) string {
	var last []int
	for k := range s.statements {
		if _, counts := s.applies(k, i, cve); !counts {
			continue
		}
		newest := true
		for l := range s.statements {
			_, counts := s.applies(l, i, cve)
			a, b := s.statements[k], s.statements[l]
			if counts && a.Author == b.Author && a.Signer == b.Signer && a.At != "" && instant(b.At).After(instant(a.At)) {
				newest = false
			}
		}
		if newest {
			last = append(last, k)
		}
	}
	status, good, bad := "", false, false
	for _, k := range last {
		st := s.statements[k].Status
		if st == "unknown" {
			st = Open
		}
		if st == Fixed || st == NotAffected {
			good = true
		} else {
			bad = true
		}
		if status == "" || slices.Index(worst, st) < slices.Index(worst, status) {
			status = st
		}
	}
	switch suppressed := s.findings[i].Suppressed; {
	case status == "" && suppressed:
		return Suppressed
	case status == "":
		return Open
	case bad && (good || suppressed):
		return Open
	case suppressed:
		return Suppressed
	}
	return status
}

func instant(s string) time.Time {
	t, _ := time.Parse(time.RFC3339Nano, s)
	return t
}
