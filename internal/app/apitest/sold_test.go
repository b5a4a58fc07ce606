package apitest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// What is scheduled starts with the versions of that day (§4.2), its add-ons too.
func TestScheduledStartHasTheLatestVersions(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.fill()
		start := begin.Add(5 * day)
		s.post(customers, provision("acme", "gold", addons("extra", 2), `"startDate":"`+stamp(start)+`"`)).want(201).
			has("data.subscription.status", "NOT_STARTED", "data.subscription.planVersion", 1, "data.entitlements", []any{})
		s.check("acme", "seats").has("data.isGranted", false)
		s.post(plans+"/gold/draft", "").want(200)
		s.patch(plans+"/gold/entitlements/seats", `{"type":"FEATURE","usageLimit":20}`).want(200)
		s.publish("gold")
		s.post(addOns+"/extra/draft", "").want(200)
		s.patch(addOns+"/extra/entitlements/seats", `{"type":"FEATURE","usageLimit":7}`).want(200)
		s.post(addOns+"/extra/publish", `{}`).want(200)
		s.moveTo(start.Add(time.Hour))
		s.get("/api/v1/subscriptions/"+s.subscriptionOf("acme")).want(200).
			has("data.status", "ACTIVE", "data.planVersion", 2, "data.addons", []any{map[string]any{"id": "extra", "quantity": 2}})
		s.limit("acme", "seats", 34)
	})
}

// A trial has its add-ons; when it converts they stay, when it ends they go.
func TestTrialWithAddons(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.fill()
		for id, end := range map[string]string{"stays": "CONVERT_TO_PAID", "goes": "CANCEL_SUBSCRIPTION"} {
			s.post(plans, fmt.Sprintf(`{"id":%q,"displayName":"Trial","productId":"shop","defaultTrialConfig":{"duration":4,"units":"DAY","trialEndBehavior":%q}}`, id, end)).want(201)
			s.patch(plans+"/"+id, `{"charges":`+monthly5+`,"compatibleAddonIds":["extra"]}`).want(200)
			s.post(plans+"/"+id+"/entitlements", `{"entitlements":[{"type":"FEATURE","id":"seats","usageLimit":1}]}`).want(201)
			s.publish(id)
			s.post(customers, provision("c-"+id, id, addons("extra", 3))).want(201).has("data.subscription.status", "IN_TRIAL")
			s.limit("c-"+id, "seats", 7)
		}
		s.moveTo(begin.Add(5 * day))
		s.limit("c-stays", "seats", 7)
		s.get("/api/v1/subscriptions/"+s.subscriptionOf("c-stays")).want(200).
			has("data.status", "ACTIVE", "data.addons", []any{map[string]any{"id": "extra", "quantity": 3}})
		s.check("c-goes", "seats").has("data.isGranted", false, "data.accessDeniedReason", "NoActiveSubscription")
	})
}

// Where the journey starts with a trial of another plan, the add-ons of the requested one are dropped (§6.4).
func TestTrialJourneyKeepsAddonsOfItsPlanOnly(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.fill()
		s.post(plans+"/gold/draft", "").want(200)
		s.patch(plans+"/gold", `{"defaultTrialConfig":{"duration":1,"units":"MONTH"}}`).want(200)
		s.publish("gold")
		s.patch(products+"/shop", `{"productSettings":{"subscriptionStartSetup":"TRIAL_PERIOD","subscriptionStartPlanId":"gold","subscriptionEndSetup":"CANCEL_SUBSCRIPTION","subscriptionCancellationTime":"IMMEDIATE"}}`).want(200)
		s.post(customers, provision("same", "gold", addons("extra", 1))).want(201).has("data.subscriptionDecisionStrategy", "PREDEFINED_TRIAL_PLAN", "data.subscription.addons.0.id", "extra")
		s.limit("same", "seats", 12)
		s.post(customers, provision("other", "vip", addons("extra", 1))).want(201).
			has("data.subscriptionDecisionStrategy", "PREDEFINED_TRIAL_PLAN", "data.subscription.planId", "gold", "data.subscription.addons", []any{})
		s.limit("other", "seats", 10)
		s.post(customers, provision("bad", "gold", addons("extra", 9))).refused(400, "InvalidQuantity", "subscriptionParams.addons[0].quantity")
	})
}

// A downgrade goes to what the plan gives with its base, and leaves the add-ons behind.
func TestDowngradeToAChild(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.fill()
		s.post(plans+"/gold/draft", "").want(200)
		s.patch(plans+"/gold", `{"defaultTrialConfig":{"duration":4,"units":"DAY"}}`).want(200)
		s.publish("gold")
		s.patch(products+"/shop", `{"productSettings":{"subscriptionStartSetup":"PLAN_SELECTION","subscriptionEndSetup":"DOWNGRADE_TO_FREE","downgradePlanId":"child","subscriptionCancellationTime":"IMMEDIATE"}}`).want(200)
		s.post(customers, provision("acme", "gold", addons("extra", 2))).want(201).has("data.subscription.status", "IN_TRIAL")
		s.limit("acme", "seats", 14)
		s.moveTo(begin.Add(5 * day))
		s.get("/api/v1/subscriptions/"+s.subscriptionOf("acme")).want(200).has("data.planId", "child", "data.status", "ACTIVE", "data.addons", []any{}, "data.prices", []any{})
		s.limit("acme", "seats", 5)
		s.limit("acme", "calls", 10)
		s.check("acme", "region").has("data.isGranted", false)
		s.check("acme", "reports").has("data.isGranted", true)
	})
}

// An archived package is not edited until it is brought back, with the draft that it had.
func TestArchivedPackageIsNotEdited(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.fill()
		for _, path := range []string{plans + "/gold", addOns + "/extra"} {
			s.post(path+"/draft", "").want(200)
			s.patch(path, `{"displayName":"Next"}`).want(200)
			s.post(path+"/archive", "").want(200).has("data.status", "ARCHIVED")
			s.refuseAll([]refusal{
				{"draft", "POST", path + "/draft", "", 409, "CannotEditPackageInNonDraftMode", nil},
				{"discard", "DELETE", path + "/draft", "", 409, "CannotEditPackageInNonDraftMode", nil},
				{"edit", "PATCH", path, `{"displayName":"X"}`, 409, "CannotEditPackageInNonDraftMode", nil},
				{"publish", "POST", path + "/publish", `{}`, 409, "CannotEditPackageInNonDraftMode", nil},
				{"add", "POST", path + "/entitlements", `{"entitlements":[{"type":"FEATURE","id":"spare","usageLimit":1}]}`, 409, "EditAllowedOnDraftPackageOnlyError", nil},
				{"change", "PATCH", path + "/entitlements/seats", `{"type":"FEATURE","usageLimit":1}`, 409, "EditAllowedOnDraftPackageOnlyError", nil},
				{"remove", "DELETE", path + "/entitlements/seats", "", 409, "EditAllowedOnDraftPackageOnlyError", nil},
			})
			s.post(path+"/unarchive", "").want(200).has("data.status", "PUBLISHED", "data.versionNumber", 1)
			s.get(path+"?version=draft").want(200).has("data.displayName", "Next", "data.versionNumber", 2)
		}
		// What inherits from an archived plan waits for it.
		s.post(plans+"/child/archive", "").want(200)
		s.patch(plans+"/draft-child", `{"parentPlanId":null}`).want(200)
		s.post(plans+"/base/archive", "").want(200)
		s.refuseAll([]refusal{{"without its base", "POST", plans + "/child/unarchive", "", 409, "IntegrityViolation", nil}})
		s.post(plans+"/base/unarchive", "").want(200)
		s.post(plans+"/child/unarchive", "").want(200).has("data.status", "PUBLISHED")
	})
}

// Overage makes a limit soft where it is charged: not in children, which inherit no prices.
func TestOverageIsNotInherited(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.fill()
		s.patch(plans+"/draft", `{"charges":{"pricingType":"PAID","pricingModels":[{"billingModel":"FLAT_FEE","pricePeriods":[{"billingPeriod":"MONTHLY","price":{"amount":5}}]}],
			"overagePricingModels":[{"billingModel":"USAGE_BASED","featureId":"spare","entitlement":{"featureId":"spare","usageLimit":7},"pricePeriods":[{"billingPeriod":"MONTHLY","price":{"amount":0.1}}]}]}}`).want(200).
			has("data.overageBillingPeriod", "ON_SUBSCRIPTION_RENEWAL")
		s.post(plans+"/draft/entitlements", `{"entitlements":[{"type":"FEATURE","id":"seats","usageLimit":2}]}`).want(201)
		s.refuseAll([]refusal{{"what is included stays", "DELETE", plans + "/draft/entitlements/spare", "", 400, "InvalidArgumentError", nil}})
		s.publish("draft")
		s.publish("orphan") // its child
		for _, plan := range []string{"draft", "orphan"} {
			s.post(customers, provision("on-"+plan, plan)).want(201)
			s.check("on-"+plan, "spare").has("data.hasSoftLimit", plan == "draft", "data.usageLimit", 7)
			s.check("on-"+plan, "seats").has("data.hasSoftLimit", false, "data.usageLimit", 2)
		}
		s.get(plans+"/draft/entitlements").want(200).has("data.0.id", "seats", "data.0.hasSoftLimit", false, "data.1.id", "spare", "data.1.hasSoftLimit", true)
	})
}

// A copy of a product has copies of its packages, and they refer to each other (contract §4.5).
func TestProductIsDuplicatedWhole(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.fill()
		s.patch(products+"/shop", `{"planOrder":["vip","gold"]}`).want(200)
		s.post(addOns+"/cap-more/archive", "").want(200)
		s.post(products+"/shop/duplicate", `{"targetId":"copy"}`).want(201).has("data.id", "copy", "data.displayName", "Shop", "data.planOrder", []string{"vip-copy", "gold-copy"})
		if d := cmp.Diff([]string{"bare-copy", "bespoke-copy", "cap-copy", "extra-copy", "needy-copy", "other-copy"}, sorted(s.get(addOns+"?productId=copy").want(200).column("id"))); d != "" {
			t.Errorf("add-ons (-want +got):\n%s", d)
		}
		s.get(plans+"/gold-copy").want(200).has("data.status", "PUBLISHED", "data.versionNumber", 1, "data.compatibleAddonIds", []string{"cap-copy", "extra-copy", "needy-copy"})
		s.get(plans+"/child-copy").want(200).has("data.parentPlanId", "base-copy")
		s.get(plans+"/base-copy?version=draft").want(200).has("data.versionNumber", 2)
		s.get(plans+"/orphan-copy").want(200).has("data.status", "DRAFT", "data.parentPlanId", "draft-copy")
		s.get(addOns+"/needy-copy").want(200).has("data.dependencies", []string{"extra-copy"})
		s.post(customers, provision("acme", "gold-copy", addons("extra-copy", 1, "needy-copy", 1))).want(201)
		s.limit("acme", "seats", 12)
		s.post(customers, provision("bolt", "gold-copy", addons("extra", 1))).refused(404, "AddonNotFound", "subscriptionParams.addons[0].id") // of the other product
		s.post(plans+"/base-copy/archive", "").refused(409, "PlanWithChildCantBeDeleted")

		// Archiving the copy takes all of it, and nothing of the original.
		s.post(products+"/copy/archive", "").want(200)
		s.get(addOns+"/extra-copy").want(200).has("data.status", "ARCHIVED")
		s.get(addOns+"/extra").want(200).has("data.status", "PUBLISHED")
		s.get(addOns+"?productId=copy").want(200).has("data", []any{})
		s.limit("acme", "seats", 12)
		s.post(products+"/copy/unarchive", "").want(200)
		s.get(addOns+"/extra-copy").want(200).has("data.status", "PUBLISHED")
		s.get(addOns+"/bare-copy").want(200).has("data.status", "DRAFT")
		s.get(addOns + "/cap-more-copy").want(404)
	})
}

// Of editors who have seen the same version and change it at once, one is first and the others are told.
func TestEditorsRace(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.fill()
		for round := range 4 {
			tag := s.get(plans + "/base?version=draft").want(200).etag()
			const n = 12
			answers := make([]*answer, n)
			var wg sync.WaitGroup
			for i := range n {
				wg.Go(func() {
					answers[i] = s.send("PATCH", plans+"/base", fmt.Sprintf(`{"displayName":"Editor %d-%d"}`, round, i), "If-Match", tag)
				})
			}
			wg.Wait()
			won := -1
			for i, a := range answers {
				switch {
				case a.status == 200 && won < 0:
					won = i
				case a.status == 200:
					t.Errorf("%d and %d both changed the version %s", won, i, tag)
				case a.status != 409:
					t.Errorf("%s: %d\n%s", a.call, a.status, a.raw)
				}
			}
			s.get(plans+"/base?version=draft").want(200).has("data.displayName", fmt.Sprintf("Editor %d-%d", round, won))
		}
	})
}

// Publishing and provisioning at once: every subscription has one version as a whole.
func TestPublishWhileCustomersCome(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.fill()
		var wg sync.WaitGroup
		for round := range 5 {
			s.post(plans+"/gold/draft", "").want(200)
			s.patch(plans+"/gold/entitlements/seats", fmt.Sprintf(`{"type":"FEATURE","usageLimit":%d}`, 100*(round+2))).want(200)
			wg.Go(func() { s.send("POST", plans+"/gold/publish", `{}`) })
			for i := range 6 {
				wg.Go(func() {
					a := s.send("POST", customers, provision(fmt.Sprintf("c-%d-%d", round, i), "gold", addons("extra", 1)))
					if a.status != 201 {
						t.Errorf("%s: %d\n%s", a.call, a.status, a.raw)
					}
				})
			}
			wg.Wait()
			s.get(plans+"/gold").want(200).has("data.versionNumber", round+2)
		}
		for round := range 5 {
			for i := range 6 {
				id := fmt.Sprintf("c-%d-%d", round, i)
				sub := s.get("/api/v1/subscriptions/" + s.subscriptionOf(id)).want(200)
				version, _ := sub.at("data.planVersion")
				want := 100*version.(float64) + 2
				if version == 1.0 {
					want = 12
				}
				s.limit(id, "seats", want)
			}
		}
		s.get("/api/v1/verify").want(200).has("data.ok", true)
	})
}
