package apitest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// twenty is a file with twenty mistakes, of shape and of rule, and the paths at which they are.
const twenty = `{"formatVersion":1,
	"features":[
		{"id":"seats","displayName":"Seats","featureType":"NUMBER","meterType":"FLUCTUATING"},
		{"id":"a b","displayName":"Bad id","featureType":"BOOLEAN"},
		{"id":"switch","displayName":"Switch","featureType":"SWITCH"},
		{"id":"counted","displayName":"Counted","featureType":"BOOLEAN","meterType":"INCREMENTAL"},
		{"id":"list","displayName":"List","featureType":"ENUM"},
		{"id":"seats","displayName":"Seats again","featureType":"NUMBER","meterType":"FLUCTUATING"}],
	"featureGroups":[{"id":"team","displayName":"Team","featureIds":["seats","ghost"]}],
	"products":[{"id":"shop","displayName":"","productSettings":{"subscriptionStartSetup":"FREE_PLAN"},"planOrder":["plan-ghost"]}],
	"addons":[
		{"id":"more","productId":"shop","displayName":"More","charges":{"pricingType":"PAID"}},
		{"id":"most","productId":"shop","displayName":"Most","charges":{"pricingType":"FREE"},"maxQuantity":0,"dependencies":["addon-ghost"]}],
	"plans":[
		{"id":"free","productId":"shop","displayName":"Free","charges":{"pricingType":"FREE"},"defaultTrialConfig":{"duration":7,"units":"DAY"},
			"entitlements":[{"id":"seats"},{"id":"feature-ghost","usageLimit":1}]},
		{"id":"paid","productId":"ghost-product","displayName":"Paid","charges":{"pricingType":"FREE"}},
		{"id":"loop","productId":"shop","displayName":"Loop","parentPlanId":"loop","charges":{"pricingType":"FREE"},"colour":"red"},
		{"id":"gold","productId":"shop","displayName":"Gold","charges":{"pricingType":"PAID","pricingModels":[{"billingModel":"FLAT_FEE","minUnitQuantity":1,
			"pricePeriods":[{"billingPeriod":"WEEKLY","price":{"amount":0.000001}}]},
			{"billingModel":"PER_UNIT","featureId":"seats","pricePeriods":[{"billingPeriod":"MONTHLY","price":{"amount":1}}]}]}}],
	"coupons":[{"id":"c","name":"C","percentOff":120}]}`

var twentyPaths = []string{
	"addons[0].charges.pricingModels", "addons[1].dependencies[0]", "addons[1].maxQuantity",
	"coupons[0].percentOff",
	"featureGroups[0].featureIds[1]",
	"features[1].id", "features[2].featureType", "features[3].meterType", "features[4].enumConfiguration", "features[5].id",
	"plans[0].defaultTrialConfig", "plans[0].entitlements[0].usageLimit", "plans[0].entitlements[1].id", "plans[1].productId",
	"plans[2].colour", "plans[2].parentPlanId",
	"plans[3].charges.pricingModels[0].minUnitQuantity", "plans[3].charges.pricingModels[0].pricePeriods[0].billingPeriod",
	"plans[3].charges.pricingModels[0].pricePeriods[0].price.amount",
	"products[0].displayName", "products[0].planOrder[0]", "products[0].productSettings.subscriptionStartPlanId",
}

// A file with so many mistakes names them all in one answer, and nothing comes of it.
func TestFileWithTwentyMistakes(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.fill()
		before := s.get(file).want(200)
		since := s.here()
		for _, route := range []string{"/apply", "/apply?overwrite=true", "/plan"} {
			s.post(file+route, twenty).refused(400, "BadUserInput", twentyPaths...)
		}
		// A file of nothing else shows the rule's own code.
		s.post(file+"/apply", `{"formatVersion":1,"products":[{"id":"p","displayName":"P"}],"addons":[{"id":"a","productId":"p","displayName":"A","charges":{"pricingType":"PAID"}}]}`).
			refused(400, "AddonHasToHavePriceError", "addons[0].charges.pricingModels")
		s.post(file+"/apply", `{"formatVersion":2}`).refused(400, "BadUserInput", "formatVersion")
		s.post(file+"/apply", `{"formatVersion":1,"plan":[]}`).refused(400, "BadUserInput", "plan")
		s.post(file+"/apply", `[]`).refused(400, "BadUserInput", "body")
		s.post(file+"/apply?force=true", `{"formatVersion":1}`).refused(400, "BadUserInput", "force")
		s.happened(since)
		if now := s.get(file).want(200); string(now.raw) != string(before.raw) {
			t.Errorf("the catalog was\n%s\nand is\n%s", before.raw, now.raw)
		}
	})
}

// What never changes once it is there is named as well.
func TestFileCannotChangeWhatIsFixed(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.fill()
		s.patch(products+"/club", `{"multipleSubscriptions":true}`).want(200)
		s.post(customers, provision("acme", "club-end", `"resourceId":"r"`)).want(201)
		body := s.exported()
		since := s.here()
		for name, tc := range map[string]struct {
			change func(f catalogTree)
			code   string
			paths  []string
		}{
			"feature type": {func(f catalogTree) { f.of("features", "depth")["featureType"] = "BOOLEAN" }, "", []string{"features[1].featureType"}},
			"meter type":   {func(f catalogTree) { f.of("features", "depth")["meterType"] = "INCREMENTAL" }, "InvalidArgumentError", []string{"features[1].meterType"}},
			"coupon": {
				func(f catalogTree) {
					f.of("coupons", "half")["percentOff"] = 60
					delete(f.of("coupons", "ten"), "durationInMonths")
				},
				"InvalidArgumentError",
				[]string{"coupons[0].percentOff", "coupons[1].durationInMonths"},
			},
			"back to a draft":        {func(f catalogTree) { f.of("plans", "two")["status"] = "DRAFT" }, "InvalidArgumentError", []string{"plans[" + placeOf(body, "two") + "].status"}},
			"multiple subscriptions": {func(f catalogTree) { delete(f.of("products", "club"), "multipleSubscriptions") }, "InvalidArgumentError", []string{"products[0].multipleSubscriptions"}},
			"units":                  {func(f catalogTree) { f.of("features", "calls")["unitTransformation"] = map[string]any{"divide": 1} }, "CannotUpdateUnitTransformationError", []string{"features[0].unitTransformation"}},
		} {
			t.Run(name, func(t *testing.T) {
				f := decodeFile(body)
				tc.change(f)
				for _, route := range []string{"/plan", "/apply"} {
					a := s.in(t).post(file+route, encode(f))
					if tc.code == "" {
						a.want(400)
						continue
					}
					status := 400
					if tc.code == "CannotUpdateUnitTransformationError" {
						status = 409
					}
					a.refused(status, tc.code, tc.paths...)
				}
			})
		}
		s.happened(since)
		if now := s.exported(); now != body {
			t.Errorf("the catalog was\n%s\nand is\n%s", body, now)
		}
	})
}

// catalogTree is a decoded catalog file.
type catalogTree map[string]any

func decodeFile(s string) (f catalogTree) {
	if err := json.Unmarshal([]byte(s), &f); err != nil {
		panic(err)
	}
	return f
}

// of is an entity of the file.
func (f catalogTree) of(list, id string) map[string]any {
	for _, e := range f[list].([]any) {
		if m := e.(map[string]any); m["id"] == id {
			return m
		}
	}
	panic(list + " have no " + id)
}

func (f catalogTree) without(list, id string) {
	f[list] = slices.DeleteFunc(f[list].([]any), func(e any) bool { return e.(map[string]any)["id"] == id })
}

// placeOf is the place of a plan in a file.
func placeOf(file, plan string) string {
	for i, e := range decodeFile(file)["plans"].([]any) {
		if e.(map[string]any)["id"] == plan {
			return fmt.Sprint(i)
		}
	}
	panic("no plan " + plan)
}

// did are the changes that an answer names, as "create plan gold".
func (a *answer) did(want ...string) *answer {
	a.t.Helper()
	a.want(200)
	got := []string{}
	rows, _ := a.at("data.changes")
	for i := range rows.([]any) {
		row := fmt.Sprintf("data.changes.%d.", i)
		got = append(got, a.text(row+"action")+" "+a.text(row+"entity.type")+" "+a.text(row+"entity.id"))
		if text := a.text(row + "text"); !strings.Contains(text, a.text(row+"entity.id")) {
			a.t.Errorf("%s: %q does not say what it is about", a.call, text)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if d := cmp.Diff(append([]string{}, want...), got); d != "" {
		a.t.Errorf("%s: changes (-want +got):\n%s", a.call, d)
	}
	return a
}

// Others' changes are not undone without being told to.
func TestFileDrift(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.fill()
		body := s.exported()
		s.post(file+"/apply", shelf).did() // again
		s.post(file+"/apply", body).did()
		since := s.here()

		s.post(plans+"/two/draft", "").want(200)
		s.patch(plans+"/two", `{"displayName":"Two, by hand"}`).want(200)
		s.publish("two")
		s.patch(features+"/depth", `{"displayName":"Depth, by hand"}`).want(200)
		s.happened(since, "plan.draft_created plan two", "plan.draft_updated plan two", "plan.updated plan two", "feature.updated feature depth")
		since = s.here()
		planned := s.post(file+"/plan", body).did("publish plan two", "update feature depth")
		drift, _ := planned.at("data.drift")
		if d := cmp.Diff(2, len(drift.([]any))); d != "" {
			t.Errorf("drift: %v", drift)
		}
		for _, f := range []string{body, shelf} {
			a := s.post(file+"/apply", f).refused(409, "CatalogDrift", "feature depth", "plan two")
			if got := a.head.Get("X-Should-Retry"); got != "false" {
				t.Errorf("x-should-retry is %q", got)
			}
		}
		s.happened(since)
		s.get(plans+"/two").want(200).has("data.displayName", "Two, by hand", "data.versionNumber", 2)

		// A file that was exported since knows of the changes.
		fresh := decodeFile(s.exported())
		fresh.of("plans", "two")["displayName"] = "Two, by file"
		a := s.post(file+"/apply", encode(fresh)).did("publish plan two")
		a.has("data.drift", []any{})
		s.get(plans+"/two").want(200).has("data.displayName", "Two, by file", "data.versionNumber", 3)

		s.patch(features+"/depth", `{"displayName":"Once more"}`).want(200)
		s.post(file+"/apply", body).refused(409, "CatalogDrift")
		s.post(file+"/apply?overwrite=true", body).did("publish plan two", "update feature depth")
		s.get(plans+"/two").want(200).has("data.displayName", "Two periods", "data.versionNumber", 4)
		s.get(features+"/depth").want(200).has("data.displayName", "Depth")
		if now := s.exported(); now != body {
			t.Errorf("the catalog is\n%s\nwant\n%s", now, body)
		}
	})
}

// A catalog that others made is not archived by the first file.
func TestFirstFileMeetsACatalog(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.post(features, `{"id":"mine","displayName":"Mine","featureType":"BOOLEAN"}`).want(201)
		s.post(products, `{"id":"mine","displayName":"Mine"}`).want(201)
		since := s.here()
		s.post(file+"/apply", shelf).refused(409, "CatalogDrift", "feature mine", "product mine")
		s.happened(since)
		s.get(plans+"/gold").refused(404, "PlanNotFound")
		s.post(file+"/apply?overwrite=true", shelf).want(200)
		s.get(features+"/mine").want(200).has("data.featureStatus", "SUSPENDED")
		s.get(plans+"/gold").want(200).has("data.status", "PUBLISHED")
	})
}

// What is not in the file is archived, and comes back with it.
func TestFileArchivesWhatIsMissing(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.fill()
		s.post(customers, provision("acme", "gold", addons("extra", 1))).want(201)
		f := decodeFile(shelf)
		f.without("plans", "gold")
		f.without("addons", "cap")
		f.without("coupons", "ten")
		f.without("features", "depth")
		archived := []string{"archive addon cap", "archive coupon ten", "archive feature depth", "archive plan gold"}
		s.post(file+"/plan", encode(f)).did(archived...)
		s.get(plans+"/gold").want(200).has("data.status", "PUBLISHED")
		s.post(file+"/apply", encode(f)).did(archived...)
		s.get(plans+"/gold").want(200).has("data.status", "ARCHIVED")
		s.get(addOns+"/cap").want(200).has("data.status", "ARCHIVED")
		s.get(coupons+"/ten").want(200).has("data.status", "ARCHIVED")
		s.get(features+"/depth").want(200).has("data.featureStatus", "SUSPENDED")
		s.limit("acme", "seats", 12)
		s.post(customers, provision("bolt", "gold")).refused(404, "PlanNotFound")
		s.post(file+"/apply", encode(f)).did()
		s.post(file+"/apply", shelf).refused(400, "InvalidArgumentError", "coupons[1].id") // coupons do not come back
		whole := decodeFile(shelf)
		whole.without("coupons", "ten")
		s.post(file+"/apply", encode(whole)).did("unarchive addon cap", "unarchive feature depth", "unarchive plan gold")
		s.post(customers, provision("bolt", "gold", addons("cap", 1))).want(201)
	})
}
