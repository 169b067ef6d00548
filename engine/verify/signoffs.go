package verify

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/gate"
	"cdgate.dev/cdgate/engine/seal"
	"cdgate.dev/cdgate/engine/store"
)

// Signoffs are the sign-offs about a release that people signed and the log holds, sorted by digest, and those that do
// not count. logged are the sign-offs that the log holds for the release: the digest, and the newest version of the gate
// definition that the log names up to its entry. An error is classed and may come with both lists: one that the log holds and the store does not, or a bad signature under a person's key, is
// fault.Trust; one by a person that cannot be read is fault.Evidence.
func Signoffs(st *store.Store, ix *store.Index, def *gate.Definition, releaseID string, logged map[string]int, now time.Time) ([]Signoff, []NotCounted, error) {
	if def == nil || !def.Signed() {
		return nil, nil, fault.New(fault.Trust, "verify sign-offs: the gate definition is not signed, so nobody is anybody; sign it with: cdgate gate sign --key ROOT.key")
	}
	x := &examiner{def: def, want: Want{Now: now}, manifests: map[string]bool{}}
	out := []Signoff{}
	missing := maps.Clone(logged)
	for _, s := range readAll(st, ix, store.TypeSignoff) {
		about := s.claim != nil && releaseID != "" && s.about == About{Kind: AboutArtifact, Name: s.about.Name, Digest: releaseID}
		delete(missing, s.digest)
		switch {
		case s.fault != nil:
			x.blame(s, s.fault)
		case !about && held(logged, s.digest):
			x.blame(s, fault.New(fault.Trust, "open sign-off %s: the log holds it for this release, but it is not about it", s.digest))
		case !about:
		default:
			if so, ok := x.signoff(s, logged[s.digest], held(logged, s.digest)); ok {
				out = append(out, so)
			}
		}
	}
	for _, digest := range slices.Sorted(maps.Keys(missing)) {
		x.faults = append(x.faults, fault.New(fault.Trust, "find sign-off %s: the log holds it for this release, and it is not in the store: it was taken away; restore it from a copy", digest))
	}
	slices.SortFunc(x.notCounted, func(a, b NotCounted) int { return cmp.Compare(a.ID, b.ID) })
	return out, x.notCounted, errors.Join(x.faults...)
}

func held(logged map[string]int, digest string) bool {
	_, ok := logged[digest]
	return ok
}

// signoff verifies one statement about the release.
func (x *examiner) signoff(s *statement, under int, logged bool) (so Signoff, ok bool) {
	for _, c := range signoffChecks(&so, under, logged) {
		if !c.ask(x, s) {
			return Signoff{}, false
		}
	}
	return so, true
}

// signoffChecks are made in this order, as those of other statements are; they fill in the sign-off.
func signoffChecks(so *Signoff, under int, logged bool) []check {
	return []check{
		{"signer", func(x *examiner, s *statement) bool {
			s.by = s.claim.Signatory()
			s.owner, s.machine = x.owner(s, s.by)
			return s.owner != "" || x.refuse(s, UnknownSigner, s.by.ID(), "the sign-off %s is signed with %s, %s", short(s.digest), s.by, x.def.Unknown(s.by))
		}},
		{"signature", (*examiner).signoffSigned},
		{"timestamp", func(x *examiner, s *statement) bool {
			return !s.opened.Timestamped.IsZero() || !x.def.WantsTimestamp(s.by) ||
				x.refuse(s, NoTimestamp, s.owner, "the sign-off %s, signed by %s, does not count: %v", short(s.digest), s.owner, gate.ErrNoTimestamp)
		}},
		{"role", func(x *examiner, s *statement) bool {
			// A person whom a role lets sign evidence is no machine.
			switch _, machine := x.def.SignerBy(s.by); {
			case machine:
				return x.refuse(s, WrongRole, s.owner, "the sign-off %s is signed by %s, which is a machine; people sign off", short(s.digest), s.owner)
			case s.opened.Statement.PredicateType != SignoffType:
				return x.refuse(s, WrongRole, s.owner, "%s, signed by %s, is a %q and no sign-off", short(s.digest), s.owner, s.opened.Statement.PredicateType)
			}
			return true
		}},
		{"content", func(x *examiner, s *statement) bool {
			var err error
			if *so, err = decodeSignoff(s.opened); err != nil {
				return x.blame(s, fault.New(fault.Evidence, "read sign-off %s, signed by %s: %v", s.digest, s.owner, err))
			}
			so.Digest, so.Manifest, so.Person, so.KeyID = s.digest, s.manifest, s.owner, s.opened.KeyID
			if p, ok := x.def.PersonBy(s.by); ok {
				so.Name = p.Name
			}
			return true
		}},
		{"log", func(x *examiner, s *statement) bool {
			return logged || x.refuse(s, Unlogged, s.owner, "the sign-off %s of %s is not in the decision log; have it signed again with cdgate approve or reject, which logs it", short(s.digest), s.owner)
		}},
		{"key", func(x *examiner, s *statement) bool {
			if u := x.def.Stands(s.by, gate.When{Stamped: s.opened.Timestamped, Claimed: so.SignedAt, Now: x.want.Now, Logged: under}); u != nil {
				return x.refuse(s, reasonOf(u), s.owner, "the sign-off %s of %s does not count: %s", short(s.digest), s.owner, u.Msg)
			}
			return true
		}},
	}
}

// signoffSigned demands that the signature is the person's, and that all holds that others say about it.
func (x *examiner) signoffSigned(s *statement) bool {
	var err error
	s.opened, err = x.def.TrustIn(s.by).Open(s.bundle)
	switch {
	case errors.Is(err, seal.ErrUntrusted):
		return x.refuse(s, Untrusted, s.owner, "the sign-off %s claims to be signed by %s: %v", short(s.digest), s.owner, err)
	case errors.Is(err, seal.ErrMalformed):
		return x.blame(s, fault.New(fault.Evidence, "open sign-off %s: %s signed something that is no statement of this version: %v", s.digest, s.owner, err))
	case err != nil:
		return x.blame(s, fault.New(fault.Trust, "open sign-off %s: it claims the key of %s, but the signature is not that key's: it was altered after it was signed, or forged", s.digest, s.owner))
	}
	return true
}

func decodeSignoff(o *seal.Opened) (Signoff, error) {
	var p SignoffPredicate
	if err := decodeExact(o.Statement.Predicate, &p); err != nil {
		return Signoff{}, err
	}
	if p.Verdict != "approve" && p.Verdict != "reject" {
		return Signoff{}, fmt.Errorf("%q is no verdict", p.Verdict)
	}
	so := Signoff{
		Verdict: p.Verdict, Requirement: p.Requirement, RequirementDigest: p.RequirementDigest, Meaning: p.Meaning,
		Target: p.Target, Stage: p.Stage, Subjects: p.Subjects, Findings: p.Findings, Comment: p.Comment,
	}
	var err error
	if so.SignedAt, err = parseTime(p.SignedAt); err != nil {
		return Signoff{}, fmt.Errorf("signedAt: %w", err)
	}
	if so.ValidUntil, err = parseTime(p.ValidUntil); err != nil {
		return Signoff{}, fmt.Errorf("validUntil: %w", err)
	}
	for _, a := range p.Subjects {
		if !isDigest(a.Digest) {
			return Signoff{}, fmt.Errorf("subject %q is named by %q, which is no digest", a.Name, a.Digest)
		}
	}
	return so, nil
}

// Manifests are the digests of the objects in the index that hold the statements with the given digests, sorted. It is
// how a record names the objects of what was not counted.
func Manifests(ix *store.Index, statements ...string) []string {
	var out []string
	for _, e := range ix.Entries {
		if slices.ContainsFunc(e.Layers, func(l store.Layer) bool {
			ours := l.MediaType == seal.MediaType || e.Type == store.TypeAttestation
			return ours && slices.Contains(statements, l.Digest)
		}) {
			out = append(out, e.Digest)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
