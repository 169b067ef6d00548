package ledger

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/store"
	"github.com/transparency-dev/formats/proof"
	merkle "github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/api/layout"
	"github.com/transparency-dev/tessera/client"
	"golang.org/x/mod/sumdb/note"
)

// Our own files beside those of the log.
const (
	lockFile  = ".lock"
	spaceFile = ".space"
)

// Append adds leaf to the log in dir and makes the log where there is none. When it returns a receipt, the leaf is
// durable, under a signed and published checkpoint, and was read again from the disk with its proof. Several processes
// and goroutines may append at once. The log must be what it was: one that lost or changed something is a trust fault and
// is left alone. Where w has witnesses, a quorum of them countersigned the checkpoint; one that knows another history of the
// log makes that a trust fault. Other errors are record faults; after one the leaf may or may not be in the log, so a caller that tries
// again writes the same leaf twice and readers must not mind.
func Append(ctx context.Context, dir, privateKey string, w Witnesses, leaf []byte) (*Receipt, error) {
	return AppendAfter(ctx, dir, privateKey, nil, w, leaf)
}

// AppendAfter is Append to a log that may have been signed with former keys of the same name up to now. What it writes is
// signed with the private key.
func AppendAfter(ctx context.Context, dir, privateKey string, former []string, w Witnesses, leaf []byte) (*Receipt, error) {
	key, err := VerifierKey(privateKey)
	if err != nil {
		return nil, err
	}
	k, err := Verifier{Key: key, Former: former, Witnesses: w}.keys()
	if err != nil {
		return nil, err
	}
	signer, err := note.NewSigner(strings.TrimSpace(privateKey))
	if err != nil {
		return nil, fault.New(fault.Usage, "read private log key: %w", err)
	}
	if len(leaf) == 0 || len(leaf) > MaxLeaf {
		return nil, fault.New(fault.Internal, "append to log %q: the leaf has %d bytes, want 1 to %d", dir, len(leaf), MaxLeaf)
	}
	r, err := (&appending{dir: dir, signer: signer, keys: k, witnesses: w, leaf: leaf}).run(ctx)
	if err != nil {
		return nil, fault.Wrap(fault.Record, fmt.Errorf("append to log %q: %w%s", dir, err, remedy(err)))
	}
	return r, nil
}

// appending is one Append.
type appending struct {
	dir       string
	signer    note.Signer
	keys      *keys
	witnesses Witnesses
	leaf      []byte
}

func (a *appending) run(ctx context.Context) (*Receipt, error) {
	if err := store.MakeDir(a.dir); err != nil {
		return nil, err
	}
	// Tessera's own locks exclude processes but not goroutines, and wait without limit. This one does both right; it is
	// held to the end because publishing must not overtake publishing either.
	unlock, err := store.Lock(ctx, filepath.Join(a.dir, lockFile), LockWait)
	if err != nil {
		return nil, err
	}
	before, err := a.inspect(ctx)
	if err != nil {
		unlock()
		return nil, err
	}
	if err := waitForeign(ctx, a.dir, LockWait); err != nil {
		unlock()
		return nil, err
	}
	ask, err := newAsked(a.witnesses)
	if err != nil {
		unlock()
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, workWait)
	ask.giveUp = cancel
	type added struct {
		index uint64
		err   error
	}
	done := make(chan added, 1)
	go func() {
		index, err := a.add(ctx, ask)
		done <- added{index, err}
	}()
	select {
	case d := <-done:
		cancel()
		defer unlock()
		if d.err != nil {
			return nil, ask.explain(d.err)
		}
		return a.readBack(ctx, d.index, before)
	case <-ctx.Done():
		// It hangs where no context reaches. The lock stays until it ends, or the process does.
		go func() { <-done; cancel(); unlock() }()
		return nil, ask.explain(fmt.Errorf("the disk, the witnesses, or another program that holds the log, do not answer as they should: %w", ctx.Err()))
	}
}

// readBack shows from the files alone that the leaf is in the log and the log is the earlier one, longer.
func (a *appending) readBack(ctx context.Context, index uint64, before *checkpoint) (*Receipt, error) {
	ctx = context.WithoutCancel(ctx) // the work is done; reading takes no time
	text, cp, err := readCheckpoint(a.dir, a.keys)
	if err != nil {
		return nil, err
	}
	if cp.by != a.keys.logs[0].text {
		return nil, forged(a.dir, "its head is signed with another key than the one that was used")
	}
	if index >= cp.Size {
		return nil, fmt.Errorf("entry %d is not under the published checkpoint of %d entries", index, cp.Size)
	}
	leaves, err := readLeaves(a.dir, index/layout.EntryBundleWidth, cp.Size)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(leaves[index%layout.EntryBundleWidth], a.leaf) {
		return nil, forged(a.dir, "entry %d is not what was written", index)
	}
	builder, err := client.NewProofBuilder(ctx, cp.Size, a.readTile)
	if err != nil {
		return nil, err
	}
	hashes, err := builder.InclusionProof(ctx, index)
	if err != nil {
		return nil, err
	}
	p := proof.TLogProof{Index: index, Checkpoint: text}
	for _, h := range hashes {
		if len(h) != sha256.Size {
			return nil, forged(a.dir, "a hash in the tiles has %d bytes", len(h))
		}
		p.Hashes = append(p.Hashes, [sha256.Size]byte(h))
	}
	file := p.Marshal()
	if _, _, err := checkProof(a.keys, file, a.leaf); err != nil {
		return nil, err
	}
	if err := a.keys.enough(cp.witnesses); err != nil {
		return nil, forged(a.dir, "checkpoint: %w", err)
	}
	if before != nil {
		if err := consistent(ctx, builder, before.Size, before.Hash, cp.Size, cp.Hash); err != nil {
			return nil, forged(a.dir, "the new tree does not continue the signed one: %w", err)
		}
	}
	return &Receipt{Index: index, Size: cp.Size, Root: rootString(cp.Hash), Checkpoint: text, Proof: file}, nil
}

func (a *appending) readTile(_ context.Context, level, index uint64, p uint8) ([]byte, error) {
	return readPartial(a.dir, maxTile, func(p uint8) string { return layout.TilePath(level, index, p) }, p)
}

// consistent says whether the tree of one size is the beginning of the other.
func consistent(ctx context.Context, b *client.ProofBuilder, small uint64, smallRoot []byte, large uint64, largeRoot []byte) error {
	if small == 0 {
		return nil
	}
	hashes, err := b.ConsistencyProof(ctx, small, large)
	if err != nil {
		return err
	}
	return merkle.VerifyConsistency(rfc6962.DefaultHasher, small, large, hashes, smallRoot, largeRoot)
}

// remedy says what to do about the usual reasons why a disk does not take a file.
func remedy(err error) string {
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return ": free space on the disk and run again"
	case errors.Is(err, syscall.EROFS), errors.Is(err, os.ErrPermission):
		return ": make the directory writable, or name another one"
	}
	return ""
}
