package formats

import (
	"bytes"
	"strings"
	"testing"

	"cdgate.dev/cdgate/evidence"
)

func init() {
	kindTests[evidence.VEX] = kindTest{found: foundVEX, check: checkVEX}
}

// vexWords says what the words of the manifest mean here.
var vexWords = map[string]string{
	"known_affected": "affected", "known_not_affected": "not_affected", "exploitable": "affected", "resolved": "fixed", "(no analysis)": "unknown",
}

// words puts counts under the words of the manifest, of which want says which are used.
func words(count map[string]int64, used ...string) map[string]any {
	out := map[string]any{}
	for _, word := range used {
		status, ok := vexWords[word]
		if !ok {
			status = word
		}
		if count[status] > 0 {
			out[word] = count[status]
		}
	}
	return out
}

// foundVEX puts statements under the names of the manifest, which counts products in CSAF and statements elsewhere.
func foundVEX(t *testing.T, r evidence.Report, rows []byte) map[string]any {
	s := r.Summary.VEX
	statements := map[string]int64{
		"affected": s.Affected, "not_affected": s.NotAffected, "fixed": s.Fixed, "under_investigation": s.UnderInvestigation, "unknown": s.Unknown,
	}
	said, justified, vulnerabilities, nothing := map[string]int64{}, map[string]map[string]bool{}, map[string]bool{}, int64(0)
	for _, row := range rowsOf[evidence.VEXStatement](t, evidence.VEX, rows) {
		said[row.Status]++
		vulnerabilities[row.Vulnerability] = true
		if row.Product == "" {
			nothing++
		}
		if row.Justification != "" {
			if justified[row.Justification] == nil {
				justified[row.Justification] = map[string]bool{}
			}
			justified[row.Justification][row.Vulnerability] = true
		}
	}
	justifications := map[string]any{}
	for word, ids := range justified {
		justifications[word] = int64(len(ids))
	}
	undefined := int64(0)
	for _, w := range r.Warnings.List() {
		undefined += int64(strings.Count(w.Msg, "product_status names the product"))
	}
	m := map[string]any{"author": s.Author, "document_version": s.DocumentVersion, "undefined_product_ids": undefined, "flags": justifications}
	switch {
	case s.SpecVersion == "0.2.0":
		m["format_version"], m["statements"], m["products"] = "https://openvex.dev/ns/v"+s.SpecVersion, s.Statements, s.Products
		m["by_status"] = words(statements, "affected", "not_affected", "fixed", "under_investigation", "unknown")
		m["justifications"], m["statements_without_product"] = justifications, nothing
	case strings.HasPrefix(s.SpecVersion, "2."):
		m["format_version"], m["vulnerabilities"], m["products"] = s.SpecVersion, int64(len(vulnerabilities)), s.Products
		m["product_status_entries"] = words(said, "known_affected", "known_not_affected", "fixed", "under_investigation", "unknown")
	default:
		m["format_version"], m["vulnerabilities"] = s.SpecVersion, s.Statements
		m["vex_states"] = words(statements, "exploitable", "not_affected", "resolved", "under_investigation", "(no analysis)")
	}
	return m
}

// checkVEX: statements are counted, each has a row, and none silences without rows that do.
func checkVEX(t *testing.T, r evidence.Report, rows []byte) {
	t.Helper()
	list := rowsOf[evidence.VEXStatement](t, evidence.VEX, rows)
	said := map[string]int64{}
	for _, row := range list {
		said[row.Status]++
	}
	s := r.Summary.VEX
	if s.Affected+s.NotAffected+s.Fixed+s.UnderInvestigation+s.Unknown != s.Statements || s.Statements > int64(len(list)) {
		t.Errorf("%d rows, summary %+v", len(list), s)
	}
	if said["not_affected"] < s.NotAffected || said["fixed"] < s.Fixed {
		t.Errorf("rows give %v, summary %+v", said, s)
	}
	if s.Complete == serious(r) || s.Complete && s.Statements == 0 {
		t.Errorf("complete is %v, warnings %v", s.Complete, r.Warnings.List())
	}
}

const (
	combinedJSON = `{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"metadata":{"component":{"bom-ref":"app","name":"app","version":"1.0","purl":"pkg:generic/app@1.0"}},
		"components":[{"bom-ref":"pad","type":"library","name":"left-pad","version":"1.0.0","purl":"pkg:npm/left-pad@1.0.0"}],
		"vulnerabilities":[{"id":"CVE-2026-1","analysis":{"state":"not_affected"},"affects":[{"ref":"pad"}]}]}`
	combinedXML = `<bom xmlns="http://cyclonedx.org/schema/bom/1.6" version="1"><metadata><component bom-ref="app" type="application"><name>app</name><purl>pkg:generic/app@1.0</purl></component></metadata>
		<components><component bom-ref="pad" type="library"><name>left-pad</name><version>1.0.0</version><purl>pkg:npm/left-pad@1.0.0</purl></component></components>
		<vulnerabilities><vulnerability><id>CVE-2026-1</id><analysis><state>not_affected</state></analysis><affects><target><ref>pad</ref></target></affects></vulnerability></vulnerabilities></bom>`
)

// TestBillWithVulnerabilities: a document with components and vulnerabilities is a bill of materials, and a VEX document
// when that is asked for; one without components is a VEX document, and an empty bill when that is asked for.
func TestBillWithVulnerabilities(t *testing.T) {
	read := func(text string, kind evidence.Kind) (evidence.Format, evidence.Report, string) {
		t.Helper()
		var rows bytes.Buffer
		f, r, err := Read(strings.NewReader(text), kind, &rows)
		if err != nil {
			t.Fatal(err)
		}
		return f, r, rows.String()
	}
	for _, text := range []string{combinedJSON, combinedXML} {
		for _, kind := range []evidence.Kind{"", evidence.SBOM} {
			if f, r, _ := read(text, kind); f.Kind != evidence.SBOM || r.Summary.SBOM.Components != 1 {
				t.Errorf("read as %s: %+v", f.Name, r.Summary.Value())
			}
		}
		f, r, rows := read(text, evidence.VEX)
		if f.Name != "cyclonedx-vex" || r.Summary.VEX.NotAffected != 1 || !r.Summary.VEX.Complete {
			t.Errorf("read as %s: %+v %v", f.Name, r.Summary.Value(), r.Warnings.List())
		}
		if want := `"product":"pkg:generic/app@1.0","digest":"","component":"pkg:npm/left-pad@1.0.0","status":"not_affected"`; !strings.Contains(rows, want) {
			t.Errorf("rows %s, want %s", rows, want)
		}
	}
	alone := `{"bomFormat":"CycloneDX","specVersion":"1.6","vulnerabilities":[{"id":"CVE-2026-1"}]}`
	if f, _, _ := read(alone, ""); f.Name != "cyclonedx-vex" {
		t.Errorf("read as %s", f.Name)
	}
	if f, r, _ := read(alone, evidence.SBOM); f.Name != "cyclonedx-json" || !serious(r) {
		t.Errorf("read as %s without a word: %+v", f.Name, r.Summary.Value())
	}
	if f, r, _ := read(`{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"name":"a","type":"library"}]}`, evidence.VEX); f.Name != "cyclonedx-vex" || r.Summary.VEX.Complete {
		t.Errorf("read as %s without a word: %+v", f.Name, r.Summary.Value())
	}
	if _, _, err := Read(strings.NewReader(alone), evidence.Tests, &bytes.Buffer{}); err == nil {
		t.Error("read as tests")
	}
}

// TestVEXSpread: one long text about very many products is refused before it fills the disk; its twin is read.
func TestVEXSpread(t *testing.T) {
	for n, refused := range map[int]bool{3: false, 3000: true} {
		var products, ids []string
		for i := range n {
			id := `"` + string(rune('0'+i/1000)) + string(rune('0'+i/100%10)) + string(rune('0'+i/10%10)) + string(rune('0'+i%10)) + `"`
			products, ids = append(products, id), append(ids, id)
		}
		text := `{"document":{"category":"csaf_vex","csaf_version":"2.0","publisher":{"name":"a"},"tracking":{"id":"a","version":"1","status":"final","current_release_date":"2026-01-01T00:00:00Z"}},
			"product_tree":{"product_groups":[{"group_id":"g","product_ids":[` + strings.Join(ids, ",") + `]}]},
			"vulnerabilities":[{"cve":"CVE-2026-1","product_status":{"known_affected":[` + strings.Join(products, ",") + `]},
			"threats":[{"category":"impact","details":"` + strings.Repeat("x", 1000) + `","group_ids":["g"]}]}]}`
		_, _, _, err := readAll([]byte(text))
		if refused != (err != nil && strings.Contains(err.Error(), "times as large")) {
			t.Errorf("%d products: %v", n, err)
		}
	}
}
