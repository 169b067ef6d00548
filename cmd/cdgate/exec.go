package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/collect"
)

// pipesOpen is how long the outputs of a command are read after it ended: something that it left running may hold them.
const pipesOpen = 3 * time.Second

// commandDocument is the report of format command.
type commandDocument struct {
	APIVersion string         `json:"apiVersion"`
	Command    []string       `json:"command"`
	Directory  string         `json:"directory"`
	ExitCode   int            `json:"exitCode"`
	Signal     string         `json:"signal"`
	StartedAt  string         `json:"startedAt"`
	EndedAt    string         `json:"endedAt"`
	Stdout     outputDocument `json:"stdout"`
	Stderr     outputDocument `json:"stderr"`
}

type outputDocument struct {
	Text  string `json:"text"`
	Bytes int64  `json:"bytes"`
	Cut   bool   `json:"cut"`
}

// commandReport runs a command and reports how it ended; code is the exit status that a shell would give for it. What
// the command writes goes to stderr as it comes: stdout is for the result. It has no standard input: what somebody typed
// would be in no evidence.
func (k *call) commandReport(words []string) (made collect.Made, code int, err error) {
	var stdout, stderr excerpt
	through := &shared{w: k.stderr}
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Dir, cmd.Env, cmd.WaitDelay = k.dir, k.withoutKeys(), pipesOpen
	cmd.Stdout, cmd.Stderr = &tee{through, &stdout}, &tee{through, &stderr}
	ownGroup(cmd)
	// Signals are caught before the command starts, so that none ends this process alone.
	k.patient.Store(true)
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, forwarded...)
	defer signal.Stop(signals)
	started, at := time.Now(), k.world.now().UTC()
	if err := cmd.Start(); err != nil {
		return made, 0, fault.New(fault.Usage, "run %s: %s", words[0], err)
	}
	ended := make(chan struct{})
	go func() {
		for {
			select {
			case s := <-signals:
				forward(cmd.Process, s)
			case <-ended:
				return
			}
		}
	}()
	err = cmd.Wait()
	close(ended)
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) && !errors.Is(err, exec.ErrWaitDelay) {
		return made, 0, fault.New(fault.Internal, "run %s: %s", words[0], err)
	}
	doc := commandDocument{
		APIVersion: "cdgate.dev/command/v1", Directory: k.directory(),
		StartedAt: rfc3339(at), EndedAt: rfc3339(at.Add(time.Since(started))), Stdout: stdout.document(), Stderr: stderr.document(),
	}
	for _, w := range words {
		doc.Command = append(doc.Command, validText(w))
	}
	doc.ExitCode, doc.Signal = status(cmd.ProcessState)
	if errors.Is(err, exec.ErrWaitDelay) {
		k.note("the command ended, and something that it started still runs; what that writes is not collected")
	}
	b, err := document(doc)
	return collect.Made{Name: "command", Kind: evidence.Check, Level: k.String("level"), Data: b}, doc.ExitCode, err
}

// directory is where a command runs, seen from the configuration, "" for the same place.
func (k *call) directory() string {
	rel, err := filepath.Rel(k.root, k.dir)
	if err != nil || rel == "." {
		return ""
	}
	return validText(filepath.ToSlash(rel))
}

// withoutKeys is the environment without the keys that this process signs with, and their passwords: tests run code of
// many people.
func (k *call) withoutKeys() []string {
	secret := []string{"CDGATE_KEY", "CDGATE_KEY_PASSWORD", "COSIGN_PASSWORD", "CDGATE_LOG_KEY"}
	for _, ref := range []string{k.String("key"), k.getenv("CDGATE_LOG_KEY")} {
		if name, ok := strings.CutPrefix(ref, "env://"); ok {
			secret = append(secret, name)
		}
	}
	return slices.DeleteFunc(k.environ(), func(s string) bool {
		name, _, _ := strings.Cut(s, "=")
		return slices.ContainsFunc(secret, func(n string) bool { return strings.EqualFold(n, name) })
	})
}

// afterCommand lets this call go on after a signal ended the command: how it ended is evidence too.
func (k *call) afterCommand() {
	if k.Context.Context.Err() != nil {
		k.Context.Context = context.WithoutCancel(k.Context.Context)
	}
	k.now = k.world.now().UTC().Truncate(time.Second)
	k.facts = nil
}

// shared lets two outputs write to one place. That nobody reads any more does not stop the command.
type shared struct {
	mu sync.Mutex
	w  interface{ Write([]byte) (int, error) }
}

func (s *shared) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, _ = s.w.Write(p)
	return len(p), nil
}

// tee shows an output and keeps an excerpt of it.
type tee struct {
	through *shared
	keep    *excerpt
}

func (t *tee) Write(p []byte) (int, error) {
	t.keep.add(p)
	return t.through.Write(p)
}
