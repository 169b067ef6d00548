package verify

import (
	"strings"
	"testing"
)

// TestAttestationsOfSHA512: an attestation that names the artifact by its SHA-512 alone, as npm's do, counts where a build that
// counts says that the artifact has it.
func TestAttestationsOfSHA512(t *testing.T) {
	long := strings.Repeat("e", 128)
	npm := func(t *testing.T) *attested {
		a := provenance(t)
		a.set("subject", []any{map[string]any{"name": "pkg:npm/app@1.4.2", "digest": map[string]any{"sha512": long}}})
		return a
	}
	said := func(hex string) func(map[string]any) { return func(p map[string]any) { p["sha512"] = hex } }
	const rest = "build coverage provenance sbom scan tests"
	for name, c := range map[string]struct {
		change func(*scene)
		want   string
	}{
		"said by the build":  {func(s *scene) { s.change("build", func(x *thing) { x.edit = said(long) }) }, rest},
		"said by no build":   {func(*scene) {}, "build coverage provenance:other_subject sbom scan tests"},
		"another one":        {func(s *scene) { s.change("build", func(x *thing) { x.edit = said(strings.Repeat("f", 128)) }) }, "build coverage provenance:other_subject sbom scan tests"},
		"no SHA-512":         {func(s *scene) { s.change("build", func(x *thing) { x.edit = said(strings.ToUpper(long)) }) }, "coverage:unbound provenance:other_subject sbom scan tests !30"},
		"said by a stranger": {func(s *scene) { s.change("build", func(x *thing) { x.edit, x.signer = said(long), "mallory" }) }, "build:unknown_signer collection of mallory about app:unknown_signer coverage:unbound provenance:other_subject sbom scan tests"},
		"said of another artifact": {func(s *scene) {
			s.things = append(s.things, thing{name: "build2", kind: "build", about: onOther, signer: "ci", edit: said(long)})
		}, "build build2:other_subject coverage provenance:other_subject sbom scan tests"},
		"two builds, two different": {func(s *scene) {
			s.change("build", func(x *thing) { x.edit = said(long) })
			s.things = append(s.things, thing{name: "build2", kind: "build", about: onApp, signer: "ci2", edit: said(strings.Repeat("f", 128))})
		}, "build build2 coverage provenance:other_subject sbom scan tests !30"},
	} {
		t.Run(name, func(t *testing.T) {
			w, files := newWorld(t), map[string][]byte{}
			keys := newStrangers(t, files, "builder", "other", "scanner", "staging", "mallory2")
			w.reopen(withAttesters("builder.pub", ""), files)
			s := good()
			c.change(s)
			digests := w.put(s, nil)
			a := npm(t)
			w.add(t, "provenance", a, keys.sign(t, a), digests)
			if got := tell(w.evidence(want()), digests); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}
