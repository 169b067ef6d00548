package policy

import (
	"cmp"
	"slices"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"

	"cdgate.dev/cdgate/engine/policy/vulns"
)

// vulnerabilities is the name of the index view over all items of the policy input: what scans and VEX documents say
// together of each vulnerability of each package. It takes about as long as reading the rows, and is built only for
// programs that refer to it.
const vulnerabilities = "vulnerabilities"

// addVulnerabilities puts the view into a decoded policy input.
func addVulnerabilities(input ast.Value) {
	doc, ok := input.(ast.Object)
	if !ok {
		return
	}
	var b vulnerabilityView
	b.now, _ = time.Parse(time.RFC3339, textOf(doc, keyNow)) // without it no statement has a moment
	items := member(doc, "evidence")
	elements(items, "scan", b.addScan)
	elements(items, "vex", b.addVEX)
	var release []string
	elements(member(doc, "release"), "subjects", func(subject ast.Object) { release = append(release, textOf(subject, keyDigest)) })
	entries := vulns.Merge(b.findings, b.statements, release)
	list := make([]*ast.Term, len(entries))
	for i, e := range entries {
		list[i] = b.entry(e)
	}
	doc.Insert(ast.InternedTerm(vulnerabilities), ast.ArrayTerm(list...))
}

// vulnerabilityView holds what the view is made of. The terms of rows are shared and not copied.
type vulnerabilityView struct {
	now        time.Time
	findings   []vulns.Finding
	rows       []scanRow
	statements []vulns.Statement
	said       []vexRow
	severities map[string]*ast.Term
	slab       []ast.Term
}

// scanRow holds the terms of a finding that the view has too.
type scanRow struct {
	item, tool, id, severity, place, fixedVersion, justification, pkg, version, purl *ast.Term
}

// vexRow holds the terms of a statement that the view has too.
type vexRow struct {
	item, author, vulnerability, status, product, component, at *ast.Term
}

// addScan takes the rows about known vulnerabilities from an item.
func (b *vulnerabilityView) addScan(item ast.Object) {
	id := item.Get(keyID)
	tool := member(item, "tool").Get(keyName)
	if s, _ := tool.Value.(ast.String); s == "" {
		tool = item.Get(keyFormat)
	}
	rows := length(item, "findings")
	b.rows, b.findings = slices.Grow(b.rows, rows), slices.Grow(b.findings, rows)
	elements(item, "findings", func(row ast.Object) {
		if !row.Get(keyCategory).Equal(termVulnerability) {
			return
		}
		r := scanRow{
			item: id, tool: tool, id: row.Get(keyID), severity: row.Get(keySeverity), place: row.Get(keyPlace), fixedVersion: row.Get(keyFixedVersion),
			justification: row.Get(keyJustification), pkg: row.Get(keyPackage), version: row.Get(keyVersion), purl: row.Get(keyPURL),
		}
		b.rows = append(b.rows, r)
		b.findings = append(b.findings, vulns.Finding{
			Item: textIn(id), Tool: textIn(tool), ID: textIn(r.id), Aliases: textsOf(row, keyAliases), Severity: textIn(r.severity),
			Suppressed: row.Get(keyStatus).Equal(termSuppressed), Package: textIn(r.pkg), Version: textIn(r.version),
			FixedVersion: textIn(r.fixedVersion), PURL: textIn(r.purl), Place: textIn(r.place), Justification: textIn(r.justification),
		})
	})
}

// addVEX takes the statements from an item.
func (b *vulnerabilityView) addVEX(item ast.Object) {
	id, summary := item.Get(keyID), member(item, "summary")
	signer := member(item, "signer").Get(keyID)
	author := summary.Get(keyAuthor)
	named := author
	if s, _ := author.Value.(ast.String); s == "" {
		named = signer
	}
	complete := summary.Get(keyComplete).Equal(ast.InternedTerm(true))
	elements(item, "statements", func(row ast.Object) {
		r := vexRow{
			item: id, author: named, vulnerability: row.Get(keyVulnerability), status: row.Get(keyStatus), product: row.Get(keyProduct),
			component: row.Get(keyComponent), at: row.Get(keyAt),
		}
		b.said = append(b.said, r)
		b.statements = append(b.statements, vulns.Statement{
			Item: textIn(id), Author: textIn(author), Signer: textIn(signer), Complete: complete,
			Vulnerability: textIn(r.vulnerability), Aliases: textsOf(row, keyAliases), Product: textIn(r.product), Digest: textOf(row, keyDigest),
			Component: textIn(r.component), Status: textIn(r.status), Justification: textOf(row, keyJustification), Impact: textOf(row, keyImpact),
			At: b.past(textIn(r.at)),
		})
	})
}

// past is the moment of a statement. What is dated later than now has none: it would stand above everything that its author
// says until then.
func (b *vulnerabilityView) past(at string) string {
	if t, err := time.Parse(time.RFC3339, at); err != nil || t.After(b.now) {
		return ""
	}
	return at
}

// entry is the term of an entry.
func (b *vulnerabilityView) entry(e *vulns.Entry) *ast.Term {
	// The sources are asked for terms of the texts that the entry has from them.
	from := func(s string, of func(*scanRow) *ast.Term) *ast.Term {
		for _, source := range e.Sources {
			if t := of(&b.rows[source.Index]); textIn(t) == s {
				return t
			}
		}
		return b.text(s)
	}
	return b.object(
		[2]*ast.Term{keyID, from(e.ID, func(r *scanRow) *ast.Term { return r.id })},
		[2]*ast.Term{keyAliases, b.texts(e.Aliases)},
		[2]*ast.Term{keyPackage, from(e.Package, func(r *scanRow) *ast.Term { return r.pkg })},
		[2]*ast.Term{keyVersion, from(e.Version, func(r *scanRow) *ast.Term { return r.version })},
		[2]*ast.Term{keyPURL, from(e.PURL, func(r *scanRow) *ast.Term { return r.purl })},
		[2]*ast.Term{keyFixedVersions, b.texts(e.FixedVersions)},
		[2]*ast.Term{keySeverity, ast.InternedTerm(e.Severity)},
		[2]*ast.Term{keySeverities, b.severityList(e.Severities)},
		[2]*ast.Term{keyStatus, ast.InternedTerm(e.Status)},
		[2]*ast.Term{keyDisputed, ast.InternedTerm(e.Disputed)},
		[2]*ast.Term{keyJustification, b.text(e.Justification)},
		[2]*ast.Term{keySources, b.sources(e)},
		[2]*ast.Term{keyStatements, b.applied(e)},
	)
}

func (b *vulnerabilityView) sources(e *vulns.Entry) *ast.Term {
	list := make([]*ast.Term, len(e.Sources))
	for i, s := range e.Sources {
		r := &b.rows[s.Index]
		why := r.justification
		if s.Justification != textIn(why) {
			why = b.text(s.Justification)
		}
		list[i] = b.object(
			[2]*ast.Term{keyItem, r.item}, [2]*ast.Term{keyTool, r.tool}, [2]*ast.Term{keyID, r.id}, [2]*ast.Term{keySeverity, r.severity},
			[2]*ast.Term{keyStatus, ast.InternedTerm(s.Status)}, [2]*ast.Term{keyJustification, why},
			[2]*ast.Term{keyPlace, r.place}, [2]*ast.Term{keyFixedVersion, r.fixedVersion},
		)
	}
	return b.term(ast.NewArray(list...))
}

func (b *vulnerabilityView) applied(e *vulns.Entry) *ast.Term {
	if len(e.Statements) == 0 {
		return ast.InternedEmptyArray
	}
	list := make([]*ast.Term, len(e.Statements))
	for i, a := range e.Statements {
		r, s := &b.said[a.Index], &b.statements[a.Index]
		list[i] = b.object(
			[2]*ast.Term{keyItem, r.item}, [2]*ast.Term{keyAuthor, r.author}, [2]*ast.Term{keyVulnerability, r.vulnerability},
			[2]*ast.Term{keyStatus, r.status}, [2]*ast.Term{keyJustification, b.text(s.Reason())}, [2]*ast.Term{keyAt, r.at},
			[2]*ast.Term{keyProduct, b.text(cmp.Or(s.Product, s.Digest))}, [2]*ast.Term{keyComponent, r.component},
			[2]*ast.Term{keyIgnored, ast.InternedTerm(a.Ignored)},
		)
	}
	return b.term(ast.NewArray(list...))
}

// severityList makes each list of severities once: there are few.
func (b *vulnerabilityView) severityList(words []string) *ast.Term {
	if len(words) == 1 {
		if t, ok := b.severities[words[0]]; ok {
			return t
		}
	}
	t := b.texts(words)
	if len(words) == 1 {
		if b.severities == nil {
			b.severities = map[string]*ast.Term{}
		}
		b.severities[words[0]] = t
	}
	return t
}

func (b *vulnerabilityView) texts(words []string) *ast.Term {
	if len(words) == 0 {
		return ast.InternedEmptyArray
	}
	list := make([]*ast.Term, len(words))
	for i, w := range words {
		list[i] = b.text(w)
	}
	return b.term(ast.NewArray(list...))
}

func (b *vulnerabilityView) text(s string) *ast.Term {
	if s == "" {
		return ast.InternedEmptyString
	}
	return b.term(ast.String(s))
}

func (b *vulnerabilityView) object(pairs ...[2]*ast.Term) *ast.Term {
	return b.term(ast.NewObject(pairs...))
}

// term takes a term from the slab.
func (b *vulnerabilityView) term(v ast.Value) *ast.Term {
	if len(b.slab) == 0 {
		b.slab = make([]ast.Term, 512)
	}
	t := &b.slab[0]
	b.slab = b.slab[1:]
	t.Value = v
	return t
}

// The keys of rows and entries, made once: a key that is the same pointer is found fastest.
var (
	keyAliases, keyAt, keyAuthor, keyCategory         = key("aliases"), key("at"), key("author"), key("category")
	keyNow                                            = key("now")
	keyComplete, keyComponent, keyDigest, keyDisputed = key("complete"), key("component"), key("digest"), key("disputed")
	keyFixedVersion, keyFixedVersions, keyFormat      = key("fixedVersion"), key("fixedVersions"), key("format")
	keyID, keyIgnored, keyImpact, keyItem             = key("id"), key("ignored"), key("impact"), key("item")
	keyJustification, keyName, keyPackage, keyPlace   = key("justification"), key("name"), key("package"), key("place")
	keyProduct, keyPURL, keySeverities, keySeverity   = key("product"), key("purl"), key("severities"), key("severity")
	keySources, keyStatements, keyStatus, keyTool     = key("sources"), key("statements"), key("status"), key("tool")
	keyVersion, keyVulnerability                      = key("version"), key("vulnerability")
	termVulnerability, termSuppressed                 = key("vulnerability"), key("suppressed")
)

func key(name string) *ast.Term { return ast.InternedTerm(name) }

// member is the object at a key; an empty one where there is none, as in documents of older versions.
func member(o ast.Object, name string) ast.Object {
	if t := o.Get(ast.InternedTerm(name)); t != nil {
		if m, ok := t.Value.(ast.Object); ok {
			return m
		}
	}
	return ast.NewObject()
}

// elements visits the objects of the list at a key.
func elements(o ast.Object, name string, visit func(ast.Object)) {
	t := o.Get(ast.InternedTerm(name))
	if t == nil {
		return
	}
	if list, ok := t.Value.(*ast.Array); ok {
		list.Foreach(func(e *ast.Term) {
			if m, ok := e.Value.(ast.Object); ok {
				visit(m)
			}
		})
	}
}

// length is how long the list at a key is.
func length(o ast.Object, name string) int {
	if t := o.Get(ast.InternedTerm(name)); t != nil {
		if list, ok := t.Value.(*ast.Array); ok {
			return list.Len()
		}
	}
	return 0
}

func textIn(t *ast.Term) string {
	if t == nil {
		return ""
	}
	s, _ := t.Value.(ast.String)
	return string(s)
}

func textOf(o ast.Object, key *ast.Term) string { return textIn(o.Get(key)) }

func textsOf(o ast.Object, key *ast.Term) []string {
	t := o.Get(key)
	if t == nil {
		return nil
	}
	list, ok := t.Value.(*ast.Array)
	if !ok || list.Len() == 0 {
		return nil
	}
	out := make([]string, 0, list.Len())
	list.Foreach(func(e *ast.Term) { out = append(out, textIn(e)) })
	return slices.Clip(out)
}
