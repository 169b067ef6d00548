// Command cdgate is a release gate: it decides from signed evidence whether a release may go to a target, and keeps a
// signed, logged record of every decision. This package is the only place that prints, exits, and reads the
// environment and the clock.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"golang.org/x/term"

	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/policy"
)

// sandboxArgument is the hidden first argument that makes this program the child that evaluates policies.
const sandboxArgument = "policy-sandbox"

func main() {
	os.Exit(realMain())
}

// realMain is main without os.Exit, so that deferred calls run and scripts can run it in a test binary.
func realMain() int {
	if len(os.Args) == 2 && os.Args[1] == sandboxArgument {
		return serveSandbox()
	}
	tune(os.LookupEnv)
	w, err := newWorld()
	if err != nil {
		fmt.Fprintf(os.Stderr, "cdgate: %v\n", err)
		return int(fault.Internal)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, func() {
		stop() // a second signal ends the process at once
		time.AfterFunc(graceTime, w.giveUp)
	})
	return w.run(ctx, os.Args)
}

// graceTime is how long a call may go on after a signal. CI systems kill what has not ended seven to thirty seconds after it.
const graceTime = 5 * time.Second

// giveUp ends the process after a signal, where something does not look at the context: a library that computes, a read from a
// pipe. Files get their names when they are whole, so that none is half-written.
func (w *world) giveUp() {
	if w.patient.Load() {
		return
	}
	fmt.Fprintf(os.Stderr, "cdgate: ended by a signal: what was being done did not end within %v; there is no result\n", graceTime)
	os.Exit(int(fault.Internal))
}

// serveSandbox is the child: it reads one request and writes one response, and has no command line of its own.
func serveSandbox() int {
	if err := policy.Serve(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "cdgate: serve policies: %v\n", err)
		return int(fault.Policy)
	}
	return 0
}

// tune trades memory for speed in a process that lives for less than a second, unless the user said otherwise.
func tune(lookup func(string) (string, bool)) {
	if _, set := lookup("GOGC"); !set {
		debug.SetGCPercent(400)
	}
	if _, set := lookup("GOMEMLIMIT"); !set {
		debug.SetMemoryLimit(1 << 30)
	}
}

// newWorld gathers the process's surroundings.
func newWorld() (*world, error) {
	dir, err := os.Getwd()
	if err != nil {
		return nil, fmt.Errorf("find the working directory: %w", err)
	}
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program's own file: %w", err)
	}
	w := &world{
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
		lookup: os.LookupEnv, environ: os.Environ, now: time.Now, dir: dir, self: self,
		stdinTerminal:  term.IsTerminal(int(os.Stdin.Fd())),
		stdoutTerminal: term.IsTerminal(int(os.Stdout.Fd())),
		stderrTerminal: term.IsTerminal(int(os.Stderr.Fd())),
	}
	w.stdoutWidth, _, _ = term.GetSize(int(os.Stdout.Fd())) // 0 when it is no terminal
	w.stderrWidth, _, _ = term.GetSize(int(os.Stderr.Fd()))
	w.readPassword = func() ([]byte, error) { return term.ReadPassword(int(os.Stdin.Fd())) }
	return w, nil
}
