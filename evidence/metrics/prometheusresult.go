package metrics

import (
	"math/big"
	"strconv"
	"strings"
	"time"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/strictjson"
)

// promShapes notes which shapes of data were seen, to be held against the type that the answer declares.
type promShapes struct {
	declared               string
	result, alerts, groups bool
	vector, matrix, scalar bool
}

// shape says what sort of data an answer holds.
type shape int

const (
	shapeNone shape = iota
	shapeResult
	shapeAlerts
	shapeRules
)

func (s *promShapes) kind() shape {
	switch {
	case s.result:
		return shapeResult
	case s.alerts:
		return shapeAlerts
	case s.groups:
		return shapeRules
	}
	return shapeNone
}

// check refuses data that is not what the answer says it is.
func (s *promShapes) check(r *strictjson.Reader) error {
	count := 0
	for _, is := range []bool{s.result, s.alerts, s.groups} {
		if is {
			count++
		}
	}
	if count != 1 {
		return r.Errorf("data must hold one of result, alerts and groups, found %d of them", count)
	}
	if !s.result {
		return nil
	}
	fits := map[string]bool{
		"vector": !s.matrix && !s.scalar, "matrix": !s.vector && !s.scalar, "scalar": s.scalar, "string": s.scalar,
	}
	if fit, known := fits[s.declared]; !known {
		return r.Errorf("resultType is %q, want vector, matrix, scalar or string", evidence.Cut(s.declared))
	} else if !fit {
		return r.Errorf("the result is no %s, which resultType says it is", s.declared)
	}
	return nil
}

// result reads the result of a query: an array of series, or one sample.
func (p *promReader) result() error {
	p.shapes.result = true
	entry := p.series()
	n := 0
	err := p.json.Array(func() (err error) {
		n++
		switch k := p.json.Kind(); {
		case !p.shapes.scalar && k == '{':
			return entry()
		case n == 1 && k == '0':
			p.shapes.scalar = true
			p.single.at, err = p.json.NumberText()
		case n == 2 && p.shapes.scalar:
			p.single.value, err = p.json.String()
		default:
			err = p.json.Errorf("want series, or one time and value")
		}
		return err
	})
	if err == nil && p.shapes.scalar && n != 2 {
		err = p.json.Errorf("a sample of %d parts, want time and value", n)
	}
	return err
}

// readSingle counts the one sample of a scalar or of a text. It waits for the end of the answer, as the type may stand behind the
// result.
func (p *promReader) readSingle() error {
	s := &promSeries{}
	at, err := p.moment(p.single.at)
	if err != nil {
		return err
	}
	if p.shapes.declared == "string" {
		s.noData = 1
		s.seen(at)
	} else if err := p.sample(s, at, p.single.value); err != nil {
		return err
	}
	return p.write(s)
}

// promSeries is one series while it is read.
type promSeries struct {
	name   string
	labels map[string]string
	tally  tally
	noData int64
	// first and last are times in milliseconds; newest is the sample at the last one, nil when that is no data.
	first, last int64
	timed       bool
	newest      *exact
}

// series returns the function that reads one series of a vector or matrix.
func (p *promReader) series() func() error {
	s, label, labels := &promSeries{}, "", map[string]string{}
	one := func(f func(*promSeries) error) func() error { return func() error { return f(s) } }
	members := p.json.Record(strictjson.Members{
		"metric": p.json.Each(func(name string) { label = name }, func() error {
			text, err := p.json.String()
			if label == "__name__" {
				s.name = text
			} else {
				s.labels[label] = text
			}
			if len(s.labels) > evidence.MaxList {
				return p.json.Errorf("more than %d labels", evidence.MaxList)
			}
			return err
		}),
		"value": func() error { p.shapes.vector = true; return p.pair(s, p.float) },
		"values": func() error {
			p.shapes.matrix = true
			return p.json.Array(one(func(s *promSeries) error { return p.pair(s, p.float) }))
		},
		"histogram": func() error { p.shapes.vector = true; return p.pair(s, p.histogram) },
		"histograms": func() error {
			p.shapes.matrix = true
			return p.json.Array(one(func(s *promSeries) error { return p.pair(s, p.histogram) }))
		},
	})
	return func() error {
		clear(labels)
		*s = promSeries{labels: labels}
		if err := members(); err != nil {
			return err
		}
		return p.write(s)
	}
}

// pair reads a time and what was measured then.
func (p *promReader) pair(s *promSeries, value func(s *promSeries, at int64) error) error {
	if p.pairs++; p.pairs > evidence.MaxElements {
		return p.json.Errorf("more than %d samples", evidence.MaxElements)
	}
	n := 0
	var at int64
	err := p.json.Array(func() error {
		switch n++; n {
		case 1:
			text, err := p.json.NumberText()
			if err == nil {
				at, err = p.moment(text)
			}
			return err
		case 2:
			return value(s, at)
		}
		return p.json.Errorf("a sample of more than two parts, want time and value")
	})
	if err == nil && n != 2 {
		err = p.json.Errorf("a sample of %d parts, want time and value", n)
	}
	return err
}

// float reads the value of a sample, which is a number in a string.
func (p *promReader) float(s *promSeries, at int64) error {
	text, err := p.json.String()
	if err != nil {
		return err
	}
	return p.sample(s, at, text)
}

// histogram passes over a native histogram: it is counted, and nothing of it is measured.
func (p *promReader) histogram(s *promSeries, at int64) error {
	s.noData++
	if !s.seen(at) {
		s.newest = nil
	}
	return p.json.Skip()
}

// sample counts one sample.
func (p *promReader) sample(s *promSeries, at int64, text string) error {
	var e *exact
	switch text {
	case "NaN", "+Inf", "-Inf", "Inf":
		s.noData++
	default:
		var err error
		if e, err = parse(text); err != nil {
			return p.json.Errorf("a sample value: %w", err)
		}
		s.tally.add(e)
	}
	if !s.seen(at) {
		s.newest = e
	}
	return nil
}

// seen notes the time of a sample and reports whether a newer one was there before.
func (s *promSeries) seen(at int64) (older bool) {
	older = s.timed && at < s.last
	if !s.timed || at < s.first {
		s.first = at
	}
	if !older {
		s.last = at
	}
	s.timed = true
	return older
}

// write ends a series.
func (p *promReader) write(s *promSeries) error {
	row := evidence.MetricSeries{Name: s.name, Labels: s.labels, Samples: s.tally.n + s.noData, NoData: s.noData}
	sp := p.out.spread(&s.tally, p.json.Place)
	row.Min, row.Max, row.Mean, row.Sum, row.LastValue = sp.min, sp.max, sp.mean, sp.sum, sp.max
	if s.newest == nil || s.tally.n != 1 {
		row.LastValue = p.out.measure(s.newest, p.json.Place)
	}
	if s.timed {
		row.First = stamp(s.first)
		if row.Last = row.First; s.last != s.first {
			row.Last = stamp(s.last)
		}
		if !p.timed || s.first < p.first {
			p.first = s.first
		}
		p.last, p.timed = max(p.last, s.last), true
	}
	p.all.merge(&s.tally)
	p.noData += s.noData
	p.out.sum.Samples += row.Samples
	if err := p.out.add(row); err != nil {
		return p.json.Errorf("%w", err)
	}
	return nil
}

// latest is the last second that RFC 3339 can write.
const latest = 253402300799

// moment reads a time of the API, in seconds since 1970, and returns it in milliseconds.
func (p *promReader) moment(text string) (int64, error) {
	if ms, ok := plainMoment(text); ok {
		return ms, nil
	}
	return p.slowMoment(text)
}

// slowMoment is moment for any number.
func (p *promReader) slowMoment(text string) (int64, error) {
	r, err := evidence.ParseNumber(text)
	if err != nil || r.Sign() < 0 || r.Cmp(new(big.Rat).SetInt64(latest)) > 0 {
		return 0, p.json.Errorf("%s is no time in seconds since 1970", evidence.Cut(text))
	}
	r.Mul(r, new(big.Rat).SetInt64(1000))
	return new(big.Int).Quo(r.Num(), r.Denom()).Int64(), nil
}

// plainMoment is moment for what servers write: seconds with at most three decimals.
func plainMoment(text string) (int64, bool) {
	const digits = len("253402300798") // and less than latest
	whole, frac, _ := strings.Cut(text, ".")
	if len(whole) == 0 || len(whole) >= digits || len(frac) > 3 || strings.Trim(whole, "0123456789") != "" || strings.Trim(frac, "0123456789") != "" {
		return 0, false
	}
	s, _ := strconv.ParseInt(whole, 10, 64) // digits alone, and they fit
	ms, _ := strconv.ParseInt((frac + "000")[:3], 10, 64)
	return 1000*s + ms, true
}

// stamp writes a time in milliseconds as RFC 3339.
func stamp(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.999Z07:00") }
