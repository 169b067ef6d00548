package schemas_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"cdgate.dev/cdgate/schemas"
)

const pentestCUE = `package kinds

import "list"
import "strings"

// A penetration test by people from outside.
#pentest: {
	// Who did it.
	company!: string & strings.MinRunes(1)
	performedAt: =~"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
	days: int & >=1 & <=90
	scope: *"application" | "application" | "network"
	findings: [...#Finding]
	testers: [...string] & list.MinItems(1)
	notes: *"" | string
	byArea: [string]: int
}
#Finding: {
	title!: string
	severity!: "critical" | "high" | "low"
	fixed: bool | *false
}
`

const pentestSchema = `{"$schema": "https://json-schema.org/draft/2020-12/schema", "description": "A penetration test by people from outside.",
"type": "object", "additionalProperties": false, "required": ["company", "performedAt", "days", "findings", "testers", "byArea", "scope", "notes"], "properties": {
"company": {"type": "string", "minLength": 1}, "performedAt": {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"},
"days": {"type": "integer", "minimum": 1, "maximum": 90}, "scope": {"enum": ["application", "network"]},
"notes": {"type": "string"}, "testers": {"type": "array", "minItems": 1, "items": {"type": "string"}},
"byArea": {"type": "object", "additionalProperties": {"type": "integer"}},
"findings": {"type": "array", "items": {"type": "object", "additionalProperties": false, "required": ["title", "severity", "fixed"], "properties": {
"title": {"type": "string"}, "severity": {"enum": ["critical", "high", "low"]}, "fixed": {"type": "boolean"}}}}}}`

const pentestReport = `{"testers":["Ann"],"company":"Acme","performedAt":"2026-01-02","days":3,"byArea":{"b":1,"a":9007199254740993},"findings":[{"title":"t","severity":"high"}]}`

func ownKind(t *testing.T, file, src string) *schemas.OwnKind {
	t.Helper()
	k, err := schemas.ParseOwnKind(file, []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// TestOwnKind reads the same kind from CUE and from a JSON Schema: the same documents fit both and become the same, total
// bytes; each misfit is refused by both, with its place.
func TestOwnKind(t *testing.T) {
	const want = `{"byArea":{"a":9007199254740993,"b":1},"company":"Acme","days":3,"findings":[{"fixed":false,"severity":"high","title":"t"}],` +
		`"notes":"","performedAt":"2026-01-02","scope":"application","testers":["Ann"]}`
	for file, src := range map[string]string{"kinds/pentest.cue": pentestCUE, "kinds/pentest.schema.json": pentestSchema} {
		t.Run(file, func(t *testing.T) {
			k := ownKind(t, file, src)
			if k.Name != "pentest" || k.Doc != "A penetration test by people from outside." {
				t.Errorf("kind %q: %q", k.Name, k.Doc)
			}
			report := pentestReport
			if strings.HasSuffix(file, ".json") { // JSON Schema has no defaults
				report = strings.NewReplacer(`{"testers"`, `{"scope":"application","notes":"","testers"`, `"severity":"high"`, `"fixed":false,"severity":"high"`).Replace(report)
			}
			for range 2 {
				got, err := k.Read("p.json", []byte(report))
				if err != nil || string(got) != want {
					t.Fatalf("%v\n got %s\nwant %s", err, got, want)
				}
				if again, err := k.Read("p.json", got); err != nil || string(again) != want {
					t.Errorf("read twice: %v %s", err, again)
				}
			}
			for was, bad := range map[string][2]string{
				`"days":3`:             {`"days":0`, "days"},
				`"days":3,`:            {``, "days"},
				`"company":"Acme"`:     {`"company":""`, "company"},
				`"severity":"high"`:    {`"severity":"High"`, "severity"},
				`["Ann"]`:              {`[]`, "testers"},
				`"title":"t"`:          {`"title":null`, "title"},
				`"findings":[`:         {`"finding":[`, "finding"},
				`2026-01-02`:           {`2026`, "performedAt"},
				`{"testers"`:           {`{"company":"x","testers"`, "company"},
				`{"title":"t"`:         {`{"extra":1,"title":"t"`, "extra"},
				`"byArea":{"b":1`:      {`"byArea":{"b":"1"`, "byArea.b"},
				`9007199254740993`:     {`1.5`, "byArea.a"},
				`"performedAt":"2026-`: {`"PerformedAt":"2026-`, "PerformedAt"},
			} {
				text := strings.Replace(report, was, bad[0], 1)
				if was == `{"testers"` {
					text = `{"company":"x",` + report[1:]
				}
				if text == report {
					t.Fatalf("%s changed nothing", was)
				}
				if _, err := k.Read("p.json", []byte(text)); err == nil || !strings.Contains(err.Error(), bad[1]) {
					t.Errorf("%s: %v, want an error about %s", text, err, bad[1])
				}
			}
		})
	}
	a, b := ownKind(t, "kinds/pentest.cue", pentestCUE).Types(), ownKind(t, "kinds/pentest.schema.json", pentestSchema).Types()
	if !reflect.DeepEqual(a, b) {
		x, _ := json.Marshal(a)
		y, _ := json.Marshal(b)
		t.Errorf("types differ\n CUE  %s\n JSON %s", x, y)
	}
}

// TestOwnKindRefused: a definition that is open, may be null, absent or of any type, or computes, is refused with what to do.
func TestOwnKindRefused(t *testing.T) {
	ownKind(t, "kinds/pentest.cue", pentestCUE) // the twin
	for was, bad := range map[string][2]string{
		"package kinds":           {"package kind", "package kinds"},
		"#pentest: {":             {"#pentests: {", "#pentest"},
		"company!: string":        {"company?: string", "default"},
		"days: int & >=1 & <=90":  {"days: _", "days"},
		`notes: *"" | string`:     {`notes: null | string`, "null"},
		"byArea: [string]: int":   {"byArea: {...}", "byArea"},
		"days: int & >=1 & <=9":   {"days: int | string //", "days"},
		"title!: string":          {"title!: string\n\t...", "closed"},
		"findings: [...#Finding]": {"findings: [...]", "findings"},
		"fixed: bool | *false":    {"fixed: bool | *len(title)", "function"},
		`import "list"`:           {`import "list"` + "\n" + `import "net"`, "imports"},
		"#Finding: {":             {"#Finding: {\n\tinner: [...#Finding]", "refers to itself"},
	} {
		text := strings.Replace(pentestCUE, was, bad[0], 1)
		_, err := schemas.ParseOwnKind("kinds/pentest.cue", []byte(text))
		if text == pentestCUE || err == nil || !strings.Contains(err.Error(), bad[1]) {
			t.Errorf("%s → %s: %v, want an error with %q", was, bad[0], err, bad[1])
		}
	}
	for was, bad := range map[string][2]string{
		`"additionalProperties": false, "required": ["company"`: {`"required": ["company"`, "closed"},
		`"required": ["company", `:                              {`"required": [`, "required"},
		`"type": "integer", "minimum"`:                          {`"type": ["integer","null"], "minimum"`, "null"},
		`"minLength": 1`:                                        {`"format": "email", "minLength": 1`, ""},
		`{"$schema"`:                                            {`{"type":"object","$schema"`, "type"},
		`"type": "array", "minItems": 1, "items": {"type": "string"}`: {`"type": "array"`, "testers"},
	} {
		text := strings.Replace(pentestSchema, was, bad[0], 1)
		_, err := schemas.ParseOwnKind("kinds/pentest.schema.json", []byte(text))
		if text == pentestSchema || err == nil && bad[1] != "" || err != nil && !strings.Contains(err.Error(), bad[1]) {
			t.Errorf("%s → %s: %v, want an error with %q", was, bad[0], err, bad[1])
		}
	}
	for _, file := range []string{"kinds/Pentest.cue", "kinds/a.cue", "kinds/pen-test.cue", "kinds/pentest.yaml", "kinds/.cue"} {
		if _, err := schemas.ParseOwnKind(file, []byte(pentestCUE)); err == nil {
			t.Errorf("%s was accepted", file)
		}
	}
}
