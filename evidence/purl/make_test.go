package purl

import "testing"

// TestOf holds examples of the purl types (purl-spec, types/*-definition.json), in the words of the ecosystems.
func TestOf(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{OfOSV("Go", "github.com/gogo/protobuf", "1.3.1"), "pkg:golang/github.com/gogo/protobuf@v1.3.1"},
		{OfOSV("Go", "github.com/gogo/protobuf", "v1.3.1"), "pkg:golang/github.com/gogo/protobuf@v1.3.1"},
		{OfOSV("Go", "stdlib", "1.22.1"), "pkg:golang/stdlib@1.22.1"},
		{OfOSV("npm", "minimist", "1.2.5"), "pkg:npm/minimist@1.2.5"},
		{OfOSV("npm", "@angular/animation", "12.3.1"), "pkg:npm/%40angular/animation@12.3.1"},
		{OfOSV("PyPI", "Django_package", "1.11.1.dev1"), "pkg:pypi/django-package@1.11.1.dev1"},
		{OfOSV("crates.io", "regex", "1.5.1"), "pkg:cargo/regex@1.5.1"},
		{OfOSV("Maven", "com.google.guava:guava", "29.0-jre"), "pkg:maven/com.google.guava/guava@29.0-jre"},
		{OfOSV("NuGet", "EnterpriseLibrary.Common", "6.0.1304"), "pkg:nuget/EnterpriseLibrary.Common@6.0.1304"},
		{OfOSV("RubyGems", "ruby-advisory-db-check", "0.12.4"), "pkg:gem/ruby-advisory-db-check@0.12.4"},
		{OfOSV("Packagist", "laravel/laravel", "5.5.0"), "pkg:composer/laravel/laravel@5.5.0"},
		{OfOSV("Hex", "jason", "1.1.2"), "pkg:hex/jason@1.1.2"},
		{OfOSV("Pub", "characters", "1.2.0"), "pkg:pub/characters@1.2.0"},
		{OfOSV("Debian:12", "curl", "7.50.3-1"), "pkg:deb/debian/curl@7.50.3-1"},
		{OfOSV("Alpine:v3.18", "curl", "7.83.0-r0"), "pkg:apk/alpine/curl@7.83.0-r0"},
		{OfOSV("npm", "minimist", ""), "pkg:npm/minimist"},
		{OfDistribution("ubuntu:18.04", "systemd", "237-3ubuntu10.29"), "pkg:deb/ubuntu/systemd@237-3ubuntu10.29"},
		{OfDistribution("debian:9", "perl", "1:5.24"), "pkg:deb/debian/perl@1:5.24"},
		{OfSnyk("gradle", "com.google.guava:guava", "22.0"), "pkg:maven/com.google.guava/guava@22.0"},
		{OfSnyk("pip", "Jinja2", "2.7.2"), "pkg:pypi/jinja2@2.7.2"},
		{OfSnyk("yarn", "@scope/a", "1"), "pkg:npm/%40scope/a@1"},
		{OfNPM("fresh", "0.3.0"), "pkg:npm/fresh@0.3.0"},
		{OfGo("golang.org/x/text", "v0.3.5"), "pkg:golang/golang.org/x/text@v0.3.5"},
		{OfGo("rsc.io/quote", ""), "pkg:golang/rsc.io/quote"},

		{OfOSV("Mars", "a", "1"), ""},
		{OfOSV("", "a", "1"), ""},
		{OfOSV("NPM", "a", "1"), ""},
		{OfOSV("npm", "", "1"), ""},
		{OfOSV("npm", "scope/a", "1"), ""},
		{OfOSV("npm", "@scope", "1"), ""},
		{OfOSV("npm", "@scope/a/b", "1"), ""},
		{OfOSV("npm", "@/a", "1"), ""},
		{OfOSV("npm", "a@2", "1"), ""},
		{OfOSV("npm", "a?x=1", "1"), ""},
		{OfOSV("npm", "a b", "1"), ""},
		{OfOSV("PyPI", "a/b", "1"), ""},
		{OfOSV("Maven", "guava", "1"), ""},
		{OfOSV("Maven", "g:a:jar", "1"), ""},
		{OfOSV("Packagist", "laravel", "1"), ""},
		{OfOSV("Packagist", "a/b/c", "1"), ""},
		{OfOSV("npm", "a", "1 || 2"), ""},
		{OfDistribution("centos:7", "perl-libs", "4:5.16.3"), ""},
		{OfDistribution("", "curl", "1"), ""},
		{OfSnyk("gomodules", "golang.org/x/crypto/ssh", "0.1.0"), ""},
		{OfSnyk("", "a", "1"), ""},
		{OfGo("", "v1"), ""},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestCommon(t *testing.T) {
	for _, c := range []struct{ a, b, want string }{
		{"pkg:npm/a@1", "pkg:npm/a@1", "pkg:npm/a@1"},
		{"pkg:npm/a@1", "pkg:npm/a@2", "pkg:npm/a"},
		{"pkg:npm/a", "pkg:npm/a@2", "pkg:npm/a"},
		{"pkg:npm/a@1", "pkg:npm/b@1", ""},
		{"pkg:npm/a@1", "pkg:pypi/a@1", ""},
		{"pkg:npm/a@1", "", ""},
		{"", "", ""},
		{"pkg:deb/debian/a@1?arch=amd64", "pkg:deb/debian/a@1", ""},
	} {
		if got := Common(c.a, c.b); got != c.want {
			t.Errorf("%s and %s: got %q, want %q", c.a, c.b, got, c.want)
		}
		if got := Common(c.b, c.a); got != c.want {
			t.Errorf("%s and %s: got %q, want %q", c.b, c.a, got, c.want)
		}
	}
}

// FuzzOf: what is made is read as what it was made of, or nothing is made.
func FuzzOf(f *testing.F) {
	f.Add("npm", "@angular/animation", "12.3.1")
	f.Add("Maven", "com.google.guava:guava", "29.0-jre")
	f.Add("Go", "github.com/gogo/protobuf", "1.3.1")
	f.Fuzz(func(t *testing.T, ecosystem, name, version string) {
		text := OfOSV(ecosystem, name, version)
		if text == "" {
			return
		}
		p, ok := Parse(text)
		if !ok || p.String() != text || p.Version != version && p.Version != "v"+version || len(p.Qualifiers) > 0 || p.Subpath != "" {
			t.Errorf("%q %q %q became %s, read as %+v (%v)", ecosystem, name, version, text, p, ok)
		}
	})
}
