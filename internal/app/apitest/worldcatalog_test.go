package apitest

import (
	"fmt"
	"strings"
)

// worldPlan is a plan of the world in which subscriptions live: each gives a marker, a number that is its version.
type worldPlan struct {
	id, product, parent string
	version             int64
	monthly, annually   int // in cents; 0 for not sold
	seats               int // per unit and month, in cents; 0 for none
	pricing, trial      string
	minimum             int
}

func (p *worldPlan) marker() string { return "m-" + p.id }

func (p *worldPlan) charges() string {
	if p.pricing != "PAID" {
		return fmt.Sprintf(`{"pricingType":%q}`, p.pricing)
	}
	amount := func(cents int) string { return fmt.Sprintf(`{"amount":%d.%02d}`, cents/100, cents%100) }
	periods := func(month, year int) string {
		list := []string{}
		if p.monthly > 0 {
			list = append(list, `{"billingPeriod":"MONTHLY","price":`+amount(month)+`}`)
		}
		if p.annually > 0 {
			list = append(list, `{"billingPeriod":"ANNUALLY","price":`+amount(year)+`}`)
		}
		return `"pricePeriods":[` + strings.Join(list, ",") + `]`
	}
	models := []string{`{"billingModel":"FLAT_FEE",` + periods(p.monthly, p.annually) + `}`}
	if p.seats > 0 {
		models = append(models, `{"billingModel":"PER_UNIT","featureId":"seats","minUnitQuantity":1,"maxUnitQuantity":50,`+periods(p.seats, 10*p.seats)+`}`)
	}
	least := ""
	if p.minimum > 0 {
		least = `,"minimumSpend":[{"billingPeriod":"MONTHLY","minimum":` + amount(p.minimum) + `}]`
	}
	return `{"pricingType":"PAID","pricingModels":[` + strings.Join(models, ",") + `]` + least + `}`
}

// worldPlans are new each time, since publishing changes them.
func worldPlans() []*worldPlan {
	return []*worldPlan{
		{id: "app-free", product: "app", pricing: "FREE"},
		{id: "app-basic", product: "app", pricing: "PAID", monthly: 3000, annually: 30000, seats: 1000},
		{id: "app-pro", product: "app", parent: "app-basic", pricing: "PAID", monthly: 8999, annually: 90001, seats: 799},
		{id: "app-max", product: "app", pricing: "PAID", monthly: 20000, seats: 333},
		{id: "app-try-c", product: "app", pricing: "PAID", monthly: 4700, annually: 47000, trial: `{"duration":14,"units":"DAY","trialEndBehavior":"CONVERT_TO_PAID"}`},
		{id: "app-try-x", product: "app", pricing: "PAID", monthly: 4100, trial: `{"duration":10,"units":"DAY","trialEndBehavior":"CANCEL_SUBSCRIPTION"}`},
		{id: "app-try-d", product: "app", pricing: "PAID", monthly: 3900, annually: 39000, trial: `{"duration":1,"units":"MONTH"}`},
		{id: "app-vip", product: "app", pricing: "CUSTOM"},
		{id: "site-free", product: "site", pricing: "FREE"},
		{id: "site-s", product: "site", pricing: "PAID", monthly: 1000, annually: 9999, seats: 101},
		{id: "site-l", product: "site", pricing: "PAID", monthly: 7777, trial: `{"duration":7,"units":"DAY","trialEndBehavior":"CONVERT_TO_PAID"}`},
		{id: "side-one", product: "side", pricing: "PAID", monthly: 500, minimum: 1500},
		{id: "side-two", product: "side", pricing: "PAID", monthly: 1700},
	}
}

// world applies the catalog of the plans: a product for one subscription whose downgrades wait, one for resources whose
// downgrades happen at once, and one that is cancelled with the first.
func (c caller) world(list []*worldPlan) {
	c.t.Helper()
	feature := func(id, more string) string {
		return fmt.Sprintf(`{"id":%q,"displayName":%q,"featureType":"NUMBER"%s}`, id, id, more)
	}
	features, plans := []string{feature("seats", `,"meterType":"FLUCTUATING"`)}, []string{}
	for _, p := range list {
		features = append(features, feature(p.marker(), ""))
		p.version = 1
		more := ""
		if p.trial != "" {
			more += `,"defaultTrialConfig":` + p.trial
		}
		if p.parent != "" {
			more += fmt.Sprintf(`,"parentPlanId":%q`, p.parent)
		}
		addons := map[string]string{"app": `"app-extra","app-once"`, "site": `"site-extra"`, "side": ""}[p.product]
		plans = append(plans, fmt.Sprintf(`{"id":%q,"productId":%q,"displayName":%q,"compatibleAddonIds":[%s],"charges":%s,"entitlements":[{"id":%q,"usageLimit":1}]%s}`,
			p.id, p.product, p.id, addons, p.charges(), p.marker(), more))
	}
	price := func(month, year int) string {
		return fmt.Sprintf(`{"billingModel":"FLAT_FEE","pricePeriods":[{"billingPeriod":"MONTHLY","price":{"amount":%d}},{"billingPeriod":"ANNUALLY","price":{"amount":%d}}]}`, month, year)
	}
	once := `{"billingModel":"FLAT_FEE","billingCadence":"ONE_OFF","pricePeriods":[{"billingPeriod":"MONTHLY","price":{"amount":20}},{"billingPeriod":"ANNUALLY","price":{"amount":20}}]}`
	addon := func(id, product, models string) string {
		return fmt.Sprintf(`{"id":%q,"productId":%q,"displayName":%q,"maxQuantity":5,"charges":{"pricingType":"PAID","pricingModels":[%s]},"entitlements":[{"id":"seats","usageLimit":2}]}`, id, product, id, models)
	}
	c.post(file+"/apply", fmt.Sprintf(`{"formatVersion":1,"features":[%s],"products":[
		{"id":"app","displayName":"App","productSettings":{"subscriptionEndSetup":"DOWNGRADE_TO_FREE","downgradePlanId":"app-free",
			"subscriptionCancellationTime":"END_OF_BILLING_PERIOD","subscriptionDowngradeTime":"END_OF_BILLING_PERIOD"}},
		{"id":"site","displayName":"Site","multipleSubscriptions":true},
		{"id":"side","displayName":"Side","productSettings":{"cancelWithProductIds":["app"]}}],
		"addons":[%s],"plans":[%s],"coupons":[{"id":"half","name":"Half","percentOff":50},{"id":"third","name":"Third","percentOff":33},
			{"id":"ten","name":"Ten","amountsOff":[{"amount":10,"currency":"usd"}],"durationInMonths":3}]}`,
		strings.Join(features, ","),
		strings.Join([]string{addon("app-extra", "app", price(5, 50)), addon("app-once", "app", price(1, 10)+","+once), addon("site-extra", "site", price(3, 31))}, ","),
		strings.Join(plans, ","))).want(200)
}
