package engine

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"cdgate.dev/cdgate/engine/fault"
)

// ProofPath is where the inclusion proof of a record file lies: a record cannot contain its own index.
func ProofPath(record string) string { return record + ".tlog-proof" }

// vsaPath is where the verification summary of one artifact lies.
func vsaPath(record, digest string) string {
	return record + ".vsa-" + strings.TrimPrefix(digest, "sha256:")[:12] + ".sigstore.json"
}

// removeOutputs takes an earlier record and what stands beside it away, so that none survives a run that fails.
func removeOutputs(path string) error {
	if path == "" {
		return nil
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fault.New(fault.Record, "remove the old record: %w", err)
	}
	var old []string
	for _, e := range entries { // not by a pattern: the path may hold its characters
		rest, ours := strings.CutPrefix(e.Name(), filepath.Base(path)+".vsa-")
		if digest, whole := strings.CutSuffix(rest, ".sigstore.json"); ours && whole && len(digest) == 12 {
			old = append(old, filepath.Join(filepath.Dir(path), e.Name()))
		}
	}
	for _, p := range append(old, path, ProofPath(path)) {
		// A device would be gone for the whole machine.
		if info, err := os.Lstat(p); err == nil && !info.Mode().IsRegular() && info.Mode()&fs.ModeSymlink == 0 {
			return fault.New(fault.Usage, "write the record: %s is a directory, a device or a pipe; name a file with --record", p)
		}
		if err := os.Remove(p); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fault.New(fault.Record, "remove the old record: %w", err)
		}
	}
	return nil
}

// writeOutputs writes the proof, then the record, and the summaries last: whoever finds a record finds its proof.
func writeOutputs(path string, bundle, proof []byte, vsas map[string][]byte) error {
	if err := writeDurable(ProofPath(path), proof); err != nil {
		return err
	}
	if err := writeDurable(path, bundle); err != nil {
		return err
	}
	for _, digest := range sortedKeys(vsas) {
		if err := writeDurable(vsaPath(path, digest), vsas[digest]); err != nil {
			return err
		}
	}
	return nil
}

// writeDurable writes a file that is either whole or absent, also after a crash.
func writeDurable(path string, b []byte) error {
	return writeWhole(path, func(w io.Writer) error { _, err := w.Write(b); return err })
}

// writeWhole writes a file that is either whole or absent, also after a crash; an older one is replaced.
func writeWhole(path string, write func(io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fault.New(fault.Record, "write %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
			err = fault.Wrap(fault.Record, fmt.Errorf("write %s: %w", path, err))
		}
	}()
	if err = write(f); err != nil {
		return err
	}
	if err = f.Chmod(0o644); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}
