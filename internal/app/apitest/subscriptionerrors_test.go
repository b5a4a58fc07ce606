package apitest

import (
	"fmt"
	"testing"
)

// Every code of the subscriptions group of domain-catalog-provisioning §10.1 but for those of checkouts.
func TestSubscriptionErrors(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		s.join("bolt", "carl", "dora", "eve")
		paidID := s.takes("team", seats(4))
		s.post(subs, askedBy("bolt", "try", `"id":"trial"`)).want(201)
		s.post(subs, askedBy("carl", "bespoke", `"id":"custom"`)).want(201)
		s.post(subs, askedBy("dora", "spend", `"id":"endless"`)).want(201)
		s.post(subs, askedBy("eve", "pro", `"id":"over"`)).want(201)
		s.cancels("over", `{}`)
		s.post(subs, askedBy("eve", "team", `"id":"soon"`, fmt.Sprintf(`"startDate":%q`, stamp(aprilDay(5))))).want(201)
		s.join("finn")
		s.post(subs, askedBy("finn", "free", `"id":"free"`)).want(201)
		at := func(id, route string) string { return subs + "/" + id + route }
		list := []refusal{
			{"single plan", "POST", subs, asked("boost"), 400, "SubscriptionMustHaveSinglePlanError", []string{"planId"}},
			{"period", "POST", subs, `{"customerId":"acme","planId":"pro"}`, 400, "BillingPeriodMissingError", []string{"billingPeriod"}},
			{"quantity", "PATCH", at(paidID, ""), `{` + seats(1) + `}`, 400, "InvalidQuantity", []string{"charges[0].quantity"}},
			{"quantity, otherwise", "PATCH", at(paidID, ""), `{"unitQuantity":101}`, 400, "InvalidQuantity", []string{"unitQuantity"}},
			{"quantity of an add-on", "PATCH", at(paidID, ""), `{` + addons("boost", 5) + `}`, 400, "InvalidQuantity", []string{"addons[0].quantity"}},
			{"add-on", "PATCH", at(paidID, ""), `{` + addons("setup", 1) + `}`, 400, "UncompatibleSubscriptionAddon", []string{"addons[0].id"}},
			{"no such add-on", "PATCH", at(paidID, ""), `{` + addons("none", 1) + `}`, 404, "AddonNotFound", []string{"addons[0].id"}},
			{"date", "POST", at(paidID, "/cancel"), `{"cancellationTime":"SPECIFIC_DATE"}`, 400, "InvalidCancellationDate", []string{"endDate"}},
			{"end of a custom plan", "POST", at("custom", "/cancel"), atEnd, 400, "InvalidCancellationDate", []string{"cancellationTime"}},
			{"end of a free plan", "POST", at("free", "/cancel"), atEnd, 400, "InvalidCancellationDate", []string{"cancellationTime"}},
			{"trial's end", "PATCH", at("trial", ""), fmt.Sprintf(`{"trialEndDate":%q}`, stamp(april)), 400, "TrialMinDateError", []string{"trialEndDate"}},
			{"trial without an end", "POST", at("endless", "/cancel"), atEnd, 400, "TrialMustBeCancelledImmediately", []string{"cancellationTime"}},
			{"trial of none", "PATCH", at(paidID, ""), fmt.Sprintf(`{"trialEndDate":%q}`, stamp(aprilDay(5))), 409, "InvalidSubscriptionStatus", []string{"trialEndDate"}},
			{"cycle of what has not started", "PATCH", at("soon", ""), `{"billingCycleAnchor":"NOW"}`, 409, "InvalidSubscriptionStatus", []string{"billingCycleAnchor"}},
			{"no such entitlement", "PATCH", at("custom", ""), `{"entitlements":[{"id":"space","type":"FEATURE","usageLimit":1}]}`, 400, "NoFeatureEntitlementInSubscription", []string{"entitlements[0].id"}},
			{"no such entitlement at the start", "POST", subs, askedBy("acme", "bespoke", `"entitlements":[{"id":"space","type":"FEATURE","usageLimit":1}]`), 400, "NoFeatureEntitlementInSubscription", []string{"entitlements[0].id"}},
			{"no period to wait for", "PATCH", at("free", ""), `{"metadata":{"a":"b"},"scheduleStrategy":"END_OF_BILLING_PERIOD"}`, 400, "InvalidArgumentError", []string{"scheduleStrategy"}},
			{"no such period", "PATCH", at("endless", ""), `{"billingPeriod":"ANNUALLY"}`, 404, "PriceNotFound", []string{"billingPeriod"}},
			{"bad words", "PATCH", at(paidID, ""), `{"billingPeriod":"WEEKLY","scheduleStrategy":"SOON","cancellationDate":"tomorrow"}`, 400, "BadUserInput", []string{"billingPeriod", "cancellationDate", "scheduleStrategy"}},
			{"bad words of a cancellation", "POST", at(paidID, "/cancel"), `{"cancellationTime":"SOON","cancellationAction":"NONE"}`, 400, "BadUserInput", []string{"cancellationAction", "cancellationTime"}},
		}
		transfer, delegate := `{"destinationResourceId":"r"}`, `{"targetCustomerId":"bolt"}`
		for _, r := range []struct{ method, route, body string }{
			{"PATCH", "", `{}`},
			{"PATCH", "", `{` + seats(3) + `}`},
			{"POST", "/cancel", `{}`},
			{"POST", "/migrate", `{}`},
			{"POST", "/transfer", transfer},
			{"POST", "/delegate", delegate},
			{"DELETE", "/future-update/schedule", ""},
			{"DELETE", "/future-update/pending-payment", ""},
			{"POST", "/preview", `{}`},
		} {
			name := r.method + " " + r.route
			list = append(list, refusal{name + " of none", r.method, at("none", r.route), r.body, 404, "SubscriptionNotFound", nil},
				refusal{name + " of an ended one", r.method, at("over", r.route), r.body, 409, "SubscriptionAlreadyCanceledOrExpired", nil})
		}
		list = append(list, refusal{"GET", "GET", at("none", ""), "", 404, "SubscriptionNotFound", nil},
			refusal{"history", "GET", at("none", "/history"), "", 404, "SubscriptionNotFound", nil},
			refusal{"marking as paid", "POST", at("none", "/invoice/paid"), "", 404, "SubscriptionNotFound", nil})
		s.refuseAll(list)
		// Those of another environment are none.
		s.production.get(at(paidID, "")).refused(404, "SubscriptionNotFound")
		s.production.patch(at(paidID, ""), `{}`).refused(404, "SubscriptionNotFound")
		s.client.patch(at(paidID, ""), `{}`).refused(403, "IdentityForbidden")
		s.client.post(subs, asked("pro")).refused(403, "IdentityForbidden")
		s.shows(paidID, "data.version", 1)
	})
}
