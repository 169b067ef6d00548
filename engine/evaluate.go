package engine

import (
	"context"
	"errors"
	"slices"

	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/gate"
	"cdgate.dev/cdgate/engine/policy"
	"cdgate.dev/cdgate/engine/seal"
	"cdgate.dev/cdgate/engine/store"
	"cdgate.dev/cdgate/engine/verify"
	"cdgate.dev/cdgate/evidence/collect"
)

// DefaultStage is the stage of a decision that names none: the release goes live on the target.
const DefaultStage = "activate"

// session is one evaluation under way: what was opened, and the case that grows from it.
type session struct {
	o        EvaluateOptions
	text     []byte // the gate definition as it is on disk
	store    *depot
	log      logState
	policies evaluator
	close    func()
	file     caseFile
	sealed   sealed
}

// Evaluate verifies, runs the policies, decides, and signs and logs the record. A returned error means that there is no
// decision at all; faults of evidence, policy and trust are part of the decision, which then is a block.
func Evaluate(ctx context.Context, o EvaluateOptions) (*Evaluation, error) {
	if err := removeOutputs(o.Record); err != nil {
		return nil, err
	}
	if o.Signer == nil {
		return nil, fault.New(fault.Usage, "sign the record: no key; name one with --key or CDGATE_KEY, or run cdgate check, which needs none")
	}
	if o.LogKey == "" {
		return nil, fault.New(fault.Usage, "write the decision log: no log key; name it with --log-key or CDGATE_LOG_KEY, or keep log.key beside the signing key")
	}
	s, err := open(ctx, o)
	if err != nil {
		return nil, err
	}
	defer s.end()
	if err := mayDecide(s.file.def, o.Signer); err != nil {
		return nil, err
	}
	if err := mayLog(s.file.def, o.LogKey, o.Now); err != nil {
		return nil, err
	}
	if u := s.file.def.Stands(o.Signer.Signatory(), gate.When{Claimed: o.Now, Now: o.Now}); u != nil {
		return nil, fault.New(fault.Usage, "sign the record: nothing that this key signs counts: %s", u.Msg)
	}
	ev := &Evaluation{ExitCode: int(fault.Internal)}
	if o.Collect != nil {
		if err := s.file.readKinds(); err == nil { // what is wrong with them is told when the case is filled
			o.Collect.Own = kindsFor[collect.OwnKind](s.file.kinds)
		}
		if ev.Collected, err = Collect(ctx, *o.Collect); err != nil {
			if c := fault.ClassOf(err); c != fault.Evidence && c != fault.Trust {
				return nil, err
			}
			s.file.faults = append(s.file.faults, err) // the decision is a block, and it is recorded
		}
	}
	if err := s.gather(ctx); err != nil {
		return nil, err
	}
	out := s.file.judge(s.policies)
	ev.Result, ev.Input, ev.views = out.result, out.input, views{out.input, s.file.sources}
	return ev, s.commit(ctx, out, ev)
}

// mayDecide refuses a signer whose signature on a decision would not count.
func mayDecide(def *gate.Definition, s *seal.Signer) error {
	by := s.Signatory()
	signer, ok := def.SignerBy(by)
	switch {
	case ok && signer.MayDo(gate.Decision) && def.WantsTimestamp(by) && !s.Timestamps():
		return fault.New(fault.Usage, "sign the record: the gate definition wants timestamps; name an authority with --timestamp-url or --signing-config")
	case ok && signer.MayDo(gate.Decision):
		return nil
	case !ok && by.KeyID == "":
		return fault.New(fault.Usage, "sign the record: you are %s, %s", by, def.Unknown(by))
	}
	return fault.New(fault.Usage, "sign the record: the gate definition lets no signer with %s sign decisions; use the key of a signer whose may list has %q", by, gate.Decision)
}

// Preview is Evaluate without key, record and log: what would be decided now. It writes nothing, and its exit code is
// never 0.
func Preview(ctx context.Context, o EvaluateOptions) (*Evaluation, error) {
	o.Signer, o.Collect, o.Record = nil, nil, ""
	s, err := open(ctx, o)
	if err != nil {
		return nil, err
	}
	defer s.end()
	if err := s.gather(ctx); err != nil {
		return nil, err
	}
	out := s.file.judge(s.policies)
	ev := &Evaluation{Result: out.result, Input: out.input, views: views{out.input, s.file.sources}, ExitCode: out.result.ExitCode}
	if ev.ExitCode == 0 {
		ev.ExitCode = int(fault.Record)
	}
	return ev, nil
}

// open opens the gate definition and the policies, and starts the evaluator so that it compiles while the evidence is
// verified.
func open(ctx context.Context, o EvaluateOptions) (*session, error) {
	def, text, err := openGate(o.Places, o.Now)
	if err != nil {
		return nil, err
	}
	target, err := findTarget(def, o.Target)
	if err != nil {
		return nil, err
	}
	if o.Stage == "" {
		o.Stage = DefaultStage
	}
	if err := checkStage(o.Stage); err != nil {
		return nil, err
	}
	s := &session{o: o, text: text, file: caseFile{
		def: def, release: o.Release, targetID: o.Target, target: target, stage: o.Stage, now: o.Now,
	}}
	s.file.sources, err = loadSources(def, target, o.Policies, o.Gate)
	var child *policy.Child
	if err == nil {
		child, err = policy.Start(ctx, o.Sandbox, program(s.file.sources, target))
	}
	if err != nil {
		if c := fault.ClassOf(err); c != fault.Policy && c != fault.Trust {
			return nil, err
		}
		s.policies, s.close = broken{err}, func() {}
		return s, nil
	}
	s.policies, s.close = child, child.Close
	return s, nil
}

// end ends the evaluator and lets go of the store.
func (s *session) end() {
	s.close()
	if s.store != nil {
		s.store.close()
	}
}

// broken stands for policies that cannot be asked, so that the decision is a recorded block and not a mere error.
type broken struct{ err error }

func (b broken) Evaluate([]byte) (*policy.Response, error) { return nil, b.err }

// gather reads the store and the log to their heads and fills the case with what may be believed.
func (s *session) gather(ctx context.Context) error {
	var err error
	// A preview writes nothing.
	if s.store, err = openDepot(ctx, s.o.Store, s.o.Registries, s.o.Signer != nil); err != nil {
		return err
	}
	if err := s.store.seekReceipt(ctx); err != nil {
		return err
	}
	want := verify.Want{
		Name: s.o.Release.Name, Version: s.o.Release.Version, Line: s.o.Release.Line, Artifacts: artifacts(s.o.Artifacts),
		Revision: s.o.Source.Revision, Repository: s.o.Source.Repository, Target: s.o.Target, Now: s.o.Now,
	}
	ix, err := s.store.Index()
	if err != nil {
		return err
	}
	if s.log, err = readLog(ctx, s.o.Log, s.file.def, s.store.Store, ix, s.o.Now); err != nil {
		return err
	}
	if s.store.remote != nil {
		if err := s.store.seek(ctx, want, s.log.signoffsOn(want.Name+"@"+want.Version)); err != nil {
			return err
		}
		if ix, err = s.store.Index(); err != nil {
			return err
		}
	}
	s.sealed, err = s.file.fill(s.store.Store, ix, want, s.log.signoffs)
	return err
}

// sealed are the store objects that a case stands on, by their manifests, and the sign-offs that the log holds for it.
type sealed struct {
	items, signoffs, notCounted, logged []string
	// under is for each of logged the newest version of the gate definition that the log named up to its entry.
	under []int
}

// fill takes what verification believes into the case.
func (c *caseFile) fill(st *store.Store, ix *store.Index, want verify.Want, logged func(releaseID string) map[string]int) (sealed, error) {
	if err := c.readKinds(); err != nil {
		c.faults = append(c.faults, err)
	}
	want.Kinds = kindsFor[verify.OwnKind](c.kinds)
	v, err := verify.Evidence(st, ix, c.def, want)
	if err != nil {
		return sealed{}, err
	}
	c.items, c.notCounted, c.subjects, c.source = v.Items(), v.NotCounted(), v.Subjects(), v.Source()
	c.gaps, c.contains = v.Gaps(), v.Contains()
	c.faults = append(c.faults, v.Faults()...)
	c.releaseID = v.ReleaseID()
	held := logged(c.releaseID)
	signoffs, notCounted, err := verify.Signoffs(st, ix, c.def, c.releaseID, held, c.now)
	if err != nil {
		c.faults = append(c.faults, err)
	}
	c.signoffs = signoffs
	c.notCounted = append(c.notCounted[:len(c.notCounted):len(c.notCounted)], notCounted...)
	out := sealed{items: v.Digests(), logged: sortedKeys(held)}
	for _, digest := range out.logged {
		out.under = append(out.under, held[digest])
	}
	for _, so := range signoffs {
		out.signoffs = append(out.signoffs, so.Manifest)
	}
	var ids []string
	for _, n := range c.notCounted {
		ids = append(ids, n.ID)
	}
	for _, m := range verify.Manifests(ix, ids...) {
		if !slices.Contains(out.items, m) {
			out.notCounted = append(out.notCounted, m)
		}
	}
	slices.Sort(out.signoffs)
	return out, nil
}

func artifacts(in []Artifact) []verify.Artifact {
	out := []verify.Artifact{}
	for _, a := range in {
		out = append(out, verify.Artifact(a))
	}
	return out
}

// ExitCode is the exit code of an error: that of its class, and 20 for an act somebody may not do.
func ExitCode(err error) int {
	if err == nil {
		return 0
	}
	var refused *Refused
	if errors.As(err, &refused) {
		return exitBlock
	}
	return int(fault.ClassOf(err))
}

// The exit codes of outcomes; 0 is written in exactly one place, in permit.
const (
	exitNeedsApproval = 10
	exitBlock         = 20
)
