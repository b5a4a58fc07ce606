package event

import (
	"context"
	"time"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/base/tx"
)

// The limits of one read of the feed.
const (
	DefaultLimit = 100
	MaxLimit     = 1000
	MaxWait      = 25 * time.Second
)

// Store is what readers of the feed need from a transaction.
type Store interface {
	// Events are those of an environment (0: of all) after a position and up to another, in order.
	Events(ctx context.Context, env tenant.ID, after, upTo int64, limit int) ([]Event, error)
	// FeedHead is the highest position that was ever given out, final or not.
	FeedHead(ctx context.Context) (int64, error)
	// FeedPruned is the position up to which events may have been removed.
	FeedPruned(ctx context.Context) (int64, error)
	// EnvironmentPruned is the last position of an environment that was removed; 0 for none.
	EnvironmentPruned(ctx context.Context, env tenant.ID) (int64, error)
}

// Tail tells how far the feed is final: no event at or below that position will appear later.
type Tail interface {
	Generation() string
	Final() int64
	// AwaitFinal returns when Final is beyond a position, or with ctx's error.
	AwaitFinal(ctx context.Context, after int64) error
}

// Feed lets the owner of an environment read its events.
type Feed struct {
	db   tx.Runner[Store]
	tail Tail
	stop <-chan struct{}
}

// NewFeed makes a feed. Once stop is closed nobody waits for news any more; nil never is.
func NewFeed(db tx.Runner[Store], tail Tail, stop <-chan struct{}) *Feed {
	return &Feed{db, tail, stop}
}

// Read returns at most limit events of an environment after a cursor (nil: from the oldest kept), and the cursor to go
// on from: at the end that is the given one again. When there is nothing to read it waits for news, at most wait. A
// cursor that can no longer be followed is errs.FeedResync.
func (f *Feed) Read(ctx context.Context, env tenant.ID, after *Cursor, limit int, wait time.Duration) ([]Event, Cursor, error) {
	var c errs.Checks
	if limit < 1 || limit > MaxLimit {
		c.Shape("limit", "must be from 1 to %d", MaxLimit)
	}
	if wait < 0 || wait > MaxWait {
		c.Shape("wait", "must be from 0 to %d seconds", MaxWait/time.Second)
	}
	if err := c.Err(); err != nil {
		return nil, Cursor{}, err
	}
	if after != nil && after.Generation != f.tail.Generation() {
		return nil, Cursor{}, errs.FeedResync
	}
	var waiting context.Context
	for {
		upTo := f.tail.Final()
		events, next, err := f.read(ctx, env, after, upTo, limit)
		if err != nil || len(events) > 0 || wait == 0 {
			return events, next, err
		}
		if waiting == nil {
			var end context.CancelFunc
			waiting, end = f.patience(ctx, wait)
			defer end()
		}
		if f.tail.AwaitFinal(waiting, upTo) != nil {
			return nil, next, ctx.Err()
		}
	}
}

// patience ends after wait, or when the feed stops.
func (f *Feed) patience(ctx context.Context, wait time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	go func() {
		select {
		case <-f.stop:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

func (f *Feed) read(ctx context.Context, env tenant.ID, after *Cursor, upTo int64, limit int) (events []Event, next Cursor, err error) {
	next.Generation = f.tail.Generation()
	err = f.db.Read(ctx, env, func(st Store, _ time.Time) error {
		// What others lost does not count: a reader of a quiet environment stays where its own last event was.
		pruned, err := st.EnvironmentPruned(ctx, env)
		if err != nil {
			return err
		}
		next.Position = pruned
		if after != nil {
			next.Position = after.Position
		}
		if next.Position < pruned {
			return errs.FeedResync
		}
		if next.Position > upTo {
			return beyond(ctx, st, next.Position)
		}
		events, err = st.Events(ctx, env, next.Position, upTo, limit)
		return err
	})
	if len(events) > 0 {
		next.Position = events[len(events)-1].Position
	}
	return events, next, err
}

// beyond refuses a position that nobody was ever given. One that is only not final on this node yet has no events.
func beyond(ctx context.Context, st Store, position int64) error {
	head, err := st.FeedHead(ctx)
	if err == nil && position > head {
		err = errs.FeedResync
	}
	return err
}
