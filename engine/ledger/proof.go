package ledger

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math/bits"

	"cdgate.dev/cdgate/engine/fault"
	"github.com/transparency-dev/formats/log"
	"github.com/transparency-dev/formats/proof"
	merkle "github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
)

// CheckProof checks a proof file without the log: the checkpoint in it is signed with the log's key and countersigned by a
// quorum of its witnesses, and leaf is under it. It gives the index of the leaf and the number of leaves under the checkpoint. A file that is no proof is an evidence
// fault, one that proves nothing of the kind a trust fault.
//
// What it cannot see is whether the log still has the leaf: View.CheckProof does.
func CheckProof(v Verifier, proof, leaf []byte) (index, size uint64, err error) {
	k, err := v.keys()
	if err != nil {
		return 0, 0, err
	}
	p, cp, err := checkProof(k, proof, leaf)
	if err != nil {
		return 0, 0, err
	}
	if err := k.enough(cp.witnesses); err != nil {
		return 0, 0, fault.New(fault.Trust, "check log proof: %w", err)
	}
	return p.Index, cp.Size, nil
}

// ProofIndex is the entry that a proof file says it is for. Nothing else of it was checked.
func ProofIndex(file []byte) (uint64, error) {
	p, err := readProof(file)
	if err != nil {
		return 0, err
	}
	return p.Index, nil
}

// readProof reads a proof file in its one form.
func readProof(file []byte) (*proof.TLogProof, error) {
	if len(file) > MaxProof {
		return nil, fault.New(fault.Evidence, "read log proof: it has %d bytes, more than the limit of %d", len(file), MaxProof)
	}
	var p proof.TLogProof
	if err := p.Unmarshal(file); err != nil {
		return nil, fault.New(fault.Evidence, "read log proof: %w", err)
	}
	// The parser forgives line ends and numbers written in other ways; a proof has one form.
	if len(p.Hashes) > maxHashes || !bytes.Equal(p.Marshal(), file) {
		return nil, fault.New(fault.Evidence, "read log proof: it is not in the form of c2sp.org/tlog-proof@v1")
	}
	return &p, nil
}

func checkProof(k *keys, file, leaf []byte) (*proof.TLogProof, *checkpoint, error) {
	p, err := readProof(file)
	if err != nil {
		return nil, nil, err
	}
	cp, err := openCheckpoint(k, p.Checkpoint)
	if err != nil {
		return nil, nil, fault.New(fault.Trust, "check log proof: %w", err)
	}
	hashes := make([][]byte, len(p.Hashes))
	for i := range p.Hashes {
		hashes[i] = p.Hashes[i][:]
	}
	leafHash := rfc6962.DefaultHasher.HashLeaf(leaf)
	if err := merkle.VerifyInclusion(rfc6962.DefaultHasher, p.Index, cp.Size, leafHash, hashes, cp.Hash); err != nil {
		return nil, nil, fault.New(fault.Trust, "check log proof: this leaf is not entry %d of the log: %w", p.Index, err)
	}
	return p, cp, nil
}

// Prove makes the proof that the leaf with this index is in the log, under the log's head.
func (v *View) Prove(index uint64) ([]byte, error) {
	if index >= v.Size {
		return nil, fault.New(fault.Internal, "prove log entry %d: the log has %d", index, v.Size)
	}
	p := proof.TLogProof{Index: index, Checkpoint: v.Checkpoint}
	path, err := inclusion(v.hashes, index)
	if err != nil {
		return nil, fault.New(fault.Internal, "prove log entry %d: %w", index, err)
	}
	for _, h := range path {
		p.Hashes = append(p.Hashes, [sha256.Size]byte(h))
	}
	file := p.Marshal()
	_, _, err = checkProof(v.keys, file, v.Leaves[index])
	return file, err
}

// inclusion is the audit path of a leaf, from the leaf up (RFC 6962 section 2.1.1).
func inclusion(hashes [][]byte, index uint64) ([][]byte, error) {
	n := uint64(len(hashes))
	if n == 1 {
		return nil, nil
	}
	split := uint64(1) << (bits.Len64(n-1) - 1) // the largest power of two below n
	mine, other := hashes[:split], hashes[split:]
	if index >= split {
		mine, other, index = other, mine, index-split
	}
	path, err := inclusion(mine, index)
	if err != nil {
		return nil, err
	}
	root, err := rootOf(other)
	return append(path, root), err
}

var errCheckpointForm = errors.New("the checkpoint has more than name, size, root and signatures, or writes them in another form")

// checkpoint is a checkpoint that the log's key signed.
type checkpoint struct {
	*log.Checkpoint
	witnesses int    // how many known witnesses countersigned it
	by        string // the log's key that signed it
}

// openCheckpoint takes a checkpoint that the log's key signed, under the key's own name, in its one form: three lines and the
// signature, and those of witnesses. Lines beyond them would look checked and not be. A known witness's signature that does
// not hold is refused too; whether there are enough is for the caller.
func openCheckpoint(k *keys, text []byte) (*checkpoint, error) {
	cp, n, by, err := k.parse(text)
	if err != nil {
		return nil, err
	}
	if string(cp.Marshal()) != n.Text || len(cp.Hash) != rfc6962.DefaultHasher.Size() {
		return nil, errCheckpointForm
	}
	if err := k.checkForm(text, n); err != nil {
		return nil, err
	}
	return &checkpoint{Checkpoint: cp, witnesses: k.signed(n.Sigs), by: by}, nil
}

// parse reads a checkpoint that one of the log's keys signed, and says which. The error is that for the key that signs now.
func (k *keys) parse(text []byte) (*log.Checkpoint, *note.Note, string, error) {
	var first error
	for _, l := range k.logs {
		cp, _, n, err := log.ParseCheckpoint(text, l.Name(), l, k.witnesses...)
		if err == nil {
			return cp, n, l.text, nil
		}
		first = cmp.Or(first, err)
	}
	return nil, nil, "", first
}

// SignedBy is the log's key that signed the checkpoint of a proof.
func SignedBy(v Verifier, proof []byte) (key string, err error) {
	k, err := v.keys()
	if err != nil {
		return "", err
	}
	p, err := readProof(proof)
	if err != nil {
		return "", err
	}
	cp, err := openCheckpoint(k, p.Checkpoint)
	if err != nil {
		return "", fault.New(fault.Trust, "check log proof: %w", err)
	}
	return cp.by, nil
}

func rootString(hash []byte) string { return "sha256:" + hex.EncodeToString(hash) }
