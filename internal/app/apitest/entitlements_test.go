package apitest

import (
	"testing"
)

// The reasons of domain-entitlements-usage §1.2, in the order of §3.2. A denial is an answer, never an error.
func TestCheckReasons(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.post("/api/v1/features", `{"id":"feature-other","displayName":"Other","featureType":"BOOLEAN"}`).want(201)
		s.post(customers, provision("acme", "plan-basic")).want(201)
		s.post(customers, `{"id":"bare"}`).want(201)
		s.post(customers, `{"id":"gone"}`).want(201)
		s.post(customers+"/gone/archive", "").want(200)
		for _, tc := range []struct {
			customer, query string
			granted         bool
			reason          any
		}{
			{"nobody", "featureId=feature-seats", false, "CustomerNotFound"},
			{"nobody", "featureId=nothing", false, "CustomerNotFound"},
			{"gone", "featureId=feature-seats", false, "CustomerIsArchived"},
			{"gone", "featureId=nothing&resourceId=r", false, "CustomerIsArchived"},
			{"acme", "featureId=feature-seats&resourceId=r", false, "CustomerResourceNotFound"},
			{"acme", "featureId=nothing&resourceId=r", false, "CustomerResourceNotFound"},
			{"acme", "featureId=nothing", false, "FeatureNotFound"},
			{"bare", "featureId=nothing", false, "FeatureNotFound"},
			{"bare", "featureId=feature-seats", false, "NoActiveSubscription"},
			{"acme", "featureId=feature-other", false, "NoFeatureEntitlementInSubscription"},
			{"acme", "featureId=feature-basic-reports", true, nil},
			{"acme", "featureId=feature-basic-reports&requestedUsage=99&requestedValues=a,b", true, nil},
			{"acme", "featureId=feature-seats", true, nil},
			{"acme", "featureId=feature-seats&requestedUsage=0", true, nil},
			{"acme", "featureId=feature-seats&requestedUsage=5", true, nil},
			{"acme", "featureId=feature-seats&requestedUsage=6", false, "RequestedUsageExceedingLimit"},
			{"acme", "currencyId=nothing", false, "EntitlementNotFound"},
		} {
			a := s.get(customers+"/"+tc.customer+"/entitlements/check?"+tc.query).want(200).
				has("data.isGranted", tc.granted, "data.accessDeniedReason", tc.reason)
			again := s.get(customers + "/" + tc.customer + "/entitlements/check?" + tc.query).want(200) // from memory
			if string(a.raw) != string(again.raw) {
				t.Errorf("%s: two answers:\n%s\n%s", a.call, a.raw, again.raw)
			}
		}
		s.get(customers+"/nobody/entitlements").want(200).has("data", map[string]any{"accessDeniedReason": "CustomerNotFound", "entitlements": []any{}})
		s.check("acme", "feature-seats", "&requestedUsage=6").golden("check_denied")
	})
}

func TestCheckParameters(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.post(customers, provision("acme", "plan-basic")).want(201)
		const check = customers + "/acme/entitlements/check?"
		s.get(check).refused(400, "BadUserInput", "featureId")
		s.get(check+"featureId=a&currencyId=b").refused(400, "BadUserInput")
		for _, usage := range []string{"-1", "x", "1.5", "99999999999999999999"} {
			s.get(check+"featureId=feature-seats&requestedUsage="+usage).refused(400, "BadUserInput", "requestedUsage")
		}
		s.get(check+"featureId=feature-seats&requestedUsage=9223372036854775807").want(200).has("data.isGranted", false)
		if got := s.get(check + "featureId=feature-seats&featurId=x").want(200).head.Get(ignored); got != "featurId" {
			t.Errorf("%s: %q", ignored, got)
		}
	})
}

// What changes is seen by the next check, cached or not.
func TestChecksFollowChanges(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.check("acme", "feature-seats").has("data.accessDeniedReason", "CustomerNotFound")
		s.post(customers, provision("acme", "plan-pro")).want(201)
		s.check("acme", "feature-seats").has("data.isGranted", true, "data.usageLimit", 25)
		s.check("acme", "feature-new").has("data.accessDeniedReason", "FeatureNotFound")
		s.post("/api/v1/features", `{"id":"feature-new","displayName":"New","featureType":"BOOLEAN"}`).want(201)
		s.check("acme", "feature-new").has("data.accessDeniedReason", "NoFeatureEntitlementInSubscription")
		s.patch("/api/v1/features/feature-seats", `{"displayName":"Chairs"}`).want(200)
		s.check("acme", "feature-seats").has("data.feature.displayName", "Chairs")
		s.moveTo(begin.Add(14*day - 1e6))
		s.check("acme", "feature-seats").has("data.usageLimit", 25)
		s.moveTo(begin.Add(14 * day)) // the end is exclusive
		s.check("acme", "feature-seats").has("data.usageLimit", 1)
		s.check("acme", "feature-basic-reports").has("data.isGranted", false, "data.accessDeniedReason", "NoFeatureEntitlementInSubscription")
		s.post(customers+"/acme/archive", "").want(200)
		s.check("acme", "feature-seats").has("data.accessDeniedReason", "CustomerIsArchived")
		s.post(customers+"/acme/unarchive", "").want(200)
		s.check("acme", "feature-seats").has("data.accessDeniedReason", "NoActiveSubscription")
	})
}

// A trial that is over denies without anybody having to notice (domain-entitlements-usage §2.2).
func TestTrialEndDeniesAtOnce(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.journey(startTrial + "," + endRevoke)
		for _, id := range []string{"warm", "cold"} {
			s.post(customers, provision(id, "plan-free")).want(201)
		}
		s.check("warm", "feature-seats").has("data.isGranted", true)
		s.clock.Add(14 * day)
		for _, id := range []string{"warm", "cold"} {
			s.check(id, "feature-seats").has("data.isGranted", false, "data.accessDeniedReason", "NoActiveSubscription")
			s.get(customers+"/"+id+"/entitlements").want(200).has("data.accessDeniedReason", "NoActiveSubscription", "data.entitlements", []any{})
		}
	})
}
