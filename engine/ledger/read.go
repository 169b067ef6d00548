package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"cdgate.dev/cdgate/engine/fault"
	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/api/layout"
)

// View is a log that was read and verified: its leaves, and no others, are under the signed root.
type View struct {
	Size       uint64
	Root       string   // "sha256:<64 hex>", RFC 6962
	Checkpoint []byte   // signed note
	Leaves     [][]byte // in the order of the log

	// SignedBy is the log's key that signed the checkpoint.
	SignedBy string
	// Witnessed says whether a quorum of the witnesses countersigned the checkpoint.
	Witnessed bool

	keys   *keys
	hashes [][]byte // of the leaves
	root   []byte
}

// Read reads the log in dir: it checks the checkpoint's signature, hashes every leaf and compares the
// root. What does not fit is a trust fault. ErrNotFound and ErrEmpty say that there is nothing to read.
func Read(ctx context.Context, dir string, v Verifier) (*View, error) {
	k, err := v.keys()
	if err != nil {
		return nil, err
	}
	text, cp, err := readCheckpoint(dir, k)
	if err != nil {
		return nil, err
	}
	if cp.Size == 0 {
		return nil, fault.New(fault.Record, "read log %q: %w", dir, ErrEmpty)
	}
	view := &View{Size: cp.Size, Root: rootString(cp.Hash), Checkpoint: text, SignedBy: cp.by, Witnessed: k.enough(cp.witnesses) == nil, keys: k, root: cp.Hash}
	for ri := range layout.Range(0, cp.Size, cp.Size) {
		if err := ctx.Err(); err != nil {
			return nil, fault.New(fault.Record, "read log %q: %w", dir, err)
		}
		leaves, err := readLeaves(dir, ri.Index, cp.Size)
		if err != nil {
			return nil, err
		}
		for _, leaf := range leaves {
			view.Leaves = append(view.Leaves, leaf)
			view.hashes = append(view.hashes, rfc6962.DefaultHasher.HashLeaf(leaf))
		}
	}
	root, err := rootOf(view.hashes)
	if err != nil {
		return nil, forged(dir, "compute root: %w", err)
	}
	if !bytes.Equal(root, cp.Hash) {
		return nil, forged(dir, "its %d entries do not make the signed root %s: an entry was altered, dropped or moved", cp.Size, view.Root)
	}
	return view, nil
}

// CheckProof says whether proof shows leaf to be in this log: the proof is right in itself (CheckProof), the log still
// has the leaf at its place, and the checkpoint in the proof is an earlier state of this log. Whether witnesses countersigned
// that state is for CheckProof. It gives the leaf's index.
// A log that was rolled back to an older copy, or forked, is a trust fault.
func (v *View) CheckProof(proof, leaf []byte) (index uint64, err error) {
	p, cp, err := checkProof(v.keys, proof, leaf)
	if err != nil {
		return 0, err
	}
	if err := v.continues(cp); err != nil {
		return 0, err
	}
	if !bytes.Equal(v.Leaves[p.Index], leaf) {
		return 0, fault.New(fault.Trust, "check log proof: entry %d of the log is another one", p.Index)
	}
	return p.Index, nil
}

// CheckCheckpoint says whether a checkpoint is signed, countersigned by a quorum of witnesses, and an earlier state of this log, and gives its size.
func (v *View) CheckCheckpoint(text []byte) (size uint64, err error) {
	if len(text) > maxCheckpoint {
		return 0, fault.New(fault.Evidence, "read log checkpoint: it has %d bytes, more than the limit of %d", len(text), maxCheckpoint)
	}
	cp, err := openCheckpoint(v.keys, text)
	if err == nil {
		err = v.keys.enough(cp.witnesses)
	}
	if err != nil {
		return 0, fault.New(fault.Trust, "check log checkpoint: %w", err)
	}
	return cp.Size, v.continues(cp)
}

// continues says whether the log is the one under the checkpoint, or that one longer.
func (v *View) continues(cp *checkpoint) error {
	if cp.Size > v.Size {
		return fault.New(fault.Trust, "check log proof: the log had %d entries and now has %d: it was rolled back", cp.Size, v.Size)
	}
	root := v.root
	if cp.Size < v.Size {
		var err error
		if root, err = rootOf(v.hashes[:cp.Size]); err != nil {
			return fault.New(fault.Trust, "check log proof: %w", err)
		}
	}
	if !bytes.Equal(root, cp.Hash) {
		return fault.New(fault.Trust, "check log proof: the first %d entries of the log are not those of %s any more: it was forked",
			cp.Size, rootString(cp.Hash))
	}
	return nil
}

// rootOf is the RFC 6962 root over leaf hashes.
func rootOf(hashes [][]byte) ([]byte, error) {
	r := (&compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}).NewEmptyRange(0)
	for _, h := range hashes {
		if err := r.Append(h, nil); err != nil {
			return nil, err
		}
	}
	return r.GetRootHash(nil)
}

func readCheckpoint(dir string, k *keys) ([]byte, *checkpoint, error) {
	text, err := readFile(filepath.Join(dir, layout.CheckpointPath), maxCheckpoint)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil, fault.New(fault.Record, "read log %q: %w", dir, ErrNotFound)
	}
	if err != nil {
		return nil, nil, fault.New(fault.Record, "read log %q: %w", dir, err)
	}
	cp, err := openCheckpoint(k, text)
	if err != nil {
		return nil, nil, forged(dir, "checkpoint: %w: it was altered, or belongs to another key than %q", err, k.log.Name())
	}
	return text, cp, nil
}

// readLeaves reads the bundle of 256 leaves with this index, or what a log of the given size has of it.
func readLeaves(dir string, index, size uint64) ([][]byte, error) {
	want := int(layout.EntryBundleWidth)
	if p := layout.PartialTileSize(0, index, size); p != 0 {
		want = int(p)
	}
	text, err := readPartial(dir, maxBundle, func(p uint8) string { return layout.EntriesPath(index, p) }, layout.PartialTileSize(0, index, size))
	if err != nil {
		return nil, forged(dir, "entries from %d on: %w", index*layout.EntryBundleWidth, err)
	}
	var b api.EntryBundle
	if err := b.UnmarshalText(text); err != nil {
		return nil, forged(dir, "entries from %d on: %w", index*layout.EntryBundleWidth, err)
	}
	if len(b.Entries) < want {
		return nil, forged(dir, "entries from %d on: there are %d, want %d", index*layout.EntryBundleWidth, len(b.Entries), want)
	}
	return b.Entries[:want], nil
}

// readPartial reads a resource of a given width; one that has grown to its full width since serves as well, since the
// writer may remove the partial ones.
func readPartial(dir string, limit int64, path func(p uint8) string, p uint8) ([]byte, error) {
	text, err := readFile(filepath.Join(dir, filepath.FromSlash(path(p))), limit)
	if p != 0 && errors.Is(err, os.ErrNotExist) {
		return readFile(filepath.Join(dir, filepath.FromSlash(path(0))), limit)
	}
	return text, err
}

func readFile(path string, limit int64) ([]byte, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%q is not a regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(text)) > limit {
		err = fmt.Errorf("%q has more than %d bytes", path, limit)
	}
	return text, err
}
