package policy

import (
	"reflect"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"cdgate.dev/cdgate/engine/fault"
)

func TestViews(t *testing.T) {
	component := `{"name":"zlib","version":"1","purl":"","type":"library","licences":[]}`
	sbom := `{` + itemHead + `,"summary":{"specVersion":"1.5","components":1,"services":0,"withLicence":0,"withoutVersion":0,"withPURL":0,"dependencies":0,"complete":true},` +
		`"components":[` + component + `]}`
	out, err := Views([]byte(with(with(with(noInput, "tests", testsItem), "scan", scanItem), "sbom", sbom)))
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Evidence struct {
			Tests []struct {
				ByStatus map[string][]struct{ Name string }
				Flaky    []struct{ Name string }
			}
			Scan []struct {
				BySeverity, ByCategory, ByPackage map[string][]struct{ ID string }
				Suppressed                        []struct{ ID string }
			}
			SBOM []struct {
				ByPackage map[string][]struct{ Version string }
			}
		}
	}
	if err := json.Unmarshal(out, &doc, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatal(err)
	}
	type list = []struct{ Name string }
	tests := doc.Evidence.Tests[0]
	if want := map[string]list{"passed": {{"a"}}, "failed": {{"b"}}, "skipped": {{"c"}}, "errored": {}, "other": {}}; !reflect.DeepEqual(tests.ByStatus, want) {
		t.Errorf("byStatus %v, want %v", tests.ByStatus, want)
	}
	if !reflect.DeepEqual(tests.Flaky, list{{"a"}}) {
		t.Errorf("flaky %v", tests.Flaky)
	}
	type ids = []struct{ ID string }
	scan := doc.Evidence.Scan[0]
	if want := map[string]ids{"critical": {{"CVE-1"}}, "high": {{"G1"}}, "medium": {}, "low": {}, "info": {}, "unknown": {}}; !reflect.DeepEqual(scan.BySeverity, want) {
		t.Errorf("bySeverity %v", scan.BySeverity)
	}
	if want := map[string]ids{"vulnerability": {{"CVE-1"}}, "code": {{"G1"}}, "secret": {}, "licence": {}, "misconfiguration": {}}; !reflect.DeepEqual(scan.ByCategory, want) {
		t.Errorf("byCategory %v", scan.ByCategory)
	}
	if want := map[string]ids{"zlib": {{"CVE-1"}}}; !reflect.DeepEqual(scan.ByPackage, want) {
		t.Errorf("byPackage %v", scan.ByPackage)
	}
	if !reflect.DeepEqual(scan.Suppressed, ids{{"CVE-2"}}) {
		t.Errorf("suppressed %v", scan.Suppressed)
	}
	if len(doc.Evidence.SBOM[0].ByPackage["zlib"]) != 1 {
		t.Errorf("sbom byPackage %v", doc.Evidence.SBOM)
	}
	again, err := Views([]byte(with(with(with(noInput, "tests", testsItem), "scan", scanItem), "sbom", sbom)))
	if err != nil || string(again) != string(out) {
		t.Errorf("not the same twice: %v", err)
	}
}

// Every row of every status, severity and category the schema knows is in its view.
func TestEveryRowIsInAView(t *testing.T) {
	s := testTypes(t).schema
	for _, tt := range []struct{ kind, rows, field, view, item, value string }{
		{"tests", "cases", "status", "byStatus", testsItem, `"status":"passed"`},
		{"scan", "findings", "severity", "bySeverity", scanItem, `"severity":"critical"`},
		{"scan", "findings", "category", "byCategory", scanItem, `"category":"vulnerability"`},
	} {
		item := property(s, "evidence", tt.kind)["items"].(map[string]any)
		row := property(item, tt.rows)["items"].(map[string]any)
		words, _ := property(row, tt.field)["enum"].([]any)
		parts := names(property(item, tt.view))
		if len(words) == 0 || len(words) != len(parts) {
			t.Errorf("%s has parts %v for the words %v", tt.view, parts, words)
		}
		for _, w := range words {
			input := with(noInput, tt.kind, strings.Replace(tt.item, tt.value, `"`+tt.field+`":"`+w.(string)+`"`, 1))
			rule := "package rules.a.b\n\nblock contains \"x\" if {\n\tcount(input.evidence." + tt.kind + "[0]." + tt.view + "." + w.(string) + ") > 0\n}\n"
			rules, err := inProcess(one(t, rule), input)
			if err != nil {
				t.Fatal(err)
			}
			if len(rules[0].Findings) != 1 {
				t.Errorf("a row with %s %s is not in %s", tt.field, w, tt.view)
			}
		}
	}
}

func TestViewsOfABadInput(t *testing.T) {
	if _, err := Views([]byte(`{}`)); fault.ClassOf(err) != fault.Evidence {
		t.Errorf("got %v", err)
	}
}
