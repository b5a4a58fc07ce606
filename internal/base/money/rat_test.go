package money_test

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"github.com/purserhq/purser/internal/base/money"
)

func TestFromRat(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		num, denom                 int64
		places                     int
		halfEven, halfUp, up, down string
	}{
		{1, 3, 2, "0.33", "0.33", "0.34", "0.33"},
		{-1, 3, 2, "-0.33", "-0.33", "-0.34", "-0.33"},
		{2, 3, 2, "0.67", "0.67", "0.67", "0.66"},
		{1, 8, 2, "0.12", "0.13", "0.13", "0.12"},
		{-1, 8, 2, "-0.12", "-0.13", "-0.13", "-0.12"},
		{-1, 1000, 2, "0.00", "0.00", "-0.01", "0.00"},
		{5, 2, 0, "2", "3", "3", "2"},
		{5, 2, -1, "2", "3", "3", "2"},
		{49, 1, 3, "49.000", "49.000", "49.000", "49.000"},
		{0, 1, 2, "0.00", "0.00", "0.00", "0.00"},
	} {
		q := big.NewRat(tt.num, tt.denom)
		want := map[money.Rounding]string{
			money.HalfEven: tt.halfEven, money.HalfUp: tt.halfUp, money.Up: tt.up, money.Down: tt.down,
		}
		for r, w := range want {
			if got := money.FromRat(q, tt.places, r).String(); got != w {
				t.Errorf("FromRat(%s, %d, %d) = %s, want %s", q, tt.places, r, got, w)
			}
		}
		if q.Cmp(big.NewRat(tt.num, tt.denom)) != 0 {
			t.Errorf("FromRat changed its input to %s", q)
		}
	}
	var none money.Decimal
	if got := none.Rat(); got.Sign() != 0 {
		t.Errorf("the zero value is %s", got)
	}
}

// A decimal is the fraction that it is, and fractions are rounded like decimals.
func TestRatLaws(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := decimals().Draw(t, "a"), decimals().Draw(t, "b")
		if got := money.FromRat(a.Rat(), max(a.Scale(), 0), money.Down); !got.Equal(a) {
			t.Fatalf("%s became %s", a, got)
		}
		if sum := new(big.Rat).Add(a.Rat(), b.Rat()); sum.Cmp(a.Add(b).Rat()) != 0 {
			t.Fatalf("%s + %s is %s", a, b, sum)
		}
		places := rapid.IntRange(0, 20).Draw(t, "places")
		for _, r := range []money.Rounding{money.HalfEven, money.HalfUp, money.Up, money.Down} {
			if got, want := money.FromRat(a.Rat(), places, r), a.Quantize(places, r); got.String() != want.String() {
				t.Fatalf("%s in %d places: %s, want %s", a, places, got, want)
			}
		}
	})
}
