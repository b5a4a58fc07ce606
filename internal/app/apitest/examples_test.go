package apitest

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const exampleDir = "../../../examples/catalogs/"

// Every example fits the published schema, can be applied, changes nothing the second time, and comes back as it is from
// an environment that got its export.
func TestExampleCatalogs(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(exampleDir + "*.json")
	if err != nil || len(files) < 3 {
		t.Fatalf("%d examples, %v", len(files), err)
	}
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			each(t, func(t *testing.T, s *server) {
				text := s.example(filepath.Base(path))
				s.fitsSchema(text)
				s.post("/api/v1/catalog/plan", text).want(200).unchanged()
				s.post("/api/v1/catalog/apply", text).want(200).unchanged()
				first := s.exported()
				s.fitsSchema(first)
				s.post("/api/v1/catalog/plan", first).want(200).unchanged()
				s.production.post("/api/v1/catalog/apply", first).want(200)
				if d := cmp.Diff(first, s.production.exported()); d != "" {
					t.Errorf("the export of an environment that got the export (-want +got):\n%s", d)
				}
				s.production.post("/api/v1/catalog/plan", text).want(200).unchanged()
			})
		})
	}
}

// They can be tried one after another in one environment, the demo's too.
func TestExamplesFollowEachOther(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		for _, name := range []string{"seats.json", "usage-tiers.json", "hybrid-localised.json", "seats.json"} {
			s.post("/api/v1/catalog/plan", s.example(name)).want(200).unchanged()
		}
		s.offers("productId=product-knowledge", "knowledge-free:", "knowledge-basic: PER_UNIT MONTHLY 7 usd; PER_UNIT ANNUALLY 72 usd",
			"knowledge-business: PER_UNIT MONTHLY 14 usd; PER_UNIT ANNUALLY 144 usd", "knowledge-enterprise:")
	})
}

func TestExampleSeats(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.example("seats.json")
		s.offers("productId=product-knowledge",
			"knowledge-free:",
			"knowledge-basic: PER_UNIT MONTHLY 7 usd; PER_UNIT ANNUALLY 72 usd",
			"knowledge-business: PER_UNIT MONTHLY 14 usd; PER_UNIT ANNUALLY 144 usd",
			"knowledge-enterprise:")
		s.gives("productId=product-knowledge", "knowledge-business",
			"feature-articles", "feature-seats unlimited", "feature-sso", "feature-chat from knowledge-basic", "feature-questions from knowledge-free")
		s.get(plans+"/knowledge-business?version=draft").want(200).
			has("data.versionNumber", 2, "data.defaultTrialConfig.duration", 1, "data.defaultTrialConfig.units", "MONTH")

		s.post(customers, provision("basic", "knowledge-basic")).refused(400, "BillingPeriodMissingError", "subscriptionParams.billingPeriod")
		s.buys("basic", "knowledge-basic", `"billingPeriod":"ANNUALLY"`).
			has("data.subscription.trialEndDate", stamp(begin.Add(14*day)), "data.subscription.trial.trialEndBehavior", "CONVERT_TO_PAID").
			pays("PER_UNIT ANNUALLY 72 usd")
		s.buys("business", "knowledge-business", `"billingPeriod":"MONTHLY"`).has("data.subscription.status", "IN_TRIAL").pays("PER_UNIT MONTHLY 14 usd")
		s.buys("enterprise", "knowledge-enterprise").has("data.subscription.status", "ACTIVE", "data.subscription.pricingType", "CUSTOM").pays()
		s.buys("charity", "knowledge-nonprofit").pays()

		s.check("basic", "feature-seats", "&requestedUsage=250").has("data.isGranted", true)
		s.check("basic", "feature-seats", "&requestedUsage=251").has("data.accessDeniedReason", "RequestedUsageExceedingLimit")
		s.check("basic", "feature-questions").has("data.isGranted", true)
		s.check("basic", "feature-sso").has("data.accessDeniedReason", "NoFeatureEntitlementInSubscription")
		s.check("business", "feature-seats", "&requestedUsage=100000").has("data.isGranted", true, "data.hasUnlimitedUsage", true)
		s.check("business", "feature-audit-log").has("data.isGranted", false) // only the draft has it
		s.check("enterprise", "feature-sso").has("data.isGranted", true)
		s.check("enterprise", "feature-audit-log").has("data.isGranted", true)
		s.check("charity", "feature-seats").has("data.usageLimit", 250)
		s.check("charity", "feature-questions").has("data.isGranted", true)

		// One trial goes on as a paid subscription, the other follows the journey to the free plan.
		s.moveTo(begin.Add(14 * day))
		s.check("basic", "feature-seats").has("data.usageLimit", 250)
		s.check("business", "feature-seats").has("data.usageLimit", 50)
		s.check("business", "feature-sso").has("data.isGranted", false)
	})
}

func TestExampleUsageTiers(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.example("usage-tiers.json")
		const ip, watch, year = "addon-dedicated-ip: FLAT_FEE MONTHLY 50 usd", "addon-dmarc: FLAT_FEE MONTHLY 14 usd", "addon-retention: FLAT_FEE MONTHLY 5 usd"
		s.offers("productId=product-email",
			"email-free:",
			"email-basic: FLAT_FEE MONTHLY 15 usd; USAGE_BASED MONTHLY 1.8 usd per 1000", "+ "+watch,
			"email-pro: FLAT_FEE MONTHLY 16.5 usd; USAGE_BASED MONTHLY 1.3 usd per 1000", "+ "+ip, "+ "+watch, "+ "+year,
			"email-platform: FLAT_FEE MONTHLY 18 usd; USAGE_BASED MONTHLY 1.2 usd per 1000", "+ "+ip, "+ "+watch, "+ "+year,
			"email-payg: MINIMUM_SPEND MONTHLY 5 usd; USAGE_BASED MONTHLY 1.95 usd per 1000")
		const perCall = "USAGE_BASED MONTHLY GRADUATED (to 10000: 0.89 usd) (to 50000: 0.59 usd) (0.35 usd)"
		const overage = "USAGE_BASED MONTHLY GRADUATED (to 10000: 0.89 usd) (0.59 usd + 25 usd)"
		s.offers("productId=product-voice", // no order was set: by what a year costs at least
			"voice-minutes: USAGE_BASED MONTHLY VOLUME (to 10000: 0.22 usd) (to 50000: 0.18 usd) (0.14 usd)",
			"voice-calls: MINIMUM_SPEND MONTHLY 100 usd; "+perCall,
			"voice-included: FLAT_FEE MONTHLY 799 usd; FLAT_FEE ANNUALLY 7990 usd; "+overage)
		s.get(plans+"/email-basic/charges").want(200).has("data.0.billingModel", "FLAT_FEE", "data.1", absent)
		s.get(plans+"/email-basic/overage-charges").want(200).has("data.0.blockSize", 1000, "data.0.price.amount", 1.8, "data.1", absent)
		s.gives("productId=product-email", "email-platform", "feature-domains unlimited", "feature-emails 10000 soft",
			"feature-inbound from email-pro", "feature-retention 45 from email-basic")

		s.buys("free", "email-free").pays()
		s.check("free", "feature-emails", "&requestedUsage=100").has("data.isGranted", true, "data.hasSoftLimit", false)
		s.check("free", "feature-emails", "&requestedUsage=101").has("data.accessDeniedReason", "RequestedUsageExceedingLimit")

		s.post(customers, provision("basic", "email-basic", `"billingPeriod":"ANNUALLY"`)).refused(404, "PriceNotFound", "subscriptionParams.billingPeriod")
		s.post(customers, provision("basic", "email-basic", addons("addon-dedicated-ip", 1))).
			refused(400, "UncompatibleSubscriptionAddon", "subscriptionParams.addons[0].id")
		s.buys("basic", "email-basic").pays("FLAT_FEE MONTHLY 15 usd", "USAGE_BASED MONTHLY 1.8 usd per 1000")
		s.check("basic", "feature-emails", "&requestedUsage=10001").has("data.isGranted", true, "data.usageLimit", 10000, "data.hasSoftLimit", true)

		s.post(customers, provision("pro", "email-pro", addons("addon-dedicated-ip", 11))).refused(400, "InvalidQuantity", "subscriptionParams.addons[0].quantity")
		s.buys("pro", "email-pro", addons("addon-dedicated-ip", 3, "addon-retention", 1)).
			pays("FLAT_FEE MONTHLY 16.5 usd", "USAGE_BASED MONTHLY 1.3 usd per 1000", ip, year)
		s.check("pro", "feature-dedicated-ips").has("data.usageLimit", 3)
		s.check("pro", "feature-retention").has("data.usageLimit", 365) // instead of 45, not besides
		s.check("pro", "feature-domains").has("data.usageLimit", 10)

		s.buys("payg", "email-payg").pays("MINIMUM_SPEND MONTHLY 5 usd", "USAGE_BASED MONTHLY 1.95 usd per 1000")
		s.check("payg", "feature-emails").has("data.monthlyResetPeriodConfiguration", absent, "data.resetPeriodConfiguration.accordingTo", "StartOfTheMonth")
		s.buys("calls", "voice-calls").pays("MINIMUM_SPEND MONTHLY 100 usd", strings.Replace(perCall, "GRADUATED ", "", 1))
		s.buys("yearly", "voice-included", `"billingPeriod":"ANNUALLY"`).
			pays("FLAT_FEE ANNUALLY 7990 usd", strings.Replace(overage, "GRADUATED ", "", 1))
	})
}

func TestExampleHybridLocalised(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.example("hybrid-localised.json")
		table := func(cur, pro, proYear, team, teamYear, support, supportYear, more, boost, boostYear string) []string {
			agents := func(month, year string) string {
				return fmt.Sprintf("PER_UNIT MONTHLY %s %s; PER_UNIT ANNUALLY %s %s", month, cur, year, cur)
			}
			return []string{
				"desk-professional: " + agents(pro, proYear) + "; USAGE_BASED MONTHLY " + more + " " + cur,
				"desk-team: " + agents(team, teamYear) + "; USAGE_BASED MONTHLY " + more + " " + cur,
				"desk-support: " + agents(support, supportYear),
				fmt.Sprintf("+ addon-api-boost: FLAT_FEE MONTHLY %s %s; FLAT_FEE ANNUALLY %s %s", boost, cur, boostYear, cur),
				"desk-enterprise:",
			}
		}
		usd := table("usd", "149", "1380", "69", "660", "25", "228", "2", "10", "100")
		eur := table("eur", "139", "1284", "64", "612", "23.5", "216", "1.85", "9.5", "95")
		gbp := table("gbp", "119", "1104", "55", "528", "20", "180", "1.6", "8", "80")
		jpy := table("jpy", "22800", "210000", "10500", "100800", "3800", "34800", "300", "1500", "15000")
		for query, want := range map[string][]string{
			"": usd, "&country=FR": usd, "&country=DE": eur, "&country=GB": gbp, "&country=JP": jpy, "&currency=jpy": jpy,
			"&country=FR&currency=gbp": gbp, "&country=JP&currency=eur": eur, "&country=JP&currency=usd": usd, "&country=DE&currency=kwd": eur,
		} {
			got := []string{}
			for _, line := range s.table("productId=product-helpdesk" + query).lines() {
				if !strings.HasPrefix(line, "+") || strings.HasPrefix(line, "+ addon-api-boost") && strings.HasPrefix(got[len(got)-1], "desk-support") {
					got = append(got, line)
				}
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("%s (-want +got):\n%s", query, d)
			}
		}
		s.gives("productId=product-helpdesk", "desk-professional", "feature-resolutions 100 soft", "feature-api-rate 400",
			"feature-channels chat,email,phone", "feature-skills", "feature-agents unlimited from desk-support")
		s.gives("productId=product-helpdesk", "desk-support", "feature-agents unlimited", "feature-channels email") // the rate is hidden

		// Add-ons in yen, which has no minor units.
		s.buys("tokyo", "desk-professional", `"billingPeriod":"ANNUALLY"`, `"billingCountryCode":"JP"`,
			addons("addon-actions", 3, "addon-api-boost", 2, "addon-copilot", 1)).
			has("data.subscription.billingCountryCode", "JP", "data.subscription.trialEndDate", stamp(begin.Add(14*day))).
			pays("PER_UNIT ANNUALLY 210000 jpy", "USAGE_BASED MONTHLY 300 jpy", "addon-actions: FLAT_FEE ANNUALLY 360000 jpy",
				"addon-api-boost: FLAT_FEE ANNUALLY 15000 jpy", "addon-copilot: PER_UNIT ANNUALLY 90000 jpy")
		s.check("tokyo", "feature-actions").has("data.usageLimit", 300000)
		s.check("tokyo", "feature-api-rate").has("data.usageLimit", 800)
		s.check("tokyo", "feature-resolutions", "&requestedUsage=151").has("data.usageLimit", 150, "data.isGranted", true)
		s.check("tokyo", "feature-copilot").has("data.isGranted", true)

		// An override counts alone, values are united, and a country without prices has the default ones.
		s.buys("paris", "desk-professional", `"billingPeriod":"ANNUALLY"`, `"billingCountryCode":"FR"`,
			addons("addon-api-boost", 5, "addon-api-high", 1, "addon-contact-center", 1, "addon-workforce", 1)).
			pays("PER_UNIT ANNUALLY 1380 usd", "USAGE_BASED MONTHLY 2 usd", "addon-api-boost: FLAT_FEE ANNUALLY 100 usd",
				"addon-api-high: FLAT_FEE ANNUALLY 750 usd", "addon-contact-center: PER_UNIT ANNUALLY 996 usd", "addon-workforce: PER_UNIT ANNUALLY 600 usd")
		s.check("paris", "feature-api-rate").has("data.usageLimit", 2500)
		s.check("paris", "feature-channels", "&requestedValues=phone,video").has("data.isGranted", true)
		s.check("tokyo", "feature-channels", "&requestedValues=video").has("data.isGranted", false)
		s.check("paris", "feature-copilot").has("data.isGranted", false)

		for name, tc := range map[string]struct {
			params, code string
			status       int
			path         string
		}{
			"no dependency": {`"billingPeriod":"ANNUALLY",` + addons("addon-contact-center", 1), "InvalidArgumentError", 400, "id"},
			"no price":      {`"billingPeriod":"MONTHLY",` + addons("addon-contact-center", 1, "addon-workforce", 1), "PriceNotFound", 404, "id"},
			"too many":      {`"billingPeriod":"MONTHLY",` + addons("addon-actions", 21), "InvalidQuantity", 400, "quantity"},
			"custom add-on": {`"billingPeriod":"MONTHLY",` + addons("addon-residency", 1), "UncompatibleSubscriptionAddon", 400, "id"},
		} {
			t.Run(name, func(t *testing.T) {
				s.in(t).post(customers, provision("nobody", "desk-professional", tc.params)).
					refused(tc.status, tc.code, "subscriptionParams.addons[0]."+tc.path)
			})
		}
		s.buys("big", "desk-enterprise", `"billingPeriod":"MONTHLY",`+addons("addon-actions", 2, "addon-residency", 1)).has("data.subscription.pricingType", "CUSTOM")
		s.check("big", "feature-residency").has("data.isGranted", true)
		s.check("big", "feature-actions").has("data.usageLimit", 200000)
		s.check("big", "feature-resolutions").has("data.hasUnlimitedUsage", true)
		s.check("big", "feature-skills").has("data.isGranted", true)
		s.buys("berlin", "desk-classic", `"billingCountryCode":"DE"`).pays("FLAT_FEE MONTHLY 95 eur")

		s.get("/api/v1/coupons/coupon-launch").want(200).has("data.percentOff", 20, "data.durationInMonths", 12)
		s.get("/api/v1/coupons/coupon-switch").want(200).has("data.percentOff", nil, "data.amountsOff.2.amount", 7500, "data.amountsOff.3.amount", 49.5)
		s.post(customers, `{"id":"saver","couponId":"coupon-switch"}`).want(201).has("data.couponId", "coupon-switch")
	})
}

// example applies an example to the caller's environment and returns its text.
func (c caller) example(name string) string {
	c.t.Helper()
	b, err := os.ReadFile(exampleDir + name)
	if err != nil {
		c.t.Fatal(err)
	}
	c.post("/api/v1/catalog/apply", string(b)).want(200)
	return string(b)
}

func (a *answer) unchanged() {
	a.t.Helper()
	a.has("data.changes", []any{}, "data.drift", []any{})
}

// exported is the catalog as it was answered, byte for byte.
func (c caller) exported() string {
	c.t.Helper()
	var body struct{ Data json.RawMessage }
	if err := json.Unmarshal(c.get("/api/v1/catalog").want(200).raw, &body); err != nil {
		c.t.Fatal(err)
	}
	return string(body.Data)
}

// fitsSchema checks a catalog file against the published schema.
func (c caller) fitsSchema(text string) {
	c.t.Helper()
	var root struct {
		Ref  string             `json:"$ref"`
		Defs map[string]*schema `json:"$defs"`
	}
	var tree map[string]any
	if err := json.Unmarshal(c.get("/schema/catalog.json").raw, &root); err != nil {
		c.t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(text), &tree); err != nil {
		c.t.Fatal(err)
	}
	d := &document{}
	d.Components.Schemas = map[string]*schema{}
	for name, s := range root.Defs {
		d.Components.Schemas["#/$defs/"+name] = s
	}
	v := validation{d: d}
	if v.check("", &schema{Ref: root.Ref}, tree); v.issues != nil {
		c.t.Errorf("the schema refuses the file:\n%s", strings.Join(v.issues, "\n"))
	}
	tree["plans"].([]any)[0].(map[string]any)["dispalyName"] = "x"
	if v.check("", &schema{Ref: root.Ref}, tree); v.issues == nil {
		c.t.Error("the schema takes anything")
	}
}

// addons are the subscription parameter: ids and quantities by turns.
func addons(pairs ...any) string {
	list := []string{}
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, fmt.Sprintf(`{"id":%q,"quantity":%d}`, pairs[i], pairs[i+1]))
	}
	return `"addons":[` + strings.Join(list, ",") + `]`
}

// buys provisions a new customer with a plan.
func (c caller) buys(id, plan string, more ...string) *answer {
	c.t.Helper()
	return c.post(customers, provision(id, plan, more...)).want(201).has("data.subscription.planId", plan)
}
