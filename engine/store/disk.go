package store

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"github.com/go-json-experiment/json"
)

// MakeDir makes a directory and what is above it, where absent, each entry durable before the next.
func MakeDir(dir string) error {
	info, err := os.Stat(dir)
	if err == nil && !info.IsDir() {
		return fmt.Errorf("%q is not a directory", dir)
	}
	if err == nil || !errors.Is(err, os.ErrNotExist) {
		return err
	}
	parent := filepath.Dir(dir)
	if err := MakeDir(parent); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return syncDir(parent)
}

// syncDir makes the entries of a directory durable: a rename alone may not survive a power cut.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// replace puts a file of the layout in place in one step.
func (s *Store) replace(name string, content []byte) error {
	b, err := s.Blob()
	if err != nil {
		return err
	}
	defer b.Abort()
	if _, err := b.Write(content); err != nil {
		return err
	}
	if err := b.file.Sync(); err != nil {
		return s.writeError("write", err)
	}
	if err := os.Rename(b.file.Name(), s.path(name)); err != nil {
		return s.writeError("write", err)
	}
	if err := syncDir(s.dir); err != nil {
		return s.writeError("write", err)
	}
	return nil
}

// checkTemp refuses a temporary directory that is a link: what is swept there would be somebody else's.
func (s *Store) checkTemp() error {
	info, err := os.Lstat(s.path(tempDir))
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%q is not a directory but a link or a file; remove it", s.path(tempDir))
	}
	return err
}

// readRegular reads a small file of the layout. A link to a device would be endless, a pipe would wait.
func readRegular(path string, limit int64) ([]byte, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%q is not a regular file", path)
	}
	if info.Size() > limit {
		return nil, tooBig("it", info.Size(), limit)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(text)) > limit {
		err = tooBig("it", int64(len(text)), limit)
	}
	return text, err
}

// sweep removes what killed writers left, if nobody is writing now.
func (s *Store) sweep() {
	if s.checkTemp() != nil {
		return
	}
	unlock, err := tryLock(s.path(tempDir, lockFile))
	if err != nil {
		return
	}
	defer unlock()
	entries, err := os.ReadDir(s.path(tempDir))
	if err != nil {
		return
	}
	for _, e := range entries {
		if e.Name() != lockFile {
			os.Remove(s.path(tempDir, e.Name())) // best effort: the next one tries again
		}
	}
}

// remedy says what to do about the usual reasons why a disk does not take a file.
func remedy(err error) string {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return ": free space on the disk and run again"
	case errors.Is(err, syscall.EFBIG):
		return ": raise the limit on file sizes and run again"
	case errors.Is(err, syscall.EROFS), errors.Is(err, os.ErrPermission):
		return ": make the directory writable, or name another one"
	}
	return ""
}

// checkLayout reads the layout file: a version that is not known may mean anything.
func checkLayout(text []byte) error {
	var v struct {
		Version string `json:"imageLayoutVersion"`
	}
	if err := json.Unmarshal(text, &v); err != nil {
		return fmt.Errorf("read %s: %w", layoutFile, err)
	}
	if v.Version != "1.0.0" {
		return fmt.Errorf("read %s: version %.40q of the image layout is not supported", layoutFile, v.Version)
	}
	return nil
}
