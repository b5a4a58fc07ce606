package apitest

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// A change arrives while another is scheduled (domain-catalog-provisioning §9.9).

func TestScenario17SeatsGoDownLater(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		s.settings("studio", lessLater)
		id := s.takes("team", seats(5))
		n := s.invoices(id)
		s.changes(id, `{`+seats(3)+`}`).has("data.charges.0.quantity", 5, "data.futureUpdates.0.charges", []any{map[string]any{"id": "seats", "type": "FEATURE", "quantity": 3}}).
			scheduled("UNIT_AMOUNT SCHEDULED 2026-05-01")
		s.limit("acme", "seats", 5)
		s.changes(id, `{`+seats(4)+`}`).has("data.futureUpdates.0.charges.0.quantity", 4).scheduled("UNIT_AMOUNT SCHEDULED 2026-05-01")
		s.changes(id, `{`+seats(5)+`}`).has("data.charges.0.quantity", 5).scheduled()
		if s.invoices(id) != n {
			t.Errorf("what is scheduled cost something: %v", s.lastInvoice(id))
		}
		s.changes(id, `{`+seats(3)+`}`)
		s.moveTo(aprilDay(15))
		s.changes(id, `{`+seats(6)+`}`).has("data.charges.0.quantity", 6).scheduled()
		s.cost(id, "total", 5)
		s.moveTo(aprilDay(31))
		s.shows(id, "data.charges.0.quantity", 6)
	})
}

func TestScheduleIsExecuted(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		s.settings("studio", lessLater)
		id := s.takes("team", seats(5), addons("boost", 2))
		s.changes(id, `{`+seats(3)+`,`+addons("boost", 1)+`}`).scheduled("UNIT_AMOUNT SCHEDULED 2026-05-01", "ADDON SCHEDULED 2026-05-01")
		since := s.here()
		s.moveTo(aprilDay(32))
		s.shows(id, "data.charges.0.quantity", 3, "data.addons.0.quantity", 1, "data.status", "ACTIVE").scheduled()
		s.limit("acme", "seats", 3)
		s.limit("acme", "space", 10)
		s.balance("acme")
		for _, e := range s.happenedAtAll(since) {
			if e.Type == "subscription.updated" && (!e.At.Equal(aprilDay(30)) || e.Actor.Type != "SYSTEM") {
				t.Errorf("%s at %s by %v", e, e.At, e.Actor)
			}
		}
		// The first period at the lower price was charged in full: half of it comes back.
		s.moveTo(aprilDay(30).Add(31 * 12 * time.Hour))
		s.cancels(id, `{}`)
		s.balance("acme", "17.5 usd")
	})
}

func TestScheduledPlan(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		s.settings("studio", lessLater)
		s.takes("squad", `"id":"a"`, seats(5), `"metadata":{"k":"v"}`)
		s.cost("a", "total", 100)
		a := s.post(subs, asked("team", seats(5))).want(201).
			has("data.id", "a", "data.isScheduled", true, "data.subscription.planId", "squad", "data.subscription.status", "ACTIVE",
				"data.subscription.futureUpdates.0.planId", "team", "data.subscription.futureUpdates.0.targetPackage.id", "team")
		a.scheduled("DOWNGRADE SCHEDULED 2026-05-01")
		// Seats bought meanwhile are charged at the present plan's price, and the schedule follows.
		s.moveTo(aprilDay(15))
		s.changes("a", `{`+seats(8)+`}`).has("data.charges.0.quantity", 8, "data.futureUpdates.0.charges.0.quantity", 8).scheduled("DOWNGRADE SCHEDULED 2026-05-01")
		s.cost("a", "total", 30)
		// A change about something else leaves it.
		s.changes("a", `{"metadata":{"x":"y"}}`).scheduled("DOWNGRADE SCHEDULED 2026-05-01")
		since := s.here()
		s.moveTo(aprilDay(30))
		b := s.shows(s.subscriptionOf("acme"), "data.planId", "team", "data.status", "ACTIVE", "data.charges.0.quantity", 8, "data.startDate", stamp(aprilDay(30)),
			"data.currentBillingPeriodStart", stamp(aprilDay(30)), "data.currentBillingPeriodEnd", stamp(aprilDay(61))).text("data.id")
		s.shows("a", "data.status", "CANCELED", "data.cancelReason", "UPGRADE_OR_DOWNGRADE", "data.endDate", stamp(aprilDay(30)))
		s.cost(b, "subTotal", 80, "total", 80)
		s.balance("acme")
		s.limit("acme", "seats", 8)
		kinds := []string{}
		for _, e := range s.happenedAtAll(since) {
			kinds = append(kinds, e.String())
		}
		if got := strings.Join(kinds, ","); !strings.Contains(got, "subscription.created subscription "+b) || !strings.Contains(got, "subscription.canceled subscription a") {
			t.Errorf("events: %s", got)
		}
	})
}

// A full update replaces what is scheduled; it is no queue. The change follows its own timing.
func TestScheduleIsReplacedByAnotherPlan(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		s.settings("studio", lessLater)
		s.takes("pro", `"id":"a"`)
		s.post(subs, asked("basic")).want(201).has("data.isScheduled", true).scheduled("DOWNGRADE SCHEDULED 2026-05-01")
		s.post(subs, asked("free")).want(201).has("data.isScheduled", true, "data.subscription.futureUpdates.0.planId", "free").scheduled("DOWNGRADE SCHEDULED 2026-05-01")
		s.post(subs, asked("heir", `"scheduleStrategy":"IMMEDIATE"`, `"id":"h"`)).want(201).has("data.id", "h", "data.isScheduled", false)
		s.shows("a", "data.status", "CANCELED").scheduled()
		s.shows("h").scheduled()
		// An upgrade is at once, whatever is scheduled; the plan that runs takes the schedule away.
		s.post(subs, asked("free")).want(201).scheduled("DOWNGRADE SCHEDULED 2026-05-01")
		s.post(subs, asked("heir")).want(201).has("data.id", "h").scheduled()
		s.post(subs, asked("free")).want(201).scheduled("DOWNGRADE SCHEDULED 2026-05-01")
		s.post(subs, asked("pro", `"id":"p"`)).want(201).has("data.isScheduled", false).scheduled()
		s.moveTo(aprilDay(40))
		s.shows("p", "data.status", "ACTIVE", "data.planId", "pro")
	})
}

// An upgrade can wait when the caller says so.
func TestScheduleStrategies(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		id := s.takes("team", seats(5), `"billingPeriod":"ANNUALLY"`)
		s.moveTo(aprilDay(20))
		s.changes(id, `{`+seats(9)+`,"scheduleStrategy":"END_OF_BILLING_MONTH"}`).has("data.charges.0.quantity", 5).scheduled("UNIT_AMOUNT SCHEDULED 2026-05-01")
		s.changes(id, `{`+seats(9)+`,"scheduleStrategy":"END_OF_BILLING_PERIOD"}`).scheduled("UNIT_AMOUNT SCHEDULED 2027-04-01")
		s.changes(id, `{`+seats(9)+`,"scheduleStrategy":"END_OF_BILLING_MONTH"}`)
		s.moveTo(aprilDay(30))
		s.shows(id, "data.charges.0.quantity", 9).scheduled()
		s.cost(id, "total", 367.12) // 400 for 335 of 365 days
		// On a monthly plan it is the end of the period.
		s.join("bolt")
		s.post(subs, askedBy("bolt", "basic", `"id":"b"`)).want(201)
		s.post(subs, askedBy("bolt", "pro", `"scheduleStrategy":"END_OF_BILLING_MONTH"`)).want(201).has("data.isScheduled", true, "data.id", "b").scheduled("PLAN SCHEDULED 2026-06-01")
		s.patch(subs+"/b", `{"metadata":{"k":"v"},"scheduleStrategy":"END_OF_BILLING_PERIOD"}`).want(200).has("data.metadata", map[string]any{})
		// A downgrade at once, where the product says later.
		s.settings("studio", lessLater)
		s.changes(id, `{`+seats(2)+`,"scheduleStrategy":"IMMEDIATE"}`).has("data.charges.0.quantity", 2).scheduled()
	})
}

// Up at once, down later.
func TestScheduleOfMixedChanges(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		s.settings("studio", lessLater)
		id := s.takes("team", seats(5), addons("boost", 2))
		s.moveTo(aprilDay(15))
		s.changes(id, `{`+seats(8)+`,"addons":[]}`).has("data.charges.0.quantity", 8, "data.addons.0.quantity", 2).scheduled("ADDON SCHEDULED 2026-05-01")
		s.cost(id, "total", 15)
		s.changes(id, `{`+seats(4)+`,`+addons("boost", 3)+`}`).has("data.charges.0.quantity", 8, "data.addons.0.quantity", 3).scheduled("UNIT_AMOUNT SCHEDULED 2026-05-01")
		s.cost(id, "total", 2.5)
		s.moveTo(aprilDay(31))
		s.shows(id, "data.charges.0.quantity", 4, "data.addons.0.quantity", 3)
	})
}

func TestScheduleIsCancelled(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		s.settings("studio", lessLater)
		id := s.takes("team", seats(5))
		s.changes(id, `{`+seats(3)+`}`)
		s.del(subs+"/"+id+"/future-update/schedule").want(200).has("data", map[string]any{"id": id})
		s.shows(id, "data.charges.0.quantity", 5).scheduled()
		since := s.here()
		s.del(subs+"/"+id+"/future-update/schedule").want(200).has("data.id", id)
		s.del(subs+"/"+id+"/future-update/pending-payment").want(200).has("data.id", id)
		s.happened(since)
		s.changes(id, `{`+seats(3)+`}`)
		s.cancels(id, `{"cancellationTime":"END_OF_BILLING_PERIOD"}`).has("data.status", "ACTIVE").scheduled()
		s.changes(id, `{`+seats(4)+`}`).scheduled("UNIT_AMOUNT SCHEDULED 2026-05-01")
		s.cancels(id, `{"cancellationTime":"END_OF_BILLING_PERIOD"}`).scheduled() // the same again
		s.changes(id, `{"cancellationDate":null}`)
		s.moveTo(aprilDay(31))
		s.shows(id, "data.charges.0.quantity", 5, "data.status", "ACTIVE")
		s.changes(id, `{`+seats(3)+`}`)
		s.cancels(id, `{"cancellationTime":"IMMEDIATE"}`).has("data.status", "CANCELED").scheduled()
		s.del(subs+"/"+id+"/future-update/schedule").refused(409, "SubscriptionAlreadyCanceledOrExpired")
	})
}

// What cannot be carried out is listed as FAILED, and the subscription goes on as it is.
func TestScheduleFails(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		s.settings("studio", lessLater)
		s.takes("pro", `"id":"a"`, addons("boost", 1))
		s.post(subs, asked("basic", addons("boost", 2))).want(201).has("data.isScheduled", true)
		s.post(plans+"/heir/archive", "").want(200)
		s.post(plans+"/basic/archive", "").want(200)
		since := s.here()
		s.moveTo(aprilDay(33))
		s.shows("a", "data.status", "ACTIVE", "data.planId", "pro", "data.addons.0.quantity", 1, "data.currentBillingPeriodStart", stamp(aprilDay(30)),
			"data.futureUpdates.0.planId", "basic").scheduled("DOWNGRADE FAILED 2026-05-01")
		if e := s.happenedAtAll(since); !strings.Contains(fmt.Sprint(e), "subscription.") {
			t.Errorf("no event about it: %v", e)
		}
		s.limit("acme", "seats", 20)
		// It stays listed beside what is scheduled later, and does not come back.
		s.post(subs, asked("free")).want(201).scheduled("DOWNGRADE FAILED 2026-05-01", "DOWNGRADE SCHEDULED 2026-06-01")
		s.del(subs + "/a/future-update/schedule").want(200)
		s.post(plans+"/basic/unarchive", "").want(200)
		s.moveTo(aprilDay(65))
		s.shows("a", "data.planId", "pro", "data.status", "ACTIVE").scheduled("DOWNGRADE FAILED 2026-05-01")
		// The period after the failed change was paid for as before.
		s.cancels("a", `{}`)
		s.balance("acme", "82.33 usd") // 90 and 5 for 26 of 30 days: 78 and 4.33
	})
}

// An add-on that the target's latest version does not go with.
func TestScheduleFailsForItsAddon(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		s.settings("studio", lessLater)
		s.takes("pro", `"id":"a"`)
		s.post(subs, asked("basic", addons("boost", 2))).want(201).has("data.isScheduled", true)
		s.edit(plans+"/basic", `{"compatibleAddonIds":["setup"]}`)
		s.publish("basic")
		s.moveTo(aprilDay(31))
		s.shows("a", "data.status", "ACTIVE", "data.planId", "pro").scheduled("DOWNGRADE FAILED 2026-05-01")
		s.get(subs+"?customerId=acme").want(200).has("data.1", absent)
	})
}

// It is carried out on the latest versions of then (§4.2).
func TestScheduleHasTheLatestVersions(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		s.settings("studio", lessLater)
		s.takes("pro", `"id":"a"`)
		s.post(subs, asked("basic")).want(201).has("data.isScheduled", true)
		s.edit(plans+"/basic", "")
		s.include(plans+"/basic", "seats", 6)
		s.patch(plans+"/basic", `{`+paid(flat("35", "350"))+`}`).want(200)
		s.publish("basic")
		s.moveTo(aprilDay(31))
		s.shows(s.subscriptionOf("acme"), "data.planId", "basic", "data.planVersion", 2, "data.prices.0.amount", 35)
		s.limit("acme", "seats", 6)
	})
}

// Several due times in one jump of the clock: each effect at its own, in order.
func TestSchedulesUnderADowntime(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		s.settings("studio", lessLater+`,"subscriptionEndSetup":"DOWNGRADE_TO_FREE","downgradePlanId":"free"`)
		s.takes("squad", `"id":"a"`, seats(8))
		s.post(subs, asked("team", seats(6))).want(201).has("data.isScheduled", true)
		s.join("bolt", "carl")
		s.post(subs, askedBy("bolt", "try", `"id":"b"`)).want(201).has("data.subscription.status", "IN_TRIAL")
		s.post(subs, askedBy("bolt", "basic", fmt.Sprintf(`"startDate":%q`, stamp(aprilDay(12))), `"id":"b2"`, fmt.Sprintf(`"cancellationDate":%q`, stamp(aprilDay(20))))).want(201)
		s.post(subs, askedBy("carl", "team", seats(5), `"id":"c"`)).want(201)
		s.changes("c", `{`+seats(3)+`}`)
		s.changes("c", fmt.Sprintf(`{"cancellationDate":%q}`, stamp(aprilDay(45))))
		s.moveTo(aprilDay(100))
		s.shows("a", "data.status", "CANCELED", "data.endDate", stamp(aprilDay(30)))
		s.shows(s.subscriptionOf("acme"), "data.planId", "team", "data.startDate", stamp(aprilDay(30)), "data.charges.0.quantity", 6, "data.status", "ACTIVE")
		s.shows("b", "data.status", "EXPIRED", "data.cancelReason", "TRIAL_ENDED", "data.endDate", stamp(aprilDay(10)))
		s.shows("b2", "data.status", "CANCELED", "data.cancelReason", "ScheduledCancellation", "data.endDate", stamp(aprilDay(20)))
		list := s.get(subs + "?customerId=bolt").want(200)
		list.has("data.2.planId", "free", "data.2.startDate", stamp(aprilDay(10)), "data.2.status", "CANCELED", "data.2.endDate", stamp(aprilDay(12)),
			"data.3.planId", "free", "data.3.startDate", stamp(aprilDay(20)), "data.3.status", "ACTIVE", "data.4", absent)
		s.shows("c", "data.status", "CANCELED", "data.endDate", stamp(aprilDay(45)))
		s.limit("carl", "seats", 1)
		last := april
		for _, e := range s.feed("limit=1000").Data {
			if e.Entity.Type != "subscription" {
				continue
			}
			if e.At.Before(last) {
				t.Errorf("%s at %s comes after %s", e, e.At, last)
			}
			last = e.At
		}
	})
}
