package metrics

import (
	"fmt"
	"math/big"
	"math/rand"
	"slices"
	"strings"
	"testing"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/strictjson"
)

// TestTally compares sums, means and extremes of random samples with those that math/big finds.
func TestTally(t *testing.T) {
	random := rand.New(rand.NewSource(1))
	for range 200 {
		parts := [2]tally{}
		var all []*big.Rat
		for range 1 + random.Intn(40) {
			text := fmt.Sprintf("%de%d", random.Int63n(1<<40)-1<<39, random.Intn(40)-20)
			e, err := parse(text)
			if err != nil {
				t.Fatal(err)
			}
			r, _ := new(big.Rat).SetString(text)
			if e.rat().Cmp(r) != 0 {
				t.Fatalf("%s became %v", text, e.rat())
			}
			parts[random.Intn(2)].add(e)
			all = append(all, r)
		}
		parts[0].merge(&parts[1])
		sum := new(big.Rat)
		for _, r := range all {
			sum.Add(sum, r)
		}
		mean := new(big.Rat).Quo(sum, big.NewRat(int64(len(all)), 1))
		slices.SortFunc(all, func(a, b *big.Rat) int { return a.Cmp(b) })
		got := &parts[0]
		if got.n != int64(len(all)) || got.total().Cmp(sum) != 0 || got.mean().Cmp(mean) != 0 || got.min.rat().Cmp(all[0]) != 0 ||
			got.max.rat().Cmp(all[len(all)-1]) != 0 {
			t.Fatalf("%v became %+v", all, got)
		}
	}
	if empty := new(tally); empty.total() != nil || empty.mean() != nil {
		t.Error("nothing has a sum")
	}
}

// TestRanks compares percentiles with their definition: the smallest sample with at least p percent of the samples at or
// below it.
func TestRanks(t *testing.T) {
	random := rand.New(rand.NewSource(1))
	for n := range 300 {
		c, samples := counts{}, []int64{}
		for range n {
			v := random.Int63n(int64(1 + n/2))
			c[v]++
			samples = append(samples, v)
		}
		slices.Sort(samples)
		got := c.ranks()
		for percent, m := range map[int]evidence.Measure{50: got.p50, 75: got.p75, 90: got.p90, 95: got.p95, 99: got.p99} {
			want := evidence.Measure{}
			for _, v := range samples {
				below := 0
				for _, w := range samples {
					if w <= v {
						below++
					}
				}
				if 100*below >= percent*n {
					want = evidence.Measure{Value: evidence.Decimal(fmt.Sprint(v)), Measured: true}
					break
				}
			}
			if m != want {
				t.Fatalf("%d percent of %v is %+v, want %+v", percent, samples, m, want)
			}
		}
	}
}

// TestMoment compares the quick way to read a time with the exact one.
func TestMoment(t *testing.T) {
	p := &promReader{json: strictjson.New(strings.NewReader(""))}
	for text, quick := range map[string]bool{"0": true, "1795195900": true, "1795195900.5": true, "1795195900.781": true, "1.000": true, "99999999999.999": true,
		"253402300799": false, "253402300800": false, "1795195900.7819": false, "1e9": false, "-1": false, "-0.5": false, "+1": false, "": false, ".5": false, "1.": true, "1.+5": false, "0x10": false} {
		ms, ok := plainMoment(text)
		exact, err := p.slowMoment(text)
		if ok != quick || ok && (err != nil || ms != exact) {
			t.Errorf("%q is %d, %v; exactly %d, %v", text, ms, ok, exact, err)
		}
	}
}
