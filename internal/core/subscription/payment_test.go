package subscription_test

import (
	"errors"
	"testing"

	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/subscription"
)

// The rows of domain-catalog-provisioning §9.4, by their numbers.
func TestPaymentNeed(t *testing.T) {
	t.Parallel()
	due := subscription.Payment{PricingType: catalog.Paid, Connected: true, HostsCheckout: true, Due: true}
	with := func(p subscription.Payment, change func(*subscription.Payment)) subscription.Payment {
		change(&p)
		return p
	}
	method := func(p *subscription.Payment) { p.HasMethod = true }
	checkout := func(p *subscription.Payment) { p.Checkout = true }
	trial := with(due, func(p *subscription.Payment) { p.InTrial, p.Due = true, false })
	convert := with(trial, func(p *subscription.Payment) { p.TrialEndBehavior = "CONVERT_TO_PAID" })
	for _, tc := range []struct {
		name string
		in   subscription.Payment
		want subscription.Need
		err  error
	}{
		{"1: a free plan", with(due, func(p *subscription.Payment) { p.PricingType = catalog.Free }), subscription.NothingToPay, nil},
		{"2: no billing", with(due, func(p *subscription.Payment) { p.Connected = false }), subscription.NothingToPay, nil},
		{"3: a payment method is charged", with(due, method), subscription.NeedsCharge, nil},
		{"4: none, and a page to pay on", with(due, checkout), subscription.NeedsCheckout, nil},
		{"5: none, and no page", due, subscription.NothingToPay, subscription.ErrCheckoutMissing},
		{
			"6: the provider has no page", with(due, func(p *subscription.Payment) { p.Checkout, p.HostsCheckout = true, false }),
			subscription.NothingToPay, subscription.ErrCheckoutUnsupported,
		},
		{"7: by invoice", with(due, func(p *subscription.Payment) { p.Method = "INVOICE" }), subscription.NeedsInvoice, nil},
		{"7: by an invoice that is paid", with(due, func(p *subscription.Payment) { p.Method, p.InvoicePaid = "INVOICE", true }), subscription.NothingToPay, nil},
		{"8: nothing is billed", with(due, func(p *subscription.Payment) { p.Method = "NONE" }), subscription.NothingToPay, nil},
		{"9: a custom plan", with(due, func(p *subscription.Payment) { p.PricingType = catalog.Custom }), subscription.NothingToPay, nil},
		{"13: a trial that ends", trial, subscription.NothingToPay, nil},
		{"14: a trial that converts, with a page: the card comes first", with(convert, checkout), subscription.NeedsCheckout, nil},
		{"15: a trial that converts, without a page", convert, subscription.NothingToPay, nil},
		{"15: a trial that converts, with a payment method", with(convert, method), subscription.NothingToPay, nil},
		{"16: nothing is due", with(due, func(p *subscription.Payment) { p.Due = false }), subscription.NothingToPay, nil},
		{"17: it began before, with a page", with(due, func(p *subscription.Payment) { p.Due, p.Later, p.Checkout = false, true, true }), subscription.NeedsCheckout, nil},
		{"18: it begins later, with a page", with(due, func(p *subscription.Payment) { p.Due, p.Later, p.Checkout = false, true, true }), subscription.NeedsCheckout, nil},
		{"18: it begins later, without a page", with(due, func(p *subscription.Payment) { p.Due, p.Later = false, true }), subscription.NothingToPay, subscription.ErrCheckoutMissing},
		{"18: it begins later, with a payment method", with(due, func(p *subscription.Payment) { p.Due, p.Later, p.HasMethod = false, true, true }), subscription.NothingToPay, nil},
		{
			"19: a change of what is paid, without a payment method", with(due, func(p *subscription.Payment) { p.Replaces, p.Checkout = true, true }),
			subscription.NothingToPay, subscription.ErrNoPaymentMethod,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := tc.in.Need()
			if got != tc.want || !errors.Is(err, tc.err) {
				t.Errorf("got %d, %v; want %d, %v", got, err, tc.want, tc.err)
			}
		})
	}
}
