package report

import (
	"bytes"
	"fmt"
	"strings"

	"cdgate.dev/cdgate/engine/decide"
)

// MaxMarkdown is the size in bytes above which a Markdown report is cut. GitHub drops a whole step summary above
// 1024 KiB, and other steps of the job may write to it too.
const MaxMarkdown = 1000 << 10

// truncated ends a report that was cut.
const truncated = "\n\n**truncated: the rest does not fit; `-o json` has all of it**\n"

// markdown renders a document for a step summary or a comment. All foreign text stands in code spans.
func markdown(d Document) ([]byte, error) {
	var b bytes.Buffer
	word, _ := headline(d)
	target := d.Result.Target.ID
	fmt.Fprintf(&b, "## %s %s: %s → %s\n\n", symbol(word), word, span(releaseName(d.Result.Release)), orDash(span(target)))
	for _, s := range d.Result.Release.Subjects {
		fmt.Fprintf(&b, "- artifact %s %s\n", orDash(span(s.Name)), span(s.Digest))
	}
	if d.Result.Release.Revision != "" {
		fmt.Fprintf(&b, "- commit %s\n", span(d.Result.Release.Revision))
	}
	if s := basis(d.Result); s != "" && !d.Check {
		fmt.Fprintf(&b, "- because %s\n", s)
	}
	if d.Result.ValidUntil != "" && d.Result.Outcome == decide.Allow.String() && !d.Check && !d.Preview {
		fmt.Fprintf(&b, "- valid until %s\n", span(d.Result.ValidUntil))
	}
	g := grouped(d.Result.Findings)
	markdownFindings(&b, "In the way", g.blocking, d)
	markdownFindings(&b, "Waiting for people", g.waiting, d)
	markdownRequirements(&b, d)
	markdownFindings(&b, "Discharged", g.discharged, d)
	markdownFindings(&b, "Shown, does not gate", g.shown, d)
	markdownRules(&b, d)
	if len(d.Result.NotCounted) > 0 {
		fmt.Fprintf(&b, "\n### Evidence that was not counted (%d)\n\n", len(d.Result.NotCounted))
		for _, a := range alikeNotCounted(d.Result.NotCounted) {
			fmt.Fprintf(&b, "- %s: %s\n", span(strings.Join(a.items, ", ")), span(a.why))
		}
	}
	if d.Record.Digest != "" {
		fmt.Fprintf(&b, "\nRecord %s %s", span(d.Record.Path), span(d.Record.Digest))
		if d.Log.Logged {
			fmt.Fprintf(&b, ", log entry %d", d.Log.Index)
		}
		b.WriteString("\n")
	}
	for _, n := range d.Notes {
		fmt.Fprintf(&b, "\n> %s\n", span(n))
	}
	if len(d.Next) > 0 {
		b.WriteString("\n**Next**\n\n")
		for _, c := range d.Next {
			fmt.Fprintf(&b, "- %s\n", span(c))
		}
	}
	return TruncateMarkdown(b.Bytes(), MaxMarkdown), nil
}

// TruncateMarkdown cuts Markdown at the end of a line so that it has at most limit bytes, and says so. What does not
// even hold the remark becomes empty.
func TruncateMarkdown(b []byte, limit int) []byte {
	if len(b) <= limit {
		return b
	}
	room := limit - len(truncated)
	if room < 0 {
		return nil
	}
	end := bytes.LastIndexByte(b[:room], '\n')
	return append(append([]byte{}, b[:max(end, 0)]...), truncated...)
}

func symbol(word string) string {
	switch {
	case strings.HasSuffix(word, "ALLOW"), word == "NOTHING BLOCKS":
		return "✅"
	case strings.HasSuffix(word, "APPROVAL"):
		return "🟡"
	}
	return "❌"
}

func orDash(s string) string {
	if s == "" {
		return "–"
	}
	return s
}

func markdownFindings(b *bytes.Buffer, title string, findings []decide.Finding, d Document) {
	if len(findings) == 0 {
		return
	}
	fmt.Fprintf(b, "\n### %s (%d)\n\n", title, len(findings))
	for _, f := range findings {
		remedy, _ := remedyOf(f)
		fmt.Fprintf(b, "- **%s** %s\n", span(findingName(f)), span(message(f, d.Result.NotCounted)))
		for _, detail := range []struct{ name, value string }{
			{"cause", causeWords(f.Cause)}, {"observed", f.Observed}, {"expected", f.Expected}, {"at", f.Place}, {"remedy", remedy},
			{"controls", strings.Join(f.Controls, ", ")},
		} {
			if strings.TrimSpace(detail.value) != "" {
				fmt.Fprintf(b, "  - %s %s\n", detail.name, span(detail.value))
			}
		}
	}
}

func markdownRequirements(b *bytes.Buffer, d Document) {
	if len(d.Result.Requirements) == 0 {
		return
	}
	b.WriteString("\n### Signatures\n\n| requirement | roles | signed | to go | may sign |\n|---|---|---|---|---|\n")
	for _, r := range d.Result.Requirements {
		var by []string
		for _, s := range r.By {
			by = append(by, signature(s))
		}
		who := maySign(d, r)
		if r.State == decide.StateMet {
			who = ""
		}
		fmt.Fprintf(b, "| %s | %s | %s | %d | %s |\n", cell(r.ID), cell(strings.Join(r.Roles, " or ")),
			orDash(cell(strings.Join(by, "; "))), r.Open, orDash(cell(who)))
	}
}

func markdownRules(b *bytes.Buffer, d Document) {
	if len(d.Result.Rules) == 0 {
		return
	}
	b.WriteString("\n### Rules\n\n| rule | result | title |\n|---|---|---|\n")
	later := map[string]bool{}
	for _, l := range d.Later {
		later[l.Code] = true
	}
	for _, r := range d.Result.Rules {
		result := cell(r.Result)
		if later[r.Code] {
			result = "later"
		}
		if !r.Enforced {
			result += " (not enforced)"
		}
		fmt.Fprintf(b, "| %s | %s | %s |\n", cell(r.Code), result, cell(r.Title))
	}
}
