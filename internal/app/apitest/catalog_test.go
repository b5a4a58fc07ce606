package apitest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	features = "/api/v1/features"
	products = "/api/v1/products"
	plans    = "/api/v1/plans"
)

func TestFeatures(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		since := s.here()
		s.post(features, `{"id":"f-bool","displayName":"Reports","featureType":"BOOLEAN"}`).want(201).
			has("data.meterType", "None", "data.featureStatus", "NEW", "data.description", nil, "data.metadata", map[string]string{}).golden("feature")
		s.post(features, `{"id":"f-calls","displayName":"Calls","description":"API calls","featureType":"NUMBER","meterType":"INCREMENTAL",
			"featureUnits":"call","featureUnitsPlural":"calls","metadata":{"team":"red"}}`).want(201)
		s.post(features, `{"id":"f-number","displayName":"Depth","featureType":"NUMBER"}`).want(201).has("data.meterType", "None")
		s.get(features+"/f-calls").want(200).
			has("data.featureUnits", "call", "data.featureUnitsPlural", "calls", "data.meterType", "INCREMENTAL", "data.metadata.team", "red")
		s.post(features, `{"id":"f-bool","displayName":"Again","featureType":"BOOLEAN"}`).refused(409, "DuplicatedEntityNotAllowed", "id")
		s.post(features, `{"id":"f-metered","displayName":"M","featureType":"BOOLEAN","meterType":"FLUCTUATING"}`).
			refused(400, "MeteringNotAvailableForFeatureType", "meterType")
		s.get(features+"/none").refused(404, "FeatureNotFound")
		s.patch(features+"/none", `{}`).refused(404, "FeatureNotFound")

		s.patch(features+"/f-calls", `{"displayName":"Requests","description":null,"metadata":{"team":null,"cost":"1"}}`).want(200).
			has("data.displayName", "Requests", "data.description", nil, "data.metadata", map[string]string{"cost": "1"}, "data.featureUnits", "call")
		a := s.patch(features+"/f-calls", `{"featureType":"BOOLEAN","meterType":"FLUCTUATING"}`)
		if got := a.head.Get(ignored); a.status != 400 && (!strings.Contains(got, "featureType") || !strings.Contains(got, "meterType")) {
			t.Errorf("%s: %d, %s is %q: the types are fixed", a.call, a.status, ignored, got)
		}
		s.get(features+"/f-calls").want(200).has("data.featureType", "NUMBER", "data.meterType", "INCREMENTAL")
		s.happened(since, "feature.created feature f-bool", "feature.created feature f-calls", "feature.created feature f-number", "feature.updated feature f-calls")

		for query, want := range map[string][]string{
			"": {"f-bool", "f-calls", "f-number"}, "featureType=BOOLEAN": {"f-bool"}, "meterType=None": {"f-bool", "f-number"},
			"featureType=NUMBER&meterType=INCREMENTAL,FLUCTUATING": {"f-calls"}, "id=f-number": {"f-number"}, "status=ACTIVE": {}, "status=NEW,ACTIVE": {"f-bool", "f-calls", "f-number"},
		} {
			if d := cmp.Diff(want, s.get(features+"?"+query).want(200).column("id")); d != "" {
				t.Errorf("%s (-want +got):\n%s", query, d)
			}
		}
		s.post(features, `{"displayName":"No id","featureType":"BOOLEAN"}`) // an id is made, or asked for: never a 5xx
	})
}

func TestBadFeatures(t *testing.T) {
	long := strings.Repeat("x", 256)
	each(t, func(t *testing.T, s *server) {
		since := s.here()
		s.post(features, `{"id":"a b","displayName":"`+long+`","description":"`+long+`","featureType":"SWITCH","meterType":5,"metadata":{"k":5}}`).
			refused(400, "BadUserInput", "id", "displayName", "description", "featureType", "meterType", "metadata.k")
		s.post(features, `{"id":"a@b","displayName":"","featureType":"NUMBER","featureUnits":"`+long+`","featureUnitsPlural":"`+long+`"}`).
			refused(400, "BadUserInput", "id", "displayName", "featureUnits", "featureUnitsPlural")
		s.post(features, `{}`).refused(400, "BadUserInput")
		s.happened(since)
	})
}

func TestProducts(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		if got := s.get(products).want(200).column("displayName"); len(got) != 1 { // named after the account (§2.2)
			t.Errorf("a new environment has the products %v, want its default one", got)
		}
		since := s.here()
		s.post(products, `{"id":"p1","displayName":"One"}`).want(201).
			has("data.status", "PUBLISHED", "data.multipleSubscriptions", false).golden("product")
		s.post(products, `{"id":"p1","displayName":"Again"}`).refused(409, "DuplicatedEntityNotAllowed", "id")
		s.patch(products+"/p1", `{"displayName":"Uno","description":"First","metadata":{"k":"v"}}`).want(200).has("data.displayName", "Uno", "data.description", "First")
		s.patch(products+"/p1", `{"description":null,"metadata":{"k":""},"usageResetCutoffRule":{"behavior":"NEVER_RESET"}}`).want(200).
			has("data.displayName", "Uno", "data.description", nil, "data.metadata", map[string]string{})
		s.patch(products+"/none", `{}`).refused(404, "ProductNotFound")
		s.happened(since, "product.created product p1", "product.updated product p1", "product.updated product p1")
		s.get(products+"?id=p1").want(200).has("data.0.displayName", "Uno", "data.1", absent)
		s.get(products+"?id=none").want(200).has("data", []any{})
		s.post(products, `{"id":"a b","displayName":5,"multipleSubscriptions":"no","metadata":{"k":[]}}`).
			refused(400, "BadUserInput", "id", "displayName", "multipleSubscriptions", "metadata.k")
	})
}

// multipleSubscriptions is fixed once a subscription exists (§3.1).
func TestMultipleSubscriptionsIsFixed(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.patch(products+"/product-demo", `{"multipleSubscriptions":true}`).want(200).has("data.multipleSubscriptions", true)
		s.post(customers, provision("acme", "plan-basic", `"resourceId":"r"`)).want(201)
		s.patch(products+"/product-demo", `{"multipleSubscriptions":true}`).want(200)
		if a := s.patch(products+"/product-demo", `{"multipleSubscriptions":false}`); a.status != 400 && a.status != 409 {
			t.Errorf("%s: %d", a.call, a.status)
		}
		s.get(products+"?id=product-demo").want(200).has("data.0.multipleSubscriptions", true)
	})
}

// Every row of §5.2.
func TestJourneySettings(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.post(products, `{"id":"p-other","displayName":"Other"}`).want(201)
		s.post(plans, `{"id":"plan-other","displayName":"Other","productId":"p-other","pricingType":"FREE"}`).want(201)
		s.publish("plan-other")
		s.post(plans, `{"id":"plan-draft","displayName":"Draft","productId":"product-demo","pricingType":"FREE"}`).want(201)
		s.post(plans, `{"id":"plan-bare","displayName":"Bare","productId":"product-demo"}`).want(201)
		s.patch(plans+"/plan-bare", `{"charges":{"pricingType":"PAID","pricingModels":[{"billingModel":"FLAT_FEE","pricePeriods":[{"billingPeriod":"MONTHLY","price":{"amount":5}}]}]}}`).want(200)
		s.publish("plan-bare")
		since := s.here()
		const start, end = "productSettings.subscriptionStartPlanId", "productSettings.downgradePlanId"
		for settings, path := range map[string]string{
			`"subscriptionStartSetup":"FREE_PLAN"`:                                           start,
			`"subscriptionStartSetup":"FREE_PLAN","subscriptionStartPlanId":"plan-none"`:     start,
			`"subscriptionStartSetup":"FREE_PLAN","subscriptionStartPlanId":"plan-pro"`:      start,
			`"subscriptionStartSetup":"FREE_PLAN","subscriptionStartPlanId":"plan-draft"`:    start,
			`"subscriptionStartSetup":"FREE_PLAN","subscriptionStartPlanId":"plan-other"`:    start,
			`"subscriptionStartSetup":"TRIAL_PERIOD"`:                                        start,
			`"subscriptionStartSetup":"TRIAL_PERIOD","subscriptionStartPlanId":"plan-free"`:  start,
			`"subscriptionStartSetup":"TRIAL_PERIOD","subscriptionStartPlanId":"plan-draft"`: start,
			`"subscriptionStartSetup":"TRIAL_PERIOD","subscriptionStartPlanId":"plan-bare"`:  start,
			`"subscriptionEndSetup":"DOWNGRADE_TO_FREE"`:                                     end,
			`"subscriptionEndSetup":"DOWNGRADE_TO_FREE","downgradePlanId":"plan-pro"`:        end,
			`"subscriptionEndSetup":"DOWNGRADE_TO_FREE","downgradePlanId":"plan-draft"`:      end,
			`"subscriptionEndSetup":"DOWNGRADE_TO_FREE","downgradePlanId":"plan-other"`:      end,
			`"subscriptionCancellationTime":"SPECIFIC_DATE"`:                                 "productSettings.subscriptionCancellationTime",
		} {
			s.patch(products+"/product-demo", `{"productSettings":{`+settings+`}}`).refused(400, "InvalidArgumentError", path)
		}
		s.patch(products+"/product-demo", `{"productSettings":{"subscriptionStartSetup":"FREE_PLAN","subscriptionEndSetup":"DOWNGRADE_TO_FREE"}}`).
			refused(400, "InvalidArgumentError", start, end)
		s.patch(products+"/product-demo", `{"productSettings":{"subscriptionStartSetup":"MAYBE","subscriptionEndSetup":5,"subscriptionDowngradeTime":"LATER"}}`).
			refused(400, "BadUserInput", "productSettings.subscriptionStartSetup", "productSettings.subscriptionEndSetup", "productSettings.subscriptionDowngradeTime")
		s.happened(since)

		// They are replaced as a whole, absent members take their defaults (contract §1.4).
		s.journey(startFree + "," + endFree + `,"subscriptionCancellationTime":"END_OF_BILLING_PERIOD","prorateAtEndOfBillingPeriod":true,
			"subscriptionDowngradeTime":"END_OF_BILLING_PERIOD"`)
		s.journey(selectFirst + `,"subscriptionStartPlanId":"plan-free"`)
		s.get(products+"?id=product-demo").want(200).has("data.0.productSettings", map[string]any{
			"subscriptionStartSetup": "PLAN_SELECTION", "subscriptionStartPlanId": nil, "subscriptionEndSetup": "CANCEL_SUBSCRIPTION",
			"downgradePlanId": nil, "subscriptionCancellationTime": "IMMEDIATE", "prorateAtEndOfBillingPeriod": false,
			"subscriptionDowngradeTime": "IMMEDIATE", "cancelWithProductIds": []any{},
		})
	})
}

// Archiving takes the plans along, unarchiving brings back just those (§3.1).
func TestProductIsArchived(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.post(customers, provision("acme", "plan-basic")).want(201)
		s.post(products+"/product-demo/archive", "").want(200).has("data.status", "ARCHIVED")
		s.post(products+"/product-demo/archive", "").want(200)
		s.post(customers, provision("bolt", "plan-basic")).refused(404, "PlanNotFound", "subscriptionParams.planId")
		s.get(products+"?id=product-demo").want(200).has("data", []any{})
		s.get(products+"?id=product-demo&status=ARCHIVED").want(200).has("data.0.id", "product-demo")
		s.get(plans+"?productId=product-demo").want(200).has("data", []any{})
		s.check("acme", "feature-seats").has("data.isGranted", true) // existing subscriptions go on
		s.post(products+"/product-demo/unarchive", "").want(200).has("data.status", "PUBLISHED")
		s.get(plans+"/plan-basic").want(200).has("data.status", "PUBLISHED")
		s.post(customers, provision("bolt", "plan-basic")).want(201)
		s.post(products+"/none/archive", "").refused(404, "ProductNotFound")
		s.post(products+"/none/unarchive", "").refused(404, "ProductNotFound")
	})
}

func TestProductIsDuplicated(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.journey(startTrial + "," + endFree)
		s.post(products+"/product-demo/duplicate", `{"targetId":"copy","displayName":"Copy"}`).want(201).has("data.id", "copy", "data.displayName", "Copy")
		if d := cmp.Diff([]string{"plan-basic-copy", "plan-free-copy", "plan-pro-copy"}, s.get(plans+"?productId=copy").want(200).column("id")); d != "" {
			t.Errorf("plans (-want +got):\n%s", d)
		}
		s.get(products+"?id=copy").want(200).has("data.0.productSettings.subscriptionStartPlanId", "plan-pro-copy", "data.0.productSettings.downgradePlanId", "plan-free-copy")
		s.post(products+"/product-demo/duplicate", `{"targetId":"copy"}`).refused(409, "DuplicatedEntityNotAllowed")
		s.post(products+"/none/duplicate", `{"targetId":"more"}`).refused(404, "ProductNotFound")
		s.post(products+"/product-demo/duplicate", `{"targetId":"a/b"}`).refused(400, "BadUserInput", "targetId")
	})
}

func TestPlanLifeCycle(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.post(features, `{"id":"seats","displayName":"Seats","featureType":"NUMBER","meterType":"FLUCTUATING"}`).want(201)
		s.post(products, `{"id":"p","displayName":"P"}`).want(201)
		since := s.here()
		s.post(plans, `{"id":"gold","displayName":"Gold","productId":"p","defaultTrialConfig":{"duration":14,"units":"DAY"}}`).want(201).
			has("data.status", "DRAFT", "data.versionNumber", 1, "data.pricingType", nil, "data.productId", "p").golden("plan_draft")
		s.post(plans, `{"id":"gold","displayName":"Gold","productId":"p"}`).refused(409, "DuplicatedEntityNotAllowed", "id")
		s.post(plans+"/gold/publish", `{"migrationType":"NEW_CUSTOMERS"}`).refused(400, "PackagePricingTypeNotSet")
		s.patch(plans+"/gold", `{"charges":{"pricingType":"PAID","pricingModels":[{"billingModel":"FLAT_FEE","billingCadence":"RECURRING",
			"pricePeriods":[{"billingPeriod":"MONTHLY","price":{"amount":49.5,"currency":"eur"}}]}]}}`).want(200).has("data.pricingType", "PAID")
		s.get(plans+"/gold/charges").want(200).has("data.0.price", map[string]any{"amount": 49.5, "currency": "eur"}, "data.1", absent).golden("charges")
		s.post(plans+"/gold/entitlements", `{"entitlements":[{"type":"FEATURE","id":"seats","usageLimit":5}]}`).golden("plan_entitlements_created")
		s.get(features+"/seats").want(200).has("data.featureStatus", "ACTIVE") // used for the first time
		s.post(plans+"/gold/publish", `{}`).want(200).has("data.taskId", nil, "data.warnings.0.code", "FEATURE_NEVER_CHECKED", "data.warnings.1", absent)
		s.get(plans+"/gold").want(200).has("data.status", "PUBLISHED", "data.isLatest", true,
			"data.entitlements", []map[string]string{{"id": "seats", "type": "FEATURE"}}).golden("plan_published")
		s.post(plans+"/gold/publish", `{}`).refused(409, "PackageAlreadyPublished")
		s.patch(plans+"/gold", `{"displayName":"Golden"}`).refused(409, "CannotEditPackageInNonDraftMode")
		s.patch(plans+"/gold", `{"metadata":{"k":"v"}}`).want(200).has("data.metadata", map[string]string{"k": "v"})
		s.post(plans+"/gold/entitlements", `{"entitlements":[{"type":"FEATURE","id":"seats","usageLimit":6}]}`).refused(409, "EditAllowedOnDraftPackageOnlyError")
		s.patch(plans+"/gold/entitlements/seats", `{"type":"FEATURE","usageLimit":6}`).refused(409, "EditAllowedOnDraftPackageOnlyError")
		s.del(plans+"/gold/entitlements/seats").refused(409, "EditAllowedOnDraftPackageOnlyError")
		s.del(plans+"/gold/draft").refused(409, "CannotEditPackageInNonDraftMode")
		types := []string{}
		for _, e := range s.happenedAtAll(since) {
			if e.Entity.Type == "plan" && !strings.Contains(e.Type, "draft") && !strings.Contains(e.Type, "details") {
				types = append(types, e.Type)
			}
		}
		if d := cmp.Diff([]string{"plan.created"}, types); d != "" {
			t.Errorf("events of the first publish (-want +got):\n%s", d)
		}
	})
}

func TestDrafts(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.post(customers, provision("old", "plan-basic")).want(201).has("data.subscription.planVersion", 1)
		s.post(plans+"/plan-basic/draft", "").want(200).has("data.status", "DRAFT", "data.versionNumber", 2)
		s.post(plans+"/plan-basic/draft", "").want(200).has("data.versionNumber", 2) // the one that is there
		s.patch(plans+"/plan-basic", `{"displayName":"Basic plus"}`).want(200).has("data.status", "DRAFT", "data.displayName", "Basic plus")
		s.patch(plans+"/plan-basic/entitlements/feature-seats", `{"type":"FEATURE","usageLimit":9}`).want(200).has("data.usageLimit", 9)
		s.del(plans+"/plan-basic/entitlements/feature-basic-reports").want(200).has("data.id", "feature-basic-reports")
		s.del(plans + "/plan-basic/entitlements/feature-basic-reports").want(404)

		s.get(plans+"/plan-basic").want(200).has("data.displayName", "Basic", "data.status", "PUBLISHED", "data.versionNumber", 1)
		s.get(plans+"/plan-basic?version=draft").want(200).has("data.displayName", "Basic plus", "data.versionNumber", 2)
		s.get(plans + "/plan-free?version=draft").want(404)
		if got := s.get(plans + "?productId=product-demo").want(200).column("id"); len(got) != 3 {
			t.Errorf("plans %v, want one row per package", got)
		}
		s.check("old", "feature-seats").has("data.usageLimit", 5)
		since := s.here()
		s.publish("plan-basic")
		s.happened(since, "plan.updated plan plan-basic")
		s.post(customers, provision("new", "plan-basic")).want(201).has("data.subscription.planVersion", 2)
		s.check("old", "feature-seats").has("data.usageLimit", 5)
		s.check("old", "feature-basic-reports").has("data.isGranted", true)
		s.check("new", "feature-seats").has("data.usageLimit", 9)
		s.check("new", "feature-basic-reports").has("data.isGranted", false)

		s.post(plans+"/plan-basic/draft", "").want(200).has("data.versionNumber", 3)
		s.del(plans+"/plan-basic/draft").want(200).has("data.id", "plan-basic")
		s.get(plans+"/plan-basic").want(200).has("data.versionNumber", 2)
		s.post(plans+"/none/draft", "").refused(404, "PlanNotFound")
		s.post(plans+"/none/publish", `{}`).refused(404, "PlanNotFound")
	})
}

func TestBadPlans(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.post(plans, `{"id":"draft","displayName":"Draft","productId":"product-demo"}`).want(201)
		since := s.here()
		for name, tc := range map[string]struct {
			body  string
			code  string
			paths []string
		}{
			"shape":      {`{"id":"a b","displayName":5,"pricingType":"CHEAP","metadata":{"k":5}}`, "BadUserInput", []string{"id", "displayName", "pricingType", "metadata.k"}},
			"free trial": {`{"id":"x","displayName":"X","productId":"product-demo","pricingType":"FREE","defaultTrialConfig":{"duration":1,"units":"DAY"}}`, "InvalidArgumentError", []string{"defaultTrialConfig"}},
			"trial": {
				`{"id":"x","displayName":"X","productId":"product-demo","defaultTrialConfig":{"duration":"long","units":"WEEK","trialEndBehavior":"STAY"}}`, "BadUserInput",
				[]string{"defaultTrialConfig.duration", "defaultTrialConfig.units", "defaultTrialConfig.trialEndBehavior"},
			},
		} {
			t.Run(name, func(t *testing.T) { s.in(t).post(plans, tc.body).refused(400, tc.code, tc.paths...) })
		}
		s.post(plans, `{"id":"x","displayName":"X","productId":"none"}`).refused(404, "ProductNotFound")
		s.post(plans+"/draft/publish", `{"migrationType":"SOME"}`).refused(400, "BadUserInput", "migrationType")
		s.patch(plans+"/draft", `{"charges":{"pricingType":"PAID","pricingModels":[]}}`)
		s.post(plans+"/draft/publish", `{"migrationType":"ALL_CUSTOMERS"}`).refused(400, "InvalidArgumentError", "charges.pricingModels")
		s.get(plans+"/draft").want(200).has("data.status", "DRAFT")
		price := func(amount, currency string) string {
			return fmt.Sprintf(`{"charges":{"pricingType":"PAID","pricingModels":[{"billingModel":"FLAT_FEE","pricePeriods":[
				{"billingPeriod":"MONTHLY","price":{"amount":%s,"currency":%q}}]}]}}`, amount, currency)
		}
		for _, amount := range []string{"0.000001", "-1", `"x"`, "1e400", "null"} {
			if a := s.patch(plans+"/draft", price(amount, "usd")); a.status != 400 {
				t.Errorf("the amount %s: %d %s", amount, a.status, a.raw)
			}
		}
		for _, currency := range []string{"USD", "zzz", ""} {
			s.patch(plans+"/draft", price("1", currency)).want(400)
		}
		s.patch(plans+"/draft", price("0.00001", "kwd")).want(200)
		s.get(plans+"/draft/charges").want(200).has("data.0.price.amount", 0.00001, "data.0.price.currency", "kwd")
		if len(s.happenedAtAll(since)) > 3 {
			t.Error("refusals left events")
		}
	})
}

func TestBadEntitlements(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.post(plans, `{"id":"draft","displayName":"Draft","productId":"product-demo"}`).want(201)
		const path = plans + "/draft/entitlements"
		one := func(members string) string { return `{"entitlements":[{"type":"FEATURE",` + members + `}]}` }
		s.post(path, `{"entitlements":[]}`).refused(400, "BadUserInput", "entitlements")
		s.post(path, one(`"id":"none","usageLimit":1`)).refused(404, "FeatureNotFound")
		s.post(path, one(`"id":"feature-seats"`)).refused(400, "InvalidArgumentError", "entitlements[0].usageLimit")
		s.post(path, one(`"id":"feature-seats","usageLimit":1,"hasUnlimitedUsage":true`)).refused(400, "InvalidArgumentError")
		s.post(path, one(`"id":"feature-seats","usageLimit":-1`)).want(400)
		s.post(path, one(`"id":"feature-seats","usageLimit":1.5`)).refused(400, "BadUserInput", "entitlements[0].usageLimit")
		s.post(path, one(`"id":"feature-basic-reports","usageLimit":1`)).refused(400, "InvalidArgumentError", "entitlements[0].usageLimit")
		s.post(path, one(`"id":"feature-basic-reports","resetPeriod":"MONTH"`)).refused(400, "InvalidEntitlementResetPeriod", "entitlements[0].resetPeriod")
		s.post(path, one(`"id":"feature-api-calls","usageLimit":1,"resetPeriod":"MONTH","weeklyResetPeriodConfiguration":{"accordingTo":"EveryMonday"}`)).
			refused(400, "InvalidEntitlementResetPeriod")
		s.post(path, one(`"id":"feature-seats","usageLimit":1,"behavior":"Override"`)).refused(400, "CannotAddOverrideEntitlementToPlan", "entitlements[0].behavior")
		s.post(path, `{"entitlements":[{"type":"FEATURE","id":"feature-seats","usageLimit":"x"},{"type":"FEATURE","id":"feature-api-calls","resetPeriod":"EON"}]}`).
			refused(400, "BadUserInput", "entitlements[0].usageLimit", "entitlements[1].resetPeriod")
		s.get(path).want(200).has("data", []any{})
		s.post(path, one(`"id":"feature-seats","usageLimit":1`))
		if a := s.post(path, one(`"id":"feature-seats","usageLimit":2`)); a.status != 409 {
			t.Errorf("a second row for one feature: %d %s", a.status, a.raw)
		}
		s.patch(path+"/feature-seats", `{"type":"FEATURE","hasUnlimitedUsage":true}`).want(200).has("data.hasUnlimitedUsage", true, "data.usageLimit", nil)
		s.patch(path+"/feature-none", `{"type":"FEATURE"}`).want(404)
		s.get(path).want(200).has("data.0.id", "feature-seats", "pagination", map[string]any{"next": nil, "prev": nil})
	})
}
