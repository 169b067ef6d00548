package metrics

import (
	"io"
	"strings"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/strictjson"
)

// K6 is the end-of-test summary of k6 in its three shapes: --summary-export, where a threshold that is true was
// breached; the data of handleSummary, where {"ok": true} was kept; and the machine-readable summary 1, which has no
// verdicts. Samples are HTTP requests, or iterations where there are none; times are in milliseconds. Percentiles are
// k6's own, which interpolates.
func K6() evidence.Format {
	return evidence.Format{
		Name: "k6", Title: "k6 summary JSON", Kind: evidence.Metrics, MediaType: "application/json",
		Recognised: "an object with `root_group`, with `metrics` such as `http_reqs` or `iterations`, or with `results.metrics` and `metadata.k6_version` or `config.execution`",
		Tools:      "k6 run --summary-export, handleSummary, --new-machine-readable-summary",
		Limits:     "end-of-test summaries only, not `--out json`; percentiles are those of k6, which interpolates; the machine-readable summary 1 has no verdict on thresholds",
		Match: func(h evidence.Head) bool {
			return h.Syntax == evidence.JSON && (h.Has("root_group") && !h.Has("runs") ||
				h.HasAny("metrics.http_reqs", "metrics.iterations", "metrics.iteration_duration", "metrics.vus", "metrics.data_sent", "metrics.data_received") ||
				h.HasAny("metadata.k6_version", "config.execution") && h.HasAny("results", "config.script", "metadata.k6_version"))
		},
		Read: readK6,
	}
}

// k6Reader is the state of one pass.
type k6Reader struct {
	json    *strictjson.Reader
	out     output
	tool    evidence.Tool
	version string
	// shape is which of the three it is.
	shape    k6Shape
	current  k6Metric
	metric   func() error
	requests k6Totals
	seen     map[string]bool
}

// k6Shape is one of the shapes of k6's summary.
type k6Shape string

const (
	k6Unknown k6Shape = ""
	k6Export  k6Shape = "--summary-export"
	k6Handle  k6Shape = "handleSummary"
	k6Machine k6Shape = "machine-readable summary"
)

// k6Metric is one metric while it is read. values holds its numbers by their names in the first shape.
type k6Metric struct {
	name, kind, contains string
	values               map[string]*exact
}

// k6Totals are the metrics that make the summary.
type k6Totals struct{ reqs, failed, duration, iterations, iteration *evidence.MetricSeries }

func readK6(r io.Reader, rows *evidence.Rows) (evidence.Report, error) {
	k := &k6Reader{json: strictjson.New(r), out: newOutput(rows), tool: evidence.Tool{Name: "k6"}, seen: map[string]bool{}}
	k.metric = k.json.Record(k.members())
	named := k.json.Each(func(name string) { k.start(name) }, func() error {
		if err := k.metric(); err != nil {
			return err
		}
		return k.end()
	})
	listed := k.json.List(func() error {
		k.start("")
		if err := k.metric(); err != nil {
			return err
		}
		return k.end()
	})
	err := k.json.Record(strictjson.Members{
		"root_group": k.json.Skip,
		"metrics":    named,
		"version":    k.json.Into(&k.version),
		"metadata":   k.json.Record(strictjson.Members{"k6_version": k.json.Into(&k.tool.Version)}),
		"results": func() error {
			if err := k.is(k6Machine); err != nil {
				return err
			}
			return k.json.Record(strictjson.Members{"metrics": listed, "checks": k.json.Skip})()
		},
	})()
	if err == nil {
		err = k.json.End()
	}
	if err == nil && k.shape == k6Machine && !strings.HasPrefix(k.version, "1.") {
		err = k.json.Errorf("version %q of the machine-readable summary, want 1", evidence.Cut(k.version))
	}
	if err != nil {
		return evidence.Report{}, err
	}
	k.finish()
	return k.out.report(k.tool), nil
}

// is learns the shape of the report, and refuses a mixture: a threshold that is true means the opposite in another one.
func (k *k6Reader) is(shape k6Shape) error {
	if k.shape != k6Unknown && k.shape != shape {
		return k.json.Errorf("this is %s, but the report began as %s", shape, k.shape)
	}
	k.shape = shape
	return nil
}

func (k *k6Reader) start(name string) {
	k.current = k6Metric{name: name, values: map[string]*exact{}}
}

// k6Names are the names of the numbers of a metric, by the name in --summary-export. Others, such as p(99.9), are not read.
var k6Names = map[string]string{
	"count": "count", "rate": "rate", "value": "value", "min": "min", "max": "max", "avg": "avg", "med": "med", "passes": "passes", "fails": "fails",
	"p(50)": "med", "p(75)": "p75", "p(90)": "p90", "p(95)": "p95", "p(99)": "p99", "p50": "med", "p75": "p75", "p90": "p90", "p95": "p95", "p99": "p99",
	"matches": "matches", "total": "total",
}

// members says how the members of a metric are read.
func (k *k6Reader) members() strictjson.Members {
	numbers := strictjson.Members{}
	for name, as := range k6Names {
		numbers[name] = func() error { return k.number(as) }
	}
	all := strictjson.Members{}
	for name, read := range numbers {
		all[name] = func() error {
			if err := k.is(k6Export); err != nil {
				return err
			}
			return read()
		}
	}
	values, expression := k.json.Record(numbers), ""
	ok, seen := false, false
	verdict := k.json.Record(strictjson.Members{"ok": func() (err error) {
		seen = true
		ok, err = k.json.Bool()
		return err
	}})
	name := k.json.Into(&k.current.name)
	all["name"] = func() error {
		if err := k.is(k6Machine); err != nil {
			return err
		}
		return name()
	}
	all["type"], all["contains"] = k.json.Into(&k.current.kind), k.json.Into(&k.current.contains)
	all["values"] = func() error {
		if k.shape != k6Machine {
			if err := k.is(k6Handle); err != nil {
				return err
			}
		}
		return values()
	}
	all["thresholds"] = k.json.Each(func(name string) { expression = name }, func() error {
		if k.json.Kind() == '{' {
			ok, seen = false, false
			err := k.is(k6Handle)
			if err == nil {
				err = verdict()
			}
			if err == nil && !seen {
				err = k.json.Errorf("a threshold without ok")
			}
			return k.threshold(expression, ok, err)
		}
		err := k.is(k6Export)
		breached := false
		if err == nil {
			breached, err = k.json.Bool()
		}
		return k.threshold(expression, !breached, err)
	})
	return all
}

// number reads a number of the current metric.
func (k *k6Reader) number(as string) error {
	text, err := k.json.NumberText()
	if err != nil {
		return err
	}
	if k.current.values[as], err = parse(text); err != nil {
		return k.json.Errorf("%w", err)
	}
	return nil
}

// threshold counts one threshold.
func (k *k6Reader) threshold(expression string, ok bool, err error) error {
	if err != nil {
		return err
	}
	s := &k.out.sum
	s.Thresholds++
	if ok {
		return nil
	}
	if len(s.Breached) >= evidence.MaxList {
		return k.json.Errorf("more than %d breached thresholds", evidence.MaxList)
	}
	s.Breached = append(s.Breached, evidence.Cut(k.current.name+": "+expression))
	return nil
}
