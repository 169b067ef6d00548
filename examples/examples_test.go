// Package examples_test runs the example scripts with the program as it is built for users.
package examples_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// build builds cdgate once for all examples and gives the directory it is in.
func build(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.Command("go", "build", "-o", filepath.Join(dir, "cdgate"), "../cmd/cdgate")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build cdgate: %v\n%s", err, out)
	}
	return dir
}

func TestExamples(t *testing.T) {
	bin := build(t)
	for _, name := range []string{"allow", "needs_approval", "block"} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command("sh", filepath.Join(name, "run.sh"))
			cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "HOME="+t.TempDir(), "CI=", "GITHUB_ACTIONS=", "GITLAB_CI=")
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			t.Logf("%s", out)
		})
	}
}

// TestEveryExampleIsRun fails when a folder is added that no test runs.
func TestEveryExampleIsRun(t *testing.T) {
	scripts, err := filepath.Glob("*/run.sh")
	if err != nil {
		t.Fatal(err)
	}
	if len(scripts) != 4 { // the three above, and demo, which `make demo` runs
		t.Errorf("there are %d example scripts; list new ones in TestExamples: %v", len(scripts), scripts)
	}
}
