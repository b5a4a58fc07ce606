package provisioning_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/customer"
	"github.com/purserhq/purser/internal/core/provisioning"
	"github.com/purserhq/purser/internal/core/subscription"
	"github.com/purserhq/purser/internal/core/timer"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// heldTrial is a customer on trial whose rows fit.
func heldTrial() provisioning.Held {
	end := noon.Add(24 * time.Hour)
	return provisioning.Held{
		Customer: customer.Customer{RefID: "c1", Trialed: []customer.Trialed{{ProductID: "product-demo", PlanID: "plan-pro"}}},
		Subscriptions: []provisioning.HeldSubscription{{
			Subscription: subscription.Subscription{
				ID: "s", RefID: "s1", CustomerID: "c", CustomerRef: "c1", ProductID: "p", ProductRef: "product-demo", PlanID: "k",
				PlanRef: "plan-pro", PlanVersion: 1, PricingType: catalog.Paid, Status: subscription.InTrial,
				StartDate: noon.Add(-time.Hour), TrialEndDate: &end,
			},
			Timers:        []timer.Timer{{Kind: timer.TrialEnd, CustomerID: "c", Due: end}},
			PlanProductID: "p", VersionPlanID: "k", VersionStatus: catalog.Published, VersionPricing: catalog.Paid,
		}},
	}
}

func TestHeldCheck(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(h *provisioning.Held, s *provisioning.HeldSubscription)
		now    time.Time
		test   bool // the environment has a test clock
		want   []string
	}{
		{name: "what fits"},
		{name: "a timer that is a little late", now: noon.Add(24*time.Hour + 5*time.Minute)},
		{name: "a timer that is late", now: noon.Add(24*time.Hour + 6*time.Minute), want: []string{provisioning.FoundTimerOverdue}},
		{name: "late under a test clock, which moves from timer to timer", now: noon.Add(48 * time.Hour), test: true},
		{
			name: "a trial and another subscription beside it",
			change: func(h *provisioning.Held, s *provisioning.HeldSubscription) {
				h.Subscriptions = append(h.Subscriptions, beside(*s))
			},
		},
		{
			name: "two others in one scope",
			change: func(h *provisioning.Held, s *provisioning.HeldSubscription) {
				b := beside(*s)
				b.Status = subscription.PaymentPending
				h.Subscriptions = append(h.Subscriptions, beside(*s), b)
			},
			want: []string{provisioning.FoundScope},
		},
		{
			name: "the same for two resources",
			change: func(h *provisioning.Held, s *provisioning.HeldSubscription) {
				a, b := beside(*s), beside(*s)
				a.Resource, b.Resource = "r1", "r2"
				for _, sub := range []*provisioning.HeldSubscription{s, &a, &b} {
					sub.PerResource, sub.ResourceKnown = true, true
				}
				s.Resource = "r1"
				h.Subscriptions = append(h.Subscriptions, a, b)
			},
		},
		{
			name:   "a trial that ends before it starts",
			change: func(_ *provisioning.Held, s *provisioning.HeldSubscription) { s.StartDate = *s.TrialEndDate },
			want:   []string{provisioning.FoundState},
		},
		{
			name: "a trial of a free plan",
			change: func(_ *provisioning.Held, s *provisioning.HeldSubscription) {
				s.PricingType, s.VersionPricing = catalog.Free, catalog.Free
			},
			want: []string{provisioning.FoundState},
		},
		{
			name:   "a resource in a product without any",
			change: func(_ *provisioning.Held, s *provisioning.HeldSubscription) { s.Resource, s.ResourceKnown = "r1", true },
			want:   []string{provisioning.FoundResource},
		},
		{
			name:   "an archived customer on trial",
			change: func(h *provisioning.Held, _ *provisioning.HeldSubscription) { h.ArchivedAt = &noon },
			want:   []string{provisioning.FoundArchived},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := heldTrial()
			if c.change != nil {
				c.change(&h, &h.Subscriptions[0])
			}
			if c.now.IsZero() {
				c.now = noon
			}
			var got []string
			for _, f := range h.Check(c.now, !c.test) {
				got = append(got, f.Kind)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("kinds (-want +got):\n%s", diff)
			}
		})
	}
}

// beside is a paid subscription in the scope of a trial.
func beside(s provisioning.HeldSubscription) provisioning.HeldSubscription {
	s.RefID, s.Status, s.TrialEndDate, s.Timers, s.BillingCycleAnchor = "s2", subscription.Active, nil, nil, &s.StartDate
	return s
}
