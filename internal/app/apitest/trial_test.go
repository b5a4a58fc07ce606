package apitest

import (
	"fmt"
	"testing"
	"time"
)

func TestTrialEndRevokes(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.journey(startTrial + "," + endRevoke)
		s.post(customers, provision("acme", "plan-free")).want(201)
		since := s.here()
		s.moveTo(begin.Add(14 * day))
		trial := s.subscriptionOf("acme")
		s.get("/api/v1/subscriptions/"+trial).want(200).has("data.status", "EXPIRED", "data.cancelReason", "TRIAL_ENDED")
		s.check("acme", "feature-seats").has("data.isGranted", false, "data.accessDeniedReason", "NoActiveSubscription")
		s.happened(since, "subscription.trial.ends_soon subscription "+trial, "subscription.trial_expired subscription "+trial,
			"entitlements.updated customer acme", "environment.clock_moved environment clock")
	})
}

// The end of a trial follows the settings in force at that moment (contract §3.2).
func TestTrialEndFollowsTheSettingsOfThatMoment(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.journey(startTrial + "," + endRevoke)
		s.post(customers, provision("acme", "plan-free")).want(201)
		s.journey(selectFirst + "," + endFree)
		s.moveTo(begin.Add(20 * day))
		s.get("/api/v1/subscriptions/"+s.subscriptionOf("acme")).want(200).has("data.planId", "plan-free", "data.status", "ACTIVE")
	})
}

func TestTrialConvertsToPaid(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.trialPlan("plan-convert", `{"duration":4,"units":"DAY","trialEndBehavior":"CONVERT_TO_PAID"}`)
		s.post(customers, provision("acme", "plan-convert")).want(201).
			has("data.subscription.status", "IN_TRIAL", "data.subscription.trial.trialEndBehavior", "CONVERT_TO_PAID",
				"data.subscriptionDecisionStrategy", "REQUESTED_PLAN")
		sub := s.subscriptionOf("acme")
		since := s.here()
		end := begin.Add(4 * day)
		s.moveTo(end.Add(day))
		s.get("/api/v1/subscriptions/"+sub).want(200).
			has("data.status", "ACTIVE", "data.cancelReason", nil, "data.endDate", nil, "data.billingCycleAnchor", stamp(end),
				"data.currentBillingPeriodStart", stamp(end), "data.currentBillingPeriodEnd", stamp(end.AddDate(0, 1, 0)))
		events := s.happened(since, "subscription.trial.ends_soon subscription "+sub, "subscription.trial_converted subscription "+sub,
			"entitlements.updated customer acme", "environment.clock_moved environment clock")
		if at := begin.Add(2 * day); !events[0].At.Equal(at) { // half time of a short trial (§9.6)
			t.Errorf("the end is announced at %s, want %s", events[0].At, at)
		}
		s.check("acme", "feature-seats").has("data.isGranted", true, "data.usageLimit", 7)
	})
}

func TestTrialThatCancelsSkipsTheDowngrade(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.journey(selectFirst + "," + endFree)
		s.trialPlan("plan-cancel", `{"duration":1,"units":"DAY","trialEndBehavior":"CANCEL_SUBSCRIPTION"}`)
		s.post(customers, provision("acme", "plan-cancel")).want(201)
		s.moveTo(begin.Add(day))
		s.get("/api/v1/subscriptions?customerId=acme").want(200).has("data.0.status", "EXPIRED", "data.1", absent)
	})
}

func TestTrialOfMonthsEndsOnTheLastDay(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.trialPlan("plan-month", `{"duration":1,"units":"MONTH"}`)
		s.moveTo(time.Date(2026, 1, 31, 8, 0, 0, 0, time.UTC))
		s.post(customers, provision("acme", "plan-month")).want(201).has("data.subscription.trialEndDate", "2026-02-28T08:00:00.000Z")
	})
}

// A start date in the past gives no trial (§9.5).
func TestBackdatedStartHasNoTrial(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		start := begin.Add(-3 * day)
		s.post(customers, provision("acme", "plan-pro", fmt.Sprintf(`"startDate":%q`, stamp(start)))).want(201).
			has("data.subscription.status", "ACTIVE", "data.subscription.startDate", stamp(start), "data.subscription.trialEndDate", nil,
				"data.trialedPlans", []any{}, "data.subscription.billingPeriod", "MONTHLY")
	})
}

func TestScheduledStart(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		start := begin.Add(3 * day)
		s.post(customers, provision("acme", "plan-pro", fmt.Sprintf(`"startDate":%q`, stamp(start)))).want(201).
			has("data.subscription.status", "NOT_STARTED", "data.subscription.startDate", stamp(start), "data.entitlements", []any{},
				"data.trialedPlans", []any{})
		s.check("acme", "feature-seats").has("data.accessDeniedReason", "NoActiveSubscription")

		// It begins on the latest version of then (§4.2).
		s.post("/api/v1/plans/plan-pro/draft", "").want(200)
		s.patch("/api/v1/plans/plan-pro/entitlements/feature-seats", `{"type":"FEATURE","usageLimit":30}`).want(200)
		s.publish("plan-pro")
		sub := s.subscriptionOf("acme")
		since := s.here()
		s.moveTo(start)
		s.get("/api/v1/subscriptions/"+sub).want(200).
			has("data.status", "IN_TRIAL", "data.trialEndDate", stamp(start.Add(14*day)), "data.planVersion", 2)
		s.check("acme", "feature-seats").has("data.isGranted", true, "data.usageLimit", 30)
		s.get(customers+"/acme").want(200).has("data.trialedPlans.0.planId", "plan-pro")
		for _, e := range s.happenedAtAll(since) {
			if e.Entity.ID == sub && !e.At.Equal(start) {
				t.Errorf("%s is at %s, want %s", e, e.At, start)
			}
		}
		s.moveTo(start.Add(14 * day))
		s.get("/api/v1/subscriptions/"+sub).want(200).has("data.status", "EXPIRED")
	})
}
