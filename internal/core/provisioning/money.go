package provisioning

import (
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
	if own := s.Coupon(); own != nil {
		if d := own.Discount(c, at); d != nil || own.Status(at) == "ACTIVE" {
			return d, nil
		}
	}
	coupon, err := b.customerCoupon()
	if coupon == nil || err != nil {
		return nil, err
	}
	whole := subscription.Coupon{ID: coupon.RefID, Name: coupon.Name, AmountsOff: coupon.AmountsOff}
	if coupon.PercentOff != nil {
		whole.PercentOff = *coupon.PercentOff
	}
	return whole.Discount(c, at), nil
}

func (b *book) customerCoupon() (*catalog.Coupon, error) {
	if b.coupon != nil {
		return *b.coupon, nil
	}
	var found *catalog.Coupon
	if ref := b.c.CouponID; ref != nil {
		c, err := b.st.CouponByRef(b.ctx, b.env, *ref)
		if err != nil {
			return nil, err
		}
		found = &c
	}
	b.coupon = &found
	return found, nil
}

// charging is how a change of what is paid is charged.
type charging struct {
	paid     subscription.Bill
	span     subscription.Span  // of what was paid
	restart  *subscription.Span // a new cycle begins
	behavior string
}

// chargingOf is how a change of a subscription is charged. At the very moment at which a period begins nothing of it is
// charged yet: it is charged with the change, however changes within a period are.
func (b *book) chargingOf(s *subscription.Subscription, behavior string) (in charging, err error) {
	in.behavior = behavior
	in.paid, in.span, err = b.paid(s)
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
	inv, paid := subscription.Prorate(subscription.Proration{
		Paid: in.paid, Next: next, Discount: discount, Period: in.span, Restart: in.restart, At: b.at, Behavior: in.behavior,
	})
	b.balance(&inv)
	until := in.span.End
	if in.restart != nil {
		until = in.restart.End
	}
	if until.IsZero() {
		ch.Note(subscription.Note{Invoice: &inv})
		return inv, nil
	}
	ch.Charge(inv, paid, until)
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

// first charges a subscription that begins to be billed now, and replaced none.
func (b *book) first(ch *subscription.Change) error {
	cycle, ok := ch.Subscription.Cycle()
	if !ok {
		return nil
	}
	span := cycle.At(b.at)
	_, err := b.charge(ch, charging{restart: &span, behavior: subscription.InvoiceImmediately})
	return err
}

// unused is the invoice of a subscription's end: what was paid for the time after.
func (b *book) unused(s *subscription.Subscription) (subscription.Invoice, error) {
	paid, span, err := b.paid(s)
	if err != nil || span.End.IsZero() {
		return subscription.Invoice{}, err
	}
	inv, _ := subscription.Prorate(subscription.Proration{Paid: paid, Period: span, At: b.at})
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
func (b *book) take(ch *subscription.Change, here place, restart bool) error {
	s := &ch.Subscription
	switch s.Status {
	case subscription.InTrial:
		if here.trial != nil && here.trial.ID != s.ID {
			b.write(here.trial, subscription.Cancel(here.trial.Subscription, subscription.UpgradeOrDowngrade, b.at))
		}
		return nil
	case subscription.Active, subscription.PaymentPending:
	case subscription.NotStarted, subscription.Canceled, subscription.Expired:
		return nil
	}
	if here.trial != nil && s.PricingType != catalog.Free {
		b.write(here.trial, subscription.ReplaceTrial(here.trial.Subscription, b.at))
	}
	in := charging{behavior: b.proration(s.Proration)}
	if old := here.running; old != nil {
		if err := b.price(&old.Subscription); err != nil {
			return err
		}
		var err error
		if in, err = b.chargingOf(&old.Subscription, in.behavior); err != nil {
			return err
		}
		was, billed := old.Cycle()
		if now, ok := s.Cycle(); ok && billed && !restart && was.Period == now.Period && old.Billed() == s.Billed() && !s.Backdated() {
			ch.FollowCycle(was, b.at)
		} else {
			restart = true
		}
		b.write(old, subscription.Cancel(old.Subscription, subscription.UpgradeOrDowngrade, b.at))
	} else {
		restart = true
	}
	cycle, ok := s.Cycle()
	if restart && ok {
		span := cycle.At(b.at)
		in.restart = &span
	}
	if here.running == nil {
		in.behavior = subscription.InvoiceImmediately
	}
	return b.chargeStart(ch, in)
}

// chargeStart charges a subscription that starts. One whose start lies in the past pays from its next period on.
func (b *book) chargeStart(ch *subscription.Change, in charging) error {
	s := &ch.Subscription
	if !s.Backdated() {
		_, err := b.charge(ch, in)
		return err
	}
	inv, _ := subscription.Prorate(subscription.Proration{Paid: in.paid, Period: in.span, At: b.at})
	b.balance(&inv)
	cycle, ok := s.Cycle()
	if !ok {
		ch.Note(subscription.Note{Invoice: &inv})
		return nil
	}
	bill, err := b.bill(s)
	if err == nil {
		ch.Charge(inv, bill.Once(), cycle.At(b.at).End)
	}
	return err
}
