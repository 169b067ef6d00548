package schemas_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"cdgate.dev/cdgate/schemas"
)

func sample(t testing.TB, name string) []byte {
	t.Helper()
	src, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return src
}

// TestSamples decodes every good sample, whatever its syntax.
func TestSamples(t *testing.T) {
	for _, doc := range schemas.Documents() {
		files, err := filepath.Glob(filepath.Join("testdata", string(doc), "good*"))
		if err != nil || len(files) == 0 {
			t.Errorf("%s has no sample: %v", doc, err)
		}
		for _, file := range files {
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var out any
			if err := schemas.Decode(doc, file, src, &out); err != nil {
				t.Error(err)
			}
			if filepath.Ext(file) == ".json" {
				if err := schemas.ValidateJSON(doc, file, src); err != nil {
					t.Error(err)
				}
			}
		}
	}
}

type configFile struct {
	APIVersion string `json:"apiVersion"`
	Gate       string `json:"gate"`
	Store      string `json:"store"`
	Log        string `json:"log"`
	Lines      map[string]struct {
		Path     string   `json:"path"`
		Evidence []string `json:"evidence"`
	} `json:"lines"`
}

// TestDecodeDefaults: what a text does not say is filled in, at every depth.
func TestDecodeDefaults(t *testing.T) {
	var c configFile
	if err := schemas.Decode(schemas.Config, ".cdgate.yaml", []byte("apiVersion: cdgate.dev/v1\nlog: elsewhere\nlines: {a: {}}\n"), &c); err != nil {
		t.Fatal(err)
	}
	if c.Gate != "gate.yaml" || c.Store != ".cdgate/store" || c.Log != "elsewhere" || c.Lines["a"].Path != "." || c.Lines["a"].Evidence == nil {
		t.Errorf("got %+v", c)
	}
	var gate map[string]any
	if err := schemas.Decode(schemas.Gate, "gate.yaml", sample(t, "gate/good.yaml"), &gate); err != nil {
		t.Fatal(err)
	}
	at := func(target, key, inner string) any {
		v := gate["targets"].(map[string]any)[target].(map[string]any)[key]
		if m, ok := v.(map[string]any); ok && inner != "" {
			return m[inner]
		}
		return v
	}
	for _, c := range []struct {
		target, key, inner string
		want               any
	}{
		{"staging", "maxAge", "scan", "168h"}, {"staging", "maxAge", "tests", "720h"}, {"staging", "validFor", "", "24h"},
		{"production", "maxAge", "scan", "24h"}, {"production", "maxAge", "build", "720h"}, {"production", "validFor", "", "12h"},
	} {
		if got := at(c.target, c.key, c.inner); got != c.want {
			t.Errorf("%s.%s.%s is %v, want %v", c.target, c.key, c.inner, got, c.want)
		}
	}
	if params, ok := at("staging", "params", "").(map[string]any); !ok || len(params) != 0 {
		t.Errorf("staging.params is %v", at("staging", "params", ""))
	}
}

// TestSyntaxesAgree: the same configuration in YAML, JSON and CUE is the same.
func TestSyntaxesAgree(t *testing.T) {
	var want, got configFile
	yaml := "apiVersion: cdgate.dev/v1\nlines:\n  payments: {path: services/payments, evidence: [trivy.json]}\n"
	if err := schemas.Decode(schemas.Config, "c.yaml", []byte(yaml), &want); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"config/good.json", "config/good.cue"} {
		got = configFile{}
		if err := schemas.Decode(schemas.Config, name, sample(t, name), &got); err != nil {
			t.Fatal(err)
		}
		if got.Lines["payments"].Path != want.Lines["payments"].Path || got.Store != want.Store || len(got.Lines["payments"].Evidence) != 1 {
			t.Errorf("%s: got %+v, want %+v", name, got, want)
		}
	}
}

// TestDecodeIntoTooLittle: a setting that the program has no field for is an error, not a setting without effect.
func TestDecodeIntoTooLittle(t *testing.T) {
	src := []byte("apiVersion: cdgate.dev/v1\n")
	var little struct {
		APIVersion string `json:"apiVersion"`
	}
	if err := schemas.Decode(schemas.Config, ".cdgate.yaml", src, &little); err == nil {
		t.Error("accepted")
	}
	var enough configFile
	if err := schemas.Decode(schemas.Config, ".cdgate.yaml", src, &enough); err != nil {
		t.Errorf("the twin: %v", err)
	}
}

// TestLimits: a text at its limit passes, one byte more is refused before it is read.
func TestLimits(t *testing.T) {
	pad := func(src []byte, size int) []byte { return append(src, bytes.Repeat([]byte(" "), size-len(src))...) }
	predicate := sample(t, "tests/good.json")
	if err := schemas.ValidateJSON(schemas.Tests, "p.json", pad(predicate, 64<<10)); err != nil {
		t.Errorf("at the limit: %v", err)
	}
	err := schemas.ValidateJSON(schemas.Tests, "p.json", pad(predicate, 64<<10+1))
	if err == nil || err.Error() != "p.json: larger than 65536 bytes" {
		t.Errorf("over the limit: %v", err)
	}
	if err := schemas.Decode(schemas.Gate, "gate.yaml", pad(sample(t, "gate/good.yaml"), 1<<20+1), nil); err == nil {
		t.Error("a gate definition of more than 1 MiB was accepted")
	}
	for _, name := range []string{"deep.json", "deep.yaml"} {
		deep := func(n int) []byte {
			inner := strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n)
			return bytes.Replace(sample(t, "gate-signature/good.json"), []byte(`"line": 80`), []byte(`"line": `+inner), 1)
		}
		if err := schemas.Decode(schemas.GateSignature, name, deep(50), nil); err != nil {
			t.Errorf("%s, deep enough: %v", name, err)
		}
		if err := schemas.Decode(schemas.GateSignature, name, deep(70), nil); err == nil || !strings.Contains(err.Error(), "nests too deep") {
			t.Errorf("%s, too deep: %v", name, err)
		}
	}
}

// TestManyProblems: a hopeless file does not fill the screen.
func TestManyProblems(t *testing.T) {
	src := "apiVersion: cdgate.dev/v1\n"
	for i := range 50 {
		src += "x" + strings.Repeat("y", i) + ": 1\n"
	}
	err := schemas.Decode(schemas.Config, ".cdgate.yaml", []byte(src), nil)
	if err == nil {
		t.Fatal("accepted")
	}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != 21 || !strings.HasSuffix(lines[20], "more problems") {
		t.Errorf("%d lines, the last is %q", len(lines), lines[len(lines)-1])
	}
}

// TestParallel uses every entry from many goroutines; the race detector judges.
func TestParallel(t *testing.T) {
	src, predicate := sample(t, "gate/good.yaml"), sample(t, "tests/good.json")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			var out any
			if err := schemas.Decode(schemas.Gate, "gate.yaml", src, &out); err != nil {
				t.Error(err)
			}
			if err := schemas.ValidateJSON(schemas.Tests, "p.json", predicate); err != nil {
				t.Error(err)
			}
			if _, err := schemas.TypeSchema(schemas.Input); err != nil {
				t.Error(err)
			}
			if _, _, err := schemas.Params(map[string][]byte{"tests.coverage_floor": []byte(floor)}, nil); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// FuzzDecode: no text makes a reader panic, and what Decode accepts, ValidateJSON accepts as JSON.
func FuzzDecode(f *testing.F) {
	docs := schemas.Documents()
	for i, doc := range docs {
		files, _ := filepath.Glob(filepath.Join("testdata", string(doc), "good*"))
		for _, file := range files {
			src, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(uint8(i), strings.TrimPrefix(filepath.Ext(file), "."), src)
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, ext string, src []byte) {
		doc := docs[int(which)%len(docs)]
		var out any
		if err := schemas.Decode(doc, "fuzz."+ext, src, &out); err != nil {
			if err.Error() == "" {
				t.Error("an error without words")
			}
			return
		}
		if ext == "json" {
			if err := schemas.ValidateJSON(doc, "fuzz.json", src); err != nil {
				t.Errorf("Decode accepts, ValidateJSON does not: %v", err)
			}
		}
	})
}

// FuzzParams: no params.cue makes the reader panic.
func FuzzParams(f *testing.F) {
	f.Add([]byte(floor), []byte(`{"line": 90}`))
	f.Add([]byte(compulsory), []byte(`{"repositories": ["a"]}`))
	f.Fuzz(func(t *testing.T, src, value []byte) {
		over := map[string]any{"line": string(value)}
		_, _, _ = schemas.Params(map[string][]byte{"a.b": src}, []schemas.Layer{{Name: "base", Values: values{"a.b": over}}})
		_, _ = schemas.ParamDocs(src)
	})
}

func BenchmarkDecodeGate(b *testing.B) {
	src := sample(b, "gate/good.yaml")
	for b.Loop() {
		var out any
		if err := schemas.Decode(schemas.Gate, "gate.yaml", src, &out); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkValidatePredicate(b *testing.B) {
	src := sample(b, "tests/good.json")
	for b.Loop() {
		if err := schemas.ValidateJSON(schemas.Tests, "p.json", src); err != nil {
			b.Fatal(err)
		}
	}
}
