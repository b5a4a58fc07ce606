package store_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/purserhq/purser/internal/base/clock"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/event"
	"github.com/purserhq/purser/internal/store"
	"github.com/purserhq/purser/internal/store/storetest"
)

// appended writes one event for every environment of the list, waits until they are final and returns their positions.
func appended(t *testing.T, db *store.DB, envs ...tenant.ID) []int64 {
	t.Helper()
	events, err := db.WriteEvents(t.Context(), 0, func(st *store.Tx) error {
		for _, env := range envs {
			st.Append(env, event.Event{Type: "x"})
		}
		return nil
	})
	if err == nil {
		err = db.AwaitFinal(t.Context(), events[len(events)-1].Position-1)
	}
	if err != nil {
		t.Fatal(err)
	}
	return positions(events)
}

// marks are how far the feed of every environment was removed; 0 is all of them.
func marks(t *testing.T, db *store.DB, envs ...tenant.ID) map[tenant.ID]int64 {
	t.Helper()
	got := map[tenant.ID]int64{}
	err := db.Read(t.Context(), 0, func(st *store.Tx, _ time.Time) (err error) {
		if got[0], err = st.FeedPruned(t.Context()); err != nil {
			return err
		}
		for _, env := range envs {
			if got[env], err = st.EnvironmentPruned(t.Context(), env); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// Every node prunes: one that is slow must not take back what another has said since.
func TestFeedPrunedByTwoNodes(t *testing.T) {
	t.Parallel()
	on(t, storetest.Postgres, func(t *testing.T, cfg store.Config) {
		fast, slow := storetest.Open(t, cfg), storetest.Open(t, cfg)
		at := appended(t, fast, 1, 1, 1, 1, 2)
		if err := slow.AwaitFinal(t.Context(), at[4]-1); err != nil {
			t.Fatal(err)
		}
		before := (clock.System{}).Now().Add(time.Hour)
		write(t, slow, func(st *store.Tx) error {
			if n, err := st.PruneEvents(t.Context(), before, 2); err != nil || n != 2 {
				t.Errorf("the slow node prunes %d, %v", n, err)
			}
			for range 2 {
				if n, err := fast.PruneFeed(t.Context(), before, 2); err != nil || n != 2 {
					t.Errorf("the fast node prunes %d, %v", n, err)
				}
			}
			return nil
		})
		want := map[tenant.ID]int64{0: at[3], 1: at[3], 2: 0}
		if diff := cmp.Diff(want, marks(t, fast, 1, 2)); diff != "" {
			t.Errorf("marks (-want +got):\n%s", diff)
		}
		if got := positions(feed(t, fast)); !slices.Equal(got, at[4:]) {
			t.Errorf("kept %v, want %v", got, at[4:])
		}
	})
}

func TestFeedPrunedPerEnvironment(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		at := appended(t, db, 1, 2, 2, 1, 2)
		want := map[tenant.ID]int64{0: 0, 1: 0, 2: 0, 3: 0}
		for _, step := range []struct {
			n     int
			marks map[tenant.ID]int64
		}{
			{1, map[tenant.ID]int64{0: at[0], 1: at[0]}},
			{2, map[tenant.ID]int64{0: at[2], 2: at[2]}},
			{9, map[tenant.ID]int64{0: at[4], 1: at[3], 2: at[4]}},
		} {
			if _, err := db.PruneFeed(t.Context(), (clock.System{}).Now().Add(time.Hour), step.n); err != nil {
				t.Fatal(err)
			}
			maps.Copy(want, step.marks)
			if diff := cmp.Diff(want, marks(t, db, 1, 2, 3)); diff != "" {
				t.Errorf("after %d more (-want +got):\n%s", step.n, diff)
			}
		}
	})
}
