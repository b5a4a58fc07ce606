package provisioning

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/purserhq/purser/internal/base/errs"
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

// settle applies what is due for a customer whose row is held.
func (s *Service) settle(ctx context.Context, st Store, env tenant.ID, c *customer.Customer, now time.Time) error {
	return s.open(ctx, st, env, c, now).settle(now)
}

// settle applies what is due up to now, in order, each effect at its due time, and saves it. One effect may make another
// timer that is due as well. What a caller does afterwards happens at now.
func (b *book) settle(now time.Time) error {
	if b.c.Due == nil || b.c.Due.After(now) {
		return nil
	}
	var err error
	if b.due, err = b.st.DueTimers(b.ctx, b.env, b.c.ID, now); err != nil {
		return err
	}
	if err := b.fireUntil(now); err != nil {
		return err
	}
	for i := range b.events {
		b.events[i].Actor = byTimer // also where a caller's write noticed it
	}
	b.save()
	b.at, b.c.Due = now, nil
	return nil
}

// fireUntil applies the book's timers that are due at now, in order.
func (b *book) fireUntil(now time.Time) error {
	for {
		t, ok := b.next(now)
		if !ok {
			return nil
		}
		if err := b.fireNow(t); err != nil {
			return err
		}
	}
}

// fireNow applies one timer at its due time.
func (b *book) fireNow(t timer.Timer) error {
	b.at = t.Due
	if err := b.fire(t); err != nil {
		return fmt.Errorf("timer %s of %s: %w", t.Kind, t.SubscriptionID, err)
	}
	return nil
}

// next takes the first timer that is due out of the book.
func (b *book) next(now time.Time) (timer.Timer, bool) {
	var first *timer.Timer
	for _, list := range [][]timer.Timer{b.due, b.timers} {
		for i := range list {
			if t := &list[i]; !t.Due.After(now) && (first == nil || t.Before(*first)) {
				first = t
			}
		}
	}
	if first == nil {
		return timer.Timer{}, false
	}
	t := *first
	same := func(o timer.Timer) bool {
		return o.SubscriptionID == t.SubscriptionID && o.Kind == t.Kind && o.Due.Equal(t.Due)
	}
	b.due, b.timers = slices.DeleteFunc(b.due, same), slices.DeleteFunc(b.timers, same)
	if t.ID != "" {
		b.fired = append(b.fired, t.ID)
	}
	return t, true
}

// fire applies one timer. A timer whose subscription has moved on has nothing left to do.
func (b *book) fire(t timer.Timer) error {
	if t.Kind == timer.PromotionEnd || t.Kind == timer.PromotionEndsSoon {
		return b.firePromotion(t)
	}
	p, err := b.find(t.SubscriptionID)
	if err != nil || p == nil || p.Status.Ended() {
		return err
	}
	switch {
	case t.Kind == timer.TrialEndsSoon && p.Status == subscription.InTrial:
		b.write(p, subscription.AnnounceTrialEnd(p.Subscription, t.Due))
	case t.Kind == timer.PeriodEndsSoon && p.Renews():
		b.write(p, subscription.AnnouncePeriodEnd(p.Subscription, t.Due))
	case t.Kind == timer.TrialEnd && p.Status == subscription.InTrial && p.TrialEndDate.Equal(t.Due):
		return b.or(func() error { return b.endTrial(p) }, func(why string) {
			b.write(p, subscription.ExpireTrial(p.Subscription, b.at, []string{why}))
			b.entitled(p.Resource, "trial_ended")
		})
	case t.Kind == timer.SubscriptionStart && p.Status == subscription.NotStarted && p.StartDate.Equal(t.Due):
		return b.or(func() error { return b.begin(p) }, func(why string) { b.giveUp(p, subscription.Immediate, why) })
	case t.Kind == timer.Cancellation && p.CancellationDate != nil && p.CancellationDate.Equal(t.Due):
		return b.or(func() error { return b.cancelScheduled(p) }, func(why string) { b.giveUp(p, subscription.ScheduledCancellation, why) })
	case t.Kind == timer.Update:
		return b.runUpdates(p)
	case t.Kind == timer.PaymentExpires && p.Status == subscription.PaymentPending:
		b.write(p, subscription.Cancel(p.Subscription, subscription.PendingPaymentExpired, t.Due))
	}
	return nil
}

// or does what is due; where a rule forbids it, such as prices in another currency meanwhile, something simpler happens in
// its place and says why. Nothing that is due may stop what follows.
func (b *book) or(work func() error, instead func(why string)) error {
	err := b.attempt(work)
	if e, ok := errs.As(err); ok && e.Kind != errs.Internal && e.Kind != errs.Unavailable {
		instead(e.Code + ": " + e.Message)
		return nil
	}
	return err
}

// giveUp ends a subscription with which nothing else can be done.
func (b *book) giveUp(p *entry, reason, why string) {
	live := p.Status.Live()
	ch := subscription.Cancel(p.Subscription, reason, b.at)
	ch.Note(subscription.Note{Steps: []string{why}})
	b.write(p, ch)
	if live {
		b.entitled(p.Resource, "subscription_canceled")
	}
}

// endTrial ends a trial and does what the journey in force says about it (domain-catalog-provisioning §9.6).
func (b *book) endTrial(p *entry) error {
	beside, err := b.place(p.ProductID, p.Resource)
	if err != nil {
		return err
	}
	product, downgrade, err := b.journeyOf(p.ProductID)
	if err != nil {
		return err
	}
	end := journey.End(journey.EndInput{
		Reason: journey.TrialEnded, Settings: product.Settings, ProductID: product.RefID, PlanID: p.PlanRef,
		PlanPricingType: p.PricingType, TrialEndBehavior: journey.TrialEndBehavior(p.TrialEndBehavior),
		Payable: b.payable(), RunningNonTrial: beside.running != nil, DowngradePlan: downgrade,
	})
	was := p.Subscription
	if end.Convert {
		if _, err := b.convert(p, beside.running, subscription.TrialEnded); err != nil {
			return err
		}
	} else {
		b.write(p, subscription.ExpireTrial(p.Subscription, b.at, end.Steps))
	}
	if end.DowngradeTo != nil {
		if err := b.fallBack(was, product, end.DowngradeTo.ID); err != nil {
			return err
		}
	}
	b.entitled(p.Resource, "trial_ended")
	return nil
}

// journeyOf is a product and the plan that its journey ends with.
func (b *book) journeyOf(productID string) (*catalog.Product, *journey.Plan, error) {
	cat, err := b.cat()
	if err != nil {
		return nil, nil, err
	}
	product, ok := cat.ProductByID(productID)
	if !ok {
		return nil, nil, fmt.Errorf("product %s is missing", productID)
	}
	plan, ok := cat.Plan(string(product.Settings.DowngradePlanID))
	if !ok {
		return product, nil, nil
	}
	j := plan.ForJourney()
	return product, &j, nil
}

// fallBack starts the free plan that follows a subscription, which is as it was before its end (§9.11).
func (b *book) fallBack(after subscription.Subscription, product *catalog.Product, planRef string) error {
	cat, err := b.cat()
	if err != nil {
		return err
	}
	plan, ok := cat.Plan(planRef)
	if !ok || !plan.Available() {
		return nil
	}
	ch := subscription.Create(subscription.New{
		ID: b.ids.New(), RefID: id.Generated("subscription"), CustomerID: b.c.ID, CustomerRef: b.c.RefID,
		Product: *product, Resource: after.Resource, Metadata: after.Metadata,
		Sale: subscription.Sale{Plan: *plan, Bases: cat.Bases(plan.Latest)},
	}, b.at)
	if err := b.handOver(&after, &ch.Subscription); err != nil {
		return err
	}
	b.insert(ch)
	return nil
}

// convert makes a trial a paid subscription, in the place of the one that runs beside it.
func (b *book) convert(p, running *entry, reason string) (inv subscription.Invoice, err error) {
	ch := subscription.ConvertTrial(p.Subscription, b.at, reason)
	in := charging{behavior: subscription.InvoiceImmediately}
	if running != nil && running.ID != p.ID {
		if in, err = b.chargingOf(&running.Subscription, in.behavior); err != nil {
			return inv, err
		}
		if running.Status == subscription.Active { // else only the trial ran, and goes on
			if err := b.handOver(&running.Subscription, &ch.Subscription); err != nil {
				return inv, err
			}
		}
		b.write(running, subscription.Cancel(running.Subscription, subscription.UpgradeOrDowngrade, b.at))
	}
	if cycle, ok := ch.Subscription.Cycle(); ok {
		span := cycle.At(b.at)
		in.restart = &span
	}
	if inv, err = b.charge(&ch, in); err != nil {
		return inv, err
	}
	b.write(p, ch)
	b.paysIn(&p.Subscription)
	return inv, nil
}

// begin starts a scheduled subscription in the place of what runs in its scope, even if its plan was archived meanwhile:
// it was sold before.
func (b *book) begin(p *entry) error {
	cat, err := b.cat()
	if err != nil {
		return err
	}
	plan, ok := cat.PackageByID(p.PlanID)
	if !ok || plan.Latest == nil {
		return fmt.Errorf("plan %s is missing", p.PlanRef)
	}
	history, err := b.history(p.ProductID, p.ProductRef)
	if err != nil {
		return err
	}
	here, err := b.place(p.ProductID, p.Resource)
	if err != nil {
		return err
	}
	if here.left, err = b.left(p.ProductID, p.Resource); err != nil {
		return err
	}
	ch := subscription.Begin(p.Subscription, subscription.Sale{
		Plan: *plan, Bases: cat.Bases(plan.Latest), Addons: latestAddons(cat, p.Subscription), Country: p.Country,
	}, history)
	if err := b.lockCurrency(&ch.Subscription, ""); err != nil {
		return err
	}
	if err := b.take(&ch, here, false); err != nil {
		return err
	}
	b.write(p, ch)
	p.addons = true
	if ch.Tried {
		b.tried(p)
	}
	b.paysIn(&p.Subscription)
	b.entitled(p.Resource, "subscription_started")
	return nil
}

// history is what decides about a trial of a product.
func (b *book) history(productID, productRef string) (h subscription.History, err error) {
	h.Tried = b.c.HasTried(productRef)
	if !h.Tried && !b.made {
		h.Paid, err = b.st.HasPaid(b.ctx, b.env, b.c.ID, productID)
	}
	return h, err
}
