// Package workload makes the inputs of the benchmarks, the same bytes at every run: release documents, rules and
// reports of a wanted size. The seed is fixed, so that figures of different days compare.
package workload

import (
	"bufio"
	"fmt"
	"io"
	"math/rand"
	"os"
)

// seed makes every run produce the same bytes.
const seed = 42

// Write makes a workload of about megabytes (1e6 bytes) at path; what is release, junit, sarif or trivy.
func Write(what string, megabytes float64, path string) error {
	write, ok := map[string]func(*count, *rand.Rand, int){"release": release, "junit": junit, "sarif": sarif, "trivy": trivy}[what]
	if !ok {
		return fmt.Errorf("write workload %q: want release, junit, sarif or trivy", what)
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	write(&count{w: w}, rand.New(rand.NewSource(seed)), int(megabytes*1e6))
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Close()
}

// count is a writer that knows how much it wrote.
type count struct {
	w io.Writer
	n int
}

func (c *count) Write(b []byte) (int, error) { c.n += len(b); return c.w.Write(b) }
