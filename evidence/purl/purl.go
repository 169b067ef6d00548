// Package purl reads package URLs (purl) and compares them. It is the one door to the library that knows their rules.
package purl

import (
	"strings"

	"github.com/package-url/packageurl-go"

	"cdgate.dev/cdgate/evidence"
)

// P is a package URL in the normal form of its type (ECMA-427; purl-spec, types/*-definition.json): names of types that
// ignore case are in lower case, an underscore in a name of PyPI is a hyphen, percent signs are decoded. The zero value
// names nothing and covers nothing. Make one with Parse.
type P struct {
	Type, Namespace, Name, Version string
	// Qualifiers holds no empty value.
	Qualifiers map[string]string
	Subpath    string
}

// Parse reads a package URL. It reports false for what is none: another scheme, no type, no name, white space, a slash
// hidden in a namespace, a qualifier twice, or a break of the rules of its type. A Go module may be one name with slashes
// written as %2F, as govulncheck writes it: a module path can be split in one way only.
func Parse(text string) (P, bool) {
	if len(text) > evidence.MaxName || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return P{}, false
	}
	u, err := packageurl.FromString(text)
	if err != nil || u.Type == "" || u.Name == "" || u.Type != packageurl.TypeGolang && hidesSlash(text) {
		return P{}, false
	}
	if i := strings.LastIndexByte(u.Name, '/'); i >= 0 && u.Type == packageurl.TypeGolang {
		u.Namespace, u.Name = strings.Trim(u.Namespace+"/"+u.Name[:i], "/"), u.Name[i+1:]
		if u.Name == "" {
			return P{}, false
		}
	}
	p := P{Type: u.Type, Namespace: u.Namespace, Name: u.Name, Version: u.Version, Subpath: u.Subpath}
	if len(u.Qualifiers) > 0 {
		p.Qualifiers = u.Qualifiers.Map()
	}
	return p, true
}

// hidesSlash reports whether a segment of the namespace holds a slash written as %2F, which no segment may: without
// this, two different packages would compare as one.
func hidesSlash(text string) bool {
	path, _, _ := strings.Cut(text, "#")
	path, _, _ = strings.Cut(path, "?")
	i := strings.LastIndexByte(path, '/')
	return i >= 0 && strings.Contains(strings.ToLower(path[:i]), "%2f")
}

// Covers reports whether what is said about p is said about other: type, namespace and name are the same, and so is the
// version, unless p has none. Qualifiers and subpath are ignored. A version is compared as it is written, "v1.2.3" is
// not "1.2.3": in doubt nothing is covered.
func (p P) Covers(other P) bool {
	return p.Type != "" && p.Name != "" && p.Type == other.Type && p.Namespace == other.Namespace && p.Name == other.Name &&
		(p.Version == "" || p.Version == other.Version)
}

// CoversQualified is Covers for those who ask for qualifiers too: other must have every qualifier and the subpath that p
// has. "?arch=amd64" does not cover "?arch=arm64", and no qualifier covers all.
func (p P) CoversQualified(other P) bool {
	for name, value := range p.Qualifiers {
		if other.Qualifiers[name] != value {
			return false
		}
	}
	return (p.Subpath == "" || p.Subpath == other.Subpath) && p.Covers(other)
}

// String returns the canonical form.
func (p P) String() string {
	u := packageurl.NewPackageURL(p.Type, p.Namespace, p.Name, p.Version, packageurl.QualifiersFromMap(p.Qualifiers), p.Subpath)
	return u.ToString()
}
