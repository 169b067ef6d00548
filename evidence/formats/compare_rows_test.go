package formats

import (
	"encoding/json"
	"strings"
	"testing"

	"cdgate.dev/cdgate/evidence"
)

// fromRows finds what the manifest says of the rows of scans and bills of materials, and which tool wrote the report: it is what
// policies join on and show.
func fromRows(t *testing.T, f evidence.Format, r evidence.Report, rows []byte) map[string]any {
	t.Helper()
	var doc struct {
		Findings   []evidence.ScanFinding
		Components []evidence.Component
	}
	if err := json.Unmarshal(rows, &doc); err != nil {
		t.Fatal(err)
	}
	m := map[string]any{}
	switch f.Kind {
	case evidence.Scan:
		all, vulnerabilities := map[[3]string]bool{}, map[[3]string]bool{}
		for _, x := range doc.Findings {
			key := [3]string{x.ID, x.Package, x.Version}
			if x.Status != "open" {
				continue
			}
			all[key] = true
			if x.Category == "vulnerability" {
				vulnerabilities[key] = true
			}
		}
		m["unique_findings"], m["unique_vulnerabilities"] = int64(len(all)), int64(len(vulnerabilities))
		m["tool_version"], m["scanner_version"] = any(nil), any(nil)
		if r.Tool.Version != "" {
			m["tool_version"], m["scanner_version"] = r.Tool.Version, r.Tool.Version
		}
	case evidence.SBOM:
		purls := map[string]bool{}
		for _, c := range doc.Components {
			if c.PURL != "" {
				purls[c.PURL] = true
			}
		}
		m["unique_purls"] = int64(len(purls))
	}
	return m
}

// checkTool compares the tool with those of the manifest, which writes names alone or with their version. Several tools are one
// with all their names, and without a version.
func checkTool(t *testing.T, r evidence.Report, tools []any) {
	t.Helper()
	if len(tools) == 0 {
		if r.Tool != (evidence.Tool{}) {
			t.Errorf("tool %+v, and the report names none", r.Tool)
		}
		return
	}
	var names []string
	version := r.Tool.Version
	for _, tool := range tools {
		if name, ok := tool.(string); ok {
			names = append(names, name)
			continue
		}
		one, _ := tool.(map[string]any)
		names = append(names, one["name"].(string))
		if version, _ = one["version"].(string); len(tools) > 1 {
			version = ""
		}
	}
	if r.Tool.Name != strings.Join(names, ", ") || r.Tool.Version != version {
		t.Errorf("tool %+v, want %v", r.Tool, tools)
	}
}
