// Package objective holds the readers of what metrics are to be judged by: objectives of services and configurations of
// canaries, one format per file.
package objective

import (
	"math/big"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/strictjson"
)

// output gathers what a reader of objectives says.
type output struct {
	rows *evidence.Rows
	warn evidence.Warnings
	sum  evidence.ObjectiveSummary
}

func newOutput(rows *evidence.Rows) output {
	return output{rows: rows, sum: evidence.ObjectiveSummary{Complete: true}}
}

// add counts and writes one objective.
func (o *output) add(row evidence.ObjectiveRow) error {
	o.sum.Objectives++
	if row.Critical {
		o.sum.Critical++
	}
	if row.Muted {
		o.sum.Muted++
	}
	return o.rows.Row(row)
}

// report ends the report of a format.
func (o *output) report(tool evidence.Tool) evidence.Report {
	if o.sum.Objectives == 0 {
		o.warn.Add(evidence.NothingMeasured, "", "there is no objective in the document: nothing can be judged by it")
	}
	return evidence.Report{Tool: tool, Summary: evidence.Summary{Objective: &o.sum}, Warnings: o.warn}
}

// number returns a function that reads a JSON number exactly; null is none.
func number(r *strictjson.Reader, into **big.Rat) func() error {
	return func() error {
		if null, err := r.Null(); null || err != nil {
			return err
		}
		text, err := r.NumberText()
		if err != nil {
			return err
		}
		if *into, err = evidence.ParseNumber(text); err != nil {
			return r.Errorf("%w", err)
		}
		return nil
	}
}

// percent writes down a number that must be from 0 to 100; any other counts as unknown, with a warning.
func (o *output) percent(r *big.Rat, place, what string) evidence.Measure {
	if r == nil {
		return evidence.Measure{}
	}
	if r.Sign() < 0 || r.Cmp(big.NewRat(100, 1)) > 0 {
		o.warn.Add(evidence.BadNumber, place, "%s is not from 0 to 100 %%; it counts as unknown", what)
		return evidence.Measure{}
	}
	return evidence.MeasureOf(r)
}
