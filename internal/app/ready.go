package app

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/purserhq/purser/internal/base/clock"
	"github.com/purserhq/purser/internal/store"
)

const (
	maxClockDifference = 2 * time.Second // storage.md 1
	readyTimeout       = 2 * time.Second
	readyKept          = time.Second // anybody may ask; the database is asked this often
)

var errStopping = errors.New("the server is shutting down")

// readiness says whether requests can be answered: the database is there, its clock agrees, and nobody stopped us.
type readiness struct {
	db       *store.DB
	clock    clock.Clock
	stopping atomic.Bool

	mu    sync.Mutex
	asked time.Time
	err   error
}

func (r *readiness) check(ctx context.Context) error {
	if r.stopping.Load() {
		return errStopping
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.clock.Now()
	if age := now.Sub(r.asked); !r.asked.IsZero() && age >= 0 && age < readyKept {
		return r.err
	}
	r.err = r.ask(context.WithoutCancel(ctx))
	r.asked = r.clock.Now()
	return r.err
}

func (r *readiness) ask(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	before := r.clock.Now()
	theirs, err := r.db.Time(ctx)
	if err != nil {
		return fmt.Errorf("database: %w", err)
	}
	after := r.clock.Now()
	if d := theirs.Sub(after); d > maxClockDifference {
		return fmt.Errorf("the database's clock is %s ahead of this node's", d)
	}
	if d := before.Sub(theirs); d > maxClockDifference {
		return fmt.Errorf("the database's clock is %s behind this node's", d)
	}
	return nil
}
