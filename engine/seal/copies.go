package seal

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"

	rekornote "github.com/sigstore/rekor-tiles/v2/pkg/note"
	rekor "github.com/sigstore/rekor-tiles/v2/pkg/verify"
	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/tlog"
	"github.com/sigstore/sigstore/pkg/signature"
)

// errCopy says that what a bundle shows of a log entry is not what the log has.
var errCopy = errors.New("what the bundle says of its log entry is not what the log's checkpoint covers")

// copies checks what a verified bundle repeats of its entries in logs of the second version: the entry itself, its number and
// the checkpoint's size and root. sigstore-go makes the entry anew from the signature and proves that one, so it does not
// look at the copies. Others read them, and what looks checked must have been.
func (r *Roots) copies(b *bundle.Bundle) error {
	entries, err := b.TlogEntries()
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if !entry.IsRekorV2() {
			continue // the first version's entry is the one that is proved
		}
		if err := r.copied(entry); err != nil {
			return err
		}
	}
	return nil
}

func (r *Roots) copied(entry *tlog.Entry) error {
	log, ok := r.material.RekorLogs()[hex.EncodeToString([]byte(entry.LogKeyID()))]
	if !ok {
		return fmt.Errorf("the trusted root does not know the log %x", entry.LogKeyID())
	}
	key, err := signature.LoadVerifier(log.PublicKey, log.SignatureHashFunc)
	if err != nil {
		return err
	}
	at, err := url.Parse(log.BaseURL)
	if err != nil {
		return err
	}
	verifier, err := rekornote.NewNoteVerifier(at.Hostname(), key)
	if err != nil {
		return err
	}
	e, proof := entry.TransparencyLogEntry(), entry.TransparencyLogEntry().GetInclusionProof()
	checkpoint, err := rekor.VerifyCheckpoint(proof.GetCheckpoint().GetEnvelope(), verifier)
	if err != nil {
		return err
	}
	if rekor.VerifyInclusionProof(e, checkpoint) != nil || proof.GetLogIndex() != e.GetLogIndex() ||
		uint64(proof.GetTreeSize()) != checkpoint.Size || !bytes.Equal(proof.GetRootHash(), checkpoint.Hash) {
		return errCopy
	}
	return nil
}
