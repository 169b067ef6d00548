package main

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/urfave/cli/v2"
)

const (
	// helpWidth is the line length of help pages in columns.
	helpWidth = 80
	// helpColumn is where the texts of flags begin; a flag that is longer has a line of its own.
	helpColumn = 27
)

// groupHelp is the page of "cdgate GROUP --help".
const groupHelp = `{{.HelpName}} - {{.Usage}}

Usage: {{.HelpName}} COMMAND [flags] [arguments]

{{range .VisibleCommands}}  {{printf "%-12s" .Name}} {{.Usage}}
{{end}}
Help for one command: {{.HelpName}} COMMAND --help
`

// commandHelp is the template of the page of one command. Only its name is left to cli, whose own page has one line a
// flag, however long.
func commandHelp(c *cli.Command) string {
	var b strings.Builder
	b.WriteString("{{.HelpName}} - " + c.Usage + "\n\nUsage: {{.HelpName}} [flags]" + strings.TrimRight(" "+c.ArgsUsage, " ") + "\n\n")
	if c.Description != "" {
		for i, paragraph := range strings.Split(c.Description, "\n\n") {
			if i > 0 {
				b.WriteString("\n")
			}
			for line := range strings.SplitSeq(wrap(paragraph, helpWidth-2), "\n") {
				b.WriteString("  " + line + "\n")
			}
		}
		b.WriteString("\n")
	}
	for _, f := range c.Flags {
		_, usage := unquote(f)
		helpEntry(&b, flagSpelling(f), usage)
	}
	helpEntry(&b, "-h, --help", "show this page")
	return b.String()
}

// flagSpelling is a flag as it is typed, short name first.
func flagSpelling(f cli.Flag) string {
	long, short := f.Names()[0], "    "
	if names := f.Names(); len(names) > 1 {
		short = "-" + names[1] + ", "
	}
	if isBool(f) {
		return short + "--" + long
	}
	placeholder, _ := unquote(f)
	return short + "--" + long + " " + placeholder
}

// helpEntry writes a name and its text beside it.
func helpEntry(b *strings.Builder, name, text string) {
	line := "  " + name
	if utf8.RuneCountInString(line)+2 > helpColumn {
		b.WriteString(line + "\n")
		line = ""
	}
	for part := range strings.SplitSeq(wrap(text, helpWidth-helpColumn), "\n") {
		fmt.Fprintf(b, "%-*s%s\n", helpColumn, line, part)
		line = ""
	}
}

// wrap breaks a text between words so that its lines have at most width columns where a word allows it.
func wrap(s string, width int) string {
	var b strings.Builder
	column := 0
	for _, word := range strings.Fields(s) {
		n := utf8.RuneCountInString(word)
		switch {
		case column == 0:
		case column+1+n > width:
			b.WriteString("\n")
			column = 0
		default:
			b.WriteString(" ")
			column++
		}
		b.WriteString(word)
		column += n
	}
	return b.String()
}

// unquote takes the placeholder out of a usage text.
func unquote(f cli.Flag) (placeholder, usage string) {
	usage = flagUsage(f)
	if before, rest, found := strings.Cut(usage, "`"); found {
		name, after, _ := strings.Cut(rest, "`")
		return name, before + name + after
	}
	return "VALUE", usage
}
