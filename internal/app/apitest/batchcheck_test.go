package apitest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

const batchCheck = "/api/v1/entitlements/check"

// batch is the body of a batch of checks.
func batch(checks ...string) string { return `{"checks":[` + strings.Join(checks, ",") + `]}` }

// sites sells plan-site, three seats per resource.
func (c caller) sites() {
	c.t.Helper()
	c.post("/api/v1/products", `{"id":"product-site","displayName":"Sites","multipleSubscriptions":true}`).want(201)
	c.post("/api/v1/plans", `{"id":"plan-site","displayName":"Site","productId":"product-site","pricingType":"FREE"}`).want(201)
	c.post("/api/v1/plans/plan-site/entitlements", `{"entitlements":[{"type":"FEATURE","id":"feature-seats","usageLimit":3}]}`).want(201)
	c.publish("plan-site")
}

// A batch answers as so many single checks do, in their order, cached or not.
func TestBatchCheckAnswersAsSingleChecks(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.post(customers, provision("acme", "plan-basic")).want(201)
		s.sites()
		s.post(customers, provision("bolt", "plan-site", `"resourceId":"site"`)).want(201)
		s.post(customers, `{"id":"bare"}`).want(201)
		rows := []struct{ customer, feature, resource, usage string }{
			{"acme", "feature-seats", "", "5"},
			{"acme", "feature-seats", "", "6"},
			{"bolt", "feature-seats", "site", "1"},
			{"bolt", "feature-seats", "", "1"},
			{"nobody", "feature-seats", "", "0"},
			{"bare", "nothing", "", "0"},
			{"acme", "feature-seats", "elsewhere", "0"},
			{"acme", "feature-basic-reports", "", "0"},
			{"acme", "feature-seats", "", "5"},
		}
		var checks []string
		for _, r := range rows {
			checks = append(checks, fmt.Sprintf(`{"customerId":%q,"featureId":%q,"resourceId":%q,"requestedUsage":%s}`, r.customer, r.feature, r.resource, r.usage))
		}
		for range 2 { // the second is from memory
			a := s.post(batchCheck, batch(checks...)).want(200)
			list, _ := a.at("data")
			if n := len(list.([]any)); n != len(rows) {
				t.Fatalf("%d answers, want %d", n, len(rows))
			}
			for i, r := range rows {
				q := "&requestedUsage=" + r.usage
				if r.resource != "" {
					q += "&resourceId=" + r.resource
				}
				one, _ := s.check(r.customer, r.feature, q).at("data")
				want := one.(map[string]any)
				want["customerId"], want["featureId"] = r.customer, r.feature
				a.has(fmt.Sprintf("data.%d", i), want)
			}
		}
	})
}

func TestBatchCheckRefusals(t *testing.T) {
	const good = `{"customerId":"acme","featureId":"feature-seats"}`
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.post(customers, provision("acme", "plan-basic")).want(201)
		s.post(batchCheck, `{}`).refused(400, "BadUserInput", "checks")
		s.post(batchCheck, batch()).refused(400, "BadUserInput", "checks")
		s.post(batchCheck, batch(good)+" ").want(200)
		s.post(batchCheck, batch(good, `{"customerId":"acme"}`, `{"customerId":"","featureId":"x","requestedUsage":-1}`, `5`)).
			refused(400, "BadUserInput", "checks[1].featureId", "checks[2].customerId", "checks[2].requestedUsage", "checks[3]")
		s.post(batchCheck, batch(good, `{"customerId":"acme","featureId":"feature-seats","requestedUsage":0.0000001}`)).
			refused(400, "BadUserInput", "checks[1].requestedUsage")
		s.post(batchCheck, batch(`{"customerId":"acme","featurId":"x","featureId":"feature-seats"}`)).refused(400, "BadUserInput", "checks[0].featurId")
		s.post(batchCheck, `{"checks":[`+good+`],"more":1}`).refused(400, "BadUserInput", "more")
		// How fine usage may be shows when the feature is known.
		s.post(batchCheck, batch(good, `{"customerId":"nobody","featureId":"feature-seats","requestedUsage":1.5}`)).
			refused(400, "BadUserInput", "checks[1].requestedUsage")
		s.post(batchCheck, batch(`{"customerId":"acme","featureId":"nothing","requestedUsage":1.5}`)).want(200)
		s.client.post(batchCheck, batch(good)).refused(403, "IdentityForbidden")
		s.browser.post(batchCheck, batch(good)).refused(403, "IdentityForbidden")
		s.production.post(batchCheck, batch(good)).want(200).has("data.0.accessDeniedReason", "CustomerNotFound")
		s.post(batchCheck, `{"checks":[`+good+`]}`+strings.Repeat(" ", 8<<20)).refused(413, "PayloadTooLarge")
	})
}

func TestBatchCheckHoldsTenThousand(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		const n = 10_000
		checks := make([]string, n+1)
		for i := range checks {
			checks[i] = fmt.Sprintf(`{"customerId":"c-%d","featureId":"feature-seats","requestedUsage":1}`, i%100)
		}
		for i := range 100 {
			s.post(customers, provision(fmt.Sprintf("c-%d", i), "plan-basic")).want(201)
		}
		s.post(batchCheck, batch(checks...)).refused(400, "BadUserInput", "checks")
		var got struct {
			Data []struct {
				CustomerID string
				IsGranted  bool
			}
		}
		if err := json.Unmarshal(s.send("POST", batchCheck, batch(checks[:n]...)).want(200).raw, &got); err != nil || len(got.Data) != n {
			t.Fatalf("%d answers, %v", len(got.Data), err)
		}
		for i, d := range got.Data {
			if want := fmt.Sprintf("c-%d", i%100); d.CustomerID != want || !d.IsGranted {
				t.Fatalf("answer %d: %+v, want a grant to %s", i, d, want)
			}
		}
	})
}

// Usage can be asked for as finely as it is counted.
func TestCheckOfFractions(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.post("/api/v1/features", `{"id":"feature-hours","displayName":"Hours","featureType":"NUMBER","meterType":"INCREMENTAL","scale":2}`).want(201)
		s.post("/api/v1/plans", `{"id":"plan-hours","displayName":"Hours","productId":"product-demo","pricingType":"FREE"}`).want(201)
		s.post("/api/v1/plans/plan-hours/entitlements", `{"entitlements":[{"type":"FEATURE","id":"feature-hours","usageLimit":2}]}`).want(201)
		s.publish("plan-hours")
		s.post(customers, provision("acme", "plan-hours")).want(201)
		s.check("acme", "feature-hours", "&requestedUsage=1.75").has("data.isGranted", true, "data.requestedUsage", 1.75)
		s.check("acme", "feature-hours", "&requestedUsage=2.01").has("data.isGranted", false, "data.requestedUsage", 2.01)
		s.get(customers+"/acme/entitlements/check?featureId=feature-hours&requestedUsage=0.001").refused(400, "BadUserInput", "requestedUsage")
		s.post(batchCheck, batch(`{"customerId":"acme","featureId":"feature-hours","requestedUsage":2.00}`, `{"customerId":"acme","featureId":"feature-hours","requestedUsage":2.5}`)).
			want(200).has("data.0.isGranted", true, "data.0.requestedUsage", 2, "data.1.isGranted", false, "data.1.requestedUsage", 2.5)
		s.post(batchCheck, batch(`{"customerId":"acme","featureId":"feature-hours","requestedUsage":0.125}`)).refused(400, "BadUserInput", "checks[0].requestedUsage")
	})
}
