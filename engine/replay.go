package engine

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/gate"
	"cdgate.dev/cdgate/engine/policy"
	"cdgate.dev/cdgate/engine/record"
	"cdgate.dev/cdgate/engine/seal"
	"cdgate.dev/cdgate/engine/store"
	"cdgate.dev/cdgate/engine/verify"
)

// Replay computes a recorded decision again, offline, from what the record names in the store, and compares the result
// byte for byte. It answers 0 whatever the outcome was, 50 for a difference, and 30 when an input or the engine's
// version is missing.
func Replay(ctx context.Context, o ReplayOptions) (*Replayed, error) {
	r := &replaying{o: o, out: &Replayed{ExitCode: int(fault.Internal)}}
	l := &checklist{}
	l.run("record", func() (string, error) { return r.open(ctx) })
	l.run("engine", r.engine)
	l.run("inputs", func() (string, error) { return r.inputs(ctx) })
	if r.out.Predicate.Result.ExitCode < int(fault.Evidence) {
		l.run("evaluation", func() (string, error) { return r.evaluate(ctx) })
		l.run("result", r.compare)
	} else {
		l.run("evaluation", func() (string, error) {
			return "the decision ended in a fault, and such a decision is never judged again", nil
		})
	}
	if r.st != nil {
		r.st.close()
	}
	r.out.Checks = l.checks
	r.out.ExitCode = ExitCode(l.err)
	return r.out, nil
}

type replaying struct {
	o       ReplayOptions
	st      *depot
	def     *gate.Definition
	at      time.Time
	sources []policy.Source
	again   outcome
	out     *Replayed
}

// open reads the record, and verifies it under the gate definition that it names.
func (r *replaying) open(ctx context.Context) (string, error) {
	claim, err := seal.InspectUnsafe(r.o.Record)
	if err != nil {
		return "", err
	}
	var claimed record.Predicate // only to find the gate definition; believed after the signature is checked
	if err := json.Unmarshal(claim.Statement.Predicate, &claimed); err != nil {
		return "", fault.New(fault.Evidence, "read decision record: %w", err)
	}
	if r.st, err = openDepot(ctx, r.o.Store, r.o.Registries, false); err != nil {
		return "", err
	}
	if r.at, err = time.Parse(time.RFC3339, claimed.Result.EvaluatedAt); err != nil {
		return "", fault.New(fault.Evidence, "read decision record: evaluatedAt: %w", err)
	}
	sigs, err := r.signatures(ctx, append([]string{claimed.Inputs.GateBundle}, claimed.Inputs.GateSignatures...))
	if err != nil {
		return "", err
	}
	history := func(version int) (gate.Signatures, error) {
		back := claimed.Root.Version - 1 - version
		if back < 0 || back >= len(claimed.Inputs.GateHistory) {
			return nil, fault.New(fault.Evidence, "the record keeps no version %d of the gate definition", version)
		}
		return r.signatures(ctx, claimed.Inputs.GateHistory[back])
	}
	pin, err := gate.ParsePin(r.o.Root)
	if err != nil {
		return "", fault.Wrap(fault.Usage, err)
	}
	if r.def, err = gate.OpenArchived(sigs, history, pin, r.at); err != nil {
		return "", err
	}
	p, err := openRecord(r.o.Record, r.def)
	if err != nil {
		return "", fault.Wrap(fault.Trust, err)
	}
	r.out.Predicate, r.out.Digest = *p, claim.Digest
	how := "only the archive vouches for its root key; pin it with --root"
	if r.def.RootPinned() {
		how = "root key pinned"
	}
	return fmt.Sprintf("%s, signed under gate definition version %d (%s)", claim.Digest, r.def.Version, how), nil
}

// engine says whether this program is the one that decided. Another version is named, not refused: what counts is
// whether the result is the same.
func (r *replaying) engine() (string, error) {
	e := r.out.Predicate.Engine
	if e.OPA != policy.OPAVersion() {
		return "", fault.New(fault.Evidence, "the record was made with OPA %s and this program has %s; replay it with cdgate %s", e.OPA, policy.OPAVersion(), e.Cdgate)
	}
	if caps := seal.Digest(policy.Capabilities()); caps != r.out.Predicate.Inputs.Capabilities {
		return "", fault.New(fault.Evidence, "the record was made with other policy capabilities; replay it with cdgate %s", e.Cdgate)
	}
	return fmt.Sprintf("cdgate %s, OPA %s, %s", e.Cdgate, e.OPA, e.Go), nil
}

func (r *replaying) inputs(ctx context.Context) (string, error) {
	in := r.out.Predicate.Inputs
	for _, src := range in.Policies {
		b, err := r.read(ctx, "policies "+src.Ref, src.Archive)
		if err != nil {
			return "", err
		}
		var s policy.Source
		if err := json.Unmarshal(b, &s, json.RejectUnknownMembers(true)); err != nil {
			return "", fault.New(fault.Evidence, "read policies %s: %w", src.Ref, err)
		}
		if policy.Digest(s.Files) != src.Digest {
			return "", fault.New(fault.Trust, "read policies %s: their content is not what the record names", src.Ref)
		}
		r.sources = append(r.sources, s)
	}
	if r.out.Predicate.Result.ExitCode >= int(fault.Evidence) {
		return fmt.Sprintf("policy sources %d, evidence objects %d", len(r.sources), len(in.Items)), nil
	}
	for _, pinned := range r.def.SourcesOf(r.out.Predicate.Result.Target.ID) {
		if !hasSource(r.out.Predicate, pinned) {
			return "", fault.New(fault.Trust, "the gate definition pins policies %s with %s, and the record does not name them", pinned.Ref, pinned.Digest)
		}
	}
	return fmt.Sprintf("policy sources %d, evidence objects %d, sign-offs %d", len(r.sources), len(in.Items), len(in.Signoffs)), nil
}

func hasSource(p record.Predicate, want gate.Source) bool {
	for _, s := range p.Inputs.Policies {
		if s.Ref == want.Ref && s.Digest == want.Digest {
			return true
		}
	}
	return false
}

// evaluate fills the same case from the sealed evidence and judges it again.
func (r *replaying) evaluate(ctx context.Context) (string, error) {
	p := r.out.Predicate
	target, err := findTarget(r.def, p.Result.Target.ID)
	if err != nil {
		return "", fault.New(fault.Trust, "%w", err)
	}
	c := caseFile{
		def: r.def, sources: r.sources, targetID: p.Result.Target.ID, target: target, stage: p.Result.Stage, now: r.at,
		release: Release{Name: p.Result.Release.Name, Version: p.Result.Release.Version, Line: p.Result.Release.Line},
	}
	sealed, err := r.sealed(ctx)
	if err != nil {
		return "", err
	}
	want := verify.Want{
		Name: c.release.Name, Version: c.release.Version, Line: c.release.Line, Revision: p.Inputs.Asked.Revision,
		Repository: p.Inputs.Asked.Repository, Target: c.targetID, Now: r.at,
	}
	for _, s := range p.Inputs.Asked.Artifacts {
		want.Artifacts = append(want.Artifacts, verify.Artifact(s))
	}
	logged := map[string]int{}
	for i, digest := range p.Inputs.Logged {
		logged[digest] = 1
		if i < len(p.Inputs.LoggedUnder) {
			logged[digest] = p.Inputs.LoggedUnder[i]
		}
	}
	if _, err := c.fill(r.st.Store, sealed, want, func(string) map[string]int { return logged }); err != nil {
		return "", err
	}
	child, err := policy.Start(ctx, r.o.Sandbox, program(c.sources, target))
	if err != nil {
		return "", err
	}
	defer child.Close()
	r.again = c.judge(child)
	return "computed again from the archived inputs", nil
}

// sealed is the evidence and the sign-offs that the record names, and nothing else.
func (r *replaying) sealed(ctx context.Context) (*store.Index, error) {
	in := r.out.Predicate.Inputs
	if _, err := r.st.fetch(ctx, slices.Concat(in.Items, in.Signoffs, in.NotCounted)...); err != nil {
		return nil, err
	}
	if _, err := r.read(ctx, "evidence bundle", in.Bundle); err != nil {
		return nil, err
	}
	bundle, err := r.st.IndexAt(in.Bundle)
	if err != nil {
		return nil, fault.New(fault.Evidence, "read evidence bundle %s: %w", in.Bundle, err)
	}
	digest, err := r.st.Seal(slices.Concat(in.Items, in.Signoffs, in.NotCounted))
	if err != nil {
		return nil, err
	}
	all, err := r.st.IndexAt(digest)
	if err != nil {
		return nil, err
	}
	if len(bundle.Entries) != len(in.Items) {
		return nil, fault.New(fault.Trust, "the record names %d evidence objects, its bundle holds %d", len(in.Items), len(bundle.Entries))
	}
	return all, nil
}

func (r *replaying) compare() (string, error) {
	want, err := json.Marshal(r.out.Predicate.Result, json.Deterministic(true))
	if err != nil {
		return "", fault.New(fault.Internal, "write recorded result: %w", err)
	}
	got, err := json.Marshal(r.again.result, json.Deterministic(true), json.FormatNilSliceAsNull(false))
	if err != nil {
		return "", fault.New(fault.Internal, "write recomputed result: %w", err)
	}
	if seal.Digest(r.again.input) != r.out.Predicate.Inputs.Input && r.out.Predicate.Inputs.Input != "" {
		r.out.Differences = append(r.out.Differences, "input: the policies' document differs")
	}
	if !bytes.Equal(want, got) {
		r.out.Differences = append(r.out.Differences, differences(want, got)...)
	}
	if len(r.out.Differences) > 0 {
		return "", fault.New(fault.Trust, "the result differs from the recorded one in %d places: %s", len(r.out.Differences), r.out.Differences[0])
	}
	return fmt.Sprintf("%s, the same %d bytes", r.out.Predicate.Result.Outcome, len(want)), nil
}

// signatures reads the archived signatures of one gate definition.
func (r *replaying) signatures(ctx context.Context, digests []string) (gate.Signatures, error) {
	var out gate.Signatures
	for _, digest := range digests {
		b, err := r.read(ctx, "gate definition", digest)
		if err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, nil
}

// read reads an archived input; one that is absent is named.
func (r *replaying) read(ctx context.Context, what, digest string) ([]byte, error) {
	b, err := r.st.read(ctx, digest, maxInput)
	if err != nil {
		return nil, fault.Wrap(fault.Evidence, fmt.Errorf("read %s %s: %w", what, digest, err))
	}
	return b, nil
}
