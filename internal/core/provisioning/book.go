package provisioning

import (
	"context"
	"slices"
	"time"

	"github.com/purserhq/purser/internal/base/money"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/customer"
	"github.com/purserhq/purser/internal/core/event"
	"github.com/purserhq/purser/internal/core/subscription"
	"github.com/purserhq/purser/internal/core/timer"
)

// book is one customer's subscriptions and grants in one transaction: what is there, and what will be written of it. Use cases
// change the book and save it once at the end; a preview does the same and does not save. The customer's row is held.
type book struct {
	*Service
	ctx context.Context
	st  Store
	env tenant.ID
	c   *customer.Customer
	at  time.Time // when what happens now takes effect: the transaction's now, or a timer's due time

	catalog   *catalog.Snapshot
	loaded    bool
	entries   []*entry // subscriptions that had not ended
	due       []timer.Timer
	timers    []timer.Timer // made here
	fired     []string
	dropped   []droppedTimers
	events    []event.Event
	resources []Resource
	resets    []subscription.UsageReset
	made      bool // the customer is new
	changed   bool // the customer is not as it is stored
	versions  map[string]*catalog.Version
	coupons   map[string]*catalog.Coupon // those that were read
	facts     facts
	need      *payment // what a new customer's subscription waits for
	became    *entry   // what a scheduled change of the plan has started

	grants       []*promotional // promotional entitlements that had not ended
	grantsLoaded bool
}

// entry is a subscription in a book.
type entry struct {
	subscription.Subscription
	stored  bool
	changed bool
	addons  bool // other add-ons than those stored
}

// droppedTimers are stored timers that are removed: all of a subscription when there are no kinds.
type droppedTimers struct {
	subscriptionID string
	kinds          []timer.Kind
}

func (s *Service) open(ctx context.Context, st Store, env tenant.ID, c *customer.Customer, at time.Time) *book {
	return &book{Service: s, ctx: ctx, st: st, env: env, c: c, at: at}
}

// cat is the environment's catalog.
func (b *book) cat() (*catalog.Snapshot, error) {
	var err error
	if b.catalog == nil {
		b.catalog, err = b.st.Catalog(b.ctx, b.env)
	}
	return b.catalog, err
}

// all are the customer's subscriptions that had not ended when the book was opened, and those made since.
func (b *book) all() ([]*entry, error) {
	if b.loaded || b.made {
		return b.entries, nil
	}
	list, err := b.st.OpenSubscriptions(b.ctx, b.env, b.c.ID)
	if err != nil {
		return nil, err
	}
	for _, s := range list {
		b.entries = append(b.entries, &entry{Subscription: s, stored: true})
	}
	b.loaded = true
	return b.entries, nil
}

// find is the entry of a subscription; nil when that had ended.
func (b *book) find(internalID string) (*entry, error) {
	list, err := b.all()
	if err != nil {
		return nil, err
	}
	for _, p := range list {
		if p.ID == internalID {
			return p, nil
		}
	}
	return nil, nil
}

// place is where at most one trial, one other and one scheduled subscription can be (domain-catalog-provisioning §9.2).
type place struct {
	running, trial, scheduled *entry
	// left is one that has ended at the very moment at which a scheduled one begins there.
	left *entry
}

// place looks at a scope.
func (b *book) place(productID, resource string) (p place, err error) {
	list, err := b.all()
	for _, s := range list {
		if s.ProductID != productID || s.Resource != resource {
			continue
		}
		switch s.Status {
		case subscription.Active, subscription.PaymentPending:
			p.running = s
		case subscription.InTrial:
			p.trial = s
		case subscription.NotStarted:
			p.scheduled = s
		case subscription.Canceled, subscription.Expired:
		}
	}
	return p, err
}

// write takes a change over into the book.
func (b *book) write(p *entry, ch subscription.Change) {
	p.changed = p.changed || ch.Subscription.Version != p.Version
	p.addons = p.addons || !slices.Equal(ch.Subscription.Addons, p.Addons)
	prices := p.Prices
	p.Subscription = ch.Subscription
	if p.Prices == nil {
		p.Prices = prices
	}
	switch {
	case p.Status.Ended():
		b.drop(p.ID)
	case len(ch.Drop) > 0:
		b.drop(p.ID, ch.Drop...)
	}
	b.timers = append(b.timers, ch.Timers...)
	b.events = append(b.events, ch.Events...)
}

// insert takes a new subscription into the book.
func (b *book) insert(ch subscription.Change) *entry {
	p := &entry{Subscription: ch.Subscription}
	b.entries = append(b.entries, p)
	b.timers = append(b.timers, ch.Timers...)
	b.events = append(b.events, ch.Events...)
	if r := p.Resource; r != "" {
		b.resources = append(b.resources, Resource{ID: b.ids.New(), CustomerID: b.c.ID, RefID: r, CreatedAt: b.at})
	}
	if ch.Tried {
		b.tried(p)
	}
	return p
}

// tried remembers that the customer has had a trial of the product.
func (b *book) tried(p *entry) {
	t := customer.Trialed{ProductID: p.ProductRef, PlanID: p.PlanRef}
	if !slices.Contains(b.c.Trialed, t) {
		b.c.Trialed = append(slices.Clone(b.c.Trialed), t)
		b.touch()
	}
}

// touch says that the customer's row changes.
func (b *book) touch() {
	if !b.changed && !b.made {
		b.c.Version++
	}
	b.changed = true
	b.c.UpdatedAt = b.at
}

// drop forgets timers of a subscription; all of them without kinds.
func (b *book) drop(subscriptionID string, kinds ...timer.Kind) {
	gone := func(t timer.Timer) bool {
		return t.SubscriptionID == subscriptionID && (len(kinds) == 0 || slices.Contains(kinds, t.Kind))
	}
	b.timers = slices.DeleteFunc(b.timers, gone)
	b.due = slices.DeleteFunc(b.due, gone)
	b.dropped = append(b.dropped, droppedTimers{subscriptionID, kinds})
}

// entitled tells that what the customer, or one of its resources, may use has changed.
func (b *book) entitled(resource, trigger string) {
	b.events = append(b.events, subscription.EntitlementsUpdated(b.c.RefID, resource, trigger, b.c.Version, b.at))
}

// version finds a published version: those in force are in the catalog, older ones are read once.
func (b *book) version(id string) (*catalog.Version, error) {
	cat, err := b.cat()
	if err != nil {
		return nil, err
	}
	if v, ok := cat.VersionByID(id); ok {
		return v, nil
	}
	if v := b.versions[id]; v != nil {
		return v, nil
	}
	v, err := b.st.PackageVersion(b.ctx, b.env, id)
	if err != nil {
		return nil, err
	}
	if b.versions == nil {
		b.versions = map[string]*catalog.Version{}
	}
	b.versions[id] = &v
	return &v, nil
}

// price makes sure that a subscription has its prices.
func (b *book) price(s *subscription.Subscription) (err error) {
	if s.Prices != nil {
		return nil
	}
	return b.reprice(s)
}

// reprice reads the prices of a subscription anew, after something that they depend on has changed.
func (b *book) reprice(s *subscription.Subscription) (err error) {
	s.PayFrom(func(id string) []catalog.Price {
		v, e := b.version(id)
		if e != nil {
			err = e
			return nil
		}
		return v.Prices
	})
	return err
}

// owe adds an amount to the customer's balance, or takes it off.
func (b *book) owe(m money.Money) {
	if !m.Amount.IsZero() {
		b.c.Balance = b.c.Balance.With(m)
		b.touch()
	}
}

// save queues what is in the book: what ends first, since it makes room for what begins.
func (b *book) save() {
	if b.made {
		b.st.InsertCustomer(b.env, *b.c)
	} else if b.changed {
		b.st.UpdateCustomer(b.env, *b.c)
		b.tellCustomer()
	}
	for _, r := range b.resources {
		b.st.InsertResource(b.env, r)
	}
	for _, ended := range []bool{true, false} {
		for _, p := range b.entries {
			if p.stored && p.changed && p.Status.Ended() == ended {
				b.st.UpdateSubscription(b.env, p.Subscription)
				if p.addons {
					b.st.ReplaceAddons(b.env, p.Subscription)
				}
			}
		}
	}
	for _, ended := range []bool{true, false} {
		for _, p := range b.entries {
			if !p.stored && p.Status.Ended() == ended {
				b.st.InsertSubscription(b.env, p.Subscription)
			}
		}
	}
	for _, r := range b.resets {
		b.st.InsertUsageReset(b.env, r)
	}
	b.saveTimers() // before the grants are stored: the new ones have no timers to drop
	b.savePromotions()
	b.st.Append(b.env, b.events...)
	b.reset()
}

// reset makes the book that of what is stored now.
func (b *book) reset() {
	for _, p := range b.entries {
		p.stored, p.changed, p.addons = true, false, false
	}
	b.loaded = b.loaded || b.made // what was due may be done already: then nothing was read
	b.grantsLoaded = b.grantsLoaded || b.made
	b.made, b.changed = false, false
	b.timers, b.fired, b.dropped, b.events, b.resources, b.resets = nil, nil, nil, nil, nil, nil
}

// tellCustomer tells of a changed customer whom no other event tells of.
func (b *book) tellCustomer() {
	for _, e := range b.events {
		if e.Entity == b.c.Entity() && e.Version == b.c.Version {
			return
		}
	}
	e := b.c.Event("customer.updated", nil)
	e.At = b.at
	b.events = append(b.events, e)
}

func (b *book) saveTimers() {
	for _, id := range b.fired {
		b.st.DeleteTimer(b.env, id)
	}
	for _, d := range b.dropped {
		switch {
		case !b.isStored(d.subscriptionID):
		case len(d.kinds) == 0:
			b.st.DeleteTimersOf(b.env, d.subscriptionID)
		default:
			b.st.DropTimers(b.env, d.subscriptionID, d.kinds...)
		}
	}
	for i := range b.timers {
		if b.timers[i].ID == "" {
			b.timers[i].ID = b.ids.New()
		}
	}
	b.st.InsertTimers(b.env, b.at, b.timers...)
}

func (b *book) isStored(subscriptionID string) bool {
	return slices.ContainsFunc(b.entries, func(p *entry) bool { return p.ID == subscriptionID && p.stored }) ||
		slices.ContainsFunc(b.grants, func(g *promotional) bool { return g.ID == subscriptionID && g.stored })
}
