package verify

import (
	"bytes"
	"strings"
	"testing"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/schemas"
)

// TestRowShapes holds our own examples against the published schema, and finds types that rows cannot have.
func TestRowShapes(t *testing.T) {
	for _, kind := range evidence.ReportKinds() {
		shape := kindShapes()[kind]
		known(t, string(kind), shape.row)
		known(t, string(kind)+" summary", shape.summary)
		docs := []string{rowsOf[kind]}
		if kind == evidence.Scan {
			docs = append(docs, scanRows)
		}
		for _, doc := range docs {
			if err := schemas.ValidateJSON(schemas.Rows, "rows", []byte(doc)); err != nil {
				t.Errorf("%s: our own example does not fit the schema: %v", kind, err)
			}
			if _, err := checkRows(kind, []byte(doc)); err != nil {
				t.Errorf("%s: %v", kind, err)
			}
		}
	}
	if _, ok := kindShapes()[evidence.Build]; ok {
		t.Error("a build has rows")
	}
}

func known(t *testing.T, name string, fields []rowField) {
	t.Helper()
	if len(fields) == 0 {
		t.Errorf("%s has no member", name)
	}
	for _, f := range fields {
		if f.want == rowNothing {
			t.Errorf("%s: %s is of a type that rows cannot have", name, f.name)
		}
		if f.want == rowObject || f.want == rowObjects {
			known(t, name+"."+f.name, f.fields)
		}
	}
}

const scanRows = `{"findings":[{"id":"CVE-1","category":"vulnerability","severity":"high","status":"open","package":"zlib","version":"1","fixedVersion":"2","purl":"","title":"t","place":"","aliases":["G-1"],"justification":""}]}`

// TestOwnRows reads what the writer of package evidence writes.
func TestOwnRows(t *testing.T) {
	write := func(k evidence.Kind, f func(*evidence.Rows) error) []byte {
		var b bytes.Buffer
		r := evidence.NewRows(&b, k)
		if err := f(r); err != nil {
			t.Fatal(err)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	for kind, f := range map[evidence.Kind]func(*evidence.Rows) error{
		evidence.Tests: func(r *evidence.Rows) error {
			return r.Case(evidence.TestCase{Suite: "s\u2028\"", Name: "n\x01", Status: "errored", DurationMillis: 1 << 40, Message: "\\"})
		},
		evidence.Coverage: func(r *evidence.Rows) error {
			return r.File(evidence.CoverageFile{Path: "a", Line: evidence.RatioOf(1, 3), Branch: evidence.RatioOf(3, 3)})
		},
		evidence.Scan: func(r *evidence.Rows) error {
			return r.Finding(evidence.ScanFinding{ID: "x", Category: "code", Severity: "unknown", Status: "suppressed", Aliases: []string{"a", "b"}})
		},
		evidence.SBOM: func(r *evidence.Rows) error { return r.Component(evidence.Component{Name: "é"}) },
	} {
		doc := write(kind, f)
		rows, err := checkRows(kind, doc)
		if err != nil || !rows.IsValid() || rows.Kind() != '[' {
			t.Errorf("%s: %v\n%s", kind, err, doc)
		}
		if rows, err := checkRows(kind, write(kind, func(*evidence.Rows) error { return nil })); err != nil || string(rows) != "[]" {
			t.Errorf("%s without rows: %s, %v", kind, rows, err)
		}
	}
}

// TestRowsRefused changes the good rows in one place each. TestRowShapes is the twin that passes.
func TestRowsRefused(t *testing.T) {
	c := `{"suite":"s","name":"t","status":"passed","flaky":false,"durationMillis":3,"message":""}`
	tests := []struct {
		name, from, to string
		kind           evidence.Kind
	}{
		{"not JSON", `{"cases"`, `{cases`, evidence.Tests},
		{"cut off", `}]}`, `}`, evidence.Tests},
		{"something after it", `]}`, `]}{}`, evidence.Tests},
		{"another member beside the rows", `]}`, `],"more":1}`, evidence.Tests},
		{"the array twice", `]}`, `],"cases":[]}`, evidence.Tests},
		{"another kind's array", `"cases"`, `"files"`, evidence.Tests},
		{"null for the rows", `[` + c + `]`, `null`, evidence.Tests},
		{"an object for the rows", `[` + c + `]`, `{}`, evidence.Tests},
		{"a row that is null", c, `null`, evidence.Tests},
		{"a row that is a list", c, `[]`, evidence.Tests},
		{"unknown member", `"suite":"s"`, `"suite":"s","x":1`, evidence.Tests},
		{"absent member", `"suite":"s",`, ``, evidence.Tests},
		{"member twice", `"suite":"s"`, `"suite":"s","suite":"s"`, evidence.Tests},
		{"member twice for an absent one", `"name":"t"`, `"suite":"s"`, evidence.Tests},
		{"another case of letters", `"status"`, `"Status"`, evidence.Tests},
		{"an unknown word", `"passed"`, `"Passed"`, evidence.Tests},
		{"a number for a text", `"suite":"s"`, `"suite":1`, evidence.Tests},
		{"null for a text", `"message":""`, `"message":null`, evidence.Tests},
		{"a text for a truth", `"flaky":false`, `"flaky":"false"`, evidence.Tests},
		{"null for a truth", `"flaky":false`, `"flaky":null`, evidence.Tests},
		{"a negative count", `:3,`, `:-3,`, evidence.Tests},
		{"a broken count", `:3,`, `:3.5,`, evidence.Tests},
		{"an exponent", `:3,`, `:3e9,`, evidence.Tests},
		{"a count beyond int64", `:3,`, `:10000000000000000000,`, evidence.Tests},
		{"a text for a count", `:3,`, `:"3",`, evidence.Tests},
		{"invalid UTF-8", `"suite":"s"`, "\"suite\":\"\xff\"", evidence.Tests},
		{"more than all", `"percent":50`, `"percent":101`, evidence.Coverage},
		{"a text for a percentage", `"percent":50`, `"percent":"50"`, evidence.Coverage},
		{"a ratio without measured", `,"measured":true`, ``, evidence.Coverage},
		{"a ratio that is null", `"line":{"covered":1,"total":2,"percent":50,"measured":true}`, `"line":null`, evidence.Coverage},
		{"null for a list", `["Zlib"]`, `null`, evidence.SBOM},
		{"a number in a list", `["Zlib"]`, `[1]`, evidence.SBOM},
		{"a list in a list", `["Zlib"]`, `[["Zlib"]]`, evidence.SBOM},
	}
	for _, tt := range tests {
		good := rowsOf[tt.kind]
		if _, err := checkRows(tt.kind, []byte(good)); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(good, tt.from) {
			t.Fatalf("%s: nothing to change", tt.name)
		}
		bad := strings.Replace(good, tt.from, tt.to, 1)
		if rows, err := checkRows(tt.kind, []byte(bad)); err == nil {
			t.Errorf("%s: accepted as %s", tt.name, rows)
		}
	}
}

// FuzzRows: whatever is accepted fits the published schema, and reading never panics.
func FuzzRows(f *testing.F) {
	for _, rows := range rowsOf {
		f.Add([]byte(rows))
	}
	f.Add([]byte(scanRows))
	f.Fuzz(func(t *testing.T, b []byte) {
		for kind := range rowsOf {
			if _, err := checkRows(kind, b); err != nil {
				continue
			}
			if err := schemas.ValidateJSON(schemas.Rows, "rows", b); err != nil {
				t.Errorf("%s: accepted, but not by the schema: %v\n%s", kind, err, b)
			}
		}
	})
}
