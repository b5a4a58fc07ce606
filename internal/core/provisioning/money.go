package provisioning

import (
	"slices"
	"time"

	"github.com/purserhq/purser/internal/base/money"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/subscription"
)

// bill is what a subscription pays in advance, as it stands.
func (b *book) bill(s *subscription.Subscription) (subscription.Bill, error) {
	if !s.Billed() {
		return subscription.Bill{}, nil
	}
	if err := b.price(s); err != nil {
		return subscription.Bill{}, err
	}
	return s.Bill()
}

// paid is what has been paid for the present period of a subscription, and that period; nothing for one without.
func (b *book) paid(s *subscription.Subscription) (subscription.Bill, subscription.Span, error) {
	cycle, ok := s.Cycle()
	if !ok {
		return subscription.Bill{}, subscription.Span{}, nil
	}
	bill, err := b.bill(s)
	if err != nil {
		return bill, subscription.Span{}, err
	}
	span := cycle.At(b.at)
	discount, err := b.discount(s, bill.Currency, span.Start)
	return s.PaidFor(bill, span, discount, b.at), span, err
}

// discount is what is taken off a subscription's bill at an instant: its own coupon, else the customer's
// (domain-catalog-provisioning §3.10).
func (b *book) discount(s *subscription.Subscription, c money.Currency, at time.Time) (*subscription.Discount, error) {
	if own := s.CouponAt(at); own != nil {
		return own.Discount(c, at), nil
	}
	use, ok := b.c.CouponAt(at)
	if !ok {
		return nil, nil
	}
	known, err := b.couponOf(use.CouponID)
	if err != nil {
		return nil, err
	}
	given := subscription.Coupon{ID: known.RefID, Name: known.Name, AmountsOff: known.AmountsOff}
	if known.PercentOff != nil {
		given.PercentOff = *known.PercentOff
	}
	if known.DurationInMonths != nil {
		given.Months = *known.DurationInMonths
	}
	return given.From(use.From).Discount(c, at), nil
}

// couponOf reads a coupon once.
func (b *book) couponOf(ref string) (*catalog.Coupon, error) {
	if c := b.coupons[ref]; c != nil {
		return c, nil
	}
	c, err := b.st.CouponByRef(b.ctx, b.env, ref)
	if err != nil {
		return nil, err
	}
	if b.coupons == nil {
		b.coupons = map[string]*catalog.Coupon{}
	}
	b.coupons[ref] = &c
	return &c, nil
}

// charging is how a change of what is paid is charged.
type charging struct {
	paid     subscription.Bill
	waiting  []subscription.InvoiceLine // of earlier changes
	span     subscription.Span          // of what was paid
	restart  *subscription.Span         // a new cycle begins
	behavior string
}

// chargingOf is how a change of a subscription is charged. At the very moment at which a period begins nothing of it is
// charged yet: it is charged with the change, however changes within a period are.
func (b *book) chargingOf(s *subscription.Subscription, behavior string) (in charging, err error) {
	in.behavior = behavior
	in.paid, in.span, err = b.paid(s)
	in.waiting = s.WaitingFor(in.span, b.at)
	if written := s.Paid != nil && s.Paid.Until.Equal(in.span.End); !written && in.span.Start.Equal(b.at) {
		in.behavior = subscription.InvoiceImmediately
	}
	return in, err
}

// charge adds to a change what it costs, and settles that with the customer's balance.
func (b *book) charge(ch *subscription.Change, in charging) (subscription.Invoice, error) {
	next, err := b.bill(&ch.Subscription)
	if err != nil {
		return subscription.Invoice{}, err
	}
	currency := next.Currency
	if currency == "" {
		currency = in.paid.Currency
	}
	discount, err := b.discount(&ch.Subscription, currency, b.at)
	if err != nil {
		return subscription.Invoice{}, err
	}
	behavior := in.behavior
	if in.restart != nil && behavior == subscription.CreateProrations {
		behavior = subscription.InvoiceImmediately // a period that begins is invoiced then
	}
	inv, paid := subscription.Prorate(subscription.Proration{
		Paid: in.paid, Next: next, Discount: discount, Period: in.span, Restart: in.restart, At: b.at, Behavior: behavior,
	})
	waiting := in.waiting
	switch {
	case inv.Deferred:
		waiting = append(slices.Clone(waiting), inv.Lines...)
	case in.restart != nil || !inv.Zero():
		inv.Add(waiting)
		waiting = nil
	}
	b.balance(&inv)
	until := in.span.End
	if in.restart != nil {
		until = in.restart.End
	}
	if until.IsZero() {
		ch.Note(subscription.Note{Invoice: &inv})
		return inv, nil
	}
	ch.Charge(inv, paid, until, waiting)
	return inv, nil
}

// balance pays an invoice from what the customer has paid too much, and keeps what it gives back.
func (b *book) balance(inv *subscription.Invoice) {
	if inv.Deferred {
		return
	}
	b.owe(money.Money{Amount: inv.Credit, Currency: inv.Currency})
	if has := b.c.Balance[inv.Currency]; has.Sign() > 0 && inv.Total.Sign() > 0 {
		inv.FromBalance = has
		if has.Cmp(inv.Total) > 0 {
			inv.FromBalance = inv.Total
		}
		b.owe(money.Money{Amount: money.Decimal{}.Sub(inv.FromBalance), Currency: inv.Currency})
	}
	inv.AmountDue = inv.Total.Sub(inv.FromBalance).Quantize(inv.Currency.MinorUnits(), money.Down)
}

// last is the invoice of a subscription's end: what waited for it and, where it is given back, what was paid for the time
// after.
func (b *book) last(s *subscription.Subscription, giveBack bool) (inv subscription.Invoice, err error) {
	in, err := b.chargingOf(s, subscription.InvoiceImmediately)
	if err != nil || in.span.End.IsZero() {
		return inv, err
	}
	inv.Currency = in.paid.Currency
	inv.Start, inv.End = b.at, b.at
	if giveBack {
		inv, _ = subscription.Prorate(subscription.Proration{Paid: in.paid, Period: in.span, At: b.at})
	}
	if inv.Add(in.waiting); inv.Currency == "" {
		inv.Currency = currencyOf(s)
	}
	b.balance(&inv)
	return inv, nil
}

// proration is what a change does in the middle of a period: as the caller said, else as the account does.
func (b *book) proration(asked string) string {
	if asked != "" {
		return asked
	}
	return b.st.BillingDefaults().Proration
}

// take lets a subscription that starts now replace what it replaces in its scope, and charges the difference (§9.2).
func (b *book) take(ch *subscription.Change, here place, restart bool) (err error) {
	s := &ch.Subscription
	before := b.predecessor(s, here)
	switch s.Status {
	case subscription.InTrial:
		if here.trial != nil && here.trial.ID != s.ID {
			b.write(here.trial, subscription.Cancel(here.trial.Subscription, subscription.UpgradeOrDowngrade, b.at))
		}
		return b.handOver(before, s)
	case subscription.Active, subscription.PaymentPending:
	case subscription.NotStarted, subscription.Canceled, subscription.Expired:
		return nil
	}
	if here.trial != nil && s.PricingType != catalog.Free {
		b.write(here.trial, subscription.ReplaceTrial(here.trial.Subscription, b.at))
	}
	in := charging{behavior: subscription.InvoiceImmediately}
	if old := here.running; old != nil {
		if in, err = b.chargingOf(&old.Subscription, b.proration(s.Proration)); err != nil {
			return err
		}
		was, billed := old.Cycle()
		now, ok := s.Cycle()
		if ok && billed && !restart && was.Period == now.Period && old.Billed() == s.Billed() && !s.Backdated() {
			ch.FollowCycle(was, b.at)
		} else {
			restart = true
		}
		b.write(old, subscription.Cancel(old.Subscription, subscription.UpgradeOrDowngrade, b.at))
	}
	if err := b.handOver(before, s); err != nil {
		return err
	}
	cycle, ok := s.Cycle()
	if ok && (restart || here.running == nil) {
		span := cycle.At(b.at)
		in.restart = &span
	}
	if s.Backdated() {
		return b.startsFree(ch, in)
	}
	_, err = b.charge(ch, in)
	return err
}

// startsFree begins a subscription in the past: its first invoice is that of the next period, and what was paid for the one
// that it replaces comes back (§9.3 step 8, §9.10).
func (b *book) startsFree(ch *subscription.Change, in charging) error {
	inv, _ := subscription.Prorate(subscription.Proration{Paid: in.paid, Period: in.span, At: b.at})
	inv.Add(in.waiting)
	b.balance(&inv)
	cycle, ok := ch.Subscription.Cycle()
	if !ok {
		ch.Note(subscription.Note{Invoice: &inv})
		return nil
	}
	bill, err := b.bill(&ch.Subscription)
	if err == nil {
		ch.Charge(inv, bill.ForNothing(), cycle.At(b.at).End, nil)
	}
	return err
}
