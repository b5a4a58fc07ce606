package apitest

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/purserhq/purser/internal/store/storetest"
)

// refusals are what a change may be answered with when others change the same customer.
var refusals = map[int][]string{
	400: {
		"InvalidArgumentError", "InvalidCancellationDate", "TrialMinDateError", "BillingPeriodMissingError", "BadUserInput",
		"InvalidQuantity", "IncompatibleSubscriptionAddonError", "TrialMustBeCancelledImmediately",
	},
	404: {"PriceNotFound", "SubscriptionNotFound"},
	409: {"SubscriptionAlreadyCanceledOrExpired", "DuplicatedEntityNotAllowed", "InvalidSubscriptionStatus", "ImportAlreadyInProgress", "SubscriptionChanged", "TestClockIsMoving"},
}

// clear says what is wrong with an answer to a change that others were in the way of.
func (a *answer) clear() string {
	var p problemBody
	switch {
	case a.status < 300:
		return ""
	case json.Unmarshal(a.raw, &p) != nil, !slices.Contains(refusals[a.status], p.Code):
		return fmt.Sprintf("%s: %d %s", a.call, a.status, a.raw)
	}
	return ""
}

// Whatever is done at once to the subscriptions of a few customers, §9.2 holds afterwards, each answer is good or a clear
// refusal, and the versions of each subscription are one row without gaps.
func TestSubscriptionsRace(t *testing.T) {
	t.Parallel()
	for _, engine := range storetest.Engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			r := dice(t)
			s := newSimulation(start(t, engine), r, 3)
			s.blind = true
			nodes := []caller{s.caller}
			if engine == storetest.Postgres {
				nodes = append(nodes, s.node().caller)
			}
			s.moveTo(begin.Add(time.Hour))
			for round := 0; round < 14 && !t.Failed(); round++ {
				for _, p := range s.people {
					s.look(p)
				}
				s.race(nodes)
				for _, p := range s.people {
					s.look(p)
					if len(nodes) == 1 { // another server's caches follow the feed in workers, which do not run here
						s.entitled(p)
					}
				}
				s.read()
				for _, p := range s.people {
					s.reconcile(p)
				}
			}
			for _, p := range s.people {
				s.gapless(p)
			}
			s.sound()
			t.Logf("%v", s.answers)
		})
	}
}

// race lets some callers change the customers at once.
func (s *simulation) race(nodes []caller) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	var told []life
	for w := range 4 + s.r.IntN(5) {
		c, r := nodes[w%len(nodes)], rand.New(rand.NewPCG(s.r.Uint64(), uint64(w)))
		lists := make([][]*life, len(s.people))
		for i, p := range s.people {
			lists[i] = p.list
		}
		wg.Go(func() {
			for range 3 {
				i := r.IntN(len(s.people))
				method, path, body := s.rival(r, s.people[i].id, lists[i])
				a := c.send(method, path, body)
				var done struct {
					Data struct {
						life
						TaskID       string
						Subscription *life
					}
				}
				err := json.Unmarshal(a.raw, &done)
				if done.Data.TaskID != "" {
					c.send("GET", tasks+"/"+done.Data.TaskID+"?wait=25", "")
				}
				mu.Lock()
				if issue := a.clear(); issue != "" || err != nil {
					s.t.Errorf("%s: %v\n%s", issue, err, body)
				}
				s.answers[fmt.Sprint(a.status)]++
				if l := done.Data.Subscription; a.status < 300 && l != nil {
					told = append(told, *l)
				} else if a.status < 300 && done.Data.Version > 0 {
					told = append(told, done.Data.life)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	s.read()
	for _, l := range told {
		if s.last(l.ID) < l.Version {
			s.t.Errorf("version %d of %s was answered, and the feed ends with %d", l.Version, l.ID, s.last(l.ID))
		}
	}
}

// last is the newest version of a subscription that the feed tells of.
func (s *simulation) last(id string) int64 {
	for _, p := range s.people {
		if e := p.last[id]; e != nil {
			return e.Version
		}
	}
	return 0
}

// rival draws a change of a customer that others change at the same time, or a move of the clock.
func (s *simulation) rival(r *rand.Rand, customer string, list []*life) (method, path, body string) {
	body = "{}"
	provision := func(plan string, more string) (string, string, string) {
		resource := "null"
		if plan[:4] == "site" {
			resource = fmt.Sprintf(`"r%d"`, r.IntN(2))
		}
		return "POST", subscriptions, fmt.Sprintf(`{"customerId":%q,"planId":%q,"resourceId":%s,"billingPeriod":"MONTHLY"%s}`, customer, plan, resource, more)
	}
	var open []*life
	for _, l := range list {
		if !l.ended() {
			open = append(open, l)
		}
	}
	n := r.IntN(12)
	if len(open) == 0 {
		n = r.IntN(3)
	}
	var l *life
	if len(open) > 0 {
		l = one(r, open...)
		path = subscriptions + "/" + l.ID
	}
	switch n {
	case 0, 1:
		return provision(one(r, "app-free", "app-basic", "app-pro", "app-max", "site-free", "site-s"), one(r, "", "", `,"scheduleStrategy":"END_OF_BILLING_PERIOD"`))
	case 2:
		return provision(one(r, "app-try-c", "app-try-x", "app-try-d", "site-l"), one(r, "", `,"trialOverrideConfiguration":{"isTrial":true,"trialEndDate":"`+stamp(s.now().Add(20*day))+`"}`))
	case 3, 4:
		return "PATCH", path, one(r, fmt.Sprintf(`{"charges":[{"id":"seats","type":"FEATURE","quantity":%d}]}`, 1+r.IntN(20)),
			fmt.Sprintf(`{"metadata":{"k":"%d"}}`, r.IntN(1000)), `{"billingPeriod":"ANNUALLY"}`, `{"scheduleStrategy":"END_OF_BILLING_PERIOD","billingPeriod":"ANNUALLY"}`)
	case 5:
		return "POST", path + "/cancel", one(r, `{"cancellationTime":"IMMEDIATE"}`, `{"cancellationTime":"END_OF_BILLING_PERIOD"}`, `{"cancellationTime":"IMMEDIATE","prorate":true}`)
	case 6:
		if l.ResourceID != "" {
			return "POST", path + "/transfer", fmt.Sprintf(`{"destinationResourceId":"r%d"}`, r.IntN(3))
		}
		return "POST", path + "/migrate", body
	case 7:
		return "DELETE", path + "/future-update/schedule", ""
	case 8:
		return "POST", subscriptions + "/import", fmt.Sprintf(`{"subscriptions":[{"id":"imported-%d","customerId":%q,"planId":%q,"billingPeriod":"MONTHLY"}]}`, r.IntN(1000), customer, one(r, "app-basic", "app-max", "side-two"))
	case 9:
		return "PATCH", path, `{"cancellationDate":` + one(r, "null", `"`+stamp(s.now().Add(9*day))+`"`) + `}`
	}
	return "PUT", testClock, fmt.Sprintf(`{"now":%q}`, stamp(s.now().Add(time.Duration(r.IntN(12*24))*time.Hour)))
}

// gapless checks that the feed told of each version of each subscription.
func (s *simulation) gapless(p *person) {
	told := map[string]map[int64]bool{}
	for _, e := range p.events {
		if told[e.of.ID] == nil {
			told[e.of.ID] = map[int64]bool{}
		}
		told[e.of.ID][e.Version] = true
	}
	for _, l := range p.list {
		if int64(len(told[l.ID])) != l.Version {
			s.fail(p, "%s is at version %d, and the feed tells of %d versions", l.ID, l.Version, len(told[l.ID]))
		}
	}
}

// Of callers who have seen the same version and change it at once, one is first and the others are told; without it all
// succeed, one after the other.
func TestSubscriptionEditorsRace(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.world(worldPlans())
		s.post(customers, `{"id":"acme"}`).want(201)
		s.post(subscriptions, `{"customerId":"acme","planId":"site-s","resourceId":"r0","id":"sub","billingPeriod":"MONTHLY"}`).want(201)
		for round := range 6 {
			before := s.get(subscriptions + "/sub").want(200)
			const n = 8
			answers := make([]*answer, n)
			var wg sync.WaitGroup
			for i := range n {
				method, path, body := "PATCH", subscriptions+"/sub", fmt.Sprintf(`{"metadata":{"editor":"%d-%d"}}`, round, i)
				switch i {
				case 0:
					method, path, body = "POST", path+"/transfer", fmt.Sprintf(`{"destinationResourceId":"r%d"}`, round+1)
				case 1:
					body = fmt.Sprintf(`{"charges":[{"id":"seats","type":"FEATURE","quantity":%d}]}`, 10+round)
				case 2:
					method, path, body = "POST", path+"/cancel", fmt.Sprintf(`{"cancellationTime":"SPECIFIC_DATE","endDate":%q}`, stamp(begin.Add(time.Duration(5+round)*day)))
				}
				head := []string{"If-Match", before.etag()}
				if round%2 == 1 {
					head = nil
				}
				wg.Go(func() { answers[i] = s.send(method, path, body, head...) })
			}
			wg.Wait()
			won := 0
			for _, a := range answers {
				switch {
				case a.status == 200:
					won++
				case a.status != 409 || round%2 == 1:
					t.Errorf("%s: %d\n%s", a.call, a.status, a.raw)
				default:
					a.refused(409, "SubscriptionChanged")
				}
			}
			want := 1
			if round%2 == 1 {
				want = n
			}
			was, _ := before.at("data.version")
			s.get(subscriptions+"/sub").want(200).has("data.version", was.(float64)+float64(won))
			if won != want {
				t.Errorf("round %d: %d of %d succeeded, want %d", round, won, n, want)
			}
		}
		s.sound()
	})
}
