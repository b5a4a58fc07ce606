package apitest

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

const testClock = "/api/v1/test-clock"

func TestClockMovesForwardOnly(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.get(testClock).want(200).has("data", map[string]string{"now": stamp(begin), "mode": "real"})
		s.del(testClock).want(200).has("data.mode", "real")
		since := s.here()
		s.moveTo(begin.Add(day))
		s.moveTo(begin.Add(day)) // the same again is no move
		s.clock.Add(time.Hour)   // a test clock stands still
		s.get(testClock).want(200).has("data", map[string]string{"now": stamp(begin.Add(day)), "mode": "test"})
		for _, back := range []time.Time{begin.Add(day - time.Millisecond), begin, time.Unix(0, 0)} {
			s.put(testClock, fmt.Sprintf(`{"now":%q}`, stamp(back))).refused(400, "InvalidArgumentError", "now")
		}
		s.moveTo(time.Date(2026, 1, 17, 1, 2, 3, 4_000_000, time.UTC))
		events := s.happened(since, "environment.clock_moved environment clock", "environment.clock_moved environment clock")
		if at := begin.Add(day); !events[0].At.Equal(at) || !events[0].RecordedAt.Equal(begin) {
			t.Errorf("the first move is at %s, recorded at %s; want %s and %s", events[0].At, events[0].RecordedAt, at, begin)
		}
		for _, body := range []string{`{}`, `{"now":null}`, `{"now":5}`, `{"now":"tomorrow"}`, `{"now":"2026-02-01"}`, `{"now":"2026-02-30T00:00:00Z"}`} {
			s.put(testClock, body).refused(400, "BadUserInput", "now")
		}
		// Any offset is an instant.
		s.put(testClock, `{"now":"2026-02-01T02:00:00+02:00"}`).want(200).has("data.now", "2026-02-01T00:00:00.000Z")
	})
}

func TestProductionHasNoTestClock(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		p := s.production
		p.put(testClock, fmt.Sprintf(`{"now":%q}`, stamp(begin.Add(day)))).refused(409, "TestClockNotAvailable")
		p.get(testClock).refused(409, "TestClockNotAvailable")
		p.del(testClock).refused(409, "TestClockNotAvailable")
	})
}

// Answers show business time whole: an instant that was shown and is sent back means the same.
func TestShownInstantsCanBeSentBack(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.clock.Add(1234567 * time.Microsecond)
		a := s.post(customers, provision("acme", "plan-pro")).want(201)
		end := a.text("data.subscription.trialEndDate")
		s.put(testClock, fmt.Sprintf(`{"now":%q}`, end)).want(200).has("data.now", end)
		s.get("/api/v1/subscriptions/"+a.text("data.subscription.id")).want(200).has("data.status", "EXPIRED", "data.endDate", end)
		s.put(testClock, fmt.Sprintf(`{"now":%q}`, end)).want(200)
		shown := s.put(testClock, `{"now":"2027-01-01T00:00:00.123456Z"}`).want(200).text("data.now")
		s.put(testClock, fmt.Sprintf(`{"now":%q}`, shown)).want(200)
	})
}

func TestClockReturnsToRealTime(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.moveTo(begin.Add(day))
		s.del(testClock).refused(400, "InvalidArgumentError") // it would go backwards
		s.get(testClock).want(200).has("data.mode", "test")
		now := s.clock.Add(2 * day)
		s.del(testClock).want(200).has("data", map[string]string{"now": stamp(now), "mode": "real"})
		now = s.clock.Add(time.Hour)
		s.get(testClock).want(200).has("data.now", stamp(now), "data.mode", "real")
		s.post(customers, `{"id":"acme"}`).want(201).has("data.createdAt", stamp(now))
	})
}

// DELETE passes through everything that becomes due on the way.
func TestReturnToRealTimeSettles(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.journey(startTrial + "," + endFree)
		s.moveTo(begin.Add(day))
		s.post(customers, provision("acme", "plan-free")).want(201)
		s.clock.Add(60 * day)
		s.get("/api/v1/subscriptions/"+s.subscriptionOf("acme")).want(200).has("data.status", "IN_TRIAL")
		s.del(testClock).want(200).has("data.mode", "real")
		s.get("/api/v1/subscriptions/"+s.subscriptionOf("acme")).want(200).
			has("data.planId", "plan-free", "data.startDate", stamp(begin.Add(15*day)))
	})
}

// A long move applies everything in the order of due times, whoever it belongs to.
func TestClockMoveSettlesInOrder(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.journey(startTrial + "," + endFree)
		const n = 40
		for i := n - 1; i >= 0; i-- { // the last made is the first due
			start := begin.Add(time.Duration(i+1) * time.Hour)
			s.post(customers, provision(fmt.Sprintf("acme-%02d", i), "plan-free", fmt.Sprintf(`"id":"sub-%02d"`, i), fmt.Sprintf(`"startDate":%q`, stamp(start)))).want(201)
		}
		since := s.here()
		s.moveTo(begin.Add(30 * day))
		var last time.Time
		types := map[string]int{}
		for _, e := range s.happenedAtAll(since) {
			types[e.Type]++
			if e.At.Before(last) {
				t.Errorf("%s at %s comes after something at %s", e, e.At, last)
			}
			last = e.At
		}
		if types["subscription.trial_started"] != n || types["subscription.trial_expired"] != n || types["subscription.created"] != n {
			t.Errorf("events by type: %v", types)
		}
		for i := range n {
			s.get(fmt.Sprintf("/api/v1/subscriptions/sub-%02d", i)).want(200).
				has("data.status", "EXPIRED", "data.endDate", stamp(begin.Add(14*day+time.Duration(i+1)*time.Hour)))
		}
		for _, id := range s.get("/api/v1/subscriptions?limit=100&status=ACTIVE").want(200).column("planId") {
			if id != "plan-free" {
				t.Errorf("%s is active", id)
			}
		}
	})
}

// Real time that passes is honoured by whoever looks first: no job runs in these tests.
func TestReadsShowTheSettledState(t *testing.T) {
	end := stamp(begin.Add(14 * day))
	body := func(id string) string { return provision(id, "plan-free", `"id":"sub-`+id+`"`) }
	looks := map[string]func(c caller, id string){
		"subscription": func(c caller, id string) {
			c.get("/api/v1/subscriptions/sub-"+id).want(200).has("data.status", "EXPIRED", "data.endDate", end)
		},
		"check": func(c caller, id string) {
			c.check(id, "feature-seats").has("data.isGranted", true, "data.usageLimit", 1)
		},
		"list": func(c caller, id string) {
			c.get(customers+"/"+id+"/entitlements").want(200).has("data.entitlements.0.usageLimit", 100, "data.entitlements.2", absent)
		},
		"repeat": func(c caller, id string) {
			c.post(customers, body(id)).want(200).has("data.subscription.status", "EXPIRED")
		},
		"dry run": func(c caller, id string) {
			c.post(customers+"?dryRun=true", body(id)).want(200).has("data.subscription.status", "EXPIRED")
		},
		"update":   func(c caller, id string) { c.patch(customers+"/"+id, `{"name":"Acme"}`).want(200) },
		"customer": func(c caller, id string) { c.get(customers + "/" + id).want(200) },
	}
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.journey(startTrial + "," + endFree)
		for name := range looks {
			id := strings.ReplaceAll(name, " ", "-")
			s.post(customers, body(id)).want(201)
			s.check(id, "feature-seats").has("data.usageLimit", 25) // warms the cache
		}
		since := s.here()
		s.clock.Add(20 * day)
		for name, look := range looks {
			t.Run(name, func(t *testing.T) { look(s.in(t), strings.ReplaceAll(name, " ", "-")) })
		}
		expired := 0
		for _, e := range s.happenedAtAll(since) {
			if e.Type == "subscription.trial_expired" {
				expired++
				if stamp(e.At) != end {
					t.Errorf("%s is at %s, want %s", e, stamp(e.At), end)
				}
			}
		}
		if expired != len(looks) {
			t.Errorf("%d trials ended, want %d: whoever looks settles", expired, len(looks))
		}
	})
}
