package apitest

import "testing"

// Warnings block nothing: each of these is published.
func TestPublishWarns(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.fill()
		edit := func(plan, body string) {
			t.Helper()
			s.post(plans+"/"+plan+"/draft", "").want(200)
			s.patch(plans+"/"+plan, body).want(200)
		}
		publish := func(plan string) *answer {
			return s.post(plans+"/"+plan+"/publish", `{"migrationType":"NEW_CUSTOMERS"}`)
		}
		edit("gold", `{"displayName":"Gold 2"}`)
		publish("gold").warned()

		edit("gold", `{"charges":{"pricingType":"PAID","pricingModels":[{"billingModel":"FLAT_FEE","pricePeriods":[{"billingPeriod":"MONTHLY","price":{"amount":19,"currency":"eur"}}]}]},
			"compatibleAddonIds":["bare","cap","extra"]}`)
		publish("gold").warned("ADDON_NOT_PUBLISHED compatibleAddonIds.bare", "ADDON_WITHOUT_CURRENCY compatibleAddonIds.cap", "ADDON_WITHOUT_CURRENCY compatibleAddonIds.extra")
		s.get(plans+"/gold").want(200).has("data.versionNumber", 3, "data.status", "PUBLISHED")

		s.post(plans+"/gold/draft", "").want(200)
		s.patch(plans+"/gold", `{"compatibleAddonIds":[]}`).want(200)
		s.patch(plans+"/gold/entitlements/seats", `{"type":"FEATURE","usageLimit":9}`).want(200)
		s.patch(plans+"/gold/entitlements/calls", `{"type":"FEATURE","hasUnlimitedUsage":true}`).want(200)
		s.del(plans + "/gold/entitlements/region").want(200)
		publish("gold").warned("LIMIT_LOWERED entitlements.region", "LIMIT_LOWERED entitlements.seats")
		s.post(plans+"/gold/draft", "").want(200)
		s.patch(plans+"/gold/entitlements/calls", `{"type":"FEATURE","usageLimit":1000000}`).want(200)
		publish("gold").warned("LIMIT_LOWERED entitlements.calls")
		s.post(plans+"/gold/draft", "").want(200)
		s.patch(plans+"/gold/entitlements/seats", `{"type":"FEATURE","isGranted":false}`).want(200)
		publish("gold").warned("LIMIT_LOWERED entitlements.seats")

		edit("two", `{"compatibleAddonIds":["extra"],"charges":{"pricingType":"PAID","pricingModels":[
			{"billingModel":"FLAT_FEE","pricePeriods":[{"billingPeriod":"MONTHLY","price":{"amount":2}},{"billingPeriod":"ANNUALLY","price":{"amount":20}}]},
			{"billingModel":"PER_UNIT","featureId":"seats","pricePeriods":[{"billingPeriod":"ANNUALLY","price":{"amount":1}}]}]}}`)
		publish("two").warned("ADDON_WITHOUT_PERIOD compatibleAddonIds.extra", "CHARGE_WITHOUT_PERIOD charges.PER_UNIT.seats")
	})
}

// A plan in two countries warns where an add-on has another currency, and not where it falls back to the same.
func TestPublishWarnsByCountry(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.fill()
		s.post(addOns+"/extra/draft", "").want(200)
		s.patch(addOns+"/extra", `{"charges":{"pricingType":"PAID","pricingModels":[{"billingModel":"FLAT_FEE","pricePeriods":[{"billingPeriod":"MONTHLY","price":{"amount":5}},
			{"billingPeriod":"MONTHLY","billingCountryCode":"DE","price":{"amount":5,"currency":"eur"}}]}]}}`).want(200)
		s.post(addOns+"/extra/publish", `{}`).warned()
		s.post(plans+"/gold/draft", "").want(200)
		s.patch(plans+"/gold", `{"compatibleAddonIds":["cap","extra"],"charges":{"pricingType":"PAID","pricingModels":[{"billingModel":"FLAT_FEE","pricePeriods":[
			{"billingPeriod":"MONTHLY","price":{"amount":20}},{"billingPeriod":"MONTHLY","billingCountryCode":"DE","price":{"amount":19,"currency":"eur"}},
			{"billingPeriod":"MONTHLY","billingCountryCode":"CA","price":{"amount":18}}]}]}}`).want(200)
		s.post(plans+"/gold/publish", `{}`).warned("ADDON_WITHOUT_CURRENCY compatibleAddonIds.cap")
		s.post(customers, provision("a", "gold", addons("cap", 1), `"billingCountryCode":"DE"`)).refused(404, "PriceNotFound", "subscriptionParams.addons[0].id")
		s.post(customers, provision("b", "gold", addons("extra", 1), `"billingCountryCode":"DE"`)).want(201).
			has("data.subscription.prices.0.currency", "eur", "data.subscription.prices.1.currency", "eur")
		s.post(customers, provision("c", "gold", addons("cap", 1), `"billingCountryCode":"CA"`)).want(201)
	})
}

// A feature is asked for once it was checked by its id, and the warning goes away.
func TestPublishWarnsOfUncheckedFeatures(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.fill()
		s.post(customers, provision("acme", "gold")).want(201)
		publish := func() *answer {
			s.post(plans+"/gold/draft", "").want(200)
			return s.post(plans+"/gold/publish", `{}`)
		}
		const never = "FEATURE_NEVER_CHECKED entitlements."
		publish().warned(never+"calls", never+"region", never+"seats")
		s.check("acme", "seats")
		publish().warned(never+"calls", never+"region")
		s.check("acme", "region")
		s.check("acme", "none") // a misspelt one is none of these
		publish().warned(never + "calls")
		s.check("acme", "calls")
		publish().has("data.warnings", []any{})

		// Another environment's checks do not count.
		s.production.post(file+"/apply", shelf).want(200)
		s.production.post(plans+"/gold/draft", "").want(200)
		s.production.post(plans+"/gold/publish", `{}`).warned(never+"calls", never+"region", never+"seats")
	})
}

// Scenario 18: what a base gains is in its children's new subscriptions, and in no older one.
func TestChildInherits(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.fill()
		s.post(plans, `{"id":"grandchild","displayName":"Grandchild","productId":"shop","parentPlanId":"child","pricingType":"FREE"}`).want(201).
			has("data.parentPlanId", "child")
		s.publish("grandchild")
		s.post(customers, provision("old", "child")).want(201)
		s.post(customers, provision("older", "grandchild")).want(201)
		for _, id := range []string{"old", "older"} {
			s.limit(id, "seats", 5)
			s.limit(id, "calls", 10)
			s.check(id, "reports").has("data.isGranted", true)
			s.check(id, "depth").has("data.isGranted", false, "data.accessDeniedReason", "NoFeatureEntitlementInSubscription")
		}
		s.post(plans+"/base/entitlements", `{"entitlements":[{"type":"FEATURE","id":"depth","usageLimit":3},{"type":"FEATURE","id":"calls","usageLimit":500}]}`).want(201)
		s.post(customers, provision("between", "child")).want(201)
		s.limit("between", "seats", 5) // a draft is nothing yet
		s.check("between", "depth").has("data.isGranted", false)
		s.publish("base") // without reports and seats, with depth
		for i, plan := range []string{"child", "grandchild"} {
			id := []string{"new", "newer"}[i]
			s.post(customers, provision(id, plan)).want(201).has("data.subscription.planVersion", 1)
			s.limit(id, "depth", 3)
			s.limit(id, "calls", 10) // its own beats the inherited one
			s.check(id, "reports").has("data.isGranted", false)
			s.check(id, "seats").has("data.isGranted", false)
		}
		for _, id := range []string{"old", "older", "between"} {
			s.limit(id, "seats", 5)
			s.check(id, "reports").has("data.isGranted", true)
			s.check(id, "depth").has("data.isGranted", false)
		}
		s.get(plans+"/child/entitlements").want(200).has("data.0.id", "calls", "data.1", absent) // its own only

		s.post(plans+"/child/draft", "").want(200)
		s.patch(plans+"/child", `{"parentPlanId":null}`).want(200).has("data.parentPlanId", nil)
		s.post(plans+"/base/archive", "").refused(409, "PlanWithChildCantBeDeleted")
		s.publish("child")
		s.post(customers, provision("free", "child")).want(201)
		s.check("free", "depth").has("data.isGranted", false)
		s.limit("new", "depth", 3)
	})
}

// Scenario 19: the plan that a journey uses stays, until the journey lets go of it.
func TestJourneyPlanStays(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.fill()
		since := s.here()
		for _, plan := range []string{"club-start", "gym-trial"} {
			s.post(plans+"/"+plan+"/archive", "").refused(409, "PlanIsUsedAsDefaultStartPlan")
		}
		s.post(plans+"/club-end/archive", "").refused(409, "PlanIsUsedAsDowngradePlan")
		s.happened(since)
		s.post(customers, provision("acme", "club-end")).want(201).has("data.subscription.planId", "club-start", "data.subscriptionDecisionStrategy", "PREDEFINED_FREE_PLAN")
		for _, product := range []string{"club", "gym"} {
			s.patch(products+"/"+product, `{"productSettings":{"subscriptionStartSetup":"PLAN_SELECTION","subscriptionEndSetup":"CANCEL_SUBSCRIPTION","subscriptionCancellationTime":"IMMEDIATE"}}`).want(200)
		}
		for _, plan := range []string{"club-start", "club-end", "gym-trial"} {
			s.post(plans+"/"+plan+"/archive", "").want(200).has("data.status", "ARCHIVED")
			s.post(plans+"/"+plan+"/archive", "").want(200) // again
			s.post(customers, provision("late", plan)).refused(404, "PlanNotFound", "subscriptionParams.planId")
		}
		s.get("/api/v1/subscriptions/"+s.subscriptionOf("acme")).want(200).has("data.status", "ACTIVE")
		s.get(plans+"?productId=club").want(200).has("data", []any{})
		s.get(plans+"?productId=club&status=ARCHIVED").want(200).has("data.0.id", "club-end", "data.1.id", "club-start")
	})
}
