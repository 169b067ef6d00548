package ledger

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"

	"cdgate.dev/cdgate/engine/fault"
	"github.com/transparency-dev/formats/log"
	"github.com/transparency-dev/formats/proof"
	merkle "github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
)

// CheckProof checks a proof file without the log: the checkpoint in it is signed with verifierKey, and leaf is under it.
// It gives the index of the leaf and the number of leaves under the checkpoint. A file that is no proof is an evidence
// fault, one that proves nothing of the kind a trust fault.
//
// What it cannot see is whether the log still has the leaf: View.CheckProof does.
func CheckProof(verifierKey string, proof, leaf []byte) (index, size uint64, err error) {
	v, err := verifierOf(verifierKey)
	if err != nil {
		return 0, 0, err
	}
	p, cp, err := checkProof(v, proof, leaf)
	if err != nil {
		return 0, 0, err
	}
	return p.Index, cp.Size, nil
}

func checkProof(v note.Verifier, file, leaf []byte) (*proof.TLogProof, *log.Checkpoint, error) {
	if len(file) > MaxProof {
		return nil, nil, fault.New(fault.Evidence, "read log proof: it has %d bytes, more than the limit of %d", len(file), MaxProof)
	}
	var p proof.TLogProof
	if err := p.Unmarshal(file); err != nil {
		return nil, nil, fault.New(fault.Evidence, "read log proof: %w", err)
	}
	// The parser forgives line ends and numbers written in other ways; a proof has one form.
	if len(p.Hashes) > maxHashes || !bytes.Equal(p.Marshal(), file) {
		return nil, nil, fault.New(fault.Evidence, "read log proof: it is not in the form of c2sp.org/tlog-proof@v1")
	}
	cp, err := openCheckpoint(v, p.Checkpoint)
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
	return &p, cp, nil
}

var errCheckpointForm = errors.New("the checkpoint has more than name, size, root and one signature, or writes them in another form")

// openCheckpoint takes a checkpoint that the key signed, under the key's own name, in its one form: three lines and one
// signature. Lines and signatures beyond them would look checked and not be.
func openCheckpoint(v note.Verifier, text []byte) (*log.Checkpoint, error) {
	cp, _, n, err := log.ParseCheckpoint(text, v.Name(), v)
	if err != nil {
		return nil, err
	}
	if string(cp.Marshal()) != n.Text || len(cp.Hash) != rfc6962.DefaultHasher.Size() ||
		string(text) != n.Text+"\n— "+n.Sigs[0].Name+" "+n.Sigs[0].Base64+"\n" {
		return nil, errCheckpointForm
	}
	if _, err := base64.StdEncoding.Strict().DecodeString(n.Sigs[0].Base64); err != nil {
		return nil, errCheckpointForm
	}
	return cp, nil
}

func rootString(hash []byte) string { return "sha256:" + hex.EncodeToString(hash) }
