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

// check is one step of judging a statement: false when the statement does not count, after saying why.
type check struct {
	name string
	ask  func(x *examiner, s *statement) bool
}

// checks are made in this order, and the first that fails is told. Explain shows them one by one.
var checks = []check{
	{"bundle", (*examiner).legible},
	{"signer", (*examiner).known},
	{"signature", (*examiner).signed},
	{"timestamp", (*examiner).stamped},
	{"role", (*examiner).entitled},
	{"content", (*examiner).decoded},
	{"key", (*examiner).standing},
	{"line", (*examiner).ofLine},
}

func (x *examiner) judge(s *statement) bool {
	for _, c := range checks {
		if !c.ask(x, s) {
			return false
		}
	}
	return true
}

// legible demands a bundle around one statement about one subject.
func (x *examiner) legible(s *statement) bool {
	switch {
	case s.fault != nil:
		return x.blame(s, s.fault)
	case s.claim == nil:
		return x.unreadable(s)
	}
	return true
}

// known demands that the key or certificate is somebody's.
func (x *examiner) known(s *statement) bool {
	if own, ok := ownKindOf(x.def, s.claim.Statement.PredicateType); ok {
		s.kind = own
	}
	s.by = s.claim.Signatory()
	s.owner, s.machine = x.owner(s, s.by)
	if s.owner == "" {
		return x.refuse(s, UnknownSigner, s.by.ID(), "the %s statement %s is signed with %s, %s", s.kindName(), short(s.digest), s.by, x.def.Unknown(s.by))
	}
	return true
}

// signed demands that the signature is theirs, and that all holds that others say about it.
func (x *examiner) signed(s *statement) (ok bool) {
	var err error
	s.opened, err = x.def.TrustIn(s.by).Open(s.bundle)
	switch {
	case errors.Is(err, seal.ErrUntrusted):
		return x.refuse(s, Untrusted, s.owner, "the %s statement %s claims to be signed by %s: %v", s.kindName(), short(s.digest), s.owner, err)
	case errors.Is(err, seal.ErrMalformed):
		return x.blame(s, fault.New(fault.Evidence, "open %s statement %s: %s signed something that is no statement of this version: %v", s.kindName(), s.digest, s.owner, err))
	case err != nil:
		return x.blame(s, fault.New(fault.Trust, "open %s statement %s: it claims the key of %s, but the signature is not that key's: the statement was altered after it was signed, or forged", s.kindName(), s.digest, s.owner))
	}
	return true
}

// stamped demands a timestamp where the definition wants one.
func (x *examiner) stamped(s *statement) bool {
	if s.opened.Timestamped.IsZero() && x.def.WantsTimestamp(s.by) {
		return x.refuse(s, NoTimestamp, s.owner, "the %s statement %s, signed by %s, does not count: %v", s.kindName(), short(s.digest), s.owner, gate.ErrNoTimestamp)
	}
	return true
}

// entitled demands that the signer may say statements of this predicate type.
func (x *examiner) entitled(s *statement) bool {
	switch {
	case !s.machine:
		return x.refuse(s, WrongRole, s.owner, "the %s statement %s is signed by %s, a person, whose roles let them sign no evidence here; evidence is signed by signers, "+
			"and by people with a role whose may lists the kind", s.kindName(), short(s.digest), s.owner)
	case s.isCollection() && !s.signer.Attests(), s.kind != "" && !s.signer.MayDo(string(s.kind)), !s.isCollection() && s.kind == "":
		return x.refuse(s, WrongRole, s.owner, "the %s statement %s is signed by %s, whose signature counts for %s only", s.kindName(), short(s.digest), s.owner, quoted(s.signer.May))
	}
	return true
}

// decoded demands a predicate of exactly the members of its kind.
func (x *examiner) decoded(s *statement) bool {
	if err := s.decode(s.opened); err != nil {
		return x.blame(s, fault.New(fault.Evidence, "read %s statement %s, signed by %s: %v", s.kindName(), s.digest, s.owner, err))
	}
	return true
}

// standing demands that the key was valid when it signed.
func (x *examiner) standing(s *statement) bool {
	if u := x.def.Stands(s.by, gate.When{Stamped: s.opened.Timestamped, Claimed: s.at, Now: x.want.Now}); u != nil {
		return x.refuse(s, reasonOf(u), s.owner, "the %s statement %s of %s does not count: %s", s.kindName(), short(s.digest), s.owner, u.Msg)
	}
	return true
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
