package verify

import (
	"cmp"

	"cdgate.dev/cdgate/engine/store"
)

// tying prepares to find the commit that the artifacts asked for were built from, as Evidence finds it: by builds and provenance
// that count, of which none contradicts. The statements must not have been judged yet, because
// what is told of them here is not told of the statement that is explained.
func (e *explaining) tying(st *store.Store, ix *store.Index, all []*statement) func() (Source, error) {
	want := e.g.want
	want.Artifacts = sortedArtifacts(e.q.Artifacts)
	g := newGathering(e.g.def, want)
	g.anyAge = e.q.Target == ""
	for _, s := range all {
		of := *s
		g.sort(&of)
	}
	return func() (Source, error) {
		g.foreign = g.findForeign(st, ix)
		builds, counted := g.gatherBuilds()
		trusted, attested := g.gatherForeign(st, "")
		source := g.tie(sources(builds, trusted), sources(counted, attested))
		if source.Revision == "" && len(g.faults) > 0 {
			return source, g.faults[len(g.faults)-1]
		}
		return source, nil
	}
}

// subject demands that it is about each artifact that was asked for, or about the commit that the artifacts are tied to.
func (e *explaining) subject() bool {
	for _, a := range e.q.Artifacts {
		if e.s.about.Kind == AboutArtifact && e.s.about.Digest == a.Digest {
			continue
		}
		if e.s.about.Kind == AboutRevision {
			source, err := e.tie()
			switch {
			case err != nil:
				return e.g.blame(e.s, err)
			case source.Revision == e.s.about.Digest:
				return true // tied are all of them or none
			}
			return e.g.refuse(e.s, OtherSubject, e.s.signer.ID, "it is about %s %s, and what counts says that %s %s was built from %s",
				e.s.about.Kind, named(e.s.about), a.Name, a.Digest, cmp.Or(source.Revision, "no commit"))
		}
		return e.g.refuse(e.s, OtherSubject, e.s.signer.ID, "it is about %s %s, and not about %s %s", e.s.about.Kind, named(e.s.about), a.Name, a.Digest)
	}
	return true
}
