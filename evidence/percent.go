package evidence

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"
)

// Percent is a percentage in ten thousandths of one percent: 61.1765 % is 611765. It is an integer so that the same
// report gives the same bytes on every machine. It is rounded half away from zero, except that less than everything
// is never rounded up to 100.
type Percent int64

// wholePercent is 100 %.
const wholePercent = 1_000_000

// String returns the shortest decimal with at most four places, without a percent sign.
func (p Percent) String() string {
	sign, n := "", int64(p)
	if n < 0 {
		sign, n = "-", -n
	}
	text := sign + strconv.FormatInt(n/10_000, 10)
	if frac := n % 10_000; frac != 0 {
		text += "." + strings.TrimRight(fmt.Sprintf("%04d", frac), "0")
	}
	return text
}

// MarshalJSON writes the percentage as a JSON number.
func (p Percent) MarshalJSON() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalJSON reads a JSON number between 0 and 100 with at most four decimal places and no exponent.
func (p *Percent) UnmarshalJSON(b []byte) error {
	whole, frac, _ := strings.Cut(string(b), ".")
	if len(whole) == 0 || len(whole) > 3 || len(frac) > 4 {
		return fmt.Errorf("read percentage %q: want a number from 0 to 100 with at most four decimal places", b)
	}
	n, err := strconv.ParseUint(whole+(frac + "0000")[:4], 10, 32)
	if err != nil || n > wholePercent {
		return fmt.Errorf("read percentage %q: want a number from 0 to 100 with at most four decimal places", b)
	}
	*p = Percent(n)
	return nil
}

// RatioOf returns covered of total. Negative numbers and a covered above its total are brought into range, so that no
// report can say more than 100 %.
func RatioOf(covered, total int64) Ratio {
	total = max(total, 0)
	covered = min(max(covered, 0), total)
	if total == 0 {
		return Ratio{}
	}
	hi, lo := bits.Mul64(uint64(covered), 2*wholePercent)
	lo, carry := bits.Add64(lo, uint64(total), 0)
	// The quotient is at most 1 000 000.5, so the division cannot overflow.
	q, _ := bits.Div64(hi+carry, lo, 2*uint64(total))
	if covered < total {
		q = min(q, wholePercent-1)
	}
	return Ratio{Covered: covered, Total: total, Percent: Percent(q), Measured: true}
}
