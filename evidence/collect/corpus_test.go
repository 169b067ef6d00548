package collect

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// corpus finds the report corpus beside the repository, or skips loudly.
func corpus(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("CDGATE_CORPUS")
	if dir == "" {
		_, here, _, _ := runtime.Caller(0)
		dir = filepath.Join(filepath.Dir(here), "..", "..", "..", "shared", "corpus")
	}
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("THE CORPUS IS NOT HERE: set CDGATE_CORPUS to its folder. (%v)", err)
	}
	return dir
}

// TestCorpusSecrets: of all reports of other people's tools one has a secret that its tool did not redact.
func TestCorpusSecrets(t *testing.T) {
	dir := corpus(t)
	items, problems := List(context.Background(), Request{Args: []string{"."}, Dir: dir})
	var refused []string
	for _, p := range problems {
		if errors.Is(p.Err, ErrSecrets) {
			refused = append(refused, p.Path)
		}
	}
	if len(items) < 200 || len(refused) != 1 || refused[0] != "scans/gitleaks/v8-two-rules.json" {
		t.Errorf("%d reports are good, refused for secrets: %v", len(items), refused)
	}
}

// TestCorpusBomb reads the compressed bomb of the corpus, which package formats leaves to this one.
func TestCorpusBomb(t *testing.T) {
	dir := corpus(t)
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
