package apitest

import (
	"fmt"
	"testing"
	"time"
)

// Cancellation (domain-catalog-provisioning §9.11).

const (
	atEnd   = `{"cancellationTime":"END_OF_BILLING_PERIOD"}`
	atOnce  = `{"cancellationTime":"IMMEDIATE"}`
	toFree  = `"subscriptionEndSetup":"DOWNGRADE_TO_FREE","downgradePlanId":"free"`
	waiting = `"subscriptionCancellationTime":"END_OF_BILLING_PERIOD"`
)

func onDate(at time.Time) string {
	return fmt.Sprintf(`{"cancellationTime":"SPECIFIC_DATE","endDate":%q}`, stamp(at))
}

func TestCancelAtOnce(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		id := s.takes("pro")
		s.moveTo(aprilDay(10))
		since := s.here()
		s.cancels(id, `{}`).has("data.status", "CANCELED", "data.cancelReason", "Immediate", "data.endDate", stamp(aprilDay(10)), "data.effectiveEndDate", stamp(aprilDay(10)))
		s.happened(since, "subscription.canceled subscription "+id, "entitlements.updated customer acme")
		s.balance("acme", "60 usd")
		s.check("acme", "seats").has("data.isGranted", false, "data.accessDeniedReason", "NoActiveSubscription")
		h := s.get(subs+"/"+id+"/history").want(200).has("data.0.type", "subscription.created", "data.1.type", "subscription.canceled", "data.1.status", "CANCELED",
			"data.1.reason", "Immediate", "data.1.at", stamp(aprilDay(10)), "data.1.actor.type", "API_KEY", "data.1.invoice.credit", 60, "data.2", absent)
		h.has("data.0.invoice.total", 90)
		for _, body := range []string{atOnce, atEnd, onDate(aprilDay(20))} {
			s.post(subs+"/"+id+"/cancel", body).refused(409, "SubscriptionAlreadyCanceledOrExpired")
		}
		s.balance("acme", "60 usd")
		// Without giving back.
		id = s.takes("pro")
		s.balance("acme") // 60 of 90 was paid from it
		s.cancels(id, `{"cancellationTime":"IMMEDIATE","prorate":false}`)
		s.balance("acme")
	})
}

func TestCancelAsTheProductSays(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		s.settings("studio", waiting)
		id := s.takes("pro")
		s.moveTo(aprilDay(10))
		s.cancels(id, `{}`).has("data.status", "ACTIVE", "data.cancellationDate", stamp(aprilDay(30)), "data.effectiveEndDate", stamp(aprilDay(30)), "data.cancelReason", nil)
		s.limit("acme", "seats", 20)
		// Undone.
		s.changes(id, `{"cancellationDate":null}`).has("data.cancellationDate", nil, "data.effectiveEndDate", nil)
		s.moveTo(aprilDay(31))
		s.shows(id, "data.status", "ACTIVE")
		s.cancels(id, `{}`).has("data.cancellationDate", stamp(aprilDay(61)))
		s.moveTo(aprilDay(61))
		s.shows(id, "data.status", "CANCELED", "data.cancelReason", "ScheduledCancellation", "data.endDate", stamp(aprilDay(61)))
		s.balance("acme")
		// At once, where the product says later: nothing is given back unless the caller says so.
		id = s.takes("pro")
		s.cancels(id, atOnce)
		s.balance("acme")
		id = s.takes("pro")
		s.cancels(id, `{"cancellationTime":"IMMEDIATE","prorate":true}`)
		s.balance("acme", "90 usd")
	})
}

func TestCancelOnADate(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		id := s.takes("pro")
		s.refuseAll([]refusal{
			{"no date", "POST", subs + "/" + id + "/cancel", `{"cancellationTime":"SPECIFIC_DATE"}`, 400, "InvalidCancellationDate", []string{"endDate"}},
			{"the past", "POST", subs + "/" + id + "/cancel", onDate(april.Add(-day)), 400, "InvalidCancellationDate", []string{"endDate"}},
			{"now", "POST", subs + "/" + id + "/cancel", onDate(april), 400, "InvalidCancellationDate", []string{"endDate"}},
			{"the past, by update", "PATCH", subs + "/" + id, fmt.Sprintf(`{"cancellationDate":%q}`, stamp(april.Add(-day))), 400, "InvalidCancellationDate", []string{"cancellationDate"}},
		})
		s.cancels(id, onDate(aprilDay(45))).has("data.status", "ACTIVE", "data.cancellationDate", stamp(aprilDay(45)))
		s.cancels(id, onDate(aprilDay(20))).has("data.cancellationDate", stamp(aprilDay(20)))
		s.moveTo(aprilDay(25))
		s.shows(id, "data.status", "CANCELED", "data.cancelReason", "ScheduledCancellation", "data.endDate", stamp(aprilDay(20)))
		h := s.get(subs + "/" + id + "/history").want(200)
		h.has("data.3.type", "subscription.canceled", "data.3.at", stamp(aprilDay(20)), "data.3.actor.type", "SYSTEM", "data.3.reason", "ScheduledCancellation")
	})
}

// Custom plans have no period to wait for the end of.
func TestCancelCustomPlans(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		id := s.takes("bespoke")
		s.post(subs+"/"+id+"/cancel", atEnd).refused(400, "InvalidCancellationDate", "cancellationTime")
		s.cancels(id, onDate(aprilDay(3))).has("data.status", "ACTIVE")
		s.moveTo(aprilDay(4))
		s.shows(id, "data.status", "CANCELED")
		s.cancels(s.takes("bespoke"), `{}`).has("data.status", "CANCELED", "data.cancelReason", "Immediate")
	})
}

// The journey's end: the free plan follows, unless entitlements are revoked or what ended was free.
func TestCancelFollowsTheJourney(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		s.settings("studio", toFree)
		s.settings("rooms", `"subscriptionEndSetup":"DOWNGRADE_TO_FREE","downgradePlanId":"porch"`)
		id := s.takes("pro", `"metadata":{"team":"red"}`)
		since := s.here()
		s.cancels(id, `{}`).has("data.status", "CANCELED", "data.cancelReason", "Immediate")
		free := s.subscriptionOf("acme")
		s.shows(free, "data.planId", "free", "data.status", "ACTIVE", "data.startDate", stamp(april), "data.metadata.team", "red", "data.prices", []any{})
		s.happened(since, "subscription.canceled subscription "+id, "subscription.created subscription "+free, "entitlements.updated customer acme")
		s.limit("acme", "seats", 1)
		s.cancels(free, `{}`)
		s.check("acme", "seats").has("data.isGranted", false)
		// REVOKE_ENTITLEMENTS skips it, now and later.
		s.cancels(s.takes("pro"), `{"cancellationAction":"REVOKE_ENTITLEMENTS"}`)
		s.check("acme", "seats").has("data.isGranted", false)
		s.cancels(s.takes("pro"), `{"cancellationTime":"END_OF_BILLING_PERIOD","cancellationAction":"REVOKE_ENTITLEMENTS"}`)
		s.moveTo(aprilDay(31))
		s.check("acme", "seats").has("data.isGranted", false)
		s.cancels(s.takes("pro"), atEnd)
		s.moveTo(aprilDay(70)) // taken on 2 May
		s.shows(s.subscriptionOf("acme"), "data.planId", "free", "data.startDate", stamp(aprilDay(62)))
		// It inherits the resource.
		room := s.takes("room", `"resourceId":"red"`)
		s.takes("room", `"resourceId":"blue"`)
		s.cancels(room, `{}`)
		s.shows(s.subscriptionOf("acme"), "data.planId", "porch", "data.resourceId", "red", "data.status", "ACTIVE")
		s.check("acme", "space", "&resourceId=blue").has("data.usageLimit", 50)
		// A replacement is no end.
		id = s.takes("pro")
		s.post(subs, asked("basic", `"id":"last"`)).want(201)
		s.shows(id, "data.cancelReason", "UPGRADE_OR_DOWNGRADE")
		if got := s.subscriptionOf("acme"); got != "last" {
			t.Errorf("after a replacement came %s", got)
		}
	})
}

func TestCancelTrials(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		s.settings("studio", toFree)
		for _, who := range []string{"now", "end", "early", "late", "undo"} {
			s.join(who)
			s.post(subs, askedBy(who, "try", fmt.Sprintf(`"id":%q`, who))).want(201).has("data.subscription.status", "IN_TRIAL", "data.subscription.trialEndDate", stamp(aprilDay(10)))
			if n := s.invoices(who); n != 0 {
				t.Errorf("a trial cost something: %v", s.lastInvoice(who))
			}
		}
		s.cancels("now", atOnce).has("data.status", "CANCELED", "data.cancelReason", "Immediate")
		s.balance("now")
		s.limit("now", "seats", 1)
		s.cancels("end", atEnd).has("data.status", "IN_TRIAL", "data.cancellationDate", stamp(aprilDay(10)))
		s.cancels("early", onDate(aprilDay(4))).has("data.status", "IN_TRIAL", "data.effectiveEndDate", stamp(aprilDay(4)))
		s.cancels("late", onDate(aprilDay(14))).has("data.status", "IN_TRIAL", "data.trialEndDate", stamp(aprilDay(14)), "data.effectiveEndDate", stamp(aprilDay(14)))
		s.cancels("undo", atEnd)
		s.changes("undo", fmt.Sprintf(`{"trialEndDate":%q}`, stamp(aprilDay(12)))).has("data.cancellationDate", nil, "data.trialEndDate", stamp(aprilDay(12)))
		s.moveTo(aprilDay(11))
		s.shows("early", "data.status", "CANCELED", "data.cancelReason", "ScheduledCancellation", "data.endDate", stamp(aprilDay(4)))
		s.shows("late", "data.status", "IN_TRIAL")
		s.limit("late", "seats", 9)
		s.shows("undo", "data.status", "IN_TRIAL")
		s.moveTo(aprilDay(20))
		s.shows("late", "data.endDate", stamp(aprilDay(14)))
		s.shows("undo", "data.status", "EXPIRED", "data.cancelReason", "TRIAL_ENDED", "data.endDate", stamp(aprilDay(12)))
		s.shows("end", "data.endDate", stamp(aprilDay(10)))
		for _, who := range []string{"end", "early", "late", "undo"} {
			s.limit(who, "seats", 1)
			s.balance(who)
		}
		// A cancelled trial is not had again (§8.1).
		s.post(subs, askedBy("now", "try")).want(201).has("data.subscription.status", "ACTIVE")
	})
}

func TestCancelTrialWithoutAnEnd(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		s.takes("spend", `"id":"s"`)
		s.shows("s", "data.status", "IN_TRIAL", "data.trialEndDate", nil)
		s.sound()
		s.post(subs+"/s/cancel", atEnd).refused(400, "TrialMustBeCancelledImmediately", "cancellationTime")
		s.cancels("s", onDate(aprilDay(3))).has("data.status", "IN_TRIAL")
		s.moveTo(aprilDay(4))
		s.shows("s", "data.status", "CANCELED", "data.endDate", stamp(aprilDay(3)))
	})
}

func TestCancelBeforeTheStart(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		s.settings("studio", toFree)
		id := s.takes("pro", fmt.Sprintf(`"startDate":%q`, stamp(aprilDay(5))))
		s.cancels(id, `{}`).has("data.status", "CANCELED", "data.cancelReason", "Immediate")
		s.moveTo(aprilDay(6))
		s.get(subs+"?customerId=acme").want(200).has("data.1", absent)
		s.balance("acme")
	})
}

// Cancelling a product cancels what is linked to it (§5.1).
func TestCancelLinkedProducts(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		main, linked := s.takes("pro"), s.takes("extra")
		room := s.takes("room", `"resourceId":"red"`)
		s.moveTo(aprilDay(10))
		s.post(subs, asked("basic", `"id":"b"`)).want(201) // a replacement cancels nothing
		s.shows(main, "data.status", "CANCELED")
		s.shows(linked, "data.status", "ACTIVE")
		s.cancels("b", `{}`)
		s.shows(linked, "data.status", "CANCELED", "data.cancelReason", "AutoCancellationRule", "data.endDate", stamp(aprilDay(10)))
		s.shows(room, "data.status", "ACTIVE")
		// Later as well, when the cancellation becomes due.
		main, linked = s.takes("pro"), s.takes("extra")
		s.cancels(main, atEnd)
		s.shows(linked, "data.status", "ACTIVE", "data.cancellationDate", nil)
		s.moveTo(aprilDay(45))
		s.shows(linked, "data.status", "CANCELED", "data.cancelReason", "AutoCancellationRule", "data.endDate", stamp(aprilDay(10).AddDate(0, 1, 0)))
		// What is cancelled does not cancel the one that it depends on.
		main, linked = s.takes("pro"), s.takes("extra")
		s.cancels(linked, `{}`)
		s.shows(main, "data.status", "ACTIVE")
	})
}

// An end that was given at the start.
func TestCancellationDateOfTheStart(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		id := s.takes("pro", fmt.Sprintf(`"cancellationDate":%q`, stamp(aprilDay(20))))
		s.shows(id, "data.cancellationDate", stamp(aprilDay(20)), "data.effectiveEndDate", stamp(aprilDay(20)))
		s.moveTo(aprilDay(20))
		s.shows(id, "data.status", "CANCELED", "data.cancelReason", "ScheduledCancellation", "data.endDate", stamp(aprilDay(20)))
	})
}

// Scenarios 23 and 24: archiving wants paid subscriptions cancelled first; what comes back has no name.
func TestScenarios23And24Archive(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		s.post(customers, `{"id":"named","name":"Named","email":"n@acme.example"}`).want(201)
		s.post(subs, askedBy("named", "pro", `"id":"p"`)).want(201)
		s.post(customers+"/named/archive", "").refused(409, "CannotDeleteCustomerError")
		s.cancels("p", atEnd)
		s.post(customers+"/named/archive", "").refused(409, "CannotDeleteCustomerError")
		s.post(customers+"/named/archive?cancelSubscriptions=true", "").want(200)
		s.post(customers+"/named/unarchive", "").want(200).has("data.name", nil, "data.email", nil)
		s.get(customers+"/named").want(200).has("data.name", nil, "data.email", nil)
		s.shows("p", "data.status", "CANCELED", "data.cancelReason", "CustomerArchived")
		s.moveTo(aprilDay(31))
		s.shows("p", "data.cancelReason", "CustomerArchived")
	})
}
