package schemas_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"cdgate.dev/cdgate/engine/policy"
	"cdgate.dev/cdgate/engine/record"
	"cdgate.dev/cdgate/schemas"
)

// TestRecordStructsAgree compares the Go types of decisions with the published schemas field by field.
func TestRecordStructsAgree(t *testing.T) {
	agree(t, []structCase{
		{schemas.Decision, "", record.Predicate{}},
		{schemas.Finding, "$defs/FindingRequirement", policy.Requirement{}},
	})
}

// TestViewsFit takes the index views out of the sample of the policy input, lets the engine build them, and compares the
// result with the sample, which was written by hand.
func TestViewsFit(t *testing.T) {
	good := sample(t, "input/good.json")
	var want, archived map[string]any
	for _, m := range []*map[string]any{&want, &archived} {
		if err := json.Unmarshal(good, m); err != nil {
			t.Fatal(err)
		}
	}
	views := []string{"byStatus", "flaky", "bySeverity", "suppressed", "byCategory", "byPackage"}
	delete(archived, "vulnerabilities")
	for _, items := range archived["evidence"].(map[string]any) {
		for _, item := range items.([]any) {
			for _, view := range views {
				delete(item.(map[string]any), view)
			}
		}
	}
	text, err := json.Marshal(archived)
	if err != nil {
		t.Fatal(err)
	}
	if err := schemas.ValidateJSON(schemas.Input, "archived", text); err != nil {
		t.Errorf("without views: %v", err)
	}
	full, err := policy.Views(text)
	if err != nil {
		t.Fatal(err)
	}
	if err := schemas.ValidateJSON(schemas.Input, "with views", full); err != nil {
		t.Error(err)
	}
	var got map[string]any
	if err := json.Unmarshal(full, &got); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %s\nwant %v", full, want)
	}
}
