package money_test

import (
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/purserhq/purser/internal/base/money"
)

func decimals() *rapid.Generator[money.Decimal] {
	return rapid.Custom(func(t *rapid.T) money.Decimal {
		return money.MustDecimal(rapid.StringMatching(`-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,18})?`).Draw(t, "decimal"))
	})
}

func TestDecimalLaws(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := decimals().Draw(t, "a"), decimals().Draw(t, "b"), decimals().Draw(t, "c")
		same := func(law string, x, y money.Decimal) {
			if x.String() != y.String() {
				t.Fatalf("%s: %s and %s differ for a=%s b=%s c=%s", law, x, y, a, b, c)
			}
		}
		same("a+b = b+a", a.Add(b), b.Add(a))
		same("a·b = b·a", a.Mul(b), b.Mul(a))
		same("(a+b)+c = a+(b+c)", a.Add(b).Add(c), a.Add(b.Add(c)))
		same("(a·b)·c = a·(b·c)", a.Mul(b).Mul(c), a.Mul(b.Mul(c)))
		same("a·(b+c) = a·b + a·c", a.Mul(b.Add(c)), a.Mul(b).Add(a.Mul(c)))
		same("(a+b)-b = a", a.Add(b).Sub(b), a)
		if a.Cmp(b) != -b.Cmp(a) || a.Sub(b).Sign() != a.Cmp(b) {
			t.Fatalf("order of %s and %s", a, b)
		}
	})
}

func TestDecimalRoundTrips(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a := decimals().Draw(t, "a")
		v, err := a.Value()
		if err != nil {
			t.Fatal(err)
		}
		var scanned, decoded money.Decimal
		if err := scanned.Scan(v); err != nil || scanned.String() != a.String() {
			t.Fatalf("SQL: %s became %s, %v", a, scanned, err)
		}
		text, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, &decoded); err != nil || decoded.String() != a.String() {
			t.Fatalf("JSON: %s became %s, %v", a, decoded, err)
		}
	})
}

func TestQuantizeLaws(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, places := decimals().Draw(t, "a"), rapid.IntRange(0, 20).Draw(t, "places")
		unit := money.FromInt(1)
		for range places {
			unit = unit.Mul(money.MustDecimal("0.1"))
		}
		down, up := a.Quantize(places, money.Down), a.Quantize(places, money.Up)
		for _, r := range []money.Rounding{money.HalfEven, money.HalfUp, money.Up, money.Down} {
			q := a.Quantize(places, r)
			if q.Scale() != places {
				t.Fatalf("%s has %d places, want %d", q, q.Scale(), places)
			}
			if !q.Quantize(places, r).Equal(q) {
				t.Fatalf("rounding %s twice changes it", q)
			}
			if !q.Equal(down) && !q.Equal(up) {
				t.Fatalf("%s of %s is neither %s nor %s", q, a, down, up)
			}
			if strings.HasPrefix(q.String(), "-0") && q.IsZero() {
				t.Fatalf("negative zero: %s", q)
			}
		}
		if gap := up.Sub(down); !gap.IsZero() && gap.Mul(gap).Cmp(unit.Mul(unit)) != 0 {
			t.Fatalf("%s lies between %s and %s, more than one unit apart", a, down, up)
		}
	})
}

func FuzzParseDecimal(f *testing.F) {
	for _, seed := range []string{
		"0", "-0", "49", "49.90", "-0.00001", "1e3", "1E-5", "1e999999999", "1e-999999999", ".5", "5.", "007", "+1",
		"NaN", "Infinity", "1_0", "0x1p4", "\x00", "٣", strings.Repeat("9", 38), strings.Repeat("9", 39),
		"0." + strings.Repeat("0", 37) + "1",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := money.ParseDecimal(s)
		if err != nil {
			return
		}
		if !json.Valid([]byte(s)) {
			t.Errorf("%q is not a JSON number, but was read as %s", s, d)
		}
		text := d.String()
		if len(text) > 2*money.Precision+3 || strings.ContainsAny(text, "eE+") {
			t.Errorf("%q became %s", s, text)
		}
		again, err := money.ParseDecimal(text)
		if err == nil && again.String() != text {
			t.Errorf("%q became %s, then %s", s, text, again)
		}
		if err != nil {
			t.Errorf("%q became %s, which is refused: %v", s, text, err)
		}
	})
}
