//go:build unix

package collect

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestLinksAndDevices: symbolic links inside the tree are followed, others are refused; pipes and devices are never
// waited for.
func TestLinksAndDevices(t *testing.T) {
	outside := tree(t, map[string]string{"secret.xml": goodTests})
	dir := tree(t, map[string]string{"real/a.xml": goodTests, "w/b.xml": goodTests, "g/c.xml": goodTests})
	link := func(target, name string) {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	link("real/a.xml", "inside.xml")
	link("real", "insidedir")
	link(filepath.Join(outside, "secret.xml"), "out.xml")
	link(outside, "outdir")
	link("../real/a.xml", "w/in.xml")
	link("../real", "w/dir")
	link(filepath.Join(outside, "secret.xml"), "g/out.xml")
	link("/dev/zero", "zero.xml")
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe.xml"), 0o600); err != nil {
		t.Fatal(err)
	}
	for arg, want := range map[string]string{
		"inside.xml": "tests/unit:inside.xml", "insidedir": "tests/unit:insidedir/a.xml", "w": "tests/unit:w/b.xml tests/unit:w/in.xml",
		filepath.Join(outside, "secret.xml"): "tests/unit:secret.xml", outside: "tests/unit:secret.xml", outside + "/*.xml": "tests/unit:secret.xml",
	} {
		if items, _, err := collectIn(t, dir, arg); err != nil || names(items) != want {
			t.Errorf("%s: got %s, %v; want %s", arg, names(items), err, want)
		}
	}
	for arg, want := range map[string]string{
		"out.xml": "leads out", "outdir": "leads out", "outdir/secret.xml": "leads out", "g": "leads out", "g/*.xml": "leads out", "pipe.xml": "no regular file",
		"*ipe.xml": "no regular file", "zero.xml": "leads out", "/dev/zero": "no regular file", "/dev/null": "no regular file",
	} {
		done := make(chan error, 1)
		go func() {
			_, err := Collect(context.Background(), Request{Args: []string{arg}, Dir: dir, Spool: Discard{}})
			done <- err
		}()
		select {
		case err := <-done:
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error %v, want %q", arg, err, want)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("%s: still waiting", arg)
		}
	}
}
