package apitest

import (
	"fmt"
	"testing"
	"time"
)

// The acceptance scenarios of domain-catalog-provisioning §12, by their numbers.

func TestScenario1PlanSelection(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.journey(selectFirst)
		since := s.here()
		s.post(customers, `{"id":"acme","name":"Acme","email":"billing@acme.example","subscriptionParams":{"planId":"plan-basic"}}`).
			want(201).
			has("data.subscription.planId", "plan-basic", "data.subscription.status", "ACTIVE", "data.subscription.productId", "product-demo",
				"data.subscription.pricingType", "FREE", "data.subscription.trialEndDate", nil, "data.subscription.startDate", stamp(begin),
				"data.subscriptionDecisionStrategy", "REQUESTED_PLAN", "data.trialedPlans", []any{}, "data.experimentInfo", nil).
			golden("provision_requested_plan")
		s.happened(since, "customer.created customer acme", "subscription.created subscription "+s.subscriptionOf("acme"),
			"entitlements.updated customer acme")
		s.check("acme", "feature-basic-reports").has("data.isGranted", true, "data.accessDeniedReason", nil).golden("check_boolean")
		s.check("acme", "feature-seats", "&requestedUsage=6").
			has("data.isGranted", false, "data.accessDeniedReason", "RequestedUsageExceedingLimit", "data.usageLimit", 5)
		s.get(customers + "/acme").want(200).golden("customer")
		s.get("/api/v1/subscriptions/" + s.subscriptionOf("acme")).want(200).golden("subscription")
		s.get(customers + "/acme/entitlements").want(200).golden("entitlements")
	})
}

func TestScenario2FreePlan(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.journey(startFree)
		s.post(customers, provision("acme", "plan-pro", `"id":"sub-1"`, `"billingPeriod":"MONTHLY"`, `"metadata":{"team":"red"}`)).want(201).
			has("data.subscription.id", "sub-1", "data.subscription.planId", "plan-free", "data.subscription.status", "ACTIVE",
				"data.subscription.billingPeriod", nil, "data.subscription.metadata", map[string]string{"team": "red"},
				"data.subscriptionDecisionStrategy", "PREDEFINED_FREE_PLAN").
			golden("provision_free_plan")
		// The strategy is the journey's even when it was asked for (§6.4).
		s.post(customers, provision("bolt", "plan-free")).want(201).has("data.subscriptionDecisionStrategy", "PREDEFINED_FREE_PLAN")
	})
}

func TestScenario3Trial(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.journey(startTrial)
		since := s.here()
		s.post(customers, provision("acme", "plan-free")).want(201).
			has("data.subscription.planId", "plan-pro", "data.subscription.status", "IN_TRIAL",
				"data.subscription.trialEndDate", stamp(begin.Add(14*day)), "data.subscription.effectiveEndDate", stamp(begin.Add(14*day)),
				"data.subscriptionDecisionStrategy", "PREDEFINED_TRIAL_PLAN",
				"data.trialedPlans", []map[string]string{{"productId": "product-demo", "planId": "plan-pro"}}).
			golden("provision_trial")
		sub := "subscription " + s.subscriptionOf("acme")
		s.happened(since, "customer.created customer acme", "subscription.created "+sub, "subscription.trial_started "+sub,
			"entitlements.updated customer acme")
		s.get(customers+"/acme").want(200).has("data.trialedPlans.0.planId", "plan-pro")
		s.check("acme", "feature-api-calls").has("data.isGranted", true, "data.hasUnlimitedUsage", true, "data.validUntil", stamp(begin.Add(14*day)))
	})
}

func TestScenario4NoSubscription(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		for i, settings := range []string{selectFirst, startFree, startTrial} {
			s.journey(settings)
			for _, body := range []string{`{"id":"null-%d","subscriptionParams":null}`, `{"id":"absent-%d"}`} {
				s.post(customers, fmt.Sprintf(body, i)).want(201).
					has("data.subscription", nil, "data.entitlements", []any{}, "data.trialedPlans", []any{},
						"data.subscriptionDecisionStrategy", "SKIPPED_SUBSCRIPTION_CREATION")
			}
		}
		s.get("/api/v1/subscriptions").want(200).has("data", []any{})
		s.check("null-0", "feature-seats").has("data.isGranted", false, "data.accessDeniedReason", "NoActiveSubscription")
		s.get(customers+"/null-0/entitlements").want(200).has("data.accessDeniedReason", "NoActiveSubscription", "data.entitlements", []any{})
	})
}

func TestScenario5Downgrade(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.journey(startTrial + "," + endFree)
		s.post(customers, provision("acme", "plan-free", `"metadata":{"team":"red"}`)).want(201)
		trial := s.subscriptionOf("acme")
		since := s.here()
		s.moveTo(begin.Add(14*day - time.Second))
		s.get("/api/v1/subscriptions/"+trial).want(200).has("data.status", "IN_TRIAL")
		s.happened(since, "subscription.trial.ends_soon subscription "+trial, "environment.clock_moved environment clock")

		since = s.here()
		end := begin.Add(14 * day)
		s.moveTo(end.Add(3 * day))
		s.get("/api/v1/subscriptions/"+trial).want(200).
			has("data.status", "EXPIRED", "data.cancelReason", "TRIAL_ENDED", "data.endDate", stamp(end), "data.effectiveEndDate", stamp(end))
		free := s.subscriptionOf("acme")
		s.get("/api/v1/subscriptions/"+free).want(200).has("data.planId", "plan-free", "data.status", "ACTIVE", "data.startDate", stamp(end),
			"data.metadata", map[string]string{"team": "red"})
		events := s.happened(since, "subscription.trial_expired subscription "+trial, "subscription.created subscription "+free,
			"entitlements.updated customer acme", "environment.clock_moved environment clock")
		for _, e := range events[:3] {
			if !e.At.Equal(end) || e.Actor.Type != "SYSTEM" {
				t.Errorf("%s is at %s by %v, want at the trial's end by the system", e, e.At, e.Actor)
			}
		}
		s.check("acme", "feature-seats").has("data.isGranted", true, "data.usageLimit", 1)
		s.get(customers+"/acme").want(200).has("data.trialedPlans.0.planId", "plan-pro")
	})
}

func TestScenario12Repeat(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		first := s.post(customers, provision("acme", "plan-basic")).want(201)
		since := s.here()
		again := s.post(customers, provision("acme", "plan-basic")).want(200)
		if string(first.raw) != string(again.raw) {
			t.Errorf("the repeat differs:\n%s\n%s", first.raw, again.raw)
		}
		s.post(customers, provision("acme", "plan-free")).
			refused(409, "DuplicatedEntityNotAllowed", "subscriptionParams.planId").
			golden("duplicate")
		s.happened(since)
		s.get(customers+"/acme").want(200).has("data.updatedAt", stamp(begin))
	})
}

// Scenario 19, as far as a start plan can be spoilt in this slice: by publishing it without its trial, or not free.
func TestScenario19StartPlanIsGuarded(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.journey(startTrial + "," + endFree)
		s.post("/api/v1/plans/plan-pro/draft", "").want(200)
		a := s.patch("/api/v1/plans/plan-pro", `{"defaultTrialConfig":null}`)
		if a.status == 200 {
			a = s.post("/api/v1/plans/plan-pro/publish", `{"migrationType":"NEW_CUSTOMERS"}`)
		}
		a.refused(409, "PlanIsUsedAsDefaultStartPlan")

		s.post("/api/v1/plans/plan-free/draft", "").want(200)
		a = s.patch("/api/v1/plans/plan-free", `{"charges":{"pricingType":"PAID","pricingModels":[{"billingModel":"FLAT_FEE","pricePeriods":[
			{"billingPeriod":"MONTHLY","price":{"amount":1}}]}]}}`)
		if a.status == 200 {
			a = s.post("/api/v1/plans/plan-free/publish", `{"migrationType":"NEW_CUSTOMERS"}`)
		}
		a.refused(409, "PlanIsUsedAsDowngradePlan")
		s.post(customers, provision("acme", "plan-basic")).want(201).has("data.subscription.status", "IN_TRIAL")
	})
}

func TestScenario24Unarchive(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.post(customers, `{"id":"acme","name":"Acme","email":"a@acme.example","metadata":{"k":"v"},"subscriptionParams":{"planId":"plan-basic"}}`).want(201)
		sub := s.subscriptionOf("acme")
		since := s.here()
		s.post(customers+"/acme/archive", "").want(200).
			has("data.archivedAt", stamp(begin), "data.name", nil, "data.email", nil)
		s.get(customers+"/acme").refused(404, "CustomerNotFound")
		s.get(customers+"/acme?includeArchived=true").want(200).has("data.archivedAt", stamp(begin), "data.name", nil)
		s.get(customers+"?email=a@acme.example").want(200).has("data", []any{})
		s.check("acme", "feature-seats").has("data.isGranted", false, "data.accessDeniedReason", "CustomerIsArchived")
		s.get(customers+"/acme/entitlements").want(200).has("data.accessDeniedReason", "CustomerIsArchived")
		s.get("/api/v1/subscriptions/"+sub).want(200).has("data.status", "CANCELED", "data.cancelReason", "CustomerArchived")
		s.post(customers+"/acme/archive", "").want(200)
		s.happened(since, "subscription.canceled subscription "+sub, "customer.deleted customer acme", "entitlements.updated customer acme")

		s.post(customers+"/acme/unarchive", "").want(200).has("data.archivedAt", nil, "data.name", nil, "data.email", nil)
		s.get(customers+"/acme").want(200).has("data.archivedAt", nil, "data.name", nil, "data.email", nil)
		s.get("/api/v1/subscriptions/"+sub).want(200).has("data.status", "CANCELED")
		s.check("acme", "feature-seats").has("data.accessDeniedReason", "NoActiveSubscription")
		s.post(customers+"/acme/unarchive", "").want(200)
	})
}

func TestArchiveNeedsNoPaidSubscription(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.post(customers, provision("payer", "plan-pro", fmt.Sprintf(`"startDate":%q`, stamp(begin.Add(-day))))).want(201).has("data.subscription.status", "ACTIVE")
		since := s.here()
		s.post(customers+"/payer/archive", "").refused(409, "CannotDeleteCustomerError")
		s.happened(since)
		s.post(customers+"/payer/archive?cancelSubscriptions=true", "").want(200)
		s.get("/api/v1/subscriptions/"+s.subscriptionOf("payer")).want(200).has("data.status", "CANCELED", "data.cancelReason", "CustomerArchived")

		s.post(customers, provision("trier", "plan-pro")).want(201).has("data.subscription.status", "IN_TRIAL")
		s.post(customers+"/trier/archive", "").want(200)
		s.moveTo(begin.Add(30 * day)) // its timers have nothing left to do
		s.get("/api/v1/subscriptions/"+s.subscriptionOf("trier")).want(200).has("data.cancelReason", "CustomerArchived")
		s.post(customers+"/nobody/archive", "").refused(404, "CustomerNotFound")
		s.post(customers+"/nobody/unarchive", "").refused(404, "CustomerNotFound")
	})
}

func TestProductWithManySubscriptions(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.post("/api/v1/products", `{"id":"product-sites","displayName":"Sites","multipleSubscriptions":true}`).want(201).has("data.multipleSubscriptions", true)
		s.post("/api/v1/plans", `{"id":"plan-site","displayName":"Site","productId":"product-sites","pricingType":"FREE"}`).want(201)
		s.post("/api/v1/plans/plan-site/entitlements", `{"entitlements":[{"type":"FEATURE","id":"feature-seats","usageLimit":3}]}`)
		s.publish("plan-site")
		s.post(customers, provision("acme", "plan-site")).refused(400, "InvalidArgumentError", "subscriptionParams.resourceId")
		s.post(customers, provision("acme", "plan-basic", `"resourceId":"site-1"`)).refused(400, "InvalidArgumentError", "subscriptionParams.resourceId")
		s.get(customers+"/acme").refused(404, "CustomerNotFound")

		s.post(customers, provision("acme", "plan-site", `"resourceId":"site-1"`)).want(201).has("data.subscription.resourceId", "site-1")
		s.check("acme", "feature-seats", "&resourceId=site-1").has("data.isGranted", true, "data.usageLimit", 3)
		s.check("acme", "feature-seats").has("data.accessDeniedReason", "NoActiveSubscription")
		s.check("acme", "feature-seats", "&resourceId=site-2").has("data.accessDeniedReason", "CustomerResourceNotFound")
		s.get(customers+"/acme/entitlements?resourceId=site-1").want(200).has("data.entitlements.0.feature.id", "feature-seats")
		s.get("/api/v1/subscriptions?resourceId=site-1").want(200).has("data.0.customerId", "acme")
		s.get("/api/v1/subscriptions?resourceId=site-2").want(200).has("data", []any{})
	})
}

func TestExcludeFromExperimentIsStored(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.journey(startFree)
		s.post(customers, `{"id":"acme","excludeFromExperiment":true,"subscriptionParams":{"planId":"plan-pro"}}`).want(201).
			has("data.excludeFromExperiment", true, "data.experimentInfo", nil, "data.subscriptionDecisionStrategy", "PREDEFINED_FREE_PLAN")
		s.get(customers+"/acme").want(200).has("data.excludeFromExperiment", true)
		// Nobody was enrolled, so the flag is no content (design.md, the quick start's two snippets).
		s.post(customers, `{"id":"acme","excludeFromExperiment":false,"subscriptionParams":{"planId":"plan-pro"}}`).want(200).
			has("data.excludeFromExperiment", true)
		s.post(customers, provision("bolt", "plan-pro")).want(201).has("data.excludeFromExperiment", false)
		s.post(customers, `{"id":"bolt","excludeFromExperiment":true,"subscriptionParams":{"planId":"plan-pro"}}`).want(200)
	})
}

func TestDryRun(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.journey(startTrial)
		since := s.here()
		s.post(customers+"?dryRun=true", provision("acme", "plan-free"), "Idempotency-Key", "k").
			has("data.id", "acme", "data.subscription.status", "IN_TRIAL", "data.subscription.planId", "plan-pro",
				"data.subscriptionDecisionStrategy", "PREDEFINED_TRIAL_PLAN", "data.trialedPlans.0.planId", "plan-pro",
				"data.entitlements.0.isGranted", true)
		s.post(customers+"?dryRun=true", provision("acme", "plan-none")).refused(404, "PlanNotFound", "subscriptionParams.planId")
		s.happened(since)
		s.get(customers+"/acme").refused(404, "CustomerNotFound")
		s.get("/api/v1/subscriptions").want(200).has("data", []any{})
		s.post(customers, provision("acme", "plan-free"), "Idempotency-Key", "k").want(201)
		s.post(customers+"?dryRun=true", provision("acme", "plan-basic")).refused(409, "DuplicatedEntityNotAllowed", "subscriptionParams.planId")
		s.post(customers+"?dryRun=true", provision("acme", "plan-free")).want(200).has("data.subscription.status", "IN_TRIAL")
	})
}
