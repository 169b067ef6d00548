//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package ledger

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"cdgate.dev/cdgate/engine/fault"
	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/api/layout"
	"github.com/transparency-dev/tessera/storage/posix"
	"k8s.io/klog/v2"
)

// quiet keeps Tessera's log lines off stderr. They go through one logger per process, for which there is no option; the
// lines are progress reports and errors that reach us as values as well.
var quiet = sync.OnceFunc(func() {
	var flags flag.FlagSet
	klog.InitFlags(&flags)
	_ = flags.Set("logtostderr", "false")
	_ = flags.Set("stderrthreshold", "FATAL")
	klog.SetOutput(io.Discard)
})

// add appends the leaf and waits until a checkpoint over it is published. The caller holds the log's lock.
func (a *appending) add(ctx context.Context, ask *asked) (index uint64, err error) {
	quiet()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends Tessera's goroutines
	defer func() {
		if p := recover(); p != nil { // it panics when it cannot lock
			err = fmt.Errorf("tessera: %v", p)
		}
	}()
	driver, err := posix.New(ctx, posix.Config{Path: a.dir, HTTPClient: ask.client()})
	if err != nil {
		return 0, err
	}
	// One entry is a batch; 100 ms is the shortest interval Tessera takes. No entry or tile is ever removed.
	options := tessera.NewAppendOptions().WithCheckpointSigner(a.signer).WithBatching(1, 10*time.Millisecond).
		WithCheckpointInterval(100 * time.Millisecond).WithGarbageCollectionInterval(0)
	if a.witnesses.Quorum > 0 {
		group, err := a.group()
		if err != nil {
			return 0, err
		}
		options = options.WithWitnesses(group, &tessera.WitnessOptions{Timeout: witnessTimeout})
	}
	appender, _, reader, err := tessera.NewAppender(ctx, driver, options)
	if err != nil {
		return 0, err
	}
	// Tessera spares readers by publishing only when the last checkpoint is older than the interval, by the file's time.
	// Nobody else writes now: make it look old, and the new one is published at once, whatever the clock says. Where
	// that is not allowed the interval passes.
	_ = os.Chtimes(filepath.Join(a.dir, layout.CheckpointPath), time.Time{}, time.Unix(0, 0))
	awaiter := tessera.NewPublicationAwaiter(ctx, reader.ReadCheckpoint, time.Millisecond)
	i, _, err := awaiter.Await(ctx, appender.Add(ctx, tessera.NewEntry(a.leaf)))
	return i.Index, err
}

// group is the witnesses as the log library wants them.
func (a *appending) group() (tessera.WitnessGroup, error) {
	policy := ""
	names := ""
	for i, w := range a.witnesses.Of {
		policy += fmt.Sprintf("witness w%d %s %s\n", i, strings.TrimSpace(w.Key), w.URL)
		names += fmt.Sprintf(" w%d", i)
	}
	policy += fmt.Sprintf("group witnesses %d%s\nquorum witnesses\n", a.witnesses.Quorum, names)
	return tessera.NewWitnessGroupFromPolicy([]byte(policy))
}

// waitForeign waits until no other program holds Tessera's own locks, which Tessera itself would wait for without limit.
// Programs that append through this package are not among them: they hold our lock first.
func waitForeign(ctx context.Context, dir string, wait time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	for _, name := range []string{"treeState.lock", "publish.lock"} {
		for {
			pid, err := lockHolder(filepath.Join(dir, ".state", name))
			if err != nil {
				return err
			}
			if pid == 0 {
				break
			}
			select {
			case <-ctx.Done():
				return fault.New(fault.Record, "wait for %q, held by process %d: %w: run again when it has finished, or end it", name, pid, ctx.Err())
			case <-time.After(5 * time.Millisecond):
			}
		}
	}
	return nil
}

// lockHolder gives the process that holds a lock of fcntl on the file, 0 for none.
func lockHolder(file string) (int, error) {
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer f.Close()
	l := syscall.Flock_t{Type: syscall.F_WRLCK, Whence: io.SeekStart}
	if err := syscall.FcntlFlock(f.Fd(), syscall.F_GETLK, &l); err != nil {
		return 0, fmt.Errorf("ask for the lock on %q: %w", file, err)
	}
	if l.Type == syscall.F_UNLCK {
		return 0, nil
	}
	return int(l.Pid), nil
}
