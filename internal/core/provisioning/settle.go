package provisioning

import (
	"context"
	"fmt"
	"time"

	"github.com/purserhq/purser/internal/base/id"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/base/tx"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/customer"
	"github.com/purserhq/purser/internal/core/event"
	"github.com/purserhq/purser/internal/core/journey"
	"github.com/purserhq/purser/internal/core/subscription"
	"github.com/purserhq/purser/internal/core/timer"
)

// byTimer is the actor of everything that happens because its time has come.
var byTimer = event.System("timers")

// Settle applies what is due for a customer in a transaction of its own. Reads call it when they find something due, so
// that they show the settled state and wait for no job (storage.md 5).
func (s *Service) Settle(ctx context.Context, env tenant.ID, customerRef string) error {
	ctx = event.WithActor(tx.WithoutOnce(ctx), byTimer)
	return s.db.Write(ctx, env, func(st Store, now time.Time) error {
		c, err := st.LockCustomer(ctx, env, customerRef)
		if err != nil {
			return err
		}
		return s.settle(ctx, st, env, &c, now)
	}, tx.Lock{Kind: tx.Customer, Ref: customerRef})
}

// settle applies what is due for a customer whose row is held, in order, each effect at its due time. One effect may
// make another timer that is due as well, so it looks again after each.
func (s *Service) settle(ctx context.Context, st Store, env tenant.ID, c *customer.Customer, now time.Time) error {
	for c.Due != nil && !c.Due.After(now) {
		timers, err := st.DueTimers(ctx, env, c.ID, now)
		if err != nil {
			return err
		}
		if len(timers) == 0 {
			c.Due = nil
			return nil
		}
		if err := s.fire(ctx, st, env, c, timers[0]); err != nil {
			return fmt.Errorf("timer %s of %s: %w", timers[0].Kind, timers[0].ID, err)
		}
	}
	return nil
}

// fire applies one timer and removes it. A timer whose subscription has moved on has nothing left to do.
func (s *Service) fire(ctx context.Context, st Store, env tenant.ID, c *customer.Customer, t timer.Timer) error {
	st.DeleteTimer(env, t.ID)
	sub, err := st.SubscriptionByID(ctx, env, t.SubscriptionID)
	if err != nil {
		return err
	}
	f := firing{Service: s, ctx: ctx, st: st, env: env, customer: c, at: t.Due}
	switch {
	case t.Kind == timer.TrialEndsSoon && sub.Status == subscription.InTrial:
		f.append(subscription.AnnounceTrialEnd(sub, t.Due).Events...)
	case t.Kind == timer.TrialEnd && sub.Status == subscription.InTrial && sub.TrialEndDate.Equal(t.Due):
		return f.endTrial(sub)
	case t.Kind == timer.SubscriptionStart && sub.Status == subscription.NotStarted && sub.StartDate.Equal(t.Due):
		return f.begin(sub)
	}
	return nil
}

// firing is one timer being applied, effective at its due time.
type firing struct {
	*Service
	ctx      context.Context
	st       Store
	env      tenant.ID
	customer *customer.Customer
	at       time.Time
}

func (f firing) append(events ...event.Event) {
	for i := range events {
		events[i].Actor = byTimer
	}
	f.st.Append(f.env, events...)
}

// endTrial ends a trial and does what the journey in force says about it (domain-catalog-provisioning §9.6).
func (f firing) endTrial(sub subscription.Subscription) error {
	cat, err := f.st.Catalog(f.ctx, f.env)
	if err != nil {
		return err
	}
	product, ok := cat.ProductByID(sub.ProductID)
	if !ok {
		return fmt.Errorf("product %s is missing", sub.ProductID)
	}
	all, err := f.st.SubscriptionsOf(f.ctx, f.env, f.customer.ID)
	if err != nil {
		return err
	}
	running := runningBeside(all, sub)
	end := journey.End(journey.EndInput{
		Reason: journey.TrialEnded, Settings: product.Settings, ProductID: product.RefID, PlanID: sub.PlanRef,
		PlanPricingType: sub.PricingType, TrialEndBehavior: journey.TrialEndBehavior(sub.TrialEndBehavior),
		Payable: true, RunningNonTrial: running != nil, DowngradePlan: downgradePlan(cat, product.Settings),
	})
	if end.Convert {
		f.convert(sub, running)
	} else {
		f.update(subscription.ExpireTrial(sub, f.at, end.Steps))
	}
	if end.DowngradeTo != nil {
		plan, _ := cat.Plan(end.DowngradeTo.ID)
		f.insert(subscription.Create(subscription.New{
			ID: f.ids.New(), RefID: id.Generated("subscription"), CustomerID: sub.CustomerID, CustomerRef: sub.CustomerRef,
			Product: *product, Plan: *plan, Bases: cat.Bases(plan.Latest), Resource: sub.Resource, Metadata: sub.Metadata,
		}, f.at))
	}
	f.append(subscription.EntitlementsUpdated(f.customer.RefID, sub.Resource, "trial_ended", f.customer.Version, f.at))
	return nil
}

func downgradePlan(cat *catalog.Snapshot, s journey.Settings) *journey.Plan {
	plan, ok := cat.Plan(string(s.DowngradePlanID))
	if !ok {
		return nil
	}
	j := plan.ForJourney()
	return &j
}

// runningBeside finds the running subscription, no trial, in the scope of another one.
func runningBeside(all []subscription.Subscription, sub subscription.Subscription) *subscription.Subscription {
	for i, o := range all {
		running := o.Status == subscription.Active || o.Status == subscription.PaymentPending
		if running && o.ID != sub.ID && o.ProductID == sub.ProductID && o.Resource == sub.Resource {
			return &all[i]
		}
	}
	return nil
}

// convert makes a trial a paid subscription, in the place of the one that runs beside it.
func (f firing) convert(sub subscription.Subscription, running *subscription.Subscription) {
	if running != nil {
		f.update(subscription.Cancel(*running, subscription.UpgradeOrDowngrade, f.at))
	}
	f.update(subscription.ConvertTrial(sub, f.at))
}

// begin starts a scheduled subscription in the place of what runs in its scope. One whose plan can no longer be started
// is cancelled.
func (f firing) begin(sub subscription.Subscription) error {
	cat, err := f.st.Catalog(f.ctx, f.env)
	if err != nil {
		return err
	}
	plan, ok := cat.PackageByID(sub.PlanID)
	if !ok || !plan.Available() {
		f.update(subscription.Cancel(sub, subscription.Immediate, f.at))
		return nil
	}
	all, err := f.st.SubscriptionsOf(f.ctx, f.env, f.customer.ID)
	if err != nil {
		return err
	}
	ch := subscription.Begin(sub, *plan, cat.Bases(plan.Latest), latestAddons(cat, sub), history(*f.customer, all, sub.ProductID, sub.ProductRef))
	for _, o := range all {
		if o.ID != sub.ID && o.ProductID == sub.ProductID && o.Resource == sub.Resource && replaces(ch.Subscription, o) {
			f.update(subscription.Cancel(o, subscription.UpgradeOrDowngrade, f.at))
		}
	}
	if ch.Tried {
		f.customer.Trialed = append(f.customer.Trialed, customer.Trialed{ProductID: sub.ProductRef, PlanID: sub.PlanRef})
		f.customer.Version++
		f.customer.UpdatedAt = f.at
		f.st.UpdateCustomer(f.env, *f.customer)
	}
	f.update(ch)
	f.st.RepinAddons(f.env, ch.Subscription)
	f.append(subscription.EntitlementsUpdated(f.customer.RefID, sub.Resource, "subscription_started", f.customer.Version, f.at))
	return nil
}

// replaces reports whether a starting subscription ends another of its scope: a trial a trial, others another (§9.2).
func replaces(starting, other subscription.Subscription) bool {
	if starting.Status == subscription.InTrial {
		return other.Status == subscription.InTrial
	}
	return other.Status == subscription.Active || other.Status == subscription.PaymentPending
}

func history(c customer.Customer, all []subscription.Subscription, productID, productRef string) subscription.History {
	h := subscription.History{Tried: c.HasTried(productRef)}
	for _, o := range all {
		if o.ProductID == productID && o.PricingType != catalog.Free && o.BillingCycleAnchor != nil {
			h.Paid = true
		}
	}
	return h
}

func (f firing) update(ch subscription.Change) {
	f.st.UpdateSubscription(f.env, ch.Subscription)
	if ch.Subscription.Status.Ended() {
		f.st.DeleteTimersOf(f.env, ch.Subscription.ID)
	}
	f.timers(ch)
}

func (f firing) insert(ch subscription.Change) {
	f.st.InsertSubscription(f.env, ch.Subscription)
	f.timers(ch)
}

func (f firing) timers(ch subscription.Change) {
	for i := range ch.Timers {
		ch.Timers[i].ID = f.ids.New()
	}
	f.st.InsertTimers(f.env, f.at, ch.Timers...)
	f.append(ch.Events...)
}
