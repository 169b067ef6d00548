package evidence

import (
	"fmt"
	"maps"
	"slices"
)

// Series writes one series of samples, as Row would.
func (r *Rows) Series(s *MetricSeries) error {
	if err := checkNames(s.Name, s.Unit, s.First, s.Last); err != nil {
		return err
	}
	if err := checkLabels(s.Labels); err != nil {
		return err
	}
	if err := r.start(); err != nil {
		return err
	}
	r.text(`{"name":`, s.Name)
	r.labels(`,"labels":`, s.Labels)
	r.text(`,"unit":`, s.Unit)
	r.number(`,"samples":`, s.Samples)
	r.number(`,"errors":`, s.Errors)
	r.number(`,"noData":`, s.NoData)
	r.text(`,"first":`, s.First)
	r.text(`,"last":`, s.Last)
	r.measure(`,"min":`, s.Min)
	r.measure(`,"max":`, s.Max)
	r.measure(`,"mean":`, s.Mean)
	r.measure(`,"sum":`, s.Sum)
	r.measure(`,"lastValue":`, s.LastValue)
	r.measure(`,"p50":`, s.P50)
	r.measure(`,"p75":`, s.P75)
	r.measure(`,"p90":`, s.P90)
	r.measure(`,"p95":`, s.P95)
	r.measure(`,"p99":`, s.P99)
	r.measure(`,"perSecond":`, s.PerSecond)
	return r.end()
}

// labels writes names with values, in the order of the names.
func (r *Rows) labels(key string, m map[string]string) {
	r.buf = append(r.buf, key...)
	r.names = slices.AppendSeq(r.names[:0], maps.Keys(m))
	slices.Sort(r.names)
	punct := byte('{')
	for _, name := range r.names {
		r.buf = appendQuoted(append(r.buf, punct), name)
		r.text(":", m[name])
		punct = ','
	}
	if punct == '{' {
		r.buf = append(r.buf, punct)
	}
	r.buf = append(r.buf, '}')
}

func (r *Rows) measure(key string, m Measure) {
	r.buf = append(append(r.buf, key...), `{"value":`...)
	if m.Value == "" {
		r.buf = append(r.buf, '0')
	}
	r.buf = append(r.buf, m.Value...)
	r.boolean(`,"measured":`, m.Measured)
	r.buf = append(r.buf, '}')
}

func tooManyLabels(n int) error {
	return fmt.Errorf("%d names with values: more than %d are refused", n, MaxList)
}

func checkLabels(m map[string]string) error {
	if len(m) > MaxList {
		return tooManyLabels(len(m))
	}
	for name, text := range m {
		if err := checkNames(name, text); err != nil {
			return err
		}
	}
	return nil
}
