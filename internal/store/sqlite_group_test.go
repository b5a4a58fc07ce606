package store_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/purserhq/purser/internal/base/clock"
	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/core/event"
	"github.com/purserhq/purser/internal/store"
	"github.com/purserhq/purser/internal/store/storetest"
)

// onSQLite opens a database whose clock stands still, so that a group never ends for its time. groups tells the sizes of
// the groups so far.
func onSQLite(t *testing.T, fn func(t *testing.T, db *store.DB, c *clock.Manual, groups func() []int)) {
	t.Helper()
	on(t, storetest.SQLite, func(t *testing.T, cfg store.Config) {
		var mu sync.Mutex
		var sizes []int
		c := clock.At(start)
		cfg.Clock = c
		cfg.Watch.Group = func(n int) {
			mu.Lock()
			defer mu.Unlock()
			sizes = append(sizes, n)
		}
		db := storetest.Open(t, cfg)
		mu.Lock()
		sizes = nil
		mu.Unlock()
		fn(t, db, c, func() []int {
			mu.Lock()
			defer mu.Unlock()
			return append([]int(nil), sizes...)
		})
	})
}

func TestGroupIsOneCommit(t *testing.T) {
	t.Parallel()
	onSQLite(t, func(t *testing.T, db *store.DB, _ *clock.Manual, groups func() []int) {
		for i, err := range group(t, db, put("a", "1"), put("b", "2"), put("c", "3")) {
			if err != nil {
				t.Errorf("member %d: %v", i, err)
			}
		}
		if diff := cmp.Diff([]int{4}, groups()); diff != "" {
			t.Errorf("groups (-want +got):\n%s", diff)
		}
	})
}

func TestGroupLimits(t *testing.T) {
	t.Parallel()
	t.Run("members", func(t *testing.T) {
		t.Parallel()
		onSQLite(t, func(t *testing.T, db *store.DB, _ *clock.Manual, groups func() []int) {
			fns := make([]func(*store.Tx) error, 100)
			for i := range fns {
				fns[i] = put(strings.Repeat("k", i+1), "v")
			}
			if err := errors.Join(group(t, db, fns...)...); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]int{store.GroupMembers, 101 - store.GroupMembers}, groups()); diff != "" {
				t.Errorf("groups (-want +got):\n%s", diff)
			}
		})
	})
	t.Run("time", func(t *testing.T) {
		t.Parallel()
		onSQLite(t, func(t *testing.T, db *store.DB, c *clock.Manual, groups func() []int) {
			slow := func(*store.Tx) error { c.Add(store.GroupTime + time.Microsecond); return nil }
			if err := errors.Join(group(t, db, put("a", "1"), slow, put("b", "2"))...); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]int{3, 1}, groups()); diff != "" {
				t.Errorf("groups (-want +got):\n%s", diff)
			}
		})
	})
}

func TestGroupCancelledWhileQueued(t *testing.T) {
	t.Parallel()
	onSQLite(t, func(t *testing.T, db *store.DB, _ *clock.Manual, groups func() []int) {
		g := hold(t, db)
		ctx, cancel := context.WithCancel(context.Background())
		var before, gone, after error
		ran := false
		var neighbours, leaver sync.WaitGroup
		g.queue(t, &neighbours, func() { before = tryWrite(db, put("before", "1")) })
		g.queue(t, &leaver, func() {
			gone = db.Write(ctx, 0, func(*store.Tx, time.Time) error { ran = true; return nil })
		})
		g.queue(t, &neighbours, func() { after = tryWrite(db, put("after", "1")) })
		cancel()
		leaver.Wait() // while the writer is still busy with the first
		g.release()
		neighbours.Wait()
		if !errors.Is(gone, context.Canceled) || ran {
			t.Errorf("cancelled: got %v, ran %v; want it left out", gone, ran)
		}
		if before != nil || after != nil || get(t, db, "before") != "1" || get(t, db, "after") != "1" {
			t.Errorf("neighbours: %v, %v; want both written", before, after)
		}
	})
}

func TestGroupDeadlineIsCheckedBeforeTheClosureStarts(t *testing.T) {
	t.Parallel()
	onSQLite(t, func(t *testing.T, db *store.DB, _ *clock.Manual, _ func() []int) {
		ctx, cancel := context.WithDeadline(context.Background(), time.Unix(0, 0))
		defer cancel()
		ran := false
		err := db.Write(ctx, 0, func(*store.Tx, time.Time) error { ran = true; return nil })
		if !errors.Is(err, context.DeadlineExceeded) || ran {
			t.Errorf("got %v, ran %v; want it refused before it starts", err, ran)
		}
		// The same where the writer is faster than the caller.
		if err := store.Admit(ctx, start, start); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("admitted: %v", err)
		}
	})
}

func TestGroupCancelledInsideInterruptsNobody(t *testing.T) {
	t.Parallel()
	onSQLite(t, func(t *testing.T, db *store.DB, _ *clock.Manual, groups func() []int) {
		cancelled := func(st *store.Tx) error {
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			st.Exec(`insert into meta (key, value) values ('cancelled', '1')`)
			if err := st.Flush(ctx); err != nil {
				return err
			}
			v, err := st.Meta(ctx, "cancelled")
			if err == nil && v != "1" {
				t.Errorf("read %q, want what was written", v)
			}
			return err
		}
		if err := errors.Join(group(t, db, put("before", "1"), cancelled, put("after", "1"))...); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]int{4}, groups()); diff != "" {
			t.Errorf("groups (-want +got):\n%s", diff)
		}
	})
}

func TestGroupFailuresHarmNoNeighbour(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		fn   func(*store.Tx) error
		want func(error) bool
	}{
		{"unique constraint", put("taken", "2"), nil},
		{"not null", func(st *store.Tx) error { st.Exec(`insert into meta (key) values ('x')`); return nil }, nil},
		{"strict type", func(st *store.Tx) error {
			st.Exec(`insert into idempotency values ('x','','','','','','','')`)
			return nil
		}, nil},
		{"foreign key", func(st *store.Tx) error {
			st.Exec(`insert into environments (id, uuid, account_id, slug, display_name, type, created_at) values (9, '', 'none', '', '', 'production', '')`)
			return nil
		}, is(errs.IntegrityViolation)},
		{"missed count", func(st *store.Tx) error {
			st.Exec(`update meta set value = 'harmed' where key = 'taken'`)
			st.Expect(1, errRefused, `update meta set value = 'x' where key = 'none'`)
			return nil
		}, is(errRefused)},
		{"refusal", func(st *store.Tx) error {
			st.Exec(`update meta set value = 'harmed'`)
			if err := st.Flush(context.Background()); err != nil {
				return err
			}
			return errRefused
		}, is(errRefused)},
		{"swallowed error", func(st *store.Tx) error {
			st.Exec(`insert into meta (key, value) values ('taken', '2')`)
			_, _ = st.Meta(context.Background(), "taken")
			return nil
		}, nil},
		{"panic", func(st *store.Tx) error {
			st.Exec(`update meta set value = 'harmed'`)
			_ = st.Flush(context.Background())
			panic("oops")
		}, is(errs.Unexpected)},
		{"panic between rows", func(st *store.Tx) error {
			return st.Each(context.Background(), func(string) error { panic("oops") }, `select key from meta`)
		}, is(errs.Unexpected)},
		{"panic in an event's payload", func(st *store.Tx) error {
			st.Append(0, event.Event{Type: "x", Payload: explosive{}})
			return nil
		}, is(errs.Unexpected)},
		{"scan error", func(st *store.Tx) error {
			var n int
			return st.One(context.Background(), []any{&n}, `select 'no number'`)
		}, nil},
		{"query inside a query", func(st *store.Tx) error {
			return st.Each(context.Background(), func(string) error {
				_, err := st.Meta(context.Background(), "taken")
				return err
			}, `select key from meta`)
		}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			onSQLite(t, func(t *testing.T, db *store.DB, _ *clock.Manual, groups func() []int) {
				write(t, db, put("taken", "1"))
				got := group(t, db, put("before", "1"), tt.fn, put("after", "1"))
				if got[0] != nil || got[2] != nil {
					t.Errorf("neighbours: %v, %v", got[0], got[2])
				}
				if got[1] == nil || tt.want != nil && !tt.want(got[1]) {
					t.Errorf("failing member: got %v", got[1])
				}
				if diff := cmp.Diff([]int{1, 4}, groups()); diff != "" {
					t.Errorf("groups (-want +got):\n%s", diff)
				}
				for key, want := range map[string]string{"before": "1", "after": "1", "taken": "1", "x": ""} {
					if v := get(t, db, key); v != want {
						t.Errorf("%s = %q, want %q", key, v, want)
					}
				}
			})
		})
	}
}

func is(want *errs.Error) func(error) bool {
	return func(err error) bool { return errors.Is(err, want) }
}

type explosive struct{}

func (explosive) MarshalJSON() ([]byte, error) { panic("oops") }

// A refusal may have read what a neighbour wrote, so it waits for that neighbour's commit.
func TestGroupRefusalWaitsForCommit(t *testing.T) {
	t.Parallel()
	onSQLite(t, func(t *testing.T, db *store.DB, _ *clock.Manual, _ func() []int) {
		g := hold(t, db)
		inside, gate := make(chan struct{}), make(chan struct{})
		var refused error
		var seen string
		answered := make(chan struct{})
		var wg sync.WaitGroup
		g.queue(t, &wg, func() { _ = tryWrite(db, put("a", "1")) })
		g.queue(t, &wg, func() {
			refused = tryWrite(db, func(st *store.Tx) error {
				if v, err := st.Meta(context.Background(), "a"); err != nil || v == "" {
					return err
				}
				return errRefused
			})
			seen = get(t, db, "a")
			close(answered)
		})
		g.queue(t, &wg, func() { _ = tryWrite(db, func(*store.Tx) error { close(inside); <-gate; return nil }) })
		g.release()
		<-inside
		select {
		case <-answered:
			t.Error("the refusal was answered before its group was committed")
		default:
		}
		if v := get(t, db, "a"); v != "" {
			t.Errorf("a reader sees %q before the commit", v)
		}
		close(gate)
		wg.Wait()
		if !errors.Is(refused, errRefused) || seen != "1" {
			t.Errorf("got %v and then read %q, want a refusal whose reason can be read", refused, seen)
		}
	})
}

// fill needs more pages than a full disk has.
func fill(st *store.Tx) error {
	st.Exec(`insert into meta (key, value) values ('big', $1)`, strings.Repeat("x", 1<<20))
	return nil
}

// limitPages makes the disk full beyond some more pages.
func limitPages(t *testing.T, db *store.DB) {
	t.Helper()
	err := db.Between(func(plain func(string) error) {
		// The least that SQLite takes is what the file has now.
		if err := plain(`pragma max_page_count = 1`); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestGroupOnAFullDisk(t *testing.T) {
	t.Parallel()
	onSQLite(t, func(t *testing.T, db *store.DB, _ *clock.Manual, groups func() []int) {
		limitPages(t, db)
		got := group(t, db, put("before", "1"), fill, put("after", "1"))
		if got[0] != nil || got[2] != nil || get(t, db, "before") != "1" || get(t, db, "after") != "1" {
			t.Errorf("small neighbours: %v, %v; want both written", got[0], got[2])
		}
		wantBusy(t, "the big one", got[1])
		if v := get(t, db, "big"); v != "" {
			t.Error("the big one was written")
		}
		if diff := cmp.Diff([]int{1, 1, 1}, groups()); diff != "" {
			t.Errorf("groups (-want +got):\n%s", diff)
		}
		err := db.Between(func(plain func(string) error) { _ = plain(`pragma max_page_count = 1000000`) })
		if err != nil {
			t.Fatal(err)
		}
		write(t, db, fill)
		if v := get(t, db, "big"); len(v) != 1<<20 {
			t.Error("after space was made the big one is not there")
		}
	})
}

// A refusal that read what a neighbour wrote is decided again when that neighbour was undone.
func TestGroupDecidesAgainAfterAnUndoneGroup(t *testing.T) {
	t.Parallel()
	onSQLite(t, func(t *testing.T, db *store.DB, _ *clock.Manual, _ func() []int) {
		limitPages(t, db)
		runs := 0
		first := func(st *store.Tx) error {
			if runs++; runs == 1 {
				st.Exec(`insert into meta (key, value) values ('a', '1')`)
			}
			return nil
		}
		second := func(st *store.Tx) error {
			if v, err := st.Meta(context.Background(), "a"); err != nil {
				return err
			} else if v != "" {
				return errRefused
			}
			return put("b", "1")(st)
		}
		got := group(t, db, first, second, fill)
		if got[0] != nil || got[1] != nil || get(t, db, "a") != "" || get(t, db, "b") != "1" {
			t.Errorf("got %v, %v; want the second decided anew", got[0], got[1])
		}
		wantBusy(t, "the big one", got[2])
	})
}

// Any error but a constraint undoes the group; a fault of the program is no reason to try again.
func TestGroupWithAFaultySQL(t *testing.T) {
	t.Parallel()
	onSQLite(t, func(t *testing.T, db *store.DB, _ *clock.Manual, _ func() []int) {
		got := group(t, db, put("a", "1"), func(st *store.Tx) error { st.Exec(`no sql`); return nil }, put("b", "1"))
		if got[0] != nil || got[2] != nil || get(t, db, "a") != "1" || get(t, db, "b") != "1" {
			t.Errorf("neighbours: %v, %v", got[0], got[2])
		}
		if _, ours := errs.As(got[1]); ours || got[1] == nil {
			t.Errorf("got %v, want an error without a code of its own (500)", got[1])
		}
	})
}

func TestQueueIsBounded(t *testing.T) {
	t.Parallel()
	onSQLite(t, func(t *testing.T, db *store.DB, _ *clock.Manual, _ func() []int) {
		g := hold(t, db)
		var wg sync.WaitGroup
		ctx, cancel := context.WithCancel(context.Background())
		for range store.QueueMembers {
			wg.Go(func() { _ = db.Write(ctx, 0, func(*store.Tx, time.Time) error { return nil }) })
		}
		until(t, "the queue is full", func() bool { return db.Queued() == store.QueueMembers })
		wantBusy(t, "one more", tryWrite(db, put("a", "1")))
		cancel()
		g.release()
		wg.Wait()
		until(t, "the queue is empty", func() bool { return db.Queued() == 0 })
		write(t, db, put("a", "1"))
	})
}

func TestQueueTime(t *testing.T) {
	t.Parallel()
	onSQLite(t, func(t *testing.T, db *store.DB, c *clock.Manual, _ func() []int) {
		g := hold(t, db)
		var err error
		var wg sync.WaitGroup
		ran := false
		g.queue(t, &wg, func() { err = tryWrite(db, func(*store.Tx) error { ran = true; return nil }) })
		c.Add(store.QueueTime + time.Microsecond)
		g.release()
		wg.Wait()
		wantBusy(t, "a write that waited too long", err)
		if ran {
			t.Error("its closure ran")
		}
	})
}
