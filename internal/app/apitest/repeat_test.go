package apitest

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

const idempotencyKey = "Idempotency-Key"

func TestIdempotencyKey(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		body := `{"id":"acme","name":"Acme","subscriptionParams":{"planId":"plan-basic"}}`
		first := s.post(customers, body, idempotencyKey, "k1").want(201)
		s.patch(customers+"/acme", `{"name":"Renamed"}`).want(200)
		since := s.here()
		again := s.post(customers, body, idempotencyKey, "k1").want(201)
		if string(again.raw) != string(first.raw) {
			t.Errorf("the replay differs:\n%s\n%s", first.raw, again.raw)
		}
		// The decoded request counts: order of keys and ignored fields do not.
		s.post(customers, `{"subscriptionParams":{"planId":"plan-basic"},"name":"Acme","nmae":"x","id":"acme"}`, idempotencyKey, "k1").want(201)
		s.post(customers, `{"id":"acme","name":"Acne","subscriptionParams":{"planId":"plan-basic"}}`, idempotencyKey, "k1").
			refused(409, "IdempotencyKeyReused")
		s.post(customers, `{"id":"bolt"}`, idempotencyKey, "k1").refused(409, "IdempotencyKeyReused")
		s.get(customers+"/bolt").refused(404, "CustomerNotFound")
		s.happened(since)

		// Keys are scoped by route and by environment.
		s.production.post(customers, `{"id":"bolt"}`, idempotencyKey, "k1").want(201)
		s.post(customers+"/acme/unarchive", "", idempotencyKey, "k1").want(200)
		for _, bad := range []string{strings.Repeat("k", 256), "clé"} {
			s.post(customers, `{"id":"bolt"}`, idempotencyKey, bad).refused(400, "BadUserInput", idempotencyKey)
		}
	})
}

func TestIdempotencyKeyRepeatsRefusals(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		first := s.post(customers, provision("acme", "plan-late"), idempotencyKey, "k1").refused(404, "PlanNotFound")
		s.post(customers, provision("other", "plan-basic", `"id":"sub-1"`)).want(201)
		conflict := s.post(customers, provision("bolt", "plan-basic", `"id":"sub-1"`), idempotencyKey, "k2").refused(409, "DuplicatedEntityNotAllowed")
		s.post("/api/v1/plans", `{"id":"plan-late","displayName":"Late","productId":"product-demo","pricingType":"FREE"}`).want(201)
		s.publish("plan-late")
		again := s.post(customers, provision("acme", "plan-late"), idempotencyKey, "k1").refused(404, "PlanNotFound")
		if string(first.raw) != string(again.raw) {
			t.Errorf("the replay differs:\n%s\n%s", first.raw, again.raw)
		}
		again = s.post(customers, provision("bolt", "plan-basic", `"id":"sub-1"`), idempotencyKey, "k2").refused(409, "DuplicatedEntityNotAllowed")
		if string(conflict.raw) != string(again.raw) {
			t.Errorf("the replay differs:\n%s\n%s", conflict.raw, again.raw)
		}
		s.get(customers+"/acme").refused(404, "CustomerNotFound")
		s.post(customers, provision("acme", "plan-late"), idempotencyKey, "k3").want(201)
	})
}

// Stored answers live for 24 hours of machine time and die with their customer.
func TestIdempotencyKeyEnds(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		body := `{"id":"acme","name":"Erika Mustermann"}`
		s.post(customers, body, idempotencyKey, "k1").want(201)
		s.moveTo(begin.AddDate(1, 0, 0)) // business time does not count
		s.post(customers, body, idempotencyKey, "k1").want(201)
		s.clock.Add(24*time.Hour + time.Second)
		s.post(customers, body, idempotencyKey, "k1").want(200)

		s.post(customers, `{"id":"bolt","name":"Erika Mustermann"}`, idempotencyKey, "k2").want(201)
		s.post(customers+"/bolt/archive", "").want(200)
		a := s.post(customers, `{"id":"bolt","name":"Erika Mustermann"}`, idempotencyKey, "k2").refused(409, "DuplicatedEntityNotAllowed")
		if strings.Contains(string(a.raw), "Erika") {
			t.Errorf("an erased name came back: %s", a.raw)
		}
		s.post(customers+"/bolt/unarchive", "").want(200)
		s.post(customers, `{"id":"bolt","name":"Erika Mustermann"}`).refused(409, "DuplicatedEntityNotAllowed", "id")
	})
}

// Without a key the customer's fingerprint tells an equal request from another.
func TestFingerprint(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.post(customers, `{"id":"acme","name":"Acme","metadata":{"a":"1","b":"2"},"integrations":[
			{"id":"i1","vendorIdentifier":"STRIPE"},{"id":"i2","vendorIdentifier":"HUBSPOT"}],"subscriptionParams":{"planId":"plan-basic"}}`).want(201)
		for name, body := range map[string]string{
			"order of keys": `{"subscriptionParams":{"planId":"plan-basic"},"integrations":[{"vendorIdentifier":"STRIPE","id":"i1"},
				{"id":"i2","vendorIdentifier":"HUBSPOT"}],"metadata":{"b":"2","a":"1"},"name":"Acme","id":"acme"}`,
			"defaults and ignored fields": `{"id":"acme","customerId":"acme","name":"Acme","email":null,"nmae":"x","excludeFromExperiment":false,"metadata":{"a":"1","b":"2"},
				"integrations":[{"id":"i1","vendorIdentifier":"STRIPE","syncedEntityId":null},{"id":"i2","vendorIdentifier":"HUBSPOT"}],
				"subscriptionParams":{"planId":"plan-basic","resourceId":null,"metadata":{}}}`,
		} {
			t.Run(name, func(t *testing.T) { s.in(t).post(customers, body).want(200) })
		}
		for name, tc := range map[string]struct {
			body  string
			paths []string
		}{
			"order of a list": {`{"id":"acme","name":"Acme","metadata":{"a":"1","b":"2"},"integrations":[
				{"id":"i2","vendorIdentifier":"HUBSPOT"},{"id":"i1","vendorIdentifier":"STRIPE"}],"subscriptionParams":{"planId":"plan-basic"}}`, []string{"integrations"}},
			"everything else": {
				`{"id":"acme","name":"Bolt","email":"a@b.example","billingId":"b"}`,
				[]string{"name", "email", "billingId", "metadata", "integrations", "subscriptionParams.planId"},
			},
		} {
			t.Run(name, func(t *testing.T) {
				a := s.in(t).post(customers, tc.body)
				if got := a.head.Get("X-Should-Retry"); got != "false" {
					t.Errorf("x-should-retry: %q", got)
				}
				a.refused(409, "DuplicatedEntityNotAllowed", tc.paths...)
			})
		}
	})
}

// A repeat shows the first subscription as it is now, and the first strategy (contract §2.4).
func TestRepeatShowsThePresent(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.journey(startTrial + "," + endFree)
		first := s.post(customers, provision("acme", "plan-basic")).want(201)
		s.journey(startFree)
		s.patch(customers+"/acme", `{"name":"Renamed"}`).want(200)
		s.clock.Add(20 * day)
		s.post(customers, provision("acme", "plan-basic")).want(200).
			has("data.name", "Renamed", "data.subscriptionDecisionStrategy", "PREDEFINED_TRIAL_PLAN",
				"data.subscription.id", first.text("data.subscription.id"), "data.subscription.status", "EXPIRED",
				"data.trialedPlans.0.planId", "plan-pro")
	})
}

func TestCustomerIDIsAnAlias(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.post(customers, `{"customerId":"acme","name":"Acme"}`).want(201).has("data.id", "acme")
		s.post(customers, `{"id":"acme","name":"Acme"}`).want(200)
		s.post(customers, `{"id":"acme","customerId":"acme","name":"Acme"}`).want(200)
		s.post(customers, `{"id":"acme","customerId":"bolt"}`).refused(400, "EntityIdDifferentFromRefIdError")
		s.post(customers, `{"customerId":"a/b"}`).refused(400, "BadUserInput")
	})
}

// Other writes can be repeated too.
func TestRepeatedCatalogWrites(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		for i, r := range []struct{ path, body string }{
			{"/api/v1/features", `{"id":"f","displayName":"F","featureType":"BOOLEAN"}`},
			{"/api/v1/products", `{"id":"p","displayName":"P"}`},
			{"/api/v1/plans", `{"id":"pl","displayName":"Pl","productId":"p","pricingType":"FREE"}`},
		} {
			key := fmt.Sprintf("k%d", i)
			first := s.post(r.path, r.body, idempotencyKey, key).want(201)
			again := s.post(r.path, r.body, idempotencyKey, key).want(201)
			if string(first.raw) != string(again.raw) {
				t.Errorf("the replay differs:\n%s\n%s", first.raw, again.raw)
			}
			s.post(r.path, r.body).refused(409, "DuplicatedEntityNotAllowed")
		}
		s.post("/api/v1/plans/pl/publish", `{}`, idempotencyKey, "p").want(200)
		s.post("/api/v1/plans/pl/publish", `{}`, idempotencyKey, "p").want(200)
		s.post("/api/v1/plans/pl/publish", `{}`).refused(409, "PackageAlreadyPublished")
	})
}
