package apitest

import (
	"fmt"
	"strings"
	"testing"
)

// limit checks what a customer has of a feature.
func (c caller) limit(customer, feature string, want any) {
	c.t.Helper()
	c.check(customer, feature).has("data.isGranted", true, "data.usageLimit", want)
}

func TestAddonsAddUp(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.fill()
		since := s.here()
		a := s.post(customers, provision("plain", "gold")).want(201).has("data.subscription.addons", []any{}, "data.decision.steps.9", absent)
		s.happened(since, "customer.created customer plain", "subscription.created subscription "+a.text("data.subscription.id"), "entitlements.updated customer plain")
		s.limit("plain", "seats", 10)

		for quantity := 1; quantity <= 3; quantity++ {
			id := fmt.Sprintf("extra-%d", quantity)
			s.post(customers, provision(id, "gold", addons("extra", quantity))).want(201).
				has("data.subscription.addons", []any{map[string]any{"id": "extra", "quantity": quantity}})
			s.limit(id, "seats", 10+2*quantity)
			s.limit(id, "calls", 1000)
		}
		s.post(customers, provision("both", "gold", addons("needy", 2, "extra", 1))).want(201).
			has("data.subscription.addons", []any{map[string]any{"id": "extra", "quantity": 1}, map[string]any{"id": "needy", "quantity": 2}})
		s.limit("both", "seats", 12)
		s.limit("both", "calls", 1200)

		s.post(customers, provision("cap", "gold", addons("cap", 2))).want(201)
		s.limit("cap", "seats", 100) // 50 × 2 in place of 10
		s.post(customers, provision("capped", "gold", addons("cap", 1, "extra", 3))).want(201)
		s.limit("capped", "seats", 50)
		for i, order := range []string{addons("cap", 1, "cap-more", 1, "extra", 1), addons("extra", 1, "cap-more", 1, "cap", 1)} {
			id := fmt.Sprintf("most-%d", i)
			s.post(customers, provision(id, "gold", order)).want(201)
			s.limit(id, "seats", 80)
		}

		// The answer of the first call has the same, and a repeat finds it again.
		body := provision("again", "gold", addons("extra", 2))
		a = s.post(customers, body).want(201)
		if b := s.post(customers, body).want(200); b.text("data.subscription.id") != a.text("data.subscription.id") {
			t.Error("a repeat has another subscription")
		}
		s.post(customers, provision("again", "gold", addons("extra", 3))).refused(409, "DuplicatedEntityNotAllowed", "subscriptionParams.addons")
		s.limit("again", "seats", 14)
		s.get("/api/v1/subscriptions/"+a.text("data.subscription.id")).want(200).
			has("data.addons", []any{map[string]any{"id": "extra", "quantity": 2}}, "data.billingPeriod", "MONTHLY", "data.pricingType", "PAID")
	})
}

// The prices of a subscription are those of the plan and of its add-ons.
func TestAddonPrices(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.fill()
		a := s.post(customers, provision("acme", "gold", addons("extra", 2))).want(201)
		amounts := map[string]string{}
		for i := range 3 {
			price := fmt.Sprintf("data.subscription.prices.%d.", i)
			amount, _ := a.at(price + "amount")
			addon, _ := a.at(price + "addonId")
			feature, _ := a.at(price + "featureId")
			amounts[fmt.Sprint(addon, "/", feature)] = fmt.Sprint(amount, " ", a.text(price+"currency"))
		}
		for of, want := range map[string]string{"<nil>/<nil>": "20 usd", "<nil>/calls": "0.5 usd", "extra/<nil>": "5 usd"} {
			if amounts[of] != want {
				t.Errorf("%s costs %q, want %q\n%s", of, amounts[of], want, a.raw)
			}
		}
		a.has("data.subscription.prices.3", absent)
	})
}

func TestCustomPlan(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.fill()
		s.post(customers, provision("acme", "vip", addons("bespoke", 2, "extra", 1))).want(201).
			has("data.subscription.pricingType", "CUSTOM", "data.subscription.status", "ACTIVE")
		s.limit("acme", "seats", 102)
		s.limit("acme", "spare", 6)
		since := s.here()
		s.post(customers+"/acme/archive", "").refused(409, "CannotDeleteCustomerError")
		s.happened(since)
	})
}

func TestBadAddons(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.fill()
		s.post(addOns+"/bare/archive", "").refused(409, "DraftPlanCantBeArchived")
		s.patch(addOns+"/bare", `{"charges":`+monthly5+`}`).want(200) // still a draft
		s.post(addOns, `{"id":"gone","displayName":"Gone","productId":"shop","pricingType":"FREE"}`).want(201)
		s.post(addOns+"/gone/publish", `{}`).want(200)
		s.post(addOns+"/gone/archive", "").want(200).has("data.status", "ARCHIVED")
		const first, period = "subscriptionParams.addons[0].", "subscriptionParams.billingPeriod"
		one := func(plan string, more ...string) string { return provision("acme", plan, more...) }
		list := []refusal{
			{"unknown", "", "", one("gold", addons("none", 1)), 404, "AddonNotFound", []string{first + "id"}},
			{"a plan", "", "", one("gold", addons("base", 1)), 400, "SubscriptionMustHaveSinglePlanError", []string{first + "id"}},
			{"archived", "", "", one("gold", addons("gone", 1)), 404, "AddonNotFound", []string{first + "id"}},
			{"a draft", "", "", one("gold", addons("bare", 1)), 409, "UnPublishedPackage", []string{first + "id"}},
			{"not compatible", "", "", one("gold", addons("other", 1)), 400, "UncompatibleSubscriptionAddon", []string{first + "id"}},
			{"not compatible with a free plan", "", "", one("base", addons("extra", 1)), 400, "UncompatibleSubscriptionAddon", []string{first + "id"}},
			{"too many", "", "", one("gold", addons("extra", 4)), 400, "InvalidQuantity", []string{first + "quantity"}},
			{"none", "", "", one("gold", addons("extra", 0)), 400, "InvalidQuantity", []string{first + "quantity"}},
			{"less than none", "", "", one("gold", addons("extra", -1)), 400, "InvalidQuantity", []string{first + "quantity"}},
			{"more than ever", "", "", one("gold", addons("cap", 1000000)), 400, "InvalidQuantity", []string{first + "quantity"}},
			{"alone", "", "", one("gold", addons("needy", 1)), 400, "InvalidArgumentError", []string{first + "id"}},
			{"twice", "", "", one("gold", addons("extra", 1, "extra", 1)), 400, "InvalidArgumentError", []string{"subscriptionParams.addons[1].id"}},
			{"two mistakes", "", "", one("gold", addons("extra", 4, "cap", 0)), 400, "InvalidQuantity", []string{first + "quantity", "subscriptionParams.addons[1].quantity"}},
			{"half", "", "", one("gold", `"addons":[{"id":"extra","quantity":1.5}]`), 400, "BadUserInput", []string{first + "quantity"}},
			{"no id", "", "", one("gold", `"addons":[{"quantity":1}]`), 400, "BadUserInput", []string{first + "id"}},
			{"misspelt", "", "", one("gold", `"addons":[{"id":"extra","quantity":1,"amount":2}]`), 400, "BadUserInput", []string{first + "amount"}},
			{"no list", "", "", one("gold", `"addons":{"id":"extra","quantity":1}`), 400, "BadUserInput", []string{"subscriptionParams.addons"}},
			{"which period", "", "", one("two"), 400, "BillingPeriodMissingError", []string{period}},
			{"no such period", "", "", one("gold", `"billingPeriod":"ANNUALLY"`), 404, "PriceNotFound", []string{period}},
			{"no such country", "", "", one("gold", `"billingCountryCode":"Germany"`), 400, "BadUserInput", []string{"subscriptionParams.billingCountryCode"}},
			{"a draft plan", "", "", one("draft-child"), 409, "UnPublishedPackage", []string{"subscriptionParams.planId"}},
		}
		for i := range list {
			list[i].method, list[i].path = "POST", customers
		}
		s.refuseAll(list)
		for i := range list { // a dry run says the same
			list[i].path += "?dryRun=true"
		}
		s.refuseAll(list)
		s.get(customers+"/acme").refused(404, "CustomerNotFound")
		s.get("/api/v1/subscriptions?customerId=acme").want(200).has("data", []any{})

		s.post(customers, one("two", `"billingPeriod":"ANNUALLY"`)).want(201).has("data.subscription.billingPeriod", "ANNUALLY", "data.subscription.prices.0.amount", 200,
			"data.subscription.currentBillingPeriodEnd", stamp(begin.AddDate(1, 0, 0)))
	})
}

// A custom add-on goes with custom plans only.
func TestCustomAddonsNeedCustomPlans(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.fill()
		s.patch(plans+"/draft", `{"charges":`+monthly5+`,"compatibleAddonIds":["bespoke"]}`).want(200)
		s.refuseAll([]refusal{{"custom", "POST", plans + "/draft/publish", `{}`, 400, "InvalidArgumentError", []string{"compatibleAddonIds"}}})
		s.get(plans+"/draft").want(200).has("data.status", "DRAFT")
	})
}

// Where the journey chooses another plan, what was chosen for the requested one is dropped, and the decision says so.
func TestJourneyDropsAddons(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.fill()
		s.patch(products+"/shop", `{"productSettings":{"subscriptionStartSetup":"FREE_PLAN","subscriptionStartPlanId":"base","subscriptionEndSetup":"CANCEL_SUBSCRIPTION","subscriptionCancellationTime":"IMMEDIATE"}}`).want(200)
		a := s.post(customers, provision("acme", "gold", addons("extra", 2), `"billingPeriod":"MONTHLY"`, `"billingCountryCode":"DE"`, `"metadata":{"k":"v"}`)).want(201).
			has("data.subscriptionDecisionStrategy", "PREDEFINED_FREE_PLAN", "data.subscription.planId", "base", "data.subscription.addons", []any{},
				"data.subscription.billingPeriod", nil, "data.subscription.billingCountryCode", nil, "data.subscription.metadata.k", "v")
		steps, _ := a.at("data.decision.steps")
		said := fmt.Sprint(steps)
		for _, name := range []string{"addons", "billingPeriod", "billingCountryCode"} {
			if !strings.Contains(said, name) {
				t.Errorf("the steps do not say that %s was dropped: %s", name, said)
			}
		}
		if strings.Contains(said, "metadata") {
			t.Errorf("metadata is kept: %s", said)
		}
		s.limit("acme", "seats", 5)
		// An add-on that no plan has is dropped as well, for it is never looked at; one without a plan is not.
		s.post(customers, provision("bolt", "none", addons("extra", 2))).refused(404, "PlanNotFound", "subscriptionParams.planId")
	})
}

// Unlimited wins over any sum, and the union of values over each list.
func TestAddonsOfOtherKinds(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.fill()
		for id, row := range map[string]string{
			"endless": `{"type":"FEATURE","id":"seats","hasUnlimitedUsage":true}`, "world": `{"type":"FEATURE","id":"region","enumValues":["us"]}`,
			"only-asia": `{"type":"FEATURE","id":"region","enumValues":["asia"],"behavior":"Override"}`, "papers": `{"type":"FEATURE","id":"reports"}`,
		} {
			s.post(addOns, fmt.Sprintf(`{"id":%q,"displayName":%q,"productId":"shop","pricingType":"FREE"}`, id, id)).want(201)
			s.post(addOns+"/"+id+"/entitlements", `{"entitlements":[`+row+`]}`).want(201)
			s.post(addOns+"/"+id+"/publish", `{}`).want(200)
		}
		s.post(plans+"/gold/draft", "").want(200)
		s.patch(plans+"/gold", `{"compatibleAddonIds":["endless","extra","only-asia","papers","world"]}`).want(200).
			has("data.compatibleAddonIds", []string{"endless", "extra", "only-asia", "papers", "world"})
		s.publish("gold")
		s.post(customers, provision("plain", "gold")).want(201)
		s.check("plain", "reports").has("data.isGranted", false)
		s.post(customers, provision("acme", "gold", addons("endless", 1, "extra", 2, "papers", 1, "world", 1))).want(201)
		s.check("acme", "seats").has("data.hasUnlimitedUsage", true, "data.usageLimit", nil)
		s.check("acme", "reports").has("data.isGranted", true)
		s.check("acme", "region").has("data.enumValues", []string{"eu", "us"})
		s.post(customers, provision("bolt", "gold", addons("only-asia", 1, "world", 1))).want(201)
		s.check("bolt", "region").has("data.enumValues", []string{"asia"})
	})
}

// Where the plan has no prices the add-ons decide how it is billed.
func TestAddonsAreBilledWithoutThePlan(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.fill()
		const yearly = `{"pricingType":"PAID","pricingModels":[{"billingModel":"FLAT_FEE","pricePeriods":[{"billingPeriod":"ANNUALLY","price":{"amount":50}},{"billingPeriod":"MONTHLY","price":{"amount":5}}]}]}`
		s.post(addOns, `{"id":"either","displayName":"Either","productId":"shop"}`).want(201)
		s.patch(addOns+"/either", `{"charges":`+yearly+`}`).want(200)
		s.post(addOns+"/either/publish", `{}`).want(200)
		s.patch(plans+"/base", `{"compatibleAddonIds":["either","extra"]}`).want(200)
		s.publish("base")
		const period = "subscriptionParams.billingPeriod"

		s.post(customers, provision("plain", "base", `"billingPeriod":"MONTHLY"`)).want(201).
			has("data.subscription.billingPeriod", nil, "data.subscription.billingCycleAnchor", nil, "data.subscription.prices", []any{})
		for ref, params := range map[string][]string{"both": {addons("either", 1, "extra", 2)}, "asked": {addons("either", 1), `"billingPeriod":"MONTHLY"`}} {
			s.post(customers, provision(ref, "base", params...)).want(201).
				has("data.subscription.billingPeriod", "MONTHLY", "data.subscription.pricingType", "FREE", "data.subscription.prices.0.amount", 5,
					"data.subscription.currentBillingPeriodEnd", stamp(begin.AddDate(0, 1, 0)))
		}
		s.post(customers, provision("yearly", "base", addons("either", 1), `"billingPeriod":"ANNUALLY"`)).want(201).
			has("data.subscription.prices.0.amount", 50, "data.subscription.prices.1", absent)
		s.post(customers, provision("no", "base", addons("either", 1))).refused(400, "BillingPeriodMissingError", period)
		s.post(customers, provision("no", "base", addons("extra", 1), `"billingPeriod":"ANNUALLY"`)).refused(404, "PriceNotFound", period)
	})
}
