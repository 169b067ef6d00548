package gate

import (
	"strings"
	"testing"
)

// attestingYAML adds signers of provenance and summaries to the good definition.
func attestingYAML(t *testing.T, more string) string {
	t.Helper()
	const duty = "may: [decision]"
	if strings.Count(goodYAML, duty) != 1 {
		t.Fatalf("the good definition has %q %d times", duty, strings.Count(goodYAML, duty))
	}
	return strings.Replace(goodYAML, duty, "may: [decision, provenance, verification_summary]", 1) + more
}

const (
	goodBuilders = `builders:
  - {id: "https://b.example/w.yml@refs/tags/*", level: 3, signers: [gate]}
  - {id: https://b.example/w.yml@refs/heads/main, level: 1, signers: [gate]}
`
	goodVerifiers = `verifiers:
  - {id: https://v.example, signers: [gate], resources: ["pkg:oci/*", "pkg:generic/app"]}
`
)

// TestBuilders: what could mean two things, or nothing, is refused where it stands. Each row is one change of the good definition.
func TestBuilders(t *testing.T) {
	good := goodBuilders + goodVerifiers
	for _, x := range []struct{ from, to, says string }{
		{"", "", ""},
		{"level: 3", "level: 4", "builders[0].level"},
		{"level: 3", "level: 0", "builders[0].level"},
		{"signers: [gate]}\n  - {id: https://b", "signers: [ci]}\n  - {id: https://b", "ci may not sign provenance"},
		{"signers: [gate]}\n  - {id: https://b", "signers: [nobody]}\n  - {id: https://b", `no signer is named "nobody"`},
		{"signers: [gate]}\n  - {id: https://b", "signers: []}\n  - {id: https://b", "builders[0].signers"},
		{`"https://b.example/w.yml@refs/tags/*"`, `"https://b.example/*"`, "is no id of a builder"},
		{`"https://b.example/w.yml@refs/tags/*"`, `"*"`, "is no id of a builder"},
		{`"https://b.example/w.yml@refs/tags/*"`, `"https://b.example/*@refs/tags/v1"`, "is no id of a builder"},
		{`"https://b.example/w.yml@refs/tags/*"`, `"https://b.example/w.yml@refs/*"`, "is also covered by builders[0]"},
		{`"https://b.example/w.yml@refs/tags/*"`, "https://b.example/w.yml@refs/heads/main", "is also covered by builders[0]"},
		{"id: https://v.example", `id: ""`, "verifiers[0].id"},
		{"verifiers:\n", "verifiers:\n  - {id: https://v.example, signers: [gate], resources: [a]}\n", "is there twice"},
		{`["pkg:oci/*", "pkg:generic/app"]`, "[]", "verifiers[0].resources"},
		{`"pkg:oci/*"`, `"*"`, "is no resource"},
		{`"pkg:oci/*"`, `"pkg:*/app"`, "is no resource"},
		{"[gate], resources", "[ci], resources", "ci may not sign verification_summary"},
		{"resources:", "resource:", "resource"},
		{"level: 3", "level: 3, maxLevel: 4", "maxLevel"},
	} {
		text := attestingYAML(t, strings.Replace(good, x.from, x.to, 1))
		_, err := newWorld(t).resolve(text)
		if x.says == "" && err != nil || x.says != "" && (err == nil || !strings.Contains(err.Error(), x.says)) {
			t.Errorf("%q for %q: %v, want %q", x.to, x.from, err, x.says)
		}
	}
}

// TestWhoBuilds: an id is that of at most one builder, and only the end of a version is left open.
func TestWhoBuilds(t *testing.T) {
	d := sure(newWorld(t).resolve(attestingYAML(t, goodBuilders+goodVerifiers)))
	for id, level := range map[string]int{
		"https://b.example/w.yml@refs/tags/v1": 3, "https://b.example/w.yml@refs/heads/main": 1,
		"https://b.example/w.yml@refs/tags/": 0, "https://b.example/w.yml@refs/heads/main2": 0, "https://b.example/w.yml": 0, "": 0,
		"HTTPS://b.example/w.yml@refs/tags/v1": 0, " https://b.example/w.yml@refs/tags/v1": 0,
	} {
		if b, ok := d.Builder(id); b.Level != level || ok != (level > 0) {
			t.Errorf("%s: level %d, %v", id, b.Level, ok)
		}
	}
	v, ok := d.Verifier("https://v.example")
	if _, other := d.Verifier("https://v.example/"); !ok || other {
		t.Error("verifiers are named exactly")
	}
	for resource, want := range map[string]bool{"pkg:oci/app": true, "pkg:generic/app": true, "pkg:oci/": false, "pkg:generic/app2": false, "": false} {
		if v.Covers(resource) != want {
			t.Errorf("%s: %v", resource, !want)
		}
	}
}

// TestBuildersCompared: what of builders and verifiers loosens a definition.
func TestBuildersCompared(t *testing.T) {
	w := newWorld(t)
	good := goodBuilders + goodVerifiers
	a := sure(w.resolve(attestingYAML(t, good)))
	for _, x := range []struct {
		from, to, says, back string
		looser, backLoos     bool
	}{
		{"level: 1", "level: 2", "has build level 2 instead of 1", "has build level 1 instead of 2", true, false},
		{"  - {id: https://b.example/w.yml@refs/heads/main, level: 1, signers: [gate]}\n", "", "main is no builder any more", "main is a builder of build level 1 now", true, true},
		{`"pkg:oci/*", `, "", "is no longer believed about pkg:oci/*", "is believed about pkg:oci/*", false, true},
		{goodVerifiers, "", "is no verifier any more", "is a verifier now, signed by gate", false, true},
	} {
		b := sure(w.resolve(attestingYAML(t, strings.Replace(good, x.from, x.to, 1))))
		told(t, Compare(a, b), x.says, x.looser)
		told(t, Compare(b, a), x.back, x.backLoos)
	}
}

// TestBuildersAreSigned: a definition with builders opens again as it was signed, and one without says nothing of them.
func TestBuildersAreSigned(t *testing.T) {
	w := newWorld(t)
	for text, want := range map[string]int{attestingYAML(t, goodBuilders+goodVerifiers): 2, goodYAML: 0} {
		d := sure(w.resolve(text))
		if len(d.Builders) != want || want == 0 && strings.Contains(string(sure(d.JSON())), "builders") {
			t.Errorf("%d builders, want %d", len(d.Builders), want)
		}
	}
}
