package purl

import (
	"strings"

	"github.com/package-url/packageurl-go"

	"cdgate.dev/cdgate/evidence"
)

// osv holds the types of the ecosystems of OSV (ossf.github.io/osv-schema, "affected[].package field"), with the namespace
// of those that have one for all packages.
var osv = map[string]string{
	"Go": "golang", "npm": "npm", "PyPI": "pypi", "crates.io": "cargo", "Maven": "maven", "NuGet": "nuget", "RubyGems": "gem",
	"Packagist": "composer", "Hex": "hex", "Pub": "pub", "Debian": "deb/debian", "Ubuntu": "deb/ubuntu", "Alpine": "apk/alpine",
}

// distributions holds the types of packages of Linux distributions, by the name that scanners write before a colon and
// the version. Those with RPM are absent: what they write of epochs differs.
var distributions = map[string]string{"debian": "deb/debian", "ubuntu": "deb/ubuntu", "alpine": "apk/alpine"}

// snyk holds the types of what Snyk calls package managers. Those of Go are absent: a name is there a module or a package
// in one, and nothing tells which.
var snyk = map[string]string{
	"npm": "npm", "yarn": "npm", "pnpm": "npm", "maven": "maven", "gradle": "maven", "sbt": "maven", "pip": "pypi", "pipenv": "pypi",
	"poetry": "pypi", "nuget": "nuget", "paket": "nuget", "rubygems": "gem", "composer": "composer", "hex": "hex", "cargo": "cargo",
	"pub": "pub", "cocoapods": "cocoapods",
}

// OfOSV is the package URL of a package of an OSV ecosystem, such as "Debian:12", of which the part after the colon does not
// count. It is empty for what is not known, as it is for all functions here: nothing is guessed. OSV writes the
// versions of Go modules without the v that they have (go.dev/ref/mod#versions); those of the standard library, no
// module, have none.
func OfOSV(ecosystem, name, version string) string {
	ecosystem, _, _ = strings.Cut(ecosystem, ":")
	if ecosystem == "Go" && name != "stdlib" && name != "toolchain" && version != "" && '0' <= version[0] && version[0] <= '9' {
		version = "v" + version
	}
	return of(osv[ecosystem], name, version)
}

// OfDistribution is the package URL of a package of a Linux distribution, such as "ubuntu:18.04". The version of the
// distribution does not count.
func OfDistribution(distribution, name, version string) string {
	distribution, _, _ = strings.Cut(distribution, ":")
	return of(distributions[distribution], name, version)
}

// OfSnyk is the package URL of a package that Snyk lists under the package manager. For packages of a distribution, such
// as of "alpine:3.12", use OfDistribution.
func OfSnyk(manager, name, version string) string { return of(snyk[manager], name, version) }

// OfNPM is the package URL of a package of npm, scoped or not.
func OfNPM(name, version string) string { return of("npm", name, version) }

// OfGo is the package URL of a Go module.
func OfGo(module, version string) string { return of("golang", module, version) }

// Common is the package URL of a row that stands for both: the one they are, that package without a version where only
// versions differ, and otherwise nothing. An empty one has nothing in common with any.
func Common(a, b string) string {
	if a == b {
		return a
	}
	p, ok1 := Parse(a)
	q, ok2 := Parse(b)
	switch {
	case !ok1 || !ok2:
		return ""
	case p.Version != q.Version:
		p.Version, q.Version = "", ""
	}
	if !p.CoversQualified(q) || !q.CoversQualified(p) {
		return ""
	}
	return p.String()
}

// of makes a package URL of a type, with a namespace after a slash where the type has one, and of a name as the
// ecosystem writes it. It is empty where the name is not of the form that the ecosystem's names have, or the version is a
// range.
func of(kind, name, version string) string {
	if kind == "" || name == "" || !plain(strings.TrimPrefix(name, "@"), "@?#%\\") || !plain(version, "<>=*^|,?#%\\") {
		return ""
	}
	kind, namespace, _ := strings.Cut(kind, "/")
	between := "" // what stands between namespace and name
	switch kind {
	case "npm":
		if name[0] == '@' {
			between = "/"
		}
	case "maven":
		between = ":"
	case "composer":
		between = "/"
	case "golang":
		if i := strings.LastIndexByte(name, '/'); i >= 0 {
			namespace, name = name[:i], name[i+1:]
		}
	}
	if between != "" {
		var ok bool
		if namespace, name, ok = strings.Cut(name, between); !ok || strings.Trim(namespace, "@") == "" {
			return ""
		}
	}
	if name == "" || strings.ContainsAny(name, "/:@") || kind != "golang" && strings.Contains(namespace, "/") {
		return ""
	}
	p, ok := Parse(packageurl.NewPackageURL(kind, namespace, name, version, nil, "").ToString())
	if text := p.String(); ok && p.Version == version && len(text) <= evidence.MaxName {
		return text
	}
	return ""
}

// plain reports whether a text is printable ASCII without white space and without what is in but.
func plain(text, but string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) && !strings.ContainsAny(text, but)
}
