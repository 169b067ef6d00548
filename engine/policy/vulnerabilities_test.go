package policy

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
)

const (
	digestV = "sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"

	// grypeItem reports CVE-1 of scanItem under another name and another severity; its tool does not say its name.
	grypeItem = `{` + itemHead + `,"summary":{"open":1,"suppressed":0,"bySeverity":{"critical":0,"high":0,"medium":0,"low":1,"info":0,"unknown":0},` +
		`"complete":true,"looked":true},"findings":[` +
		`{"id":"GHSA-1","category":"vulnerability","severity":"low","status":"open","package":"zlib","version":"1","fixedVersion":"3",` +
		`"purl":"pkg:deb/debian/zlib@1","title":"t","place":"q","aliases":["CVE-1"],"justification":""}]}`

	vexItem = `{` + itemHead + `,"summary":{"specVersion":"1","document":"d","documentVersion":"1","author":"Acme","statements":1,"affected":0,` +
		`"notAffected":1,"fixed":0,"underInvestigation":0,"unknown":0,"products":1,"complete":true},"statements":[` +
		`{"vulnerability":"GHSA-1","aliases":[],"product":"pkg:deb/debian/zlib","digest":"","component":"","status":"not_affected",` +
		`"justification":"","impact":"not called","action":"","at":"2026-01-01T00:00:00Z"}]}`
)

func threeItems() string {
	grype := strings.NewReplacer(digestB, digestV, `"tool":{"name":"tool"`, `"tool":{"name":""`, `"format":"x"`, `"format":"grype"`).Replace(grypeItem)
	return with(with(noInput, "scan", scanItem+","+grype), "vex", vexItem)
}

// TestVulnerabilitiesView builds the view of two scans and a VEX document.
func TestVulnerabilitiesView(t *testing.T) {
	out, err := Views([]byte(threeItems()))
	if err != nil {
		t.Fatal(err)
	}
	var got, want struct{ Vulnerabilities any }
	source := func(item, tool, id, severity, status, why, place, fixed string) string {
		return `{"item":"` + item + `","tool":"` + tool + `","id":"` + id + `","severity":"` + severity + `","status":"` + status +
			`","justification":"` + why + `","place":"` + place + `","fixedVersion":"` + fixed + `"}`
	}
	text := `{"vulnerabilities":[{"id":"CVE-1","aliases":["GHSA-1"],"package":"zlib","version":"1","purl":"pkg:deb/debian/zlib@1",` +
		`"fixedVersions":["2","3"],"severity":"critical","severities":["critical","low"],"status":"open","disputed":false,"justification":"",` +
		`"sources":[` + source(digestV, "grype", "GHSA-1", "low", "not_affected", "not called", "q", "3") + `,` +
		source(digestB, "tool", "CVE-1", "critical", "open", "", "p", "2") + `],` +
		`"statements":[{"item":"` + digestB + `","author":"Acme","vulnerability":"GHSA-1","status":"not_affected","justification":"not called",` +
		`"product":"pkg:deb/debian/zlib","component":"","at":"2026-01-01T00:00:00Z","ignored":""}]},` +
		`{"id":"CVE-2","aliases":[],"package":"zlib","version":"1","purl":"","fixedVersions":[],"severity":"critical","severities":["critical"],` +
		`"status":"suppressed","disputed":false,"justification":"not used",` +
		`"sources":[` + source(digestB, "tool", "CVE-2", "critical", "suppressed", "not used", "p", "") + `],"statements":[]}]}`
	for b, v := range map[string]any{string(out): &got, text: &want} {
		if err := json.Unmarshal([]byte(b), v); err != nil {
			t.Fatal(err)
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	if _, err := Views([]byte(strings.Replace(noInput, `"stage"`, `"vulnerabilities":[],"stage"`, 1))); err == nil || !strings.Contains(err.Error(), "index view") {
		t.Errorf("a document that brings its own view: %v", err)
	}
}

// TestStatementsOfTheFuture: one that is dated later than now does not supersede what its author says today, so that the
// worse of the two counts; one dated up to now does.
func TestStatementsOfTheFuture(t *testing.T) {
	for at, want := range map[string]string{"2099-01-01T00:00:00Z": "", "2026-11-20T12:00:00Z": "superseded"} {
		i := strings.Index(vexItem, `{"vulnerability"`)
		worse := strings.Replace(strings.TrimSuffix(vexItem[i:], "]}"), `"not_affected"`, `"affected"`, 1)
		newer := strings.Replace(vexItem[i:], "2026-01-01T00:00:00Z", at, 1)
		grype := strings.NewReplacer(`"tool":{"name":"tool"`, `"tool":{"name":""`, `"format":"x"`, `"format":"grype"`).Replace(grypeItem)
		out, err := Views([]byte(with(with(noInput, "scan", grype), "vex", vexItem[:i]+worse+","+newer)))
		if err != nil {
			t.Fatal(err)
		}
		var got struct {
			Vulnerabilities []struct {
				Status     string
				Statements []struct{ Status, At, Ignored string }
			}
		}
		if err := json.Unmarshal(out, &got); err != nil || len(got.Vulnerabilities) != 1 || len(got.Vulnerabilities[0].Statements) != 2 {
			t.Fatalf("%v %s", err, out)
		}
		v := got.Vulnerabilities[0]
		if discharged := v.Status == "not_affected"; discharged != (want != "") {
			t.Errorf("newer at %s: %+v", at, v)
		}
		for _, s := range v.Statements {
			if s.Status == "affected" && s.Ignored != want {
				t.Errorf("newer at %s: %+v", at, v)
			}
		}
	}
}

// TestAuthorOfAVEXDocument: one that names no author has its signer.
func TestAuthorOfAVEXDocument(t *testing.T) {
	out, err := Views([]byte(strings.Replace(threeItems(), `"author":"Acme"`, `"author":""`, 1)))
	if err != nil || !strings.Contains(string(out), `"author":"ci"`) {
		t.Errorf("%v %s", err, out)
	}
}

// TestVulnerabilitiesNeedScans: without a scan the view is empty, and a rule that reads it fails without being run,
// however it refers to it. A VEX document is not needed.
func TestVulnerabilitiesNeedScans(t *testing.T) {
	for name, body := range map[string]string{
		"plainly":        "count(input.vulnerabilities) > 100",
		"by a helper":    "_count > 100\n}\n\n_count := count(input.vulnerabilities) if {\n\ttrue",
		"one of several": "input.vulnerabilities[_].status == \"affected\"",
	} {
		p := one(t, "package rules.a.b\n\nblock contains \"x\" if {\n\t"+body+"\n}\n")
		rules, err := inProcess(p, noInput)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !slices.Equal(rules[0].Needs, []string{"scan"}) || rules[0].Result != Failed || !slices.Equal(rules[0].Missing, []string{"scan"}) {
			t.Errorf("%s: without a scan: %+v", name, rules[0])
		}
		if rules, err = inProcess(p, with(noInput, "scan", scanItem)); err != nil || rules[0].Result != Passed {
			t.Errorf("%s: with one: %+v %v", name, rules, err)
		}
	}
}

// TestVulnerabilitiesForThoseWhoAsk: the view is built for rules that refer to it, also through the whole input, and not for
// others.
func TestVulnerabilitiesForThoseWhoAsk(t *testing.T) {
	for body, want := range map[string]bool{
		"count(input.vulnerabilities) == 2":                       true,
		"some key, _ in input\n\tkey == \"vulnerabilities\"":      true,
		"count(input.evidence.scan) == 2":                         false,
		"input.release.name == \"app\"":                           false,
		"some k in [\"vulnerabilities\"]\n\tcount(input[k]) == 2": true,
	} {
		p := one(t, "package rules.a.b\n\nblock contains \"x\" if {\n\t"+body+"\n}\n")
		c := compile(p, options{})
		if c.vulnerabilities != want {
			t.Errorf("%s: built %v, want %v (%v)", body, c.vulnerabilities, want, c.problems)
		}
		if !want {
			continue
		}
		doc, err := testTypes(t).decodeInput([]byte(threeItems()))
		if err != nil {
			t.Fatal(err)
		}
		c.rules[0].Needs = nil
		rules, problems := c.evaluateAt(doc, options{})
		if len(problems) > 0 || len(rules[0].Findings) != 1 {
			t.Errorf("%s: %+v %v", body, rules, problems)
		}
	}
}

// TestVulnerabilityTypes: misspelt fields and impossible words of the view are found before a rule runs.
func TestVulnerabilityTypes(t *testing.T) {
	for body, word := range map[string]string{
		"input.vulnerabilities[_].alias == \"x\"":             "aliases",
		"input.vulnerabilities[_].sources[_].name == \"x\"":   "tool",
		"input.vulnerabilities[_].statements[_].by == \"x\"":  "author",
		"input.vulnerabilitys[_].id == \"x\"":                 "vulnerabilities",
		"input.vulnerabilities[_].status == \"not affected\"": "not_affected",
	} {
		found := Check(one(t, "package rules.a.b\n\nblock contains \"x\" if {\n\t"+body+"\n}\n"))
		if !slices.ContainsFunc(found, func(d Diagnostic) bool { return !d.Warning && strings.Contains(d.Msg, word) }) {
			t.Errorf("%s: no word of %q: %v", body, word, found)
		}
	}
}
