package main

import (
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"cdgate.dev/cdgate/engine/fault"
)

// arguments is what turning a command line into its canonical form needs from outside.
type arguments struct {
	getenv func(string) string
	dir    string
	stdin  io.Reader
}

func (w *world) arguments() arguments {
	return arguments{getenv: w.getenv, dir: w.dir, stdin: w.stdin}
}

// canonicalArgs rewrites a command line so that cli cannot misread it: the command's words, then every flag as
// --name=value, with those of the environment, then "--" and the arguments. Flags may stand anywhere in what the user
// wrote. Misspelt commands and flags, a flag without its value and a flag given twice are usage errors.
func canonicalArgs(app *cli.App, args []string, in arguments) ([]string, error) {
	words, rest, err := splitCommand(app, args[1:])
	if err != nil {
		return nil, err
	}
	out := append([]string{args[0]}, words.names...)
	if words.help {
		return append(out, "--help"), nil
	}
	if words.command == nil {
		return out, nil
	}
	set, positional, after, err := splitFlags(words.command, rest, strings.Join(words.names, " "))
	if err != nil {
		return nil, err
	}
	runs := false
	for _, f := range words.command.Flags {
		name := f.Names()[0]
		values := set[name]
		if _, given := set[name]; !given {
			if values, err = environmentValues(f, in.getenv); err != nil {
				return nil, err
			}
		}
		runs = runs || name == "run" && len(values) > 0
		for _, v := range values {
			if v, err = in.expand(f, v); err != nil {
				return nil, err
			}
			out = append(out, "--"+name+"="+v)
		}
	}
	if _, help := set["help"]; help {
		return append(out[:1+len(words.names)], "--help"), nil
	}
	out = append(append(out, "--"), positional...)
	if after != nil && runs {
		out = append(out, "--") // what follows is a command
	}
	return append(out, after...), nil
}

// commandWords is the command a line names. Command is nil where the line names none or only a group.
type commandWords struct {
	names   []string
	command *cli.Command
	help    bool
}

// splitCommand finds the command's words among the arguments; rest is everything else in its order.
func splitCommand(app *cli.App, args []string) (w commandWords, rest []string, err error) {
	level := app.Commands
	for i := 0; i < len(args); i++ {
		a := args[i]
		switch {
		case a == "--version" && len(w.names) == 0:
			a = "version"
		case a == "help" && len(w.names) == 0:
			w.help = true
			continue
		case a == "--":
			return w, append(rest, args[i:]...), nil
		case strings.HasPrefix(a, "-") && a != "-":
			rest = append(rest, a)
			// A flag before the command: its value must not be taken for the command.
			if takesValue(app.Commands, a) && i+1 < len(args) {
				i++
				rest = append(rest, args[i])
			}
			if a == "--help" || a == "-h" {
				w.help = true
			}
			continue
		}
		next := find(level, a)
		if next == nil {
			return w, nil, unknownCommand(w.names, level, a)
		}
		w.names = append(w.names, next.Name)
		if len(next.Subcommands) == 0 {
			w.command = next
			return w, append(rest, args[i+1:]...), nil
		}
		level = next.Subcommands
	}
	for _, a := range rest {
		if a != "--help" && a != "-h" && !w.help {
			return w, nil, fault.New(fault.Usage, "no command given for flag %q; see: cdgate --help", a)
		}
	}
	return w, nil, nil
}

func find(commands []*cli.Command, name string) *cli.Command {
	for _, c := range commands {
		if c.HasName(name) {
			return c
		}
	}
	return nil
}

func unknownCommand(parents []string, level []*cli.Command, name string) error {
	var names []string
	for _, c := range level {
		names = append(names, c.Name)
	}
	parent := strings.Join(append([]string{"cdgate"}, parents...), " ")
	if p := probable(name, names); p != "" {
		return fault.New(fault.Usage, "unknown command %q; did you mean: %s %s", name, parent, p)
	}
	return fault.New(fault.Usage, "unknown command %q; %s has: %s", name, parent, strings.Join(names, ", "))
}

// takesValue says whether any command's flag of that spelling takes a value that stands apart.
func takesValue(commands []*cli.Command, spelt string) bool {
	if strings.Contains(spelt, "=") {
		return false
	}
	for _, c := range commands {
		if f := flagNamed(c.Flags, strings.TrimLeft(spelt, "-")); f != nil && !isBool(f) {
			return true
		}
		if takesValue(c.Subcommands, spelt) {
			return true
		}
	}
	return false
}

// splitFlags separates the flags of a command from its arguments. After are those that follow "--"; nil without one.
func splitFlags(c *cli.Command, args []string, path string) (set map[string][]string, positional, after []string, err error) {
	set = map[string][]string{}
	for i := 0; i < len(args); i++ {
		a := args[i]
		if a == "--" {
			return set, positional, append([]string{}, args[i+1:]...), nil
		}
		if a == "" {
			return nil, nil, nil, fault.New(fault.Usage, "an argument of cdgate %s is empty; is a variable of the pipeline not set?", path)
		}
		if a == "-" || !strings.HasPrefix(a, "-") {
			positional = append(positional, a)
			continue
		}
		spelt, value, hasValue := strings.Cut(a, "=")
		name := strings.TrimLeft(spelt, "-")
		if name == "help" || name == "h" {
			set["help"] = nil
			continue
		}
		f := flagNamed(c.Flags, name)
		if f == nil || (len(name) > 1) != strings.HasPrefix(spelt, "--") {
			return nil, nil, nil, unknownFlag(c, path, spelt, name)
		}
		name = f.Names()[0]
		switch {
		case isBool(f) && !hasValue:
			value = "true"
		case isBool(f):
			if _, err := strconv.ParseBool(value); err != nil {
				return nil, nil, nil, fault.New(fault.Usage, "flag --%s is true or false, not %q", name, value)
			}
		case !hasValue:
			if i+1 == len(args) || isKnownFlag(c, args[i+1]) {
				return nil, nil, nil, fault.New(fault.Usage, "flag %s needs a value; see: cdgate %s --help", spelt, path)
			}
			i++
			value = args[i]
		}
		if value == "" {
			return nil, nil, nil, fault.New(fault.Usage, "flag %s has an empty value; is a variable of the pipeline not set?", spelt)
		}
		if _, twice := set[name]; twice && !isList(f) {
			return nil, nil, nil, fault.New(fault.Usage, "flag --%s is given twice; it takes one value", name)
		}
		set[name] = append(set[name], value)
	}
	return set, positional, nil, nil
}

func isKnownFlag(c *cli.Command, arg string) bool {
	spelt, _, _ := strings.Cut(arg, "=")
	return strings.HasPrefix(spelt, "--") && flagNamed(c.Flags, spelt[2:]) != nil
}

func unknownFlag(c *cli.Command, path, spelt, name string) error {
	var names []string
	for _, f := range c.Flags {
		names = append(names, f.Names()[0])
	}
	if p := probable(name, names); p != "" {
		return fault.New(fault.Usage, "unknown flag %s; did you mean --%s? See: cdgate %s --help", spelt, p, path)
	}
	return fault.New(fault.Usage, "unknown flag %s; cdgate %s has: --%s", spelt, path, strings.Join(names, ", --"))
}

// probable is the name that was most likely meant, or "" where none is near.
func probable(name string, names []string) string {
	best, distance := "", 1+max(1, len(name)/3)
	if len(name) > 64 {
		return ""
	}
	for _, n := range names {
		d := editDistance(name, n)
		if len(name) >= 3 && strings.HasPrefix(n, name) {
			d = 1
		}
		if d < distance {
			best, distance = n, d
		}
	}
	return best
}

// editDistance is the number of bytes to insert, remove, replace or swap with their neighbour to make b of a.
func editDistance(a, b string) int {
	d := make([][]int, len(a)+1)
	for i := range d {
		d[i] = make([]int, len(b)+1)
		d[i][0] = i
	}
	for j := range d[0] {
		d[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			d[i][j] = min(d[i-1][j]+1, d[i][j-1]+1, d[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(a)][len(b)]
}

func flagNamed(flags []cli.Flag, name string) cli.Flag {
	for _, f := range flags {
		if slices.Contains(f.Names(), name) {
			return f
		}
	}
	return nil
}
