package verify

import (
	"errors"
	"fmt"
	"slices"

	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/gate"
	"cdgate.dev/cdgate/engine/seal"
)

// examiner judges statements about one release and keeps what it found out.
type examiner struct {
	def  *gate.Definition
	want Want

	notCounted []NotCounted
	faults     []error
	// manifests are the objects that had a part in the result; they are what is sealed.
	manifests map[string]bool
}

// refuse lists a statement as not counted.
func (x *examiner) refuse(s *statement, r Reason, signer, format string, args ...any) bool {
	x.manifests[s.manifest] = true
	x.notCounted = append(x.notCounted, NotCounted{ID: s.digest, Kind: s.kindName(), Reason: r, Msg: fmt.Sprintf(format, args...), Signer: signer})
	return false
}

// blame records a fault about a statement.
func (x *examiner) blame(s *statement, err error) bool {
	x.manifests[s.manifest] = true
	x.faults = append(x.faults, err)
	return false
}

// trusted checks once whether a statement is what a signer of the gate definition may say: known key, signature, duty,
// content, line. The first that fails is told. Whether it belongs to the release is not asked here.
func (x *examiner) trusted(s *statement) bool {
	if s.judged {
		return s.ok
	}
	s.judged = true
	s.ok = x.judge(s)
	x.manifests[s.manifest] = true
	return s.ok
}

func (x *examiner) judge(s *statement) bool {
	if s.fault != nil {
		return x.blame(s, s.fault)
	}
	if s.claim == nil {
		return x.unreadable(s)
	}
	if own, ok := ownKindOf(x.def, s.claim.Statement.PredicateType); ok {
		s.kind = own
	}
	by := s.claim.Signatory()
	name, isSigner := x.owner(s, by)
	if name == "" {
		return x.refuse(s, UnknownSigner, by.ID(), "the %s statement %s is signed with %s, %s", s.kindName(), short(s.digest), by, x.def.Unknown(by))
	}
	opened, err := x.def.TrustIn(by).Open(s.bundle)
	switch {
	case errors.Is(err, seal.ErrUntrusted):
		return x.refuse(s, Untrusted, name, "the %s statement %s claims to be signed by %s: %v", s.kindName(), short(s.digest), name, err)
	case errors.Is(err, seal.ErrMalformed):
		return x.blame(s, fault.New(fault.Evidence, "open %s statement %s: %s signed something that is no statement of this version: %v", s.kindName(), s.digest, name, err))
	case err != nil:
		return x.blame(s, fault.New(fault.Trust, "open %s statement %s: it claims the key of %s, but the signature is not that key's: the statement was altered after it was signed, or forged", s.kindName(), s.digest, name))
	}
	switch {
	case opened.Timestamped.IsZero() && x.def.WantsTimestamp(by):
		return x.refuse(s, NoTimestamp, name, "the %s statement %s, signed by %s, does not count: %v", s.kindName(), short(s.digest), name, gate.ErrNoTimestamp)
	case !isSigner:
		return x.refuse(s, WrongRole, name, "the %s statement %s is signed by %s, a person, whose roles let them sign no evidence here; evidence is signed by signers, "+
			"and by people with a role whose may lists the kind", s.kindName(), short(s.digest), name)
	case s.isCollection() && !s.signer.Attests(), s.kind != "" && !s.signer.MayDo(string(s.kind)), !s.isCollection() && s.kind == "":
		return x.refuse(s, WrongRole, name, "the %s statement %s is signed by %s, whose signature counts for %s only", s.kindName(), short(s.digest), name, quoted(s.signer.May))
	}
	if err := s.decode(opened); err != nil {
		return x.blame(s, fault.New(fault.Evidence, "read %s statement %s, signed by %s: %v", s.kindName(), s.digest, name, err))
	}
	if u := x.def.Stands(by, gate.When{Stamped: opened.Timestamped, Claimed: s.at, Now: x.want.Now}); u != nil {
		return x.refuse(s, reasonOf(u), name, "the %s statement %s of %s does not count: %s", s.kindName(), short(s.digest), name, u.Msg)
	}
	return x.ofLine(s)
}

// reasonOf says why a signature does not count.
func reasonOf(u *gate.Unsound) Reason {
	if u.Revoked {
		return RevokedKey
	}
	return ExpiredKey
}

// owner is whose key or certificate it is: a signer, whom it notes in s, or a person, who is a signer where a role says so.
func (x *examiner) owner(s *statement, by seal.Signatory) (name string, isSigner bool) {
	if signer, ok := x.def.SignerBy(by); ok {
		s.signer = signer
		return signer.ID, true
	}
	if p, ok := x.def.PersonBy(by); ok {
		s.signer = x.def.SignerFor(p, x.want.Line, x.want.Target, x.want.Now)
		return p.ID, len(s.signer.May) > 0
	}
	return "", false
}

// unreadable is a statement that InspectUnsafe refused. When it is properly signed by somebody we know, they made
// something that we cannot read, and nobody may ignore it; anything else is just not a statement.
func (x *examiner) unreadable(s *statement) bool {
	_, err := seal.Open(s.bundle)
	if errors.Is(err, seal.ErrUnknownKey) { // the envelope is in order
		_, err = x.def.TrustAnyone().Open(s.bundle)
		switch {
		case errors.Is(err, seal.ErrMalformed):
			return x.blame(s, fault.New(fault.Evidence, "read statement %s: it is signed by a known key and is no statement of this version: %v", s.digest, err))
		case errors.Is(err, seal.ErrSignature):
			return x.blame(s, fault.New(fault.Trust, "open statement %s: it claims a known key, but the signature is not that key's: it was altered after it was signed, or forged", s.digest))
		}
	}
	return x.refuse(s, UnknownSigner, "", "%s is no statement that can be read", short(s.digest))
}

// ofLine checks the line: a statement that names none is about the line that is released. A build must come from a
// repository of the line, too.
func (x *examiner) ofLine(s *statement) bool {
	line := s.line()
	if line == "" {
		line = x.want.Line
	}
	switch {
	case !s.signer.ForLine(line):
		return x.refuse(s, WrongLine, s.signer.ID, "the %s statement %s is about line %q, and %s may attest %s only", s.kindName(), short(s.digest), line, s.signer.ID, quoted(s.signer.Lines))
	case line != x.want.Line:
		return x.refuse(s, WrongLine, s.signer.ID, "the %s statement %s is about line %q, and the release is of line %q", s.kindName(), short(s.digest), line, x.want.Line)
	case s.build != nil && !x.def.BuiltFrom(line, s.build.Source.Repository):
		return x.refuse(s, WrongLine, s.signer.ID, "the build statement %s says that it was built from %q, and line %q is built from %s",
			short(s.digest), s.build.Source.Repository, line, repositoriesOf(x.def, line))
	}
	return true
}

// repositoriesOf says from where a line is built.
func repositoriesOf(def *gate.Definition, line string) string {
	if r := def.Lines[line].Repositories; len(r) > 0 {
		return quoted(r) + " only"
	}
	return "repositories that no other line names"
}

// quoted lists names for people, sorted.
func quoted(names []string) string {
	names = slices.Sorted(slices.Values(names))
	out := ""
	for i, n := range names {
		if i > 0 {
			out += ", "
		}
		out += n
	}
	if out == "" {
		return "nothing"
	}
	return out
}
