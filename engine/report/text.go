package report

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"cdgate.dev/cdgate/engine/decide"
	"cdgate.dev/cdgate/engine/record"
)

const (
	// width is the line length of the text format in columns.
	width = 80
	// maxListed is how many entries of a long list the text and Markdown formats show; the JSON has all.
	maxListed = 25
)

// page builds text line by line. Everything goes through Safe.
type page struct {
	b      strings.Builder
	colour bool
}

// The colours of the text format (ECMA-48 SGR parameters).
const (
	bold   = "1"
	red    = "1;31"
	green  = "1;32"
	yellow = "1;33"
	faint  = "2"
)

// columns is how wide s is on a terminal, colours not counted.
func columns(s string) int {
	n, escaped := 0, false
	for _, r := range s {
		switch {
		case r == '\x1b':
			escaped = true
		case escaped:
			escaped = r != 'm'
		default:
			n++
		}
	}
	return n
}

func (p *page) paint(code, s string) string {
	if !p.colour || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

// paragraph writes text wrapped at the width. First stands before the first line; the others are indented as far. Words
// longer than a line are not cut: they are digests, paths and commands that people copy.
func (p *page) paragraph(first, s string) {
	column := columns(first)
	indent, line := strings.Repeat(" ", column), first
	empty := true
	for _, word := range strings.Fields(Safe(s)) {
		n := utf8.RuneCountInString(word)
		if !empty && column+1+n > width {
			p.line(line)
			line, column, empty = indent, len(indent), true
		}
		if !empty {
			line += " "
			column++
		}
		line += word
		column += n
		empty = false
	}
	p.line(line)
}

// line writes a line that is safe already.
func (p *page) line(s string) { p.b.WriteString(strings.TrimRight(s, " ") + "\n") }

// field writes a named detail of a finding, if there is one.
func (p *page) field(name, s string) {
	if strings.TrimSpace(s) != "" {
		p.paragraph(fmt.Sprintf("      %-9s ", name), s)
	}
}

// text renders a document for people: the answer, the reasons, who may sign, what to do next.
func text(d Document) ([]byte, error) {
	p := &page{colour: d.Colour}
	p.head(d)
	g := grouped(d.Result.Findings)
	p.findings("In the way", red, "✗", g.blocking, d)
	p.findings("Waiting for people", yellow, "●", g.waiting, d)
	p.requirements(d)
	p.findings("Discharged", green, "✓", g.discharged, d)
	p.findings("Shown, does not gate", faint, "·", g.shown, d)
	p.later(d)
	p.rules(d)
	p.notCounted(d)
	p.where(d)
	for _, n := range d.Notes {
		p.line("")
		p.paragraph("  Note: ", n)
	}
	if len(d.Next) > 0 {
		p.line("")
		p.line("  " + p.paint(bold, "Next"))
		for _, c := range d.Next {
			p.line("    " + Safe(c))
		}
	}
	return []byte(p.b.String()), nil
}

func (p *page) head(d Document) {
	word, sentence := headline(d)
	code := red
	switch {
	case strings.HasSuffix(word, "ALLOW") || word == "NOTHING BLOCKS":
		code = green
	case strings.HasSuffix(word, "APPROVAL"):
		code = yellow
	}
	p.paragraph(p.paint(code, word)+"  ", sentence)
	for _, s := range d.Result.Release.Subjects {
		p.paragraph("  artifact  ", s.Name+" "+s.Digest)
	}
	if r := d.Result.Release.Revision; r != "" {
		p.paragraph("  commit    ", r)
	}
	if b := basis(d.Result); b != "" && !d.Check {
		p.paragraph("  because   ", b)
	}
	if v := d.Result.ValidUntil; v != "" && d.Result.Outcome == decide.Allow.String() && !d.Check && !d.Preview {
		p.paragraph("  until     ", v)
	}
}

func (p *page) findings(title, code, mark string, findings []decide.Finding, d Document) {
	if len(findings) == 0 {
		return
	}
	p.line("")
	p.line("  " + p.paint(bold, fmt.Sprintf("%s (%d)", title, len(findings))))
	for i, f := range findings {
		if i == maxListed {
			p.line(fmt.Sprintf("    … and %d more; -o json has all", len(findings)-maxListed))
			return
		}
		p.line("    " + p.paint(code, mark) + " " + p.paint(bold, Safe(findingName(f))))
		p.paragraph("      ", message(f, d.Result.NotCounted))
		if w := causeWords(f.Cause); w != "" {
			p.field("cause", w)
		}
		p.field("observed", f.Observed)
		p.field("expected", f.Expected)
		p.field("at", f.Place)
		if f.Status == decide.StatusOpen || f.Status == "" {
			remedy, _ := remedyOf(f)
			p.field("remedy", remedy)
		}
		if d.Detail {
			p.field("controls", strings.Join(f.Controls, ", "))
			p.field("evidence", strings.Join(f.Evidence, " "))
		}
	}
}

func (p *page) requirements(d Document) {
	if len(d.Result.Requirements) == 0 {
		return
	}
	p.line("")
	p.line("  " + p.paint(bold, "Signatures"))
	for _, r := range d.Result.Requirements {
		p.line("    " + p.paint(bold, Safe(r.ID)))
		p.field("wants", fmt.Sprintf("%s with the role %s, meaning %q; %d signed, %d to go",
			counted(r.Count, "person", "people"), strings.Join(r.Roles, " or "), r.Meaning, r.Have, r.Open))
		for _, s := range r.By {
			p.field("counts", signature(s))
		}
		for _, s := range r.NotCounted {
			p.field("void", signature(s)+": "+s.Reason)
		}
		if r.State == decide.StateMet {
			continue
		}
		p.field("may sign", maySign(d, r))
	}
}

// signature says who signed what and when.
func signature(s decide.Signature) string {
	name := s.Name
	if name == "" {
		name = s.Person
	}
	verb := "signed"
	switch s.Verdict {
	case "approve":
		verb = "approved"
	case "reject":
		verb = "rejected"
	}
	out := fmt.Sprintf("%s (%s) %s at %s", name, s.Role, verb, s.SignedAt)
	if s.Role == "" {
		out = fmt.Sprintf("%s %s at %s", name, verb, s.SignedAt)
	}
	if s.Comment != "" {
		out += fmt.Sprintf(" %q", s.Comment)
	}
	return out
}

func (p *page) later(d Document) {
	if len(d.Later) == 0 {
		return
	}
	p.line("")
	p.line("  " + p.paint(bold, fmt.Sprintf("Later (%d): the evidence is not here yet", len(d.Later))))
	for _, l := range d.Later {
		p.paragraph("    · ", fmt.Sprintf("%s wants %s", l.Code, strings.Join(l.Missing, ", ")))
	}
}

func (p *page) rules(d Document) {
	passed, others := passedRules(d.Result.Rules)
	if len(passed) == 0 && len(others) == 0 {
		return
	}
	p.line("")
	if !d.Detail {
		p.line("  " + p.paint(bold, fmt.Sprintf("Passed (%d of %s)", len(passed), counted(len(d.Result.Rules), "rule", "rules"))))
		if len(passed) > 0 {
			p.paragraph("    ", strings.Join(codes(passed), ", "))
		}
		return
	}
	p.line("  " + p.paint(bold, "Passed"))
	for _, r := range passed {
		p.paragraph("    "+p.paint(green, "✓")+" ", fmt.Sprintf("%s: %s", r.Code, r.Title))
	}
	for _, r := range others {
		p.paragraph("    · ", fmt.Sprintf("%s: does not apply here", r.Code))
	}
}

func codes(rules []record.Rule) []string {
	var out []string
	for _, r := range rules {
		out = append(out, r.Code)
	}
	return out
}

func (p *page) notCounted(d Document) {
	if len(d.Result.NotCounted) == 0 {
		return
	}
	p.line("")
	p.line("  " + p.paint(bold, fmt.Sprintf("Evidence that was not counted (%d)", len(d.Result.NotCounted))))
	alike := alikeNotCounted(d.Result.NotCounted)
	for i, a := range alike {
		if i == maxListed {
			p.line(fmt.Sprintf("    … and %d more reasons; -o json has all", len(alike)-maxListed))
			return
		}
		p.paragraph("    · ", enumerated(a.items, maxListed)+": "+a.why)
	}
}

func (p *page) where(d Document) {
	if d.Record.Digest == "" && !d.Log.Logged {
		return
	}
	p.line("")
	if d.Record.Digest != "" {
		path := d.Record.Path
		if path == "" {
			path = "record"
		}
		p.paragraph("  record    ", path+" "+d.Record.Digest)
	}
	if d.Log.Logged {
		p.line(fmt.Sprintf("  log       entry %d", d.Log.Index))
	}
}
