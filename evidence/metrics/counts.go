package metrics

import (
	"fmt"
	"slices"

	"cdgate.dev/cdgate/evidence"
)

// maxDistinct is how many different pairs of request and time a report may hold. It is far more than load tests have,
// which measure in whole milliseconds, and bounds the memory.
const maxDistinct = evidence.MaxKept / 64

// counts counts equal samples: a million samples take no more memory than the times that are different.
type counts map[int64]int64

// rank is a percentile, by nearest rank: the smallest sample with at least Percent of the samples at or below it.
type ranks struct{ p50, p75, p90, p95, p99 evidence.Measure }

// ranks returns the percentiles; without samples none is measured.
func (c counts) ranks() ranks {
	values := make([]int64, 0, len(c))
	var n int64
	for v, times := range c {
		values = append(values, v)
		n += times
	}
	slices.Sort(values)
	at := func(percent int64) evidence.Measure {
		rank, below := (percent*n+99)/100, int64(0)
		for _, v := range values {
			if below += c[v]; below >= rank {
				return evidence.MeasureOf(whole(v).rat())
			}
		}
		return evidence.Measure{}
	}
	return ranks{at(50), at(75), at(90), at(95), at(99)}
}

// tally adds the samples up.
func (c counts) tally() *tally {
	t := &tally{}
	for v, times := range c {
		e := whole(v)
		t.extremes(e, e)
		t.weigh(e, times)
	}
	return t
}

// errDistinct says that a report holds too many different times.
func errDistinct() error {
	return fmt.Errorf("more than %d different response times; split the report", maxDistinct)
}
