//go:build slow

package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/purserhq/purser/internal/guarantee"
	"github.com/purserhq/purser/internal/store/storetest"
)

const (
	rounds = 20
	// killWithin is how long after its first answer a server lives.
	killWithin = 400 * time.Millisecond
	// seedEnv repeats the choices of an earlier run.
	seedEnv = "PURSER_TEST_SEED"
)

// random is a source of choices whose seed is printed.
func random(t *testing.T) *rand.Rand {
	t.Helper()
	seed := rand.Uint64()
	if s := os.Getenv(seedEnv); s != "" {
		var err error
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatalf("%s: %v", seedEnv, err)
		}
	}
	t.Logf("%s=%d", seedEnv, seed)
	return rand.New(rand.NewPCG(seed, 1))
}

// A server is killed while 64 clients provision. Whoever was answered is there afterwards: whole, once, and in the feed.
func TestSlowKillNine(t *testing.T) {
	each(t, func(t *testing.T, at place) {
		r := random(t)
		rows := storetest.SQL(t, at.Config)
		s := serve(t, at)
		s.demo()
		_, cursor := s.feed("", "mark-start")
		var sum tally
		for round := 0; round < rounds && !t.Failed(); round++ {
			c := newCrowd(fmt.Sprintf("round%d", round))
			reader := follow(s, cursor)
			done := make(chan struct{})
			go func() { c.run(context.Background(), s.URL); close(done) }()
			<-c.enough
			wait(r)
			s.kill()
			<-done

			s = serve(t, at)
			sum.add(c, c.checkHoldings(t, rows))
			c.again(t, s.URL)
			cursor = c.checkFeed(t, s, cursor, reader.stop())
			checkVerify(t, at)
		}
		s.stop()
		guarantee.Measured(t, "kill-nine", "%d kills, %s", rounds, sum)
	})
}

// One of two nodes is killed, now this one, now that one. Its clients go on with the other one, which answers what they
// had asked for, and whose feed misses nothing of what the dead one had written.
func TestSlowKillNineOfOneOfTwoNodes(t *testing.T) {
	t.Parallel()
	if !slices.Contains(storetest.Engines(), storetest.Postgres) {
		return
	}
	t.Run(storetest.Postgres, func(t *testing.T) {
		r := random(t)
		at := at(storetest.New(t, storetest.Postgres))
		rows := storetest.SQL(t, at.Config)
		nodes := []*server{serve(t, at), serve(t, at)}
		nodes[0].demo()
		_, cursor := nodes[0].feed("", "mark-start")
		var sum tally
		for round := 0; round < rounds && !t.Failed(); round++ {
			victim := r.IntN(2)
			survivor := nodes[1-victim]
			c := newCrowd(fmt.Sprintf("round%d", round))
			reader := follow(survivor, cursor)
			ctx, enough := context.WithCancel(context.Background())
			done := make(chan struct{})
			go func() { c.run(ctx, nodes[0].URL, nodes[1].URL); close(done) }()
			<-c.enough
			wait(r)
			nodes[victim].kill()
			c.more(2 * clients)
			enough()
			<-done
			if left := c.unanswered(); len(left) > 0 {
				t.Errorf("round %d: the survivor did not answer %v", round, left)
			}
			sum.add(c, c.checkHoldings(t, rows))
			cursor = c.checkFeed(t, survivor, cursor, reader.stop())
			nodes[victim] = serve(t, at)
			c.again(t, nodes[victim].URL)
			checkVerify(t, at)
		}
		for _, n := range nodes {
			n.stop()
		}
		guarantee.Measured(t, "kill-nine", "%d kills of one of two nodes, %s", rounds, sum)
	})
}

// wait passes a random part of killWithin.
func wait(r *rand.Rand) { <-time.After(time.Duration(r.Int64N(int64(killWithin)))) }

// tally is what all rounds together came to.
type tally struct{ answered, unanswered, kept int }

func (s *tally) add(c *crowd, kept int) {
	s.answered += len(c.answers)
	s.unanswered += len(c.orders) - len(c.answers)
	s.kept += kept
}

// String is what was measured.
func (s tally) String() string {
	text := fmt.Sprintf("%d customers answered, 0 lost", s.answered)
	if s.unanswered > 0 {
		text += fmt.Sprintf(", %d cut off, %d of them there, 0 half-written", s.unanswered, s.kept)
	}
	return text
}

// reader reads the feed of a server while it is written.
type reader struct {
	cancel context.CancelFunc
	seen   chan []event
}

// follow reads from a position until it is stopped or the server is gone.
func follow(s *server, after string) reader {
	ctx, cancel := context.WithCancel(context.Background())
	r := reader{cancel, make(chan []event, 1)}
	go func() {
		var seen []event
		for {
			n, err := s.page(ctx, after, "&wait=5")
			if err != nil {
				r.seen <- seen
				return
			}
			seen, after = append(seen, n.Data...), n.Next
		}
	}()
	return r
}

// stop ends the reader and returns what it has seen.
func (r reader) stop() []event {
	r.cancel()
	return <-r.seen
}

// checkFeed reads the feed of a round and compares it with what was asked for, and with what a reader saw meanwhile:
// that is the beginning of it, no matter who was killed.
func (c *crowd) checkFeed(t *testing.T, s *server, after string, seen []event) (next string) {
	t.Helper()
	events, next := s.feed(after, "mark-"+c.name)
	for i, e := range seen {
		if i >= len(events) || e.Position != events[i].Position || e.Entity != events[i].Entity || e.Type != events[i].Type {
			t.Errorf("event %d of the feed was %+v before the kill and is no longer", i, e)
			break
		}
	}
	told, versions := map[string]int{}, map[string]int64{}
	for _, e := range events {
		told[e.Type+" "+e.Entity.ID]++
		told[e.Type]++
		name := e.Entity.Type + " " + e.Entity.ID
		if e.Version < versions[name] {
			t.Errorf("%s: version %d comes after version %d", name, e.Version, versions[name])
		}
		versions[name] = e.Version
	}
	want := map[string]int{}
	for id, o := range c.orders {
		want["customer.created"]++
		if told["customer.created "+id] != 1 {
			t.Errorf("%s: the feed has customer.created %d times", id, told["customer.created "+id])
		}
		if o.plan != "" {
			want["subscription.created"]++
			want["entitlements.updated"]++
		}
		if o.plan == "plan-pro" {
			want["subscription.trial_started"]++
		}
	}
	for typ, n := range want {
		if told[typ] != n {
			t.Errorf("the feed has %s %d times, want %d", typ, told[typ], n)
		}
	}
	return next
}

func checkVerify(t *testing.T, at place) {
	t.Helper()
	out := succeeds(t, nil, append([]string{"verify"}, at.args...)...)
	if !strings.Contains(out, "no differences") {
		t.Errorf("verify: %s", out)
	}
}
