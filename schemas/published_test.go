package schemas_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"cdgate.dev/cdgate/schemas"
)

var update = flag.Bool("update", false, "write schemas/json anew")

// TestPublishedSchemas holds the files in json/ to what the definitions say, and finds files of documents that are gone.
func TestPublishedSchemas(t *testing.T) {
	known := map[string]bool{}
	for _, doc := range schemas.Documents() {
		file := filepath.Join("json", string(doc)+".json")
		known[file] = true
		want, err := schemas.JSONSchema(doc)
		if err != nil {
			t.Errorf("%s: %v", doc, err)
			continue
		}
		if *update {
			if err := os.WriteFile(file, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(file)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is stale: run `go generate ./schemas`", file)
		}
	}
	files, err := filepath.Glob("json/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if !known[file] {
			t.Errorf("%s belongs to no document: remove it", file)
		}
	}
}
