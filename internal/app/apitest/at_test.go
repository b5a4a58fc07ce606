package apitest

import (
	"fmt"
	"net/url"
	"slices"
	"testing"
	"time"
)

// at is the rest of a check's query that asks for an instant.
func at(t time.Time) string { return "&at=" + url.QueryEscape(t.Format(time.RFC3339Nano)) }

// used reports what a customer has used of a feature.
func (s *server) used(customer, feature string, value int64) {
	s.t.Helper()
	s.post(usages, report(customer, feature, value, "")).want(201)
}

// What a check says about an instant is what it says at that instant, and asking changes nothing.
func TestCheckAheadIsTheCheckThen(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.journey(startTrial + "," + endFree)
		for customer, plan := range map[string]string{"trial": "plan-pro", "basic": "plan-basic", "leaving": "plan-basic"} {
			s.post(customers, provision(customer, plan)).want(201)
		}
		s.post(customers, provision("coming", "plan-basic", `"startDate":"2026-01-20T00:00:00Z"`)).want(201)
		s.post(customers, `{"id":"bare"}`).want(201)
		s.post("/api/v1/subscriptions/"+s.subscriptionOf("leaving")+"/cancel", `{"subscriptionCancellationTime":"SPECIFIC_DATE","endDate":"2026-02-01T00:00:00Z"}`).want(200)
		s.used("basic", "feature-api-calls", 600)
		s.used("basic", "feature-seats", 4)

		people := []string{"trial", "basic", "leaving", "coming", "bare", "nobody"}
		askAll := func(more string) (list []string) {
			for _, c := range people {
				for _, f := range []string{"feature-seats", "feature-api-calls", "feature-basic-reports", "nothing"} {
					list = append(list, string(s.check(c, f, "&requestedUsage=1", more).raw))
				}
			}
			return list
		}
		instants := []time.Time{
			begin, begin.Add(14*day - time.Millisecond), begin.Add(14 * day), begin.AddDate(0, 1, 0).Add(-time.Millisecond), begin.AddDate(0, 1, 0), begin.AddDate(5, 0, 0),
			time.Date(2026, 1, 20, 0, 0, 0, 0, time.UTC), time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC).Add(-time.Microsecond), time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC),
		}
		slices.SortFunc(instants, time.Time.Compare)
		since := s.here()
		now := askAll("")
		var ahead [][]string
		for _, i := range instants {
			ahead = append(ahead, askAll(at(i)))
		}
		for i, want := range now {
			if got := askAll("")[i]; got != want {
				t.Errorf("after looking ahead:\n%s\nbefore:\n%s", got, want)
			}
		}
		s.happened(since)
		for n, i := range instants {
			if i.After(begin) {
				s.moveTo(i)
			}
			for j, got := range askAll("") {
				if ahead[n][j] != got {
					t.Errorf("at %s:\n%s\nforeseen:\n%s", i, got, ahead[n][j])
				}
			}
		}
		s.sound()
	})
}

func TestCheckAheadOfATrial(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.journey(startTrial + "," + endFree)
		s.post(customers, provision("acme", "plan-pro")).want(201)
		end := begin.Add(14 * day)
		s.check("acme", "feature-seats", at(end.Add(-time.Millisecond))).has("data.usageLimit", 25, "data.validUntil", stamp(end))
		s.check("acme", "feature-seats", at(end)).has("data.usageLimit", 1, "data.validUntil", absent)
		s.check("acme", "feature-basic-reports", at(end)).has("data.accessDeniedReason", "NoFeatureEntitlementInSubscription")
		s.check("acme", "feature-api-calls", at(end.AddDate(0, 1, 0))).
			has("data.usageLimit", 100, "data.usagePeriodStart", "2026-02-28T10:00:00.000Z") // counted from the 29th
		// Every row of a batch has its own time.
		s.post(batchCheck, batch(
			`{"customerId":"acme","featureId":"feature-seats"}`,
			fmt.Sprintf(`{"customerId":"acme","featureId":"feature-seats","at":%q}`, stamp(end.Add(-time.Millisecond))),
			fmt.Sprintf(`{"customerId":"acme","featureId":"feature-seats","at":%q}`, stamp(end)),
			fmt.Sprintf(`{"customerId":"acme","featureId":"feature-api-calls","at":%q}`, stamp(end)),
		)).want(200).has("data.0.usageLimit", 25, "data.1.usageLimit", 25, "data.2.usageLimit", 1, "data.3.usageLimit", 100)
		s.shows(s.subscriptionOf("acme"), "data.status", "IN_TRIAL", "data.version", 1)

		// A trial that converts goes on.
		s.journey(selectFirst + "," + endFree)
		s.trialPlan("plan-try", `{"duration":7,"units":"DAY","trialEndBehavior":"CONVERT_TO_PAID"}`)
		s.post(customers, provision("bolt", "plan-try", `"billingPeriod":"MONTHLY"`)).want(201)
		s.check("bolt", "feature-seats", at(begin.Add(7*day))).has("data.usageLimit", 7, "data.validUntil", absent)
	})
}

func TestCheckAheadOfADowngrade(t *testing.T) {
	eachStudio(t, func(t *testing.T, s *server) {
		s.settings("studio", lessLater)
		id := s.takes("team", seats(5), addons("boost", 2))
		s.changes(id, `{`+seats(3)+`,`+addons("boost", 1)+`}`).scheduled("UNIT_AMOUNT SCHEDULED 2026-05-01", "ADDON SCHEDULED 2026-05-01")
		since := s.here()
		may := aprilDay(30)
		s.check("acme", "seats", at(may.Add(-time.Millisecond))).has("data.usageLimit", 5)
		s.check("acme", "seats", at(may)).has("data.usageLimit", 3)
		s.check("acme", "space", at(may)).has("data.usageLimit", 10)
		s.check("acme", "seats", at(may.AddDate(50, 0, 0))).has("data.usageLimit", 3)
		s.happened(since)
		s.changes(id, `{`+seats(6)+`}`)
		s.limit("acme", "seats", 6)
	})
}

func TestCheckAheadOfAReset(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.post(customers, provision("acme", "plan-basic")).want(201)
		next := begin.AddDate(0, 1, 0)
		s.used("acme", "feature-api-calls", 600)
		s.used("acme", "feature-seats", 4)
		s.check("acme", "feature-api-calls", "&requestedUsage=500", at(next.Add(-time.Millisecond))).
			has("data.isGranted", false, "data.currentUsage", 600, "data.usagePeriodEnd", stamp(next))
		s.check("acme", "feature-api-calls", "&requestedUsage=500", at(next)).
			has("data.isGranted", true, "data.currentUsage", 0, "data.usagePeriodStart", stamp(next))
		s.check("acme", "feature-seats", "&requestedUsage=2", at(next)).has("data.isGranted", false, "data.currentUsage", 4)
	})
}

func TestNoCheckLooksBack(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.post(customers, provision("acme", "plan-basic")).want(201)
		const check = customers + "/acme/entitlements/check?featureId=feature-seats"
		s.get(check+at(begin.Add(-time.Microsecond))).refused(400, "BadUserInput", "at")
		s.get(check+"&at=tomorrow").refused(400, "BadUserInput", "at")
		s.get(check+"&at=").refused(400, "BadUserInput", "at")
		s.get(check+at(begin)+at(begin)).refused(400, "BadUserInput", "at")
		s.get(check+at(begin)).want(200).has("data.isGranted", true)
		s.get(customers+"/acme/entitlements/check?currencyId=x"+at(begin)).want(200).has("data.accessDeniedReason", "EntitlementNotFound", "data.type", "CREDIT")
		row := func(i time.Time) string {
			return fmt.Sprintf(`{"customerId":"acme","featureId":"feature-seats","at":%q}`, i.Format(time.RFC3339Nano))
		}
		s.post(batchCheck, batch(row(begin), row(begin.Add(-day)), row(begin.Add(day)), row(begin.Add(-time.Microsecond)))).
			refused(400, "BadUserInput", "checks[1].at", "checks[3].at")
		s.post(batchCheck, batch(row(begin), `{"customerId":"acme","featureId":"feature-seats","at":"soon"}`)).refused(400, "BadUserInput", "checks[1].at")
		s.moveTo(begin.Add(day))
		s.get(check+at(begin)).refused(400, "BadUserInput", "at")
	})
}
