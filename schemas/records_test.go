package schemas_test

import (
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
