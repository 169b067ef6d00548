package formats

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"cdgate.dev/cdgate/evidence"
)

// corpusFile is one entry of the corpus manifest.
type corpusFile struct {
	Path, Kind, Format, SHA256, Why, Note string
	AlsoRight                             string `json:"also_right"`
	Expect                                json.RawMessage
}

// corpusDir is the folder of the report corpus: CDGATE_CORPUS, or beside the repository.
func corpusDir() string {
	if dir := os.Getenv("CDGATE_CORPUS"); dir != "" {
		return dir
	}
	_, here, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(here), "..", "..", "..", "shared", "corpus")
}

// corpus finds the report corpus, or skips loudly.
func corpus(t testing.TB) (dir string, files []corpusFile) {
	t.Helper()
	dir = corpusDir()
	b, err := os.ReadFile(filepath.Join(dir, "MANIFEST.json"))
	if err != nil {
		t.Skipf("THE CORPUS IS NOT HERE: no report of other people's tools was read. Set CDGATE_CORPUS to its folder. (%v)", err)
	}
	var m struct{ Files []corpusFile }
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	return dir, m.Files
}

// readAll reads a report and returns its rows too.
func readAll(b []byte) (evidence.Format, evidence.Report, []byte, error) {
	var rows bytes.Buffer
	f, r, err := Read(bytes.NewReader(b), "", &rows)
	return f, r, rows.Bytes(), err
}

// serious reports whether a report warns of something that makes it prove less than it seems to.
func serious(r evidence.Report) bool {
	return slices.ContainsFunc(r.Warnings.List(), func(w evidence.Warning) bool { return evidence.Serious(w.Code) })
}

// TestCorpus reads every report of the corpus in a format that is known and compares what is found with the manifest.
func TestCorpus(t *testing.T) {
	dir, files := corpus(t)
	known := map[string]bool{}
	for _, f := range All() {
		known[f.Name] = true
	}
	read := map[string]int{}
	for _, file := range files {
		if file.Kind == "malformed" || !known[file.Format] {
			continue
		}
		read[file.Format]++
		t.Run(file.Path, func(t *testing.T) {
			b, err := os.ReadFile(filepath.Join(dir, file.Path))
			if err != nil {
				t.Fatal(err)
			}
			if sum := sha256.Sum256(b); hex.EncodeToString(sum[:]) != file.SHA256 {
				t.Fatal("the file was changed: its checksum differs from the manifest")
			}
			var want map[string]any
			if err := json.Unmarshal(file.Expect, &want); err != nil {
				t.Fatal(err)
			}
			checkCorpusFile(t, file, b, want)
		})
	}
	t.Logf("reports read by format: %v", read)
}

func checkCorpusFile(t *testing.T, file corpusFile, b []byte, want map[string]any) {
	f, r, rows, err := readAll(b)
	if want["verdict"] == "error" && err == nil && file.AlsoRight == "" {
		t.Fatalf("was read as %s, want an error: %s", f.Name, file.Note)
	}
	if err != nil {
		if want["verdict"] != "error" && file.AlsoRight != "error" {
			t.Fatal(err)
		}
		t.Logf("refused as it should be: %v", err)
		return
	}
	if want["shape"] == "check-runs" {
		file.Format = "github-checks" // the corpus keeps them with deployments
	}
	if f.Name != file.Format {
		t.Fatalf("recognised as %s, want %s", f.Name, file.Format)
	}
	if want["verdict"] == "warning" && !serious(r) {
		t.Errorf("no warning, want one: %s; found %v", file.Note, r.Warnings.List())
	}
	if want["verdict"] == "ok" && serious(r) {
		t.Errorf("serious warnings about a report that is as it should be: %v", r.Warnings.List())
	}
	checkRows(t, f, r, rows)
	got := found(r)
	if own, ok := kindTests[f.Kind]; ok {
		got = own.found(t, r, rows)
	}
	maps.Copy(got, fromRows(t, f, r, rows))
	if tools, ok := want["tools"].([]any); ok {
		checkTool(t, r, tools)
	}
	want["other"] = extra(want)
	if nan, ok := want["nan"].(float64); ok {
		want["no_data"] = nan + want["inf"].(float64)
	}
	if f.Name == "jacoco" || f.Name == "clover" {
		delete(want, "declared_disagrees")
	}
	if f.Name == "robot" || f.Name == "trx" || f.Name == "nunit3" {
		delete(got, "suite_level_problems")
	}
	for key, w := range want {
		if list, ok := w.([]any); ok && key == "format_version" && len(list) == 1 {
			w = list[0]
		}
		g, ok := got[key]
		if !ok {
			continue
		}
		if !equal(g, w) {
			t.Errorf("%s = %v, want %v (%s)", key, g, w, file.Note)
		}
	}
	if d, ok := want["declared_disagrees"].([]any); ok {
		checkDisagreements(t, r, d)
	}
}

// checkDisagreements compares the names of the root's attributes that do not fit with the warnings about them.
func checkDisagreements(t *testing.T, r evidence.Report, want []any) {
	for _, name := range want {
		if !slices.ContainsFunc(r.Warnings.List(), func(w evidence.Warning) bool {
			return w.Code == string(evidence.CountsDisagree) && strings.Contains(w.Msg, " says "+name.(string)+"=")
		}) {
			t.Errorf("no warning that %s disagrees; found %v", name, r.Warnings.List())
		}
	}
	if len(want) == 0 && r.Summary.Coverage != nil && r.Warnings.Count(evidence.CountsDisagree) > 0 {
		t.Errorf("warnings about totals that agree: %v", r.Warnings.List())
	}
}

// TestMalformed reads the broken and hostile inputs: each gets its verdict, quickly and in little memory.
func TestMalformed(t *testing.T) {
	dir, files := corpus(t)
	known := map[string]bool{}
	for _, f := range All() {
		known[f.Name] = true
	}
	for _, file := range files {
		if file.Kind != "malformed" || strings.HasSuffix(file.Path, ".gz") {
			continue // package collect unpacks
		}
		t.Run(filepath.Base(file.Path), func(t *testing.T) {
			b, err := os.ReadFile(filepath.Join(dir, file.Path))
			if err != nil {
				t.Fatal(err)
			}
			var want string
			if err := json.Unmarshal(file.Expect, &want); err != nil {
				t.Fatal(err)
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			f, r, _, err := readAll(b)
			runtime.ReadMemStats(&after)
			if d := time.Since(start); d > 2*time.Second {
				t.Errorf("took %v", d)
			}
			if n := after.TotalAlloc - before.TotalAlloc; n > 256<<20 {
				t.Errorf("used %d bytes", n)
			}
			got := "ok"
			if err != nil {
				got = "error"
			} else if len(r.Warnings.List()) > 0 {
				got = "warning"
			}
			t.Logf("%s %s %v %v", f.Name, got, err, r.Warnings.List())
			if got != want && got != file.AlsoRight && !(want == "warning" && !known[file.Format] && got == "error") {
				t.Errorf("%s, want %s: %s", got, want, file.Why)
			}
		})
	}
}
