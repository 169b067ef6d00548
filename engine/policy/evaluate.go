package policy

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/topdown"
)

// evaluate runs every rule over one input, several at once, at the time and stage that the input names. The problems are those of rules that could not judge: then
// there is no result at all.
func (c *compiled) evaluate(ctx context.Context, input ast.Value, now time.Time, stage string) ([]Rule, Problems) {
	doc := ast.NewTerm(input)
	out := make([]Rule, len(c.rules))
	found := make([]*Diagnostic, len(c.rules))
	next := make(chan int, len(c.rules))
	for i := range c.rules {
		next <- i
	}
	close(next)
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(c.rules)) {
		wg.Go(func() {
			for i := range next {
				out[i], found[i] = c.judge(ctx, c.rules[i], doc, now, stage)
			}
		})
	}
	wg.Wait()
	var problems Problems
	for _, d := range found {
		if d != nil {
			problems = append(problems, *d)
		}
	}
	if len(problems) > 0 {
		return nil, problems
	}
	if !slices.ContainsFunc(out, func(r Rule) bool { return r.Result != NotApplicable }) {
		return nil, Problems{{Code: "shape", Msg: fmt.Sprintf("no rule was evaluated: none of the %d rules is for stage %q", len(out), stage)}}
	}
	return out, nil
}

// nowAndStage are the input's time and stage.
func nowAndStage(input ast.Value) (time.Time, string, error) {
	obj, ok := input.(ast.Object)
	if !ok {
		return time.Time{}, "", errors.New("the policy input is no object")
	}
	get := func(key string) string {
		if t := obj.Get(ast.InternedTerm(key)); t != nil {
			if s, ok := t.Value.(ast.String); ok {
				return string(s)
			}
		}
		return ""
	}
	now, err := time.Parse("2006-01-02T15:04:05Z", get("now"))
	if err != nil {
		return time.Time{}, "", fmt.Errorf("the policy input's time %q is no UTC time with whole seconds", get("now"))
	}
	if get("stage") == "" {
		return time.Time{}, "", errors.New("the policy input has no stage")
	}
	return now, get("stage"), nil
}

// judge is what one rule says. A rule for other stages is not applicable; one whose evidence is missing fails without
// being run, because silence is not a pass.
func (c *compiled) judge(ctx context.Context, r *rule, input *ast.Term, now time.Time, stage string) (Rule, *Diagnostic) {
	out := r.Rule
	from, err := effectiveAt(r.EffectiveOn)
	if err != nil {
		d := r.problem("%v", err)
		return out, &d
	}
	out.Enforced = from != nil && !now.Before(*from)
	if len(r.meta.stages) > 0 && !forStage(r.meta.stages, stage) {
		out.Result = NotApplicable
		return out, nil
	}
	out.Missing = missing(input.Value.(ast.Object), r.Needs)
	if len(out.Missing) > 0 {
		out.Result = Failed
		return out, nil
	}
	findings, err := c.query(ctx, r, input, now)
	if err != nil {
		d := r.explain(err)
		return out, &d
	}
	out.Findings, out.Result = findings, Passed
	if slices.ContainsFunc(findings, func(f Finding) bool { return f.Effect != Warn }) {
		out.Result = Failed
	}
	return out, nil
}

// forStage tells whether one of stages is the stage; activate stands for activate:<toggle> too.
func forStage(stages []string, stage string) bool {
	base, _, _ := strings.Cut(stage, ":")
	return slices.Contains(stages, stage) || base == "activate" && slices.Contains(stages, base)
}

// missing are the kinds without a counted item.
func missing(input ast.Object, needs []string) []string {
	out := []string{}
	var evidence ast.Object
	if t := input.Get(ast.InternedTerm("evidence")); t != nil {
		evidence, _ = t.Value.(ast.Object)
	}
	for _, kind := range needs {
		if evidence != nil {
			if t := evidence.Get(ast.InternedTerm(kind)); t != nil {
				if items, ok := t.Value.(*ast.Array); ok && items.Len() > 0 {
					continue
				}
			}
		}
		out = append(out, kind)
	}
	return out
}

func (r *rule) problem(format string, args ...any) Diagnostic {
	return at(r.modules[0].mod.Package.Location, "evaluation", "rule %s: %s", r.Code, fmt.Sprintf(format, args...))
}

// explain says what stopped a rule, at its place where OPA knows it.
func (r *rule) explain(err error) Diagnostic {
	d := r.problem("%v", err)
	var e *topdown.Error
	if errors.As(err, &e) {
		d = r.problem("%s", e.Message)
		if e.Location != nil && e.Location.File != "" {
			d.File, d.Line, d.Column = e.Location.File, e.Location.Row, e.Location.Col
		}
	}
	return d
}

// query asks for all effect sets of a rule at once. They are sets, so that each is defined even when empty; anything
// but one complete answer is an error.
func (c *compiled) query(ctx context.Context, r *rule, input *ast.Term, now time.Time) ([]Finding, error) {
	txn, err := c.store.NewTransaction(ctx)
	if err != nil {
		return nil, fmt.Errorf("open parameters: %w", err)
	}
	defer c.store.Abort(ctx, txn)
	var body ast.Body
	for _, h := range r.heads {
		body.Append(ast.Equality.Expr(ast.NewTerm(append(r.ref(), ast.InternedTerm(h.name))), ast.VarTerm(h.name)))
	}
	cancel := topdown.NewCancel()
	stop := context.AfterFunc(ctx, cancel.Cancel)
	defer stop()
	q := topdown.NewQuery(body).WithCompiler(c.compiler).WithStore(c.store).WithTransaction(txn).WithInput(input).
		WithStrictBuiltinErrors(true).WithTime(now).WithSeed(noRandom{}).WithCancel(cancel)
	results, err := q.Run(ctx)
	if err != nil {
		return nil, err
	}
	if len(results) != 1 {
		return nil, fmt.Errorf("the result is undefined: %d answers instead of one", len(results))
	}
	var findings []Finding
	for _, h := range r.heads {
		t, ok := results[0][ast.Var(h.name)]
		if !ok {
			return nil, fmt.Errorf("the result of `%s` is undefined", h.name)
		}
		set, ok := t.Value.(ast.Set)
		if !ok {
			return nil, fmt.Errorf("the result of `%s` is %s instead of a set", h.name, ast.ValueName(t.Value))
		}
		if findings, err = readFindings(findings, set, h); err != nil {
			return nil, err
		}
	}
	if err := sameRequirementIDs(findings); err != nil {
		return nil, err
	}
	return sortFindings(notNil(findings)), nil
}

func readFindings(dst []Finding, set ast.Set, h head) ([]Finding, error) {
	if len(dst)+set.Len() > maxFindings {
		return nil, fmt.Errorf("more than %d findings", maxFindings)
	}
	for _, t := range set.Slice() {
		f, err := readFinding(t.Value, h)
		if err != nil {
			return nil, err
		}
		dst = append(dst, f)
	}
	return dst, nil
}

// noRandom is the source of randomness that a policy has.
type noRandom struct{}

func (noRandom) Read([]byte) (int, error) { return 0, errors.New("policies have no randomness") }
