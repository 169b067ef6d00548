//go:build linux

package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
	"time"
)

// The bounds of one run of the program on one hostile file.
const (
	hostileTime   = 2 * time.Second
	hostileMemory = 256 << 20
)

// project is a directory with a gate in which the program itself is run.
type project struct{ dir, home string }

func newProject(t *testing.T) project {
	t.Helper()
	p := project{dir: filepath.Join(t.TempDir(), "shop"), home: t.TempDir()}
	if err := os.Mkdir(p.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	p.write(t, "app", "the program\n")
	for _, args := range [][]string{{"init", "-q"}, {"add", "app"}, {"-c", "user.name=Dana", "-c", "user.email=dana@example.org", "commit", "-q", "-m", "first"}} {
		cmd := exec.Command("git", args...)
		cmd.Dir, cmd.Env = p.dir, p.env()
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	if r := p.run(t, nil, "init", "--quiet"); r.code != 0 {
		t.Fatal(r.says)
	}
	// The store is there before anything hostile comes: what is written later shows.
	p.write(t, "first.xml", `<testsuite name="s"><testcase name="a"/></testsuite>`)
	if r := p.collect(t, nil, "first.xml"); r.code != 0 {
		t.Fatal(r.says)
	}
	return p
}

func (p project) env() []string {
	return []string{"HOME=" + p.home, "PATH=" + os.Getenv("PATH"), "GIT_CONFIG_NOSYSTEM=1"}
}

func (p project) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(p.dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// ran is how a run of the program ended, and what it took.
type ran struct {
	code int
	says string
	cpu  time.Duration
	peak int64
}

// run runs the program, which is this test binary under another name, in a process of its own.
func (p project) run(t *testing.T, stdin io.Reader, args ...string) ran {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, exe)
	cmd.Args = append([]string{"cdgate"}, args...)
	cmd.Dir, cmd.Env, cmd.Stdin = p.dir, p.env(), stdin
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	peak := make(chan int64)
	go func() { peak <- watch(cmd.Process.Pid) }()
	_ = cmd.Wait() // how it ended is in ProcessState
	if ctx.Err() != nil {
		t.Fatalf("cdgate %v: does not end", args)
	}
	return ran{cmd.ProcessState.ExitCode(), out.String(), cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), <-peak}
}

// watch returns how much memory a process had at most, as long as it can be seen. The rusage of a child does not tell: Linux
// starts it with what its parent had.
func watch(pid int) (peak int64) {
	for {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		_, rest, found := bytes.Cut(b, []byte("VmHWM:"))
		var kib int64
		if err != nil || !found {
			return peak
		}
		if _, err := fmt.Sscan(string(rest), &kib); err == nil {
			peak = max(peak, kib<<10)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func (p project) collect(t *testing.T, stdin io.Reader, args ...string) ran {
	t.Helper()
	key := filepath.Join(p.home, ".config", "cdgate", "shop", "ci.key")
	return p.run(t, stdin, append([]string{"collect", "--key", key, "--artifact", "app"}, args...)...)
}

// store returns every file of the store with its digest.
func (p project) store(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(filepath.Join(p.dir, ".cdgate"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		fmt.Fprintf(&b, "%s %x\n", path, sha256.Sum256(text))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// raced reports whether the race detector is in this binary: it makes everything slow and large.
func raced() bool {
	info, _ := debug.ReadBuildInfo()
	for _, s := range info.Settings {
		if s.Key == "-race" && s.Value == "true" {
			return true
		}
	}
	return false
}

// unraced leaves out a test of large inputs where the race detector would take minutes for them; "make test" runs it without.
func unraced(t *testing.T) {
	t.Helper()
	if raced() {
		t.Skip("large inputs are read without the race detector")
	}
}

// within reports whether a run kept its bounds.
func (r ran) within() bool { return raced() || r.cpu <= hostileTime && r.peak <= hostileMemory }

// cheapest collects and checks that the run kept its bounds. What a run takes depends on what else the machine does, so one that
// took too much is done again, and the best of three counts.
func (p project) cheapest(t *testing.T, stdin func() io.Reader, args ...string) ran {
	t.Helper()
	var r ran
	for range 3 {
		if r = p.collect(t, stdin(), args...); r.within() {
			return r
		}
		t.Logf("took %v and %d MiB", r.cpu, r.peak>>20)
	}
	t.Errorf("took %v and %d MiB, and more than %v or %d MiB three times", r.cpu, r.peak>>20, hostileTime, hostileMemory>>20)
	return r
}

// nothing is no standard input.
func nothing() io.Reader { return nil }

// refused wants exit 30, a message that names what says, and a store as it was.
func (p project) refused(t *testing.T, says string, stdin func() io.Reader, args ...string) {
	t.Helper()
	before := p.store(t)
	r := p.cheapest(t, stdin, args...)
	if r.code != 30 || !strings.Contains(r.says, says) {
		t.Errorf("exit %d, want 30 and %q:\n%.600s", r.code, says, r.says)
	}
	if p.store(t) != before {
		t.Error("something was written")
	}
	if strings.ContainsAny(r.says, "\x1b\x07\r") {
		t.Errorf("control characters reach the terminal: %q", r.says)
	}
}

// taken wants exit 0 and a store that grew: the twin, without the attack.
func (p project) taken(t *testing.T, stdin io.Reader, args ...string) {
	t.Helper()
	before := p.store(t)
	r := p.collect(t, stdin, args...)
	if r.code != 0 || p.store(t) == before {
		t.Errorf("the twin: exit %d:\n%.600s", r.code, r.says)
	}
}

// TestMalformedCorpus gives every broken and hostile file of the corpus to the program. What is to be refused is, with exit
// 30 and nothing written; what is to be read with a warning is, with that warning; and a good report of the same format is
// taken.
func TestMalformedCorpus(t *testing.T) {
	t.Parallel()
	dir := os.Getenv("CDGATE_CORPUS")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "corpus")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "MANIFEST.json"))
	if err != nil {
		t.Skipf("THE CORPUS IS NOT HERE: set CDGATE_CORPUS to its folder. (%v)", err)
	}
	var manifest struct {
		Files []struct {
			Path, Kind, Format string
			AlsoRight          string `json:"also_right"`
			Expect             json.RawMessage
		}
	}
	if err := json.Unmarshal(b, &manifest); err != nil {
		t.Fatal(err)
	}
	twins := map[string]string{}
	for _, f := range manifest.Files {
		if bytes.Contains(f.Expect, []byte(`"verdict": "ok"`)) && f.Kind != "malformed" && twins[f.Format] == "" {
			twins[f.Format] = f.Path
		}
	}
	kinds := map[string]string{"junit": "tests:", "gotest": "tests:", "tap": "tests:", "sarif": "scan:", "trivy": "scan:", "cobertura": "coverage:",
		"lcov": "coverage:", "gocover": "coverage:", "cyclonedx-json": "sbom:", "prometheus": "metrics:"}
	p := newProject(t)
	taken := map[string]bool{}
	for _, f := range manifest.Files {
		if f.Kind != "malformed" {
			continue
		}
		t.Run(filepath.Base(f.Path), func(t *testing.T) {
			arg := kinds[f.Format] + filepath.Join(dir, f.Path)
			name := filepath.Base(f.Path)
			if string(f.Expect) == `"error"` && f.AlsoRight != "ok" && f.AlsoRight != "warning" {
				p.refused(t, name, nothing, arg)
			} else {
				r := p.cheapest(t, nothing, arg)
				want := r.code == 0 && strings.Contains(r.says, "warning") || f.AlsoRight == "ok" && r.code == 0
				if !want && (r.code != 30 || f.AlsoRight != "error" && string(f.Expect) != `"error"`) {
					t.Errorf("exit %d:\n%s", r.code, r.says)
				}
			}
			if twin := twins[f.Format]; kinds[f.Format] != "" && !taken[twin] {
				taken[twin] = true
				p.taken(t, nil, kinds[f.Format]+filepath.Join(dir, twin))
			}
		})
	}
}

// sample is a good report of the tests of the readers.
func sample(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "evidence", path))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// newRepeated is a report of n parts between a head and a tail, which is made while it is read.
func newRepeated(head string, n int, part func(i int) string, tail string) io.Reader {
	i, rest := 0, ""
	middle := readerFunc(func(b []byte) (used int, err error) {
		for used < len(b) {
			if rest == "" {
				if i == n {
					return used, io.EOF
				}
				rest = part(i)
				i++
			}
			k := copy(b[used:], rest)
			rest, used = rest[k:], used+k
		}
		return used, nil
	})
	return io.MultiReader(strings.NewReader(head), middle, strings.NewReader(tail))
}

type readerFunc func(b []byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

func zipped(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = io.WriteString(z, text) // a buffer takes everything
	_ = z.Close()
	return b.String()
}
