package apitest

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

const (
	subs     = "/api/v1/subscriptions"
	monthEnd = "END_OF_BILLING_PERIOD"
)

// april has 30 days, so its days are thirtieths.
var april = time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)

func aprilDay(n int) time.Time { return april.AddDate(0, 0, n) }

// flat is a flat fee: a month and a year, without a currency or country usd for all, then "JP 3000 30000 jpy".
func flat(month, year string, local ...string) string {
	row := func(period, amount, country, currency string) string {
		if country != "" {
			country = fmt.Sprintf(`"billingCountryCode":%q,`, country)
		}
		return fmt.Sprintf(`{"billingPeriod":%q,%s"price":{"amount":%s,"currency":%q}}`, period, country, amount, currency)
	}
	rows := []string{row("MONTHLY", month, "", "usd")}
	if year != "" {
		rows = append(rows, row("ANNUALLY", year, "", "usd"))
	}
	for _, l := range local {
		f := strings.Fields(l)
		rows = append(rows, row("MONTHLY", f[1], f[0], f[2]))
	}
	return `{"billingModel":"FLAT_FEE","pricePeriods":[` + strings.Join(rows, ",") + `]}`
}

// unit is a charge per unit of a feature; more are members of it.
func unit(feature, month, year, more string) string {
	return fmt.Sprintf(`{"billingModel":"PER_UNIT","featureId":%q,%s"pricePeriods":[{"billingPeriod":"MONTHLY","price":{"amount":%s}},{"billingPeriod":"ANNUALLY","price":{"amount":%s}}]}`,
		feature, more, month, year)
}

func paid(models ...string) string {
	return `"charges":{"pricingType":"PAID","pricingModels":[` + strings.Join(models, ",") + `]}`
}

// studio is a catalog for the life of subscriptions.
var studio = `{"formatVersion":1,
	"features":[
		{"id":"sso","displayName":"SSO","featureType":"BOOLEAN"},
		{"id":"seats","displayName":"Seats","featureType":"NUMBER","meterType":"FLUCTUATING"},
		{"id":"space","displayName":"Space","featureType":"NUMBER","meterType":"FLUCTUATING"}],
	"products":[
		{"id":"extras","displayName":"Extras","productSettings":{"cancelWithProductIds":["studio"]}},
		{"id":"rooms","displayName":"Rooms","multipleSubscriptions":true},
		{"id":"studio","displayName":"Studio","planOrder":["free","basic","pro","team","agreed","bespoke"]}],
	"addons":[
		{"id":"boost","productId":"studio","displayName":"Boost","maxQuantity":4,` + paid(flat("5", "50")) + `,"entitlements":[{"id":"space","usageLimit":10}]},
		{"id":"needs","productId":"studio","displayName":"Needs","dependencies":["boost"],` + paid(flat("3", "30")) + `},
		{"id":"odd","productId":"studio","displayName":"Odd",` + paid(flat("3", "30")) + `},
		{"id":"setup","productId":"studio","displayName":"Set-up",` + paid(`{"billingModel":"FLAT_FEE","billingCadence":"ONE_OFF","pricePeriods":[{"billingPeriod":"MONTHLY","price":{"amount":100}},{"billingPeriod":"ANNUALLY","price":{"amount":100}}]}`) + `},
		{"id":"tailor","productId":"studio","displayName":"Tailor","charges":{"pricingType":"CUSTOM"},"entitlements":[{"id":"space","usageLimit":7}]}],
	"plans":[
		{"id":"free","productId":"studio","displayName":"Free","charges":{"pricingType":"FREE"},"entitlements":[{"id":"seats","usageLimit":1}]},
		{"id":"basic","productId":"studio","displayName":"Basic","compatibleAddonIds":["boost","needs","setup"],` +
	paid(flat("30", "300")) + `,"entitlements":[{"id":"seats","usageLimit":5}]},
		{"id":"pro","productId":"studio","displayName":"Pro","compatibleAddonIds":["boost","needs","setup"],` +
	paid(flat("90", "900")) + `,"entitlements":[{"id":"seats","usageLimit":20},{"id":"sso"}]},
		{"id":"near","productId":"studio","displayName":"Near",` + paid(flat("30", "", "JP 3000 jpy", "KW 9.125 kwd")) + `},
		{"id":"far","productId":"studio","displayName":"Far",` + paid(flat("90", "", "JP 10000 jpy", "KW 27.555 kwd")) + `},
		{"id":"heir","productId":"studio","displayName":"Heir","parentPlanId":"basic",` + paid(flat("20", "200")) + `},
		{"id":"team","productId":"studio","displayName":"Team","compatibleAddonIds":["boost"],` +
	paid(unit("seats", "10", "100", `"minUnitQuantity":2,"maxUnitQuantity":100,`)) + `,"entitlements":[{"id":"seats","usageLimit":3}]},
		{"id":"squad","productId":"studio","displayName":"Squad",` +
	paid(unit("seats", "20", "200", `"minUnitQuantity":2,"maxUnitQuantity":50,`)) + `,"entitlements":[{"id":"seats","usageLimit":3}]},
		{"id":"elastic","productId":"studio","displayName":"Elastic",` +
	paid(unit("seats", "10", "100", ""), unit("space", "1", "10", `"minUnitQuantity":0,`)) + `,"entitlements":[{"id":"seats","usageLimit":1},{"id":"space","usageLimit":1}]},
		{"id":"floor","productId":"studio","displayName":"Floor",` + paid(flat("10", ""), `{"billingModel":"MINIMUM_SPEND","pricePeriods":[{"billingPeriod":"MONTHLY","price":{"amount":50}}]}`) + `},
		{"id":"try","productId":"studio","displayName":"Try","defaultTrialConfig":{"duration":10,"units":"DAY"},"compatibleAddonIds":["boost"],` + paid(flat("40", "400")) + `,"entitlements":[{"id":"seats","usageLimit":9}]},
		{"id":"keep","productId":"studio","displayName":"Keep","defaultTrialConfig":{"duration":10,"units":"DAY","trialEndBehavior":"CONVERT_TO_PAID"},` + paid(flat("40", "400")) + `,"entitlements":[{"id":"seats","usageLimit":9}]},
		{"id":"spend","productId":"studio","displayName":"Spend","defaultTrialConfig":{"duration":0,"units":"DAY","budget":{"limit":20,"hasSoftLimit":false}},` + paid(flat("40", "")) + `},
		{"id":"agreed","productId":"studio","displayName":"Agreed","compatibleAddonIds":["tailor","boost"],"charges":{"pricingType":"CUSTOM"},
			"entitlements":[{"id":"seats","isCustom":true},{"id":"sso"}]},
		{"id":"bespoke","productId":"studio","displayName":"Bespoke","charges":{"pricingType":"CUSTOM"},"entitlements":[{"id":"sso"}]},
		{"id":"sketch","productId":"studio","displayName":"Sketch","status":"DRAFT"},
		{"id":"extra","productId":"extras","displayName":"Extra",` + paid(flat("15", "150")) + `},
		{"id":"room","productId":"rooms","displayName":"Room",` + paid(flat("20", "200")) + `,"entitlements":[{"id":"space","usageLimit":50}]},
		{"id":"hall","productId":"rooms","displayName":"Hall",` + paid(flat("60", "600")) + `,"entitlements":[{"id":"space","usageLimit":200}]},
		{"id":"porch","productId":"rooms","displayName":"Porch","charges":{"pricingType":"FREE"}}],
	"coupons":[
		{"id":"all","name":"All","percentOff":100},
		{"id":"half","name":"Half","percentOff":50},
		{"id":"ten","name":"Ten","amountsOff":[{"amount":10,"currency":"usd"}],"durationInMonths":2},
		{"id":"yen","name":"Yen","amountsOff":[{"amount":500,"currency":"jpy"}]}]}`

// eachStudio runs a test in April with the studio's catalog and the customer acme.
func eachStudio(t *testing.T, fn func(t *testing.T, s *server)) {
	t.Helper()
	each(t, func(t *testing.T, s *server) {
		s.post(file+"/apply", studio).want(200)
		s.moveTo(april)
		s.join("acme")
		fn(t, s)
		s.sound()
	})
}

func (c caller) join(list ...string) {
	c.t.Helper()
	for _, id := range list {
		c.post(customers, fmt.Sprintf(`{"id":%q}`, id)).want(201)
	}
}

// asked is the body that subscribes acme to a plan for months, unless more says something else: more are members.
func asked(plan string, more ...string) string { return askedBy("acme", plan, more...) }

func askedBy(customer, plan string, more ...string) string {
	rest := strings.Join(more, ",")
	if !strings.Contains(rest, `"billingPeriod"`) && !strings.Contains("free agreed bespoke porch", plan) {
		more = append(more, `"billingPeriod":"MONTHLY"`)
	}
	return fmt.Sprintf(`{"customerId":%q,"planId":%q%s}`, customer, plan, strings.Join(append([]string{""}, more...), ","))
}

// takes subscribes acme to a plan and returns the subscription's id.
func (c caller) takes(plan string, more ...string) string {
	c.t.Helper()
	return c.post(subs, asked(plan, more...)).want(201).has("data.status", "SUCCESS").text("data.id")
}

// change is a PATCH of a subscription.
func (c caller) changes(sub, body string) *answer {
	c.t.Helper()
	return c.patch(subs+"/"+sub, body).want(200)
}

func (c caller) shows(sub string, pairs ...any) *answer {
	c.t.Helper()
	return c.get(subs + "/" + sub).want(200).has(pairs...)
}

// cancels is a POST of a cancellation.
func (c caller) cancels(sub, body string) *answer {
	c.t.Helper()
	return c.post(subs+"/"+sub+"/cancel", body).want(200)
}

func (c caller) settings(product, members string) {
	c.t.Helper()
	c.patch(products+"/"+product, `{"productSettings":{`+members+`}}`).want(200)
}

const lessLater = `"subscriptionDowngradeTime":"END_OF_BILLING_PERIOD"`

// lastInvoice is the invoice of the newest history row of a subscription that has one.
func (c caller) lastInvoice(sub string) map[string]any {
	c.t.Helper()
	a := c.get(subs + "/" + sub + "/history").want(200)
	rows, _ := a.at("data")
	var last map[string]any
	for _, r := range rows.([]any) {
		if inv, ok := r.(map[string]any)["invoice"].(map[string]any); ok {
			last = inv
		}
	}
	return last
}

// cost checks the newest invoice of a subscription: pairs of a member and its value.
func (c caller) cost(sub string, pairs ...any) {
	c.t.Helper()
	inv := c.lastInvoice(sub)
	if inv == nil {
		c.t.Errorf("%s has no invoice", sub)
		return
	}
	(&answer{t: c.t, call: "invoice of " + sub, tree: any(inv), raw: []byte(encode(inv))}).has(pairs...)
}

// invoices counts the history rows with an invoice.
func (c caller) invoices(sub string) (n int) {
	c.t.Helper()
	rows, _ := c.get(subs + "/" + sub + "/history").want(200).at("data")
	for _, r := range rows.([]any) {
		if r.(map[string]any)["invoice"] != nil {
			n++
		}
	}
	return n
}

// lines are the amounts of the lines of the newest invoice.
func (c caller) lines(sub string, want ...float64) {
	c.t.Helper()
	inv := c.lastInvoice(sub)
	got := []float64{}
	if inv != nil {
		for _, l := range inv["lines"].([]any) {
			got = append(got, l.(map[string]any)["subTotal"].(float64))
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		c.t.Errorf("the lines of %s are %v, want %v\n%s", sub, got, want, encode(inv))
	}
}

// balance checks what a customer has paid too much: "30 usd".
func (c caller) balance(customer string, want ...string) {
	c.t.Helper()
	a := c.get(customers + "/" + customer).want(200)
	list, _ := a.at("data.balance")
	got := []string{}
	for _, m := range list.([]any) {
		got = append(got, fmt.Sprint(m.(map[string]any)["amount"], " ", m.(map[string]any)["currency"]))
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		c.t.Errorf("%s has a balance of %v, want %v", customer, got, want)
	}
}

// scheduled checks the future updates: "UNIT_AMOUNT SCHEDULED 2026-05-01".
func (a *answer) scheduled(want ...string) *answer {
	a.t.Helper()
	list, _ := a.at("data.futureUpdates")
	if list == nil {
		list, _ = a.at("data.subscription.futureUpdates")
	}
	got := []string{}
	for _, f := range list.([]any) {
		m := f.(map[string]any)
		got = append(got, fmt.Sprint(m["subscriptionScheduleType"], " ", m["scheduleStatus"], " ", m["scheduledExecutionTime"].(string)[:10]))
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		a.t.Errorf("%s: scheduled is %q, want %q\n%s", a.call, got, want, a.raw)
	}
	return a
}

func seats(n int) string {
	return fmt.Sprintf(`"charges":[{"id":"seats","type":"FEATURE","quantity":%d}]`, n)
}

func TestStudioApplies(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {})
}
