package vex

import (
	"fmt"
	"io"
	"strings"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/purl"
)

// CycloneDXPredicates are the in-toto predicate types of CycloneDX documents, with and without a version.
func CycloneDXPredicates() []string {
	out := []string{"https://cyclonedx.org/bom"}
	for _, v := range []string{"1.2", "1.3", "1.4", "1.5", "1.6", "1.7"} {
		out = append(out, "https://cyclonedx.org/bom/v"+v)
	}
	return out
}

// CycloneDX is a CycloneDX document that lists vulnerabilities and no components: JSON and XML, versions 1.4 to 1.7. A
// document with both is a bill of materials; asked for as vex, it is read here. Each vulnerability is a statement; one
// without analysis is unknown. What is said of a component is said of it as a part of metadata.component.
func CycloneDX() evidence.Format {
	return evidence.Format{
		Name: "cyclonedx-vex", Title: "CycloneDX VEX", Kind: evidence.VEX, MediaType: "application/vnd.cyclonedx+json",
		Predicates: CycloneDXPredicates(),
		Recognised: "CycloneDX (JSON or XML) with `vulnerabilities` and without `components`; any CycloneDX named `vex:PATH`",
		Tools:      "Dependency-Track, CycloneDX tools, Trivy, cdxgen",
		Limits: "versions 1.4 to 1.7; without analysis a vulnerability is unknown; BOM-Links stay as written, version ranges are not computed: " +
			"neither matches a package",
		Match:      IsCycloneDXVEX,
		MatchNamed: isCycloneDX,
		Read:       readCycloneDX,
	}
}

// cycloneDXSpace starts the namespaces of CycloneDX XML; the version follows.
const cycloneDXSpace = "http://cyclonedx.org/schema/bom/"

func isCycloneDX(h evidence.Head) bool {
	return h.Syntax == evidence.JSON && strings.EqualFold(h.Text("bomFormat"), "CycloneDX") ||
		h.Syntax == evidence.XML && strings.EqualFold(h.Root, "bom") && strings.HasPrefix(h.Space, cycloneDXSpace)
}

// IsCycloneDXVEX reports whether a head is that of a CycloneDX document with vulnerabilities and without components.
func IsCycloneDXVEX(h evidence.Head) bool {
	return isCycloneDX(h) && h.HasAny("vulnerabilities", h.Root+"/vulnerabilities") && !h.HasAny("components", h.Root+"/components")
}

// cycloneDXVersions are the versions that have vulnerabilities.
var cycloneDXVersions = map[string]bool{"1.4": true, "1.5": true, "1.6": true, "1.7": true}

// cycloneDXStatus says what the states of an analysis mean; without a state a statement is unknown.
var cycloneDXStatus = map[string]string{
	"": unknown, "exploitable": affected, "in_triage": underInvestigation, "resolved": fixed, "resolved_with_pedigree": fixed,
	"not_affected": notAffected, "false_positive": notAffected,
}

var cycloneDXJustifications = map[string]bool{
	"": true, "code_not_present": true, "code_not_reachable": true, "requires_configuration": true, "requires_dependency": true,
	"requires_environment": true, "protected_by_compiler": true, "protected_at_runtime": true, "protected_at_perimeter": true,
	"protected_by_mitigating_control": true,
}

// cycloneDXPart is a component or service that a statement can be about.
type cycloneDXPart struct {
	ref, name, version, purl, cpe, sha256 string
	// main notes metadata.component, twice a bom-ref that several parts have.
	main, twice bool
}

func (p *cycloneDXPart) identity() string {
	name := p.name
	if name != "" && p.version != "" {
		name += "@" + p.version
	}
	return first(p.purl, p.cpe, name, p.ref)
}

// digest returns the SHA-256 of a part: its hash, or the version where that is one, as Syft writes it for images and files.
func (c *cycloneDX) digest(p *cycloneDXPart, place string) string {
	if hex, ok := strings.CutPrefix(p.version, "sha256:"); ok && p.sha256 == "" && sha256Text.MatchString(hex) {
		return strings.ToLower(p.version)
	}
	return c.out.digest(p.sha256, place)
}

// cycloneDXVersion is a version or range of what is affected. Status is affected, unaffected, unknown, or "", which is
// what the analysis says.
type cycloneDXVersion struct{ version, rang, status string }

type cycloneDXTarget struct {
	ref      string
	versions []cycloneDXVersion
}

type cycloneDXVulnerability struct {
	place, id, state, justification, detail, recommendation, workaround, issued, updated, changed string
	responses, references                                                                         []string
	targets                                                                                       []cycloneDXTarget
}

// cycloneDX is what is held of a document until its end.
type cycloneDX struct {
	out              *output
	tool             evidence.Tool
	created, version string
	main             *cycloneDXPart
	parts            map[string]*cycloneDXPart
	held             []cycloneDXVulnerability
}

func readCycloneDX(r io.Reader, rows *evidence.Rows) (evidence.Report, error) {
	out := newOutput(r, rows)
	c := &cycloneDX{out: out, parts: map[string]*cycloneDXPart{}}
	xml, err := out.xml()
	switch {
	case err != nil:
	case xml:
		err = c.readXML()
	default:
		err = c.readJSON()
	}
	if err == nil {
		err = c.finish()
	}
	if err != nil {
		return evidence.Report{}, err
	}
	return out.report(c.tool), nil
}

// part notes something that a statement can be about.
func (c *cycloneDX) part(p cycloneDXPart) error {
	if p.main && p.identity() != "" {
		c.main = &p
	}
	if p.ref == "" {
		return nil
	}
	if old, ok := c.parts[p.ref]; ok {
		old.twice = true
		return nil
	}
	c.parts[p.ref] = &p
	return c.out.keep(p.ref, p.name, p.version, p.purl, p.cpe, p.sha256)
}

// vulnerability holds a statement until the end.
func (c *cycloneDX) vulnerability(v cycloneDXVulnerability) error {
	c.held = append(c.held, v)
	c.out.kept += rowHeld
	for _, t := range v.targets {
		c.out.kept += int64(len(t.versions)) * rowHeld / 5
		if err := c.out.keep(t.ref); err != nil {
			return err
		}
	}
	return c.out.keep(append(append(v.references, v.responses...), v.id, v.state, v.detail, v.recommendation, v.workaround)...)
}

// finish checks the head of the document, which may stand anywhere, and writes the rows.
func (c *cycloneDX) finish() error {
	s := &c.out.sum
	if !cycloneDXVersions[s.SpecVersion] {
		return fmt.Errorf("CycloneDX version %q, versions 1.4 to 1.7 have vulnerabilities", evidence.Cut(s.SpecVersion))
	}
	s.Document, s.DocumentVersion, s.Author = evidence.Cut(s.Document), evidence.Cut(c.version), evidence.Cut(s.Author)
	c.out.at = c.created
	c.created = c.out.stamp(c.created, "metadata.timestamp")
	for i := range c.held {
		if err := c.write(&c.held[i]); err != nil {
			return err
		}
	}
	return nil
}

// write writes the rows of a vulnerability.
func (c *cycloneDX) write(v *cycloneDXVulnerability) (err error) {
	status, ok := cycloneDXStatus[v.state]
	if !ok {
		status = unknown
		c.out.warn.Add(evidence.UnknownStatus, v.place, "state %q is no word of the format", evidence.Cut(v.state))
	}
	if !cycloneDXJustifications[v.justification] {
		c.out.breaks(v.place, "justification %q is no word of the format", evidence.Cut(v.justification))
	}
	if v.id == "" {
		status = unknown
		c.out.breaks(v.place, "a vulnerability without id counts as unknown")
	}
	row := evidence.VEXStatement{
		Vulnerability: v.id, Status: status, Justification: v.justification, Impact: v.detail,
		Action: first(v.recommendation, v.workaround, strings.Join(v.responses, ", ")),
		At:     first(c.out.stamp(first(v.updated, v.issued, v.changed), v.place), c.created),
	}
	if row.Aliases, err = aliases(v.id, v.references); err != nil {
		return err
	}
	c.out.begin(status)
	defer c.out.end()
	if len(v.targets) == 0 {
		return c.out.row(row, v.place)
	}
	for _, t := range v.targets {
		if err := c.target(row, t, v.place); err != nil {
			return err
		}
	}
	return nil
}

// target writes the rows about one thing that is affected.
func (c *cycloneDX) target(row evidence.VEXStatement, t cycloneDXTarget, place string) error {
	part, ok := c.parts[t.ref]
	row.Product = t.ref
	about := &row.Product
	switch {
	case strings.HasPrefix(t.ref, "urn:cdx:"): // a BOM-Link: another document says what it is
	case !ok || part.twice:
		c.out.breaks(place, "affects %q, which is no bom-ref of one thing in this document; what is said of it counts as unknown", evidence.Cut(t.ref))
		if silences(row.Status) {
			row.Status = unknown
		}
	case part.main:
		row.Product, row.Digest = part.identity(), c.digest(part, place)
	case c.main == nil: // the document is about no product of its own, and the hash of a package is not that of a release
		row.Product = part.identity()
	default:
		row.Product, row.Digest, row.Component = c.main.identity(), c.digest(c.main, place), part.identity()
		about = &row.Component
	}
	if len(t.versions) == 0 {
		return c.out.row(row, place)
	}
	status, thing := row.Status, *about
	for _, v := range t.versions {
		if v.status != "" && v.status != affected && v.status != "unaffected" && v.status != unknown {
			c.out.warn.Add(evidence.UnknownStatus, place, "status %q of a version is no word of the format", evidence.Cut(v.status))
		}
		row.Status, *about = v.narrow(status), v.of(thing)
		if about == &row.Product && *about != thing {
			row.Digest = "" // the hash is that of the version that the document describes
		}
		if err := c.out.row(row, place); err != nil {
			return err
		}
	}
	return nil
}

// narrow returns the status of a version, given that of the analysis. "affected" says that the version has the
// vulnerability, which an analysis may still find not to matter, but never to be fixed.
func (v cycloneDXVersion) narrow(status string) string {
	switch {
	case v.status == affected && status == fixed:
		return affected
	case v.status == "" || v.status == affected || v.status == "unaffected" && silences(status):
		return status
	}
	return unknown
}

// of returns the identifier of a version, or range of versions, of a thing. A range, and a version of what is no package
// URL, stand behind the identifier and a space: such a text is no package URL and matches none.
func (v cycloneDXVersion) of(thing string) string {
	if v.version == "" || v.rang != "" {
		return strings.TrimSpace(thing + " " + first(v.rang, "(a version that is not named)"))
	}
	p, ok := purl.Parse(thing)
	switch {
	case ok && p.Version == v.version || strings.HasSuffix(thing, "@"+v.version):
		return thing
	case ok:
		p.Version = v.version
		return p.String()
	}
	return thing + " " + v.version
}
