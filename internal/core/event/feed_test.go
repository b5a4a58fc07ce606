package event_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/purserhq/purser/internal/base/clock"
	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/id"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/account"
	"github.com/purserhq/purser/internal/core/event"
	"github.com/purserhq/purser/internal/store"
	"github.com/purserhq/purser/internal/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// reader reads the feed of the production environment, in which nothing happens by itself.
type reader struct {
	*event.Feed
	t    *testing.T
	db   *store.DB
	stop chan struct{}
	// start is behind what made the environment.
	start event.Cursor
}

const env, other = account.Production, account.Development

func each(t *testing.T, fn func(t *testing.T, r *reader)) {
	t.Helper()
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		accounts := account.NewService(store.As(db, func(t *store.Tx) account.Store { return t }), id.Source{}, clock.System{})
		if _, err := accounts.Bootstrap(t.Context(), account.First{Name: "Test"}); err != nil {
			t.Fatal(err)
		}
		r := &reader{t: t, db: db, stop: make(chan struct{})}
		r.Feed = event.NewFeed(store.As(db, func(t *store.Tx) event.Store { return t }), db, r.stop)
		r.start = event.Cursor{Generation: db.Generation(), Position: r.write(env, "start")}
		fn(t, r)
	})
}

// write appends an event of a type, waits until it is final and returns its position.
func (r *reader) write(env tenant.ID, typ string) int64 {
	r.t.Helper()
	position, err := r.tryWrite(env, typ)
	if err == nil {
		err = r.db.AwaitFinal(r.t.Context(), position-1)
	}
	if err != nil {
		r.t.Fatal(err)
	}
	return position
}

func (r *reader) tryWrite(env tenant.ID, typ string) (position int64, err error) {
	err = r.db.Write(r.t.Context(), env, func(st *store.Tx, _ time.Time) error {
		st.Append(env, event.Event{Type: typ, Entity: event.Entity{Type: "thing", ID: "x"}})
		return nil
	})
	if err != nil {
		return 0, err
	}
	err = r.db.Read(r.t.Context(), env, func(st *store.Tx, _ time.Time) (err error) {
		position, err = st.FeedHead(r.t.Context())
		return err
	})
	return position, err
}

// read returns the types of the events and the next cursor.
func (r *reader) read(after *event.Cursor, limit int, wait time.Duration) ([]string, event.Cursor) {
	r.t.Helper()
	events, next, err := r.Read(r.t.Context(), env, after, limit, wait)
	if err != nil {
		r.t.Fatal(err)
	}
	types := []string{}
	for _, e := range events {
		types = append(types, e.Type)
	}
	return types, next
}

func (r *reader) same(what string, got, want any) {
	r.t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		r.t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

func TestReadGoesThroughTheFeed(t *testing.T) {
	each(t, func(_ *testing.T, r *reader) {
		r.write(env, "a")
		r.write(other, "hidden")
		r.write(env, "b")
		last := r.write(env, "c")
		types, next := r.read(&r.start, 2, 0)
		r.same("first page", types, []string{"a", "b"})
		types, next = r.read(&next, 2, 0)
		r.same("second page", types, []string{"c"})
		r.same("position", next, event.Cursor{Generation: r.start.Generation, Position: last})
		r.write(other, "hidden")
		types, again := r.read(&next, 2, 0)
		r.same("at the end", types, []string{})
		r.same("at the end", again, next)
		all, _ := r.read(nil, event.MaxLimit, 0)
		r.same("from the oldest", all[len(all)-4:], []string{"start", "a", "b", "c"})
	})
}

func TestReadRefuses(t *testing.T) {
	each(t, func(t *testing.T, r *reader) {
		gen := r.db.Generation()
		for _, tc := range []struct {
			name  string
			after event.Cursor
			limit int
			wait  time.Duration
			want  error
		}{
			{"another generation", event.Cursor{Generation: "other", Position: r.start.Position}, 1, 0, errs.FeedResync},
			{"beyond the head", event.Cursor{Generation: gen, Position: r.start.Position + 1000}, 1, 0, errs.FeedResync},
			{"no limit", r.start, 0, 0, errs.BadUserInput},
			{"too large a limit", r.start, event.MaxLimit + 1, 0, errs.BadUserInput},
			{"too long a wait", r.start, 1, event.MaxWait + 1, errs.BadUserInput},
			{"a negative wait", r.start, 1, -1, errs.BadUserInput},
		} {
			if _, _, err := r.Read(t.Context(), env, &tc.after, tc.limit, tc.wait); !errors.Is(err, tc.want) {
				t.Errorf("%s: got %v, want %v", tc.name, err, tc.want)
			}
		}
	})
}

func TestPrunedPositionsCannotBeRead(t *testing.T) {
	each(t, func(t *testing.T, r *reader) {
		kept := r.write(env, "kept")
		err := r.db.Write(t.Context(), 0, func(st *store.Tx, now time.Time) error {
			_, err := st.PruneEvents(t.Context(), now.Add(time.Hour), 1000)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		types, next := r.read(nil, 10, 0)
		r.same("an empty feed", types, []string{})
		r.same("the oldest kept", next, event.Cursor{Generation: r.start.Generation, Position: kept})
		if _, _, err := r.Read(t.Context(), env, &r.start, 10, 0); !errors.Is(err, errs.FeedResync) {
			t.Errorf("a pruned position: %v", err)
		}
		r.write(env, "new")
		types, _ = r.read(&next, 10, 0)
		r.same("after the pruned", types, []string{"new"})
	})
}

// What other environments lose is nothing to the reader of a quiet one.
func TestPrunedPositionsOfOthers(t *testing.T) {
	each(t, func(t *testing.T, r *reader) {
		last := r.write(env, "last")
		r.write(other, "hidden")
		gone, err := r.db.PruneFeed(t.Context(), (clock.System{}).Now().Add(time.Hour), 1000)
		if err != nil || gone == 0 {
			t.Fatal(gone, err)
		}
		seen := event.Cursor{Generation: r.start.Generation, Position: last}
		types, next := r.read(&seen, 10, 0)
		r.same("nothing was lost", types, []string{})
		r.same("nothing was lost", next, seen)
		r.write(env, "new")
		types, _ = r.read(&seen, 10, 0)
		r.same("going on", types, []string{"new"})
		types, _ = r.read(nil, 10, 0)
		r.same("from the oldest kept", types, []string{"new"})
		if _, _, err := r.Read(t.Context(), env, &r.start, 10, 0); !errors.Is(err, errs.FeedResync) {
			t.Errorf("a pruned position: %v", err)
		}
	})
}

func TestReadWaitsForNewsOfItsEnvironment(t *testing.T) {
	each(t, func(_ *testing.T, r *reader) {
		var wg sync.WaitGroup
		wg.Go(func() {
			for _, w := range []struct {
				env tenant.ID
				typ string
			}{{other, "hidden"}, {env, "news"}} {
				if _, err := r.tryWrite(w.env, w.typ); err != nil {
					r.t.Error(err)
				}
			}
		})
		types, _ := r.read(&r.start, 10, event.MaxWait)
		r.same("news", types, []string{"news"})
		wg.Wait()
	})
}

func TestWaitingEnds(t *testing.T) {
	each(t, func(t *testing.T, r *reader) {
		types, next := r.read(&r.start, 10, time.Millisecond)
		r.same("after the wait", types, []string{})
		r.same("after the wait", next, r.start)
		gone, leave := context.WithCancel(t.Context())
		leave()
		if _, _, err := r.Read(gone, env, &r.start, 10, event.MaxWait); !errors.Is(err, context.Canceled) {
			t.Errorf("a caller who left: %v", err)
		}
		close(r.stop) // far before the wait ends, or the test would time out
		types, _ = r.read(&r.start, 10, event.MaxWait)
		r.same("when the server stops", types, []string{})
	})
}

// A reader who goes from cursor to cursor while others write misses nothing and sees every entity in order.
func TestReadMissesNothing(t *testing.T) {
	each(t, func(t *testing.T, r *reader) {
		const writers, events = 8, 25
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				for i := range events {
					err := r.db.Write(t.Context(), env, func(st *store.Tx, _ time.Time) error {
						st.Append(env, event.Event{Type: "e", Entity: event.Entity{Type: "thing", ID: fmt.Sprint(w)}, Version: int64(i)})
						return nil
					})
					if err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		seen := map[string]int64{}
		cursor := r.start
		for n := 0; n < writers*events; {
			list, next, err := r.Read(t.Context(), env, &cursor, 7, event.MaxWait)
			if err != nil || len(list) == 0 {
				t.Fatalf("%d events read, then %d, %v", n, len(list), err)
			}
			for _, e := range list {
				if e.Version != seen[e.Entity.ID] {
					t.Fatalf("entity %s: version %d, want %d", e.Entity.ID, e.Version, seen[e.Entity.ID])
				}
				seen[e.Entity.ID]++
			}
			n += len(list)
			cursor = next
		}
		wg.Wait()
	})
}
