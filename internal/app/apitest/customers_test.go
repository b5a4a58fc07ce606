package apitest

import (
	"fmt"
	"net/url"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCustomersArePaged(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		want := []string{}
		for i := range 45 {
			id := fmt.Sprintf("acme-%02d", (i*7)%45) // the order is that of making, not of ids
			want = append(want, id)
			s.post(customers, fmt.Sprintf(`{"id":%q}`, id)).want(201)
		}
		for _, tc := range []struct {
			query string
			sizes []int
		}{{"", []int{20, 20, 5}}, {"limit=15", []int{15, 15, 15}}, {"limit=100", []int{45}}, {"limit=44", []int{44, 1}}} {
			var forward []string
			var starts []string // cursors before each page but the first
			a := s.get(customers+"?"+tc.query).want(200).has("pagination.prev", nil)
			for page := 0; ; page++ {
				ids := a.column("id")
				if page >= len(tc.sizes) || len(ids) != tc.sizes[page] {
					t.Fatalf("%q: page %d has %d rows, want %v", tc.query, page, len(ids), tc.sizes)
				}
				forward = append(forward, ids...)
				if next, _ := a.at("pagination.next"); next == nil {
					break
				}
				a = s.get(customers + "?" + tc.query + "&after=" + a.text("pagination.next")).want(200)
				starts = append(starts, a.text("pagination.prev"))
			}
			if d := cmp.Diff(want, forward); d != "" {
				t.Errorf("%q forward (-want +got):\n%s", tc.query, d)
			}
			// Back from the last page.
			var back []string
			if len(starts) > 0 {
				a := s.get(customers + "?" + tc.query + "&before=" + starts[len(starts)-1]).want(200)
				for {
					back = append(slices.Clone(a.column("id")), back...)
					if a.text("pagination.next") == "" {
						t.Error("a page before another has no next")
					}
					prev, _ := a.at("pagination.prev")
					if prev == nil {
						break
					}
					a = s.get(customers + "?" + tc.query + "&before=" + a.text("pagination.prev")).want(200)
				}
				if d := cmp.Diff(want[:45-tc.sizes[len(tc.sizes)-1]], back); d != "" {
					t.Errorf("%q back (-want +got):\n%s", tc.query, d)
				}
			}
		}
	})
}

func TestCustomersAreFiltered(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.post(customers, `{"id":"a","name":"Acme","email":"one@acme.example"}`).want(201)
		s.post(customers, `{"id":"b","name":"Acme","email":"two@acme.example"}`).want(201)
		s.moveTo(begin.Add(day))
		s.post(customers, `{"id":"c","name":"acme","email":"one@acme.example"}`).want(201)
		s.post(customers, `{"id":"d","name":"Acme"}`).want(201)
		s.post(customers+"/d/archive", "").want(200)
		s.moveTo(begin.Add(2 * day))
		s.post(customers, `{"id":"e","name":"100% Acme_"}`).want(201)
		at := func(d int) string { return url.QueryEscape(stamp(begin.AddDate(0, 0, d))) }
		for query, want := range map[string][]string{
			"":                                      {"a", "b", "c", "e"},
			"name=Acme":                             {"a", "b"},
			"name=acme":                             {"c"},
			"name=Acm":                              {},
			"name=" + url.QueryEscape("100% Acme_"): {"e"},
			"name=%25":                              {},
			"email=one@acme.example":                {"a", "c"},
			"email=one@acme.example&name=Acme":      {"a"},
			"email=ONE@acme.example":                {},
			"createdAt[gte]=" + at(1):               {"c", "e"},
			"createdAt%5Bgt%5D=" + at(1):            {"e"},
			"createdAt[lt]=" + at(1):                {"a", "b"},
			"createdAt[lte]=" + at(1):               {"a", "b", "c"},
			"createdAt[gte]=" + at(1) + "&createdAt[lt]=" + at(2): {"c"},
			"createdAt[gt]=" + at(5):                              {},
		} {
			if d := cmp.Diff(want, s.get(customers+"?"+query).want(200).column("id")); d != "" {
				t.Errorf("%s (-want +got):\n%s", query, d)
			}
		}
		s.get(customers+"?createdAt[gte]=yesterday").refused(400, "BadUserInput", "createdAt[gte]")
		// A page of a filtered list goes on in the filtered list.
		a := s.get(customers+"?limit=1&email=one@acme.example").want(200).has("data.0.id", "a")
		s.get(customers+"?limit=1&email=one@acme.example&after="+a.text("pagination.next")).want(200).
			has("data.0.id", "c", "pagination.next", nil)
	})
}

// PATCH: absent is unchanged, null is cleared, metadata merges (contract §1.4).
func TestCustomerUpdate(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.post(customers, `{"id":"acme","name":"Acme","email":"a@acme.example","billingId":"b-1","language":"en","timezone":"Europe/Berlin",
			"billingCurrency":"eur","metadata":{"keep":"1","change":"1","null":"1","empty":"1"}}`).want(201)
		s.moveTo(begin.Add(day))
		since := s.here()
		a := s.patch(customers+"/acme", `{"name":null,"email":"b@acme.example","metadata":{"change":"2","null":null,"empty":"","new":"3"}}`).want(200).
			has("data.name", nil, "data.email", "b@acme.example", "data.billingId", "b-1", "data.language", "en", "data.timezone", "Europe/Berlin",
				"data.billingCurrency", "eur", "data.metadata", map[string]string{"keep": "1", "change": "2", "new": "3"},
				"data.createdAt", stamp(begin), "data.updatedAt", stamp(begin.Add(day))).
			golden("customer_updated")
		if got := s.get(customers + "/acme").want(200); string(got.raw) != string(a.raw) {
			t.Errorf("GET differs from PATCH:\n%s\n%s", got.raw, a.raw)
		}
		s.patch(customers+"/acme", `{}`).want(200)
		s.patch(customers+"/acme", `{"email":"b@acme.example","metadata":{"absent":null}}`).want(200)
		s.happened(since, "customer.updated customer acme")
		s.patch(customers+"/acme", `{"billingId":null,"language":null,"timezone":null,"billingCurrency":null,"couponId":null,
			"defaultPaymentMethod":null,"integrations":[],"passthrough":null}`).want(200).
			has("data.billingId", nil, "data.language", nil, "data.timezone", nil, "data.billingCurrency", nil, "data.integrations", []any{})
		s.patch(customers+"/acme", `{"couponId":""}`).want(200)
	})
}

func TestBadCustomerUpdate(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.post(customers, `{"id":"acme","name":"Acme"}`).want(201)
		since := s.here()
		s.patch(customers+"/acme", `{"name":5,"email":"nobody","metadata":{"k":5},"billingCurrency":"EURO"}`).
			refused(400, "BadUserInput", "name", "email", "metadata.k", "billingCurrency")
		s.patch(customers+"/acme", `{"timezone":"Moon/Base"}`).refused(400, "BadUserInput", "timezone")
		s.patch(customers+"/acme", `{"couponId":"half"}`).refused(404, "CouponNotFound", "couponId")
		s.patch(customers+"/acme", `{"integrations":[{"id":"i","vendorIdentifier":"NOBODY"}]}`).refused(400, "BadUserInput", "integrations[0].vendorIdentifier")
		s.patch(customers+"/acme", ``).refused(400, "BadUserInput")
		s.patch(customers+"/nobody", `{"name":"x"}`).refused(404, "CustomerNotFound")
		s.post(customers+"/acme/archive", "").want(200)
		s.patch(customers+"/acme", `{"name":"x"}`).refused(404, "CustomerNotFound")
		s.happened(since, "customer.deleted customer acme", "entitlements.updated customer acme")
	})
}

// What a customer carries for others comes back as it was sent.
func TestCustomerDetails(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.post(customers, `{"id":"acme","billingId":"b-1","billingCurrency":"usd","language":"en","timezone":"America/New_York",
			"defaultPaymentMethod":{"type":"CARD","billingId":"pm-1","cardLast4Digits":"4242","cardExpiryMonth":12,"cardExpiryYear":2030},
			"integrations":[{"id":"i1","vendorIdentifier":"STRIPE","syncedEntityId":"cus_1"},{"id":"i2","vendorIdentifier":"HUBSPOT"}],
			"passthrough":{"stripe":{"customerName":"Acme","taxIds":[{"type":"eu_vat","value":"DE1"}]}}}`).want(201).
			has("data.defaultPaymentMethod", map[string]any{"type": "CARD", "billingId": "pm-1", "cardLast4Digits": "4242", "cardExpiryMonth": 12, "cardExpiryYear": 2030},
				"data.integrations.0.syncedEntityId", "cus_1", "data.integrations.1.syncedEntityId", nil,
				"data.passthrough.stripe.taxIds.0.value", "DE1")
		s.get(customers + "/acme").want(200).golden("customer_details")
		s.post(customers+"/acme/archive", "").want(200).has("data.defaultPaymentMethod", nil, "data.passthrough", absent)
	})
}

func TestSubscriptionsAreListed(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.post(customers, provision("a", "plan-free", `"id":"s-free"`)).want(201)
		s.post(customers, provision("b", "plan-pro", `"id":"s-trial"`)).want(201)
		s.moveTo(begin.Add(day))
		s.post(customers, provision("c", "plan-pro", `"id":"s-paid"`, fmt.Sprintf(`"startDate":%q`, stamp(begin)))).want(201)
		s.post(customers, provision("d", "plan-basic", `"id":"s-later"`, fmt.Sprintf(`"startDate":%q`, stamp(begin.Add(9*day))))).want(201)
		for query, want := range map[string][]string{
			"":                               {"s-free", "s-trial", "s-paid", "s-later"},
			"customerId=b":                   {"s-trial"},
			"customerId=nobody":              {},
			"planId=plan-pro":                {"s-trial", "s-paid"},
			"status=ACTIVE":                  {"s-free", "s-paid"},
			"status=ACTIVE%2CIN_TRIAL":       {"s-free", "s-trial", "s-paid"},
			"status=ACTIVE&status=IN_TRIAL":  {"s-free", "s-trial", "s-paid"},
			"pricingType=FREE":               {"s-free", "s-later"},
			"pricingType=PAID&status=ACTIVE": {"s-paid"},
			"createdAt[gte]=" + url.QueryEscape(stamp(begin.Add(day))): {"s-paid", "s-later"},
		} {
			if d := cmp.Diff(want, s.get("/api/v1/subscriptions?"+query).want(200).column("id")); d != "" {
				t.Errorf("%s (-want +got):\n%s", query, d)
			}
		}
		s.get("/api/v1/subscriptions?status=RUNNING").refused(400, "BadUserInput")
		s.get("/api/v1/subscriptions/none").refused(404, "SubscriptionNotFound")
	})
}

// Resources are made by their first subscription (§8.2).
func TestCustomerResources(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.patch(products+"/product-demo", `{"multipleSubscriptions":true}`).want(200)
		s.post(customers, provision("acme", "plan-basic", `"resourceId":"site-1"`)).want(201)
		s.post(customers, `{"id":"bolt"}`).want(201)
		s.get(customers+"/acme/resources").want(200).golden("customer_resources").
			has("data.0.id", "site-1", "data.0.createdAt", stamp(begin), "data.0.updatedAt", stamp(begin), "data.1", absent,
				"pagination.next", nil, "pagination.prev", nil)
		s.get(customers+"/bolt/resources").want(200).has("data", []any{})
		s.get(customers+"/acme/resources?limit=0").refused(400, "BadUserInput", "limit")
		s.get(customers+"/acme/resources?after=018f0000-0000-7000-8000-000000000000").refused(400, "BadUserInput", "after")
		s.get(customers+"/nobody/resources").refused(404, "CustomerNotFound")
		s.production.get(customers+"/acme/resources").refused(404, "CustomerNotFound")
		s.post(customers+"/acme/archive", "").want(200)
		s.get(customers+"/acme/resources").refused(404, "CustomerNotFound")
	})
}
