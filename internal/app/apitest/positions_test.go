package apitest

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"
)

const positionHeader = "X-Purser-Position"

// position is the feed position that the answer names.
func (a *answer) position() (whole string, number int64) {
	a.t.Helper()
	whole = a.head.Get(positionHeader)
	_, after, _ := strings.Cut(whole, ".")
	number, err := strconv.ParseInt(after, 10, 64)
	if err != nil {
		a.t.Fatalf("%s: the position is %q", a.call, whole)
	}
	return whole, number
}

func TestWritesNameTheirPosition(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		since := s.here()
		last := int64(0)
		for _, write := range []func() *answer{
			func() *answer { return s.post(customers, provision("acme", "plan-pro")).want(201) },
			func() *answer { return s.patch(customers+"/acme", `{"name":"Acme"}`).want(200) },
			func() *answer { return s.put(testClock, `{"now":"2026-03-01T00:00:00Z"}`).want(200) }, // several transactions
			func() *answer { return s.post(customers+"/acme/archive", "").want(200) },
			func() *answer { return s.post("/api/v1/products", `{"id":"p2","displayName":"Two"}`).want(201) },
		} {
			a := write()
			whole, n := a.position()
			if n <= last {
				t.Errorf("%s: position %d after %d", a.call, n, last)
			}
			last = n
			// What the feed has up to there is all that the write left.
			events, _ := s.mark(since)
			if got := events[len(events)-1].Position; got != whole {
				t.Errorf("%s: position %s, the last event is at %s", a.call, whole, got)
			}
		}
	})
}

func TestWritesWithoutEventsNameWhatTheySaw(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		first, n := s.post(customers, `{"id":"acme"}`, "Idempotency-Key", "k").want(201).position()
		for _, a := range []*answer{
			s.post(customers, `{"id":"acme"}`).want(200),
			s.post(customers, `{"id":"acme"}`, "Idempotency-Key", "k").want(201),
			s.post(customers+"?dryRun=true", `{"id":"other"}`),
		} {
			if _, got := a.position(); got < n {
				t.Errorf("%s: position %d, and it has seen %s", a.call, got, first)
			}
		}
		for _, a := range []*answer{
			s.get(customers + "/acme").want(200),
			s.post(customers, `{"id":"acme","name":"Other"}`).want(409),
		} {
			if got := a.head.Get(positionHeader); got != "" {
				t.Errorf("%s: position %s", a.call, got)
			}
		}
	})
}

func TestAnswersTellTheTime(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.demo()
		s.post(customers, provision("acme", "plan-pro")).want(201)
		check := customers + "/acme/entitlements/check?featureId=x"
		tells := func(want time.Time, list ...*answer) {
			t.Helper()
			for _, a := range list {
				if got := a.head.Get("X-Purser-Server-Time"); got != stamp(want) {
					t.Errorf("%s: %d says %q, want %s", a.call, a.status, got, stamp(want))
				}
			}
		}
		tells(begin, s.get(check), s.get(customers+"/nobody").want(404), s.client.get(customers).want(403), s.production.get(customers))
		now := s.clock.Add(1500 * time.Millisecond)
		tells(now, s.get(check), s.get(check))
		moved := begin.Add(day)
		tells(moved, s.put(testClock, fmt.Sprintf(`{"now":%q}`, stamp(moved))).want(200), s.get(check))
		tells(now, s.production.get(customers))
		for _, a := range []*answer{s.with("").get(customers).want(401), s.with("").get("/livez")} {
			if got := a.head.Get("X-Purser-Server-Time"); got != "" {
				t.Errorf("%s: time %s", a.call, got)
			}
		}
	})
}

const minPosition = "X-Purser-Min-Position"

// What was written on one node is read on another by its position.
func TestReadingOnAnotherNode(t *testing.T) {
	eachRunning(t, func(t *testing.T, a *server, _ string) {
		a.demo()
		b := a
		if a.db.DSN != "" {
			b = a.node(anyPort)
			b.run()
		}
		for i := range 20 {
			id := fmt.Sprintf("acme-%d", i)
			path := customers + "/" + id + "/entitlements"
			b.get(path).want(200).has("data.accessDeniedReason", "CustomerNotFound") // b remembers that
			position, _ := a.post(customers, provision(id, "plan-pro")).want(201).position()
			b.get(path, minPosition, position).want(200).has("data.accessDeniedReason", nil)
			position, _ = a.post(customers+"/"+id+"/archive", "").want(200).position()
			b.get(path+"/check?featureId=x", minPosition, position).want(200).has("data.accessDeniedReason", "CustomerIsArchived")
		}
	})
}

func TestMinPositionIsChecked(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		position, _ := s.post(customers, `{"id":"acme"}`).want(201).position()
		_, number, _ := strings.Cut(position, ".")
		for _, path := range []string{customers + "/acme/entitlements", customers + "/acme/entitlements/check?featureId=x", customers + "/acme/entitlements/snapshot"} {
			s.get(path, minPosition, "x").refused(400, "BadUserInput", minPosition)
			s.get(path, minPosition, "other."+number).refused(410, "FeedResync")
		}
		many := `{"checks":[{"customerId":"acme","featureId":"x"}]}`
		s.post("/api/v1/entitlements/check", many, minPosition, "x").refused(400, "BadUserInput", minPosition)
		s.post("/api/v1/entitlements/check", many, minPosition, "other."+number).refused(410, "FeedResync")
	})
}
