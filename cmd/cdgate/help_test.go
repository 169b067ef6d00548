package main

import (
	"bytes"
	"context"
	"io"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/urfave/cli/v2"
)

// TestHelpPages holds that the page of every command fits a terminal and names each of its flags.
func TestHelpPages(t *testing.T) {
	w := &world{stdout: io.Discard, stderr: io.Discard}
	walk(w.newApp().Commands, nil, func(path []string, c *cli.Command) {
		t.Run(strings.Join(path, " "), func(t *testing.T) {
			var out, trouble bytes.Buffer
			w := &world{stdin: strings.NewReader(""), stdout: &out, stderr: &trouble, lookup: func(string) (string, bool) { return "", false }}
			if code := w.run(context.Background(), slices.Concat([]string{"cdgate"}, path, []string{"--help"})); code != 0 {
				t.Fatalf("exit %d: %s", code, trouble.String())
			}
			for line := range strings.SplitSeq(out.String(), "\n") {
				if n := utf8.RuneCountInString(line); n > helpWidth || strings.TrimRight(line, " ") != line {
					t.Errorf("%d columns: %q", n, line)
				}
			}
			for _, f := range c.Flags {
				if !strings.Contains(out.String(), "--"+f.Names()[0]) {
					t.Errorf("flag %s is not there", f.Names()[0])
				}
			}
		})
	})
}
