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
		s.publish("pro")
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

		// Once more, with nothing to move: no event of any customer.
		s.edit(path, "")
		s.include(path, "seats", 60)
		s.publish("pro") // for new customers
		since = s.here()
		s.edit(path, "")
		s.ended(s.forAll(path)).has("data.status", "COMPLETED", "data.done", 3)
		for _, id := range []string{"acme", "later", "new"} {
			s.limit(id, "seats", 60)
		}
		s.sub("acme").has("data.planVersion", 4, "data.prices.0.amount", 10)
		s.get(tasks+"?limit=1").want(200).has("data.0.id", task, "data.1", absent)
		s.get(tasks+"?type=SUBSCRIPTION_MIGRATION&status=COMPLETED").want(200).has("data.1.done", 3, "data.2", absent)
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
