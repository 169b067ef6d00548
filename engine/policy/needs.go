package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/util"

	"cdgate.dev/cdgate/schemas"
)

// uses is what a rule refers to, through helpers and libraries too.
type uses struct {
	kinds     map[string]bool
	artifacts bool            // what is released: input.release.subjects, or the release as a whole
	vulns     bool            // the view over all scans and VEX documents
	params    map[string]bool // "category.rule.parameter"
	modules   map[string]bool // names of files
}

// derive fills in what follows from the references of each rule: the kinds of evidence it needs, and its digest.
func (c *compiled) derive() {
	for _, r := range c.rules {
		u := c.usesOf(r)
		for _, k := range c.types.kinds {
			if u.kinds[k] && !r.meta.dispenses(k) {
				r.Needs = append(r.Needs, k)
			}
		}
		r.Artifacts = u.artifacts
		c.vulnerabilities = c.vulnerabilities || u.vulns
		r.Digest = c.digestOf(r, u)
	}
}

func (c *compiled) usesOf(r *rule) uses {
	u := uses{kinds: map[string]bool{}, params: map[string]bool{}, modules: map[string]bool{}}
	seen := map[*ast.Rule]bool{}
	var visit func(x *ast.Rule)
	visit = func(x *ast.Rule) {
		if seen[x] {
			return
		}
		seen[x] = true
		u.modules[x.Location.File] = true
		ast.WalkRefs(x, func(ref ast.Ref) bool {
			u.add(ref, c.types.kinds)
			return false
		})
		for dep := range c.compiler.Graph.Dependencies(util.T(x)) {
			if d, ok := dep.(*ast.Rule); ok {
				visit(d)
			}
		}
	}
	for _, h := range r.heads {
		for _, x := range c.compiler.GetRulesExact(append(r.ref(), ast.InternedTerm(h.name))) {
			visit(x)
		}
	}
	return u
}

// add notes one reference. A reference to the evidence as a whole, or by a variable, is one to every kind. The view of
// vulnerabilities stands for the scans it is made from: without one it is empty, and that must not pass for clean.
func (u *uses) add(ref ast.Ref, kinds []string) {
	switch {
	case ref[0].Equal(ast.InputRootDocument):
		if len(ref) == 1 || !isString(ref[1]) || headName(ref[1]) == "release" && (len(ref) == 2 || !isString(ref[2]) || headName(ref[2]) == "subjects") {
			u.artifacts = true
		}
		if len(ref) == 1 || !isString(ref[1]) || headName(ref[1]) == vulnerabilities {
			u.vulns, u.kinds["scan"] = true, true
		}
		if len(ref) > 1 && isString(ref[1]) && headName(ref[1]) != "evidence" {
			return
		}
		if len(ref) > 2 && isString(ref[2]) {
			u.kinds[headName(ref[2])] = true
			return
		}
		for _, k := range kinds {
			u.kinds[k] = true
		}
	case ref[0].Equal(ast.DefaultRootDocument) && len(ref) > 2 && headName(ref[1]) == "params":
		if names := plainPath(ref[2:min(len(ref), 5)]); names != nil {
			u.params[strings.Join(names, ".")] = true
		}
	}
}

// digestOf is the SHA-256 over one line per file the rule is made of: its modules, those of the helpers and libraries
// it uses, its params.cue and the own kinds it reads.
func (c *compiled) digestOf(r *rule, u uses) string {
	for _, m := range r.modules {
		u.modules[m.name] = true
	}
	var lines []byte
	line := func(name string, data []byte) {
		lines = appendQuoted(lines, name)
		lines = fmt.Appendf(lines, " %x\n", sha256.Sum256(data))
	}
	for _, m := range c.sortedModules() {
		if u.modules[m.name] {
			line(m.file.Path, m.file.Data)
		}
	}
	if f, ok := c.paramFiles[r.Code]; ok {
		line(paramsFile, f.data)
	}
	for _, src := range c.program.Sources {
		for _, f := range src.Files {
			if name, ok := schemas.OwnKindName(f.Path); ok && path.Dir(f.Path) == kindsDir && u.kinds[name] {
				line(f.Path, f.Data)
			}
		}
	}
	sum := sha256.Sum256(lines)
	return "sha256:" + hex.EncodeToString(sum[:])
}
