package collect

import (
	"runtime/debug"
	"testing"
)

// TestFrugal: the limit is low while anything is read, as it was afterwards, and never raised.
func TestFrugal(t *testing.T) {
	before := debug.SetMemoryLimit(1 << 30)
	t.Cleanup(func() { debug.SetMemoryLimit(before) })
	limit := func(want int64) {
		t.Helper()
		if got := debug.SetMemoryLimit(-1); got != want {
			t.Errorf("limit %d, want %d", got, want)
		}
	}
	one, two := frugal(), frugal()
	limit(readMemory)
	one()
	one() // twice is once
	limit(readMemory)
	two()
	limit(1 << 30)
	debug.SetMemoryLimit(64 << 20)
	three := frugal()
	limit(64 << 20)
	three()
	limit(64 << 20)
}
