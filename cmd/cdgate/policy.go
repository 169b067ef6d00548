package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"cdgate.dev/cdgate/engine"
	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/policy"
)

func (w *world) policyCommand() *cli.Command {
	set := func(more ...cli.Flag) []cli.Flag {
		return flags(one(text("target", "the policies and parameters of the target `ID` in the gate definition"), gateFlag()), more, one(outputFlag("text", "json")))
	}
	const which = "\nThe policies are the arguments (directories, builtin:NAME), else those of the gate definition, else ./policies."
	return group("policy", "write and test policies",
		w.command("check", "[DIR | builtin:NAME]…", "type-check policies",
			"Says everything that would make an evaluation refuse the policies (exit 40), and what looks wrong as warnings."+which,
			-1, set(), (*call).policyCheck),
		w.command("test", "[DIR | builtin:NAME]…", "run the policies' own tests",
			"Runs every rule test_… in files …_test.rego and says which lines no test reached. Failed tests exit 20."+which,
			-1, set(), (*call).policyTest),
		w.command("list", "[DIR | builtin:NAME]…", "list rules",
			"Lists every rule with its effect and title."+which,
			-1, set(text("control", "only rules for the control `ID`, such as SOC2/CC8.1")), (*call).policyList),
		w.command("new", "CATEGORY.RULE", "start a rule: policy, parameters, test",
			"Writes CATEGORY/RULE in the policy directory, with a policy, its parameters and a test that fails until the rule is written.",
			1, one(text("dir", "the policy directory `DIR`; default: policies")), (*call).policyNew))
}

// program loads the policies a command is about.
func (k *call) program() (policy.Program, error) {
	refs := k.Args().Slice()
	dir := k.dir
	var layers []policy.Layer
	if gatePath := k.place("gate", k.config.Gate); len(refs) == 0 {
		_, err := os.Stat(gatePath)
		switch {
		case err == nil:
			def, err := engine.GateCheck(gatePath)
			if err != nil {
				return policy.Program{}, err
			}
			for _, s := range def.Sources {
				refs = append(refs, s.Ref)
			}
			dir = filepath.Dir(k.abs(gatePath))
			if id := k.String("target"); id != "" {
				t, ok := def.Target(id)
				if !ok {
					return policy.Program{}, fault.New(fault.Usage, "the gate definition has no target %q", id)
				}
				refs = t.Policies
				layers = []policy.Layer{{Name: gatePath + " targets." + id + ".params", Values: t.Params}}
			}
		case errors.Is(err, fs.ErrNotExist) && k.String("gate") == "":
			refs = []string{"policies"}
		default:
			return policy.Program{}, fault.New(fault.Usage, "read gate definition: %w", err)
		}
	}
	p := policy.Program{Params: layers}
	for _, ref := range refs {
		s, err := loadSource(dir, ref)
		if err != nil {
			return p, err
		}
		p.Sources = append(p.Sources, s)
	}
	return p, nil
}

func loadSource(dir, ref string) (policy.Source, error) {
	if policy.IsBuiltin(ref) {
		return policy.Builtin(ref)
	}
	path := ref
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	if info, err := os.Stat(path); err != nil || !info.IsDir() {
		return policy.Source{}, fault.New(fault.Usage, "load policies %q: not a directory; start one with: cdgate policy new CATEGORY.RULE", ref)
	}
	return policy.Load(os.DirFS(path), ref)
}

func (k *call) policyCheck() error {
	outs, err := k.outputs("text", "json")
	if err != nil {
		return err
	}
	p, err := k.program()
	if err != nil {
		return err
	}
	type result struct {
		OK          bool                `json:"ok"`
		Rules       int                 `json:"rules"`
		Diagnostics []policy.Diagnostic `json:"diagnostics"`
	}
	r := result{OK: true, Diagnostics: policy.Check(p)}
	for _, d := range r.Diagnostics {
		r.OK = r.OK && d.Warning
	}
	if r.OK {
		rules, err := policy.List(p)
		if err != nil {
			return err
		}
		if r.Rules = len(rules); r.Rules == 0 {
			return fault.New(fault.Policy, "check policies: there is no rule in them; start one with: cdgate policy new CATEGORY.RULE")
		}
	}
	if err := k.deliverJSON(outs, r, func() string {
		text := diagnosticsText(r.Diagnostics)
		if r.OK {
			text += fmt.Sprintf("%s sound\n", count(r.Rules, "rule"))
		}
		return text
	}); err != nil {
		return err
	}
	if !r.OK {
		return answered(int(fault.Policy))
	}
	return nil
}

func diagnosticsText(ds []policy.Diagnostic) string {
	var b strings.Builder
	for _, d := range ds {
		word := "error"
		if d.Warning {
			word = "warning"
		}
		place := d.File
		if d.Line > 0 {
			place = fmt.Sprintf("%s:%d:%d", d.File, d.Line, d.Column)
		}
		prefix := fmt.Sprintf("%s: %s (%s): ", shown(place), word, d.Code)
		for line := range strings.SplitSeq(strings.TrimSpace(d.Msg), "\n") {
			b.WriteString(prefix + shown(line) + "\n")
			prefix = "    "
		}
	}
	return b.String()
}

func (k *call) policyTest() error {
	outs, err := k.outputs("text", "json")
	if err != nil {
		return err
	}
	p, err := k.program()
	if err != nil {
		return err
	}
	r, err := policy.Test(k.Context.Context, p)
	if err != nil {
		return err
	}
	if err := k.deliverJSON(outs, r, func() string { return testText(r) }); err != nil {
		return err
	}
	if !r.OK {
		return answered(exitRefused)
	}
	return nil
}

func testText(r *policy.TestReport) string {
	var b strings.Builder
	passed := 0
	for _, t := range r.Tests {
		switch {
		case t.Passed:
			passed++
		case t.Skipped:
			fmt.Fprintf(&b, "SKIP  %s.%s (%s:%d)\n", shown(t.Package), shown(t.Name), shown(t.File), t.Line)
		default:
			// What a test printed is not shown: it is the policy's text and can be anything.
			fmt.Fprintf(&b, "FAIL  %s.%s (%s:%d)\n", shown(t.Package), shown(t.Name), shown(t.File), t.Line)
		}
	}
	for _, f := range r.Files {
		if len(f.Uncovered) > 0 {
			fmt.Fprintf(&b, "no test reaches %s %s\n", shown(f.File), lines(f.Uncovered))
		}
	}
	if len(r.Tests) == 0 {
		b.WriteString("there is no test: write rules test_… in files …_test.rego\n")
	}
	fmt.Fprintf(&b, "%d of %s passed, %.4g %% of the lines covered\n", passed, count(len(r.Tests), "test"), r.Percent)
	return b.String()
}

// lines writes line numbers as people do: "line 3" or "lines 3, 5-7".
func lines(ns []int) string {
	var parts []string
	for i := 0; i < len(ns); {
		j := i
		for j+1 < len(ns) && ns[j+1] == ns[j]+1 {
			j++
		}
		if i == j {
			parts = append(parts, fmt.Sprint(ns[i]))
		} else {
			parts = append(parts, fmt.Sprintf("%d-%d", ns[i], ns[j]))
		}
		i = j + 1
	}
	word := "lines "
	if len(ns) == 1 {
		word = "line "
	}
	return word + strings.Join(parts, ", ")
}

// listedRule is the JSON of one rule in policy list.
type listedRule struct {
	Code        string        `json:"code"`
	Title       string        `json:"title"`
	Description string        `json:"description"`
	Effect      policy.Effect `json:"effect"`
	Source      string        `json:"source"`
	Digest      string        `json:"digest"`
	EffectiveOn string        `json:"effectiveOn"`
	Needs       []string      `json:"needs"`
	Controls    []string      `json:"controls"`
	Remedy      string        `json:"remedy"`
}

func (k *call) policyList() error {
	outs, err := k.outputs("text", "json")
	if err != nil {
		return err
	}
	p, err := k.program()
	if err != nil {
		return err
	}
	rules, err := policy.List(p)
	if err != nil {
		return err
	}
	type listing struct {
		Rules []listedRule `json:"rules"`
	}
	var l listing
	for _, r := range rules {
		if c := k.String("control"); c == "" || slices.Contains(r.Controls, c) {
			l.Rules = append(l.Rules, listedRule{r.Code, r.Title, r.Description, r.Strongest, r.Source, r.Digest, r.EffectiveOn, r.Needs, r.Controls, r.Remedy})
		}
	}
	return k.deliverJSON(outs, l, func() string {
		var b strings.Builder
		for _, r := range l.Rules {
			fmt.Fprintf(&b, "%-28s %-14s %s\n", shown(r.Code), r.Effect, shown(r.Title))
		}
		return b.String()
	})
}

func (k *call) policyNew() error {
	code := k.Args().First()
	if code == "" {
		return fault.New(fault.Usage, "name the rule: cdgate policy new CATEGORY.RULE, such as release.notes_present")
	}
	files, err := policy.New(strings.ReplaceAll(code, "/", "."))
	if err != nil {
		return fault.Wrap(fault.Usage, err)
	}
	dir := k.String("dir")
	if dir == "" {
		dir = "policies"
	}
	var out []newFile
	for _, f := range files {
		out = append(out, newFile{filepath.Join(k.abs(dir), filepath.FromSlash(f.Path)), f.Data, 0o644})
	}
	if err := writeNew(out...); err != nil {
		return err
	}
	for _, f := range out {
		k.print("wrote %s", shown(relative(k.dir, f.path)))
	}
	k.print("\nNext: write the rule, then\n  cdgate policy test %s && cdgate policy check %s", shellWord(dir), shellWord(dir))
	return nil
}
