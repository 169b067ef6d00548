package metrics

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"cdgate.dev/cdgate/evidence"
)

// lines is a report of n rows that is made while it is read.
type lines struct {
	head string
	row  func(i int) string
	n, i int
	buf  []byte
}

// Read gives the next rows.
func (l *lines) Read(p []byte) (int, error) {
	if l.i == 0 && l.buf == nil {
		l.buf = []byte(l.head)
	}
	for len(l.buf) < len(p) && l.i < l.n {
		l.buf = append(l.buf, l.row(l.i)...)
		l.i++
	}
	n := copy(p, l.buf)
	l.buf = l.buf[n:]
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

func read(f evidence.Format, r io.Reader) (evidence.Report, error) {
	rows := evidence.NewRows(io.Discard, f.Kind)
	report, err := f.Read(r, rows)
	if err == nil {
		err = rows.Close()
	}
	return report, err
}

// TestMillionSamples reads a load test of a million samples in little memory.
func TestMillionSamples(t *testing.T) {
	src := &lines{head: "timeStamp,elapsed,label,success\n", n: 1_000_000, row: func(i int) string {
		return fmt.Sprintf("%d,%d,label %d,%v\n", 1795195932000+int64(i), i%1000, i%7, i%100 != 0)
	}}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	report, err := read(JMeter(), src)
	if err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 16<<20 {
		t.Errorf("%d bytes are kept", grown)
	}
	s := report.Summary.Metrics
	if s.Samples != 1_000_000 || s.Errors != 10_000 || s.Series != 7 || s.P50.Value != "499" || s.P99.Value != "989" || s.Mean.Value != "499.5" {
		t.Errorf("%+v", s)
	}
}

// TestTooManyTimes: a report with more different times than are kept is refused, one with as many samples of few is read.
func TestTooManyTimes(t *testing.T) {
	row := func(step int) func(int) string {
		return func(i int) string { return fmt.Sprintf("%d,a,true\n", i*step) }
	}
	_, err := read(JMeter(), &lines{head: "elapsed,label,success\n", n: maxDistinct + 2, row: row(1)})
	if err == nil || !strings.Contains(err.Error(), "different response times") {
		t.Errorf("error %v", err)
	}
	if _, err := read(JMeter(), &lines{head: "elapsed,label,success\n", n: maxDistinct + 2, row: row(0)}); err != nil {
		t.Error(err)
	}
}

// TestEndlessRecord: a quote that never ends does not fill the memory.
func TestEndlessRecord(t *testing.T) {
	src := &lines{head: "elapsed,label,success\n5,\"", n: 1 << 20, row: func(int) string { return strings.Repeat("x", 64) }}
	_, err := read(JMeter(), src)
	if err == nil || !strings.Contains(err.Error(), "a record of more than") {
		t.Errorf("error %v", err)
	}
}
