package policy

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/topdown"
	"github.com/open-policy-agent/opa/v1/topdown/print"
)

// TestResult is one test. Output is what it printed, and the error that stopped it.
type TestResult struct {
	Source         string `json:"source"`
	Package        string `json:"package"`
	Name           string `json:"name"`
	File           string `json:"file"`
	Line           int    `json:"line"`
	Passed         bool   `json:"passed"`
	Skipped        bool   `json:"skipped"`
	Output         string `json:"output"`
	DurationMicros int64  `json:"durationMicros"`
}

// FileCoverage says which lines of a file no test reached. Percent has at most two decimal places.
type FileCoverage struct {
	File      string  `json:"file"`
	Percent   float64 `json:"percent"`
	Uncovered []int   `json:"uncovered"`
}

// TestReport is the result of all tests of a program. OK is true when at least one test ran and none failed. Percent is
// the coverage of all files together.
type TestReport struct {
	OK      bool           `json:"ok"`
	Tests   []TestResult   `json:"tests"`
	Percent float64        `json:"percent"`
	Files   []FileCoverage `json:"files"`
}

// testLimit is the time one test may take.
const testLimit = 10 * time.Second

const (
	testPrefix = "test_"
	todoPrefix = "todo_test_"
)

// Test runs the tests (rules test_… in files …_test.rego) of a program. A set without tests is not OK. The error is of
// class fault.Policy: something does not compile.
func Test(ctx context.Context, p Program) (*TestReport, error) {
	c := compile(p, options{tests: true, lenient: true})
	c.checkTests()
	if err := c.problems.fault(); err != nil {
		return nil, err
	}
	lines := &lineTracer{seen: map[string]map[int]bool{}}
	report := &TestReport{Tests: []TestResult{}, Files: []FileCoverage{}}
	ran, failed := 0, 0
	for _, m := range c.tests {
		for _, r := range m.mod.Rules {
			name := headName(r.Head.Ref()[0])
			if !strings.HasPrefix(name, testPrefix) && !strings.HasPrefix(name, todoPrefix) {
				continue
			}
			result := c.runTest(ctx, m, r, name, lines)
			if !result.Skipped {
				ran++
				if !result.Passed {
					failed++
				}
			}
			report.Tests = append(report.Tests, result)
		}
	}
	report.OK = ran > 0 && failed == 0
	slices.SortFunc(report.Tests, func(a, b TestResult) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	report.cover(c, lines)
	return report, nil
}

// checkTests refuses tests that would hide one another or never run.
func (c *compiled) checkTests() {
	seen := map[string]bool{}
	for _, m := range c.tests {
		for _, r := range m.mod.Rules {
			name := headName(r.Head.Ref()[0])
			if !strings.HasPrefix(name, testPrefix) {
				continue
			}
			key := strings.Join(m.pkg(), ".") + "." + name
			if seen[key] {
				c.problems = append(c.problems, at(r.Head.Location, "test", "%s is defined twice: one would hide the other", name))
			}
			seen[key] = true
			if len(r.Head.Ref()) > 1 || len(r.Head.Args) > 0 || r.Head.RuleKind() == ast.MultiValue {
				c.problems = append(c.problems, at(r.Head.Location, "test", "%s has to be a plain rule, as in `%s if { … }`", name, name))
			}
		}
	}
}

func (c *compiled) runTest(ctx context.Context, m *module, r *ast.Rule, name string, lines *lineTracer) TestResult {
	out := TestResult{Source: c.program.Sources[m.source].Ref, Package: strings.Join(m.pkg(), "."), Name: name,
		File: m.name, Line: r.Head.Location.Row}
	if strings.HasPrefix(name, todoPrefix) {
		out.Skipped = true
		return out
	}
	ctx, stop := context.WithTimeout(ctx, testLimit)
	defer stop()
	txn, err := c.store.NewTransaction(ctx)
	if err != nil {
		out.Output = err.Error()
		return out
	}
	defer c.store.Abort(ctx, txn)
	cancel := topdown.NewCancel()
	defer context.AfterFunc(ctx, cancel.Cancel)()
	ref := m.mod.Package.Path.Append(ast.StringTerm(name))
	hook := &printHook{}
	start := time.Now()
	results, err := topdown.NewQuery(ast.NewBody(ast.Equality.Expr(ast.NewTerm(ref), ast.VarTerm("result")))).
		WithCompiler(c.compiler).WithStore(c.store).WithTransaction(txn).WithStrictBuiltinErrors(true).WithCancel(cancel).
		WithSeed(noRandom{}).WithTime(time.Unix(0, 0)).WithPrintHook(hook).WithQueryTracer(lines).Run(ctx)
	out.DurationMicros = time.Since(start).Microseconds()
	out.Output = hook.String()
	if err != nil {
		out.Output += testError(err)
		return out
	}
	out.Passed = len(results) == 1 && results[0][ast.Var("result")].Equal(ast.InternedTerm(true))
	return out
}

func testError(err error) string {
	var e *topdown.Error
	if errors.As(err, &e) && e.Location != nil {
		return fmt.Sprintf("%s:%d: %s", e.Location.File, e.Location.Row, e.Message)
	}
	return err.Error()
}

// cover compares the lines that have something to evaluate with those that were reached.
func (t *TestReport) cover(c *compiled, lines *lineTracer) {
	covered, total := 0, 0
	for _, m := range c.sortedModules() {
		have := map[int]bool{}
		note := func(loc *ast.Location) {
			if loc != nil && loc.Row > 0 {
				have[loc.Row] = true
			}
		}
		ast.WalkRules(m.mod, func(r *ast.Rule) bool {
			note(r.Head.Location)
			return false
		})
		ast.WalkExprs(m.mod, func(e *ast.Expr) bool {
			if _, decl := e.Terms.(*ast.SomeDecl); !decl {
				note(e.Location)
			}
			return false
		})
		f := FileCoverage{File: m.name, Uncovered: []int{}}
		for row := range have {
			if !lines.seen[m.name][row] {
				f.Uncovered = append(f.Uncovered, row)
			}
		}
		slices.Sort(f.Uncovered)
		f.Percent = percent(len(have)-len(f.Uncovered), len(have))
		covered, total = covered+len(have)-len(f.Uncovered), total+len(have)
		t.Files = append(t.Files, f)
	}
	t.Percent = percent(covered, total)
}

// percent has two decimal places and is 100 only when everything was reached.
func percent(part, whole int) float64 {
	if whole == 0 {
		return 0
	}
	return math.Floor(float64(part)*10000/float64(whole)) / 100
}

// lineTracer notes the lines that were evaluated: expressions that were looked at, and heads of rules that held.
type lineTracer struct {
	mu   sync.Mutex
	seen map[string]map[int]bool
}

// Enabled says that the tracer wants events.
func (*lineTracer) Enabled() bool { return true }

// Config says that the tracer needs no values of variables.
func (*lineTracer) Config() topdown.TraceConfig { return topdown.TraceConfig{} }

// TraceEvent notes the line of one event.
func (l *lineTracer) TraceEvent(e topdown.Event) {
	switch node := e.Node.(type) {
	case *ast.Rule:
		if e.Op == topdown.ExitOp {
			l.note(node.Head.Location)
		}
	case *ast.Expr:
		if e.Op == topdown.EvalOp {
			l.note(node.Location)
		}
	}
}

func (l *lineTracer) note(loc *ast.Location) {
	if loc == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	rows, ok := l.seen[loc.File]
	if !ok {
		rows = map[int]bool{}
		l.seen[loc.File] = rows
	}
	rows[loc.Row] = true
}

// printHook keeps what a test prints.
type printHook struct{ bytes.Buffer }

// Print keeps one line.
func (h *printHook) Print(_ print.Context, msg string) error {
	if h.Len() < maxText {
		fmt.Fprintln(h, msg)
	}
	return nil
}
