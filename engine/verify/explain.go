package verify

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/gate"
	"cdgate.dev/cdgate/engine/seal"
	"cdgate.dev/cdgate/engine/store"
	"cdgate.dev/cdgate/evidence"
)

// Explanation is one check of a statement. Err is nil when it passed; a *Refusal when the statement does not count, and a
// fault of package fault when somebody may be lying or nothing can be said.
type Explanation struct {
	Name, Detail string
	Err          error
}

// Refusal is the error of a statement that is in order and does not count.
type Refusal struct{ NotCounted }

func (r *Refusal) Error() string { return r.Msg }

// Question is what a statement is held against, besides the gate definition and the store.
type Question struct {
	// Artifacts are those it has to be about, directly or by the commit they were built from; none are asked when it is empty.
	Artifacts []Artifact
	// Target says how old the statement may be, and which roles of people count; empty asks only that it is not from the future.
	Target string
	// Logged are the sign-offs that the decision log holds, as Signoffs wants them.
	Logged map[string]int
	Now    time.Time
	Kinds  map[evidence.Kind]OwnKind
}

// Explain makes, one by one, the checks that Evidence makes of a statement of evidence or a collection, and tells of each.
// The first that fails is the last. The store must hold what the statement names.
func Explain(st *store.Store, ix *store.Index, def *gate.Definition, bundle []byte, q Question) []Explanation {
	e := explaining{st: st, q: q, s: &statement{digest: seal.Digest(bundle), bundle: bundle}}
	e.s.inspect()
	line := hintedLine(bundle)
	e.g = newGathering(def, Want{Line: line, Target: q.Target, Now: q.Now, Artifacts: q.Artifacts, Kinds: q.Kinds})
	e.g.want.Target = e.roleTarget()
	for _, c := range checks {
		if !e.ask(c.name, func() string { return e.told(c.name) }, func() bool { return c.ask(&e.g.examiner, e.s) }) {
			return e.out
		}
	}
	all := readAll(st, ix, store.TypeItem, store.TypeCollection)
	e.tie = e.tying(st, ix, all)
	for _, s := range all {
		if s.claim != nil { // what cannot be read is told of at every release, and is not about this statement
			e.g.sort(s)
		}
	}
	for _, s := range e.g.findForeign(st, ix) { // a collection lists them, too
		e.g.present[s.digest] = s
	}
	if e.s.listed != nil {
		e.ask("items", e.itemsTold, e.items)
	} else {
		e.ask("collection", e.collectionTold, e.collection)
		e.ask("blobs", e.blobsTold, e.blobs)
		e.ask("attempt", e.attemptTold, e.attempt)
	}
	e.ask("time", e.timeTold, e.timely)
	e.ask("subject", e.subjectTold, e.subject)
	return e.out
}

// roleTarget is the target that was asked about; where none was, one at which the roles of the person who signed let them sign
// evidence. Machines sign for every target.
func (e *explaining) roleTarget() string {
	if e.s.claim == nil || e.q.Target != "" {
		return e.q.Target
	}
	p, ok := e.g.def.PersonBy(e.s.claim.Signatory())
	for _, id := range slices.Sorted(maps.Keys(e.g.def.Targets)) {
		if ok && len(e.g.def.SignerFor(p, e.g.want.Line, id, e.q.Now).May) > 0 {
			return id
		}
	}
	return ""
}

// hintedLine is the line that a statement names for itself.
func hintedLine(bundle []byte) string {
	c, _ := Claimed(bundle)
	return c.Line
}

type explaining struct {
	st  *store.Store
	g   *gathering
	s   *statement
	q   Question
	out []Explanation
	bad bool
	// tie finds what the artifacts that were asked for were built from.
	tie func() (Source, error)
}

// ask makes one check, unless an earlier one failed, and keeps what it says.
func (e *explaining) ask(name string, told func() string, check func() bool) bool {
	if e.bad {
		return false
	}
	refused, faults := len(e.g.notCounted), len(e.g.faults)
	x := Explanation{Name: name}
	if check() {
		x.Detail = told()
	} else {
		e.bad = true
		switch {
		case len(e.g.faults) > faults:
			x.Err = e.g.faults[len(e.g.faults)-1]
		case e.s.claim == nil: // nobody we know made it, so it is only not readable
			_, x.Err = seal.InspectUnsafe(e.s.bundle)
		case len(e.g.notCounted) > refused:
			x.Err = &Refusal{e.g.notCounted[len(e.g.notCounted)-1]}
		}
		if x.Err == nil {
			x.Err = fault.New(fault.Internal, "check %s of statement %s: it failed without a reason", name, e.s.digest)
		}
		x.Detail = x.Err.Error()
	}
	e.out = append(e.out, x)
	return !e.bad
}

// told says what a check of every statement found.
func (e *explaining) told(name string) string {
	s := e.s
	switch name {
	case "bundle":
		return fmt.Sprintf("Sigstore bundle v0.3 around one %s statement about %s", shortType(s.claim.Statement.PredicateType), named(s.about))
	case "signer":
		return fmt.Sprintf("%s is that of %s", s.by, s.owner)
	case "signature":
		return "fits the signed bytes, and whatever else is in the bundle holds"
	case "timestamp":
		if s.opened.Timestamped.IsZero() {
			return "it has none, and the gate definition wants none"
		}
		return "a trusted authority saw it at " + s.opened.Timestamped.Format(time.RFC3339)
	case "role":
		return fmt.Sprintf("%s may attest %s", s.owner, quoted(s.signer.May))
	case "content":
		return fmt.Sprintf("every member of a %s statement is there and no other", s.kindName())
	case "key":
		if s.opened.Timestamped.IsZero() {
			return "it is valid now, and was at the time that the statement gives itself"
		}
		return "it was valid at the time of the timestamp"
	case "line":
		if s.line() == "" {
			return "it names none, so it is about whatever line is released"
		}
		return fmt.Sprintf("%s may attest line %s", s.owner, s.line())
	}
	return ""
}

func named(a About) string { return strings.TrimSpace(a.Name + " " + a.Digest) }

// items demands that the store holds all that a collection lists.
func (e *explaining) items() bool {
	for _, digest := range e.s.listed.Items {
		if e.g.present[digest] == nil {
			return e.g.blame(e.s, fault.New(fault.Trust, "find statement %s: the collection lists it, and it is not in the store: it was taken away; restore it from a copy, or collect again on a new build", digest))
		}
	}
	return true
}

func (e *explaining) itemsTold() string {
	return fmt.Sprintf("the store holds each of the %d that it lists", len(e.s.listed.Items))
}

// collection demands that the signer's collection lists the statement, and that the store has it.
func (e *explaining) collection() bool {
	switch {
	case !e.g.isListed(e.s):
		return e.g.refuse(e.s, Unlisted, e.s.signer.ID, "no collection of %s in the store lists it; name the store it was collected into with --store; "+
			"if that is the right one, collecting was cut short, or it was added by hand: collect again", e.s.signer.ID)
	case e.g.present[e.s.digest] == nil:
		return e.g.blame(e.s, fault.New(fault.Trust, "find statement %s: a collection lists it, and it is not in the store: it was taken away; restore it from a copy, or collect again on a new build", e.s.digest))
	}
	return true
}

func (e *explaining) collectionTold() string {
	return fmt.Sprintf("%s listed it when it was collected, and the store holds it", e.s.signer.ID)
}

// blobs demands that the normalised rows and the raw report are what was signed.
func (e *explaining) blobs() bool {
	_, err := e.g.item(e.st, e.s)
	switch misfit, ok := err.(misfitError); {
	case ok:
		return e.g.refuse(e.s, Misfit, e.s.signer.ID, "it %v", misfit.error)
	case err != nil:
		return e.g.blame(e.s, err)
	}
	return true
}

func (e *explaining) blobsTold() string {
	if e.s.build != nil {
		return "a build statement has none"
	}
	return fmt.Sprintf("rows and raw report (%s, %d bytes) are what was signed", e.s.item.Report.Name, e.s.item.Report.Size)
}

// attempt demands that no later attempt of the same run replaced the statement.
func (e *explaining) attempt() bool {
	mine, ok := e.g.supersedes(e.s)
	for _, s := range slices.Concat(e.g.builds, e.g.reports) {
		if !ok || s.digest == e.s.digest || !e.g.trusted(s) {
			continue
		}
		if k, ok := e.g.supersedes(s); ok && k == mine && s.producer().Attempt > e.s.producer().Attempt {
			return e.g.refuse(e.s, Superseded, e.s.signer.ID, "attempt %d of the same run replaced it (statement %s)", s.producer().Attempt, short(s.digest))
		}
	}
	return true
}

func (e *explaining) attemptTold() string {
	if p := e.s.producer(); p.Run != "" {
		return fmt.Sprintf("no later attempt of run %s replaced attempt %d", p.Run, p.Attempt)
	}
	return "no run stands behind it, so nothing replaces it"
}

func (e *explaining) timely() bool {
	if e.q.Target == "" || e.s.listed != nil {
		if e.q.Now.Sub(e.s.at) >= -Skew {
			return true
		}
	}
	return e.g.timely(e.s)
}

func (e *explaining) timeTold() string {
	at := e.s.at.Format(time.RFC3339)
	if e.q.Target == "" || e.s.listed != nil {
		return fmt.Sprintf("collected at %s; how old it may be is said by the target: add --target ID", at)
	}
	return fmt.Sprintf("collected at %s; target %s takes %s evidence for %s", at, e.q.Target, e.s.kindName(), strings.TrimSuffix(e.g.def.MaxAge(e.q.Target, e.s.kind).String(), "0m0s"))
}

func (e *explaining) subjectTold() string {
	if len(e.q.Artifacts) == 0 {
		return fmt.Sprintf("%s %s; compared with no artifact: add --artifact", e.s.about.Kind, named(e.s.about))
	}
	return fmt.Sprintf("%s %s, as asked", e.s.about.Kind, named(e.s.about))
}

// ExplainSignoff makes, one by one, the checks that Signoffs makes of a person's statement, and holds it against the target and
// the artifacts that were asked for. The sign-off is what it says as far as it was read; whether the person may sign is for
// package decide.
func ExplainSignoff(st *store.Store, ix *store.Index, def *gate.Definition, bundle []byte, q Question) ([]Explanation, Signoff) {
	e := explaining{st: st, q: q, s: &statement{digest: seal.Digest(bundle), bundle: bundle}}
	e.s.inspect()
	e.g = &gathering{examiner: examiner{def: def, manifests: map[string]bool{}, want: Want{Now: q.Now}}}
	var so Signoff
	under, logged := q.Logged[e.s.digest]
	all := append([]check{{"bundle", (*examiner).legible}}, signoffChecks(&so, under, logged)...)
	for _, c := range append(all, check{"store", func(x *examiner, s *statement) bool {
		return slices.ContainsFunc(readAll(st, ix, store.TypeSignoff), func(have *statement) bool { return have.digest == s.digest && have.fault == nil }) ||
			x.blame(s, fault.New(fault.Trust, "find sign-off %s: the log holds it, and it is not whole in the store: it was taken away; restore it from a copy", s.digest))
	}}, check{"target", func(x *examiner, s *statement) bool {
		return q.Target == "" || so.Target == q.Target || x.refuse(s, OtherSubject, s.owner, "it is for target %s, and not for %s", so.Target, q.Target)
	}}, check{"subject", func(x *examiner, s *statement) bool { return e.signedFor(so) }}, check{"time", func(x *examiner, s *statement) bool {
		switch {
		case q.Now.Sub(so.SignedAt) < -Skew:
			return x.refuse(s, Future, s.owner, "it says that it was signed at %s, which is in the future; set the clock", so.SignedAt.Format(time.RFC3339))
		case !q.Now.Before(so.ValidUntil):
			return x.refuse(s, Stale, s.owner, "it was valid until %s; have it signed again", so.ValidUntil.Format(time.RFC3339))
		}
		return true
	}}) {
		e.ask(c.name, func() string { return e.signoffTold(c.name, so) }, func() bool { return c.ask(&e.g.examiner, e.s) })
	}
	return e.out, so
}

// signedFor demands that each artifact that was asked for is one of the release.
func (e *explaining) signedFor(so Signoff) bool {
	for _, a := range e.q.Artifacts {
		if !slices.ContainsFunc(so.Subjects, func(b Artifact) bool { return a.Digest == b.Digest }) {
			return e.g.refuse(e.s, OtherSubject, e.s.owner, "it is about %s, and %s %s is no artifact of that", named(e.s.about), a.Name, a.Digest)
		}
	}
	return true
}

func (e *explaining) signoffTold(name string, so Signoff) string {
	switch name {
	case "key": // the log's order may stand for the time
		return "it stands"
	case "role":
		return fmt.Sprintf("%s is a person, and this is a sign-off", e.s.owner)
	case "log":
		return "the decision log holds it"
	case "store":
		return "the store holds it"
	case "target":
		return fmt.Sprintf("%s, stage %s", so.Target, so.Stage)
	case "subject":
		if len(e.q.Artifacts) == 0 {
			return fmt.Sprintf("%s; compared with no artifact: add --artifact", named(e.s.about))
		}
		return fmt.Sprintf("%s has every artifact asked for (%d)", e.s.about.Name, len(e.q.Artifacts))
	case "time":
		return fmt.Sprintf("signed at %s, valid until %s", so.SignedAt.Format(time.RFC3339), so.ValidUntil.Format(time.RFC3339))
	}
	return e.told(name)
}
