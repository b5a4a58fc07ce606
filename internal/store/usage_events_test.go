package store_test

import (
	"testing"
	"time"

	"github.com/purserhq/purser/internal/base/clock"
	"github.com/purserhq/purser/internal/core/meter"
	"github.com/purserhq/purser/internal/core/usage"
	"github.com/purserhq/purser/internal/store"
	"github.com/purserhq/purser/internal/store/storetest"
)

// What makes a repeat of an event one is known for thirty days of machine time; the event stays.
func TestEventKeysAreForgotten(t *testing.T) {
	t.Parallel()
	storetest.EachConfig(t, func(t *testing.T, cfg store.Config) {
		c := clock.At(start)
		cfg.Clock = c
		db := storetest.Open(t, cfg)
		environment(t, db, 1)
		send := func(keys ...string) (fresh []bool) {
			list := make([]usage.StoredEvent, len(keys))
			for i, k := range keys {
				list[i] = usage.StoredEvent{Event: meter.Event{Name: "call", Customer: "ada"}, Key: k, Dedup: k, RecordedAt: c.Now().UnixMicro()}
			}
			write(t, db, func(st *store.Tx) (err error) {
				fresh, err = st.InsertEvents(t.Context(), 1, list)
				return err
			})
			return fresh
		}
		if got := send("b", "a", "b"); !got[0] || !got[1] || got[2] {
			t.Errorf("new ones: %v", got)
		}
		c.Add(usage.DedupTime)
		forgets := func(want int) {
			t.Helper()
			if n, err := db.PruneEventKeys(t.Context(), 10); err != nil || n != want {
				t.Errorf("%d forgotten, %v; want %d", n, err, want)
			}
		}
		forgets(0)
		if got := send("a"); got[0] {
			t.Error("an event of thirty days ago is taken for a new one")
		}
		c.Add(time.Second)
		forgets(2)
		if got := send("a"); !got[0] {
			t.Error("an event is known for longer than thirty days")
		}
	})
}
