package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

const readme = "../../README.md"

// runBlock finds the blocks of README.md that are marked to be run, with the exit code of the last command.
var runBlock = regexp.MustCompile("(?s)<!-- run(?:: ([0-9]+))? -->\n```sh\n(.*?)```")

// TestReadmeStart runs the five-minute start as it is written, in a small Go project, with stand-ins for the two scanners
// that write sample reports.
func TestReadmeStart(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	blocks := runBlock.FindAllStringSubmatch(string(text), -1)
	if len(blocks) < 6 {
		t.Fatalf("README.md has only %d blocks to run", len(blocks))
	}
	var sh strings.Builder
	sh.WriteString("set -eu\n")
	for _, b := range blocks {
		if b[1] == "" {
			sh.WriteString(b[2])
			continue
		}
		fmt.Fprintf(&sh, "code=0\n%s || code=$?\n[ $code = %s ] || { echo exit code $code instead of %s; exit 1; }\n", strings.TrimSpace(b[2]), b[1], b[1])
	}
	dir := t.TempDir()
	script := "exec git init -q\nexec git add go.mod main.go main_test.go\nexec git commit -q -m first\nexec sh -x ../readme.sh\n" +
		"stdout 'Wrote gate.yaml'\nstdout 'NOTHING BLOCKS'\nstdout 'NEEDS APPROVAL'\nstdout '(?m)^ALLOW  app@1.0.0 may go to production$'\nstdout '(?m)^SAME'\n" +
		"code 20 cdgate approve app@1.0.0 --target production --key $HOME/.config/cdgate/app/dana.key\nstderr 'author'\n"
	archive := "env GOCACHE=" + goEnv(t, "GOCACHE") + "\nenv GOFLAGS=-buildvcs=false\nenv GOPATH=" + goEnv(t, "GOPATH") + "\nenv PATH=$WORK/bin${:}$PATH\nexec chmod +x bin/trivy bin/syft\ncd app\n" + script +
		"\n-- readme.sh --\n" + sh.String() +
		"\n-- bin/trivy --\n#!/bin/sh\ncp \"$SOURCE/examples/allow/reports/trivy.json\" trivy.json\n" +
		"-- bin/syft --\n#!/bin/sh\ncp \"$SOURCE/examples/allow/reports/sbom.json\" sbom.json\n" +
		"-- app/go.mod --\nmodule example.org/app\n\ngo 1.24\n-- app/main.go --\npackage main\n\nfunc main() { println(double(21)) }\n\nfunc double(n int) int { return n * 2 }\n" +
		"-- app/main_test.go --\npackage main\n\nimport \"testing\"\n\nfunc TestDouble(t *testing.T) {\n\tmain()\n\tif double(2) != 4 {\n\t\tt.Fail()\n\t}\n}\n"
	if err := os.WriteFile(filepath.Join(dir, "readme.txtar"), []byte(archive), 0o644); err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, params(dir))
}

func goEnv(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.Command("go", "env", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// ciCommand finds the cdgate commands of the CI snippets.
var ciCommand = regexp.MustCompile(`(?m)^\s+(?:- run: |run: |- )(.*cdgate .*)$`)

// TestReadmeSnippets runs every cdgate command of the CI snippets in the environment those systems give.
func TestReadmeSnippets(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	for name, env := range map[string]string{
		"GitHub Actions": "env GITHUB_ACTIONS=true\nenv GITHUB_RUN_ID=1\nenv GITHUB_RUN_ATTEMPT=1\nenv GITHUB_STEP_SUMMARY=$WORK/summary.md\nenv GITHUB_OUTPUT=$WORK/output\n" +
			"env CDGATE_RELEASE=app@1\nenv CDGATE_LOG_KEY=$KEYS/log.key\n",
		"Parallel jobs without a shared disk": "registry\nenv CDGATE_STORE=oci://$REPOSITORY\nenv GITHUB_ACTIONS=true\nenv GITHUB_RUN_ID=1\nenv GITHUB_RUN_ATTEMPT=1\nenv GITHUB_STEP_SUMMARY=$WORK/summary.md\nenv GITHUB_OUTPUT=$WORK/output\n" +
			"env GITHUB_REPOSITORY=acme/shop\nenv RUNNER_OS=Linux\nenv CDGATE_RELEASE=app@1\nenv CDGATE_LOG_KEY=$KEYS/log.key\n",
		"GitLab CI": "env GITLAB_CI=true\nenv CI_PIPELINE_ID=1\nenv CI_JOB_ID=7\nenv CDGATE_RELEASE=app@1\nenv CI_KEY_FILE=$KEYS/ci.key\nenv GATE_KEY_FILE=$KEYS/gate.key\nenv LOG_KEY_FILE=$KEYS/log.key\n",
	} {
		_, section, _ := strings.Cut(string(text), "\n## "+name+"\n")
		section, _, _ = strings.Cut(section, "\n## ")
		var sh strings.Builder
		sh.WriteString("set -eu\n")
		found := ciCommand.FindAllStringSubmatch(section, -1)
		for _, m := range found {
			line, _, _ := strings.Cut(m[1], "   #")
			sh.WriteString(snippetLine(line) + "\n")
		}
		if len(found) < 3 {
			t.Fatalf("%s: found %d commands", name, len(found))
		}
		archive := "cd app\nexec git init -q\nexec git add .\nexec git commit -q -m first\nexec cdgate init --quiet\nenv KEYS=$HOME/.config/cdgate/app\n" + env +
			"cp $SOURCE/examples/allow/reports/junit.xml tests.json\ncp $SOURCE/examples/allow/reports/trivy.json trivy.json\ncp $SOURCE/examples/allow/reports/sbom.json sbom.json\n" +
			"exec sh -x ../run.sh\nstdout 'NEEDS APPROVAL|NOT YET'\n"
		if strings.Contains(env, "GITHUB_ACTIONS") {
			archive += "grep 'NEEDS APPROVAL' $WORK/summary.md\ngrep 'outcome=needs_approval' $WORK/output\n"
		} else {
			archive += "grep '<failure' cdgate.xml\ngrep 'CDGATE_RESULT_OUTCOME=needs_approval' cdgate.env\n"
		}
		archive += "-- run.sh --\n" + sh.String() + "\n-- app/app --\nthe program\n"
		dir := t.TempDir()
		file := strings.ToLower(strings.Fields(name)[0]) + ".txtar"
		if err := os.WriteFile(filepath.Join(dir, file), []byte(archive), 0o644); err != nil {
			t.Fatal(err)
		}
		testscript.Run(t, params(dir))
	}
}

// snippetLine is a line of a snippet as a shell of the test can run it: the key comes from the file that init wrote, and
// exit code 10, which the platforms are told to accept, is accepted.
func snippetLine(line string) string {
	switch {
	case strings.HasPrefix(line, "cdgate collect"):
		return "CDGATE_KEY=$KEYS/ci.key " + line
	case strings.HasPrefix(line, "cdgate evaluate"):
		if !strings.Contains(line, "||") {
			line += " || [ $? = 10 ]"
		}
		return "CDGATE_KEY=$KEYS/gate.key " + line
	case strings.HasPrefix(line, "cdgate verify"):
		before, _, _ := strings.Cut(line, "&&")
		return before + "|| [ $? = 10 ]"
	}
	return line
}

// TestReadmeTargets holds the two commands a newcomer types first against the Makefile.
func TestReadmeTargets(t *testing.T) {
	for _, target := range []string{"demo", "test", "build"} {
		if out, err := exec.Command("make", "-n", "-C", "../..", target).CombinedOutput(); err != nil {
			t.Errorf("make %s: %v\n%s", target, err, out)
		}
	}
}

// TestReadmeExitCodes holds the table of exit codes against the codes there are.
func TestReadmeExitCodes(t *testing.T) {
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	for _, code := range []int{0, 10, 20, 30, 40, 50, 60, 64, 70} {
		if !strings.Contains(string(text), fmt.Sprintf("\n| %d | ", code)) {
			t.Errorf("README.md says nothing about exit code %d", code)
		}
	}
}
