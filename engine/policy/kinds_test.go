package policy

import (
	"slices"
	"strings"
	"testing"
)

// TestEveryKindIsTyped: a misspelt field of an item is found in every kind, and so is one of a row. The twins pass.
func TestEveryKindIsTyped(t *testing.T) {
	for _, k := range kindsBut() {
		for field, good := range map[string]bool{"format": true, "fromat": false} {
			c := compile(one(t, "package rules.a.b\n\nblock contains \"x\" if {\n\tsome e in input.evidence."+k+"\n\te."+field+" == \"y\"\n}\n"), options{})
			if got := len(c.problems) == 0; got != good {
				t.Errorf("%s.%s: %v", k, field, c.problems)
			}
		}
	}
	for ref, good := range map[string]bool{
		"vex[_].statements[_].status":            true,
		"vex[_].statements[_].state":             false,
		"metrics[_].series[_].p95.measured":      true,
		"metrics[_].series[_].p95.known":         false,
		"metrics[_].series[_].labels.job":        true,
		"source[_].summary.contributors[_].role": true,
		"source[_].summary.contributors[_].rule": false,
		"demo[_].items[_].state":                 true,
		"demo[_].steps[_].state":                 false,
	} {
		c := compile(one(t, "package rules.a.b\n\nblock contains \"x\" if input.evidence."+ref+"\n"), options{})
		if got := len(c.problems) == 0; got != good {
			t.Errorf("%s: %v", ref, c.problems)
		}
	}
}

// TestReferencesAreFollowed: a reference to nothing is an error and not a type that takes anything.
func TestReferencesAreFollowed(t *testing.T) {
	row := map[string]any{"type": "object"}
	schema := func() map[string]any {
		return map[string]any{"properties": map[string]any{"rows": map[string]any{"items": map[string]any{"$ref": "#/$defs/Row"}}}}
	}
	if follow(schema(), map[string]any{}) == nil {
		t.Error("a reference to nothing was followed")
	}
	good := schema()
	if err := follow(good, map[string]any{"Row": row}); err != nil || property(good, "rows")["items"].(map[string]any)["type"] != "object" {
		t.Errorf("%v %v", good, err)
	}
}

// TestOwnKindNames: an own kind takes neither the name of a built-in kind nor the word that stands for all of them.
func TestOwnKindNames(t *testing.T) {
	for name, word := range map[string]string{"tests": "built in", "all": "every kind", "pentest": ""} {
		files := map[string]string{"r.rego": goodRule, "kinds/" + name + ".cue": "package kinds\n\n// x\n#" + name + ": {\n\tdays!: int\n}\n"}
		kinds, err := OwnKinds([]Source{dir(t, "./p", files)})
		switch {
		case word == "" && (err != nil || len(kinds) != 1):
			t.Errorf("%s: %v %v", name, kinds, err)
		case word != "" && (err == nil || !strings.Contains(err.Error(), word)):
			t.Errorf("%s: %v, want a word of %q", name, err, word)
		}
	}
}

// TestAllKindsAreOptional: "all" stands for own kinds too, which a rule that reads whatever there is would need otherwise.
func TestAllKindsAreOptional(t *testing.T) {
	for metadata, want := range map[string][]string{"optional: [all]": {}, "optional: [" + strings.Join(kindsBut(), ", ") + "]": {"pentest"}} {
		files := map[string]string{"r.rego": ruleWith(metadata, `some k; count(input.evidence[k]) > 5`), "kinds/pentest.cue": "package kinds\n\n// x\n#pentest: {\n\tdays!: int\n}\n"}
		c := compile(Program{Sources: []Source{dir(t, "./p", files)}}, options{})
		if len(c.problems) > 0 {
			t.Fatal(c.problems)
		}
		if got := c.rules[0].Needs; !slices.Equal(got, want) {
			t.Errorf("%s: needs %q, want %q", metadata, got, want)
		}
	}
}
