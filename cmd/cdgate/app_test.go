package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"testing"
	"time"

	"cdgate.dev/cdgate/engine"
	"cdgate.dev/cdgate/engine/fault"
)

// quietWorld is a world without terminal, environment or files.
func quietWorld(t *testing.T) (*world, *bytes.Buffer) {
	t.Helper()
	var errs bytes.Buffer
	return &world{
		stdin: strings.NewReader(""), stdout: io.Discard, stderr: &errs, dir: t.TempDir(), now: time.Now,
		lookup: func(string) (string, bool) { return "", false },
	}, &errs
}

// TestPanicIs70 holds that a panic anywhere ends with the code for a bug, never with Go's own 2.
func TestPanicIs70(t *testing.T) {
	w, errs := quietWorld(t)
	w.now = func() time.Time { panic("no clock\x1b[2J") }
	if code := w.run(context.Background(), []string{"cdgate", "version"}); code != 70 {
		t.Errorf("a panic exits %d", code)
	}
	if !strings.Contains(errs.String(), `internal error: no clock\u{1b}`) {
		t.Errorf("stderr: %.200s", errs.String())
	}
	w, _ = quietWorld(t)
	if code := w.run(context.Background(), []string{"cdgate", "version"}); code != 0 {
		t.Errorf("the twin without the panic exits %d", code)
	}
}

func TestExitCodes(t *testing.T) {
	exit := exec.Command("sh", "-c", "exit 0x").Run() // an error with an ExitCode method, which cli would obey
	for _, c := range []struct {
		err  error
		want int
	}{
		{nil, 0}, {answered(0), 0}, {answered(10), 10}, {answered(20), 20}, {errors.New("nobody classified this"), 70},
		{fault.New(fault.Usage, "x"), 64}, {fmt.Errorf("y: %w", fault.New(fault.Trust, "x")), 50},
		{errors.Join(fault.New(fault.Evidence, "a"), fault.New(fault.Record, "b")), 60},
		{&engine.Refused{Reason: "you may not"}, 20}, {exit, 70}, {context.Canceled, 70},
	} {
		w, _ := quietWorld(t)
		if got := w.exitCode(c.err); got != c.want {
			t.Errorf("%v: exit code %d, want %d", c.err, got, c.want)
		}
	}
}

// TestErrorsGiveNoOrders holds that no line of an error can be read as an instruction by a CI system or a terminal.
func TestErrorsGiveNoOrders(t *testing.T) {
	w, errs := quietWorld(t)
	w.complain(errors.New("::error::x\n::add-mask::y\n##[command]z\x1b[2J\u202e"))
	for line := range strings.SplitSeq(strings.TrimSpace(errs.String()), "\n") {
		if strings.HasPrefix(line, "::") || strings.HasPrefix(line, "##") || strings.ContainsAny(line, "\x1b\u202e") {
			t.Errorf("line %q", line)
		}
	}
}

func TestColour(t *testing.T) {
	for _, c := range []struct {
		terminal bool
		env      map[string]string
		want     bool
	}{
		{true, nil, true}, {false, nil, false}, {true, map[string]string{"NO_COLOR": "1"}, false}, {true, map[string]string{"TERM": "dumb"}, false},
		{true, map[string]string{"NO_COLOR": ""}, true},
	} {
		w, _ := quietWorld(t)
		w.stdoutTerminal = c.terminal
		w.lookup = func(n string) (string, bool) { v, ok := c.env[n]; return v, ok }
		if w.colour() != c.want {
			t.Errorf("terminal %v, environment %v: colour %v", c.terminal, c.env, w.colour())
		}
	}
}

// TestCommandsCanBeCopied holds that what we print for people to paste into a shell is one word there.
func TestCommandsCanBeCopied(t *testing.T) {
	for _, s := range []string{"plain@1.4.2", "two words", "$(touch x)", "`id`", "it's", "a;b", "-x", "a\nb", "", "*", "~root", "!!"} {
		out, err := exec.Command("sh", "-c", "printf %s "+shellWord(s)).Output()
		if err != nil || (string(out) != s && s != "-x") {
			t.Errorf("%q became %q (%v)", s, out, err)
		}
	}
}
