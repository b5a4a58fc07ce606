package apitest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func (a *answer) etag() string {
	a.t.Helper()
	tag := a.head.Get("ETag")
	if len(tag) < 3 || tag[0] != '"' {
		a.t.Fatalf("%s: ETag is %q", a.call, tag)
	}
	return tag
}

// changedMeanwhile is the refusal of an editor who was too late: it names who was earlier, and when.
func (a *answer) changedMeanwhile(who string, when time.Time) {
	a.t.Helper()
	a.refused(409, "DraftChanged", "If-Match")
	if got := a.head.Get("X-Should-Retry"); got != "false" {
		a.t.Errorf("%s: x-should-retry is %q", a.call, got)
	}
	message := a.text("message")
	for _, part := range []string{who, when.UTC().Format("2006-01-02T15:04")} {
		if !strings.Contains(message, part) {
			a.t.Errorf("%s: %q does not name %s", a.call, message, part)
		}
	}
}

// Two editors of one draft (contract §4.4).
func TestTwoEditors(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.fill()
		for _, path := range []string{plans + "/base", addOns + "/bare"} {
			row := func(n int) string { return fmt.Sprintf(`{"type":"FEATURE","usageLimit":%d}`, n) }
			first := s.get(path + "?version=draft").want(200).etag()
			a := s.post(path+"/entitlements", `{"entitlements":[{"type":"FEATURE","id":"spare","usageLimit":1}]}`, "If-Match", first).want(201)
			second := a.etag()
			if second == first {
				t.Fatalf("%s: the ETag is still %s", a.call, first)
			}
			if got := s.get(path + "?version=draft").want(200).etag(); got != second {
				t.Errorf("%s: the ETag is %s after a change that answered %s", path, got, second)
			}
			third := s.patch(path, `{"displayName":"Mine"}`, "If-Match", second).want(200).etag()

			since := s.here()
			for name, late := range map[string]*answer{
				"update":  s.patch(path, `{"displayName":"Theirs"}`, "If-Match", second),
				"details": s.patch(path, `{"metadata":{"k":"v"}}`, "If-Match", second),
				"prices":  s.patch(path, `{"charges":`+monthly5+`}`, "If-Match", first),
				"add":     s.post(path+"/entitlements", `{"entitlements":[{"type":"FEATURE","id":"depth","usageLimit":1}]}`, "If-Match", second),
				"change":  s.patch(path+"/entitlements/spare", row(9), "If-Match", second),
				"remove":  s.del(path+"/entitlements/spare", "If-Match", second),
				"publish": s.post(path+"/publish", `{}`, "If-Match", second),
				"discard": s.del(path+"/draft", "If-Match", second),
				"archive": s.post(path+"/archive", "", "If-Match", second),
				"list":    s.patch(path, `{"displayName":"Theirs"}`, "If-Match", first+", "+second),
			} {
				if late.status != 409 {
					t.Errorf("%s: %s: %d\n%s", name, late.call, late.status, late.raw)
					continue
				}
				late.changedMeanwhile("", begin)
			}
			for _, tag := range []string{"1", `"x"`, `"`, `""`, "W/", third[1:], `"1`, third + ",x", "?"} {
				s.patch(path, `{"displayName":"Theirs"}`, "If-Match", tag).refused(400, "BadUserInput", "If-Match")
				s.post(path+"/publish", `{}`, "If-Match", tag).refused(400, "BadUserInput", "If-Match")
				s.del(path+"/draft", "If-Match", tag).refused(400, "BadUserInput", "If-Match")
				s.patch(path+"/entitlements/spare", row(9), "If-Match", tag).refused(400, "BadUserInput", "If-Match")
			}
			s.happened(since)
			s.get(path+"?version=draft").want(200).has("data.displayName", "Mine", "data.metadata", map[string]string{})
			s.get(path+"/entitlements?version=draft").want(200).has("data.0.id", "spare", "data.0.usageLimit", 1, "data.1", absent)

			fourth := s.patch(path+"/entitlements/spare", row(2), "If-Match", third).want(200).etag()
			s.patch(path, `{"displayName":"Any"}`, "If-Match", "*").want(200)
			s.patch(path, `{"displayName":"Late"}`, "If-Match", fourth).refused(409, "DraftChanged")
			s.patch(path, `{"displayName":"Unbound"}`).want(200)
		}
	})
}

// The later editor learns which key was earlier, by its id in the feed, and when.
func TestLateEditorLearnsWhoAndWhen(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.fill()
		tag := s.get(plans + "/base?version=draft").want(200).etag()
		since := s.here()
		at := s.clock.Add(90 * time.Minute)
		s.patch(plans+"/base", `{"displayName":"First"}`, "If-Match", tag).want(200)
		who := s.happened(since, "plan.draft_updated plan base")[0].Actor
		s.clock.Add(5 * time.Hour)
		s.patch(plans+"/base", `{"displayName":"Second"}`, "If-Match", tag).changedMeanwhile("Default ("+who.ID+")", at)
		s.post(plans+"/base/publish", `{}`, "If-Match", tag).changedMeanwhile("Default ("+who.ID+")", at)
		s.get(plans+"/base?version=draft").want(200).has("data.displayName", "First")
	})
}

func TestDraftIsCompared(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.fill()
		s.get(plans + "/gold/draft/changes").want(404) // no draft
		s.get(plans+"/none/draft/changes").refused(404, "PlanNotFound")
		for _, path := range []string{plans + "/gold", addOns + "/extra"} {
			s.post(path+"/draft", "").want(200)
			s.get(path+"/draft/changes").want(200).has("data", map[string]any{"added": []any{}, "changed": []any{}, "removed": []any{}})
		}
		s.patch(plans+"/gold", `{"displayName":"Golden","description":"More","compatibleAddonIds":["cap","extra","other"],"defaultTrialConfig":{"duration":5,"units":"DAY"},
			"charges":{"pricingType":"PAID","pricingModels":[{"billingModel":"FLAT_FEE","pricePeriods":[{"billingPeriod":"MONTHLY","price":{"amount":25}},
				{"billingPeriod":"ANNUALLY","price":{"amount":250}}]}]}}`).want(200)
		s.patch(plans+"/gold/entitlements/seats", `{"type":"FEATURE","usageLimit":12}`).want(200)
		s.del(plans + "/gold/entitlements/region").want(200)
		s.post(plans+"/gold/entitlements", `{"entitlements":[{"type":"FEATURE","id":"spare","hasUnlimitedUsage":true}]}`).want(201)
		a := s.get(plans + "/gold/draft/changes").want(200)
		for kind, want := range map[string][]string{
			"added":   {"charges.FLAT_FEE.ANNUALLY", "compatibleAddonIds.other", "defaultTrialConfig", "description", "entitlements.spare"},
			"changed": {"charges.FLAT_FEE.MONTHLY.price", "displayName", "entitlements.seats.usageLimit"},
			"removed": {"charges.PER_UNIT.calls.MONTHLY", "compatibleAddonIds.cap-more", "compatibleAddonIds.needy", "entitlements.region"},
		} {
			if d := cmp.Diff(want, a.paths("data."+kind)); d != "" {
				t.Errorf("%s (-want +got):\n%s\n%s", kind, d, a.raw)
			}
		}
		a.change("changed", "displayName").has("before", "Gold", "after", "Golden").says("Gold", "Golden")
		a.change("changed", "entitlements.seats.usageLimit").has("before", 10, "after", 12).says("10", "12")
		a.change("changed", "charges.FLAT_FEE.MONTHLY.price").has("before.amount", 20, "after.amount", 25).says("20", "25", "usd")
		a.change("added", "entitlements.spare").has("value.hasUnlimitedUsage", true).says("spare")
		a.change("removed", "entitlements.region").has("value.enumValues", []string{"eu"}).says("region")

		s.patch(addOns+"/extra", `{"maxQuantity":null,"dependencies":["cap"]}`).want(200)
		s.patch(addOns+"/extra/entitlements/seats", `{"type":"FEATURE","behavior":"Override"}`).want(200)
		a = s.get(addOns + "/extra/draft/changes").want(200)
		for kind, want := range map[string][]string{
			"added": {"dependencies.cap"}, "changed": {"entitlements.seats.behavior"}, "removed": {"maxQuantity"},
		} {
			if d := cmp.Diff(want, a.paths("data."+kind)); d != "" {
				t.Errorf("add-on: %s (-want +got):\n%s\n%s", kind, d, a.raw)
			}
		}
		a.change("removed", "maxQuantity").has("value", 3).says("3")

		// A first draft is new as a whole, and undoing a change takes it out of the list.
		if got := s.get(plans + "/orphan/draft/changes").want(200).paths("data.added"); !slices.Contains(got, "parentPlanId") || !slices.Contains(got, "pricingType") {
			t.Errorf("a first draft adds %v", got)
		}
		s.patch(addOns+"/extra", `{"maxQuantity":3,"dependencies":[]}`).want(200)
		s.patch(addOns+"/extra/entitlements/seats", `{"type":"FEATURE","behavior":"Increment"}`).want(200)
		s.get(addOns+"/extra/draft/changes").want(200).has("data", map[string]any{"added": []any{}, "changed": []any{}, "removed": []any{}})

		s.del(plans+"/gold/draft").want(200).has("data", map[string]any{"id": "gold"})
		s.get(plans+"/gold").want(200).has("data.displayName", "Gold", "data.versionNumber", 1)
		s.get(plans + "/gold/draft/changes").want(404)
		if a := s.del(plans + "/orphan/draft"); a.status != 409 { // its draft is all there is
			t.Errorf("%s: %d\n%s", a.call, a.status, a.raw)
		}
		s.get(plans+"/orphan").want(200).has("data.status", "DRAFT")
	})
}

// paths are the sorted paths of a list of differences.
func (a *answer) paths(list string) []string {
	a.t.Helper()
	v, _ := a.at(list)
	rows, _ := v.([]any)
	out := []string{}
	for i := range rows {
		out = append(out, a.text(fmt.Sprintf("%s.%d.path", list, i)))
	}
	slices.Sort(out)
	return out
}

// change is one difference as an answer of its own.
func (a *answer) change(kind, path string) *answer {
	a.t.Helper()
	v, _ := a.at("data." + kind)
	rows, _ := v.([]any)
	for _, row := range rows {
		if m, _ := row.(map[string]any); m["path"] == path {
			b := *a
			b.tree = row
			return &b
		}
	}
	a.t.Fatalf("%s: nothing %s at %s\n%s", a.call, kind, path, a.raw)
	return nil
}

// says checks the words of a difference.
func (a *answer) says(parts ...string) {
	a.t.Helper()
	for _, part := range parts {
		if text := a.text("text"); !strings.Contains(text, part) {
			a.t.Errorf("%s: %q does not say %s", a.call, text, part)
		}
	}
}

// A published version never changes: not for whoever is on it, not in its charges, whatever becomes of the plan.
func TestPublishedVersionNeverChanges(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.fill()
		s.post(customers, provision("old", "gold", addons("extra", 1), `"id":"old-sub"`)).want(201)
		charges := s.get(plans + "/gold/charges").want(200)
		have := s.get(customers + "/old/entitlements").want(200)
		sub := s.get("/api/v1/subscriptions/old-sub").want(200)
		same := func(when string) {
			t.Helper()
			for _, was := range []*answer{have, sub} {
				if now := s.get(was.path).want(200); string(now.raw) != string(was.raw) {
					t.Errorf("%s: %s was\n%s\nand is\n%s", when, was.path, was.raw, now.raw)
				}
			}
		}
		s.post(plans+"/gold/draft", "").want(200)
		s.patch(plans+"/gold", `{"displayName":"Golden","charges":`+monthly5+`,"compatibleAddonIds":null}`).want(200)
		s.patch(plans+"/gold/entitlements/seats", `{"type":"FEATURE","usageLimit":1,"hasSoftLimit":true,"displayNameOverride":"Chairs"}`).want(200)
		s.del(plans + "/gold/entitlements/region").want(200)
		s.post(addOns+"/extra/draft", "").want(200)
		s.patch(addOns+"/extra/entitlements/seats", `{"type":"FEATURE","usageLimit":7}`).want(200)
		same("a draft")
		if now := s.get(plans + "/gold/charges").want(200); string(now.raw) != string(charges.raw) {
			t.Errorf("the charges were\n%s\nand are\n%s", charges.raw, now.raw)
		}
		for _, id := range s.get(plans + "/gold/charges?version=draft").want(200).column("id") {
			if slices.Contains(charges.column("id"), id) {
				t.Errorf("the draft shares the charge %s", id)
			}
		}
		s.post(addOns+"/extra/publish", `{}`).want(200)
		s.publish("gold")
		same("publishing")
		s.post(plans+"/gold/archive", "").want(200)
		s.post(addOns+"/extra/archive", "").want(200)
		same("archiving")
		s.get(plans+"/gold").want(200).has("data.status", "ARCHIVED", "data.versionNumber", 2, "data.displayName", "Golden")
		s.post(plans+"/gold/unarchive", "").want(200).has("data.status", "PUBLISHED")
		s.post(customers, provision("new", "gold")).want(201).has("data.subscription.planVersion", 2, "data.subscription.prices.0.amount", 5)
		s.limit("new", "seats", 1)
		s.check("new", "region").has("data.isGranted", false)
		s.post(customers, provision("none", "gold", addons("extra", 1))).want(404)
		same("another customer")
	})
}

// warned checks the warnings of publishing, as "CODE path"; the features that nobody checks are left out unless asked for.
func (a *answer) warned(want ...string) {
	a.t.Helper()
	var body struct {
		Data struct {
			Warnings []struct{ Code, Path, Message string }
		}
	}
	if err := json.Unmarshal(a.want(200).raw, &body); err != nil {
		a.t.Fatal(err)
	}
	all := slices.ContainsFunc(want, func(w string) bool { return strings.HasPrefix(w, "FEATURE_") })
	got := []string{}
	for _, w := range body.Data.Warnings {
		if w.Message == "" {
			a.t.Errorf("%s: %s says nothing", a.call, w.Code)
		}
		if all || w.Code != "FEATURE_NEVER_CHECKED" {
			got = append(got, w.Code+" "+w.Path)
		}
	}
	slices.Sort(got)
	if d := cmp.Diff(append([]string{}, want...), got); d != "" {
		a.t.Errorf("%s: warnings (-want +got):\n%s", a.call, d)
	}
}

func TestTrialBudgetNeedsAPaidPlan(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.fill()
		s.patch(plans+"/draft", `{"charges":`+monthly5+`,"defaultTrialConfig":{"duration":3,"units":"DAY","budget":{"limit":5}}}`).want(200)
		s.patch(plans+"/draft", `{"charges":{"pricingType":"CUSTOM"}}`).refused(400, "InvalidArgumentError", "charges.pricingType")
	})
}
