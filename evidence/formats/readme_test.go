package formats

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/secrets"
)

var update = flag.Bool("update", false, "write the tables of evidence/README.md anew")

// TestReadme fails when a table in evidence/README.md is out of date.
func TestReadme(t *testing.T) {
	const file = "../README.md"
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	for name, table := range map[string]string{"formats": formatTable(), "warnings": warningTable(), "limits": limitTable(), "secrets": secretList(), "predicates": predicateTable()} {
		part := regexp.MustCompile(`(?s)<!-- generated: ` + name + ` -->\n.*?<!-- end -->`)
		if !part.MatchString(text) {
			t.Fatalf("the README has no place for the table %s", name)
		}
		text = part.ReplaceAllLiteralString(text, "<!-- generated: "+name+" -->\n"+table+"<!-- end -->")
	}
	if text == string(b) {
		return
	}
	if !*update {
		t.Fatal("evidence/README.md is out of date; run: go test ./evidence/formats -update")
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func formatTable() string {
	var b strings.Builder
	kind := evidence.Kind("")
	for _, f := range All() {
		if f.Kind != kind {
			kind = f.Kind
			fmt.Fprintf(&b, "\n### `%s`\n\n| format | recognised by | tools seen | limits |\n| --- | --- | --- | --- |\n", kind)
		}
		fmt.Fprintf(&b, "| [%s](%s/testdata/%s/) (`%s`) | %s | %s | %s |\n", f.Title, folder(f), f.Name, f.Name, f.Recognised, f.Tools, f.Limits)
	}
	b.WriteString("\n")
	return b.String()
}

func predicateTable() string {
	var b strings.Builder
	b.WriteString("| predicate type | read as |\n| --- | --- |\n")
	for _, p := range Predicates() {
		as := []string{"whatever scanner's report is in `scanner.result`"}
		if p != VulnPredicate {
			as = nil
		}
		for _, f := range All() {
			if slices.Contains(f.Predicates, p) {
				as = append(as, "`"+f.Name+"`")
			}
		}
		fmt.Fprintf(&b, "| `%s` | %s |\n", p, strings.Join(as, " or "))
	}
	return b.String()
}

func secretList() string {
	return "Rules: `" + strings.Join(secrets.Rules(), "`, `") + "`.\n"
}

func warningTable() string {
	var b strings.Builder
	b.WriteString("| code | serious | meaning |\n| --- | --- | --- |\n")
	for _, w := range evidence.WarningCodes() {
		yes := ""
		if w.Serious {
			yes = "yes"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", w.Code, yes, w.Meaning)
	}
	return b.String()
}

func limitTable() string {
	var b strings.Builder
	b.WriteString("| limit | value |\n| --- | --- |\n")
	for _, l := range []struct {
		what  string
		value int
		unit  string
	}{
		{"size of a report, unpacked", evidence.MaxReportBytes >> 20, " MiB"},
		{"ratio of a compressed report", evidence.MaxPackedRatio, " to 1"},
		{"depth of JSON values or XML elements", evidence.MaxDepth, ""},
		{"elements in a report", evidence.MaxElements, ""},
		{"results (tests, files, findings, components) in a report", evidence.MaxRows, ""},
		{"lines in a coverage report", evidence.MaxLines, ""},
		{"different blocks in a Go coverage profile", evidence.MaxBlocks, ""},
		{"series of samples in a report", evidence.MaxSeries, ""},
		{"size of one JSON text or XML tag", evidence.MaxToken >> 20, " MiB"},
		{"length of a name, identifier or path", evidence.MaxName >> 10, " KiB"},
		{"text for people, beyond which it is cut off and marked", evidence.MaxMessage >> 10, " KiB"},
		{"attributes of one XML element", evidence.MaxAttributes, ""},
		{"aliases or licences of one entry", evidence.MaxList, ""},
		{"warnings of one code that are kept; the rest are counted", evidence.MaxWarnings, ""},
	} {
		fmt.Fprintf(&b, "| %s | %d%s |\n", l.what, l.value, l.unit)
	}
	return b.String()
}
