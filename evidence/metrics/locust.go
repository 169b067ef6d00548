package metrics

import (
	"bytes"
	"io"
	"math/big"
	"strings"

	"cdgate.dev/cdgate/evidence"
)

// Locust is the statistics of Locust as CSV (--csv): a row for each request. The aggregated row is no row of its own: it is
// compared with the others, and the percentiles of all requests, which the rows cannot give, are taken from it only where
// everything that can be compared agrees.
func Locust() evidence.Format {
	return evidence.Format{
		Name: "locust", Title: "Locust statistics CSV", Kind: evidence.Metrics, MediaType: "text/csv",
		Recognised: "a first line with the columns `Type`, `Name` and `Request Count`",
		Tools:      "locust --csv (`_stats.csv`), Locust 1 and later",
		Limits:     "`_stats.csv` only, not its history; percentiles of all requests come from the aggregated row, if counts, minimum and maximum agree with the rows",
		Match: func(h evidence.Head) bool {
			line := bytes.ReplaceAll(firstLine(h.Bytes), []byte(`"`), nil)
			return h.Syntax == evidence.Text && bytes.HasPrefix(line, []byte("Type,Name,")) && bytes.Contains(line, []byte("Request Count"))
		},
		Read: readLocust,
	}
}

// locustReader is the state of one pass.
type locustReader struct {
	out   output
	table *table
	// all are the rows together; perSecond adds up their rates. total is the aggregated row.
	all, perSecond tally
	rates          int64
	only, total    *evidence.MetricSeries
	extremes       tally
	totalSpan      [2]*exact
}

func readLocust(r io.Reader, rows *evidence.Rows) (evidence.Report, error) {
	l := &locustReader{out: newOutput(rows)}
	var err error
	if l.table, err = newTable(r, ',', "Type", "Name", "Request Count", "Failure Count"); err != nil {
		return evidence.Report{}, err
	}
	for _, name := range []string{"Type", "Name", "Request Count", "Failure Count"} {
		if l.table.column(name) < 0 {
			return evidence.Report{}, l.table.errorf("there is no column %q", name)
		}
	}
	for {
		more, err := l.table.next()
		if err != nil {
			return evidence.Report{}, err
		}
		if !more {
			break
		}
		if err := l.record(); err != nil {
			return evidence.Report{}, err
		}
	}
	l.finish()
	return l.out.report(evidence.Tool{Name: "locust"}), nil
}

// record reads one row.
func (l *locustReader) record() error {
	t := l.table
	kind, name := t.field(t.column("Type")), t.field(t.column("Name"))
	row := evidence.MetricSeries{Name: strings.Clone(name), Labels: map[string]string{"type": strings.Clone(kind)}, Unit: millis}
	var err error
	if row.Samples, err = l.count("Request Count"); err != nil {
		return err
	}
	if row.Errors, err = l.count("Failure Count"); err != nil {
		return err
	}
	low, high, mean := l.number("Min Response Time"), l.number("Max Response Time"), l.number("Average Response Time")
	rate := l.number("Requests/s")
	place := t.place()
	low, high = l.out.ordered(low, high, place)
	row.PerSecond = l.out.measure(rate, at(place))
	if row.Samples > 0 {
		get := func(e *exact) evidence.Measure { return l.out.measure(e, at(place)) }
		row.Min, row.Max, row.Mean = get(low), get(high), get(mean)
		row.P50, row.P75, row.P90, row.P95, row.P99 = get(l.number("50%")), get(l.number("75%")), get(l.number("90%")), get(l.number("95%")), get(l.number("99%"))
	}
	if kind == "" && (name == "Aggregated" || name == "Total") {
		if l.total != nil {
			return t.errorf("a second aggregated row")
		}
		l.total, l.totalSpan = &row, [2]*exact{low, high}
		return nil
	}
	if row.Errors > row.Samples {
		l.out.warn.Add(evidence.CountsDisagree, place, "%d failures of %d requests", row.Errors, row.Samples)
	}
	return l.add(row, low, high, mean, rate)
}

// add counts and writes the row of one request.
func (l *locustReader) add(row evidence.MetricSeries, low, high, mean, rate *exact) error {
	s := &l.out.sum
	s.Samples, s.Errors = s.Samples+row.Samples, s.Errors+row.Errors
	if row.Samples > 0 {
		l.extremes.extremes(low, high)
		if mean != nil {
			l.all.weigh(mean, row.Samples)
		}
	}
	if rate != nil {
		l.rates++
		l.perSecond.weigh(rate, 1)
	}
	if l.only == nil {
		l.only = &row
	}
	if err := l.out.add(row); err != nil {
		return l.table.errorf("%w", err)
	}
	return nil
}

// count reads a number of requests.
func (l *locustReader) count(column string) (int64, error) {
	text := l.table.field(l.table.column(column))
	e, err := parse(text)
	if err != nil || e.negative() {
		return 0, l.table.errorf("column %s: %q is no count", column, evidence.Cut(text))
	}
	r := e.rat()
	if !r.IsInt() || r.Num().Cmp(big.NewInt(1<<40)) > 0 {
		return 0, l.table.errorf("column %s: %q is no count", column, evidence.Cut(text))
	}
	return r.Num().Int64(), nil
}

// number reads a number; nil is a column that is not there, N/A, or what is no number, with a warning.
func (l *locustReader) number(column string) *exact {
	text := l.table.field(l.table.column(column))
	if text == "" || text == "N/A" {
		return nil
	}
	e, err := parse(text)
	if err != nil || e.negative() {
		l.out.warn.Add(evidence.BadNumber, l.table.place(), "column %s: %q is no number from 0; it counts as not measured", column, evidence.Cut(text))
		return nil
	}
	return e
}

// finish sums up and compares the aggregated row.
func (l *locustReader) finish() {
	s := &l.out.sum
	s.Unit, s.ErrorRatio = millis, evidence.RatioOf(s.Errors, s.Samples)
	if s.Samples == 0 {
		l.out.nothing("no request was counted: the run proves nothing")
	} else {
		s.Min, s.Max = l.out.measure(l.extremes.min, at("")), l.out.measure(l.extremes.max, at(""))
		if l.all.n == s.Samples {
			s.Mean = evidence.MeasureOf(l.all.mean())
		}
		if l.rates == s.Series {
			s.PerSecond = evidence.MeasureOf(l.perSecond.total())
		}
	}
	if l.total == nil {
		l.out.incomplete("", "there is no aggregated row, with which Locust ends its statistics: the report was cut off")
	}
	if from := l.believable(); from != nil && s.Samples > 0 {
		s.P50, s.P75, s.P90, s.P95, s.P99 = from.P50, from.P75, from.P90, from.P95, from.P99
	}
}

// believable returns the row whose percentiles are those of all requests: the only one, or the aggregated one if it agrees
// with the others; else nil.
func (l *locustReader) believable() *evidence.MetricSeries {
	if l.total == nil {
		return nil
	}
	agrees := true
	differ := func(what string, declared, counted any) {
		agrees = false
		l.out.warn.Add(evidence.CountsDisagree, "Aggregated", "the aggregated row says %s=%v, the rows give %v", what, declared, counted)
	}
	s, t := &l.out.sum, l.total
	if t.Samples != s.Samples {
		differ("samples", t.Samples, s.Samples)
	}
	if t.Errors != s.Errors {
		differ("errors", t.Errors, s.Errors)
	}
	if s.Samples > 0 && (t.Min != s.Min || t.Max != s.Max) {
		differ("min and max", t.Min.Value+" and "+t.Max.Value, s.Min.Value+" and "+s.Max.Value)
	}
	switch {
	case s.Series == 1:
		return l.only
	case agrees:
		return t
	}
	return nil
}
