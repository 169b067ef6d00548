package engine_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "cdgate.dev/cdgate/"

// order lists the packages from low to high; a package imports only earlier ones. A folder stands for everything in it.
var order = []string{
	"schemas", "policies", "evidence", "engine/fault", "engine/seal", "engine/store", "engine/remote", "engine/gate", "engine/verify",
	"engine/policy", "engine/decide", "engine/record", "engine/ledger", "engine", "engine/report", "cmd",
	"engine/bench", // measures everything, and nothing imports it
}

// doors says through which package each heavy dependency enters.
var doors = map[string][]string{
	"github.com/open-policy-agent/opa": {"engine/policy"},
	"cuelang.org/go":                   {"schemas"},
	"github.com/sigstore":              {"engine/seal"},
	"github.com/secure-systems-lab":    {"engine/seal"},
	"github.com/in-toto":               {"engine/seal"},
	"github.com/transparency-dev":      {"engine/ledger", "engine/bench"},
	"oras.land":                        {"evidence/registry"},
	"github.com/opencontainers":        {"evidence/registry"},
	"github.com/urfave/cli":            {"cmd"},
	"golang.org/x/term":                {"cmd"},
	"go.yaml.in/yaml":                  {"schemas"},
	"k8s.io/klog":                      {"engine/ledger"},
	"golang.org/x/text":                {"evidence/strictxml"},
	"github.com/package-url":           {"evidence/purl"},
	"net/http":                         {"evidence/outbound", "engine/ledger", "engine/seal/authority", "evidence/collect/prometheus", "evidence/registry"},
}

// only cmd may call these: nothing else prints, exits, or reads the environment or the clock.
var reserved = map[string][]string{
	"os":   {"Exit", "Getenv", "LookupEnv", "Environ", "Args", "Stdout", "Stderr", "Stdin"},
	"time": {"Now"},
	"fmt":  {"Print", "Printf", "Println"},
}

// excused are uses that are not what the rule is about.
var excused = map[string]string{
	"engine/policy time.Now": "measures the budget of an evaluation and the duration of tests, never what a policy sees",
	"engine/store time.Now":  "measures how long a lock is waited for",
	"engine/ledger time.Now": "measures how long a lock is waited for",
}

// source is the facts about one file that the rules speak of.
type source struct {
	pkg     string // folder below the module, "" for its root
	file    string
	imports []string
	uses    []string // "os.Getenv"
}

func TestImportsRunDownhillAndThroughDoors(t *testing.T) {
	files := scan(t, "..")
	if len(files) < 30 {
		t.Fatalf("read only %d files: the scan is broken", len(files))
	}
	for _, v := range violations(files) {
		t.Error(v)
	}
}

// TestPlantedViolationsAreFound proves that the rules can fail.
func TestPlantedViolationsAreFound(t *testing.T) {
	planted := []source{
		{pkg: "schemas", file: "a.go", imports: []string{module + "evidence"}},
		{pkg: "engine/seal", file: "b.go", imports: []string{"cuelang.org/go/cue"}},
		{pkg: "engine/decide", file: "c.go", uses: []string{"time.Now"}},
		{pkg: "engine/elsewhere", file: "d.go"},
		{pkg: "evidence/scan", file: "e.go", imports: []string{module + "engine/fault"}},
		{pkg: "evidence/scan", file: "g.go", imports: []string{"net/http"}},
	}
	for _, p := range planted {
		if len(violations([]source{p})) == 0 {
			t.Errorf("nothing was found wrong with %+v", p)
		}
	}
	fine := source{pkg: "engine/verify", file: "f.go", imports: []string{module + "engine/gate", "fmt"}, uses: []string{"time.Duration"}}
	if got := violations([]source{fine}); len(got) != 0 {
		t.Errorf("a clean file is refused: %v", got)
	}
}

func violations(files []source) []string {
	var out []string
	for _, f := range files {
		rank := rankOf(f.pkg)
		if rank < 0 {
			out = append(out, fmt.Sprintf("%s: package %s has no place in the import order", f.file, f.pkg))
			continue
		}
		for _, imp := range f.imports {
			if own, ok := strings.CutPrefix(imp, module); ok {
				if r := rankOf(own); r > rank || r < 0 {
					out = append(out, fmt.Sprintf("%s: %s imports %s, which comes later", f.file, f.pkg, own))
				}
			}
			for dep, via := range doors {
				if (imp == dep || strings.HasPrefix(imp, dep+"/")) && !slices.ContainsFunc(via, func(d string) bool { return within(f.pkg, d) }) {
					out = append(out, fmt.Sprintf("%s: %s imports %s; its door is %s", f.file, f.pkg, imp, strings.Join(via, ", ")))
				}
			}
		}
		for _, use := range f.uses {
			pkg, name, _ := strings.Cut(use, ".")
			if slices.Contains(reserved[pkg], name) && !within(f.pkg, "cmd") && !within(f.pkg, "engine/bench") && excused[f.pkg+" "+use] == "" {
				out = append(out, fmt.Sprintf("%s: %s uses %s; only cmd may", f.file, f.pkg, use))
			}
		}
	}
	return out
}

func within(pkg, folder string) bool { return pkg == folder || strings.HasPrefix(pkg, folder+"/") }

// rankOf is the place of a package in the order, by its longest listed folder; "engine" stands only for itself.
func rankOf(pkg string) int {
	best, at := -1, -1
	for i, folder := range order {
		if pkg == folder || folder != "engine" && within(pkg, folder) {
			if len(folder) > best {
				best, at = len(folder), i
			}
		}
	}
	return at
}

func scan(t *testing.T, root string) []source {
	t.Helper()
	var out []source
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && path != root && (strings.HasPrefix(name, ".") || name == "testdata" || name == "node_modules" || name == "bin") {
			return filepath.SkipDir
		}
		if _, err := os.Stat(filepath.Join(path, "go.mod")); d.IsDir() && path != root && err == nil {
			return filepath.SkipDir // a module of its own, which is no part of the product's
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		out = append(out, read(t, path, filepath.ToSlash(filepath.Dir(rel))))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func read(t *testing.T, path, pkg string) source {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := parser.ParseFile(token.NewFileSet(), path, b, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	s := source{pkg: pkg, file: path}
	for _, imp := range f.Imports {
		s.imports = append(s.imports, strings.Trim(imp.Path.Value, `"`))
	}
	ast.Inspect(f, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if id, ok := sel.X.(*ast.Ident); ok {
				s.uses = append(s.uses, id.Name+"."+sel.Sel.Name)
			}
		}
		return true
	})
	return s
}
