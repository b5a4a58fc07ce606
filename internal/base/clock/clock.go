// Package clock gives machine time: leases, retention, key expiry, log lines.
//
// Business time belongs to the environment and arrives with a transaction
// (tx.Runner); it never comes from here. Instants are UTC with microseconds.
package clock

import (
	"sync"
	"time"
)

// Clock tells the time.
type Clock interface{ Now() time.Time }

// System is the machine's clock.
type System struct{}

// Now returns the present instant in UTC, cut to microseconds (what both engines can store).
func (System) Now() time.Time { return Trim(time.Now()) }

// Trim brings an instant into the form that is stored: UTC, microseconds, no monotonic reading.
func Trim(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// Business brings an instant into the form of business time: UTC, milliseconds. That is what answers show, so that an
// instant which was read and sent back means the same.
func Business(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

// Manual is a clock for tests: it stands still until it is moved. It is safe for concurrent use.
type Manual struct {
	mu  sync.Mutex
	now time.Time
}

// At returns a Manual clock that stands at t.
func At(t time.Time) *Manual { return &Manual{now: Trim(t)} }

// Now returns where the clock stands.
func (m *Manual) Now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

// Add moves the clock by d and returns the new instant.
func (m *Manual) Add(d time.Duration) time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = Trim(m.now.Add(d))
	return m.now
}
