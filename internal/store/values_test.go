package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/purserhq/purser/internal/base/clock"
	"github.com/purserhq/purser/internal/base/money"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/event"
	"github.com/purserhq/purser/internal/store"
	"github.com/purserhq/purser/internal/store/storetest"
)

func TestInstants(t *testing.T) {
	t.Parallel()
	east := time.FixedZone("east", 5*3600+1800)
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		environment(t, db, 1)
		for _, given := range []time.Time{
			start,
			time.Date(2026, 3, 1, 17, 30, 0, 123456789, east),
			time.Date(1969, 12, 31, 23, 59, 59, 999999999, time.UTC),
			time.Date(1, 1, 1, 0, 0, 0, 1000, time.UTC),
			time.Date(1883, 11, 18, 12, 3, 58, 0, time.UTC),
			time.Date(2101, 2, 28, 23, 59, 59, 1000, east),
			time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC),
		} {
			write(t, db, func(st *store.Tx) error {
				st.Exec(`update environments set clock = $1, created_at = $2`, store.NullStamp(&given), store.Stamp(given))
				var null *time.Time
				var got time.Time
				err := st.One(t.Context(), []any{store.ScanNull(&null), store.ScanTime(&got)}, `select clock, created_at from environments`)
				want := given.UTC().Truncate(time.Microsecond)
				if null == nil || !null.Equal(want) || got != want || got.Location() != time.UTC {
					t.Errorf("%v came back as %v and %v, want %v", given, null, got, want)
				}
				return err
			})
		}
		write(t, db, func(st *store.Tx) error {
			st.Exec(`update environments set clock = $1`, store.NullStamp(nil))
			null := &start
			err := st.One(t.Context(), []any{store.ScanNull(&null)}, `select clock from environments`)
			if null != nil {
				t.Errorf("null came back as %v", null)
			}
			return err
		})
	})
}

// On SQLite the order of texts is the order of instants.
func TestInstantsAreOrdered(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		list := []time.Time{
			time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(1969, 12, 31, 23, 59, 59, 999999000, time.UTC), time.Unix(0, 0),
			start, start.Add(time.Microsecond), start.Add(time.Second), time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC),
		}
		for i, at := range list {
			environment(t, db, tenant.ID(i+1))
			write(t, db, func(st *store.Tx) error {
				st.Exec(`update environments set created_at = $1 where id = $2`, store.Stamp(at), i+1)
				return nil
			})
		}
		write(t, db, func(st *store.Tx) error {
			for i, at := range list {
				var n int
				if err := st.One(t.Context(), []any{&n}, `select count(*) from environments where created_at <= $1`, store.Stamp(at)); err != nil {
					return err
				}
				if n != i+1 {
					t.Errorf("%d instants up to %v, want %d", n, at, i+1)
				}
			}
			return nil
		})
	})
}

func TestValues(t *testing.T) {
	t.Parallel()
	type doc struct {
		Text string            `json:"text"`
		Map  map[string]string `json:"map"`
		List []int             `json:"list"`
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		table := `create table v (doc jsonb, amount numeric, yes boolean, no boolean, big bigint)`
		if db.IsSQLite() {
			table = `create table v (doc text, amount text, yes integer, no integer, big integer) strict`
		}
		write(t, db, func(st *store.Tx) error { st.Exec(table); return nil })
		docs := []doc{{"é \" \\ \n 😀", map[string]string{"a": "", "": "b"}, []int{3, 1}}, {}}
		amounts := []string{"0", "12.5", "-0.00001", "123456789012345678901234567890.12345"}
		for _, d := range docs {
			for _, amount := range amounts {
				write(t, db, func(st *store.Tx) error {
					st.Exec(`delete from v`)
					st.Exec(`insert into v (doc, amount, yes, no, big) values ($1, $2, $3, $4, $5)`,
						store.AsJSON(d), money.MustDecimal(amount), true, false, int64(1)<<62)
					var got doc
					var dec money.Decimal
					var yes, no bool
					var big int64
					err := st.One(t.Context(), []any{store.FromJSON(&got), &dec, &yes, &no, &big}, `select doc, amount, yes, no, big from v`)
					if diff := cmp.Diff(d, got); diff != "" {
						t.Errorf("document (-want +got):\n%s", diff)
					}
					if dec.String() != amount || !yes || no || big != 1<<62 {
						t.Errorf("%s came back as %s, true as %v, false as %v, 2^62 as %d", amount, dec, yes, no, big)
					}
					return err
				})
			}
		}
		write(t, db, func(st *store.Tx) error {
			var none map[string]string
			st.Exec(`update v set doc = $1`, store.AsJSON(none))
			got := map[string]string{"kept": "1"}
			n := 0
			err := st.One(t.Context(), []any{store.FromJSON(&got), &n}, `select doc, (select count(*) from v where doc is null) from v`)
			if n != 1 || got["kept"] != "1" {
				t.Errorf("a nil map became %v, %d rows with null", got, n)
			}
			return err
		})
	})
}

func TestPlaceholders(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		write(t, db, func(st *store.Tx) error {
			var got string
			err := st.One(t.Context(), []any{&got},
				`select cast($2 as text) || cast($11 as text) || cast($1 as text) || cast($2 as text) || cast($10 as text) where cast($3 as bigint) < cast($4 as bigint) and $5 = $6 and $7 = $8 and $9 = 'i'`,
				"a", "b", 1, 2, "x", "x", "y", "y", "i", "j", "k")
			if got != "bkabj" {
				t.Errorf("got %q, want bkabj", got)
			}
			return err
		})
	})
}

func TestNow(t *testing.T) {
	t.Parallel()
	storetest.EachConfig(t, func(t *testing.T, cfg store.Config) {
		c := clock.At(start)
		cfg.Clock = c
		db := storetest.Open(t, cfg)
		one, two := environment(t, db, 1), environment(t, db, 2)
		now := func(env tenant.ID) time.Time {
			t.Helper()
			var w, r, of time.Time
			err := db.Write(t.Context(), env, func(st *store.Tx, now time.Time) error { w, of = now, st.Now(); return nil })
			if err != nil {
				t.Fatal(err)
			}
			err = db.Read(t.Context(), env, func(_ *store.Tx, now time.Time) error { r = now; return nil })
			if err != nil || w != r || w != of {
				t.Errorf("a write has %v and %v, a read %v, %v", w, of, r, err)
			}
			return w
		}
		want := func(what string, env tenant.ID, at time.Time) {
			t.Helper()
			if got := now(env); got != at {
				t.Errorf("%s: now is %v, want %v", what, got, at)
			}
		}
		eventAt := func(env tenant.ID, at time.Time) {
			err := db.Write(t.Context(), env, func(st *store.Tx, _ time.Time) error {
				st.Append(env, event.Event{Type: "x", At: at})
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		want("without events", one, start)
		eventAt(one, start.Add(-time.Hour))
		want("the newest event is older", one, start)
		eventAt(one, start.Add(time.Second)) // a node whose clock is ahead
		want("the newest event is younger", one, start.Add(time.Second))
		want("another environment", two, start)
		want("no environment", 0, start)
		c.Add(time.Minute)
		want("the clock went on", one, start.Add(time.Minute))

		stands := start.Add(-24 * time.Hour)
		write(t, db, func(st *store.Tx) error {
			st.Exec(`update environments set clock = $1 where id = $2`, store.Stamp(stands), two)
			return nil
		})
		eventAt(two, start.Add(time.Hour))
		want("a test clock stands", two, stands)
		err := db.Read(t.Context(), two, func(st *store.Tx, _ time.Time) error {
			if !st.TestClock() {
				t.Error("the test clock is not seen as one")
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
