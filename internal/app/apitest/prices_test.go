package apitest

import (
	"fmt"
	"testing"
)

// everyModel has one of each billing model, monthly.
const everyModel = `{"charges":{"pricingType":"PAID","pricingModels":[
	{"billingModel":"FLAT_FEE","pricePeriods":[{"billingPeriod":"MONTHLY","price":{"amount":49.99999,"currency":"eur"}},
		{"billingPeriod":"MONTHLY","billingCountryCode":"US","price":{"amount":55,"currency":"usd"}}]},
	{"billingModel":"FLAT_FEE","billingCadence":"ONE_OFF","pricePeriods":[{"billingPeriod":"MONTHLY","price":{"amount":100,"currency":"eur"}},
		{"billingPeriod":"MONTHLY","billingCountryCode":"US","price":{"amount":110}}]},
	{"billingModel":"PER_UNIT","featureId":"seats","minUnitQuantity":0,"maxUnitQuantity":500,"pricePeriods":[{"billingPeriod":"MONTHLY","price":{"amount":9.9,"currency":"eur"},"blockSize":5},
		{"billingPeriod":"MONTHLY","billingCountryCode":"US","price":{"amount":10},"blockSize":5}]},
	{"billingModel":"USAGE_BASED","featureId":"calls","tiersMode":"GRADUATED","resetPeriod":"MONTH","monthlyResetPeriodConfiguration":{"accordingTo":"StartOfTheMonth"},"pricePeriods":[
		{"billingPeriod":"MONTHLY","tiers":[{"upTo":5,"unitPrice":{"amount":20,"currency":"eur"},"flatPrice":{"amount":1,"currency":"eur"}},
			{"upTo":10,"unitPrice":{"amount":15,"currency":"eur"}},{"flatPrice":{"amount":3,"currency":"eur"}}]},
		{"billingPeriod":"MONTHLY","billingCountryCode":"US","tiers":[{"upTo":5,"unitPrice":{"amount":22}},{"upTo":10,"unitPrice":{"amount":16}},{"unitPrice":{"amount":0}}]}]},
	{"billingModel":"CREDIT_BASED","topUpCustomCurrencyId":"gems","minUnitQuantity":10,"pricePeriods":[
		{"billingPeriod":"MONTHLY","price":{"amount":0.01,"currency":"eur"},"creditGrantCadence":"BEGINNING_OF_BILLING_PERIOD"},
		{"billingPeriod":"MONTHLY","billingCountryCode":"US","price":{"amount":0.02},"creditGrantCadence":"MONTHLY"}]}],
	"minimumSpend":[{"billingPeriod":"MONTHLY","minimum":{"amount":20,"currency":"eur"}},{"billingPeriod":"MONTHLY","billingCountryCode":"US","minimum":{"amount":25}}],
	"overageBillingPeriod":"MONTHLY",
	"overagePricingModels":[{"billingModel":"USAGE_BASED","featureId":"spare","entitlement":{"featureId":"spare","usageLimit":100,"resetPeriod":"WEEK","weeklyResetPeriodConfiguration":{"accordingTo":"EveryMonday"}},
		"pricePeriods":[{"billingPeriod":"MONTHLY","blockSize":1000,"price":{"amount":0.4,"currency":"eur"}},{"billingPeriod":"MONTHLY","billingCountryCode":"US","blockSize":1000,"price":{"amount":0.5}}]}]}}`

// row finds the one charge with these members and returns the path to it.
func (a *answer) row(model, cadence, country string) string {
	a.t.Helper()
	v, _ := a.at("data")
	list, _ := v.([]any)
	found := ""
	for i, e := range list {
		m, _ := e.(map[string]any)
		if m["billingModel"] == model && m["billingCadence"] == cadence && (m["billingCountryCode"] == country || m["billingCountryCode"] == nil && country == "") {
			if found != "" {
				a.t.Errorf("%s: two rows of %s %s %s", a.call, model, cadence, country)
			}
			found = fmt.Sprintf("data.%d.", i)
		}
	}
	if found == "" {
		a.t.Fatalf("%s: no row of %s %s %s\n%s", a.call, model, cadence, country, a.raw)
	}
	return found
}

func eur(amount float64) map[string]any { return map[string]any{"amount": amount, "currency": "eur"} }

func usd(amount float64) map[string]any { return map[string]any{"amount": amount, "currency": "usd"} }

// Every billing model is kept as it was given, and is the same after publishing.
func TestEveryBillingModel(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.fill()
		s.patch(plans+"/draft", everyModel).want(200).has("data.pricingType", "PAID", "data.overageBillingPeriod", "MONTHLY")
		look := func(version string) {
			t.Helper()
			a := s.get(plans+"/draft/charges"+version).want(200).has("data.11.billingPeriod", "MONTHLY", "data.12", absent, "pagination.next", nil)
			at := func(model, cadence, country string, pairs ...any) {
				t.Helper()
				row := a.row(model, cadence, country)
				for i := 0; i < len(pairs); i += 2 {
					a.has(row+pairs[i].(string), pairs[i+1])
				}
			}
			at("FLAT_FEE", "RECURRING", "", "price", eur(49.99999), "billingPeriod", "MONTHLY", "featureId", nil, "tiers", nil, "blockSize", nil)
			at("FLAT_FEE", "RECURRING", "US", "price", usd(55))
			at("FLAT_FEE", "ONE_OFF", "", "price", eur(100))
			at("FLAT_FEE", "ONE_OFF", "US", "price", usd(110))
			at("PER_UNIT", "RECURRING", "", "price", eur(9.9), "featureId", "seats", "blockSize", 5, "minUnitQuantity", 0, "maxUnitQuantity", 500)
			at("PER_UNIT", "RECURRING", "US", "price", usd(10), "minUnitQuantity", 0, "maxUnitQuantity", 500)
			at("USAGE_BASED", "RECURRING", "", "featureId", "calls", "isOverage", false, "price", nil, "tiersMode", "GRADUATED", "resetPeriod", "MONTH",
				"resetPeriodConfiguration.accordingTo", "StartOfTheMonth", "tiers", []any{
					map[string]any{"upTo": 5, "unitPrice": eur(20), "flatPrice": eur(1)},
					map[string]any{"upTo": 10, "unitPrice": eur(15), "flatPrice": nil},
					map[string]any{"upTo": nil, "unitPrice": nil, "flatPrice": eur(3)},
				})
			at("USAGE_BASED", "RECURRING", "US", "tiers.2", map[string]any{"upTo": nil, "unitPrice": usd(0), "flatPrice": nil})
			at("CREDIT_BASED", "RECURRING", "", "price", eur(0.01), "topUpCustomCurrencyId", "gems", "creditGrantCadence", "BEGINNING_OF_BILLING_PERIOD", "minUnitQuantity", 10)
			at("CREDIT_BASED", "RECURRING", "US", "price", usd(0.02), "creditGrantCadence", "MONTHLY")
			at("MINIMUM_SPEND", "RECURRING", "", "price", eur(20))
			at("MINIMUM_SPEND", "RECURRING", "US", "price", usd(25))

			a = s.get(plans+"/draft/overage-charges"+version).want(200).has("data.2", absent)
			at("USAGE_BASED", "RECURRING", "", "featureId", "spare", "price", eur(0.4), "blockSize", 1000, "isOverage", true)
			at("USAGE_BASED", "RECURRING", "US", "price", usd(0.5), "billingPeriod", "MONTHLY")
			s.get(plans+"/draft/entitlements"+version).want(200).has("data.0.id", "spare", "data.0.usageLimit", 100, "data.0.hasSoftLimit", true,
				"data.0.resetPeriod", "WEEK", "data.0.resetPeriodConfiguration.accordingTo", "EveryMonday")
		}
		look("?version=draft")
		s.publish("draft")
		look("")
		s.get(features+"/spare").want(200).has("data.featureStatus", "ACTIVE") // charged and included: used

		// In pages they are the same, in one order.
		all := s.get(plans + "/draft/charges").want(200).column("id")
		var paged []string
		for cursor := ""; ; {
			a := s.get(plans + "/draft/charges?limit=5" + cursor).want(200)
			paged = append(paged, a.column("id")...)
			next, _ := a.at("pagination.next")
			if next == nil {
				break
			}
			cursor = "&after=" + next.(string)
		}
		if fmt.Sprint(all) != fmt.Sprint(paged) {
			t.Errorf("in pages %v, want %v", paged, all)
		}

		s.post(customers, provision("acme", "draft", `"billingCountryCode":"US"`)).want(201)
		s.check("acme", "spare").has("data.isGranted", true, "data.hasSoftLimit", true, "data.usageLimit", 100)

		s.post(plans+"/draft/draft", "").want(200)
		s.patch(plans+"/draft", `{"charges":{"pricingType":"FREE"}}`).want(200).has("data.overageBillingPeriod", nil) // the pricing is replaced as a whole
		s.get(plans+"/draft/charges?version=draft").want(200).has("data", []any{})
		s.get(plans+"/draft/overage-charges?version=draft").want(200).has("data", []any{})
		s.get(plans+"/draft/entitlements?version=draft").want(200).has("data.0.id", "spare", "data.0.hasSoftLimit", false) // nothing makes it soft any more
		s.del(plans + "/draft/entitlements/spare").want(200)
	})
}

// The country chooses the price (§3.8); an unknown one the default.
func TestCountryChoosesPrices(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.fill()
		s.patch(plans+"/draft", everyModel).want(200)
		s.publish("draft")
		for country, want := range map[string]struct {
			currency string
			flat     float64
		}{"US": {"usd", 55}, "DE": {"eur", 49.99999}, "": {"eur", 49.99999}} {
			more := []string{}
			if country != "" {
				more = append(more, `"billingCountryCode":"`+country+`"`)
			}
			a := s.post(customers, provision("acme"+country, "draft", more...)).want(201)
			flat := false
			for i := 0; ; i++ {
				row := fmt.Sprintf("data.subscription.prices.%d.", i)
				if _, ok := a.at(row + "currency"); !ok {
					break
				}
				a.has(row+"currency", want.currency)
				amount, _ := a.at(row + "amount")
				flat = flat || fmt.Sprint(amount) == fmt.Sprint(want.flat)
			}
			if !flat {
				t.Errorf("%q does not pay %v\n%s", country, want.flat, a.raw)
			}
		}
	})
}

func TestBadPrices(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.fill()
		const c, m0, m1 = "charges.", "charges.pricingModels[0].", "charges.pricingModels[1]"
		const monthly = `{"billingPeriod":"MONTHLY","price":{"amount":1}}`
		flat := func(periods string) string { return `{"billingModel":"FLAT_FEE","pricePeriods":[` + periods + `]}` }
		unit := func(more, periods string) string {
			return `{"billingModel":"PER_UNIT","featureId":"seats",` + more + `"pricePeriods":[` + periods + `]}`
		}
		tiers := func(period, list string) string { return `{"billingPeriod":"` + period + `","tiers":[` + list + `]}` }
		to := func(n string) string { return `{"upTo":` + n + `,"unitPrice":{"amount":1}}` }
		overage := func(model string) string {
			return `{"charges":{"pricingType":"PAID","overagePricingModels":[` + model + `]}}`
		}
		const open, tiered = `{"unitPrice":{"amount":1}}`, `"tiersMode":"VOLUME",`
		bad, rule := "BadUserInput", "InvalidArgumentError"
		list := []refusal{
			{"six decimals", "", "", charge(flat(`{"billingPeriod":"MONTHLY","price":{"amount":0.000001}}`)), 400, rule, []string{m0 + "pricePeriods[0].price.amount"}},
			{"less than nothing", "", "", charge(flat(`{"billingPeriod":"MONTHLY","price":{"amount":-0.01}}`)), 400, rule, []string{m0 + "pricePeriods[0].price.amount"}},
			{
				"usage by the year", "", "", charge(`{"billingModel":"USAGE_BASED","featureId":"calls","pricePeriods":[{"billingPeriod":"ANNUALLY","price":{"amount":1}}]}`),
				400, rule,
				[]string{m0 + "pricePeriods[0].billingPeriod"},
			},
			{
				"usage beside a year", "", "", charge(flat(monthly+`,{"billingPeriod":"ANNUALLY","price":{"amount":1}}`), `{"billingModel":"USAGE_BASED","featureId":"calls","pricePeriods":[`+monthly+`]}`),
				400, rule,
				[]string{m0 + "pricePeriods[1].billingPeriod"},
			},
			{"a second default", "", "", charge(flat(monthly + `,` + monthly)), 400, rule, []string{m0 + "pricePeriods[1]"}},
			{
				"a second in a country", "", "", charge(flat(monthly + `,{"billingPeriod":"MONTHLY","billingCountryCode":"DE","price":{"amount":1}},{"billingPeriod":"MONTHLY","billingCountryCode":"DE","price":{"amount":2}}`)),
				400, rule,
				[]string{m0 + "pricePeriods[2]"},
			},
			{"no default", "", "", charge(flat(`{"billingPeriod":"MONTHLY","billingCountryCode":"DE","price":{"amount":1}}`)), 400, rule, []string{m0 + "pricePeriods[0].billingCountryCode"}},
			{"two flat fees", "", "", charge(flat(monthly), flat(monthly)), 400, rule, []string{m1}},
			{"two currencies", "", "", charge(flat(monthly), unit("", `{"billingPeriod":"MONTHLY","price":{"amount":1,"currency":"eur"}}`)), 400, rule, []string{m1 + ".pricePeriods[0]"}},
			{"two currencies in a country", "", "", charge(flat(monthly+`,{"billingPeriod":"MONTHLY","billingCountryCode":"DE","price":{"amount":1,"currency":"eur"}}`), unit("", monthly)), 400, rule, nil},
			{
				"spend in another currency", "", "", `{"charges":{"pricingType":"PAID","pricingModels":[` + flat(monthly) + `],"minimumSpend":[{"billingPeriod":"MONTHLY","minimum":{"amount":5,"currency":"eur"}}]}}`,
				400, rule,
				[]string{c + "minimumSpend[0]"},
			},
			{"no such country", "", "", charge(flat(monthly + `,{"billingPeriod":"MONTHLY","billingCountryCode":"XX","price":{"amount":1}}`)), 400, bad, []string{m0 + "pricePeriods[1].billingCountryCode"}},
			{"no such currency", "", "", charge(flat(`{"billingPeriod":"MONTHLY","price":{"amount":1,"currency":"xxx"}}`)), 400, bad, []string{m0 + "pricePeriods[0].price.currency"}},
			{"no price", "", "", charge(flat(`{"billingPeriod":"MONTHLY"}`)), 400, rule, []string{m0 + "pricePeriods[0].price"}},
			{"no periods", "", "", charge(flat("")), 400, bad, []string{m0 + "pricePeriods"}},
			{"no feature", "", "", charge(`{"billingModel":"PER_UNIT","pricePeriods":[` + monthly + `]}`), 400, rule, []string{m0 + "featureId"}},
			{"a feature of a flat fee", "", "", charge(`{"billingModel":"FLAT_FEE","featureId":"seats","pricePeriods":[` + monthly + `]}`), 400, rule, []string{m0 + "featureId"}},
			{"usage once", "", "", charge(`{"billingModel":"USAGE_BASED","featureId":"calls","billingCadence":"ONE_OFF","pricePeriods":[` + monthly + `]}`), 400, rule, []string{m0 + "billingCadence"}},
			{"credits of nothing", "", "", charge(`{"billingModel":"CREDIT_BASED","pricePeriods":[` + monthly + `]}`), 400, rule, []string{m0 + "topUpCustomCurrencyId"}},
			{"too many units", "", "", charge(unit(`"maxUnitQuantity":1000000,`, monthly)), 400, rule, []string{m0 + "maxUnitQuantity"}},
			{"least above most", "", "", charge(unit(`"minUnitQuantity":6,"maxUnitQuantity":5,`, monthly)), 400, rule, []string{m0 + "maxUnitQuantity"}},
			{"empty blocks", "", "", charge(unit("", `{"billingPeriod":"MONTHLY","price":{"amount":1},"blockSize":0}`)), 400, rule, []string{m0 + "pricePeriods[0].blockSize"}},
			{"price and tiers", "", "", charge(unit(tiered, `{"billingPeriod":"MONTHLY","price":{"amount":1},"tiers":[`+open+`]}`)), 400, rule, []string{m0 + "pricePeriods[0].tiers"}},
			{"tiers without mode", "", "", charge(unit("", tiers("MONTHLY", open))), 400, rule, []string{m0 + "pricePeriods[0].tiers"}},
			{"mode without tiers", "", "", charge(unit(tiered, monthly)), 400, rule, []string{m0 + "pricePeriods[0].tiers"}},
			{"tiers that end", "", "", charge(unit(tiered, tiers("MONTHLY", to("5")+","+to("10")))), 400, rule, []string{m0 + "pricePeriods[0].tiers[1].upTo"}},
			{"tiers that fall", "", "", charge(unit(tiered, tiers("MONTHLY", to("5")+","+to("5")+","+open))), 400, rule, []string{m0 + "pricePeriods[0].tiers[1].upTo"}},
			{"an open tier inside", "", "", charge(unit(tiered, tiers("MONTHLY", open+","+open))), 400, rule, []string{m0 + "pricePeriods[0].tiers[0].upTo"}},
			{"a tier for nothing", "", "", charge(unit(tiered, tiers("MONTHLY", `{"upTo":5},`+open))), 400, rule, []string{m0 + "pricePeriods[0].tiers[0]"}},
			{"tiers in two currencies", "", "", charge(unit(tiered, tiers("MONTHLY", to("5")+`,{"unitPrice":{"amount":1,"currency":"eur"}}`))), 400, rule, []string{m0 + "pricePeriods[0].tiers[1].unitPrice.currency"}},
			{"six decimals in a tier", "", "", charge(unit(tiered, tiers("MONTHLY", `{"unitPrice":{"amount":1.000001}}`))), 400, rule, []string{m0 + "pricePeriods[0].tiers[0].unitPrice.amount"}},
			{"other boundaries by the year", "", "", charge(unit(tiered, tiers("MONTHLY", to("5")+","+open)+","+tiers("ANNUALLY", to("6")+","+open))), 400, rule, []string{m0 + "pricePeriods[1].tiers"}},
			{"more tiers by the year", "", "", charge(unit(tiered, tiers("MONTHLY", to("5")+","+open)+","+tiers("ANNUALLY", to("5")+","+to("6")+","+open))), 400, rule, []string{m0 + "pricePeriods[1].tiers"}},
			{"prices of a free plan", "", "", `{"charges":{"pricingType":"FREE","pricingModels":[` + flat(monthly) + `]}}`, 400, rule, []string{c + "pricingModels"}},
			{
				"prices of a custom plan", "", "", `{"charges":{"pricingType":"CUSTOM","pricingModels":[` + flat(monthly) + `],"minimumSpend":[{"billingPeriod":"MONTHLY","minimum":{"amount":5}}]}}`,
				400, rule,
				[]string{c + "pricingModels", c + "minimumSpend"},
			},
			{
				"two minimum spends", "", "", `{"charges":{"pricingType":"PAID","minimumSpend":[{"billingPeriod":"MONTHLY","minimum":{"amount":5}},{"billingPeriod":"MONTHLY","minimum":{"amount":6}}]}}`,
				400, rule,
				[]string{c + "minimumSpend[1]"},
			},
			{"overage of nothing", "", "", overage(`{"billingModel":"USAGE_BASED","featureId":"spare","pricePeriods":[` + monthly + `]}`), 400, rule, []string{c + "overagePricingModels[0].entitlement"}},
			{
				"overage by unit", "", "", overage(`{"billingModel":"PER_UNIT","featureId":"spare","entitlement":{"featureId":"spare","usageLimit":1},"pricePeriods":[` + monthly + `]}`),
				400, rule,
				[]string{c + "overagePricingModels[0].billingModel"},
			},
			{"overage of no end", "", "", overage(`{"billingModel":"USAGE_BASED","featureId":"spare","entitlement":{"featureId":"spare","usageLimit":1,"hasUnlimitedUsage":true},"pricePeriods":[` + monthly + `]}`), 400, rule, nil},
			{"period of no overage", "", "", `{"charges":{"pricingType":"PAID","overageBillingPeriod":"MONTHLY","pricingModels":[` + flat(monthly) + `]}}`, 400, rule, []string{c + "overageBillingPeriod"}},
			{"no type", "", "", `{"charges":{"pricingModels":[]}}`, 400, bad, []string{c + "pricingType"}},
			{
				"shapes", "", "", charge(`{"billingModel":"BARTER","billingCadence":"TWICE","tiersMode":"STEPS","pricePeriods":[{"billingPeriod":"DAILY","price":{"amount":"1"}}]}`), 400, bad,
				[]string{m0 + "billingModel", m0 + "billingCadence", m0 + "tiersMode", m0 + "pricePeriods[0].billingPeriod", m0 + "pricePeriods[0].price.amount"},
			},
		}
		for i := range list {
			list[i].method, list[i].path = "PATCH", plans+"/draft"
		}
		s.refuseAll(list)
		s.get(plans+"/draft").want(200).has("data.pricingType", nil)
		s.get(plans+"/draft/charges?version=draft").want(200).has("data", []any{})
		s.get(features+"/spare").want(200).has("data.featureStatus", "ACTIVE")
	})
}

// An add-on has prices of every model too, but no overage route.
func TestAddonCharges(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.fill()
		s.patch(addOns+"/bare", charge(`{"billingModel":"FLAT_FEE","billingCadence":"ONE_OFF","pricePeriods":[{"billingPeriod":"MONTHLY","price":{"amount":7.5}}]}`,
			`{"billingModel":"PER_UNIT","featureId":"spare","pricePeriods":[{"billingPeriod":"MONTHLY","price":{"amount":2}}]}`)).want(200)
		a := s.get(addOns+"/bare/charges").want(200).has("data.2", absent)
		a.has(a.row("FLAT_FEE", "ONE_OFF", "")+"price", usd(7.5), a.row("PER_UNIT", "RECURRING", "")+"featureId", "spare")
		s.post(addOns+"/bare/publish", `{}`).want(200).has("data.taskId", nil)
		s.get(addOns+"/bare").want(200).has("data.status", "PUBLISHED", "data.pricingType", "PAID", "data.maxQuantity", nil, "data.dependencies", []any{})
	})
}

// What is paid once is no base charge.
func TestOneBaseCharge(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.fill()
		s.patch(plans+"/draft", everyModel).want(200)
		s.publish("draft")
		a := s.post(customers, provision("acme", "draft")).want(201)
		flat := 0
		for i := range 7 {
			if base, _ := a.at(fmt.Sprintf("data.subscription.prices.%d.baseCharge", i)); base == true {
				flat++
			}
		}
		if flat != 1 {
			t.Errorf("%d base charges, one of them is paid once\n%s", flat, a.raw)
		}
	})
}
