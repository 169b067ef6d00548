package policy

import (
	"bytes"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/format"

	"cdgate.dev/cdgate/schemas"
)

// Check is everything that can be said about a program without running it, sorted by file and line: what an evaluation
// would refuse and what cannot be meant as errors; style (opa strict, opa fmt, missing METADATA, unused parameters) as
// warnings. Parameters that only a target can set are not missed.
func Check(p Program) []Diagnostic {
	c := compile(p, options{tests: true, lenient: true})
	out := c.problems
	style := c.checkFormat()
	if len(out) == 0 {
		out = append(out, c.checkVocabulary()...)
		style = append(style, c.checkStrict(p)...)
		style = append(style, c.checkMetadata()...)
		style = append(style, c.checkUnused()...)
	}
	for i := range style {
		style[i].Warning = true
	}
	return append(out, style...).sorted()
}

// List is every rule of the program, sorted by code, without results. The error is of class fault.Policy.
func List(p Program) ([]Rule, error) {
	c := compile(p, options{lenient: true})
	if err := c.problems.fault(); err != nil {
		return nil, err
	}
	out := make([]Rule, 0, len(c.rules))
	for _, r := range c.rules {
		out = append(out, r.Rule)
	}
	return out, nil
}

// Param is one parameter of a rule, for people.
type Param struct {
	Rule string `json:"rule"`
	schemas.ParamDoc
}

// Params describes the parameters of all rules of the program, by rule and in the order of their files. The error is
// of class fault.Policy.
func Params(p Program) ([]Param, error) {
	c := compile(p, options{lenient: true})
	if err := c.problems.fault(); err != nil {
		return nil, err
	}
	var out []Param
	for _, code := range sortedKeys(c.paramFiles) {
		docs, err := schemas.ParamDocs(c.paramFiles[code].data)
		if err != nil {
			return nil, Problems{{File: c.paramFiles[code].name, Code: "params", Msg: err.Error()}}.fault()
		}
		for _, d := range docs {
			out = append(out, Param{Rule: code, ParamDoc: d})
		}
	}
	return out, nil
}

// checkFormat compares every Rego file with what opa fmt makes of it.
func (p *parsed) checkFormat() Problems {
	var out Problems
	for _, m := range append(p.sortedModules(), p.tests...) {
		want, err := format.SourceWithOpts(m.name, m.file.Data, format.Opts{RegoVersion: ast.RegoV1})
		if err != nil || bytes.Equal(want, m.file.Data) {
			continue // what cannot be formatted has been told as something worse
		}
		have := strings.Split(string(m.file.Data), "\n")
		line := 0
		for i, l := range strings.Split(string(want), "\n") {
			if i >= len(have) || have[i] != l {
				line = i + 1
				break
			}
		}
		out = append(out, Diagnostic{File: m.name, Line: line, Code: "format", Msg: "not formatted as `opa fmt` does it"})
	}
	return out
}

// checkStrict compiles once more with the checks of `opa check --strict`. They are style: policies from elsewhere need
// not pass them.
func (c *compiled) checkStrict(p Program) Problems {
	strict := compile(p, options{tests: true, lenient: true, strict: true})
	for i := range strict.problems {
		strict.problems[i].Code = "strict"
	}
	return strict.problems
}

// checkMetadata misses what people read about a rule.
func (c *compiled) checkMetadata() Problems {
	var out Problems
	for _, r := range c.rules {
		var lacks []string
		for what, missing := range map[string]bool{
			"title": r.meta.title == "", "description": r.meta.description == "",
			"custom.controls": len(r.meta.controls) == 0, "custom.remedy": r.meta.remedy == "",
		} {
			if missing {
				lacks = append(lacks, what)
			}
		}
		if len(lacks) > 0 {
			out = append(out, at(r.modules[0].mod.Package.Location, "metadata", "the METADATA of rule %s lacks %s", r.Code, joined(lacks)))
		}
	}
	return out
}

// checkUnused finds parameters that their rule never reads.
func (c *compiled) checkUnused() Problems {
	var out Problems
	for _, r := range c.rules {
		file, ok := c.paramFiles[r.Code]
		if !ok {
			continue
		}
		docs, err := schemas.ParamDocs(file.data)
		if err != nil {
			continue
		}
		used := c.usesOf(r).params
		for _, d := range docs {
			if !used[r.Code+"."+d.Name] && !used[r.Code] {
				out = append(out, Diagnostic{File: file.name, Code: "params", Msg: "rule " + r.Code + " never reads its parameter " + d.Name})
			}
		}
	}
	return out
}

func joined(words []string) string {
	m := map[string]bool{}
	for _, w := range words {
		m[w] = true
	}
	return strings.Join(sortedKeys(m), ", ")
}
