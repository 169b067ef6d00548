//go:build !linux

package policy

import (
	"os"
	"os/exec"
	"time"
)

// isolate does nothing here: only Linux has what an evaluator's confinement needs.
func isolate(*exec.Cmd) {}

// killGroup kills the evaluator.
func killGroup(p *os.Process) { _ = p.Kill() }

// confine sets no limit here: the parent's clock ends an evaluation, and the runtime's memory limit slows it down.
func confine(Limits) error {
	time.Local = time.UTC
	return nil
}
