package engine

import (
	"context"
	"slices"
	"strings"
	"time"

	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/gate"
	"cdgate.dev/cdgate/engine/record"
)

// query narrows the decisions in the log; what is empty matches any.
type query struct {
	release       Release
	target, stage string
}

func (w query) fits(l record.Leaf) bool {
	name, version, _ := cutLast(l.Name, "@")
	return (w.release.Name == "" || w.release.Name == name) && (w.release.Version == "" || w.release.Version == version) &&
		(w.target == "" || w.target == l.Target) && (w.stage == "" || w.stage == l.Stage)
}

func (w query) String() string {
	if w.release.Name == "" {
		return "any release"
	}
	return w.release.Name + "@" + w.release.Version
}

// logged is a decision that the log names.
type logged struct {
	predicate *record.Predicate
	bundle    []byte
	index     uint64
}

// newestDecision is the newest logged decision that is wanted, opened under a key that may sign decisions.
func newestDecision(ctx context.Context, log logState, st *depot, def *gate.Definition, w query) (*logged, error) {
	for i, l := range slices.Backward(log.leaves) {
		if l.Type != leafDecision || !w.fits(l) {
			continue
		}
		b, err := st.read(ctx, l.Digest, maxRecord)
		if err != nil {
			return nil, fault.New(fault.Trust, "read the newest decision about %s: the log names %s, but the store does not hold it: %w", l.Name, l.Digest, err)
		}
		p, err := openRecord(b, def)
		if err == nil && decisionLeaf(*p, l.Digest) != l {
			err = fault.New(fault.Trust, "read the newest decision about %s: log entry %d says that it is about %s for %s, and the record it names is about %s for %s: "+
				"somebody wrote an entry that lies", l.Name, i, l.Name, l.Target, releaseName(p.Result), p.Result.Target.ID)
		}
		if err != nil {
			return nil, err
		}
		return &logged{predicate: p, bundle: b, index: uint64(i)}, nil
	}
	return nil, fault.New(fault.Usage, "find the decision: the log holds none about %s; run cdgate evaluate first, or look with: cdgate log list", w)
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// NewestRecord is the newest decision about a release for a target and stage, as the log names it: the record, and a proof under
// the log's head that the log holds it. Verify judges both.
func NewestRecord(ctx context.Context, p Places, r Release, target, stage string, now time.Time) (bundle, proof []byte, err error) {
	def, _, err := openGate(p, now)
	if err != nil {
		return nil, nil, err
	}
	st, err := openDepot(ctx, p.Store, p.Registries, false)
	if err != nil {
		return nil, nil, err
	}
	defer st.close()
	if err := st.seekReceipt(ctx); err != nil {
		return nil, nil, err
	}
	ix, err := st.Index()
	if err != nil {
		return nil, nil, err
	}
	log, err := readLog(ctx, p.Log, def, st.Store, ix, now)
	if err != nil {
		return nil, nil, err
	}
	d, err := newestDecision(ctx, log, st, def, query{r, target, stage})
	if err != nil {
		return nil, nil, err
	}
	proof, err = log.view.Prove(d.index)
	return d.bundle, proof, err
}
