package store_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/purserhq/purser/internal/base/clock"
	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/event"
	"github.com/purserhq/purser/internal/store"
	"github.com/purserhq/purser/internal/store/storetest"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// errRefused is a domain's refusal.
var errRefused = errs.New(errs.Conflict, "TestRefused", "No.")

// on runs a test that is about one engine, if that is among those of this run.
func on(t *testing.T, engine string, fn func(t *testing.T, cfg store.Config)) {
	t.Helper()
	if !slices.Contains(storetest.Engines(), engine) {
		return
	}
	fn(t, storetest.New(t, engine))
}

// environment makes an environment and returns it.
func environment(t *testing.T, db *store.DB, id tenant.ID) tenant.ID {
	t.Helper()
	const at = "2026-01-01T00:00:00.000000Z"
	write(t, db, func(st *store.Tx) error {
		st.Exec(`
			insert into accounts (id, display_name, timezone, status, subscription_billing_anchor, subscription_proration_behavior, created_at)
			values ('a', '', '', '', '', '', $1) on conflict (id) do nothing`, at)
		st.Exec(`
			insert into environments (id, uuid, account_id, slug, display_name, type, created_at)
			values ($1, $2, 'a', $2, '', 'non-production', $3)`, id, string(rune('a'+id)), at)
		return nil
	})
	return id
}

// write is a write that must succeed, in no environment.
func write(t *testing.T, db *store.DB, fn func(*store.Tx) error) {
	t.Helper()
	if err := tryWrite(db, fn); err != nil {
		t.Fatalf("write: %v", err)
	}
}

func tryWrite(db *store.DB, fn func(*store.Tx) error) error {
	return db.Write(context.Background(), 0, func(st *store.Tx, _ time.Time) error { return fn(st) })
}

// put makes a closure that sets a key of the table meta, which stands for any table with a unique column.
func put(key, value string) func(*store.Tx) error {
	return func(st *store.Tx) error {
		st.Exec(`insert into meta (key, value) values ($1, $2)`, key, value)
		return nil
	}
}

// get reads a key of meta; "" when it is missing.
func get(t *testing.T, db *store.DB, key string) string {
	t.Helper()
	var value string
	err := db.Read(context.Background(), 0, func(st *store.Tx, _ time.Time) (err error) {
		value, err = st.Meta(context.Background(), key)
		return err
	})
	if err != nil {
		t.Fatalf("read %s: %v", key, err)
	}
	return value
}

// until waits for something that other goroutines are about to do.
func until(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for end := (clock.System{}).Now().Add(time.Minute); !cond(); runtime.Gosched() {
		if (clock.System{}).Now().After(end) {
			t.Fatalf("still waiting until %s", what)
		}
	}
}

// group makes writes wait behind a first one, so that they share its group, and returns their outcomes in order.
func group(t *testing.T, db *store.DB, fns ...func(*store.Tx) error) []error {
	t.Helper()
	g := hold(t, db)
	out := make([]error, len(fns))
	var wg sync.WaitGroup
	for i, fn := range fns {
		g.queue(t, &wg, func() { out[i] = tryWrite(db, fn) })
	}
	g.release()
	wg.Wait()
	return out
}

// held is a writer that waits inside a closure.
type held struct {
	db      *store.DB
	queued  int
	release func()
	done    chan error
}

func hold(t *testing.T, db *store.DB) *held {
	t.Helper()
	inside, gate := make(chan struct{}), make(chan struct{})
	h := &held{db: db, done: make(chan error, 1)}
	h.release = sync.OnceFunc(func() { close(gate) })
	t.Cleanup(h.release)
	go func() {
		h.done <- tryWrite(db, func(*store.Tx) error {
			close(inside)
			<-gate
			return nil
		})
	}()
	<-inside
	return h
}

// queue starts fn, which writes, and waits until its write is queued.
func (h *held) queue(t *testing.T, wg *sync.WaitGroup, fn func()) {
	t.Helper()
	h.queued++
	wg.Go(fn)
	until(t, "the write is queued", func() bool { return h.db.Queued() >= h.queued })
}

func wantCode(t *testing.T, what string, err error, want *errs.Error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: got %v, want %s", what, err, want.Code)
	}
}

func wantBusy(t *testing.T, what string, err error) {
	t.Helper()
	wantCode(t, what, err, errs.ServiceUnavailable)
	if e, ok := errs.As(err); !ok || !e.Retry || e.RetryAfter <= 0 {
		t.Errorf("%s: got %+v, want an error that may be tried again later", what, e)
	}
}

// feed reads all events of a database once they are final.
func feed(t *testing.T, db *store.DB) (list []event.Event) {
	t.Helper()
	var head int64
	err := db.Read(t.Context(), 0, func(st *store.Tx, _ time.Time) (err error) {
		head, err = st.FeedHead(t.Context())
		return err
	})
	if err == nil {
		err = db.AwaitFinal(t.Context(), head-1)
	}
	if err == nil {
		err = db.Read(t.Context(), 0, func(st *store.Tx, _ time.Time) (err error) {
			list, err = st.Events(t.Context(), 0, 0, st.Final(), 1<<20)
			return err
		})
	}
	if err != nil {
		t.Fatalf("read the feed: %v", err)
	}
	return list
}
