package collect

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestCorpusBomb reads the compressed bomb of the corpus, which package formats leaves to this one.
func TestCorpusBomb(t *testing.T) {
	dir := os.Getenv("CDGATE_CORPUS")
	if dir == "" {
		_, here, _, _ := runtime.Caller(0)
		dir = filepath.Join(filepath.Dir(here), "..", "..", "..", "shared", "corpus")
	}
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("THE CORPUS IS NOT HERE: set CDGATE_CORPUS to its folder. (%v)", err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := Collect(context.Background(), Request{Args: []string{"malformed/junit-gzip-bomb.xml.gz"}, Dir: dir, Spool: Discard{}})
	runtime.ReadMemStats(&after)
	if err == nil || !strings.Contains(err.Error(), "times its size") {
		t.Errorf("error %v", err)
	}
	if n := after.TotalAlloc - before.TotalAlloc; n > 8<<20 {
		t.Errorf("used %d bytes", n)
	}
	// The whole good part of the corpus at once, as one directory.
	items, err := Collect(context.Background(), Request{Args: []string{"tests/junit/p*.xml", "scans/sarif", "sbom/cyclonedx-json"}, Dir: dir, Spool: Discard{}})
	if err != nil || len(items) != 30 {
		t.Errorf("%d items, error %v", len(items), err)
	}
}
