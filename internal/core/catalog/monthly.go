package catalog

import (
	"cmp"
	"math/big"
	"slices"

	"github.com/purserhq/purser/internal/base/money"
)

// MonthlyPrice is the least that the version costs in a month, in a currency: a twelfth of a year's recurring prices for the
// fewest units, in a billing period where it is sold in that ("" for the cheapest). What is free costs nothing in any currency. ok is false when the version has no price in the currency, or
// none that is written down.
func (v *Version) MonthlyPrice(country, period string, c money.Currency) (m money.Money, ok bool) {
	switch v.PricingType {
	case Free:
		return money.Money{Currency: c}, true
	case Custom:
		return m, false
	}
	if country, ok = v.CountryFor(country, c); !ok {
		return m, false
	}
	if c == "" {
		c = v.CurrencyIn(country)
	}
	prices := Applicable(v.Prices, country)
	if slices.Contains(v.BillingPeriods(), period) {
		prices = Payable(v.Prices, period, country)
	}
	year := yearly(prices).Rat()
	m = money.Money{Amount: money.FromRat(year.Quo(year, big.NewRat(12, 1)), 5, money.HalfUp), Currency: c}.Round(money.HalfUp)
	m.Amount = m.Amount.Add(money.Decimal{}) // without needless zeros
	return m, true
}

// Sold are the plans and add-ons that new subscriptions may have, by refId.
func (s *Snapshot) Sold() []*Package {
	var list []*Package
	for _, p := range s.byID {
		if p.Available() {
			list = append(list, p)
		}
	}
	slices.SortFunc(list, func(a, b *Package) int { return cmp.Or(cmp.Compare(a.RefID, b.RefID), cmp.Compare(a.Kind, b.Kind)) })
	return list
}
