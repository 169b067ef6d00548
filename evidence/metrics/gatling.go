package metrics

import (
	"io"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/strictjson"
)

// Gatling is js/global_stats.json of Gatling's report: all requests together. Samples are the requests that were OK and
// those that were KO. The four percentiles are the ones of Gatling's configuration, which the file does not repeat; they
// are read as its defaults 50, 75, 95 and 99.
func Gatling() evidence.Format {
	return evidence.Format{
		Name: "gatling", Title: "Gatling global statistics", Kind: evidence.Metrics, MediaType: "application/json",
		Recognised: "an object with `numberOfRequests` and `meanResponseTime`, `minResponseTime` or `percentiles1`",
		Tools:      "Gatling 2 and 3 (`js/global_stats.json`)",
		Limits:     "all requests together; `percentiles1` to `4` are read as 50, 75, 95 and 99, Gatling's defaults; assertions are not in this file",
		Match: func(h evidence.Head) bool {
			return h.Syntax == evidence.JSON && h.Has("numberOfRequests") && h.HasAny("name", "meanResponseTime", "minResponseTime", "percentiles1")
		},
		Read: readGatling,
	}
}

// gatlingReader is the state of one pass. Each figure is of all requests, of those that were OK and of those that were KO.
type gatlingReader struct {
	json    *strictjson.Reader
	out     output
	name    string
	figures map[string]*gatlingFigure
}

// gatlingFigure is one figure; nil is what the report does not say.
type gatlingFigure struct{ total, ok, ko *exact }

// gatlingNames are the figures of the report.
var gatlingNames = []string{"numberOfRequests", "minResponseTime", "maxResponseTime", "meanResponseTime", "standardDeviation",
	"percentiles1", "percentiles2", "percentiles3", "percentiles4", "meanNumberOfRequestsPerSecond"}

func readGatling(r io.Reader, rows *evidence.Rows) (evidence.Report, error) {
	g := &gatlingReader{json: strictjson.New(r), out: newOutput(rows), figures: map[string]*gatlingFigure{}}
	members := strictjson.Members{"name": g.json.Into(&g.name)}
	for _, name := range gatlingNames {
		f := &gatlingFigure{}
		g.figures[name] = f
		members[name] = g.json.Record(strictjson.Members{"total": g.into(&f.total), "ok": g.into(&f.ok), "ko": g.into(&f.ko)})
	}
	err := g.json.Record(members)()
	if err == nil {
		err = g.json.End()
	}
	if err == nil {
		err = g.finish()
	}
	if err != nil {
		return evidence.Report{}, err
	}
	return g.out.report(evidence.Tool{Name: "gatling"}), nil
}

// into returns a function that reads a number; "-" is Gatling's word for none.
func (g *gatlingReader) into(e **exact) func() error {
	return func() error {
		if g.json.Kind() == '"' {
			text, err := g.json.String()
			if err == nil && text != "-" {
				err = g.json.Errorf("want a number or -, found %q", evidence.Cut(text))
			}
			return err
		}
		text, err := g.json.NumberText()
		if err != nil {
			return err
		}
		if *e, err = parse(text); err == nil && (*e).negative() {
			g.out.warn.Add(evidence.BadNumber, g.json.Place(), "the number %s is negative; it counts as not measured", text)
			*e = nil
		}
		if err != nil {
			return g.json.Errorf("%w", err)
		}
		return nil
	}
}

// count returns a number of requests.
func (g *gatlingReader) count(e *exact, word string) (int64, error) {
	if e == nil {
		return 0, g.json.Errorf("numberOfRequests.%s is missing", word)
	}
	r := e.rat()
	if !r.IsInt() || r.Num().BitLen() > 52 {
		return 0, g.json.Errorf("numberOfRequests.%s is no count", word)
	}
	return r.Num().Int64(), nil
}

// finish writes the one row.
func (g *gatlingReader) finish() error {
	n := g.figures["numberOfRequests"]
	ok, err := g.count(n.ok, "ok")
	if err != nil {
		return err
	}
	ko, err := g.count(n.ko, "ko")
	if err != nil {
		return err
	}
	total, err := g.count(n.total, "total")
	if err != nil {
		return err
	}
	if total != ok+ko {
		g.out.warn.Add(evidence.CountsDisagree, "numberOfRequests", "the report says total=%d, ok and ko add up to %d", total, ok+ko)
	}
	row := evidence.MetricSeries{Name: g.name, Unit: millis, Samples: ok + ko, Errors: ko}
	if row.Samples > 0 {
		get := func(name string) evidence.Measure { return g.out.measure(g.figures[name].total, at(name)) }
		low, high := g.figures["minResponseTime"], g.figures["maxResponseTime"]
		low.total, high.total = g.out.ordered(low.total, high.total, "minResponseTime")
		row.Min, row.Max, row.Mean = get("minResponseTime"), get("maxResponseTime"), get("meanResponseTime")
		row.P50, row.P75, row.P95, row.P99 = get("percentiles1"), get("percentiles2"), get("percentiles3"), get("percentiles4")
		row.PerSecond = get("meanNumberOfRequestsPerSecond")
	} else {
		g.out.nothing("no request was counted: the run proves nothing")
	}
	s := &g.out.sum
	s.Samples, s.Errors, s.ErrorRatio, s.Unit = row.Samples, row.Errors, evidence.RatioOf(row.Errors, row.Samples), row.Unit
	s.Min, s.Max, s.Mean, s.P50, s.P75, s.P95, s.P99, s.PerSecond = row.Min, row.Max, row.Mean, row.P50, row.P75, row.P95, row.P99, row.PerSecond
	if err := g.out.add(row); err != nil {
		return g.json.Errorf("%w", err)
	}
	return nil
}
