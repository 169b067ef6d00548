// Package scan holds the readers of what scanners write: vulnerabilities, misconfigurations, secrets, licences and
// findings in code, one format per file.
package scan

import (
	"strings"

	"cdgate.dev/cdgate/evidence"
)

// The words of evidence.ScanFinding.
const (
	vulnerability    = "vulnerability"
	misconfiguration = "misconfiguration"
	secret           = "secret"
	licence          = "licence"
	code             = "code"

	open       = "open"
	suppressed = "suppressed"

	critical = "critical"
	high     = "high"
	medium   = "medium"
	low      = "low"
	info     = "info"
	unknown  = "unknown"
)

// output counts findings and writes their rows.
type output struct {
	rows *evidence.Rows
	warn evidence.Warnings
	sum  evidence.ScanSummary
	// failed notes that the scan says of itself that it failed or is incomplete.
	failed bool
	// looked notes that the report shows that something was looked at.
	looked bool
}

// add counts and writes one finding.
func (o *output) add(f evidence.ScanFinding) error {
	if f.Status == suppressed {
		o.sum.Suppressed++
		return o.rows.Finding(f)
	}
	f.Status = open
	o.sum.Open++
	s := &o.sum.BySeverity
	switch f.Severity {
	case critical:
		s.Critical++
	case high:
		s.High++
	case medium:
		s.Medium++
	case low:
		s.Low++
	case info:
		s.Info++
	default:
		f.Severity = unknown
		s.Unknown++
	}
	return o.rows.Finding(f)
}

// incomplete notes that the scan failed or is incomplete, and why.
func (o *output) incomplete(place, format string, args ...any) {
	o.failed = true
	o.warn.Add(evidence.Incomplete, place, format, args...)
}

// report ends the count.
func (o *output) report(tool evidence.Tool) evidence.Report {
	if !o.looked {
		o.warn.Add(evidence.NothingMeasured, "", "nothing in the report says that anything was looked at: it is no proof of a clean scan")
	}
	o.sum.Complete, o.sum.Looked = !o.failed, o.looked
	return evidence.Report{Tool: tool, Summary: evidence.Summary{Scan: &o.sum}, Warnings: o.warn}
}

// severity puts a word into one of the six buckets and warns about words that nobody knows.
func (o *output) severity(word string, place func() string) string {
	s, known := bucket(word)
	if !known {
		o.warn.Add(evidence.UnknownSeverity, place(), "severity %q counts as unknown", evidence.Cut(word))
	}
	return s
}

// bucket puts a word into one of the six buckets; known is false for words that nobody knows, and for none.
func bucket(word string) (s string, known bool) {
	switch word {
	case "CRITICAL":
		return critical, true
	case "HIGH":
		return high, true
	case "MEDIUM":
		return medium, true
	case "LOW":
		return low, true
	}
	switch strings.ToLower(word) {
	case "critical":
		return critical, true
	case "high", "important":
		return high, true
	case "medium", "moderate":
		return medium, true
	case "low":
		return low, true
	case "info", "informational", "none", "negligible":
		return info, true
	case "unknown":
		return unknown, true
	}
	return unknown, false
}
