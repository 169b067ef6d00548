package policy

import (
	"cmp"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// rule is one rule of a program: a package with at least one effect head.
type rule struct {
	Rule
	path    []string
	heads   []head
	meta    metadata
	modules []*module
}

// ref is the rule's package as a reference.
func (r *rule) ref() ast.Ref {
	ref := ast.Ref{ast.DefaultRootDocument}
	for _, p := range r.path {
		ref = append(ref, ast.InternedTerm(p))
	}
	return ref
}

// ruleCode is the code of a package: its path below "rules", or all of it.
func ruleCode(path []string) string {
	if len(path) > 1 && path[0] == "rules" {
		path = path[1:]
	}
	return strings.Join(path, ".")
}

// rules finds the rules among the judged packages, sorted by code.
func (p *parsed) rules() []*rule {
	if p.types == nil {
		return nil // told by parse
	}
	var out []*rule
	for key, modules := range p.packages() {
		if key == "" {
			continue // told by checkPackages
		}
		r := &rule{path: strings.Split(key, "."), modules: modules}
		for _, m := range modules {
			for _, h := range p.heads(m) {
				if !slices.ContainsFunc(r.heads, func(o head) bool { return o.name == h.name }) {
					r.heads = append(r.heads, h)
				}
			}
		}
		named := r.path[0] == "rules"
		meta := p.readMetadata(modules, p.types.kinds, named && len(r.heads) > 0)
		p.checkPlace(r, named)
		if len(r.heads) == 0 {
			continue
		}
		slices.SortFunc(r.heads, func(a, b head) int { return cmp.Compare(a.name, b.name) })
		r.meta = meta
		r.Rule = Rule{
			Code: ruleCode(r.path), Title: meta.title, Description: meta.description, Source: p.program.Sources[modules[0].source].Ref,
			EffectiveOn: meta.effectiveOn, Controls: notNil(meta.controls), Remedy: meta.remedy,
			Waivable: meta.waivable, Overridable: meta.overridable, Strongest: strongest(r.heads),
			Needs: []string{}, Missing: []string{}, Findings: []Finding{},
		}
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b *rule) int { return strings.Compare(a.Code, b.Code) })
	p.checkCodes(out)
	return out
}

// checkPlace refuses a rule whose package is no rule's place, and a rule's place without a rule.
func (p *parsed) checkPlace(r *rule, named bool) {
	loc := r.modules[0].mod.Package.Location
	pkg := strings.Join(r.path, ".")
	switch {
	case named && len(r.heads) > 0 && len(r.path) != 3:
		p.problems = append(p.problems, at(r.heads[0].loc, "shape", "package %s has a rule's head: the package of a rule is rules.<category>.<rule>", pkg))
	case named && len(r.heads) == 0 && len(r.path) == 3:
		p.problems = append(p.problems, at(loc, "shape", "package %s has no rule: %s", pkg, validHeads))
	case len(r.heads) == 0:
		for _, m := range r.modules {
			for _, x := range m.mod.Rules {
				if name := headName(x.Head.Ref()[0]); name == "allow" || name == "allowed" {
					p.problems = append(p.problems, at(x.Head.Location, "shape", "%q decides nothing, because no rule can allow, and package %s has no other head; %s",
						name, pkg, validHeads))
				}
			}
		}
	}
}

// checkCodes refuses two packages with one code, such as rules.a.b and a.b.
func (p *parsed) checkCodes(rules []*rule) {
	for i := 1; i < len(rules); i++ {
		if rules[i].Code == rules[i-1].Code {
			p.problems = append(p.problems, at(rules[i].modules[0].mod.Package.Location, "conflict", "package %s has the same rule code as package %s: %s",
				strings.Join(rules[i].path, "."), strings.Join(rules[i-1].path, "."), rules[i].Code))
		}
	}
}

func strongest(heads []head) Effect {
	out := Warn
	for _, h := range heads {
		if effectRank(h.effect) < effectRank(out) {
			out = h.effect
		}
	}
	return out
}

// effectRank orders effects, strongest first.
func effectRank(e Effect) int {
	switch e {
	case Block:
		return 0
	case NeedsApproval:
		return 1
	}
	return 2
}

func notNil[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}
