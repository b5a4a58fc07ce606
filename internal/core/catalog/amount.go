package catalog

import (
	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/money"
)

// ErrInvalidQuantity is a quantity outside of what a price or an add-on allows.
var ErrInvalidQuantity = errs.New(errs.Invalid, "InvalidQuantity", "The quantity is below the minimum or above the maximum.")

// Amount is what a quantity costs at a price for one billing period: computed exactly, then rounded once, half up, to the
// currency's minor units (domain-catalog-provisioning §3.7). It is an invoice line. A quantity below 0 is
// ErrInvalidQuantity; the bounds of an order are checked by CheckQuantity.
func Amount(p Price, quantity money.Decimal) (money.Money, error) {
	m, err := Exact(p, quantity)
	if err != nil {
		return money.Money{}, err
	}
	return m.Round(money.HalfUp), nil
}

// Exact is Amount before it is rounded.
func Exact(p Price, quantity money.Decimal) (money.Money, error) {
	if quantity.Sign() < 0 {
		return money.Money{}, ErrInvalidQuantity.Because("The quantity %s is below 0.", quantity)
	}
	m := money.Money{Currency: p.Currency()}
	switch {
	case quantity.IsZero():
	case p.TiersMode == Volume:
		m.Amount = volume(p.Tiers, quantity)
	case p.TiersMode == Graduated:
		m.Amount = graduated(p.Tiers, quantity)
	case p.Price == nil:
	case p.BlockSize != nil:
		m.Amount = quantity.CeilDiv(*p.BlockSize).Mul(p.Price.Amount)
	default:
		m.Amount = quantity.Mul(p.Price.Amount)
	}
	return m, nil
}

// volume charges the whole quantity at the price of the tier that it falls in. With flat prices alone that is a
// stair-step.
func volume(tiers []Tier, quantity money.Decimal) money.Decimal {
	for _, t := range tiers {
		if t.UpTo == nil || quantity.Cmp(money.FromInt(*t.UpTo)) <= 0 {
			return t.flat().Add(quantity.Mul(t.unit()))
		}
	}
	return money.Decimal{}
}

// graduated charges each unit at the price of the tier that it falls in, and the flat price of every tier that is entered.
func graduated(tiers []Tier, quantity money.Decimal) (sum money.Decimal) {
	var below money.Decimal
	for _, t := range tiers {
		end := quantity
		if t.UpTo != nil && money.FromInt(*t.UpTo).Cmp(quantity) < 0 {
			end = money.FromInt(*t.UpTo)
		}
		sum = sum.Add(t.flat()).Add(end.Sub(below).Mul(t.unit()))
		if below = end; end.Cmp(quantity) >= 0 {
			break
		}
	}
	return sum
}

func (t Tier) unit() money.Decimal { return amountOf(t.UnitPrice) }
func (t Tier) flat() money.Decimal { return amountOf(t.FlatPrice) }

func amountOf(m *money.Money) money.Decimal {
	if m == nil {
		return money.Decimal{}
	}
	return m.Amount
}

// CheckQuantity says whether so many units may be ordered: bounds apply only where the charge sets them
// (domain-catalog-provisioning §3.7). The error is ErrInvalidQuantity.
func (p *Price) CheckQuantity(n int64) error {
	switch {
	case n < 0:
		return ErrInvalidQuantity.Because("The quantity %d is below 0.", n)
	case p.MinQuantity != nil && n < *p.MinQuantity:
		return ErrInvalidQuantity.Because("The quantity %d is below the minimum of %d.", n, *p.MinQuantity)
	case p.MaxQuantity != nil && n > *p.MaxQuantity:
		return ErrInvalidQuantity.Because("The quantity %d is above the maximum of %d.", n, *p.MaxQuantity)
	}
	return nil
}
