package apitest

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// report is the body of one report; more are further members.
func report(customer, feature string, value any, more string) string {
	if more != "" {
		more = "," + more
	}
	return fmt.Sprintf(`{"usages":[{"customerId":%q,"featureId":%q,"value":%v%s}]}`, customer, feature, value, more)
}

const usages = "/api/v1/usage"

// A customer with plan-basic: 5 seats, and 1,000 calls a month from the start of the subscription.
func (c caller) basic(customer string) {
	c.t.Helper()
	c.post(customers, provision(customer, "plan-basic")).want(201)
}

func TestUsageIsCountedAndLimited(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.basic("acme")
		s.check("acme", "feature-api-calls").has("data.currentUsage", 0, "data.isGranted", true) // now it is in memory
		end := begin.AddDate(0, 1, 0)
		s.post(usages, report("acme", "feature-api-calls", 1000, "")).want(201).has("data.0.currentUsage", 1000, "data.0.value", 1000,
			"data.0.usagePeriodStart", stamp(begin), "data.0.usagePeriodEnd", stamp(end), "data.0.nextResetDate", stamp(end), "data.0.timestamp", stamp(begin))
		// Vector 5: at the limit nothing more fits; after the period everything does.
		s.check("acme", "feature-api-calls").has("data.currentUsage", 1000, "data.isGranted", true)
		s.check("acme", "feature-api-calls", "&requestedUsage=1").has("data.isGranted", false, "data.accessDeniedReason", "RequestedUsageExceedingLimit",
			"data.usagePeriodEnd", stamp(end))
		s.post(usages, report("acme", "feature-api-calls", 5, "")).want(201).has("data.0.currentUsage", 1005) // recorded all the same
		s.get(customers+"/acme/entitlements").want(200).has("data.entitlements.0.currentUsage", 1005)
		s.moveTo(end.Add(-time.Millisecond))
		s.check("acme", "feature-api-calls").has("data.isGranted", false)
		s.moveTo(end)
		s.check("acme", "feature-api-calls", "&requestedUsage=1000").has("data.isGranted", true, "data.currentUsage", 0, "data.usagePeriodStart", stamp(end))
		s.post(usages, report("acme", "feature-api-calls", 1, "")).want(201).has("data.0.currentUsage", 1)
		s.sound()
	})
}

// Vector 8.
func TestUsageGoesUpAndDownButNotBelowZero(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.basic("acme")
		s.post(usages, report("acme", "feature-seats", 5, `"updateBehavior":"SET"`)).want(201).has("data.0.currentUsage", 5, "data.0.usagePeriodEnd", nil)
		s.post(usages, report("acme", "feature-seats", -2, "")).want(201).has("data.0.currentUsage", 3)
		s.post(usages, report("acme", "feature-seats", -4, "")).refused(400, "UsageMeasurementDiffOutOfRangeError", "usages[0].value")
		s.check("acme", "feature-seats").has("data.currentUsage", 3)
		s.post(usages, `{"usages":[{"customerId":"acme","featureId":"feature-seats","value":7},{"customerId":"acme","featureId":"feature-seats","value":-11}]}`).
			refused(400, "UsageMeasurementDiffOutOfRangeError", "usages[1].value")
		s.check("acme", "feature-seats").has("data.currentUsage", 3)
		s.post(usages, `{"usages":[{"customerId":"acme","featureId":"feature-seats","value":7},{"customerId":"acme","featureId":"feature-seats","value":-1}]}`).
			want(201).has("data.0.currentUsage", 10, "data.1.currentUsage", 9)
		s.post(usages, report("acme", "feature-seats", "9223372036854775807", "")).refused(400, "UsageMeasurementDiffOutOfRangeError", "usages[0].value")
		s.sound()
	})
}

func TestUsageReportsAreRecordedOnce(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.basic("acme")
		first := s.post(usages, report("acme", "feature-seats", 2, `"idempotencyKey":"k"`)).want(201).has("data.0.currentUsage", 2)
		again := s.post(usages, report("acme", "feature-seats", 2, `"idempotencyKey":"k"`)).want(201).has("data.0.currentUsage", 2)
		if first.text("data.0.id") != again.text("data.0.id") {
			t.Error("a repeated report has another id")
		}
		s.post(usages, report("acme", "feature-seats", 3, `"idempotencyKey":"k"`)).refused(409, "IdempotencyKeyReused", "usages[0].idempotencyKey")
		twice := `{"usages":[{"customerId":"acme","featureId":"feature-seats","value":1,"idempotencyKey":"t"},
			{"customerId":"acme","featureId":"feature-seats","value":1,"idempotencyKey":"t"}]}`
		s.post(usages, twice).want(201).has("data.0.currentUsage", 3, "data.1.currentUsage", 3)
		s.check("acme", "feature-seats").has("data.currentUsage", 3)
		s.sound()
	})
}

func TestUsageOfThePast(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.basic("acme")
		s.moveTo(begin.AddDate(0, 1, 10))
		s.post(usages, report("acme", "feature-api-calls", 10, "")).want(201)
		at := func(t time.Time) string { return fmt.Sprintf(`"createdAt":%q`, stamp(t)) }
		s.post(usages, report("acme", "feature-api-calls", 7, at(begin.AddDate(0, 1, 1)))).want(201).has("data.0.currentUsage", 17)
		s.post(usages, report("acme", "feature-api-calls", 500, at(begin.AddDate(0, 0, 1)))).want(201).has("data.0.currentUsage", 17)
		// A SET that a newer SET has replaced is history only.
		s.post(usages, report("acme", "feature-seats", 4, `"updateBehavior":"SET"`)).want(201)
		s.post(usages, report("acme", "feature-seats", 2, `"updateBehavior":"SET",`+at(begin))).want(201).has("data.0.currentUsage", 4)
		s.post(usages, report("acme", "feature-seats", 1, at(begin.Add(time.Hour)))).want(201).has("data.0.currentUsage", 5)
		s.post(usages, report("acme", "feature-seats", 1, at(begin.AddDate(0, 1, 10).Add(5*time.Minute+time.Second)))).
			refused(400, "InvalidArgumentError", "usages[0].createdAt")
		s.check("acme", "feature-seats").has("data.currentUsage", 5)
		s.sound()
	})
}

func TestUsageRefusals(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.basic("acme")
		s.post(customers, `{"id":"idle"}`).want(201)
		for _, tc := range []struct {
			body, code, path string
			status           int
		}{
			{report("nobody", "feature-seats", 1, ""), "CustomerNotFound", "usages[0].customerId", 404},
			{report("acme", "feature-x", 1, ""), "FeatureNotFound", "usages[0].featureId", 404},
			{report("acme", "feature-basic-reports", 1, ""), "MeteringNotAvailableForFeatureType", "usages[0].featureId", 400},
			{report("idle", "feature-seats", 1, ""), "NoActiveSubscriptionForCustomer", "usages[0].customerId", 404},
			{report("acme", "feature-seats", 1, `"resourceId":"r"`), "CustomerResourceNotFound", "usages[0].resourceId", 404},
			{report("acme", "feature-api-calls", -1, ""), "InvalidUsageValueForIncrementalFeatureError", "usages[0].value", 400},
			{report("acme", "feature-seats", -1, `"updateBehavior":"SET"`), "UsageMeasurementDiffOutOfRangeError", "usages[0].value", 400},
			{report("acme", "feature-seats", 1.5, ""), "BadUserInput", "usages[0].value", 400},
			{report("acme", "feature-seats", "1e30", ""), "BadUserInput", "usages[0].value", 400},
			{report("acme", "feature-seats", `"1"`, ""), "BadUserInput", "usages[0].value", 400},
			{report("acme", "feature-seats", 1, `"dimensions":{"a":[1]}`), "BadUserInput", "usages[0].dimensions.a", 400},
			{`{"usages":[]}`, "BadUserInput", "usages", 400},
		} {
			s.post(usages, tc.body).refused(tc.status, tc.code, tc.path)
		}
		s.post(usages, report("acme", "feature-seats", "NaN", "")).want(400)
		s.check("acme", "feature-seats").has("data.currentUsage", 0)
	})
}

// A hard limit of 5 admits exactly 5, however many ask at once, on one node or on two.
func TestConsumeAdmitsExactlyTheLimit(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.basic("acme")
		nodes := []caller{s.caller}
		if s.db.DSN != "" {
			nodes = append(nodes, s.node().caller)
		}
		var granted, denied atomic.Int64
		var all sync.WaitGroup
		for i := range 50 {
			all.Go(func() {
				a := nodes[i%len(nodes)].post(usages+"/consume", `{"customerId":"acme","featureId":"feature-seats","amount":1}`).want(200)
				if v, _ := a.at("data.isGranted"); v == true {
					granted.Add(1)
				} else if a.text("data.accessDeniedReason") == "RequestedUsageExceedingLimit" {
					denied.Add(1)
				}
			})
		}
		all.Wait()
		if granted.Load() != 5 || denied.Load() != 45 {
			t.Errorf("%d were granted and %d denied, want 5 and 45", granted.Load(), denied.Load())
		}
		s.check("acme", "feature-seats").has("data.currentUsage", 5)
		s.sound()
	})
}

func TestConsume(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.basic("acme")
		one := func(amount any, more string) string {
			return fmt.Sprintf(`{"customerId":"acme","featureId":"feature-seats","amount":%v%s}`, amount, more)
		}
		s.post(usages+"/consume", one(4, `,"idempotencyKey":"k"`)).want(200).has("data.isGranted", true, "data.currentUsage", 4, "data.usageLimit", 5)
		s.post(usages+"/consume", one(4, `,"idempotencyKey":"k"`)).want(200).has("data.isGranted", true, "data.currentUsage", 4)
		s.post(usages+"/consume", one(2, `,"idempotencyKey":"l"`)).want(200).has("data.isGranted", false, "data.currentUsage", 4,
			"data.accessDeniedReason", "RequestedUsageExceedingLimit", "data.requestedUsage", 2)
		s.post(usages, report("acme", "feature-seats", -1, "")).want(201)
		s.post(usages+"/consume", one(2, `,"idempotencyKey":"l"`)).want(200).has("data.isGranted", true, "data.currentUsage", 5)
		s.post(usages+"/consume", one(0, "")).refused(400, "BadUserInput", "amount")
		s.post(usages+"/consume", one(0.5, "")).refused(400, "BadUserInput", "amount")
		s.post(usages+"/consume", `{"customerId":"acme","featureId":"feature-basic-reports","amount":1}`).
			refused(400, "MeteringNotAvailableForFeatureType", "featureId")
		s.post(usages+"/consume", `{"customerId":"acme","featureId":"nothing","amount":1}`).want(200).
			has("data.isGranted", false, "data.accessDeniedReason", "FeatureNotFound")
		s.post(usages+"/consume", `{"customerId":"nobody","featureId":"feature-seats","amount":1}`).want(200).
			has("data.isGranted", false, "data.accessDeniedReason", "CustomerNotFound")
		s.sound()
	})
}

// Vector 11 for a change at usage 70, by the product's rule.
func TestPlanChangeResetsUsage(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		for rule, want := range map[string]int{"ALWAYS_RESET": 0, "NEVER_RESET": 70} {
			id := "acme-" + rule[:3]
			s.patch("/api/v1/products/product-demo", fmt.Sprintf(`{"usageResetCutoffRule":{"behavior":%q}}`, rule)).want(200)
			s.post(customers, provision(id, "plan-free")).want(201)
			s.post(usages, report(id, "feature-api-calls", 70, "")).want(201)
			s.check(id, "feature-api-calls").has("data.currentUsage", 70)
			s.post("/api/v1/subscriptions", fmt.Sprintf(`{"customerId":%q,"planId":"plan-basic"}`, id)).want(201)
			s.check(id, "feature-api-calls").has("data.currentUsage", want, "data.usageLimit", 1000)
		}
		s.sound()
	})
}
