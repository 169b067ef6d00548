// Package metrics holds the readers of what was measured: answers of a metrics server and results of load tests, one
// format per file. No number is ever computed with floats, so that every machine gives the same bytes.
package metrics

import (
	"fmt"

	"cdgate.dev/cdgate/evidence"
)

// The words of evidence.MetricsSummary.Verdict.
const (
	passed = "passed"
	failed = "failed"
	none   = "none"
)

// millis is the unit of all times of load tests.
const millis = "ms"

// output gathers what a reader of metrics says.
type output struct {
	rows *evidence.Rows
	warn evidence.Warnings
	sum  evidence.MetricsSummary
}

func newOutput(rows *evidence.Rows) output {
	return output{rows: rows, sum: evidence.MetricsSummary{Verdict: none, Breached: []string{}, Complete: true}}
}

// add counts and writes one series.
func (o *output) add(row evidence.MetricSeries) error {
	if o.sum.Series++; o.sum.Series > evidence.MaxSeries {
		return fmt.Errorf("more than %d series in one report; ask for fewer, such as a sum of them", evidence.MaxSeries)
	}
	if row.Labels == nil {
		row.Labels = map[string]string{}
	}
	return o.rows.Series(&row)
}

// incomplete notes that the report says of itself that something is missing.
func (o *output) incomplete(place, format string, args ...any) {
	o.sum.Complete = false
	o.warn.Add(evidence.Incomplete, place, format, args...)
}

// nothing warns that the report proves nothing.
func (o *output) nothing(format string, args ...any) {
	o.warn.Add(evidence.NothingMeasured, "", format, args...)
}

// measure writes an exact number down; one that is too large counts as not measured, with a warning.
func (o *output) measure(t *exact, place func() string) evidence.Measure {
	if t == nil {
		return evidence.Measure{}
	}
	m := evidence.MeasureDigits(t.coef, t.exp)
	if !m.Measured {
		o.warn.Add(evidence.BadNumber, place(), "a number of more than %d digits before the point; it counts as not measured", evidence.MaxDigits)
	}
	return m
}

// report ends the report of a format.
func (o *output) report(tool evidence.Tool) evidence.Report {
	return evidence.Report{Tool: tool, Summary: evidence.Summary{Metrics: &o.sum}, Warnings: o.warn}
}
