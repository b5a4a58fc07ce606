package subscription

import (
	"slices"
	"time"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/event"
	"github.com/purserhq/purser/internal/core/journey"
	"github.com/purserhq/purser/internal/core/timer"
)

// What paying can lack (domain-catalog-provisioning §9.4).
var (
	ErrCheckoutMissing     = errs.New(errs.Invalid, "CheckoutOptionsMissing", "The customer has no payment method: give checkoutOptions to let them pay.")
	ErrCheckoutUnsupported = errs.New(errs.Invalid, "CheckoutIsNotSupported", "The connected billing has no page for customers to pay on.")
	ErrNoPaymentMethod     = errs.New(errs.Invalid, "CustomerHasNoPaymentMethod", "The customer has no payment method.")
	ErrPaymentDeclined     = errs.New(errs.Invalid, "PaymentDeclined", "The payment was declined.")
)

// Payment is what the need for a payment rests on.
type Payment struct {
	PricingType      string
	InTrial          bool
	TrialEndBehavior string
	Method           string // CHARGE, INVOICE, NONE or "" for CHARGE
	InvoicePaid      bool   // the caller says so
	Connected        bool   // billing is
	HasMethod        bool   // the payer has a payment method
	Checkout         bool   // checkoutOptions were given
	HostsCheckout    bool   // the provider has a page to pay on
	Due              bool   // something is to be paid now
	Later            bool   // it starts later, or started before: the first payment comes by itself
	Replaces         bool   // it changes a paid subscription that runs
}

// Need is what has to be done about a payment before a subscription is active.
type Need uint8

// The needs.
const (
	NothingToPay Need = iota // it is active, or on trial, at once
	NeedsCheckout
	NeedsCharge
	NeedsInvoice // active once the invoice is paid
)

// Need decides the rows of domain-catalog-provisioning §9.4. The error says what is missing.
func (p Payment) Need() (Need, error) {
	switch {
	case !p.Connected, p.PricingType != catalog.Paid, p.Method == CollectNone:
		return NothingToPay, nil
	case p.InTrial && (p.TrialEndBehavior != string(journey.ConvertToPaid) || p.HasMethod || !p.Checkout):
		return NothingToPay, nil
	case !p.InTrial && !p.Due && !p.Later:
		return NothingToPay, nil
	case p.Method == CollectInvoice && !p.InTrial:
		if p.InvoicePaid || p.Later {
			return NothingToPay, nil
		}
		return NeedsInvoice, nil
	case p.HasMethod:
		if p.Later {
			return NothingToPay, nil
		}
		return NeedsCharge, nil
	case p.Replaces:
		return NothingToPay, ErrNoPaymentMethod
	case !p.Checkout:
		return NothingToPay, ErrCheckoutMissing
	case !p.HostsCheckout:
		return NothingToPay, ErrCheckoutUnsupported
	}
	return NeedsCheckout, nil
}

// paymentPatience is how long a payment may be outstanding (§9.4).
const paymentPatience = 23 * time.Hour

// Payment collections (§9.1).
const (
	CollectionProcessing = "PROCESSING"
	CollectionFailed     = "FAILED"
	CollectionAction     = "ACTION_REQUIRED"
)

// AwaitPayment makes a subscription that begins wait for its payment: it gives no access until then.
func (c *Change) AwaitPayment(at time.Time) {
	s := &c.Subscription
	s.Status, s.PaymentCollection = PaymentPending, CollectionProcessing
	c.Timers = slices.DeleteFunc(c.Timers, func(t timer.Timer) bool { return t.Kind == timer.PeriodEndsSoon })
	c.Timers = append(c.Timers, s.timer(timer.PaymentExpires, at.Add(paymentPatience)))
	if t, ok := c.Events[0].Payload.(told); ok {
		t.Status = PaymentPending
		c.Events[0].Payload = t
	}
}

// Pay settles what a provider says about the payment of a subscription: one that waited for it becomes active. inv is the
// invoice as the provider made it.
func Pay(s Subscription, outcome string, inv *LatestInvoice, at time.Time) Change {
	c := Change{}
	if inv != nil {
		s.LatestInvoice = inv
	}
	reason := "PAYMENT_" + outcome
	switch outcome {
	case ChargePaid:
		s.PaymentCollection = paymentNotRequired
		if s.Status == PaymentPending {
			s.Status = Active
			c.Drop = []timer.Kind{timer.PaymentExpires}
			s.announcePeriod(&c, at)
		}
	case ChargeFailed:
		s.PaymentCollection = CollectionFailed
	case ChargeActionRequired:
		s.PaymentCollection = CollectionAction
	default:
		s.PaymentCollection = CollectionProcessing
	}
	s.touch(at)
	c.Subscription = s
	c.Events = []event.Event{s.eventWith(typeUpdated, at, Note{Reason: reason})}
	return c
}

// NothingDue says that no payment of the subscription is outstanding.
func (s *Subscription) NothingDue() { s.PaymentCollection = paymentNotRequired }
