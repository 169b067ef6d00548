package policy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"cdgate.dev/cdgate/engine/fault"
)

// Child is a started evaluator. It evaluates once.
type Child struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stdout io.Reader
	stderr *tail
	limits Limits
	ctx    context.Context
	stop   func() bool
	// sent is closed when the program is written.
	sent chan struct{}
	once sync.Once
	// why says why the child was killed, if it was.
	why atomic.Pointer[string]
	// reaping guards gone, which says that the child's number may belong to another process.
	reaping sync.Mutex
	gone    bool
}

// Start starts an evaluator and has it compile the program. A fault in the program is reported by Evaluate. When ctx
// ends the evaluator is killed.
func Start(ctx context.Context, sb Sandbox, p Program) (*Child, error) {
	if !filepath.IsAbs(sb.Path) {
		return nil, fault.New(fault.Internal, "start evaluator %q: the path is not absolute", sb.Path)
	}
	args := sb.Args
	if len(args) == 0 {
		args = []string{SandboxArgument}
	}
	judged := Program{Sources: make([]Source, len(p.Sources)), Params: p.Params}
	for i, s := range p.Sources {
		judged.Sources[i] = s.judged()
	}
	var first bytes.Buffer
	limits := sb.Limits.orDefaults()
	if err := errors.Join(writeJSON(&first, limits.budget()), writeJSON(&first, judged)); err != nil {
		return nil, fault.New(fault.Internal, "start evaluator: write program: %w", err)
	}
	c := &Child{limits: limits, ctx: ctx, sent: make(chan struct{}), stderr: &tail{}}
	c.cmd = exec.Command(sb.Path, args...)
	c.cmd.Env = []string{} // a nil list would hand on the parent's environment
	c.cmd.Stderr = c.stderr
	c.cmd.WaitDelay = time.Second
	isolate(c.cmd)
	var err error
	if c.stdin, err = c.cmd.StdinPipe(); err != nil {
		return nil, fault.New(fault.Internal, "start evaluator: %w", err)
	}
	if c.stdout, err = c.cmd.StdoutPipe(); err != nil {
		return nil, fault.New(fault.Internal, "start evaluator: %w", err)
	}
	if err := c.cmd.Start(); err != nil {
		return nil, fault.New(fault.Policy, "start evaluator %q: %w", sb.Path, err)
	}
	c.stop = context.AfterFunc(ctx, func() { c.kill("evaluation cancelled") })
	go func() {
		defer close(c.sent)
		// A child that is gone is noticed where its answer is read.
		_, _ = c.stdin.Write(first.Bytes())
	}()
	return c, nil
}

// Evaluate sends the input and waits for the answer. The child is gone afterwards, whatever happened. The error is of
// class fault.Policy, or fault.Evidence where the input does not fit its schema.
func (c *Child) Evaluate(input []byte) (*Response, error) {
	defer c.Close()
	if len(input) > maxInput {
		return nil, fault.New(fault.Evidence, "evaluate policies: the policy input has more than %d bytes", maxInput)
	}
	timer := time.AfterFunc(c.limits.Wall, func() {
		c.kill(fmt.Sprintf("budget exceeded: no answer after %v", c.limits.Wall))
	})
	defer timer.Stop()
	go func() {
		<-c.sent
		_ = writeFrame(c.stdin, input)
	}()
	var answer reply
	readErr := readJSON(c.stdout, c.limits.Output, &answer)
	if errors.Is(readErr, errTooLarge) {
		c.kill("budget exceeded: " + readErr.Error())
	} else if readErr != nil {
		c.waitOrKill()
	}
	_ = c.stdin.Close()
	waitErr := c.wait()
	c.once.Do(func() { c.stop() })
	if readErr != nil || waitErr != nil {
		return nil, fault.New(fault.Policy, "evaluate policies: %s", c.lastWords(readErr, waitErr))
	}
	if answer.Class == "input" {
		return nil, fault.New(fault.Evidence, "%w", answer.Problems)
	}
	if len(answer.Problems) > 0 {
		return nil, fault.New(fault.Policy, "%w", answer.Problems)
	}
	if len(answer.Response.Rules) == 0 {
		return nil, fault.New(fault.Policy, "evaluate policies: the evaluator's answer has no rule")
	}
	return &answer.Response, nil
}

// waitOrKill is for a child whose answer broke off: it is dying, or it is cheating.
func (c *Child) waitOrKill() {
	if c.why.Load() == nil {
		time.AfterFunc(time.Second, func() { c.kill("evaluator closed its output and went on") })
	}
}

// lastWords says how the evaluator ended.
func (c *Child) lastWords(readErr, waitErr error) string {
	if why := c.why.Load(); why != nil {
		if err := c.ctx.Err(); err != nil {
			return fmt.Sprintf("%s: %v", *why, context.Cause(c.ctx))
		}
		return *why
	}
	state := c.cmd.ProcessState
	said := c.stderr.String()
	switch {
	case waitErr != nil && strings.Contains(waitErr.Error(), "killed") && state != nil &&
		state.UserTime()+state.SystemTime() >= c.limits.CPU/4*3: // the kernel counts in ticks
		return fmt.Sprintf("budget exceeded: more than %v of processor time", c.limits.CPU)
	case strings.Contains(said, "out of memory"), strings.Contains(said, "cannot allocate memory"), strings.Contains(said, "failed to allocate"),
		strings.Contains(said, "pthread_create failed"), strings.Contains(said, "failed to create new OS thread"):
		return fmt.Sprintf("budget exceeded: more than %d MiB of memory", c.limits.Memory>>20)
	case strings.Contains(said, "stack exceeds"), strings.Contains(said, "stack overflow"):
		return "budget exceeded: recursion too deep"
	}
	words := "evaluator died"
	if waitErr != nil {
		words += ": " + waitErr.Error()
		if strings.Contains(waitErr.Error(), "killed") {
			words += " (the machine may have run out of memory)"
		}
	} else if readErr != nil {
		words += ": " + readErr.Error()
	}
	if line, _, _ := strings.Cut(strings.TrimSpace(said), "\n"); line != "" {
		words += fmt.Sprintf(": %q", line)
	}
	return words
}

// kill ends the child and everything it may have started. The first reason is kept.
func (c *Child) kill(why string) {
	c.reaping.Lock()
	defer c.reaping.Unlock()
	if c.gone {
		return
	}
	c.why.CompareAndSwap(nil, &why)
	killGroup(c.cmd.Process)
}

func (c *Child) wait() error {
	err := c.cmd.Wait()
	c.reaping.Lock()
	defer c.reaping.Unlock()
	c.gone = true
	return err
}

// Close kills the evaluator if it still runs. Calling it again, or after Evaluate, does nothing.
func (c *Child) Close() {
	c.once.Do(func() {
		c.stop()
		c.kill("evaluator closed")
		_ = c.stdin.Close()
		_ = c.wait()
	})
}

// Evaluate starts an evaluator, evaluates the request and ends it.
func Evaluate(ctx context.Context, sb Sandbox, req Request) (*Response, error) {
	c, err := Start(ctx, sb, req.Program)
	if err != nil {
		return nil, err
	}
	return c.Evaluate(req.Input)
}

// tail keeps the first bytes that are written to it and swallows the rest.
type tail struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if room := maxStderr - t.buf.Len(); room > 0 {
		t.buf.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.ToValidUTF8(t.buf.String(), "?")
}
