package entitlement

import (
	"slices"

	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/rules"
	"github.com/purserhq/purser/internal/core/subscription"
)

// personal are the plan's rows with what the subscription has of its own: a value replaces the plan's or an inherited row
// (domain-catalog-provisioning §9.12, domain-entitlements-usage §2.3), and units that are paid for in advance are the least
// that their feature is limited to (domain-entitlements-usage §1.5).
func (s Subscription) personal(own *Rows, bases []*Rows, features func(ref string) (*catalog.Feature, bool)) *Rows {
	if len(s.Own.Values) == 0 && len(s.Own.Quantities) == 0 {
		return own
	}
	p := personal{list: slices.Clone(own.All()), bases: bases, features: features}
	for _, q := range s.Own.Quantities {
		if q.Type == subscription.FeatureType {
			p.bought(q)
		}
	}
	for _, v := range s.Own.Values {
		if v.Type == subscription.FeatureType {
			p.value(v)
		}
	}
	if !p.changed {
		return own
	}
	return newRows(p.list)
}

type personal struct {
	list     []Entitlement
	bases    []*Rows
	features func(ref string) (*catalog.Feature, bool)
	changed  bool
}

// row is the plan's row of a feature, a copy of the nearest inherited one, or nil.
func (p *personal) row(ref string) *Entitlement {
	for i := range p.list {
		if p.list[i].Feature.RefID == ref {
			return &p.list[i]
		}
	}
	for _, b := range p.bases {
		if e := b.Find(ref); e != nil {
			p.list = append(p.list, *e)
			return &p.list[len(p.list)-1]
		}
	}
	return nil
}

// fresh is a row that nothing else gives; nil for an unknown feature.
func (p *personal) fresh(ref string) *Entitlement {
	f, ok := p.features(ref)
	if !ok {
		return nil
	}
	row := rowOf(f, &catalog.Entitlement{Granted: true}, false)
	p.list = append(p.list, Entitlement{Feature: FeatureOf(f), Row: row})
	return &p.list[len(p.list)-1]
}

func (p *personal) bought(q subscription.Quantity) {
	e := p.row(q.ID)
	if e == nil {
		if e = p.fresh(q.ID); e == nil {
			return
		}
	} else if e.Row.Unlimited || e.Row.HasLimit && e.Row.Limit >= q.Quantity {
		return
	}
	e.Row.HasLimit, e.Row.Limit, e.Row.Granted = true, q.Quantity, true
	p.changed = true
}

func (p *personal) value(v subscription.Value) {
	e := p.row(v.ID)
	if e == nil {
		if e = p.fresh(v.ID); e == nil {
			return
		}
	}
	p.changed = true
	e.Row.Granted, e.UpdatedAt = true, v.UpdatedAt
	if e.Row.Type == rules.Number {
		e.Row.Unlimited, e.Row.HasLimit, e.Row.Limit = v.Unlimited, v.UsageLimit != nil, 0
		if v.UsageLimit != nil {
			e.Row.Limit = *v.UsageLimit
		}
	}
	if len(v.EnumValues) > 0 {
		e.Row.EnumValues = slices.Clone(v.EnumValues)
		slices.Sort(e.Row.EnumValues)
	}
	if v.Soft != nil {
		e.Row.Soft = *v.Soft || e.Overage
	}
	if v.ResetPeriod != "" {
		e.ResetPeriod, e.ResetConfiguration = v.ResetPeriod, ""
		if v.Reset != nil {
			e.ResetConfiguration = v.Reset.AccordingTo
		}
		e.resets()
	}
}
