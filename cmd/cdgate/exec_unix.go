//go:build unix

package main

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

// forwarded are the signals that are passed on to a command that runs.
var forwarded = []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT}

// ownGroup puts a command into a process group of its own, so that every signal reaches it once, through this process,
// and also what it started.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// forward passes a signal on to the group of a command. That it has ended meanwhile is no fault.
func forward(p *os.Process, s os.Signal) {
	if n, ok := s.(syscall.Signal); ok {
		_ = syscall.Kill(-p.Pid, n)
	}
}

// signalNames are those of the signals that end commands.
var signalNames = map[syscall.Signal]string{
	syscall.SIGHUP: "SIGHUP", syscall.SIGINT: "SIGINT", syscall.SIGQUIT: "SIGQUIT", syscall.SIGILL: "SIGILL", syscall.SIGTRAP: "SIGTRAP",
	syscall.SIGABRT: "SIGABRT", syscall.SIGBUS: "SIGBUS", syscall.SIGFPE: "SIGFPE", syscall.SIGKILL: "SIGKILL", syscall.SIGSEGV: "SIGSEGV",
	syscall.SIGPIPE: "SIGPIPE", syscall.SIGALRM: "SIGALRM", syscall.SIGTERM: "SIGTERM", syscall.SIGXCPU: "SIGXCPU",
}

// status is how a command ended: its exit code, or for a signal 128 and its number, as shells say it.
func status(s *os.ProcessState) (code int, name string) {
	w, ok := s.Sys().(syscall.WaitStatus)
	if !ok || !w.Signaled() {
		return s.ExitCode(), ""
	}
	n := w.Signal()
	if name = signalNames[n]; name == "" {
		name = fmt.Sprintf("signal %d", int(n))
	}
	return 128 + int(n), name
}
