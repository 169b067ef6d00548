package main

import (
	"strings"
	"unicode/utf8"
)

// reportLine is what people see of one report. Its texts are safe to show.
type reportLine struct {
	kind, format, tool, path, counts string
	notes                            []string
}

const (
	// plainWidth is how wide output is where nobody says otherwise, in characters.
	plainWidth = 80
	// leastPath is how much of a path is shown at least, if there is so much of it.
	leastPath = 24
	// maxKind, maxFormat and maxTool bound the other columns.
	maxKind, maxFormat, maxTool = 24, 24, 30
)

// lineWidth is how wide lines may be on a terminal of that width, or where there is none.
func lineWidth(terminal int) int {
	if terminal >= 40 {
		return terminal
	}
	return plainWidth
}

// columns are the widths of the columns. With narrow the tool and the counts stand on a line of their own.
type columns struct {
	kind, format, tool, path int
	narrow                   bool
}

// writeTable writes one line for each report, in columns that fit the width; paths lose their middle when they have to.
// Where the columns leave no room for paths, counts and tool go below.
func writeTable(b *strings.Builder, lines []reportLine, width int) {
	c := measure(lines, width)
	indent := strings.Repeat(" ", 2+c.kind+2)
	for _, l := range lines {
		cells := []string{pad(l.kind, c.kind), pad(l.format, c.format)}
		if !c.narrow && c.tool > 0 {
			cells = append(cells, pad(l.tool, c.tool))
		}
		if cells = append(cells, pad(l.path, c.path)); !c.narrow {
			cells = append(cells, l.counts)
		}
		b.WriteString("  " + strings.TrimRight(strings.Join(cells, "  "), " ") + "\n")
		if below := l.below(); c.narrow && below != "" {
			writeWrapped(b, indent, below, width)
		}
		for _, note := range l.notes {
			writeWrapped(b, indent, note, width)
		}
	}
}

// below is the line for which the columns have no room.
func (l reportLine) below() string {
	switch {
	case l.tool == "":
		return l.counts
	case l.counts == "":
		return "by " + l.tool
	}
	return l.counts + ", by " + l.tool
}

func measure(lines []reportLine, width int) (c columns) {
	counts := 0
	for _, l := range lines {
		c.kind = max(c.kind, min(maxKind, utf8.RuneCountInString(l.kind)))
		c.format = max(c.format, min(maxFormat, utf8.RuneCountInString(l.format)))
		c.tool = max(c.tool, min(maxTool, utf8.RuneCountInString(l.tool)))
		c.path = max(c.path, utf8.RuneCountInString(l.path))
		counts = max(counts, utf8.RuneCountInString(l.counts))
	}
	room := width - 2 - c.kind - 2 - c.format - 2
	beside := room - 2 - counts
	if c.tool > 0 {
		beside -= c.tool + 2
	}
	if c.narrow = beside < min(leastPath, c.path); !c.narrow {
		room = beside
	}
	c.path = min(c.path, max(room, leastPath))
	return c
}

// pad makes a text n characters long: it fills it up with blanks, or shortens it.
func pad(s string, n int) string {
	s = shorten(s, n)
	return s + strings.Repeat(" ", n-utf8.RuneCountInString(s))
}

// shorten takes out the middle of a text that is longer than n characters; two thirds of what is left are its end, which
// tells files apart.
func shorten(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	head := (n - 1) / 3
	return string(r[:head]) + "…" + string(r[len(r)-(n-1-head):])
}

// writeWrapped writes a text in lines that fit the width, each behind the indent; further lines stand two blanks further in. A
// word that is longer than a line stands in one of its own.
func writeWrapped(b *strings.Builder, indent, text string, width int) {
	used := 0
	for i, word := range strings.Fields(text) {
		n := utf8.RuneCountInString(word)
		switch {
		case i == 0:
			b.WriteString(indent)
			used = len(indent)
		case used+1+n > width:
			b.WriteString("\n" + indent + "  ")
			used = len(indent) + 2
		default:
			b.WriteByte(' ')
			used++
		}
		b.WriteString(word)
		used += n
	}
	b.WriteByte('\n')
}
