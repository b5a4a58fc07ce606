package store_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/tx"
	"github.com/purserhq/purser/internal/core/event"
	"github.com/purserhq/purser/internal/store"
	"github.com/purserhq/purser/internal/store/storetest"
)

func TestRoundTrips(t *testing.T) {
	t.Parallel()
	on(t, storetest.Postgres, func(t *testing.T, cfg store.Config) {
		var trips atomic.Int32
		cfg.Watch.RoundTrip = func() { trips.Add(1) }
		db := storetest.Open(t, cfg)
		env := environment(t, db, 1)
		queued := func(st *store.Tx) error {
			st.Exec(`insert into meta (key, value) values ('a', '1') on conflict (key) do nothing`)
			st.Append(env, event.Event{Type: "x"})
			return nil
		}
		tests := []struct {
			name string
			ctx  context.Context
			fn   func(*store.Tx) error
			want int32
		}{
			{"queued alone", t.Context(), queued, 2},
			{"queued with an idempotency key", tx.WithOnce(t.Context(), once("k", "c")), queued, 2},
			{"a read", t.Context(), func(st *store.Tx) error { _, err := st.Meta(t.Context(), "a"); return err }, 3},
			{"a read flushes what is queued", t.Context(), func(st *store.Tx) error {
				err := queued(st)
				_, rerr := st.Meta(t.Context(), "a")
				return errors.Join(err, rerr)
			}, 4},
			{"an expected count", t.Context(), func(st *store.Tx) error {
				st.Expect(1, errRefused, `update meta set value = '2' where key = 'a'`)
				return queued(st)
			}, 3},
		}
		for _, tt := range tests { // one after another: they are counted
			trips.Store(0)
			err := db.Write(tt.ctx, env, func(st *store.Tx, _ time.Time) error { return tt.fn(st) },
				tx.Lock{Kind: tx.Customer, Ref: "x"}, tx.Lock{Kind: tx.Product, Ref: "y"})
			if err != nil || trips.Load() != tt.want {
				t.Errorf("%s: %d round trips, error %v; want %d", tt.name, trips.Load(), err, tt.want)
			}
		}
	})
}

// The first failing statement is the answer, and nothing of the transaction is there.
func TestQueuedStatements(t *testing.T) {
	t.Parallel()
	other := errRefused.Because("another")
	tests := []struct {
		name string
		fn   func(*store.Tx) error
		want func(error) bool
	}{
		{"a missed count", func(st *store.Tx) error {
			st.Expect(1, errRefused, `update meta set value = 'x' where key = 'none'`)
			return put("late", "1")(st)
		}, is(errRefused)},
		{"too many rows", func(st *store.Tx) error {
			st.Expect(1, errRefused, `update meta set value = 'harmed'`)
			return nil
		}, is(errRefused)},
		{"the first of two", func(st *store.Tx) error {
			st.Expect(1, other, `update meta set value = 'x' where key = 'none'`)
			st.Exec(`insert into meta (key, value) values ('taken', '2')`)
			return nil
		}, func(err error) bool { e, ok := errs.As(err); return ok && e.Message == "another" }},
		{"a constraint before a missed count", func(st *store.Tx) error {
			st.Exec(`insert into meta (key, value) values ('taken', '2')`)
			st.Expect(1, errRefused, `update meta set value = 'x' where key = 'none'`)
			return nil
		}, func(err error) bool { return err != nil && !errors.Is(err, errRefused) }},
		{"nothing runs after an error", func(st *store.Tx) error {
			st.Exec(`insert into meta (key, value) values ('taken', '2')`)
			_, first := st.Meta(context.Background(), "taken")
			st.Exec(`insert into meta (key, value) values ('late', '2')`)
			_, second := st.Meta(context.Background(), "taken")
			if first == nil || !errors.Is(second, first) {
				t.Errorf("after %v a read gives %v, want the same", first, second)
			}
			return nil
		}, func(err error) bool { return err != nil }},
		{"a function that refuses after an insert", func(st *store.Tx) error {
			_ = put("late", "1")(st)
			if err := st.Flush(context.Background()); err != nil {
				return err
			}
			return errRefused
		}, is(errRefused)},
		{"a foreign key", func(st *store.Tx) error {
			st.Exec(`insert into environments (id, uuid, account_id, slug, display_name, type, created_at) values (9, '', 'none', '', '', 'production', $1)`, store.Stamp(start))
			return nil
		}, is(errs.IntegrityViolation)},
		{"a panic", func(st *store.Tx) error { _ = put("late", "1")(st); panic("oops") }, is(errs.Unexpected)},
		{"a panic in an event's payload", func(st *store.Tx) error {
			st.Append(0, event.Event{Type: "x", Payload: explosive{}})
			return nil
		}, is(errs.Unexpected)},
		{"a query inside a query", func(st *store.Tx) error {
			return st.Each(context.Background(), func(string) error {
				_, err := st.Meta(context.Background(), "taken")
				return err
			}, `select key from meta`)
		}, func(err error) bool { return err != nil }},
		{"a panic between rows", func(st *store.Tx) error {
			return st.Each(context.Background(), func(string) error { panic("oops") }, `select key from meta`)
		}, is(errs.Unexpected)},
	}
	storetest.EachConfig(t, func(t *testing.T, cfg store.Config) {
		cfg.MaxConns = 1 // what follows a failure has the same connection
		db := storetest.Open(t, cfg)
		write(t, db, put("taken", "1"))
		write(t, db, put("second", "1"))
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				if err := tryWrite(db, tt.fn); !tt.want(err) {
					t.Errorf("got %v", err)
				}
				for key, want := range map[string]string{"taken": "1", "second": "1", "late": ""} {
					if v := get(t, db, key); v != want {
						t.Errorf("%s = %q, want %q", key, v, want)
					}
				}
				if list := feed(t, db); len(list) > 0 {
					t.Errorf("the feed has %+v", list)
				}
				write(t, db, put(tt.name, "1"))
			})
		}
	})
}

func TestTransactionsEnd(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		var kept *store.Tx
		use := func() error { _, err := kept.Meta(t.Context(), "a"); return err }
		write(t, db, func(st *store.Tx) error { kept = st; return nil })
		if err := use(); err == nil {
			t.Error("a Write's transaction can be used after its end")
		}
		err := db.Read(t.Context(), 0, func(st *store.Tx, _ time.Time) error { kept = st; return nil })
		if err != nil || use() == nil {
			t.Errorf("%v; a Read's transaction can be used after its end", err)
		}
		err = db.Read(t.Context(), 0, func(st *store.Tx, _ time.Time) error {
			st.Exec(`insert into meta (key, value) values ('a', '1')`)
			return st.Flush(t.Context())
		})
		if err == nil {
			t.Error("a Read wrote")
		}
		err = db.Read(t.Context(), 0, func(st *store.Tx, _ time.Time) error {
			var v string
			return st.One(t.Context(), []any{&v}, `insert into meta (key, value) values ('a', '1') returning key`)
		})
		if err == nil || get(t, db, "a") != "" {
			t.Errorf("a Read wrote through a query: %v", err)
		}
		err = db.Read(t.Context(), 0, func(st *store.Tx, _ time.Time) error {
			_ = st.One(t.Context(), nil, `no sql`)
			return nil
		})
		if err == nil {
			t.Error("a Read whose query failed says nothing")
		}
	})
}

func TestUnknownEnvironment(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		never := func(*store.Tx, time.Time) error { t.Error("the function ran"); return nil }
		wantCode(t, "write", db.Write(t.Context(), 7, never), errs.IdentityForbidden)
		wantCode(t, "read", db.Read(t.Context(), 7, never), errs.IdentityForbidden)
	})
}

func TestDeadlocksAreRetried(t *testing.T) {
	t.Parallel()
	on(t, storetest.Postgres, func(t *testing.T, cfg store.Config) {
		var retries atomic.Int32
		cfg.Watch.Retry = func() { retries.Add(1) }
		db := storetest.Open(t, cfg)
		write(t, db, put("a", "0"))
		write(t, db, put("b", "0"))
		var meet sync.WaitGroup
		meet.Add(2)
		crossed := func(first, second string) error {
			met := false
			return tryWrite(db, func(st *store.Tx) error {
				ctx := context.Background()
				st.Exec(`set local deadlock_timeout = '10ms'`)
				st.Expect(1, errRefused, `update meta set value = value || 'x' where key = $1`, first)
				if err := st.Flush(ctx); err != nil {
					return err
				}
				if !met {
					met = true
					meet.Done()
					meet.Wait()
				}
				st.Expect(1, errRefused, `update meta set value = value || 'x' where key = $1`, second)
				return nil
			})
		}
		var one, two error
		var wg sync.WaitGroup
		wg.Go(func() { one = crossed("a", "b") })
		wg.Go(func() { two = crossed("b", "a") })
		wg.Wait()
		if one != nil || two != nil || retries.Load() == 0 {
			t.Errorf("got %v, %v after %d retries; want both done after one", one, two, retries.Load())
		}
		if a, b := get(t, db, "a"), get(t, db, "b"); a != "0xx" || b != "0xx" {
			t.Errorf("a = %s, b = %s, want each written twice", a, b)
		}
	})
}

func TestRetriesAreBounded(t *testing.T) {
	t.Parallel()
	on(t, storetest.Postgres, func(t *testing.T, cfg store.Config) {
		db := storetest.Open(t, cfg)
		runs := 0
		fail := func(st *store.Tx) error {
			runs++
			st.Exec(`do $$ begin raise exception 'again' using errcode = '40001'; end $$`)
			return nil
		}
		wantBusy(t, "a write that always fails", tryWrite(db, fail))
		if runs != store.PgAttempts {
			t.Errorf("%d runs, want %d", runs, store.PgAttempts)
		}
		runs = 0
		ctx, cancel := context.WithCancel(t.Context())
		err := db.Write(ctx, 0, func(st *store.Tx, _ time.Time) error {
			cancel()
			return fail(st)
		})
		if !errors.Is(err, context.Canceled) || runs != 1 {
			t.Errorf("cancelled: got %v after %d runs", err, runs)
		}
	})
}

func TestPostgresIsolation(t *testing.T) {
	t.Parallel()
	on(t, storetest.Postgres, func(t *testing.T, cfg store.Config) {
		direct := storetest.Open(t, cfg)
		write(t, direct, func(st *store.Tx) error {
			st.Exec(`do $$ begin execute format('alter database %I set default_transaction_isolation = serializable', current_database()); end $$`)
			return nil
		})
		db := storetest.Open(t, cfg)
		show := func(st *store.Tx) (level string) {
			if err := st.One(t.Context(), []any{&level}, `select current_setting('transaction_isolation')`); err != nil {
				t.Error(err)
			}
			return level
		}
		write(t, db, func(st *store.Tx) error {
			if got := show(st); got != "read committed" {
				t.Errorf("writes run %s", got)
			}
			return nil
		})
		err := db.Read(t.Context(), 0, func(st *store.Tx, _ time.Time) error {
			if got := show(st); got != "repeatable read" {
				t.Errorf("reads run %s", got)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// Waiting for a connection or for the server ends with the caller.
func TestPostgresCallersCanLeave(t *testing.T) {
	t.Parallel()
	on(t, storetest.Postgres, func(t *testing.T, cfg store.Config) {
		cfg.MaxConns = 1
		db := storetest.Open(t, cfg)
		err := db.Read(t.Context(), 0, func(*store.Tx, time.Time) error {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if err := db.Write(ctx, 0, func(*store.Tx, time.Time) error { return nil }); !errors.Is(err, context.Canceled) {
				t.Errorf("waiting for a connection: got %v", err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		err = db.Write(ctx, 0, func(st *store.Tx, _ time.Time) error {
			var v string
			return st.One(ctx, []any{&v}, `select pg_sleep(600)::text`)
		})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a slow query: got %v", err)
		}
		write(t, db, put("a", "1"))
	})
}
