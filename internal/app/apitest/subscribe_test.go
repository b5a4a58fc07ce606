package apitest

import (
	"fmt"
	"testing"
	"time"
)

// A subscription of its own (rest-api 24, domain-catalog-provisioning §9.3): what the answer says, what the feed and the
// history say, and what it cost.
func TestSubscribe(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		since := s.here()
		body := asked("pro", `"id":"s1"`, `"metadata":{"team":"red"}`, addons("boost", 2), `"salesforceId":"sf"`, `"billingId":"b"`)
		a := s.post(subs, body).want(201).
			has("data.id", "s1", "data.status", "SUCCESS", "data.isScheduled", false, "data.checkoutUrl", absent, "data.checkoutBillingId", absent,
				"data.subscription.id", "s1", "data.subscription.customerId", "acme", "data.subscription.status", "ACTIVE", "data.subscription.planId", "pro",
				"data.subscription.planVersion", 1, "data.subscription.pricingType", "PAID", "data.subscription.billingPeriod", "MONTHLY",
				"data.subscription.startDate", stamp(april), "data.subscription.currentBillingPeriodStart", stamp(april),
				"data.subscription.currentBillingPeriodEnd", stamp(aprilDay(30)), "data.subscription.billingCycleAnchor", stamp(april),
				"data.subscription.metadata.team", "red", "data.subscription.addons", []any{map[string]any{"id": "boost", "quantity": 2}},
				"data.subscription.paymentCollection", "NOT_REQUIRED", "data.subscription.paymentCollectionMethod", "CHARGE",
				"data.subscription.futureUpdates", []any{}, "data.subscription.endDate", nil, "data.subscription.cancellationDate", nil,
				"data.subscription.effectiveEndDate", nil, "data.subscription.trialEndDate", nil, "data.subscription.payingCustomerId", nil,
				"data.subscription.salesforceId", "sf", "data.subscription.billingId", "b", "data.subscription.coupons", []any{},
				"data.subscription.minimumSpend", nil, "data.subscription.budget", nil, "data.subscription.subscriptionEntitlements", []any{},
				"data.entitlements.0.feature.id", "seats", "data.entitlements.0.usageLimit", 20, "data.entitlements.1.feature.id", "space",
				"data.entitlements.1.usageLimit", 20, "data.entitlements.2.feature.id", "sso")
		s.happened(since, "subscription.created subscription s1", "entitlements.updated customer acme")
		s.cost("s1", "subTotal", 100, "total", 100, "amountDue", 100, "currency", "usd", "credit", 0)
		h := s.get(subs+"/s1/history").want(200).has("data.0.type", "subscription.created", "data.0.status", "ACTIVE", "data.0.actor.type", "API_KEY",
			"data.0.at", stamp(april), "data.1", absent)
		if h.text("data.0.actor.id") == "" {
			t.Error("nobody did it")
		}
		b := s.get(subs + "/s1").want(200)
		sub, _ := a.at("data.subscription")
		b.has("data", sub)
		s.post(subs, body).refused(409, "DuplicatedEntityNotAllowed", "id")
		s.post(subs, asked("basic", `"id":"s1"`)).refused(409, "DuplicatedEntityNotAllowed", "id")
		s.join("bolt")
		s.post(subs, askedBy("bolt", "basic", `"id":"s1"`)).refused(409, "DuplicatedEntityNotAllowed", "id")
		s.get(subs+"?customerId=bolt").want(200).has("data", []any{})
	})
}

// The checks come in the order of §9.3: of two mistakes the earlier one is named.
func TestSubscribeChecksInOrder(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		s.join("gone")
		s.post(customers+"/gone/archive", "").want(200)
		s.post(coupons, `{"id":"old","name":"Old","percentOff":5}`).want(201)
		s.post(coupons+"/old/archive", "").want(200)
		bad := seats(1000)
		past, soon := stamp(april.Add(-day)), stamp(april.Add(day))
		date := func(name, at string) string { return fmt.Sprintf("%q:%q", name, at) }
		coupon := func(id string) string { return fmt.Sprintf(`"appliedCoupon":{"couponId":%q}`, id) }
		one := `{"customerId":"acme","planId":"team",`
		list := []refusal{
			{"no such customer", "", "", askedBy("nobody", "nothing"), 404, "CustomerNotFound", []string{"customerId"}},
			{"archived customer", "", "", askedBy("gone", "nothing"), 404, "CustomerNotFound", []string{"customerId"}},
			{"no such plan", "", "", asked("nothing", bad), 404, "PlanNotFound", []string{"planId"}},
			{"draft", "", "", asked("sketch", bad), 409, "UnPublishedPackage", []string{"planId"}},
			{"an add-on", "", "", asked("boost", bad), 400, "SubscriptionMustHaveSinglePlanError", []string{"planId"}},
			{"no period", "", "", one + bad + `}`, 400, "BillingPeriodMissingError", []string{"billingPeriod"}},
			{"not for a year", "", "", asked("near", `"billingPeriod":"ANNUALLY"`), 404, "PriceNotFound", []string{"billingPeriod"}},
			{"too few", "", "", asked("team", seats(1), coupon("none")), 400, "InvalidQuantity", []string{"charges[0].quantity"}},
			{"too many", "", "", asked("team", seats(101)), 400, "InvalidQuantity", []string{"charges[0].quantity"}},
			{"below zero", "", "", asked("elastic", seats(-1)), 400, "InvalidQuantity", []string{"charges[0].quantity"}},
			{"too few, written otherwise", "", "", asked("team", `"unitQuantity":1`), 400, "InvalidQuantity", []string{"unitQuantity"}},
			{"too few, in the third way", "", "", asked("team", `"billableFeatures":[{"featureId":"seats","quantity":1}]`), 400, "InvalidQuantity", nil},
			{"not charged by quantity", "", "", asked("basic", seats(3)), 404, "PriceNotFound", []string{"charges[0]"}},
			{"no one charge", "", "", asked("elastic", `"unitQuantity":3`), 400, "InvalidArgumentError", []string{"unitQuantity"}},
			{"add-on not for this plan", "", "", asked("basic", addons("odd", 1), coupon("none")), 400, "UncompatibleSubscriptionAddon", []string{"addons[0].id"}},
			{"too many of an add-on", "", "", asked("basic", addons("boost", 5)), 400, "InvalidQuantity", []string{"addons[0].quantity"}},
			{"without what it needs", "", "", asked("basic", addons("needs", 1)), 400, "InvalidArgumentError", []string{"addons[0].id"}},
			{"a custom add-on", "", "", asked("basic", addons("tailor", 1)), 400, "UncompatibleSubscriptionAddon", []string{"addons[0].id"}},
			{"no such add-on", "", "", asked("basic", addons("none", 1)), 404, "AddonNotFound", []string{"addons[0].id"}},
			{"left open", "", "", asked("agreed", coupon("none")), 400, "BadUserInput", nil},
			{"values of a plan with prices", "", "", asked("basic", `"entitlements":[{"id":"seats","type":"FEATURE","usageLimit":9}]`), 400, "InvalidArgumentError", nil},
			{"ends before it starts", "", "", asked("basic", date("startDate", stamp(april.Add(2*day))), date("cancellationDate", soon)), 400, "InvalidCancellationDate", []string{"cancellationDate"}},
			{"ended", "", "", asked("basic", date("cancellationDate", past)), 400, "InvalidCancellationDate", []string{"cancellationDate"}},
			{"trial in the past", "", "", asked("basic", `"trialOverrideConfiguration":{"isTrial":true,`+date("trialEndDate", past)+`}`), 400, "TrialMinDateError", nil},
			{"trial without an end", "", "", asked("basic", `"trialOverrideConfiguration":{"isTrial":true}`), 400, "TrialMinDateError", nil},
			{"no such coupon", "", "", asked("basic", coupon("none")), 404, "CouponNotFound", nil},
			{"archived coupon", "", "", asked("basic", coupon("old")), 400, "ArchivedCouponCantBeApplied", nil},
			{"coupon of another currency", "", "", asked("basic", coupon("yen")), 400, "InvalidArgumentError", nil},
			{"no such promotion code", "", "", asked("basic", `"appliedCoupon":{"promotionCode":"none"}`), 404, "PromotionCodeNotFound", nil},
			{"no such payer", "", "", asked("basic", `"payingCustomerId":"nobody"`), 404, "CustomerNotFound", []string{"payingCustomerId"}},
			{"needs a resource", "", "", asked("room"), 400, "InvalidArgumentError", []string{"resourceId"}},
			{"has no resources", "", "", asked("basic", `"resourceId":"r"`), 400, "InvalidArgumentError", []string{"resourceId"}},
			{"no such override", "", "", asked("basic", `"priceOverrides":[{"featureId":"seats","amount":1}]`), 404, "PriceNotFound", nil},
		}
		for i := range list {
			list[i].method, list[i].path = "POST", subs
		}
		s.refuseAll(list)
		s.get(subs+"?customerId=acme").want(200).has("data", []any{})
	})
}

func TestSubscribeQuantities(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		for i, c := range []struct {
			ordered     string
			cost, limit int
		}{
			{seats(8), 80, 8},
			{`"unitQuantity":8`, 80, 8},
			{`"billableFeatures":[{"featureId":"seats","quantity":8}]`, 80, 8},
			{`"metadata":{}`, 20, 3}, // the minimum; the plan gives 3
			{seats(2), 20, 3},
			{seats(100), 1000, 100},
		} {
			who := fmt.Sprintf("c%d", i)
			s.join(who)
			a := s.post(subs, askedBy(who, "team", c.ordered)).want(201).has("data.subscription.charges.0.quantity", c.cost/10, "data.subscription.charges.1", absent)
			s.cost(a.text("data.id"), "total", c.cost)
			s.limit(who, "seats", c.limit)
		}
		s.takes("elastic", `"id":"e"`, seats(4))
		s.shows("e", "data.charges", []any{map[string]any{"id": "seats", "type": "FEATURE", "quantity": 4}, map[string]any{"id": "space", "type": "FEATURE", "quantity": 0}})
		s.cost("e", "total", 40)
		s.limit("acme", "space", 1)
	})
}

func TestSubscribeDates(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		start := aprilDay(-10) // 22 March
		s.takes("pro", `"id":"back"`, fmt.Sprintf(`"startDate":%q`, stamp(start)))
		s.shows("back", "data.status", "ACTIVE", "data.startDate", stamp(start), "data.billingCycleAnchor", stamp(start),
			"data.currentBillingPeriodStart", stamp(start), "data.currentBillingPeriodEnd", stamp(start.AddDate(0, 1, 0)))
		if n := s.invoices("back"); n != 0 {
			t.Errorf("a backdated start cost something: %v", s.lastInvoice("back"))
		}
		s.join("bolt")
		since := s.here()
		later := aprilDay(5)
		s.post(subs, askedBy("bolt", "basic", `"id":"soon"`, fmt.Sprintf(`"startDate":%q`, stamp(later)), fmt.Sprintf(`"cancellationDate":%q`, stamp(aprilDay(20))))).want(201).
			has("data.isScheduled", true, "data.subscription.status", "NOT_STARTED", "data.entitlements", []any{}, "data.subscription.startDate", stamp(later))
		s.happened(since, "subscription.created subscription soon")
		s.check("bolt", "seats").has("data.isGranted", false, "data.accessDeniedReason", "NoActiveSubscription")
		if n := s.invoices("soon"); n != 0 {
			t.Errorf("what has not started cost something: %v", s.lastInvoice("soon"))
		}
		// A newer one replaces it (§9.2).
		s.post(subs, askedBy("bolt", "pro", `"id":"soon2"`, fmt.Sprintf(`"startDate":%q`, stamp(later)))).want(201).has("data.isScheduled", true)
		s.shows("soon", "data.status", "CANCELED", "data.cancelReason", "UPGRADE_OR_DOWNGRADE")
		s.moveTo(later.Add(time.Hour))
		s.shows("soon2", "data.status", "ACTIVE", "data.currentBillingPeriodStart", stamp(later))
		s.cost("soon2", "total", 90)
		s.limit("bolt", "seats", 20)
		s.shows("soon", "data.status", "CANCELED")
	})
}

// What was sold before its plan was archived still starts.
func TestScheduledStartOfAnArchivedPlan(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		s.takes("pro", `"id":"soon"`, addons("boost", 1), fmt.Sprintf(`"startDate":%q`, stamp(aprilDay(5))))
		s.post(plans+"/pro/archive", "").want(200)
		s.post(addOns+"/boost/archive", "").want(200)
		s.moveTo(aprilDay(6))
		s.shows("soon", "data.status", "ACTIVE", "data.cancelReason", nil, "data.addons.0.id", "boost")
		s.cost("soon", "total", 95)
		s.limit("acme", "seats", 20)
		s.post(subs, asked("pro")).refused(404, "PlanNotFound", "planId")
	})
}

func TestSubscribeOverrides(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		s.takes("team", `"id":"t"`, seats(5), addons("boost", 2), `"priceOverrides":[{"featureId":"seats","amount":7},{"addonId":"boost","amount":1}]`)
		s.cost("t", "total", 37)
		s.join("bolt", "payer", "carl", "dora", "eve")
		s.post(subs, askedBy("bolt", "basic", `"id":"b"`, `"priceOverrides":[{"baseCharge":true,"amount":12.5}]`, `"payingCustomerId":"payer"`)).want(201).
			has("data.subscription.payingCustomerId", "payer", "data.subscription.prices.0.amount", 12.5)
		s.cost("b", "total", 12.5)
		// Custom plans (§9.3 step 7).
		s.post(subs, askedBy("carl", "agreed", `"id":"c"`, `"entitlements":[{"id":"seats","type":"FEATURE","usageLimit":12}]`, addons("tailor", 2))).want(201).
			has("data.subscription.status", "ACTIVE", "data.subscription.subscriptionEntitlements", []any{map[string]any{"id": "seats", "type": "FEATURE"}})
		s.limit("carl", "seats", 12)
		s.limit("carl", "space", 14)
		if n := s.invoices("c"); n != 0 {
			t.Errorf("a custom plan is billed: %v", s.lastInvoice("c"))
		}
		s.get(subs+"?customerId=carl").want(200).has("data.0.subscriptionEntitlements", []any{})
		// Minimum spend and budget (§9.12).
		s.post(subs, askedBy("dora", "floor", `"id":"d"`)).want(201).has("data.subscription.minimumSpend", nil)
		s.cost("d", "total", 60)
		s.post(subs, askedBy("eve", "floor", `"id":"e"`, `"minimumSpend":{"amount":80,"currency":"usd"}`, `"budget":{"limit":500,"hasSoftLimit":true}`)).want(201).
			has("data.subscription.minimumSpend.amount", 80, "data.subscription.budget.limit", 500, "data.subscription.budget.hasSoftLimit", true)
		s.cost("e", "total", 90)
	})
}

func TestSubscribeCoupons(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		for i, c := range []struct {
			coupon, id string
			total      float64
		}{
			{`{"couponId":"half"}`, "half", 45},
			{`{"couponId":"ten"}`, "ten", 80},
			{`{"couponId":"all"}`, "all", 0},
			{`{"discount":{"name":"Friend","percentOff":20}}`, "", 72},
			{`{"discount":{"name":"Big","amountsOff":[{"amount":200,"currency":"usd"}]}}`, "", 0},
		} {
			who := fmt.Sprintf("c%d", i)
			s.join(who)
			a := s.post(subs, askedBy(who, "pro", `"appliedCoupon":`+c.coupon)).want(201).has("data.subscription.coupons.0.status", "ACTIVE", "data.subscription.coupons.1", absent)
			if c.id != "" {
				a.has("data.subscription.coupons.0.id", c.id)
			}
			s.cost(a.text("data.id"), "subTotal", 90, "total", c.total, "discount", 90-c.total)
		}
		// The customer's coupon holds where the subscription has none (§3.10).
		s.patch(customers+"/acme", `{"couponId":"half"}`).want(200)
		s.takes("pro", `"id":"s"`)
		s.cost("s", "total", 45)
		s.join("bolt")
		s.patch(customers+"/bolt", `{"couponId":"half"}`).want(200)
		s.post(subs, askedBy("bolt", "pro", `"id":"b"`, `"appliedCoupon":{"couponId":"ten"}`)).want(201)
		s.cost("b", "total", 80)
	})
}

// Products with a subscription per resource keep them apart (§9.2).
func TestSubscribeResources(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		s.takes("room", `"id":"r1"`, `"resourceId":"red"`)
		s.takes("room", `"id":"r2"`, `"resourceId":"blue"`)
		s.post(subs, asked("hall", `"id":"r3"`, `"resourceId":"blue"`)).want(201).has("data.subscription.resourceId", "blue")
		s.shows("r1", "data.status", "ACTIVE", "data.resourceId", "red")
		s.shows("r2", "data.status", "CANCELED", "data.cancelReason", "UPGRADE_OR_DOWNGRADE")
		s.check("acme", "space", "&resourceId=red").has("data.usageLimit", 50)
		s.check("acme", "space", "&resourceId=blue").has("data.usageLimit", 200)
		s.check("acme", "space", "&resourceId=green").has("data.accessDeniedReason", "CustomerResourceNotFound")
		s.get(subs+"?resourceId=blue&customerId=acme&status=ACTIVE").want(200).has("data.0.id", "r3", "data.1", absent)
		s.get(subs+"?planId=room&pricingType=PAID").want(200).has("data.0.id", "r1", "data.1.id", "r2", "data.2", absent)
	})
}

// The plan that runs already: an update of that subscription. What is absent stays.
func TestSubscribeToThePlanThatRuns(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		s.settings("studio", lessLater)
		id := s.takes("team", seats(5), addons("boost", 1), `"metadata":{"a":"1"}`)
		s.post(subs, asked("team", seats(3))).want(201).has("data.id", id, "data.isScheduled", true, "data.subscription.charges.0.quantity", 5)
		s.shows(id).scheduled("UNIT_AMOUNT SCHEDULED 2026-05-01")
		s.post(subs, asked("team", addons("boost", 2))).want(201).
			has("data.id", id, "data.isScheduled", false, "data.subscription.charges.0.quantity", 5, "data.subscription.addons.0.quantity", 2)
		s.shows(id, "data.metadata.a", "1").scheduled() // everything scheduled gave way
		s.cost(id, "total", 5)
		s.post(subs, asked("team")).want(201).has("data.id", id)
		s.get(subs+"?customerId=acme").want(200).has("data.1", absent)
	})
}

func TestSubscribeRepeats(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		first := s.post(subs, asked("pro"), idempotencyKey, "k").want(201)
		since := s.here()
		again := s.post(subs, asked("pro"), idempotencyKey, "k").want(201)
		if string(first.raw) != string(again.raw) {
			t.Errorf("a repeat differs:\n%s\n%s", first.raw, again.raw)
		}
		s.post(subs, asked("basic"), idempotencyKey, "k").refused(409, "IdempotencyKeyReused")
		s.post(subs, asked("none"), idempotencyKey, "bad").refused(404, "PlanNotFound")
		s.post(subs, asked("none"), idempotencyKey, "bad").refused(404, "PlanNotFound")
		id := first.text("data.id")
		cancelled := s.post(subs+"/"+id+"/cancel", `{}`, idempotencyKey, "c").want(200)
		if b := s.post(subs+"/"+id+"/cancel", `{}`, idempotencyKey, "c").want(200); string(b.raw) != string(cancelled.raw) {
			t.Errorf("a repeated cancellation differs:\n%s\n%s", cancelled.raw, b.raw)
		}
		s.happened(since, "subscription.canceled subscription "+id, "entitlements.updated customer acme")
		s.balance("acme", "90 usd")
	})
}

// Scenarios 21 and 22: tiers and blocks, as they are charged.
func TestScenarios21And22Shapes(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		tiers := func(fee ...int) string {
			row := func(upTo, unit, i int) string {
				r := fmt.Sprintf(`{"unitPrice":{"amount":%d}`, unit)
				if upTo > 0 {
					r += fmt.Sprintf(`,"upTo":%d`, upTo)
				}
				if len(fee) > 0 {
					r += fmt.Sprintf(`,"flatPrice":{"amount":%d}`, fee[i])
				}
				return r + "}"
			}
			return `"tiers":[` + row(5, 20, 0) + "," + row(10, 15, 1) + "," + row(0, 10, 2) + `]`
		}
		model := func(mode, price string) string {
			if mode != "" {
				mode = fmt.Sprintf(`"tiersMode":%q,`, mode)
			}
			return charge(fmt.Sprintf(`{"billingModel":"PER_UNIT","featureId":"seats",%s"pricePeriods":[{"billingPeriod":"MONTHLY",%s}]}`, mode, price))
		}
		const block = `"blockSize":1000,"price":{"amount":1}`
		for i, c := range []struct {
			charges         string
			quantity, total int
		}{
			{model("GRADUATED", tiers()), 20, 275},
			{model("GRADUATED", tiers(10, 8, 5)), 20, 298},
			{model("VOLUME", tiers()), 20, 200},
			{model("", block), 500, 1},
			{model("", block), 1500, 2},
		} {
			plan := fmt.Sprintf("shape-%d", i)
			s.join(plan)
			s.post(plans, fmt.Sprintf(`{"id":%q,"displayName":"Shape","productId":"studio"}`, plan)).want(201)
			s.patch(plans+"/"+plan, c.charges).want(200)
			s.post(plans+"/"+plan+"/entitlements", `{"entitlements":[{"type":"FEATURE","id":"seats","usageLimit":1}]}`).want(201)
			s.publish(plan)
			s.post(subs, askedBy(plan, plan, seats(c.quantity), fmt.Sprintf(`"id":%q`, plan))).want(201)
			s.cost(plan, "total", c.total)
		}
	})
}
