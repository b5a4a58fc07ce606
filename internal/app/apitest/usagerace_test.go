package apitest

import (
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/purserhq/purser/internal/store/storetest"
)

// pair is the server, and another one on the same database where there can be one.
func (s *server) pair() []caller {
	if s.db.DSN == "" {
		return []caller{s.caller}
	}
	return []caller{s.caller, s.node().caller}
}

// measured adds up what was reported of a customer's feature within a period.
func (s *server) measured(customer, feature string, from, to time.Time) (sum int) {
	s.t.Helper()
	for _, row := range storetest.Rows(s.t, storetest.SQL(s.t, s.db), `
		select cast(coalesce(sum(m.delta), 0) as text) from usage_measurements m
		join customers c on c.environment = m.environment and c.id = m.customer_id
		join features f on f.environment = m.environment and f.id = m.feature_id
		where c.ref_id = $1 and f.ref_id = $2 and m.at >= $3 and m.at < $4`, customer, feature, from.UnixMicro(), to.UnixMicro()) {
		sum, _ = strconv.Atoi(row[0])
	}
	return sum
}

// sinceReset is from when on usage of a customer counts: just after it was set back, which answers do not show.
func (s *server) sinceReset(customer string) (from time.Time) {
	s.t.Helper()
	for _, row := range storetest.Rows(s.t, storetest.SQL(s.t, s.db), `
		select cast(max(r.at) as text) from usage_resets r
		join customers c on c.environment = r.environment and c.id = r.customer_id where c.ref_id = $1`, customer) {
		at, err := strconv.ParseInt(row[0], 10, 64)
		if err != nil {
			s.t.Fatal(err)
		}
		from = time.UnixMicro(at + 1)
	}
	return from
}

// afresh is a server that remembers nothing of before: the same one on SQLite, where there is one at a time.
func (s *server) afresh() caller {
	s.t.Helper()
	if s.db.DSN == "" {
		return s.caller
	}
	return s.node().caller
}

// 64 writers add 1 three times each to a counter that does not exist yet: all of it counts.
func TestUsageOf64WritersAddsUp(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.basic("acme")
		nodes := s.pair()
		const writers, times = 64, 3
		var all sync.WaitGroup
		for w := range writers {
			all.Go(func() {
				for range times {
					nodes[w%len(nodes)].post(usages, report("acme", "feature-api-calls", 1, "")).want(201)
				}
			})
		}
		all.Wait()
		s.afresh().check("acme", "feature-api-calls").has("data.currentUsage", writers*times)
		if sum := s.measured("acme", "feature-api-calls", begin, begin.AddDate(0, 1, 0)); sum != writers*times {
			t.Errorf("measured %d, want %d", sum, writers*times)
		}
		s.sound()
	})
}

// The first reports of customers, all at once: whoever makes the counter, all of them count.
func TestFirstReportsAtOnce(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		nodes := s.pair()
		const people, writers = 8, 6
		for p := range people {
			s.basic(fmt.Sprint("c", p))
		}
		var all sync.WaitGroup
		for w := range people * writers {
			all.Go(func() {
				customer := fmt.Sprint("c", w%people)
				both := fmt.Sprintf(`{"usages":[{"customerId":%q,"featureId":"feature-api-calls","value":2},{"customerId":%q,"featureId":"feature-seats","value":1}]}`,
					customer, customer)
				if w/people%2 == 1 { // the other way round
					both = fmt.Sprintf(`{"usages":[{"customerId":%q,"featureId":"feature-seats","value":1},{"customerId":%q,"featureId":"feature-api-calls","value":2}]}`,
						customer, customer)
				}
				nodes[w/people%len(nodes)].post(usages, both).want(201)
			})
		}
		all.Wait()
		fresh := s.afresh()
		for p := range people {
			fresh.check(fmt.Sprint("c", p), "feature-api-calls").has("data.currentUsage", 2*writers)
			fresh.check(fmt.Sprint("c", p), "feature-seats").has("data.currentUsage", writers)
		}
		s.sound()
	})
}

// 16 callers report with one key: it counts once, and all are told of the same measurement.
func TestOneKeyOf16CallersCountsOnce(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.basic("acme")
		nodes := s.pair()
		for round := range 4 {
			ids := make([]string, 16)
			var all sync.WaitGroup
			for w := range ids {
				all.Go(func() {
					body := report("acme", "feature-api-calls", 5, fmt.Sprintf(`"idempotencyKey":"k%d"`, round))
					ids[w] = nodes[w%len(nodes)].post(usages, body).want(201).text("data.0.id")
				})
			}
			all.Wait()
			for _, id := range ids {
				if id != ids[0] || id == "" {
					t.Fatalf("round %d: the measurements %v", round, ids)
				}
			}
			s.afresh().check("acme", "feature-api-calls").has("data.currentUsage", 5*(round+1))
		}
		s.sound()
	})
}

// Reports while the plan changes and takes usage back to 0: each counts before or after, and every node says the same.
func TestReportsWhileThePlanResetsUsage(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.cutoff("product-demo", "ALWAYS_RESET")
		s.post(customers, provision("acme", "plan-free")).want(201)
		nodes := s.pair()
		total := 0
		for round, plan := range []string{"plan-basic", "plan-free", "plan-basic"} {
			s.moveTo(begin.Add(time.Duration(round+1) * time.Hour))
			var all sync.WaitGroup
			for w := range 12 {
				total += 2
				all.Go(func() {
					for range 2 {
						nodes[w%len(nodes)].post(usages, report("acme", "feature-api-calls", 1, "")).want(201)
					}
				})
			}
			all.Go(func() {
				s.post("/api/v1/subscriptions", fmt.Sprintf(`{"customerId":"acme","planId":%q}`, plan)).want(201)
			})
			all.Wait()

			want := s.measured("acme", "feature-api-calls", s.sinceReset("acme"), begin.AddDate(1, 0, 0))
			s.afresh().check("acme", "feature-api-calls").has("data.currentUsage", want)
			s.check("acme", "feature-api-calls").has("data.currentUsage", want)
			if sum := s.measured("acme", "feature-api-calls", begin.AddDate(-1, 0, 0), begin.AddDate(1, 0, 0)); sum != total {
				t.Errorf("%d are measured, want %d", sum, total)
			}
			s.sound()
		}
	})
}

// The same for events: each batch is about all of the customers, and no two name them in the same order.
func TestFirstEventsAtOnce(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.meterBy("feature-api-calls", "COUNT", "", whenCalled)
		nodes := s.pair()
		const people, writers = 8, 32
		for p := range people {
			s.basic(fmt.Sprint("c", p))
		}
		var all sync.WaitGroup
		for w := range writers {
			all.Go(func() {
				var list []string
				for i := range people {
					list = append(list, rawEvent(fmt.Sprint("c", (w+i)%people), "call", fmt.Sprint("k", w)))
				}
				nodes[w%len(nodes)].send1(list...).want(200)
			})
		}
		all.Wait()
		fresh := s.afresh()
		for p := range people {
			fresh.check(fmt.Sprint("c", p), "feature-api-calls").has("data.currentUsage", writers)
		}
		s.sound()
	})
}
