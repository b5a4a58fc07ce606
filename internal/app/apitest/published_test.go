package apitest

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// anyCatalogWrite draws a write to a package, which may well be refused.
func anyCatalogWrite(t *rapid.T) (method, path, body string) {
	path = rapid.SampledFrom([]string{plans + "/gold", plans + "/base", addOns + "/extra"}).Draw(t, "package")
	n := rapid.IntRange(0, 9).Draw(t, "n")
	row := path + "/entitlements/" + rapid.SampledFrom([]string{"seats", "calls", "region", "reports", "depth"}).Draw(t, "feature")
	switch rapid.SampledFrom([]string{"draft", "discard", "name", "price", "free", "links", "grant", "change", "revoke", "publish", "archive", "unarchive"}).Draw(t, "write") {
	case "draft":
		return "POST", path + "/draft", ""
	case "discard":
		return "DELETE", path + "/draft", ""
	case "name":
		return "PATCH", path, fmt.Sprintf(`{"displayName":"Name %d"}`, n)
	case "price":
		return "PATCH", path, fmt.Sprintf(`{"charges":{"pricingType":"PAID","pricingModels":[{"billingModel":"FLAT_FEE","pricePeriods":[{"billingPeriod":"MONTHLY","price":{"amount":%d}}]}]}}`, n)
	case "free":
		return "PATCH", path, `{"charges":{"pricingType":"FREE"}}`
	case "links":
		return "PATCH", path, rapid.SampledFrom([]string{`{"compatibleAddonIds":["cap"]}`, `{"parentPlanId":"base"}`, `{"parentPlanId":null}`, `{"dependencies":["cap"]}`}).Draw(t, "links")
	case "grant":
		return "POST", path + "/entitlements", fmt.Sprintf(`{"entitlements":[{"type":"FEATURE","id":"depth","usageLimit":%d}]}`, n)
	case "change":
		return "PATCH", row, fmt.Sprintf(`{"type":"FEATURE","usageLimit":%d,"hasSoftLimit":true}`, n)
	case "revoke":
		return "DELETE", row, ""
	case "publish":
		return "POST", path + "/publish", `{}`
	case "archive":
		return "POST", path + "/archive", ""
	}
	return "POST", path + "/unarchive", ""
}

// Whatever is written to a plan, its base and its add-on, who subscribed before has and pays the same.
func TestAnyWriteLeavesWhatWasPublished(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.fill()
		s.post(plans+"/gold/draft", "").want(200)
		s.patch(plans+"/gold", `{"parentPlanId":"base"}`).want(200)
		s.publish("gold")
		s.post(customers, provision("old", "gold", addons("extra", 2), `"id":"old-sub"`)).want(201)
		s.check("old", "reports").has("data.isGranted", true) // of the base
		have, sub := s.get(customers+"/old/entitlements").want(200), s.get("/api/v1/subscriptions/old-sub").want(200)
		rapid.Check(t, func(rt *rapid.T) {
			for range rapid.IntRange(1, 8).Draw(rt, "writes") {
				method, path, body := anyCatalogWrite(rt)
				a := s.send(method, path, body)
				if a.status >= 500 {
					rt.Fatalf("%s: %d\n%s", a.call, a.status, a.raw)
				}
			}
			// Few of them get as far as a publication: one always does.
			s.send("POST", addOns+"/extra/unarchive", "")
			s.send("POST", addOns+"/extra/draft", "")
			s.patch(addOns+"/extra", `{"charges":`+monthly5+`}`).want(200)
			s.post(addOns+"/extra/publish", `{}`).want(200)
			for _, was := range []*answer{have, sub} {
				if now := s.get(was.path).want(200); string(now.raw) != string(was.raw) {
					rt.Fatalf("%s was\n%s\nand is\n%s", was.path, was.raw, now.raw)
				}
			}
		})
	})
}
