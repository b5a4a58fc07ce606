package store_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/core/event"
	"github.com/purserhq/purser/internal/core/journey"
	"github.com/purserhq/purser/internal/core/provisioning"
	"github.com/purserhq/purser/internal/core/subscription"
	"github.com/purserhq/purser/internal/store"
	"github.com/purserhq/purser/internal/store/storetest"
)

// A move with more timers than fit in one transaction still happens in order, and ends with one event.
func TestLongClockMove(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := openShop(t, db)
		s.journey(t, journey.Settings{StartSetup: journey.PlanSelection, EndSetup: journey.DowngradeToFree, DowngradePlanID: "plan-free"}.Normalise())
		start, err := s.Clock(s.ctx, env)
		if err != nil {
			t.Fatal(err)
		}
		const customers = 40 // two timers each
		for i := range customers {
			at := start.Now.Add(time.Duration(customers-i) * time.Hour) // the last made begins first
			r := ask(fmt.Sprintf("c%d", i), "plan-pro")
			r.Subscription.StartDate = &at
			must(t)(s.Provision(s.ctx, env, r))
		}
		to := start.Now.AddDate(0, 1, 0)
		got, err := s.MoveClock(s.ctx, env, to)
		if err != nil || !got.Now.Equal(to) || got.Mode != "test" || got.TaskID != "" {
			t.Fatalf("moved: %+v, %v", got, err)
		}
		again, err := s.MoveClock(s.ctx, env, to)
		if err != nil || again != got {
			t.Errorf("the same instant again: %+v, %v", again, err)
		}
		if n, err := s.Overdue(s.ctx, env); n != 0 || err != nil {
			t.Errorf("%d timers are left, %v", n, err)
		}
		moves, last := 0, time.Time{}
		for _, e := range wholeFeed(t, db) {
			switch e.Type {
			case "environment.clock_moved":
				moves++
			case "subscription.updated", "subscription.trial.ends_soon", "subscription.trial_expired":
				if e.At.Before(last) {
					t.Errorf("%s of %s at %v came after %v", e.Type, e.Entity.ID, e.At, last)
				}
				last = e.At
				if e.Actor != event.System("timers") {
					t.Errorf("%s was caused by %+v", e.Type, e.Actor)
				}
			}
		}
		if moves != 1 {
			t.Errorf("%d moves in the feed", moves)
		}
	})
}

func TestClockRefusals(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := openShop(t, db)
		now, err := s.Clock(s.ctx, env)
		if err != nil || now.Mode != "real" {
			t.Fatal(now, err)
		}
		if _, err := s.MoveClock(s.ctx, 2, now.Now.Add(time.Hour)); !errors.Is(err, errs.TestClockNotAvailable) {
			t.Errorf("production: %v", err)
		}
		if _, err := s.MoveClock(s.ctx, env, now.Now.Add(-time.Hour)); !errors.Is(err, errs.InvalidArgument) {
			t.Errorf("backwards: %v", err)
		}
		must(t)(s.MoveClock(s.ctx, env, now.Now.Add(time.Hour)))
		if _, err := s.ResetClock(s.ctx, env); !errors.Is(err, errs.InvalidArgument) {
			t.Errorf("back to real time: %v", err)
		}
	})
}

// While a move goes on another one has to wait; a move whose node died does not block for ever.
func TestOneClockMoveAtATime(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := openShop(t, db)
		task := provisioning.Task{ID: "t1", Type: provisioning.TaskClockMove, Status: provisioning.TaskInProgress, Total: 1}
		put := func(age time.Duration, insert bool) {
			err := db.Write(s.ctx, env, func(st *store.Tx, _ time.Time) error {
				task.CreatedAt, task.UpdatedAt = st.MachineNow().Add(-age), st.MachineNow().Add(-age)
				if insert {
					st.InsertTask(env, task)
				} else {
					st.UpdateTask(env, task)
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		now, _ := s.Clock(s.ctx, env)
		to := now.Now.Add(time.Hour)
		put(0, true)
		_, err := s.MoveClock(s.ctx, env, to)
		if e, ok := errs.As(err); !ok || e.Code != "TestClockIsMoving" || !e.Retry {
			t.Errorf("during another move: %v", err)
		}
		put(time.Hour, false)
		must(t)(s.MoveClock(s.ctx, env, to))
		if got, err := s.Task(s.ctx, env, "t1"); err != nil || got.Status != provisioning.TaskFailed {
			t.Errorf("the dead move's task: %+v, %v", got, err)
		}
	})
}

// What is due is applied by whoever looks first: here a read, with no job running.
func TestReadsShowTheSettledState(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := openShop(t, db)
		got, err := s.Provision(s.ctx, env, ask("c1", "plan-pro"))
		if err != nil {
			t.Fatal(err)
		}
		s.forceClock(t, got.Subscription.TrialEndDate.Add(time.Minute))
		sub, err := s.Subscription(s.ctx, env, got.Subscription.RefID)
		if err != nil || sub.Status != subscription.Expired || !sub.EndDate.Equal(*got.Subscription.TrialEndDate) {
			t.Errorf("read: %+v, %v", sub.Subscription, err)
		}
		n, err := s.SettleDue(s.ctx, env)
		if n != 0 || err != nil {
			t.Errorf("the job found %d customers to settle, %v", n, err)
		}
	})
}

func TestJobSettlesWhomNobodyAsksFor(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := openShop(t, db)
		var last provisioning.Result
		for i := range 3 {
			var err error
			if last, err = s.Provision(s.ctx, env, ask(fmt.Sprintf("c%d", i), "plan-pro")); err != nil {
				t.Fatal(err)
			}
		}
		s.forceClock(t, last.Subscription.TrialEndDate.Add(time.Minute))
		if n, err := s.SettleDue(s.ctx, env); n != 3 || err != nil {
			t.Errorf("settled %d, %v", n, err)
		}
		page, _, err := s.Subscriptions(s.ctx, env, subscription.Filter{Statuses: []subscription.Status{subscription.Expired}}, pageOf(10))
		if err != nil || len(page.Items) != 3 {
			t.Errorf("%d expired, %v", len(page.Items), err)
		}
	})
}

// forceClock sets the clock and applies nothing, as if real time had passed.
func (s shop) forceClock(t *testing.T, now time.Time) {
	t.Helper()
	err := s.db.Write(s.ctx, env, func(st *store.Tx, _ time.Time) error {
		st.SetClock(env, &now)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func wholeFeed(t *testing.T, db *store.DB) []event.Event {
	t.Helper()
	ctx := context.Background()
	var head int64
	var list []event.Event
	err := db.Read(ctx, env, func(st *store.Tx, _ time.Time) (err error) {
		head, err = st.FeedHead(ctx)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.AwaitFinal(ctx, head-1); err != nil {
		t.Fatal(err)
	}
	err = db.Read(ctx, env, func(st *store.Tx, _ time.Time) (err error) {
		list, err = st.Events(ctx, env, 0, head, 10_000)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}
