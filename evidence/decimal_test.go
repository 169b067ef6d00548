package evidence

import (
	"encoding/json"
	"fmt"
	"math/big"
	"math/rand"
	"strings"
	"testing"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
)

// TestParseNumber compares the texts that are read with what math/big reads, and names those that are refused.
func TestParseNumber(t *testing.T) {
	for _, good := range []string{
		"0", "-0", "+0", "0.0", "1", "-1", "+1", "1.", ".5", "-.5", "0.1", "1e0", "1e-09", "1E+3", "0e+00", "1795195932.222", "0.025477707006369428",
		"1e999", "1e-999", "1e0000001", "1.7976931348623157e+308", "007", strings.Repeat("9", 512),
	} {
		got, err := ParseNumber(good)
		want, ok := new(big.Rat).SetString(good)
		if err != nil || !ok || got.Cmp(want) != 0 {
			t.Errorf("%s became %v, want %v (%v)", Cut(good), got, want, err)
		}
	}
	for _, bad := range []string{
		"", "+", "-", ".", "e5", "1e", "1e+", "1e+-5", "+-1", "--1", "1-1", "NaN", "nan", "Inf", "+Inf", "-Inf", "infinity", "0x10", "0b1", "0o7", "1_000", "1e1_0",
		"1/2", "1,5", "1 ", " 1", "1.2.3", "1e5e6", "1e1.5", "1p3", "٣", "1e1000", "1e-1000", "1e99999999999999999999", strings.Repeat("9", 513), "null", `"1"`,
	} {
		if got, err := ParseNumber(bad); err == nil {
			t.Errorf("%s was read as %v", Cut(bad), got)
		}
	}
}

// TestDecimalOf: rounding is half to even at the ninth place, by values worked out by hand.
func TestDecimalOf(t *testing.T) {
	for text, want := range map[string]string{
		"0": "0", "-0": "0", "1e-9": "0.000000001", "-1e-9": "-0.000000001", "1e-10": "0", "-1e-10": "0", "1e-999": "0",
		"0.0000000005": "0", "0.0000000015": "0.000000002", "0.0000000025": "0.000000002", "-0.0000000015": "-0.000000002", "-0.0000000025": "-0.000000002",
		"0.00000000050000000001": "0.000000001", "0.9999999995": "1", "0.99999999949": "0.999999999", "100": "100", "1e17": "100000000000000000",
		"999999999999999999": "999999999999999999", "-999999999999999999.5": "-999999999999999999.5", "12.340": "12.34",
	} {
		r, err := ParseNumber(text)
		if err != nil {
			t.Fatal(err)
		}
		got, err := DecimalOf(r)
		if err != nil || string(got) != want {
			t.Errorf("%s became %q, want %s (%v)", text, got, want, err)
		}
		if m := MeasureOf(r); !m.Measured || m.Value != got {
			t.Errorf("%s measures %+v", text, m)
		}
	}
	for _, large := range []string{"1e18", "-1e18", "999999999999999999.9999999995", "1e308", "-1e999"} {
		r, err := ParseNumber(large)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := DecimalOf(r); err == nil || (MeasureOf(r) != Measure{}) {
			t.Errorf("%s became %s, want a refusal", large, got)
		}
	}
	if MeasureOf(nil) != (Measure{}) {
		t.Error("nothing was measured as something")
	}
}

// TestDecimalAgainstBig: random fractions are within half of the last place, and ties go to an even digit, as an
// independent calculation with big.Int shows. What is written reads back as itself.
func TestDecimalAgainstBig(t *testing.T) {
	random := rand.New(rand.NewSource(1))
	unit := big.NewRat(1, 1_000_000_000)
	half := new(big.Rat).Mul(unit, big.NewRat(1, 2))
	for i := range 20_000 {
		r := big.NewRat(random.Int63()-random.Int63(), random.Int63n(1<<uint(1+i%62))+1)
		if i%3 == 0 { // ties
			r = new(big.Rat).Mul(big.NewRat(2*random.Int63n(1e15)+1, 2), unit)
			if i%2 == 0 {
				r.Neg(r)
			}
		}
		d, err := DecimalOf(r)
		if err != nil {
			if len(new(big.Int).Quo(new(big.Int).Abs(r.Num()), r.Denom()).String()) < MaxDigits {
				t.Fatalf("%v: %v", r, err)
			}
			continue
		}
		got, ok := new(big.Rat).SetString(string(d))
		if !ok {
			t.Fatalf("%v became %q", r, d)
		}
		off := new(big.Rat).Sub(got, r)
		scaled := new(big.Rat).Quo(got, unit)
		if c := off.Abs(off).Cmp(half); c > 0 || c == 0 && scaled.Num().Bit(0) != 0 || !scaled.IsInt() {
			t.Fatalf("%v became %s", r, d)
		}
		roundTrip(t, d)
	}
}

func roundTrip(t *testing.T, d Decimal) {
	t.Helper()
	b, err := json.Marshal(d)
	var back, second Decimal
	if err != nil || json.Unmarshal(b, &back) != nil || jsonv2.Unmarshal(b, &second) != nil || back != d || second != d || string(b) != string(d) {
		t.Fatalf("%q became %s, %q and %q (%v)", d, b, back, second, err)
	}
}

// TestDecimalJSON: one number has one text; every other text of it is refused.
func TestDecimalJSON(t *testing.T) {
	for _, good := range []string{"0", "1", "-1", "0.5", "-0.000000001", "123456789012345678.123456789"} {
		roundTrip(t, Decimal(good))
	}
	if b, err := json.Marshal(Measure{}); err != nil || string(b) != `{"value":0,"measured":false}` {
		t.Errorf("no measure became %s (%v)", b, err)
	}
	for _, bad := range []string{"-0", "1.0", "1.50", "1e2", "1E2", "100e-2", "0.0000000001", "1000000000000000000", `"1"`, "null", "true", "1e999999999"} {
		var d Decimal
		if err := json.Unmarshal([]byte(bad), &d); err == nil {
			t.Errorf("%s was read as %q", bad, d)
		}
		if err := jsonv2.Unmarshal([]byte(bad), &d); err == nil {
			t.Errorf("%s was read as %q by the second decoder", bad, d)
		}
	}
	if err := new(Decimal).UnmarshalJSON([]byte("01")); err == nil {
		t.Error("01 was read")
	}
}

// TestDecimalTime: the largest exponents that are read and the hugest that are not take no noticeable time.
func TestDecimalTime(t *testing.T) {
	start := time.Now()
	for i := range 1000 {
		r, err := ParseNumber(fmt.Sprintf("%de%d", i+1, []int{999, -999}[i%2]))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = DecimalOf(r)
		if _, err := ParseNumber("1e" + strings.Repeat("9", 20)); err == nil {
			t.Fatal("a huge exponent was read")
		}
	}
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("took %v", d)
	}
}

// TestMeasureDigits compares the quick way to write a number down with the exact one.
func TestMeasureDigits(t *testing.T) {
	for _, coef := range []string{"0", "1", "-1", "5", "-50", "100", "1230", "-999999999999999999", "999999999999999999", "1000000000000000000",
		"9223372036854775807", "-9223372036854775808", "9223372036854775808", "123456789012345678901234567890", "1000000001", "-1000000000"} {
		n, _ := new(big.Int).SetString(coef, 10)
		for exp := -40; exp <= 20; exp++ {
			r, _ := new(big.Rat).SetString(fmt.Sprintf("%se%d", coef, exp))
			if got, want := MeasureDigits(n, exp), MeasureOf(r); got != want {
				t.Errorf("%s × 10^%d is %+v, want %+v", coef, exp, got, want)
			}
		}
	}
}
