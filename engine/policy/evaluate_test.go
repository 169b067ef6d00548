package policy

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"cdgate.dev/cdgate/engine/fault"
)

func ruleWith(metadata, body string) string {
	if metadata != "" {
		metadata = "# METADATA\n# custom:\n#   " + strings.ReplaceAll(metadata, "\n", "\n#   ") + "\n"
	}
	return metadata + "package rules.a.b\n\nblock contains \"found\" if {\n\t" + body + "\n}\n"
}

func TestSilenceIsNotAPass(t *testing.T) {
	for name, tt := range map[string]struct {
		files   map[string]string
		input   string
		result  Result
		needs   []string
		missing []string
	}{
		"reads nothing":   {map[string]string{"r.rego": ruleWith("", `input.release.name == "x"`)}, noInput, Passed, []string{}, []string{}},
		"nothing there":   {map[string]string{"r.rego": ruleWith("", `some t in input.evidence.tests; t.summary.failed > 0`)}, noInput, Failed, []string{"tests"}, []string{"tests"}},
		"counted item":    {map[string]string{"r.rego": ruleWith("", `some t in input.evidence.tests; t.summary.failed > 9`)}, with(noInput, "tests", testsItem), Passed, []string{"tests"}, []string{}},
		"finds something": {map[string]string{"r.rego": ruleWith("", `some t in input.evidence.tests; t.summary.failed > 0`)}, with(noInput, "tests", testsItem), Failed, []string{"tests"}, []string{}},
		"one of two":      {map[string]string{"r.rego": ruleWith("", `count(input.evidence.tests) + count(input.evidence.sbom) > 9`)}, with(noInput, "tests", testsItem), Failed, []string{"sbom", "tests"}, []string{"sbom"}},
		"optional":        {map[string]string{"r.rego": ruleWith("optional: [sbom]", `count(input.evidence.tests) + count(input.evidence.sbom) > 9`)}, with(noInput, "tests", testsItem), Passed, []string{"tests"}, []string{}},
		"all optional":    {map[string]string{"r.rego": ruleWith("optional: [all]", `some k; count(input.evidence[k]) > 5`)}, noInput, Passed, []string{}, []string{}},
		"behind not":      {map[string]string{"r.rego": ruleWith("", `not input.evidence.scan[0].summary.looked == false; false`)}, noInput, Failed, []string{"scan"}, []string{"scan"}},
		"helper":          {map[string]string{"r.rego": ruleWith("", `_bad`) + "\n_bad if some s in input.evidence.scan\n"}, noInput, Failed, []string{"scan"}, []string{"scan"}},
		"library":         {map[string]string{"r.rego": ruleWith("", `data.lib.x.bad("a")`), "l.rego": "package lib.x\n\nbad(_) if some s in input.evidence.coverage\n"}, noInput, Failed, []string{"coverage"}, []string{"coverage"}},
		"by variable":     {map[string]string{"r.rego": ruleWith("", `some k; count(input.evidence[k]) > 5`)}, noInput, Failed, kindsBut(), kindsBut()},
		"as a whole":      {map[string]string{"r.rego": ruleWith("", `e := input.evidence; count(e.tests) > 5`)}, with(noInput, "tests", testsItem), Failed, kindsBut(), kindsBut("tests")},
		"whole input":     {map[string]string{"r.rego": ruleWith("optional: ["+strings.Join(kindsBut("tests"), ", ")+"]", `count(object.keys(input)) > 50`)}, noInput, Failed, []string{"tests"}, []string{"tests"}},
		"unread helper":   {map[string]string{"r.rego": ruleWith("", `false`) + "\n_bad if some s in input.evidence.scan\n"}, noInput, Passed, []string{}, []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			rules, err := inProcess(Program{Sources: []Source{dir(t, "./p", tt.files)}}, tt.input)
			if err != nil {
				t.Fatal(err)
			}
			r := rules[0]
			if r.Result != tt.result || !reflect.DeepEqual(r.Needs, tt.needs) || !reflect.DeepEqual(r.Missing, tt.missing) {
				t.Errorf("got %s needs %q missing %q, want %s %q %q", r.Result, r.Needs, r.Missing, tt.result, tt.needs, tt.missing)
			}
			if len(r.Missing) > 0 && len(r.Findings) > 0 {
				t.Errorf("a rule that was not run has findings: %v", r.Findings)
			}
		})
	}
}

func TestStages(t *testing.T) {
	for _, tt := range []struct {
		stages, stage string
		applies       bool
	}{
		{"[activate]", "activate", true}, {"[activate]", "activate:search", true}, {"[activate]", "ready", false},
		{"['activate:search']", "activate", false}, {"['activate:search']", "activate:search", true}, {"['activate:search']", "activate:other", false},
		{"[ready, 'increment:2']", "increment:2", true}, {"[ready, 'increment:2']", "increment:3", false},
	} {
		p := Program{Sources: []Source{dir(t, "./p", map[string]string{"r.rego": ruleWith("stages: "+tt.stages, "true"),
			"s.rego": strings.ReplaceAll(goodRule, "a.b", "a.c")})}}
		rules, err := inProcess(p, strings.Replace(noInput, `"stage":"activate"`, `"stage":"`+tt.stage+`"`, 1))
		if err != nil {
			t.Fatal(err)
		}
		want := NotApplicable
		if tt.applies {
			want = Failed
		}
		if rules[0].Result != want {
			t.Errorf("%s at %s: %s, want %s", tt.stages, tt.stage, rules[0].Result, want)
		}
	}
	_, err := inProcess(one(t, ruleWith("stages: [ready]", "true")), noInput)
	refused(t, err, "no rule was evaluated", `"activate"`)
}

func TestEffectiveOn(t *testing.T) {
	for on, enforced := range map[string]bool{
		"": true, "never": false, "2026-11-20": true, "2026-11-21": false, "'2026-11-20T12:00:00Z'": true, "'2026-11-20T12:00:01Z'": false,
	} {
		metadata := ""
		if on != "" {
			metadata = "effective_on: " + on
		}
		rules, err := inProcess(one(t, ruleWith(metadata, "true")), noInput)
		if err != nil {
			t.Fatal(err)
		}
		if rules[0].Enforced != enforced || rules[0].Result != Failed || rules[0].EffectiveOn != strings.Trim(on, "'") {
			t.Errorf("%q: %+v", on, rules[0])
		}
	}
}

func TestErrorsOfBuiltinsAreErrors(t *testing.T) {
	for body, words := range map[string]string{
		`to_number(input.release.name) > 0`:                              "to_number",
		`1 / (count(input.release.name) - 3) > 0`:                        "divide by zero",
		`time.parse_rfc3339_ns(input.release.name) > 0`:                  "time",
		`json.unmarshal(input.release.name) == 1`:                        "json",
		`regex.match(sprintf("[%s", [input.release.name]), "x")`:         "regex",
		`x := {k: v | some v in [1, 2]; k := "a"}; x.a == 1`:             "unique",
		`not to_number(input.release.name) > 0`:                          "to_number",
		`count([1 | to_number(input.release.name) > 0]) == 0`:            "to_number",
		`every x in [input.release.name] { to_number(x) > 0 }`:           "to_number",
		`object.union({"a": 1}, {"b": to_number(input.release.name)}).a`: "to_number",
	} {
		t.Run(body, func(t *testing.T) {
			_, err := inProcess(one(t, ruleWith("", body)), noInput)
			refused(t, err, words, "rule a.b", "policies/rule.rego:")
		})
	}
	if _, err := inProcess(one(t, ruleWith("", `to_number(input.release.version) > 0`)), noInput); err != nil {
		t.Errorf("twin: %v", err)
	}
}

func TestConftestHeads(t *testing.T) {
	rules, err := inProcess(one(t, `package main

import rego.v1

deny contains msg if {
	input.target.class == "production"
	msg := "no"
}

violation_name contains {"msg": "bad name"} if input.release.name == "app"

warn_age contains "old" if true
`), noInput)
	if err != nil {
		t.Fatal(err)
	}
	r := rules[0]
	if len(rules) != 1 || r.Code != "main" || r.Result != Failed || len(r.Findings) != 3 {
		t.Fatalf("got %+v", rules)
	}
	effects := []Effect{r.Findings[0].Effect, r.Findings[1].Effect, r.Findings[2].Effect}
	if !reflect.DeepEqual(effects, []Effect{Block, Block, Warn}) {
		t.Errorf("effects %v", effects)
	}
	rules, err = inProcess(one(t, "package main\n\nwarn contains \"old\" if true\n"), noInput)
	if err != nil || rules[0].Result != Passed || rules[0].Strongest != Warn {
		t.Errorf("a warning gates: %+v %v", rules, err)
	}
}

func TestTriggerChangesExactlyOneFinding(t *testing.T) {
	src, err := Builtin("builtin:minimal")
	if err != nil {
		t.Fatal(err)
	}
	p := Program{Sources: []Source{src}}
	input := with(with(noInput, "tests", testsItem), "scan", scanItem)
	manual, err := inProcess(p, input)
	if err != nil {
		t.Fatal(err)
	}
	automatic, err := inProcess(p, strings.Replace(input, `"trigger":"manual"`, `"trigger":"automatic"`, 1))
	if err != nil {
		t.Fatal(err)
	}
	for i := range manual {
		if manual[i].Code == "governance.delivery_mode" {
			if len(manual[i].Findings) != 1 || len(automatic[i].Findings) != 0 || automatic[i].Result != Passed {
				t.Errorf("manual %+v, automatic %+v", manual[i], automatic[i])
			}
			f := manual[i].Findings[0]
			want := &Requirement{Roles: []string{"release-manager"}, Count: 1, Meaning: "release", ValidHours: 72, VetoRoles: []string{"release-manager"}}
			if f.Effect != NeedsApproval || !reflect.DeepEqual(f.Requirement, want) {
				t.Errorf("finding %+v", f)
			}
		} else if !reflect.DeepEqual(manual[i], automatic[i]) {
			t.Errorf("%s reads the trigger", manual[i].Code)
		}
	}
}

func TestParametersReachTheRules(t *testing.T) {
	src, err := Builtin("builtin:minimal")
	if err != nil {
		t.Fatal(err)
	}
	p := Program{Sources: []Source{src}, Params: []Layer{{Name: "gate.yaml", Values: map[string]map[string]any{
		"approvals.quorum": {"requirements": map[string]any{"security": map[string]any{"roles": []any{"security-officer"}, "count": 2.0}}},
	}}}}
	rules, err := inProcess(p, noInput)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(rules, func(r Rule) bool { return r.Code == "approvals.quorum" })
	want := &Requirement{Roles: []string{"security-officer"}, Count: 2, Meaning: "approval", ValidHours: 72, VetoRoles: []string{}}
	if len(rules[i].Findings) != 1 || rules[i].Findings[0].ID != "security" || !reflect.DeepEqual(rules[i].Findings[0].Requirement, want) {
		t.Errorf("got %+v", rules[i])
	}
	for name, values := range map[string]map[string]map[string]any{
		"unknown rule":      {"tests.coverage_flor": {"line": 80.0}},
		"unknown parameter": {"tests.coverage_floor": {"lines": 80.0}},
		"out of bounds":     {"tests.coverage_floor": {"line": 180.0}},
		"empty levels":      {"tests.required_levels": {"levels": []any{}}},
		"wrong type":        {"tests.coverage_floor": {"line": "80"}},
	} {
		p.Params = []Layer{{Name: "gate.yaml", Values: values}}
		_, err := inProcess(p, noInput)
		refused(t, err, "gate.yaml")
		t.Log(name, err)
	}
	p.Params = []Layer{{Name: "gate.yaml"}, {Name: "overlay", Values: map[string]map[string]any{"tests.coverage_floor": {"line": 70.0}}}}
	_, err = inProcess(p, noInput)
	refused(t, err, "overlay", "coverage_floor")
	p.Params[1].Values["tests.coverage_floor"]["line"] = 90.0
	if _, err := inProcess(p, noInput); err != nil {
		t.Errorf("twin: %v", err)
	}
}

// The same answer in this process and in the evaluator's, every time.
func TestAnswersAreTheSameEveryTime(t *testing.T) {
	src, err := Builtin("builtin:minimal")
	if err != nil {
		t.Fatal(err)
	}
	req := Request{Program: Program{Sources: []Source{src}}, Input: []byte(with(with(noInput, "tests", testsItem), "scan", scanItem))}
	rules, err := inProcess(req.Program, string(req.Input))
	if err != nil {
		t.Fatal(err)
	}
	want, err := json.Marshal(rules)
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		resp, err := Evaluate(t.Context(), sandbox(t), req)
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := json.Marshal(resp.Rules); string(got) != string(want) {
			t.Fatalf("got %s\nwant %s", got, want)
		}
	}
	slices.Reverse(req.Sources[0].Files)
	resp, err := Evaluate(t.Context(), sandbox(t), req)
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := json.Marshal(resp.Rules); string(got) != string(want) {
		t.Errorf("order of files matters: %s", got)
	}
}

func TestInputThatDoesNotFit(t *testing.T) {
	p := one(t, goodRule)
	for name, input := range map[string]string{
		"empty":           ``,
		"cut off":         noInput[:len(noInput)-20],
		"trailing":        noInput + ` {}`,
		"null":            strings.Replace(noInput, `"name":"app"`, `"name":null`, 1),
		"duplicate":       strings.Replace(noInput, `"stage":`, `"stage":"ready","stage":`, 1),
		"wrong case":      strings.Replace(noInput, `"stage":`, `"Stage":`, 1),
		"unknown":         strings.Replace(noInput, `"stage":`, `"extra":1,"stage":`, 1),
		"missing kind":    strings.Replace(noInput, `,"build":[]`, ``, 1),
		"wrong type":      strings.Replace(noInput, `"tests":[]`, `"tests":{}`, 1),
		"bad word":        strings.Replace(noInput, `"trigger":"manual"`, `"trigger":"never"`, 1),
		"view given":      with(noInput, "tests", strings.Replace(testsItem, `"cases":`, `"flaky":[],"cases":`, 1)),
		"severity":        with(noInput, "scan", strings.Replace(scanItem, `"severity":"critical"`, `"severity":"CRITICAL"`, 1)),
		"fraction":        with(noInput, "tests", strings.Replace(testsItem, `"total":3`, `"total":3.5`, 1)),
		"exponent":        with(noInput, "tests", strings.Replace(testsItem, `"total":3`, `"total":1e9`, 1)),
		"long number":     with(noInput, "tests", strings.Replace(testsItem, `"total":3`, `"total":`+strings.Repeat("9", 100), 1)),
		"invalid UTF-8":   strings.Replace(noInput, `"name":"app"`, "\"name\":\"\xff\"", 1),
		"time with zone":  strings.Replace(noInput, `12:00:00Z`, `12:00:00+01:00`, 1),
		"lone surrogate":  strings.Replace(noInput, `"name":"app"`, `"name":"\ud800"`, 1),
		"no stage at all": strings.Replace(noInput, `"stage":"activate"`, `"stage":""`, 1),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Evaluate(t.Context(), sandbox(t), Request{Program: p, Input: []byte(input)})
			if err == nil {
				t.Fatal("accepted")
			}
			if c := fault.ClassOf(err); c != fault.Evidence && c != fault.Policy {
				t.Errorf("class %v: %v", c, err)
			}
		})
	}
	if _, err := Evaluate(t.Context(), sandbox(t), Request{Program: p, Input: []byte(noInput)}); err != nil {
		t.Errorf("twin: %v", err)
	}
}

func TestAProgramsFaultComesBeforeTheInputs(t *testing.T) {
	_, err := Evaluate(t.Context(), sandbox(t), Request{Program: one(t, "package main\n"), Input: []byte("nonsense")})
	refused(t, err, "no rule")
}

func TestStartedEarlyAndClosed(t *testing.T) {
	c, err := Start(t.Context(), sandbox(t), one(t, goodRule))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.Evaluate([]byte(noInput))
	if err != nil || len(resp.Rules) != 1 || resp.Rules[0].Code != "a.b" {
		t.Errorf("got %+v %v", resp, err)
	}
	c.Close()
	c, err = Start(t.Context(), sandbox(t), one(t, goodRule))
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	c.Close()
}

func TestRuleDigests(t *testing.T) {
	base := map[string]string{"r.rego": ruleWith("", `data.lib.x.bad`), "l.rego": "package lib.x\n\nbad := false\n", "o.rego": "package lib.y\n\n_z := 1\n",
		"params.cue": "package params\n\n// l\nlimit: int | *1\n", "r_test.rego": "package t_test\n\ntest_a if true\n"}
	digest := func(change map[string]string) string {
		files := map[string]string{}
		for k, v := range base {
			files[k] = v
		}
		for k, v := range change {
			files[k] = v
		}
		rules, err := inProcess(Program{Sources: []Source{dir(t, "./p", files)}}, noInput)
		if err != nil {
			t.Fatal(err)
		}
		return rules[0].Digest
	}
	first := digest(nil)
	if !strings.HasPrefix(first, "sha256:") || len(first) != 71 {
		t.Errorf("digest %q", first)
	}
	for file, same := range map[string]bool{"r.rego": false, "l.rego": false, "params.cue": false, "o.rego": true, "r_test.rego": true} {
		line := "\n# more\n"
		if file == "params.cue" {
			line = "\n// more\n"
		}
		if got := digest(map[string]string{file: base[file] + line}); (got == first) != same {
			t.Errorf("%s changed: digest changed %v", file, got != first)
		}
	}
}

func ExampleDiagnostic() {
	fmt.Println(Diagnostic{File: "policies/a.rego", Line: 3, Column: 2, Msg: "nothing defines data.lib.bed"})
	// Output: policies/a.rego:3:2: nothing defines data.lib.bed
}
