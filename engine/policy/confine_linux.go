package policy

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

// isolate puts the evaluator into a process group of its own, at the root of the file system.
func isolate(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Dir = "/"
}

// killGroup kills the evaluator's process group. The group is named by a process that has not been waited for, so that
// its number cannot belong to anybody else.
func killGroup(p *os.Process) {
	_ = syscall.Kill(-p.Pid, syscall.SIGKILL)
	_ = p.Kill()
}

// confine limits this process for good: processor time, data, no core file, and no new file descriptor, so that it can
// open neither file nor connection whatever it is made to run.
func confine(l Limits) error {
	// The evaluator, not its parent, is what a machine without memory should end.
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0)
	inUse, err := dataInUse()
	if err != nil {
		return err
	}
	// Timers wake a poller that needs descriptors: have it made before there can be none. Time zones come from the
	// copy in the program then, on every machine the same.
	time.AfterFunc(time.Hour, func() {}).Stop()
	time.Local = time.UTC
	seconds := uint64((l.CPU + time.Second - 1) / time.Second)
	for _, limit := range []struct {
		what  int
		value uint64
	}{
		{syscall.RLIMIT_CPU, seconds},
		{syscall.RLIMIT_DATA, inUse + uint64(l.Memory)},
		{syscall.RLIMIT_CORE, 0},
		{syscall.RLIMIT_FSIZE, 0},
		{syscall.RLIMIT_NOFILE, 0},
	} {
		if err := syscall.Setrlimit(limit.what, &syscall.Rlimit{Cur: limit.value, Max: limit.value}); err != nil {
			return fmt.Errorf("set resource limit %d: %w", limit.what, err)
		}
	}
	return nil
}

// dataInUse is how much data this process had mapped when it started; a race detector maps a lot.
func dataInUse() (uint64, error) {
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, fmt.Errorf("read own memory use: %w", err)
	}
	fields := bytes.Fields(statm)
	if len(fields) < 6 {
		return 0, fmt.Errorf("read own memory use: %q", statm)
	}
	pages, err := strconv.ParseUint(string(fields[5]), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read own memory use: %w", err)
	}
	return pages * uint64(os.Getpagesize()), nil
}
