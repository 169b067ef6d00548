// Package vulns makes one entry of what several scanners and VEX documents say about one vulnerability in one package.
//
// Everything here errs on the side of open. Entries that should have been one are counted twice; entries that should
// have been two keep the sources of both, and an entry is discharged only when each of its sources is. A source is
// discharged only by its own scanner, or by a VEX statement that names what that source itself calls the vulnerability:
// what one scanner claims to be the same never discharges what another found.
package vulns

import (
	"cmp"
	"slices"
	"strings"
)

// Finding is a row of a scan about a known vulnerability. Item names the report, Tool the scanner; the other fields are
// those of evidence.ScanFinding.
type Finding struct {
	Item, Tool                     string
	ID                             string
	Aliases                        []string
	Severity                       string
	Suppressed                     bool
	Package, Version, FixedVersion string
	PURL, Place, Justification     string
}

// Statement is a row of a VEX document. Item names the document, Author is what it says of itself, Signer who signed the
// item, Complete is false where the document breaks its format or is a draft; the other fields are those of
// evidence.VEXStatement.
type Statement struct {
	Item, Author, Signer       string
	Complete                   bool
	Vulnerability              string
	Aliases                    []string
	Product, Digest, Component string
	Status                     string
	Justification, Impact, At  string
}

// What became of an entry or a source, from the worst to the best. Affected, Open and Investigated count.
const (
	Affected     = "affected"            // a VEX statement says so
	Open         = "open"                // nothing says otherwise, or statements contradict each other
	Investigated = "under_investigation" // a VEX statement says so
	Suppressed   = "suppressed"          // the scanner was told to
	Fixed        = "fixed"               // a VEX statement says so
	NotAffected  = "not_affected"        // a VEX statement says so, and why
)

// worst lists every status from the worst to the best.
var worst = []string{Affected, Open, Investigated, Suppressed, Fixed, NotAffected}

// severities lists every severity from the worst to the best. What nobody rated may be as bad as high; it is not taken
// for critical, which blocks, and never for less than what others made of it.
var severities = []string{"critical", "high", "unknown", "medium", "low", "info"}

// Entry is one vulnerability in one package.
type Entry struct {
	// ID is the CVE, else the GHSA, else the first other name; Aliases are the other names, sorted, and never a CVE.
	ID      string
	Aliases []string
	// Package is the longest name that a source gives it.
	Package, Version, PURL string
	// FixedVersions are those that sources name, sorted.
	FixedVersions []string
	// Severity is the worst of Severities, which are those of all sources, the worst first.
	Severity   string
	Severities []string
	// Status is the worst of the sources'. Disputed says that about one of them statements contradict each other, or a
	// statement the scanner's suppression.
	Status   string
	Disputed bool
	// Justification says why the entry does not count, and is empty where it does.
	Justification string
	Sources       []Source
	Statements    []Applied
}

// Source is one finding of an entry. Index is its place in what Merge was given.
type Source struct {
	Index         int
	Status        string
	Disputed      bool
	Justification string
}

// Applied is a VEX statement that is about a source of an entry. Ignored says why it changes nothing; it is empty where
// the statement counts. An entry that counts may have one more, the last, with OtherProduct: it is about the vulnerability
// and not about the package. There may be thousands of those, so that one stands for all.
type Applied struct {
	Index   int
	Ignored string
}

// Merge sorts findings into entries, ordered by id, package, version and package URL. Release holds the digests
// ("sha256:…") of what is to be released. Neither the order of the findings nor that of the statements matters.
func Merge(findings []Finding, statements []Statement, release []string) []*Entry {
	v := newVEX(statements, release)
	m := merger{findings: findings, named: make([]names, len(findings))}
	for i := range findings {
		m.named[i] = namesOf(findings[i].ID, findings[i].Aliases)
	}
	groups := group(m.named, packagesOf(findings, v.purls))
	entries := make([]*Entry, len(groups))
	for i, g := range groups {
		entries[i] = m.entry(g, v)
	}
	slices.SortFunc(entries, m.compareEntries)
	return entries
}

type merger struct {
	findings []Finding
	named    []names
}

// entry makes one entry of the findings of a group.
func (m *merger) entry(g members, v *vex) *Entry {
	e := &Entry{Sources: make([]Source, 0, len(g.rows))}
	for _, row := range g.rows {
		e.Sources = append(e.Sources, m.source(row, g.cve, v, e))
	}
	if len(e.Sources) > 1 {
		slices.SortFunc(e.Sources, m.compareSources)
		e.Sources = slices.CompactFunc(e.Sources, func(a, b Source) bool { return m.compareSources(a, b) == 0 })
	}
	e.Statements = v.sorted(e.Statements)
	m.name(e, g)
	m.describe(e)
	var why []string
	for _, s := range e.Sources {
		if e.Status == "" || slices.Index(worst, s.Status) < slices.Index(worst, e.Status) {
			e.Status = s.Status
		}
		e.Disputed = e.Disputed || s.Disputed
		why = add(why, s.Justification)
	}
	if slices.Contains(worst[3:], e.Status) {
		e.Justification = strings.Join(why, "; ")
	} else if i := v.elsewhere(m, g, e.Statements); i >= 0 {
		e.Statements = append(e.Statements, Applied{Index: i, Ignored: OtherProduct})
	}
	return e
}

// source says what became of one finding and adds the statements about it to the entry.
func (m *merger) source(row int, cve string, v *vex, e *Entry) Source {
	f := &m.findings[row]
	s := Source{Index: row, Status: Open}
	if f.Suppressed {
		s.Status, s.Justification = Suppressed, f.Justification
	}
	applied := v.about(m.named[row], cve, f)
	if len(applied) == 0 {
		return s
	}
	e.Statements = append(e.Statements, applied...)
	verdict, why, disputed := v.verdict(applied)
	switch {
	case verdict == "":
	case disputed, f.Suppressed && !discharges(verdict):
		s.Status, s.Disputed, s.Justification = Open, true, ""
	case f.Suppressed: // and so do the statements
	case discharges(verdict):
		s.Status, s.Justification = verdict, why
	default:
		s.Status = verdict
	}
	return s
}

// name sets the id and the aliases.
func (m *merger) name(e *Entry, g members) {
	e.ID = g.cve
	if first := m.named[e.Sources[0].Index]; len(e.Sources) == 1 && g.cve != "" && len(first.others) == 0 {
		return
	}
	var all []string
	for _, s := range e.Sources {
		f := &m.findings[s.Index]
		for _, n := range append([]string{f.ID}, f.Aliases...) {
			if n = strings.TrimSpace(n); n != "" && !isCVE(fold(n)) {
				all = append(all, n)
			}
		}
	}
	slices.SortFunc(all, func(a, b string) int { return cmp.Or(strings.Compare(fold(a), fold(b)), strings.Compare(a, b)) })
	all = slices.CompactFunc(all, func(a, b string) bool { return fold(a) == fold(b) })
	if e.ID == "" && len(all) > 0 {
		i := max(0, slices.IndexFunc(all, func(n string) bool {
			return fold(n) == g.id || g.id == "" && strings.HasPrefix(fold(n), "GHSA-")
		}))
		e.ID = all[i]
		all = slices.Delete(all, i, i+1)
	}
	e.Aliases = all
}

// describe sets what the sources say of the package and how bad they find it.
func (m *merger) describe(e *Entry) {
	for _, s := range e.Sources {
		f := &m.findings[s.Index]
		if len(f.Package) > len(e.Package) || len(f.Package) == len(e.Package) && f.Package < e.Package {
			e.Package = f.Package
		}
		e.Version = first(e.Version, f.Version)
		e.PURL = first(e.PURL, f.PURL)
		e.FixedVersions = add(e.FixedVersions, f.FixedVersion)
		if !slices.Contains(e.Severities, f.Severity) {
			e.Severities = append(e.Severities, f.Severity)
		}
	}
	slices.SortFunc(e.Severities, func(a, b string) int { return cmp.Compare(rank(a), rank(b)) })
	e.Severity = e.Severities[0]
}

// rank is the place of a severity; what is none counts as critical.
func rank(severity string) int { return slices.Index(severities, severity) }

// first is the smaller of two texts, of which the empty one is none.
func first(a, b string) string {
	if a == "" || b != "" && b < a {
		return b
	}
	return a
}

// add puts a text that is not empty into a sorted list, once.
func add(list []string, s string) []string {
	if s == "" {
		return list
	}
	if i, found := slices.BinarySearch(list, s); !found {
		list = slices.Insert(list, i, s)
	}
	return list
}

// compareEntries compares what differs most often first; entries that are the same in everything have no order.
func (m *merger) compareEntries(a, b *Entry) int {
	if c := strings.Compare(a.ID, b.ID); c != 0 {
		return c
	}
	if c := cmp.Or(strings.Compare(a.Package, b.Package), strings.Compare(a.Version, b.Version), strings.Compare(a.PURL, b.PURL)); c != 0 {
		return c
	}
	return m.compareSources(a.Sources[0], b.Sources[0])
}

// compareSources orders sources by tool and then by everything else that is said of them; 0 means that they say the same.
func (m *merger) compareSources(a, b Source) int {
	f, g := &m.findings[a.Index], &m.findings[b.Index]
	return cmp.Or(strings.Compare(f.Tool, g.Tool), strings.Compare(f.ID, g.ID), strings.Compare(f.Place, g.Place), strings.Compare(f.Item, g.Item),
		strings.Compare(f.PURL, g.PURL), strings.Compare(f.Package, g.Package), strings.Compare(f.Version, g.Version),
		strings.Compare(a.Status, b.Status), strings.Compare(f.Severity, g.Severity), strings.Compare(f.FixedVersion, g.FixedVersion),
		strings.Compare(a.Justification, b.Justification),
		slices.Compare(f.Aliases, g.Aliases))
}
