package store_test

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/id"
	"github.com/purserhq/purser/internal/core/event"
	"github.com/purserhq/purser/internal/store"
	"github.com/purserhq/purser/internal/store/storetest"
)

const mark = "cut-the-next-message"

// throughProxy opens a database behind a proxy that calls cut with the commit of a marked write, and one beside it.
func throughProxy(t *testing.T, cut func(commit []byte, client, server net.Conn), fn func(t *testing.T, db, direct *store.DB)) {
	t.Helper()
	on(t, storetest.Postgres, func(t *testing.T, cfg store.Config) {
		direct := storetest.Open(t, cfg)
		cfg.DSN = startProxy(t, cfg.DSN, mark, cut)
		cfg.MaxConns = 1
		fn(t, storetest.Open(t, cfg), direct)
	})
}

// marked writes a key and an event, and arms the proxy in its last round trip before the commit.
func marked(ctx context.Context, db *store.DB, key, text string, runs *atomic.Int32) ([]event.Event, error) {
	return db.WriteEvents(ctx, 0, func(st *store.Tx) error {
		runs.Add(1)
		var s string
		if err := st.One(ctx, []any{&s}, `select $1::text`, text); err != nil {
			return err
		}
		st.Append(0, event.Event{Type: "x", Entity: event.Entity{Type: "thing", ID: key}, Version: 1})
		return put(key, "1")(st)
	})
}

// warm prepares the statements of marked, so that the commit travels in one message.
func warm(t *testing.T, db *store.DB) {
	t.Helper()
	if _, err := marked(t.Context(), db, "warm", "no mark", new(atomic.Int32)); err != nil {
		t.Fatal(err)
	}
}

func TestCommitWhoseAnswerIsLost(t *testing.T) {
	t.Parallel()
	throughProxy(t, func(commit []byte, client, server net.Conn) {
		_ = client.Close() // the answer has no way back
		_, _ = server.Write(commit)
	}, func(t *testing.T, db, direct *store.DB) {
		warm(t, db)
		var runs atomic.Int32
		events, err := marked(t.Context(), db, "a", mark, &runs)
		if err != nil || runs.Load() != 1 {
			t.Fatalf("got %v after %d runs, want success after 1: the transaction is committed", err, runs.Load())
		}
		if v := get(t, direct, "a"); v != "1" {
			t.Errorf("the row reads %q", v)
		}
		want := feed(t, direct)
		if len(events) != 1 || len(want) != 2 || events[0].Position != want[1].Position {
			t.Errorf("the writer was told %+v, the feed has %+v", events, want)
		}
		write(t, db, put("b", "1"))
	})
}

func TestCommitThatNeverArrives(t *testing.T) {
	t.Parallel()
	throughProxy(t, func(_ []byte, client, server net.Conn) {
		_ = client.Close()
		_ = server.Close()
	}, func(t *testing.T, db, direct *store.DB) {
		warm(t, db)
		var runs atomic.Int32
		_, err := marked(t.Context(), db, "a", mark, &runs)
		wantBusy(t, "a lost commit", err)
		if runs.Load() != 1 {
			t.Errorf("the closure ran %d times, want 1", runs.Load())
		}
		if v := get(t, direct, "a"); v != "" {
			t.Errorf("the row reads %q, want none", v)
		}
		if list := feed(t, direct); len(list) != 1 {
			t.Errorf("the feed has %+v, want the first event alone", list)
		}
		write(t, db, put("a", "1"))
	})
}

// Once a commit is on its way the caller's time no longer counts: giving up would leave the outcome unknown.
func TestCommitOutlivesItsCaller(t *testing.T) {
	t.Parallel()
	held, release := make(chan struct{}), make(chan struct{})
	throughProxy(t, func(commit []byte, _, server net.Conn) {
		close(held)
		<-release
		_, _ = server.Write(commit)
	}, func(t *testing.T, db, direct *store.DB) {
		warm(t, db)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			_, err := marked(ctx, db, "a", mark, new(atomic.Int32))
			done <- err
		}()
		<-held
		cancel()
		close(release)
		if err := <-done; err != nil {
			t.Errorf("got %v, want the commit's own outcome", err)
		}
		if v := get(t, direct, "a"); v != "1" {
			t.Errorf("the row reads %q", v)
		}
	})
}

// A connection that breaks before the transaction's function runs is replaced.
func TestBrokenConnectionsAreReplaced(t *testing.T) {
	t.Parallel()
	on(t, storetest.Postgres, func(t *testing.T, cfg store.Config) {
		direct := storetest.Open(t, cfg)
		cfg.MaxConns = 3
		db := storetest.Open(t, cfg)
		kill := func() {
			write(t, db, put(id.New(), "1")) // the pool has a connection
			err := direct.Read(t.Context(), 0, func(st *store.Tx, _ time.Time) error {
				var n int
				return st.One(t.Context(), []any{&n}, `
					select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`)
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		kill()
		write(t, db, put("a", "1"))
		kill()
		if v := get(t, db, "a"); v != "1" {
			t.Errorf("read %q", v)
		}
	})
}

// A connection that breaks inside the function gives 503, and nothing is written.
func TestConnectionLostInsideAWrite(t *testing.T) {
	t.Parallel()
	on(t, storetest.Postgres, func(t *testing.T, cfg store.Config) {
		db := storetest.Open(t, cfg)
		runs := 0
		err := tryWrite(db, func(st *store.Tx) error {
			runs++
			st.Exec(`insert into meta (key, value) values ('a', '1')`)
			st.Exec(`select pg_terminate_backend(pg_backend_pid())`)
			_, _ = st.Meta(context.Background(), "a")
			return errRefused // of what it could not read
		})
		wantBusy(t, "a lost connection", err)
		if errors.Is(err, errRefused) || runs != 1 {
			t.Errorf("got %v after %d runs", err, runs)
		}
		if v := get(t, db, "a"); v != "" {
			t.Errorf("read %q", v)
		}
	})
}

func TestPostgresIsGone(t *testing.T) {
	t.Parallel()
	on(t, storetest.Postgres, func(t *testing.T, cfg store.Config) {
		db, err := store.Open(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		wantBusy(t, "a write", tryWrite(db, put("a", "1")))
		wantBusy(t, "a read", db.Read(t.Context(), 0, func(*store.Tx, time.Time) error { return nil }))
		if err := db.AwaitFinal(t.Context(), 1<<40); !errors.Is(err, errs.ServiceUnavailable) {
			t.Errorf("waiting for the feed: got %v", err)
		}
	})
}
