package provisioning

import (
	"context"
	"time"

	"github.com/purserhq/purser/internal/base/money"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/base/tx"
	"github.com/purserhq/purser/internal/core/customer"
	"github.com/purserhq/purser/internal/core/subscription"
)

// Preview is what a change would cost. Nothing of it is written.
type Preview struct {
	At        time.Time
	Immediate subscription.Invoice
	// Recurring is the invoice of the first whole period after the change, and Period that period; nil where nothing recurs.
	Recurring *subscription.Invoice
	Period    *subscription.Span
	// Discounts and RecurringDiscounts are what is taken off; one at most.
	Discounts          []subscription.Discount
	RecurringDiscounts []subscription.Discount
	Scheduled          bool // it takes effect later
	Downgrade          bool // of the plan
}

// Preview says what a subscription would cost (domain-catalog-provisioning §9.11): the same decisions as Subscribe, by the
// same code, of which nothing is saved.
func (s *Service) Preview(ctx context.Context, env tenant.ID, r SubscribeRequest) (Preview, error) {
	if err := r.Validate(); err != nil {
		return Preview{}, err
	}
	if _, err := s.Customer(ctx, env, r.CustomerID, false); err != nil { // settles what is due
		return Preview{}, at(err, customer.ErrNotFound, "customerId")
	}
	return tx.Get(ctx, s.db, env, func(st Store, now time.Time) (Preview, error) {
		c, err := st.CustomerByRef(ctx, env, r.CustomerID)
		if err == nil && c.Archived() {
			err = customer.ErrNotFound
		}
		if err != nil {
			return Preview{}, at(err, customer.ErrNotFound, "customerId")
		}
		b := s.open(ctx, st, env, &c, now)
		res, err := b.subscribe(r.Params)
		if err != nil {
			return Preview{}, err
		}
		return b.preview(res)
	})
}

// PreviewUpdate says what an update of a subscription would cost: the same decisions as UpdateSubscription.
func (s *Service) PreviewUpdate(ctx context.Context, env tenant.ID, ref string, u Update) (Preview, error) {
	if err := u.Validate(); err != nil {
		return Preview{}, err
	}
	v, err := s.Subscription(ctx, env, ref) // settles
	if err != nil {
		return Preview{}, err
	}
	return tx.Get(ctx, s.db, env, func(st Store, now time.Time) (Preview, error) {
		c, err := st.CustomerByRef(ctx, env, v.CustomerRef)
		if err != nil {
			return Preview{}, err
		}
		b := s.open(ctx, st, env, &c, now)
		p, err := b.find(v.ID)
		switch {
		case err != nil:
			return Preview{}, err
		case p == nil:
			return Preview{}, subscription.ErrEnded
		case u.IfVersion != nil && *u.IfVersion != p.Version:
			return Preview{}, subscription.ErrChanged
		}
		res, err := b.update(p, u)
		if err != nil {
			return Preview{}, err
		}
		return b.preview(res)
	})
}

// preview reads the answer from a book that is not saved.
func (b *book) preview(res subscribing) (Preview, error) {
	out := Preview{
		At: b.at, Immediate: res.invoice, Scheduled: res.scheduled, Downgrade: res.direction == subscription.Downgrade && !res.samePlan,
	}
	s := res.entry.Subscription
	if res.scheduled {
		next, err := b.future(res)
		if err != nil {
			return out, err
		}
		s = next
	}
	bill, err := b.bill(&s)
	if err != nil {
		return out, err
	}
	if out.Immediate.Currency == "" {
		out.Immediate.Currency = bill.Currency
	}
	if out.Discounts, err = b.discounts(&s, bill.Currency, b.at); err != nil {
		return out, err
	}
	cycle, ok := renewing(&s)
	if !ok || len(bill.Lines) == 0 {
		return out, nil
	}
	span := cycle.At(b.at)
	if !span.Start.After(b.at) && s.Status == subscription.Active && !res.scheduled {
		span = cycle.At(span.End)
	}
	discount, err := b.discount(&s, bill.Currency, span.Start)
	if err != nil {
		return out, err
	}
	if discount != nil {
		out.RecurringDiscounts = []subscription.Discount{*discount}
	}
	inv, _ := subscription.Recurring(bill, discount, span)
	if s.Paid != nil && s.Paid.Until.Equal(span.Start) {
		inv.Add(s.Paid.Waiting)
	}
	inv.AmountDue = inv.Total
	out.Recurring, out.Period = &inv, &span
	return out, nil
}

func (b *book) discounts(s *subscription.Subscription, c money.Currency, at time.Time) ([]subscription.Discount, error) {
	d, err := b.discount(s, c, at)
	if d == nil {
		return nil, err
	}
	return []subscription.Discount{*d}, err
}

// renewing is the billing cycle that a subscription has, or will have once it is active.
func renewing(s *subscription.Subscription) (subscription.Cycle, bool) {
	if c, ok := s.Cycle(); ok || s.BillingPeriod == "" {
		return c, ok
	}
	anchor := s.StartDate
	if s.Status == subscription.InTrial && s.TrialEndDate != nil {
		anchor = *s.TrialEndDate
	}
	return subscription.Cycle{Period: s.BillingPeriod, Anchor: anchor, Zone: s.Zone}, true
}

// future is the subscription as it will be when what is scheduled has happened: it runs in a book that is thrown away.
func (b *book) future(res subscribing) (subscription.Subscription, error) {
	p := res.entry
	at, ok := p.NextUpdate()
	if !ok {
		return p.Subscription, nil // it has not started
	}
	b.at = at
	entries := len(b.entries)
	if err := b.runUpdates(p); err != nil {
		return p.Subscription, err
	}
	if len(b.entries) > entries && p.Status.Ended() {
		return b.entries[len(b.entries)-1].Subscription, nil
	}
	return p.Subscription, nil
}
