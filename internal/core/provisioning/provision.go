package provisioning

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/base/tx"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/customer"
	"github.com/purserhq/purser/internal/core/entitlement"
	"github.com/purserhq/purser/internal/core/event"
	"github.com/purserhq/purser/internal/core/journey"
	"github.com/purserhq/purser/internal/core/subscription"
)

// Result is the answer to a provision.
type Result struct {
	Customer     customer.Customer
	Subscription *subscription.Subscription // nil without one
	Strategy     string
	Steps        []string
	Entitlements []entitlement.Answer
	At           time.Time // the environment's now
	Repeated     bool      // the customer existed, made by an equal request

	need *payment
}

// attempts bounds how often a lost race, for a new customer id or with a change of the product, is followed by another look.
const attempts = 5

// Provision makes a customer and the subscription that the product's journey gives it: all or nothing, in one
// transaction (domain-catalog-provisioning §6). An equal request gets the first answer again; another one for the same
// id is DuplicatedEntityNotAllowed and names the fields that differ.
func (s *Service) Provision(ctx context.Context, env tenant.ID, r Request) (Result, error) {
	if err := r.Validate(); err != nil {
		return Result{}, err
	}
	p := provision{Service: s, ctx: ctx, env: env, req: r, print: r.Fingerprint(s.key)}
	if r.DryRun {
		return p.dry()
	}
	lock := tx.Lock{Kind: tx.Customer, Ref: r.ID}
	for i := 1; ; i++ {
		res, err := tx.Do(ctx, s.db, env, p.run, lock)
		if errors.Is(err, customer.ErrRaced) || errors.Is(err, subscription.ErrRaced) {
			if i < attempts {
				continue
			}
			err = errs.ServiceUnavailable.Because("Too many requests for this customer at once.").After(time.Second).Wrap(err)
		}
		if err == nil && res.need != nil {
			return s.paidProvision(ctx, env, res)
		}
		return res, err
	}
}

// paidProvision charges what a new customer's subscription waits for.
func (s *Service) paidProvision(ctx context.Context, env tenant.ID, res Result) (Result, error) {
	v, err := s.charge(ctx, env, res.need)
	if err != nil {
		return res, err
	}
	res.Subscription = &v.Subscription
	res.Entitlements, err = s.answersFor(ctx, env, v.CustomerRef, v.Resource)
	return res, err
}

// provision is one call under way.
type provision struct {
	*Service
	ctx   context.Context
	env   tenant.ID
	req   Request
	print map[string]string
}

// run is the transaction.
func (p provision) run(st Store, now time.Time) (Result, error) {
	old, err := st.LockCustomer(p.ctx, p.env, p.req.ID)
	if err == nil {
		return p.repeat(st, old, now)
	}
	if !errors.Is(err, customer.ErrNotFound) {
		return Result{}, err
	}
	b, made, err := p.decide(st, now)
	if err != nil {
		return Result{}, err
	}
	b.save()
	return b.provisioned(made)
}

// dry decides in a read: an existing customer is settled first, and nothing of the new one is written.
func (p provision) dry() (Result, error) {
	if err := p.Settle(p.ctx, p.env, p.req.ID); err != nil && !errors.Is(err, customer.ErrNotFound) {
		return Result{}, err
	}
	return tx.Get(p.ctx, p.db, p.env, func(st Store, now time.Time) (Result, error) {
		old, err := st.CustomerByRef(p.ctx, p.env, p.req.ID)
		if err == nil {
			if err := p.mayRepeat(old); err != nil {
				return Result{}, err
			}
			return p.again(st, old, now)
		}
		if !errors.Is(err, customer.ErrNotFound) {
			return Result{}, err
		}
		b, made, err := p.decide(st, now)
		if err != nil {
			return Result{}, err
		}
		if in := p.req.params(); in != nil && in.ID != nil {
			if err := b.idIsFree(*in); err != nil {
				return Result{}, err
			}
		}
		return b.provisioned(made)
	})
}

// decide writes the new customer and its subscription into a book, and nothing else.
func (p provision) decide(st Store, now time.Time) (*book, *entry, error) {
	c := p.req.Customer(p.ids.New(), now)
	c.First.Fingerprint = p.print
	b := p.open(p.ctx, st, p.env, &c, now)
	b.made, b.facts = true, p.facts()
	if c.CouponID != nil {
		if err := mayHaveCoupon(p.ctx, st, p.env, *c.CouponID); err != nil {
			return nil, nil, err
		}
	}
	var made *entry
	var err error
	if p.req.Subscription == nil {
		dec := journey.Decide(journey.Request{})
		c.First.Strategy, c.First.Steps = string(dec.Strategy), dec.Steps
	} else if made, err = b.firstSubscription(*p.req.params()); err != nil {
		return nil, nil, err
	}
	b.events = append([]event.Event{createdEvent(c)}, b.events...)
	return b, made, nil
}

// createdEvent tells of a new customer.
func createdEvent(c customer.Customer) event.Event {
	return c.Event("customer.created", map[string]any{
		"excludeFromExperiment": c.ExcludeFromExperiment, "subscriptionDecisionStrategy": c.First.Strategy,
	})
}

// facts are what is known of a new customer's payments: the request may have brought a payment method
// (domain-catalog-provisioning §6.5).
func (p provision) facts() facts {
	connected := p.billing != nil && p.billing.Connected(p.env)
	return facts{connected: connected, hasMethod: p.req.DefaultPaymentMethod != nil}
}

// firstSubscription gives a new customer the subscription that the journey decides on.
func (b *book) firstSubscription(in Params) (*entry, error) {
	cat, err := b.cat()
	if err != nil {
		return nil, err
	}
	product, asked, err := requested(cat, in)
	if err != nil {
		return nil, err
	}
	dec := journey.Decide(journey.Request{
		Requested: &journey.Requested{Plan: asked.ForJourney(), BillingPeriod: in.BillingPeriod, Given: in.given()},
		Settings:  product.Settings,
		StartPlan: startPlan(cat, product.Settings),
	})
	plan, ok := cat.Plan(dec.Plan.ID)
	if !ok {
		return nil, catalog.ErrPlanNotFound.Because("There is no plan %s.", dec.Plan.ID)
	}
	in = in.without(dec.Dropped)
	in.BillingPeriod = dec.BillingPeriod
	t, err := b.terms(in, plan, dec.Strategy == journey.RequestedPlan)
	if err != nil {
		return nil, err
	}
	res, err := b.offer(in, product, t, place{})
	switch {
	case errors.Is(err, subscription.ErrCheckoutMissing):
		return nil, subscription.ErrNoPaymentMethod.Because("The plan %s has to be paid, and the customer has no payment method.", plan.RefID)
	case err != nil:
		return nil, err
	}
	c := b.c
	c.First.Strategy = string(dec.Strategy)
	c.First.Steps = append(dec.Steps, res.steps...)
	c.First.SubscriptionID = &res.entry.ID
	b.need = res.need
	return res.entry, nil
}

// requested finds the plan that was asked for and checks the parameters that no journey can make right.
func requested(cat *catalog.Snapshot, in Params) (*catalog.Product, *catalog.Package, error) {
	plan, ok := cat.Plan(in.PlanID)
	if !ok || plan.Status == catalog.Archived {
		if _, isAddon := cat.Addon(in.PlanID); isAddon && !ok {
			return nil, nil, ErrSinglePlan.At(in.Path+"planId", "%s is an add-on, and a subscription needs a plan.", in.PlanID)
		}
		return nil, nil, catalog.ErrPlanNotFound.At(in.Path+"planId", "There is no plan %s.", in.PlanID)
	}
	if plan.Latest == nil {
		return nil, nil, catalog.ErrUnpublished.At(in.Path+"planId", "The plan %s is not published yet.", in.PlanID)
	}
	product, ok := cat.ProductByID(plan.ProductID)
	if !ok {
		return nil, nil, fmt.Errorf("plan %s has no product", plan.ID)
	}
	switch {
	case product.MultipleSubscriptions && in.ResourceID == nil:
		return nil, nil, errs.InvalidArgument.At(in.Path+"resourceId",
			"The product %s has one subscription per resource: a resourceId is needed.", product.RefID)
	case !product.MultipleSubscriptions && in.ResourceID != nil:
		return nil, nil, errs.InvalidArgument.At(in.Path+"resourceId",
			"The product %s has one subscription per customer: leave resourceId out.", product.RefID)
	}
	return product, plan, nil
}

// provisioned is the answer about what was made.
func (b *book) provisioned(made *entry) (Result, error) {
	r := Result{
		Customer: *b.c, need: b.need, Strategy: b.c.First.Strategy, Steps: b.c.First.Steps, At: b.at, Entitlements: []entitlement.Answer{},
	}
	if made == nil {
		return r, nil
	}
	r.Subscription = &made.Subscription
	var err error
	r.Entitlements, err = b.answers(made.Resource)
	return r, err
}

// mayRepeat refuses a request for a customer that another request made.
func (p provision) mayRepeat(old customer.Customer) error {
	dup := errs.Duplicated
	switch {
	case old.Archived():
		return dup.At("id", "The customer %s was archived. Unarchive it, or choose another id.", old.RefID)
	case old.First.Fingerprint == nil:
		return dup.At("id", "There is a customer %s already.", old.RefID)
	}
	diff := differing(old.First.Fingerprint, p.print)
	if len(diff) == 0 {
		return nil
	}
	e := dup.Because("There is a customer %s already, made by a request with another %s.", old.RefID, strings.Join(diff, ", "))
	for _, name := range diff {
		e = e.With(errs.Field{Path: name, Issue: "differs from the request that made this customer"})
	}
	return e
}

// repeat answers an equal request with the customer as it is now and the first strategy.
func (p provision) repeat(st Store, old customer.Customer, now time.Time) (Result, error) {
	if err := p.mayRepeat(old); err != nil {
		return Result{}, err
	}
	if err := p.settle(p.ctx, st, p.env, &old, now); err != nil {
		return Result{}, err
	}
	return p.again(st, old, now)
}

// again reads the present state of what the first call made.
func (p provision) again(st Store, old customer.Customer, now time.Time) (Result, error) {
	r := Result{
		Customer: old, Strategy: old.First.Strategy, Steps: old.First.Steps, At: now, Repeated: true,
	}
	if old.First.SubscriptionID == nil {
		r.Entitlements = []entitlement.Answer{}
		return r, nil
	}
	sub, err := st.SubscriptionByID(p.ctx, p.env, *old.First.SubscriptionID)
	if err != nil {
		return r, err
	}
	if err := st.FillCharges(p.ctx, p.env, &sub); err != nil {
		return r, err
	}
	r.Subscription = &sub
	r.Entitlements, err = entitlement.Load(p.ctx, st, p.env, old.RefID, sub.Resource, now)
	return r, err
}
