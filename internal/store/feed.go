package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/purserhq/purser/internal/base/id"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/event"
)

// feedState is what this process knows of the change feed: how far it is final, and who waits for more.
type feedState struct {
	generation string
	final      atomic.Int64
	mu         sync.Mutex
	moved      chan struct{} // closed and replaced when final advances
	listeners  []func([]event.Event)
	wake       chan struct{} // a commit of this process, for the tailer
	cancel     context.CancelFunc
	ended      <-chan struct{} // the database is being closed
	done       chan struct{}
}

func (f *feedState) start(ctx context.Context, db *DB) error {
	f.moved = make(chan struct{})
	f.wake = make(chan struct{}, 1)
	f.done = make(chan struct{})
	gen, err := db.ensureMeta(ctx, "feed_generation", func() string { return id.Generated("g")[2:] })
	if err != nil {
		return err
	}
	f.generation = gen
	if err := db.final(ctx); err != nil {
		return fmt.Errorf("read the change feed: %w", err)
	}
	tailCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	f.cancel, f.ended = cancel, tailCtx.Done()
	go func() {
		defer close(f.done)
		db.tail(tailCtx)
	}()
	return nil
}

func (f *feedState) stop() {
	f.cancel()
	<-f.done
}

// advance makes the positions of committed events final. SQLite calls it: there, committing is all it takes.
func (f *feedState) advance(events []event.Event) {
	for _, e := range events {
		f.advanceTo(e.Position)
	}
}

func (f *feedState) advanceTo(position int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if position <= f.final.Load() {
		return
	}
	f.final.Store(position)
	close(f.moved)
	f.moved = make(chan struct{})
}

// OnCommit registers a function that sees the events of every write of this process before the writer gets its answer.
// Register before the first write. It must not write itself. On SQLite it is called in the order of positions and before
// they are final; on PostgreSQL concurrent writes call it concurrently.
func (db *DB) OnCommit(fn func([]event.Event)) { db.feed.listeners = append(db.feed.listeners, fn) }

func (db *DB) committed(events []event.Event) {
	if len(events) == 0 {
		return
	}
	for _, fn := range db.feed.listeners {
		fn(events)
	}
	select {
	case db.feed.wake <- struct{}{}:
	default:
	}
}

// Generation names the life of this database's feed. Restoring a backup begins a new one.
func (db *DB) Generation() string { return db.feed.generation }

// Final is the position up to which the feed is complete: no event at or below it will appear later. Inside a Read ask
// Tx.Final, which fits what that Read sees.
func (db *DB) Final() int64 { return db.feed.final.Load() }

// AwaitFinal returns when Final is beyond after, with ctx's error, or with ServiceUnavailable when the database is closed.
func (db *DB) AwaitFinal(ctx context.Context, after int64) error {
	for {
		db.feed.mu.Lock()
		moved := db.feed.moved
		db.feed.mu.Unlock()
		if db.Final() > after {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-db.feed.ended:
			return errClosed
		case <-moved:
		}
	}
}

// Append queues events. They go out last, after the row locks of the transaction.
func (t *Tx) Append(env tenant.ID, events ...event.Event) {
	for _, e := range events {
		e.Environment = env
		if e.Actor == (event.Actor{}) {
			e.Actor = t.actor
		}
		if e.At.IsZero() {
			e.At = t.now
		}
		t.events = append(t.events, e)
	}
}

var insertEvents = newMultiRow(
	`insert into events (environment, type, entity_type, entity_id, version, customer, at, recorded_at, actor_type, actor_id, payload)`,
	11, `returning position`)

// eventStatements makes a statement for every few events, which also reads their positions back: they ascend in the
// order of the events.
func (t *Tx) eventStatements() ([]statement, error) {
	list := make([]statement, 0, 1+len(t.events)/rowsAtOnce)
	recorded := t.db.clock.Now()
	recordedAt := stamp(recorded)
	for some := range slices.Chunk(t.events, rowsAtOnce) {
		args := make([]any, 0, len(some)*insertEvents.columns)
		for i := range some {
			e := &some[i]
			payload, err := e.JSON()
			if err != nil {
				return nil, err
			}
			e.Payload, e.RecordedAt = payload, recorded
			args = append(args, e.Environment, e.Type, e.Entity.Type, e.Entity.ID, e.Version, e.Customer,
				stamp(e.At), recordedAt, e.Actor.Type, e.Actor.ID, string(payload))
		}
		next := 0
		list = append(list, statement{sql: insertEvents.sql(len(some)), args: args, expect: anyRows, scan: func(r rows) error {
			next++
			return r.Scan(&some[next-1].Position)
		}})
	}
	return list, nil
}

// Events reads the feed of an environment (0: of all) after a position and up to another, in order. It never goes beyond
// Tx.Final: a reader that has seen everything up to upTo must have taken upTo from there.
func (t *Tx) Events(ctx context.Context, env tenant.ID, after, upTo int64, limit int) ([]event.Event, error) {
	upTo = min(upTo, t.final)
	text := `
		select position, environment, type, entity_type, entity_id, version, customer, at, recorded_at, actor_type, actor_id, payload
		from events where position > $1 and position <= $2`
	args := []any{after, upTo, limit}
	if env != 0 {
		text += ` and environment = $4`
		args = append(args, env)
	}
	return all(ctx, t, scanEvent, text+` order by position limit $3`, args...)
}

func scanEvent(r rows) (event.Event, error) {
	var e event.Event
	var payload string
	err := r.Scan(&e.Position, &e.Environment, &e.Type, &e.Entity.Type, &e.Entity.ID, &e.Version, &e.Customer,
		at{&e.At}, at{&e.RecordedAt}, &e.Actor.Type, &e.Actor.ID, &payload)
	e.Payload = json.RawMessage(payload)
	return e, err
}

// FeedHead is the highest position that was ever given out, final or not.
func (t *Tx) FeedHead(ctx context.Context) (int64, error) { return t.feedHead(ctx) }

func (t *Tx) feedHead(ctx context.Context) (head int64, err error) {
	text := `select coalesce((select seq from sqlite_sequence where name = 'events'), 0)`
	if t.db.dialect().name() == "postgres" {
		text = `select case when is_called then last_value else 0 end from event_position`
	}
	err = t.one(ctx, errNoRow, []any{&head}, text)
	return head, err
}

// feedPruned is the key in meta of the last position that was removed; with an environment behind it, of that one's.
const feedPruned = "feed_pruned"

func feedPrunedOf(env tenant.ID) string { return feedPruned + ":" + strconv.Itoa(int(env)) }

// FeedPruned is the position up to which events may have been removed.
func (t *Tx) FeedPruned(ctx context.Context) (int64, error) { return t.metaPosition(ctx, feedPruned) }

// EnvironmentPruned is the last position of an environment that was removed; 0 for none.
func (t *Tx) EnvironmentPruned(ctx context.Context, env tenant.ID) (int64, error) {
	return t.metaPosition(ctx, feedPrunedOf(env))
}

func (t *Tx) metaPosition(ctx context.Context, key string) (int64, error) {
	v, err := t.Meta(ctx, key)
	if err != nil || v == "" {
		return 0, err
	}
	return strconv.ParseInt(v, 10, 64)
}

// PruneEvents removes at most n events recorded before an instant (machine time) and reports how many it removed, or
// found and another node removed first. It looks at the oldest alone and stops at the first that stays. Those of
// subscriptions count as removed and are kept: they are the history of subscriptions (decision 15).
func (t *Tx) PruneEvents(ctx context.Context, before time.Time, n int) (removed int, err error) {
	from, err := t.FeedPruned(ctx)
	if err != nil {
		return 0, err
	}
	var last int64
	lastOf := map[tenant.ID]int64{}
	stays := false
	err = t.each(ctx, func(r rows) error {
		var position int64
		var env tenant.ID
		var recorded time.Time
		if err := r.Scan(&position, &env, at{&recorded}); err != nil {
			return err
		}
		if stays = stays || !recorded.Before(before); !stays {
			last, lastOf[env] = position, position
			removed++
		}
		return nil
	}, `select position, environment, recorded_at from events
		where position > $1 and position <= $2 order by position limit $3`, from, t.final, n)
	if err != nil || removed == 0 {
		return 0, err
	}
	// The mark of all comes first: nodes that prune at once wait for each other there.
	t.raiseMeta(feedPruned, last)
	for _, env := range slices.Sorted(maps.Keys(lastOf)) {
		t.raiseMeta(feedPrunedOf(env), lastOf[env])
	}
	t.exec(`delete from events where position > $1 and position <= $2 and entity_type <> 'subscription'`, from, last)
	return removed, nil
}

func (t *Tx) setMeta(key, value string) {
	t.exec(`insert into meta (key, value) values ($1, $2) on conflict (key) do update set value = excluded.value`, key, value)
}

// raiseMeta stores a position, unless a higher one is there: several nodes may try at once, the slowest last.
func (t *Tx) raiseMeta(key string, position int64) {
	t.exec(`
		insert into meta (key, value) values ($1, $2) on conflict (key) do update set value = excluded.value
		where cast(meta.value as bigint) < cast(excluded.value as bigint)`, key, strconv.FormatInt(position, 10))
}

// Meta reads a value of the database's own; "" when it is missing.
func (t *Tx) Meta(ctx context.Context, key string) (value string, err error) {
	err = t.one(ctx, errNoRow, []any{&value}, `select value from meta where key = $1`, key)
	if errors.Is(err, errNoRow) {
		err = nil
	}
	return value, err
}

// ensureMeta reads a value and makes it first where it is missing; several nodes may try at once.
func (db *DB) ensureMeta(ctx context.Context, key string, fresh func() string) (value string, err error) {
	err = db.write(ctx, 0, writeRequest{
		committed: func([]event.Event) {},
		fn: func(t *Tx) error {
			t.exec(`insert into meta (key, value) values ($1, $2) on conflict (key) do nothing`, key, fresh())
			value, err = t.Meta(ctx, key)
			return err
		},
	})
	return value, err
}
