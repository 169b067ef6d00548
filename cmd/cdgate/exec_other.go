//go:build !unix

package main

import (
	"os"
	"os/exec"
)

// forwarded are the signals that are passed on to a command that runs. There is one here, and it ends the command.
var forwarded = []os.Signal{os.Interrupt}

func ownGroup(*exec.Cmd) {}

func forward(p *os.Process, _ os.Signal) { _ = p.Kill() }

// status is how a command ended.
func status(s *os.ProcessState) (code int, name string) { return s.ExitCode(), "" }
