package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"cdgate.dev/cdgate/engine/decide"
	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/gate"
	"cdgate.dev/cdgate/engine/ledger"
	"cdgate.dev/cdgate/engine/record"
	"cdgate.dev/cdgate/engine/seal"
	"cdgate.dev/cdgate/engine/store"
	"cdgate.dev/cdgate/engine/verify"
)

// checklist gathers checks in the order in which they are made; the first that fails ends them.
type checklist struct {
	checks []VerifyCheck
	err    error
}

// run makes a check unless an earlier one failed.
func (l *checklist) run(name string, check func() (detail string, err error)) {
	if l.err != nil {
		return
	}
	detail, err := check()
	if err != nil {
		detail, l.err = err.Error(), err
	}
	l.checks = append(l.checks, VerifyCheck{Name: name, Detail: detail, OK: err == nil})
}

// no is the error of a check whose answer is the policy's no (exit 20) and not a fault.
func no(format string, args ...any) error { return &Refused{fmt.Sprintf(format, args...)} }

// Verify answers whether the record's subject may go to its target now. Every check is listed; the exit code is that of
// the first that failed, or of the recorded outcome.
func Verify(ctx context.Context, o VerifyOptions) (*Verification, error) {
	v := &verifying{o: o, out: &Verification{ExitCode: int(fault.Internal)}}
	l := &checklist{}
	l.run("bundle", v.bundle)
	l.run("gate definition", v.gateDefinition)
	l.run("signer", v.signer)
	l.run("signature", v.signature)
	l.run("timestamp", v.timestamp)
	l.run("content", v.content)
	l.run("subject", v.subject)
	l.run("target", v.target)
	l.run("log proof", func() (string, error) { return v.logProof(ctx) })
	l.run("key", v.key)
	l.run("nothing later", func() (string, error) { return v.nothingLater() })
	l.run("fresh", v.fresh)
	l.run("outcome", v.outcome)
	if v.st != nil {
		v.st.close()
	}
	v.out.Checks = l.checks
	v.out.ExitCode = ExitCode(l.err)
	if l.err == nil {
		v.out.ExitCode = v.out.Predicate.Result.ExitCode
		last := &l.checks[len(l.checks)-1] // the outcome: what the record says well enough is still no yes
		last.OK = v.out.ExitCode == 0
	}
	return v.out, nil
}

type verifying struct {
	o      VerifyOptions
	def    *gate.Definition
	opened *seal.Opened
	// unstamped says that the signature holds and the timestamp that is wanted is absent.
	unstamped bool
	leaf      record.Leaf
	log       logState
	st        *depot
	ix        *store.Index
	out       *Verification
}

func (v *verifying) gateDefinition() (string, error) {
	def, _, err := openGate(v.o.Places, v.o.Now)
	if err != nil {
		return "", err
	}
	v.def = def
	how := "only the checkout vouches for its root key; pin it with --root"
	if def.RootPinned() {
		how = "root key pinned"
	}
	return fmt.Sprintf("version %d, signed by root SHA256:%s (%s)", def.Version, def.RootKey(), how), nil
}

// bundle demands the envelope: what it signs is read once the signature holds.
func (v *verifying) bundle() (string, error) { return bundleOf(v.o.Record) }

func bundleOf(b []byte) (string, error) {
	by, err := seal.ClaimedBy(b)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("Sigstore bundle v0.3 with one envelope and one signature, with %s", by), nil
}

// signer demands that whoever claims to have signed may sign decisions.
func (v *verifying) signer() (string, error) {
	by, err := seal.ClaimedBy(v.o.Record)
	if err != nil {
		return "", err
	}
	s, err := v.def.DecisionSigner(by)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s, who may sign decisions", s.ID), nil
}

func (v *verifying) signature() (string, error) {
	opened, signer, err := v.def.OpenDecision(v.o.Record)
	if errors.Is(err, gate.ErrNoTimestamp) {
		v.unstamped = true // the signature holds
		return "fits the signed bytes", nil
	}
	if err != nil {
		return "", err
	}
	v.opened = opened
	return fmt.Sprintf("fits the signed bytes, signed by %s", signer.ID), nil
}

func (v *verifying) timestamp() (string, error) {
	if v.unstamped {
		return "", no("%v", gate.ErrNoTimestamp)
	}
	return stamped(v.opened), nil
}

// stamped says what proves when something was signed.
func stamped(o *seal.Opened) string {
	if o.Timestamped.IsZero() {
		return "it has none, and the gate definition wants none"
	}
	return "a trusted authority saw it at " + rfc3339(o.Timestamped)
}

// content demands a decision under this gate definition, or under one that it follows from.
func (v *verifying) content() (string, error) {
	p, err := openRecord(v.o.Record, v.def)
	if err != nil {
		return "", err
	}
	v.out.Predicate, v.out.Digest = *p, v.opened.Digest
	if err := v.decidedUnder(*p, v.opened); err != nil {
		return "", err
	}
	return fmt.Sprintf("decided under version %d of the gate definition", p.Root.Version), nil
}

// decidedUnder demands that a decision is one under this gate definition, or one that it follows from, and that it is about the
// subjects that were signed.
func (v *verifying) decidedUnder(p record.Predicate, opened *seal.Opened) error {
	if p.Root.Digest != "" {
		if err := v.def.Follows(p.Root.Version, p.Root.Digest); err != nil {
			return fault.New(fault.Trust, "it was decided under another gate definition: %w; whoever ran evaluate was led to other rules, or this checkout has not the newest; "+
				"pin the root there too (--root, CDGATE_ROOT)", err)
		}
	} else if p.Root.KeyID != v.def.RootKey() {
		return fault.New(fault.Trust, "it was decided under a gate definition that root key SHA256:%s signed, and this one is signed by SHA256:%s: "+
			"whoever ran evaluate was led to other rules; pin the root there too (--root, CDGATE_ROOT)", p.Root.KeyID, v.def.RootKey())
	}
	if want := decisionSubjects(p.Result); !sameSubjects(want, opened.Statement.Subject) {
		return fault.New(fault.Trust, "the statement's subjects are not those of the decision in it")
	}
	return nil
}

func sameSubjects(a, b []seal.Subject) bool {
	return slices.EqualFunc(a, b, func(x, y seal.Subject) bool {
		return x.Name == y.Name && x.Digest["sha256"] == y.Digest["sha256"] && x.Digest["gitCommit"] == y.Digest["gitCommit"]
	})
}

func (v *verifying) subject() (string, error) {
	r := v.out.Predicate.Result.Release
	var have []string
	for _, s := range r.Subjects {
		have = append(have, s.Digest)
	}
	for _, a := range v.o.Artifacts {
		if !slices.Contains(have, a.Digest) {
			return "", no("the record is about %s, not about %s (%s)", orNone(strings.Join(have, ", ")), a.Digest, a.Name)
		}
	}
	if len(v.o.Artifacts) == 0 {
		return fmt.Sprintf("%s@%s; compared with no artifact: name what you deploy with --artifact", r.Name, r.Version), nil
	}
	return fmt.Sprintf("%s@%s is about every artifact asked for (%d)", r.Name, r.Version, len(v.o.Artifacts)), nil
}

func (v *verifying) target() (string, error) {
	r := v.out.Predicate.Result
	if v.o.Target != "" && v.o.Target != r.Target.ID {
		return "", no("the record is for target %s, not for %s", r.Target.ID, v.o.Target)
	}
	// What is not named is what evaluate would have asked: the rules of another stage may be fewer.
	if want := cmp.Or(v.o.Stage, DefaultStage); want != r.Stage {
		return "", no("the record is for stage %s, not for %s; name the stage with --stage", r.Stage, want)
	}
	return fmt.Sprintf("%s, stage %s", r.Target.ID, r.Stage), nil
}

// logProof checks the inclusion proof and reads the log to its head: a record nobody can find there is no decision.
func (v *verifying) logProof(ctx context.Context) (string, error) {
	if len(v.o.Proof) == 0 {
		return "", fault.New(fault.Record, "no inclusion proof: keep the .tlog-proof file that evaluate wrote beside the record")
	}
	v.leaf = decisionLeaf(v.out.Predicate, v.out.Digest)
	leaf, err := json.Marshal(v.leaf, json.Deterministic(true))
	if err != nil {
		return "", fault.New(fault.Internal, "write log entry: %w", err)
	}
	index, size, err := ledger.CheckProof(logVerifier(v.def), v.o.Proof, leaf)
	if err != nil {
		return "", fault.Wrap(fault.Trust, err)
	}
	v.out.Index = index
	if err := v.openLog(ctx); err != nil {
		return "", err
	}
	if v.st.remote != nil {
		if err := v.st.seekSignoffs(ctx, releaseName(v.out.Predicate.Result)); err != nil {
			return "", err
		}
		if v.ix, err = v.st.Index(); err != nil {
			return "", err
		}
	}
	if _, err := v.log.view.CheckProof(v.o.Proof, leaf); err != nil {
		return "", fault.Wrap(fault.Trust, err)
	}
	if err := v.proofSigner(size); err != nil {
		return "", err
	}
	return fmt.Sprintf("entry %d of the log, which has %d (%d when it was written)", index, v.log.size, size), nil
}

// proofSigner demands that the log's key that signed the proof could when it did: between the decision and the newest of the size
// entries under the proof's head. What is newer needs the newer key.
func (v *verifying) proofSigner(size uint64) error {
	by, err := ledger.SignedBy(logVerifier(v.def), v.o.Proof)
	if err != nil {
		return err
	}
	at, err := time.Parse(time.RFC3339, v.out.Predicate.Result.EvaluatedAt)
	if err != nil {
		return fault.New(fault.Evidence, "read decision record: evaluatedAt: %w", err)
	}
	return v.log.signedBetween(v.def, by, at, size)
}

// openLog opens the store and reads the log to its head.
func (v *verifying) openLog(ctx context.Context) (err error) {
	if v.st, err = openDepot(ctx, v.o.Store, v.o.Registries, false); err != nil {
		return err
	}
	if err := v.st.seekReceipt(ctx); err != nil {
		return err
	}
	if v.ix, err = v.st.Index(); err != nil {
		return err
	}
	if v.log, err = readLog(ctx, v.o.Log, v.def, v.st.Store, v.ix, v.o.Now); err != nil {
		return err
	}
	if v.log.view == nil {
		return fault.New(fault.Record, "there is no log at %s; name it with --log", v.o.Log)
	}
	return nil
}

// key asks whether the signing key stands. A key that somebody else may have, or that was closed before the decision, says
// nothing about the release, so that is no policy's no but a fault of trust.
func (v *verifying) key() (string, error) {
	at, err := time.Parse(time.RFC3339, v.out.Predicate.Result.EvaluatedAt)
	if err != nil {
		return "", fault.New(fault.Evidence, "read decision record: evaluatedAt: %w", err)
	}
	when := gate.When{Stamped: v.opened.Timestamped, Claimed: at, Now: v.o.Now, Logged: v.log.gateAt(v.out.Index)}
	if u := v.def.Stands(v.opened.Signatory(), when); u != nil {
		return "", fault.New(fault.Trust, "the record's signature does not count: %s; evaluate again", u.Msg)
	}
	return "the signing key stands", nil
}

// nothingLater looks for what happened to the release after the decision: a newer decision, or a rejection.
func (v *verifying) nothingLater() (string, error) {
	r := v.out.Predicate.Result
	signoffs, _, err := verify.Signoffs(v.st.Store, v.ix, v.def, r.Release.ID, v.log.signoffs(r.Release.ID), v.o.Now)
	if err != nil {
		return "", err
	}
	for i, l := range v.log.leaves {
		if uint64(i) < v.out.Predicate.Log.Size || l.Release != r.Release.ID {
			continue // the decision has seen it
		}
		if l.Type == leafDecision && uint64(i) > v.out.Index && l.Target == r.Target.ID && l.Stage == r.Stage && l.Outcome != r.Outcome {
			return "", no("a newer decision about this release says %s (log entry %d, %s)", l.Outcome, i, l.At)
		}
		// What a sign-off is about is what its signer signed, not what the entry says.
		for _, s := range signoffs {
			if s.Digest != l.Digest || s.Verdict != "reject" || s.Target != r.Target.ID || s.Stage != r.Stage {
				continue
			}
			switch {
			case v.mayVeto(s):
				return "", no("%s rejected the release on %s: %s", s.Name, l.At, s.Comment)
			case approved(r, s):
				return "", no("%s took their approval of %s back on %s: %s", s.Name, s.Requirement, l.At, s.Comment)
			}
		}
	}
	return "no newer decision and no rejection in the log", nil
}

// approved says whether the decision stands on an approval that the rejection takes back.
func approved(r record.Result, s verify.Signoff) bool {
	return slices.ContainsFunc(r.Requirements, func(q decide.Requirement) bool {
		return q.ID == s.Requirement && slices.ContainsFunc(q.By, func(by decide.Signature) bool { return by.Person == s.Person && by.Verdict == "approve" })
	})
}

// mayVeto says whether the person holds a role that the requirement they rejected lets veto.
func (v *verifying) mayVeto(s verify.Signoff) bool {
	r := v.out.Predicate.Result
	roles := append(v.def.RolesOf(s.Person, r.Release.Line, r.Target.ID, s.SignedAt), v.def.RolesOf(s.Person, r.Release.Line, r.Target.ID, v.o.Now)...)
	for _, q := range r.Requirements {
		if q.ID == s.Requirement && slices.ContainsFunc(q.VetoRoles, func(x string) bool { return slices.Contains(roles, x) }) {
			return true
		}
	}
	return false
}

func (v *verifying) fresh() (string, error) {
	r := v.out.Predicate.Result
	until, err := time.Parse(time.RFC3339, r.ValidUntil)
	if err != nil {
		return "", fault.New(fault.Evidence, "read validUntil: %w", err)
	}
	if at, err := time.Parse(time.RFC3339, r.EvaluatedAt); err != nil || at.After(v.o.Now.Add(verify.Skew)) {
		return "", fault.New(fault.Record, "the decision was made at %s, and the clock of this machine says %s: set the clock", r.EvaluatedAt, rfc3339(v.o.Now))
	}
	if !v.o.Now.Before(until) {
		return "", no("the decision was valid until %s; evaluate again", r.ValidUntil)
	}
	return "valid until " + r.ValidUntil, nil
}

func (v *verifying) outcome() (string, error) {
	r := v.out.Predicate.Result
	detail := r.Outcome
	if r.Basis != "" {
		detail += ", " + string(r.Basis)
	}
	if r.Outcome == "allow" && r.ExitCode != 0 || r.Outcome != "allow" && r.ExitCode == 0 {
		return "", fault.New(fault.Internal, "the record says %s with exit code %d, which cannot be", r.Outcome, r.ExitCode)
	}
	return detail, nil
}
