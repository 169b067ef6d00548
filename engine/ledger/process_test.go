//go:build linux

package ledger

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"cdgate.dev/cdgate/engine/fault"
)

// The test binary runs itself as a writer: CDGATE_TEST_WRITER is "DIR KEY NAME COUNT".
func TestMain(m *testing.M) {
	if task := os.Getenv("CDGATE_TEST_WRITER"); task != "" {
		if err := writer(strings.Fields(task)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// writer appends COUNT leaves called NAME-0 … and says each that was acknowledged; NAME "hold" takes Tessera's lock.
func writer(task []string) error {
	if task[2] == "hold" {
		return hold(filepath.Join(task[0], ".state", "treeState.lock"))
	}
	n, err := strconv.Atoi(task[3])
	if err != nil {
		return err
	}
	for i := range n {
		leaf := fmt.Sprintf("%s-%d", task[2], i)
		r, err := Append(context.Background(), task[0], task[1], Witnesses{}, []byte(leaf))
		if err != nil {
			return err
		}
		fmt.Printf("%s %d\n", leaf, r.Index)
	}
	return nil
}

func hold(file string) error {
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err := syscall.FcntlFlock(f.Fd(), syscall.F_SETLK, &syscall.Flock_t{Type: syscall.F_WRLCK, Whence: io.SeekStart}); err != nil {
		return err
	}
	fmt.Println("held")
	select {}
}

func startWriter(t testing.TB, l *testLog, name string, count int) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), fmt.Sprintf("CDGATE_TEST_WRITER=%s %s %s %d", l.dir, l.private, name, count))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	return cmd, &stderr
}

func TestEightProcessesAppendAtOnce(t *testing.T) {
	const writers, each = 8, 3
	l := newLog(t, 0)
	var cmds []*exec.Cmd
	var errs []*bytes.Buffer
	start := time.Now()
	for w := range writers {
		cmd, stderr := startWriter(t, l, fmt.Sprint("w", w), each)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		cmds, errs = append(cmds, cmd), append(errs, stderr)
	}
	for i, cmd := range cmds {
		if err := cmd.Wait(); err != nil {
			t.Errorf("%v: %s", err, errs[i])
		}
		if errs[i].Len() > 0 {
			t.Errorf("the log library writes to stderr: %s", errs[i])
		}
	}
	t.Logf("%d processes, %d entries each: %v", writers, each, time.Since(start))
	v := l.read(t)
	seen := map[string]bool{}
	for _, leaf := range v.Leaves {
		seen[string(leaf)] = true
	}
	if v.Size != writers*each || len(seen) != writers*each {
		t.Errorf("%d entries, %d different, want %d", v.Size, len(seen), writers*each)
	}
}

// Writers are killed at random moments: the log verifies, holds whatever was acknowledged where it was said to be, and
// goes on.
func TestKilledWriters(t *testing.T) {
	kills := 60
	if testing.Short() {
		kills = 20
	}
	l := newLog(t, 0)
	random := rand.New(rand.NewPCG(3, 4))
	acknowledged := map[string]uint64{}
	for i := range kills {
		cmd, stderr := startWriter(t, l, fmt.Sprint("k", i), 1000)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		timer := time.AfterFunc(time.Duration(10+random.IntN(40))*time.Millisecond, func() { cmd.Process.Kill() })
		for lines := bufio.NewScanner(out); lines.Scan(); {
			var leaf string
			var index uint64
			if n, _ := fmt.Sscanf(lines.Text(), "%s %d", &leaf, &index); n == 2 {
				acknowledged[leaf] = index
			}
		}
		if cmd.Wait(); stderr.Len() > 0 {
			t.Fatalf("kill %d: %s", i, stderr)
		}
		timer.Stop()
		if len(acknowledged) == 0 {
			continue
		}
		v, err := Read(ctx, l.dir, l.verifier)
		if err != nil {
			t.Fatalf("kill %d: %v", i, err)
		}
		for leaf, index := range acknowledged {
			if index >= v.Size || string(v.Leaves[index]) != leaf {
				t.Fatalf("kill %d: acknowledged entry %s is not at %d of %d", i, leaf, index, v.Size)
			}
		}
	}
	if len(acknowledged) < kills/10 {
		t.Errorf("only %d entries were acknowledged in %d runs: the kills come too early to show anything", len(acknowledged), kills)
	}
	l.append(t, "last")
	t.Logf("%d acknowledged of %d entries after %d kills", len(acknowledged), l.read(t).Size, kills)
}

// Whoever holds a lock is named, and nobody waits for ever.
func TestLockedLog(t *testing.T) {
	l := newLog(t, 1)
	cmd, stderr := startWriter(t, l, "hold", 0)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if !bufio.NewScanner(out).Scan() {
		t.Fatalf("the holder did not start: %s", stderr)
	}
	short, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	_, err = Append(short, l.dir, l.private, Witnesses{}, []byte("x"))
	if err == nil || fault.ClassOf(err) != fault.Record || !strings.Contains(err.Error(), fmt.Sprint("process ", cmd.Process.Pid)) {
		t.Errorf("Tessera's lock is held by process %d: %v", cmd.Process.Pid, err)
	}
	cmd.Process.Kill()
	cmd.Wait()
	l.append(t, "twin")
	if l.read(t).Size != 2 {
		t.Error("the refused entry was appended")
	}
}

// The disk gets full at every moment in turn: before each try all space but a few blocks is taken.
func TestFullDisk(t *testing.T) {
	l := newLog(t, 0)
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m,nr_inodes=2000"); err != nil {
		t.Skipf("SKIPPED: mounting a small disk needs root in a container that allows it (%v); a full disk is not tried here", err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	l.dir = filepath.Join(dir, "log")
	full, done := 0, 0
	var kept []*Receipt
	for blocks := 0; blocks < 40; blocks += 3 {
		fill(t, dir, blocks)
		leaf := fmt.Appendf(nil, "with %d blocks", blocks)
		r, err := Append(ctx, l.dir, l.private, Witnesses{}, leaf)
		if err != nil {
			full++
			if fault.ClassOf(err) != fault.Record || !strings.Contains(err.Error(), "free space") {
				t.Errorf("%d blocks: %v", blocks, err)
			}
		} else {
			done++
			kept = append(kept, r)
			l.leaves = append(l.leaves, leaf)
		}
		if err := os.Remove(filepath.Join(dir, "filler")); err != nil {
			t.Fatal(err)
		}
		if done == 0 {
			continue
		}
		v := l.read(t)
		for i, r := range kept {
			if _, err := v.CheckProof(r.Proof, l.leaves[i]); err != nil {
				t.Errorf("%d blocks: %v", blocks, err)
			}
		}
		if v.Size != uint64(done) {
			t.Errorf("%d blocks: %d entries, %d were acknowledged", blocks, v.Size, done)
		}
	}
	if full < 3 || done < 2 {
		t.Errorf("the disk was full in %d tries and not in %d", full, done)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, "size=1m"); err != nil {
		t.Skipf("SKIPPED: remounting read-only is not allowed (%v)", err)
	}
	if _, err := Append(ctx, l.dir, l.private, Witnesses{}, []byte("x")); err == nil || fault.ClassOf(err) != fault.Record || !strings.Contains(err.Error(), "writable") {
		t.Errorf("read-only disk: %v", err)
	}
	if l.read(t).Size != uint64(done) { // reading needs no writing
		t.Error("the log on a read-only disk changed")
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

func TestFileInPlaceOfDirectory(t *testing.T) {
	l := newLog(t, 0)
	if err := os.MkdirAll(filepath.Dir(l.dir), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(l.dir, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Append(ctx, l.dir, l.private, Witnesses{}, []byte("x")); err == nil || fault.ClassOf(err) != fault.Record {
		t.Errorf("a file as log: %v", err)
	}
	os.Remove(l.dir)
	l.append(t, "x") // twin
	os.Rename(l.path("tile"), l.path("../aside"))
	os.WriteFile(l.path("tile"), nil, 0o644)
	if _, err := Append(ctx, l.dir, l.private, Witnesses{}, []byte("y")); err == nil {
		t.Error("appended to a log without tiles")
	}
	os.Remove(l.path("tile"))
	os.Rename(l.path("../aside"), l.path("tile"))
	l.append(t, "y") // twin
}

// A process that is killed between the tree state and the first checkpoint leaves a log that the next one begins again: a
// checkpoint is there before any entry is.
func TestKilledWhileMakingTheLog(t *testing.T) {
	l := newLog(t, 1)
	half := newLog(t, 0)
	half.private, half.verifier = l.private, l.verifier
	if err := os.MkdirAll(half.path(".state"), 0o755); err != nil {
		t.Fatal(err)
	}
	empty := sha256.Sum256(nil) // RFC 6962 section 2.1
	state := fmt.Sprintf(`{"size":0,"root":"%s"}`, base64.StdEncoding.EncodeToString(empty[:]))
	if err := os.WriteFile(half.path(".state/treeState"), []byte(state), 0o644); err != nil {
		t.Fatal(err)
	}
	k, err := half.verifier.keys()
	if err != nil {
		t.Fatal(err)
	}
	a := &appending{dir: half.dir, keys: k, leaf: []byte("x")}
	if cp, err := a.inspect(ctx); cp != nil || err != nil {
		t.Fatalf("%v, %v", cp, err)
	}
	if _, err := os.Stat(half.path(".state/treeState")); !errors.Is(err, os.ErrNotExist) {
		t.Error("the tree state without a checkpoint is still there:", err)
	}
	half.append(t, "first")
	half.read(t)
}
