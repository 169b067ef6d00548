//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package store

import (
	"fmt"
	"os"
	"runtime"
)

const noFollow = 0

// flock refuses: without a lock two writers would lose each other's entries.
func flock(f *os.File, _ bool) error {
	return fmt.Errorf("lock %q: writing a store is not supported on %s", f.Name(), runtime.GOOS)
}
