package apitest

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

const events = "/api/v1/events"

// event is one event on the wire; more are further members.
func rawEvent(customer, name, key string, more ...string) string {
	return fmt.Sprintf(`{"customerId":%q,"eventName":%q,"idempotencyKey":%q%s}`, customer, name, key, strings.Join(append([]string{""}, more...), ","))
}

func (c caller) send1(list ...string) *answer {
	c.t.Helper()
	return c.post(events, `{"events":[`+strings.Join(list, ",")+`]}`)
}

// meterBy lets a feature be counted from events.
func (c caller) meterBy(feature, function, field, filters string) *answer {
	c.t.Helper()
	if field != "" {
		field = fmt.Sprintf(`,"field":%q`, field)
	}
	return c.patch("/api/v1/features/"+feature, fmt.Sprintf(`{"meter":{"aggregation":{"function":%q%s},"filters":[%s]}}`, function, field, filters)).want(200)
}

const whenCalled = `{"conditions":[{"field":"eventName","operation":"EQUALS","value":"call"}]}`

func TestRawEventsAreCounted(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.basic("acme")
		s.meterBy("feature-api-calls", "COUNT", "", whenCalled)
		s.check("acme", "feature-api-calls").has("data.currentUsage", 0)
		s.send1(rawEvent("acme", "call", "1"), rawEvent("acme", "other", "2"), rawEvent("acme", "call", "1"), rawEvent("nobody", "call", "1")).want(200)
		s.check("acme", "feature-api-calls").has("data.currentUsage", 1)
		// Vector 9: the same five are one event; with another timestamp it is another one.
		at := func(d time.Duration) string { return fmt.Sprintf(`"timestamp":%q`, stamp(begin.Add(d))) }
		s.send1(rawEvent("acme", "call", "k", at(0))).want(200)
		s.send1(rawEvent("acme", "call", "k", at(0), `"dimensions":{"n":5}`)).want(200)
		s.check("acme", "feature-api-calls").has("data.currentUsage", 2)
		s.send1(rawEvent("acme", "call", "k", at(time.Minute))).want(200)
		s.check("acme", "feature-api-calls").has("data.currentUsage", 3)
		s.post(usages, report("acme", "feature-api-calls", 1, "")).refused(400, "CannotReportUsageForEntitlementWithMeterError", "usages[0].featureId")

		s.moveTo(begin.AddDate(0, 1, 1))
		s.check("acme", "feature-api-calls").has("data.currentUsage", 0)
		s.send1(rawEvent("acme", "call", "late", at(29*day)), rawEvent("acme", "call", "now")).want(200)
		s.check("acme", "feature-api-calls").has("data.currentUsage", 1)
		s.send1(rawEvent("acme", "call", "x", at(-time.Hour)), rawEvent("acme", "call", "y", at(33*day))).
			refused(400, "InvalidArgumentError", "events[0].timestamp", "events[1].timestamp")
		s.sound()
	})
}

func TestEveryAggregationCountsAndCanBeChanged(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.basic("acme")
		for i, n := range []string{"3", "7", `"x"`, "7", "2"} {
			s.send1(rawEvent("acme", "call", fmt.Sprint(i), fmt.Sprintf(`"dimensions":{"n":%s}`, n))).want(200) // before any meter
		}
		for function, want := range map[string][2]int{"SUM": {19, 29}, "MAX": {7, 10}, "MIN": {2, 2}, "AVG": {5, 6}, "COUNT": {5, 6}, "UNIQUE": {4, 5}} {
			field := "n"
			if function == "COUNT" {
				field = ""
			}
			s.meterBy("feature-seats", function, field, whenCalled)
			s.check("acme", "feature-seats").has("data.currentUsage", want[0])
		}
		s.meterBy("feature-seats", "UNIQUE", "n", whenCalled)
		s.send1(rawEvent("acme", "call", "more", `"dimensions":{"n":10}`)).want(200)
		s.check("acme", "feature-seats").has("data.currentUsage", 5)
		s.send1(rawEvent("acme", "call", "again", `"dimensions":{"n":10}`)).want(200)
		s.check("acme", "feature-seats").has("data.currentUsage", 5)
		s.meterBy("feature-seats", "SUM", "n", whenCalled)
		s.check("acme", "feature-seats").has("data.currentUsage", 39)
		s.send1(rawEvent("acme", "call", "less", `"dimensions":{"n":-4.5}`)).want(200)
		s.check("acme", "feature-seats").has("data.currentUsage", 34) // 34.5, half to even
		s.sound()
	})
}

func TestEventRefusals(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.send1(`{"customerId":"acme","eventName":"call"}`).refused(400, "BadUserInput", "events[0].idempotencyKey")
		s.send1(rawEvent("acme", "call", "k", `"dimensions":{"a":{"b":1},"c":null}`)).
			refused(400, "BadUserInput", "events[0].dimensions.a", "events[0].dimensions.c")
		s.send1().refused(400, "BadUserInput", "events")
		many := make([]string, 1001)
		for i := range many {
			many[i] = rawEvent("acme", "call", fmt.Sprint(i))
		}
		s.send1(many...).refused(400, "BadUserInput", "events")
		s.send1(many[:1000]...).want(200)
	})
}

func TestChangingAMeterStartsARecount(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.basic("acme")
		s.meterBy("feature-seats", "COUNT", "", whenCalled)
		s.send1(rawEvent("acme", "call", "1", `"dimensions":{"n":3}`)).want(200)
		task := s.meterBy("feature-seats", "SUM", "n", whenCalled).text("data.taskId")
		s.get(tasks+"/"+task+"?wait=25").want(200).has("data.status", "COMPLETED", "data.type", "METER_RECOUNT")
		s.check("acme", "feature-seats").has("data.currentUsage", 3)
		s.sound()
	})
}

func TestSnapshot(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.basic("acme")
		path := customers + "/acme/entitlements/snapshot"
		a := s.get(path).want(200).has("data.customerId", "acme", "data.accessDeniedReason", nil, "data.validUntil", stamp(begin.AddDate(0, 1, 0)),
			"data.entitlements.0.feature.id", "feature-api-calls", "data.entitlements.0.rawUsage", 0)
		tag := a.head.Get("ETag")
		if b := s.send("GET", path, "", "If-None-Match", tag); b.status != 304 || len(b.raw) != 0 {
			t.Errorf("the state that the caller has: %d %s", b.status, b.raw)
		}
		s.post(usages, report("acme", "feature-api-calls", 5, "")).want(201)
		s.get(path, "If-None-Match", tag).want(200).has("data.entitlements.0.rawUsage", 5, "data.entitlements.0.currentUsage", 5,
			"data.entitlements.0.usageVersion", 1)
		s.get(customers+"/nobody/entitlements/snapshot").want(200).has("data.accessDeniedReason", "CustomerNotFound", "data.entitlements", []any{})
	})
}
