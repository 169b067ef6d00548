// Package store keeps statements and reports by content in an OCI image layout directory that several processes write
// at once. It is the only door to OCI.
//
// What is in the layout, and why it is safe to read it while others write:
//
//	oci-layout            the version of the layout
//	index.json            one descriptor, named "bundle", of the newest root index; replaced in one rename
//	blobs/sha256/<hex>    everything: statements, rows, reports, manifests, root indexes; never changed, never removed
//	.lock                 held while the root changes; holds the name of the process that has it
//	.tmp/                 blobs being written
//
// A root index lists the manifests of all objects in the order of their digests, so that two stores with the same
// objects have the same root whatever the order of writing. Every read hashes what it read. The writer is our own: the
// one of oras-go loses entries when several processes write; its reader and every other OCI tool read the result.
package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"cdgate.dev/cdgate/engine/fault"
)

// The kinds of objects, used as artifactType of their manifests.
const (
	TypeItem       = "application/vnd.cdgate.item.v1+json"
	TypeCollection = "application/vnd.cdgate.collection.v1+json"
	TypeSignoff    = "application/vnd.cdgate.signoff.v1+json"
	TypeRecord     = "application/vnd.cdgate.record.v1+json"
	// TypeAttestation is that of an attestation of another tool, whose one layer is its bytes as they came.
	TypeAttestation = "application/vnd.cdgate.attestation.v1+json"
	// TypeBundle is the artifactType of root and sealed indexes.
	TypeBundle = "application/vnd.cdgate.bundle.v1+json"
)

// Limits; what is beyond them is an evidence fault.
const (
	// MaxIndex is the size in bytes of index.json and of a root index.
	MaxIndex = 64 << 20
	// MaxManifest is the size of an object's manifest in bytes.
	MaxManifest = 1 << 20
)

// LockWait is how long a writer waits for the others before it gives up, unless its context ends earlier.
const LockWait = 30 * time.Second

var (
	// ErrNotFound says that there is no store in the directory; callers that may start one use Create.
	ErrNotFound = errors.New("no store here")
	// ErrMissing says that a digest is not in the store.
	ErrMissing = errors.New("not in the store")
	// ErrCorrupt says that bytes in the store are not those their digest promises; errors with it are trust faults.
	ErrCorrupt = errors.New("the bytes do not match their digest")
)

const (
	layoutFile    = "oci-layout"
	layoutContent = `{"imageLayoutVersion":"1.0.0"}`
	indexFile     = "index.json"
	lockFile      = ".lock"
	tempDir       = ".tmp"
)

// Store is an OCI image layout directory. Its methods may be called from several goroutines and processes.
type Store struct {
	dir string
}

// Dir is the directory of the store.
func (s *Store) Dir() string { return s.dir }

// Open opens the store in dir; ErrNotFound (usage fault) when there is none.
func Open(dir string) (*Store, error) {
	s := &Store{dir: dir}
	text, err := readRegular(s.path(layoutFile), MaxManifest)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fault.New(fault.Usage, "open store %q: %w: run collect first, or name another directory", dir, ErrNotFound)
	}
	if errors.Is(err, syscall.ENOTDIR) {
		return nil, fault.New(fault.Usage, "open store %q: %w: name a directory", dir, err)
	}
	if err != nil {
		return nil, fault.New(fault.Evidence, "open store %q: %w", dir, err)
	}
	if err := checkLayout(text); err != nil {
		return nil, fault.New(fault.Evidence, "open store %q: %w", dir, err)
	}
	return s, nil
}

// Create opens the store in dir and makes one where there is none. Several processes may do so at once. A directory with
// other files in it is a usage fault, a disk that does not take the store a record fault.
func Create(dir string) (*Store, error) {
	s, err := Open(dir)
	switch {
	case errors.Is(err, syscall.ENOTDIR):
		return nil, fault.New(fault.Record, "create store %q: %w: name a directory", dir, errors.Unwrap(err))
	case err == nil || !errors.Is(err, ErrNotFound):
		return s, err
	}
	s = &Store{dir: dir}
	if err := s.checkOurs(); err != nil {
		return nil, err
	}
	for _, d := range []string{s.path("blobs", "sha256"), s.path(tempDir)} {
		if err := MakeDir(d); err != nil {
			return nil, s.writeError("create", err)
		}
	}
	unlock, err := Lock(context.Background(), s.path(lockFile), LockWait)
	if err != nil {
		return nil, s.writeError("create", err)
	}
	defer unlock()
	// The layout file comes last: where it is, the rest is complete.
	if _, err := os.Lstat(s.path(indexFile)); errors.Is(err, os.ErrNotExist) {
		if err := s.writeRoot(nil, nil); err != nil {
			return nil, err
		}
	}
	if err := s.replace(layoutFile, []byte(layoutContent)); err != nil {
		return nil, err
	}
	return Open(dir)
}

// checkOurs says whether the directory may become a store: it is absent, empty, or a store whose making was cut short.
func (s *Store) checkOurs() error {
	entries, err := os.ReadDir(s.dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return s.writeError("create", err)
	}
	for _, e := range entries {
		switch e.Name() {
		case "blobs", indexFile, lockFile, tempDir, layoutFile:
		default:
			return fault.New(fault.Usage, "create store %q: there are other files, %q for one; name a directory of its own", s.dir, e.Name())
		}
	}
	return nil
}

func (s *Store) path(parts ...string) string {
	return filepath.Join(append([]string{s.dir}, parts...)...)
}

// blobPath is the file of a digest, or "" for a digest that is none: paths are never made of unchecked text.
func (s *Store) blobPath(digest string) string {
	hex, ok := strings.CutPrefix(digest, "sha256:")
	if !ok || len(hex) != 64 || strings.Trim(hex, "0123456789abcdef") != "" {
		return ""
	}
	return s.path("blobs", "sha256", hex)
}

// writeError is the record fault of a write that did not work, with what to do about it.
func (s *Store) writeError(verb string, err error) error {
	if f := (*fault.Error)(nil); errors.As(err, &f) {
		return err
	}
	return fault.New(fault.Record, "%s store %q: %w%s", verb, s.dir, err, remedy(err))
}

func badDigest(digest string) error {
	return fault.New(fault.Evidence, "read blob: %.80q is no digest (sha256:<64 lower-case hex digits>)", digest)
}

// wrapRead names the blob an error is about.
func (s *Store) wrapRead(digest string, err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return fault.New(fault.Evidence, "read %s of store %q: %w", digest, s.dir, ErrMissing)
	}
	return fault.New(fault.Evidence, "read %s of store %q: %w", digest, s.dir, err)
}

func (s *Store) corrupt(digest string) error {
	return fault.New(fault.Trust, "read %s of store %q: %w: somebody or the disk altered it", digest, s.dir, ErrCorrupt)
}

func tooBig(what string, size, limit int64) error {
	return fmt.Errorf("%s has %d bytes, more than the limit of %d", what, size, limit)
}
