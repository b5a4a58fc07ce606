package provisioning

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/purserhq/purser/internal/base/money"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/base/tx"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/event"
	"github.com/purserhq/purser/internal/core/subscription"
)

// paymentWait is how long a request waits for the outcome of a charge (§9.4 row 10).
const paymentWait = 25 * time.Second

// facts are what a billing provider says about a payer. They are asked for before the transaction.
type facts struct {
	connected     bool
	hasMethod     bool
	hostsCheckout bool
	prepaid       bool
}

// payment is what has to happen after the transaction, or in its place.
type payment struct {
	checkout bool // nothing was written: the customer pays first
	held     bool // the change of a subscription that runs waits for it
	invoice  subscription.Invoice
	payer    string
	method   string
	noWait   bool
	// subscription is the refId of the one that waits.
	subscription string
}

// ask asks the provider about whoever pays.
func (s *Service) ask(ctx context.Context, env tenant.ID, r SubscribeRequest) (f facts, err error) {
	if s.billing == nil || !s.billing.Connected(env) {
		return f, nil
	}
	payer := r.CustomerID
	if r.PayingCustomerID != "" {
		payer = r.PayingCustomerID
	}
	f.connected, f.hostsCheckout = true, s.billing.HostsCheckout(env)
	f.hasMethod, err = s.billing.HasPaymentMethod(ctx, env, payer)
	return f, err
}

// askAbout asks the provider about whoever pays for a subscription.
func (s *Service) askAbout(ctx context.Context, env tenant.ID, ref string) (f facts, err error) {
	if s.billing == nil || !s.billing.Connected(env) {
		return f, nil
	}
	v, err := s.Subscription(ctx, env, ref)
	if err != nil {
		return f, err
	}
	return s.ask(ctx, env, SubscribeRequest{CustomerID: v.CustomerRef, Params: Params{PayingCustomerID: v.PayingCustomerRef}})
}

// updateOrHold changes a subscription, or lets the change wait when it has to be paid first (§9.4 row 19, §9.7).
func (b *book) updateOrHold(p *entry, u Update) (res subscribing, err error) {
	var from, to subscription.Terms
	err = b.attempt(func() error {
		if b.facts.connected {
			if from, to, err = b.wanted(p, u); err != nil {
				return err
			}
		}
		res, err = b.update(p, u)
		charged := p.CollectionMethod == "" || p.CollectionMethod == subscription.CollectCharge
		if err == nil && b.facts.connected && charged && res.invoice.AmountDue.Sign() > 0 {
			return errHeld
		}
		return err
	})
	if !errors.Is(err, errHeld) {
		return res, err
	}
	if !b.facts.hasMethod {
		return res, subscription.ErrNoPaymentMethod.Because("The customer has no payment method, and the change costs %s %s.", res.invoice.AmountDue, res.invoice.Currency)
	}
	m, err := b.modification(p, u)
	if err != nil {
		return res, err
	}
	need := &payment{invoice: res.invoice, payer: cmp.Or(p.PayingCustomerRef, b.c.RefID), method: subscription.CollectCharge}
	return b.hold(p, need, res.direction, futures(m, subscription.Differences(from, to), from, b.at)...), nil
}

// errHeld takes back what a payment has to come before.
var errHeld = errors.New("provisioning: it waits for a payment")

// payment decides what has to be paid before a subscription runs (§9.4); nil for nothing.
func (b *book) payment(in Params, s *subscription.Subscription, here place, inv subscription.Invoice) (*payment, error) {
	need, err := subscription.Payment{
		PricingType: s.PricingType, InTrial: s.Status == subscription.InTrial, TrialEndBehavior: s.TrialEndBehavior,
		Method: s.CollectionMethod, InvoicePaid: in.InvoicePaid, Connected: b.facts.connected && !b.facts.prepaid, HasMethod: b.facts.hasMethod,
		Checkout: in.Checkout != nil, HostsCheckout: b.facts.hostsCheckout, Due: inv.AmountDue.Sign() > 0,
		Later:    s.Status == subscription.NotStarted || s.Backdated(),
		Replaces: here.running != nil && here.running.PricingType == catalog.Paid,
	}.Need()
	if err != nil || need == subscription.NothingToPay {
		return nil, err
	}
	p := &payment{
		checkout: need == subscription.NeedsCheckout, invoice: inv, payer: s.CustomerRef, method: subscription.CollectCharge,
		noWait: in.NoWait, subscription: s.RefID, held: here.running != nil && here.running.PricingType == catalog.Paid,
	}
	if s.PayingCustomerRef != "" {
		p.payer = s.PayingCustomerRef
	}
	if need == subscription.NeedsInvoice {
		p.method = subscription.CollectInvoice
	}
	return p, nil
}

// hold makes a change wait for its payment: the subscription goes on as it is (§9.7).
func (b *book) hold(p *entry, need *payment, d subscription.Direction, add ...subscription.FutureUpdate) subscribing {
	s := p.Subscription
	s.FutureUpdates = slices.DeleteFunc(slices.Clone(s.FutureUpdates), func(f subscription.FutureUpdate) bool {
		return f.Status == subscription.WaitsForPayment
	})
	for i := range add {
		add[i].Status = subscription.WaitsForPayment
	}
	s.Schedule(func(subscription.FutureUpdate) bool { return true }, add...)
	s.PaymentCollection = subscription.CollectionProcessing
	b.write(p, subscription.Updated(s, b.at, subscription.Note{Reason: "PAYMENT_PENDING"}))
	need.subscription = p.RefID
	return subscribing{entry: p, direction: d, invoice: need.invoice, need: need}
}

// pay sends the customer to pay, or charges it, after the transaction.
func (s *Service) pay(ctx context.Context, env tenant.ID, r SubscribeRequest, need *payment, out Subscribed) (Subscribed, error) {
	if need.checkout {
		frozen, err := json.Marshal(r.Params)
		if err != nil {
			return out, fmt.Errorf("freeze a subscription: %w", err)
		}
		checkout, err := s.billing.CreateCheckout(ctx, env, subscription.CheckoutRequest{
			CustomerRef: need.payer, Options: *r.Checkout, Invoice: need.invoice, Subscription: frozen,
		})
		out.Checkout = &checkout
		return out, err
	}
	if need.noWait {
		s.tasks.background(ctx, func(ctx context.Context) { _, _ = s.charge(ctx, env, need) })
		return out, nil
	}
	view, err := s.charge(ctx, env, need)
	if err == nil {
		out.View = view
		out.Entitlements, err = s.answersFor(ctx, env, r.CustomerID, view.Resource)
	}
	return out, err
}

// charge charges what a subscription waits for and settles the outcome. A declined payment is ErrPaymentDeclined: the
// subscription keeps waiting, for PaymentExpires.
func (s *Service) charge(ctx context.Context, env tenant.ID, need *payment) (View, error) {
	wait, cancel := context.WithTimeout(ctx, paymentWait)
	defer cancel()
	res, err := s.billing.Charge(wait, env, subscription.ChargeRequest{
		CustomerRef: need.payer, SubscriptionID: need.subscription, Invoice: need.invoice, Method: need.method, Key: need.subscription,
	})
	if errors.Is(err, context.DeadlineExceeded) {
		res.Outcome, err = subscription.ChargeProcessing, nil
	}
	if err != nil {
		return View{}, fmt.Errorf("charge %s: %w", need.subscription, err)
	}
	view, err := s.PaymentSettled(context.WithoutCancel(ctx), env, need.subscription, need.invoice, res)
	if err == nil && (res.Outcome == subscription.ChargeFailed || res.Outcome == subscription.ChargeActionRequired) {
		err = subscription.ErrPaymentDeclined.Because("The payment did not succeed (%s). The customer can pay at %s.", res.Outcome, res.PaymentURL)
	}
	return view, err
}

// PaymentSettled takes over what a provider says about the payment of a subscription: one that waited for it becomes
// active, and a change that waited is made. Saying it twice changes nothing more.
func (s *Service) PaymentSettled(ctx context.Context, env tenant.ID, ref string, inv subscription.Invoice, res subscription.ChargeResult) (View, error) {
	ctx = event.WithActor(tx.WithoutOnce(ctx), event.System("billing"))
	return s.onSubscription(ctx, env, ref, nil, func(b *book, p *entry) error {
		waited := p.Status == subscription.PaymentPending
		reason := "SUBSCRIPTION_UPDATE"
		if waited {
			reason = "SUBSCRIPTION_CREATION"
		}
		made := res.Invoice(inv, reason, b.at)
		if old := p.LatestInvoice; old != nil && old.BillingID == made.BillingID && old.Status == made.Status && old.RequiresAction == made.RequiresAction && res.Outcome == subscription.ChargePaid {
			return nil
		}
		b.write(p, subscription.Pay(p.Subscription, res.Outcome, made, b.at))
		if waited && p.Status == subscription.Active {
			b.paysIn(&p.Subscription)
			b.entitled(p.Resource, "subscription_activated")
		}
		if res.Outcome != subscription.ChargePaid {
			return nil
		}
		return b.release(p)
	})
}

// release makes the changes that waited for their payment, as of the time at which they were asked for.
func (b *book) release(p *entry) error {
	held := func(f subscription.FutureUpdate) bool { return f.Status == subscription.WaitsForPayment }
	i := slices.IndexFunc(p.FutureUpdates, held)
	if i < 0 {
		return nil
	}
	now := b.at
	b.at = p.FutureUpdates[i].At
	defer func() { b.at = now }()
	return b.carryOut(p, held)
}

// CheckoutCompleted subscribes a customer who has paid on a checkout page, to what was asked for when the page was made.
func (s *Service) CheckoutCompleted(ctx context.Context, env tenant.ID, customerRef string, frozen []byte) (Subscribed, error) {
	var in Params
	if err := json.Unmarshal(frozen, &in); err != nil {
		return Subscribed{}, fmt.Errorf("read a frozen subscription: %w", err)
	}
	return s.Subscribe(ctx, env, SubscribeRequest{CustomerID: customerRef, Params: in, Prepaid: true})
}

// MarkInvoicePaid says that the open invoice of a subscription was paid; one without is ErrStatus.
func (s *Service) MarkInvoicePaid(ctx context.Context, env tenant.ID, ref string) (View, error) {
	return s.onSubscription(ctx, env, ref, nil, func(b *book, p *entry) error {
		inv := p.LatestInvoice
		if inv == nil || inv.Status != "OPEN" {
			return subscription.ErrStatus.Because("The subscription %s has no open invoice.", ref)
		}
		paid := *inv
		paid.Status = "PAID"
		waited := p.Status == subscription.PaymentPending
		b.write(p, subscription.Pay(p.Subscription, subscription.ChargePaid, &paid, b.at))
		if waited {
			b.paysIn(&p.Subscription)
			b.entitled(p.Resource, "subscription_activated")
		}
		return nil
	})
}

// payable reports whether a trial can convert: without billing it always can, with it the customer needs a payment method.
func (b *book) payable() bool {
	connected := b.billing != nil && b.billing.Connected(b.env)
	return !connected || b.c.DefaultPaymentMethod != nil
}

// UsageCharge is what was billed for usage before its period ended.
type UsageCharge struct {
	SubscriptionID   string
	Start, End       time.Time
	InvoiceBillingID string // "" without billing
	Charged          []UsageCharged
}

// UsageCharged is the usage of a feature that was billed.
type UsageCharged struct {
	FeatureID string
	Amount    money.Decimal
}

// ChargeUsage bills the usage of the present period up to an instant. Without billing nothing is billed, and the answer
// says so: no invoice and no usage.
func (s *Service) ChargeUsage(ctx context.Context, env tenant.ID, ref string, until *time.Time) (UsageCharge, error) {
	v, err := s.Subscription(ctx, env, ref)
	if err != nil {
		return UsageCharge{}, err
	}
	if v.Status.Ended() {
		return UsageCharge{}, subscription.ErrEnded
	}
	out := UsageCharge{SubscriptionID: v.RefID, Start: v.StartDate, End: v.At}
	if start, _, ok := v.Period(v.At); ok {
		out.Start = start
	}
	if until != nil {
		out.End = *until
	}
	return out, nil
}

// SyncUsage sends usage to the billing provider; triggered is false without one.
func (s *Service) SyncUsage(ctx context.Context, env tenant.ID, ref string) (triggered bool, err error) {
	_, err = s.Subscription(ctx, env, ref)
	return false, err
}
