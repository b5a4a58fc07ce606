package provisioning

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/subscription"
	"github.com/purserhq/purser/internal/core/timer"
)

// planUpdate is a change of the plan that waits.
func planUpdate(in Params, planRef string, d subscription.Direction, when time.Time) (f subscription.FutureUpdate, err error) {
	stored, err := json.Marshal(in)
	if err != nil {
		return f, fmt.Errorf("store a change of the plan: %w", err)
	}
	f = subscription.FutureUpdate{
		Type: subscription.SchedulePlan, Status: subscription.Scheduled, At: when, PlanRef: planRef,
		Change: subscription.Modification{
			Plan: stored, BillingPeriod: in.BillingPeriod, Addons: &in.Addons, Quantities: slices.Clone(in.Charges),
		},
	}
	if d == subscription.Downgrade {
		f.Type = subscription.ScheduleDowngrade
	}
	return f, nil
}

// postponed is a change of the plan that does not happen now: scheduled, or with a start of its own.
type postponed struct {
	subscribing
	start *time.Time
}

// later decides whether a change of the plan waits, and schedules it (§9.9). During a trial that is a subscription which
// starts at the trial's end (§9.8).
func (b *book) later(in Params, product *catalog.Product, t terms, here place) (p postponed, err error) {
	from := here.running
	if in.Trial != nil && in.Trial.IsTrial {
		return p, nil // it runs beside what is there
	}
	if from == nil {
		if from = here.trial; from == nil || in.ScheduleStrategy == "" || in.ScheduleStrategy == subscription.AtOnce {
			return p, nil
		}
		at, atOnce, err := from.EffectiveAt(subscription.Neutral, in.ScheduleStrategy, "", b.at)
		if !atOnce && err == nil {
			p.start = &at
		}
		return p, err
	}
	to := subscription.Subscription{
		PlanID: t.Plan.ID, PlanRef: t.Plan.RefID, PricingType: t.Plan.Latest.PricingType, Country: t.Country, BillingPeriod: t.BillingPeriod,
	}
	d, err := b.direction(from, &to)
	if err != nil {
		return p, err
	}
	when, atOnce, err := from.EffectiveAt(d, in.ScheduleStrategy, product.Settings.DowngradeTime, b.at)
	if err != nil || atOnce {
		return p, err
	}
	p.subscribing, err = b.schedulePlan(in, t, from, d, when)
	return p, err
}

// schedulePlan plans a change of the plan on the subscription that runs; what was scheduled gives way.
func (b *book) schedulePlan(in Params, t terms, from *entry, d subscription.Direction, when time.Time) (subscribing, error) {
	dates := subscription.New{Sale: t.Sale, Trial: in.Trial, StartDate: &when, CancellationDate: business(in.CancellationDate)}
	if err := b.checkDates(in, dates); err != nil {
		return subscribing{}, err
	}
	if in.Coupon != nil {
		coupon, err := b.discountFor(in.Coupon, t.currency(), in.Path+"appliedCoupon")
		if err != nil {
			return subscribing{}, err
		}
		decided := *in.Coupon
		decided.Decided = coupon
		in.Coupon = &decided
	}
	in.BillingPeriod, in.Charges, in.UnitQuantity = t.BillingPeriod, slices.Clone(t.details.Quantities), nil
	update, err := planUpdate(in, t.Plan.RefID, d, when)
	if err != nil {
		return subscribing{}, err
	}
	s := from.Subscription
	s.Schedule(func(subscription.FutureUpdate) bool { return false }, update)
	s.CancellationDate, s.CancelAction, s.CancelProrate, s.Ends = nil, "", false, false // it goes on, with another plan
	ch := subscription.Updated(s, b.at, subscription.Note{Reason: "UPDATE_SCHEDULED"})
	ch.Drop = append(ch.Drop, timer.Cancellation)
	ch.PlanUpdates()
	b.write(from, ch)
	step := fmt.Sprintf("The plan %s follows on %s.", t.Plan.RefID, when.UTC().Format("2006-01-02 15:04 UTC"))
	return subscribing{entry: from, scheduled: true, direction: d, steps: append(t.notes, step)}, nil
}

// direction compares the plan of a subscription with another one (§9.9).
func (b *book) direction(from *entry, to *subscription.Subscription) (subscription.Direction, error) {
	cat, err := b.cat()
	if err != nil {
		return 0, err
	}
	product, ok := cat.ProductByID(from.ProductID)
	if !ok {
		return 0, fmt.Errorf("product %s is missing", from.ProductID)
	}
	var ranks map[string]int // only custom plans are compared by them
	if from.PricingType == catalog.Custom && to.PricingType == catalog.Custom {
		ranks = cat.Ranks(product)
	}
	offer := func(s *subscription.Subscription, country string) subscription.Offer {
		o := subscription.Offer{PlanRef: s.PlanRef, PricingType: s.PricingType, Period: s.BillingPeriod, Rank: ranks[s.PlanRef]}
		if plan, ok := cat.PackageByID(s.PlanID); ok && plan.Latest != nil {
			for _, base := range cat.Bases(plan.Latest) {
				if p, ok := cat.PackageByID(base.PackageID); ok {
					o.Ancestors = append(o.Ancestors, p.RefID)
				}
			}
			prices := plan.Latest.Prices
			if v, err := b.version(cmp.Or(s.PriceVersionID, plan.Latest.ID)); err == nil {
				prices = v.Prices
			}
			o.StartingPrice = subscription.StartingPrice(catalog.Applicable(prices, country))
		}
		return o
	}
	return subscription.ClassifyPlans(offer(&from.Subscription, from.Country), offer(to, from.Country)), nil
}
