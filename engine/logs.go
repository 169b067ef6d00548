package engine

import (
	"context"
	"time"

	"cdgate.dev/cdgate/engine/ledger"
)

// LogList is every entry of the decision log, verified against its signed head and the store's newest receipt.
func LogList(ctx context.Context, p Places, now time.Time) ([]LogEntry, error) {
	s, err := openLog(ctx, p, now)
	if err != nil {
		return nil, err
	}
	out := []LogEntry{}
	for i, l := range s.leaves {
		out = append(out, LogEntry{Index: uint64(i), Leaf: l})
	}
	return out, nil
}

// LogVerify verifies the whole log and gives its size and the root of its tree ("sha256:…").
func LogVerify(ctx context.Context, p Places, now time.Time) (size uint64, root string, err error) {
	s, err := openLog(ctx, p, now)
	if err == nil && s.view == nil {
		return 0, "", ledger.ErrNotFound
	}
	return s.size, s.root, err
}

func openLog(ctx context.Context, p Places, now time.Time) (logState, error) {
	def, _, err := openGate(p, now)
	if err != nil {
		return logState{}, err
	}
	st, err := openDepot(ctx, p.Store, p.Registries, false)
	if err != nil {
		return logState{}, err
	}
	defer st.close()
	if err := st.seekReceipt(ctx); err != nil {
		return logState{}, err
	}
	ix, err := st.Index()
	if err != nil {
		return logState{}, err
	}
	return readLog(ctx, p.Log, def, st.Store, ix, now)
}
