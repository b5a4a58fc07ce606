package provisioning

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/purserhq/purser/internal/base/clock"
	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/id"
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
		return res, err
	}
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
	d, err := p.decide(st, now)
	if err != nil {
		return Result{}, err
	}
	d.save(st, p.env, p.ids)
	return d.result(now), nil
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
		d, err := p.decide(st, now)
		if err != nil {
			return Result{}, err
		}
		return d.result(now), p.idIsFree(st)
	})
}

// idIsFree refuses a subscription id that is taken, as the insert would.
func (p provision) idIsFree(st Store) error {
	if p.req.Subscription == nil || p.req.Subscription.ID == nil {
		return nil
	}
	_, err := st.SubscriptionByRef(p.ctx, p.env, *p.req.Subscription.ID)
	switch {
	case errors.Is(err, subscription.ErrNotFound):
		return nil
	case err == nil:
		return subscription.ErrDuplicated
	}
	return err
}

// decided is all that a provision will write.
type decided struct {
	customer customer.Customer
	change   *subscription.Change
	resource string
	rows     *entitlement.Rows
}

// decide is the decision alone: it reads the catalog and writes nothing.
func (p provision) decide(st Store, now time.Time) (decided, error) {
	d := decided{customer: p.req.Customer(p.ids.New(), now)}
	c := &d.customer
	c.First.Fingerprint = p.print
	if c.CouponID != nil {
		if err := mayHaveCoupon(p.ctx, st, p.env, *c.CouponID); err != nil {
			return d, err
		}
	}
	if p.req.Subscription == nil {
		dec := journey.Decide(journey.Request{})
		c.First.Strategy, c.First.Steps = string(dec.Strategy), dec.Steps
		return d, nil
	}
	cat, err := st.Catalog(p.ctx, p.env)
	if err != nil {
		return d, err
	}
	product, asked, err := requested(cat, *p.req.Subscription)
	if err != nil {
		return d, err
	}
	dec := journey.Decide(journey.Request{
		Requested: &journey.Requested{
			Plan: asked.ForJourney(), BillingPeriod: p.req.Subscription.BillingPeriod, Given: p.req.Subscription.given(),
		},
		Settings:  product.Settings,
		StartPlan: startPlan(cat, product.Settings),
	})
	change, err := p.create(cat, product, dec, *c, now)
	if err != nil {
		return d, err
	}
	d.change, d.resource = &change, change.Subscription.Resource
	c.First.Strategy = string(dec.Strategy)
	c.First.Steps = append(dec.Steps, change.Steps...)
	c.First.SubscriptionID = &change.Subscription.ID
	if change.Tried {
		c.Trialed = append(c.Trialed, customer.Trialed{ProductID: product.RefID, PlanID: change.Subscription.PlanRef})
	}
	if change.Subscription.Status.Live() {
		d.rows = rowsOf(cat, change.Subscription)
	}
	return d, nil
}

// requested finds the plan that was asked for and checks the parameters that no journey can make right.
func requested(cat *catalog.Snapshot, in Params) (*catalog.Product, *catalog.Package, error) {
	plan, ok := cat.Plan(in.PlanID)
	if !ok || plan.Status == catalog.Archived {
		return nil, nil, catalog.ErrPlanNotFound.At(paramsPath+"planId", "There is no plan %s.", in.PlanID)
	}
	if plan.Latest == nil {
		return nil, nil, catalog.ErrUnpublished.At(paramsPath+"planId", "The plan %s is not published yet.", in.PlanID)
	}
	product, ok := cat.ProductByID(plan.ProductID)
	if !ok {
		return nil, nil, fmt.Errorf("plan %s has no product", plan.ID)
	}
	switch {
	case product.MultipleSubscriptions && in.ResourceID == nil:
		return nil, nil, errs.InvalidArgument.At(paramsPath+"resourceId",
			"The product %s has one subscription per resource: a resourceId is needed.", product.RefID)
	case !product.MultipleSubscriptions && in.ResourceID != nil:
		return nil, nil, errs.InvalidArgument.At(paramsPath+"resourceId",
			"The product %s has one subscription per customer: leave resourceId out.", product.RefID)
	}
	return product, plan, nil
}

func startPlan(cat *catalog.Snapshot, s journey.Settings) *journey.Plan {
	plan, ok := cat.Plan(string(s.StartPlanID))
	if !ok {
		return nil
	}
	j := plan.ForJourney()
	return &j
}

// create makes the subscription that was decided on.
func (p provision) create(cat *catalog.Snapshot, product *catalog.Product, dec journey.Decision, c customer.Customer, now time.Time) (subscription.Change, error) {
	in := p.req.Subscription
	plan, ok := cat.Plan(dec.Plan.ID)
	if !ok {
		return subscription.Change{}, catalog.ErrPlanNotFound.Because("There is no plan %s.", dec.Plan.ID)
	}
	terms, err := p.terms(cat, plan, dec)
	if err != nil {
		return subscription.Change{}, err
	}
	n := subscription.New{
		ID: p.ids.New(), RefID: id.Generated("subscription"), CustomerID: c.ID, CustomerRef: c.RefID,
		Product: *product, Plan: *plan, Bases: cat.Bases(plan.Latest), Addons: terms.addons,
		BillingPeriod: terms.period, Country: terms.country, Metadata: in.Metadata,
		History: subscription.History{Tried: c.HasTried(product.RefID)},
	}
	if in.StartDate != nil {
		start := clock.Business(*in.StartDate)
		n.StartDate = &start
	}
	if in.ID != nil {
		n.RefID = *in.ID
	}
	if in.ResourceID != nil {
		n.Resource = *in.ResourceID
	}
	change := subscription.Create(n, now)
	change.Steps = append(terms.notes, change.Steps...)
	return change, nil
}

// save queues every row and event of a decision.
func (d decided) save(st Store, env tenant.ID, ids id.Source) {
	c := d.customer
	st.InsertCustomer(env, c)
	events := []event.Event{created(c)}
	if ch := d.change; ch != nil {
		if d.resource != "" {
			st.InsertResource(env, Resource{ID: ids.New(), CustomerID: c.ID, RefID: d.resource, CreatedAt: c.CreatedAt})
		}
		st.InsertSubscription(env, ch.Subscription)
		for i := range ch.Timers {
			ch.Timers[i].ID = ids.New()
		}
		st.InsertTimers(env, c.CreatedAt, ch.Timers...)
		events = append(events, ch.Events...)
		if ch.Subscription.Status.Live() {
			events = append(events, subscription.EntitlementsUpdated(c.RefID, d.resource, "subscription_created", c.Version, c.CreatedAt))
		}
	}
	st.Append(env, events...)
}

func created(c customer.Customer) event.Event {
	return c.Event("customer.created", map[string]any{
		"excludeFromExperiment": c.ExcludeFromExperiment, "subscriptionDecisionStrategy": c.First.Strategy,
	})
}

func (d decided) result(now time.Time) Result {
	r := Result{
		Customer: d.customer, Strategy: d.customer.First.Strategy, Steps: d.customer.First.Steps,
		At: now,
	}
	var until time.Time
	if d.change != nil {
		r.Subscription = &d.change.Subscription
		if end := r.Subscription.EffectiveEnd(); end != nil {
			until = *end
		}
	}
	r.Entitlements = entitlement.Present(d.rows, until)
	return r
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
