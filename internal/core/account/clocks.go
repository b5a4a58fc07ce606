package account

import (
	"context"
	"encoding/json"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/purserhq/purser/internal/base/clock"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/base/tx"
	"github.com/purserhq/purser/internal/core/event"
)

// Clocks tell the business time of every environment from memory, for reads that touch no SQL: the machine's time, or
// where the environment's test clock stands. They follow the feed. Safe for concurrent use; Now takes no lock.
type Clocks struct {
	machine clock.Clock
	mu      sync.Mutex // guards changes of tests
	tests   atomic.Pointer[map[tenant.ID]testClock]
	loaded  int64 // the position up to which Load has seen every move; guarded by mu
}

// testClock is where a test clock stands, or that there is none, and the position of the event that said so.
type testClock struct {
	stands   bool
	now      time.Time
	position int64
}

// NewClocks makes clocks that all tell real time.
func NewClocks(machine clock.Clock) *Clocks {
	c := &Clocks{machine: machine}
	c.tests.Store(&map[tenant.ID]testClock{})
	return c
}

// Now is the business time of an environment.
func (c *Clocks) Now(env tenant.ID) time.Time {
	if t := (*c.tests.Load())[env]; t.stands {
		return t.now
	}
	return c.machine.Now()
}

// Time is the business time of an environment, and whether a test clock says so.
func (c *Clocks) Time(env tenant.ID) (now time.Time, test bool) {
	if t := (*c.tests.Load())[env]; t.stands {
		return t.now, true
	}
	return c.machine.Now(), false
}

// Set puts an environment's test clock at an instant; nil returns it to real time.
func (c *Clocks) Set(env tenant.ID, now *time.Time) {
	t := testClock{stands: now != nil}
	if now != nil {
		t.now = clock.Trim(*now)
	}
	c.set(env, t)
}

func (c *Clocks) set(env tenant.ID, t testClock) {
	c.mu.Lock()
	defer c.mu.Unlock()
	old := *c.tests.Load()
	if t.position == 0 {
		t.position = old[env].position
	} else if t.position <= max(old[env].position, c.loaded) {
		return
	}
	m := maps.Clone(old)
	m[env] = t
	c.tests.Store(&m)
}

// ClockStore is what Load needs from a transaction.
type ClockStore interface {
	// TestClocks are the environments whose test clock stands, and where.
	TestClocks(ctx context.Context) (map[tenant.ID]time.Time, error)
	// Final is the position up to which the transaction sees every event.
	Final() int64
}

// Load reads where the test clocks stand, at start and after a gap in the feed. It forgets all that was known before,
// but for moves that the feed tells later than what was read.
func (c *Clocks) Load(ctx context.Context, db tx.Runner[ClockStore]) error {
	return db.Read(ctx, none, func(st ClockStore, _ time.Time) error {
		stand, err := st.TestClocks(ctx)
		if err == nil {
			c.replace(stand, st.Final())
		}
		return err
	})
}

func (c *Clocks) replace(stand map[tenant.ID]time.Time, final int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := make(map[tenant.ID]testClock, len(stand))
	for env, now := range stand {
		m[env] = testClock{stands: true, now: clock.Trim(now), position: final}
	}
	for env, t := range *c.tests.Load() {
		if t.position > final {
			m[env] = t
		}
	}
	c.loaded = final
	c.tests.Store(&m)
}

// Observe follows clock moves. An event that comes late or twice changes nothing.
func (c *Clocks) Observe(events []event.Event) {
	for _, e := range events {
		if e.Type != "environment.clock_moved" {
			continue
		}
		var moved struct {
			Now  time.Time `json:"now"`
			Mode string    `json:"mode"`
		}
		raw, err := e.JSON()
		if err != nil || json.Unmarshal(raw, &moved) != nil {
			continue // we write these events ourselves, in one shape
		}
		c.set(e.Environment, testClock{stands: moved.Mode == "test", now: clock.Trim(moved.Now), position: e.Position})
	}
}
