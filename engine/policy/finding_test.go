package policy

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"cdgate.dev/cdgate/schemas"
)

// Every body is the object of one needs_approval finding; bad ones name the words of the message.
var findingCases = []struct {
	body  string
	words []string // nil: accepted
}{
	{`"text"`, nil},
	{`""`, []string{"empty"}},
	{`" "`, []string{"empty"}},
	{`3`, []string{"text or an object", "number"}},
	{`null`, []string{"null"}},
	{`["a"]`, []string{"array"}},
	{`true`, []string{"boolean"}},
	{`{}`, []string{"no msg"}},
	{`{"msg": ""}`, []string{"empty msg"}},
	{`{"msg": 3}`, []string{"msg has to be a text"}},
	{`{"msg": "m"}`, nil},
	{`{"msg": "m", "ID": "x"}`, []string{`unknown key "ID"`, `did you mean "id"`}},
	{`{"msg": "m", "severity": "x"}`, []string{`unknown key "severity"`, "valid keys"}},
	{`{"msg": "m", "cause": "window"}`, []string{`unknown key "cause"`}},
	{`{"msg": "m", 3: "x"}`, []string{"key that is no text"}},
	{`{"msg": "m", "id": 3}`, []string{"id has to be a text"}},
	{`{"msg": "m", "observed": 3.5, "expected": true}`, nil},
	{`{"msg": "m", "observed": [1]}`, []string{"observed"}},
	{`{"msg": "m", "evidence": ["a", "b"]}`, nil},
	{`{"msg": "m", "evidence": {"a"}}`, nil},
	{`{"msg": "m", "evidence": "a"}`, []string{"evidence has to be a list"}},
	{`{"msg": "m", "evidence": [3]}`, []string{"evidence has to hold texts"}},
	{`{"msg": "m", "inconclusive": true}`, nil},
	{`{"msg": "m", "inconclusive": "yes"}`, []string{"inconclusive has to be true or false"}},
	{`{"msg": "m", "requirement": {}}`, nil},
	{`{"msg": "m", "requirement": "eva"}`, []string{"requirement has to be an object"}},
	{`{"msg": "m", "requirement": {"roles": []}}`, []string{"roles is empty"}},
	{`{"msg": "m", "requirement": {"roles": [""]}}`, []string{"roles"}},
	{`{"msg": "m", "requirement": {"roles": ["a"], "count": 0}}`, []string{"count", "from 1 to"}},
	{`{"msg": "m", "requirement": {"roles": ["a"], "count": 1.5}}`, []string{"count"}},
	{`{"msg": "m", "requirement": {"roles": ["a"], "count": "2"}}`, []string{"count"}},
	{`{"msg": "m", "requirement": {"roles": ["a"], "count": 101}}`, []string{"count"}},
	{`{"msg": "m", "requirement": {"roles": ["a"], "meaning": "aproval"}}`, []string{`did you mean "approval"`}},
	{`{"msg": "m", "requirement": {"roles": ["a"], "validHours": -1}}`, []string{"validHours"}},
	{`{"msg": "m", "requirement": {"roles": ["a"], "via": "github"}}`, []string{`unknown key "via"`}},
	{`{"msg": "m", "requirement": {"roles": ["b", "a", "a"], "count": 2, "meaning": "release", "validHours": 8, "vetoRoles": []}}`, nil},
}

func TestFindings(t *testing.T) {
	for _, tt := range findingCases {
		t.Run(tt.body, func(t *testing.T) {
			rule := "package rules.a.b\n\nneeds_approval contains f if f := " + tt.body + "\n"
			rules, err := inProcess(one(t, rule), noInput)
			if tt.words != nil {
				refused(t, err, append(tt.words, "rule a.b")...)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if rules[0].Result != Failed || len(rules[0].Findings) != 1 {
				t.Errorf("got %+v", rules[0])
			}
		})
	}
}

// What a rule may give is what schemas/rule.cue says, but for sets, keys that are no texts, and the default roles.
func TestFindingsAgreeWithTheSchema(t *testing.T) {
	for _, tt := range findingCases {
		if strings.Contains(tt.body, `{"a"}`) || strings.Contains(tt.body, "3: ") || strings.Contains(tt.body, `"requirement": {}`) {
			continue
		}
		err := schemas.ValidateJSON(schemas.Finding, "finding", []byte(tt.body))
		if strings.Contains(tt.body, `["b", "a", "a"]`) {
			continue // the schema wants distinct roles, the reader makes them so
		}
		if (err == nil) != (tt.words == nil) {
			t.Errorf("%s: accepted by one of the two only: %v", tt.body, err)
		}
	}
}

func TestRequirementsOfABlockAreRefused(t *testing.T) {
	rule := "package rules.a.b\n\n%s contains {\"msg\": \"m\", \"requirement\": {\"roles\": [\"a\"]}} if true\n"
	for _, head := range []string{"block", "deny", "violation_x", "warn"} {
		_, err := inProcess(one(t, fmt.Sprintf(rule, head)), noInput)
		refused(t, err, "only `needs_approval` may")
	}
	if _, err := inProcess(one(t, fmt.Sprintf(rule, "needs_approval")), noInput); err != nil {
		t.Errorf("twin: %v", err)
	}
}

func TestRequirementDefaults(t *testing.T) {
	rules, err := inProcess(one(t, `package rules.a.b

needs_approval contains {"id": "1", "msg": "m", "requirement": {}}

needs_approval contains {"id": "2", "msg": "m", "requirement": {"roles": {"b", "a"}}}

needs_approval contains {"id": "3", "msg": "m", "requirement": {"roles": ["a"], "vetoRoles": []}}

needs_approval contains {"id": "4", "msg": "m"}
`), noInput)
	if err != nil {
		t.Fatal(err)
	}
	want := []*Requirement{
		{Roles: []string{"release-manager"}, Count: 1, Meaning: "approval", ValidHours: 72, VetoRoles: []string{"release-manager"}},
		{Roles: []string{"a", "b"}, Count: 1, Meaning: "approval", ValidHours: 72, VetoRoles: []string{"a", "b"}},
		{Roles: []string{"a"}, Count: 1, Meaning: "approval", ValidHours: 72, VetoRoles: []string{}},
		nil,
	}
	for i, f := range rules[0].Findings {
		if !reflect.DeepEqual(f.Requirement, want[i]) {
			t.Errorf("%s: %+v, want %+v", f.ID, f.Requirement, want[i])
		}
	}
}

func TestOneRequirementIDWithTwoContents(t *testing.T) {
	rule := `package rules.a.b

needs_approval contains {"id": "1", "msg": "m", "requirement": {"roles": ["a"]}}

needs_approval contains {"id": "%s", "msg": "n", "requirement": {"roles": ["b"]}}
`
	_, err := inProcess(one(t, fmt.Sprintf(rule, "1")), noInput)
	refused(t, err, "different requirements")
	if _, err := inProcess(one(t, fmt.Sprintf(rule, "2")), noInput); err != nil {
		t.Errorf("twin: %v", err)
	}
}

func TestFindingsAreSortedAndCollapsed(t *testing.T) {
	rules, err := inProcess(one(t, `package main

deny contains "same"

deny_again contains "same"

violation contains {"msg": "a"}

warn contains "first of all"

deny contains {"msg": "b", "id": "2"}

deny contains {"msg": "z", "id": "1"}
`), noInput)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range rules[0].Findings {
		got = append(got, fmt.Sprintf("%s %s %s", f.Effect, f.ID, f.Msg))
	}
	want := []string{"block  a", "block  same", "block 1 z", "block 2 b", "warn  first of all"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if rules[0].Code != "main" || rules[0].Strongest != Block {
		t.Errorf("got %+v", rules[0])
	}
}
