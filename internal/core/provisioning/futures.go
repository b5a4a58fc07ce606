package provisioning

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/purserhq/purser/internal/core/subscription"
)

func sameJSON(a, b any) bool {
	x, err := json.Marshal(a)
	y, err2 := json.Marshal(b)
	return err == nil && err2 == nil && string(x) == string(y)
}

// futures are the scheduled updates that differences and a modification come to, one per aspect.
func futures(m subscription.Modification, then []subscription.Difference, now subscription.Terms, when time.Time) []subscription.FutureUpdate {
	var list []subscription.FutureUpdate
	add := func(typ string, ch subscription.Modification) {
		ch.Proration = m.Proration
		list = append(list, subscription.FutureUpdate{Type: typ, Status: subscription.Scheduled, At: when, Change: ch})
	}
	after := now.Apply(then)
	by := map[subscription.Aspect][]subscription.Difference{}
	for _, d := range then {
		by[d.Aspect] = append(by[d.Aspect], d)
	}
	quantities := func(typ string, diffs []subscription.Difference) (q []subscription.Quantity) {
		for _, d := range diffs {
			q = append(q, subscription.Quantity{Type: typ, ID: d.ID, Quantity: d.To})
		}
		return q
	}
	if by[subscription.AspectBillingPeriod] != nil {
		add(subscription.ScheduleBillingPeriod, subscription.Modification{BillingPeriod: after.BillingPeriod})
	}
	if d := by[subscription.AspectUnits]; d != nil {
		add(subscription.ScheduleUnitAmount, subscription.Modification{Quantities: quantities(subscription.FeatureType, d)})
	}
	if d := by[subscription.AspectCredits]; d != nil {
		add(subscription.ScheduleCredits, subscription.Modification{Quantities: quantities(subscription.CreditType, d)})
	}
	if by[subscription.AspectAddon] != nil {
		addons := []subscription.AddonQuantity{}
		for _, ref := range slices.Sorted(maps.Keys(after.Addons)) {
			addons = append(addons, subscription.AddonQuantity{ID: ref, Quantity: after.Addons[ref]})
		}
		add(subscription.ScheduleAddon, subscription.Modification{Addons: &addons})
	}
	if m.PriceOverrides != nil {
		add(subscription.SchedulePriceOverride, subscription.Modification{PriceOverrides: m.PriceOverrides})
	}
	if m.Coupon != nil {
		add(subscription.ScheduleCoupon, subscription.Modification{Coupon: m.Coupon})
	}
	if rest := (subscription.Modification{Metadata: m.Metadata, Values: m.Values, Spend: m.Spend, SalesforceID: m.SalesforceID, RestartCycle: m.RestartCycle}); !rest.Empty() {
		add(subscription.ScheduleMetadata, rest)
	}
	return list
}

// follow gives a scheduled change of the plan the quantities that were ordered meanwhile (§9.9).
func follow(list []subscription.FutureUpdate, u Update, now []subscription.Quantity) error {
	for i := range list {
		f := &list[i]
		if !f.IsPlan() || f.Status != subscription.Scheduled {
			continue
		}
		var in Params
		if err := json.Unmarshal(f.Change.Plan, &in); err != nil {
			return fmt.Errorf("read a change of the plan: %w", err)
		}
		given := u.Charges
		if u.UnitQuantity != nil {
			given = now
		}
		in.Charges, in.UnitQuantity = overlay(in.Charges, given), nil
		stored, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("store a change of the plan: %w", err)
		}
		f.Change.Plan, f.Change.Quantities = stored, in.Charges
	}
	return nil
}

func sameUpdates(a, b []subscription.FutureUpdate) bool {
	return len(a) == len(b) && (len(a) == 0 || reflect.DeepEqual(a, b) || sameJSON(a, b))
}

// others are the quantities that the update says nothing about.
func (u Update) others(list []subscription.Quantity) []subscription.Quantity {
	return slices.DeleteFunc(slices.Clone(list), func(q subscription.Quantity) bool {
		return slices.ContainsFunc(u.Charges, func(o subscription.Quantity) bool { return o.Type == q.Type && o.ID == q.ID })
	})
}

// plan schedules what happens later, in the place of what was scheduled about the same.
func (b *book) plan(p *entry, u Update, m subscription.Modification, then []subscription.Difference, now subscription.Terms, when time.Time) error {
	add := futures(m, then, now, when)
	mentioned := func(f subscription.FutureUpdate) bool {
		switch f.Type {
		case subscription.ScheduleBillingPeriod:
			return u.BillingPeriod != ""
		case subscription.ScheduleAddon:
			return u.Addons != nil
		case subscription.ScheduleUnitAmount, subscription.ScheduleCredits:
			return u.UnitQuantity != nil || len(u.others(f.Change.Quantities)) == 0
		case subscription.SchedulePriceOverride:
			return u.PriceOverrides != nil
		case subscription.ScheduleCoupon:
			return u.Coupon.Set
		}
		return false
	}
	s := p.Subscription
	before := slices.Clone(s.FutureUpdates)
	s.Schedule(func(f subscription.FutureUpdate) bool {
		return !u.Whole && !mentioned(f) || u.Whole && !u.billable() && f.Type == subscription.ScheduleMigration
	}, add...)
	if len(u.Charges) > 0 || u.UnitQuantity != nil {
		for i := range s.FutureUpdates {
			if f := &s.FutureUpdates[i]; f.Status == subscription.Scheduled && !f.IsPlan() && !slices.ContainsFunc(add, func(a subscription.FutureUpdate) bool { return sameJSON(a, *f) }) {
				f.Change.Quantities = u.others(f.Change.Quantities)
			}
		}
		if err := follow(s.FutureUpdates, u, p.Terms().Quantities); err != nil {
			return err
		}
	}
	if sameUpdates(before, s.FutureUpdates) {
		return nil
	}
	ch := subscription.Updated(s, b.at, subscription.Note{Reason: "UPDATE_SCHEDULED"})
	if len(s.Pending()) == 0 {
		ch = subscription.Updated(s, b.at, subscription.Note{Reason: "SCHEDULE_CANCELED"})
	}
	ch.PlanUpdates()
	b.write(p, ch)
	return nil
}
