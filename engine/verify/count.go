package verify

import (
	"cmp"
	"slices"
	"time"

	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/evidence"
)

// sameReport is what two attempts of one run have in common when the later replaces the earlier.
type sameReport struct {
	about                                  string
	kind                                   evidence.Kind
	level, part, format, tool, report      string
	system, repository, workflow, job, run string
	signer                                 string
}

// supersedes gives the key under which a later attempt replaces s, and false for what no run stands behind. A second
// attempt of a build makes another artifact of the same name; while the artifacts are looked for, it replaces the first.
func (g *gathering) supersedes(s *statement) (sameReport, bool) {
	p := s.producer()
	k := sameReport{
		about: s.about.Digest, kind: s.kind, signer: s.signer.ID,
		system: p.System, repository: p.Repository, workflow: p.Workflow, job: p.Job, run: p.Run,
	}
	if s.item != nil {
		k.level, k.part, k.format, k.tool, k.report = s.item.Level, s.item.Part, s.item.Format, s.item.Tool.Name, s.item.Report.Name
	}
	if s.build != nil && g.discovers() {
		k.about = s.about.Name
	}
	return k, p.Run != ""
}

// count gives those of the trusted statements that count: listed by their signer, not superseded, neither from the future
// nor too old. A statement that a later attempt supersedes does not come back because the later one does not count
// itself: nobody can bring back a good first attempt by spoiling the second.
func (g *gathering) count(trusted []*statement) []*statement {
	latest := map[sameReport]*statement{}
	for _, s := range trusted {
		if k, ok := g.supersedes(s); ok && (latest[k] == nil || s.producer().Attempt > latest[k].producer().Attempt) {
			latest[k] = s
		}
	}
	var out []*statement
	for _, s := range trusted {
		k, ok := g.supersedes(s)
		by := latest[k]
		switch {
		case ok && by.producer().Attempt > s.producer().Attempt:
			g.refuse(s, Superseded, s.signer.ID, "attempt %d of the same run replaced the %s statement %s of attempt %d",
				by.producer().Attempt, s.kindName(), short(s.digest), s.producer().Attempt)
		case !g.isListed(s):
			g.refuse(s, Unlisted, s.signer.ID, "no collection of %s lists the %s statement %s; collecting was cut short, or the statement was added by hand: collect again",
				s.signer.ID, s.kindName(), short(s.digest))
		case g.timely(s):
			out = append(out, s)
		}
	}
	return out
}

// timely says whether a statement is neither from the future nor older than its target takes it.
func (g *gathering) timely(s *statement) bool {
	age := g.want.Now.Sub(s.at)
	limit := g.def.MaxAge(g.want.Target, s.kind)
	switch {
	case age < -Skew:
		return g.refuse(s, Future, s.signer.ID, "the %s statement %s was collected at %s, which is in the future; set the clock of the machine that collected it",
			s.kindName(), short(s.digest), s.at.Format(time.RFC3339))
	case age > limit && !g.anyAge:
		return g.refuse(s, Stale, s.signer.ID, "the %s statement %s was collected at %s, %s ago, and target %s takes %s evidence for %s; collect again",
			s.kindName(), short(s.digest), s.at.Format(time.RFC3339), age.Round(time.Minute), g.want.Target, s.kindName(), limit)
	}
	return true
}

// isListed says whether a trusted collection of the same signer, about the same thing, lists the statement.
func (g *gathering) isListed(s *statement) bool {
	for _, c := range g.listings[s.about.Digest] {
		if c.about.Kind == s.about.Kind && g.trusted(c) && c.signer.ID == s.signer.ID && slices.Contains(c.listed.Items, s.digest) {
			return true
		}
	}
	return false
}

// checkListings finds what was taken away: an item that a trusted collection about the release lists and that the store
// does not hold. While the artifacts are looked for, collections of runs at the same revision are asked as well: an
// artifact whose build statement was taken away would not be found otherwise.
func (g *gathering) checkListings() {
	for _, c := range g.collections {
		sameRun := g.discovers() && g.want.Revision != "" && c.hint.Producer.Revision == g.want.Revision
		if !g.concerned[c.about.Digest] && !g.isArtifact(c.about) && !sameRun || !g.trusted(c) {
			continue
		}
		for _, digest := range c.listed.Items {
			if s, ok := g.present[digest]; ok {
				g.manifests[s.manifest] = true
				continue
			}
			g.blame(c, fault.New(fault.Trust, "find statement %s: %s collected it at %s (collection %s), and it is not in the store any more: it was taken away; "+
				"restore it from a copy, or collect again on a new build", digest, c.signer.ID, c.at.Format(time.RFC3339), short(c.digest)))
		}
	}
}

// tie finds the one revision that all artifacts were built from, by build statements and provenance. Builds are all trusted ones,
// counted those that count: even one that does not count, or does not tie, may contradict.
func (g *gathering) tie(builds, counted []*statement) Source {
	if len(g.artifacts) == 0 {
		return Source{Revision: g.want.Revision, Repository: g.want.Repository}
	}
	said := map[string]*statement{} // artifact -> the first build about it
	for _, s := range builds {
		is, _ := s.built()
		g.concerned[is.Revision] = true
		was := said[s.about.Digest]
		if was == nil {
			said[s.about.Digest] = s
			continue
		}
		if first, _ := was.built(); first.Revision != is.Revision {
			g.blame(s, fault.New(fault.Evidence, "tie artifact %s to its source: %s says it was built from commit %s (statement %s), %s from commit %s (statement %s); "+
				"one of the two collected with the wrong --artifact or in the wrong checkout, or both built the same bytes; build again so that the artifact differs, "+
				"with the version in it for instance", s.about.Digest,
				was.signer.ID, first.Revision, short(was.digest), s.signer.ID, is.Revision, short(s.digest)))
			return Source{}
		}
	}
	var src Source
	tied := map[string]bool{}
	var first *statement
	src.AuthorsKnown = true
	authors := map[string]bool{}
	for _, s := range counted {
		b, _ := s.built()
		if !s.ties() {
			continue
		}
		if first != nil && src.Revision != b.Revision {
			g.blame(s, fault.New(fault.Evidence, "tie the release to its source: %s was built from commit %s, %s from commit %s; release them apart",
				first.about.Digest, src.Revision, s.about.Digest, b.Revision))
			return Source{}
		}
		first = s
		tied[s.about.Digest] = true
		src.Revision = b.Revision
		src.Repository, src.Branch = cmp.Or(src.Repository, b.Repository), cmp.Or(src.Branch, b.Branch)
		src.Authors = append(src.Authors, b.Authors...)
		if len(b.Authors) > 0 {
			authors[s.about.Digest] = true
		}
	}
	for _, a := range g.artifacts {
		if !tied[a.Digest] {
			return Source{} // evidence about a revision would count for an artifact that nothing ties to it
		}
		src.AuthorsKnown = src.AuthorsKnown && authors[a.Digest]
	}
	if w := g.want.Revision; w != "" && w != src.Revision {
		g.blame(first, fault.New(fault.Evidence, "tie the release to its source: the release is said to be commit %s, but trusted build evidence says that %s was built from %s; "+
			"name the commit that was built, or none", w, g.artifacts[0].Digest, src.Revision))
		return Source{}
	}
	slices.SortFunc(src.Authors, func(a, b Author) int { return cmp.Or(cmp.Compare(a.Email, b.Email), cmp.Compare(a.Name, b.Name)) })
	src.Authors = slices.Compact(src.Authors)
	return src
}
