package worker

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/purserhq/purser/internal/base/tx"
	"github.com/purserhq/purser/internal/core/event"
)

const (
	// followBatch is how many events are read at once.
	followBatch = 1000
	// followRest lets events gather before they are read: one read for each commit would cost a busy server more than
	// the news is worth, since what it writes itself is told at once.
	followRest = 20 * time.Millisecond
	// followAgain is how long a follower rests after a failure. It lost nothing: the feed keeps.
	followAgain = time.Second
)

// Follower reads the events of all environments and hands them to observers: what this process keeps in memory hears of
// other nodes' writes through it. It begins where the feed stands when it is made, so make it before anything is read
// into memory.
type Follower struct {
	db        tx.Runner[event.Store]
	tail      event.Tail
	log       *slog.Logger
	observers []func([]event.Event)
	resync    []func(context.Context) error
	position  atomic.Int64
	mu        sync.Mutex
	moved     chan struct{} // closed and replaced when position advances
}

// NewFollower makes a follower. Observers get events in order, and some that this process told them of before. Every
// resync is called when events were lost (pruned before they were read): it forgets, or reads again, all that the
// observers keep.
func NewFollower(db tx.Runner[event.Store], tail event.Tail, log *slog.Logger, observers []func([]event.Event), resync ...func(context.Context) error) *Follower {
	f := &Follower{db: db, tail: tail, log: log, observers: observers, resync: resync, moved: make(chan struct{})}
	f.position.Store(tail.Final())
	return f
}

// Position is the position up to which observers have seen everything.
func (f *Follower) Position() int64 { return f.position.Load() }

// Generation is the feed's. With Final and AwaitFinal a Follower is the event.Tail of what observers have seen.
func (f *Follower) Generation() string { return f.tail.Generation() }

// Final is Position.
func (f *Follower) Final() int64 { return f.Position() }

// AwaitFinal returns when observers have seen what is beyond a position, or with ctx's error.
func (f *Follower) AwaitFinal(ctx context.Context, after int64) error {
	for {
		f.mu.Lock()
		moved := f.moved
		f.mu.Unlock()
		if f.Position() > after {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-moved:
		}
	}
}

func (f *Follower) advance(position int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.position.Store(position)
	close(f.moved)
	f.moved = make(chan struct{})
}

// Lag is how many final positions were not read yet.
func (f *Follower) Lag() int64 { return max(0, f.tail.Final()-f.position.Load()) }

// Run follows until ctx ends.
func (f *Follower) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		err := f.tail.AwaitFinal(ctx, f.position.Load())
		if err == nil {
			err = f.step(ctx)
			pause(ctx, followRest)
		}
		if err != nil && ctx.Err() == nil {
			f.log.Warn("follow the feed", "error", err)
			pause(ctx, followAgain)
		}
	}
	return ctx.Err()
}

// step reads one batch. A failure leaves the position where it was.
func (f *Follower) step(ctx context.Context) error {
	after, upTo := f.position.Load(), f.tail.Final()
	var list []event.Event
	var pruned int64
	err := f.db.Read(ctx, 0, func(st event.Store, _ time.Time) (err error) {
		if pruned, err = st.FeedPruned(ctx); err != nil || pruned > after {
			return err
		}
		list, err = st.Events(ctx, 0, after, upTo, followBatch)
		return err
	})
	if err != nil {
		return err
	}
	if pruned > after {
		return f.again(ctx, max(pruned, f.tail.Final()))
	}
	for _, observe := range f.observers {
		observe(list)
	}
	if len(list) == followBatch {
		upTo = list[len(list)-1].Position
	}
	f.advance(upTo)
	return nil
}

// again starts from the head after a gap. The head is taken before anything is read afresh.
func (f *Follower) again(ctx context.Context, head int64) error {
	f.log.Warn("the feed was pruned before it was read; starting afresh", "position", f.position.Load(), "head", head)
	for _, resync := range f.resync {
		if err := resync(ctx); err != nil {
			return err
		}
	}
	f.advance(head)
	return nil
}
