package policy

import (
	"strings"
	"testing"
	"testing/fstest"
)

const goodRule = "package rules.a.b\n\nblock contains \"x\" if input.release.name == \"other\"\n"

// refusals are programs that must not be evaluated, each with what the message has to say, and the same program without
// what is wrong.
var refusals = []struct {
	name  string
	files map[string]string
	words []string
	twin  map[string]string
}{
	{"no file", map[string]string{"README.md": "x"}, []string{"no rule", "valid heads", `"./policies"`}, map[string]string{"r.rego": goodRule}},
	{"only comments", map[string]string{"r.rego": "# nothing\n"}, []string{"r.rego:1", "no package"}, map[string]string{"r.rego": "# nothing\n" + goodRule}},
	{"empty package", map[string]string{"r.rego": "package main\n"}, []string{"no rule"}, map[string]string{"r.rego": "package main\n\ndeny contains \"x\" if false\n"}},
	{"helpers only", map[string]string{"r.rego": "package lib\n\n_x := 1\n"}, []string{"no rule"}, map[string]string{"r.rego": "package lib\n\n_x := 1\n", "s.rego": goodRule}},
	{"rule package without head", map[string]string{"r.rego": goodRule, "s.rego": "package rules.a.c\n\n_x := 1\n"}, []string{"s.rego:1", "rules.a.c has no rule"},
		map[string]string{"r.rego": goodRule, "s.rego": "package rules.a.c\n\nblock contains \"x\" if false\n"}},
	{"does not parse", map[string]string{"r.rego": "package rules.a.b\n\nblock contains if {\n"}, []string{"r.rego:3"}, map[string]string{"r.rego": goodRule}},
	{"old Rego", map[string]string{"r.rego": "package main\n\ndeny[msg] { msg := \"x\" }\n"}, []string{"r.rego:3", "opa fmt"},
		map[string]string{"r.rego": "package main\n\ndeny contains msg if { msg := \"x\" }\n"}},
	{"blocks", map[string]string{"r.rego": goodRule + "blocks contains \"x\" if true\n"}, []string{"r.rego:4", `"blocks"`, "valid heads", "needs_approval contains"},
		map[string]string{"r.rego": goodRule + "_blocks contains \"x\" if true\n"}},
	{"denny", map[string]string{"r.rego": "package main\n\ndenny contains \"x\" if true\n"}, []string{"r.rego:3", `"denny"`}, map[string]string{"r.rego": "package main\n\ndeny contains \"x\" if true\n"}},
	{"needs_aproval", map[string]string{"r.rego": goodRule + "needs_aproval contains \"x\" if true\n"}, []string{"needs_aproval", "valid heads"}, map[string]string{"r.rego": goodRule + "needs_approval contains \"x\" if true\n"}},
	{"block_suffix", map[string]string{"r.rego": goodRule + "block_more contains \"x\" if true\n"}, []string{"block_more"}, map[string]string{"r.rego": goodRule + "deny_more contains \"x\" if true\n"}},
	{"complete block", map[string]string{"r.rego": "package rules.a.b\n\nblock := \"x\"\n"}, []string{"r.rego:3", "set of findings", "single value"}, map[string]string{"r.rego": goodRule}},
	{"default deny", map[string]string{"r.rego": "package main\n\ndefault deny := false\n\ndeny if input.release.name == \"x\"\n"}, []string{"r.rego:3", "default"}, map[string]string{"r.rego": "package main\n\ndeny contains \"m\" if input.release.name == \"x\"\n"}},
	{"function deny", map[string]string{"r.rego": "package main\n\ndeny(x) := x\n"}, []string{"function"}, map[string]string{"r.rego": "package main\n\ndeny contains x if x := \"m\"\n"}},
	{"partial object", map[string]string{"r.rego": "package main\n\nviolation[msg] if msg := \"x\"\n"}, []string{"violation", "object"}, map[string]string{"r.rego": "package main\n\nviolation contains msg if msg := \"x\"\n"}},
	{"allow only", map[string]string{"r.rego": goodRule, "s.rego": "package app\n\ndefault allow := true\n"}, []string{"s.rego:3", "no rule can allow"},
		map[string]string{"r.rego": goodRule, "s.rego": "package app\n\n_allow := true\n"}},
	{"rule outside a category", map[string]string{"r.rego": "package rules.a\n\nblock contains \"x\" if true\n"}, []string{"rules.<category>.<rule>"}, map[string]string{"r.rego": goodRule}},
	{"merging head", map[string]string{"r.rego": goodRule, "s.rego": "package rules.a\n\nb.block contains \"y\" if true\n"}, []string{"s.rego:3", "one plain name"},
		map[string]string{"r.rego": goodRule, "s.rego": "package rules.a.c\n\nblock contains \"y\" if true\n"}},
	{"reaching helper", map[string]string{"r.rego": goodRule, "s.rego": "package rules\n\na.b._x := 1\n"}, []string{"s.rego:3", "reaches into package rules.a.b"},
		map[string]string{"r.rego": goodRule + "_x := 1\n"}},
	{"package params", map[string]string{"r.rego": goodRule, "s.rego": "package params.a\n\nb := 1\n"}, []string{"parameters are put at data.params"}, map[string]string{"r.rego": goodRule, "s.rego": "package other.a\n\nb := 1\n"}},
	{"same code", map[string]string{"r.rego": goodRule, "s.rego": "package a.b\n\ndeny contains \"y\" if true\n"}, []string{"same rule code", "a.b"}, map[string]string{"r.rego": goodRule, "s.rego": "package a.c\n\ndeny contains \"y\" if true\n"}},
	{"data.rules from outside", map[string]string{"r.rego": goodRule, "data.json": `{"rules":{"a":{"c":{"block":[]}}}}`}, []string{"data.json", "data.rules", "may not stand where rules do"},
		map[string]string{"r.rego": goodRule, "data.json": `{"limits":{"a":1}}`}},
	{"data.rules by folder", map[string]string{"r.rego": goodRule, "rules/a/b/data.json": `{"block":[]}`}, []string{"rules/a/b/data.json", "data.rules"}, map[string]string{"r.rego": goodRule, "limits/data.json": `{"block":[]}`}},
	{"data.params from outside", map[string]string{"r.rego": goodRule, "data.json": `{"params":{}}`}, []string{"data.params"}, map[string]string{"r.rego": goodRule, "data.json": `{"parameters":{}}`}},
	{"data at a package", map[string]string{"r.rego": goodRule, "s.rego": "package lib.x\n\n_y := 1\n", "data.json": `{"lib":{"z":1}}`}, []string{"data.lib"}, map[string]string{"r.rego": goodRule, "s.rego": "package lib.x\n\n_y := 1\n", "data.json": `{"bil":{"z":1}}`}},
	{"data with duplicate names", map[string]string{"r.rego": goodRule, "data.json": `{"a":1,"a":2}`}, []string{"data.json", "duplicate"}, map[string]string{"r.rego": goodRule, "data.json": `{"a":1,"b":2}`}},
	{"data that is a list", map[string]string{"r.rego": goodRule, "data.json": `[1]`}, []string{"JSON object"}, map[string]string{"r.rego": goodRule, "data.json": `{"a":[1]}`}},
	{"misspelt field", map[string]string{"r.rego": "package rules.a.b\n\nblock contains \"x\" if {\n\tsome t in input.evidence.tests\n\tt.sumary.failed > 0\n}\n"}, []string{"r.rego:5", `"sumary"`, `did you mean "summary"`, "cases"},
		map[string]string{"r.rego": "package rules.a.b\n\nblock contains \"x\" if {\n\tsome t in input.evidence.tests\n\tt.summary.failed > 0\n}\n"}},
	{"misspelt kind", map[string]string{"r.rego": "package rules.a.b\n\nblock contains \"x\" if count(input.evidence.scans) == 0\n"}, []string{"r.rego:3", `"scans"`, `did you mean "scan"`, strings.Join(kindsBut(), ", ")},
		map[string]string{"r.rego": "package rules.a.b\n\nblock contains \"x\" if count(input.evidence.scan) == 0\n"}},
	{"misspelt in every", map[string]string{"r.rego": "package rules.a.b\n\nblock contains \"x\" if {\n\tevery t in input.evidence.tests {\n\t\tt.summary.complet\n\t}\n}\n"}, []string{"r.rego:5", `"complet"`, `did you mean "complete"`},
		map[string]string{"r.rego": "package rules.a.b\n\nblock contains \"x\" if {\n\tevery t in input.evidence.tests {\n\t\tt.summary.complete\n\t}\n}\n"}},
	{"misspelt behind not", map[string]string{"r.rego": "package rules.a.b\n\nblock contains \"x\" if not input.target.triger\n"}, []string{"r.rego:3", `"triger"`, `did you mean "trigger"`}, map[string]string{"r.rego": "package rules.a.b\n\nblock contains \"x\" if not input.target.trigger\n"}},
	{"misspelt parameter", map[string]string{"r.rego": "package rules.a.b\n\nblock contains \"x\" if data.params.a.b.limt > 1\n", "params.cue": "package params\n\n// l\nlimit: int | *1\n"}, []string{"r.rego:3", `"limt"`, `did you mean "limit"`},
		map[string]string{"r.rego": "package rules.a.b\n\nblock contains \"x\" if data.params.a.b.limit > 1\n", "params.cue": "package params\n\n// l\nlimit: int | *1\n"}},
	{"parameters of nothing", map[string]string{"r.rego": "package rules.a.b\n\nblock contains \"x\" if data.params.a.b.limit > 1\n"}, []string{"r.rego:3"}, map[string]string{"r.rego": goodRule}},
	{"undefined data", map[string]string{"r.rego": "package rules.a.b\n\nblock contains \"x\" if data.lib.x.bad\n", "s.rego": "package lib.x\n\nbed := true\n"}, []string{"r.rego:3", "nothing defines data.lib.x.bad", `did you mean "bed"`},
		map[string]string{"r.rego": "package rules.a.b\n\nblock contains \"x\" if data.lib.x.bed\n", "s.rego": "package lib.x\n\nbed := true\n"}},
	{"undefined function", map[string]string{"r.rego": "package rules.a.b\n\nblock contains \"x\" if nosuch(1)\n"}, []string{"r.rego:3", "nosuch"}, map[string]string{"r.rego": "package rules.a.b\n\nblock contains \"x\" if count([1]) == 1\n"}},
	{"wrong type", map[string]string{"r.rego": "package rules.a.b\n\nblock contains \"x\" if input.release.name == 3\n"}, []string{"r.rego:3"}, map[string]string{"r.rego": "package rules.a.b\n\nblock contains \"x\" if input.release.name == \"3\"\n"}},
	{"unknown metadata key", map[string]string{"r.rego": "# METADATA\n# custom:\n#   effectiveon: never\n" + goodRule}, []string{"r.rego:1", `"effectiveon"`, `did you mean "effective_on"`}, map[string]string{"r.rego": "# METADATA\n# custom:\n#   effective_on: never\n" + goodRule}},
	{"bad effective_on", map[string]string{"r.rego": "# METADATA\n# custom:\n#   effective_on: soon\n" + goodRule}, []string{"soon", "never"}, map[string]string{"r.rego": "# METADATA\n# custom:\n#   effective_on: 2027-01-31\n" + goodRule}},
	{"bad stage", map[string]string{"r.rego": "# METADATA\n# custom:\n#   stages: [deploy]\n" + goodRule}, []string{"deploy", "activate"}, map[string]string{"r.rego": "# METADATA\n# custom:\n#   stages: [activate]\n" + goodRule}},
	{"bad optional", map[string]string{"r.rego": "# METADATA\n# custom:\n#   optional: [vexes]\n" + goodRule}, []string{"vexes", "kinds"}, map[string]string{"r.rego": "# METADATA\n# custom:\n#   optional: [sbom]\n" + goodRule}},
	{"all and more optional", map[string]string{"r.rego": "# METADATA\n# custom:\n#   optional: [all, sbom]\n" + goodRule}, []string{`"all" is every kind`, "alone"}, map[string]string{"r.rego": "# METADATA\n# custom:\n#   optional: [all]\n" + goodRule}},
	{"bad waivable", map[string]string{"r.rego": "# METADATA\n# custom:\n#   waivable: yes please\n" + goodRule}, []string{"waivable", "true or false"}, map[string]string{"r.rego": "# METADATA\n# custom:\n#   waivable: true\n" + goodRule}},
	{"bad controls", map[string]string{"r.rego": "# METADATA\n# custom:\n#   controls: SOC2\n" + goodRule}, []string{"controls", "list"}, map[string]string{"r.rego": "# METADATA\n# custom:\n#   controls: [SOC2]\n" + goodRule}},
	{"key above a rule", map[string]string{"r.rego": "package rules.a.b\n\n# METADATA\n# custom:\n#   stages: [activate]\nblock contains \"x\" if false\n"}, []string{"above a single rule"}, map[string]string{"r.rego": "package rules.a.b\n\n# METADATA\n# title: x\nblock contains \"x\" if false\n"}},
	{"own schemas", map[string]string{"r.rego": "# METADATA\n# schemas:\n#   - input: {type: object}\n" + goodRule}, []string{"may not set schemas"}, map[string]string{"r.rego": "# METADATA\n# title: x\n" + goodRule}},
	{"parameters between rules", map[string]string{"r.rego": goodRule, "s.rego": "package rules.a.c\n\nblock contains \"x\" if false\n", "params.cue": "package params\n\n// l\nlimit: int | *1\n"}, []string{"params.cue", "exactly one rule"},
		map[string]string{"r.rego": goodRule, "c/s.rego": "package rules.a.c\n\nblock contains \"x\" if false\n", "c/params.cue": "package params\n\n// l\nlimit: int | *1\n"}},
	{"parameter without value", map[string]string{"r.rego": goodRule, "params.cue": "package params\n\n// l\nlimit: int\n"}, []string{"limit", "no default"}, map[string]string{"r.rego": goodRule, "params.cue": "package params\n\n// l\nlimit: int | *1\n"}},
	{"conflict with input", map[string]string{"r.rego": goodRule, "s.rego": "package lib.x\n\ninput := 1\n"}, []string{"s.rego:3"}, map[string]string{"r.rego": goodRule, "s.rego": "package lib.x\n\nother := 1\n"}},
	{"recursion", map[string]string{"r.rego": goodRule, "s.rego": "package lib.x\n\np if q\n\nq if p\n"}, []string{"s.rego", "recursive"}, map[string]string{"r.rego": goodRule, "s.rego": "package lib.x\n\np if q\n\nq if true\n"}},
	{"rego.v2", map[string]string{"r.rego": "package rules.a.b\n\nimport rego.v2\n\nblock contains \"x\" if false\n"}, []string{"r.rego"}, map[string]string{"r.rego": "package rules.a.b\n\nimport rego.v1\n\nblock contains \"x\" if false\n"}},
	{"template string", map[string]string{"r.rego": "package rules.a.b\n\nblock contains $\"x {1}\" if true\n"}, []string{"r.rego"}, map[string]string{"r.rego": "package rules.a.b\n\nblock contains \"x\" if true\n"}},
	{"future not", map[string]string{"r.rego": "package rules.a.b\n\nimport future.keywords.not\n\nblock contains \"x\" if false\n"}, []string{"r.rego"}, map[string]string{"r.rego": "package rules.a.b\n\nimport future.keywords.if\n\nblock contains \"x\" if false\n"}},
	{"mocked built-in", map[string]string{"r.rego": "package rules.a.b\n\nblock contains \"x\" if count([1]) == 1 with count as http.send\n"}, []string{"r.rego"}, map[string]string{"r.rego": "package rules.a.b\n\nblock contains \"x\" if count([1]) == 1 with count as max\n"}},
}

func TestRefusals(t *testing.T) {
	for _, tt := range refusals {
		t.Run(tt.name, func(t *testing.T) {
			_, err := inProcess(Program{Sources: []Source{dir(t, "./policies", tt.files)}}, noInput)
			refused(t, err, tt.words...)
			if _, err := inProcess(Program{Sources: []Source{dir(t, "./policies", tt.twin)}}, noInput); err != nil {
				t.Errorf("twin: %v", err)
			}
		})
	}
}

func TestRefusalsAcrossSources(t *testing.T) {
	other := strings.ReplaceAll(goodRule, "a.b", "a.c")
	for name, tt := range map[string]struct {
		second map[string]string
		words  []string
		twin   map[string]string
	}{
		"same package":    {map[string]string{"s.rego": goodRule}, []string{"package rules.a.b is also in source", "./one"}, map[string]string{"s.rego": other}},
		"no rule":         {map[string]string{"s.rego": "package lib.y\n\n_x := 1\n"}, []string{"./two", "no rule"}, map[string]string{"s.rego": "package lib.y\n\n_x := 1\n", "t.rego": other}},
		"same data":       {map[string]string{"s.rego": other, "data.json": `{"limits":{"b":2}}`}, []string{"data.limits is also in source"}, map[string]string{"s.rego": other, "data.json": `{"more":{"b":2}}`}},
		"adds by a head":  {map[string]string{"s.rego": other, "t.rego": "package rules\n\na.b.block contains \"y\" if true\n"}, []string{"one plain name"}, map[string]string{"s.rego": other}},
		"library of both": {map[string]string{"s.rego": other, "t.rego": "package lib.x\n\n_z := 1\n"}, []string{"package lib.x is also in source"}, map[string]string{"s.rego": other, "t.rego": "package lib.z\n\n_z := 1\n"}},
	} {
		t.Run(name, func(t *testing.T) {
			first := dir(t, "./one", map[string]string{"r.rego": goodRule, "l.rego": "package lib.x\n\n_y := 1\n", "data.json": `{"limits":{"a":1}}`})
			_, err := inProcess(Program{Sources: []Source{first, dir(t, "./two", tt.second)}}, noInput)
			refused(t, err, tt.words...)
			if _, err := inProcess(Program{Sources: []Source{first, dir(t, "./two", tt.twin)}}, noInput); err != nil {
				t.Errorf("twin: %v", err)
			}
		})
	}
	src := dir(t, "./one", map[string]string{"r.rego": goodRule})
	twice := src
	twice.Ref = "one"
	_, err := inProcess(Program{Sources: []Source{src, twice}}, noInput)
	refused(t, err, "named twice")
	_, err = inProcess(Program{}, noInput)
	refused(t, err, "no policy source")
}

func TestRefusedDirectories(t *testing.T) {
	big := strings.Repeat("# x\n", maxFile/4+1)
	for name, tt := range map[string]struct {
		files fstest.MapFS
		words []string
	}{
		"rule named like a test": {fstest.MapFS{"load_test.rego": {Data: []byte("package rules.a.load_test\n\nblock contains \"x\" if true\n")}}, []string{"load_test.rego:3", "rename"}},
		"yaml data":              {fstest.MapFS{"r.rego": {Data: []byte(goodRule)}, "data.yaml": {Data: []byte("a: 1")}}, []string{"data.yaml", "data.json"}},
		"huge file":              {fstest.MapFS{"r.rego": {Data: []byte(big)}}, []string{"larger than"}},
		"link":                   {fstest.MapFS{"r.rego": {Data: []byte(goodRule), Mode: 0o777 | 1<<27}}, []string{"no regular file"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Load(tt.files, "./policies")
			refused(t, err, append(tt.words, "./policies")...)
		})
	}
	if _, err := Load(fstest.MapFS{"load_test.rego": {Data: []byte("package x_test\n\ntest_a if true\n")}, "r.rego": {Data: []byte(goodRule)},
		".git/x.rego": {Data: []byte("nonsense")}, "notes.yaml": {Data: []byte("a: 1")}}, "./policies"); err != nil {
		t.Errorf("twin: %v", err)
	}
}
