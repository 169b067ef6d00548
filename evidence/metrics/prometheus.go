package metrics

import (
	"io"
	"strings"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/strictjson"
)

// prometheusEnvelope is the version of the envelope in which a collector keeps the answer together with the question.
const prometheusEnvelope = "cdgate.dev/prometheus/v1"

// Prometheus is the answer of the HTTP API of Prometheus and of servers that speak it, to an instant or range query, to
// alerts or to rules, alone or in the envelope of our own collector. NaN and infinities are no data. Percentiles are not
// computed: a server that is asked for one gives it as a value.
func Prometheus() evidence.Format {
	return evidence.Format{
		Name: "prometheus", Title: "Prometheus API JSON", Kind: evidence.Metrics, MediaType: "application/json",
		Recognised: "an object with `status` and `data` with `resultType`, `result`, `alerts` or `groups`, or with `status` and `errorType` or `error`; `apiVersion` `" + prometheusEnvelope + "`",
		Tools:      "Prometheus, Thanos, Mimir, VictoriaMetrics: `/api/v1/query`, `query_range`, `alerts`, `rules`",
		Limits:     "`/api/v1/query`, `query_range`, `alerts` and `rules`; series, labels and targets lists are not read; native histograms count as no data; no percentiles over samples, ask the server for them",
		Match: func(h evidence.Head) bool {
			return h.Syntax == evidence.JSON && (strings.HasPrefix(h.Text("apiVersion"), "cdgate.dev/prometheus/") ||
				h.Has("status") && !h.Has("error.message") && h.HasAny("data.resultType", "data.result", "data.alerts", "data.groups", "errorType", "error"))
		},
		Read: readPrometheus,
	}
}

// promReader is the state of one pass.
type promReader struct {
	json *strictjson.Reader
	out  output
	all  tally
	ask  question

	status, errorType, message string
	data                       bool
	shapes                     promShapes
	// first and last are the times of the first and the last sample of all, in milliseconds.
	first, last int64
	timed       bool
	// single is the one sample of a scalar or of a text.
	single   struct{ at, value string }
	alerting int64
	noData   int64
	pairs    int
}

func readPrometheus(r io.Reader, rows *evidence.Rows) (evidence.Report, error) {
	p := &promReader{json: strictjson.New(r), out: newOutput(rows)}
	answer, envelope := p.answer(), p.envelope()
	err := p.json.Object(func(name []byte) error {
		// The first member tells the envelope, which is strict, from the answer, which servers add members to.
		if p.ask.seen == nil {
			p.ask.seen = map[string]bool{}
			p.ask.own = envelope[string(name)] != nil
		}
		if p.ask.own {
			return p.own(envelope, string(name))
		}
		if f := answer[string(name)]; f != nil {
			return f()
		}
		return p.json.Other(p.names(answer), name)
	})
	if err == nil {
		err = p.json.End()
	}
	if err == nil {
		err = p.judge()
	}
	if err != nil {
		return evidence.Report{}, err
	}
	p.finish()
	return p.out.report(evidence.Tool{}), nil
}

// names are the members of an answer.
func (p *promReader) names(m strictjson.Members) *strictjson.Names {
	if p.ask.known == nil {
		var names []string
		for name := range m {
			names = append(names, name)
		}
		p.ask.known = strictjson.NewNames(names...)
	}
	return p.ask.known
}

// answer says how the members of the API's answer are read.
func (p *promReader) answer() strictjson.Members {
	data := p.json.Record(strictjson.Members{
		"resultType": p.json.Into(&p.shapes.declared),
		"result":     p.result,
		"alerts":     p.alerts,
		"groups":     p.groups,
	})
	return strictjson.Members{
		"status":    p.json.Into(&p.status),
		"errorType": p.json.Into(&p.errorType),
		"error":     p.json.IntoMessage(&p.message),
		"data": func() error {
			p.data = true
			return data()
		},
		"warnings": p.json.List(func() error {
			text, err := p.json.Message()
			p.out.incomplete("warnings", "the server warns: %s", text)
			return err
		}),
		"infos": p.json.List(func() error {
			text, err := p.json.Message()
			p.out.warn.Add(evidence.ToolNotice, "infos", "the server remarks: %s", text)
			return err
		}),
	}
}

// judge refuses answers that are none.
func (p *promReader) judge() error {
	if err := p.checkMembers(); err != nil {
		return err
	}
	switch {
	case p.status == "error" || p.errorType != "" || p.message != "":
		return p.json.Errorf("the server answered with an error: %s: %s", evidence.Cut(p.errorType), p.message)
	case p.status != "success":
		return p.json.Errorf("the status of the answer is %q, want success", evidence.Cut(p.status))
	case !p.data:
		return p.json.Errorf("the answer has no data")
	}
	if err := p.shapes.check(p.json); err != nil {
		return err
	}
	if p.shapes.scalar {
		if err := p.readSingle(); err != nil {
			return err
		}
	}
	return p.checkTimes()
}

// finish sums up.
func (p *promReader) finish() {
	s, all := &p.out.sum, p.out.spread(&p.all, at("data.result"))
	if p.shapes.kind() == shapeResult {
		s.Min, s.Max, s.Mean, s.Sum = all.min, all.max, all.mean, all.sum
	}
	switch {
	case p.shapes.alerts && s.Series == 0:
		p.out.nothing("no alert is pending or firing, or there are no alerting rules: the answer does not tell which; collect the answer of /api/v1/rules instead")
	case p.shapes.groups && p.alerting == 0:
		p.out.nothing("the server has no alerting rules: that nothing fires proves nothing")
	case p.shapes.kind() != shapeResult || p.shapes.declared == "string" && s.Series > 0:
	case s.Series == 0:
		p.out.nothing("the query found no series: that is no data, not zero")
	case p.all.n == 0:
		p.out.nothing("every sample is NaN, infinite or missing: that is no data, not zero")
	}
	if p.noData > 0 {
		p.out.warn.Add(evidence.NoNumber, "data.result", "%d of %d samples are NaN, infinite, a text or a histogram; they count as no data", p.noData, s.Samples)
	}
	s.NoData = p.noData
}
