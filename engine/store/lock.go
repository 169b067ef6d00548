package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
)

// errLocked says that somebody else holds the lock.
var errLocked = errors.New("locked")

// Lock takes an exclusive lock between processes, and between goroutines of one, on file, which it makes where there is
// none. It waits at most as long as ctx and wait allow; then the error names the holder. The
// lock ends with the process that holds it. It works on local disks, not on network file systems without flock.
func Lock(ctx context.Context, file string, wait time.Duration) (unlock func(), err error) {
	return lock(ctx, file, wait, tryLock)
}

func lock(ctx context.Context, file string, wait time.Duration, try func(string) (func(), error)) (unlock func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	for pause := time.Millisecond; ; pause = min(2*pause, 16*time.Millisecond) {
		unlock, err := try(file)
		if !errors.Is(err, errLocked) {
			return unlock, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for %q, held by %s: %w: run again when it has finished, or end it",
				file, holder(file), context.Cause(ctx))
		case <-time.After(pause):
		}
	}
}

func tryLock(file string) (unlock func(), err error) {
	f, err := openLock(file)
	if err != nil {
		return nil, err
	}
	if err := flock(f, true); err != nil {
		f.Close()
		return nil, err
	}
	// The name is for people only: on a full disk the lock holds without it.
	host, _ := os.Hostname()
	if f.Truncate(0) == nil {
		_, _ = f.WriteAt(fmt.Appendf(nil, "process %d on %s\n", os.Getpid(), host), 0)
	}
	return func() {
		_ = f.Truncate(0)
		f.Close() // gives the lock back
	}, nil
}

// openLock opens a lock's file, which is written to: a symbolic link, which a checkout can hold, would lead the writing
// to somebody else's file.
func openLock(file string) (*os.File, error) {
	f, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE|noFollow, 0o644)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%q is not a regular file", file)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// share takes the lock together with others; it waits only for an exclusive holder, who is quick.
func share(file string) (unlock func(), err error) {
	return lock(context.Background(), file, LockWait, func(file string) (func(), error) {
		f, err := openLock(file)
		if err != nil {
			return nil, err
		}
		if err := flock(f, false); err != nil {
			f.Close()
			return nil, err
		}
		return func() { f.Close() }, nil
	})
}

func holder(file string) string {
	b, err := readRegular(file, 1<<10)
	if name := strings.TrimSpace(string(b)); err == nil && name != "" {
		return fmt.Sprintf("%.200q", name)
	}
	return "an unknown process"
}
