package subscription_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/rules"
	"github.com/purserhq/purser/internal/core/subscription"
)

// running is a subscription that began at an instant, billed in periods of its own from then on.
func running(pricing, period string, start time.Time) subscription.Subscription {
	s := subscription.Subscription{Status: subscription.Active, PricingType: pricing, BillingPeriod: period, StartDate: start}
	if period != "" || pricing != catalog.Free {
		s.BillingCycleAnchor = &start
	}
	return s
}

func TestHandOver(t *testing.T) {
	t.Parallel()
	const (
		always, never, billing = catalog.AlwaysReset, catalog.NeverReset, catalog.BillingPeriodChange
		month, year            = subscription.Monthly, subscription.Annually
	)
	start, at := noon, noon.AddDate(0, 0, 10)
	earlier := noon.AddDate(0, -3, 0)
	free, monthly, annually, custom := running(catalog.Free, "", start), running(catalog.Paid, month, start), running(catalog.Paid, year, start), running(catalog.Custom, "", start)
	with := func(s subscription.Subscription, change func(*subscription.Subscription)) subscription.Subscription {
		change(&s)
		return s
	}
	carrying := with(monthly, func(s *subscription.Subscription) {
		s.UsageFrom = &subscription.UsageOrigin{Anchor: earlier, Cut: true}
	})
	trial := with(monthly, func(s *subscription.Subscription) { s.Status, s.BillingCycleAnchor = subscription.InTrial, nil })
	restarted := with(monthly, func(s *subscription.Subscription) { s.BillingCycleAnchor = &at })
	basic := with(monthly, func(s *subscription.Subscription) { s.PricingType = catalog.Free }) // its add-ons are paid
	pending := with(carrying, func(s *subscription.Subscription) { s.Status = subscription.PaymentPending })
	again := subscription.UsageOrigin{Anchor: at.Add(time.Microsecond), Cut: true}
	on := subscription.UsageOrigin{Anchor: start}
	for _, tc := range []struct {
		name      string
		rule      string
		old, next subscription.Subscription
		want      subscription.UsageOrigin
	}{
		{"always: another plan begins at 0", always, monthly, monthly, again},
		{"always: also after an earlier change", always, carrying, monthly, again},
		{"always: a trial by a paid plan", always, trial, monthly, again},
		{"a product without a rule always resets", "", monthly, monthly, again},
		{"never: the old anchor stays", never, monthly, annually, on},
		{"never: that of the first one, however often the plan changes", never, carrying, free, *carrying.UsageFrom},
		{"billing: monthly to monthly goes on", billing, monthly, monthly, on},
		{"billing: and takes an earlier reset along", billing, carrying, monthly, *carrying.UsageFrom},
		{"billing: monthly to annually", billing, monthly, annually, again},
		{"billing: annually to monthly", billing, annually, monthly, again},
		{"billing: free to paid", billing, free, monthly, again},
		{"billing: paid to free", billing, annually, free, again},
		{"billing: free to custom", billing, free, custom, again},
		{"billing: custom to paid", billing, custom, monthly, again},
		{"billing: free to free goes on", billing, free, free, on},
		{"billing: custom to custom goes on", billing, custom, custom, on},
		{"billing: the same period in a new cycle", billing, monthly, restarted, again},
		{"billing: free with paid add-ons to paid in the same cycle goes on", billing, basic, monthly, on},
		{"billing: a trial to its own period goes on", billing, trial, restarted, on},
		{"billing: a trial to another period", billing, trial, annually, again},
		{"billing: a trial to free", billing, trial, free, again},
		{"what waited for its payment never ran", always, pending, monthly, *pending.UsageFrom},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			next := tc.next
			next.UsageFrom = nil
			if next.BillingCycleAnchor != &at {
				next.StartDate = at
			}
			if reset := tc.old.HandOver(tc.rule, &next, at); reset != (tc.want == again) {
				t.Errorf("reset: %v", reset)
			}
			if d := cmp.Diff(tc.want, next.UsageOrigin()); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}

func TestUsageBeginsWithTheSubscription(t *testing.T) {
	t.Parallel()
	s := running(catalog.Paid, subscription.Monthly, noon)
	if got, want := s.UsageOrigin(), (subscription.UsageOrigin{Anchor: noon}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	next, pending := running(catalog.Paid, subscription.Monthly, noon.Add(time.Hour)), s
	pending.Status = subscription.PaymentPending
	if pending.HandOver(catalog.NeverReset, &next, next.StartDate) || next.UsageFrom != nil {
		t.Errorf("after a first one that was never paid: %+v", next.UsageFrom)
	}
	converted := subscription.ConvertTrial(subscription.Subscription{Status: subscription.InTrial, PricingType: catalog.Paid, StartDate: noon}, noon.AddDate(0, 0, 14), "").Subscription
	if got, want := converted.UsageOrigin(), (subscription.UsageOrigin{Anchor: noon}); got != want {
		t.Errorf("a converted trial: got %+v, want %+v", got, want)
	}
}

// The acceptance vector 11 of domain-entitlements-usage §17: 70 were used in March, the plan changes on the 20th.
func TestUsageAfterAPlanChange(t *testing.T) {
	t.Parallel()
	used, at, look := noon.AddDate(0, 0, 10), noon.AddDate(0, 0, 19), noon.AddDate(0, 0, 20)
	for _, tc := range []struct {
		name, rule, period string
		want               int64
	}{
		{"ALWAYS_RESET", catalog.AlwaysReset, subscription.Monthly, 0},
		{"NEVER_RESET", catalog.NeverReset, subscription.Monthly, 70},
		{"BILLING_PERIOD_CHANGE monthly to monthly", catalog.BillingPeriodChange, subscription.Monthly, 70},
		{"BILLING_PERIOD_CHANGE monthly to annually", catalog.BillingPeriodChange, subscription.Annually, 0},
	} {
		for _, accordingTo := range []string{"SubscriptionStart", "StartOfTheMonth"} {
			t.Run(tc.name+" "+accordingTo, func(t *testing.T) {
				t.Parallel()
				old, next := running(catalog.Paid, subscription.Monthly, noon), running(catalog.Paid, tc.period, noon)
				next.StartDate = at
				if reset := old.HandOver(tc.rule, &next, at); reset != (tc.want == 0) {
					t.Errorf("a marker: %v", reset)
				}
				r, _ := rules.ParseReset("MONTH", accordingTo)
				o := next.UsageOrigin()
				window := r.Period(rules.Origin{Anchor: o.Anchor.UnixMicro(), Cut: o.Cut}, look.UnixMicro())
				got := int64(0)
				if window.Contains(used.UnixMicro()) {
					got = 70
				}
				if got != tc.want {
					t.Errorf("usage is %d, want %d", got, tc.want)
				}
			})
		}
	}
}

// Rows of entitlements are shared by customers whose usage begins at different times.
func TestOwnKeyLeavesOutWhereUsageBegins(t *testing.T) {
	t.Parallel()
	var plain, moved subscription.Details
	moved.UsageFrom = &subscription.UsageOrigin{Anchor: noon, Cut: true}
	if got := moved.Own().Key(); got != "" {
		t.Errorf("key %q", got)
	}
	plain.Quantities = []subscription.Quantity{{Type: subscription.FeatureType, ID: "seats", Quantity: 3}}
	moved.Quantities = plain.Quantities
	if a, b := plain.Own().Key(), moved.Own().Key(); a != b || a == "" {
		t.Errorf("keys %q and %q", a, b)
	}
	stored, err := json.Marshal(moved)
	var own subscription.Own
	if err == nil {
		err = json.Unmarshal(stored, &own)
	}
	if d := cmp.Diff(moved.Own(), own); err != nil || d != "" {
		t.Errorf("read from what is stored, %v (-want +got):\n%s", err, d)
	}
}
