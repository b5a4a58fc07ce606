package apitest

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

// Transfer, delegation, migration and import (domain-catalog-provisioning §4.3, §9.11).

func TestTransfer(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		s.settings("rooms", lessLater)
		id := s.takes("hall", `"resourceId":"red"`)
		s.takes("room", `"resourceId":"blue"`)
		s.moveTo(aprilDay(10))
		n := s.invoices(id)
		to := func(r string) string { return fmt.Sprintf(`{"destinationResourceId":%q}`, r) }
		since := s.here()
		s.post(subs+"/"+id+"/transfer", to("blue")).want(409)
		s.post(subs+"/"+id+"/transfer", to("a b")).refused(400, "BadUserInput", "destinationResourceId")
		s.post(subs+"/"+id+"/transfer", `{}`).refused(400, "BadUserInput", "destinationResourceId")
		s.post(subs+"/none/transfer", to("x")).refused(404, "SubscriptionNotFound")
		s.happened(since)
		// What is scheduled goes along.
		s.post(subs, asked("room", `"resourceId":"red"`)).want(201).has("data.isScheduled", true, "data.id", id)
		s.post(subs+"/"+id+"/transfer", to("green")).want(200).has("data.id", id, "data.resourceId", "green", "data.planId", "hall", "data.status", "ACTIVE",
			"data.currentBillingPeriodStart", stamp(april), "data.billingCycleAnchor", stamp(april))
		if s.invoices(id) != n {
			t.Errorf("a transfer cost something: %v", s.lastInvoice(id))
		}
		s.check("acme", "space", "&resourceId=green").has("data.usageLimit", 200)
		s.check("acme", "space", "&resourceId=red").has("data.isGranted", false)
		s.check("acme", "space", "&resourceId=blue").has("data.usageLimit", 50)
		s.post(subs+"/"+id+"/transfer", to("green")).want(200) // it is there
		s.moveTo(aprilDay(31))
		s.shows(id, "data.status", "CANCELED", "data.cancelReason", "UPGRADE_OR_DOWNGRADE")
		s.shows(s.subscriptionOf("acme"), "data.planId", "room", "data.resourceId", "green", "data.status", "ACTIVE")
		s.check("acme", "space", "&resourceId=green").has("data.usageLimit", 50)
		s.check("acme", "space", "&resourceId=red").has("data.isGranted", false)
		// Only where there are resources.
		single := s.takes("pro")
		s.post(subs+"/"+single+"/transfer", to("x")).refused(400, "InvalidArgumentError")
		s.cancels(single, `{}`)
		s.post(subs+"/"+single+"/transfer", to("x")).refused(409, "SubscriptionAlreadyCanceledOrExpired")
	})
}

func TestDelegate(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		id := s.takes("team", seats(4))
		s.join("payer", "gone")
		s.post(customers+"/gone/archive", "").want(200)
		to := func(c string) string { return fmt.Sprintf(`{"targetCustomerId":%q}`, c) }
		s.post(subs+"/"+id+"/delegate", to("nobody")).refused(404, "CustomerNotFound", "targetCustomerId")
		s.post(subs+"/"+id+"/delegate", to("gone")).refused(404, "CustomerNotFound", "targetCustomerId")
		s.post(subs+"/"+id+"/delegate", `{}`).refused(400, "BadUserInput", "targetCustomerId")
		s.post(subs+"/none/delegate", to("payer")).refused(404, "SubscriptionNotFound")
		s.post(subs+"/"+id+"/delegate", to("payer")).want(200).has("data.payingCustomerId", "payer", "data.customerId", "acme", "data.status", "ACTIVE")
		s.limit("acme", "seats", 4)
		s.check("payer", "seats").has("data.isGranted", false)
		s.get(subs+"?customerId=payer").want(200).has("data", []any{})
		s.post(subs+"/"+id+"/delegate", to("acme")).want(200).has("data.payingCustomerId", nil)
		s.cancels(id, `{}`)
		s.post(subs+"/"+id+"/delegate", to("payer")).refused(409, "SubscriptionAlreadyCanceledOrExpired")
	})
}

// Scenarios 15 and 16: publishing for all moves what they have and not what they pay; migrating moves both.
func TestScenarios15And16Migrate(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		id := s.takes("basic", addons("boost", 1))
		since := s.here()
		s.post(subs+"/"+id+"/migrate", `{}`).want(200).has("data.version", 1) // it has the latest
		s.happened(since)
		s.edit(plans+"/basic", `{`+paid(flat("60", "600"))+`}`)
		s.include(plans+"/basic", "seats", 8)
		s.ended(s.forAll(plans+"/basic")).has("data.status", "COMPLETED")
		s.shows(id, "data.planVersion", 2, "data.prices.0.amount", 30)
		s.limit("acme", "seats", 8)
		s.moveTo(aprilDay(30)) // it renews
		s.shows(id, "data.prices.0.amount", 30)
		s.moveTo(aprilDay(30).Add(31 * 12 * time.Hour))
		s.post(subs+"/"+id+"/migrate", `{"subscriptionMigrationTime":"END_OF_BILLING_PERIOD"}`).want(200).
			has("data.prices.0.amount", 30).scheduled("MIGRATE_TO_LATEST SCHEDULED 2026-06-01")
		s.post(subs+"/"+id+"/migrate", `{"subscriptionMigrationTime":"IMMEDIATE"}`).want(200).has("data.id", id, "data.prices.0.amount", 60, "data.planVersion", 2)
		s.cost(id, "total", 15)
		s.moveTo(aprilDay(70))
		s.shows(id, "data.prices.0.amount", 60, "data.status", "ACTIVE").scheduled()
	})
}

func TestMigrateLater(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		id := s.takes("team", seats(5), addons("boost", 1), `"priceOverrides":[{"addonId":"boost","amount":2}]`)
		s.edit(plans+"/team", `{`+paid(unit("seats", "20", "200", `"minUnitQuantity":2,`))+`}`)
		s.publish("team")
		s.edit(addOns+"/boost", "")
		s.include(addOns+"/boost", "space", 30)
		s.post(addOns+"/boost/publish", `{}`).want(200)
		n := s.invoices(id)
		s.post(subs+"/"+id+"/migrate", `{"subscriptionMigrationTime":"END_OF_BILLING_PERIOD"}`).want(200).scheduled("MIGRATE_TO_LATEST SCHEDULED 2026-05-01")
		s.post(subs+"/"+id+"/migrate", `{"subscriptionMigrationTime":"END_OF_BILLING_PERIOD"}`).want(200).scheduled("MIGRATE_TO_LATEST SCHEDULED 2026-05-01")
		// It is carried out on the latest version of then.
		s.edit(plans+"/team", `{`+paid(unit("seats", "15", "150", `"minUnitQuantity":2,`))+`}`)
		s.publish("team")
		if s.invoices(id) != n {
			t.Errorf("what is scheduled cost something: %v", s.lastInvoice(id))
		}
		s.limit("acme", "space", 10)
		s.moveTo(aprilDay(30).Add(31 * 12 * time.Hour))
		s.shows(id, "data.planVersion", 3, "data.charges.0.quantity", 5, "data.addons.0.quantity", 1).scheduled()
		s.limit("acme", "space", 30)
		s.cost(id, "total", 77) // 5·15 and the overridden 2
		s.cancels(id, `{}`)
		s.balance("acme", "38.5 usd")
	})
}

// Plans whose type has changed (§4.3 step 4).
func TestMigrateToAnotherType(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		retype := func(plan, charges string) {
			s.edit(plans+"/"+plan, `{"charges":`+charges+`}`)
			s.publish(plan)
		}
		const free, custom = `{"pricingType":"FREE"}`, `{"pricingType":"CUSTOM"}`
		s.join("a", "b", "c", "d", "e", "f")
		for who, plan := range map[string]string{"a": "free", "b": "basic", "c": "bespoke", "d": "pro", "e": "agreed"} {
			s.post(subs, askedBy(who, plan, fmt.Sprintf(`"id":%q`, who), `"entitlements":[]`, map[bool]string{true: `"entitlements":[{"id":"seats","type":"FEATURE","usageLimit":5}]`, false: `"metadata":{}`}[plan == "agreed"])).want(201)
		}
		s.moveTo(aprilDay(15))
		retype("free", monthly5)
		s.post(subs+"/a/migrate", `{}`).want(400)
		s.shows("a", "data.pricingType", "FREE", "data.planVersion", 1, "data.status", "ACTIVE")
		s.edit(plans+"/heir", `{"parentPlanId":null}`)
		s.publish("heir")
		retype("basic", free)
		s.post(subs+"/b/migrate", `{}`).want(200).has("data.id", "b", "data.pricingType", "FREE", "data.planVersion", 2, "data.prices", []any{}, "data.status", "ACTIVE")
		s.balance("b", "15 usd")
		retype("bespoke", monthly5)
		s.post(subs+"/c/migrate", `{}`).want(400)
		s.shows("c", "data.pricingType", "CUSTOM")
		retype("pro", custom)
		s.post(subs+"/d/migrate", `{}`).want(200).has("data.id", "d", "data.pricingType", "CUSTOM", "data.status", "ACTIVE")
		s.cancels("e", `{}`)
		s.post(subs+"/e/migrate", `{}`).refused(409, "SubscriptionAlreadyCanceledOrExpired")
		s.post(subs+"/none/migrate", `{}`).refused(404, "SubscriptionNotFound")
	})
}

const importSubs = subs + "/import"

func subRows(rows ...string) string { return `{"subscriptions":[` + strings.Join(rows, ",") + `]}` }

func subRow(id, customer, plan string, more ...string) string {
	return fmt.Sprintf(`{"id":%q,"customerId":%q,"planId":%q%s}`, id, customer, plan, strings.Join(append([]string{""}, more...), ","))
}

func (c caller) imports(body string) *answer {
	c.t.Helper()
	return c.ended(c.post(importSubs, body).want(200).text("data.taskId"))
}

// Import charges nothing and asks neither journey nor trial.
func TestImportSubscriptions(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		s.settings("studio", toFree)
		s.join("bolt", "carl", "dora", "eve")
		body := subRows(
			subRow("i1", "acme", "team", `"billingPeriod":"MONTHLY"`, seats(5), addons("boost", 2), `"billingId":"b-1"`, `"metadata":{"k":"v"}`, fmt.Sprintf(`"startDate":%q`, stamp(aprilDay(-40)))),
			subRow("i2", "bolt", "try", `"billingPeriod":"ANNUALLY"`),
			subRow("i3", "carl", "agreed", `"entitlements":[{"id":"seats","type":"FEATURE","usageLimit":12}]`),
			subRow("i4", "dora", "room", `"billingPeriod":"MONTHLY"`, `"resourceId":"red"`, fmt.Sprintf(`"endDate":%q`, stamp(aprilDay(9)))),
			subRow("x1", "nobody", "pro", `"billingPeriod":"MONTHLY"`),
			subRow("x2", "eve", "none"),
			subRow("x4", "eve", "team", `"billingPeriod":"MONTHLY"`, seats(1)),
			subRow("x5", "eve", "room", `"billingPeriod":"MONTHLY"`))
		s.imports(body).has("data.type", "SUBSCRIPTION_IMPORT", "data.status", "PARTIALLY_FAILED", "data.failed", 4)
		s.shows("i1", "data.status", "ACTIVE", "data.billingId", "b-1", "data.metadata.k", "v", "data.charges.0.quantity", 5, "data.addons.0.quantity", 2,
			"data.startDate", stamp(aprilDay(-40)), "data.trialEndDate", nil)
		s.shows("i2", "data.status", "ACTIVE", "data.trialEndDate", nil, "data.billingPeriod", "ANNUALLY")
		s.shows("i3", "data.status", "ACTIVE")
		s.shows("i4", "data.status", "ACTIVE", "data.resourceId", "red")
		for _, id := range []string{"i1", "i2", "i3", "i4"} {
			if n := s.invoices(id); n != 0 {
				t.Errorf("the import of %s cost something: %v", id, s.lastInvoice(id))
			}
		}
		s.limit("acme", "seats", 5)
		s.limit("carl", "seats", 12)
		s.get(customers+"/bolt").want(200).has("data.trialedPlans", []any{})
		for _, id := range []string{"x1", "x2", "x4", "x5"} {
			s.get(subs+"/"+id).refused(404, "SubscriptionNotFound")
		}
		s.get(subs+"?customerId=eve").want(200).has("data", []any{})
		// The same again changes nothing.
		before := s.get(subs + "/i1").want(200)
		s.imports(body).has("data.failed", 4)
		if after := s.get(subs + "/i1").want(200); string(after.raw) != string(before.raw) {
			t.Errorf("a repeat changed it:\n%s\n%s", before.raw, after.raw)
		}
		s.get(subs+"?limit=100").want(200).has("data.3.id", "i4", "data.4", absent)
		s.moveTo(aprilDay(10))
		s.shows("i4", "data.status", "EXPIRED", "data.cancelReason", "EXPIRED", "data.endDate", stamp(aprilDay(9)))
		s.balance("acme")
		// Rows older than what we have are left alone.
		s.changes("i1", `{`+seats(7)+`}`)
		s.imports(subRows(subRow("i1", "acme", "team", `"billingPeriod":"MONTHLY"`, seats(5), fmt.Sprintf(`"updatedAt":%q`, stamp(aprilDay(1))))))
		s.shows("i1", "data.charges.0.quantity", 7)
		s.post(importSubs, `{"subscriptions":[]}`).refused(400, "BadUserInput", "subscriptions")
		s.post(importSubs, subRows(`{"id":"a b","customerId":"acme"}`)).refused(400, "BadUserInput", "subscriptions[0].id", "subscriptions[0].planId")
	})
}

func TestImportSubscriptionsAtOnce(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		const rows = 300
		s.post(imports, imported(numbered("c", rows)...)).want(200)
		body := func(prefix string) string {
			list := make([]string, rows)
			for i := range list {
				list[i] = subRow(fmt.Sprintf("%s-%d", prefix, i), fmt.Sprintf("c-%04d", i), "pro", `"billingPeriod":"MONTHLY"`)
			}
			return subRows(list...)
		}
		answers := make([]*answer, 3)
		var wg sync.WaitGroup
		for i := range answers {
			wg.Go(func() { answers[i] = s.send("POST", importSubs, body("s")) })
		}
		wg.Wait()
		won := 0
		for _, a := range answers {
			switch {
			case a.status == 200:
				won++
			case a.status == 409 && strings.Contains(string(a.raw), "ImportAlreadyInProgress"):
			default:
				t.Errorf("%d %s", a.status, a.raw)
			}
		}
		if won == 0 {
			t.Fatal("no import was begun")
		}
		for _, a := range answers {
			if a.status == 200 && json.Unmarshal(a.raw, &a.tree) == nil {
				s.ended(a.text("data.taskId"))
			}
		}
		s.limit("c-0299", "seats", 20)
	})
}
