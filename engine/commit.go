package engine

import (
	"context"
	"fmt"
	"runtime"

	"github.com/go-json-experiment/json"

	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/gate"
	"cdgate.dev/cdgate/engine/ledger"
	"cdgate.dev/cdgate/engine/policy"
	"cdgate.dev/cdgate/engine/record"
	"cdgate.dev/cdgate/engine/seal"
	"cdgate.dev/cdgate/engine/store"
)

// The names of the layers of a record's store object.
const (
	layerRecord       = "decision.sigstore.json"
	layerBundle       = "bundle.json"
	layerInput        = "input.json"
	layerGate         = "gate.yaml"
	layerGateSig      = "gate.sigstore.json"
	layerParams       = "params.json"
	layerCapabilities = "capabilities.json"
)

// commit makes a decision durable and only then announces it: archive, sign, append, read everything again, write the
// files. Whatever fails on the way leaves no decision (fault.Record).
func (s *session) commit(ctx context.Context, out outcome, ev *Evaluation) error {
	inputs, layers, err := s.archive(out)
	if err != nil {
		return err
	}
	root := s.file.def.RootKey()
	ev.Predicate = record.Predicate{
		Result: out.result, Inputs: inputs,
		Engine: record.Engine{Cdgate: Version, OPA: policy.OPAVersion(), Go: runtime.Version()},
		Root:   record.Root{KeyID: root, Version: s.file.def.Version, Pinned: s.file.def.RootPinned(), Digest: s.file.def.Digest()},
		Log:    record.Head{Size: s.log.size, Root: s.log.root},
	}
	bundle, err := signStatement(s.o.Signer, record.PredicateType, decisionSubjects(out.result), ev.Predicate)
	if err != nil {
		return err
	}
	layer, err := blobLayer(s.store.Store, layerRecord, seal.MediaType, bundle)
	if err != nil {
		return err
	}
	if _, err = s.store.Add(ctx, store.Object{
		Type: store.TypeRecord, Layers: append([]store.Layer{layer}, layers...),
		Annotations: map[string]string{"dev.cdgate.release": out.result.Release.ID, "dev.cdgate.target": s.o.Target},
	}); err != nil {
		return err
	}
	receipt, leaf, err := appendLeaf(ctx, s.o.Log, s.o.LogKey, s.file.def, s.store, decisionLeaf(ev.Predicate, layer.Digest))
	if err != nil {
		return err
	}
	durable, err := reread(ctx, s, layer.Digest, leaf, receipt)
	if err != nil {
		return err
	}
	ev.Digest, ev.Index, ev.Checkpoint = layer.Digest, receipt.Index, string(receipt.Checkpoint)
	if s.o.Record != "" {
		summaries, err := s.vsas(durable)
		if err != nil {
			return err
		}
		if err := writeOutputs(s.o.Record, bundle, receipt.Proof, summaries); err != nil {
			return err
		}
		ev.Path = s.o.Record
	}
	ev.ExitCode = permit(durable)
	return nil
}

// durableRecord is a record that was read back from the store, verified, and found in the log. Only reread makes one.
type durableRecord struct {
	predicate record.Predicate
	digest    string
	checked   bool
}

// reread reads the record and its log entry back as a verifier would and checks both.
func reread(ctx context.Context, s *session, digest string, leaf []byte, receipt *ledger.Receipt) (*durableRecord, error) {
	b, err := s.store.Read(digest, maxRecord)
	if err != nil {
		return nil, fault.New(fault.Record, "read the record again: %w", err)
	}
	opened, _, err := s.file.def.OpenDecision(b)
	if err != nil {
		return nil, fault.New(fault.Record, "read the record again: %w", err)
	}
	d := &durableRecord{digest: digest}
	if err := json.Unmarshal(opened.Statement.Predicate, &d.predicate, json.RejectUnknownMembers(true)); err != nil {
		return nil, fault.New(fault.Record, "read the record again: %w", err)
	}
	view, err := ledger.Read(ctx, s.o.Log, logVerifier(s.file.def))
	if err != nil {
		return nil, fault.New(fault.Record, "read the log again: %w", err)
	}
	index, err := view.CheckProof(receipt.Proof, leaf)
	if err == nil {
		_, _, err = ledger.CheckProof(logVerifier(s.file.def), receipt.Proof, leaf)
	}
	if err != nil {
		return nil, fault.New(fault.Record, "read the log again: %w", err)
	}
	if index != receipt.Index {
		return nil, fault.New(fault.Record, "read the log again: the entry is at %d, not at %d", index, receipt.Index)
	}
	if err := s.untouched(view, index); err != nil {
		return nil, err
	}
	d.checked = true
	return d, nil
}

// untouched looks at what was logged between the head that the decision pins and its own entry: a rejection there was not
// seen by it.
func (s *session) untouched(view *ledger.View, index uint64) error {
	r := s.file
	for i := s.log.size; i < index && i < view.Size; i++ {
		var l record.Leaf
		if err := json.Unmarshal(view.Leaves[i], &l); err != nil {
			return fault.New(fault.Trust, "read the log again: entry %d is not one of cdgate's: %w", i, err)
		}
		if l.Type == leafSignoff && l.Verdict == "reject" && l.Release == r.releaseID && l.Target == r.targetID && l.Stage == r.stage {
			return fault.New(fault.Record, "somebody rejected the release while it was being decided on (log entry %d, %s), so this decision does not count; evaluate again", i, l.At)
		}
	}
	return nil
}

// permit is the only function that can say yes: 0 for an allow that is durable and was read again, and for nothing else.
func permit(d *durableRecord) int {
	if d == nil || !d.checked {
		return int(fault.Internal)
	}
	r := d.predicate.Result
	switch {
	case r.Outcome == "allow" && r.ExitCode == 0 && r.Basis != "":
		return 0
	case r.Outcome == "allow" || r.ExitCode == 0:
		return int(fault.Internal) // an allow that is none
	}
	return r.ExitCode
}

// archive keeps in the store everything that the result was computed from, and says by which digests.
func (s *session) archive(out outcome) (record.Inputs, []store.Layer, error) {
	a := archiver{store: s.store.Store}
	in := record.Inputs{
		Asked: record.Asked{Artifacts: []record.Subject{}, Revision: s.o.Source.Revision, Repository: s.o.Source.Repository},
		Items: s.sealed.items, Signoffs: s.sealed.signoffs, NotCounted: s.sealed.notCounted, Logged: s.sealed.logged, LoggedUnder: s.sealed.under,
	}
	for _, x := range s.o.Artifacts {
		in.Asked.Artifacts = append(in.Asked.Artifacts, record.Subject(x))
	}
	bundle, err := s.store.Seal(s.sealed.items)
	if err != nil {
		return in, nil, err
	}
	in.Bundle = bundle
	in.Input = a.keep(layerInput, "application/json", out.input)
	in.Gate = a.keep(layerGate, "application/yaml", s.text)
	a.keepGate(&in, s.file.def)
	in.Params = a.keep(layerParams, "application/json", out.params)
	in.Capabilities = a.keep(layerCapabilities, "application/json", policy.Capabilities())
	for _, src := range s.file.sources {
		b, err := json.Marshal(src, json.Deterministic(true))
		if err != nil {
			return in, nil, fault.New(fault.Internal, "archive policies %q: %w", src.Ref, err)
		}
		in.Policies = append(in.Policies, record.Source{Ref: src.Ref, Digest: src.Digest, Archive: a.keep("policies.json", "application/json", b)})
	}
	if err := a.keepIndex(bundle); err != nil {
		return in, nil, err
	}
	return in, a.layers, a.err
}

// archiver writes blobs and remembers them as layers; the first error stays.
type archiver struct {
	store  *store.Store
	layers []store.Layer
	err    error
}

func (a *archiver) keep(name, mediaType string, b []byte) string {
	if a.err != nil || len(b) == 0 {
		return ""
	}
	layer, err := blobLayer(a.store, name, mediaType, b)
	if err != nil {
		a.err = err
		return ""
	}
	for _, l := range a.layers {
		if l.Digest == layer.Digest {
			return layer.Digest
		}
	}
	a.layers = append(a.layers, layer)
	return layer.Digest
}

// keepGate keeps the signatures of the gate definition, and of the versions before that it takes to open it.
func (a *archiver) keepGate(in *record.Inputs, def *gate.Definition) {
	for i, b := range def.Signatures() {
		digest := a.keep(layerGateSig, seal.MediaType, b)
		if i == 0 {
			in.GateBundle = digest
		} else {
			in.GateSignatures = append(in.GateSignatures, digest)
		}
	}
	for _, sigs := range def.Ancestors() {
		var digests []string
		for _, b := range sigs {
			digests = append(digests, a.keep(layerGateSig, seal.MediaType, b))
		}
		in.GateHistory = append(in.GateHistory, digests)
	}
}

// keepIndex lists the sealed evidence bundle among the layers, so that it travels with the record.
func (a *archiver) keepIndex(digest string) error {
	b, err := a.store.Read(digest, maxRecord)
	if err != nil {
		return err
	}
	a.keep(layerBundle, "application/vnd.oci.image.index.v1+json", b)
	return nil
}

// decisionSubjects are the artifacts of the release, or its revision where there is none.
func decisionSubjects(r record.Result) []seal.Subject {
	var out []seal.Subject
	for _, s := range r.Release.Subjects {
		out = append(out, seal.Subject{Name: s.Name, Digest: sha256Set(s.Digest)})
	}
	if len(out) > 0 {
		return out
	}
	name := fmt.Sprintf("%s@%s", r.Release.Name, r.Release.Version)
	if r.Release.Revision != "" {
		return []seal.Subject{{Name: name, Digest: map[string]string{"gitCommit": r.Release.Revision}}}
	}
	return []seal.Subject{{Name: name, Digest: sha256Set(r.Release.ID)}}
}

func decisionLeaf(p record.Predicate, digest string) record.Leaf {
	r := p.Result
	return record.Leaf{
		Type: leafDecision, Digest: digest, Release: r.Release.ID, Name: r.Release.Name + "@" + r.Release.Version,
		Target: r.Target.ID, Stage: r.Stage, Outcome: r.Outcome, At: r.EvaluatedAt, Gate: p.Root.Version, GateDigest: p.Root.Digest, Pinned: p.Root.Digest != "" && p.Root.Pinned,
	}
}
