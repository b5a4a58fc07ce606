package provisioning

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/id"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/base/tx"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/customer"
	"github.com/purserhq/purser/internal/core/entitlement"
	"github.com/purserhq/purser/internal/core/subscription"
)

// SubscribeRequest asks for a subscription of a customer who is there (domain-catalog-provisioning §9.3).
type SubscribeRequest struct {
	CustomerID string
	Params
	// Prepaid says that the customer has paid for it on a checkout page.
	Prepaid bool
}

// Subscribed is the answer to it.
type Subscribed struct {
	View
	Scheduled    bool // it takes effect later; View is the subscription as it runs
	Entitlements []entitlement.Answer
	Steps        []string
	// Checkout is where the customer has to pay first; nil when nothing has to be paid, or can be without it.
	Checkout *subscription.Checkout
}

// Validate names every bad field.
func (r SubscribeRequest) Validate() error {
	var c errs.Checks
	if issue := id.CustomerRefIssue(r.CustomerID); issue != "" {
		c.Shape("customerId", "%s", issue)
	}
	r.Params.check(&c)
	return c.Err()
}

// subscribing is what came of a request in the book.
type subscribing struct {
	entry     *entry
	scheduled bool
	direction subscription.Direction
	samePlan  bool
	invoice   subscription.Invoice
	steps     []string
	need      *payment // nil when nothing has to be paid first
}

// Subscribe gives a customer a subscription, in the place of the one that runs in its scope, or changes that one when it
// is of the same plan.
func (s *Service) Subscribe(ctx context.Context, env tenant.ID, r SubscribeRequest) (Subscribed, error) {
	if err := r.Validate(); err != nil {
		return Subscribed{}, err
	}
	for i := 1; ; i++ {
		out, err := s.subscribeOnce(ctx, env, r)
		if errors.Is(err, subscription.ErrRaced) {
			if i < attempts {
				continue
			}
			err = errs.ServiceUnavailable.Because("The product changes all the time. Try again.").After(time.Second).Wrap(err)
		}
		if e, ok := errs.As(err); ok && len(e.Fields) == 1 && e.Fields[0].Path == paramsPath+"id" {
			err = errs.Duplicated.At(r.Path+"id", "%s", e.Fields[0].Issue) // another request was faster
		}
		return out, err
	}
}

func (s *Service) subscribeOnce(ctx context.Context, env tenant.ID, r SubscribeRequest) (Subscribed, error) {
	known, err := s.ask(ctx, env, r)
	if err != nil {
		return Subscribed{}, err
	}
	if known.connected && r.Checkout != nil {
		if out, done, err := s.checkout(ctx, env, r, known); done || err != nil {
			return out, err
		}
	}
	var need *payment
	out, err := tx.Do(ctx, s.db, env, func(st Store, now time.Time) (Subscribed, error) {
		need = nil
		b, err := s.customer(ctx, st, env, r.CustomerID, now, customer.ErrNotFound.At("customerId", "There is no customer %s.", r.CustomerID))
		if err != nil {
			return Subscribed{}, at(err, customer.ErrNotFound, "customerId")
		}
		b.facts = known
		b.facts.prepaid = r.Prepaid
		res, err := b.subscribe(r.Params)
		if err != nil {
			return Subscribed{}, err
		}
		if need = res.need; need != nil && need.checkout {
			return Subscribed{}, errs.ServiceUnavailable.Because("The payment method was removed meanwhile. Try again.")
		}
		b.save()
		return b.subscribed(res)
	}, tx.Lock{Kind: tx.Customer, Ref: r.CustomerID})
	if err != nil || need == nil {
		return out, err
	}
	return s.pay(ctx, env, r, need, out)
}

// checkout decides, without writing anything, whether the customer has to pay on a page first, and makes that page.
func (s *Service) checkout(ctx context.Context, env tenant.ID, r SubscribeRequest, known facts) (out Subscribed, done bool, err error) {
	if err := s.Settle(ctx, env, r.CustomerID); err != nil {
		return out, false, at(err, customer.ErrNotFound, "customerId")
	}
	res, err := tx.Get(ctx, s.db, env, func(st Store, now time.Time) (subscribing, error) {
		c, err := st.CustomerByRef(ctx, env, r.CustomerID)
		if err != nil {
			return subscribing{}, at(err, customer.ErrNotFound, "customerId")
		}
		b := s.open(ctx, st, env, &c, now)
		b.facts = known
		return b.subscribe(r.Params)
	})
	if err != nil || res.need == nil || !res.need.checkout {
		return out, err != nil, err
	}
	out, err = s.pay(ctx, env, r, res.need, Subscribed{Steps: res.steps})
	return out, true, err
}

// at names the field of an error that has none.
func at(err error, is *errs.Error, path string) error {
	if e, ok := errs.As(err); ok && errors.Is(err, is) && len(e.Fields) == 0 {
		return e.With(errs.Field{Path: path, Issue: e.Message})
	}
	return err
}

// subscribed reads the answer from the book.
func (b *book) subscribed(res subscribing) (Subscribed, error) {
	out := Subscribed{View: View{res.entry.Subscription, b.at}, Scheduled: res.scheduled, Steps: res.steps}
	if err := b.price(&out.Subscription); err != nil {
		return out, err
	}
	var err error
	out.Entitlements, err = b.answers(res.entry.Resource)
	return out, err
}

// subscribe decides about a subscription and writes it into the book (§9.3 to §9.6, §9.9).
func (b *book) subscribe(in Params) (subscribing, error) {
	cat, err := b.cat()
	if err != nil {
		return subscribing{}, err
	}
	product, plan, err := requested(cat, in)
	if err != nil {
		return subscribing{}, err
	}
	here, err := b.place(product.ID, valueOf(in.ResourceID))
	if err != nil {
		return subscribing{}, err
	}
	if here.running != nil && here.running.PlanID == plan.ID && in.samePlan() && here.running.Status == subscription.Active {
		return b.again(in, here)
	}
	t, err := b.terms(in, plan, true)
	if err != nil {
		return subscribing{}, err
	}
	return b.offer(in, product, t, here)
}

// samePlan reports whether a request for the plan that runs already is a change of that subscription: it wants no other
// one, no trial beside it and no other start.
func (p Params) samePlan() bool {
	return p.ID == nil && p.StartDate == nil && (p.Trial == nil || !p.Trial.IsTrial)
}

func valueOf(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// again changes the subscription that runs to what a request for its plan says: whatever is scheduled gives way, and a
// trial of the same plan beside it ends, as that of add-ons is (§9.2, §9.9).
func (b *book) again(in Params, here place) (subscribing, error) {
	if err := in.mayBeAgain(here.running); err != nil {
		return subscribing{}, err
	}
	if here.trial != nil && here.trial.PlanID == here.running.PlanID {
		b.write(here.trial, subscription.ReplaceTrial(here.trial.Subscription, b.at))
		b.entitled(here.trial.Resource, "subscription_updated")
	}
	u := Update{
		Path: in.Path, BillingPeriod: in.BillingPeriod, Charges: in.Charges, UnitQuantity: in.UnitQuantity, Metadata: in.Metadata,
		ScheduleStrategy: in.ScheduleStrategy, RestartCycle: in.RestartCycle, Proration: in.Proration, Whole: true,
	}
	if in.Addons != nil {
		u.Addons = &in.Addons
	}
	if in.PriceOverrides != nil {
		u.PriceOverrides = &in.PriceOverrides
	}
	if in.Values != nil {
		u.Values = &in.Values
	}
	if in.Coupon != nil {
		u.Coupon.Set, u.Coupon.Value = true, *in.Coupon
	}
	if in.MinimumSpend != nil {
		u.MinimumSpend.Set, u.MinimumSpend.Value = true, *in.MinimumSpend
	}
	if in.Budget != nil {
		u.Budget.Set, u.Budget.Value = true, *in.Budget
	}
	if in.CancellationDate != nil {
		u.CancellationDate.Set, u.CancellationDate.Value = true, *in.CancellationDate
	}
	if in.SalesforceID != "" {
		u.SalesforceID.Set, u.SalesforceID.Value = true, in.SalesforceID
	}
	return b.update(here.running, u)
}

// mayBeAgain refuses what cannot be changed in a subscription that runs.
func (p Params) mayBeAgain(running *entry) error {
	var c errs.Checks
	fixed := func(name, want, has, instead string) {
		if want != "" && want != has {
			c.Rule(p.Path+name, "the subscription %s runs with %q: %s", running.RefID, has, instead)
		}
	}
	fixed("payingCustomerId", p.PayingCustomerID, cmp.Or(running.PayingCustomerRef, running.CustomerRef), "delegate it instead")
	fixed("paymentCollectionMethod", p.CollectionMethod, cmp.Or(running.CollectionMethod, subscription.CollectCharge), "it stays so")
	fixed("billingCountryCode", p.Country, running.Country, "another country does not change its prices")
	fixed("billingId", p.BillingID, running.BillingID, "it stays so")
	return c.Err()
}

// offer gives the customer a subscription to another plan than runs: now, or later.
func (b *book) offer(in Params, product *catalog.Product, t terms, here place) (subscribing, error) {
	n, err := b.newSubscription(in, product, t)
	if err != nil {
		return subscribing{}, err
	}
	b.carryOver(&n, in, here)
	if in.StartDate == nil {
		later, err := b.later(in, product, t, here)
		if err != nil || later.entry != nil {
			return later.subscribing, err
		}
		if later.start != nil {
			n.StartDate = later.start
		}
	}
	if n.History, err = b.history(product.ID, product.RefID); err != nil {
		return subscribing{}, err
	}
	if err := b.checkDates(in, n); err != nil {
		return subscribing{}, err
	}
	ch := subscription.Create(n, b.at)
	ch.Steps = append(t.notes, ch.Steps...)
	return b.start(in, ch, here)
}

// start puts a new subscription in its place. One that has to be paid first waits for that; where another paid one runs,
// the change waits and that one goes on.
func (b *book) start(in Params, ch subscription.Change, here place) (res subscribing, err error) {
	res.steps = ch.Steps
	if err := b.lockCurrency(&ch.Subscription, in.Path); err != nil {
		return res, err
	}
	if here.running != nil && ch.Subscription.Status != subscription.InTrial {
		if res.direction, err = b.direction(here.running, &ch.Subscription); err != nil {
			return res, err
		}
		ch.Note(subscription.Note{Direction: res.direction})
	}
	err = b.attempt(func() error {
		err := b.replace(in, &ch, here, &res)
		if err == nil && res.need != nil && res.need.held && !res.need.checkout {
			err = errHeld
		}
		return err
	})
	if errors.Is(err, errHeld) {
		update, err := planUpdate(in, ch.Subscription.PlanRef, res.direction, b.at)
		if err != nil {
			return res, err
		}
		return b.hold(here.running, res.need, res.direction, update), nil
	}
	return res, err
}

// replace ends what a new subscription takes the place of, and writes it down.
func (b *book) replace(in Params, ch *subscription.Change, here place, res *subscribing) (err error) {
	if ch.Subscription.Status == subscription.NotStarted {
		if old := here.scheduled; old != nil {
			b.write(old, subscription.Cancel(old.Subscription, subscription.UpgradeOrDowngrade, b.at))
		}
		res.scheduled = true
	} else if err := b.take(ch, here, in.RestartCycle); err != nil {
		return err
	}
	if inv := ch.Invoiced(); inv != nil {
		res.invoice = *inv
	}
	if res.need, err = b.payment(in, &ch.Subscription, here, res.invoice); err != nil {
		return err
	}
	if res.need != nil && !res.need.checkout {
		ch.AwaitPayment(b.at)
	}
	res.entry = b.insert(*ch)
	b.paysIn(&res.entry.Subscription)
	if res.entry.Status.Live() {
		b.entitled(res.entry.Resource, "subscription_created")
	}
	return nil
}
