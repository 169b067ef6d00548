package metrics

import (
	"math/big"

	"cdgate.dev/cdgate/evidence"
)

// exact is a decimal number, coef × 10^exp.
type exact struct {
	coef *big.Int
	exp  int
}

// parse reads the text of a finite number.
func parse(text string) (*exact, error) {
	coef, exp, err := evidence.Digits(text)
	if err != nil {
		return nil, err
	}
	return &exact{coef, exp}, nil
}

// whole returns a whole number.
func whole(n int64) *exact { return &exact{coef: big.NewInt(n)} }

// negative reports whether a number is below zero; no number is not.
func (e *exact) negative() bool { return e != nil && e.coef.Sign() < 0 }

func (e *exact) rat() *big.Rat {
	power := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(e.exp, -e.exp))), nil)
	if e.exp < 0 {
		return new(big.Rat).SetFrac(e.coef, power)
	}
	return new(big.Rat).SetInt(power.Mul(power, e.coef))
}

// tally adds up the finite samples of one series or of all, exactly. The zero value is ready to use.
type tally struct {
	n        int64
	min, max *exact
	// sum is that of the coefficients with exponent exp, nil without any; sums holds those of each other exponent. Adding
	// is quick, most reports write all numbers with as many places, and the total is exact.
	sum  *big.Int
	exp  int
	sums map[int]*big.Int
	// powers of ten, by exponent, as far as numbers were compared.
	powers []*big.Int
}

// add counts one finite sample.
func (t *tally) add(e *exact) {
	t.extremes(e, e)
	t.weigh(e, 1)
}

// extremes keeps the smallest and the largest number.
func (t *tally) extremes(low, high *exact) {
	if low != nil && (t.min == nil || t.compare(low, t.min) < 0) {
		t.min = low
	}
	if high != nil && (t.max == nil || t.compare(high, t.max) > 0) {
		t.max = high
	}
}

// weigh adds e to the sum n times.
func (t *tally) weigh(e *exact, n int64) {
	t.n += n
	sum := t.sumOf(e.exp)
	if n == 1 {
		sum.Add(sum, e.coef)
		return
	}
	sum.Add(sum, new(big.Int).Mul(e.coef, big.NewInt(n)))
}

// sumOf is the sum of the coefficients with this exponent so far.
func (t *tally) sumOf(exp int) *big.Int {
	if t.sum == nil {
		t.sum, t.exp = new(big.Int), exp
	}
	if t.exp == exp {
		return t.sum
	}
	if t.sums == nil {
		t.sums = map[int]*big.Int{}
	}
	sum := t.sums[exp]
	if sum == nil {
		sum = new(big.Int)
		t.sums[exp] = sum
	}
	return sum
}

// merge adds all samples of another tally.
func (t *tally) merge(o *tally) {
	t.extremes(o.min, o.max)
	t.n += o.n
	if o.sum != nil {
		sum := t.sumOf(o.exp)
		sum.Add(sum, o.sum)
	}
	for exp, part := range o.sums {
		sum := t.sumOf(exp)
		sum.Add(sum, part)
	}
}

// compare returns -1, 0 or 1 as a is smaller than, equal to or larger than b.
func (t *tally) compare(a, b *exact) int {
	if sa, sb := a.coef.Sign(), b.coef.Sign(); sa != sb || sa == 0 {
		return sa - sb
	}
	switch d := a.exp - b.exp; {
	case d > 0:
		return new(big.Int).Mul(a.coef, t.power(d)).Cmp(b.coef)
	case d < 0:
		return a.coef.Cmp(new(big.Int).Mul(b.coef, t.power(-d)))
	}
	return a.coef.Cmp(b.coef)
}

// power returns a power of ten.
func (t *tally) power(n int) *big.Int {
	for len(t.powers) <= n {
		next := big.NewInt(1)
		if k := len(t.powers); k > 0 {
			next.Mul(t.powers[k-1], big.NewInt(10))
		}
		t.powers = append(t.powers, next)
	}
	return t.powers[n]
}

// total returns the sum of all samples, nil without any.
func (t *tally) total() *big.Rat {
	if t.n == 0 {
		return nil
	}
	sum := (&exact{t.sum, t.exp}).rat()
	for exp, coef := range t.sums {
		sum.Add(sum, (&exact{coef, exp}).rat())
	}
	return sum
}

// mean returns their mean, nil without any.
func (t *tally) mean() *big.Rat {
	sum := t.total()
	if sum == nil {
		return nil
	}
	return sum.Quo(sum, new(big.Rat).SetInt64(t.n))
}

// ordered returns the smallest and the largest number that a report gives, or none of them if they cannot both be right.
func (o *output) ordered(low, high *exact, place string) (*exact, *exact) {
	if low == nil || high == nil || new(tally).compare(low, high) <= 0 {
		return low, high
	}
	o.warn.Add(evidence.BadNumber, place, "the smallest number is above the largest one; both count as not measured")
	return nil, nil
}

// spread is what a tally measures.
type spread struct{ min, max, mean, sum evidence.Measure }

// spread writes down what a tally measures; a number that is too large counts as not measured, with a warning.
func (o *output) spread(t *tally, place func() string) spread {
	s := spread{min: o.measure(t.min, place)}
	if t.n == 1 {
		return spread{s.min, s.min, s.min, s.min}
	}
	s.max = o.measure(t.max, place)
	total, mean := t.total(), t.mean()
	s.sum, s.mean = evidence.MeasureOf(total), evidence.MeasureOf(mean)
	if total != nil && !s.sum.Measured && s.min.Measured && s.max.Measured {
		o.warn.Add(evidence.BadNumber, place(), "the sum has more than %d digits before the point; it counts as not measured", evidence.MaxDigits)
	}
	return s
}

// at is a place that is known.
func at(place string) func() string { return func() string { return place } }
