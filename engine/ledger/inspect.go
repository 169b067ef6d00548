package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"cdgate.dev/cdgate/engine/fault"
	"github.com/go-json-experiment/json"
	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/api/layout"
	"github.com/transparency-dev/tessera/client"
)

// inspect looks at the log before anything is written. Tessera builds the next root on the unsigned tiles and tree state
// and signs what comes out, and it starts anew where the tree state is gone: what was altered would be made good with a
// signature. So the signed checkpoint, the tree state, the right edge of the tiles and the last leaves must fit
// together. The rest of the leaves is for Read. It gives the checkpoint, nil for a log that has none yet.
func (a *appending) inspect(ctx context.Context) (*checkpoint, error) {
	_, cp, err := readCheckpoint(a.dir, a.keys)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return nil, err
	}
	state, err := a.readState()
	if errors.Is(err, os.ErrNotExist) {
		return nil, a.checkNew(cp)
	}
	if err != nil {
		return nil, forged(a.dir, "tree state: %w", err)
	}
	switch {
	case cp == nil && state.Size > 0:
		return nil, forged(a.dir, "the checkpoint is gone")
	case cp != nil && state.Size < cp.Size:
		return nil, forged(a.dir, "the tree state has %d entries, the signed checkpoint %d: it was rolled back", state.Size, cp.Size)
	case state.Size == 0 && cp == nil:
		// A process was killed while it made the log. Tessera publishes the first checkpoint only together with the tree state: make
		// it begin again, or a process that is killed next leaves a log with entries and without a checkpoint.
		if err := os.Remove(a.statePath()); err != nil {
			return nil, err
		}
		return nil, a.probe(0)
	case state.Size == 0:
		return cp, a.probe(0)
	}
	if err := a.checkEdge(ctx, cp, state); err != nil {
		return nil, forged(a.dir, "its tiles, tree state and checkpoint do not fit together: %w", err)
	}
	return cp, a.probe(state.Size)
}

// treeState is Tessera's file of the tree it has built so far; it may be ahead of the checkpoint after a crash.
type treeState struct {
	Size uint64 `json:"size"`
	Root []byte `json:"root"`
}

func (a *appending) statePath() string { return filepath.Join(a.dir, ".state", "treeState") }

func (a *appending) readState() (*treeState, error) {
	text, err := readFile(a.statePath(), maxState)
	if err != nil {
		return nil, err
	}
	var s treeState
	if err := json.Unmarshal(text, &s, json.RejectUnknownMembers(true)); err != nil {
		return nil, err
	}
	return &s, nil
}

// checkNew says whether a directory without tree state may become a log.
func (a *appending) checkNew(cp *checkpoint) error {
	if cp != nil {
		return forged(a.dir, "the tree state is gone")
	}
	entries, err := os.ReadDir(a.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		switch e.Name() {
		case lockFile, spaceFile, ".state":
		case "tile", "checkpoint":
			return forged(a.dir, "the tree state is gone")
		default:
			return fault.New(fault.Usage, "there are other files, %q for one; name a directory of its own", e.Name())
		}
	}
	return a.probe(0)
}

// checkEdge computes the root from the tiles that the next entry will be added to, and compares it with the tree state
// and the checkpoint; the last leaves, which will be written again, are compared with the lowest tile.
func (a *appending) checkEdge(ctx context.Context, cp *checkpoint, state *treeState) error {
	nodes, err := client.FetchRangeNodes(ctx, state.Size, a.readTile)
	if err != nil {
		return err
	}
	edge, err := (&compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}).NewRange(0, state.Size, nodes)
	if err != nil {
		return err
	}
	root, err := edge.GetRootHash(nil)
	if err != nil {
		return err
	}
	if !bytes.Equal(root, state.Root) {
		return errors.New("the tiles have another root than the tree state")
	}
	builder, err := client.NewProofBuilder(ctx, state.Size, a.readTile)
	if err != nil {
		return err
	}
	if err := consistent(ctx, builder, cp.Size, cp.Hash, state.Size, state.Root); err != nil {
		return err
	}
	last := (state.Size - 1) / layout.EntryBundleWidth
	leaves, err := readLeaves(a.dir, last, state.Size)
	if err != nil {
		return err
	}
	var tile api.HashTile
	text, err := a.readTile(ctx, 0, last, layout.PartialTileSize(0, last, state.Size))
	if err != nil {
		return err
	}
	if err := tile.UnmarshalText(text); err != nil {
		return err
	}
	for i, leaf := range leaves {
		if i >= len(tile.Nodes) || !bytes.Equal(tile.Nodes[i], rfc6962.DefaultHasher.HashLeaf(leaf)) {
			return fmt.Errorf("entry %d is not the one that was logged", last*layout.EntryBundleWidth+uint64(i))
		}
	}
	return nil
}

// probe asks the disk for the space the next entry needs, so that a full one refuses before anything is written: once
// the tree has grown, a checkpoint that cannot be written leaves the answer open.
func (a *appending) probe(size uint64) error {
	need := 64<<10 + len(a.leaf)
	if rest := size % layout.EntryBundleWidth; rest > 0 {
		info, err := os.Stat(filepath.Join(a.dir, filepath.FromSlash(layout.EntriesPath(size/layout.EntryBundleWidth, uint8(rest)))))
		if err == nil {
			need += int(info.Size())
		}
	}
	f, err := os.Create(filepath.Join(a.dir, spaceFile)) // the lock is ours: at most one is left over, from a killed process
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(make([]byte, need))
	return errors.Join(err, f.Close())
}
