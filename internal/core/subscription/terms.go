package subscription

import (
	"cmp"
	"maps"
	"slices"

	"github.com/purserhq/purser/internal/core/catalog"
)

// Terms are what a subscription has ordered of its plan.
type Terms struct {
	BillingPeriod string           `json:"billingPeriod,omitempty"`
	Addons        map[string]int64 `json:"addons,omitempty"`  // how many, by refId; all of them
	Quantities    []Quantity       `json:"charges,omitempty"` // see Ordered
}

// Aspect is what a difference is about; the words are those of scheduled updates (domain-catalog-provisioning §9.9).
type Aspect string

// The aspects of a change within a plan.
const (
	AspectBillingPeriod Aspect = "BILLING_PERIOD"
	AspectUnits         Aspect = "UNIT_AMOUNT"
	AspectCredits       Aspect = "RECURRING_CREDITS"
	AspectAddon         Aspect = "ADDON"
)

// Difference is one thing in which two terms differ.
type Difference struct {
	Aspect    Aspect    `json:"aspect"`
	ID        string    `json:"id,omitempty"` // refId of the add-on, the feature or the custom currency
	From      int64     `json:"from"`         // quantities; of a billing period its months, 0 for none
	To        int64     `json:"to"`
	Direction Direction `json:"direction"` // 1 for more, -1 for less
}

// Differences says how to differs from from: by billing period, then units, credits and add-ons, each by id. A longer
// period, more units, a new add-on or more of one is an upgrade, the reverse a downgrade. Add-ons that to lacks are
// removed; quantities that it does not name stay.
func Differences(from, to Terms) []Difference {
	var list []Difference
	add := func(a Aspect, id string, was, is int64) {
		if d := cmp.Compare(is, was); d != 0 {
			list = append(list, Difference{a, id, was, is, Direction(d)})
		}
	}
	add(AspectBillingPeriod, "", months(from.BillingPeriod), months(to.BillingPeriod))
	for _, q := range to.Quantities {
		was, _ := quantityOf(from.Quantities, q.Type, q.ID)
		if q.Type == catalog.CreditEntitlement {
			add(AspectCredits, q.ID, was, q.Quantity)
		} else {
			add(AspectUnits, q.ID, was, q.Quantity)
		}
	}
	all := maps.Clone(from.Addons)
	if all == nil {
		all = map[string]int64{}
	}
	maps.Copy(all, to.Addons)
	for id := range all {
		add(AspectAddon, id, from.Addons[id], to.Addons[id])
	}
	order := []Aspect{AspectBillingPeriod, AspectUnits, AspectCredits, AspectAddon}
	slices.SortFunc(list, func(a, b Difference) int {
		return cmp.Or(cmp.Compare(slices.Index(order, a.Aspect), slices.Index(order, b.Aspect)), cmp.Compare(a.ID, b.ID))
	})
	return list
}

// Apply returns the terms with the differences applied: a mixed change is made in two steps, what gives more first. The
// terms themselves stay as they are.
func (t Terms) Apply(list []Difference) Terms {
	t.Addons, t.Quantities = maps.Clone(t.Addons), slices.Clone(t.Quantities)
	if t.Addons == nil {
		t.Addons = map[string]int64{}
	}
	for _, d := range list {
		switch d.Aspect {
		case AspectBillingPeriod:
			t.BillingPeriod = map[int64]string{1: Monthly, 12: Annually}[d.To]
		case AspectUnits:
			t.setQuantity(catalog.FeatureEntitlement, d)
		case AspectCredits:
			t.setQuantity(catalog.CreditEntitlement, d)
		case AspectAddon:
			if t.Addons[d.ID] = d.To; d.To == 0 {
				delete(t.Addons, d.ID)
			}
		}
	}
	return t
}

func (t *Terms) setQuantity(typ string, d Difference) {
	for i := range t.Quantities {
		if q := &t.Quantities[i]; q.Type == typ && q.ID == d.ID {
			q.Quantity = d.To
			return
		}
	}
	t.Quantities = append(t.Quantities, Quantity{typ, d.ID, d.To})
}

// Only returns the differences of one direction.
func Only(list []Difference, d Direction) []Difference {
	return slices.DeleteFunc(slices.Clone(list), func(x Difference) bool { return x.Direction != d })
}
