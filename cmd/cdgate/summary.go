package main

import (
	"fmt"
	"strings"

	"cdgate.dev/cdgate/evidence"
)

// summaryWords says in a few words what a report says.
func summaryWords(it evidence.Item) string {
	switch s := it.Summary; {
	case s.Tests != nil:
		return fmt.Sprintf("%s, %d failed, %d errored, %d skipped", count(int(s.Tests.Total), "test"), s.Tests.Failed, s.Tests.Errored, s.Tests.Skipped)
	case s.Coverage != nil:
		for _, r := range []struct {
			name  string
			ratio evidence.Ratio
		}{{"lines", s.Coverage.Line}, {"statements", s.Coverage.Statement}, {"branches", s.Coverage.Branch}} {
			if r.ratio.Measured {
				return fmt.Sprintf("%d of %d %s covered, %s", r.ratio.Covered, r.ratio.Total, r.name, count(int(s.Coverage.Files), "file"))
			}
		}
		return "nothing measured"
	case s.Scan != nil:
		b := s.Scan.BySeverity
		return fmt.Sprintf("%d open (critical %d, high %d, medium %d, low %d)", s.Scan.Open, b.Critical, b.High, b.Medium, b.Low)
	case s.SBOM != nil:
		return count(int(s.SBOM.Components), "component")
	}
	return shown(it.Format)
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
