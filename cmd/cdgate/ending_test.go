//go:build linux

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// started is a run of the program that is still going on, with a standard input that stays open.
type started struct {
	cmd *exec.Cmd
	out bytes.Buffer
	in  *os.File
	end func()
}

func (p project) start(t *testing.T, args ...string) *started {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(p.home, ".config", "cdgate", "shop", "ci.key")
	s := &started{cmd: exec.Command(exe)}
	s.cmd.Args = append([]string{"cdgate", "collect", "--key", key, "--artifact", "app"}, args...)
	s.cmd.Dir, s.cmd.Env = p.dir, p.env()
	s.cmd.Stdout, s.cmd.Stderr = &s.out, &s.out
	from, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	s.cmd.Stdin = from
	s.end = func() {
		_, _ = in.Write([]byte("</testsuite>")) // how the program ends tells what it read
		_ = in.Close()
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = from.Close() // the program has its own
	t.Cleanup(s.end)
	s.in = in
	return s
}

// fed gives the program a report without its end and waits until it has read that.
func (s *started) fed(t *testing.T) *started {
	t.Helper()
	if _, err := s.in.Write([]byte(`<testsuite name="s"><testcase name="b"/>`)); err != nil {
		t.Fatal(err)
	}
	for range 600 {
		left := int32(0)
		if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, s.in.Fd(), syscall.TIOCINQ, uintptr(unsafe.Pointer(&left))); errno != 0 {
			t.Fatal(errno)
		}
		time.Sleep(200 * time.Millisecond)
		if left == 0 {
			return s
		}
	}
	t.Fatal("it does not read")
	return nil
}

// ended waits for the end, at most a minute.
func (s *started) ended(t *testing.T) (code int, took time.Duration) {
	t.Helper()
	at := time.Now()
	late := time.AfterFunc(time.Minute, func() { _ = s.cmd.Process.Kill() })
	_ = s.cmd.Wait() // how it ended is in ProcessState
	if !late.Stop() {
		t.Fatal("it does not end")
	}
	return s.cmd.ProcessState.ExitCode(), time.Since(at)
}

// TestSignalEnds: a call that waits for something which looks at no context ends some seconds after a signal, or at once after a
// second one, and leaves the store as it was. The twin is read to its end.
func TestSignalEnds(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	before := p.store(t)
	once, twice := p.start(t, "-").fed(t), p.start(t, "-").fed(t)
	for _, s := range []*started{once, twice} {
		if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(time.Second)
	if err := twice.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code, took := twice.ended(t); code != -1 || took > graceTime/2 {
		t.Errorf("a second signal: exit %d after %v", code, took)
	}
	if code, _ := once.ended(t); code != 70 || !strings.Contains(once.out.String(), "ended by a signal") {
		t.Errorf("one signal: exit %d: %s", code, once.out.String())
	}
	if p.store(t) != before {
		t.Error("something was written")
	}
	twin := p.start(t, "-").fed(t)
	twin.end()
	if code, _ := twin.ended(t); code != 0 || p.store(t) == before {
		t.Errorf("the twin: exit %d: %s", code, twin.out.String())
	}
}

// TestSignalWaitsForCommand: the time that a command of --run takes to end after a signal is its own, and how it ended is stored.
func TestSignalWaitsForCommand(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	before := p.store(t)
	s := p.start(t, "--run", "--", "sh", "-c", `trap 'sleep 6; exit 3' TERM; touch trapped; while :; do sleep 0.1; done`)
	for range 600 {
		if _, err := os.Stat(filepath.Join(p.dir, "trapped")); err == nil {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code, took := s.ended(t); code != 3 || took < graceTime || p.store(t) == before {
		t.Errorf("exit %d after %v: %s", code, took, s.out.String())
	}
}
