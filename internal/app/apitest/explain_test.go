package apitest

import (
	"fmt"
	"strings"
	"testing"
)

const explain = "&explain=true"

// explained checks an explanation: the steps are all there, and agree with the check.
func (c caller) explained(customer, feature, more string) *answer {
	c.t.Helper()
	plain := c.check(customer, feature, more)
	a := c.check(customer, feature, more, explain)
	for i, kind := range []string{"customer", "subscriptions", "rows", "merge", "usage", "decision", "remedies"} {
		a.has(fmt.Sprintf("data.explanation.steps.%d.kind", i), kind)
	}
	granted, _ := plain.at("data.isGranted")
	reason, _ := plain.at("data.accessDeniedReason")
	plain.has("data.explanation", absent)
	return a.has("data.isGranted", granted, "data.accessDeniedReason", reason,
		"data.explanation.steps.5.data.isGranted", granted, "data.explanation.steps.5.data.accessDeniedReason", reason)
}

// tells checks that a step's text has a part.
func (a *answer) tells(step int, part string) *answer {
	a.t.Helper()
	if text := a.text(fmt.Sprintf("data.explanation.steps.%d.text", step)); !strings.Contains(text, part) {
		a.t.Errorf("%s: step %d says %q, want %q", a.call, step, text, part)
	}
	return a
}

func TestExplainDenials(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.post(customers, provision("acme", "plan-basic", `"id":"sub-acme"`)).want(201)
		s.post(customers, `{"id":"bare"}`).want(201)
		s.post(customers, `{"id":"gone"}`).want(201)
		s.post(customers+"/gone/archive", "").want(200)
		s.explained("nobody", "feature-seats", "").tells(0, "There is no customer nobody.").tells(6, "None")
		s.explained("gone", "feature-seats", "").tells(0, "archived")
		s.explained("acme", "feature-seats", "&resourceId=r").tells(0, "It has no resource r.")
		s.explained("acme", "nothing", "").tells(5, "Denied: there is no feature nothing.")
		s.explained("bare", "feature-basic-reports", "").tells(1, "There are no subscriptions.").
			has("data.explanation.steps.6.data.package.id", "plan-basic")
		s.explained("acme", "feature-seats", "&requestedUsage=5").tells(5, "are not more than the limit 5").
			has("data.explanation.steps.2.data.rows", []any{map[string]any{
				"source": "PLAN", "planId": "plan-basic", "subscriptionId": "sub-acme", "isEffectiveEntitlement": true,
				"isGranted": true, "hasUnlimitedUsage": false, "hasSoftLimit": false, "usageLimit": 5,
			}}).tells(6, "Nothing needs to change.")
		s.explained("acme", "feature-seats", "&requestedUsage=6").tells(5, "the usage 0 and the requested 6 together are more than the limit 5").
			tells(1, "sub-acme to the plan plan-basic counts").tells(2, "The plan plan-basic gives 5.").
			has("data.explanation.steps.6.data.package.id", "plan-pro", "data.explanation.steps.6.data.package.monthlyPrice.amount", 49)
		s.explained("acme", "feature-seats", "&requestedUsage=600").tells(6, "no published plan or add-on").
			has("data.explanation.steps.6.data.package", nil)
		s.explained("acme", "feature-api-calls", "&requestedUsage=600")
		s.get(customers+"/acme/entitlements/check?featureId=feature-seats&explain=yes").refused(400, "BadUserInput", "explain")
		s.get(customers+"/acme/entitlements/check?currencyId=x&explain=true").refused(400, "BadUserInput", "explain")
	})
}

func TestExplainAddonsAndSubscriptions(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		id := s.takes("team", `"id":"first"`, seats(5), addons("boost", 2))
		s.explained("acme", "space", "").tells(3, "The add-on boost adds 2 × 10.").
			has("data.explanation.steps.2.data.rows.0.source", "ADDON", "data.explanation.steps.2.data.rows.0.addonQuantity", 2,
				"data.explanation.steps.2.data.rows.0.behavior", "Increment", "data.explanation.steps.2.data.rows.0.isEffectiveEntitlement", true)
		s.explained("acme", "seats", "").tells(2, "The quantity that is paid for in the plan team gives 5.").tells(3, "at least 5").
			has("data.explanation.steps.2.data.rows.0.isEffectiveEntitlement", false, "data.explanation.steps.2.data.rows.1.source", "PRICE",
				"data.explanation.steps.2.data.rows.1.isEffectiveEntitlement", true)
		s.explained("acme", "space", "&requestedUsage=35").tells(6, "2 of the add-on Boost (boost), for 10 usd a month").
			has("data.explanation.steps.6.data.package.quantity", 2)
		s.explained("acme", "space", "&requestedUsage=45").tells(6, "None") // of boost there are 4 at most
		s.cancels(id, `{"subscriptionCancellationTime":"IMMEDIATE"}`)
		s.takes("basic", `"id":"second"`)
		s.explained("acme", "seats", "").tells(1, "1 of 2 subscriptions counts.").tells(1, "first to the plan team does not count: it ended on").
			has("data.explanation.steps.1.data.subscriptions.0.isConsidered", true, "data.explanation.steps.1.data.subscriptions.1.isConsidered", false)
		s.explained("acme", "sso", "").tells(6, "the plan Pro (pro), for 90 usd a month")
		s.join("bolt")
		s.post(subs, askedBy("bolt", "team", `"id":"later"`, `"startDate":"2026-06-01T00:00:00Z"`)).want(201)
		s.explained("bolt", "seats", "").tells(1, "later to the plan team does not count: it starts on 2026-06-01")
	})
}

// An explanation of an instant to come shows what will be there then.
func TestExplainAhead(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.journey(startTrial + "," + endFree)
		s.post(customers, provision("acme", "plan-pro")).want(201)
		since, end := s.here(), begin.Add(14*day)
		s.explained("acme", "feature-seats", "&requestedUsage=20").tells(1, "it is in a trial until 2026-01-29T10:00:00.000Z")
		s.explained("acme", "feature-seats", "&requestedUsage=20"+at(end)).tells(1, "1 of 2 subscriptions counts.").tells(1, "to the plan plan-free counts").
			has("data.explanation.steps.0.data.at", stamp(end), "data.explanation.steps.6.data.package.id", "plan-pro")
		s.happened(since)
		s.post(batchCheck, batch(`{"customerId":"acme","featureId":"feature-seats","explain":true}`, `{"customerId":"acme","featureId":"feature-seats"}`)).want(200).
			has("data.0.explanation.steps.5.data.isGranted", true, "data.1.explanation", absent)
	})
}

// When usage is what stands in the way, its reset is a remedy.
func TestExplainAReset(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.post(customers, provision("acme", "plan-basic")).want(201)
		next := begin.AddDate(0, 1, 0)
		s.used("acme", "feature-api-calls", 600)
		s.explained("acme", "feature-api-calls", "&requestedUsage=500").tells(4, "The usage of the customer is 600 in the period from").
			has("data.explanation.steps.4.data.usagePeriodEnd", stamp(next), "data.explanation.steps.6.data.nextResetDate", stamp(next)).
			tells(6, "The usage is reset on "+stamp(next))
	})
}
