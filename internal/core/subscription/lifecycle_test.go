package subscription_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/subscription"
	"github.com/purserhq/purser/internal/core/timer"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func plan(pricing string, trial *catalog.Trial) catalog.Package {
	v := &catalog.Version{ID: "v1", Number: 3, Status: catalog.Published, PricingType: pricing, Trial: trial}
	if pricing == catalog.Paid {
		v.Prices = []catalog.Price{{BillingCadence: catalog.Recurring, BillingPeriod: subscription.Monthly}}
	}
	return catalog.Package{ID: "p1", RefID: "plan-pro", Status: catalog.Published, Latest: v}
}

func TestCreate(t *testing.T) {
	t.Parallel()
	past, future := noon.Add(-time.Hour), noon.Add(48*time.Hour)
	fortnight := &catalog.Trial{Duration: 14, Units: "DAY"}
	week := &catalog.Trial{Duration: 7, Units: "DAY", EndBehavior: "CONVERT_TO_PAID"}
	for _, tc := range []struct {
		name    string
		in      subscription.New
		status  subscription.Status
		trialTo time.Time
		period  string
		timers  []string // kind @ due
		events  []string
	}{
		{
			name: "a free plan runs at once", in: subscription.New{Sale: subscription.Sale{Plan: plan(catalog.Free, nil)}},
			status: subscription.Active, events: []string{"subscription.created"},
		},
		{
			name: "a paid plan without a trial runs at once and is billed monthly", in: subscription.New{Sale: subscription.Sale{Plan: plan(catalog.Paid, nil)}},
			status: subscription.Active, period: "MONTHLY", timers: []string{"BILLING_PERIOD_ENDS_SOON@2026-04-01T11:00:00Z"},
			events: []string{"subscription.created"},
		},
		{
			name: "a default trial begins and is announced seven days before its end", in: subscription.New{Sale: subscription.Sale{Plan: plan(catalog.Paid, fortnight)}},
			status: subscription.InTrial, trialTo: noon.Add(14 * 24 * time.Hour), period: "MONTHLY",
			timers: []string{"TRIAL_ENDS_SOON@2026-03-08T12:00:00Z", "TRIAL_END@2026-03-15T12:00:00Z"},
			events: []string{"subscription.created", "subscription.trial_started"},
		},
		{
			name: "a trial of a week is announced at half time", in: subscription.New{Sale: subscription.Sale{Plan: plan(catalog.Paid, week)}},
			status: subscription.InTrial, trialTo: noon.Add(7 * 24 * time.Hour), period: "MONTHLY",
			timers: []string{"TRIAL_ENDS_SOON@2026-03-05T00:00:00Z", "TRIAL_END@2026-03-08T12:00:00Z"},
			events: []string{"subscription.created", "subscription.trial_started"},
		},
		{
			name: "one trial per product", in: subscription.New{Sale: subscription.Sale{Plan: plan(catalog.Paid, fortnight)}, History: subscription.History{Tried: true}},
			status: subscription.Active, period: "MONTHLY", timers: []string{"BILLING_PERIOD_ENDS_SOON@2026-04-01T11:00:00Z"},
			events: []string{"subscription.created"},
		},
		{
			name: "no trial for who has paid", in: subscription.New{Sale: subscription.Sale{Plan: plan(catalog.Paid, fortnight)}, History: subscription.History{Paid: true}},
			status: subscription.Active, period: "MONTHLY", timers: []string{"BILLING_PERIOD_ENDS_SOON@2026-04-01T11:00:00Z"},
			events: []string{"subscription.created"},
		},
		{
			name: "no trial in the past", in: subscription.New{Sale: subscription.Sale{Plan: plan(catalog.Paid, fortnight)}, StartDate: &past},
			status: subscription.Active, period: "MONTHLY", timers: []string{"BILLING_PERIOD_ENDS_SOON@2026-04-01T10:00:00Z"},
			events: []string{"subscription.created"},
		},
		{
			name: "a start ahead is scheduled", in: subscription.New{Sale: subscription.Sale{Plan: plan(catalog.Paid, fortnight)}, StartDate: &future},
			status: subscription.NotStarted, period: "MONTHLY", timers: []string{"SUBSCRIPTION_START@2026-03-03T12:00:00Z"},
			events: []string{"subscription.created"},
		},
		{
			name: "a free plan has no billing period", in: subscription.New{Sale: subscription.Sale{Plan: plan(catalog.Free, nil), BillingPeriod: "MONTHLY"}},
			status: subscription.Active, events: []string{"subscription.created"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			ch := subscription.Create(tc.in, noon)
			s := ch.Subscription
			if s.Status != tc.status || s.BillingPeriod != tc.period || s.PlanVersion != 3 || s.Version != 1 {
				t.Errorf("got %s, period %q, plan version %d, version %d", s.Status, s.BillingPeriod, s.PlanVersion, s.Version)
			}
			if (s.TrialEndDate == nil) != tc.trialTo.IsZero() || s.TrialEndDate != nil && !s.TrialEndDate.Equal(tc.trialTo) {
				t.Errorf("trial ends %v, want %v", s.TrialEndDate, tc.trialTo)
			}
			if ch.Tried != (tc.status == subscription.InTrial) {
				t.Errorf("tried: %v", ch.Tried)
			}
			if d := cmp.Diff(tc.timers, timers(ch.Timers)); d != "" {
				t.Errorf("timers (-want +got):\n%s", d)
			}
			if d := cmp.Diff(tc.events, events(ch)); d != "" {
				t.Errorf("events (-want +got):\n%s", d)
			}
		})
	}
}

func timers(list []timer.Timer) []string {
	var out []string
	for _, t := range list {
		out = append(out, string(t.Kind)+"@"+t.Due.Format(time.RFC3339))
	}
	return out
}

func events(ch subscription.Change) []string {
	var out []string
	for _, e := range ch.Events {
		out = append(out, e.Type)
	}
	return out
}

func TestBeginUsesTheLatestVersion(t *testing.T) {
	t.Parallel()
	future := noon.Add(48 * time.Hour)
	scheduled := subscription.Create(subscription.New{Sale: subscription.Sale{Plan: plan(catalog.Paid, nil)}, StartDate: &future}, noon).Subscription
	now := plan(catalog.Paid, &catalog.Trial{Duration: 1, Units: "MONTH"})
	now.Latest.ID, now.Latest.Number = "v2", 4
	ch := subscription.Begin(scheduled, subscription.Sale{Plan: now}, subscription.History{})
	s := ch.Subscription
	if s.VersionID != "v2" || s.PlanVersion != 4 || s.Status != subscription.InTrial || s.Version != 2 {
		t.Errorf("began as %+v", s)
	}
	if want := time.Date(2026, 4, 3, 12, 0, 0, 0, time.UTC); !s.TrialEndDate.Equal(want) {
		t.Errorf("trial ends %v, want %v", s.TrialEndDate, want)
	}
	if d := cmp.Diff([]string{"subscription.updated", "subscription.trial_started"}, events(ch)); d != "" {
		t.Errorf("events (-want +got):\n%s", d)
	}
}

func TestTrialEnds(t *testing.T) {
	t.Parallel()
	trial := subscription.Create(subscription.New{Sale: subscription.Sale{Plan: plan(catalog.Paid, &catalog.Trial{Duration: 14, Units: "DAY"})}}, noon).Subscription
	end := *trial.TrialEndDate

	expired := subscription.ExpireTrial(trial, end, nil).Subscription
	if expired.Status != subscription.Expired || expired.CancelReason != "TRIAL_ENDED" || !expired.EndDate.Equal(end) || expired.Version != 2 {
		t.Errorf("expired: %+v", expired)
	}
	converted := subscription.ConvertTrial(trial, end, subscription.TrialEnded).Subscription
	if converted.Status != subscription.Active || !converted.BillingCycleAnchor.Equal(end) || converted.EndDate != nil {
		t.Errorf("converted: %+v", converted)
	}
	cancelled := subscription.Cancel(trial, subscription.CustomerArchived, noon).Subscription
	if cancelled.Status != subscription.Canceled || cancelled.CancelReason != "CustomerArchived" || !cancelled.EndDate.Equal(noon) {
		t.Errorf("cancelled: %+v", cancelled)
	}
	if trial.Status != subscription.InTrial || trial.Version != 1 {
		t.Error("a transition changed its input")
	}
}

func TestPeriodClampsToTheAnchorsOwnDay(t *testing.T) {
	t.Parallel()
	anchor := time.Date(2027, 1, 31, 8, 0, 0, 0, time.UTC)
	s := subscription.Subscription{Status: subscription.Active, BillingPeriod: subscription.Monthly, BillingCycleAnchor: &anchor}
	for _, tc := range []struct{ now, start, end string }{
		{"2027-01-31T08:00:00Z", "2027-01-31T08:00:00Z", "2027-02-28T08:00:00Z"},
		{"2027-02-28T07:59:59Z", "2027-01-31T08:00:00Z", "2027-02-28T08:00:00Z"},
		{"2027-02-28T08:00:00Z", "2027-02-28T08:00:00Z", "2027-03-31T08:00:00Z"},
		{"2028-02-29T09:00:00Z", "2028-02-29T08:00:00Z", "2028-03-31T08:00:00Z"},
	} {
		now, _ := time.Parse(time.RFC3339, tc.now)
		start, end, ok := s.Period(now)
		if got := [2]string{start.Format(time.RFC3339), end.Format(time.RFC3339)}; !ok || got != [2]string{tc.start, tc.end} {
			t.Errorf("period of %s: %v, want %s to %s", tc.now, got, tc.start, tc.end)
		}
	}
}

func TestPeriodsTileTime(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		anchor := time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "anchor"), 0).UTC()
		now := anchor.Add(time.Duration(rapid.Int64Range(0, 20*365*24*3600).Draw(t, "later")) * time.Second)
		period := rapid.SampledFrom([]string{subscription.Monthly, subscription.Annually}).Draw(t, "period")
		s := subscription.Subscription{Status: subscription.Active, BillingPeriod: period, BillingCycleAnchor: &anchor}
		start, end, _ := s.Period(now)
		if start.After(now) || !end.After(now) || start.Before(anchor) {
			t.Fatalf("%v is not within %v to %v", now, start, end)
		}
		next, _, _ := s.Period(end)
		if !next.Equal(end) {
			t.Fatalf("a gap between %v and %v", end, next)
		}
	})
}

// A period that the plan has lost meanwhile cannot be billed any more: it begins in one that the plan has.
func TestBeginInAPeriodThatIsSold(t *testing.T) {
	t.Parallel()
	future := noon.Add(48 * time.Hour)
	p := plan(catalog.Paid, nil)
	fee := catalog.Price{BillingModel: catalog.FlatFee, BillingCadence: catalog.Recurring, BillingPeriod: catalog.Annually}
	p.Latest.Prices = append(p.Latest.Prices, fee)
	scheduled := subscription.Create(subscription.New{Sale: subscription.Sale{Plan: p, BillingPeriod: catalog.Annually}, StartDate: &future}, noon).Subscription
	if scheduled.BillingPeriod != catalog.Annually {
		t.Fatalf("scheduled %s", scheduled.BillingPeriod)
	}
	s := subscription.Begin(scheduled, subscription.Sale{Plan: plan(catalog.Paid, nil)}, subscription.History{}).Subscription
	if s.BillingPeriod != catalog.Monthly || len(s.Prices) != 1 {
		t.Errorf("began %s with %+v", s.BillingPeriod, s.Prices)
	}
}
