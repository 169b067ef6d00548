package engine

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"

	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/gate"
	"cdgate.dev/cdgate/engine/ledger"
	"cdgate.dev/cdgate/engine/record"
	"cdgate.dev/cdgate/engine/store"
	"cdgate.dev/cdgate/engine/verify"
)

// typeReceipt is the store object that keeps what the log promised: a leaf and the proof that it is in the log. A log
// that no longer holds it was cut off or replaced.
const typeReceipt = "application/vnd.cdgate.receipt.v1+json"

// annotationIndex finds the newest receipt. It is not believed: the proof is.
const annotationIndex = "dev.cdgate.log.index"

// The types of log entries.
const (
	leafDecision = "decision"
	leafSignoff  = "signoff"
)

// logState is the decision log, read to its head and verified.
type logState struct {
	size   uint64
	root   string
	leaves []record.Leaf
	view   *ledger.View // nil while there is no log
	now    time.Time
}

// readLog reads the log and holds it against the newest receipt in the store.
func readLog(ctx context.Context, dir string, def *gate.Definition, st *store.Store, ix *store.Index, now time.Time) (logState, error) {
	leaf, proof, index, err := newestReceipt(st, ix)
	if err != nil {
		return logState{}, err
	}
	view, err := ledger.Read(ctx, dir, logVerifier(def))
	if errors.Is(err, ledger.ErrNotFound) || errors.Is(err, ledger.ErrEmpty) {
		if proof != nil {
			return logState{}, fault.New(fault.Trust, "read decision log %s: it is gone, but the store holds a receipt for an entry in it; restore the log, or name the right one with --log", dir)
		}
		return logState{}, nil
	}
	if err != nil {
		return logState{}, err
	}
	if proof != nil {
		if err := checkReceipt(view, proof, leaf, index); err != nil {
			return logState{}, fault.New(fault.Trust, "read decision log %s: it is not the log that gave the store its newest receipt (rolled back, replaced or forked): %w", dir, err)
		}
	}
	s := logState{size: view.Size, root: view.Root, view: view, now: now}
	var used struct { // the newest definition that decided; one that only a checkout vouched for says nothing against a pinned one
		leaf  record.Leaf
		index int
	}
	for i, b := range view.Leaves {
		var l record.Leaf
		if err := json.Unmarshal(b, &l); err != nil {
			return logState{}, fault.New(fault.Trust, "read decision log %s: entry %d is not one of cdgate's: %w", dir, i, err)
		}
		if l.Type == leafDecision && l.Gate > def.Version {
			return logState{}, fault.New(fault.Trust, "read decision log %s: entry %d was decided under version %d of the gate definition, and this is version %d: "+
				"an older one was put back; restore the newest gate.yaml and gate.sigstore.json", dir, i, l.Gate, def.Version)
		}
		if l.Type == leafDecision && l.GateDigest != "" && (l.Pinned || !def.RootPinned()) && (used.leaf.Gate <= l.Gate) {
			used.leaf, used.index = l, i
		}
		s.leaves = append(s.leaves, l)
	}
	if err := def.LogStands(view.SignedBy, s.newest(view.Size, now), true); err != nil {
		return logState{}, fault.New(fault.Trust, "read decision log %s: its head: %w", dir, err)
	}
	// Before the first entry under the version that named them, the witnesses have not seen the log.
	if !view.Witnessed && s.gateAt(view.Size-1) >= def.WitnessedSince() {
		return logState{}, fault.New(fault.Trust, "read decision log %s: its head is not countersigned by the %d witnesses that the gate definition wants, and entries under that definition were: "+
			"somebody with the log's key wrote another head; restore the log from where it is kept", dir, def.Witnesses.Quorum)
	}
	if used.leaf.GateDigest != "" {
		if err := def.Follows(used.leaf.Gate, used.leaf.GateDigest); err != nil {
			return logState{}, fault.New(fault.Trust, "read decision log %s: the gate definition is not the one that entry %d was decided under, and does not follow from it: %w; "+
				"restore gate.yaml, its signatures and gate.history from version control", dir, used.index, err)
		}
	}
	return s, nil
}

// logVerifier is what the decision log is read with.
func logVerifier(def *gate.Definition) ledger.Verifier {
	return ledger.Verifier{Key: def.LogKey(), Former: def.FormerLogKeys(), Witnesses: logWitnesses(def)}
}

// logWitnesses are who must countersign the decision log.
func logWitnesses(def *gate.Definition) (w ledger.Witnesses) {
	if def.Witnesses == nil {
		return w
	}
	w.Quorum = def.Witnesses.Quorum
	for _, one := range def.Witnesses.Of {
		w.Of = append(w.Of, ledger.Witness{Key: one.Key, URL: one.URL})
	}
	return w
}

// newestReceipt is the receipt with the highest index in the store; all nil when there is none.
func newestReceipt(st *store.Store, ix *store.Index) (leaf, proof []byte, index uint64, err error) {
	best, found := store.Entry{}, false
	for _, e := range ix.Entries {
		if e.Type != typeReceipt || len(e.Layers) != 2 {
			continue
		}
		n, err := strconv.ParseUint(e.Annotations[annotationIndex], 10, 64)
		if err == nil && (!found || n > index) {
			best, index, found = e, n, true
		}
	}
	if !found {
		return nil, nil, 0, nil
	}
	if leaf, err = st.Read(best.Layers[0].Digest, maxLeaf); err != nil {
		return nil, nil, 0, err
	}
	proof, err = st.Read(best.Layers[1].Digest, maxProof)
	return leaf, proof, index, err
}

// checkReceipt holds a log against a receipt. One that calls itself newer than it is would hide the newest.
func checkReceipt(view *ledger.View, proof, leaf []byte, index uint64) error {
	is, err := view.CheckProof(proof, leaf)
	if err == nil && is != index {
		err = fault.New(fault.Trust, "the store has a receipt for entry %d that says it is for entry %d", is, index)
	}
	return err
}

// signoffs are the sign-offs that the log holds for a release: the digest, and the newest version of the gate definition
// that the log names up to the entry. Where it holds one twice, the first entry counts.
func (s logState) signoffs(releaseID string) map[string]int {
	out := map[string]int{}
	for i, l := range s.leaves {
		if _, ok := out[l.Digest]; !ok && l.Type == leafSignoff && l.Release == releaseID {
			out[l.Digest] = s.gateAt(uint64(i))
		}
	}
	return out
}

// signoffsOn are the digests of the sign-offs that the log holds for releases of that name and version.
func (s logState) signoffsOn(release string) (out []string) {
	for _, l := range s.leaves {
		if l.Type == leafSignoff && l.Name == release {
			out = append(out, l.Digest)
		}
	}
	return out
}

// newest is the latest time that one of the first size entries gives itself, of those that do not lie in the future: whoever
// wrote one of these had a wrong clock. It is zero where none can be read.
func (s logState) newest(size uint64, now time.Time) (out time.Time) {
	for _, l := range s.leaves[:min(size, uint64(len(s.leaves)))] {
		if at, err := time.Parse(time.RFC3339, l.At); err == nil && at.After(out) && !at.After(now.Add(verify.Skew)) {
			out = at
		}
	}
	return out
}

// signedBetween demands that a log key could sign when an entry was made, or when the newest of the size entries under the head
// that it signed was.
func (s logState) signedBetween(def *gate.Definition, key string, made time.Time, size uint64) error {
	err := def.LogStands(key, made, false)
	// An entry that is newer than the newest has a time that nobody may believe, and a key is not asked about no time at all.
	if n := s.newest(size, s.now); err != nil && (n.IsZero() || n.Before(made) || def.LogStands(key, n, false) != nil) {
		return fault.New(fault.Trust, "check log proof: %w", err)
	}
	return nil
}

// gateAt is the newest version of the gate definition that the log names up to an entry, and at least 1.
func (s logState) gateAt(index uint64) int {
	version := 1
	for i, l := range s.leaves {
		if uint64(i) <= index {
			version = max(version, l.Gate)
		}
	}
	return version
}

// Limits on what is read back from the store and from files beside a record.
const (
	maxLeaf   = 64 << 10
	maxProof  = 1 << 20
	maxRecord = 64 << 20
	maxInput  = 1 << 30
)

// mayLog refuses a key whose signature on the log would not count.
func mayLog(def *gate.Definition, key string, now time.Time) error {
	mine, err := ledger.VerifierKey(key)
	if err != nil {
		return err
	}
	return def.MayLog(mine, now)
}

// appendLeaf writes an entry into the log and keeps the receipt in the store.
func appendLeaf(ctx context.Context, dir, key string, def *gate.Definition, st *depot, leaf record.Leaf) (*ledger.Receipt, []byte, error) {
	b, err := json.Marshal(leaf, json.Deterministic(true))
	if err != nil {
		return nil, nil, fault.New(fault.Internal, "write log entry: %w", err)
	}
	mine, err := ledger.VerifierKey(key)
	if err != nil {
		return nil, nil, err
	}
	former := slices.DeleteFunc(append(def.FormerLogKeys(), def.LogKey()), func(k string) bool { return k == mine })
	if def.Witnesses != nil && !def.RootPinned() {
		return nil, nil, fault.New(fault.Usage, "write the decision log: the gate definition names witnesses to ask, and only the checkout vouches for it; pin its root with --root or CDGATE_ROOT")
	}
	receipt, err := ledger.AppendAfter(ctx, dir, key, former, logWitnesses(def), b)
	if err != nil {
		return nil, nil, fault.Wrap(fault.Record, err)
	}
	leafLayer, err := blobLayer(st.Store, "leaf.json", "application/json", b)
	if err != nil {
		return nil, nil, err
	}
	proofLayer, err := blobLayer(st.Store, "proof.tlog-proof", "text/plain", receipt.Proof)
	if err != nil {
		return nil, nil, err
	}
	_, err = st.Add(ctx, store.Object{
		Type: typeReceipt, Layers: []store.Layer{leafLayer, proofLayer},
		Annotations: map[string]string{annotationIndex: strconv.FormatUint(receipt.Index, 10)},
	})
	return receipt, b, err
}
