package formats

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"testing/iotest"
	"time"

	"cdgate.dev/cdgate/evidence"
)

// fuzzed returns the format that CDGATE_FORMAT names, or every format: a fuzz target runs for one format at a time
// (.tools/fuzz does that for each), and as a test for the seeds of all.
func fuzzed(f *testing.F) []evidence.Format {
	name := os.Getenv("CDGATE_FORMAT")
	if name == "" {
		return All()
	}
	for _, format := range All() {
		if format.Name == name {
			return []evidence.Format{format}
		}
	}
	f.Fatalf("CDGATE_FORMAT: there is no format %q", name)
	return nil
}

// FuzzReader gives changed samples to the readers. None may panic, take long or much memory, write rows that are no rows of
// its kind or do not fit its summary; and it must read the same bytes in the same way, however they arrive.
func FuzzReader(f *testing.F) {
	all := fuzzed(f)
	for _, format := range all {
		seed(f, format)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		head := inspect(b[:min(len(b), evidence.HeadBytes)])
		for _, format := range all {
			if len(all) == 1 || format.Match(head) {
				checkReader(t, format, b)
			}
		}
	})
}

// FuzzDamage damages samples in several ways at once. No reader may see something better in what is left without a serious
// warning, as long as the text still says what is wrong.
func FuzzDamage(f *testing.F) {
	var list []original
	for _, format := range fuzzed(f) {
		list = append(list, originals(f, format)...)
	}
	for i := range list {
		f.Add(uint16(i), []byte{0, byte(i), 3, 7, 1, 200})
	}
	f.Fuzz(func(t *testing.T, which uint16, steps []byte) {
		o := list[int(which)%len(list)]
		m := mutation{text: func() []byte { return o.text }, edits: true}
		for n := 0; n < 4 && len(steps) > 1; n++ {
			text := m.text()
			ways := mutations(text, 100)
			way := ways[(int(steps[0])<<8+int(steps[1]))%len(ways)]
			steps = steps[2:]
			if way.slip && (m.slip || m.doubled) || way.doubled && m.slip {
				continue // a second slip may make it another name, and a second copy a name of its own
			}
			m = mutation{what: m.what + ", " + way.what, text: way.text, edits: true, doubled: m.doubled || way.doubled, slip: m.slip || way.slip}
		}
		if wrong := o.judge(m); wrong != "" {
			t.Fatalf("%s%s, %s:\n%s", o.file, m.what, wrong, m.text())
		}
	})
}

// maxSeed is how large a seed may be: large ones make the fuzzer slow and teach it nothing more.
const maxSeed = 64 << 10

// seed adds the samples of a format, and its reports of the corpus where that is beside the repository.
func seed(f *testing.F, format evidence.Format) {
	files, err := os.ReadDir(sampleDir(format))
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		if b, err := os.ReadFile(filepath.Join(sampleDir(format), file.Name())); err == nil && file.Name() != "want.json" {
			f.Add(b)
		}
	}
	if _, err := os.Stat(filepath.Join(corpusDir(), "MANIFEST.json")); err != nil {
		return
	}
	dir, reports := corpus(f)
	for _, report := range reports {
		if b, err := os.ReadFile(filepath.Join(dir, report.Path)); err == nil && report.Format == format.Name && len(b) <= maxSeed {
			f.Add(b)
		}
	}
}

// outcome is all that comes of reading a report.
type outcome struct {
	report  evidence.Report
	rows    []byte
	summary string
	err     error
}

func readWith(t *testing.T, format evidence.Format, r io.Reader) outcome {
	t.Helper()
	var out bytes.Buffer
	rows := evidence.NewRows(&out, format.Kind)
	report, err := format.Read(r, rows)
	if err == nil {
		err = rows.Close()
	}
	if err != nil {
		return outcome{err: err}
	}
	sum, merr := json.Marshal([]any{report.Summary.Value(), report.Tool, report.Warnings.List()})
	if merr != nil {
		t.Fatal(merr)
	}
	return outcome{report, out.Bytes(), string(sum), nil}
}

// The bounds of one reading: what every reader may take, and what it may take for each byte of the report.
const (
	fuzzTime      = 2 * time.Second
	fuzzMemory    = 16 << 20
	fuzzPerByte   = 4 << 10
	fuzzOneByteTo = 8 << 10
)

func checkReader(t *testing.T, format evidence.Format, b []byte) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	whole := readWith(t, format, bytes.NewReader(b))
	if d := time.Since(start); d > fuzzTime {
		t.Fatalf("%s: %d bytes took %v", format.Name, len(b), d)
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > fuzzMemory+fuzzPerByte*uint64(len(b)) {
		t.Fatalf("%s: %d bytes took %d bytes of memory", format.Name, len(b), n)
	}
	ways := map[string]io.Reader{"again": bytes.NewReader(b), "in halves": iotest.HalfReader(bytes.NewReader(b)), "with its end": iotest.DataErrReader(bytes.NewReader(b))}
	if len(b) <= fuzzOneByteTo {
		ways["byte by byte"] = iotest.OneByteReader(bytes.NewReader(b))
	}
	for how, r := range ways {
		got := readWith(t, format, r)
		if (got.err == nil) != (whole.err == nil) || !bytes.Equal(got.rows, whole.rows) || got.summary != whole.summary {
			t.Fatalf("%s read %s gives another result: %v, %s; whole: %v, %s", format.Name, how, got.err, got.summary, whole.err, whole.summary)
		}
	}
	if whole.err != nil {
		return
	}
	if len(whole.rows) > 100*len(b)+10_000 {
		t.Fatalf("%s: %d bytes of rows from a report of %d", format.Name, len(whole.rows), len(b))
	}
	checkRows(t, format, whole.report, whole.rows)
	checkSums(t, whole.report)
}

// checkSums checks what must hold for every report.
func checkSums(t *testing.T, r evidence.Report) {
	t.Helper()
	if s := r.Summary.Tests; s != nil {
		if s.Passed+s.Failed+s.Errored+s.Skipped+s.Other != s.Total || s.DurationMillis < 0 || s.Flaky > s.Passed {
			t.Fatalf("sums of %+v", s)
		}
		if s.OK && (s.Total == 0 || s.Failed > 0 || s.Errored > 0 || s.Problems > 0 || !s.Complete) {
			t.Fatalf("OK in spite of %+v", s)
		}
	}
	if s := r.Summary.Coverage; s != nil {
		for _, q := range []evidence.Ratio{s.Line, s.Branch, s.Statement, s.Function, s.Instruction} {
			if q.Covered < 0 || q.Covered > q.Total || q.Percent > 1_000_000 || q.Measured != (q.Total > 0) || q.Percent == 1_000_000 && q.Covered < q.Total {
				t.Fatalf("ratio %+v", q)
			}
		}
	}
	if s := r.Summary.Scan; s != nil {
		v := s.BySeverity
		if v.Critical+v.High+v.Medium+v.Low+v.Info+v.Unknown != s.Open {
			t.Fatalf("sums of %+v", s)
		}
		if (!s.Complete || !s.Looked) && !serious(r) {
			t.Fatalf("no warning about %+v", s)
		}
	}
}
