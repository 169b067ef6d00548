package purl

import (
	"reflect"
	"strings"
	"testing"
)

// TestParse holds rules and examples of the specification (ECMA-427; github.com/package-url/purl-spec, tests/spec and
// tests/types).
func TestParse(t *testing.T) {
	for in, want := range map[string]struct {
		p         P
		canonical string
	}{
		"pkg:maven/org.apache.commons/io@1.3.4":           {P{Type: "maven", Namespace: "org.apache.commons", Name: "io", Version: "1.3.4"}, ""},
		"pkg:MAVEN/org.Apache/Io":                         {P{Type: "maven", Namespace: "org.Apache", Name: "Io"}, "pkg:maven/org.Apache/Io"},
		"PKG:npm/foobar@12.3.1":                           {P{Type: "npm", Name: "foobar", Version: "12.3.1"}, "pkg:npm/foobar@12.3.1"},
		"pkg://npm//foobar@1":                             {P{Type: "npm", Name: "foobar", Version: "1"}, "pkg:npm/foobar@1"},
		"pkg:npm/@angular/animation@12.3.1":               {P{Type: "npm", Namespace: "@angular", Name: "animation", Version: "12.3.1"}, "pkg:npm/%40angular/animation@12.3.1"},
		"pkg:npm/%40angular/animation@12.3.1":             {P{Type: "npm", Namespace: "@angular", Name: "animation", Version: "12.3.1"}, ""},
		"pkg:pypi/Django_package@1.11.1.dev1":             {P{Type: "pypi", Name: "django-package", Version: "1.11.1.dev1"}, "pkg:pypi/django-package@1.11.1.dev1"},
		"pkg:github/Package-url/purl-Spec@244fd47e07":     {P{Type: "github", Namespace: "package-url", Name: "purl-spec", Version: "244fd47e07"}, "pkg:github/package-url/purl-spec@244fd47e07"},
		"pkg:nuget/EnterpriseLibrary.Common@6.0.1304":     {P{Type: "nuget", Name: "EnterpriseLibrary.Common", Version: "6.0.1304"}, ""},
		"pkg:golang/google.golang.org/genproto#a/b":       {P{Type: "golang", Namespace: "google.golang.org", Name: "genproto", Subpath: "a/b"}, ""},
		"pkg:deb/debian/curl@7.50.3-1?arch=i386&distro=j": {P{Type: "deb", Namespace: "debian", Name: "curl", Version: "7.50.3-1", Qualifiers: map[string]string{"arch": "i386", "distro": "j"}}, ""},
		"pkg:deb/debian/curl@1?distro=j&arch=":            {P{Type: "deb", Namespace: "debian", Name: "curl", Version: "1", Qualifiers: map[string]string{"distro": "j"}}, "pkg:deb/debian/curl@1?distro=j"},
		"pkg:oci/debian@sha256%3A244fd47e07d10":           {P{Type: "oci", Name: "debian", Version: "sha256:244fd47e07d10"}, "pkg:oci/debian@sha256:244fd47e07d10"},
		"pkg:apk/Alpine/Curl@7.83.0-r0":                   {P{Type: "apk", Namespace: "alpine", Name: "curl", Version: "7.83.0-r0"}, "pkg:apk/alpine/curl@7.83.0-r0"},
		"pkg:generic/a%20b@1%2B2":                         {P{Type: "generic", Name: "a b", Version: "1+2"}, ""},
	} {
		got, ok := Parse(in)
		if !ok || !reflect.DeepEqual(got, want.p) {
			t.Errorf("%s: %+v (%v), want %+v", in, got, ok, want.p)
		}
		if want.canonical == "" {
			want.canonical = in
		}
		if got.String() != want.canonical {
			t.Errorf("%s: canonical form %s, want %s", in, got, want.canonical)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, in := range []string{
		"", "pkg:", "pkg:npm", "pkg:npm/", "pkg:npm/@1.0", "npm/foobar", "https://example.com/a", "pkg:n&g/name@1", "pkg:3nuget/a", "pkg:/name",
		"pkg:npm/a b@1", "pkg:npm/a\n@1", " pkg:npm/a", "pkg:npm/a%2@1", "pkg:npm/a?arch=1&arch=2", "pkg:npm/a?a b=1",
		"pkg:npm/github.com%2Fx/y@1", "pkg:generic/a%2fb/c", "pkg:golang/a%2F@1", "pkg:swift/Alamofire@5.4.3", "pkg:generic/" + strings.Repeat("x", 20_000),
	} {
		if p, ok := Parse(in); ok {
			t.Errorf("%.60q was read as %+v", in, p)
		}
	}
}

func TestCovers(t *testing.T) {
	for _, c := range []struct {
		p, other          string
		covers, qualified bool
	}{
		{"pkg:npm/a@1", "pkg:npm/a@1", true, true},
		{"pkg:npm/a", "pkg:npm/a@1", true, true},
		{"pkg:npm/a@1", "pkg:npm/a", false, false},
		{"pkg:npm/a@1", "pkg:npm/a@2", false, false},
		{"pkg:npm/a@1", "pkg:npm/a@1.0", false, false},
		{"pkg:npm/a@1", "pkg:npm/b@1", false, false},
		{"pkg:npm/a@1", "pkg:NPM/a@1", true, true},
		{"pkg:npm/a@1", "pkg:npm/A@1", false, false},
		{"pkg:npm/a@1", "pkg:pypi/a@1", false, false},
		{"pkg:npm/a@1", "pkg:npm/%40x/a@1", false, false},
		{"pkg:npm/%40x/a@1", "pkg:npm/@x/a@1", true, true},
		{"pkg:pypi/A_b@1", "pkg:pypi/a-B@1", true, true},
		{"pkg:pypi/a.b@1", "pkg:pypi/a-b@1", false, false},
		{"pkg:golang/GitHub.com/X/y@v1", "pkg:golang/github.com/x/y@v1", true, true},
		{"pkg:golang/github.com/x/y@v1", "pkg:golang/github.com/x/y@1", false, false},
		{"pkg:golang/github.com/x", "pkg:golang/github.com/x/y@v1", false, false},
		{"pkg:golang/golang.org%2Fx%2Ftext@v0.3.5", "pkg:golang/golang.org/x/text@v0.3.5", true, true},
		{"pkg:golang/golang.org%2Fx/text@v0.3.5", "pkg:golang/golang.org/x/text@v0.3.5", true, true},
		{"pkg:golang/golang.org%2Fx%2Ftext@v0.3.5", "pkg:golang/golang.org/x@v0.3.5", false, false},
		{"pkg:generic/a/b", "pkg:generic/a%2Fb", false, false},
		{"pkg:maven/g/a@1", "pkg:maven/g/a@1?type=jar", true, true},
		{"pkg:maven/g/a@1?type=jar", "pkg:maven/g/a@1", true, false},
		{"pkg:deb/debian/a@1?arch=amd64", "pkg:deb/debian/a@1?arch=arm64", true, false},
		{"pkg:deb/debian/a@1?arch=amd64", "pkg:deb/debian/a@1?distro=x&arch=amd64", true, true},
		{"pkg:golang/x/y@v1#z", "pkg:golang/x/y@v1", true, false},
		{"pkg:golang/x/y@v1#z", "pkg:golang/x/y@v1#z", true, true},
	} {
		p, ok1 := Parse(c.p)
		other, ok2 := Parse(c.other)
		if !ok1 || !ok2 {
			t.Fatalf("%s %s: not read", c.p, c.other)
		}
		if p.Covers(other) != c.covers || p.CoversQualified(other) != c.qualified {
			t.Errorf("%s covers %s: %v, with qualifiers %v, want %v and %v", c.p, c.other, p.Covers(other), p.CoversQualified(other), c.covers, c.qualified)
		}
	}
	if (P{}).Covers(P{}) || (P{}).CoversQualified(P{}) || (P{Type: "npm"}).Covers(P{Type: "npm"}) {
		t.Error("nothing covers something")
	}
}

func FuzzParse(f *testing.F) {
	f.Add("pkg:npm/%40angular/animation@12.3.1?a=b&c=d#e/f")
	f.Add("pkg:deb/debian/curl@7.50.3-1?arch=i386")
	f.Add("pkg:mlflow/A@1?repository_url=databricks")
	f.Fuzz(func(t *testing.T, in string) {
		p, ok := Parse(in)
		if !ok {
			return
		}
		if !p.CoversQualified(p) {
			t.Errorf("%q does not cover itself", in)
		}
		again, ok := Parse(p.String())
		if ok && !again.CoversQualified(p) {
			t.Errorf("%q is %s, which does not cover it", in, p)
		}
	})
}
