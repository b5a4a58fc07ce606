package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/purserhq/purser/internal/base/clock"
	"github.com/purserhq/purser/internal/core/event"
	"github.com/purserhq/purser/internal/store"
	"github.com/purserhq/purser/internal/store/storetest"
)

func TestFeedReadsWhatWasWritten(t *testing.T) {
	t.Parallel()
	storetest.EachConfig(t, func(t *testing.T, cfg store.Config) {
		cfg.Clock = clock.At(start)
		db := storetest.Open(t, cfg)
		env, other := environment(t, db, 1), environment(t, db, 2)
		ctx := event.WithActor(context.Background(), event.System("test"))
		var seen []event.Event
		db.OnCommit(func(list []event.Event) { seen = append(seen, list...) })
		before := db.Final()
		err := db.Write(ctx, env, func(st *store.Tx, now time.Time) error {
			st.Append(env, event.Event{
				Type: "a", Entity: event.Entity{Type: "thing", ID: "x"}, Version: 1, Customer: "c", Payload: map[string]string{"k": "v"},
			}, event.Event{Type: "b", Entity: event.Entity{Type: "thing", ID: "x"}, Version: 2, At: start.Add(-time.Hour)})
			st.Append(other, event.Event{Type: "c", Entity: event.Entity{Type: "thing", ID: "y"}, Version: 1})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(seen) != 3 || seen[0].Position <= before || seen[1].Position <= seen[0].Position {
			t.Fatalf("the listener saw %+v", seen)
		}
		if err := db.AwaitFinal(ctx, seen[2].Position-1); err != nil {
			t.Fatal(err)
		}
		err = db.Read(ctx, env, func(st *store.Tx, _ time.Time) error {
			got, err := st.Events(ctx, env, before, st.Final(), 10)
			if err != nil {
				return err
			}
			for i := range got {
				got[i].Payload = payload(t, got[i])
			}
			want := []event.Event{
				{
					Position: seen[0].Position, Environment: env, Type: "a", Entity: event.Entity{Type: "thing", ID: "x"}, Version: 1,
					At: start, RecordedAt: start, Actor: event.System("test"), Customer: "c", Payload: map[string]any{"k": "v"},
				},
				{
					Position: seen[1].Position, Environment: env, Type: "b", Entity: event.Entity{Type: "thing", ID: "x"}, Version: 2,
					At: start.Add(-time.Hour), RecordedAt: start, Actor: event.System("test"), Payload: map[string]any{},
				},
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("feed (-want +got):\n%s", diff)
			}
			all, err := st.Events(ctx, 0, before, 1<<60, 2)
			if err != nil || len(all) != 2 || all[1].Position != seen[1].Position {
				t.Errorf("the first two of all environments: %+v, %v", all, err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// What becomes final while a Read runs is not in its snapshot, so the Read must not claim to have passed it.
func TestFeedInsideASnapshot(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		err := db.Read(ctx, 0, func(st *store.Tx, _ time.Time) error {
			if _, err := st.FeedHead(ctx); err != nil { // takes the snapshot
				return err
			}
			events, err := db.WriteEvents(ctx, 0, func(st *store.Tx) error { st.Append(0, event.Event{Type: "x"}); return nil })
			if err != nil {
				return err
			}
			if err := db.AwaitFinal(ctx, events[0].Position-1); err != nil {
				return err
			}
			list, err := st.Events(ctx, 0, 0, db.Final(), 10)
			if len(list) != 0 || st.Final() >= events[0].Position {
				t.Errorf("read %+v, final %d inside; want neither to know position %d", list, st.Final(), events[0].Position)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

type version struct {
	entity string
	n      int64
}

// Sixteen writers, random transactions, some undone; a reader that follows misses nothing, sees nothing late, and sees
// each entity's versions in order. On PostgreSQL the writers use two nodes and the reader a third.
func TestFeedWhileSixteenWrite(t *testing.T) {
	t.Parallel()
	storetest.EachConfig(t, func(t *testing.T, cfg store.Config) {
		writers := []*store.DB{storetest.Open(t, cfg)}
		reader := writers[0]
		if cfg.DSN != "" {
			writers = append(writers, storetest.Open(t, cfg))
			reader = storetest.Open(t, cfg)
		}
		const entities, rounds = 8, 40
		for i := range entities {
			write(t, writers[0], put(fmt.Sprint("e", i), "0"))
		}
		var mu sync.Mutex
		committed := map[version]int64{}
		var wg sync.WaitGroup
		for w := range 16 {
			db := writers[w%len(writers)]
			r := rand.New(rand.NewPCG(uint64(w), 1))
			wg.Go(func() {
				for range rounds {
					events, err := db.WriteEvents(context.Background(), 0, change(r, db.IsSQLite(), entities))
					if err != nil && !errors.Is(err, errRefused) {
						t.Errorf("write: %v", err)
					}
					mu.Lock()
					for _, e := range events {
						committed[version{e.Entity.ID, e.Version}] = e.Position
					}
					mu.Unlock()
				}
			})
		}
		running, stop := context.WithCancel(context.Background())
		followed := make(chan []event.Event, 1)
		go func() { followed <- follow(running, t, reader) }()
		wg.Wait()
		end := feed(t, reader) // final now
		stop()
		got := <-followed

		if diff := cmp.Diff(positions(end), positions(got)); diff != "" {
			t.Errorf("the follower against the feed at the end (-feed +follower):\n%s", diff)
		}
		last := map[string]int64{}
		for _, e := range got {
			if e.Version != last[e.Entity.ID]+1 {
				t.Errorf("%s: version %d follows %d", e.Entity.ID, e.Version, last[e.Entity.ID])
			}
			last[e.Entity.ID] = e.Version
			if p := committed[version{e.Entity.ID, e.Version}]; p != e.Position {
				t.Errorf("%s version %d: the writer was told position %d, the feed has %d", e.Entity.ID, e.Version, p, e.Position)
			}
		}
		if len(got) != len(committed) || len(got) == 0 {
			t.Errorf("%d events were read, %d committed", len(got), len(committed))
		}
	})
}

// change makes a transaction that takes an entity to its next version, takes its time, and may be undone after it has
// taken its position.
func change(r *rand.Rand, sqlite bool, entities int) func(*store.Tx) error {
	entity, undone, wait := fmt.Sprint("e", r.IntN(entities)), r.IntN(5) == 0, r.Float64()*0.004
	return func(st *store.Tx) error {
		ctx := context.Background()
		lock := ` for update`
		if sqlite {
			lock = ``
		}
		var n int64
		if err := st.One(ctx, []any{&n}, `select cast(value as bigint) from meta where key = $1`+lock, entity); err != nil {
			return err
		}
		st.Exec(`update meta set value = cast($1 as text) where key = $2`, fmt.Sprint(n+1), entity)
		if !sqlite {
			st.Exec(`select pg_sleep($1)`, wait)
		}
		if undone {
			st.Expect(1, errRefused, `update meta set value = '' where key = 'none'`)
		}
		st.Append(0, event.Event{Type: "changed", Entity: event.Entity{Type: "thing", ID: entity}, Version: n + 1})
		return nil
	}
}

// follow reads the feed as it becomes final, until running ends and everything final then is read.
func follow(running context.Context, t *testing.T, db *store.DB) (got []event.Event) {
	ctx := context.Background()
	after := int64(0)
	for last := false; !last; {
		last = db.AwaitFinal(running, after) != nil
		for more := true; more; {
			err := db.Read(ctx, 0, func(st *store.Tx, _ time.Time) error {
				list, err := st.Events(ctx, 0, after, st.Final(), 50)
				if err != nil {
					return err
				}
				got = append(got, list...)
				if more = len(list) == 50; more {
					after = list[len(list)-1].Position
				} else {
					after = st.Final()
				}
				return nil
			})
			if err != nil {
				t.Errorf("follow: %v", err)
				return got
			}
		}
	}
	return got
}

func positions(list []event.Event) []int64 {
	out := make([]int64, len(list))
	for i, e := range list {
		out[i] = e.Position
	}
	return out
}

// A node that starts while another has taken a position and not committed must not pass that position.
func TestFeedOfANodeThatStarts(t *testing.T) {
	t.Parallel()
	on(t, storetest.Postgres, func(t *testing.T, cfg store.Config) {
		one := storetest.Open(t, cfg)
		first, err := one.WriteEvents(t.Context(), 0, func(st *store.Tx) error { st.Append(0, event.Event{Type: "early"}); return nil })
		if err != nil {
			t.Fatal(err)
		}
		opened := make(chan *store.DB, 1)
		late, err := one.WriteEvents(t.Context(), 0, func(st *store.Tx) error {
			// A higher position is committed while this transaction holds a lower one.
			var taken int64
			if err := st.One(t.Context(), []any{&taken}, insertHeld, store.Stamp(start)); err != nil {
				return err
			}
			if _, err := one.WriteEvents(t.Context(), 0, func(st *store.Tx) error { st.Append(0, event.Event{Type: "higher"}); return nil }); err != nil {
				return err
			}
			go func() {
				cfg.DSN += "&application_name=starting"
				opened <- storetest.Open(t, cfg)
			}()
			until(t, "the new node looks at the feed", func() bool { return looking(t, one, "starting") > 0 })
			if one.Final() >= taken {
				t.Errorf("the old node passed position %d", taken)
			}
			return nil
		})
		if err != nil || len(late) != 0 {
			t.Fatal(late, err)
		}
		two := <-opened
		if two.Final() < first[0].Position {
			t.Errorf("the new node starts at %d", two.Final())
		}
		var got []string
		for _, e := range feed(t, two) {
			got = append(got, e.Type)
		}
		if want := []string{"early", "held", "higher"}; !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

// The same where the snapshot holds a higher position and not yet a lower one that is final by the time it is asked for.
func TestFeedInsideASnapshotWithAGap(t *testing.T) {
	t.Parallel()
	on(t, storetest.Postgres, func(t *testing.T, cfg store.Config) {
		db := storetest.Open(t, cfg)
		ctx := t.Context()
		taken, gate, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
		go func() {
			done <- tryWrite(db, func(st *store.Tx) error {
				var n int64
				err := st.One(ctx, []any{&n}, insertHeld, store.Stamp(start))
				close(taken)
				<-gate
				return err
			})
		}()
		<-taken
		higher, err := db.WriteEvents(ctx, 0, func(st *store.Tx) error { st.Append(0, event.Event{Type: "higher"}); return nil })
		if err != nil {
			t.Fatal(err)
		}
		err = db.Read(ctx, 0, func(st *store.Tx, _ time.Time) error {
			_, err := st.FeedHead(ctx) // takes the snapshot
			close(gate)
			if err := errors.Join(err, <-done, db.AwaitFinal(ctx, higher[0].Position-1)); err != nil {
				return err
			}
			list, err := st.Events(ctx, 0, 0, db.Final(), 10)
			if len(list) != 0 {
				t.Errorf("read %+v, want nothing beyond %d", list, st.Final())
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if list := feed(t, db); len(list) != 2 || list[0].Type != "held" {
			t.Errorf("afterwards: %+v", list)
		}
	})
}

// insertHeld takes a position in the middle of a transaction.
const insertHeld = `
	insert into events (environment, type, entity_type, entity_id, version, customer, at, recorded_at, actor_type, actor_id, payload)
	values (0, 'held', '', '', 1, '', $1, $1, '', '', '{}') returning position`

// looking counts the connections of a node that have asked for open transactions.
func looking(t *testing.T, db *store.DB, node string) (n int) {
	err := db.Read(context.Background(), 0, func(st *store.Tx, _ time.Time) error {
		return st.One(context.Background(), []any{&n}, `
			select count(*) from pg_stat_activity
			where datname = current_database() and application_name = $1 and query like '%backend_xid%'`, node)
	})
	if err != nil {
		t.Error(err)
	}
	return n
}

// Nodes call each other: with an idle poll of an hour, finality arrives nevertheless.
func TestFeedWakesOtherNodes(t *testing.T) {
	t.Parallel()
	on(t, storetest.Postgres, func(t *testing.T, cfg store.Config) {
		one, two := storetest.Open(t, cfg.WithIdlePoll(time.Hour)), storetest.Open(t, cfg.WithIdlePoll(time.Hour))
		until(t, "both nodes listen", func() bool {
			var n int
			write(t, one, func(st *store.Tx) error {
				return st.One(t.Context(), []any{&n}, `
					select count(*) from pg_stat_activity where datname = current_database() and query = 'listen purser_feed' and state = 'idle'`)
			})
			return n == 2
		})
		for range 5 {
			events, err := one.WriteEvents(t.Context(), 0, func(st *store.Tx) error { st.Append(0, event.Event{Type: "x"}); return nil })
			if err != nil {
				t.Fatal(err)
			}
			if err := two.AwaitFinal(t.Context(), events[0].Position-1); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestFeedPruning(t *testing.T) {
	t.Parallel()
	storetest.EachConfig(t, func(t *testing.T, cfg store.Config) {
		c := clock.At(start)
		cfg.Clock = c
		db := storetest.Open(t, cfg)
		ctx := t.Context()
		for i := range 10 {
			write(t, db, func(st *store.Tx) error { st.Append(0, event.Event{Type: fmt.Sprint(i)}); return nil })
			c.Add(time.Hour)
		}
		all := positions(feed(t, db))
		prune := func(before time.Time, n, want int) {
			t.Helper()
			write(t, db, func(st *store.Tx) error {
				got, err := st.PruneEvents(ctx, before, n)
				if got != want {
					t.Errorf("pruned %d, want %d", got, want)
				}
				return err
			})
		}
		pruned := func() (at int64) {
			t.Helper()
			err := db.Read(ctx, 0, func(st *store.Tx, _ time.Time) (err error) { at, err = st.FeedPruned(ctx); return err })
			if err != nil {
				t.Error(err)
			}
			return at
		}
		prune(start, 5, 0)
		if pruned() != 0 {
			t.Errorf("pruned up to %d before anything was", pruned())
		}
		prune(start.Add(4*time.Hour), 3, 3)
		prune(start.Add(4*time.Hour), 3, 1)
		if diff := cmp.Diff(all[4:], positions(feed(t, db))); diff != "" || pruned() != all[3] {
			t.Errorf("kept after %d (-want +got):\n%s", pruned(), diff)
		}
		prune(c.Now(), 100, 6)
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		again := storetest.Open(t, cfg)
		if again.Final() < all[9] || again.Generation() != db.Generation() {
			t.Errorf("reopened at %s.%d, want %s.%d", again.Generation(), again.Final(), db.Generation(), all[9])
		}
		events, err := again.WriteEvents(ctx, 0, func(st *store.Tx) error { st.Append(0, event.Event{Type: "new"}); return nil })
		if err != nil || events[0].Position <= all[9] {
			t.Errorf("after pruning everything the next position is %+v, %v; want one beyond %d", events, err, all[9])
		}
	})
}

func TestAwaitFinalEnds(t *testing.T) {
	t.Parallel()
	storetest.EachConfig(t, func(t *testing.T, cfg store.Config) {
		db, err := store.Open(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		got := make(chan error, 2)
		go func() { got <- db.AwaitFinal(ctx, 1<<40) }()
		cancel()
		if err := <-got; !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
		go func() { got <- db.AwaitFinal(t.Context(), 1<<40) }()
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		wantBusy(t, "closed", <-got)
	})
}

func payload(t *testing.T, e event.Event) (out map[string]any) {
	t.Helper()
	raw, ok := e.Payload.(json.RawMessage)
	if !ok {
		t.Fatalf("payload is %T", e.Payload)
	}
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Fatal(err)
	}
	return out
}
