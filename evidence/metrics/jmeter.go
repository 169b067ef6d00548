package metrics

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"cdgate.dev/cdgate/evidence"
)

// JMeter is the result file of JMeter: CSV with a header line, or XML. Rows of transaction controllers sum up other rows
// and are not counted; a sample inside a sample repeats it and is not counted either, except in a transaction, where
// the samples stand in its place.
func JMeter() evidence.Format {
	return evidence.Format{
		Name: "jmeter", Title: "JMeter results", Kind: evidence.Metrics, MediaType: "application/octet-stream",
		Recognised: "CSV whose first line names the columns `elapsed` and `timeStamp`, `label` or `success`, or holds such values without their names; XML with root element `testResults`",
		Tools:      "JMeter, Taurus, the Maven and Gradle plugins of JMeter",
		Limits:     "CSV with a header line, with the columns `elapsed`, `label` and `success`; not the results of JMeter 1; times of samples only where they are milliseconds",
		Match: func(h evidence.Head) bool {
			switch h.Syntax {
			case evidence.XML:
				return h.Root == "testResults"
			case evidence.Text:
				line := firstLine(h.Bytes)
				return bareJTL.Match(line) || len(jmeterColumns(line)) > 0
			}
			return false
		},
		Read: readJMeter,
	}
}

// bareJTL is a line of results without a header: a time, a duration, and the word true or false further on.
var bareJTL = regexp.MustCompile(`^\d{10,13}[,;\t]\d+[,;\t](.*[,;\t])?(true|false)([,;\t]|$)`)

// transaction is what JMeter says of a transaction controller. The whole text has to be this: an answer that only
// begins like it is a server's own.
var transaction = regexp.MustCompile(`^Number of samples in transaction : \d+, number of failing samples : \d+$`)

// firstLine returns the first line of a text without its end.
func firstLine(b []byte) []byte {
	line, _, _ := bytes.Cut(b, []byte("\n"))
	return bytes.TrimRight(line, "\r")
}

// jmeterColumns returns the separator of a header line of JMeter, "" for any other line.
func jmeterColumns(line []byte) string {
	for _, comma := range []string{",", ";", "\t"} {
		names := strings.Split(strings.ReplaceAll(string(line), `"`, ""), comma)
		if slices.Contains(names, "elapsed") && (slices.Contains(names, "label") || slices.Contains(names, "success") || slices.Contains(names, "timeStamp")) {
			return comma
		}
	}
	return ""
}

// jmeterReader is the state of one pass.
type jmeterReader struct {
	out    output
	labels map[string]*jmeterLabel
	order  []*jmeterLabel
	kept   int
	// distinct is how many different times were counted, over all labels; nested and transactions are rows not counted.
	distinct             int
	transactions, nested int64
}

// jmeterLabel is what was measured under one label.
type jmeterLabel struct {
	name            string
	samples, errors int64
	noData          int64
	first, last     int64
	timed           bool
	counts          counts
}

// jmeterSample is one sample. at is its time in milliseconds, 0 where it is not known; elapsed below 0 is no time.
type jmeterSample struct {
	label       string
	at, elapsed int64
	ok          bool
}

func readJMeter(r io.Reader, rows *evidence.Rows) (evidence.Report, error) {
	j := &jmeterReader{out: newOutput(rows), labels: map[string]*jmeterLabel{}}
	in := bufio.NewReaderSize(r, evidence.HeadBytes)
	head, err := in.Peek(evidence.HeadBytes)
	if err != nil && err != io.EOF {
		return evidence.Report{}, err
	}
	if bytes.HasPrefix(bytes.TrimLeft(head, " \t\r\n"), []byte("<")) {
		err = j.readXML(in)
	} else {
		err = j.readCSV(in, head)
	}
	if err == nil {
		err = j.finish()
	}
	if err != nil {
		return evidence.Report{}, err
	}
	return j.out.report(evidence.Tool{Name: "jmeter"}), nil
}

// elapsed reads a time in milliseconds; one that is below zero counts as no data.
func (j *jmeterReader) elapsed(text, place string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n > latest*1000 {
		return 0, errors.New("the time " + strconv.Quote(evidence.Cut(text)) + " is no number of milliseconds")
	}
	if n < 0 {
		j.out.warn.Add(evidence.BadNumber, place, "the time %d ms is negative; it counts as no data", n)
		return -1, nil
	}
	return n, nil
}

// moment reads the time of a sample in milliseconds since 1970; what is written in another form has no known zone.
func moment(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || n > latest*1000 {
		return 0
	}
	return n
}

// add counts one sample.
func (j *jmeterReader) add(s jmeterSample) error {
	l := j.labels[s.label]
	if l == nil {
		if j.kept += len(s.label); j.kept > evidence.MaxKept || len(j.order) >= evidence.MaxRows {
			return errors.New("too many different labels; split the report")
		}
		l = &jmeterLabel{name: strings.Clone(s.label), counts: counts{}}
		j.labels[l.name], j.order = l, append(j.order, l)
	}
	l.samples++
	if !s.ok {
		l.errors++
	}
	if s.at > 0 {
		if !l.timed || s.at < l.first {
			l.first = s.at
		}
		l.last, l.timed = max(l.last, s.at), true
	}
	if s.elapsed < 0 {
		l.noData++
		return nil
	}
	before := len(l.counts)
	l.counts[s.elapsed]++
	if j.distinct += len(l.counts) - before; j.distinct > maxDistinct {
		return errDistinct()
	}
	return nil
}

// finish writes a row for each label in the order of their first appearance, and sums up.
func (j *jmeterReader) finish() error {
	all, total, sum := counts{}, &tally{}, &j.out.sum
	for _, l := range j.order {
		t, q := l.counts.tally(), l.counts.ranks()
		sp := j.out.spread(t, at(l.name))
		row := evidence.MetricSeries{Name: l.name, Unit: millis, Samples: l.samples, Errors: l.errors, NoData: l.noData,
			Min: sp.min, Max: sp.max, Mean: sp.mean, Sum: sp.sum, P50: q.p50, P75: q.p75, P90: q.p90, P95: q.p95, P99: q.p99}
		if l.timed {
			row.First, row.Last = stamp(l.first), stamp(l.last)
		}
		if err := j.out.add(row); err != nil {
			return err
		}
		for v, n := range l.counts {
			all[v] += n
		}
		total.merge(t)
		sum.Samples, sum.Errors, sum.NoData = sum.Samples+l.samples, sum.Errors+l.errors, sum.NoData+l.noData
	}
	sp, q := j.out.spread(total, at("")), all.ranks()
	sum.Unit, sum.Min, sum.Max, sum.Mean, sum.Sum = millis, sp.min, sp.max, sp.mean, sp.sum
	sum.P50, sum.P75, sum.P90, sum.P95, sum.P99 = q.p50, q.p75, q.p90, q.p95, q.p99
	sum.ErrorRatio = evidence.RatioOf(sum.Errors, sum.Samples)
	if j.transactions+j.nested > 0 {
		j.out.warn.Add(evidence.DuplicateEntry, "", "%d rows of transaction controllers and %d samples inside others repeat other samples; they are not counted", j.transactions, j.nested)
	}
	if sum.Samples == 0 {
		j.out.nothing("no sample was counted: the run proves nothing")
	}
	return nil
}
