package policy

import (
	"slices"
	"strings"
	"testing"

	"cdgate.dev/cdgate/engine/fault"
)

func TestCheckOfTheLibraryIsClean(t *testing.T) {
	src, err := Builtin("builtin:minimal")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range Check(Program{Sources: []Source{src}}) {
		t.Errorf("%s: %s", d.Code, d)
	}
}

const complete = `# METADATA
# title: t
# description: d
# custom:
#   controls: [SOC2/CC8.1]
#   remedy: r
`

func TestCheckFinds(t *testing.T) {
	for name, tt := range map[string]struct {
		body    string // of the rule
		warning bool
		code    string
		words   string
	}{
		"nothing":          {"input.release.name == \"x\"", false, "", ""},
		"type":             {"input.release.nam == \"x\"", false, "type", `did you mean "name"`},
		"enum":             {"input.target.trigger == \"manuel\"", false, "vocabulary", `"manuel" is never there; did you mean "manual"`},
		"enum the other":   {"\"manuel\" == input.target.trigger", false, "vocabulary", `"manuel"`},
		"enum in a row":    {"some t in input.evidence.tests\n\tsome c in t.cases\n\tc.status == \"fail\"", false, "vocabulary", `"fail" is never there`},
		"enum not equal":   {"some s in input.evidence.scan\n\tsome f in s.findings\n\tf.severity != \"CRITICAL\"", false, "vocabulary", `did you mean "critical"`},
		"enum in a list":   {"some s in input.evidence.scan\n\tsome f in s.findings\n\tf.severity in {\"critical\", \"hi\"}", false, "vocabulary", `"hi" is never there`},
		"good enum":        {"some s in input.evidence.scan\n\tsome f in s.findings\n\tf.severity in {\"critical\", \"high\"}", false, "", ""},
		"good ordering":    {"some t in input.evidence.tests\n\tt.summary.failed > 3", false, "", ""},
		"ordering of text": {"some t in input.evidence.tests\n\tt.level > 3", false, "vocabulary", "orders a string and a number"},
		"two types":        {"input.stage < count(input.release.subjects)", false, "vocabulary", "orders a string and a number"},
		"counted":          {"count(input.release.subjects) > 3", false, "", ""},
		"argument":         {"_many(3)", false, "vocabulary", "is_number"},
		"checked argument": {"_checked(3)", false, "", ""},
		"field of arg":     {"some t in input.evidence.tests\n\t_named(t)", false, "", ""},
		"bad field of arg": {"some t in input.evidence.tests\n\t_misnamed(t)", false, "vocabulary", `no document has a field "sumary"; did you mean "summary"`},
		"format":           {"input.release.name==\"x\"", true, "format", "opa fmt"},
		"strict":           {"unused := 1\n\tinput.release.name == \"x\"", true, "strict", "unused"},
	} {
		t.Run(name, func(t *testing.T) {
			rule := complete + "package rules.a.b\n\nblock contains \"x\" if {\n\t" + tt.body + "\n}\n"
			for helper, text := range map[string]string{
				"_many":     "\n_many(n) if n > 2\n",
				"_checked":  "\n_checked(n) if {\n\tis_number(n)\n\tn > 2\n}\n",
				"_named":    "\n_named(t) if t.summary.ok\n",
				"_misnamed": "\n_misnamed(t) if t.sumary.ok\n",
			} {
				if strings.Contains(tt.body, helper) {
					rule += text
				}
			}
			got := Check(one(t, rule))
			if tt.code == "" {
				if len(got) > 0 {
					t.Errorf("got %v", got)
				}
				return
			}
			if !slices.ContainsFunc(got, func(d Diagnostic) bool {
				return d.Code == tt.code && d.Warning == tt.warning && strings.Contains(d.Msg, tt.words) && d.File == "policies/rule.rego" && d.Line > 0
			}) {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestCheckMissesMetadataAndParameters(t *testing.T) {
	p := Program{Sources: []Source{dir(t, "./p", map[string]string{"r.rego": goodRule,
		"params.cue": "package params\n\n// a\na: int | *1\n\n// b\nb: int\n"})}}
	var words []string
	for _, d := range Check(p) {
		if !d.Warning {
			t.Errorf("error: %v", d)
		}
		words = append(words, d.Msg)
	}
	all := strings.Join(words, "\n")
	for _, want := range []string{"lacks custom.controls, custom.remedy, description, title", "never reads its parameter a", "never reads its parameter b"} {
		if !strings.Contains(all, want) {
			t.Errorf("no %q in\n%s", want, all)
		}
	}
}

func TestList(t *testing.T) {
	src, err := Builtin("builtin:minimal")
	if err != nil {
		t.Fatal(err)
	}
	rules, err := List(Program{Sources: []Source{src}})
	if err != nil {
		t.Fatal(err)
	}
	if len(rules) != 10 || !slices.IsSortedFunc(rules, func(a, b Rule) int { return strings.Compare(a.Code, b.Code) }) {
		t.Errorf("got %d rules", len(rules))
	}
	_, err = List(one(t, "package main\n"))
	refused(t, err, "no rule")
	params, err := Params(Program{Sources: []Source{src}})
	if err != nil || len(params) == 0 || params[0].Rule != "approvals.quorum" || params[0].Name != "requirements" {
		t.Errorf("got %+v %v", params, err)
	}
}

func TestBuiltinRefs(t *testing.T) {
	src, err := Builtin("builtin:tests.coverage_floor")
	if err != nil {
		t.Fatal(err)
	}
	rules, err := List(Program{Sources: []Source{src}})
	if err != nil || len(rules) != 1 || rules[0].Code != "tests.coverage_floor" {
		t.Errorf("got %+v %v", rules, err)
	}
	for _, ref := range []string{"builtin:minimul", "builtin:", "builtin:../../engine", "builtin:tests", "./policies"} {
		_, err := Builtin(ref)
		refused(t, err, ref)
	}
	if _, err := Builtin("builtin:minimul"); !strings.Contains(err.Error(), `did you mean "minimal"`) {
		t.Errorf("got %v", err)
	}
}

func TestSourceDigest(t *testing.T) {
	base := map[string]string{"r.rego": goodRule, "a/params.cue": "package params\n", "data.json": "{}", "r_test.rego": "package t\n", "README.md": "x"}
	change := func(name, text string) string {
		files := map[string]string{}
		for k, v := range base {
			files[k] = v
		}
		if text == "" {
			delete(files, name)
		} else {
			files[name] = text
		}
		return dir(t, "./p", files).Digest
	}
	first := change("none", "")
	for _, tt := range []struct {
		name, text string
		same       bool
	}{
		{"r.rego", goodRule + "# more\n", false}, {"r.rego", "", false}, {"s.rego", "package x\n", false}, {"a/params.cue", "package params // x\n", false},
		{"data.json", "{} ", false}, {"b/r.rego", goodRule, false}, {"r_test.rego", "package t2\n", true}, {"README.md", "y", true}, {".git/x.rego", "x", true},
	} {
		if got := change(tt.name, tt.text); (got == first) != tt.same {
			t.Errorf("%s: %q, first %q", tt.name, got, first)
		}
	}
	// Made with sha256sum from the line that the definition says.
	one := Digest([]File{{Path: "a.rego", Data: []byte("package a\n")}})
	if one != "sha256:d2270d78735dde6b67f6b1ff972efbf9c33d46ebc431f1594b74e34631d6fba8" {
		t.Errorf("digest %s", one)
	}
}

func TestTests(t *testing.T) {
	rule := "package rules.a.b\n\nblock contains \"x\" if {\n\tcount(input.release.name) == 3\n\tinput.release.version == \"2\"\n}\n"
	run := func(tests string) *TestReport {
		t.Helper()
		r, err := Test(t.Context(), Program{Sources: []Source{dir(t, "./p", map[string]string{"r.rego": rule, "r_test.rego": "package t_test\n\nimport data.rules.a.b\n\n" + tests})}})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	full := run("test_bad if count(b.block) == 1 with input.release as {\"name\": \"bad\", \"version\": \"2\"}\n")
	if !full.OK || full.Percent != 100 || len(full.Tests) != 1 || !full.Tests[0].Passed || full.Tests[0].Line != 5 {
		t.Errorf("got %+v", full)
	}
	part := run("test_good if count(b.block) == 0 with input.release as {\"name\": \"good\", \"version\": \"2\"}\n")
	if !part.OK || part.Percent >= 100 || !slices.Equal(part.Files[0].Uncovered, []int{3, 5}) {
		t.Errorf("got %+v", part.Files)
	}
	for name, tt := range map[string]struct{ tests, output string }{
		"false":     {"test_a if 1 == 2\n", ""},
		"undefined": {"test_a if input.release.name\n", ""},
		"no result": {"test_a := 7\n", ""},
		"error":     {"test_a if to_number(\"x\") == 1\n", "p/r_test.rego:5"},
		"prints":    {"test_a if {\n\tprint(\"hello\", 3)\n\t1 == 2\n}\n", "hello 3"},
	} {
		r := run(tt.tests)
		if r.OK || r.Tests[0].Passed || !strings.Contains(r.Tests[0].Output, tt.output) {
			t.Errorf("%s: %+v", name, r.Tests)
		}
	}
	if r := run("todo_test_a if true\n"); r.OK || !r.Tests[0].Skipped {
		t.Errorf("only a skipped test: %+v", r)
	}
	if r := run("_x := 1\n"); r.OK || len(r.Tests) != 0 {
		t.Errorf("no test: %+v", r)
	}
	for name, tests := range map[string]string{
		"twice": "test_a if true\n\ntest_a if 1 == 2\n", "table": "test_a[x] if x := \"b\"\n", "set": "test_a contains 1\n", "broken": "test_a if b.blok\n",
	} {
		_, err := Test(t.Context(), Program{Sources: []Source{dir(t, "./p", map[string]string{"r.rego": rule, "r_test.rego": "package t_test\n\nimport data.rules.a.b\n\n" + tests})}})
		if fault.ClassOf(err) != fault.Policy {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNew(t *testing.T) {
	for _, code := range []string{"tests/load_time", "tests.load_test"} {
		files, err := New(code)
		if err != nil {
			t.Fatal(err)
		}
		m := map[string]string{}
		for _, f := range files {
			m[f.Path] = string(f.Data)
		}
		p := Program{Sources: []Source{dir(t, "./policies", m)}}
		for _, d := range Check(p) {
			t.Errorf("%s: %s", d.Code, d)
		}
		r, err := Test(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		failed := 0
		for _, x := range r.Tests {
			if !x.Passed {
				failed++
				if !strings.Contains(x.Output, "write the rule") {
					t.Errorf("%+v", x)
				}
			}
		}
		if r.OK || failed != 1 || r.Percent != 100 {
			t.Errorf("got %+v", r)
		}
		if _, err := inProcess(p, noInput); err != nil {
			t.Error(err)
		}
	}
	for _, code := range []string{"", "tests", "Tests/x", "a/b/c", "../x", "a/b-c", "a/_b"} {
		if _, err := New(code); fault.ClassOf(err) != fault.Usage {
			t.Errorf("%q: %v", code, err)
		}
	}
}

func FuzzDecodeInput(f *testing.F) {
	f.Add([]byte(noInput))
	f.Add([]byte(with(with(noInput, "tests", testsItem), "scan", scanItem)))
	f.Add([]byte(`{"now":1e999999999}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := testTypes(t).decodeInput(b)
		if err != nil {
			return
		}
		if _, err := appendValue(nil, v); err != nil {
			t.Errorf("accepted and cannot be written: %v", err)
		}
	})
}

func FuzzCompile(f *testing.F) {
	f.Add(goodRule)
	for _, tt := range refusals {
		for _, text := range tt.files {
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, rego string) {
		c := compile(Program{Sources: []Source{{Ref: "./p", Files: []File{{Path: "r.rego", Data: []byte(rego)}}}}}, options{})
		if len(c.problems) == 0 && len(c.rules) == 0 {
			t.Error("no problem and no rule")
		}
	})
}
