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
// objects have the same root whatever the order of writing. Every read hashes what it read.
package store

import (
	"context"
	"errors"
	"io"
)

// The kinds of objects, used as artifactType of their manifests.
const (
	TypeItem       = "application/vnd.cdgate.item.v1+json"
	TypeCollection = "application/vnd.cdgate.collection.v1+json"
	TypeSignoff    = "application/vnd.cdgate.signoff.v1+json"
	TypeRecord     = "application/vnd.cdgate.record.v1+json"
)

var (
	// ErrNotFound says that there is no store in the directory; callers that may start one use Create.
	ErrNotFound = errors.New("no store here")
	// ErrMissing says that a digest is not in the store.
	ErrMissing = errors.New("not in the store")
	// ErrCorrupt says that bytes in the store are not those their digest promises; errors with it are trust faults.
	ErrCorrupt = errors.New("bytes do not match their digest")
)

// Store is an OCI image layout directory. Its methods may be called from several goroutines.
type Store struct {
	dir string
}

// Layer is one blob of an object, for instance the statement or the raw report.
type Layer struct {
	Name      string // file name for people, org.opencontainers.image.title
	MediaType string
	Digest    string // "sha256:<64 hex>"
	Size      int64  // bytes
}

// Object is a set of blobs that belong together. Annotations help to find it and never decide anything.
type Object struct {
	Type        string
	Annotations map[string]string
	Layers      []Layer
	Subject     string // digest of the manifest this object belongs to, or ""
}

// Entry is an object with the digest of its manifest.
type Entry struct {
	Digest string
	Object
}

// Index is the content of one root: its digest and its objects, sorted by digest.
type Index struct {
	Digest  string
	Entries []Entry
}

// Create opens the store in dir and makes one where there is none.
func Create(dir string) (*Store, error) { return nil, errors.ErrUnsupported }

// Open opens the store in dir; ErrNotFound when there is none.
func Open(dir string) (*Store, error) { return nil, errors.ErrUnsupported }

// Blob is a blob being written.
type Blob struct{}

// Blob starts a blob; the caller ends it with Commit or Abort.
func (s *Store) Blob() (*Blob, error) { return nil, errors.ErrUnsupported }

// Write appends to the blob.
func (b *Blob) Write(p []byte) (int, error) { return 0, errors.ErrUnsupported }

// Commit makes the blob durable and gives its digest and size in bytes.
func (b *Blob) Commit() (digest string, size int64, err error) { return "", 0, errors.ErrUnsupported }

// Abort drops the blob; after Commit it does nothing.
func (b *Blob) Abort() {}

// Write stores b durably and gives its digest.
func (s *Store) Write(b []byte) (digest string, err error) { return "", errors.ErrUnsupported }

// Read gives the blob with the digest, hashed again. A blob above limit bytes is an evidence fault, ErrMissing one that
// is not there, ErrCorrupt (trust fault) one that was altered.
func (s *Store) Read(digest string, limit int64) ([]byte, error) { return nil, errors.ErrUnsupported }

// OpenBlob streams a blob; the reader's last Read gives ErrCorrupt instead of io.EOF when the bytes were altered.
func (s *Store) OpenBlob(digest string) (io.ReadCloser, int64, error) {
	return nil, 0, errors.ErrUnsupported
}

// Add puts objects into the root index and gives the digests of their manifests, in the order of objs.
func (s *Store) Add(ctx context.Context, objs ...Object) (digests []string, err error) {
	return nil, errors.ErrUnsupported
}

// Index reads the newest root.
func (s *Store) Index() (*Index, error) { return nil, errors.ErrUnsupported }

// IndexAt reads the root, or the sealed index, with this digest.
func (s *Store) IndexAt(root string) (*Index, error) { return nil, errors.ErrUnsupported }

// Seal writes an index over the given manifests and gives its digest, which does not depend on their order.
func (s *Store) Seal(entries []string) (digest string, err error) { return "", errors.ErrUnsupported }
