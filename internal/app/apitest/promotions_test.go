package apitest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/purserhq/purser/internal/store/storetest"
)

// promotions is the path of a customer's promotional entitlements.
func promotions(customer string) string {
	return customers + "/" + customer + "/promotional-entitlements"
}

// grants is the body for grants; each row has the members of one.
func grants(rows ...string) string {
	return `{"promotionalEntitlements":[{` + strings.Join(rows, "},{") + `}]}`
}

// promo is a row: a feature for a period, and more members.
func promo(feature, period string, more ...string) string {
	return strings.Join(append([]string{fmt.Sprintf(`"featureId":%q,"period":%q`, feature, period)}, more...), ",")
}

const (
	granted   = "promotionalEntitlement.granted promotional_entitlement "
	regranted = "promotionalEntitlement.updated promotional_entitlement "
	revoked   = "promotionalEntitlement.revoked promotional_entitlement "
	lapsed    = "promotionalEntitlement.expired promotional_entitlement "
	lapseSoon = "promotionalEntitlement.ends_soon promotional_entitlement "
	entitled  = "entitlements.updated customer "
)

// tenSeats publishes plan-ten, which gives 10 seats, and gives it to acme.
func (s *server) tenSeats() {
	s.t.Helper()
	s.demo()
	s.post("/api/v1/plans", `{"id":"plan-ten","displayName":"Ten","productId":"product-demo","pricingType":"FREE"}`).want(201)
	s.post("/api/v1/plans/plan-ten/entitlements", `{"entitlements":[{"type":"FEATURE","id":"feature-seats","usageLimit":10}]}`).want(201)
	s.publish("plan-ten")
	s.post(customers, provision("acme", "plan-ten")).want(201)
}

// Vector 2 of domain-entitlements-usage §17: the larger one counts, and the end counts to the millisecond.
func TestPromotionIsMergedByTheGenerousRule(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.tenSeats()
		s.limit("acme", "feature-seats", 10)
		s.post(promotions("acme"), grants(promo("feature-seats", "1 week", `"usageLimit":8`))).want(201)
		s.limit("acme", "feature-seats", 10)
		since := s.here()
		id := s.post(promotions("acme"), grants(promo("feature-seats", "1 week", `"usageLimit":50`))).want(201).text("data.0.id")
		s.limit("acme", "feature-seats", 50)

		end := begin.Add(7 * day)
		s.check("acme", "feature-seats").has("data.validUntil", stamp(end))
		s.clock.Add(7*day - time.Millisecond)
		s.limit("acme", "feature-seats", 50)
		s.clock.Add(time.Millisecond)
		s.limit("acme", "feature-seats", 10)
		s.get(promotions("acme")).want(200).has("data.0.status", "Expired", "data.0.endDate", stamp(end), "data.1", absent)
		events := s.happened(since, regranted+id, entitled+"acme", lapsed+id, entitled+"acme")
		if e := events[2]; !e.At.Equal(end) || e.Actor.Type != "SYSTEM" {
			t.Errorf("%s is at %s by %v", e, e.At, e.Actor)
		}
		s.sound()
	})
}

// The same under a test clock, which moves through everything that is due.
func TestPromotionEndsUnderATestClock(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.tenSeats()
		since := s.here()
		id := s.post(promotions("acme"), grants(promo("feature-seats", "1 month", `"usageLimit":50`))).want(201).text("data.0.id")
		end := time.Date(2026, 2, 15, 10, 0, 0, 0, time.UTC)
		s.moveTo(end.Add(-time.Millisecond))
		s.limit("acme", "feature-seats", 50)
		s.moveTo(end)
		s.limit("acme", "feature-seats", 10)
		events := s.happened(since, granted+id, entitled+"acme", lapseSoon+id, "environment.clock_moved environment clock",
			lapsed+id, entitled+"acme", "environment.clock_moved environment clock")
		if soon := events[2]; !soon.At.Equal(end.Add(-7 * day)) {
			t.Errorf("announced at %s", soon.At)
		}
		var told struct{ ID, Status, CustomerID, FeatureID, Period, EndDate string }
		if err := json.Unmarshal(events[4].Payload, &told); err != nil || told.ID != id || told.Status != "Expired" || told.CustomerID != "acme" ||
			told.FeatureID != "feature-seats" || told.Period != "1 month" || told.EndDate != "2026-02-15T10:00:00Z" {
			t.Errorf("told %s", events[4].Payload)
		}
		s.sound()
	})
}

func TestGrantPromotions(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.post(features, `{"id":"region","displayName":"Region","featureType":"ENUM","enumConfiguration":[{"value":"us","displayName":"America"},{"value":"eu","displayName":"Europe"}]}`).want(201)
		s.post(customers, `{"id":"acme"}`).want(201)
		s.check("acme", "feature-seats").has("data.isGranted", false, "data.accessDeniedReason", "NoActiveSubscription")
		since := s.here()
		a := s.post(promotions("acme"), grants(
			promo("feature-api-calls", "6 month", `"usageLimit":500,"hasSoftLimit":true,"resetPeriod":"MONTH","monthlyResetPeriodConfiguration":{"accordingTo":"StartOfTheMonth"},
				"hasUnlimitedUsage":null,"enumValues":null,"customEndDate":null,"isVisible":null,"weeklyResetPeriodConfiguration":null,"yearlyResetPeriodConfiguration":null`),
			promo("feature-basic-reports", "lifetime", `"isVisible":false`),
			promo("region", "custom", `"enumValues":["us","eu"]`, fmt.Sprintf(`"customEndDate":%q`, stamp(begin.Add(day)))),
			promo("feature-seats", "1 year", `"hasUnlimitedUsage":true`),
		)).want(201).
			has("data.0.feature", map[string]any{"id": "feature-api-calls"}, "data.0.status", "Active", "data.0.period", "6 month", "data.0.startDate", stamp(begin),
				"data.0.endDate", "2026-07-15T10:00:00.000Z", "data.0.usageLimit", 500, "data.0.hasSoftLimit", true, "data.0.hasUnlimitedUsage", false,
				"data.0.resetPeriod", "MONTH", "data.0.resetPeriodConfiguration", map[string]any{"accordingTo": "StartOfTheMonth"}, "data.0.isVisible", true,
				"data.0.enumValues", nil, "data.0.description", nil, "data.0.featureGroupIds", nil, "data.0.createdAt", stamp(begin),
				"data.1.endDate", nil, "data.1.isVisible", false, "data.1.usageLimit", nil, "data.1.hasUnlimitedUsage", nil, "data.1.resetPeriod", nil,
				"data.2.enumValues", []any{"eu", "us"}, "data.2.endDate", stamp(begin.Add(day)),
				"data.3.hasUnlimitedUsage", true, "data.3.endDate", "2027-01-15T10:00:00.000Z", "data.4", absent)
		ids := a.column("id")
		s.happened(since, granted+ids[0], granted+ids[1], granted+ids[2], granted+ids[3], entitled+"acme")
		s.get(promotions("acme")).want(200).has("data", a.tree.(map[string]any)["data"])
		s.check("acme", "feature-api-calls").has("data.isGranted", true, "data.usageLimit", 500, "data.usagePeriodEnd", "2026-02-01T00:00:00.000Z")
		s.check("acme", "feature-basic-reports").has("data.isGranted", true)
		s.check("acme", "feature-seats").has("data.isGranted", true, "data.hasUnlimitedUsage", true)
		s.check("acme", "region", "&requestedValues=eu").has("data.isGranted", true)
		// What a later subscription answers counts grants too.
		s.post("/api/v1/subscriptions", `{"customerId":"acme","planId":"plan-free"}`).want(201).
			has("data.entitlements.1.feature.id", "feature-basic-reports", "data.entitlements.2.hasUnlimitedUsage", true)
		s.check("acme", "feature-seats").has("data.hasUnlimitedUsage", true)
		s.sound()
	})
}

func TestGrantAgainUpdates(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.tenSeats()
		first := s.post(promotions("acme"), grants(promo("feature-seats", "1 month", `"usageLimit":20`))).want(201).
			has("data.0.endDate", "2026-02-15T10:00:00.000Z")
		id := first.text("data.0.id")
		since := s.here()
		s.clock.Add(3 * day)
		s.post(promotions("acme"), grants(promo("feature-seats", "1 week", `"usageLimit":30`))).want(201).
			has("data.0.id", id, "data.0.usageLimit", 30, "data.0.startDate", stamp(begin), "data.0.endDate", stamp(begin.Add(10*day)),
				"data.0.updatedAt", stamp(begin.Add(3*day)), "data.0.createdAt", stamp(begin))
		s.limit("acme", "feature-seats", 30)
		s.post(promotions("acme"), grants(promo("feature-seats", "1 week", `"usageLimit":30`))).want(201).has("data.0.id", id) // as it is
		s.happened(since, regranted+id, entitled+"acme")
		s.sound() // the timers of the first end are gone

		s.clock.Add(8 * day)
		s.limit("acme", "feature-seats", 10)
		next := s.post(promotions("acme"), grants(promo("feature-seats", "1 week", `"usageLimit":40`))).want(201).text("data.0.id")
		if next == id {
			t.Error("what has ended runs again")
		}
		s.limit("acme", "feature-seats", 40)
		s.sound()
	})
}

func TestRevokePromotion(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.tenSeats()
		id := s.post(promotions("acme"), grants(promo("feature-seats", "lifetime", `"usageLimit":20`))).want(201).text("data.0.id")
		since := s.here()
		now := s.clock.Add(day)
		s.del(promotions("acme")+"/feature-seats").want(200).has("data.id", id, "data.status", "Expired", "data.endDate", stamp(now), "data.period", "lifetime")
		s.limit("acme", "feature-seats", 10)
		s.del(promotions("acme")+"/feature-seats").refused(404, "PromotionalEntitlementNotFound")
		s.happened(since, revoked+id, entitled+"acme")
		s.del(promotions("acme")+"/feature-none").refused(404, "PromotionalEntitlementNotFound")
		s.del(promotions("nobody")+"/feature-seats").refused(404, "CustomerNotFound")

		s.post(promotions("acme"), grants(promo("feature-seats", "1 month", `"usageLimit":20`))).want(201)
		s.clock.Add(40 * day)
		s.del(promotions("acme")+"/feature-seats").refused(404, "PromotionalEntitlementNotFound") // it has ended by itself
		s.limit("acme", "feature-seats", 10)
		s.sound()
	})
}

func TestListPromotions(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.tenSeats()
		s.post(customers, `{"id":"bolt"}`).want(201)
		other := s.post(promotions("bolt"), grants(promo("feature-seats", "lifetime", `"usageLimit":1`))).want(201).text("data.0.id")
		ids := []string{
			s.post(promotions("acme"), grants(promo("feature-seats", "1 week", `"usageLimit":20`))).want(201).text("data.0.id"),
		}
		s.clock.Add(day)
		ids = append(ids, s.post(promotions("acme"), grants(promo("feature-basic-reports", "lifetime"))).want(201).text("data.0.id"))
		ids = append(ids, s.post(promotions("acme"), grants(promo("feature-api-calls", "lifetime", `"usageLimit":1`))).want(201).text("data.0.id"))
		s.del(promotions("acme") + "/feature-api-calls").want(200)
		s.clock.Add(6 * day)
		for query, want := range map[string][]string{
			"":                            ids,
			"status=Active":               {ids[1]},
			"status=Expired":              {ids[0], ids[2]}, // nothing has settled the first
			"status=Active&status=Paused": {ids[1]},
			"status=Active,Expired":       ids,
			"status=Paused":               {},
			"limit=1":                     ids[:1],
			"limit=1&after=" + ids[0]:     {ids[1]},
			"limit=2&before=" + ids[2]:    ids[:2],
			"createdAt[gte]=" + stamp(begin.Add(time.Hour)): ids[1:],
			"createdAt[lt]=" + stamp(begin.Add(time.Hour)):  ids[:1],
		} {
			got := s.get(promotions("acme") + "?" + query).want(200).column("id")
			if strings.Join(got, " ") != strings.Join(want, " ") {
				t.Errorf("%s: %v, want %v", query, got, want)
			}
		}
		s.get(promotions("acme")+"?after="+other).refused(400, "BadUserInput", "after")
		s.get(promotions("acme")+"?status=Gone").refused(400, "BadUserInput", "status[0]")
		s.get(promotions("nobody")).refused(404, "CustomerNotFound")
		s.production.get(promotions("acme")).refused(404, "CustomerNotFound")
		for _, path := range []string{promotions("acme"), promotions("acme") + "?status=Active"} {
			s.client.get(path).refused(403, "IdentityForbidden")
		}
	})
}

func TestBadPromotions(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.post(customers, `{"id":"acme"}`).want(201)
		s.post(customers, `{"id":"gone"}`).want(201)
		s.post(customers+"/gone/archive", "").want(200)
		s.post(features, `{"id":"old","displayName":"Old","featureType":"BOOLEAN"}`).want(201)
		s.post(features+"/old/archive", "").want(200)
		s.post(features, `{"id":"region","displayName":"Region","featureType":"ENUM","enumConfiguration":[{"value":"eu","displayName":"Europe"}]}`).want(201)
		at := func(i int, member string) string { return fmt.Sprintf("promotionalEntitlements[%d].%s", i, member) }
		past := fmt.Sprintf(`"customEndDate":%q`, stamp(begin))
		good := promo("feature-seats", "1 month", `"usageLimit":5`)
		since := s.here()
		for _, r := range []struct {
			name, customer, body string
			status               int
			code                 string
			paths                []string
		}{
			{"nothing", "acme", `{}`, 400, "BadUserInput", []string{"promotionalEntitlements"}},
			{"no rows", "acme", `{"promotionalEntitlements":[]}`, 400, "BadUserInput", []string{"promotionalEntitlements"}},
			{"an empty row", "acme", grants(""), 400, "BadUserInput", []string{at(0, "featureId"), at(0, "period")}},
			{"a period that nobody knows", "acme", grants(promo("feature-seats", "2 weeks")), 400, "BadUserInput", []string{at(0, "period")}},
			{"one bad row of two", "acme", grants(good, promo("feature-api-calls", "1 month")), 400, "InvalidArgumentError", []string{at(1, "usageLimit")}},
			{"the same twice", "acme", grants(good, good), 400, "InvalidArgumentError", []string{at(1, "featureId")}},
			{"an unknown feature", "acme", grants(good, promo("feature-none", "1 month")), 404, "FeatureNotFound", []string{at(1, "featureId")}},
			{"an archived feature", "acme", grants(promo("old", "1 month")), 400, "InvalidArgumentError", []string{at(0, "featureId")}},
			{"an unknown customer", "nobody", grants(good), 404, "CustomerNotFound", nil},
			{"an archived customer", "gone", grants(good), 404, "CustomerNotFound", nil},
			{
				"many things at once", "acme",
				grants(promo("feature-seats", "custom", `"usageLimit":-1`, past), promo("feature-basic-reports", "1 week", `"usageLimit":1`, past), promo("region", "custom", `"enumValues":["mars"]`)),
				400, "InvalidArgumentError",
				[]string{at(0, "customEndDate"), at(0, "usageLimit"), at(1, "customEndDate"), at(1, "usageLimit"), at(2, "customEndDate"), at(2, "enumValues")},
			},
			{
				"a reset of what is not metered", "acme", grants(promo("feature-basic-reports", "1 week", `"resetPeriod":"MONTH"`)),
				400, "InvalidEntitlementResetPeriod",
				[]string{at(0, "resetPeriod")},
			},
			{
				"another reset", "acme", grants(promo("feature-seats", "1 week", `"usageLimit":1,"resetPeriod":"MONTH","weeklyResetPeriodConfiguration":{"accordingTo":"EveryMonday"}`)),
				400, "InvalidEntitlementResetPeriod",
				[]string{at(0, "weeklyResetPeriodConfiguration")},
			},
			{
				"values of a number", "acme", grants(promo("feature-seats", "1 week", `"usageLimit":1,"enumValues":["eu"]`)),
				400, "UnsupportedFeatureType",
				[]string{at(0, "enumValues")},
			},
		} {
			t.Run(r.name, func(t *testing.T) {
				s.in(t).post(promotions(r.customer), r.body).refused(r.status, r.code, r.paths...)
			})
		}
		s.happened(since)
		s.get(promotions("acme")).want(200).has("data", []any{})
		s.client.post(promotions("acme"), grants(good)).refused(403, "IdentityForbidden")
		s.client.del(promotions("acme")+"/feature-seats").refused(403, "IdentityForbidden")
	})
}

func TestPromotionIdempotencyKey(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.tenSeats()
		body := grants(promo("feature-seats", "1 week", `"usageLimit":20`))
		first := s.post(promotions("acme"), body, idempotencyKey, "k1").want(201)
		since := s.here()
		s.clock.Add(time.Hour)
		again := s.post(promotions("acme"), body, idempotencyKey, "k1").want(201)
		if string(first.raw) != string(again.raw) {
			t.Errorf("the replay differs:\n%s\n%s", first.raw, again.raw)
		}
		s.post(promotions("acme"), grants(promo("feature-seats", "1 week", `"usageLimit":21`)), idempotencyKey, "k1").refused(409, "IdempotencyKeyReused")
		s.happened(since)
	})
}

func TestArchivingEndsPromotions(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.post(features, `{"id":"seats","displayName":"Seats","featureType":"NUMBER","meterType":"FLUCTUATING"}`).want(201)
		s.post(customers, `{"id":"acme"}`).want(201)
		id := s.post(promotions("acme"), grants(promo("seats", "1 month", `"usageLimit":20`))).want(201).text("data.0.id")
		since := s.here()
		s.post(customers+"/acme/archive", "").want(200)
		s.get(promotions("acme")).refused(404, "CustomerNotFound")
		s.post(customers+"/acme/unarchive", "").want(200)
		s.check("acme", "seats").has("data.isGranted", false, "data.accessDeniedReason", "NoActiveSubscription")
		s.get(promotions("acme")).want(200).has("data.0.id", id, "data.0.status", "Expired", "data.0.endDate", stamp(begin))
		s.moveTo(begin.Add(60 * day)) // its timers are gone
		s.happened(since, revoked+id, "customer.deleted customer acme", entitled+"acme", "customer.unarchived customer acme", entitled+"acme",
			"environment.clock_moved environment clock")
		s.sound()
	})
}

// A grant belongs to the customer and applies to its resources too; for another feature it only changes the reason.
func TestPromotionAppliesToResources(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.post("/api/v1/products", `{"id":"product-sites","displayName":"Sites","multipleSubscriptions":true}`).want(201)
		s.post("/api/v1/plans", `{"id":"plan-site","displayName":"Site","productId":"product-sites","pricingType":"FREE"}`).want(201)
		s.post("/api/v1/plans/plan-site/entitlements", `{"entitlements":[{"type":"FEATURE","id":"feature-seats","usageLimit":3}]}`).want(201)
		s.publish("plan-site")
		s.post(customers, provision("acme", "plan-site", `"resourceId":"site-1"`)).want(201)
		site := "&resourceId=site-1"
		s.check("acme", "feature-seats", site).has("data.usageLimit", 3) // warms the cache
		s.post(promotions("acme"), grants(promo("feature-seats", "1 week", `"usageLimit":7`))).want(201)
		s.check("acme", "feature-seats", site).has("data.isGranted", true, "data.usageLimit", 7)
		s.check("acme", "feature-seats").has("data.isGranted", true, "data.usageLimit", 7)
		s.check("acme", "feature-basic-reports").has("data.isGranted", false, "data.accessDeniedReason", "NoFeatureEntitlementInSubscription")
		s.clock.Add(7 * day)
		s.check("acme", "feature-seats", site).has("data.usageLimit", 3)
		s.check("acme", "feature-seats").has("data.isGranted", false)
	})
}

func TestPromotionSurvivesARestart(t *testing.T) {
	t.Parallel()
	s := start(t, storetest.SQLite)
	s.tenSeats()
	s.post(promotions("acme"), grants(promo("feature-seats", "1 week", `"usageLimit":50`))).want(201)
	s.close()
	s.clock.Add(7 * day)
	n := s.node()
	n.limit("acme", "feature-seats", 10)
	n.sound()
}
