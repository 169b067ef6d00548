package main

import (
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

func canonical(t *testing.T, env map[string]string, args ...string) ([]string, error) {
	t.Helper()
	w := &world{stdout: io.Discard, stderr: io.Discard}
	return canonicalArgs(w.newApp(), append([]string{"cdgate"}, args...), arguments{
		getenv: func(n string) string { return env[n] }, dir: t.TempDir(), stdin: strings.NewReader("from stdin\n")})
}

// TestFlagsStandAnywhere gives one line in every order of its words and wants one meaning.
func TestFlagsStandAnywhere(t *testing.T) {
	want := []string{"cdgate", "collect", "--key=k", "--part=a,b", "--", "x.xml", "-"}
	for _, line := range []string{
		"collect --key k --part a,b x.xml -", "collect x.xml --key k - --part a,b", "collect x.xml - --part=a,b --key=k",
		"--key k collect x.xml -k- -", "--part a,b collect x.xml - -k k", "--part=a,b --key=k collect x.xml -", "collect --part a,b --key k -- x.xml -",
	} {
		got, err := canonical(t, nil, strings.Fields(strings.ReplaceAll(line, "-k-", "--key k"))...)
		if strings.Count(line, "-k-") == 1 {
			if err == nil {
				t.Errorf("%s: --key is given twice and nobody said so", line)
			}
			continue
		}
		slices.Sort(got[2:4])
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q, %v", line, got, err)
		}
	}
}

// TestCommandOfRun: what follows -- is a command only where --run says so, and its words are left as they are.
func TestCommandOfRun(t *testing.T) {
	for line, want := range map[string]string{
		"collect --run a -- make -k test":      "--run=true -- a -- make -k test",
		"collect --run -- git log -- x":        "--run=true -- -- git log -- x",
		"collect -- --run a":                   "-- --run a",
		"collect a --run=false -- b":           "--run=false -- a -- b",
		"collect --run a":                      "--run=true -- a",
		"collect --run --quiet -- x --quiet":   "--run=true --quiet=true -- -- x --quiet",
		"evaluate --target t -- -odd-name.xml": "--target=t -- -odd-name.xml",
	} {
		got, err := canonical(t, nil, strings.Fields(line)...)
		if err != nil || strings.Join(got[2:], " ") != want {
			t.Errorf("%s: %q, %v; want %s", line, got, err, want)
		}
	}
	if got, err := canonical(t, nil, "collect", "--run", "--", "sh", "-c", ""); err != nil || got[len(got)-1] != "" {
		t.Errorf("an empty word of a command: %q, %v", got, err)
	}
}

func TestEnvironment(t *testing.T) {
	for _, c := range []struct {
		env  map[string]string
		args []string
		want []string
	}{
		{map[string]string{"CDGATE_ARTIFACT": "a,b@sha256:1\n\n  c@sha256:2 \n"}, nil, []string{"--artifact=a,b@sha256:1", "--artifact=c@sha256:2"}},
		{map[string]string{"CDGATE_ARTIFACT": "a"}, []string{"--artifact", "b"}, []string{"--artifact=b"}},
		{map[string]string{"CDGATE_PART": "  "}, nil, nil},
		{map[string]string{"CDGATE_PART": "x y"}, nil, []string{"--part=x y"}},
		{map[string]string{"CDGATE_PART": "@-"}, nil, []string{"--part=from stdin"}},
		{map[string]string{"CDGATE_PART": "@@-"}, nil, []string{"--part=@-"}},
		{map[string]string{"CDGATE_QUIET": "1"}, nil, []string{"--quiet=1"}},
	} {
		got, err := canonical(t, c.env, append([]string{"collect"}, c.args...)...)
		want := append(append([]string{"cdgate", "collect"}, c.want...), "--")
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%v %v: %q, %v", c.env, c.args, got, err)
		}
	}
}

// TestNoFlagSetsItselfFromCLI holds that cli reads no variable on its own, that names and aliases are unique within a
// command, and that every command and flag says what it is for.
func TestNoFlagSetsItselfFromCLI(t *testing.T) {
	w := &world{stdout: io.Discard, stderr: io.Discard}
	walk(w.newApp().Commands, nil, func(path []string, c *cli.Command) {
		if c.Usage == "" || strings.HasSuffix(c.Usage, ".") {
			t.Errorf("%v: usage %q", path, c.Usage)
		}
		if c.Action == nil {
			t.Errorf("%v: no action: cli would print help and exit 0", path)
		}
		seen := map[string]bool{}
		for _, f := range c.Flags {
			for _, n := range f.Names() {
				if seen[n] {
					t.Errorf("%v: flag %s twice", path, n)
				}
				seen[n] = true
			}
			if d := f.(cli.DocGenerationFlag); len(d.GetEnvVars()) > 0 || d.GetUsage() == "" {
				t.Errorf("%v: flag %v", path, f.Names())
			}
			if r := f.(cli.RequiredFlag); r.IsRequired() {
				t.Errorf("%v: flag %v is required of cli, which takes an empty variable for a value", path, f.Names())
			}
		}
	})
}

func TestProbable(t *testing.T) {
	for name, want := range map[string]string{"targt": "target", "tar": "target", "traget": "target", "zzz": "", "x": ""} {
		if got := probable(name, []string{"key", "target", "stage"}); got != want {
			t.Errorf("probable(%q) = %q, want %q", name, got, want)
		}
	}
}
