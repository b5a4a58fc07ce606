package apitest

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/purserhq/purser/internal/guarantee"
)

// TestBadProvision has every way to send a bad provision, and that nothing comes of it.
func TestBadProvision(t *testing.T) {
	long := strings.Repeat("x", 256)
	many := func(n int) string {
		list := make([]string, n)
		for i := range list {
			list[i] = fmt.Sprintf(`"k%d":"v"`, i)
		}
		return strings.Join(list, ",")
	}
	cases := []struct {
		name   string
		body   string
		status int
		code   string
		paths  []string
	}{
		{"no body", ``, 400, "BadUserInput", []string{"body"}},
		{"half a body", `{"id":"acme"`, 400, "BadUserInput", []string{"body"}},
		{"no JSON", `id=acme`, 400, "BadUserInput", []string{"body"}},
		{"something after it", `{"id":"acme"} {}`, 400, "BadUserInput", []string{"body"}},
		{"no UTF-8", "{\"id\":\"acme\",\"name\":\"\xff\"}", 400, "BadUserInput", []string{"body"}},
		{"a list", `[{"id":"acme"}]`, 400, "BadUserInput", []string{"body"}},
		{"null", `null`, 400, "BadUserInput", []string{"body"}},
		{"no id", `{"name":"Acme"}`, 400, "BadUserInput", []string{"id"}},
		{"empty id", `{"id":""}`, 400, "BadUserInput", []string{"id"}},
		{"id is a number", `{"id":5}`, 400, "BadUserInput", []string{"id"}},
		{"id is null", `{"id":null}`, 400, "BadUserInput", []string{"id"}},
		{"id too long", `{"id":"` + long + `"}`, 400, "BadUserInput", []string{"id"}},
		{"id with a slash", `{"id":"a/b"}`, 400, "BadUserInput", []string{"id"}},
		{"id with a space", `{"id":"a b"}`, 400, "BadUserInput", []string{"id"}},
		{"id begins badly", `{"id":"-acme"}`, 400, "BadUserInput", []string{"id"}},
		{"id is not ASCII", `{"id":"acmé"}`, 400, "BadUserInput", []string{"id"}},
		{"two ids", `{"id":"acme","customerId":"bolt"}`, 400, "EntityIdDifferentFromRefIdError", nil},
		{"bad email", `{"id":"acme","email":"nobody"}`, 400, "BadUserInput", []string{"email"}},
		{"email with a name", `{"id":"acme","email":"A <a@acme.example>"}`, 400, "BadUserInput", []string{"email"}},
		{"name too long", `{"id":"acme","name":"` + long + `"}`, 400, "BadUserInput", []string{"name"}},
		{"name is a list", `{"id":"acme","name":[]}`, 400, "BadUserInput", []string{"name"}},
		{"unknown coupon", `{"id":"acme","couponId":"half"}`, 404, "CouponNotFound", []string{"couponId"}},
		{"too many keys", `{"id":"acme","metadata":{` + many(51) + `}}`, 400, "BadUserInput", []string{"metadata"}},
		{"key too long", `{"id":"acme","metadata":{"` + long[:41] + `":"v"}}`, 400, "BadUserInput", []string{"metadata"}},
		{"value too long", `{"id":"acme","metadata":{"k":"` + long + long[:245] + `"}}`, 400, "BadUserInput", []string{"metadata.k"}},
		{"value is no text", `{"id":"acme","metadata":{"k":5}}`, 400, "BadUserInput", []string{"metadata.k"}},
		{"flag is a text", `{"id":"acme","excludeFromExperiment":"yes"}`, 400, "BadUserInput", []string{"excludeFromExperiment"}},
		{"params are a text", `{"id":"acme","subscriptionParams":"plan-basic"}`, 400, "BadUserInput", []string{"subscriptionParams"}},
		{"no plan", `{"id":"acme","subscriptionParams":{}}`, 400, "BadUserInput", []string{"subscriptionParams.planId"}},
		{"unknown plan", provision("acme", "plan-none"), 404, "PlanNotFound", []string{"subscriptionParams.planId"}},
		{"unpublished plan", provision("acme", "plan-draft"), 409, "UnPublishedPackage", []string{"subscriptionParams.planId"}},
		{"no such period", provision("acme", "plan-pro", `"billingPeriod":"ANNUALLY"`), 404, "PriceNotFound", []string{"subscriptionParams.billingPeriod"}},
		{"no period at all", provision("acme", "plan-pro", `"billingPeriod":"WEEKLY"`), 400, "BadUserInput", []string{"subscriptionParams.billingPeriod"}},
		{"start is no date", provision("acme", "plan-pro", `"startDate":"tomorrow"`), 400, "BadUserInput", []string{"subscriptionParams.startDate"}},
		{"bad subscription id", provision("acme", "plan-pro", `"id":"a/b"`), 400, "BadUserInput", []string{"subscriptionParams.id"}},
		{"subscription id in use", provision("acme", "plan-basic", `"id":"taken"`), 409, "DuplicatedEntityNotAllowed", []string{"subscriptionParams.id"}},
		{"misspelt parameter", provision("acme", "plan-basic", `"adons":[]`), 400, "BadUserInput", []string{"subscriptionParams.adons"}},
		{
			"a quantity of nothing", provision("acme", "plan-basic", `"unitQuantity":5`), 400, "InvalidArgumentError",
			[]string{"subscriptionParams.unitQuantity"},
		},
		{
			"everything at once",
			`{"id":"a/b","email":"nobody","name":"` + long + `","metadata":{"k":5},"subscriptionParams":{"planId":"-","resourceId":"a b","adons":[]}}`,
			400, "BadUserInput",
			[]string{"id", "email", "name", "metadata.k", "subscriptionParams.planId", "subscriptionParams.resourceId", "subscriptionParams.adons"},
		},
	}
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.post("/api/v1/plans", `{"id":"plan-draft","displayName":"Draft","productId":"product-demo","pricingType":"FREE"}`).want(201)
		s.post(customers, provision("other", "plan-basic", `"id":"taken"`)).want(201)
		since := s.here()
		for _, tc := range cases {
			t.Run(tc.name, func(t *testing.T) {
				a := s.in(t).post(customers, tc.body, "Content-Type", "application/json").refused(tc.status, tc.code, tc.paths...)
				if tc.name == "everything at once" || tc.name == "unpublished plan" {
					a.golden(strings.ReplaceAll("refused "+tc.name, " ", "_"))
				}
			})
		}
		s.happened(since)
		s.get(customers+"/acme").refused(404, "CustomerNotFound")
		s.get("/api/v1/subscriptions?customerId=acme").want(200).has("data", []any{})
	})
}

func TestBodyIsRefusedUnread(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		big := `{"id":"acme","passthrough":{"stripe":{"metadata":{"k":"` + strings.Repeat("x", 1<<20) + `"}}}}`
		s.post(customers, big).refused(413, "PayloadTooLarge")
		fits := `{"id":"fits"` + strings.Repeat(" ", 1<<20-len(`{"id":"fits"}`)) + `}`
		s.post(customers, fits).want(201)
		for _, ct := range []string{"", "text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1"} {
			s.post(customers, `{"id":"acme"}`, "Content-Type", ct).refused(415, "UnsupportedMediaType")
		}
		s.post(customers, `{"id":"acme"}`, "Content-Encoding", "gzip").refused(415, "UnsupportedMediaType")
		s.get(customers+"/acme").refused(404, "CustomerNotFound")
		for i, ct := range []string{"application/json; charset=utf-8", "application/vnd.acme+json"} {
			s.post(customers, fmt.Sprintf(`{"id":"acme-%d"}`, i), "Content-Type", ct).want(201)
		}
	})
}

func TestLimitsThatStillFit(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.post(customers, `{"id":"`+strings.Repeat("a", 255)+`","name":"`+strings.Repeat("ü", 255)+`"}`).want(201)
		s.post(customers, `{"id":"a.b_c|d-e@f+g:h","metadata":{"`+strings.Repeat("k", 40)+`":"`+strings.Repeat("ü", 500)+`"}}`).want(201)
		s.get(customers+"/a.b_c%7Cd-e@f+g:h").want(200).has("data.id", "a.b_c|d-e@f+g:h")
		list := make([]string, 50)
		for i := range list {
			list[i] = fmt.Sprintf(`"k%d":"v"`, i)
		}
		s.post(customers, `{"id":"acme","metadata":{`+strings.Join(list, ",")+`}}`).want(201)
		s.patch(customers+"/acme", `{"metadata":{"one-more":"v"}}`).refused(400, "BadUserInput", "metadata")
		s.patch(customers+"/acme", `{"metadata":{"one-more":"v","k0":null}}`).want(200)
	})
}

const ignored = "X-Purser-Ignored-Fields"

// Unknown members (contract §1.8): named on the original's routes, refused on our own.
func TestUnknownMembers(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		a := s.post(customers, `{"id":"acme","excludeFromExperimnt":true,"nmae":"Acme"}`).want(201)
		if got := a.head.Get(ignored); got != "excludeFromExperimnt, nmae" && got != "excludeFromExperimnt,nmae" {
			t.Errorf("%s: %q", ignored, got)
		}
		if got := s.post(customers, `{"id":"acme","nmae":"Bolt"}`).want(200).head.Get(ignored); got != "nmae" { // no content either
			t.Errorf("%s: %q", ignored, got)
		}
		if got := s.patch(customers+"/acme", `{"id":"bolt"}`).want(200).head.Get(ignored); got != "id" {
			t.Errorf("%s: %q", ignored, got)
		}
		if got := s.post(customers, `{"id":"bolt"}`).want(201).head.Values(ignored); got != nil {
			t.Errorf("%s without reason: %q", ignored, got)
		}
		since := s.here()
		s.put("/api/v1/test-clock", `{"now":"2026-03-01T00:00:00Z","then":"2027-01-01T00:00:00Z"}`).refused(400, "BadUserInput", "then")
		s.happened(since)

		list := make([]string, 0, 30)
		for i := range 30 {
			list = append(list, fmt.Sprintf(`"%c%s":1`, 'a'+i%26, strings.Repeat("x", 40+i*2)))
		}
		got := s.post(customers, `{"id":"many","`+"snow\\r\\nX-Evil: 1"+`":1,`+strings.Join(list, ",")+`}`).want(201).head.Get(ignored)
		names := strings.Split(got, ",")
		if len(names) > 20 {
			t.Errorf("%d names, want at most 20", len(names))
		}
		for _, n := range names {
			if n = strings.TrimSpace(n); len(n) > 64 || strings.ContainsAny(n, "\x00\n\r") {
				t.Errorf("the name %q is too long or unsafe", n)
			}
		}
	})
}

func TestSlashInPath(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.post(customers, `{"id":"a"}`).want(201)
		// The escaped path is what routes go by, so this is a customer named "a/entitlements", whom nobody can make.
		for _, path := range []string{"/a%2Fb", "/a%2Fentitlements", "/..%2Fplans"} {
			s.get(customers+path).refused(404, "CustomerNotFound")
			s.patch(customers+path, `{}`).refused(404, "CustomerNotFound")
			s.post(customers+path+"/archive", "").refused(404, "CustomerNotFound")
		}
		s.check("a%2Fb", "feature-seats").has("data.isGranted", false, "data.accessDeniedReason", "CustomerNotFound")
		s.get("/api/v1/subscriptions/a%2Fb").refused(404, "SubscriptionNotFound")
		s.get("/api/v1/plans/a%2Fb").refused(404, "PlanNotFound")
		s.get("/api/v1/features/a%2Fb").refused(404, "FeatureNotFound")
		s.get("/api/v1/tasks/a%2Fb").refused(404, "TaskNotFound")
	})
}

func TestPagingIsChecked(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		for i := range 3 {
			s.post(customers, provision(fmt.Sprintf("acme-%d", i), "plan-basic")).want(201)
			s.production.post(customers, fmt.Sprintf(`{"id":"acme-%d"}`, i)).want(201)
		}
		lists := []string{customers, "/api/v1/subscriptions", "/api/v1/products", "/api/v1/features", "/api/v1/plans"}
		cursors := map[string]string{}
		for _, path := range lists {
			for _, limit := range []string{"0", "101", "-1", "x", "1.5", ""} {
				s.get(path+"?limit="+limit).refused(400, "BadUserInput", "limit")
			}
			s.get(path + "?limit=100").want(200)
			for _, name := range []string{"after", "before"} {
				s.get(path+"?"+name+"=nonsense").refused(400, "BadUserInput", name)
				s.get(path+"?"+name+"=018f0000-0000-7000-8000-000000000000").refused(400, "BadUserInput", name)
			}
			if a := s.get(path + "?limit=1").want(200); path != "/api/v1/products" {
				cursors[path] = a.text("pagination.next")
			}
		}
		for _, path := range lists {
			for other, cursor := range cursors {
				if other != path {
					s.get(path+"?after="+cursor).refused(400, "BadUserInput", "after")
					s.get(path+"?before="+cursor).refused(400, "BadUserInput", "before")
				}
			}
		}
		s.production.get(customers+"?after="+cursors[customers]).refused(400, "BadUserInput", "after")
		s.get(customers+"?after="+cursors[customers]+"&before="+cursors[customers]).refused(400, "BadUserInput")
	})
}

func TestForeignIDs(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.post(customers, provision("acme", "plan-basic", `"id":"sub-1"`)).want(201)
		p := s.production
		p.get(customers+"/acme").refused(404, "CustomerNotFound")
		p.patch(customers+"/acme", `{"name":"Mine"}`).refused(404, "CustomerNotFound")
		p.post(customers+"/acme/archive", "").refused(404, "CustomerNotFound")
		p.post(customers+"/acme/unarchive", "").refused(404, "CustomerNotFound")
		p.get("/api/v1/subscriptions/sub-1").refused(404, "SubscriptionNotFound")
		p.get("/api/v1/plans/plan-basic").refused(404, "PlanNotFound")
		p.get("/api/v1/features/feature-seats").refused(404, "FeatureNotFound")
		p.patch("/api/v1/products/product-demo", `{"displayName":"Mine"}`).refused(404, "ProductNotFound")
		p.post(customers, provision("bolt", "plan-basic")).refused(404, "PlanNotFound", "subscriptionParams.planId")
		p.check("acme", "feature-seats").has("data.accessDeniedReason", "CustomerNotFound")
		p.post(customers, `{"id":"acme","name":"Other"}`).want(201)
		s.get(customers+"/acme").want(200).has("data.name", nil)
	})
}

func TestRoutesThatDoNotExist(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		for _, path := range []string{"/", "/api", "/api/v1", "/api/v2/customers", "/api/v1/customer", "/api/v1/customers/", "/api/v1/customers/a/b/c"} {
			s.get(path).refused(404, "RouteNotFound")
			s.with("").post(path, `{}`).refused(404, "RouteNotFound")
		}
		for _, r := range []struct{ method, path, allow string }{
			{http.MethodDelete, customers, "GET, POST"},
			{http.MethodPut, customers + "/acme", "GET, PATCH"},
			{http.MethodPost, "/api/v1/feed", "GET"},
			{http.MethodPost, "/api/v1/test-clock", "GET, PUT, DELETE"},
		} {
			a := s.do(r.method, r.path, "").refused(405, "RouteNotFound")
			if got := a.head.Get("Allow"); got != r.allow {
				t.Errorf("%s: Allow is %q, want %q", a.call, got, r.allow)
			}
		}
	})
}

// Two thousand equal requests at once make one customer, and one of them is told so with 201.
func TestManyEqualProvisions(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		since := s.here()
		const n = 2000
		answers := make([]*answer, n)
		var wg sync.WaitGroup
		for i := range n {
			wg.Go(func() {
				// A slow machine may not come to all of them within its limit, and asks to be asked again.
				for answers[i] = nil; answers[i] == nil || answers[i].status == 503; {
					answers[i] = s.send("POST", customers, provision("acme", "plan-basic"))
				}
			})
		}
		wg.Wait()
		statuses := map[int]int{}
		var body string
		for _, a := range answers {
			statuses[a.status]++
			if body == "" {
				body = string(a.raw)
			}
			if a.status < 300 && string(a.raw) != body {
				t.Fatalf("two answers:\n%s\n%s", body, a.raw)
			}
		}
		if statuses[201] != 1 || statuses[200] != n-1 {
			t.Errorf("statuses %v, want one 201 and the rest 200", statuses)
		}
		guarantee.Measured(t, "race", "%d requests, %d answered 201, %d answered 200, all with one body", n, statuses[201], statuses[200])
		s.happened(since, "customer.created customer acme", "subscription.created subscription "+s.subscriptionOf("acme"), "entitlements.updated customer acme")
		s.get("/api/v1/subscriptions").want(200).has("data.1", absent)
	})
}

// Whichever layer knows a rule about shape, length or pattern: one answer names every field that breaks one.
func TestAllBadFieldsAtOnce(t *testing.T) {
	long := strings.Repeat("x", 501)
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.post(plans, `{"id":"draft","displayName":"Draft","productId":"product-demo"}`).want(201)
		for name, tc := range map[string]struct {
			method, path, body string
			paths              []string
		}{
			"provision": {
				"POST", customers, `{"id":"a b","billingCurrency":"EURO","timezone":"Moon","metadata":{"k":"` + long + `"},
					"subscriptionParams":{"planId":"a b","metadata":{"k":"` + long + `"}}}`,
				[]string{"id", "billingCurrency", "timezone", "metadata.k", "subscriptionParams.planId", "subscriptionParams.metadata.k"},
			},
			"update":  {"PATCH", customers + "/acme", `{"email":"x","name":5,"metadata":{"k":"` + long + `"}}`, []string{"email", "name", "metadata.k"}},
			"feature": {"POST", features, `{"id":"a b","displayName":"","featureType":"SWITCH","metadata":{"k":"` + long + `"}}`, []string{"id", "displayName", "featureType", "metadata.k"}},
			"product": {"POST", products, `{"id":"a b","displayName":"","multipleSubscriptions":5}`, []string{"id", "displayName", "multipleSubscriptions"}},
			"settings": {
				"PATCH", products + "/product-demo", `{"displayName":"","metadata":{"k":"` + long + `"},"productSettings":{"subscriptionStartSetup":"MAYBE"}}`,
				[]string{"displayName", "metadata.k", "productSettings.subscriptionStartSetup"},
			},
			"plan": {
				"POST", plans, `{"id":"a b","displayName":"","pricingType":"CHEAP","hiddenFromWidgets":["WALL"],"defaultTrialConfig":{"duration":1.5,"units":"WEEK"}}`,
				[]string{"id", "displayName", "pricingType", "hiddenFromWidgets[0]", "defaultTrialConfig.duration", "defaultTrialConfig.units"},
			},
			"charges": {
				"PATCH", plans + "/draft", `{"displayName":5,"charges":{"pricingType":"PAID","pricingModels":[{"billingModel":"FLAT_FEE",
					"pricePeriods":[{"billingPeriod":"WEEKLY","price":{"amount":"x","currency":"x"}}]}]}}`,
				[]string{
					"displayName", "charges.pricingModels[0].pricePeriods[0].billingPeriod", "charges.pricingModels[0].pricePeriods[0].price.amount",
					"charges.pricingModels[0].pricePeriods[0].price.currency",
				},
			},
			"entitlements": {
				"POST", plans + "/draft/entitlements", `{"entitlements":[{"type":"FEATURE","id":"a b","usageLimit":"x"},{"type":"FEATURE","id":"feature-seats","resetPeriod":"EON"}]}`,
				[]string{"entitlements[0].id", "entitlements[0].usageLimit", "entitlements[1].resetPeriod"},
			},
		} {
			t.Run(name, func(t *testing.T) { s.in(t).do(tc.method, tc.path, tc.body).refused(400, "BadUserInput", tc.paths...) })
		}
	})
}
