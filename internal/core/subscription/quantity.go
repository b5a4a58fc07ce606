package subscription

import (
	"cmp"
	"slices"

	"github.com/purserhq/purser/internal/core/catalog"
)

// Quantity is how much of something that is charged by quantity a subscription has: units of a feature, or credits of a
// custom currency.
type Quantity struct {
	Type     string `json:"type"` // FEATURE or CREDIT
	ID       string `json:"id"`   // refId of the feature or custom currency
	Quantity int64  `json:"quantity"`
}

// SettleQuantities gives every charge by quantity one: the given, else the charge's minimum, else 1. Those of charges that
// the subscription does not have are dropped (domain-catalog-provisioning §9.3 step 5).
func (s *Subscription) SettleQuantities() {
	list := Ordered(s.Prices, s.Quantities)
	slices.SortFunc(list, func(a, b Quantity) int {
		return cmp.Or(-cmp.Compare(a.Type, b.Type), cmp.Compare(a.ID, b.ID)) // features first
	})
	s.Quantities = list
}

// Counted says by what quantity a charge is charged; ok is false for one that has none.
func (c Charge) Counted() (typ, id string, ok bool) {
	switch {
	case c.Overage:
		return "", "", false
	case c.BillingModel == catalog.PerUnit:
		return FeatureType, c.FeatureRefID, true
	case c.BillingModel == catalog.CreditBased:
		return CreditType, c.TopUpCurrency, true
	}
	return "", "", false
}

// Terms are what the subscription has ordered.
func (s *Subscription) Terms() Terms {
	t := Terms{BillingPeriod: s.BillingPeriod, Addons: map[string]int64{}, Quantities: slices.Clone(s.Quantities)}
	for _, a := range s.Addons {
		t.Addons[a.RefID] = a.Quantity
	}
	return t
}
