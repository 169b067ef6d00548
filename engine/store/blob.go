package store

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"

	"cdgate.dev/cdgate/engine/fault"
)

// Blob is a blob being written: an io.Writer that ends with Commit or Abort.
type Blob struct {
	store  *Store
	file   *os.File
	hash   hash.Hash
	size   int64
	err    error  // of an earlier Write; nothing is committed after it
	unlock func() // of the temporary directory
}

// Blob starts a blob. Until Commit nothing of it can be seen; a process that dies leaves only a temporary file, which a
// later Add removes.
func (s *Store) Blob() (*Blob, error) {
	if err := MakeDir(s.path(tempDir)); err != nil {
		return nil, s.writeError("write", err)
	}
	if err := s.checkTemp(); err != nil {
		return nil, s.writeError("write", err)
	}
	// Shared: as long as anybody writes, nobody clears the directory.
	unlock, err := share(s.path(tempDir, lockFile))
	if err != nil {
		return nil, s.writeError("write", err)
	}
	name := s.path(tempDir, rand.Text())
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		unlock()
		return nil, s.writeError("write", err)
	}
	return &Blob{store: s, file: f, hash: sha256.New(), unlock: unlock}, nil
}

// Write appends p to the blob.
func (b *Blob) Write(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	if b.file == nil {
		return 0, fault.New(fault.Internal, "write blob: it is committed or aborted")
	}
	n, err := b.file.Write(p)
	b.hash.Write(p[:n])
	b.size += int64(n)
	if err != nil {
		b.err = b.store.writeError("write", err)
	}
	return n, b.err
}

// Digest is the digest of what was written so far.
func (b *Blob) Digest() string { return "sha256:" + hex.EncodeToString(b.hash.Sum(nil)) }

// Commit makes the blob durable (file, then directory) and gives its digest and its size in bytes. After an error the
// blob is gone.
func (b *Blob) Commit() (digest string, size int64, err error) {
	if b.file == nil {
		return "", 0, fault.New(fault.Internal, "commit blob: it is committed or aborted")
	}
	defer b.Abort()
	if b.err != nil {
		return "", 0, b.err
	}
	// An fsync that reported an error once may report success the next time although data was lost: no second attempt.
	if err := b.file.Sync(); err != nil {
		return "", 0, b.store.writeError("write", err)
	}
	if err := b.file.Close(); err != nil {
		return "", 0, b.store.writeError("write", err)
	}
	digest = b.Digest()
	if err := os.Rename(b.file.Name(), b.store.blobPath(digest)); err != nil {
		return "", 0, b.store.writeError("write", err)
	}
	if err := syncDir(b.store.path("blobs", "sha256")); err != nil {
		return "", 0, b.store.writeError("write", err)
	}
	return digest, b.size, nil
}

// Abort drops the blob; after Commit it does nothing.
func (b *Blob) Abort() {
	if b.file == nil {
		return
	}
	b.file.Close()           // best effort: closed already after a commit
	os.Remove(b.file.Name()) // best effort: renamed already after a commit
	b.file = nil
	b.unlock()
}

// Write stores b durably and gives its digest.
func (s *Store) Write(b []byte) (digest string, err error) {
	w, err := s.Blob()
	if err != nil {
		return "", err
	}
	defer w.Abort()
	if _, err := w.Write(b); err != nil {
		return "", err
	}
	digest, _, err = w.Commit()
	return digest, err
}

// Read gives the blob with the digest, hashed again. A blob above limit bytes is an evidence fault, ErrMissing one that
// is not there (evidence fault; the caller knows whether somebody promised it), ErrCorrupt (trust fault) an altered one.
func (s *Store) Read(digest string, limit int64) ([]byte, error) {
	r, size, err := s.OpenBlob(digest)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	if size > limit {
		return nil, s.wrapRead(digest, tooBig("the blob", size, limit))
	}
	var out bytes.Buffer
	out.Grow(int(size) + bytes.MinRead)
	if _, err := out.ReadFrom(r); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// OpenBlob streams a blob and gives its size in bytes. The reader's last Read gives ErrCorrupt (trust fault) instead of
// io.EOF when the bytes are not those of the digest: nothing read before io.EOF may be believed.
func (s *Store) OpenBlob(digest string) (io.ReadCloser, int64, error) {
	path := s.blobPath(digest)
	if path == "" {
		return nil, 0, badDigest(digest)
	}
	// Opening a pipe would wait for its writer.
	info, err := os.Lstat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("it is not a regular file")
	}
	if err != nil {
		return nil, 0, s.wrapRead(digest, err)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, s.wrapRead(digest, err)
	}
	return &verifying{store: s, digest: digest, file: f, left: info.Size(), hash: sha256.New()}, info.Size(), nil
}

// verifying hashes what it reads and compares at the end of the file. It reads the size the file had when it was opened
// and one byte more, so that a file that grows is altered and not endless.
type verifying struct {
	store  *Store
	digest string
	file   *os.File
	left   int64
	hash   hash.Hash
	err    error
}

func (v *verifying) Read(p []byte) (int, error) {
	if v.err != nil {
		return 0, v.err
	}
	n, err := v.file.Read(p)
	v.hash.Write(p[:n])
	v.left -= int64(n)
	switch {
	case v.left < 0:
		v.err = v.store.corrupt(v.digest)
		return 0, v.err
	case err == io.EOF && "sha256:"+hex.EncodeToString(v.hash.Sum(nil)) != v.digest:
		v.err = v.store.corrupt(v.digest)
	case err == io.EOF:
		v.err = io.EOF
	case err != nil:
		v.err = fault.New(fault.Evidence, "read %s of store %q: %w", v.digest, v.store.dir, err)
	}
	return n, v.err
}

func (v *verifying) Close() error {
	if err := v.file.Close(); err != nil {
		return fmt.Errorf("close %s: %w", v.digest, err)
	}
	return nil
}
