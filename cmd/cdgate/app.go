package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"github.com/urfave/cli/v2"

	"cdgate.dev/cdgate/engine"
	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/report"
)

// The exit codes that are answers, not trouble. The others are fault classes.
const (
	exitAllow   = 0
	exitRefused = 20
)

// world is everything outside this process that a command may touch.
type world struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	lookup         func(string) (string, bool)
	environ        func() []string
	now            func() time.Time
	readPassword   func() ([]byte, error)
	// dir is the working directory, self the file of this program.
	dir, self                                     string
	stdinTerminal, stdoutTerminal, stderrTerminal bool
	// stdoutWidth and stderrWidth are how many characters a line of the terminal has; 0 where there is none.
	stdoutWidth, stderrWidth int

	quiet bool
	// patient is set once a command of --run was started: what a signal does is then for that command to say, and how it
	// ended is stored, however long it takes.
	patient atomic.Bool
	// bar says how far reading is; nil when nobody watches.
	bar *bar
}

// getenv is the value of an environment variable; an empty one is the same as none.
func (w *world) getenv(name string) string {
	v, _ := w.lookup(name)
	return v
}

// answer is the error of a command that did its work and whose answer is not 0. Everything has been printed. It is our
// own type because cli takes any error with an ExitCode method, such as that of os/exec, for an order to exit.
type answer struct{ code int }

func (a *answer) Error() string { return fmt.Sprintf("exit %d", a.code) }

// answered turns an exit code into what an action returns.
func answered(code int) error {
	if code == exitAllow {
		return nil
	}
	return &answer{code: code}
}

// run runs one command line and returns the exit code. A panic is exit 70, never 2.
func (w *world) run(ctx context.Context, args []string) (code int) {
	defer func() {
		if p := recover(); p != nil {
			w.bar.clear()
			fmt.Fprintf(w.stderr, "cdgate: internal error: %s\n%s", report.Safe(fmt.Sprint(p)), debug.Stack())
			code = int(fault.Internal)
		}
	}()
	app := w.newApp()
	canonical, err := canonicalArgs(app, args, w.arguments())
	if err == nil {
		err = app.RunContext(ctx, canonical)
	}
	w.bar.clear()
	return w.exitCode(err)
}

// exitCode prints what is still to be said and says how the process ends.
func (w *world) exitCode(err error) int {
	if err == nil {
		return exitAllow
	}
	var a *answer
	if errors.As(err, &a) {
		return a.code
	}
	w.complain(err)
	var refused *engine.Refused
	if errors.As(err, &refused) {
		return exitRefused
	}
	return int(fault.ClassOf(err))
}

// complain prints an error on stderr. Its text may hold foreign names: every line is escaped and starts with our own
// words or blanks, so that none is read as an instruction by a CI system.
func (w *world) complain(err error) {
	w.bar.clear()
	prefix := "cdgate: "
	for line := range strings.SplitSeq(strings.TrimSpace(err.Error()), "\n") {
		fmt.Fprintf(w.stderr, "%s%s\n", prefix, report.Safe(line))
		prefix = "        "
	}
}

// note prints a line of progress or advice on stderr.
func (w *world) note(format string, args ...any) {
	if w.quiet {
		return
	}
	w.bar.clear()
	for line := range strings.SplitSeq(fmt.Sprintf(format, args...), "\n") {
		fmt.Fprintf(w.stderr, "cdgate: %s\n", report.Safe(line))
	}
}

// colour says whether stdout may have colour.
func (w *world) colour() bool {
	return w.stdoutTerminal && w.getenv("NO_COLOR") == "" && w.getenv("TERM") != "dumb"
}

// newApp is the tree of commands. Everything cli would do on its own with errors, environment variables, list
// separators and misspelt names is switched off here and done in arguments.go.
func (w *world) newApp() *cli.App {
	return &cli.App{
		Name:                      "cdgate",
		Usage:                     "decide from signed evidence whether a release may go to a target",
		HideVersion:               true,
		HideHelpCommand:           true,
		DisableSliceFlagSeparator: true,
		ExitErrHandler:            func(*cli.Context, error) {},
		Writer:                    w.stdout,
		ErrWriter:                 w.stderr,
		Action: func(c *cli.Context) error {
			return fault.New(fault.Usage, "no command given; start with: cdgate init, or see: cdgate --help")
		},
		CustomAppHelpTemplate: appHelp,
		Commands: []*cli.Command{
			w.initCommand(), w.keysCommand(), w.gateCommand(),
			w.collectCommand(), w.checkCommand(), w.evaluateCommand(),
			w.approveCommand(), w.rejectCommand(),
			w.verifyCommand(), w.replayCommand(), w.explainCommand(), w.reportCommand(), w.logCommand(), w.storeCommand(),
			w.policyCommand(), w.schemaCommand(), w.versionCommand(), w.completionCommand(),
		},
	}
}

// appHelp is the page of "cdgate --help".
const appHelp = `cdgate - {{.Usage}}

Usage: cdgate COMMAND [flags] [arguments]

{{range .VisibleCommands}}  {{printf "%-12s" .Name}} {{.Usage}}
{{end}}
Help for one command: cdgate COMMAND --help
Every flag is also a variable of the environment: --target is CDGATE_TARGET.
Exit codes: 0 allow, 10 needs approval, 20 block, 30 evidence fault, 40 policy fault,
            50 trust fault, 60 not recorded, 64 usage, 70 internal error
`

// group makes a command that only has subcommands.
func group(name, usage string, sub ...*cli.Command) *cli.Command {
	return &cli.Command{
		Name: name, Usage: usage, HideHelpCommand: true, Subcommands: sub, CustomHelpTemplate: groupHelp,
		Action: func(c *cli.Context) error {
			var names []string
			for _, s := range sub {
				names = append(names, s.Name)
			}
			return fault.New(fault.Usage, "%s needs one of: %s", name, strings.Join(names, ", "))
		},
	}
}

// command makes a command that does something. Args describes its arguments, most how many it takes (-1: any number).
func (w *world) command(name, args, usage, description string, most int, flags []cli.Flag, do func(*call) error) *cli.Command {
	c := &cli.Command{
		Name: name, ArgsUsage: args, Usage: usage, Description: description,
		HideHelpCommand: true, UseShortOptionHandling: false,
		Flags: append(flags, everywhere()...),
		Action: func(c *cli.Context) error {
			if n := c.Args().Len(); most >= 0 && n > most {
				return fault.New(fault.Usage, "%s takes %s, got %d; see: cdgate %s --help",
					c.Command.HelpName, plural(most, "argument"), n, strings.TrimPrefix(c.Command.HelpName, "cdgate "))
			}
			k, err := w.newCall(c)
			if err != nil {
				return err
			}
			return do(k)
		},
	}
	c.CustomHelpTemplate = commandHelp(c)
	return c
}

// plural writes a count and its noun: "no arguments", "one argument", "3 arguments".
func plural(n int, noun string) string {
	switch n {
	case 0:
		return "no " + noun + "s"
	case 1:
		return "one " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
