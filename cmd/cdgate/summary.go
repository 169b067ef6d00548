package main

import (
	"fmt"
	"reflect"
	"strings"

	"cdgate.dev/cdgate/evidence"
)

// summaryWords says in a few words what a report says, and whether it says itself that something is missing; "" for own
// kinds, whose summary is theirs.
func summaryWords(it evidence.Item) string {
	words := kindWords(it)
	if v := reflect.ValueOf(it.Summary.Value()); v.Kind() == reflect.Pointer {
		if complete := v.Elem().FieldByName("Complete"); complete.IsValid() && !complete.Bool() {
			return words + ", incomplete"
		}
	}
	return words
}

func kindWords(it evidence.Item) string {
	switch s := it.Summary; {
	case s.Tests != nil:
		return amounts(count(int(s.Tests.Total), "test"), amount{s.Tests.Failed, "failed"}, amount{s.Tests.Errored, "errored"},
			amount{s.Tests.Skipped, "skipped"}, amount{s.Tests.Other, "other"}, amount{s.Tests.Problems, "outside tests"})
	case s.Coverage != nil:
		return coverageWords(s.Coverage)
	case s.Scan != nil:
		v := s.Scan.BySeverity
		return amounts(fmt.Sprintf("%d open", s.Scan.Open), amount{v.Critical, "critical"}, amount{v.High, "high"}, amount{v.Medium, "medium"},
			amount{v.Low, "low"}, amount{v.Info, "info"}, amount{v.Unknown, "unknown"}, amount{s.Scan.Suppressed, "suppressed"})
	case s.SBOM != nil:
		return amounts(count(int(s.SBOM.Components), "component"), amount{s.SBOM.Services, "services"})
	case s.VEX != nil:
		return amounts(count(int(s.VEX.Statements), "statement"), amount{s.VEX.Affected, "affected"}, amount{s.VEX.NotAffected, "not affected"},
			amount{s.VEX.Fixed, "fixed"}, amount{s.VEX.UnderInvestigation, "under investigation"}, amount{s.VEX.Unknown, "unknown"})
	case s.Metrics != nil:
		return metricsWords(s.Metrics)
	case s.Objective != nil:
		return amounts(count(int(s.Objective.Objectives), "objective"), amount{s.Objective.Critical, "critical"}, amount{s.Objective.Muted, "muted"})
	}
	return peopleWords(it.Summary)
}

// peopleWords are those of what people and platforms say.
func peopleWords(s evidence.Summary) string {
	switch {
	case s.Review != nil:
		return reviewWords(s.Review)
	case s.Change != nil:
		return amounts(fmt.Sprintf("%s, %d done", count(int(s.Change.Tickets), "ticket"), s.Change.Done), amount{s.Change.Approved, "approved"},
			amount{s.Change.Declined, "declined"}, amount{s.Change.Pending, "pending"}, amount{s.Change.OnHold, "on hold"})
	case s.Deployment != nil:
		return fmt.Sprintf("%s, the latest %s", count(int(s.Deployment.Deployments), "deployment"), spelt(s.Deployment.Latest))
	case s.Check != nil:
		return amounts(count(int(s.Check.Checks), "check"), amount{s.Check.Passed, "passed"}, amount{s.Check.Failed, "failed"},
			amount{s.Check.Unfinished, "unfinished"}, amount{s.Check.Other, "other"})
	case s.Source != nil:
		return sourceWords(s.Source)
	case s.Run != nil:
		return commas(s.Run.System, "run "+s.Run.Run, fmt.Sprintf("attempt %d", s.Run.Attempt), after("started by ", s.Run.Actor))
	case s.Form != nil:
		return formWords(s.Form)
	case s.Provenance != nil:
		return commas(shortDigest(s.Provenance.Revision), s.Provenance.Repository, s.Provenance.Ref)
	case s.Verifier != nil:
		return commas(s.Verifier.Result, s.Verifier.ResourceURI, count(int(s.Verifier.Levels), "level"))
	}
	return ""
}

// formWords says passed alone only where the items bear it out.
func formWords(s *evidence.FormSummary) string {
	result := spelt(s.Result)
	if s.Result == "passed" && !s.OK {
		result = "says passed and is not: not everything was done"
		if s.Done == 0 {
			result = "says passed and is not: nothing was done"
		}
	}
	return amounts(commas(s.Title, result, after("by ", s.By), after("for ", s.Party)), amount{s.Done, "done"}, amount{s.Failed, "failed"},
		amount{s.Open, "open"}, amount{s.Items - s.Done - s.Failed - s.Open, "not applicable"})
}

func metricsWords(s *evidence.MetricsSummary) string {
	words := fmt.Sprintf("%d series", s.Series)
	if s.Samples > 0 {
		words = count(int(s.Samples), "sample") + " in " + words
	}
	if s.ErrorRatio.Measured {
		words += ", " + s.ErrorRatio.Percent.String() + " % errors"
	}
	if s.P95.Measured {
		words += strings.TrimRight(", p95 "+string(s.P95.Value)+" "+shown(s.Unit), " ")
	}
	for _, a := range []amount{{s.NoData, "without data"}, {s.Firing, "firing"}} {
		if a.n != 0 {
			words += fmt.Sprintf(", %d %s", a.n, a.what)
		}
	}
	if s.Thresholds > 0 {
		words += fmt.Sprintf(", %d of %s breached", len(s.Breached), count(int(s.Thresholds), "threshold"))
	}
	if s.Verdict != "none" && (s.Thresholds == 0 || s.Verdict == "failed" && len(s.Breached) == 0) {
		words += ", " + spelt(s.Verdict)
	}
	return words
}

func reviewWords(s *evidence.ReviewSummary) string {
	words := count(int(s.Approvals), "approval")
	if s.RequiredKnown {
		words += fmt.Sprintf(" of %d wanted", s.Required)
	}
	if s.ChangesRequested > 0 {
		words += fmt.Sprintf(", %d asking for changes", s.ChangesRequested)
	}
	if s.Approved {
		return words + ", approved"
	}
	return words + ", not approved"
}

func sourceWords(s *evidence.SourceSummary) string {
	what, state := "", ""
	if s.Base != "" {
		what = count(int(s.Commits), "commit") + " with " + count(int(s.Files), "changed file")
	}
	if !s.Clean {
		state = "the work tree differs"
	}
	return commas(shortDigest(s.Revision), what, count(len(s.Contributors), "contributor"), "signature: "+spelt(s.Signature), state)
}

// coverageWords names the first thing that was measured.
func coverageWords(c *evidence.CoverageSummary) string {
	for _, r := range []struct {
		name  string
		ratio evidence.Ratio
	}{{"lines", c.Line}, {"statements", c.Statement}, {"branches", c.Branch}, {"functions", c.Function}, {"instructions", c.Instruction}} {
		if r.ratio.Measured {
			return fmt.Sprintf("%s%% of %d %s", r.ratio.Percent, r.ratio.Total, r.name)
		}
	}
	return "nothing measured"
}

// amount is how many of something there are.
type amount struct {
	n    int64
	what string
}

// amounts writes a total and those of its parts that are not zero.
func amounts(total string, parts ...amount) string {
	var some []string
	for _, p := range parts {
		if p.n != 0 {
			some = append(some, fmt.Sprintf("%d %s", p.n, p.what))
		}
	}
	if len(some) == 0 {
		return total
	}
	return total + ": " + strings.Join(some, ", ")
}

// commas joins what is not empty, for a terminal.
func commas(parts ...string) string {
	var out []string
	for _, p := range parts {
		if p != "" {
			out = append(out, shown(p))
		}
	}
	return strings.Join(out, ", ")
}

// after puts words before a text that is not empty.
func after(words, text string) string {
	if text == "" {
		return ""
	}
	return words + text
}

// spelt writes a word of a list for people.
func spelt(word string) string { return shown(strings.ReplaceAll(word, "_", " ")) }

// totalWords says how much was read in all.
func totalWords(items []evidence.Item, t totals, verbose bool) string {
	sums := map[evidence.Kind]int64{}
	bad := int64(0)
	for _, it := range items {
		switch s := it.Summary; {
		case s.Tests != nil:
			sums[it.Kind] += s.Tests.Total
			bad += s.Tests.Failed + s.Tests.Errored
		case s.Scan != nil:
			sums[it.Kind] += s.Scan.Open
		case s.SBOM != nil:
			sums[it.Kind] += s.SBOM.Components
		}
	}
	var kinds []string
	for _, k := range kindsIn(items) {
		words := fmt.Sprintf("%s %d", shown(string(k)), t.Kinds[k])
		switch k {
		case evidence.Tests:
			words += fmt.Sprintf(" (%s, %d failed)", count(int(sums[k]), "test"), bad)
		case evidence.Scan:
			words += fmt.Sprintf(" (%d open)", sums[k])
		case evidence.SBOM:
			words += fmt.Sprintf(" (%s)", count(int(sums[k]), "component"))
		}
		kinds = append(kinds, words)
	}
	out := count(t.Reports, "report")
	if len(kinds) > 0 {
		out += ": " + strings.Join(kinds, ", ")
	}
	if t.Warnings > 0 {
		out += "; " + count(t.Warnings, "warning")
	}
	if t.Problems > 0 {
		out += fmt.Sprintf("; %d cannot be collected", t.Problems)
	}
	if t.Skipped > 0 {
		out += "; " + map[bool]string{true: "1 file is no report", false: fmt.Sprintf("%d files are no reports", t.Skipped)}[t.Skipped == 1]
		if !verbose {
			out += " (-v names them)"
		}
	}
	return out
}

// kindsIn returns the kinds of reports in the order in which people are shown them, own ones last.
func kindsIn(items []evidence.Item) []evidence.Kind {
	seen := map[evidence.Kind]bool{}
	for _, it := range items {
		seen[it.Kind] = true
	}
	var out []evidence.Kind
	for _, k := range evidence.Kinds() {
		if seen[k] {
			out = append(out, k)
			delete(seen, k)
		}
	}
	for _, it := range items {
		if seen[it.Kind] {
			out = append(out, it.Kind)
			delete(seen, it.Kind)
		}
	}
	return out
}

// count writes a number and its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func shortDigest(s string) string {
	s = strings.TrimPrefix(s, "sha256:")
	return s[:min(12, len(s))]
}
