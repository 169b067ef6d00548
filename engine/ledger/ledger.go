// Package ledger appends to the decision log and reads it back, verified. It is the only door to the log library.
//
// The log is a directory of tiles (c2sp.org/tlog-tiles) written by Tessera, with a checkpoint signed by a key of its
// own. What the signature covers is the RFC 6962 tree over all leaves, so nobody without the key can change, drop or
// reorder one. Whoever has the directory can still put an older copy back, or delete it: that shows as soon as a proof
// kept elsewhere, beside each record, is held against it (View.CheckProof).
package ledger

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"cdgate.dev/cdgate/engine/fault"
	"golang.org/x/mod/sumdb/note"
)

var (
	// ErrNotFound says that there is no log in the directory (record fault; a trust fault for a caller who holds a proof).
	ErrNotFound = errors.New("no log here")
	// ErrEmpty says that the log has no entry yet (record fault; a trust fault for a caller who holds a proof).
	ErrEmpty = errors.New("the log is empty")
)

// Limits on what is appended and read.
const (
	// MaxLeaf is the size of a leaf in bytes, that of c2sp.org/tlog-tiles.
	MaxLeaf = 1<<16 - 1
	// MaxProof is the size of a proof file in bytes.
	MaxProof = 64 << 10
	// maxCheckpoint and maxState bound the small files of a log, maxBundle one file of up to 256 leaves.
	maxCheckpoint = 64 << 10
	maxState      = 4 << 10
	maxBundle     = 256 * (MaxLeaf + 2)
	maxTile       = 256 * 32
	// maxHashes is how many hashes an inclusion proof can have.
	maxHashes = 64
)

const (
	// LockWait is how long Append waits for other writers, unless its context ends earlier.
	LockWait = 30 * time.Second
	// workWait is how long the appending itself may take once nobody else writes.
	workWait = 20 * time.Second
)

// Receipt is what shows that a leaf is in the log.
type Receipt struct {
	Index      uint64 // of the leaf, from 0
	Size       uint64 // leaves under the checkpoint
	Root       string // "sha256:<64 hex>" of the RFC 6962 tree under the checkpoint
	Checkpoint []byte // signed note, c2sp.org/tlog-checkpoint
	Proof      []byte // c2sp.org/tlog-proof@v1: index, inclusion proof and checkpoint in one file
}

// GenerateKey makes an Ed25519 note key for the log called name (without spaces and plus signs). Both keys are one line
// of text, as in c2sp.org/signed-note.
func GenerateKey(name string) (privateKey, verifierKey string, err error) {
	if name == "" || strings.ContainsAny(name, "+ \t\r\n") || len(name) > 200 {
		return "", "", fault.New(fault.Usage, "generate log key: the name %.200q is empty, too long or has spaces or plus signs", name)
	}
	privateKey, verifierKey, err = note.GenerateKey(rand.Reader, name)
	if err != nil {
		return "", "", fault.New(fault.Internal, "generate log key: %w", err)
	}
	if _, err := note.NewSigner(privateKey); err != nil {
		return "", "", fault.New(fault.Usage, "generate log key %q: %w", name, err)
	}
	return privateKey, verifierKey, nil
}

// VerifierKey derives the verifier key from the private key.
func VerifierKey(privateKey string) (string, error) {
	privateKey = strings.TrimSpace(privateKey)
	// NewSigner checks the name, the hash and the algorithm; it does not give the public key.
	s, err := note.NewSigner(privateKey)
	if err != nil {
		return "", fault.New(fault.Usage, "read private log key: it is no note key (PRIVATE+KEY+name+hash+key): %w", err)
	}
	// PRIVATE+KEY+name+hash+key; the base64 of the key may have plus signs of its own.
	raw, err := base64.StdEncoding.DecodeString(strings.SplitN(privateKey, "+", 5)[4])
	if err != nil || len(raw) != 1+ed25519.SeedSize {
		return "", fault.New(fault.Usage, "read private log key of %q: it is no Ed25519 key", s.Name())
	}
	public := ed25519.NewKeyFromSeed(raw[1:]).Public().(ed25519.PublicKey)
	key, err := note.NewEd25519VerifierKey(s.Name(), public)
	if err != nil {
		return "", fault.New(fault.Usage, "read private log key of %q: %w", s.Name(), err)
	}
	return key, nil
}

func verifierOf(verifierKey string) (note.Verifier, error) {
	v, err := note.NewVerifier(strings.TrimSpace(verifierKey))
	if err != nil {
		return nil, fault.New(fault.Usage, "read log key %.200q: it is no note key (name+hash+key): %w", verifierKey, err)
	}
	return v, nil
}

func forged(dir, format string, args ...any) error {
	return fault.New(fault.Trust, "read log %q: %w", dir, fmt.Errorf(format, args...))
}
