package apitest

import (
	"fmt"
	"testing"
)

// perUse is a charge for the usage of a feature.
func perUse(feature, price string) string {
	return fmt.Sprintf(`{"billingModel":"USAGE_BASED","featureId":%q,"pricePeriods":[{"billingPeriod":"MONTHLY","price":{"amount":%s}}]}`, feature, price)
}

// utility is a catalog whose plans charge for usage: calls cost half a dollar each, jobs beyond 10 a week
// one, and with the add-on seats four.
var utility = `{"formatVersion":1,
	"features":[
		{"id":"sso","displayName":"SSO","featureType":"BOOLEAN"},
		{"id":"calls","displayName":"Calls","featureType":"NUMBER","meterType":"INCREMENTAL"},
		{"id":"jobs","displayName":"Jobs","featureType":"NUMBER","meterType":"INCREMENTAL"},
		{"id":"seats","displayName":"Seats","featureType":"NUMBER","meterType":"FLUCTUATING"}],
	"products":[{"id":"sites","displayName":"Sites","multipleSubscriptions":true},{"id":"utility","displayName":"Utility"}],
	"addons":[
		{"id":"more","productId":"utility","displayName":"More",` + paid(perUse("seats", "4")) + `,"entitlements":[{"id":"sso"}]}],
	"plans":[
		{"id":"use","productId":"utility","displayName":"Use","compatibleAddonIds":["more"],` + utilityCharges + `,"entitlements":` + utilityRows + `},
		{"id":"site","productId":"sites","displayName":"Site",` + utilityCharges + `,"entitlements":` + utilityRows + `},
		{"id":"try","productId":"utility","displayName":"Try","defaultTrialConfig":{"duration":60,"units":"DAY","budget":{"limit":5,"hasSoftLimit":false}},` +
	utilityCharges + `,"entitlements":` + utilityRows + `}]}`

var utilityCharges = `"charges":{"pricingType":"PAID","pricingModels":[` + flat("10", "") + `,` + perUse("calls", "0.5") + `],
	"overageBillingPeriod":"MONTHLY","overagePricingModels":[{"billingModel":"USAGE_BASED","featureId":"jobs","pricePeriods":[{"billingPeriod":"MONTHLY","price":{"amount":1}}]}]}`

const utilityRows = `[{"id":"calls","hasUnlimitedUsage":true},{"id":"seats","usageLimit":50},{"id":"sso"},
	{"id":"jobs","usageLimit":10,"resetPeriod":"WEEK"}]`

func eachUtility(t *testing.T, fn func(t *testing.T, s *server)) {
	t.Helper()
	each(t, func(t *testing.T, s *server) {
		s.post(file+"/apply", utility).want(200)
		s.moveTo(april)
		s.join("acme")
		fn(t, s)
		s.sound()
	})
}

// uses reports usage of acme.
func (c caller) usesUp(feature string, n int) {
	c.t.Helper()
	c.post(usages, report("acme", feature, n, "")).want(201)
}

// may checks features of acme one by one, and that the list says the same: "calls BudgetExceeded" or "sso".
func (c caller) may(list map[string]string, more ...string) {
	c.t.Helper()
	for feature, reason := range list {
		var want any
		if reason != "" {
			want = reason
		}
		c.check("acme", feature, more...).has("data.isGranted", reason == "", "data.accessDeniedReason", want)
	}
}

const spent = "BudgetExceeded"

func TestBudgetEndsWhatIsChargedByUsage(t *testing.T) {
	eachUtility(t, func(t *testing.T, s *server) {
		sub := s.takes("use", `"budget":{"limit":5,"hasSoftLimit":false}`)
		s.check("acme", "calls").has("data.isGranted", true, "data.validUntil", stamp(april.AddDate(0, 1, 0)))
		s.usesUp("calls", 9)
		s.may(map[string]string{"calls": "", "jobs": "", "sso": "", "seats": ""}, "&requestedUsage=1")
		one := func(feature string) *answer {
			return s.post(usages+"/consume", fmt.Sprintf(`{"customerId":"acme","featureId":%q,"amount":1}`, feature)).want(200)
		}
		one("calls").has("data.isGranted", true, "data.currentUsage", 10)
		one("calls").has("data.isGranted", false, "data.accessDeniedReason", spent, "data.currentUsage", 10)
		s.may(map[string]string{"calls": spent, "jobs": "", "sso": "", "seats": ""}, "&requestedUsage=1")
		s.may(map[string]string{"calls": spent})
		// What is included is paid for.
		for range 10 {
			one("jobs").has("data.isGranted", true)
		}
		one("jobs").has("data.isGranted", false, "data.accessDeniedReason", spent, "data.currentUsage", 10)
		s.may(map[string]string{"jobs": ""})
		s.may(map[string]string{"jobs": spent}, "&requestedUsage=1")

		// More may be spent, or less.
		s.changes(sub, `{"budget":{"limit":5.01,"hasSoftLimit":false}}`)
		s.may(map[string]string{"calls": "", "jobs": ""}, "&requestedUsage=1")
		s.changes(sub, `{"budget":{"limit":2,"hasSoftLimit":false}}`)
		s.may(map[string]string{"calls": spent})
		s.changes(sub, `{"budget":{"limit":2,"hasSoftLimit":true}}`)
		s.may(map[string]string{"calls": "", "jobs": ""}, "&requestedUsage=1")
		s.changes(sub, `{"budget":{"limit":2,"hasSoftLimit":false}}`)
		s.may(map[string]string{"calls": spent})
		s.changes(sub, `{"budget":null}`)
		s.may(map[string]string{"calls": ""})

		// A billing period begins with nothing spent.
		s.changes(sub, `{"budget":{"limit":5,"hasSoftLimit":false}}`)
		s.may(map[string]string{"calls": spent})
		s.moveTo(april.AddDate(0, 1, 0))
		s.may(map[string]string{"calls": "", "jobs": ""}, "&requestedUsage=1")
		s.check("acme", "calls").has("data.currentUsage", 10)
	})
}

// Ten jobs a week are included: what is beyond adds up over the weeks of the billing period.
func TestBudgetCountsOverageOfEveryUsagePeriod(t *testing.T) {
	eachUtility(t, func(t *testing.T, s *server) {
		s.takes("use", `"budget":{"limit":7,"hasSoftLimit":false}`)
		s.usesUp("jobs", 13)
		s.moveTo(aprilDay(8))
		s.usesUp("jobs", 8)
		s.may(map[string]string{"calls": "", "jobs": ""})
		s.usesUp("jobs", 6)
		s.may(map[string]string{"calls": spent, "jobs": spent})
		s.moveTo(aprilDay(14))
		s.may(map[string]string{"calls": spent, "jobs": ""})
		s.may(map[string]string{"jobs": spent}, "&requestedUsage=11")
		s.moveTo(april.AddDate(0, 1, 0))
		s.may(map[string]string{"calls": "", "jobs": ""}, "&requestedUsage=11")
	})
}

func TestBudgetOfATrial(t *testing.T) {
	eachUtility(t, func(t *testing.T, s *server) {
		s.takes("try", `"id":"t"`)
		s.shows("t", "data.status", "IN_TRIAL")
		s.usesUp("calls", 10)
		s.may(map[string]string{"calls": spent, "sso": "", "jobs": ""})
		s.moveTo(april.AddDate(0, 1, 3)) // a trial has no billing periods
		s.may(map[string]string{"calls": spent})
		s.changes("t", `{"budget":{"limit":6,"hasSoftLimit":false}}`)
		s.may(map[string]string{"calls": ""})
	})
}

// A budget is that of one subscription: of a resource it counts what that has used.
func TestBudgetOfAResource(t *testing.T) {
	eachUtility(t, func(t *testing.T, s *server) {
		s.takes("site", `"id":"a"`, `"resourceId":"east"`, `"budget":{"limit":5,"hasSoftLimit":false}`)
		s.takes("site", `"id":"b"`, `"resourceId":"west"`)
		for _, at := range []string{"east", "west"} {
			s.may(map[string]string{"calls": ""}, "&resourceId="+at)
			s.post(usages, report("acme", "calls", 10, fmt.Sprintf(`"resourceId":%q`, at))).want(201)
		}
		s.may(map[string]string{"calls": spent, "seats": ""}, "&resourceId=east")
		s.may(map[string]string{"calls": ""}, "&resourceId=west")
	})
}
