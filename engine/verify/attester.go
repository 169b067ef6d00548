package verify

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/gate"
	"cdgate.dev/cdgate/engine/seal"
	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/formats"
)

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
	if u := g.def.Stands(by, gate.When{Stamped: a.Witnessed, Claimed: claimed, Now: g.want.Now}); u != nil {
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
