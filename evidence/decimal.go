package evidence

import (
	"bytes"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// Decimal is a number of a metric, as the text of a JSON number in one canonical form: no exponent, no plus sign, no
// leading or trailing zeros, at most MaxDecimals places and MaxDigits digits before the point. It is text and never a
// float, so that the same report gives the same bytes on every machine. The empty Decimal is 0.
type Decimal string

// The bounds of a Decimal. What is smaller is rounded, half to even; what is larger is refused.
const (
	MaxDecimals = 9
	MaxDigits   = 18
)

// Measure is one measured number. Measured is false where nothing was measured (no samples, NaN, an infinity), and then
// Value is 0: no data is not a value.
type Measure struct {
	Value    Decimal `json:"value"`
	Measured bool    `json:"measured"`
}

// MeasureOf returns a measured number, or none where r is nil or too large.
func MeasureOf(r *big.Rat) Measure {
	if r == nil {
		return Measure{}
	}
	d, err := DecimalOf(r)
	if err != nil {
		return Measure{}
	}
	return Measure{Value: d, Measured: true}
}

// MeasureDigits returns coef × 10^exp as a measured number, or none where it is too large. It gives what MeasureOf does of that
// number, and is the quicker one where many numbers are written down.
func MeasureDigits(coef *big.Int, exp int) Measure {
	if d, ok := plainDecimal(coef, exp); ok {
		return Measure{Value: d, Measured: true}
	}
	power := tenTo(int64(max(exp, -exp)))
	if exp < 0 {
		return MeasureOf(new(big.Rat).SetFrac(coef, power))
	}
	return MeasureOf(new(big.Rat).SetInt(power.Mul(power, coef)))
}

// plainDecimal writes down coef × 10^exp where nothing has to be computed: no rounding, and no digits before the point to add.
func plainDecimal(coef *big.Int, exp int) (Decimal, bool) {
	if exp > 0 || exp < -MaxDecimals || !coef.IsInt64() {
		return "", false
	}
	n := coef.Int64()
	if n == math.MinInt64 {
		return "", false
	}
	var space [32]byte
	b := space[:0]
	if n < 0 {
		n, b = -n, append(b, '-')
	}
	first := len(b)
	b = strconv.AppendInt(b, n, 10)
	for len(b)-first <= -exp { // a digit before the point
		b = slices.Insert(b, first, '0')
	}
	point := len(b) + exp
	if point-first > MaxDigits {
		return "", false
	}
	frac := bytes.TrimRight(b[point:], "0")
	if len(frac) == 0 {
		return Decimal(b[:point]), true
	}
	return Decimal(slices.Insert(b[:point+len(frac)], point, '.')), true
}

// DecimalOf rounds an exact number to MaxDecimals places, half to even.
func DecimalOf(r *big.Rat) (Decimal, error) {
	scaled := new(big.Rat).Mul(r, new(big.Rat).SetInt(tenTo(MaxDecimals)))
	q, rest := new(big.Int).QuoRem(scaled.Num(), scaled.Denom(), new(big.Int))
	twice := new(big.Int).Lsh(rest.Abs(rest), 1)
	if c := twice.Cmp(scaled.Denom()); c > 0 || c == 0 && q.Bit(0) == 1 {
		q.Add(q, big.NewInt(int64(r.Sign())))
	}
	digits := new(big.Int).Abs(q).String()
	if len(digits) <= MaxDecimals {
		digits = strings.Repeat("0", MaxDecimals+1-len(digits)) + digits
	}
	whole, frac := digits[:len(digits)-MaxDecimals], strings.TrimRight(digits[len(digits)-MaxDecimals:], "0")
	if len(whole) > MaxDigits {
		return "", fmt.Errorf("a number of %d digits: more than %d are refused", len(whole), MaxDigits)
	}
	if frac != "" {
		whole += "." + frac
	}
	if q.Sign() < 0 {
		whole = "-" + whole
	}
	return Decimal(whole), nil
}

// ParseNumber reads the text of a finite decimal number, with an exponent or without, exactly. NaN, infinities,
// hexadecimal numbers, fractions and digit separators are errors; so are texts and exponents so long that the
// exact number would be too large to keep.
func ParseNumber(text string) (*big.Rat, error) {
	coef, exp, err := Digits(text)
	if err != nil {
		return nil, err
	}
	power := tenTo(int64(max(exp, -exp)))
	if exp < 0 {
		return new(big.Rat).SetFrac(coef, power), nil
	}
	return new(big.Rat).SetInt(coef.Mul(coef, power)), nil
}

// The bounds of the text of a number: its length, and how many digits its exponent may have.
const (
	maxNumberText = 512
	maxExponent   = 3
)

// Digits reads the same texts as ParseNumber and returns the number as coef × 10^exp. It is the quicker one where many
// numbers are added up. Zero has exponent 0.
func Digits(text string) (coef *big.Int, exp int, err error) {
	bad := func() (*big.Int, int, error) { return nil, 0, fmt.Errorf("%q is no decimal number", Cut(text)) }
	if len(text) > maxNumberText {
		return bad()
	}
	rest, negative := sign(text)
	digits, rest := leadingDigits(rest)
	if tail, ok := strings.CutPrefix(rest, "."); ok {
		var places string
		places, rest = leadingDigits(tail)
		digits, exp = digits+places, -len(places)
	}
	if digits == "" {
		return bad()
	}
	if rest != "" {
		power, ok := exponent(rest)
		if !ok {
			return bad()
		}
		exp += power
	}
	if len(digits) <= MaxDigits {
		n, _ := strconv.ParseInt(digits, 10, 64) // digits alone, and they fit
		coef = big.NewInt(n)
	} else {
		coef, _ = new(big.Int).SetString(digits, 10)
	}
	if coef.Sign() == 0 {
		return coef, 0, nil
	}
	if negative {
		coef.Neg(coef)
	}
	return coef, exp, nil
}

// exponent reads "e-05".
func exponent(text string) (int, bool) {
	if text[0] != 'e' && text[0] != 'E' {
		return 0, false
	}
	rest, negative := sign(text[1:])
	digits, rest := leadingDigits(rest)
	if digits == "" || rest != "" {
		return 0, false
	}
	digits = strings.TrimLeft(digits, "0")
	if len(digits) > maxExponent {
		return 0, false
	}
	power := 0
	for _, c := range digits {
		power = 10*power + int(c-'0')
	}
	if negative {
		power = -power
	}
	return power, true
}

// sign takes a sign off a text.
func sign(text string) (rest string, negative bool) {
	if text != "" && (text[0] == '-' || text[0] == '+') {
		return text[1:], text[0] == '-'
	}
	return text, false
}

// leadingDigits splits a text behind its first digits.
func leadingDigits(text string) (digits, rest string) {
	n := 0
	for n < len(text) && text[n] >= '0' && text[n] <= '9' {
		n++
	}
	return text[:n], text[n:]
}

func tenTo(n int64) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(n), nil) }

// MarshalJSON writes the number.
func (d Decimal) MarshalJSON() ([]byte, error) {
	if d == "" {
		return []byte("0"), nil
	}
	return []byte(d), nil
}

// UnmarshalJSON reads a JSON number in the canonical form and no other.
func (d *Decimal) UnmarshalJSON(b []byte) error {
	r, err := ParseNumber(string(b))
	if err != nil {
		return fmt.Errorf("read number: %w", err)
	}
	canonical, err := DecimalOf(r)
	if err != nil || string(canonical) != string(b) {
		return fmt.Errorf("read number %q: want at most %d decimal places, no exponent and no needless zeros", Cut(string(b)), MaxDecimals)
	}
	*d = canonical
	return nil
}
