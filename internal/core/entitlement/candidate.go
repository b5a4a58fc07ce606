package entitlement

import (
	"slices"

	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/rules"
	"github.com/purserhq/purser/internal/core/subscription"
)

// Where a row of one feature comes from (domain-entitlements-usage §1.5).
const (
	fromPlan      = "PLAN"
	fromBase      = "BASE_PLAN"
	fromAddon     = "ADDON"
	fromOverride  = "SUBSCRIPTION_OVERRIDE"
	fromPrice     = "PRICE"
	fromPromotion = "PROMOTION"
)

// origin is one candidate of the summary (domain-entitlements-usage §2.5).
type origin struct {
	kind      string
	row       *Entitlement
	version   string // of the plan or add-on
	quantity  int64  // of an add-on
	effective bool   // it contributes to the result
}

// trace tells which rows a subscription's result for a feature is made of, by the same steps as rows.
func (s Subscription) trace(ref string, of func(part) (*Rows, error), features func(ref string) (*catalog.Feature, bool)) ([]origin, error) {
	own, err := of(partOf(s.VersionID, s.PriceVersionID))
	if err != nil {
		return nil, err
	}
	var list []origin
	add := func(kind, version string, quantity int64, row *Entitlement) {
		if row != nil {
			list = append(list, origin{kind: kind, row: row, version: version, quantity: quantity})
		}
	}
	add(fromPlan, s.VersionID, 0, own.Find(ref))
	bases := make([]*Rows, len(s.Bases))
	for i, id := range s.Bases {
		if bases[i], err = of(part{version: id, base: true}); err != nil {
			return nil, err
		}
		add(fromBase, id, 0, bases[i].Find(ref))
	}
	var p pieces
	if len(list) > 0 {
		p.plan = list[0].row
	}
	bought := s
	bought.Own.Values = nil
	if n := ownQuantity(s.Own, ref); n > 0 {
		if row := bought.personal(own, bases, features).Find(ref); row != nil {
			paid := *row
			paid.Row.HasLimit, paid.Row.Unlimited, paid.Row.Limit = true, false, n
			add(fromPrice, s.VersionID, 0, &paid)
			if p.plan == nil || row.Row.Limit != p.plan.Row.Limit || row.Row.HasLimit != p.plan.Row.HasLimit {
				p.plan = &paid
			}
		}
	}
	if ownValue(s.Own, ref) {
		row := s.personal(own, bases, features).Find(ref)
		add(fromOverride, "", 0, row)
		if row != nil {
			p.plan = row
		}
	}
	for _, a := range s.Addons {
		rows, err := of(partOf(a.VersionID, a.PriceVersionID))
		if err != nil {
			return nil, err
		}
		if row := rows.Find(ref); row != nil {
			add(fromAddon, a.VersionID, max(a.Quantity, 1), row)
			p.addons = append(p.addons, piece{row, max(a.Quantity, 1)})
		}
	}
	p.mark(list)
	return list, nil
}

// mark says which rows count.
func (p *pieces) mark(list []origin) {
	counted := []piece{{p.plan, 1}}
	if len(p.addons) > 0 {
		counted, _ = p.counted()
	}
	for i := range list {
		list[i].effective = slices.ContainsFunc(counted, func(c piece) bool { return c.Entitlement == list[i].row })
	}
}

// contributing are the sources whose rows of a feature make the merged one: the winner, and all that grant something
// where values of several are united.
func contributing(sources []Source, m Merged, ref string) []bool {
	out := make([]bool, len(sources))
	row := m.Rows.Find(ref)
	if row == nil {
		return out
	}
	winner := m.source(int(m.Rows.index[ref]))
	out[winner] = true
	if row.Row.Type != rules.Enum || slices.Equal(row.Row.EnumValues, sources[winner].Rows.Find(ref).Row.EnumValues) {
		return out
	}
	for i, s := range sources {
		if e := s.Rows.Find(ref); e != nil && e.Row.Granted {
			out[i] = true
		}
	}
	return out
}

// ownValue reports whether the subscription has a value of its own for a feature.
func ownValue(o subscription.Own, ref string) bool {
	return slices.ContainsFunc(o.Values, func(v subscription.Value) bool { return v.Type == subscription.FeatureType && v.ID == ref })
}

// ownQuantity is how many units of a feature the subscription pays for in advance.
func ownQuantity(o subscription.Own, ref string) (n int64) {
	for _, q := range o.Quantities {
		if q.Type == subscription.FeatureType && q.ID == ref {
			n = q.Quantity
		}
	}
	return n
}
