package apitest

import (
	"flag"
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/purserhq/purser/internal/store/storetest"
)

var before = flag.Int("before", 3, "how many earlier events a failure of the simulation lists")

// A year of some subscriptions. TestSlowSimulation is the whole.
func TestSimulation(t *testing.T) {
	t.Parallel()
	for _, engine := range storetest.Engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			simulate(t, engine, scale{people: 14, subscriptions: 50, years: 1, steps: 26, touched: 5})
		})
	}
}

// scale is how much is simulated.
type scale struct{ people, subscriptions, years, steps, touched int }

// simulation is a world of customers whose subscriptions live through years. Whatever happens to them, what a caller sees
// keeps the rules of domain-catalog-provisioning §9.
type simulation struct {
	*server
	r       *rand.Rand
	plans   []*worldPlan
	people  []*person
	end     time.Time
	feed    string         // how far it was read
	answers map[string]int // by kind of operation and code
	ledger  map[string]int
	blind   bool // much happens between two looks
}

// person is a customer and all that was seen of it.
type person struct {
	id        string
	list      []*life
	balance   map[string]*big.Rat
	archived  bool
	events    []told
	last      map[string]*told           // the newest event of each subscription
	seen      map[string]map[int64]*life // each version of each subscription that was read
	since     map[string]map[int64]time.Time
	due       map[int64]bool // instants at which something was to happen
	paid      map[string]paidFor
	begun     map[string]int64 // the version at which a subscription became ACTIVE
	resources map[string]bool
	waiting   map[string]int      // lines that wait for the next invoice
	kept      map[string]*big.Rat // what should be the balance
	unread    int                 // events up to here were checked
}

// paidFor is what was paid for a period.
type paidFor struct {
	end    time.Time
	amount *big.Rat
}

func newSimulation(at *server, r *rand.Rand, people int) *simulation {
	s := &simulation{server: at, r: r, plans: worldPlans(), answers: map[string]int{}, ledger: map[string]int{}}
	s.world(s.plans)
	for i := range people {
		s.people = append(s.people, &person{
			id: fmt.Sprintf("c-%d", i), balance: map[string]*big.Rat{}, last: map[string]*told{}, seen: map[string]map[int64]*life{},
			since: map[string]map[int64]time.Time{}, due: map[int64]bool{}, paid: map[string]paidFor{}, begun: map[string]int64{},
			resources: map[string]bool{}, kept: map[string]*big.Rat{},
		})
		s.post(customers, fmt.Sprintf(`{"id":"c-%d"}`, i)).want(201)
	}
	s.feed = s.here()
	return s
}

func simulate(t *testing.T, engine string, n scale) {
	r := dice(t)
	s := newSimulation(start(t, engine), r, n.people)
	s.end = begin.AddDate(n.years, 0, 0)
	for step := 0; step < n.steps && !t.Failed(); step++ {
		s.account()
		if maybe(r, 3) {
			s.publish()
		}
		var touched []*person
		for range n.touched {
			p := one(r, s.people...)
			for range 1 + r.IntN(3) {
				s.look(p)
				s.live(p)
			}
			s.look(p)
			s.entitled(p)
			touched = append(touched, p)
		}
		s.read()
		for _, p := range touched {
			s.reconcile(p)
		}
		if step%16 == 15 {
			s.settled()
		}
		if t.Failed() {
			t.Logf("step %d of %d", step, n.steps)
		}
		s.pass(n.steps - step)
	}
	made := 0
	for _, p := range s.people {
		s.look(p)
		s.entitled(p)
		made += len(p.list)
	}
	s.read()
	for _, p := range s.people {
		s.reconcile(p)
		if maybe(r, 8) {
			s.retold(p)
		}
	}
	s.settled()
	if made < n.subscriptions {
		t.Errorf("%d subscriptions were made, want at least %d", made, n.subscriptions)
	}
	var lines []string
	good, bad := 0, 0
	for kind, count := range s.answers {
		lines = append(lines, fmt.Sprintf("%6d %s", count, kind))
		if strings.HasSuffix(kind, " ok") {
			good += count
		} else {
			bad += count
		}
	}
	slices.Sort(lines)
	t.Logf("%d subscriptions, %d changes and %d refusals, %v\n%s", made, good, bad, s.ledger, strings.Join(lines, "\n"))
	if good < bad {
		t.Errorf("%d changes and %d refusals: little happened", good, bad)
	}
}

func (s *simulation) now() time.Time {
	if !s.blind {
		return s.clock.Now()
	}
	return decode[struct{ Now time.Time }](s.send("GET", testClock, "")).Now
}

// fail tells what was wrong with a customer.
func (s *simulation) fail(p *person, format string, args ...any) {
	s.t.Helper()
	s.t.Errorf("%s at %s: %s", p.id, s.now().Format(time.RFC3339), fmt.Sprintf(format, args...))
	for _, e := range p.events[max(0, p.unread-*before):] {
		s.t.Logf("  %s %s v%d by %s: %s", e.At.Format(time.RFC3339), e, e.Version, e.Actor.ID, e.Payload)
	}
}

// pass lets time go by: hours or months, or up to an instant at which something is due. Either everything that is due is
// left to whoever looks next, or the test clock passes through it.
func (s *simulation) pass(left int) {
	now := s.now()
	rest := s.end.Sub(now)
	d := time.Duration(float64(rest) / float64(left) * (2 * s.r.Float64()))
	switch s.r.IntN(8) {
	case 0:
		d = time.Duration(1+s.r.IntN(30)) * time.Hour
	case 1, 2: // to the very instant
		p := one(s.r, s.people...)
		for _, l := range p.list {
			for _, at := range []*time.Time{l.CurrentBillingPeriodEnd, l.TrialEndDate, l.CancellationDate, &l.StartDate} {
				if at != nil && at.After(now) && at.Before(now.AddDate(0, 2, 0)) {
					d = at.Sub(now)
				}
			}
		}
	}
	d = min(d, rest)
	if d <= 0 {
		return
	}
	to := now.Add(d.Truncate(time.Millisecond))
	if !maybe(s.r, 3) {
		s.clock.Add(to.Sub(now))
		return
	}
	a := s.send("PUT", testClock, fmt.Sprintf(`{"now":%q}`, stamp(to)))
	if a.status == 202 {
		s.ended(a.text("data.taskId"))
	} else {
		a.want(200)
	}
	s.clock.Add(to.Sub(now))
	s.send("DELETE", testClock, "").want(200)
}

// settled lets the clock do all that is due, and the server verify everything.
func (s *simulation) settled() {
	s.put(testClock, fmt.Sprintf(`{"now":%q}`, stamp(s.now()))).want(200)
	s.sound()
	s.clock.Add(time.Millisecond)
	s.del(testClock).want(200)
}

// do sends a change and keeps account of the answers. A refusal is a clear one.
func (s *simulation) try(kind, method, path string, body any, head ...string) *answer {
	text := ""
	if body != nil {
		text = encode(body)
	}
	a := s.send(method, path, text, head...)
	switch {
	case a.status < 300:
		s.answers[kind+" ok"]++
	case a.status >= 500:
		s.t.Errorf("%s %s: %d\n%s", a.call, text, a.status, a.raw)
	default:
		var p problemBody
		if issues := (&answer{t: s.t, call: a.call, status: a.status, head: a.head, raw: a.raw}).form(); issues != nil {
			s.t.Errorf("%s: %v", a.call, issues)
		}
		p.Code = strings.Trim(strings.SplitN(string(a.raw[strings.Index(string(a.raw), `"code":`)+7:]), ",", 2)[0], `"}`)
		s.answers[fmt.Sprintf("%s %d %s", kind, a.status, p.Code)]++
	}
	return a
}

// account changes where billing periods of new subscriptions begin.
func (s *simulation) account() {
	if maybe(s.r, 4) {
		s.patch(account, encode(map[string]any{
			"timezone": one(s.r, zones...), "subscriptionBillingAnchor": one(s.r, "SUBSCRIPTION_START", "START_OF_THE_MONTH"),
		})).want(200)
	}
}

// publish publishes another version of a plan, with other prices or without.
func (s *simulation) publish() {
	p := one(s.r, s.plans...)
	path := plans + "/" + p.id
	s.edit(path, "")
	s.include(path, p.marker(), int(p.version)+1)
	if p.pricing == "PAID" && maybe(s.r, 2) {
		p.monthly += s.r.IntN(500) - 200
		s.patch(path, `{"charges":`+p.charges()+`}`).want(200)
	}
	if p.version++; maybe(s.r, 2) {
		s.caller.publish(p.id)
		return
	}
	a := s.ended(s.forAll(path))
	if state := a.text("data.status"); state != "COMPLETED" && state != "COMPLETED_WITH_ERRORS" && state != "PARTIALLY_FAILED" {
		s.t.Errorf("the publication of %s: %s", p.id, a.raw)
	}
}

// live does one thing to a customer.
func (s *simulation) live(p *person) {
	var open []*life
	for _, l := range p.list {
		if !l.ended() {
			open = append(open, l)
		}
	}
	switch n := s.r.IntN(100); {
	case p.archived:
		if maybe(s.r, 2) {
			s.try("unarchive", "POST", customers+"/"+p.id+"/unarchive", nil)
		}
	case n < 3:
		s.try("archive", "POST", customers+"/"+p.id+"/archive"+one(s.r, "", "?cancelSubscriptions=true"), nil)
	case len(open) == 0 || n < 38:
		s.provision(p)
	case n < 70:
		s.change(one(s.r, open...))
	default:
		s.turn(p, one(s.r, open...))
	}
}

// ahead is an instant in the future: often the end of a month, or its last days.
func (s *simulation) ahead() time.Time {
	now := s.now()
	switch s.r.IntN(4) {
	case 0:
		return time.Date(now.Year(), now.Month()+time.Month(1+s.r.IntN(3)), 29+s.r.IntN(3), s.r.IntN(24), 30, 0, 0, time.UTC)
	case 1:
		if leap := time.Date(2028, 2, 29, s.r.IntN(24), 0, 0, 0, time.UTC); leap.After(now) && leap.Before(now.AddDate(0, 4, 0)) {
			return leap
		}
		return time.Date(now.Year(), now.Month()+1, 1, 0, 0, 0, 0, time.UTC)
	}
	return now.Add(time.Duration(1+s.r.IntN(100*24)) * time.Hour)
}

func (s *simulation) provision(p *person) {
	plan := one(s.r, s.plans...)
	body := map[string]any{"customerId": p.id, "planId": plan.id}
	if plan.product == "site" {
		body["resourceId"] = fmt.Sprint("r", s.r.IntN(3))
	}
	if plan.pricing == "PAID" {
		body["billingPeriod"] = "MONTHLY"
		if plan.annually > 0 && maybe(s.r, 2) {
			body["billingPeriod"] = "ANNUALLY"
		}
	}
	s.terms(body, plan)
	switch s.r.IntN(10) {
	case 0, 1:
		body["startDate"] = s.ahead()
	case 2:
		body["startDate"] = s.now().Add(-time.Duration(1+s.r.IntN(60*24)) * time.Hour)
	}
	if maybe(s.r, 8) {
		trial := map[string]any{"isTrial": !maybe(s.r, 3)}
		if trial["isTrial"] == true {
			trial["trialEndDate"] = s.ahead()
			if maybe(s.r, 2) {
				trial["trialEndBehavior"] = one(s.r, "CONVERT_TO_PAID", "CANCEL_SUBSCRIPTION")
			}
		}
		body["trialOverrideConfiguration"] = trial
	}
	if maybe(s.r, 12) {
		body["cancellationDate"] = s.ahead()
	}
	if maybe(s.r, 12) {
		body["payingCustomerId"] = one(s.r, s.people...).id
	}
	s.try("provision", "POST", subscriptions, body)
}

// terms are what a provision and a change have in common.
func (s *simulation) terms(body map[string]any, plan *worldPlan) {
	if plan.seats > 0 && maybe(s.r, 2) {
		body["charges"] = []any{map[string]any{"id": "seats", "type": "FEATURE", "quantity": 1 + s.r.IntN(12)}}
	}
	if maybe(s.r, 4) {
		list := []any{}
		for _, id := range map[string][]string{"app": {"app-extra", "app-once"}, "site": {"site-extra"}}[plan.product] {
			if maybe(s.r, 2) {
				list = append(list, map[string]any{"id": id, "quantity": 1 + s.r.IntN(4)})
			}
		}
		body["addons"] = list
	}
	if plan.pricing == "PAID" {
		if maybe(s.r, 8) {
			body["appliedCoupon"] = map[string]any{"couponId": one(s.r, "half", "third", "ten")}
		}
		if maybe(s.r, 10) {
			body["priceOverrides"] = []any{map[string]any{"baseCharge": true, "amount": 10 + s.r.IntN(40)}}
		}
		if maybe(s.r, 16) {
			body["minimumSpend"] = map[string]any{"amount": 5 + s.r.IntN(40), "currency": "usd"}
		}
		if maybe(s.r, 12) {
			body["billingCycleAnchor"] = "NOW"
		}
		if maybe(s.r, 6) {
			body["billingInformation"] = map[string]any{"prorationBehavior": one(s.r, "INVOICE_IMMEDIATELY", "CREATE_PRORATIONS", "NONE")}
		}
	}
	if maybe(s.r, 4) {
		body["scheduleStrategy"] = one(s.r, "IMMEDIATE", "END_OF_BILLING_PERIOD", "END_OF_BILLING_MONTH")
	}
}

// change updates a subscription.
func (s *simulation) change(l *life) {
	i := slices.IndexFunc(s.plans, func(p *worldPlan) bool { return p.id == l.PlanID })
	body := map[string]any{}
	s.terms(body, s.plans[i])
	if maybe(s.r, 5) && l.BillingPeriod != "" {
		body["billingPeriod"] = one(s.r, "MONTHLY", "ANNUALLY")
	}
	if maybe(s.r, 6) {
		body["metadata"] = map[string]any{"k": fmt.Sprint(s.r.IntN(3))}
	}
	if maybe(s.r, 12) {
		body["appliedCoupon"] = nil
	}
	if maybe(s.r, 16) {
		body["minimumSpend"] = nil
	}
	if maybe(s.r, 10) {
		body["budget"] = map[string]any{"limit": 100, "hasSoftLimit": true}
	}
	if l.Status == "IN_TRIAL" && maybe(s.r, 2) {
		if body["trialEndDate"] = any(s.ahead()); maybe(s.r, 3) {
			body["trialEndDate"] = nil
		}
	}
	switch s.r.IntN(12) {
	case 0:
		body["cancellationDate"] = s.ahead()
	case 1, 2:
		body["cancellationDate"] = nil
	}
	s.try("update", "PATCH", subscriptions+"/"+l.ID, body)
}

// turn does something else to a subscription.
func (s *simulation) turn(p *person, l *life) {
	path := subscriptions + "/" + l.ID
	switch s.r.IntN(9) {
	case 0, 1, 2:
		body := map[string]any{}
		if when := one(s.r, "", "IMMEDIATE", "END_OF_BILLING_PERIOD", "SPECIFIC_DATE"); when != "" {
			if body["cancellationTime"] = when; when == "SPECIFIC_DATE" {
				body["endDate"] = s.ahead()
			}
		}
		if maybe(s.r, 2) {
			body["prorate"] = maybe(s.r, 2)
		}
		if maybe(s.r, 3) {
			body["cancellationAction"] = "REVOKE_ENTITLEMENTS"
		}
		s.try("cancel", "POST", path+"/cancel", body)
	case 3:
		s.try("cancel schedule", "DELETE", path+"/future-update/schedule", nil)
	case 4, 5:
		s.try("migrate", "POST", path+"/migrate", map[string]any{"subscriptionMigrationTime": one(s.r, "IMMEDIATE", "END_OF_BILLING_PERIOD")})
	case 6:
		if l.ProductID == "site" {
			s.try("transfer", "POST", path+"/transfer", map[string]any{"destinationResourceId": fmt.Sprint("r", s.r.IntN(5))})
		}
	case 7:
		s.try("delegate", "POST", path+"/delegate", map[string]any{"targetCustomerId": one(s.r, one(s.r, s.people...).id, p.id)})
	case 8: // the same twice
		if l.Status == "ACTIVE" && l.BillingPeriod != "" {
			s.try("again", "POST", subscriptions, map[string]any{"customerId": p.id, "planId": l.PlanID, "billingPeriod": l.BillingPeriod, "resourceId": orNull(l.ResourceID)})
		}
	}
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}
