package apitest

import "testing"

// exportApplies checks that the catalog's own export can be applied, here and in an empty environment.
func (s *server) exportApplies() {
	s.t.Helper()
	body := s.exported()
	s.post(file+"/plan", body).did()
	s.production.post(file+"/apply", body).want(200)
	if s.production.exported() != body {
		s.t.Error("the copy differs")
	}
}

// A published child does not come back under a base that is archived, whatever its draft says.
func TestUnarchiveUnderAnArchivedBase(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.fill()
		s.post(plans+"/child/draft", "").want(200)
		s.patch(plans+"/child", `{"parentPlanId":null}`).want(200)
		s.patch(plans+"/draft-child", `{"parentPlanId":null}`).want(200)
		s.post(plans+"/child/archive", "").want(200)
		s.post(plans+"/base/archive", "").want(200)
		s.post(plans+"/child/unarchive", "").refused(409, "IntegrityViolation")
		s.exportApplies()
	})
}

// A catalog can be applied from its export after a feature has left a group, and after a group was archived.
func TestExportWithoutGroupsThatAreGone(t *testing.T) {
	for name, edit := range map[string]func(s *server){
		"left":     func(s *server) { s.patch(groups+"/team", `{"featureIds":["calls"]}`).want(200) },
		"archived": func(s *server) { s.post(groups+"/team/archive", "").want(200) },
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, s *server) {
				s.fill()
				s.post(groups, `{"id":"team","displayName":"Team","featureIds":["seats","calls"]}`).want(201)
				s.post(plans+"/draft/entitlements", `{"entitlements":[{"type":"FEATURE","id":"seats","usageLimit":4,"featureGroupIds":["team"]}]}`).want(201)
				s.patch(plans+"/draft", `{"charges":{"pricingType":"FREE"}}`).want(200)
				s.publish("draft")
				edit(s)
				s.exportApplies()
			})
		})
	}
}

// Overage of an unlimited feature would take the limit from credits that grow with it.
func TestOverageLeavesCreditsTheirLimit(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.fill()
		s.post(plans+"/draft/entitlements", `{"entitlements":[{"type":"CREDIT","id":"gems","amount":5,"cadence":"MONTH","dependencyFeatureId":"seats"},{"type":"FEATURE","id":"seats","usageLimit":4}]}`).want(201)
		s.patch(plans+"/draft", `{"charges":{"pricingType":"PAID","overagePricingModels":[{"billingModel":"USAGE_BASED","featureId":"seats","entitlement":{"featureId":"seats","hasUnlimitedUsage":true},
			"pricePeriods":[{"billingPeriod":"MONTHLY","price":{"amount":1}}]}]}}`).want(400)
	})
}

// A change that changes nothing is no new version, and no event.
func TestNothingChanges(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.fill()
		tag := s.get(plans + "/base?version=draft").want(200).etag()
		since := s.here()
		for _, body := range []string{`{"displayName":"Base"}`, `{"charges":{"pricingType":"FREE"}}`, `{"parentPlanId":null}`} {
			if got := s.patch(plans+"/base", body).want(200).etag(); got != tag {
				t.Errorf("%s: the ETag is %s, was %s", body, got, tag)
			}
		}
		s.happened(since)
	})
}

// An add-on that paid plans have cannot become custom.
func TestAddonOfPaidPlansStaysPaid(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.fill()
		s.post(addOns+"/extra/draft", "").want(200)
		s.patch(addOns+"/extra", `{"charges":{"pricingType":"CUSTOM"}}`).want(200)
		s.refuseAll([]refusal{{"custom", "POST", addOns + "/extra/publish", `{}`, 400, "InvalidArgumentError", []string{"charges.pricingType"}}})
		s.exportApplies()
	})
}

// What a file archived with its product comes back with it.
func TestProductThatAFileArchivedComesBackWhole(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.fill()
		f := decodeFile(s.exported())
		f.without("products", "club")
		f.without("plans", "club-end")
		f.without("plans", "club-start")
		s.post(file+"/apply", encode(f)).want(200)
		s.post(products+"/club/unarchive", "").want(200)
		if got := s.get(plans + "?productId=club").want(200).column("id"); len(got) != 2 {
			t.Errorf("the product is back with the plans %v", got)
		}
		s.exportApplies()
	})
}
