package vulns

import (
	"strings"

	"cdgate.dev/cdgate/evidence/purl"
)

// located is a package URL that was read. Kind is its type, namespace and name in one text; name is what packages without
// a package URL are held against.
type located struct {
	purl.P
	kind, name string
}

// purls reads each package URL once.
type purls map[string]*located

// read returns nil for what is no package URL.
func (c purls) read(text string) *located {
	if text == "" {
		return nil
	}
	p, known := c[text]
	if !known {
		if parsed, ok := purl.Parse(text); ok {
			p = &located{P: parsed, kind: parsed.Type + "\x00" + parsed.Namespace + "\x00" + parsed.Name}
			p.name = plain(strings.TrimPrefix(parsed.Namespace+"/"+parsed.Name, "/"))
		}
		c[text] = p
	}
	return p
}

func (c purls) name(text string) string {
	if p := c.read(text); p != nil {
		return p.name
	}
	return ""
}

// identity is what makes a package. Kind is empty where no package URL is given, version where none is known.
type identity struct{ kind, name, version string }

// class says how much is known: 0 is a package URL and a version, 1 a package URL, 2 a name and a version, 3 less.
func (id identity) class() int {
	switch {
	case id.kind != "" && id.version != "":
		return 0
	case id.kind != "":
		return 1
	case id.version != "":
		return 2
	}
	return 3
}

// packagesOf numbers the packages of findings. A finding without a package URL or a version belongs to the one package
// that fits what it has; where none or several fit, it is about a package of its own. Where it has not even a name, the
// place stands for the package.
func packagesOf(findings []Finding, parsed purls) []int {
	ids, classes := make([]identity, len(findings)), [4]int{}
	for i := range findings {
		ids[i] = identify(&findings[i], parsed)
		classes[ids[i].class()]++
	}
	r := resolver{numbers: make(map[identity]int, len(findings)), fits: map[identity]int{}}
	out := make([]int, len(findings))
	for class, n := range classes { // what is known best comes first, and the rest is held against it
		if n == 0 {
			continue
		}
		for i, id := range ids {
			if id.class() == class {
				out[i] = r.number(id)
			}
		}
		if classes[0] == len(findings) {
			break // nobody will ask what fits
		}
		for i, id := range ids {
			if id.class() == class {
				r.publish(id, out[i], plain(findings[i].Package), parsed.name(findings[i].PURL))
			}
		}
	}
	return out
}

func identify(f *Finding, parsed purls) identity {
	id := identity{version: version(f.Version)}
	if p := parsed.read(f.PURL); p != nil {
		id.kind = p.kind
		if id.version == "" {
			id.version = version(p.Version)
		}
		return id
	}
	id.name = plain(f.Package)
	if id.name == "" {
		id.name = "\x00" + f.Place // no package has this name
	}
	return id
}

// resolver gives numbers to packages.
type resolver struct {
	numbers map[identity]int
	// fits holds the package that a partly known identity can only mean, or ambiguous.
	fits map[identity]int
}

const ambiguous = -1

func (r *resolver) number(id identity) int {
	if id.class() > 0 {
		if n, ok := r.fits[id]; ok && n != ambiguous {
			return n
		}
	}
	n, ok := r.numbers[id]
	if !ok {
		n = len(r.numbers)
		r.numbers[id] = n
	}
	return n
}

// publish says which partly known identities fit a package with these names.
func (r *resolver) publish(id identity, n int, names ...string) {
	if id.class() == 0 {
		r.fit(identity{kind: id.kind}, n)
	}
	for _, name := range names {
		if name == "" {
			continue
		}
		if id.version != "" {
			r.fit(identity{name: name, version: id.version}, n)
		}
		r.fit(identity{name: name}, n)
	}
}

func (r *resolver) fit(id identity, n int) {
	if have, ok := r.fits[id]; ok && have != n {
		n = ambiguous
	}
	r.fits[id] = n
}

// plain is the form in which names of packages are compared where a package URL is missing: "Group:Name_x" and
// "group/name-x" are one.
func plain(name string) string {
	if strings.ContainsAny(name, ":_") {
		name = strings.NewReplacer(":", "/", "_", "-").Replace(name)
	}
	return strings.ToLower(strings.TrimSpace(name))
}

// version is the form in which versions are compared: without the v that Go puts before them. A range is none.
func version(v string) string {
	if strings.ContainsAny(v, "<>=*^| ") {
		return ""
	}
	if len(v) > 1 && v[0] == 'v' && '0' <= v[1] && v[1] <= '9' {
		return v[1:]
	}
	return v
}
