package store_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/opt"
	"github.com/purserhq/purser/internal/base/page"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/provisioning"
	"github.com/purserhq/purser/internal/store"
	"github.com/purserhq/purser/internal/store/storetest"
	"github.com/purserhq/purser/internal/worker"
)

// begun makes the task of a migration, and runs nothing.
func (s shop) begun(t *testing.T, kind catalog.Kind, packageID string) (id string) {
	t.Helper()
	must(t)(nil, s.db.Write(s.ctx, env, func(st *store.Tx, _ time.Time) error {
		id = s.StartMigration(st, env, kind, packageID)
		return nil
	}))
	return id
}

func (s shop) task(t *testing.T, id string) provisioning.Task {
	t.Helper()
	task, err := s.AwaitTask(s.ctx, env, id, 20*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	return task
}

func (s shop) planID(t *testing.T, ref string) (id string) {
	t.Helper()
	must(t)(nil, s.db.Read(s.ctx, env, func(st *store.Tx, _ time.Time) error {
		p, err := st.PackageByRef(s.ctx, env, catalog.KindPlan, ref)
		id = p.ID
		return err
	}))
	return id
}

// A job that cannot go on ends as FAILED, says no more outside than it may, and can be tried again.
func TestJobFails(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := openShop(t, db)
		defer s.Close()
		told := make(chan error, 4)
		s.SetJobs(provisioning.JobSettings{Failed: func(e tenant.ID, _ string, err error) {
			if e == env {
				told <- err
			}
		}})
		id := s.begun(t, catalog.KindPlan, "none")
		s.RunTask(env, id)
		for range 2 {
			task := s.task(t, id)
			if task.Status != provisioning.TaskFailed || task.Error != errs.Unexpected.Message || task.Owner != "" || task.Lease != nil {
				t.Errorf("task: %+v", task)
			}
			if err := <-told; err == nil {
				t.Error("nobody was told why")
			}
			if _, err := s.StopTask(s.ctx, env, id); !errors.Is(err, provisioning.ErrTaskEnded) {
				t.Errorf("stopping a failed task: %v", err)
			}
			again, err := s.ResumeTask(s.ctx, env, id)
			if err != nil || again.Status != provisioning.TaskPending || again.Error != "" {
				t.Errorf("resumed: %+v, %v", again, err)
			}
		}
	})
}

// The worker takes up what nobody works on, in the order in which it was asked for, and leaves alone what is held or ended.
func TestWorkerResumesJobs(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := openShop(t, db)
		plan := s.planID(t, "plan-pro")
		held, stopped := s.begun(t, catalog.KindPlan, plan), s.begun(t, catalog.KindPlan, plan)
		must(t)(s.StopTask(s.ctx, env, stopped))
		other := provisioning.NewService(store.As(db, func(t *store.Tx) provisioning.Store { return t }), []byte("key"))
		defer other.Close()
		if n, err := other.ResumeTasks(s.ctx, env); err != nil || n != 0 {
			t.Errorf("%d tasks were taken, %v", n, err)
		}
		// Its node is gone for longer than the lease.
		must(t)(nil, db.Write(s.ctx, env, func(st *store.Tx, now time.Time) error {
			task, err := st.LockTask(s.ctx, env, held)
			past := st.MachineNow().Add(-time.Second)
			task.Lease = &past
			st.UpdateTask(env, task)
			return err
		}))
		ctx, cancel := context.WithCancel(s.ctx)
		done := make(chan struct{})
		go func() {
			defer close(done)
			_ = worker.Jobs{
				Jobs: other, Log: slog.New(slog.DiscardHandler), Every: time.Millisecond,
				Environments: func(context.Context) ([]tenant.ID, error) { return []tenant.ID{env, 2}, nil },
			}.Run(ctx)
		}()
		if task := s.task(t, held); task.Status != provisioning.TaskCompleted {
			t.Errorf("task: %+v", task)
		}
		cancel()
		<-done
		if task := s.task(t, stopped); task.Status != provisioning.TaskStopped {
			t.Errorf("task: %+v", task)
		}
		list, err := s.Tasks(s.ctx, env, provisioning.TaskFilter{Types: []string{provisioning.TaskMigration}}, page.Request{Limit: 1})
		if err != nil || len(list.Items) != 1 || list.Items[0].ID != held || list.Next != held {
			t.Errorf("tasks: %+v, %v", list, err)
		}
		if list, err := s.Tasks(s.ctx, 2, provisioning.TaskFilter{}, page.Request{Limit: 10}); err != nil || len(list.Items) != 0 {
			t.Errorf("tasks of the other environment: %+v, %v", list, err)
		}
	})
}

// On PostgreSQL a mark is reached when the writes that had begun before it have ended.
func TestWritesEnd(t *testing.T) {
	t.Parallel()
	on(t, storetest.Postgres, func(t *testing.T, cfg store.Config) {
		db := storetest.Open(t, cfg)
		s := openShop(t, db)
		ended := func(mark int64) (ended bool) {
			must(t)(nil, db.Write(s.ctx, env, func(st *store.Tx, _ time.Time) (err error) {
				ended, err = st.WritesEnded(s.ctx, mark)
				return err
			}))
			return ended
		}
		h := hold(t, db)
		var mark int64
		must(t)(nil, db.Write(s.ctx, env, func(st *store.Tx, _ time.Time) (err error) {
			mark, err = st.WritesBegun(s.ctx)
			return err
		}))
		if ended(mark) {
			t.Error("a write that is under way counts as ended")
		}
		h.release()
		must(t)(nil, <-h.done)
		until(t, "the write has ended", func() bool { return ended(mark) })
	})
}

// Who uses more than they would have is counted, once, whatever it is of.
func TestPublishPreviewAsksForUsage(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := openShop(t, db)
		cat := store.As(db, func(t *store.Tx) catalog.Store { return t })
		plans, features := catalog.NewPlans(cat, nil), catalog.NewFeatures(cat)
		limit := func(n int64) catalog.EntitlementUpdate {
			return catalog.EntitlementUpdate{UsageLimit: opt.Some(n)}
		}
		must(t)(plans.CreateDraft(s.ctx, env, "plan-basic"))
		for _, ref := range []string{"seats", "calls"} {
			must(t)(features.Create(s.ctx, env, catalog.NewFeature{ID: ref, DisplayName: ref, Type: catalog.Number, MeterType: catalog.Incremental}))
			must(t)(plans.AddEntitlements(s.ctx, env, "plan-basic", []catalog.NewEntitlement{{Ref: ref, EntitlementUpdate: limit(10)}}))
		}
		must(t)(plans.Publish(s.ctx, env, "plan-basic", ""))
		for _, id := range []string{"a", "b", "c"} {
			must(t)(s.Provision(s.ctx, env, ask(id, "plan-basic")))
		}
		must(t)(plans.CreateDraft(s.ctx, env, "plan-basic"))
		for _, ref := range []string{"seats", "calls"} {
			must(t)(plans.UpdateEntitlement(s.ctx, env, "plan-basic", catalog.FeatureEntitlement, ref, limit(5)))
		}
		s.SetUsage(func(_ context.Context, _ provisioning.Store, _ tenant.ID, ref, _ string, asked []string) (map[string]int64, error) {
			slices.Sort(asked)
			if d := cmp.Diff([]string{"calls", "seats"}, asked); d != "" {
				t.Errorf("asked (-want +got):\n%s", d)
			}
			return map[string]map[string]int64{"a": {"seats": 6, "calls": 9}, "b": {"seats": 5}}[ref], nil
		})
		p, err := s.PublishPreview(s.ctx, env, catalog.KindPlan, "plan-basic")
		if err != nil || p.OverLimit != 1 || p.Customers != 3 || len(p.Changes) != 2 || p.Changes[0].Effect != provisioning.Loses {
			t.Errorf("preview: %+v, %v", p, err)
		}
	})
}
