package apitest

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// demoCatalog is what the demo starts with.
const demoCatalog = "../demo/catalog.json"

// demo loads the demo's catalog: plan-free and plan-basic (free) and plan-pro (paid, a trial of 14 days).
func (c caller) demo() {
	c.t.Helper()
	b, err := os.ReadFile(demoCatalog)
	if err != nil {
		c.t.Fatal(err)
	}
	c.post("/api/v1/catalog/apply", string(b)).want(200)
}

// journey replaces the settings of product-demo.
func (c caller) journey(settings string) {
	c.t.Helper()
	c.patch("/api/v1/products/product-demo", `{"productSettings":{`+settings+`}}`).want(200)
}

// Settings for journey.
const (
	startFree   = `"subscriptionStartSetup":"FREE_PLAN","subscriptionStartPlanId":"plan-free"`
	startTrial  = `"subscriptionStartSetup":"TRIAL_PERIOD","subscriptionStartPlanId":"plan-pro"`
	endRevoke   = `"subscriptionEndSetup":"CANCEL_SUBSCRIPTION"`
	endFree     = `"subscriptionEndSetup":"DOWNGRADE_TO_FREE","downgradePlanId":"plan-free"`
	selectFirst = `"subscriptionStartSetup":"PLAN_SELECTION"`
)

const customers = "/api/v1/customers"

// provision is the body for a customer with a plan; more are members of subscriptionParams.
func provision(id, plan string, more ...string) string {
	params := append([]string{fmt.Sprintf(`"planId":%q`, plan)}, more...)
	return fmt.Sprintf(`{"id":%q,"subscriptionParams":{%s}}`, id, strings.Join(params, ","))
}

// moveTo moves the test clock.
func (c caller) moveTo(now time.Time) {
	c.t.Helper()
	c.put("/api/v1/test-clock", fmt.Sprintf(`{"now":%q}`, now.Format(time.RFC3339Nano))).want(200).has("data.now", stamp(now), "data.mode", "test")
}

// check asks for one entitlement; more is the rest of the query.
func (c caller) check(customer, feature string, more ...string) *answer {
	c.t.Helper()
	return c.get(customers + "/" + customer + "/entitlements/check?featureId=" + feature + strings.Join(more, "")).want(200)
}

// stamp is an instant on the wire.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

const day = 24 * time.Hour

// subscriptionOf is the id of a customer's newest subscription.
func (c caller) subscriptionOf(customer string) string {
	c.t.Helper()
	ids := c.get("/api/v1/subscriptions?limit=100&customerId=" + customer).want(200).column("id")
	if len(ids) == 0 {
		c.t.Fatalf("%s has no subscription", customer)
	}
	return ids[len(ids)-1]
}

// trialPlan publishes a paid plan of product-demo with a trial.
func (c caller) trialPlan(id, trial string) {
	c.t.Helper()
	c.post("/api/v1/plans", fmt.Sprintf(`{"id":%q,"displayName":"Trial","productId":"product-demo","defaultTrialConfig":%s}`, id, trial)).want(201)
	c.patch("/api/v1/plans/"+id, `{"charges":{"pricingType":"PAID","pricingModels":[{"billingModel":"FLAT_FEE","pricePeriods":[
		{"billingPeriod":"MONTHLY","price":{"amount":10}}]}]}}`).want(200)
	c.post("/api/v1/plans/"+id+"/entitlements", `{"entitlements":[{"type":"FEATURE","id":"feature-seats","usageLimit":7}]}`)
	c.publish(id)
}

func (c caller) publish(plan string) {
	c.t.Helper()
	c.post("/api/v1/plans/"+plan+"/publish", `{"migrationType":"NEW_CUSTOMERS"}`).want(200).has("data.taskId", nil)
}
