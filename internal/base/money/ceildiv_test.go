package money_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/purserhq/purser/internal/base/money"
)

func TestCeilDiv(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		d    string
		n    int64
		want string
	}{
		{"0", 1000, "0"},
		{"1", 1000, "1"},
		{"0.00001", 1000, "1"},
		{"500", 1000, "1"},
		{"1000", 1000, "1"},
		{"1000.001", 1000, "2"},
		{"1001", 1000, "2"},
		{"1500", 1000, "2"},
		{"7", 1, "7"},
		{"7.1", 1, "8"},
		{"1e37", 7, "1428571428571428571428571428571428572"},
		{"100", 1_000_000_000_000, "1"},
	} {
		if got := money.MustDecimal(tt.d).CeilDiv(tt.n); got.String() != tt.want {
			t.Errorf("%s.CeilDiv(%d) = %s, want %s", tt.d, tt.n, got, tt.want)
		}
	}
	var none money.Decimal
	if got := none.CeilDiv(3); !got.IsZero() {
		t.Errorf("the zero value in blocks of 3: %s", got)
	}
}

// The result is the least number of blocks that holds d.
func TestCeilDivLaws(t *testing.T) {
	t.Parallel()
	positive := rapid.Custom(func(t *rapid.T) money.Decimal {
		return money.MustDecimal(rapid.StringMatching(`(0|[1-9][0-9]{0,17})(\.[0-9]{1,18})?`).Draw(t, "decimal"))
	})
	rapid.Check(t, func(t *rapid.T) {
		d, n := positive.Draw(t, "d"), rapid.Int64Range(1, 1_000_000_000_000).Draw(t, "n")
		got := d.CeilDiv(n)
		if got.Scale() > 0 || got.Mul(money.FromInt(n)).Cmp(d) < 0 {
			t.Fatalf("%s blocks of %d do not hold %s", got, n, d)
		}
		if fewer := got.Sub(money.FromInt(1)); fewer.Sign() >= 0 && fewer.Mul(money.FromInt(n)).Cmp(d) >= 0 {
			t.Fatalf("%s blocks of %d hold %s: %s are too many", fewer, n, d, got)
		}
	})
}

func TestPriceIssues(t *testing.T) {
	t.Parallel()
	nines := strings.Repeat("9", 15)
	for _, tt := range []struct {
		price         string
		places, large bool // whether something is wrong with them
	}{
		{price: "0"},
		{price: "0.00001"},
		{price: "0.000001", places: true},
		{price: "0.100000"},
		{price: nines},
		{price: nines + ".99999"},
		{price: nines + ".999999", places: true},
		{price: "1" + nines, large: true},
		{price: "1e15", large: true},
		{price: "1e14"},
		{price: "-1e15", large: true},
		{price: "1000000000000000.000001", places: true, large: true},
	} {
		d := money.MustDecimal(tt.price)
		if issue := money.PlacesIssue(d); (issue != "") != tt.places {
			t.Errorf("places of %s: %q", tt.price, issue)
		}
		if issue := money.SizeIssue(d); (issue != "") != tt.large {
			t.Errorf("size of %s: %q", tt.price, issue)
		}
	}
}
