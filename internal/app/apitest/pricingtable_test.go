package apitest

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const pricingTable = "/api/v1/pricing-table"

// offered are the plans of a pricing table in their order.
func (a *answer) offered() []string {
	a.t.Helper()
	v, _ := a.want(200).at("data.plans")
	list, ok := v.([]any)
	if !ok {
		a.t.Fatalf("%s: no plans\n%s", a.call, a.raw)
	}
	out := []string{}
	for i := range list {
		out = append(out, a.text(fmt.Sprintf("data.plans.%d.id", i)))
	}
	return out
}

func TestPricingTable(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.fill()
		order := func(c caller, want ...string) {
			t.Helper()
			if d := cmp.Diff(want, c.get(pricingTable+"?productId=shop").offered()); d != "" {
				t.Errorf("plans (-want +got):\n%s", d)
			}
		}
		// Free ones first, then by price (two costs 200 a year, gold 246), custom ones last; drafts are absent.
		for _, c := range []caller{s.caller, s.client} {
			order(c, "base", "child", "two", "gold", "vip")
		}
		a := s.client.get(pricingTable+"?productId=shop").want(200).has("data.product.id", "shop", "data.product.displayName", "Shop")
		a.has("data.plans.3.id", "gold", "data.plans.3.pricingType", "PAID", "data.plans.3.compatibleAddonIds", []string{"cap", "cap-more", "extra", "needy"},
			"data.plans.3.prices.0.price", usd(20), "data.plans.3.addons.2.id", "extra", "data.plans.3.addons.2.maxQuantity", 3, "data.plans.3.addons.2.prices.0.price", usd(5),
			"data.plans.3.addons.2.entitlements.0.id", "seats", "data.plans.3.addons.2.entitlements.0.usageLimit", 2,
			"data.plans.3.addons.3.dependencies", []string{"extra"}, "data.plans.3.addons.4", absent)
		a.has("data.plans.3.entitlements.0.id", "calls", "data.plans.3.entitlements.0.usageLimit", 1000, "data.plans.3.entitlements.0.feature.displayName", "Calls",
			"data.plans.3.entitlements.0.feature.unitTransformation.divide", 1000, "data.plans.3.entitlements.3", absent)
		// A child shows what it inherits, and from whom.
		a.has("data.plans.1.id", "child", "data.plans.1.entitlements.0.id", "calls", "data.plans.1.entitlements.0.inheritedFromPlanId", nil,
			"data.plans.1.entitlements.1.id", "reports", "data.plans.1.entitlements.1.inheritedFromPlanId", "base",
			"data.plans.1.entitlements.2.usageLimit", 5, "data.plans.1.entitlements.3", absent)

		s.patch(products+"/shop", `{"planOrder":["vip","gold"]}`).want(200)
		order(s.client, "vip", "gold", "base", "child", "two")
		s.patch(products+"/shop", `{"planOrder":["vip","none"]}`).refused(404, "PlanNotFound", "planOrder[1]")
		s.patch(products+"/shop", `{"planOrder":null}`).want(200)
		s.patch(plans+"/two", `{"hiddenFromWidgets":["PAYWALL"]}`).want(200)
		s.patch(plans+"/child", `{"hiddenFromWidgets":["CHECKOUT"]}`).want(200) // that is another widget
		order(s.client, "base", "child", "gold", "vip")
		order(s.caller, "base", "child", "gold", "vip")
		s.client.get(plans+"/two").refused(404, "PlanNotFound")
		s.client.get(plans+"/two/charges").refused(404, "PlanNotFound")
		s.client.get(plans+"/two/entitlements").refused(404, "PlanNotFound")
		s.client.get(plans+"/base?version=draft").refused(403, "IdentityForbidden")
		s.client.get(plans+"/draft").refused(404, "PlanNotFound")
		s.post(customers, provision("acme", "two", `"billingPeriod":"MONTHLY"`)).want(201) // a server key sells it all the same

		s.post(plans+"/vip/archive", "").want(200)
		s.post(addOns+"/cap/archive", "").want(200)
		order(s.client, "base", "child", "gold")
		s.client.get(pricingTable+"?productId=shop").want(200).has("data.plans.2.compatibleAddonIds", []string{"cap-more", "extra", "needy"}, "data.plans.2.addons.0.id", "cap-more")
		s.patch(addOns+"/extra", `{"hiddenFromWidgets":["PAYWALL"]}`).want(200)
		s.client.get(pricingTable+"?productId=shop").want(200).has("data.plans.2.addons.1.id", "needy", "data.plans.2.addons.2", absent)
		s.browser.get(pricingTable+"?productId=shop").refused(404, "ProductNotFound") // the other environment
	})
}

// What is hidden from the paywall is not shown, whoever gives it.
func TestPricingTableHidesEntitlements(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.fill()
		s.post(plans+"/gold/draft", "").want(200)
		s.patch(plans+"/gold/entitlements/seats", `{"type":"FEATURE","hiddenFromWidgets":["PAYWALL"],"usageLimit":77}`).want(200)
		s.get(pricingTable+"?productId=shop").want(200).has("data.plans.3.entitlements.2.usageLimit", 10) // not before it is published
		s.publish("gold")
		s.client.get(pricingTable+"?productId=shop").want(200).has("data.plans.3.id", "gold", "data.plans.3.entitlements.1.id", "region", "data.plans.3.entitlements.2", absent)
		s.client.get(plans+"/gold/entitlements").want(200).has("data.1.id", "region", "data.2", absent)
		s.get(plans+"/gold/entitlements").want(200).has("data.2.id", "seats", "data.2.hiddenFromWidgets", []string{"PAYWALL"})
	})
}

func TestPricingTableIsCached(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.fill()
		const path = pricingTable + "?productId=shop"
		a := s.client.get(path).want(200)
		tag := a.etag()
		if s.client.get(path).want(200).etag() != tag || s.get(path).want(200).etag() != tag {
			t.Error("one table has two ETags")
		}
		unchanged := func(header string) {
			t.Helper()
			b := s.client.send("GET", path, "", "If-None-Match", header)
			if b.status != 304 || len(b.raw) != 0 || b.head.Get("ETag") != tag {
				t.Errorf("If-None-Match %s: %d, ETag %s, %q", header, b.status, b.head.Get("ETag"), b.raw)
			}
		}
		for _, header := range []string{tag, "W/" + tag, `"other", ` + tag, "*"} {
			unchanged(header)
		}
		s.client.get(path, "If-None-Match", `"other"`).want(200)
		s.client.get(path+"&country=DE", "If-None-Match", `"other"`).want(200)

		s.post(plans+"/gold/draft", "").want(200)
		s.patch(plans+"/gold", `{"displayName":"Golden"}`).want(200)
		unchanged(tag) // a draft is not shown
		s.publish("gold")
		b := s.client.get(path, "If-None-Match", tag).want(200).has("data.plans.3.displayName", "Golden")
		if b.etag() == tag {
			t.Error("the ETag is still the same")
		}
		for _, change := range []func(){
			func() { s.patch(features+"/seats", `{"displayName":"Chairs"}`).want(200) },
			func() { s.patch(products+"/shop", `{"displayName":"Store"}`).want(200) },
			func() { s.patch(plans+"/gold", `{"metadata":{"k":"v"}}`).want(200) },
			func() { s.patch(plans+"/two", `{"hiddenFromWidgets":["PAYWALL"]}`).want(200) },
		} {
			old := b.etag()
			change()
			if b = s.client.get(path, "If-None-Match", old).want(200); b.etag() == old {
				t.Error("the ETag is still the same")
			}
		}
	})
}

func TestPricingTableInCountries(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.fill()
		local := func(amount, german int) string {
			return fmt.Sprintf(`{"charges":{"pricingType":"PAID","pricingModels":[{"billingModel":"FLAT_FEE","pricePeriods":[{"billingPeriod":"MONTHLY","price":{"amount":%d}},
				{"billingPeriod":"MONTHLY","billingCountryCode":"DE","price":{"amount":%d,"currency":"eur"}}]}]}}`, amount, german)
		}
		s.post(plans, `{"id":"local","displayName":"Local","productId":"club"}`).want(201)
		s.patch(plans+"/local", local(30, 27)).want(200)
		s.post(addOns, `{"id":"local-more","displayName":"More","productId":"club"}`).want(201)
		s.patch(addOns+"/local-more", local(3, 2)).want(200)
		s.post(addOns+"/local-more/publish", `{}`).want(200)
		s.patch(plans+"/local", `{"compatibleAddonIds":["local-more"]}`).want(200)
		s.publish("local")
		for query, want := range map[string][2]any{
			"": {usd(30), usd(3)}, "&country=US": {usd(30), usd(3)}, "&country=DE": {eur(27), eur(2)}, "&currency=eur": {eur(27), eur(2)}, "&currency=usd": {usd(30), usd(3)},
			"&country=DE&currency=eur": {eur(27), eur(2)}, "&currency=gbp": {usd(30), usd(3)}, "&country=&currency=": {usd(30), usd(3)},
		} {
			s.client.get(pricingTable+"?productId=club"+query).want(200).has("data.plans.2.id", "local", "data.plans.2.prices.0.price", want[0], "data.plans.2.prices.1", absent,
				"data.plans.2.addons.0.prices.0.price", want[1], "data.plans.2.addons.0.prices.1", absent)
		}
		s.client.get(pricingTable+"?productId=club&country=XX&currency=EUR").refused(400, "BadUserInput", "country", "currency")
		s.client.get(pricingTable+"?productId=club&country=de").refused(400, "BadUserInput", "country")
		s.client.get(pricingTable+"?productId=club&currency=zzz").refused(400, "BadUserInput", "currency")
		s.client.get(pricingTable+"?product=club&limit=5").refused(400, "BadUserInput", "product", "limit")
		s.client.get(pricingTable+"?productId=club&productId=shop").refused(400, "BadUserInput", "productId")
		s.client.get(pricingTable+"?productId=none").refused(404, "ProductNotFound")
		s.with("").get(pricingTable+"?productId=club").refused(401, "Unauthenticated")
		s.post(products+"/club/archive", "").want(200)
		s.client.get(pricingTable+"?productId=club").refused(404, "ProductNotFound")
	})
}

// In a country that only the add-on has prices for, both are in the plan's currency, as the table says.
func TestAddonInACountryThatThePlanDoesNotHave(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.fill()
		s.post(addOns+"/extra/draft", "").want(200)
		s.patch(addOns+"/extra", `{"charges":{"pricingType":"PAID","pricingModels":[{"billingModel":"FLAT_FEE","pricePeriods":[{"billingPeriod":"MONTHLY","price":{"amount":5}},
			{"billingPeriod":"MONTHLY","billingCountryCode":"DE","price":{"amount":4,"currency":"eur"}}]}]}}`).want(200)
		s.post(addOns+"/extra/publish", `{}`).want(200)
		s.get(pricingTable+"?productId=shop&country=DE").has("data.plans.3.addons.2.prices.0.price", usd(5))
		s.post(customers, provision("acme", "gold", addons("extra", 1), `"billingCountryCode":"DE"`)).want(201)
	})
}
