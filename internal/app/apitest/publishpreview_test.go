package apitest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/purserhq/purser/internal/app"
	"github.com/purserhq/purser/internal/store/storetest"
)

type shownGrant struct {
	UsageLimit                      json.Number
	HasUnlimitedUsage, HasSoftLimit bool
	EnumValues                      []string
	ResetPeriod                     string
}

func (g *shownGrant) String() string {
	if g == nil {
		return "none"
	}
	parts := []string{g.UsageLimit.String(), strings.Join(g.EnumValues, ","), g.ResetPeriod}
	if g.HasUnlimitedUsage {
		parts = append(parts, "unlimited")
	}
	if g.HasSoftLimit {
		parts = append(parts, "soft")
	}
	if s := strings.Join(strings.Fields(strings.Join(parts, " ")), " "); s != "" {
		return s
	}
	return "granted"
}

// preview checks what a publish preview lists: "3 GAINS seats: 10 -> 20".
func (c caller) preview(path string, want ...string) *answer {
	c.t.Helper()
	a := c.get(path + "/publish-preview").want(200)
	var body struct {
		Data struct {
			Changes []struct {
				FeatureID, Effect string
				Customers         int
				Before, After     *shownGrant
			}
		}
	}
	if err := json.Unmarshal(a.raw, &body); err != nil {
		c.t.Fatal(err)
	}
	got := []string{}
	for _, ch := range body.Data.Changes {
		got = append(got, fmt.Sprintf("%d %s %s: %s -> %s", ch.Customers, ch.Effect, ch.FeatureID, ch.Before, ch.After))
	}
	if d := cmp.Diff(append([]string{}, want...), got); d != "" {
		c.t.Errorf("%s: changes (-want +got):\n%s\n%s", a.call, d, a.raw)
	}
	return a
}

func TestPublishPreview(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.fill()
		gold := plans + "/gold"
		for i := range 3 {
			s.post(customers, provision(fmt.Sprintf("plain-%d", i), "gold")).want(201)
		}
		s.post(customers, provision("more", "gold", addons("extra", 2))).want(201)
		s.post(customers, provision("later", "gold", `"startDate":"`+stamp(begin.Add(day))+`"`)).want(201)
		s.get(gold+"/publish-preview").refused(409, "PackageAlreadyPublished")
		s.get(plans+"/none/publish-preview").refused(404, "PlanNotFound")
		s.get(addOns+"/gold/publish-preview").refused(404, "AddonNotFound")

		s.edit(gold, "")
		s.preview(gold).has("data.customers", 4, "data.subscriptions", 4, "data.examined", 4, "data.sampled", false, "data.notMovable", 0, "data.overLimit", 0)
		s.patch(gold, monthly(25)).want(200)
		s.include(gold, "seats", 20)
		s.patch(gold+"/entitlements/calls", `{"type":"FEATURE","usageLimit":10}`).want(200)
		s.patch(gold+"/entitlements/region", `{"type":"FEATURE","enumValues":["us"]}`).want(200)
		s.post(gold+"/entitlements", `{"entitlements":[{"type":"FEATURE","id":"reports"}]}`).want(201)
		since := s.here()
		want := []string{
			"4 LOSES calls: 1000 MONTH -> 10 MONTH", "4 CHANGES region: eu -> us", "4 GAINS reports: none -> granted",
			"3 GAINS seats: 10 -> 20", "1 GAINS seats: 14 -> 24",
		}
		a := s.preview(gold, want...).has("data.prices.before.2", absent, "data.prices.after.0.price.amount", 25, "data.prices.after.1", absent)
		amounts := map[any]bool{}
		for i := range 2 {
			v, _ := a.at(fmt.Sprintf("data.prices.before.%d.price.amount", i))
			amounts[v] = true
		}
		if !amounts[20.0] || !amounts[0.5] {
			t.Errorf("prices before: %v", amounts)
		}
		s.happened(since) // nothing was changed
		s.limit("more", "seats", 14)

		// What it says is what happens, after which there is nothing to say.
		s.ended(s.forAll(gold)).has("data.done", 4)
		s.limit("more", "seats", 24)
		s.limit("plain-0", "seats", 20)
		s.check("plain-0", "region").has("data.enumValues", []string{"us"})
		s.edit(gold, "")
		s.preview(gold).has("data.customers", 4)
		s.patch(gold+"/entitlements/seats", `{"type":"FEATURE","hasUnlimitedUsage":true}`).want(200)
		s.del(gold + "/entitlements/reports").want(200)
		s.preview(gold, "4 LOSES reports: granted -> none", "3 GAINS seats: 20 -> unlimited", "1 GAINS seats: 24 -> unlimited")

		// An add-on, for those who have it.
		s.edit(addOns+"/extra", monthly(6))
		s.include(addOns+"/extra", "seats", 1)
		s.preview(addOns+"/extra", "1 LOSES seats: 24 -> 22").
			has("data.customers", 1, "data.prices.before.0.price.amount", 5, "data.prices.after.0.price.amount", 6)
		s.post(gold+"/archive", "").want(200)
		s.get(gold+"/publish-preview").refused(409, "CannotEditPackageInNonDraftMode")
	})
}

// A base concerns those who inherit from it; what was never published concerns nobody.
func TestPublishPreviewOfABase(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.fill()
		s.post(customers, provision("a", "base")).want(201)
		s.post(customers, provision("b", "child")).want(201)
		s.edit(plans+"/child", `{"parentPlanId":null}`)
		s.publish("child")
		s.post(customers, provision("free", "child")).want(201)
		s.post(plans+"/base/entitlements", `{"entitlements":[{"type":"FEATURE","id":"seats","usageLimit":1}]}`).want(201)
		s.preview(plans+"/base", "2 LOSES reports: granted -> none", "2 LOSES seats: 5 -> 1").
			has("data.customers", 2, "data.subscriptions", 3, "data.prices", map[string]any{"before": []any{}, "after": []any{}})
		s.preview(plans+"/draft").has("data.customers", 0, "data.subscriptions", 0)
	})
}

// Of many subscriptions a part is looked at, spread evenly, and the numbers are scaled.
func TestPublishPreviewOfASample(t *testing.T) {
	t.Parallel()
	for _, engine := range storetest.Engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			s := start(t, engine, func(c *app.Config) { c.Jobs.Sample = 7 })
			s.fill()
			for i := range 21 {
				params := []string{}
				if i%3 == 2 {
					params = append(params, addons("extra", 1))
				}
				s.post(customers, provision(fmt.Sprintf("c-%d", i), "gold", params...)).want(201)
			}
			s.edit(plans+"/gold", "")
			s.include(plans+"/gold", "seats", 11)
			// Every third one is looked at, and those happen to have the add-on.
			s.preview(plans+"/gold", "21 GAINS seats: 12 -> 13").
				has("data.sampled", true, "data.examined", 7, "data.subscriptions", 21, "data.customers", 21)
			s.post(customers, provision("one-more", "gold")).want(201)
			s.get(plans+"/gold/publish-preview").want(200).has("data.examined", 7, "data.subscriptions", 22, "data.customers", 22)
		})
	}
}
