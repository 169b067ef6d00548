package verify

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/go-json-experiment/json"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/formats"
	"cdgate.dev/cdgate/schemas"
)

// TestReadersWriteWhatIsRead: what the readers make of every good sample can be read again at the evaluation and fits the
// published schemas. A word that only the reader knows would block every release that has it.
func TestReadersWriteWhatIsRead(t *testing.T) {
	read := map[evidence.Kind]int{}
	for _, f := range formats.All() {
		s, ok := evidence.ShapeOf(f.Kind)
		if !ok {
			t.Fatalf("%s is of kind %s, which has no shape", f.Name, f.Kind)
		}
		files, err := filepath.Glob(filepath.Join("..", "..", "evidence", s.Folder, "testdata", f.Name, "good*"))
		if err != nil || len(files) == 0 {
			t.Errorf("%s has no good sample: %v", f.Name, err)
		}
		for _, file := range files {
			read[f.Kind]++
			checkSample(t, f, file)
		}
	}
	if len(read) < 12 {
		t.Errorf("samples of only %d kinds", len(read))
	}
}

func checkSample(t *testing.T, f evidence.Format, file string) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var doc bytes.Buffer
	rows := evidence.NewRows(&doc, f.Kind)
	report, err := f.Read(bytes.NewReader(b), rows)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	if err := rows.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := checkRows(f.Kind, doc.Bytes()); err != nil {
		t.Errorf("%s: rows: %v", file, err)
	}
	if err := schemas.ValidateJSON(schemas.Rows, "rows of "+file, doc.Bytes()); err != nil {
		t.Error(err)
	}
	summary, err := json.Marshal(report.Summary.Value(), json.Deterministic(true), json.FormatNilSliceAsNull(false))
	if err != nil {
		t.Fatal(err)
	}
	if err := checkSummary(f.Kind, summary); err != nil {
		t.Errorf("%s: summary of kind %s: %v", file, f.Kind, err)
	}
}
