package main

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"cdgate.dev/cdgate/evidence/collect"
)

const (
	// progressDelay is how long something must take before a bar is drawn, progressPause how often it is drawn.
	progressDelay = 500 * time.Millisecond
	progressPause = 100 * time.Millisecond
	// barLength is how many characters of the line are the bar.
	barLength = 20
)

// bar is one line on a terminal that says how far reading is. It is plain text without colour or control sequences but for
// the carriage return, so there is nothing for NO_COLOR to take away.
type bar struct {
	w           io.Writer
	now         func() time.Time
	width       int
	start, last time.Time
	// drawn is how many characters of the line are written on.
	drawn int
}

// progress returns what to tell how far reading is, or nil when nobody watches: stderr is no terminal, this is a CI
// system, or the person asked for quiet.
func (k *call) progress() func(collect.Progress) {
	ci := k.getenv("CI")
	if !k.stderrTerminal || k.quiet || k.getenv("TERM") == "dumb" || ci != "" && ci != "false" || readCI(k.getenv).system != "" {
		return nil
	}
	k.bar = &bar{w: k.stderr, now: k.world.now, width: lineWidth(k.stderrWidth)}
	return k.bar.tell
}

// tell draws the bar anew, when it is time.
func (b *bar) tell(p collect.Progress) {
	now := b.now()
	if b.start.IsZero() {
		b.start = now
	}
	if now.Sub(b.start) < progressDelay || now.Sub(b.last) < progressPause {
		return
	}
	b.last = now
	line := fmt.Sprintf("reading  %s  ", megabytes(p.Read))
	if p.Total > 0 {
		part := min(p.Read, p.Total)
		done := int(float64(barLength) * float64(part) / float64(p.Total))
		line = fmt.Sprintf("reading  [%s%s] %3d%% of %s  ", strings.Repeat("#", done), strings.Repeat("-", barLength-done),
			int(100*float64(part)/float64(p.Total)), megabytes(p.Total))
	}
	line += shorten(shown(p.Path), max(8, b.width-1-utf8.RuneCountInString(line)))
	b.draw(line)
}

// draw puts a line where the last one was.
func (b *bar) draw(line string) {
	n := utf8.RuneCountInString(line)
	fmt.Fprintf(b.w, "\r%s%s", line, strings.Repeat(" ", max(0, b.drawn-n)))
	b.drawn = n
}

// clear takes the bar away. A nil bar has nothing to clear.
func (b *bar) clear() {
	if b != nil && b.drawn > 0 {
		b.draw("")
		fmt.Fprint(b.w, "\r")
	}
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }
