package schemas_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"cdgate.dev/cdgate/schemas"
)

const floor = `package params

import "list"

// Lowest line coverage in percent.
line: number & >=0 & <=100 | *80 @tighter(up)

// Levels that must have passed.
levels: [string, ...string] | *["unit"] @tighter(more)

// Findings that do not count.
ignore: [...string] & list.MaxItems(3) | *["a", "b"] @tighter(fewer)

#Severity: "high" | "low"

// Lowest severity that counts.
severity: #Severity | *"high"

// Most findings of each severity.
most: {
	// Critical ones.
	critical: int & >=0 | *0
	// High ones.
	high: int & >=0 | *5
} @tighter(down)

// Oldest report.
age: string | *"24h" @tighter(down)

// Whether retries are forbidden.
strict: bool | *false @tighter(up)

// Owner of each component.
owners: [string]: string @tighter(more)
`

const compulsory = "package params\n\n// Repositories.\nrepositories: [...string]\n"

type values = map[string]map[string]any

func TestParamsDefaultsAndTypes(t *testing.T) {
	text, types, err := schemas.Params(map[string][]byte{"tests.coverage_floor": []byte(floor)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"tests":{"coverage_floor":{"age":"24h","ignore":["a","b"],"levels":["unit"],"line":80,"most":{"critical":0,"high":5},"owners":{},"severity":"high","strict":false}}}`
	if string(text) != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
	var wantTypes map[string]any
	if err := json.Unmarshal([]byte(`{"type":"object","additionalProperties":false,"properties":{"tests":{"type":"object","additionalProperties":false,"properties":{
		"coverage_floor":{"type":"object","additionalProperties":false,"properties":{
			"age":{"type":"string"},"ignore":{"type":"array","items":{"type":"string"}},"levels":{"type":"array","items":{"type":"string"}},
			"line":{"type":"number"},"most":{"type":"object","additionalProperties":false,"properties":{"critical":{"type":"integer"},"high":{"type":"integer"}}},
			"owners":{"type":"object","additionalProperties":{"type":"string"}},"severity":{"type":"string","enum":["high","low"]},"strict":{"type":"boolean"}}}}}}}`), &wantTypes); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(types, wantTypes) {
		t.Errorf("got  %v\nwant %v", types, wantTypes)
	}
}

// TestParamsLayers lays layers on each other: the first is free within the definitions, the second may only tighten.
// Every refusal stands beside the change in the other direction, which passes.
func TestParamsLayers(t *testing.T) {
	for name, c := range map[string]struct {
		param           string
		base, up        any // up tightens
		loose           any // loose does not
		want, looseSays string
	}{
		"number up": {"line", 60, 70.5, 59.9, `"line":70.5`, `59.9 would loosen the 60 that stands below it; it may only go up`},
		"list more": {"levels", []string{"unit"}, []string{"acceptance", "unit"}, []string{"acceptance"}, `"levels":["acceptance","unit"]`,
			`["acceptance"] would loosen the ["unit"] that stands below it; entries may only be added`},
		"list fewer": {"ignore", []any{"x", "y"}, []any{"y"}, []any{"y", "z"}, `"ignore":["y"]`,
			`["y","z"] would loosen the ["x","y"] that stands below it; entries may only be taken away`},
		"no mark": {"severity", "low", "low", "high", `"severity":"low"`,
			`"high" would loosen the "low" that stands below it; its definition has no @tighter, so no overlay may change it`},
		"duration down": {"age", "48h", "90m", "72h", `"age":"90m"`, `"72h" would loosen the "48h" that stands below it; it may only go down`},
		"no duration":   {"age", "48h", "48h", "soon", `"age":"48h"`, `"soon" would loosen the "48h" that stands below it; it may only go down`},
		"boolean up":    {"strict", true, true, false, `"strict":true`, `false would loosen the true that stands below it; it may only go up`},
		"new key":       {"owners", map[string]any{"a": "eva"}, map[string]any{"b": "sam"}, map[string]any{"a": "sam"}, `"owners":{"a":"eva","b":"sam"}`, ``},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string][]byte{"tests.coverage_floor": []byte(floor)}
			layers := func(over any) []schemas.Layer {
				return []schemas.Layer{
					{Name: "gate.yaml", Values: values{"tests.coverage_floor": {c.param: c.base}}},
					{Name: "overlay", Values: values{"tests.coverage_floor": {c.param: over}}},
				}
			}
			text, _, err := schemas.Params(files, layers(c.up))
			if err != nil || !strings.Contains(string(text), c.want) {
				t.Errorf("tighter: got %s, %v; want %s", text, err, c.want)
			}
			_, _, err = schemas.Params(files, layers(c.loose))
			if err == nil {
				t.Fatal("the loosening was accepted")
			}
			if want := "overlay: tests.coverage_floor." + c.param + ": " + c.looseSays; c.looseSays != "" && err.Error() != want {
				t.Errorf("got  %s\nwant %s", err, want)
			}
			noJargon(t, err)
		})
	}
}

// TestParamsNested: members of an object are merged and judged one by one.
func TestParamsNested(t *testing.T) {
	files := map[string][]byte{"tests.coverage_floor": []byte(floor)}
	over := func(most map[string]any) []schemas.Layer {
		return []schemas.Layer{{Name: "gate.yaml"}, {Name: "overlay", Values: values{"tests.coverage_floor": {"most": most}}}}
	}
	text, _, err := schemas.Params(files, over(map[string]any{"high": 1}))
	if err != nil || !strings.Contains(string(text), `"most":{"critical":0,"high":1}`) {
		t.Errorf("got %s, %v", text, err)
	}
	_, _, err = schemas.Params(files, over(map[string]any{"high": 6}))
	want := "overlay: tests.coverage_floor.most.high: 6 would loosen the 5 that stands below it; it may only go down"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestParamsRefusals(t *testing.T) {
	files := map[string][]byte{"tests.coverage_floor": []byte(floor), "release.subject_pinned": []byte(compulsory)}
	good := values{"release.subject_pinned": {"repositories": []string{"acme/shop"}}}
	if _, _, err := schemas.Params(files, []schemas.Layer{{Name: "gate.yaml", Values: good}}); err != nil {
		t.Fatalf("the twin: %v", err)
	}
	for name, c := range map[string]struct {
		values values
		want   string
	}{
		"unset": {values{}, "release/subject_pinned/params.cue: release.subject_pinned.repositories: the parameter is not set and has no default; " +
			"set params: {release.subject_pinned: {repositories: …}} on the target in gate.yaml"},
		"unknown rule": {values{"tests.coverage_flor": {"line": 1}}, "gate.yaml: tests.coverage_flor: no selected rule with this code has parameters; " +
			`did you mean "tests.coverage_floor"? rules with parameters: release.subject_pinned, tests.coverage_floor`},
		"unknown parameter": {values{"tests.coverage_floor": {"lines": 1}}, "gate.yaml: tests.coverage_floor.lines: unknown parameter; " +
			`did you mean "line"? parameters of the rule: age, ignore, levels, line, most, owners, severity, strict`},
		"out of bounds":  {values{"tests.coverage_floor": {"line": 101}}, "gate.yaml: tests.coverage_floor.line: must be a number of at least 0 and at most 100, not 101"},
		"wrong type":     {values{"tests.coverage_floor": {"line": "80"}}, `gate.yaml: tests.coverage_floor.line: must be a number of at least 0 and at most 100, not "80"`},
		"empty list":     {values{"tests.coverage_floor": {"levels": []string{}}}, "gate.yaml: tests.coverage_floor.levels: must have at least 1 entry"},
		"too many":       {values{"tests.coverage_floor": {"ignore": []string{"a", "b", "c", "d"}}}, "gate.yaml: tests.coverage_floor.ignore: must have at most 3 entries"},
		"not in enum":    {values{"tests.coverage_floor": {"severity": "hihg"}}, `gate.yaml: tests.coverage_floor.severity: must be one of "high", "low", not "hihg"; did you mean "high"?`},
		"nothing":        {values{"tests.coverage_floor": {"line": nil}}, `gate.yaml: tests.coverage_floor.line: must be a number of at least 0 and at most 100, not nothing`},
		"unknown member": {values{"tests.coverage_floor": {"most": map[string]any{"hihg": 1}}}, `gate.yaml: tests.coverage_floor.most.hihg: unknown parameter; did you mean "high"? parameters of the rule: critical, high`},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := schemas.Params(files, []schemas.Layer{{Name: "gate.yaml", Values: c.values}})
			if err == nil {
				t.Fatal("accepted")
			}
			if err.Error() != c.want {
				t.Errorf("got  %s\nwant %s", err, c.want)
			}
			noJargon(t, err)
		})
	}
}

// TestParamFiles refuses what a params.cue may not hold.
func TestParamFiles(t *testing.T) {
	for name, c := range map[string]struct{ src, want string }{
		"no package":    {"// A.\na: int | *1\n", "a/b/params.cue:2:1: does not start with `package params`; put it on the first line"},
		"other package": {"package other\n", "a/b/params.cue:1:1: does not start with `package params`; put it on the first line"},
		"import":        {"package params\nimport \"encoding/base64\"\n", "a/b/params.cue:2:8: imports \"encoding/base64\"; only \"list\" and \"strings\" can be imported"},
		"unknown mark":  {"package params\na: int | *1 @tighter(upp)\n", "a/b/params.cue:2:13: unknown mark \"@tighter(upp)\"; @tighter(up), @tighter(down), @tighter(more) and @tighter(fewer) are known"},
		"nested mark":   {"package params\na: {b: int | *1 @tigther(up)}\n", "a/b/params.cue:2:17: unknown mark \"@tigther(up)\"; @tighter(up), @tighter(down), @tighter(more) and @tighter(fewer) are known"},
		"recursion":     {"package params\n#T: {a?: #T, b?: #T}\nt: #T\n", "a/b/params.cue:1:1: is too large when every reference is followed, or refers to itself; write definitions that do not multiply"},
		"multiplying":   {multiplying(30), "a/b/params.cue:1:1: is too large when every reference is followed, or refers to itself; write definitions that do not multiply"},
		"computing":     {"package params\na: string | *(\"x\" * 1000000000)\n", "a/b/params.cue:2:15: computes with *; write the value itself"},
		"repeating":     {"package params\nimport \"strings\"\na: string | *strings.Repeat(\"x\", 1000000000)\n", "a/b/params.cue:3:14: calls a function; only close, list.MinItems, list.MaxItems, list.UniqueItems, strings.MinRunes, strings.MaxRunes can be used"},
		"interpolation": {"package params\na: string | *\"x\"\nb: string | *\"\\(a)y\"\n", "a/b/params.cue:3:14: computes a value; write the value itself"},
		"loop":          {"package params\na: [for x in [1, 2] {x}]\n", "a/b/params.cue:2:5: computes a value; write the value itself"},
		"optional":      {"package params\na?: int\n", "a/b/params.cue:2:1: the parameter \"a\" is marked with ? or !; a parameter always has a value: leave the mark out and give a default, or none to make setting it compulsory"},
		"bad name":      {"package params\n\"a-b\": int | *1\n", "a/b/params.cue:2:1: the name \"a-b\" cannot be used in a policy; use letters, digits and _"},
		"comprehension": {"package params\nif true {a: 1}\n", "a/b/params.cue:2:1: computes a value; write the value itself"},
		"embedding":     {"package params\n#A: {a: int | *1}\n#A\n", "a/b/params.cue:3:1: is not a parameter; write one field per parameter: its name, a colon, its type and default"},
		"syntax":        {"package params\na: {\n", "a/b/params.cue:2:6: is not CUE: expected '}', found 'EOF'"},
		"conflict":      {"package params\na: int & string\n", "a/b/params.cue:2:4: does not compile: a: conflicting values int and string (mismatched types int and string)"},
		"too large":     {"package params\n//" + strings.Repeat("x", 70000), "a/b/params.cue: larger than 65536 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := schemas.Params(map[string][]byte{"a.b": []byte(c.src)}, nil)
			if err == nil {
				t.Fatal("accepted")
			}
			if err.Error() != c.want {
				t.Errorf("got  %s\nwant %s", err, c.want)
			}
		})
	}
	for _, twin := range []string{"package params\na: int | *1 @tighter(up)\n", multiplying(5), floor} {
		if _, _, err := schemas.Params(map[string][]byte{"a.b": []byte(twin)}, nil); err != nil {
			t.Errorf("the twin: %v", err)
		}
	}
}

// multiplying gives a file of n lines, each of which uses the next twice.
func multiplying(n int) string {
	src := "package params\n"
	for i := range n {
		src += fmt.Sprintf("#A%d: {x: #A%d, y: #A%d}\n", i, i+1, i+1)
	}
	return src + fmt.Sprintf("#A%d: int | *1\nt: #A0\n", n)
}

func TestParamDocs(t *testing.T) {
	got, err := schemas.ParamDocs([]byte(floor))
	if err != nil {
		t.Fatal(err)
	}
	want := []schemas.ParamDoc{
		{"line", "a number of at least 0 and at most 100", "80", "Lowest line coverage in percent", "up"},
		{"levels", "a list with at least 1 entry, each a text", `["unit"]`, "Levels that must have passed", "more"},
		{"ignore", "a list with at most 3 entries, each a text", `["a","b"]`, "Findings that do not count", "fewer"},
		{"severity", `one of "high", "low"`, `"high"`, "Lowest severity that counts", ""},
		{"most", "an object {critical: a whole number of at least 0, high: a whole number of at least 0}", `{"critical":0,"high":5}`, "Most findings of each severity", "down"},
		{"age", "a text", `"24h"`, "Oldest report", "down"},
		{"strict", "true or false", "false", "Whether retries are forbidden", "up"},
		{"owners", "an object with free keys, each value a text", "{}", "Owner of each component", "more"},
	}
	if !reflect.DeepEqual(got, want) {
		for i := range max(len(got), len(want)) {
			t.Errorf("got  %+v\nwant %+v", got[i], want[i])
		}
	}
}

// TestParamsOverlap: two rules cannot claim the same place below data.params.
func TestParamsOverlap(t *testing.T) {
	one := []byte("package params\n// X.\nb: int | *1\n")
	if _, _, err := schemas.Params(map[string][]byte{"a": one, "a.b": one}, nil); err == nil {
		t.Error("accepted")
	}
	if _, _, err := schemas.Params(map[string][]byte{"a.c": one, "a.b": one}, nil); err != nil {
		t.Errorf("the twin: %v", err)
	}
}
