package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cdgate.dev/cdgate/engine/seal"
)

// TestAskForm answers the questions of a form as a person at a terminal would.
func TestAskForm(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir) // the store is there
	private, _, err := seal.Generate(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "eva.key"), private, 0o600); err != nil {
		t.Fatal(err)
	}
	gitconfig := filepath.Join(dir, "gitconfig")
	if err := os.WriteFile(gitconfig, []byte("[user]\n\tname = Eva\n\temail = eva@example.org\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, form string
		flags      []string
		answers    []string
		code       int
		says       []string
	}{
		{"a whole test", "manual-test", []string{"--set", "title=Refunds"},
			// script, tester, environment, at; steps, the second with a word twice; result; notes; sign
			[]string{"TC-9", "", "staging", "", "Open the order", "d", "Refund it", "maybe", "fail", "twice the amount", "", "x", "f", "", "y"}, 0,
			[]string{"id of the test script: ", "who tested [Eva <eva@example.org>]: ", "when it was tested [2026-11-20T12:00:00Z]: ", "step 2 (an empty line ends): ",
				"result (passed, failed): ", `"note": "twice the amount"`, `"result": "failed"`, `"tester": "Eva <eva@example.org>"`, "Sign this? [y/N]: ", "1 statement"}},
		{"a demonstration", "demo", nil,
			[]string{"", "SHOP-1", "", "", "", "demo-1", "", "Sam", "Zoë", "", "2026-11-19T12:00:00Z", "p", "went well", "yes"}, 0,
			[]string{"who attended: ", "and who else (an empty line ends): ", `"Zoë"`, `"at": "2026-11-19T12:00:00Z"`}},
		{"a checklist", "checklist", nil,
			[]string{"Go-live", "", "", "", "", "", "Backup", "done", "", "", "y"}, 0,
			[]string{"item 1 (an empty line ends): ", `"state": "done"`}},
		{"refused at the end", "checklist", []string{"--set", "title=x", "--set", "by=Eva"},
			[]string{"", "", "", "Backup", "done", "", "", "n"}, 64, []string{"nothing was signed"}},
		{"the terminal is closed", "checklist", nil, []string{"Go-live"}, 64, []string{"nothing was signed: nobody answers"}},
		{"a contradiction", "manual-test", []string{"--set", "script=x", "--set", "tester=y", "--set", "result=passed"},
			[]string{"", "", "", "Open", "failed", "", "", "", "y"}, 30, []string{"its result is passed, and yet a step failed"}},
		{"nothing is asked when it is whole", "checklist", []string{"--set", "title=x", "--set", "by=Eva", "--item", "a=done"}, nil, 0,
			[]string{"the checklist that is collected:", `"by": "Eva"`, `"text": "a"`, "1 statement"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			w := &world{
				stdin: strings.NewReader(strings.Join(c.answers, "\n") + "\n"), stdout: &out, stderr: &out, dir: dir,
				stdinTerminal: true, stderrTerminal: true, now: func() time.Time { return time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC) },
				lookup: func(name string) (string, bool) {
					switch name {
					case "PATH":
						return os.LookupEnv(name)
					case "GIT_CONFIG_GLOBAL":
						return gitconfig, true
					case "GIT_CONFIG_NOSYSTEM":
						return "1", true
					}
					return "", false
				},
			}
			args := append([]string{"cdgate", "collect", "--key", "eva.key", "--artifact", "app@sha256:" + strings.Repeat("0", 64), "--form", c.form}, c.flags...)
			if code := w.run(context.Background(), args); code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			for _, want := range c.says {
				if !strings.Contains(out.String(), want) {
					t.Errorf("it does not say %q", want)
				}
			}
			if t.Failed() {
				t.Log(out.String())
			}
		})
	}
}
