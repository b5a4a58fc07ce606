package subscription

import (
	"cmp"
	"math/big"
	"slices"

	"github.com/purserhq/purser/internal/base/money"
	"github.com/purserhq/purser/internal/core/catalog"
)

// Direction says whether a change gives more or less. It decides when the change takes effect
// (domain-catalog-provisioning §9.9).
type Direction int8

// The directions.
const (
	Downgrade Direction = -1
	Neutral   Direction = 0
	Upgrade   Direction = 1
)

// Offer is a plan as a subscription has it, or will.
type Offer struct {
	PlanRef       string
	PricingType   string   // FREE, PAID or CUSTOM; "" counts as FREE
	Ancestors     []string // refIds of the plans that it inherits from, transitively
	StartingPrice *big.Rat // see StartingPrice; nil counts as 0
	Period        string   // the billing period: MONTHLY, ANNUALLY or ""
	Rank          int      // its place in the pricing table; a later one gives more
}

// ClassifyPlans compares two plans by the first rule that applies: one inherits from the other; both are of one type, where
// paid ones are compared by starting price, custom ones by their place in the pricing table and free ones are alike; else
// FREE < PAID < CUSTOM. At the same price a longer billing period is an upgrade and a shorter one neither.
func ClassifyPlans(from, to Offer) Direction {
	switch {
	case slices.Contains(to.Ancestors, from.PlanRef):
		return Upgrade
	case slices.Contains(from.Ancestors, to.PlanRef):
		return Downgrade
	}
	if d := cmp.Compare(typeOrder(to.PricingType), typeOrder(from.PricingType)); d != 0 {
		return Direction(d)
	}
	switch from.PricingType {
	case catalog.Custom:
		return Direction(cmp.Compare(to.Rank, from.Rank))
	case catalog.Paid:
		if d := orZero(to.StartingPrice).Cmp(orZero(from.StartingPrice)); d != 0 {
			return Direction(d)
		}
		if months(to.Period) > months(from.Period) {
			return Upgrade
		}
	}
	return Neutral
}

func typeOrder(t string) int {
	return slices.Index([]string{catalog.Free, catalog.Paid, catalog.Custom}, cmp.Or(t, catalog.Free))
}

func orZero(q *big.Rat) *big.Rat {
	if q == nil {
		return new(big.Rat)
	}
	return q
}

// StartingPrice is the least that a plan costs in a month, in the currency of its prices, which are the applicable ones of
// a country: over the periods that it is sold in, the sum of what recurs in advance at the minimum quantities, a twelfth of
// it for a year. Usage counts 0. It is 0 for a plan without a recurring price (domain-catalog-provisioning §9.9).
func StartingPrice(prices []catalog.Price) *big.Rat {
	sums := map[string]*big.Rat{}
	for i := range prices {
		p := &prices[i]
		if p.BillingCadence != catalog.Recurring || p.Overage {
			continue
		}
		if sums[p.BillingPeriod] == nil {
			sums[p.BillingPeriod] = new(big.Rat)
		}
		c := Charge{Price: *p}
		if !c.inAdvance() {
			continue
		}
		// Only a quantity below 0 is an error, and no minimum is.
		if m, err := catalog.Exact(*p, money.FromInt(c.units(nil))); err == nil {
			sums[p.BillingPeriod].Add(sums[p.BillingPeriod], m.Amount.Rat())
		}
	}
	var least *big.Rat
	for period, sum := range sums {
		sum.Quo(sum, big.NewRat(max(1, months(period)), 1))
		if least == nil || sum.Cmp(least) < 0 {
			least = sum
		}
	}
	return orZero(least)
}

// months is how long a billing period is; 0 for none.
func months(period string) int64 {
	switch period {
	case Monthly:
		return 1
	case Annually:
		return 12
	}
	return 0
}
