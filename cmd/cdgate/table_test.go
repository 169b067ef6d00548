package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"cdgate.dev/cdgate/evidence/collect"
)

func TestTable(t *testing.T) {
	short := []reportLine{
		{kind: "tests/unit", format: "junit", path: "a.xml", counts: "3 tests: 1 failed", notes: []string{"warning: " + strings.Repeat("word ", 20)}},
		{kind: "scan", format: "trivy", tool: "trivy 0.50.1", path: "build/reports/trivy.json", counts: "0 open"},
	}
	var b strings.Builder
	writeTable(&b, short, 80)
	const want = `  tests/unit  junit                a.xml                     3 tests: 1 failed
              warning: word word word word word word word word word word word
                word word word word word word word word word
  scan        trivy  trivy 0.50.1  build/reports/trivy.json  0 open
`
	if b.String() != want {
		t.Errorf("got\n%s", b.String())
	}
	long := append(short, reportLine{
		kind: "sbom", format: "cyclonedx-json", tool: "CycloneDX Maven plugin 2.7.1", counts: "94 components",
		path: "services/payments/build/reports/very/deep/" + strings.Repeat("é", 40) + "/target/bom-of-the-service.json",
	})
	b.Reset()
	writeTable(&b, long, 80)
	for line := range strings.Lines(b.String()) {
		if utf8.RuneCountInString(line) > 81 {
			t.Errorf("a line of %d characters: %s", utf8.RuneCountInString(line), line)
		}
	}
	for _, part := range []string{"services/payme", "…", "/bom-of-the-service.json\n", "\n              94 components, by CycloneDX Maven plugin 2.7.1\n", "\n              0 open, by trivy 0.50.1\n"} {
		if !strings.Contains(b.String(), part) {
			t.Errorf("no %q in\n%s", part, b.String())
		}
	}
	b.Reset()
	writeTable(&b, long, 300)
	if strings.Contains(b.String(), "…") || strings.Count(b.String(), "\n") != 4 {
		t.Errorf("a wide terminal has room for everything:\n%s", b.String())
	}
}

// watched is a world in which a person looks at a terminal, and a clock that moves when it is told to.
func watched(t *testing.T, env map[string]string) (*call, *bytes.Buffer, *time.Time) {
	w, out := quietWorld(t)
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	w.now, w.stderrTerminal, w.stderrWidth = func() time.Time { return now }, true, 80
	w.lookup = func(name string) (string, bool) { v, ok := env[name]; return v, ok }
	return &call{world: w}, out, &now
}

// TestProgress: a bar appears when reading takes long, says how far it is, and leaves an empty line.
func TestProgress(t *testing.T) {
	k, out, now := watched(t, map[string]string{"NO_COLOR": "1"})
	tell := k.progress()
	tell(collect.Progress{Path: "a.xml", Total: 200e6})
	*now = now.Add(progressDelay - 1)
	tell(collect.Progress{Path: "a.xml", Read: 50e6, Total: 200e6})
	if out.Len() > 0 {
		t.Fatalf("too early: %q", out)
	}
	*now = now.Add(1)
	tell(collect.Progress{Path: "a.xml", Read: 50e6, Total: 200e6})
	if got := out.String(); got != "\rreading  [#####---------------]  25% of 200.0 MB  a.xml" {
		t.Errorf("drew %q", got)
	}
	out.Reset()
	tell(collect.Progress{Path: "b.xml", Read: 60e6, Total: 200e6})
	if out.Len() > 0 {
		t.Errorf("too often: %q", out)
	}
	*now = now.Add(progressPause)
	tell(collect.Progress{Path: strings.Repeat("x/", 100) + "\x1b[2J.xml", Read: 200e6, Total: 200e6})
	if line := strings.TrimPrefix(out.String(), "\r"); utf8.RuneCountInString(line) >= 80 || strings.Contains(line, "\x1b") || !strings.Contains(line, "100%") {
		t.Errorf("drew %q", line)
	}
	out.Reset()
	k.note("done")
	if got := out.String(); strings.TrimLeft(got, "\r ") != "cdgate: done\n" || !strings.HasSuffix(strings.TrimSuffix(got, "cdgate: done\n"), " \r") {
		t.Errorf("cleared with %q", got)
	}
	out.Reset()
	k.bar.clear()
	if out.Len() > 0 {
		t.Errorf("cleared twice: %q", out)
	}
}

// TestNoProgress: where nobody watches, there is no bar.
func TestNoProgress(t *testing.T) {
	for name, env := range map[string]map[string]string{
		"CI": {"CI": "true"}, "GitHub": {"GITHUB_ACTIONS": "true"}, "dumb": {"TERM": "dumb"},
	} {
		if k, _, _ := watched(t, env); k.progress() != nil {
			t.Errorf("a bar for %s", name)
		}
	}
	k, _, _ := watched(t, map[string]string{"CI": "false"})
	if k.progress() == nil {
		t.Error("the twin: no bar on a terminal")
	}
	k.quiet = true
	if k.progress() != nil {
		t.Error("a bar for --quiet")
	}
	k, _, _ = watched(t, nil)
	k.stderrTerminal = false
	if k.progress() != nil {
		t.Error("a bar without a terminal")
	}
}
