package policy

import (
	"path"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/open-policy-agent/opa/v1/ast"
)

// module is one parsed Rego file.
type module struct {
	source int
	file   File
	// name is how messages call the file, and the key under which OPA knows it.
	name string
	test bool
	mod  *ast.Module
}

// pkg is the module's package path without "data", or nil for a path that is no list of plain names.
func (m *module) pkg() []string { return plainPath(m.mod.Package.Path[1:]) }

// plainPath is a reference of constant strings as a list, nil for any other.
func plainPath(ref ast.Ref) []string {
	out := make([]string, 0, len(ref))
	for _, t := range ref {
		s, ok := t.Value.(ast.String)
		if !ok {
			return nil
		}
		out = append(out, string(s))
	}
	return out
}

// parsed is a program after parsing: judged modules, test modules where they were asked for, parameters and data.
type parsed struct {
	program  Program
	types    *documentTypes
	modules  []*module
	tests    []*module
	problems Problems
}

// parse reads the Rego files of a program, several at once. Problems are collected, not returned.
func parse(p Program, withTests bool) *parsed {
	out := &parsed{program: p}
	caps, err := allowed()
	if err != nil {
		out.problems = append(out.problems, Diagnostic{Code: "capability", Msg: err.Error()})
		return out
	}
	if out.types, err = typesOf(p.Sources); err != nil {
		out.problems = append(out.problems, fromSchemas(err, nil, "kinds")...)
		return out
	}
	var files []*module
	seen := map[string]bool{}
	for i, src := range p.Sources {
		if seen[path.Clean(src.Ref)] {
			out.problems = append(out.problems, Diagnostic{File: src.Ref, Code: "conflict", Msg: "the policy source is named twice"})
			continue
		}
		seen[path.Clean(src.Ref)] = true
		for _, f := range src.Files {
			test := strings.HasSuffix(f.Path, testSuffix)
			if strings.HasSuffix(f.Path, ".rego") && (!test || withTests) {
				files = append(files, &module{source: i, file: f, name: src.name(f.Path), test: test})
			}
		}
	}
	found := make([]Problems, len(files))
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(files)) {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(files)); i = next.Add(1) - 1 {
				found[i] = files[i].parse(caps)
			}
		})
	}
	wg.Wait()
	for i, m := range files {
		out.problems = append(out.problems, found[i]...)
		switch {
		case len(found[i]) > 0:
		case m.test:
			out.tests = append(out.tests, m)
		default:
			out.modules = append(out.modules, m)
		}
	}
	return out
}

func (m *module) parse(caps *ast.Capabilities) Problems {
	text := string(m.file.Data)
	var err error
	m.mod, err = ast.ParseModuleWithOpts(m.name, text,
		ast.ParserOptions{Capabilities: caps, ProcessAnnotation: hasMetadata(text), RegoVersion: ast.RegoV1})
	switch {
	case err != nil && !strings.HasSuffix(err.Error(), ": empty module"):
		return parseProblems(err)
	case err != nil || m.mod == nil:
		return Problems{{File: m.name, Line: 1, Code: "parse", Msg: "the file holds no package"}}
	}
	return nil
}

var (
	packageLine  = regexp.MustCompile(`(?m)^package\s`)
	rulesPackage = regexp.MustCompile(`(?m)^package\s+rules\b`)
	ownKey       = regexp.MustCompile(`(?m)^\s*#.*\b(controls|optional|stages|remedy|waivable|overridable|effective_on|schemas|scope)\b`)
)

// hasMetadata tells whether a file has METADATA that matters here. Reading it takes a third of the time of parsing, and
// packages from elsewhere may have it above each of thousands of rules.
func hasMetadata(text string) bool {
	if !strings.Contains(text, "METADATA") {
		return false
	}
	if rulesPackage.MatchString(text) || ownKey.MatchString(text) {
		return true
	}
	at := packageLine.FindStringIndex(text)
	return at == nil || strings.Contains(text[:at[0]], "METADATA")
}

func parseProblems(err error) Problems {
	problems := fromOPA(err)
	for i := range problems {
		if strings.Contains(problems[i].Msg, "`if` keyword is required") || strings.Contains(problems[i].Msg, "`contains` keyword is required") {
			problems[i].Msg += "; this is Rego of before 1.0: `opa fmt --write --v0-v1` rewrites it"
		}
	}
	return problems
}

// packages are the paths of the judged packages, dotted, each with its modules.
func (p *parsed) packages() map[string][]*module {
	out := map[string][]*module{}
	for _, m := range p.modules {
		key := strings.Join(m.pkg(), ".")
		out[key] = append(out[key], m)
	}
	return out
}

// checkPackages refuses packages that merge across sources or stand where the engine puts its own data.
func (p *parsed) checkPackages() {
	owner := map[string]*module{}
	for _, m := range p.modules {
		loc := m.mod.Package.Location
		names := m.pkg()
		if names == nil {
			p.problems = append(p.problems, at(loc, "shape", "package %s: every part of a package's path is a plain name", m.mod.Package.Path))
			continue
		}
		if names[0] == "params" {
			p.problems = append(p.problems, at(loc, "conflict", "package %s: parameters are put at data.params, no package may stand there",
				strings.Join(names, ".")))
		}
		key := strings.Join(names, ".")
		first, ok := owner[key]
		if !ok {
			owner[key] = m
		} else if first.source != m.source {
			p.problems = append(p.problems, at(loc, "conflict", "package %s is also in source %q (%s): packages of one source may not add to those of another",
				key, p.program.Sources[first.source].Ref, first.name))
		}
	}
	for _, m := range p.modules {
		p.checkHeadPaths(m, owner)
	}
}

// checkHeadPaths refuses a rule whose reference head reaches into another package: `a.block contains` in package rules
// would otherwise add to package rules.a.
func (p *parsed) checkHeadPaths(m *module, owner map[string]*module) {
	base := m.pkg()
	for _, r := range m.mod.Rules {
		ref := r.Head.Ref()
		if len(ref) < 2 {
			continue
		}
		full := slices.Clone(base)
		for i, t := range ref[:len(ref)-1] {
			switch v := t.Value.(type) {
			case ast.Var:
				if i > 0 {
					break
				}
				full = append(full, string(v))
			case ast.String:
				full = append(full, string(v))
			}
			if len(full) != len(base)+i+1 {
				break
			}
			if other, ok := owner[strings.Join(full, ".")]; ok {
				p.problems = append(p.problems, at(r.Head.Location, "conflict", "rule %s of package %s reaches into package %s (%s): write it there",
					ref, strings.Join(base, "."), strings.Join(full, "."), other.name))
			}
		}
	}
}
