package account_test

import (
	"testing"
	"time"

	"github.com/purserhq/purser/internal/base/clock"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/account"
	"github.com/purserhq/purser/internal/core/event"
	"github.com/purserhq/purser/internal/store"
)

var noon = time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)

// moved is a clock move as the feed tells it.
func moved(position int64, env tenant.ID, now time.Time, mode string) []event.Event {
	return []event.Event{{
		Position: position, Environment: env, Type: "environment.clock_moved", Payload: map[string]any{"now": now, "mode": mode},
	}}
}

func TestClocksFollowMoves(t *testing.T) {
	t.Parallel()
	machine := clock.At(noon)
	c := account.NewClocks(machine)
	is := func(what string, env tenant.ID, want time.Time) {
		t.Helper()
		if got := c.Now(env); !got.Equal(want) {
			t.Errorf("%s: environment %d is at %s, want %s", what, env, got, want)
		}
	}
	is("at first", 1, noon)
	later, last := noon.AddDate(0, 1, 0), noon.AddDate(1, 0, 0)
	c.Observe(moved(5, 1, later, "test"))
	machine.Add(time.Hour)
	is("a test clock stands", 1, later)
	is("others go on", 2, noon.Add(time.Hour))
	c.Observe(moved(9, 1, last, "test"))
	c.Observe(moved(5, 1, later, "test"))
	is("a move that comes twice", 1, last)
	c.Observe(moved(11, 1, noon.Add(time.Hour), "real"))
	is("real time", 1, noon.Add(time.Hour))
	c.Set(1, &later)
	is("set", 1, later)
	c.Set(1, nil)
	is("unset", 1, noon.Add(time.Hour))
	c.Observe([]event.Event{{Position: 12, Environment: 1, Type: "environment.clock_moved", Payload: []int{1}}})
	c.Observe([]event.Event{{Position: 13, Environment: 1, Type: "customer.created"}})
	is("events of another kind", 1, noon.Add(time.Hour))
}

// After a gap in the feed a clock that went back to real time, unheard, must not stand where it stood.
func TestClocksLoadAgain(t *testing.T) {
	each(t, func(t *testing.T, f fixture, _ []account.Issued) {
		const a, b = account.Development, account.Production
		c := account.NewClocks(f.clock)
		is := func(what string, env tenant.ID, want time.Time) {
			t.Helper()
			if got := c.Now(env); !got.Equal(want) {
				t.Errorf("%s: environment %d is at %s, want %s", what, env, got, want)
			}
		}
		// load moves a's clock unheard and reads the clocks. The feed was final up to the position it returns.
		load := func(now *time.Time) (final int64) {
			t.Helper()
			before := f.db.Final()
			err := f.db.Write(t.Context(), a, func(st *store.Tx, _ time.Time) error {
				st.SetClock(a, now)
				st.Append(a, event.Event{Type: "moved"})
				return nil
			})
			if err == nil {
				err = f.db.AwaitFinal(t.Context(), before)
			}
			if err == nil {
				final = f.db.Final()
				err = c.Load(t.Context(), store.As(f.db, func(t *store.Tx) account.ClockStore { return t }))
			}
			if err != nil {
				t.Fatal(err)
			}
			return final
		}
		later := noon.AddDate(1, 0, 0)
		is("at first", a, start)
		final := load(&noon)
		is("loaded", a, noon)
		c.Observe(moved(final+1000, b, later, "test"))
		final = load(nil)
		is("back in real time", a, start)
		is("heard after what was read", b, later)
		c.Observe(moved(final, a, noon, "test"))
		is("heard late", a, start)
		c.Observe(moved(final+1001, a, later, "test"))
		is("news", a, later)
	})
}

func TestClocksLoad(t *testing.T) {
	each(t, func(t *testing.T, f fixture, _ []account.Issued) {
		err := f.db.Write(t.Context(), account.Development, func(st *store.Tx, _ time.Time) error {
			st.SetClock(account.Development, &noon)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		c := account.NewClocks(f.clock)
		if err := c.Load(t.Context(), store.As(f.db, func(t *store.Tx) account.ClockStore { return t })); err != nil {
			t.Fatal(err)
		}
		for env, want := range map[tenant.ID]time.Time{account.Development: noon, account.Production: start} {
			if got := c.Now(env); !got.Equal(want) {
				t.Errorf("environment %d is at %s, want %s", env, got, want)
			}
		}
	})
}
