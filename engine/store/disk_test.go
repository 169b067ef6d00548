//go:build linux

package store

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"cdgate.dev/cdgate/engine/fault"
)

// tmpfs mounts a small file system of its own, or skips where that is not allowed.
func tmpfs(t *testing.T, options string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		t.Skipf("SKIPPED: mounting a small disk needs root in a container that allows it (%v); a full disk is not tried here", err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}

func recordFault(t *testing.T, what string, err error) {
	t.Helper()
	if err == nil || fault.ClassOf(err) != fault.Record {
		t.Errorf("%s: %v (class %v), want a record fault", what, err, fault.ClassOf(err))
	}
}

// The disk gets full at every moment in turn: before each try all space but a few blocks is taken.
func TestFullDisk(t *testing.T) {
	dir := tmpfs(t, "size=512k,nr_inodes=200")
	full := 0
	for blocks := range 14 {
		s, err := Create(filepath.Join(dir, "store"))
		if err != nil {
			t.Fatal(err)
		}
		before := index(t, s)
		fill(t, dir, blocks)
		o, err := tryObject(s, strings.Repeat("x", blocks))
		if err == nil {
			_, err = s.Add(ctx, o)
		}
		after := index(t, s)
		if err != nil {
			full++
			recordFault(t, "full disk", err)
			if !strings.Contains(err.Error(), "free space") {
				t.Errorf("the error does not say what to do: %v", err)
			}
			if after.Digest != before.Digest {
				t.Errorf("%d blocks: refused, and yet the root changed", blocks)
			}
		} else if len(after.Entries) != len(before.Entries)+1 {
			t.Errorf("%d blocks: acknowledged and not there", blocks)
		}
		if left := tempFiles(t, s); len(left) != 0 {
			t.Errorf("%d blocks: half-written files: %v", blocks, left)
		}
		os.Remove(filepath.Join(dir, "filler"))
		if err != nil { // twin: with space it works
			o := object(t, s, strings.Repeat("x", blocks))
			add(t, s, o)
		}
	}
	if full < 3 {
		t.Errorf("the disk was full in %d tries only", full)
	}
	fill(t, dir, 0)
	_, err := Create(filepath.Join(dir, "other"))
	recordFault(t, "new store on a full disk", err)
	os.Remove(filepath.Join(dir, "filler"))
	if _, err := Create(filepath.Join(dir, "other")); err != nil {
		t.Errorf("twin: %v", err)
	}
}

// fill takes all space of the disk but some blocks of 4 KiB.
func fill(t *testing.T, dir string, blocks int) {
	t.Helper()
	f, err := os.Create(filepath.Join(dir, "filler"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var size int64
	for block := bytes.Repeat([]byte{1}, 4096); ; size += 4096 {
		if _, err := f.WriteAt(block, size); err != nil {
			break
		}
	}
	if err := f.Truncate(max(0, size-int64(blocks)*4096)); err != nil {
		t.Fatal(err)
	}
}

func TestReadOnlyDisk(t *testing.T) {
	dir := tmpfs(t, "size=1m")
	s, err := Create(filepath.Join(dir, "store"))
	if err != nil {
		t.Fatal(err)
	}
	o := object(t, s, "a")
	add(t, s, o)
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, "size=1m"); err != nil {
		t.Skipf("SKIPPED: remounting read-only is not allowed (%v)", err)
	}
	if s, err = Create(s.Dir()); err != nil || len(index(t, s).Entries) != 1 {
		t.Errorf("a store on a read-only disk cannot be read: %v", err)
	}
	_, err = s.Write([]byte("x"))
	recordFault(t, "write", err)
	if err != nil && !strings.Contains(err.Error(), "writable") {
		t.Errorf("the error does not say what to do: %v", err)
	}
	_, err = s.Add(ctx, o)
	recordFault(t, "add", err)
	_, err = Create(filepath.Join(dir, "new"))
	recordFault(t, "create", err)
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, "size=1m"); err != nil {
		t.Fatal(err)
	}
	add(t, s, object(t, s, "b")) // twin
}

// The limit holds for a process, so another one tries.
func TestLimitOnFileSize(t *testing.T) {
	s := newStore(t)
	cmd := startWriter(t, s.Dir(), "limit:", 0)
	if out, err := cmd.Output(); err != nil || string(out) != "ok\n" {
		t.Errorf("%s%v", out, err)
	}
	if left := tempFiles(t, s); len(left) != 0 {
		t.Errorf("half-written files: %v", left)
	}
}

// limited writes a blob above and one below a limit on file sizes; it is run by the writer process.
func limited(dir string) error {
	s, err := Open(dir)
	if err != nil {
		return err
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 1000, Max: 1000}); err != nil {
		return err
	}
	if _, err := s.Write(make([]byte, 2000)); fault.ClassOf(err) != fault.Record || !strings.Contains(err.Error(), "raise the limit") {
		return fmt.Errorf("over the limit on file sizes: %v, want a record fault", err)
	}
	_, err = s.Write(make([]byte, 500)) // twin
	return err
}

// Tests run as root too, whom permissions do not stop: a file where a directory should be does.
func TestFileInPlaceOfDirectory(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := Create(file)
	recordFault(t, "a file as store", err)
	if _, err = Open(file); err == nil || fault.ClassOf(err) != fault.Usage {
		t.Errorf("a file opened as store: %v", err)
	}
	_, err = Create(filepath.Join(file, "store"))
	recordFault(t, "a store below a file", err)
	for _, part := range []string{tempDir, "blobs/sha256"} {
		s := newStore(t)
		o := object(t, s, "a")
		before := index(t, s).Digest
		if err := os.Rename(s.path(part), s.path("aside")); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(s.path(part), nil, 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := s.Write([]byte("x"))
		recordFault(t, part, err)
		os.Remove(s.path(part))
		os.Rename(s.path("aside"), s.path(part))
		if index(t, s).Digest != before {
			t.Errorf("%s: the root changed", part)
		}
		add(t, s, o) // twin
	}
}
