package verify

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/gate"
	"cdgate.dev/cdgate/engine/store"
	"cdgate.dev/cdgate/evidence"
)

// Evidence finds what the index holds about the wanted release and believes of it what the gate definition lets it
// believe. An error means that nothing could be looked at: a gate definition that is not signed (fault.Trust), a release
// that is not named, an unknown target (fault.Usage). Everything that is wrong with the evidence itself is in the
// Verified: it does not count, or it is a fault. The result does not depend on the order or the layout of the store.
func Evidence(st *store.Store, ix *store.Index, def *gate.Definition, want Want) (*Verified, error) {
	if err := want.check(def); err != nil {
		return nil, err
	}
	want.Artifacts = sortedArtifacts(want.Artifacts)
	g := newGathering(def, want)
	for _, s := range readAll(st, ix, store.TypeItem, store.TypeCollection) {
		g.sort(s)
	}
	for _, s := range g.findForeign(st, ix) {
		g.present[s.digest] = s
		g.foreign = append(g.foreign, s)
	}
	builds, counted := g.gatherBuilds()
	g.findSHA512(counted)
	trusted, attested := g.gatherForeign(st, "")
	source := g.tie(sources(builds, trusted), sources(counted, attested))
	g.findParts(counted)
	_, more := g.gatherForeign(st, cmp.Or(source.Revision, noRevision))
	reports := g.gatherReports(source.Revision)
	g.checkListings()
	items := g.load(st, slices.Concat(counted, attested, more, reports))
	v := g.verified(items, source)
	v.gaps, v.contains = g.gaps(v.items), g.indexes
	return v, nil
}

// noRevision stands for the revision where nothing ties the release to one: no attestation is about it.
const noRevision = "none"

// sources are the statements that say what something was built from.
func sources(lists ...[]*statement) (out []*statement) {
	for _, s := range slices.Concat(lists...) {
		if _, ok := s.built(); ok {
			out = append(out, s)
		}
	}
	return out
}

// check refuses what nothing can be verified about.
func (w Want) check(def *gate.Definition) error {
	if def == nil || !def.Signed() {
		return fault.New(fault.Trust, "verify evidence: the gate definition is not signed, so nobody is trusted; sign it with: cdgate gate sign --key ROOT.key")
	}
	if _, ok := def.Target(w.Target); !ok {
		return fault.New(fault.Usage, "verify evidence: the gate definition has no target %q; it has: %s", w.Target, quoted(slices.Collect(maps.Keys(def.Targets))))
	}
	for _, a := range w.Artifacts {
		if !isDigest(a.Digest) {
			return fault.New(fault.Usage, "verify evidence: artifact %q is named by %q; name it by its digest, sha256: and 64 hexadecimal digits", a.Name, a.Digest)
		}
	}
	if w.Revision != "" && !isCommit(w.Revision) {
		return fault.New(fault.Usage, "verify evidence: revision %q is no git commit; give all of its hexadecimal digits", w.Revision)
	}
	if len(w.Artifacts) == 0 && w.Revision == "" && (w.Name == "" || w.Version == "") {
		return fault.New(fault.Usage, "verify evidence: nothing says what is released; name it with --artifact, --revision or --release NAME@VERSION")
	}
	return nil
}

// gathering is the search for the evidence about one release.
type gathering struct {
	examiner
	builds, reports []*statement
	collections     []*statement
	// foreign are the attestations of other tools, rows the bytes of rows that they gave so far.
	foreign []*statement
	rows    int64
	// listers are the collections that claim to list a statement, by its digest.
	listers map[string][]*statement
	// present are the item statements of the store, listings the collections by what they are about.
	present  map[string]*statement
	listings map[string][]*statement
	// artifacts are those of the release; names are what trusted builds call them.
	artifacts []Artifact
	// parts are the images in the image indexes of the release, indexes the images of each.
	parts   parts
	indexes map[string][]Contained
	// sha512 is the SHA-512 of artifacts of the release, as builds say, by their digest.
	sha512 map[string]string
	// concerned are the digests and revisions that the release is about, or may be.
	concerned map[string]bool
	// anyAge is set where no target says how old evidence may be, to explain a statement. Nothing is decided by that.
	anyAge bool
}

func newGathering(def *gate.Definition, want Want) *gathering {
	return &gathering{
		examiner:  examiner{def: def, want: want, manifests: map[string]bool{}},
		present:   map[string]*statement{},
		listings:  map[string][]*statement{},
		concerned: map[string]bool{},
		listers:   map[string][]*statement{},
	}
}

// discovers says whether the artifacts of the release come from build evidence and not from the caller.
func (g *gathering) discovers() bool { return len(g.want.Artifacts) == 0 }

// sort puts a statement where it is looked for, by what it claims.
func (g *gathering) sort(s *statement) {
	switch {
	case s.claim == nil:
		g.present[s.digest] = s
		g.trusted(s) // nobody can tell what it is about, so it is told of at every release
	case s.isCollection():
		g.collections = append(g.collections, s)
		g.listings[s.about.Digest] = append(g.listings[s.about.Digest], s)
		for _, digest := range s.hint.Items {
			g.listers[digest] = append(g.listers[digest], s)
		}
	case s.kind == evidence.Build:
		g.present[s.digest] = s
		g.builds = append(g.builds, s)
	default:
		g.present[s.digest] = s
		g.reports = append(g.reports, s)
	}
}

// gatherBuilds finds the artifacts and the trusted builds about them; of these, counted are those that count.
func (g *gathering) gatherBuilds() (builds, counted []*statement) {
	for _, a := range g.want.Artifacts {
		g.concerned[a.Digest] = true
	}
	if g.want.Revision != "" {
		g.concerned[g.want.Revision] = true
	}
	var candidates, trusted []*statement
	for _, s := range g.builds {
		if g.discovers() && g.claimsRelease(s) || !g.discovers() && g.concerned[s.about.Digest] {
			candidates = append(candidates, s)
		}
	}
	for _, s := range candidates {
		g.concerned[s.about.Digest] = true
		if g.trusted(s) {
			trusted = append(trusted, s)
		}
	}
	counted = g.count(trusted)
	g.artifacts = g.want.Artifacts
	if g.discovers() {
		for _, s := range counted {
			g.artifacts = append(g.artifacts, Artifact{Digest: s.about.Digest})
		}
		g.artifacts = sortedArtifacts(g.artifacts)
	}
	// What else trusted builds say about the same artifacts: they may contradict.
	for _, s := range g.builds {
		if !s.judged && g.isArtifact(s.about) && g.trusted(s) {
			trusted = append(trusted, s)
			counted = append(counted, g.count([]*statement{s})...)
		}
	}
	g.nameArtifacts(counted)
	return trusted, counted
}

// claimsRelease says whether a build claims to be of the release whose artifacts are looked for: of its revision when
// that is known, else of its name and version. A monorepo builds several releases from one revision.
func (g *gathering) claimsRelease(s *statement) bool {
	r, w := s.hint.Release, g.want
	if w.Revision == "" {
		return r.Name == w.Name && r.Version == w.Version
	}
	return s.hint.Source.Revision == w.Revision &&
		(r.Name == "" || w.Name == "" || r.Name == w.Name) && (r.Version == "" || w.Version == "" || r.Version == w.Version)
}

func (g *gathering) isArtifact(a About) bool {
	return a.Kind == AboutArtifact && slices.ContainsFunc(g.artifacts, func(b Artifact) bool { return b.Digest == a.Digest })
}

// nameArtifacts gives each artifact the name that trusted builds give it, so that a release is the same one whatever a
// caller calls its files.
func (g *gathering) nameArtifacts(counted []*statement) {
	g.artifacts = slices.Clone(g.artifacts)
	for i := range g.artifacts {
		a, built := &g.artifacts[i], ""
		for _, s := range counted {
			if s.about.Digest == a.Digest && s.about.Name != "" && (built == "" || s.about.Name < built) {
				built = s.about.Name
			}
		}
		a.Name = cmp.Or(built, a.Name, a.Digest)
	}
}

// gatherReports finds the reports that count for a release that was built from the revision; "" when nothing trusted ties
// the artifacts to one.
func (g *gathering) gatherReports(revision string) []*statement {
	w := g.want
	var pool []*statement
	for _, s := range append(slices.Clone(g.builds), g.reports...) {
		claimsUs := w.Name != "" && w.Version != "" && s.hint.Release == ReleaseRef{w.Name, w.Version}
		if s.judged || !g.concerned[s.about.Digest] && !g.isArtifact(s.about) && !claimsUs || !g.trusted(s) {
			continue
		}
		r := s.release()
		switch {
		case g.isArtifact(s.about):
			pool = append(pool, s)
		case g.isPart(s.about):
			if s.build == nil || g.partBuild(s, revision) {
				pool = append(pool, s)
			}
		case s.about.Kind == AboutRevision && s.about.Digest == revision && (r.Name == "" || w.Name == "" || r.Name == w.Name):
			pool = append(pool, s)
		case s.about.Kind == AboutRevision && s.about.Digest == revision:
			g.refuse(s, OtherSubject, s.signer.ID, "the %s statement %s is about release %q of the same commit, not about %q", s.kindName(), short(s.digest), r.Name, w.Name)
		case s.about.Kind == AboutRevision && (revision == "" || g.concerned[s.about.Digest]):
			g.refuse(s, Unbound, s.signer.ID, "the %s statement %s is about commit %s, and no trusted build evidence says that every artifact of the release was built from it; "+
				"collect with --artifact in the job that builds", s.kindName(), short(s.digest), short(s.about.Digest))
		default:
			g.refuse(s, OtherSubject, s.signer.ID, "the %s statement %s says that it is for %s@%s, but it is about %s %s, which is no part of this release",
				s.kindName(), short(s.digest), r.Name, r.Version, s.about.Kind, short(s.about.Digest))
		}
	}
	return g.count(pool)
}

// verified puts everything in order.
func (g *gathering) verified(items []Item, source Source) *Verified {
	v := &Verified{
		items: items, subjects: g.artifacts, source: source, name: g.want.Name, version: g.want.Version,
		digests: slices.Sorted(maps.Keys(g.manifests)), notCounted: g.notCounted, faults: g.faults,
	}
	if v.subjects == nil {
		v.subjects = []Artifact{}
	}
	if n := len(g.manifests); n > maxStatements {
		v.faults = append(v.faults, fault.New(fault.Evidence, "verify evidence: %d statements about one release; more than %d are refused", n, maxStatements))
	}
	slices.SortFunc(v.items, func(a, b Item) int {
		return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.About.Digest, b.About.Digest))
	})
	slices.SortFunc(v.notCounted, func(a, b NotCounted) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(v.faults, func(a, b error) int {
		return cmp.Or(cmp.Compare(fault.ClassOf(b), fault.ClassOf(a)), strings.Compare(a.Error(), b.Error()))
	})
	v.faults = slices.CompactFunc(v.faults, func(a, b error) bool { return a.Error() == b.Error() })
	return v
}
