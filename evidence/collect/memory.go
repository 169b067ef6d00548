package collect

import (
	"runtime/debug"
	"sync"
)

// readMemory is the memory that the process should do with while reports are read, in bytes. It is no bound: readers have their
// own, and without this the garbage of a hostile report would take several times what its reader keeps.
const readMemory = 176 << 20

// frugality is how many collections are going on, and the limit to go back to after the last one.
var frugality struct {
	sync.Mutex
	n      int
	before int64
}

// frugal keeps garbage small until done is called. A limit that is lower already is left alone.
func frugal() (done func()) {
	f := &frugality
	f.Lock()
	defer f.Unlock()
	if f.n++; f.n == 1 {
		f.before = debug.SetMemoryLimit(-1)
		debug.SetMemoryLimit(min(f.before, readMemory))
	}
	return sync.OnceFunc(func() {
		f.Lock()
		defer f.Unlock()
		if f.n--; f.n == 0 {
			debug.SetMemoryLimit(f.before)
		}
	})
}
