//go:build slow

package e2e

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/purserhq/purser/internal/guarantee"
	"github.com/purserhq/purser/internal/store/storetest"
)

// spenders is a crowd that reports usage of a few customers: each order has keys of its own, and is sent again after a
// kill. plan-pro has api-calls without a limit, 25 seats, and builds, which a meter counts.
type spenders struct {
	*crowd
	lines map[string][]line // by order
}

// line is one report within an order; its key is that of the order and its place in it.
type line struct {
	customer, feature, key string
	amount                 int
}

const (
	people     = 4
	seatsLimit = 25
)

func newSpenders(s *server, name string) *spenders {
	p := &spenders{newCrowd(name), map[string][]line{}}
	for i := range people {
		s.do("POST", "/api/v1/customers", provision{ID: fmt.Sprint(name, "-", i), SubscriptionParams: &params{"plan-pro"}}, nil)
	}
	p.make = p.spend
	return p
}

// spend makes reports one by one and in batches, consumes with and without a limit in sight, and sends events.
func (p *spenders) spend(client, i int) (string, order) {
	id := fmt.Sprintf("%s-%02d-%05d", p.name, client, i)
	n := 1
	if kind := (client + i) % 5; kind == 1 || kind == 4 {
		n = 7
	}
	var lines []line
	var members []map[string]any
	for k := range n {
		l := line{fmt.Sprint(p.name, "-", (client+i+k)%people), "feature-api-calls", fmt.Sprint(id, "-", k), 1 + (client+k)%3}
		lines = append(lines, l)
		members = append(members, map[string]any{"customerId": l.customer, "featureId": l.feature, "value": l.amount, "idempotencyKey": l.key})
	}
	o := order{path: "/api/v1/usage"}
	body := map[string]any{"usages": members}
	switch (client + i) % 5 {
	case 2, 3: // consume
		o.path, o.lasts = "/api/v1/usage/consume", granted
		body = members[0]
		delete(body, "value")
		if (client+i)%5 == 3 {
			lines[0].feature, lines[0].amount = "feature-seats", 1
			body["featureId"] = lines[0].feature
		}
		body["amount"] = lines[0].amount
	case 4:
		o.path = "/api/v1/events"
		for k, m := range members {
			lines[k].feature, lines[k].amount = "feature-builds", 1
			delete(m, "featureId")
			delete(m, "value")
			m["eventName"] = "build"
		}
		body = map[string]any{"events": members}
	}
	o.body, _ = json.Marshal(body) // texts and numbers
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lines[id] = lines
	return id, o
}

func granted(data any) any {
	m, _ := data.(map[string]any)
	return m["isGranted"]
}

// load is the demo's catalog with a feature that a meter counts.
func load(s *server) {
	s.t.Helper()
	b, err := os.ReadFile("../../internal/app/demo/catalog.json")
	var file map[string]any
	if err == nil {
		err = json.Unmarshal(b, &file)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	file["features"] = append(file["features"].([]any), map[string]any{
		"id": "feature-builds", "displayName": "Builds", "featureType": "NUMBER", "meterType": "INCREMENTAL",
		"meter": map[string]any{"aggregation": map[string]any{"function": "COUNT"}, "filters": []any{}},
	})
	for _, plan := range file["plans"].([]any) {
		if p := plan.(map[string]any); p["id"] == "plan-pro" {
			p["entitlements"] = append(p["entitlements"].([]any), map[string]any{"id": "feature-builds", "hasUnlimitedUsage": true})
		}
	}
	s.do("POST", "/api/v1/catalog/apply", file, nil)
}

// stored reads how often each key has counted.
func (p *spenders) stored(t *testing.T, db *sql.DB) map[string]int {
	t.Helper()
	times := map[string]int{}
	for _, text := range []string{
		`select idempotency_key, cast(count(*) as text) from usage_measurements where idempotency_key like $1 group by idempotency_key`,
		`select idempotency_key, cast(count(*) as text) from usage_events where idempotency_key like $1 group by idempotency_key`,
	} {
		for _, row := range storetest.Rows(t, db, text, p.name+"-%") {
			times[row[0]], _ = strconv.Atoi(row[1])
		}
	}
	return times
}

// check requires that every acknowledged order counted, once, and every other one whole or not at all; all of them when
// complete. A denied consume never counts.
func (p *spenders) check(t *testing.T, db *sql.DB, complete bool) (kept int) {
	t.Helper()
	times := p.stored(t, db)
	sums := map[string]int{}
	for id, lines := range p.lines {
		data, answered := p.answers[id]
		denied := answered && granted(data) == false
		n := times[lines[0].key]
		for _, l := range lines {
			if times[l.key] != n {
				t.Errorf("%s: %s counted %d times, another part of it %d times", id, l.key, times[l.key], n)
			}
			sums[l.customer+" "+l.feature] += l.amount * times[l.key]
			delete(times, l.key)
		}
		mayLack := lines[0].feature == "feature-seats" || !complete
		if want := 1; n > 1 || denied && n > 0 || n < want && !denied && (answered || !mayLack) {
			t.Errorf("%s: answered %t, denied %t, counted %d times", id, answered, denied, n)
		}
		if !answered {
			kept += n
		}
	}
	for key := range times {
		t.Errorf("%s counted and nobody sent it", key)
	}
	p.checkCounters(t, db, sums)
	return kept
}

// checkCounters compares the stored counters with what has counted.
func (p *spenders) checkCounters(t *testing.T, db *sql.DB, sums map[string]int) {
	t.Helper()
	for _, row := range storetest.Rows(t, db, `
		select c.ref_id, f.ref_id, cast(k.value as text) from usage_counters k
		join customers c on c.environment = k.environment and c.id = k.customer_id
		join features f on f.environment = k.environment and f.id = k.feature_id where c.ref_id like $1`, p.name+"-%") {
		name := row[0] + " " + row[1]
		if row[2] != strconv.Itoa(sums[name]) {
			t.Errorf("the counter of %s is at %s, and %d has counted", name, row[2], sums[name])
		}
		if row[1] == "feature-seats" && sums[name] > seatsLimit {
			t.Errorf("%s: %d were granted, and the limit is %d", name, sums[name], seatsLimit)
		}
		delete(sums, name)
	}
	for name, sum := range sums {
		if sum > 0 {
			t.Errorf("%s has no counter, and %d has counted", name, sum)
		}
	}
}

// seen waits until checks of every server say what the counters do.
func (p *spenders) seen(t *testing.T, db *sql.DB, servers ...*server) {
	t.Helper()
	for _, row := range storetest.Rows(t, db, `
		select c.ref_id, f.ref_id, cast(k.value as text) from usage_counters k
		join customers c on c.environment = k.environment and c.id = k.customer_id
		join features f on f.environment = k.environment and f.id = k.feature_id where c.ref_id like $1`, p.name+"-%") {
		for i, s := range servers {
			until(t, fmt.Sprintf("server %d says of %s that %s is used of %s", i, row[0], row[2], row[1]), func() bool {
				var a struct{ CurrentUsage json.Number }
				s.do("GET", "/api/v1/customers/"+row[0]+"/entitlements/check?featureId="+row[1], nil, &a)
				return a.CurrentUsage.String() == row[2]
			})
		}
	}
}

// faultless requires that nobody was refused.
func (p *spenders) faultless(t *testing.T) {
	t.Helper()
	if len(p.faults) > 0 {
		t.Errorf("%d refusals, such as %v", len(p.faults), p.faults[0])
	}
}

// spent is what all rounds together came to.
type spent struct{ answered, lines, unanswered, kept int }

func (s *spent) add(p *spenders, kept int) {
	s.answered += len(p.answers)
	for id := range p.answers {
		s.lines += len(p.lines[id])
	}
	s.unanswered += len(p.orders) - len(p.answers)
	s.kept += kept
}

func (s spent) String() string {
	return fmt.Sprintf("%d requests with %d reports and events acknowledged, 0 lost, %d cut off, %d of them kept, 0 counted twice, 0 findings",
		s.answered, s.lines, s.unanswered, s.kept)
}

// A server is killed while 64 clients report usage. What was acknowledged has counted, and what is sent again counts once.
func TestSlowKillNineOfUsage(t *testing.T) {
	each(t, func(t *testing.T, at place) {
		r := random(t)
		rows := storetest.SQL(t, at.Config)
		s := serve(t, at)
		load(s)
		var sum spent
		for round := 0; round < rounds && !t.Failed(); round++ {
			p := newSpenders(s, fmt.Sprintf("spend%d", round))
			p.until = 1 + r.IntN(4*clients)
			done := make(chan struct{})
			go func() { p.run(context.Background(), s.URL); close(done) }()
			<-p.enough
			wait(r)
			s.kill()
			<-done
			p.faultless(t)

			s = serve(t, at)
			sum.add(p, p.check(t, rows, false))
			checkVerify(t, at)
			p.again(t, s.URL)
			p.check(t, rows, true)
			p.seen(t, rows, s)
			checkVerify(t, at)
		}
		s.stop()
		guarantee.Measured(t, "usage-kill-nine", "%d kills, %s", rounds, sum)
	})
}

// One of two nodes is killed. Its clients send what got no answer to the other one, under the same keys.
func TestSlowKillNineOfUsageOnTwoNodes(t *testing.T) {
	t.Parallel()
	if !slices.Contains(storetest.Engines(), storetest.Postgres) {
		return
	}
	t.Run(storetest.Postgres, func(t *testing.T) {
		r := random(t)
		at := at(storetest.New(t, storetest.Postgres))
		rows := storetest.SQL(t, at.Config)
		nodes := []*server{serve(t, at), serve(t, at)}
		load(nodes[0])
		var sum spent
		for round := 0; round < rounds && !t.Failed(); round++ {
			victim := r.IntN(2)
			p := newSpenders(nodes[0], fmt.Sprintf("spend%d", round))
			ctx, enough := context.WithCancel(context.Background())
			done := make(chan struct{})
			go func() { p.run(ctx, nodes[0].URL, nodes[1].URL); close(done) }()
			<-p.enough
			wait(r)
			nodes[victim].kill()
			p.more(clients)
			enough()
			<-done
			p.faultless(t)
			if left := p.unanswered(); len(left) > 0 {
				t.Errorf("round %d: the survivor did not answer %s", round, strings.Join(left, ", "))
			}
			sum.add(p, p.check(t, rows, true))
			nodes[victim] = serve(t, at)
			p.again(t, nodes[victim].URL)
			p.check(t, rows, true)
			p.seen(t, rows, nodes...)
			checkVerify(t, at)
		}
		for _, n := range nodes {
			n.stop()
		}
		guarantee.Measured(t, "usage-kill-nine", "%d kills of one of two nodes, %s", rounds, sum)
	})
}
