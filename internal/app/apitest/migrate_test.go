package apitest

import (
	"encoding/json"
	"fmt"
	"testing"
)

const tasks = "/api/v1/tasks"

// ended waits until a task has ended.
func (c caller) ended(task string) *answer {
	c.t.Helper()
	a := c.get(tasks + "/" + task + "?wait=25").want(200)
	if s := a.text("data.status"); s == "PENDING" || s == "IN_PROGRESS" {
		c.t.Fatalf("the task does not end\n%s", a.raw)
	}
	return a
}

// forAll publishes a draft for all customers and returns the task.
func (c caller) forAll(path string) string {
	c.t.Helper()
	return c.post(path+"/publish", `{"migrationType":"ALL_CUSTOMERS"}`).want(200).text("data.taskId")
}

// edit opens a draft of a package and changes it.
func (c caller) edit(path, body string) {
	c.t.Helper()
	c.post(path+"/draft", "").want(200)
	if body != "" {
		c.patch(path, body).want(200)
	}
}

// include changes the limit of a feature in a draft.
func (c caller) include(path, feature string, limit int) {
	c.t.Helper()
	c.patch(path+"/entitlements/"+feature, fmt.Sprintf(`{"type":"FEATURE","usageLimit":%d}`, limit)).want(200)
}

// sub is the present state of a customer's newest subscription.
func (c caller) sub(customer string) *answer {
	c.t.Helper()
	return c.get("/api/v1/subscriptions/" + c.subscriptionOf(customer)).want(200)
}

func (c caller) sound() {
	c.t.Helper()
	c.get("/api/v1/verify").want(200).has("data.findings", []any{}, "data.ok", true)
}

func monthly(amount int) string {
	return charge(fmt.Sprintf(`{"billingModel":"FLAT_FEE","pricePeriods":[{"billingPeriod":"MONTHLY","price":{"amount":%d}}]}`, amount))
}

// Scenario 15: publishing for all customers moves what they have, not what they pay.
func TestPublishForAllCustomers(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.fill()
		path := plans + "/pro"
		s.post(plans, `{"id":"pro","displayName":"Pro","productId":"shop"}`).want(201)
		s.patch(path, monthly(10)).want(200)
		s.post(path+"/entitlements", `{"entitlements":[{"type":"FEATURE","id":"seats","usageLimit":5},{"type":"FEATURE","id":"reports"}]}`).want(201)
		// The first version concerns nobody; sent again with its key, it is the same publication.
		first := s.post(path+"/publish", `{"migrationType":"ALL_CUSTOMERS"}`, "Idempotency-Key", "first").want(200).text("data.taskId")
		s.post(path+"/publish", `{"migrationType":"ALL_CUSTOMERS"}`, "Idempotency-Key", "first").want(200).has("data.taskId", first)
		s.ended(first).has("data.status", "COMPLETED", "data.done", 0, "data.progress", 100)
		s.post(customers, provision("acme", "pro")).want(201)
		s.post(customers, provision("later", "pro", `"startDate":"`+stamp(begin.Add(9*day))+`"`)).want(201)
		s.post(customers, provision("gone", "pro")).want(201)
		s.post(customers+"/gone/archive?cancelSubscriptions=true", "").want(200)
		s.limit("acme", "seats", 5) // warms the cache
		sub := s.subscriptionOf("acme")

		s.edit(path, monthly(20))
		s.include(path, "seats", 50)
		s.del(path + "/entitlements/reports").want(200)
		since := s.here()
		task := s.forAll(path)
		s.ended(task).has("data.type", "SUBSCRIPTION_MIGRATION", "data.status", "COMPLETED", "data.done", 1, "data.total", 1,
			"data.failed", 0, "data.failures", []any{}, "data.error", nil, "data.progress", 100)
		s.limit("acme", "seats", 50)
		s.check("acme", "reports").has("data.isGranted", false)
		s.get("/api/v1/subscriptions/"+sub).want(200).has("data.planVersion", 2, "data.status", "ACTIVE",
			"data.prices.0.amount", 10, "data.prices.1", absent, "data.currentBillingPeriodEnd", stamp(begin.AddDate(0, 1, 0)))
		events := s.happened(since, "plan.updated plan pro", "subscription.updated subscription "+sub, "entitlements.updated customer acme")
		if e := events[1]; e.reason() != "MIGRATED_TO_LATEST_VERSION" || e.Actor.Type != "SYSTEM" || e.Version != 2 {
			t.Errorf("event %+v because of %q", e, e.reason())
		}
		s.get("/api/v1/subscriptions/"+s.subscriptionOf("gone")).want(200).has("data.planVersion", 1)
		s.get("/api/v1/subscriptions/"+s.subscriptionOf("later")).want(200).has("data.planVersion", 1, "data.status", "NOT_STARTED")

		// It renews at what it pays; who starts now pays the new price, scheduled ones too.
		s.moveTo(begin.AddDate(0, 1, 1))
		s.get("/api/v1/subscriptions/"+sub).want(200).has("data.prices.0.amount", 10)
		s.sub("later").has("data.planVersion", 2, "data.prices.0.amount", 20, "data.status", "ACTIVE")
		s.post(customers, provision("new", "pro")).want(201).has("data.subscription.prices.0.amount", 20)
		s.sound()

		// A version that was for new customers only reaches the others with the next one.
		s.edit(path, "")
		s.include(path, "seats", 60)
		s.publish("pro") // for new customers
		s.edit(path, "")
		s.ended(s.forAll(path)).has("data.status", "COMPLETED", "data.done", 3)
		for _, id := range []string{"acme", "later", "new"} {
			s.limit(id, "seats", 60)
		}
		s.sub("acme").has("data.planVersion", 4, "data.prices.0.amount", 10)
		s.get(tasks+"?limit=1").want(200).has("data.0.id", first, "data.1", absent)
		s.get(tasks+"?type=SUBSCRIPTION_MIGRATION&status=COMPLETED").want(200).has("data.1.id", task, "data.2.done", 3, "data.3", absent)
		s.get(tasks+"?status=STOPPED,FAILED").want(200).has("data", []any{})
		s.sound()
	})
}

// reason is what an event's payload gives as the reason.
func (e event) reason() string {
	var p struct{ Reason string }
	_ = json.Unmarshal(e.Payload, &p)
	return p.Reason
}

// Subscribers of plans that inherit get the base's new version, and their own stays (§4.2); scenario 18 for those who are
// there already.
func TestPublishForAllReachesChildren(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.fill()
		s.post(plans, `{"id":"grandchild","displayName":"Grandchild","productId":"shop","parentPlanId":"child","pricingType":"FREE"}`).want(201)
		s.publish("grandchild")
		for id, plan := range map[string]string{"a": "base", "b": "child", "c": "grandchild", "other": "gold"} {
			s.post(customers, provision(id, plan)).want(201)
		}
		// The next version of the child no longer inherits: who has the first one still does.
		s.edit(plans+"/child", `{"parentPlanId":null}`)
		s.publish("child")
		s.post(customers, provision("free", "child")).want(201)

		s.post(plans+"/base/entitlements", `{"entitlements":[{"type":"FEATURE","id":"depth","usageLimit":3},{"type":"FEATURE","id":"seats","usageLimit":7}]}`).want(201)
		since := s.here()
		s.ended(s.forAll(plans+"/base")).has("data.status", "COMPLETED", "data.failed", 0)
		for id, version := range map[string]int{"a": 2, "b": 1, "c": 1} {
			s.limit(id, "seats", 7)
			s.limit(id, "depth", 3)
			s.check(id, "reports").has("data.isGranted", false)
			s.sub(id).has("data.planVersion", version)
		}
		for _, id := range []string{"b", "c"} {
			s.limit(id, "calls", 10)
		}
		s.check("free", "seats").has("data.isGranted", false)
		count := map[string]int{}
		for _, e := range s.happenedAtAll(since) {
			count[e.Type]++
		}
		if count["subscription.updated"] != 3 || count["entitlements.updated"] != 3 {
			t.Errorf("events: %v", count)
		}
		s.ended(func() string { s.edit(plans+"/child", ""); return s.forAll(plans + "/child") }()).has("data.status", "COMPLETED")
		s.check("b", "seats").has("data.isGranted", false) // it is on the version without a base
		s.check("c", "seats").has("data.isGranted", false) // and so is what comes through it
		s.limit("c", "calls", 10)
		s.sound()
	})
}

// An add-on moves wherever it is, and its price stays.
func TestPublishAddonForAll(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.fill()
		s.post(customers, provision("acme", "gold", addons("extra", 3, "needy", 1))).want(201)
		s.post(customers, provision("plain", "gold")).want(201)
		s.edit(addOns+"/extra", monthly(9))
		s.include(addOns+"/extra", "seats", 4)
		s.ended(s.forAll(addOns+"/extra")).has("data.status", "COMPLETED", "data.done", 1)
		s.limit("acme", "seats", 22)
		s.limit("plain", "seats", 10)
		s.sub("acme").has("data.planVersion", 1, "data.addons", []any{map[string]any{"id": "extra", "quantity": 3}, map[string]any{"id": "needy", "quantity": 1}})
		for i, want := range []any{20, 0.5, 5, 5} {
			s.sub("acme").has(fmt.Sprintf("data.prices.%d.amount", i), want)
		}
		s.sub("plain").has("data.prices.2", absent)
		// Then the plan: the add-on stays where it is.
		s.edit(plans+"/gold", "")
		s.include(plans+"/gold", "seats", 11)
		s.ended(s.forAll(plans+"/gold")).has("data.status", "COMPLETED", "data.done", 2)
		s.limit("acme", "seats", 23)
		s.limit("plain", "seats", 11)
		s.sound()
	})
}

// Overage makes a limit soft for those who are charged for it: not for those whose prices have none (decision 12).
func TestSoftLimitsFollowThePrices(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.fill()
		overage := func(more string) string {
			return `{"charges":{"pricingType":"PAID","pricingModels":[{"billingModel":"FLAT_FEE","pricePeriods":[{"billingPeriod":"MONTHLY","price":{"amount":5}}]}]` + more + `}}`
		}
		const soft = `,"overagePricingModels":[{"billingModel":"USAGE_BASED","featureId":"spare","entitlement":{"featureId":"spare","usageLimit":7},"pricePeriods":[{"billingPeriod":"MONTHLY","price":{"amount":0.1}}]}]`
		s.patch(plans+"/draft", overage(soft)).want(200)
		s.publish("draft")
		s.post(customers, provision("soft", "draft")).want(201)
		s.check("soft", "spare").has("data.hasSoftLimit", true, "data.usageLimit", 7)
		s.edit(plans+"/draft", overage(""))
		s.include(plans+"/draft", "spare", 8)
		s.ended(s.forAll(plans+"/draft")).has("data.status", "COMPLETED")
		s.post(customers, provision("hard", "draft")).want(201)
		s.check("soft", "spare").has("data.hasSoftLimit", true, "data.usageLimit", 8)
		s.check("hard", "spare").has("data.hasSoftLimit", false, "data.usageLimit", 8)
		s.edit(plans+"/draft", overage(soft))
		s.include(plans+"/draft", "spare", 9)
		s.ended(s.forAll(plans+"/draft")).has("data.status", "COMPLETED")
		s.check("soft", "spare").has("data.hasSoftLimit", true, "data.usageLimit", 9)
		s.check("hard", "spare").has("data.hasSoftLimit", false, "data.usageLimit", 9)
		s.sub("hard").has("data.prices.0.amount", 5, "data.prices.1", absent)
		s.sound()
	})
}

// What begins to be paid or agreed on has to be subscribed to anew; the rest moves in place (§4.3 step 4).
func TestPublishForAllWithAnotherType(t *testing.T) {
	const free, custom = `{"charges":{"pricingType":"FREE"}}`, `{"charges":{"pricingType":"CUSTOM"}}`
	paid := monthly(7)
	each(t, func(t *testing.T, s *server) {
		s.fill()
		for i, tc := range []struct {
			from, to string
			moves    bool
			now      string
		}{
			{free, free, true, "FREE"},
			{free, paid, false, "FREE"},
			{free, custom, false, "FREE"},
			{custom, paid, false, "CUSTOM"},
			{custom, free, true, "FREE"},
			{custom, custom, true, "CUSTOM"},
			{paid, free, true, "FREE"},
			{paid, custom, true, "CUSTOM"},
		} {
			id := fmt.Sprintf("type-%d", i)
			path := plans + "/" + id
			s.post(plans, fmt.Sprintf(`{"id":%q,"displayName":"Type","productId":"shop"}`, id)).want(201)
			s.patch(path, tc.from).want(200)
			s.post(path+"/entitlements", `{"entitlements":[{"type":"FEATURE","id":"seats","usageLimit":1}]}`).want(201)
			s.publish(id)
			s.post(customers, provision("c-"+id, id)).want(201)
			sub := s.subscriptionOf("c-" + id)
			s.edit(path, tc.to)
			s.include(path, "seats", 2)
			moved := 0
			if tc.moves {
				moved = 1
			}
			s.get(path+"/publish-preview").want(200).has("data.customers", 1, "data.notMovable", 1-moved)
			a := s.ended(s.forAll(path))
			if tc.moves {
				a.has("data.status", "COMPLETED", "data.failures", []any{})
			} else {
				a.has("data.status", "PARTIALLY_FAILED", "data.failed", 1, "data.failures.0.id", sub, "data.failures.1", absent, "data.done", 1)
				s.post(tasks+"/"+a.text("data.id")+"/resume", "").refused(409, "TaskEnded")
			}
			s.limit("c-"+id, "seats", 1+moved)
			s.get("/api/v1/subscriptions/"+sub).want(200).has("data.pricingType", tc.now, "data.planVersion", 1+moved)
		}
		s.sound()
	})
}

// A running trial keeps its end, and gets what its plan gives now.
func TestPublishForAllDuringATrial(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.journey(selectFirst + "," + endFree)
		s.trialPlan("plan-convert", `{"duration":4,"units":"DAY","trialEndBehavior":"CONVERT_TO_PAID"}`)
		s.trialPlan("plan-free-now", `{"duration":4,"units":"DAY"}`)
		for _, plan := range []string{"plan-convert", "plan-free-now"} {
			s.post(customers, provision("c-"+plan, plan)).want(201).has("data.subscription.status", "IN_TRIAL")
		}
		s.edit(plans+"/plan-convert", `{"defaultTrialConfig":{"duration":30,"units":"DAY"}}`)
		s.include(plans+"/plan-convert", "feature-seats", 70)
		s.edit(plans+"/plan-free-now", `{"defaultTrialConfig":null,"charges":{"pricingType":"FREE"}}`)
		for _, plan := range []string{"plan-convert", "plan-free-now"} {
			s.ended(s.forAll(plans+"/"+plan)).has("data.status", "COMPLETED")
			s.sub("c-"+plan).has("data.status", "IN_TRIAL", "data.trialEndDate", stamp(begin.Add(4*day)), "data.planVersion", 2)
		}
		s.sound()
		s.limit("c-plan-convert", "feature-seats", 70)
		s.moveTo(begin.Add(5 * day))
		s.sub("c-plan-convert").has("data.status", "ACTIVE", "data.prices.0.amount", 10)
		s.limit("c-plan-convert", "feature-seats", 70)
		s.sub("c-plan-free-now").has("data.planId", "plan-free", "data.status", "ACTIVE") // the journey goes on as for any trial
		s.sound()
	})
}

// A trial that has ended, and that nobody has looked at, ends before it would move.
func TestPublishForAllSettlesFirst(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.trialPlan("plan-x", `{"duration":1,"units":"DAY","trialEndBehavior":"CANCEL_SUBSCRIPTION"}`)
		s.post(customers, provision("acme", "plan-x")).want(201)
		s.edit(plans+"/plan-x", "")
		since := s.here()
		s.clock.Add(3 * day)
		s.ended(s.forAll(plans+"/plan-x")).has("data.status", "COMPLETED")
		sub := s.subscriptionOf("acme")
		s.get("/api/v1/subscriptions/"+sub).want(200).has("data.status", "EXPIRED", "data.planVersion", 1)
		s.happened(since, "plan.updated plan plan-x", "subscription.trial.ends_soon subscription "+sub,
			"subscription.trial_expired subscription "+sub, "entitlements.updated customer acme")
	})
}
