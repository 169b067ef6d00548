package check

import (
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/strictjson"
)

// maxExitCode is the highest exit code there is: 32 bits on Windows.
const maxExitCode = 1<<32 - 1

// Command is what "cdgate collect --run" saw of a command that it ran: how it ended, and the beginning and end of what
// it wrote.
func Command() evidence.Format {
	return evidence.Format{
		Name: "command", Title: "command run", Kind: evidence.Check, MediaType: "application/json",
		Recognised: "`apiVersion` cdgate.dev/command/…",
		Tools:      "cdgate collect --run",
		Limits:     "members that it does not name are refused; one command is one check: exit code 0 without a signal is a success, all else a failure; of its output the end is shown",
		Match: func(h evidence.Head) bool {
			return h.Syntax == evidence.JSON && strings.HasPrefix(h.Text("apiVersion"), "cdgate.dev/command/")
		},
		Read: readCommand,
	}
}

// commandOutput is what a command wrote to one of its outputs.
type commandOutput struct {
	text  string
	bytes int64
	cut   bool
}

func readCommand(r io.Reader, rows *evidence.Rows) (evidence.Report, error) {
	j := strictjson.New(r)
	row := evidence.CheckRow{}
	var words []string
	var directory, signal string
	var stdout, stderr commandOutput
	output := func(o *commandOutput) func() error {
		return j.Closed(strictjson.Members{"text": j.Into(&o.text), "bytes": j.IntoCount(&o.bytes), "cut": j.IntoBool(&o.cut)})
	}
	err := j.Closed(strictjson.Members{
		"apiVersion": j.Is("cdgate.dev/command/v1"),
		"command":    j.IntoStrings(&words), "directory": j.Into(&directory),
		"exitCode": j.IntoCount(&row.ExitCode), "signal": j.Into(&signal),
		"startedAt": j.IntoTime(&row.Start), "endedAt": j.IntoTime(&row.End),
		"stdout": output(&stdout), "stderr": output(&stderr),
	})()
	if err == nil {
		err = j.End()
	}
	switch {
	case err != nil:
	case len(words) == 0 || words[0] == "":
		err = errors.New("it names no command")
	case row.ExitCode > maxExitCode:
		err = errors.New("its exit code is none that a system gives")
	case signal != "" && row.ExitCode == 0:
		err = errors.New("a signal ended the command, and yet its exit code is 0")
	case row.End < row.Start:
		err = errors.New("it ended before it started")
	case stdout.contradicts() || stderr.contradicts():
		err = errors.New("its output is longer than it says, or shorter and not cut")
	}
	if err != nil {
		return evidence.Report{}, err
	}
	row.Name, row.App, row.Conclusion = evidence.Cut(strings.Join(words, " ")), evidence.Cut(words[0]), "success"
	s := evidence.CheckSummary{Checks: 1, Passed: 1, Complete: true, OK: true}
	if row.ExitCode != 0 {
		row.Conclusion = "failure"
		s.Passed, s.Failed, s.OK = 0, 1, false
		row.Message = ending(signal, stdout.text, stderr.text)
	}
	return evidence.Report{Summary: evidence.Summary{Check: &s}}, rows.Row(row)
}

// contradicts reports whether the text cannot be of that many bytes. A byte that is no UTF-8 becomes a character of
// three, so that a text may be longer than its bytes.
func (o commandOutput) contradicts() bool {
	n := int64(len(o.text))
	return !o.cut && (n < o.bytes || n > 3*o.bytes) || o.cut && o.bytes == 0
}

// ending is the signal and the last lines of what a failed command wrote.
func ending(signal, stdout, stderr string) string {
	text := strings.TrimSpace(stderr)
	if text == "" {
		text = strings.TrimSpace(stdout)
	}
	if signal != "" {
		text = strings.TrimSpace(signal + "\n" + text)
	}
	if len(text) <= evidence.MaxMessage {
		return text
	}
	from := len(text) - evidence.MaxMessage + len("…")
	for from < len(text) && !utf8.RuneStart(text[from]) {
		from++
	}
	return "…" + text[from:]
}
