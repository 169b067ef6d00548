package verify

import (
	"testing"

	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/gate"
	"cdgate.dev/cdgate/evidence"
)

// TestDiscovery: without artifacts, they come from trusted builds about the commit, or about the name and version.
func TestDiscovery(t *testing.T) {
	byCommit, byName, neither := want(), want(), want()
	byCommit.Artifacts, byCommit.Revision = nil, commit
	byName.Artifacts = nil
	neither.Artifacts, neither.Version = nil, "9.9.9"
	tests := []struct {
		name   string
		want   Want
		change func(*scene)
		tell   string
		number int // of artifacts
	}{
		{"by commit", byCommit, func(*scene) {}, allGood, 1},
		{"by name", byName, func(*scene) {}, allGood, 1},
		{"by another version", neither, func(*scene) {}, "", 0},
		{"two artifacts", byCommit, func(s *scene) {
			s.things = append(s.things, thing{name: "build2", kind: evidence.Build, about: onOther, signer: "ci"})
		}, "build build2 coverage sbom scan tests", 2},
		{"of another release of the commit", byCommit, func(s *scene) {
			s.things = append(s.things, thing{name: "build2", kind: evidence.Build, about: onOther, signer: "ci"})
			s.edit("build2", "release.name", "billing")
		}, allGood, 1},
		{"built by somebody unknown", byCommit, func(s *scene) { s.change("build", func(x *thing) { x.signer = "mallory" }) },
			"build:unknown_signer collection of mallory about app:unknown_signer coverage sbom:other_subject scan:other_subject tests:other_subject", 0},
		{"the build taken away", byCommit, func(s *scene) { s.change("build", func(x *thing) { x.taken = true }) },
			"coverage sbom:other_subject scan:other_subject tests:other_subject !50", 0},
		{"second attempt built another artifact", byCommit, func(s *scene) {
			s.things = append(s.things, thing{name: "build2", kind: evidence.Build, about: About{AboutArtifact, "app", other}, signer: "ci"})
			s.edit("build2", "producer.attempt", 2)
		}, "build2 build:superseded coverage sbom:other_subject scan:other_subject tests:other_subject", 1},
		{"one name from two commits", byName, func(s *scene) {
			s.things = append(s.things, thing{name: "build2", kind: evidence.Build, about: onOther, signer: "ci"})
			s.edit("build2", "source.revision", commit2)
		}, "build build2 coverage:unbound sbom scan tests !30", 2},
		{"the artifact also from another commit", byCommit, func(s *scene) {
			s.things = append(s.things, thing{name: "build2", kind: evidence.Build, about: onApp, signer: "ci2"})
			s.edit("build2", "source.revision", commit2)
			s.edit("build2", "producer.run", "8")
		}, "build build2 coverage:unbound sbom scan tests !30", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel() // most of the time goes into flushing the store to disk
			w := newWorld(t)
			s := good()
			tt.change(s)
			digests := w.put(s, nil)
			v := w.evidence(tt.want)
			if got := tell(v, digests); got != tt.tell || len(v.Subjects()) != tt.number {
				t.Errorf("got  %s\nwant %s\n%v\n%v", got, tt.tell, v.Subjects(), v.Faults())
			}
		})
	}
}

// TestTie: a revision that the caller names must be the one that was built, and every artifact must be tied to it.
func TestTie(t *testing.T) {
	w := newWorld(t)
	digests := w.put(good(), nil)
	same, differs, two := want(), want(), want()
	same.Revision, differs.Revision = commit, commit2
	two.Artifacts = append(two.Artifacts, Artifact{"other", other})
	if got := tell(w.evidence(same), digests); got != allGood {
		t.Errorf("the same commit: %s", got)
	}
	v := w.evidence(differs)
	if got := tell(v, digests); got != "build coverage:unbound sbom scan tests !30" || v.Source().Revision != "" || v.Source().AuthorsKnown {
		t.Errorf("another commit: %s, %+v", got, v.Source())
	}
	v = w.evidence(two)
	if got := tell(v, digests); got != "build coverage:unbound sbom scan tests" || v.Source().AuthorsKnown {
		t.Errorf("an artifact that nothing ties: %s, %+v", got, v.Source())
	}
	// Authors of all builds, and known only when every artifact has some.
	s := &scene{things: []thing{{name: "b2", kind: evidence.Build, about: onOther, signer: "ci2"}}}
	s.edit("b2", "source.authors", []any{})
	w.put(s, nil)
	if v := w.evidence(two); v.Source().Revision != commit || v.Source().AuthorsKnown {
		t.Errorf("a build without authors: %+v", v.Source())
	}
}

func TestReleaseID(t *testing.T) {
	a, b := Artifact{"a", app}, Artifact{"b", other}
	id := ReleaseID("payments", "1.4.2", []Artifact{a, b}, commit)
	// Computed with: printf '{"name":"payments","version":"1.4.2","subjects":[{"name":"a","digest":"sha256:aa…"},…]}' | sha256sum
	if !isDigest(id) || id != ReleaseID("payments", "1.4.2", []Artifact{b, a, a}, commit2) {
		t.Errorf("%s depends on order, duplicates or the commit", id)
	}
	none := ReleaseID("payments", "1.4.2", nil, commit)
	for _, o := range []string{none, ReleaseID("payments", "1.4.2", nil, commit2), ReleaseID("payments", "1.4.3", []Artifact{a, b}, commit), ReleaseID("payments", "1.4.2", []Artifact{a}, commit)} {
		if o == id {
			t.Error("two releases, one identity")
		}
	}
	if none == ReleaseID("payments", "1.4.2", nil, commit2) {
		t.Error("two commits, one identity")
	}
	// The name that trusted builds give an artifact stands, whatever the caller calls the file.
	w := newWorld(t)
	w.put(good(), nil)
	called := want()
	called.Artifacts[0].Name = "./dist/app"
	if x, y := w.evidence(want()), w.evidence(called); x.ReleaseID() != y.ReleaseID() {
		t.Error("another file name, another release")
	}
}

func TestWantRefuses(t *testing.T) {
	w := newWorld(t)
	w.put(good(), nil)
	ix, err := w.st.Index()
	w.must(err)
	tests := []struct {
		name   string
		def    *gate.Definition
		change func(*Want)
		class  fault.Class
	}{
		{"no gate definition", nil, func(*Want) {}, fault.Trust},
		{"gate definition not signed", &gate.Definition{}, func(*Want) {}, fault.Trust},
		{"gate definition copied", &gate.Definition{Signers: w.def.Signers, Targets: w.def.Targets}, func(*Want) {}, fault.Trust},
		{"unknown target", w.def, func(x *Want) { x.Target = "prod" }, fault.Usage},
		{"artifact by tag", w.def, func(x *Want) { x.Artifacts[0].Digest = "app:latest" }, fault.Usage},
		{"revision by branch", w.def, func(x *Want) { x.Revision = "main" }, fault.Usage},
		{"nothing", w.def, func(x *Want) { x.Artifacts, x.Version = nil, "" }, fault.Usage},
	}
	for _, tt := range tests {
		x := want()
		tt.change(&x)
		if v, err := Evidence(w.st, ix, tt.def, x); v != nil || fault.ClassOf(err) != tt.class {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	if _, err := Evidence(w.st, ix, w.def, want()); err != nil {
		t.Errorf("good: %v", err)
	}
}
