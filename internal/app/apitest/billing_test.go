package apitest

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/purserhq/purser/internal/app"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/subscription"
	"github.com/purserhq/purser/internal/store/storetest"
)

// provider stands in for a billing provider.
type provider struct {
	mu      sync.Mutex
	cards   map[string]bool // customers with a payment method
	noPage  bool
	outcome string // of charges; PAID when empty
	charges []subscription.ChargeRequest
	pages   []subscription.CheckoutRequest
}

func (p *provider) Connected(env tenant.ID) bool { return env == 1 }
func (p *provider) HostsCheckout(tenant.ID) bool { return !p.noPage }
func (p *provider) give(customer string)         { p.mu.Lock(); defer p.mu.Unlock(); p.cards[customer] = true }

func (p *provider) charged() int { p.mu.Lock(); defer p.mu.Unlock(); return len(p.charges) }

func (p *provider) last() (r subscription.ChargeRequest) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.charges[len(p.charges)-1]
}

func (p *provider) HasPaymentMethod(_ context.Context, _ tenant.ID, customer string) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cards[customer], nil
}

func (p *provider) CreateCheckout(_ context.Context, _ tenant.ID, in subscription.CheckoutRequest) (subscription.Checkout, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pages = append(p.pages, in)
	return subscription.Checkout{URL: "https://pay.example/1", BillingID: "cs_1"}, nil
}

func (p *provider) Charge(_ context.Context, _ tenant.ID, in subscription.ChargeRequest) (subscription.ChargeResult, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.charges = append(p.charges, in)
	r := subscription.ChargeResult{Outcome: p.outcome, BillingID: fmt.Sprintf("in_%d", len(p.charges)), PaymentURL: "https://pay.example/in"}
	if r.Outcome == "" {
		r.Outcome = subscription.ChargePaid
	}
	if in.Method == subscription.CollectInvoice {
		r.Outcome = subscription.ChargeProcessing
	}
	return r, nil
}

// billed runs a test against a server with a billing provider, on every engine.
func billed(t *testing.T, fn func(t *testing.T, s *server, p *provider)) {
	t.Helper()
	t.Parallel()
	for _, engine := range storetest.Engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			p := &provider{cards: map[string]bool{}}
			s := start(t, engine, func(c *app.Config) { c.Billing = p })
			s.fill()
			for _, id := range []string{"acme", "bolt"} {
				s.post(customers, fmt.Sprintf(`{"id":%q}`, id)).want(201)
			}
			fn(t, s, p)
		})
	}
}

const page = `"checkoutOptions":{"successUrl":"https://acme.example/ok","cancelUrl":"https://acme.example/no"}`

// take is the body that subscribes a customer to a plan.
func take(customer, plan string, more ...string) string {
	body := fmt.Sprintf(`{"customerId":%q,"planId":%q`, customer, plan)
	for _, m := range more {
		body += "," + m
	}
	return body + "}"
}

func TestScenario13PaymentIsRequired(t *testing.T) {
	billed(t, func(t *testing.T, s *server, p *provider) {
		since := s.here()
		s.post(subscriptions, take("acme", "gold", page)).want(201).
			has("data.status", "PAYMENT_REQUIRED", "data.checkoutUrl", "https://pay.example/1", "data.checkoutBillingId", "cs_1", "data.subscription", nil)
		s.post(subscriptions, take("acme", "gold")).refused(400, "CheckoutOptionsMissing")
		p.noPage = true
		s.post(subscriptions, take("acme", "gold", page)).refused(400, "CheckoutIsNotSupported")
		s.happened(since)
		if p.charged() != 0 || len(p.pages) != 1 || p.pages[0].Invoice.Total.String() != "20.50" {
			t.Errorf("%d charges, pages %+v", p.charged(), p.pages)
		}
		// What needs no payment is there at once.
		s.post(subscriptions, take("acme", "base")).want(201).has("data.status", "SUCCESS", "data.subscription.status", "ACTIVE")
		s.post(subscriptions, take("bolt", "vip", `"entitlements":[{"type":"FEATURE","id":"seats","usageLimit":7}]`)).want(201).
			has("data.subscription.status", "ACTIVE", "data.subscription.paymentCollection", "NOT_REQUIRED")
	})
}

func TestAChargeComesBeforeAccess(t *testing.T) {
	billed(t, func(t *testing.T, s *server, p *provider) {
		p.give("acme")
		id := s.post(subscriptions, take("acme", "gold")).want(201).
			has("data.status", "SUCCESS", "data.subscription.status", "ACTIVE", "data.subscription.latestInvoice.status", "PAID",
				"data.subscription.paymentCollection", "NOT_REQUIRED").text("data.id")
		if got := p.last(); got.CustomerRef != "acme" || got.SubscriptionID != id || got.Invoice.AmountDue.String() != "20.50" {
			t.Errorf("charged %+v", got)
		}
		s.check("acme", "seats").has("data.isGranted", true)

		p.give("bolt")
		p.outcome = subscription.ChargeFailed
		s.post(subscriptions, take("bolt", "gold", `"id":"sub-bolt"`)).refused(402, "PaymentDeclined")
		s.get(subscriptions+"/sub-bolt").want(200).has("data.status", "PAYMENT_PENDING", "data.paymentCollection", "FAILED", "data.latestInvoice.status", "OPEN")
		s.check("bolt", "seats").has("data.isGranted", false, "data.accessDeniedReason", "NoActiveSubscription")
		// Marked as paid it is active; nobody can do that twice.
		s.post(subscriptions+"/sub-bolt/invoice/paid", "").want(200).has("data.id", "sub-bolt")
		s.get(subscriptions+"/sub-bolt").want(200).has("data.status", "ACTIVE", "data.latestInvoice.status", "PAID")
		s.check("bolt", "seats").has("data.isGranted", true)
		s.post(subscriptions+"/sub-bolt/invoice/paid", "").refused(409, "InvalidSubscriptionStatus")
	})
}

func TestAPaymentThatNobodyMakesExpires(t *testing.T) {
	billed(t, func(t *testing.T, s *server, p *provider) {
		p.give("acme")
		p.outcome = subscription.ChargeActionRequired
		s.post(subscriptions, take("acme", "gold", `"id":"sub-1"`)).refused(402, "PaymentDeclined")
		s.get(subscriptions+"/sub-1").want(200).has("data.paymentCollection", "ACTION_REQUIRED", "data.latestInvoice.requiresAction", true)
		s.moveTo(begin.Add(day))
		s.get(subscriptions+"/sub-1").want(200).has("data.status", "CANCELED", "data.cancelReason", "PENDING_PAYMENT_EXPIRED")
		// By invoice it waits too, and nothing is charged where nothing is billed.
		s.post(subscriptions, take("bolt", "gold", `"paymentCollectionMethod":"INVOICE"`, `"id":"sub-2"`)).want(201).has("data.subscription.status", "PAYMENT_PENDING")
		n := p.charged()
		s.post(subscriptions+"/sub-2/cancel", `{}`).want(200).has("data.status", "CANCELED")
		s.post(subscriptions, take("bolt", "gold", `"paymentCollectionMethod":"NONE"`)).want(201).has("data.subscription.status", "ACTIVE")
		if p.charged() != n {
			t.Error("something was charged")
		}
	})
}

// A change that has to be paid waits; until then the subscription goes on as it is (§9.7).
func TestAPaidChangeWaitsForItsPayment(t *testing.T) {
	billed(t, func(t *testing.T, s *server, p *provider) {
		p.give("acme")
		id := s.post(subscriptions, take("acme", "gold", addons("extra", 1))).want(201).text("data.id")
		p.outcome = subscription.ChargeFailed
		s.patch(subscriptions+"/"+id, `{`+addons("extra", 3)+`}`).refused(402, "PaymentDeclined")
		s.get(subscriptions+"/"+id).want(200).has("data.status", "ACTIVE", "data.addons.0.quantity", 1, "data.paymentCollection", "FAILED",
			"data.futureUpdates.0.scheduleStatus", "PENDING_PAYMENT", "data.futureUpdates.0.subscriptionScheduleType", "ADDON")
		s.limit("acme", "seats", 12)
		s.del(subscriptions+"/"+id+"/future-update/pending-payment").want(200).has("data.id", id)
		s.get(subscriptions+"/"+id).want(200).has("data.futureUpdates", []any{}, "data.paymentCollection", "NOT_REQUIRED")

		p.outcome = ""
		s.patch(subscriptions+"/"+id, `{`+addons("extra", 3)+`}`).want(200).
			has("data.addons.0.quantity", 3, "data.futureUpdates", []any{}, "data.paymentCollection", "NOT_REQUIRED", "data.latestInvoice.total", 10)
		s.limit("acme", "seats", 16)
		// Another plan: the old one gives access until the new one is paid.
		p.outcome = subscription.ChargeFailed
		s.post(subscriptions, take("acme", "two", `"billingPeriod":"ANNUALLY"`, `"id":"sub-two"`)).refused(402, "PaymentDeclined")
		s.get(subscriptions+"/"+id).want(200).has("data.status", "ACTIVE", "data.futureUpdates.0.scheduleStatus", "PENDING_PAYMENT", "data.futureUpdates.0.targetPackage.id", "two")
		p.outcome = ""
		s.post(subscriptions, take("acme", "two", `"billingPeriod":"ANNUALLY"`, `"id":"sub-two"`)).want(201).has("data.subscription.status", "ACTIVE")
		s.get(subscriptions+"/"+id).want(200).has("data.status", "CANCELED", "data.cancelReason", "UPGRADE_OR_DOWNGRADE")
		// Without a payment method a paid subscription cannot be changed for money.
		p.cards = map[string]bool{}
		s.post(subscriptions+"/sub-two/delegate", `{"targetCustomerId":"bolt"}`).refused(402, "CustomerHasNoPaymentMethod", "targetCustomerId")
	})
}

// In one call with the customer there is no checkout: it has to bring its payment method (§6.5).
func TestProvisioningACustomerWithBilling(t *testing.T) {
	billed(t, func(t *testing.T, s *server, p *provider) {
		since := s.here()
		s.post(customers, provision("nova", "gold")).refused(402, "CustomerHasNoPaymentMethod")
		s.happened(since)
		s.get(customers + "/nova").want(404)
	})
}
