package store_test

import (
	"testing"
	"time"

	"github.com/purserhq/purser/internal/store"
	"github.com/purserhq/purser/internal/store/storetest"
)

// A Read sees one snapshot: what is committed while it runs stays out.
func TestReadIsOneSnapshot(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		write(t, db, put("a", "1"))
		err := db.Read(t.Context(), 0, func(st *store.Tx, _ time.Time) error {
			if v, err := st.Meta(t.Context(), "a"); err != nil || v != "1" {
				t.Errorf("first: %q, %v", v, err)
			}
			write(t, db, func(st *store.Tx) error { st.Exec(`update meta set value = '2'`); return nil })
			if v, err := st.Meta(t.Context(), "a"); err != nil || v != "1" {
				t.Errorf("second: %q, %v; want what was there at the start", v, err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if v := get(t, db, "a"); v != "2" {
			t.Errorf("afterwards: %q", v)
		}
	})
}
