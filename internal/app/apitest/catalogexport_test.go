package apitest

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// richer edits shelf over REST until it has all that a file can have.
func (c caller) richer() {
	c.t.Helper()
	c.patch(plans+"/draft", everyModel).want(200)
	c.post(plans+"/draft/entitlements", `{"entitlements":[{"type":"CREDIT","id":"gems","amount":2.5,"cadence":"MONTH","dependencyFeatureId":"seats"},
		{"type":"FEATURE","id":"seats","usageLimit":4,"order":2,"displayNameOverride":"Chairs","description":"To sit on","hiddenFromWidgets":["CHECKOUT"]},
		{"type":"FEATURE","id":"reports","isGranted":false,"order":1},{"type":"FEATURE","id":"region","isCustom":true}]}`).want(201)
	c.post(groups, `{"id":"team","displayName":"Team","featureIds":["spare","seats"],"metadata":{"k":"v"}}`).want(201)
	c.patch(plans+"/draft/entitlements/seats", `{"type":"FEATURE","featureGroupIds":["team"]}`).want(200)
	c.patch(plans+"/draft", `{"defaultTrialConfig":{"duration":0,"units":"DAY","budget":{"limit":9.99,"hasSoftLimit":true},"trialEndBehavior":"CONVERT_TO_PAID"},"compatibleAddonIds":["needy","extra"],
		"metadata":{"b":"2","a":"ü <&> \u2028"},"billingId":"stripe-1","hiddenFromWidgets":["PAYWALL","CHECKOUT"],"description":"All there is"}`).want(200)
	c.publish("draft")
	c.post(plans+"/draft/draft", "").want(200) // a draft beside it
	c.patch(plans+"/draft", `{"displayName":"Next","defaultTrialConfig":null}`).want(200)
	c.patch(features+"/spare", `{"meter":{"aggregation":{"function":"UNIQUE","field":"user"},"filters":[{"conditions":[{"field":"kind","operation":"IN","values":["b","a"]}]}]},"metadata":{"k":"v"}}`).want(200)
	c.patch(products+"/shop", `{"planOrder":["vip","gold"],"usageResetCutoffRule":{"behavior":"NEVER_RESET"},"metadata":{"k":"v"},"description":"It sells"}`).want(200)
	c.post(features+"/calls/archive?force=true", "").want(200)
	c.post(addOns+"/other/archive", "").want(200)
}

// Export → apply in an empty environment → export is the same to the byte, and applying it again does nothing.
func TestExportIsAppliedElsewhere(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.fill()
		s.richer()
		body := s.exported()
		p := s.production
		if got := p.post(file+"/plan", body).want(200).head.Get("X-Should-Retry"); got != "" {
			t.Errorf("x-should-retry is %q", got)
		}
		p.get(plans+"/gold").refused(404, "PlanNotFound")
		since := p.here()
		applied := p.post(file+"/apply", body).want(200)
		if len(p.happenedAtAll(since)) == 0 {
			t.Error("nothing happened")
		}
		if d := cmp.Diff(body, p.exported()); d != "" {
			t.Errorf("the copy (-want +got):\n%s", d)
		}
		if got, _ := applied.at("data.fingerprint"); got != decodeFile(body)["fingerprint"] {
			t.Errorf("the fingerprint is %v, want %v", got, decodeFile(body)["fingerprint"])
		}
		since = p.here()
		p.post(file+"/apply", body).did()
		p.post(file+"/plan", body).did()
		s.post(file+"/apply", body).did()
		p.happened(since)
		if s.exported() != body {
			t.Error("the original changed")
		}

		// Both sell the same: the same charges, entitlements, offers.
		for _, path := range []string{plans + "/draft/charges", plans + "/draft/overage-charges", plans + "/draft/entitlements", addOns + "/extra/entitlements"} {
			if d := cmp.Diff(s.bare(path), p.bare(path)); d != "" {
				t.Errorf("%s (-want +got):\n%s", path, d)
			}
		}
		for _, c := range []caller{s.caller, p} {
			c.post(customers, provision("acme", "gold", addons("extra", 2, "needy", 1))).want(201)
			c.limit("acme", "seats", 14)
			c.limit("acme", "calls", 1100)
			c.get(plans+"/draft").want(200).has("data.displayName", "Draft", "data.hiddenFromWidgets", []string{"CHECKOUT", "PAYWALL"}, "data.billingId", "stripe-1")
			c.get(plans+"/draft?version=draft").want(200).has("data.displayName", "Next", "data.defaultTrialConfig", nil)
			c.get(features+"/calls").want(200).has("data.featureStatus", "SUSPENDED")
		}
		p.get(addOns+"/other").refused(404, "AddonNotFound")
	})
}

// bare are rows without what differs between environments.
func (c caller) bare(path string) any {
	c.t.Helper()
	a := c.get(path).want(200)
	v, _ := a.at("data")
	list, _ := v.([]any)
	for _, row := range list {
		m, _ := row.(map[string]any)
		delete(m, "createdAt")
		delete(m, "updatedAt")
		if _, isCharge := m["billingModel"]; isCharge {
			delete(m, "id")
		}
	}
	return list
}

// Drafts stay beside published versions, change on their own, and go when the file has none.
func TestFileKeepsDrafts(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.fill()
		s.get(plans+"/base").want(200).has("data.versionNumber", 1, "data.status", "PUBLISHED", "data.entitlements", []map[string]string{{"id": "reports", "type": "FEATURE"}, {"id": "seats", "type": "FEATURE"}})
		s.get(plans+"/base?version=draft").want(200).has("data.versionNumber", 2, "data.entitlements", []any{})
		s.get(plans+"/draft").want(200).has("data.status", "DRAFT", "data.pricingType", nil)
		f := decodeFile(s.exported())
		f.of("plans", "base")["draft"] = map[string]any{"displayName": "Base 2", "charges": map[string]any{"pricingType": "FREE"}}
		f.of("plans", "draft")["displayName"] = "Draft 2"
		a := s.post(file+"/apply", encode(f)).did("draft plan base", "draft plan draft")
		a.has("data.warnings", []any{})
		s.get(plans+"/base").want(200).has("data.displayName", "Base", "data.versionNumber", 1)
		s.get(plans+"/base?version=draft").want(200).has("data.displayName", "Base 2")
		s.get(plans+"/draft").want(200).has("data.displayName", "Draft 2", "data.status", "DRAFT")

		f = decodeFile(s.exported())
		delete(f.of("plans", "base"), "draft")
		f.of("plans", "draft")["status"] = "PUBLISHED"
		f.of("plans", "draft")["charges"] = map[string]any{"pricingType": "FREE"}
		s.post(file+"/apply", encode(f)).did("discard plan base", "publish plan draft")
		s.get(plans + "/base?version=draft").want(404)
		s.get(plans+"/base").want(200).has("data.versionNumber", 1)
		s.get(plans+"/draft").want(200).has("data.status", "PUBLISHED", "data.versionNumber", 1)

		// The content of a published plan changes with a new version only; what needs no version changes without.
		f = decodeFile(s.exported())
		f.of("plans", "base")["metadata"] = map[string]string{"k": "v"}
		f.of("plans", "two")["displayName"] = "Twice"
		s.post(file+"/apply", encode(f)).did("update plan base", "publish plan two")
		s.get(plans+"/base").want(200).has("data.versionNumber", 1, "data.metadata.k", "v")
		s.get(plans+"/two").want(200).has("data.versionNumber", 2, "data.displayName", "Twice")
	})
}

// Publishing by file warns as the route does.
func TestFileWarns(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.fill()
		f := decodeFile(s.exported())
		gold := f.of("plans", "gold")
		gold["compatibleAddonIds"] = []string{"bare"}
		gold["entitlements"] = []any{map[string]any{"id": "seats", "usageLimit": 1}}
		for _, route := range []string{"/plan", "/apply"} {
			a := s.post(file+route, encode(f)).did("publish plan gold")
			a.warned("ADDON_NOT_PUBLISHED plans.gold.compatibleAddonIds.bare", "LIMIT_LOWERED plans.gold.entitlements.calls",
				"LIMIT_LOWERED plans.gold.entitlements.region", "LIMIT_LOWERED plans.gold.entitlements.seats")
		}
		s.get(plans+"/gold").want(200).has("data.versionNumber", 2)
	})
}

// The schema is public, and both routes need a server key.
func TestFileRoutesAndKeys(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.with("").get("/schema/catalog.json").want(200).has("$schema", "https://json-schema.org/draft/2020-12/schema", "$defs.File.properties.plans.items.$ref", "#/$defs/FilePackage")
		s.client.get(file).refused(403, "IdentityForbidden")
		s.client.post(file+"/apply", shelf).refused(403, "IdentityForbidden")
		s.client.post(file+"/plan", shelf).refused(403, "IdentityForbidden")
		s.with("").post(file+"/apply", shelf).refused(401, "Unauthenticated")
		s.get(plans).want(200).has("data", []any{})
	})
}
