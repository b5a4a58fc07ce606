package apitest

import (
	"fmt"
	"sync"
	"testing"
)

// The id is checked together with the rest of the body.
func TestMissingIDIsNamedWithTheRest(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.post(customers, `{}`).refused(400, "BadUserInput", "id")
		s.post(customers, `{"email":"bad"}`).refused(400, "BadUserInput", "email", "id")
		s.post(customers, `{"id":"a","customerId":"b"}`).refused(400, "EntityIdDifferentFromRefIdError", "customerId")
		s.post(customers, `{"id":"a","customerId":"b","email":"bad"}`).refused(400, "BadUserInput", "customerId", "email")
	})
}

// A dry run refuses what the call itself would refuse.
func TestDryRunSeesATakenSubscriptionID(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.post(customers, provision("a", "plan-basic", `"id":"s1"`)).want(201)
		body := provision("b", "plan-basic", `"id":"s1"`)
		s.post(customers+"?dryRun=true", body).refused(409, "DuplicatedEntityNotAllowed", "subscriptionParams.id")
		s.post(customers, body).refused(409, "DuplicatedEntityNotAllowed", "subscriptionParams.id")
		s.get(customers+"/b").refused(404, "CustomerNotFound")
	})
}

func TestEmptyTextsAreNone(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.post(customers, `{"id":"a","name":"","billingId":"","timezone":"","language":""}`).want(201).
			has("data.name", nil, "data.billingId", nil, "data.timezone", nil, "data.language", nil)
		s.patch(customers+"/a", `{"billingId":"b","language":"de"}`).want(200).has("data.billingId", "b")
		s.patch(customers+"/a", `{"billingId":"","language":""}`).want(200).has("data.billingId", nil, "data.language", nil)
	})
}

// A product becomes one with a subscription per resource while customers are provisioned: whoever comes first, no
// subscription of the other sort is left.
func TestProductChangesWhileCustomersCome(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		for round := range 8 {
			product, plan := fmt.Sprintf("product-%d", round), fmt.Sprintf("plan-%d", round)
			s.post("/api/v1/products", fmt.Sprintf(`{"id":%q,"displayName":"P"}`, product)).want(201)
			s.post("/api/v1/plans", fmt.Sprintf(`{"id":%q,"productId":%q,"displayName":"P","pricingType":"FREE"}`, plan, product)).want(201)
			s.publish(plan)
			var wg sync.WaitGroup
			wg.Go(func() { s.send("PATCH", "/api/v1/products/"+product, `{"multipleSubscriptions":true}`) })
			for i := range 3 {
				wg.Go(func() {
					a := s.send("POST", customers, provision(fmt.Sprintf("c-%d-%d", round, i), plan))
					if a.status != 201 && a.status != 400 {
						t.Errorf("%s: %d %s", a.call, a.status, a.raw)
					}
				})
			}
			wg.Wait()
		}
		s.get("/api/v1/verify").want(200).has("data.ok", true)
	})
}
