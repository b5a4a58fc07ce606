package store_test

import (
	"slices"
	"strconv"
	"testing"

	"github.com/purserhq/purser/internal/core/event"
	"github.com/purserhq/purser/internal/store"
	"github.com/purserhq/purser/internal/store/storetest"
)

// However many events a transaction leaves, each knows its own position and they stand in the order of Append.
func TestManyEventsInOneTransaction(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		var want []string
		for _, n := range []int{1, 2, 7, 8, 9, 20} {
			written, err := db.WriteEvents(t.Context(), 0, func(st *store.Tx) error {
				for i := range n {
					st.Append(0, event.Event{Type: strconv.Itoa(n), Entity: event.Entity{ID: strconv.Itoa(i)}})
				}
				return nil
			})
			if err != nil || len(written) != n {
				t.Fatalf("%d events: %d, %v", n, len(written), err)
			}
			if p := positions(written); !slices.IsSorted(p) || p[0] == 0 {
				t.Errorf("%d events have the positions %v", n, p)
			}
			for _, e := range written {
				want = append(want, name(e))
			}
		}
		var got []string
		for _, e := range feed(t, db) {
			got = append(got, name(e))
		}
		if !slices.Equal(got, want) {
			t.Errorf("read %v\nwritten %v", got, want)
		}
	})
}

func name(e event.Event) string {
	return strconv.FormatInt(e.Position, 10) + ": " + e.Entity.ID + " of " + e.Type
}
