package verify

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/gate"
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

// covered is what of the release an attestation is about: artifacts by their SHA-256, or else images of an index, or else the
// revision. Provenance and summaries are about artifacts alone: what they say of a part or of the source says nothing of the whole.
func (g *gathering) covered(s *statement, revision string) (out []About) {
	claim := s.foreign.claim
	if claim == nil {
		return nil
	}
	for _, a := range g.artifacts {
		if claim.Covers(a.Digest) {
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
		return g.refuse(s, OtherSubject, "", "%s is about %s, which is no part of this release; digests of other algorithms than sha256 do not count", what(), subjectsOf(s.foreign.claim))
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

// openForeign checks the signature, and finds whose it is.
func (g *gathering) openForeign(s *statement, text []byte) (*seal.Attestation, seal.Signatory, bool) {
	a, err := g.def.TrustAnyone().OpenAttestation(text)
	with, claimed := s.signedWith()
	switch {
	case errors.Is(err, seal.ErrUnknownKey):
		why := "which fits no key in the gate definition; add the key of its signer under signers in gate.yaml if you trust it, and sign gate.yaml again"
		if s.foreign.claim != nil && s.foreign.claim.Signatory.Identity != (seal.Identity{}) {
			why = g.def.Unknown(s.foreign.claim.Signatory)
		}
		g.refuse(s, UnknownSigner, claimed, "the %s statement %s is signed with %s, %s", s.kindName(), short(s.digest), with, why)
	case errors.Is(err, seal.ErrUntrusted):
		g.refuse(s, Untrusted, claimed, "the %s statement %s claims to be signed with %s: %v", s.kindName(), short(s.digest), with, err)
	case errors.Is(err, seal.ErrMalformed):
		g.unreadableForeign(s, text, err)
	case err != nil:
		g.blame(s, fault.New(fault.Trust, "open %s attestation %s: it claims to be signed with %s, and the signature does not fit: it was altered after it was signed, or forged", s.kindName(), s.digest, with))
	default:
		return a, a.Signatory, true
	}
	return nil, seal.Signatory{}, false
}

// signedWith says for people what an attestation claims to be signed with, and who is listed as its signer. Its tool chose the name of
// a key.
func (s *statement) signedWith() (words, id string) {
	if s.foreign.claim == nil {
		return "somebody", ""
	}
	by := s.foreign.claim.Signatory
	switch id = evidence.Cut(by.ID()); {
	case by.Identity != (seal.Identity{}):
		return by.Identity.String(), id
	case id == "":
		return "a key that it does not name", ""
	}
	return fmt.Sprintf("key %.80q", id), id
}

// unreadableForeign is an attestation that is none. When somebody we know signed it, nobody may ignore it.
func (g *gathering) unreadableForeign(s *statement, text []byte, why error) {
	if _, err := (seal.Trust{}).OpenAttestation(text); errors.Is(err, seal.ErrUnknownKey) { // the envelope is in order, and the signature was
		g.blame(s, fault.New(fault.Evidence, "read attestation %s: it is signed by a known signer, and states nothing that can be read: %v", s.digest, why))
		return
	}
	g.refuse(s, UnknownSigner, "", "%s is no attestation that can be read: %v", short(s.digest), why)
}

// dutyOf asks whether the signer may say such a thing.
func (g *gathering) dutyOf(s *statement, a *seal.Attestation, by seal.Signatory) bool {
	name, isSigner := g.owner(s, by)
	kinds := kindsOfPredicate(a.PredicateType)
	switch {
	case a.Witnessed.IsZero() && g.def.WantsTimestamp(by):
		return g.refuse(s, NoTimestamp, name, "the %s statement %s, signed by %s, does not count: neither a timestamp authority nor a log of the trusted root saw it, and the gate definition wants that",
			s.kindName(), short(s.digest), name)
	case !isSigner:
		return g.refuse(s, WrongRole, name, "the %s statement %s is signed by %s, a person; what tools attest is signed by signers", s.kindName(), short(s.digest), name)
	case len(kinds) == 0:
		return g.refuse(s, Misfit, name, "the attestation %s, signed by %s, is of predicate type %.200q, which is not read", short(s.digest), name, a.PredicateType)
	case !slices.ContainsFunc(kinds, func(k evidence.Kind) bool { return s.signer.MayDo(string(k)) }):
		return g.wrongDuty(s)
	}
	return true
}

func (g *gathering) wrongDuty(s *statement) bool {
	return g.refuse(s, WrongRole, s.signer.ID, "the %s statement %s is signed by %s, whose signature counts for %s only", s.kindName(), short(s.digest), s.signer.ID, quoted(s.signer.May))
}

// readForeign reads the predicate as a report of its format is read, and gives the statement its kind. What a known signer signed
// and cannot be read is a fault, as with statements of cdgate.
func (g *gathering) readForeign(s *statement, a *seal.Attestation) bool {
	f := s.foreign
	var rows bytes.Buffer
	format, report, err := formats.ReadPredicate(a.PredicateType, bytes.NewReader(a.Predicate), &limited{&rows, maxRows})
	if err != nil {
		return g.blame(s, fault.New(fault.Evidence, "read %s attestation %s, signed by %s: %v", s.kindName(), s.digest, s.signer.ID, err))
	}
	s.kind, f.format, f.report, f.mediaType = format.Kind, format.Name, report, a.MediaType
	if !s.signer.MayDo(string(s.kind)) {
		return g.wrongDuty(s)
	}
	var doc map[string]jsontext.Value
	shape, _ := evidence.ShapeOf(s.kind)
	if err := json.Unmarshal(rows.Bytes(), &doc); err != nil || doc[shape.Rows] == nil {
		return g.blame(s, fault.New(fault.Internal, "read %s attestation %s: its reader wrote no rows: %v", s.kindName(), s.digest, err))
	}
	if f.rows = doc[shape.Rows]; g.rows+int64(len(f.rows)) > maxAllRows {
		return g.blame(s, fault.New(fault.Evidence, "read %s attestation %s: the attestations about this release have more than %d bytes of rows", s.kindName(), s.digest, int64(maxAllRows)))
	}
	g.rows += int64(len(f.rows))
	return true
}

// limited refuses to write more than a number of bytes.
type limited struct {
	to   *bytes.Buffer
	left int
}

func (l *limited) Write(p []byte) (int, error) {
	if l.left -= len(p); l.left < 0 {
		return 0, errors.New("more rows than are accepted")
	}
	return l.to.Write(p)
}

// signedInTime asks whether the key was valid, and sets the time of the evidence: the earliest of when a log or a timestamp authority saw
// it, when it says that it happened, and when it was collected. So an old scan does not become new by being collected again.
func (g *gathering) signedInTime(s *statement, a *seal.Attestation, by seal.Signatory, listed time.Time) bool {
	claimed, err := s.foreign.says()
	switch {
	case err != nil:
		return g.refuse(s, NoTimestamp, s.signer.ID, "the %s statement %s says that it is of %q, which is no time of RFC 3339; have it made again", s.kindName(), short(s.digest), s.foreign.report.At)
	case claimed.IsZero() && a.Witnessed.IsZero() && ages[s.kind]:
		return g.refuse(s, NoTimestamp, s.signer.ID, "nothing says when the %s statement %s was made: neither a timestamp authority nor a log saw it, and it names no time; "+
			"have its tool write one, or sign with a timestamp", s.kindName(), short(s.digest))
	}
	for _, t := range []time.Time{claimed, a.Witnessed} {
		if t.After(g.want.Now.Add(Skew)) {
			return g.refuse(s, Future, s.signer.ID, "the %s statement %s is of %s, which is in the future; set the clock of whoever made it", s.kindName(), short(s.digest), t.Format(time.RFC3339))
		}
	}
	s.at = listed
	for _, t := range []time.Time{claimed, a.Witnessed} {
		if !t.IsZero() && t.Before(s.at) {
			s.at = t
		}
	}
	if u := g.def.Stands(by, whenSigned(a.Witnessed, claimed, g.want.Now)); u != nil {
		return g.refuse(s, reasonOf(u), s.signer.ID, "the %s statement %s of %s does not count: %s", s.kindName(), short(s.digest), s.signer.ID, u.Msg)
	}
	return true
}

// ages are the kinds that are true of the same bytes on one day and not on another: what is known of vulnerabilities grows, and
// a policy changes. Of these something must say how old they are, or an old one would be new whenever it is collected.
// Provenance, tests and bills stay as true as they were of what has this digest, in-toto's test results have no
// member for a time, and bills need none: without a time they are as old as the first trusted collection that lists them.
var ages = map[evidence.Kind]bool{evidence.Scan: true, evidence.VEX: true, evidence.VerificationSummary: true}

// says is when the statement says that what it is about happened; zero when it does not say.
func (f *foreign) says() (time.Time, error) {
	if f.report.At == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, f.report.At)
	return t.UTC(), err
}

// ofForeignLine asks whether the signer may attest the line, and whether provenance names a repository of the line.
func (g *gathering) ofForeignLine(s *statement) bool {
	line := g.want.Line
	p := s.foreign.report.Summary.Provenance
	switch {
	case !s.signer.ForLine(line):
		return g.refuse(s, WrongLine, s.signer.ID, "the release is of line %q, and %s, who signed the %s statement %s, may attest %s only", line, s.signer.ID, s.kindName(), short(s.digest), quoted(s.signer.Lines))
	case p != nil && !g.def.BuiltFrom(line, p.Repository):
		return g.refuse(s, WrongLine, s.signer.ID, "the provenance statement %s says that it was built from %q, and line %q is built from %s", short(s.digest), p.Repository, line, repositoriesOf(g.def, line))
	}
	return true
}

// claimsOf asks whether the signer may claim the builder or verifier that the statement names. The level of a build is what the
// gate definition says of the builder; what a provenance says of its own level is not even read.
func (g *gathering) claimsOf(s *statement) bool {
	f, by := s.foreign, s.signer.ID
	if p := f.report.Summary.Provenance; p != nil {
		b, known := g.def.Builder(p.BuilderID)
		if known && !slices.Contains(b.Signers, by) {
			return g.refuse(s, WrongBuilder, by, "the provenance statement %s says that %s built it, and is signed by %s; the gate definition lets only %s sign as that builder",
				short(s.digest), p.BuilderID, by, quoted(b.Signers))
		}
		p.BuildLevel = int64(b.Level) // 0 where it is not known
		return true
	}
	v := f.report.Summary.Verifier
	if v == nil {
		return true
	}
	verifier, known := g.def.Verifier(v.VerifierID)
	switch {
	case !known:
		return g.refuse(s, WrongVerifier, by, "the verification_summary statement %s is of verifier %s, which the gate definition does not name; add it under verifiers in gate.yaml, and sign gate.yaml again", short(s.digest), v.VerifierID)
	case !slices.Contains(verifier.Signers, by):
		return g.refuse(s, WrongVerifier, by, "the verification_summary statement %s is of verifier %s, and signed by %s; the gate definition lets only %s sign as that verifier", short(s.digest), v.VerifierID, by, quoted(verifier.Signers))
	case v.Result != "PASSED":
		return g.refuse(s, NotPassed, by, "the verification_summary statement %s of %s says %s", short(s.digest), v.VerifierID, v.Result)
	case !verifier.Covers(v.ResourceURI):
		return g.refuse(s, OtherSubject, by, "the verification_summary statement %s is about resource %s, and %s is believed about %s", short(s.digest), v.ResourceURI, v.VerifierID, quoted(verifier.Resources))
	}
	return true
}

// inTime asks whether a trusted attestation is recent enough for the target.
func (g *gathering) inTime(s *statement) bool {
	age, limit := g.want.Now.Sub(s.at), g.def.MaxAge(g.want.Target, s.kind)
	if age > limit {
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
		for _, algorithm := range sortedNames(s.Digest) {
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

func whenSigned(witnessed, claimed, now time.Time) gate.When {
	return gate.When{Stamped: witnessed, Claimed: claimed, Now: now}
}

func sortedNames(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
