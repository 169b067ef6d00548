package policies_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"cdgate.dev/cdgate/engine/policy"
	"cdgate.dev/cdgate/policies"
)

var update = flag.Bool("update", false, "write README.md")

func program(t *testing.T, ref string) policy.Program {
	t.Helper()
	src, err := policy.Builtin(ref)
	if err != nil {
		t.Fatal(err)
	}
	return policy.Program{Sources: []policy.Source{src}}
}

// every is all rules of the library, whether a profile selects them or not.
func every(t *testing.T) policy.Program {
	t.Helper()
	rules, err := fs.Sub(policies.FS(), "rules")
	if err != nil {
		t.Fatal(err)
	}
	src, err := policy.Load(rules, "policies/rules")
	if err != nil {
		t.Fatal(err)
	}
	return policy.Program{Sources: []policy.Source{src}}
}

// A folder is a rule, a rule is a folder, and every folder has its three files (params.cue only where there are any).
func TestFoldersAreRules(t *testing.T) {
	rules, err := policy.List(every(t))
	if err != nil {
		t.Fatal(err)
	}
	var codes []string
	for _, r := range rules {
		codes = append(codes, r.Code)
	}
	if !slices.Equal(codes, policies.Rules()) {
		t.Errorf("rules %v, folders %v", codes, policies.Rules())
	}
	for _, code := range codes {
		category, rule, _ := strings.Cut(code, ".")
		dir := "rules/" + category + "/" + rule
		for _, file := range []string{rule + ".rego", rule + "_test.rego"} {
			if _, err := fs.Stat(policies.FS(), dir+"/"+file); err != nil {
				t.Errorf("%s has no %s", code, file)
			}
		}
		text, err := fs.ReadFile(policies.FS(), dir+"/"+rule+".rego")
		if err != nil || !bytes.Contains(text, []byte("\npackage rules."+code+"\n")) {
			t.Errorf("%s: package and folder differ: %v", code, err)
		}
	}
}

// What users are told of as style holds for the library: types, vocabulary, opa strict, opa fmt, METADATA.
func TestLibraryIsClean(t *testing.T) {
	for _, d := range policy.Check(every(t)) {
		t.Errorf("%s: %s", d.Code, d)
	}
}

// Every rule's own tests pass and reach every line.
func TestRulesPassTheirTests(t *testing.T) {
	for _, code := range policies.Rules() {
		report, err := policy.Test(t.Context(), program(t, "builtin:"+code))
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range report.Tests {
			if !r.Passed {
				t.Errorf("%s:%d: %s failed: %s", r.File, r.Line, r.Name, r.Output)
			}
		}
		for _, f := range report.Files {
			if len(f.Uncovered) > 0 {
				t.Errorf("%s: no test reaches lines %v", f.File, f.Uncovered)
			}
		}
		if !report.OK {
			t.Errorf("%s: not OK with %d tests", code, len(report.Tests))
		}
	}
}

// Only governance.delivery_mode may read the trigger.
func TestOnlyOneRuleReadsTheTrigger(t *testing.T) {
	for _, code := range policies.Rules() {
		files, err := policies.Select(code)
		if err != nil {
			t.Fatal(err)
		}
		for name, text := range files {
			if strings.HasSuffix(name, ".rego") && bytes.Contains(text, []byte("trigger")) && code != "governance.delivery_mode" {
				t.Errorf("%s reads the trigger", name)
			}
		}
	}
}

// An overlay may add a requirement and tighten one, and nothing else.
func TestOverlaysOfTheQuorum(t *testing.T) {
	gate := map[string]any{"security": map[string]any{"roles": []any{"a", "b"}, "count": 2.0, "classes": []any{"production"}}}
	for name, tt := range map[string]struct {
		over map[string]any
		ok   bool
	}{
		"another":          {map[string]any{"business": map[string]any{"roles": []any{"c"}}}, true},
		"more people":      {map[string]any{"security": map[string]any{"count": 3.0}}, true},
		"fewer people":     {map[string]any{"security": map[string]any{"count": 1.0}}, false},
		"fewer roles":      {map[string]any{"security": map[string]any{"roles": []any{"a"}}}, true},
		"more roles":       {map[string]any{"security": map[string]any{"roles": []any{"a", "b", "c"}}}, false},
		"longer":           {map[string]any{"security": map[string]any{"validHours": 100.0}}, false},
		"shorter":          {map[string]any{"security": map[string]any{"validHours": 10.0}}, true},
		"other classes":    {map[string]any{"security": map[string]any{"classes": []any{"production", "test"}}}, false},
		"all classes":      {map[string]any{"security": map[string]any{"classes": []any{}}}, false},
		"another meaning":  {map[string]any{"security": map[string]any{"meaning": "review"}}, false},
		"veto":             {map[string]any{"security": map[string]any{"vetoRoles": []any{"a"}}}, true},
		"nobody may sign":  {map[string]any{"security": map[string]any{"roles": []any{}}}, false},
		"unknown property": {map[string]any{"security": map[string]any{"rolls": []any{"a"}}}, false},
	} {
		layer := func(name string, r map[string]any) policy.Layer {
			return policy.Layer{Name: name, Values: map[string]map[string]any{"approvals.quorum": {"requirements": r}}}
		}
		p := program(t, "builtin:approvals.quorum")
		p.Params = []policy.Layer{layer("gate.yaml", gate), layer("overlay", tt.over)}
		if _, err := policy.List(p); (err == nil) != tt.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestProfiles(t *testing.T) {
	for _, name := range policies.Profiles() {
		rules, err := policy.List(program(t, "builtin:"+name))
		if err != nil || len(rules) == 0 {
			t.Errorf("profile %s: %d rules, %v", name, len(rules), err)
		}
	}
	if _, err := policies.Select("nosuch"); !errors.Is(err, policies.ErrUnknown) {
		t.Errorf("got %v", err)
	}
	for text, ok := range map[string]bool{
		"title: T\nrules:\n  - a.b\n": true, "# c\n\ntitle: T\ndescription: d: e\nrules:\n  - a.b\n  - a.c\n": true,
		"": false, "title: T\n": false, "rules: [a.b]\n": false, "rules:\n": false, "rules:\n- a.b\n": false, "  - a.b\n": false,
		"titel: T\nrules:\n  - a.b\n": false, "rules:\n  - a.b\n  - a.b\n": false, "rules:\n  - a.b\ntitle: T\n  - a.c\n": false,
	} {
		p, err := policies.ParseProfile("x", []byte(text))
		if (err == nil) != ok || ok && p.Rules[0] != "a.b" {
			t.Errorf("%q: %+v %v", text, p, err)
		}
	}
}

// TestTableFresh holds README.md to the rules; -update writes it.
func TestTableFresh(t *testing.T) {
	want := readme(t)
	if *update {
		if err := os.WriteFile("README.md", want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	have, err := os.ReadFile("README.md")
	if err != nil || !bytes.Equal(have, want) {
		t.Errorf("README.md is stale, run `make generate` (%v)", err)
	}
}

func readme(t *testing.T) []byte {
	rules, err := policy.List(every(t))
	if err != nil {
		t.Fatal(err)
	}
	params, err := policy.Params(every(t))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	b.WriteString(`<!-- Generated from the rules by make generate; do not edit. -->

# Starter library

Rules to begin with. A folder ` + "`rules/<category>/<rule>`" + ` is a rule: its Rego, its tests, its parameters. Nothing else
registers it; ` + "`make new-rule RULE=category.rule`" + ` makes one. Parameters are set per target in ` + "`gate.yaml`" + `, as in
` + "`params: {tests.coverage_floor: {line: 85}}`" + `. A rule that needs a kind of evidence fails where no item of that kind counts;
what it can do without it lists as ` + "`optional`" + ` in its METADATA, where ` + "`all`" + ` is every kind, built in or own.

`)
	b.WriteString(writing)
	for _, name := range policies.Profiles() {
		text, err := fs.ReadFile(policies.FS(), "profiles/"+name+".yaml")
		if err != nil {
			t.Fatal(err)
		}
		p, err := policies.ParseProfile(name, text)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "`builtin:%s` selects %d rules: %s\n\n", name, len(p.Rules), p.Description)
	}
	b.WriteString("One rule alone is selected by its code, as in `builtin:tests.required_levels`.\n\n")
	b.WriteString("| rule | what has to be true | at worst | needs | parameters (default) | controls |\n|---|---|---|---|---|---|\n")
	for _, r := range rules {
		var own []string
		for _, p := range params {
			if p.Rule == r.Code {
				own = append(own, fmt.Sprintf("`%s` (`%s`)", p.Name, p.Default))
			}
		}
		fmt.Fprintf(&b, "| [%s](rules/%s) | %s | %s | %s | %s | %s |\n", r.Code, strings.ReplaceAll(r.Code, ".", "/"), r.Title, r.Strongest,
			dash(r.Needs), dash(own), dash(r.Controls))
	}
	b.WriteString("\n## Parameters\n\n| parameter | value | default | an overlay may only | meaning |\n|---|---|---|---|---|\n")
	for _, p := range params {
		fmt.Fprintf(&b, "| %s.%s | %s | `%s` | %s | %s |\n", p.Rule, p.Name, strings.ReplaceAll(p.Type, "|", "\\|"), p.Default, tighter(p.Tighter), p.Doc)
	}
	b.WriteString("\n## What each rule looks at\n")
	for _, r := range rules {
		fmt.Fprintf(&b, "\n### %s\n\n%s\n\nRemedy: %s\n", r.Code, strings.TrimSpace(r.Description), r.Remedy)
	}
	return b.Bytes()
}

func dash(words []string) string {
	if len(words) == 0 {
		return "–"
	}
	return strings.Join(words, ", ")
}

func tighter(direction string) string {
	switch direction {
	case "up", "down":
		return "go " + direction
	case "more":
		return "add entries"
	case "fewer":
		return "take entries away"
	}
	return "keep it"
}

// TestWriting holds that the rules shown in the README compile without a warning, and that a misspelt field would not.
func TestWriting(t *testing.T) {
	check := func(p95 string) []policy.Diagnostic {
		src, err := policy.Load(fstest.MapFS{
			"perf/p95/p95.rego":                 {Data: []byte(p95)},
			"perf/p95/params.cue":               {Data: []byte(p95Params)},
			"team/two_reviews/two_reviews.rego": {Data: []byte(reviewsRule)},
		}, "policies")
		if err != nil {
			t.Fatal(err)
		}
		return policy.Check(policy.Program{Sources: []policy.Source{src}})
	}
	if found := check(p95Rule); len(found) > 0 {
		t.Errorf("what the README shows: %v", found)
	}
	if found := check(strings.Replace(p95Rule, "item.summary.unit", "item.summary.units", 1)); len(found) == 0 {
		t.Error("a misspelt field passes")
	}
}

// writing is the part about rules of one's own. TestWriting runs what it shows.
const writing = "## Write a rule\n\n" +
	"`cdgate policy new perf.p95` starts one in your repository, in `policies/perf/p95`. What it can read:\n\n" +
	"- `cdgate check --target staging -o input=input.json k6.json reviews.json` writes the document that rules see of your reports;\n" +
	"- `cdgate schema metrics` describes one kind of evidence, `cdgate schema input` the whole document;\n" +
	"- the [formats](../evidence/README.md#formats), and [kinds of your own](../evidence/README.md#a-kind-of-your-own).\n\n" +
	"Load tests answer in time. What was not measured has the value 0, so ask for `measured` too; the unit is that of the report:\n\n```rego\n" + p95Rule + "```\n\n" +
	"with its limit in `params.cue`, which `gate.yaml` sets per target and an overlay may only lower:\n\n```cue\n" + p95Params + "```\n\n" +
	"Two people approved the pull request. `approvals` are those that count, and not the author's:\n\n```rego\n" + reviewsRule + "```\n\n" +
	"`cdgate policy test` runs the tests beside it and `cdgate policy check` names misspelt fields. A changed rule judges when the owner of the\n" +
	"root key has signed it: `cdgate gate check && cdgate gate sign --key root.key`.\n\n## The rules here\n\n"

const p95Rule = `# METADATA
# title: Load tests answer in time
# description: Each load test that counts measured its p95, and it is within the limit.
# custom:
#   controls: [SOC2/A1.1]
#   remedy: Make it faster, run the load test again and collect its report.
package rules.perf.p95

block contains finding if {
	some item in input.evidence.metrics
	not _in_time(item.summary.p95)
	finding := {
		"id": item.format,
		"msg": sprintf("p95 is %v %s", [item.summary.p95.value, item.summary.unit]),
		"evidence": [item.id],
	}
}

_in_time(p95) if {
	p95.measured
	is_number(p95.value)
	p95.value <= data.params.perf.p95.max
}
`

const p95Params = `package params

// Longest time of 95 % of the requests, in milliseconds.
max: number & >=0 | *500 @tighter(down)
`

const reviewsRule = `# METADATA
# title: Two people approved the change
# description: Each report of reviews that counts has two approvals.
# custom:
#   controls: [SOC2/CC8.1]
#   remedy: Ask a second person to review, and collect the reviews again.
package rules.team.two_reviews

needs_approval contains finding if {
	some item in input.evidence.review
	item.summary.approvals < 2
	finding := {
		"msg": sprintf("%d of 2 approvals", [item.summary.approvals]),
		"evidence": [item.id],
	}
}
`
