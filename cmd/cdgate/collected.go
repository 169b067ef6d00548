package main

import (
	"fmt"
	"strings"

	"cdgate.dev/cdgate/engine"
	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/collect"
)

// readReport is the JSON of one report that was read. SameAs is the path of an earlier one of the same bytes; both count.
type readReport struct {
	Path      string             `json:"path"`
	Kind      evidence.Kind      `json:"kind"`
	Level     string             `json:"level"`
	Format    string             `json:"format"`
	Tool      evidence.Tool      `json:"tool"`
	Summary   any                `json:"summary"`
	Warnings  []evidence.Warning `json:"warnings"`
	Report    string             `json:"report"`
	MediaType string             `json:"mediaType"`
	Size      int64              `json:"size"`
	SameAs    string             `json:"sameAs"`
	Attested  *attestedReport    `json:"attested,omitempty"`
}

// attestedReport is the JSON of what an attestation of another tool says of itself; its signature is checked at the decision.
type attestedReport struct {
	PredicateType string   `json:"predicateType"`
	Subjects      []string `json:"subjects"`
}

// collectedItem is the JSON of one statement about a report.
type collectedItem struct {
	readReport  `json:",inline"`
	About       string `json:"about"`
	AboutDigest string `json:"aboutDigest"`
	Statement   string `json:"statement"`
}

// skippedFile is the JSON of a file in a directory that is no report.
type skippedFile struct {
	Path   string `json:"path"`
	Reason string `json:"reason"`
}

// badReport is the JSON of something that was named and cannot be collected.
type badReport struct {
	Path  string `json:"path"`
	Error string `json:"error"`
}

// collected is the JSON of a collection.
type collected struct {
	Items      []collectedItem `json:"items"`
	Builds     []string        `json:"builds"`
	Collection string          `json:"collection"`
	Store      string          `json:"store"`
	Skipped    []skippedFile   `json:"skipped"`
	Totals     totals          `json:"totals"`
}

// listed is the JSON of collect --list.
type listed struct {
	Items    []readReport  `json:"items"`
	Problems []badReport   `json:"problems"`
	Skipped  []skippedFile `json:"skipped"`
	Totals   totals        `json:"totals"`
}

// totals adds up the reports of a collection or listing; each counts once, whatever it is about.
type totals struct {
	Reports  int                   `json:"reports"`
	Kinds    map[evidence.Kind]int `json:"kinds"`
	Warnings int                   `json:"warnings"`
	Problems int                   `json:"problems"`
	Skipped  int                   `json:"skipped"`
}

// readReports describes reports in order.
func readReports(items []evidence.Item) []readReport {
	first := map[string]string{}
	var out []readReport
	for _, it := range items {
		key := string(it.Kind) + it.Raw.Digest
		same := first[key]
		if same == "" {
			first[key] = it.Path
		}
		var attested *attestedReport
		if a := it.Attested; a != nil {
			attested = &attestedReport{a.PredicateType, a.Subjects}
		}
		out = append(out, readReport{
			Attested: attested, Path: it.Path, Kind: it.Kind, Level: it.Level, Format: it.Format, Tool: it.Tool, Summary: orEmpty(it.Summary.Value()),
			Warnings: it.Warnings, Report: it.Raw.Digest, MediaType: it.Raw.MediaType, Size: it.Raw.Size, SameAs: same,
		})
	}
	return out
}

// orEmpty is an object where there is nothing to say: the JSON has no nulls.
func orEmpty(summary any) any {
	if summary == nil {
		return struct{}{}
	}
	return summary
}

// reportsOf returns each report of a collection once: there is one statement for each thing that it is about.
func reportsOf(c *engine.Collected) []evidence.Item {
	var out []evidence.Item
	for _, it := range c.Items {
		if it.About == c.Items[0].About && it.AboutDigest == c.Items[0].AboutDigest {
			out = append(out, it.Item)
		}
	}
	return out
}

func collectedJSON(c *engine.Collected, skipped []skippedFile) collected {
	reports := readReports(reportsOf(c))
	out := collected{Builds: c.Builds, Collection: c.Collection, Store: c.Store, Skipped: skipped, Totals: add(reports, nil, skipped)}
	perReport := max(1, len(c.Items)/max(1, len(reports)))
	for i, it := range c.Items {
		out.Items = append(out.Items, collectedItem{
			readReport: reports[i/perReport], About: it.About, AboutDigest: it.AboutDigest, Statement: it.Statement,
		})
	}
	return out
}

func listedJSON(items []evidence.Item, problems []collect.Problem, skipped []skippedFile) listed {
	reports := readReports(items)
	out := listed{Items: reports, Skipped: skipped, Totals: add(reports, problems, skipped)}
	for _, p := range problems {
		out.Problems = append(out.Problems, badReport{p.Path, p.Err.Error()})
	}
	return out
}

func add(reports []readReport, problems []collect.Problem, skipped []skippedFile) totals {
	t := totals{Reports: len(reports), Kinds: map[evidence.Kind]int{}, Problems: len(problems), Skipped: len(skipped)}
	for _, r := range reports {
		t.Kinds[r.Kind]++
		t.Warnings += len(r.Warnings)
	}
	return t
}

// collectedText tells a person what was read and stored.
func (k *call) collectedText(c *engine.Collected, skipped []skippedFile) string {
	var b strings.Builder
	k.tellReports(&b, reportsOf(c), nil, skipped)
	if n := len(c.Builds); n > 0 {
		fmt.Fprintf(&b, "%s tied to the commit\n", count(n, "artifact"))
	}
	about := ""
	if len(c.Items) > 0 {
		about = fmt.Sprintf(" about %s %s", c.Items[0].About, shortDigest(c.Items[0].AboutDigest))
	}
	attested := 0
	for _, it := range c.Items {
		if it.Attested != nil {
			attested++
		}
	}
	if attested > 0 {
		fmt.Fprintf(&b, "Stored %s as they are, each with its own signature, and signed the list of them\n", count(attested, "attestation"))
	}
	fmt.Fprintf(&b, "Signed and stored %s%s in %s\n", count(len(c.Items)-attested+len(c.Builds), "statement"), shown(about), shown(c.Store))
	return b.String()
}

// listedText tells a person what was read.
func (k *call) listedText(items []evidence.Item, problems []collect.Problem, skipped []skippedFile) string {
	var b strings.Builder
	k.tellReports(&b, items, problems, skipped)
	b.WriteString("Nothing was signed or stored\n")
	return b.String()
}

// attestedWords says what an attestation is about.
func attestedWords(a attestedReport) string {
	about := "nothing"
	if len(a.Subjects) > 0 {
		algorithm, value, _ := strings.Cut(a.Subjects[0], ":")
		about = shown(algorithm) + ":" + shown(value[:min(len(value), 12)])
	}
	if more := len(a.Subjects) - 1; more > 0 {
		about += fmt.Sprintf(" and %d more", more)
	}
	return "attested, " + shown(a.PredicateType) + ", about " + about
}

// sameWidth is how much of the path of an equal report is shown: as much as stands in a line with few words.
const sameWidth = 40

// tellReports writes a line for each report, and the totals.
func (k *call) tellReports(b *strings.Builder, items []evidence.Item, problems []collect.Problem, skipped []skippedFile) {
	var lines []reportLine
	for i, r := range readReports(items) {
		l := reportLine{
			kind: shown(string(r.Kind)), format: shown(r.Format), tool: shown(strings.TrimSpace(r.Tool.Name + " " + r.Tool.Version)),
			path: shown(r.Path), counts: summaryWords(items[i]),
		}
		if r.Level != "" {
			l.kind += "/" + shown(r.Level)
		}
		if r.Attested != nil {
			l.notes = append(l.notes, attestedWords(*r.Attested))
		}
		for _, w := range r.Warnings {
			note := "warning: " + shown(w.Msg)
			if w.Place != "" {
				note += " (" + shown(w.Place) + ")"
			}
			l.notes = append(l.notes, note)
		}
		if r.SameAs != "" {
			l.notes = append(l.notes, "the same bytes as "+shorten(shown(r.SameAs), sameWidth)+"; both count")
		}
		lines = append(lines, l)
	}
	width := lineWidth(k.stdoutWidth)
	writeTable(b, lines, width)
	for _, s := range skipped {
		if k.Bool("verbose") {
			writeWrapped(b, "  ", "no report: "+shown(s.Path)+": "+shown(s.Reason), width)
		}
	}
	writeWrapped(b, "", totalWords(items, add(readReports(items), problems, skipped), k.Bool("verbose")), width)
}
