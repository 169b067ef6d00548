//go:build linux

package store

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The test binary runs itself as a writer: CDGATE_TEST_WRITER is "DIR NAME COUNT".
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

// writer adds COUNT objects called NAME-0 … and says each digest when it is acknowledged.
func writer(task []string) error {
	n, err := strconv.Atoi(task[2])
	if err != nil {
		return err
	}
	if task[1] == "limit:" {
		if err := limited(task[0]); err != nil {
			return err
		}
		fmt.Println("ok")
		return nil
	}
	if name, ok := strings.CutPrefix(task[1], "lock:"); ok {
		if _, err := Lock(context.Background(), filepath.Join(task[0], lockFile), time.Minute); err != nil {
			return err
		}
		fmt.Println("locked " + name)
		select {}
	}
	s, err := Create(task[0])
	if err != nil {
		return err
	}
	for i := range n {
		o, err := tryObject(s, fmt.Sprintf("%s-%d", task[1], i))
		if err != nil {
			return err
		}
		d, err := s.Add(context.Background(), o)
		if err != nil {
			return err
		}
		fmt.Println(d[0])
	}
	return nil
}

func startWriter(t testing.TB, dir, name string, count int) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), fmt.Sprintf("CDGATE_TEST_WRITER=%s %s %d", dir, name, count))
	cmd.Stderr = os.Stderr
	return cmd
}

func TestEightProcessesLoseNothing(t *testing.T) {
	const writers, each = 8, 10
	dir := filepath.Join(t.TempDir(), "store")
	var cmds []*exec.Cmd
	for w := range writers {
		cmd := startWriter(t, dir, fmt.Sprint("w", w), each)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		cmds = append(cmds, cmd)
	}
	for _, cmd := range cmds {
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	}
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	ix := index(t, s)
	if len(ix.Entries) != writers*each {
		t.Errorf("%d objects, want %d", len(ix.Entries), writers*each)
	}
	if left := tempFiles(t, s); len(left) != 0 {
		t.Errorf("left over: %v", left)
	}
	alone := newStore(t)
	for w := range writers {
		for i := range each {
			add(t, alone, object(t, alone, fmt.Sprintf("w%d-%d", w, i)))
		}
	}
	if index(t, alone).Digest != ix.Digest {
		t.Error("one process writing the same gives another root")
	}
}

// Writers are killed at random moments: the store opens, verifies, and holds whatever was acknowledged.
func TestKilledWriters(t *testing.T) {
	kills := 80
	if testing.Short() {
		kills = 20
	}
	dir := filepath.Join(t.TempDir(), "store")
	random := rand.New(rand.NewPCG(1, 2))
	acknowledged := map[string]bool{}
	for i := range kills {
		cmd := startWriter(t, dir, fmt.Sprint("k", i), 1000)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// Every other one is killed some time after its start, which on a busy machine is before it has written anything, the
		// others some time after their first object.
		after := time.Duration(5+random.IntN(40)) * time.Millisecond
		kill := func() { _ = cmd.Process.Kill() }
		var timer *time.Timer
		if i%2 == 0 {
			timer = time.AfterFunc(after, kill)
		}
		for lines := bufio.NewScanner(out); lines.Scan(); {
			acknowledged[lines.Text()] = true
			if timer == nil {
				timer = time.AfterFunc(after, kill)
			}
		}
		cmd.Wait()
		if timer != nil {
			timer.Stop()
		}
		s, err := Open(dir)
		if errors.Is(err, ErrNotFound) && len(acknowledged) == 0 {
			continue // killed before there was a store
		}
		if err != nil {
			t.Fatalf("kill %d: %v", i, err)
		}
		ix, err := s.Index()
		if err != nil {
			t.Fatalf("kill %d: %v", i, err)
		}
		there := map[string]bool{}
		for _, e := range ix.Entries {
			there[e.Digest] = true
			for _, l := range e.Layers {
				if _, err := s.Read(l.Digest, 1000); err != nil {
					t.Fatalf("kill %d: %v", i, err)
				}
			}
		}
		for d := range acknowledged {
			if !there[d] {
				t.Fatalf("kill %d: acknowledged object %s is lost", i, d)
			}
		}
	}
	if len(acknowledged) < kills/10 {
		t.Errorf("only %d objects were acknowledged in %d runs: the kills come too early to show anything", len(acknowledged), kills)
	}
	s, err := Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	add(t, s, object(t, s, "last"))
	if left := tempFiles(t, s); len(left) != 0 {
		t.Errorf("files of killed writers are left over: %v", left)
	}
	t.Logf("%d acknowledged objects after %d kills", len(acknowledged), kills)
}

// A lock ends with its holder, and says who it is until then.
func TestLockOfAnotherProcess(t *testing.T) {
	s := newStore(t)
	cmd := startWriter(t, s.Dir(), "lock:x", 0)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if !bufio.NewScanner(out).Scan() {
		t.Fatal("the holder did not start")
	}
	_, err = Lock(ctx, s.path(lockFile), 20*time.Millisecond)
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("process %d on", cmd.Process.Pid)) {
		t.Errorf("lock held by process %d: %v", cmd.Process.Pid, err)
	}
	cmd.Process.Kill()
	cmd.Wait()
	unlock, err := Lock(ctx, s.path(lockFile), 5*time.Second)
	if err != nil {
		t.Fatalf("after the holder's death: %v", err)
	}
	unlock()
}
