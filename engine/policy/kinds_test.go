package policy

import "testing"

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
