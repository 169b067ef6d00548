package engine

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"cdgate.dev/cdgate/engine/decide"
	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/gate"
	"cdgate.dev/cdgate/engine/remote"
	"cdgate.dev/cdgate/engine/seal"
	"cdgate.dev/cdgate/engine/store"
	"cdgate.dev/cdgate/engine/verify"
)

// Stored is one object of a store, as its statement describes it.
type Stored struct {
	verify.Claims
	// Object is the digest of its manifest, Type what it is: item, attestation, collection, signoff, record, receipt.
	Object, Type string
	// Signer is the name in the gate definition, if a key of theirs signed it; Signed says whether that was checked.
	Signer string
	Signed bool
	// AgeSeconds is the age by what it says of itself; 0 when it does not say.
	AgeSeconds int64
	// Counted is set with a target, for evidence: "yes", or a verify.Reason, with the sentence in Why.
	Counted, Why string
}

// Listing is what a store holds about something.
type Listing struct {
	Store   string
	Objects []Stored
	// Missing are the findings of the target's rules that lack evidence; only with a target.
	Missing []decide.Finding
	// Problems are what is wrong with what is there, such as two builds of one artifact from different commits.
	Problems []error
}

// StoreList lists what a store holds about the release, artifacts and commit of the options, or everything when they name nothing. With a
// target it also says what counts there, and what its rules lack. It writes nothing, and needs neither key nor log.
func StoreList(ctx context.Context, o EvaluateOptions) (*Listing, error) {
	d, err := openDepot(ctx, o.Store, o.Registries, false)
	if err != nil {
		return nil, err
	}
	defer d.close()
	if err := d.catalogue(); err != nil {
		return nil, err
	}
	if err := d.about(ctx, o); err != nil {
		return nil, err
	}
	def, _, gateErr := openGate(o.Places, o.Now)
	if gateErr != nil && o.Target != "" {
		return nil, gateErr
	}
	l := &Listing{Store: o.Store}
	for _, e := range d.found {
		s, err := describe(d.Store, e, def, o.Now)
		if err != nil {
			return nil, err
		}
		l.Objects = append(l.Objects, s)
	}
	slices.SortFunc(l.Objects, func(a, b Stored) int {
		return cmp.Or(cmp.Compare(a.About.Digest, b.About.Digest), cmp.Compare(a.CollectedAt, b.CollectedAt), cmp.Compare(a.Type, b.Type), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Object, b.Object))
	})
	l.Problems = differentCommits(l.Objects, def)
	if o.Target == "" {
		return l, nil
	}
	return l, l.judge(ctx, o)
}

// about finds the objects: all, or those about what the options name.
func (d *depot) about(ctx context.Context, o EvaluateOptions) error {
	if o.Release.Name == "" && len(o.Artifacts) == 0 && o.Source.Revision == "" {
		_, err := d.fetch(ctx, sortedKeys(d.listing.Keys)...)
		return err
	}
	want := verify.Want{Name: o.Release.Name, Version: o.Release.Version, Revision: o.Source.Revision, Artifacts: artifacts(o.Artifacts)}
	if err := d.seek(ctx, want, nil); err != nil {
		return err
	}
	if want.Name == "" {
		return nil
	}
	_, err := d.fetch(ctx, d.listing.Under(remote.Decisions(want.Name+"@"+want.Version))...)
	return err
}

// typeNames are what the types of objects are called.
var typeNames = map[string]string{
	store.TypeItem: "item", store.TypeCollection: "collection", store.TypeSignoff: "signoff", store.TypeRecord: "record", typeReceipt: "receipt",
	store.TypeAttestation: "attestation",
}

// describe reads what an object says of itself, and checks who signed it where a gate definition says whose keys there are.
func describe(st *store.Store, e store.Entry, def *gate.Definition, now time.Time) (Stored, error) {
	s := Stored{Object: e.Digest, Type: cmp.Or(typeNames[e.Type], e.Type)}
	layer, c, err := claimsOf(st, e)
	if err != nil || c == nil {
		return s, err
	}
	s.Claims = *c
	if at, err := time.Parse(time.RFC3339, c.CollectedAt); err == nil {
		s.AgeSeconds = int64(now.Sub(at) / time.Second)
	}
	if def == nil {
		return s, nil
	}
	bundle, err := st.Read(layer.Digest, maxRecord)
	if err != nil {
		return s, err
	}
	if e.Type == store.TypeAttestation {
		s.Signer, s.Signed = attester(def, bundle)
	} else {
		s.Signer, s.Signed = signerOf(def, bundle, c.By)
	}
	return s, nil
}

// signerOf is who signed a statement, as the gate definition knows them.
func signerOf(def *gate.Definition, bundle []byte, by seal.Signatory) (name string, signed bool) {
	if s, ok := def.SignerBy(by); ok {
		name = s.ID
	} else if p, ok := def.PersonBy(by); ok {
		name = p.ID
	} else {
		return "", false
	}
	trust := def.TrustIn(by)
	if _, err := trust.Open(bundle); err == nil {
		return name, true
	}
	_, err := trust.OpenDecision(bundle)
	return name, err == nil
}

// differentCommits finds artifacts that builds and provenance say were built from different commits: one of them is wrong, and an
// evaluation refuses to choose. Provenance that no collection lists says nothing to an evaluation, nor does that of somebody whom the gate
// definition does not know; that is asked where there is one.
func differentCommits(objects []Stored, def *gate.Definition) (problems []error) {
	listed := map[string]bool{}
	for _, s := range objects {
		for _, item := range s.Items {
			listed[item] = true
		}
	}
	type pair struct{ artifact, revision string }
	from, told := map[string]string{}, map[pair]bool{}
	for _, s := range objects {
		about := []string{s.About.Digest}
		switch {
		case s.Revision == "":
			continue
		case s.Type == "attestation":
			if !listed[s.Digest] || def != nil && !s.Signed {
				continue
			}
			about = s.Subjects
		case s.Type != "item":
			continue
		}
		for _, artifact := range about {
			was := from[artifact]
			if was == "" {
				from[artifact] = s.Revision
			}
			if this := (pair{artifact, s.Revision}); was != "" && was != s.Revision && !told[this] {
				told[this] = true
				problems = append(problems, fault.New(fault.Evidence, "builds of artifact %s name different commits, %s and %s: "+
					"one of the jobs that collected or attested is wrong; what counts cannot be told until it is", artifact, was, s.Revision))
			}
		}
	}
	return problems
}

// judge adds what counts for the target, and what its rules lack.
func (l *Listing) judge(ctx context.Context, o EvaluateOptions) error {
	ev, err := Preview(ctx, o)
	if err != nil {
		return err
	}
	var doc struct {
		Evidence map[string][]struct {
			ID string `json:"id"`
		} `json:"evidence"`
	}
	if len(ev.Input) > 0 {
		if err := json.Unmarshal(ev.Input, &doc); err != nil {
			return fault.New(fault.Internal, "read policy input: %w", err)
		}
	}
	counted := map[string]bool{}
	for _, items := range doc.Evidence {
		for _, it := range items {
			counted[it.ID] = true
		}
	}
	for i := range l.Objects {
		s := &l.Objects[i]
		if counted[s.Digest] {
			s.Counted = "yes"
		}
		for _, n := range ev.Result.NotCounted {
			if n.ID == s.Digest {
				s.Counted, s.Why = string(n.Reason), n.Msg
			}
		}
	}
	for _, f := range ev.Result.Findings {
		switch {
		case f.Cause == decide.EvidenceMissing || f.Cause == decide.EvidenceUntrusted || f.Cause == decide.EvidenceStale:
			l.Missing = append(l.Missing, f)
		case f.Cause == decide.Error || f.Cause == decide.Config:
			l.Problems = append(l.Problems, fault.New(fault.Class(ev.Result.ExitCode), "%s: %s", f.Code, f.Msg))
		}
	}
	return nil
}
