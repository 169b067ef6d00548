package verify

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/seal"
	"cdgate.dev/cdgate/engine/store"
	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/formats"
)

// foreign is what an attestation of another tool is, beside what every statement is. It is listed by collections as statements
// are, but by those of any trusted collector: who signed it and who collected it are two.
type foreign struct {
	// unlisted says that no trusted collection lists it; then it was not read. about is what the store says that it was collected for,
	// which anybody may have written.
	unlisted bool
	about    string
	// claim is what it says before its signature was checked; nil when it cannot be read.
	claim *seal.Attestation
	size  int64
	// What follows is believed.
	format    string
	report    evidence.Report
	rows      jsontext.Value
	mediaType string
}

// AnnotationAbout says what an object of the store was collected for. It helps to find and decides nothing.
const AnnotationAbout = "dev.cdgate.about"

// findForeign finds the attestations in the index, each once, sorted by digest. Only what a trusted collection lists is read, and the
// bytes are not kept: a store may hold those of many releases.
func (g *gathering) findForeign(st *store.Store, ix *store.Index) (out []*statement) {
	byDigest := map[string]*statement{}
	for _, e := range ix.Entries {
		layer := slices.IndexFunc(e.Layers, func(l store.Layer) bool { return seal.IsAttestationType(l.MediaType) })
		if e.Type != store.TypeAttestation || layer < 0 {
			continue
		}
		l := e.Layers[layer]
		if was := byDigest[l.Digest]; was != nil {
			if e.Digest < was.manifest {
				was.manifest, was.foreign.about = e.Digest, e.Annotations[AnnotationAbout]
			}
			continue
		}
		s := &statement{digest: l.Digest, manifest: e.Digest, foreign: &foreign{size: l.Size, about: e.Annotations[AnnotationAbout]}}
		byDigest[l.Digest] = s
		out = append(out, s)
		if s.foreign.unlisted = !slices.ContainsFunc(g.listers[s.digest], g.wouldTrust); !s.foreign.unlisted {
			s.inspectForeign(st)
		}
	}
	slices.SortFunc(out, func(a, b *statement) int { return cmp.Compare(a.digest, b.digest) })
	return out
}

// inspectForeign reads what an attestation claims.
func (s *statement) inspectForeign(st *store.Store) {
	text, err := read(st, s.digest, seal.MaxBundle, "attestation")
	if s.fault = err; err != nil {
		return
	}
	if a, err := seal.InspectAttestationUnsafe(text); err == nil {
		s.kind = kindOfPredicate(a.PredicateType)
		a.Payload, a.Predicate = nil, nil
		s.foreign.claim = a
	}
}

// wouldTrust is trusted without telling anybody: most collections of a store are about other releases.
func (g *gathering) wouldTrust(c *statement) bool {
	if c.judged {
		return c.ok
	}
	again := *c
	x := examiner{def: g.def, want: g.want, manifests: map[string]bool{}}
	return x.trusted(&again)
}

// kindsOfPredicate are the kinds that statements of a predicate type may be of.
func kindsOfPredicate(predicateType string) (out []evidence.Kind) {
	if predicateType == formats.VulnPredicate {
		return []evidence.Kind{evidence.Scan}
	}
	for _, f := range formats.All() {
		if slices.Contains(f.Predicates, predicateType) && !slices.Contains(out, f.Kind) {
			out = append(out, f.Kind)
		}
	}
	return out
}

// kindOfPredicate is what a statement is called before it is read; "" for a predicate type that is not known.
func kindOfPredicate(predicateType string) evidence.Kind {
	if kinds := kindsOfPredicate(predicateType); len(kinds) > 0 {
		return kinds[0]
	}
	return ""
}

// gatherForeign judges the attestations about the artifacts of the release and, when its revision is known, those about
// the revision. It gives those that are trusted and those of them that count, one for each thing that they are about.
func (g *gathering) gatherForeign(st *store.Store, revision string) (trusted, counted []*statement) {
	for _, s := range g.foreign {
		abouts := g.covered(s, revision)
		if s.judged || len(abouts) == 0 && !g.concerns(s) || len(abouts) == 0 && revision == "" {
			continue
		}
		s.judged = true
		g.manifests[s.manifest] = true
		if s.ok = g.judgeForeign(st, s, abouts); !s.ok {
			continue
		}
		counts := g.inTime(s)
		for _, about := range abouts {
			of := *s
			of.about = about
			trusted = append(trusted, &of)
			if counts {
				counted = append(counted, &of)
			}
		}
	}
	return trusted, counted
}

// findSHA512 takes from builds that count which SHA-512 an artifact has as well. One content has one, so builds that say different things are
// a fault.
func (g *gathering) findSHA512(counted []*statement) {
	g.sha512 = map[string]string{}
	said := map[string]*statement{}
	for _, s := range counted {
		if s.build == nil || s.build.SHA512 == "" || !g.isArtifact(s.about) {
			continue
		}
		digest := s.about.Digest
		if was := said[digest]; was == nil {
			said[digest], g.sha512[digest] = s, s.build.SHA512
		} else if was.build.SHA512 != s.build.SHA512 {
			g.sha512[digest] = ""
			g.blame(s, fault.New(fault.Evidence, "read the SHA-512 of artifact %s: statements %s and %s say different things, and one content has one; collect again", digest, short(was.digest), short(s.digest)))
		}
	}
}

// covered is what of the release an attestation is about: artifacts by their SHA-256 (or the SHA-512 that a build says it has), or else images of an index, or else the
// revision. Provenance and summaries are about artifacts alone: what they say of a part or of the source says nothing of the whole.
func (g *gathering) covered(s *statement, revision string) (out []About) {
	claim := s.foreign.claim
	if claim == nil {
		return nil
	}
	for _, a := range g.artifacts {
		if claim.Covers(a.Digest) || claim.CoversSHA512(g.sha512[a.Digest]) {
			out = append(out, About{Kind: AboutArtifact, Name: a.Name, Digest: a.Digest})
		}
	}
	if len(out) > 0 || evidence.IsAttested(s.kind) {
		return out
	}
	for _, digest := range slices.Sorted(maps.Keys(g.parts)) {
		if claim.Covers(digest) {
			out = append(out, About{Kind: AboutArtifact, Name: digest, Digest: digest})
		}
	}
	if len(out) > 0 || !isCommit(revision) {
		return out
	}
	for _, sub := range claim.Subjects {
		if sub.Digest["gitCommit"] == revision {
			return []About{{Kind: AboutRevision, Name: sub.Name, Digest: revision}}
		}
	}
	return nil
}

// concerns says whether an attestation that is about nothing of the release has to be told of all the same: because
// somebody collected it for the release, or because a trusted collection lists it and it cannot be read at all.
func (g *gathering) concerns(s *statement) bool {
	switch {
	case s.foreign.unlisted:
		return g.concerned[s.foreign.about] || g.isArtifact(About{Kind: AboutArtifact, Digest: s.foreign.about})
	case s.fault != nil || s.foreign.claim == nil:
		return true
	}
	return slices.ContainsFunc(g.listers[s.digest], func(c *statement) bool { return g.isArtifact(c.about) || g.concerned[c.about.Digest] })
}

// judgeForeign says whether an attestation is what a signer of the gate definition may say about the release. It is opened
// only when a trusted collection lists it, so that nobody who can only write the store can put anything to a release.
func (g *gathering) judgeForeign(st *store.Store, s *statement, abouts []About) bool {
	what := func() string { return "the " + s.kindName() + " statement " + short(s.digest) }
	listed, ok := g.listedAt(s)
	switch {
	case s.fault != nil:
		return g.blame(s, s.fault)
	case !ok && !listed.IsZero():
		return g.refuse(s, Future, "", "%s was collected at %s, which is in the future; set the clock of the machine that collected it, and collect again", what(), listed.Format(time.RFC3339))
	case !ok:
		return g.refuse(s, Unlisted, "", "no trusted collection lists %s, an attestation of another tool; collect it, with the key of a signer", what())
	case s.foreign.claim != nil && len(abouts) == 0:
		return g.refuse(s, OtherSubject, "", "%s is about %s, which is no part of this release; digests of other algorithms than sha256 do not count, and sha512 only where the artifact was collected as a file", what(), subjectsOf(s.foreign.claim))
	}
	text, err := read(st, s.digest, seal.MaxBundle, "attestation")
	if err != nil {
		return g.blame(s, err)
	}
	a, by, ok := g.openForeign(s, text)
	if !ok {
		return false
	}
	return g.dutyOf(s, a, by) && g.readForeign(s, a) && g.signedInTime(s, a, by, listed) && g.ofForeignLine(s) && g.claimsOf(s)
}

// inTime asks whether a trusted attestation is recent enough for the target.
func (g *gathering) inTime(s *statement) bool {
	age, limit := g.want.Now.Sub(s.at), g.def.MaxAge(g.want.Target, s.kind)
	if age > limit && !g.anyAge {
		return g.refuse(s, Stale, s.signer.ID, "the %s statement %s is of %s, %s ago, and target %s takes %s evidence for %s; make it again",
			s.kindName(), short(s.digest), s.at.Format(time.RFC3339), age.Round(time.Minute), g.want.Target, s.kindName(), limit)
	}
	return true
}

// listedAt is the earliest time at which a trusted collection lists an attestation, whoever signed that and whatever it is about. It is not
// ok when none does, and then zero, or when each that does is of the future, which would keep old evidence new.
func (g *gathering) listedAt(s *statement) (at time.Time, ok bool) {
	for _, c := range g.listers[s.digest] {
		if g.trusted(c) && slices.Contains(c.listed.Items, s.digest) && (at.IsZero() || c.at.Before(at)) {
			at = c.at
		}
	}
	return at, !at.IsZero() && !at.After(g.want.Now.Add(Skew))
}

// subjectsOf names a few subjects for people.
func subjectsOf(a *seal.Attestation) string {
	const few = 3
	var out []string
	for _, s := range a.Subjects[:min(len(a.Subjects), few)] {
		name := evidence.Cut(s.Name)
		for _, algorithm := range slices.Sorted(maps.Keys(s.Digest)) {
			name = strings.TrimSpace(name + " " + algorithm + ":" + short(s.Digest[algorithm]))
		}
		out = append(out, name)
	}
	if n := len(a.Subjects) - few; n > 0 {
		out = append(out, "and more")
	}
	return strings.Join(out, ", ")
}

// foreignItem is an attestation as others see it.
func (g *gathering) foreignItem(s *statement) (Item, error) {
	f := s.foreign
	summary, err := json.Marshal(f.report.Summary.Value(), json.Deterministic(true), json.FormatNilSliceAsNull(false))
	if err != nil {
		return Item{}, fault.New(fault.Internal, "write summary of attestation %s: %w", s.digest, err)
	}
	return Item{
		ID: s.digest, Manifest: s.manifest, Kind: s.kind, About: s.about, CollectedAt: s.at, Attested: true,
		Signer:     Signer{ID: s.signer.ID, Roles: slices.Sorted(slices.Values(s.signer.May))},
		AgeSeconds: int64(g.want.Now.Sub(s.at) / time.Second),
		Scope:      "artifact", Format: f.format, Tool: f.report.Tool, Warnings: f.report.Warnings.List(), Summary: summary, Rows: f.rows,
		// Whoever collected it chose the name of the file, and signed nothing about it.
		Report: evidence.Descriptor{Name: "attestation " + short(s.digest), MediaType: f.mediaType, Digest: s.digest, Size: f.size},
	}, nil
}

// built is what a build statement or provenance says of the source; false when it says nothing.
func (s *statement) built() (Built, bool) {
	switch {
	case s.build != nil:
		return s.build.Source, true
	case s.foreign != nil && s.foreign.report.Summary.Provenance != nil:
		p := s.foreign.report.Summary.Provenance
		branch, _ := strings.CutPrefix(p.Ref, "refs/heads/")
		return Built{Repository: p.Repository, Revision: p.Revision, Branch: branch}, p.Revision != ""
	}
	return Built{}, false
}

// ties says whether the statement ties an artifact to a commit: a build statement does, and provenance of a builder that the gate
// definition names. Any trusted provenance may contradict.
func (s *statement) ties() bool {
	return s.build != nil || s.foreign != nil && s.foreign.report.Summary.Provenance != nil && s.foreign.report.Summary.Provenance.BuildLevel > 0
}
