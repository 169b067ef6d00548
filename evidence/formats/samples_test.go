package formats

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"cdgate.dev/cdgate/evidence"
)

// wanted is what want.json says about one sample. The values are written by hand, from the sample.
type wanted struct {
	// Error is part of the error that a refused sample gives; Unrecognised says that no format may match it at all.
	Error        string
	Unrecognised bool
	Tool         *evidence.Tool
	Summary      json.RawMessage
	Warnings     []string
	Rows         json.RawMessage
}

// samples returns the samples of a format with what is wanted of them.
func samples(t testing.TB, f evidence.Format) map[string]wanted {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(sampleDir(f), "want.json"))
	if err != nil {
		t.Fatalf("format %s has no samples: %v", f.Name, err)
	}
	var want map[string]wanted
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&want); err != nil {
		t.Fatalf("%s: %v", f.Name, err)
	}
	return want
}

func sampleDir(f evidence.Format) string {
	return filepath.Join("..", folder(f), "testdata", f.Name)
}

// folder is the folder of a format's reader below evidence.
func folder(f evidence.Format) string {
	s, _ := evidence.ShapeOf(f.Kind)
	return s.Folder
}

// TestSamples fails until every format in the list has good and bad samples, is the only one that matches them, and
// reads them as want.json says.
func TestSamples(t *testing.T) {
	for _, f := range All() {
		t.Run(f.Name, func(t *testing.T) {
			want := samples(t, f)
			files, err := os.ReadDir(sampleDir(f))
			if err != nil {
				t.Fatal(err)
			}
			good, bad := 0, 0
			for _, file := range files {
				name := file.Name()
				if name == "want.json" {
					continue
				}
				w, ok := want[name]
				if !ok {
					t.Errorf("want.json says nothing about %s", name)
					continue
				}
				delete(want, name)
				good += strings.Count(name[:5], "good-")
				bad += strings.Count(name[:4], "bad-")
				t.Run(name, func(t *testing.T) {
					b, err := os.ReadFile(filepath.Join(sampleDir(f), name))
					if err != nil {
						t.Fatal(err)
					}
					checkSample(t, f, b, w, strings.HasPrefix(name, "bad-"))
				})
			}
			if good == 0 || bad == 0 {
				t.Errorf("%d good and %d bad samples, want some of both", good, bad)
			}
			for name := range want {
				t.Errorf("want.json names %s, which is not there", name)
			}
		})
	}
}

func checkSample(t *testing.T, f evidence.Format, b []byte, w wanted, bad bool) {
	h := inspect(b[:min(len(b), evidence.HeadBytes)])
	for _, other := range All() {
		if other.Match(h) != (other.Name == f.Name && !w.Unrecognised) {
			t.Errorf("format %s: match %v", other.Name, other.Match(h))
		}
	}
	got, r, rows, err := readAll(b)
	if w.Error != "" {
		if err == nil || !strings.Contains(err.Error(), w.Error) {
			t.Errorf("error %v, want one with %q", err, w.Error)
		}
		if w.Unrecognised != errors.Is(err, ErrUnknown) {
			t.Errorf("error %v, recognised %v", err, !w.Unrecognised)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if got.Name != f.Name {
		t.Fatalf("read as %s", got.Name)
	}
	checkRows(t, f, r, rows)
	var codes []string
	for _, warning := range r.Warnings.List() {
		codes = append(codes, warning.Code)
	}
	if strings.Join(codes, " ") != strings.Join(w.Warnings, " ") {
		t.Errorf("warnings %v, want %v", r.Warnings.List(), w.Warnings)
	}
	if bad && !serious(r) && r.Summary.Tests == nil {
		t.Error("a bad sample without error and without serious warning")
	}
	if bad && r.Summary.Tests != nil && r.Summary.Tests.OK {
		t.Error("a bad sample whose tests are OK")
	}
	sum, err := json.Marshal(r.Summary.Value())
	if err != nil {
		t.Fatal(err)
	}
	same(t, "summary", sum, w.Summary)
	if w.Tool != nil && *w.Tool != r.Tool {
		t.Errorf("tool %+v, want %+v", r.Tool, *w.Tool)
	}
	if w.Rows != nil {
		var doc map[string]json.RawMessage
		if err := json.Unmarshal(rows, &doc); err != nil || len(doc) != 1 {
			t.Fatalf("rows %s: %v", rows, err)
		}
		for _, list := range doc {
			same(t, "rows", list, w.Rows)
		}
	}
}

// same compares two JSON values.
func same(t *testing.T, what string, got, want []byte) {
	t.Helper()
	var g, w any
	if err := json.Unmarshal(got, &g); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(want, &w); err != nil {
		t.Fatalf("%s in want.json: %v", what, err)
	}
	if !reflect.DeepEqual(g, w) {
		t.Errorf("%s\n got %s\nwant %s", what, got, want)
	}
}
