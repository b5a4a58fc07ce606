package customer

import (
	"maps"
	"slices"

	"github.com/purserhq/purser/internal/base/money"
)

// Balance is what a customer has paid too much, by currency, in whole currency units. It is never negative: later
// invoices are paid from it (domain-catalog-provisioning §9.10, contract §5.4).
type Balance map[money.Currency]money.Decimal

// With is the balance after an amount was added, or taken when it is negative.
func (b Balance) With(m money.Money) Balance {
	out := maps.Clone(b)
	if out == nil {
		out = Balance{}
	}
	out[m.Currency] = out[m.Currency].Add(m.Amount)
	if out[m.Currency].IsZero() {
		delete(out, m.Currency)
	}
	return out
}

// List are the amounts by currency.
func (b Balance) List() []money.Money {
	list := make([]money.Money, 0, len(b))
	for _, c := range slices.Sorted(maps.Keys(b)) {
		list = append(list, money.Money{Amount: b[c], Currency: c})
	}
	return list
}

// Stored is the balance as it is stored: never nothing.
func (b Balance) Stored() Balance {
	if b == nil {
		return Balance{}
	}
	return b
}
