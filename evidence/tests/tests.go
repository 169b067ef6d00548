// Package tests holds the readers of test reports, one format per file.
package tests

import (
	"bytes"
	"math"
	"strconv"

	"cdgate.dev/cdgate/evidence"
)

// The statuses of a test, see evidence.TestCase.
const (
	passed  = "passed"
	failed  = "failed"
	errored = "errored"
	skipped = "skipped"
	other   = "other"
)

// tally counts tests as they are read.
type tally struct {
	evidence.TestsSummary
	// micros is the sum of durations in microseconds.
	micros int64
	// unfinished notes that something has no end: the run is not complete.
	unfinished bool
	// halted notes that the report says of itself that the run failed for another reason than a test.
	halted bool
}

// add counts one test.
func (t *tally) add(status string, flaky bool, micros int64) {
	t.Total++
	switch status {
	case passed:
		t.Passed++
	case failed:
		t.Failed++
	case skipped:
		t.Skipped++
	case other:
		t.Other++
	default:
		t.Errored++
	}
	if flaky {
		t.Flaky++
	}
	t.micros = plus(t.micros, micros)
}

// plus adds durations and stops at the largest.
func plus(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

// millis rounds microseconds half up.
func millis(micros int64) int64 { return plus(micros, 500) / 1000 }

// summary ends the count. ok is what a strict gate says: at least one test that ran or was skipped, none failed or
// errored, no problem beside the tests, everything ended.
func (t *tally) summary(w *evidence.Warnings) evidence.Summary {
	s := t.TestsSummary
	s.DurationMillis = millis(t.micros)
	s.Complete = !t.unfinished
	s.OK = s.Total > 0 && s.Failed == 0 && s.Errored == 0 && s.Problems == 0 && s.Complete && !t.halted
	if s.Total == 0 {
		w.Add(evidence.NothingMeasured, "", "the report holds no test")
	}
	return evidence.Summary{Tests: &s}
}

// maxSeconds is the longest duration that is believed: about a year.
const maxSeconds = 366 * 24 * 3600

// seconds reads a duration in seconds, with thousands separators, and returns microseconds. ok is false for what is no
// usable number; a negative duration counts as none without being wrong.
func seconds(text []byte) (micros int64, ok bool) {
	if n, ok := plainSeconds(text); ok {
		return n, true
	}
	if bytes.IndexByte(text, ',') >= 0 {
		text = bytes.ReplaceAll(text, []byte(","), nil)
	}
	f, err := strconv.ParseFloat(string(bytes.TrimSpace(text)), 64)
	if err != nil || math.IsNaN(f) || f > maxSeconds {
		return 0, false
	}
	if f <= 0 {
		return 0, true
	}
	return int64(math.Round(f * 1e6)), true
}

// plainSeconds reads digits with at most six decimal places, which is what nearly all reports write.
func plainSeconds(b []byte) (int64, bool) {
	if len(b) == 0 || len(b) > 14 {
		return 0, false
	}
	n, places := int64(0), -1
	for _, c := range b {
		switch {
		case c >= '0' && c <= '9':
			n = n*10 + int64(c-'0')
			if places >= 0 {
				places++
			}
		case c == '.' && places < 0:
			places = 0
		default:
			return 0, false
		}
	}
	if places > 6 || len(b) == 1 && places == 0 {
		return 0, false
	}
	for p := max(places, 0); p < 6; p++ {
		n *= 10
	}
	return n, n <= maxSeconds*1_000_000
}

// count reads a count: digits only.
func count(text string) (int64, bool) {
	n, err := strconv.ParseUint(text, 10, 62)
	return int64(n), err == nil
}
