package collect

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
)

// Blob is bytes on their way into a store. Commit makes them durable under their digest; Abort forgets them, and does
// nothing after a Commit.
type Blob interface {
	io.Writer
	Commit() (digest string, size int64, err error)
	Abort()
}

// Spool is where reports and rows are written while they are read.
type Spool interface {
	// Blob starts a new blob.
	Blob() (Blob, error)
}

// ErrMemory says that a Memory is full.
var ErrMemory = errors.New("reports need more memory than allowed")

// Memory is a Spool in memory, for looking at reports without storing them. Limit is the number of bytes it may hold in
// all; zero means none at all. It is not safe for concurrent use.
type Memory struct {
	Limit int64
	used  int64
	blobs map[string][]byte
}

// Blob starts a blob in memory.
func (m *Memory) Blob() (Blob, error) { return &memoryBlob{m: m}, nil }

// Read returns a committed blob. The caller must not change it.
func (m *Memory) Read(digest string) ([]byte, bool) {
	b, ok := m.blobs[digest]
	return b, ok
}

type memoryBlob struct {
	m    *Memory
	buf  bytes.Buffer
	done bool
}

func (b *memoryBlob) Write(p []byte) (int, error) {
	if b.m.used+int64(len(p)) > b.m.Limit {
		return 0, fmt.Errorf("keep %d bytes of reports in memory: %w; name fewer or smaller reports", b.m.Limit, ErrMemory)
	}
	b.m.used += int64(len(p))
	return b.buf.Write(p)
}

func (b *memoryBlob) Commit() (string, int64, error) {
	if b.done {
		return "", 0, errors.New("commit a blob twice")
	}
	b.done = true
	sum := sha256.Sum256(b.buf.Bytes())
	digest := "sha256:" + hex.EncodeToString(sum[:])
	if b.m.blobs == nil {
		b.m.blobs = map[string][]byte{}
	}
	b.m.blobs[digest] = b.buf.Bytes()
	return digest, int64(b.buf.Len()), nil
}

func (b *memoryBlob) Abort() {
	if !b.done {
		b.done = true
		b.m.used -= int64(b.buf.Len())
		b.buf = bytes.Buffer{}
	}
}

// Discard is a Spool that keeps nothing but digests.
type Discard struct{}

// Blob starts a blob that only counts and hashes.
func (Discard) Blob() (Blob, error) { return &discardBlob{h: sha256.New()}, nil }

type discardBlob struct {
	h hash.Hash
	n int64
}

func (b *discardBlob) Write(p []byte) (int, error) {
	b.n += int64(len(p))
	return b.h.Write(p)
}

func (b *discardBlob) Commit() (string, int64, error) {
	return "sha256:" + hex.EncodeToString(b.h.Sum(nil)), b.n, nil
}

func (b *discardBlob) Abort() {}
