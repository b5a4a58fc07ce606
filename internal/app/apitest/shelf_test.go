package apitest

import (
	"encoding/json"
	"slices"
	"strings"
)

const (
	addOns  = "/api/v1/addons"
	coupons = "/api/v1/coupons"
	groups  = "/api/v1/feature-groups"
	file    = "/api/v1/catalog"
)

// shelf is a catalog with something of everything: three products whose journeys differ, plans of each type, drafts, and
// add-ons that add, override, need each other or are custom.
const shelf = `{"formatVersion":1,
	"features":[
		{"id":"calls","displayName":"Calls","featureType":"NUMBER","meterType":"INCREMENTAL","unitTransformation":{"divide":1000,"round":"UP"}},
		{"id":"depth","displayName":"Depth","featureType":"NUMBER"},
		{"id":"region","displayName":"Region","featureType":"ENUM","enumConfiguration":[{"value":"eu","displayName":"EU"},{"value":"us","displayName":"US"},{"value":"asia","displayName":"Asia"}]},
		{"id":"reports","displayName":"Reports","featureType":"BOOLEAN"},
		{"id":"seats","displayName":"Seats","featureType":"NUMBER","meterType":"FLUCTUATING"},
		{"id":"spare","displayName":"Spare","featureType":"NUMBER","meterType":"FLUCTUATING"}],
	"products":[
		{"id":"club","displayName":"Club","productSettings":{"subscriptionStartSetup":"FREE_PLAN","subscriptionStartPlanId":"club-start",
			"subscriptionEndSetup":"DOWNGRADE_TO_FREE","downgradePlanId":"club-end"}},
		{"id":"gym","displayName":"Gym","productSettings":{"subscriptionStartSetup":"TRIAL_PERIOD","subscriptionStartPlanId":"gym-trial"}},
		{"id":"shop","displayName":"Shop"}],
	"addons":[
		{"id":"bare","productId":"shop","displayName":"Bare","status":"DRAFT","charges":{"pricingType":"PAID"}},
		{"id":"bespoke","productId":"shop","displayName":"Bespoke","charges":{"pricingType":"CUSTOM"},"entitlements":[{"id":"spare","usageLimit":3}]},
		{"id":"cap","productId":"shop","displayName":"Cap","charges":` + monthly5 + `,"entitlements":[{"id":"seats","usageLimit":50,"behavior":"Override"}]},
		{"id":"cap-more","productId":"shop","displayName":"Cap more","charges":` + monthly5 + `,"entitlements":[{"id":"seats","usageLimit":80,"behavior":"Override"}]},
		{"id":"extra","productId":"shop","displayName":"Extra seats","maxQuantity":3,"charges":` + monthly5 + `,"entitlements":[{"id":"seats","usageLimit":2}]},
		{"id":"needy","productId":"shop","displayName":"Needy","dependencies":["extra"],"charges":` + monthly5 + `,"entitlements":[{"id":"calls","usageLimit":100}]},
		{"id":"other","productId":"shop","displayName":"Other","charges":` + monthly5 + `}],
	"plans":[
		{"id":"base","productId":"shop","displayName":"Base","charges":{"pricingType":"FREE"},
			"entitlements":[{"id":"reports"},{"id":"seats","usageLimit":5}],"draft":{"displayName":"Base","charges":{"pricingType":"FREE"}}},
		{"id":"child","productId":"shop","displayName":"Child","parentPlanId":"base","charges":{"pricingType":"FREE"},"entitlements":[{"id":"calls","usageLimit":10}]},
		{"id":"club-end","productId":"club","displayName":"End","charges":{"pricingType":"FREE"},"draft":{"displayName":"End","charges":` + monthly5 + `}},
		{"id":"club-start","productId":"club","displayName":"Start","charges":{"pricingType":"FREE"},"draft":{"displayName":"Start","charges":` + monthly5 + `}},
		{"id":"draft","productId":"shop","displayName":"Draft","status":"DRAFT"},
		{"id":"draft-child","productId":"shop","displayName":"Draft child","status":"DRAFT","parentPlanId":"base","charges":{"pricingType":"FREE"}},
		{"id":"gold","productId":"shop","displayName":"Gold","compatibleAddonIds":["cap","cap-more","extra","needy"],
			"charges":{"pricingType":"PAID","pricingModels":[{"billingModel":"FLAT_FEE","pricePeriods":[{"billingPeriod":"MONTHLY","price":{"amount":20}}]},
				{"billingModel":"PER_UNIT","featureId":"calls","pricePeriods":[{"billingPeriod":"MONTHLY","price":{"amount":0.5}}]}]},
			"entitlements":[{"id":"calls","usageLimit":1000,"resetPeriod":"MONTH"},{"id":"region","enumValues":["eu"]},{"id":"seats","usageLimit":10}]},
		{"id":"gym-trial","productId":"gym","displayName":"Trial","defaultTrialConfig":{"duration":7,"units":"DAY"},"charges":` + monthly5 + `,
			"draft":{"displayName":"Trial","charges":` + monthly5 + `}},
		{"id":"orphan","productId":"shop","displayName":"Orphan","status":"DRAFT","parentPlanId":"draft","charges":{"pricingType":"FREE"}},
		{"id":"two","productId":"shop","displayName":"Two periods","charges":{"pricingType":"PAID","pricingModels":[{"billingModel":"FLAT_FEE","pricePeriods":[
			{"billingPeriod":"MONTHLY","price":{"amount":20}},{"billingPeriod":"ANNUALLY","price":{"amount":200}}]}]}},
		{"id":"vip","productId":"shop","displayName":"VIP","compatibleAddonIds":["bespoke","extra"],"charges":{"pricingType":"CUSTOM"},"entitlements":[{"id":"seats","usageLimit":100}]}],
	"coupons":[
		{"id":"half","name":"Half","percentOff":50},
		{"id":"ten","name":"Ten","amountsOff":[{"amount":10,"currency":"usd"}],"durationInMonths":3}]}`

const monthly5 = `{"pricingType":"PAID","pricingModels":[{"billingModel":"FLAT_FEE","pricePeriods":[{"billingPeriod":"MONTHLY","price":{"amount":5}}]}]}`

// fill applies shelf.
func (c caller) fill() {
	c.t.Helper()
	c.post(file+"/apply", shelf).want(200)
}

// charge is the body of a PATCH that prices a draft with these pricing models.
func charge(models ...string) string {
	return `{"charges":{"pricingType":"PAID","pricingModels":[` + strings.Join(models, ",") + `]}}`
}

// refusal is a request that is refused and leaves nothing.
type refusal struct {
	name, method, path, body string
	status                   int
	code                     string
	paths                    []string
}

// refuseAll sends them and looks that nothing came of any.
func (s *server) refuseAll(list []refusal) {
	s.t.Helper()
	since := s.here()
	for _, r := range list {
		a := s.do(r.method, r.path, r.body)
		if a.status != r.status {
			s.t.Errorf("%s: %s: %d, want %d %s\n%s", r.name, a.call, a.status, r.status, r.code, a.raw)
			continue
		}
		a.refused(r.status, r.code, r.paths...)
		if r.status == 409 && a.head.Get("X-Should-Retry") != "false" {
			s.t.Errorf("%s: x-should-retry is %q, want false", r.name, a.head.Get("X-Should-Retry"))
		}
	}
	s.happened(since)
}

// encode is a value as JSON.
func encode(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func sorted(list []string) []string {
	slices.Sort(list)
	return list
}
