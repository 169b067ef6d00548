package policy

import (
	"bytes"
	"flag"
	"os"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"cdgate.dev/cdgate/schemas"
)

var update = flag.Bool("update", false, "write input_types.json")

// TestInputTypesFresh holds input_types.json to the schema; -update writes it.
func TestInputTypesFresh(t *testing.T) {
	s, err := schemas.TypeSchema(schemas.Input)
	if err != nil {
		t.Fatal(err)
	}
	want, err := json.Marshal(s, json.Deterministic(true), jsontext.WithIndent(" "))
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, '\n')
	if *update {
		if err := os.WriteFile("input_types.json", want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(want, inputTypes) {
		t.Error("input_types.json is stale: run go test ./engine/policy -run TestInputTypesFresh -update")
	}
}
