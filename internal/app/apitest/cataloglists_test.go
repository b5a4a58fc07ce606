package apitest

import (
	"fmt"
	"testing"
)

// The lists of the catalog page like all others (contract §1.3).
func TestCatalogLists(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.fill()
		s.patch(plans+"/draft", everyModel).want(200)
		s.post(groups, `{"id":"one","displayName":"One"}`).want(201)
		s.post(groups, `{"id":"two","displayName":"Two"}`).want(201)
		lists := []string{addOns, coupons, groups, plans + "/draft/charges", plans + "/draft/overage-charges", plans, features}
		cursors := map[string]string{}
		for _, path := range lists {
			for _, limit := range []string{"0", "101", "-1", "x", "1.5", ""} {
				s.get(path+"?limit="+limit).refused(400, "BadUserInput", "limit")
			}
			for _, name := range []string{"after", "before"} {
				s.get(path+"?"+name+"=nonsense").refused(400, "BadUserInput", name)
				s.get(path+"?"+name+"=018f0000-0000-7000-8000-000000000000").refused(400, "BadUserInput", name)
			}
			all := s.get(path + "?limit=100").want(200).column("id")
			var paged []string
			cursor := ""
			for range all {
				a := s.get(path + "?limit=1" + cursor).want(200)
				paged = append(paged, a.column("id")...)
				next, _ := a.at("pagination.next")
				if next == nil {
					break
				}
				cursors[path] = next.(string)
				cursor = "&after=" + next.(string)
			}
			if fmt.Sprint(paged) != fmt.Sprint(all) {
				t.Errorf("%s: one by one %v, at once %v", path, paged, all)
			}
			if len(all) < 2 {
				t.Fatalf("%s has %d rows", path, len(all))
			}
			s.get(path+"?limit=1&before="+cursors[path]).want(200).has("data.1", absent)
		}
		for _, path := range lists {
			for other, cursor := range cursors {
				if other != path {
					s.get(path+"?after="+cursor).refused(400, "BadUserInput", "after")
				}
			}
		}
		s.production.get(coupons+"?after="+cursors[coupons]).refused(400, "BadUserInput", "after")
		s.get(addOns+"?status=GONE").refused(400, "BadUserInput", "status[0]")
		s.get(coupons+"?type=GIFT").refused(400, "BadUserInput", "type")
		s.get(addOns+"?status=DRAFT").want(200).has("data.0.id", "bare", "data.1", absent)
		s.get(addOns+"?productId=gym").want(200).has("data", []any{})
		s.get(addOns+"?productId=shop&status=PUBLISHED&limit=1").want(200).has("data.0.id", "bespoke")
	})
}

// The routes of the catalog answer a replayed Idempotency-Key as they did, and do nothing again.
func TestCatalogIsIdempotent(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.fill()
		for i, r := range []struct {
			path, body, other string
			status            int
		}{
			{coupons, `{"id":"new","name":"New","percentOff":5}`, `{"id":"new","name":"New","percentOff":6}`, 201},
			{groups, `{"id":"new","displayName":"New"}`, `{"id":"new","displayName":"Newer"}`, 201},
			{addOns, `{"id":"new","displayName":"New","productId":"shop"}`, `{"id":"new","displayName":"New","productId":"gym"}`, 201},
			{plans + "/draft/entitlements", `{"entitlements":[{"type":"FEATURE","id":"seats","usageLimit":1}]}`, `{"entitlements":[{"type":"FEATURE","id":"seats","usageLimit":2}]}`, 201},
			{plans + "/base/publish", `{}`, `{"migrationType":"SOME"}`, 200},
			{file + "/apply?overwrite=true", shelf, `{"formatVersion":1}`, 200},
		} {
			key := []string{"Idempotency-Key", fmt.Sprintf("key-%d", i)}
			a := s.post(r.path, r.body, key...).want(r.status)
			since := s.here()
			if b := s.post(r.path, r.body, key...).want(r.status); string(a.raw) != string(b.raw) {
				t.Errorf("%s: replayed\n%s, first\n%s", r.path, b.raw, a.raw)
			}
			if b := s.post(r.path, r.other, key...); b.status != 400 { // whichever is looked at first
				b.refused(409, "IdempotencyKeyReused")
			}
			s.happened(since)
		}
	})
}

// A plan that leaves a value to each subscription has one by default, or cannot be had yet (§9.3 step 7).
func TestCustomValuesAreMissing(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.fill()
		s.patch(plans+"/draft", `{"charges":{"pricingType":"CUSTOM"}}`).want(200)
		s.post(plans+"/draft/entitlements", `{"entitlements":[{"type":"FEATURE","id":"seats","isCustom":true},{"type":"FEATURE","id":"depth","isCustom":true,"usageLimit":3}]}`).want(201).
			has("data.0.isCustom", true, "data.0.usageLimit", nil)
		s.publish("draft")
		s.refuseAll([]refusal{{"missing", "POST", customers, provision("acme", "draft"), 400, "BadUserInput", []string{"subscriptionParams.entitlements"}}})
		s.post(plans+"/draft/draft", "").want(200)
		s.patch(plans+"/draft/entitlements/seats", `{"type":"FEATURE","usageLimit":8}`).want(200)
		s.publish("draft")
		s.post(customers, provision("acme", "draft")).want(201)
		s.limit("acme", "seats", 8)
		s.limit("acme", "depth", 3)
	})
}
