package formats

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"cdgate.dev/cdgate/evidence"
)

// failing are words that say in one format or another that something is not as it should be. They are looked for in the
// text, with no reader between.
var failing = regexp.MustCompile(`(?i)fail|error|not.?ok|bail|undefined|broken|invalid|declin|reject|cancel|abort|changes.requested|dismiss|false|true|hold|` +
	`affected|investigat|triage|exploitable|incomplete|partial|firing|nan\b|revoked|bad|\b0\b`)

// marks counts in a text what says that the report fails: the words above, and the names of what its rows list.
func marks(text []byte, names []string) []int {
	out := []int{len(failing.FindAll(text, -1))}
	for _, name := range names {
		out = append(out, bytes.Count(text, []byte(name)))
	}
	return out
}

// fewer reports whether a text has lost one of its marks: then it may say less than the whole one did.
func fewer(part, whole []int) bool {
	for i := range whole {
		if part[i] < whole[i] {
			return true
		}
	}
	return false
}

// rowName is the member of a kind's rows that names what a row is about.
var rowName = map[evidence.Kind]string{
	evidence.Tests: "name", evidence.Scan: "id", evidence.SBOM: "name", evidence.VEX: "vulnerability", evidence.Metrics: "name", evidence.Change: "key",
	evidence.Check: "name", evidence.Deployment: "id", evidence.Review: "reviewer", evidence.ManualTest: "text", evidence.Checklist: "text", evidence.Source: "path",
}

// original is a sample that is damaged, and what it says undamaged.
type original struct {
	format evidence.Format
	file   string
	text   []byte
	report evidence.Report
	rows   []byte
	names  []string
	marks  []int
}

// originals returns the samples of a format that can be read.
func originals(t testing.TB, f evidence.Format) []original {
	t.Helper()
	var out []original
	for name := range samples(t, f) {
		b, err := os.ReadFile(filepath.Join(sampleDir(f), name))
		if err != nil {
			t.Fatal(err)
		}
		got, r, rows, err := readAll(b)
		if err != nil {
			continue
		}
		o := original{format: got, file: name, text: b, report: r, rows: rows}
		var doc map[string][]map[string]any
		if err := json.Unmarshal(rows, &doc); err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for _, list := range doc {
			for _, row := range list {
				if s, _ := row[rowName[f.Kind]].(string); s != "" && !seen[s] {
					seen[s] = true
					o.names = append(o.names, s)
				}
			}
		}
		o.marks = marks(b, o.names)
		out = append(out, o)
	}
	return out
}

// quiet reports whether a report claims to be whole: nothing serious is said about it, and it does not call itself unfinished.
func quiet(r evidence.Report) bool {
	return !serious(r) && (r.Summary.Tests == nil || r.Summary.Tests.Complete)
}

// judge says what is wrong with how a damaged report was read, or "".
func (o original) judge(m mutation) string {
	text := m.text()
	f, r, rows, err := readAll(text)
	switch {
	case m.same && (err != nil || !bytes.Equal(rows, o.rows)):
		return "is not read as before"
	case err != nil:
		return ""
	case m.refused && !streams[f.Name]:
		return "is not refused"
	case f.Name != o.format.Name:
		return "is read as " + f.Name
	}
	claim := better(r.Summary, o.report.Summary)
	switch {
	case claim == "", !quiet(r):
		return ""
	case m.lines() && contradicting[o.file]:
		return ""
	case m.doubled && good[claim], m.edits && fewer(marks(text, o.names), o.marks):
		return ""
	}
	return "shows better in " + claim
}

// contradicting are samples that are wrong in that two lines do not go together, or in how many entries there are: without
// one of the lines nothing is wrong any more.
var contradicting = map[string]bool{"bad-one-page.json": true, "bad-contradiction.json": true, "bad-ref-twice.json": true, "bad-same-number.tap": true}

// good are claims that grow when something good is said twice.
var good = map[string]bool{"discharged": true, "approvals": true, "approved": true, "done": true, "licences": true}

// TestDamageNeverPasses damages every sample in every way of mutations: no reader may see something better in it without a
// serious warning, as long as the text still says what is wrong.
func TestDamageNeverPasses(t *testing.T) {
	for _, f := range All() {
		t.Run(f.Name, func(t *testing.T) {
			for _, o := range originals(t, f) {
				for _, m := range mutations(o.text, 100) {
					if wrong := o.judge(m); wrong != "" {
						t.Errorf("%s, %s, %s", o.file, m.what, wrong)
					}
				}
			}
		})
	}
}

// TestOracleSees: the oracle is able to see what it looks for.
func TestOracleSees(t *testing.T) {
	const whole = `<testsuite name="s"><testcase name="a"/><testcase name="b"><failure message="no"/></testcase></testsuite>`
	f, r, rows, err := readAll([]byte(whole))
	if err != nil {
		t.Fatal(err)
	}
	o := original{format: f, text: []byte(whole), report: r, rows: rows, marks: marks([]byte(whole), nil)}
	for _, c := range []struct {
		text string
		m    mutation
		want string
	}{
		{strings.Replace(whole, `<failure message="no"/>`, ``, 1), mutation{}, "shows better"},
		{strings.Replace(whole, `<failure message="no"/>`, ``, 1), mutation{edits: true}, ""},
		{strings.Replace(whole, `<failure message="no"/>`, `<!-- <failure message="no"/> -->`, 1), mutation{edits: true}, "shows better"},
		{strings.Replace(whole, `failure`, `fqilure`, 1), mutation{}, ""},
		{whole, mutation{refused: true}, "is not refused"},
		{whole + " ", mutation{same: true}, ""},
		{strings.Replace(whole, `"a"`, `"c"`, 1), mutation{same: true}, "is not read as before"},
		{`TAP version 13` + "\n1..1\nok 1\n", mutation{}, "is read as tap"},
	} {
		c.m.text = func() []byte { return []byte(c.text) }
		if got := o.judge(c.m); (got == "") != (c.want == "") || !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: %q, want %q", c.text, got, c.want)
		}
	}
}
