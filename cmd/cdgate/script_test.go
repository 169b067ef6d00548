package main

import (
	"errors"
	"flag"
	"hash/crc32"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "write generated files and goldens again")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"cdgate": func() { os.Exit(realMain()) }})
}

// params runs scripts against the real main function.
func params(dir string) testscript.Params {
	return testscript.Params{
		Dir: dir, UpdateScripts: *update, RequireExplicitExec: true, RequireUniqueNames: true,
		Setup: setupScript,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"code": code, "flip": flip, "fill": fill, "absent": absent, "edit": edit, "start": start, "token": token,
			"registry": registryServer, "prometheus": prometheusServer, "attest": attest,
		},
	}
}

// setupScript gives every script a home, a git identity and no trace of the CI system that runs the tests.
func setupScript(env *testscript.Env) error {
	home := filepath.Join(env.WorkDir, ".home")
	if err := os.MkdirAll(home, 0o755); err != nil {
		return err
	}
	gitconfig := "[user]\n\tname = Dana Developer\n\temail = dana@example.org\n[init]\n\tdefaultBranch = main\n[commit]\n\tgpgsign = false\n"
	if err := os.WriteFile(filepath.Join(home, ".gitconfig"), []byte(gitconfig), 0o644); err != nil {
		return err
	}
	env.Setenv("HOME", home)
	env.Setenv("XDG_CONFIG_HOME", "")
	env.Setenv("GIT_CONFIG_NOSYSTEM", "1")
	env.Setenv("GIT_CEILING_DIRECTORIES", filepath.Dir(env.WorkDir))
	root, err := filepath.Abs("../..")
	env.Setenv("SOURCE", root)
	return err
}

func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, params("testdata/script"))
}

// start is what most stories begin with: a repository with one commit by Dana Developer, a gate made by "cdgate init", the
// good reports of the examples in reports/, and an artifact called app. KEYS is where the private keys are.
func start(ts *testscript.TestScript, neg bool, args []string) {
	dir := ts.MkAbs("shop")
	ts.Check(os.MkdirAll(filepath.Join(dir, "reports"), 0o755))
	ts.Check(ts.Chdir(dir))
	samples, err := filepath.Glob(filepath.Join(ts.Getenv("SOURCE"), "examples", "allow", "reports", "*"))
	ts.Check(err)
	for _, sample := range samples {
		b, err := os.ReadFile(sample)
		ts.Check(err)
		ts.Check(os.WriteFile(filepath.Join(dir, "reports", filepath.Base(sample)), b, 0o644))
	}
	ts.Check(os.WriteFile(filepath.Join(dir, "app"), []byte("the program\n"), 0o755))
	for _, args := range [][]string{{"git", "init", "-q"}, {"git", "add", "app"}, {"git", "commit", "-q", "-m", "first"}, {"cdgate", "init", "--quiet"}} {
		ts.Check(ts.Exec(args[0], args[1:]...))
	}
	ts.Setenv("KEYS", filepath.Join(ts.Getenv("HOME"), ".config", "cdgate", "shop"))
}

// code runs a program and wants an exact exit code: code 64 cdgate evaluate.
func code(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N program args…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("%s: exit code %d, want %d\nstdout: %s\nstderr: %s", strings.Join(args[1:], " "), got, want, ts.ReadFile("stdout"), ts.ReadFile("stderr"))
	}
}

// flip changes one bit in the middle of a file: flip FILE.
func flip(ts *testscript.TestScript, neg bool, args []string) {
	for _, pattern := range args {
		path := ts.MkAbs(pattern)
		b, err := os.ReadFile(path)
		ts.Check(err)
		b[len(b)/2] ^= 1
		ts.Check(os.Chmod(path, 0o644))
		ts.Check(os.WriteFile(path, b, 0o644))
	}
}

// fill writes a file of a text repeated: fill FILE COUNT TEXT.
func fill(ts *testscript.TestScript, neg bool, args []string) {
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Repeat(args[2], n)), 0o644))
}

// absent wants that no file fits the patterns: absent 'store/blobs/*'.
func absent(ts *testscript.TestScript, neg bool, args []string) {
	for _, pattern := range args {
		found, err := filepath.Glob(ts.MkAbs(pattern))
		ts.Check(err)
		if (len(found) == 0) == neg {
			ts.Fatalf("%s: found %d: %s", pattern, len(found), strings.Join(found, " "))
		}
	}
}

// edit replaces text in a file, which must hold it: edit FILE OLD NEW.
func edit(ts *testscript.TestScript, neg bool, args []string) {
	path := ts.MkAbs(args[0])
	b, err := os.ReadFile(path)
	ts.Check(err)
	if !strings.Contains(string(b), args[1]) {
		ts.Fatalf("%s does not hold %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(path, []byte(strings.ReplaceAll(string(b), args[1], args[2])), 0o644))
}

// token writes a JUnit report with a made-up token in it, put together here so that no scanner finds one: token FILE.
func token(ts *testscript.TestScript, neg bool, args []string) {
	const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	entropy, sum := "Tzdeo9mZqJYd3Wk5x0rV8sUa1bHgLf", ""
	for n := crc32.ChecksumIEEE([]byte(entropy)); len(sum) < 6; n /= 62 {
		sum = string(digits[n%62]) + sum
	}
	report := "<testsuite name=\"a\"><testcase classname=\"a\" name=\"b\">\n<system-out>cloned https://ghp_" + entropy + sum + "@host/</system-out></testcase></testsuite>"
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(report), 0o644))
}
