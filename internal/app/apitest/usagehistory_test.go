package apitest

import (
	"fmt"
	"net/url"
	"testing"
	"time"
)

// past asks for the history of a feature; the query is name, value, name, value…
func (c caller) past(customer, feature string, query ...string) *answer {
	c.t.Helper()
	q := url.Values{}
	for i := 0; i < len(query); i += 2 {
		q.Set(query[i], query[i+1])
	}
	return c.get(usages + "/" + customer + "/history/" + feature + "?" + q.Encode())
}

// uses reports a change of usage at an instant.
func (c caller) uses(customer, feature string, n int, at time.Time, more string) {
	c.t.Helper()
	c.post(usages, report(customer, feature, n, fmt.Sprintf(`"createdAt":%q%s`, stamp(at), more))).want(201)
}

func point(at time.Time, value float64, reset bool) map[string]any {
	return map[string]any{"timestamp": stamp(at), "value": value, "isResetPoint": reset}
}

func marker(at time.Time, kind string) map[string]any {
	return map[string]any{"timestamp": stamp(at), "type": kind}
}

// dayOf is the UTC day that an instant is in.
func dayOf(t time.Time) time.Time { return t.Truncate(day) }

func TestUsageHistory(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.basic("acme")
		s.basic("other")
		const calls = "feature-api-calls"
		second := begin.AddDate(0, 1, 0)
		s.moveTo(begin.AddDate(0, 1, 5))
		s.uses("acme", calls, 10, begin.Add(time.Hour), `,"dimensions":{"region":"eu","size":1}`)
		s.uses("acme", calls, 5, begin.Add(90*time.Minute), `,"dimensions":{"region":"us"}`)
		s.uses("acme", calls, 100, begin.AddDate(0, 0, 3), `,"dimensions":{"region":"eu"}`)
		s.uses("acme", calls, 1, second.Add(-time.Hour), "")
		s.uses("acme", calls, 7, second.AddDate(0, 0, 2), `,"dimensions":{"region":"eu"}`)
		s.uses("other", calls, 1000, begin, "")
		s.post(usages, report("acme", calls, 3, "")).want(201).has("data.0.currentUsage", 10) // now

		// By the day: the last day of the first period goes on with the second one.
		s.past("acme", calls, "startDate", stamp(begin)).want(200).has(
			"data.markers", []any{marker(second, "PERIODIC_RESET")},
			"data.series", []any{map[string]any{"tags": []any{}, "points": []any{
				point(dayOf(begin), 15, false), point(dayOf(begin.AddDate(0, 0, 3)), 115, false), point(dayOf(second), 0, true),
				point(dayOf(second.AddDate(0, 0, 2)), 7, false), point(dayOf(second.AddDate(0, 0, 5)), 10, false),
			}}},
		)
		// By the hour, and by the month; the total at the beginning is that of the period.
		s.past("acme", calls, "startDate", stamp(begin), "endDate", stamp(begin.Add(48*time.Hour))).want(200).has("data.markers", []any{},
			"data.series.0.points", []any{point(begin.Add(time.Hour), 15, false)})
		s.past("acme", calls, "startDate", stamp(begin.AddDate(0, 0, 2)), "endDate", stamp(begin.AddDate(0, 0, 4))).want(200).
			has("data.series.0.points", []any{point(begin.AddDate(0, 0, 3), 115, false)})
		s.past("acme", calls, "startDate", stamp(begin.AddDate(0, -3, 0)), "endDate", stamp(begin.AddDate(1, 0, 0))).want(200).has(
			"data.markers", []any{marker(second, "PERIODIC_RESET")},
			"data.series.0.points", []any{
				point(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), 115, false), point(time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC), 10, true),
			})
		s.past("acme", calls, "startDate", stamp(begin), "endDate", stamp(begin.AddDate(0, 0, 10)), "groupBy", "region").want(200).has("data.series", []any{
			map[string]any{"tags": []any{map[string]any{"key": "region", "value": "eu"}}, "points": []any{
				point(dayOf(begin), 10, false), point(dayOf(begin.AddDate(0, 0, 3)), 110, false),
			}},
			map[string]any{"tags": []any{map[string]any{"key": "region", "value": "us"}}, "points": []any{point(dayOf(begin), 5, false)}},
		})
		s.past("acme", calls, "startDate", stamp(begin), "groupBy", "size").want(200).has(
			"data.series.0.tags.0.value", "", "data.series.1.tags.0.value", "1", "data.series.1.points", []any{point(dayOf(begin), 10, false)})
		s.past("acme", "feature-seats", "startDate", stamp(begin)).want(200).has("data.markers", []any{},
			"data.series", []any{map[string]any{"tags": []any{}, "points": []any{}}})
	})
}

func TestUsageHistoryAfterChanges(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.basic("acme")
		const calls, seats = "feature-api-calls", "feature-seats"
		changed := begin.AddDate(0, 0, 10)
		s.moveTo(changed)
		s.uses("acme", calls, 70, begin.AddDate(0, 0, 1), "")
		s.uses("acme", seats, 4, begin.AddDate(0, 0, 1), "")
		s.post("/api/v1/subscriptions", `{"customerId":"acme","planId":"plan-free"}`).want(201)
		// All of it at one instant, as with a clock that stands still.
		s.post(usages, report("acme", calls, 5, "")).want(201).has("data.0.currentUsage", 5)
		s.past("acme", calls, "startDate", stamp(begin)).want(200).has("data.markers", []any{marker(changed, "SUBSCRIPTION_CHANGE_RESET")},
			"data.series.0.points", []any{point(dayOf(begin.AddDate(0, 0, 1)), 70, false), point(dayOf(changed), 5, true)})
		again := changed.AddDate(0, 1, 0)
		s.moveTo(again.AddDate(0, 0, 1))
		s.uses("acme", calls, 2, again.Add(time.Hour), "")
		s.past("acme", calls, "startDate", stamp(begin.AddDate(0, 0, 2))).want(200).
			has("data.markers", []any{marker(changed, "SUBSCRIPTION_CHANGE_RESET"), marker(again, "PERIODIC_RESET")},
				"data.series.0.points", []any{point(dayOf(changed), 5, true), point(dayOf(again), 2, true)})

		// Without a subscription that gives it there is a history still, of one period.
		s.cancels(s.subscriptionOf("acme"), `{"cancellationAction":"REVOKE_ENTITLEMENTS"}`)
		s.past("acme", calls, "startDate", stamp(begin)).want(200).has("data.markers", []any{}, "data.series.0.points", []any{
			point(dayOf(begin.AddDate(0, 0, 1)), 70, false), point(dayOf(changed), 75, false), point(dayOf(again), 77, false),
		})
		s.past("acme", seats, "startDate", stamp(begin)).want(200).has("data.series.0.points", []any{point(dayOf(begin.AddDate(0, 0, 1)), 4, false)})
	})
}

func TestUsageHistoryRefusals(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.basic("acme")
		const start, calls = "startDate", "feature-api-calls"
		ok, later := stamp(begin.AddDate(0, 0, -1)), stamp(begin.AddDate(0, 0, 1))
		for _, tc := range []struct {
			customer, feature string
			query             []string
			status            int
			code, path        string
		}{
			{"nobody", calls, []string{start, ok}, 404, "CustomerNotFound", "customerId"},
			{"acme", "feature-x", []string{start, ok}, 404, "FeatureNotFound", "featureId"},
			{"acme", calls, []string{start, ok, "resourceId", "r"}, 404, "CustomerResourceNotFound", "resourceId"},
			{"acme", "feature-basic-reports", []string{start, ok}, 400, "MeteringNotAvailableForFeatureType", "featureId"},
			{"acme", calls, nil, 400, "BadUserInput", "startDate"},
			{"acme", calls, []string{start, "yesterday"}, 400, "BadUserInput", "startDate"},
			{"acme", calls, []string{start, ok, "endDate", ok}, 400, "InvalidArgumentError", "endDate"},
			{"acme", calls, []string{start, later}, 400, "InvalidArgumentError", "startDate"},
			{"acme", calls, []string{start, stamp(begin.AddDate(-5, 0, 0).Add(-time.Second))}, 400, "InvalidArgumentError", "startDate"},
			{"acme", calls, []string{start, ok, "groupBy", ""}, 400, "BadUserInput", "groupBy"},
		} {
			s.past(tc.customer, tc.feature, tc.query...).refused(tc.status, tc.code, tc.path)
		}
		s.past("acme", calls, start, stamp(begin)).want(200)
		s.past("acme", calls, start, stamp(begin.AddDate(-5, 0, 0))).want(200)
		s.past("acme", calls, start, later, "endDate", stamp(begin.AddDate(0, 0, 9))).want(200).has("data.series.0.points", []any{}) // still to come
		s.client.past("acme", calls, start, ok).want(403)
	})
}
