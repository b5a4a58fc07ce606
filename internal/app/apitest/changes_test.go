package apitest

import (
	"fmt"
	"testing"
	"time"
)

// Changes of a subscription (rest-api 28, domain-catalog-provisioning §9.9): every member, absent and null.

func TestChangeEveryMember(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		id := s.takes("team", seats(4), addons("boost", 1), `"metadata":{"a":"1","b":"2"}`)
		since := s.here()
		s.changes(id, `{}`).has("data.version", 1)
		s.changes(id, `{`+seats(4)+`,`+addons("boost", 1)+`,"metadata":{"a":"1"},"billingPeriod":"MONTHLY"}`).has("data.version", 1)
		s.happened(since) // nothing changed

		s.changes(id, `{"metadata":{"b":null,"c":"3","none":""}}`).has("data.metadata", map[string]string{"a": "1", "c": "3"})
		s.changes(id, `{"salesforceId":"sf"}`).has("data.salesforceId", "sf", "data.metadata.a", "1")
		s.changes(id, `{"salesforceId":null}`).has("data.salesforceId", nil)
		s.changes(id, `{"minimumSpend":{"amount":70,"currency":"usd"}}`).has("data.minimumSpend", map[string]any{"amount": 70, "currency": "usd"})
		s.changes(id, `{"minimumSpend":null}`).has("data.minimumSpend", nil)
		s.changes(id, `{"budget":{"limit":100}}`).has("data.budget", map[string]any{"limit": 100, "hasSoftLimit": false})
		s.changes(id, `{"budget":null}`).has("data.budget", nil)
		s.changes(id, `{"unitQuantity":5}`).has("data.charges.0.quantity", 5)
		s.changes(id, `{"billableFeatures":[{"featureId":"seats","quantity":6}]}`).has("data.charges.0.quantity", 6)
		s.changes(id, `{`+addons("boost", 3)+`}`).has("data.addons.0.quantity", 3, "data.charges.0.quantity", 6)
		s.changes(id, `{"addons":[]}`).has("data.addons", []any{}, "data.charges.0.quantity", 6)
		s.changes(id, `{"priceOverrides":[{"featureId":"seats","amount":8}]}`).has("data.prices.0.amount", 8)
		s.changes(id, `{`+seats(7)+`}`).has("data.prices.0.amount", 8) // kept through a change of the quantity (§9.12)
		s.changes(id, `{"priceOverrides":[]}`).has("data.prices.0.amount", 10)
		s.changes(id, fmt.Sprintf(`{"cancellationDate":%q}`, stamp(aprilDay(9)))).has("data.cancellationDate", stamp(aprilDay(9)))
		s.changes(id, `{"metadata":{"d":"4"}}`).has("data.cancellationDate", stamp(aprilDay(9)))
		s.changes(id, `{"cancellationDate":null}`).has("data.cancellationDate", nil)
		s.shows(id, "data.status", "ACTIVE", "data.planId", "team", "data.startDate", stamp(april), "data.createdAt", stamp(april))
		// No member that a change has not.
		s.patch(subs+"/"+id, `{"planId":"pro"}`).want(200).has("data.planId", "team")
	})
}

func TestChangeCoupons(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		id := s.takes("pro")
		s.changes(id, `{"appliedCoupon":{"couponId":"half"}}`).has("data.coupons", []any{map[string]any{"id": "half", "name": "Half", "status": "ACTIVE", "percentOff": 50, "amountsOff": nil}})
		s.changes(id, `{"appliedCoupon":{"couponId":"ten"}}`).has("data.coupons.0.status", "REMOVED", "data.coupons.1.id", "ten", "data.coupons.1.status", "ACTIVE")
		s.moveTo(aprilDay(65)) // two months
		s.shows(id, "data.coupons.1.status", "EXPIRED")
		s.changes(id, `{"appliedCoupon":{"couponId":"half"}}`).has("data.coupons.2.status", "ACTIVE")
		s.changes(id, `{"appliedCoupon":null}`).has("data.coupons.2.status", "REMOVED")
		for body, want := range map[string]string{
			`{"appliedCoupon":{"couponId":"none"}}`:                                        "CouponNotFound",
			`{"appliedCoupon":{"couponId":"yen"}}`:                                         "InvalidArgumentError",
			`{"appliedCoupon":{"promotionCode":"none"}}`:                                   "PromotionCodeNotFound",
			`{"promotionCode":"none"}`:                                                     "PromotionCodeNotFound",
			`{"appliedCoupon":{"couponId":"half","discount":{"name":"X","percentOff":1}}}`: "InvalidArgumentError",
		} {
			status := 400
			if want == "CouponNotFound" || want == "PromotionCodeNotFound" {
				status = 404
			}
			s.patch(subs+"/"+id, body).refused(status, want)
		}
	})
}

// A version that is sent along has to be the present one (contract §5.6).
func TestChangeOfAVersion(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		id := s.takes("team", seats(4))
		first := s.get(subs + "/" + id).want(200).etag()
		a := s.patch(subs+"/"+id, `{`+seats(5)+`}`, "If-Match", first).want(200)
		if a.etag() == first {
			t.Errorf("the version is still %s", first)
		}
		since := s.here()
		s.patch(subs+"/"+id, `{`+seats(6)+`}`, "If-Match", first).refused(409, "SubscriptionChanged")
		s.post(subs+"/"+id+"/cancel", `{}`, "If-Match", first).refused(409, "SubscriptionChanged")
		s.post(subs+"/"+id+"/migrate", `{}`, "If-Match", first).refused(409, "SubscriptionChanged")
		s.happened(since)
		s.patch(subs+"/"+id, `{`+seats(6)+`}`, "If-Match", a.etag()).want(200)
		s.patch(subs+"/"+id, `{`+seats(7)+`}`).want(200)
		s.shows(id, "data.charges.0.quantity", 7)
	})
}

// Values of a custom plan: those of this subscription alone.
func TestChangeValues(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		id := s.takes("agreed", `"entitlements":[{"id":"seats","type":"FEATURE","usageLimit":12}]`)
		s.changes(id, `{"entitlements":[{"id":"seats","type":"FEATURE","usageLimit":30}]}`)
		s.limit("acme", "seats", 30)
		s.changes(id, `{"entitlements":[{"id":"seats","type":"FEATURE","hasUnlimitedUsage":true}]}`)
		s.check("acme", "seats").has("data.hasUnlimitedUsage", true)
		s.patch(subs+"/"+id, `{"entitlements":[]}`).refused(400, "BadUserInput") // seats is left open
		s.patch(subs+"/"+id, `{"entitlements":[{"id":"seats","type":"FEATURE","usageLimit":1},{"id":"none","type":"FEATURE","usageLimit":1}]}`).want(404)
		s.join("bolt")
		s.post(subs, askedBy("bolt", "pro", `"id":"b"`)).want(201)
		s.patch(subs+"/b", `{"entitlements":[{"id":"seats","type":"FEATURE","usageLimit":30}]}`).refused(400, "InvalidArgumentError")
		s.limit("bolt", "seats", 20)
	})
}

// During a trial changes are at once and cost nothing.
func TestChangeDuringATrial(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		s.settings("studio", lessLater)
		id := s.takes("try", addons("boost", 2))
		s.changes(id, `{`+addons("boost", 3)+`}`).has("data.addons.0.quantity", 3, "data.status", "IN_TRIAL")
		s.changes(id, `{`+addons("boost", 1)+`}`).has("data.addons.0.quantity", 1).scheduled()
		s.changes(id, `{`+addons("boost", 2)+`,"scheduleStrategy":"END_OF_BILLING_PERIOD"}`).has("data.addons.0.quantity", 1).scheduled("ADDON SCHEDULED 2026-04-11")
		if n := s.invoices(id); n != 0 {
			t.Errorf("a trial cost something: %v", s.lastInvoice(id))
		}
		s.changes(id, fmt.Sprintf(`{"trialEndDate":%q}`, stamp(aprilDay(20)))).has("data.trialEndDate", stamp(aprilDay(20)), "data.effectiveEndDate", stamp(aprilDay(20)))
		s.patch(subs+"/"+id, fmt.Sprintf(`{"trialEndDate":%q}`, stamp(april.Add(-day)))).refused(400, "TrialMinDateError", "trialEndDate")
		s.changes(id, `{"billingPeriod":"ANNUALLY"}`).has("data.billingPeriod", "ANNUALLY")
		// Without its trial it is paid from now on.
		s.moveTo(aprilDay(5))
		s.changes(id, `{"trialEndDate":null}`).has("data.status", "ACTIVE", "data.billingCycleAnchor", stamp(aprilDay(5)),
			"data.currentBillingPeriodEnd", stamp(aprilDay(5).AddDate(1, 0, 0)))
		s.cost(id, "total", 450)
		s.moveTo(aprilDay(21))
		s.shows(id, "data.status", "ACTIVE")
	})
}

// Trials (§9.4 rows 13 and 15 without billing, §9.5, §9.8, scenario 20).
func TestScenario20TrialIsHadOnce(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		s.takes("try", `"id":"t"`)
		s.moveTo(aprilDay(11))
		s.shows("t", "data.status", "EXPIRED", "data.cancelReason", "TRIAL_ENDED")
		s.post(subs, asked("keep", `"id":"k"`)).want(201).has("data.subscription.status", "ACTIVE", "data.subscription.trialEndDate", nil)
		s.post(subs, asked("try", `"id":"again"`, `"trialOverrideConfiguration":{"isTrial":true}`)).want(201).
			has("data.subscription.status", "IN_TRIAL", "data.subscription.trialEndDate", stamp(aprilDay(21)))
		s.shows("k", "data.status", "ACTIVE") // a trial runs beside it
		s.moveTo(aprilDay(22))
		s.shows("again", "data.status", "EXPIRED")
		s.shows("k", "data.status", "ACTIVE")
		s.limit("acme", "seats", 9)
		// Who has paid gets none; who skips it is charged.
		s.join("bolt", "carl", "dora")
		s.post(subs, askedBy("bolt", "basic", `"id":"b"`)).want(201)
		s.cancels("b", `{}`)
		s.post(subs, askedBy("bolt", "try")).want(201).has("data.subscription.status", "ACTIVE")
		s.post(subs, askedBy("carl", "try", `"id":"c"`, `"trialOverrideConfiguration":{"isTrial":false}`)).want(201).has("data.subscription.status", "ACTIVE")
		s.cost("c", "total", 40)
		end := stamp(aprilDay(40))
		s.post(subs, askedBy("dora", "pro", `"id":"d"`, fmt.Sprintf(`"trialOverrideConfiguration":{"isTrial":true,"trialEndDate":%q,"trialEndBehavior":"CONVERT_TO_PAID"}`, end))).want(201).
			has("data.subscription.status", "IN_TRIAL", "data.subscription.trialEndDate", end)
		s.moveTo(aprilDay(41))
		s.shows("d", "data.status", "ACTIVE", "data.billingCycleAnchor", end)
		s.cost("d", "total", 90)
	})
}

// A paid plan during a trial converts it at once, or waits for its end (§9.8).
func TestTrialIsReplaced(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		s.settings("studio", toFree)
		s.takes("try", `"id":"t"`)
		s.moveTo(aprilDay(4))
		since := s.here()
		s.takes("pro", `"id":"p"`)
		s.shows("t", "data.status", "CANCELED", "data.cancelReason", "TRIAL_CONVERTED", "data.endDate", stamp(aprilDay(4)))
		s.shows("p", "data.status", "ACTIVE", "data.billingCycleAnchor", stamp(aprilDay(4)), "data.currentBillingPeriodStart", stamp(aprilDay(4)))
		s.cost("p", "total", 90)
		kinds := map[string]bool{}
		for _, e := range s.happenedAtAll(since) {
			kinds[e.String()] = true
		}
		if !kinds["subscription.trial_converted subscription t"] || !kinds["subscription.created subscription p"] {
			t.Errorf("events: %v", kinds)
		}
		// The same plan too.
		s.join("bolt", "carl", "dora")
		s.post(subs, askedBy("bolt", "try", `"id":"b"`)).want(201)
		s.post(subs, askedBy("bolt", "try", `"id":"b2"`)).want(201).has("data.subscription.status", "ACTIVE", "data.isScheduled", false)
		s.shows("b", "data.cancelReason", "TRIAL_CONVERTED")
		s.cost("b2", "total", 40)
		// Later: it starts when the trial ends.
		s.post(subs, askedBy("carl", "try", `"id":"c"`)).want(201)
		s.post(subs, askedBy("carl", "pro", `"id":"c2"`, `"scheduleStrategy":"END_OF_BILLING_PERIOD"`)).want(201).
			has("data.isScheduled", true, "data.subscription.status", "NOT_STARTED", "data.subscription.startDate", stamp(aprilDay(14)))
		s.shows("c", "data.status", "IN_TRIAL")
		s.post(subs, askedBy("dora", "try", `"id":"d"`)).want(201)
		s.post(subs, askedBy("dora", "pro", `"id":"d2"`, fmt.Sprintf(`"startDate":%q`, stamp(aprilDay(16))))).want(201).has("data.isScheduled", true)
		s.moveTo(aprilDay(15))
		s.shows("c", "data.status", "CANCELED", "data.cancelReason", "TRIAL_CONVERTED", "data.endDate", stamp(aprilDay(14)))
		s.shows("c2", "data.status", "ACTIVE", "data.billingCycleAnchor", stamp(aprilDay(14)))
		s.cost("c2", "total", 90)
		s.limit("carl", "seats", 20)
		s.limit("dora", "seats", 1) // the free plan, until it starts
		s.moveTo(aprilDay(17))
		s.limit("dora", "seats", 20)
		s.shows("d2", "data.status", "ACTIVE")
	})
}

// Plan changes are told apart: by inheritance, by price, by type (§9.9).
func TestPlanChangesAreClassified(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		s.settings("studio", lessLater)
		for i, c := range []struct {
			from, to string
			later    bool
		}{
			{"basic", "heir", false}, // cheaper, and inherits from it
			{"heir", "basic", true},
			{"basic", "pro", false},
			{"pro", "basic", true},
			{"free", "basic", false},
			{"basic", "free", true},
			{"pro", "bespoke", false},
			{"bespoke", "pro", false}, // a custom plan has no period to wait for
			{"team", "basic", false},  // 20 at the minimum of two
		} {
			who := fmt.Sprintf("c%d", i)
			s.join(who)
			a := s.post(subs, askedBy(who, c.from)).want(201)
			s.moveTo(aprilDay(i).Add(time.Hour))
			b := s.post(subs, askedBy(who, c.to)).want(201)
			b.has("data.isScheduled", c.later)
			if same := a.text("data.id") == b.text("data.id"); same != c.later {
				t.Errorf("%s to %s: the answer has the subscription %s after %s", c.from, c.to, b.text("data.id"), a.text("data.id"))
			}
		}
	})
}
