package metrics

import (
	"slices"
	"strings"

	"cdgate.dev/cdgate/evidence"
)

// k6Times are the built-in metrics that are times; --summary-export does not say what a metric contains.
var k6Times = []string{"iteration_duration", "group_duration"}

// k6Summary are the metrics of k6 that make the summary. A script may have metrics of its own, but hardly with such a name.
var k6Summary = []string{"http_reqs", "http_req_failed", "http_req_duration", "iterations", "iteration_duration"}

// end counts and writes the metric that was read.
func (k *k6Reader) end() error {
	m := &k.current
	if m.name == "" {
		return k.json.Errorf("a metric without a name")
	}
	for _, known := range k6Summary {
		if m.name != known && (strings.EqualFold(m.name, known) || evidence.Misspelt(m.name, known, len(known))) {
			return k.json.Errorf("the metric %q is in the wrong case or misspelt, k6 has %q", evidence.Cut(m.name), known)
		}
	}
	if k.seen[m.name] {
		return k.json.Errorf("the metric %q is there twice", evidence.Cut(m.name))
	}
	k.seen[m.name] = true
	if err := k.check(m); err != nil {
		return err
	}
	v, place := m.values, k.json.Place()
	v["min"], v["max"] = k.out.ordered(v["min"], v["max"], place)
	get := func(name string) evidence.Measure { return k.out.measure(v[name], at(place)) }
	row := evidence.MetricSeries{Name: m.name, Unit: m.unit(), Min: get("min"), Max: get("max"), Mean: get("avg"), P50: get("med"), P75: get("p75"),
		P90: get("p90"), P95: get("p95"), P99: get("p99"), LastValue: get("value")}
	var err error
	switch m.sort() {
	case "rate":
		err = k.rate(m, &row)
	case "counter":
		row.Sum, row.PerSecond = get("count"), get("rate")
		if m.name == "http_reqs" || m.name == "iterations" {
			row.Samples, err = k.count(m, "count")
		}
	case "trend":
		if v["count"] != nil {
			if row.Samples, err = k.count(m, "count"); row.Samples == 0 { // k6 writes zeros where nothing was measured
				row = evidence.MetricSeries{Name: row.Name, Unit: row.Unit}
			}
		}
	}
	if err != nil {
		return err
	}
	k.keep(row)
	if err := k.out.add(row); err != nil {
		return k.json.Errorf("%w", err)
	}
	return nil
}

// check refuses a metric that cannot be.
func (k *k6Reader) check(m *k6Metric) error {
	if m.sort() == "" {
		return k.json.Errorf("the metric %q has no values of a counter, gauge, rate or trend", evidence.Cut(m.name))
	}
	if m.unit() != millis {
		return nil
	}
	for _, name := range []string{"min", "avg", "med", "max", "p75", "p90", "p95", "p99"} {
		if m.values[name].negative() {
			return k.json.Errorf("the time %s of %q is negative", name, evidence.Cut(m.name))
		}
	}
	return nil
}

// sort returns counter, gauge, rate or trend, from the values where the report does not say; "" for none of them.
func (m *k6Metric) sort() string {
	has := func(name string) bool { return m.values[name] != nil }
	fits := map[string]bool{
		"rate":    has("passes") && has("fails") || has("matches") && has("total"),
		"trend":   has("avg") || has("med") || has("p95") || has("min") && has("max") && !has("value"),
		"gauge":   has("value"),
		"counter": has("count"),
	}
	if m.kind != "" {
		if fits[m.kind] {
			return m.kind
		}
		return ""
	}
	for _, kind := range []string{"rate", "trend", "gauge", "counter"} {
		if fits[kind] {
			return kind
		}
	}
	return ""
}

// unit returns what the numbers of a metric are in, "" where nobody knows.
func (m *k6Metric) unit() string {
	base, _, _ := strings.Cut(m.name, "{")
	switch {
	case m.sort() == "rate", m.contains == "default":
		return ""
	case m.contains == "data", m.contains == "" && (base == "data_sent" || base == "data_received"):
		return "bytes"
	case m.contains == "time", m.contains == "" && m.sort() == "trend" && (strings.HasPrefix(base, "http_req_") || slices.Contains(k6Times, base)):
		return millis
	}
	return ""
}

// count reads a number that must be a count.
func (k *k6Reader) count(m *k6Metric, name string) (int64, error) {
	r := m.values[name].rat()
	if !r.IsInt() || r.Sign() < 0 || !r.Num().IsInt64() {
		return 0, k.json.Errorf("%s of %q is no count", name, evidence.Cut(m.name))
	}
	return r.Num().Int64(), nil
}

// rate counts a metric of yes and no. Errors are the failed requests and the failed checks; what the yes of another
// metric means only its script knows.
func (k *k6Reader) rate(m *k6Metric, row *evidence.MetricSeries) error {
	yes, no := "passes", "fails"
	if k.shape == k6Machine {
		yes, no = "matches", "total"
	}
	if m.values[yes] == nil || m.values[no] == nil {
		return k.json.Errorf("the metric %q has no %s and %s", evidence.Cut(m.name), yes, no)
	}
	n, err := k.count(m, yes)
	if err != nil {
		return err
	}
	rest, err := k.count(m, no)
	if err != nil {
		return err
	}
	if k.shape == k6Machine {
		rest -= n
	}
	if rest < 0 || n > 1<<52 || rest > 1<<52 {
		return k.json.Errorf("%s and %s of %q do not fit", yes, no, evidence.Cut(m.name))
	}
	row.Samples, row.LastValue = n+rest, evidence.Measure{}
	row.Sum = evidence.MeasureOf(whole(n).rat())
	if row.Samples > 0 {
		t := &tally{}
		t.weigh(whole(n), 1)
		t.n = row.Samples
		row.Mean = evidence.MeasureOf(t.mean())
	}
	switch base, _, _ := strings.Cut(m.name, "{"); base {
	case "http_req_failed":
		row.Errors = n
	case "checks":
		row.Errors = rest
	}
	return nil
}

// keep notes the metrics that make the summary.
func (k *k6Reader) keep(row evidence.MetricSeries) {
	switch row.Name {
	case "http_reqs":
		k.requests.reqs = &row
	case "http_req_failed":
		k.requests.failed = &row
	case "http_req_duration":
		k.requests.duration = &row
	case "iterations":
		k.requests.iterations = &row
	case "iteration_duration":
		k.requests.iteration = &row
	}
}

// finish sums up: HTTP requests where there are any, else iterations.
func (k *k6Reader) finish() {
	s, q := &k.out.sum, k.requests
	count, duration := q.reqs, q.duration
	if count == nil || count.Samples == 0 {
		count, duration = q.iterations, q.iteration
	}
	if count == nil || count.Samples == 0 {
		k.out.nothing("no HTTP request and no iteration was counted: the run proves nothing")
	} else {
		s.Samples, s.PerSecond = count.Samples, count.PerSecond
		if d := duration; d != nil {
			s.Unit, s.Min, s.Max, s.Mean = d.Unit, d.Min, d.Max, d.Mean
			s.P50, s.P75, s.P90, s.P95, s.P99 = d.P50, d.P75, d.P90, d.P95, d.P99
		}
	}
	if f := q.failed; f != nil && q.reqs != nil {
		s.Errors, s.ErrorRatio = f.Errors, evidence.RatioOf(f.Errors, f.Samples)
		if f.Samples != q.reqs.Samples {
			k.out.warn.Add(evidence.CountsDisagree, "metrics", "http_req_failed counts %d requests, http_reqs %d", f.Samples, q.reqs.Samples)
		}
	}
	switch {
	case len(s.Breached) > 0:
		s.Verdict = failed
	case s.Thresholds > 0:
		s.Verdict = passed
	}
}
