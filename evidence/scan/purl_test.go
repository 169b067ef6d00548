package scan

import (
	"encoding/json"
	"io"
	"slices"
	"strings"
	"testing"

	"cdgate.dev/cdgate/evidence"
)

// TestPackageURLs: a row has a package URL where the report says enough, and one that stands for several packages has
// only what they have in common, so that nobody discharges one by speaking about another.
func TestPackageURLs(t *testing.T) {
	osv := func(members string) string {
		return `{"results":[{"source":{"path":"p"},"packages":[{"package":{` + members + `},"vulnerabilities":[{"id":"V"}],"groups":[{"ids":["V"]}]}]}]}`
	}
	snyk := func(entries ...string) string {
		return `{"ok":false,"dependencyCount":2,"packageManager":"npm","vulnerabilities":[` + strings.Join(entries, ",") + `]}`
	}
	entry := func(manager, full, name, version string) string {
		return `{"id":"S","severity":"high","packageManager":"` + manager + `","name":"` + full + `","packageName":"` + name + `","version":"` + version + `"}`
	}
	found := func(id, module, version string) string {
		return `{"finding":{"osv":"` + id + `","trace":[{"module":"` + module + `","version":"` + version + `"}]}}`
	}
	config := `{"config":{"protocol_version":"v1.0.0","scanner_name":"govulncheck"}}`
	v1 := func(versions string) string {
		return `{"advisories":{"1":{"module_name":"@x/a","severity":"high","vulnerable_versions":"<2","findings":[` + versions + `]}},"metadata":{"totalDependencies":1}}`
	}
	v2 := func(via string) string {
		return `{"auditReportVersion":2,"vulnerabilities":{"a":{"name":"a","severity":"high","range":"<2","via":[` + via + `]}},"metadata":{"dependencies":{"total":1}}}`
	}
	for name, tt := range map[string]struct {
		format evidence.Format
		report string
		want   []string
	}{
		"osv":                       {OSVScanner(), osv(`"name":"g:a","version":"1","ecosystem":"Maven"`), []string{"pkg:maven/g/a@1"}},
		"osv, no ecosystem":         {OSVScanner(), osv(`"name":"g:a","version":"1"`), []string{""}},
		"osv, source and package":   {OSVScanner(), osv(`"name":"util-linux","os_package_name":"fdisk","version":"2.33.1-0.1","ecosystem":"Debian:10"`), []string{"pkg:deb/debian/fdisk@2.33.1-0.1"}},
		"npm 1":                     {NPMAudit(), v1(`{"version":"1.0","paths":["a"]},{"version":"1.0"}`), []string{"pkg:npm/%40x/a@1.0"}},
		"npm 1, two versions":       {NPMAudit(), v1(`{"version":"1.0"},{"version":"1.1"}`), []string{"pkg:npm/%40x/a"}},
		"npm 1, no version":         {NPMAudit(), v1(``), []string{"pkg:npm/%40x/a"}},
		"npm 2":                     {NPMAudit(), v2(`{"url":"https://x/GHSA-1"},{"url":"https://x/GHSA-1"},"b"`), []string{"pkg:npm/a"}},
		"npm 2, two advisories":     {NPMAudit(), v2(`{"url":"https://x/GHSA-1"},{"url":"https://x/GHSA-2"}`), []string{""}},
		"npm 2, through another":    {NPMAudit(), v2(`"b"`), []string{""}},
		"snyk":                      {Snyk(), snyk(entry("maven", "", "g:a", "1")), []string{"pkg:maven/g/a@1"}},
		"snyk, two paths":           {Snyk(), snyk(entry("npm", "", "a", "1"), entry("npm", "", "a", "1")), []string{"pkg:npm/a@1"}},
		"snyk, two versions":        {Snyk(), snyk(entry("npm", "", "a", "1"), entry("npm", "", "a", "2")), []string{"pkg:npm/a"}},
		"snyk, two packages":        {Snyk(), snyk(entry("deb", "", "a", "1"), entry("npm", "", "a", "1")), []string{""}},
		"snyk, a distribution":      {Snyk(), snyk(entry("debian:10", "openssl/libssl1.1", "openssl", "1.1.1")), []string{"pkg:deb/debian/libssl1.1@1.1.1"}},
		"snyk, two of one source":   {Snyk(), snyk(entry("debian:10", "openssl/libssl1.1", "openssl", "1.1.1"), entry("debian:10", "openssl/openssl", "openssl", "1.1.1")), []string{""}},
		"snyk, a module or package": {Snyk(), snyk(entry("gomodules", "", "golang.org/x/crypto/ssh", "0.1.0")), []string{""}},
		"govulncheck":               {Govulncheck(), config + found("A", "x/y", "v1") + found("B", "stdlib", "v1.20.3"), []string{"pkg:golang/x/y@v1", "pkg:golang/stdlib@v1.20.3"}},
		"govulncheck, two modules":  {Govulncheck(), config + found("A", "x/y", "v1") + found("A", "x/z", "v1"), []string{""}},
		"govulncheck, two versions": {Govulncheck(), config + found("A", "x/y", "v1") + found("A", "x/y", "v2"), []string{"pkg:golang/x/y"}},
		"klar":                      {Clair(), `{"LayerCount":1,"Vulnerabilities":{"Low":[{"Name":"C","FeatureName":"a","FeatureVersion":"1","NamespaceName":"alpine:v3.8","Severity":"Low"},{"Name":"C","FeatureName":"a","FeatureVersion":"1","Severity":"Low"}]}}`, []string{"pkg:apk/alpine/a@1", ""}},
	} {
		var b strings.Builder
		rows := evidence.NewRows(&b, evidence.Scan)
		_, err := tt.format.Read(strings.NewReader(tt.report), rows)
		if err == nil {
			err = rows.Close()
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var doc struct{ Findings []struct{ PURL string } }
		if err := json.NewDecoder(strings.NewReader(b.String())).Decode(&doc); err != nil && err != io.EOF {
			t.Errorf("%s: %v", name, err)
		}
		var got []string
		for _, f := range doc.Findings {
			got = append(got, f.PURL)
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %q, want %q", name, got, tt.want)
		}
	}
}
