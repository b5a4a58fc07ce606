// Package stream tells readers what changes while they listen.
//
// A Hub reads the change feed once per process, however many listen, and keeps the newest
// of it in one ring; nobody listens, nothing is read. A Reader owns where it is and which
// customers it watches, and has no queue: one that is too slow finds that the ring has
// gone on, and is told to read everything again. What is older than the ring comes from
// the database.
package stream

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/base/tx"
	"github.com/purserhq/purser/internal/core/event"
)

// MaxCustomers is how many customers one reader may name.
const MaxCustomers = 100

// The sizes of a hub.
const (
	ringSize = 8192 // entries
	// behind is how many events a reader may be behind the ring before it is told to read everything again.
	behind = 10_000
	batch  = 1000 // events that are read at once
	// most is about how many messages a reader takes at once.
	most = 500
	// readers is how many may read the feed in the database at once, each for itself.
	readers = 4
	rest    = 20 * time.Millisecond // lets events gather
	again   = time.Second           // after a failure
)

// Times tell the time of environments.
type Times interface {
	// Time is an environment's time, and whether a test clock says so.
	Time(env tenant.ID) (now time.Time, test bool)
}

// Hub is all readers of a process. It is safe for concurrent use.
type Hub struct {
	db     tx.Runner[event.Store]
	tail   event.Tail
	times  Times
	stop   <-chan struct{}
	log    *slog.Logger
	size   int
	behind int
	lookup chan struct{} // holds one for each reader that is in the database

	mu   sync.Mutex
	open int
	ring *ring // nil while nobody listens
	end  context.CancelFunc
}

// NewHub makes a hub. It tells what is within tail, so let that be what this process' memory has heard of: who reads
// after a message reads what the message is about. When stop is closed all readers end.
func NewHub(db tx.Runner[event.Store], tail event.Tail, times Times, stop <-chan struct{}, log *slog.Logger) *Hub {
	return &Hub{
		db: db, tail: tail, times: times, stop: stop, log: log,
		size: ringSize, behind: behind, lookup: make(chan struct{}, readers),
	}
}

// Open is how many readers there are.
func (h *Hub) Open() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.open
}

// Generation is the feed's.
func (h *Hub) Generation() string { return h.tail.Generation() }

// Listen adds a reader of an environment who watches some customers (none: all), after a position of the feed (nil: from
// now on). Close it.
func (h *Hub) Listen(ctx context.Context, env tenant.ID, watched []string, after *event.Cursor) (*Reader, error) {
	if len(watched) > MaxCustomers {
		return nil, errs.BadUserInput.At("customers", "must have at most %d items", MaxCustomers)
	}
	r := &Reader{hub: h, env: env, watched: watch(watched)}
	foreign := after != nil && after.Generation != h.tail.Generation()
	if foreign {
		after = nil
	}
	r.ring = h.join(after)
	r.cursor = r.ring.now()
	if after != nil {
		r.cursor, r.left = after.Position, h.behind
		var err error
		if foreign, err = h.unknown(ctx, env, after.Position); err != nil {
			r.Close()
			return nil, err
		}
	}
	if r.lost = foreign; foreign {
		r.cursor, r.left = r.ring.now(), 0
	}
	return r, nil
}

func (r *ring) now() int64 {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.position
}

// unknown reports that a position cannot be followed any more: it was pruned, or nobody was ever given it.
func (h *Hub) unknown(ctx context.Context, env tenant.ID, position int64) (unknown bool, err error) {
	err = h.db.Read(ctx, env, func(st event.Store, _ time.Time) error {
		pruned, err := st.EnvironmentPruned(ctx, env)
		if err != nil {
			return err
		}
		head, err := st.FeedHead(ctx)
		unknown = position < pruned || position > head
		return err
	})
	return unknown, err
}

// join counts a reader. The first one starts the reading: where that reader goes on, unless it is far behind.
func (h *Hub) join(after *event.Cursor) *ring {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.open++
	if h.ring == nil {
		from := h.tail.Final()
		if after != nil && after.Position < from && from-after.Position <= int64(h.size) {
			from = after.Position
		}
		ctx, end := context.WithCancel(context.Background())
		h.ring, h.end = newRing(h.size, from), end
		go h.run(ctx, h.ring)
	}
	return h.ring
}

// leave ends the reading with the last reader.
func (h *Hub) leave() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.open--; h.open == 0 {
		h.end()
		h.ring, h.end = nil, nil
	}
}

// run fills a ring until ctx ends.
func (h *Hub) run(ctx context.Context, r *ring) {
	for ctx.Err() == nil {
		full := false
		wait := rest
		err := h.tail.AwaitFinal(ctx, r.now())
		if err == nil {
			full, err = h.step(ctx, r)
		}
		if err != nil && ctx.Err() == nil {
			h.log.Warn("read the feed for streams", "error", err)
			wait = again
		}
		if full {
			continue
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
	}
}

// step reads one batch into the ring and reports whether there may be more.
func (h *Hub) step(ctx context.Context, r *ring) (full bool, err error) {
	after, upTo := r.now(), h.tail.Final()
	var list []event.Event
	var pruned int64
	err = h.db.Read(ctx, 0, func(st event.Store, _ time.Time) (err error) {
		if pruned, err = st.FeedPruned(ctx); err != nil || pruned > after {
			return err
		}
		list, err = st.Events(ctx, 0, after, upTo, batch)
		return err
	})
	switch {
	case err != nil:
		return false, err
	case pruned > after:
		r.restart(max(pruned, upTo))
		return false, nil
	}
	if full = len(list) == batch; full {
		upTo = list[len(list)-1].Position
	}
	var entries []entry
	for i := range list {
		entries = entriesOf(entries, &list[i])
	}
	r.add(entries, upTo)
	return full, nil
}
