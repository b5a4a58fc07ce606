package money_test

import (
	"slices"
	"testing"

	"github.com/purserhq/purser/internal/base/money"
)

func TestCurrencies(t *testing.T) {
	t.Parallel()
	all := money.Currencies()
	if len(all) != 123 || !slices.IsSorted(all) {
		t.Errorf("got %d currencies, sorted: %v", len(all), slices.IsSorted(all))
	}
	places := map[money.Currency]int{"usd": 2, "eur": 2, "jpy": 0, "krw": 0, "clp": 0, "isk": 0, "ugx": 0, "kwd": 3, "tnd": 3}
	for c, want := range places {
		if !c.Valid() || c.MinorUnits() != want {
			t.Errorf("%s: valid %v, %d minor units, want %d", c, c.Valid(), c.MinorUnits(), want)
		}
	}
	for _, c := range []money.Currency{"", "USD", "usdt", "xxx", "us"} {
		if c.Valid() {
			t.Errorf("%q is taken for a currency", c)
		}
	}
}

func TestMoneyRoundsToItsMinorUnits(t *testing.T) {
	t.Parallel()
	tests := []struct {
		amount   string
		currency money.Currency
		want     string
	}{
		{"10.005", "usd", "10.01 usd"},
		{"10.5", "jpy", "11 jpy"},
		{"10.0005", "kwd", "10.001 kwd"},
		{"10", "eur", "10.00 eur"},
	}
	for _, tt := range tests {
		m := money.Money{Amount: money.MustDecimal(tt.amount), Currency: tt.currency}
		if got := m.Round(money.HalfUp).String(); got != tt.want {
			t.Errorf("%s rounds to %s, want %s", m, got, tt.want)
		}
	}
}

func TestPlacesIssue(t *testing.T) {
	t.Parallel()
	for _, ok := range []string{"49", "0.00001", "0.1000000"} {
		if issue := money.PlacesIssue(money.MustDecimal(ok)); issue != "" {
			t.Errorf("%s: %s", ok, issue)
		}
	}
	if issue := money.PlacesIssue(money.MustDecimal("0.000001")); issue != "may have at most 5 decimal places" {
		t.Errorf("six places: %q", issue)
	}
}
