package apitest

import (
	"fmt"
	"strings"
	"testing"
)

// The body of 401 and 403 to the letter (design decision 12).
func TestKeyIsNeeded(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		for name, key := range map[string]string{
			"none": "", "unknown": "server-apitest-development-000000000009", "garbage": "x", "half": devServer[:20],
			"kind swapped": "client-" + strings.TrimPrefix(devServer, "server-"), "long": "server-" + strings.Repeat("x", 5000),
		} {
			for _, path := range []string{customers, "/api/v1/plans", "/api/v1/feed", customers + "/acme/entitlements/check?featureId=f"} {
				a := s.with(key).get(path).refused(401, "Unauthenticated", []string{}...)
				exactly(a, "Unauthenticated")
				if name == "none" && path == customers {
					a.golden("unauthenticated")
				}
			}
		}
		s.with("").post(customers, `{"id":`).refused(401, "Unauthenticated") // before the body is looked at
		s.with("").get("/livez").want(200)
		s.with("").get("/api/v1/openapi.json").want(200)
	})
}

// exactly checks the shape of an error body without details.
func exactly(a *answer, code string) {
	a.t.Helper()
	message, id := a.text("message"), a.head.Get("X-Request-Id")
	want := fmt.Sprintf(`{"error":{"code":%q,"message":%q},"code":%q,"message":%q,"details":[],"requestId":%q}`, code, message, code, message, id)
	if got := strings.TrimSpace(string(a.raw)); got != want {
		a.t.Errorf("%s: body\n%s, want\n%s", a.call, got, want)
	}
}

// What a publishable key may do (contract §2.6).
func TestClientKey(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.production.demo()
		s.post(customers, provision("acme", "plan-basic", `"id":"sub-1"`)).want(201)
		s.production.post(customers, provision("acme", "plan-basic", `"id":"sub-1"`)).want(201)
		check := customers + "/acme/entitlements/check?featureId=feature-seats"
		for _, r := range []struct {
			method, path, body string
			dev, prod          int
		}{
			{"GET", "/api/v1/products", "", 200, 200},
			{"GET", "/api/v1/plans", "", 200, 200},
			{"GET", "/api/v1/plans/plan-basic", "", 200, 200},
			{"GET", "/api/v1/plans/plan-pro/charges", "", 200, 200},
			{"GET", "/api/v1/plans/plan-basic/entitlements", "", 200, 200},
			{"GET", check, "", 200, 403},
			{"GET", customers + "/acme/entitlements", "", 200, 403},
			{"GET", "/api/v1/features", "", 403, 403},
			{"GET", "/api/v1/features/feature-seats", "", 403, 403},
			{"GET", customers, "", 403, 403},
			{"GET", customers + "/acme", "", 403, 403},
			{"POST", customers, `{"id":"bolt"}`, 403, 403},
			{"POST", customers, `{"id":`, 403, 403},
			{"POST", customers + "?dryRun=true", `{"id":"bolt"}`, 403, 403},
			{"POST", customers + "/import", `{"customers":[{"id":"bolt","name":null,"email":null}]}`, 403, 403},
			{"PATCH", customers + "/acme", `{"name":"Mine"}`, 403, 403},
			{"POST", customers + "/acme/archive", "", 403, 403},
			{"POST", customers + "/acme/unarchive", "", 403, 403},
			{"GET", customers + "/acme/resources", "", 403, 403},
			{"GET", "/api/v1/subscriptions", "", 403, 403},
			{"GET", "/api/v1/subscriptions/sub-1", "", 403, 403},
			{"GET", "/api/v1/feed", "", 403, 403},
			{"GET", "/api/v1/test-clock", "", 403, 403},
			{"PUT", "/api/v1/test-clock", `{"now":"2027-01-01T00:00:00Z"}`, 403, 403},
			{"DELETE", "/api/v1/test-clock", "", 403, 403},
			{"GET", "/api/v1/tasks", "", 403, 403},
			{"GET", "/api/v1/tasks/1", "", 403, 403},
			{"POST", "/api/v1/tasks/1/stop", "", 403, 403},
			{"GET", "/api/v1/plans/plan-pro/publish-preview", "", 403, 403},
			{"GET", "/api/v1/addons/addon-1/publish-preview", "", 403, 403},
			{"POST", "/api/v1/tasks/1/resume", "", 403, 403},
			{"GET", "/api/v1/verify", "", 403, 403},
			{"GET", "/api/v1/account", "", 403, 403},
			{"PATCH", "/api/v1/account", `{"timezone":"Europe/Berlin"}`, 403, 403},
			{"POST", "/api/v1/products", `{"id":"p","displayName":"P"}`, 403, 403},
			{"PATCH", "/api/v1/products/product-demo", `{}`, 403, 403},
			{"POST", "/api/v1/products/product-demo/archive", "", 403, 403},
			{"POST", "/api/v1/features", `{"id":"f","displayName":"F","featureType":"BOOLEAN"}`, 403, 403},
			{"PATCH", "/api/v1/features/feature-seats", `{}`, 403, 403},
			{"POST", "/api/v1/plans", `{"id":"p","displayName":"P","productId":"product-demo"}`, 403, 403},
			{"POST", "/api/v1/plans/plan-pro/draft", "", 403, 403},
			{"POST", "/api/v1/plans/plan-pro/publish", `{}`, 403, 403},
		} {
			for caller, want := range map[*caller]int{&s.client: r.dev, &s.browser: r.prod} {
				if a := caller.do(r.method, r.path, r.body).want(want); want == 403 {
					a.refused(403, "IdentityForbidden")
					exactly(a, "IdentityForbidden")
				}
			}
		}
		s.client.post(customers, `{"id":"bolt"}`).golden("forbidden")
	})
}

// A publishable key sees what is published and visible, nothing else.
func TestClientKeySeesThePublishedCatalog(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.post("/api/v1/plans", `{"id":"plan-draft","displayName":"Draft","productId":"product-demo","pricingType":"FREE"}`).want(201)
		s.patch("/api/v1/plans/plan-pro", `{"hiddenFromWidgets":["PAYWALL"]}`).want(200)
		s.post("/api/v1/plans/plan-basic/draft", "").want(200)
		s.patch("/api/v1/plans/plan-basic", `{"displayName":"Secret draft"}`).want(200)
		s.post("/api/v1/products", `{"id":"product-old","displayName":"Old"}`).want(201)
		s.post("/api/v1/products/product-old/archive", "").want(200)

		a := s.client.get("/api/v1/plans?limit=100").want(200)
		if got := strings.Join(a.column("id"), " "); got != "plan-basic plan-free" {
			t.Errorf("a client key sees the plans %s", got)
		}
		s.client.get("/api/v1/plans/plan-draft").refused(404, "PlanNotFound")
		s.client.get("/api/v1/plans/plan-pro").refused(404, "PlanNotFound")
		for _, path := range []string{
			"/api/v1/plans?limit=100", "/api/v1/plans?status=DRAFT", "/api/v1/plans/plan-basic", "/api/v1/plans/plan-basic?version=draft",
			"/api/v1/products?limit=100", "/api/v1/products?status=ARCHIVED",
		} {
			a := s.client.get(path)
			if body := string(a.raw); a.status == 200 && (strings.Contains(body, "draft") || strings.Contains(body, "DRAFT") || strings.Contains(body, "product-old")) {
				t.Errorf("a client key sees too much: %s %d %s", path, a.status, body)
			}
		}
	})
}

// Nothing of one environment is seen with the keys of another, on any GET route of the document.
func TestEnvironmentsAreApart(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.post("/api/v1/features", `{"id":"devonly-feature","displayName":"devonly","featureType":"BOOLEAN"}`).want(201)
		s.post("/api/v1/products", `{"id":"devonly-product","displayName":"devonly"}`).want(201)
		s.post("/api/v1/plans", `{"id":"devonly-plan","displayName":"devonly","productId":"devonly-product","pricingType":"FREE"}`).want(201)
		s.post("/api/v1/plans/devonly-plan/entitlements", `{"entitlements":[{"type":"FEATURE","id":"devonly-feature"}]}`)
		s.publish("devonly-plan")
		s.post(customers, `{"id":"devonly-customer","name":"devonly","subscriptionParams":{"planId":"devonly-plan","id":"devonly-subscription"}}`).want(201)
		s.moveTo(begin.Add(day))
		ids := map[string]string{
			"customers": "devonly-customer", "features": "devonly-feature", "plans": "devonly-plan",
			"subscriptions": "devonly-subscription", "products": "devonly-product", "tasks": "018f0000-0000-7000-8000-000000000000",
		}
		seen := 0
		for path, item := range s.schemas.Paths {
			if item["get"] == nil || path == "/api/v1/openapi.json" || path == "/api/v1/stream" { // the last does not end
				continue
			}
			for noun, id := range ids {
				if strings.HasPrefix(path, "/api/v1/"+noun+"/") {
					path = strings.NewReplacer("{id}", id, "{planId}", id).Replace(path)
				}
			}
			if strings.HasSuffix(path, "/check") {
				path += "?featureId=devonly-feature"
			}
			mine, theirs := s.get(path), s.production.get(path)
			if strings.Contains(string(mine.raw), "devonly") && mine.status == 200 {
				seen++
			}
			unknown := strings.HasSuffix(path, "/snapshot") && strings.Contains(string(theirs.raw), "CustomerNotFound") // it repeats the question
			if body := string(theirs.raw); strings.Contains(body, "devonly") && !unknown {
				t.Errorf("production sees development: GET %s: %d %s", path, theirs.status, body)
			}
		}
		if seen < 10 {
			t.Errorf("development itself was seen on %d routes only", seen)
		}
		// Development's test clock does not move production's time.
		s.production.post(customers, `{"id":"unmoved"}`).want(201).has("data.createdAt", stamp(begin))
	})
}

// An id may be used once per environment.
func TestSameIDsInTwoEnvironments(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.production.demo()
		s.post(customers, provision("acme", "plan-basic", `"id":"sub-1"`)).want(201)
		s.production.post(customers, provision("acme", "plan-free", `"id":"sub-1"`)).want(201)
		s.get("/api/v1/subscriptions/sub-1").want(200).has("data.planId", "plan-basic")
		s.production.get("/api/v1/subscriptions/sub-1").want(200).has("data.planId", "plan-free")
		s.check("acme", "feature-seats").has("data.usageLimit", 5)
		s.production.check("acme", "feature-seats").has("data.usageLimit", 1)
		s.post(customers+"/acme/archive", "").want(200)
		s.production.get(customers + "/acme").want(200)
		s.production.check("acme", "feature-seats").has("data.isGranted", true)
	})
}
