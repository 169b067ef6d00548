package evidence

import (
	"bytes"
	"encoding/json"
	"errors"
	"math/big"
	"math/rand"
	"strings"
	"testing"
)

// TestRatio compares with exact rational numbers.
func TestRatio(t *testing.T) {
	for _, c := range []struct {
		covered, total int64
		want           string
	}{
		{0, 0, "0"}, {0, 5, "0"}, {5, 5, "100"}, {1, 3, "33.3333"}, {2, 3, "66.6667"}, {1, 2, "50"}, {13, 17, "76.4706"},
		{999_999_999, 1_000_000_000, "99.9999"}, {1, 1_000_000_000, "0"}, {7, 5, "100"}, {-1, 5, "0"}, {1, -5, "0"},
		{1 << 61, 1 << 62, "50"}, {1, 8_000_000, "0"}, {1, 2_000_000, "0.0001"},
	} {
		if got := RatioOf(c.covered, c.total); got.Percent.String() != c.want || got.Measured != (c.total > 0) {
			t.Errorf("%d of %d: %+v, want %s", c.covered, c.total, got, c.want)
		}
	}
	random := rand.New(rand.NewSource(1))
	for range 10_000 {
		total := random.Int63n(1<<40) + 2
		covered := random.Int63n(total)
		exact := new(big.Rat).Mul(big.NewRat(covered, total), big.NewRat(1_000_000, 1))
		got := new(big.Rat).SetInt64(int64(RatioOf(covered, total).Percent))
		if diff := new(big.Rat).Sub(exact, got); diff.Abs(diff).Cmp(big.NewRat(1, 2)) > 0 && RatioOf(covered, total).Percent != 999_999 {
			t.Fatalf("%d of %d: %s", covered, total, got)
		}
	}
}

// TestPercentJSON: percentages are JSON numbers that read back as themselves; others are refused.
func TestPercentJSON(t *testing.T) {
	for p := Percent(0); p <= 1_000_000; p += 7 {
		b, err := json.Marshal(p)
		var back Percent
		if err != nil || json.Unmarshal(b, &back) != nil || back != p {
			t.Fatalf("%d became %s and %d (%v)", p, b, back, err)
		}
	}
	for _, bad := range []string{"100.0001", "101", "-1", "1.23456", "1e2", `"5"`, "null"} {
		var p Percent
		if err := json.Unmarshal([]byte(bad), &p); err == nil && bad != "null" {
			t.Errorf("%s was read as %s", bad, p)
		}
	}
}

// TestRowsMatchTypes: the rows that are written by hand say what the structs say.
func TestRowsMatchTypes(t *testing.T) {
	odd := "a\"b\\c\n\t\r\x00\x1f\u2028é<&>\U0001F600"
	c := TestCase{Suite: odd, Name: "n", Status: "passed", Flaky: true, DurationMillis: 5, Message: "m"}
	f := CoverageFile{Path: odd, Line: RatioOf(1, 3), Branch: RatioOf(0, 0), Statement: RatioOf(2, 2)}
	s := ScanFinding{ID: odd, Category: "code", Severity: "high", Status: "open", Package: "p", Version: "v", FixedVersion: "f", PURL: "u", Title: "t",
		Place: "l", Aliases: []string{odd, "b"}, Justification: "j"}
	k := Component{Name: odd, Version: "v", PURL: "p", Type: "t", Licences: []string{"l"}}
	for _, x := range []struct {
		kind  Kind
		write func(*Rows) error
		want  any
	}{
		{Tests, func(r *Rows) error { return r.Case(c) }, map[string][]TestCase{"cases": {c, c}}},
		{Coverage, func(r *Rows) error { return r.File(f) }, map[string][]CoverageFile{"files": {f, f}}},
		{Scan, func(r *Rows) error { return r.Finding(s) }, map[string][]ScanFinding{"findings": {s, s}}},
		{SBOM, func(r *Rows) error { return r.Component(k) }, map[string][]Component{"components": {k, k}}},
	} {
		var b, want bytes.Buffer
		rows := NewRows(&b, x.kind)
		if err := errors.Join(x.write(rows), x.write(rows), rows.Close(), rows.Close()); err != nil {
			t.Fatal(err)
		}
		wantBytes, err := json.Marshal(x.want)
		if err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		// Both through the same decoder: spelling of escapes may differ, values may not.
		if err := errors.Join(normal(b.Bytes(), &got), normal(wantBytes, &want)); err != nil || got.String() != want.String() {
			t.Errorf("%s: %v\n got %s\nwant %s", x.kind, err, got.String(), want.String())
		}
	}
}

// TestSeriesIsRow: a series is written byte for byte as Row writes it, and refused where Row refuses it.
func TestSeriesIsRow(t *testing.T) {
	odd := "a\"b\\c\n\t\r\x00\x1f\u2028é<&>\U0001F600\xff"
	m := func(s string) Measure { return Measure{Value: Decimal(s), Measured: true} }
	many := map[string]string{}
	for i := range MaxList + 1 {
		many[strings.Repeat("x", i)] = "y"
	}
	long := strings.Repeat("n", MaxName+1)
	for i, s := range []MetricSeries{
		{}, {Labels: map[string]string{}}, {Name: odd, Labels: map[string]string{"b": odd, "a": "1", odd: "é", "": ""}, Unit: "ms"},
		{Samples: 1, Errors: 999_999, NoData: 1_000_000, First: "2026-01-01T00:00:00Z", Last: "2026-01-01T00:00:00.5Z", Min: m("-0.5"), Max: m("1"), Mean: m("2"), Sum: m("3"),
			LastValue: m("4"), P50: m("5"), P75: m("6"), P90: m("7"), P95: m("8"), P99: m("9"), PerSecond: m("10")},
		{Name: long}, {Labels: many}, {Labels: map[string]string{long: ""}}, {Labels: map[string]string{"a": long}},
	} {
		var got, want bytes.Buffer
		rows, plain := NewRows(&got, Metrics), NewRows(&want, Metrics)
		err, plainErr := rows.Series(&s), plain.Row(s)
		if e := errors.Join(rows.Close(), plain.Close()); e != nil {
			t.Fatal(e)
		}
		if (err == nil) != (plainErr == nil) || (err == nil) != (i < 4) || got.String() != want.String() {
			t.Errorf("%d: %v, %v\n got %s\nwant %s", i, err, plainErr, got.String(), want.String())
		}
	}
}

func normal(b []byte, out *bytes.Buffer) error {
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(v)
}

// TestRowsLimits: too long names are refused, text for people is cut, bytes that are no UTF-8 are replaced.
func TestRowsLimits(t *testing.T) {
	var b bytes.Buffer
	rows := NewRows(&b, Tests)
	if err := rows.Case(TestCase{Name: strings.Repeat("n", MaxName+1)}); err == nil {
		t.Error("a name over the limit was written")
	}
	if err := rows.Case(TestCase{Name: strings.Repeat("n", MaxName), Message: strings.Repeat("m", 10_000), Suite: "\xff"}); err != nil {
		t.Error(err)
	}
	if err := rows.Close(); err != nil || b.Len() > MaxName+MaxMessage+500 || !json.Valid(b.Bytes()) || !strings.Contains(b.String(), "\uFFFD") {
		t.Errorf("%d bytes, %v", b.Len(), err)
	}
	if err := NewRows(&b, Scan).Finding(ScanFinding{Aliases: make([]string, MaxList+1)}); err == nil {
		t.Error("a list over the limit was written")
	}
	full := NewRows(failing{}, SBOM)
	for range 10_000 {
		if full.Component(Component{Name: "n"}) != nil {
			return
		}
	}
	t.Error("a writer that fails was not noticed")
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("disk full") }

// TestWarnings: many of one code are counted and not kept, and every code is documented once.
func TestWarnings(t *testing.T) {
	var w Warnings
	for range MaxWarnings + 5 {
		w.Add(BadNumber, "line 1", "number")
	}
	w.Add(Incomplete, "", "last")
	list := w.List()
	if len(list) != MaxWarnings+1 || w.Count(BadNumber) != MaxWarnings+5 || list[MaxWarnings-1].Msg != "number (and 5 more)" || list[MaxWarnings].Msg != "last" {
		t.Errorf("%d warnings: %v", len(list), list)
	}
	if empty := new(Warnings).List(); empty == nil || len(empty) != 0 {
		t.Error("no warnings must be an empty list")
	}
	seen := map[Code]bool{}
	for _, c := range WarningCodes() {
		if seen[c.Code] || c.Meaning == "" {
			t.Errorf("code %s", c.Code)
		}
		seen[c.Code] = true
	}
	if !Serious("incomplete") || Serious("external_dtd") || !Serious("never heard of") {
		t.Error("Serious")
	}
}
