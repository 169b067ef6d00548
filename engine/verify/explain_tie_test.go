package verify

import (
	"errors"
	"strings"
	"testing"
	"time"

	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/evidence"
)

// TestExplainedTie: a statement about a commit is one about an artifact when Evidence would tie them, and then only. Each row but
// those that want it changes one thing; what an evaluation says of the same store is asked too.
func TestExplainedTie(t *testing.T) {
	unlisted := func(s *scene) { s.change("build", func(x *thing) { x.unlisted = true }) }
	attests := func(edit func(*attested)) func(*testing.T, *world, strangers, map[string]string) {
		return func(t *testing.T, w *world, keys strangers, digests map[string]string) {
			a := provenance(t)
			if edit != nil {
				edit(a)
			}
			w.add(t, "provenance", a, keys.sign(t, a), digests)
		}
	}
	for name, c := range map[string]struct {
		scene  func(*scene)
		add    func(*testing.T, *world, strangers, map[string]string)
		target string
		at     time.Duration
		other  bool
		says   string
		class  fault.Class
	}{
		"a build":                     {},
		"a build, for a target":       {target: "production"},
		"a build that nobody listed":  {scene: unlisted, says: "built from no commit"},
		"an old build, and no target": {at: 60 * 24 * time.Hour},
		"a build of another commit":   {scene: func(s *scene) { s.edit("build", "source.revision", commit2) }, says: "built from " + commit2},
		"a build that a later attempt replaced": {scene: func(s *scene) {
			s.things = append(s.things, thing{name: "again", kind: evidence.Build, about: onApp, signer: "ci", unlisted: true})
			s.edit("again", "producer.attempt", 2)
		}, says: "built from no commit"},
		"provenance":                       {scene: unlisted, add: attests(nil)},
		"provenance, for a target":         {scene: unlisted, add: attests(nil), target: "production"},
		"provenance in no collection":      {scene: unlisted, add: attests(func(a *attested) { a.unlisted = true }), says: "built from no commit"},
		"provenance of an unknown builder": {scene: unlisted, add: attests(func(a *attested) { a.set("predicate.runDetails.builder.id", "https://laptop.example") }), says: "built from no commit"},
		"old provenance, for a target":     {scene: unlisted, add: attests(func(a *attested) { a.set("predicate.runDetails.metadata.finishedOn", "2026-08-01T00:00:00Z") }), target: "production", says: "built from no commit"},
		"old provenance, and no target":    {scene: unlisted, add: attests(func(a *attested) { a.set("predicate.runDetails.metadata.finishedOn", "2026-08-01T00:00:00Z") })},
		"provenance that contradicts": {add: attests(func(a *attested) { a.text = func(s string) string { return strings.ReplaceAll(s, commit, commit2) } }),
			says: "one of the two", class: fault.Evidence},
		"another artifact":           {other: true, says: "built from no commit"},
		"one that nothing ties, too": {other: true, add: attests(nil), says: "built from no commit"},
	} {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			w, files := newWorld(t), map[string][]byte{}
			keys := newStrangers(t, files, "builder", "other", "scanner", "staging")
			w.reopen(withAttesters("builder.pub", ""), files)
			s := good()
			if c.scene != nil {
				c.scene(s)
			}
			digests := w.put(s, nil)
			if c.add != nil {
				c.add(t, w, keys, digests)
			}
			bundle, err := w.st.Read(digests["coverage"], MaxStatement)
			w.must(err)
			ix, err := w.st.Index()
			w.must(err)
			asked := want()
			if c.other {
				asked.Artifacts = append(asked.Artifacts, Artifact{"other", other})
			}
			got := Explain(w.st, ix, w.def, bundle, Question{Artifacts: asked.Artifacts, Target: c.target, Now: now.Add(c.at)})
			last := got[len(got)-1]
			if last.Name != "subject" || (last.Err == nil) != (c.says == "") || !strings.Contains(last.Detail, c.says) {
				t.Fatalf("%+v, want %q", last, c.says)
			}
			var refused *Refusal
			if c.says != "" && errors.As(last.Err, &refused) != (c.class == 0) || c.class != 0 && fault.ClassOf(last.Err) != c.class {
				t.Errorf("%v is of class %v, want %v", last.Err, fault.ClassOf(last.Err), c.class)
			}
			if c.target == "" && (c.at > 0 || strings.HasPrefix(name, "old ")) {
				return // an evaluation has a target
			}
			if counts := strings.Contains(" "+tell(w.evidence(asked), digests)+" ", " coverage "); counts != (c.says == "") {
				t.Errorf("an evaluation counts it: %v, and this explains otherwise: %+v", counts, last)
			}
		})
	}
}
