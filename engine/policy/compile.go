package policy

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"

	"cdgate.dev/cdgate/schemas"
)

// options are the ways of compiling that differ from an evaluation's; the zero value is an evaluation.
type options struct {
	// tests compiles the tests too and keeps their print calls.
	tests bool
	// strict adds the checks of `opa check --strict`.
	strict bool
	// lenient accepts parameters without a value: there is no target to set them.
	lenient bool
	// untyped leaves out the types of input and parameters; for benchmarks against tools that know no types.
	untyped bool
}

// compiled is a program ready to be evaluated.
type compiled struct {
	*parsed
	rules       []*rule
	compiler    *ast.Compiler
	store       storage.Store
	params      []byte
	paramSchema map[string]any
	// paramFiles are the params.cue files by rule code, with how messages call them.
	paramFiles map[string]paramFile
	// vulnerabilities says that a rule refers to the view of this name.
	vulnerabilities bool
}

type paramFile struct {
	name string
	data []byte
}

// compile parses, checks and compiles a program. Whatever is wrong is in the problems of the result.
func compile(p Program, opt options) *compiled {
	c := &compiled{parsed: parse(p, opt.tests), paramFiles: map[string]paramFile{}}
	c.checkPackages()
	c.rules = c.parsed.rules()
	if len(c.rules) == 0 && len(c.problems) == 0 {
		c.problems = append(c.problems, c.noRules())
	}
	c.readParams(opt)
	data := c.readData()
	if len(c.problems) > 0 {
		return c
	}
	c.store = inmem.NewFromASTObject(data)
	if opt.untyped {
		c.paramSchema = nil
	}
	c.compileModules(opt)
	if len(c.problems) > 0 {
		return c
	}
	c.checkDataRefs(data)
	c.derive()
	return c
}

// noRules says what was searched in vain.
func (p *parsed) noRules() Diagnostic {
	if len(p.program.Sources) == 0 {
		return Diagnostic{Code: "shape", Msg: "no policy source is selected, so there is no rule to evaluate"}
	}
	var refs []string
	files := 0
	for _, s := range p.program.Sources {
		refs = append(refs, fmt.Sprintf("%q", s.Ref))
		files += len(s.Files)
	}
	return Diagnostic{File: p.program.Sources[0].Ref, Code: "shape",
		Msg: fmt.Sprintf("no rule in %s (%d files read): %s", strings.Join(refs, ", "), files, validHeads)}
}

// checkSources refuses sources without a rule, even where another source has some.
func (c *compiled) checkSources() {
	for i, s := range c.program.Sources {
		if !slices.ContainsFunc(c.rules, func(r *rule) bool { return r.modules[0].source == i }) {
			c.problems = append(c.problems, Diagnostic{File: s.Ref, Code: "shape", Msg: "the policy source has no rule: " + validHeads})
		}
	}
}

// compileModules runs OPA's compiler: first, where a body of `every` would go unchecked, over a checking copy.
func (c *compiled) compileModules(opt options) {
	c.checkSources()
	modules := map[string]*ast.Module{}
	for _, m := range c.modules {
		modules[m.name] = m.mod
	}
	for _, m := range c.tests {
		modules[m.name] = m.mod
	}
	set := c.schemaSet(modules, opt)
	if copied, any := withoutEvery(modules); any && !opt.untyped {
		check := c.newCompiler(set, opt).WithOnlyStagesUpTo(ast.StageCheckTypes)
		if check.Compile(copied); check.Failed() {
			c.problems = append(c.problems, fromOPA(check.Errors)...)
			return
		}
	}
	c.compiler = c.newCompiler(set, opt)
	if c.compiler.Compile(modules); c.compiler.Failed() {
		c.problems = append(c.problems, fromOPA(c.compiler.Errors)...)
	}
}

func (c *compiled) newCompiler(set *ast.SchemaSet, opt options) *ast.Compiler {
	caps, _ := allowed() // parse has used it
	ctx := context.Background()
	exists := func(path []string) (bool, error) {
		txn, err := c.store.NewTransaction(ctx)
		if err != nil {
			return false, err
		}
		defer c.store.Abort(ctx, txn)
		return storage.NonEmpty(ctx, c.store, txn)(path)
	}
	return ast.NewCompiler().SetErrorLimit(2 * maxErrors).WithCapabilities(caps).WithSchemas(set).WithUseTypeCheckAnnotations(true).
		WithPathConflictsCheck(exists).WithStrict(opt.strict).WithEnablePrintStatements(opt.tests)
}

// schemaSet holds the types of input and of the parameters. OPA has no global place for the latter: the annotation
// `schemas: data.params` is put on one module of every package.
func (c *compiled) schemaSet(modules map[string]*ast.Module, opt options) *ast.SchemaSet {
	if opt.untyped {
		return nil
	}
	set := ast.NewSchemaSet()
	set.Put(ast.SchemaRootRef, c.types.text)
	if c.paramSchema == nil {
		return set
	}
	params := ast.MustParseRef("schema.params")
	set.Put(params, c.paramSchema)
	note := &ast.SchemaAnnotation{Path: ast.MustParseRef("data.params"), Schema: params}
	annotated := map[string]bool{}
	for _, pass := range []bool{true, false} { // packages with METADATA first
		for _, m := range modules {
			key := m.Package.Path.String()
			own := packageAnnotation(m)
			if annotated[key] || pass && own == nil {
				continue
			}
			annotated[key] = true
			if own == nil {
				own = (&ast.Annotations{Scope: "package", Location: m.Package.Location}).Copy(m.Package)
				m.Annotations = append(m.Annotations, own)
			}
			own.Schemas = append(own.Schemas, note)
		}
	}
	return set
}

func packageAnnotation(m *ast.Module) *ast.Annotations {
	for _, a := range m.Annotations {
		if a.Scope == "package" {
			return a
		}
	}
	return nil
}

// readParams finds each rule's params.cue and has the parameters computed.
func (c *compiled) readParams(opt options) {
	for i, src := range c.program.Sources {
		for _, f := range src.Files {
			dir, base := splitPath(f.Path)
			if base != paramsFile {
				continue
			}
			var beside []string
			for _, r := range c.rules {
				if slices.ContainsFunc(r.modules, func(m *module) bool { d, _ := splitPath(m.file.Path); return m.source == i && d == dir }) {
					beside = append(beside, r.Code)
				}
			}
			if len(beside) == 0 && len(c.problems) > 0 {
				continue // the rule is there and could not be read, which is said already
			}
			if len(beside) != 1 {
				c.problems = append(c.problems, Diagnostic{File: src.name(f.Path), Code: "params",
					Msg: fmt.Sprintf("parameters have to stand in a folder with exactly one rule; here is %s", cmp.Or(strings.Join(beside, " and "), "none"))})
				continue
			}
			c.paramFiles[beside[0]] = paramFile{name: src.name(f.Path), data: f.Data}
		}
	}
	if len(c.problems) > 0 {
		return
	}
	files, rename := map[string][]byte{}, map[string]string{}
	for code, f := range c.paramFiles {
		files[code] = f.data
		rename[strings.ReplaceAll(code, ".", "/")+"/"+paramsFile] = f.name
	}
	var err error
	if c.params, c.paramSchema, err = schemas.Params(files, c.program.Params); err == nil {
		return
	}
	for _, d := range fromSchemas(err, rename, "params") {
		if opt.lenient && strings.Contains(d.Msg, "is not set and has no default") {
			c.params = []byte("{}")
			continue
		}
		c.problems = append(c.problems, d)
	}
}

// splitPath gives the folder, "." for the top, and the name of a file.
func splitPath(p string) (dir, base string) {
	if i := strings.LastIndexByte(p, '/'); i >= 0 {
		return p[:i], p[i+1:]
	}
	return ".", p
}

// sortedModules are all judged modules by name.
func (p *parsed) sortedModules() []*module {
	return slices.SortedFunc(slices.Values(p.modules), func(a, b *module) int { return cmp.Compare(a.name, b.name) })
}
