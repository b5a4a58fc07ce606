package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/purserhq/purser/internal/core/event"
	"github.com/purserhq/purser/internal/store"
	"github.com/purserhq/purser/internal/store/storetest"
)

func TestFeedReadsWhatWasWritten(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := event.WithActor(context.Background(), event.System("test"))
		var seen []event.Event
		db.OnCommit(func(list []event.Event) { seen = append(seen, list...) })
		before := db.Final()
		err := db.Write(ctx, 0, func(st *store.Tx, now time.Time) error {
			st.Append(0, event.Event{Type: "a", Entity: event.Entity{Type: "thing", ID: "x"}, Version: 1, Payload: map[string]string{"k": "v"}})
			st.Append(0, event.Event{Type: "b", Entity: event.Entity{Type: "thing", ID: "x"}, Version: 2})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(seen) != 2 || seen[0].Position == 0 || seen[1].Position <= seen[0].Position {
			t.Fatalf("committed events: %+v", seen)
		}
		if err := db.AwaitFinal(ctx, seen[1].Position-1); err != nil {
			t.Fatal(err)
		}
		err = db.Read(ctx, 0, func(st *store.Tx, _ time.Time) error {
			got, err := st.Events(ctx, 0, before, db.Final(), 10)
			if err != nil {
				return err
			}
			if len(got) != 2 || got[0].Type != "a" || got[1].Type != "b" || got[0].Actor != event.System("test") {
				t.Errorf("feed: %+v", got)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
