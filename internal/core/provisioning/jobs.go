package provisioning

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/page"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/base/tx"
	"github.com/purserhq/purser/internal/core/event"
)

// A job is a task whose work is cut into steps. Each step is one transaction that does a bounded part of the work and
// notes in the task how far it is, so that whoever goes on, after a crash or on another node, goes on exactly there
// (storage.md 2.5). The node that works on a job holds it by a lease.

// The limits of jobs, in machine time.
const (
	// jobLease is for how long after its last step a job is left to the node that worked on it.
	jobLease = 30 * time.Second
	// jobsAtOnce is how many jobs of this process run beside each other.
	jobsAtOnce = 4
	// jobAttempts is how often a step is tried before its job is FAILED.
	jobAttempts = 5
	// jobPause grows with each failed attempt.
	jobPause = 100 * time.Millisecond
	// jobIdle is the rest of a job that has to wait for others.
	jobIdle = 50 * time.Millisecond
)

// byJob is the actor of everything that jobs do.
var byJob = event.System("jobs")

// jobStep does the next part of a job: at most about 200 rows, in one transaction. It keeps how far it is in the task's
// Cursor and counts in Done; the task is locked and saved afterwards. A customer that it changes it locks and settles
// first. It may be run again after a conflict: what it changes are the store and the task that it is given. A step that
// has to wait for others says so with idle.
type jobStep func(ctx context.Context, st Store, now time.Time, t *Task) (done bool, err error)

// stepState says what comes after a step.
type stepState uint8

const (
	stepMore stepState = iota // the next step
	stepIdle                  // the next step, after a rest
	stepOver                  // nothing: the job is done, stopped or somebody else's
)

// JobSettings are what a server and tests tell jobs. The zero value is right.
type JobSettings struct {
	// Batch is how many subscriptions one step works on; a number that keeps steps short when zero.
	Batch int
	// Sample is how many subscriptions a publish preview looks at; previewSample when zero.
	Sample int
	// Before is called before each step, outside of any transaction.
	Before func(taskID string)
	// Failed hears why a task was given up, with what its owner is not shown.
	Failed func(env tenant.ID, taskID string, err error)
	// Stopping is closed when the server begins to shut down: whoever waits for a task gets it as it is.
	Stopping <-chan struct{}
}

// SetJobs gives the service its settings. Call it before anything else.
func (s *Service) SetJobs(js JobSettings) { s.jobs = js }

type jobStore interface {
	// LockTask reads a task and holds its row: steps of a job go one after another, whoever runs them.
	LockTask(ctx context.Context, env tenant.ID, id string) (Task, error)
	ListTasks(ctx context.Context, env tenant.ID, f TaskFilter, p page.Request) (page.Of[Task], error)
	// CountOpenTasks counts the tasks of some types that are not ended and that nobody holds at an instant of machine time.
	CountOpenTasks(ctx context.Context, env tenant.ID, types []string, at time.Time) (int64, error)
	// ClaimTasks gives those, at most limit of them, to an owner until an instant, and returns their ids.
	ClaimTasks(ctx context.Context, env tenant.ID, types []string, owner string, at, until time.Time, limit int) ([]string, error)
}

// kinds are the jobs by the type of their task.
func (s *Service) kinds() map[string]jobStep {
	return map[string]jobStep{
		TaskMigration: s.migrate,
		TaskImport:    s.importStep,
		TaskRecount:   s.recount,
	}
}

// startJob makes a job's task in the transaction of what asks for it. Call kick once that has committed. The input has to
// be a plain value; no name, email or metadata may be in it.
func (s *Service) startJob(st Store, env tenant.ID, kind string, input any, total int64) Task {
	raw, err := json.Marshal(input)
	if err != nil {
		panic(fmt.Sprintf("provisioning: the input of a %s: %v", kind, err))
	}
	now := st.MachineNow()
	t := Task{
		Environment: env, ID: s.ids.New(), Type: kind, Status: TaskPending, Total: total, Input: raw, CreatedAt: now, UpdatedAt: now,
	}
	t.hold(s.node, now)
	st.InsertTask(env, t)
	return t
}

// hold gives the task to a node for a lease.
func (t *Task) hold(node string, now time.Time) {
	until := now.Add(jobLease)
	t.Owner, t.Lease = node, &until
}

func (t *Task) release() { t.Owner, t.Lease = "", nil }

// free reports whether a node may take the task.
func (t *Task) free(node string, now time.Time) bool {
	return t.Owner == node || t.Lease == nil || !t.Lease.After(now)
}

// kick runs a job in the background, in this process, unless it runs here already.
func (s *Service) kick(env tenant.ID, taskID string) {
	r, k := &s.tasks, taskKey{env, taskID}
	if !r.start(k) {
		return
	}
	ctx, cancel := context.WithCancel(event.WithActor(context.Background(), byJob))
	n := r.enter(cancel)
	go func() {
		defer r.leave(n)
		ended := false
		defer func() {
			if !ended {
				r.drop(k)
			}
		}()
		select {
		case s.slots <- struct{}{}:
			defer func() { <-s.slots }()
		case <-ctx.Done():
		}
		s.work(ctx, k)
		for r.again(k) {
			s.work(ctx, k)
		}
		ended = true
	}()
}

// work runs a job until it ends, somebody else has it, or the process is closed.
func (s *Service) work(ctx context.Context, k taskKey) {
	for failed := 0; ctx.Err() == nil; {
		if s.jobs.Before != nil {
			s.jobs.Before(k.id)
		}
		state, err := s.step(ctx, k)
		switch {
		case err != nil:
			if failed++; failed == jobAttempts {
				s.giveUp(ctx, k, err)
				s.tasks.announce()
				return
			}
			rest(ctx, time.Duration(failed)*jobPause)
		case state == stepOver:
			s.tasks.announce()
			return
		case state == stepIdle:
			rest(ctx, jobIdle)
		default:
			failed = 0
		}
	}
	s.letGo(ctx, k)
}

// step is one transaction of a job. It is finished even when the process is closing: it is short.
func (s *Service) step(ctx context.Context, k taskKey) (state stepState, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), jobLease)
	defer cancel()
	err = s.db.Write(ctx, k.env, func(st Store, now time.Time) error {
		t, err := st.LockTask(ctx, k.env, k.id)
		if err != nil {
			return err
		}
		do, known := s.kinds()[t.Type]
		if !known || t.Ended() || !t.free(s.node, st.MachineNow()) {
			state = stepOver
			return nil
		}
		t.Status = TaskInProgress
		done, err := do(ctx, st, now, &t)
		if err != nil {
			return err
		}
		t.UpdatedAt = st.MachineNow()
		t.hold(s.node, t.UpdatedAt)
		switch {
		case done:
			state = stepOver
			t.end()
		case t.idle:
			state = stepIdle
		default:
			state = stepMore
		}
		st.UpdateTask(k.env, t)
		return nil
	})
	return state, err
}

// read reads what the task was asked for and how far it is.
func (t *Task) read(input, cursor any) error {
	if err := json.Unmarshal(t.Input, input); err != nil {
		return fmt.Errorf("input of the task %s: %w", t.ID, err)
	}
	if t.Cursor == nil {
		return nil
	}
	if err := json.Unmarshal(t.Cursor, cursor); err != nil {
		return fmt.Errorf("cursor of the task %s: %w", t.ID, err)
	}
	return nil
}

// end closes a job that is done.
func (t *Task) end() {
	t.Status, t.Total = TaskCompleted, t.Done
	if t.Failed > 0 {
		t.Status = TaskPartiallyFailed
	}
	t.release()
}

// change is a write of one task that this node may work on.
func (s *Service) change(ctx context.Context, k taskKey, fn func(*Task)) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), jobLease)
	defer cancel()
	return s.db.Write(ctx, k.env, func(st Store, _ time.Time) error {
		t, err := st.LockTask(ctx, k.env, k.id)
		if err != nil || t.Ended() || !t.free(s.node, st.MachineNow()) {
			return err
		}
		fn(&t)
		t.release()
		t.UpdatedAt = st.MachineNow()
		st.UpdateTask(k.env, t)
		return nil
	})
}

// giveUp ends a job that cannot go on. When that fails too, its lease runs out and it is tried again.
func (s *Service) giveUp(ctx context.Context, k taskKey, cause error) {
	why := errs.Unexpected.Message
	if e, ok := errs.As(cause); ok && e.Kind != errs.Internal {
		why = e.Message
	}
	err := s.change(ctx, k, func(t *Task) { t.Status, t.Error = TaskFailed, why })
	if s.jobs.Failed != nil {
		s.jobs.Failed(k.env, k.id, cause)
		if err != nil {
			s.jobs.Failed(k.env, k.id, err)
		}
	}
}

// letGo leaves a job to others, at once: this process is closing.
func (s *Service) letGo(ctx context.Context, k taskKey) { _ = s.change(ctx, k, func(*Task) {}) }

// rest waits; it ends early with ctx.
func rest(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// ResumeTasks takes the jobs of an environment that nobody has worked on for the time of a lease, and runs them in the
// background. It reports how many.
func (s *Service) ResumeTasks(ctx context.Context, env tenant.ID) (int, error) {
	types := slices.Sorted(maps.Keys(s.kinds()))
	open, err := tx.Get(ctx, s.db, env, func(st Store, _ time.Time) (int64, error) {
		return st.CountOpenTasks(ctx, env, types, st.MachineNow())
	})
	if err != nil || open == 0 {
		return 0, err
	}
	ids, err := tx.Do(ctx, s.db, env, func(st Store, _ time.Time) ([]string, error) {
		now := st.MachineNow()
		return st.ClaimTasks(ctx, env, types, s.node, now, now.Add(jobLease), jobsAtOnce)
	})
	for _, id := range ids {
		s.kick(env, id)
	}
	return len(ids), err
}

// StopTask stops a job after its present step; what was done stays done. Stopping twice changes nothing. A task that has
// ended is ErrTaskEnded, one that is no job ErrTaskNotStoppable.
func (s *Service) StopTask(ctx context.Context, env tenant.ID, id string) (Task, error) {
	return tx.Do(ctx, s.db, env, func(st Store, _ time.Time) (Task, error) {
		t, err := st.LockTask(ctx, env, id)
		if err == nil && t.Status == TaskStopped {
			return t, nil
		}
		if err == nil && t.Ended() {
			err = ErrTaskEnded
		}
		if err == nil && s.kinds()[t.Type] == nil {
			err = ErrTaskNotStoppable
		}
		if err != nil {
			return t, err
		}
		t.Status, t.UpdatedAt = TaskStopped, st.MachineNow()
		t.release()
		st.UpdateTask(env, t)
		return t, nil
	})
}

// ResumeTask goes on with a job that was stopped or has failed, or that nobody works on any more. One that is being
// worked on is left alone. A job that is done is ErrTaskEnded, what is no job ErrTaskNotStoppable.
func (s *Service) ResumeTask(ctx context.Context, env tenant.ID, id string) (Task, error) {
	var take bool
	t, err := tx.Do(ctx, s.db, env, func(st Store, _ time.Time) (Task, error) {
		take = false
		t, err := st.LockTask(ctx, env, id)
		switch now := st.MachineNow(); {
		case err != nil:
			return t, err
		case t.Status == TaskCompleted || t.Status == TaskPartiallyFailed:
			return t, ErrTaskEnded
		case s.kinds()[t.Type] == nil && t.Ended():
			return t, ErrTaskEnded
		case s.kinds()[t.Type] == nil:
			return t, ErrTaskNotStoppable
		case !t.Ended() && !t.free(s.node, now):
			return t, nil
		case t.Ended():
			t.Status, t.Error, t.UpdatedAt = TaskPending, "", now
			fallthrough
		default:
			take = true
			t.hold(s.node, now)
			st.UpdateTask(env, t)
		}
		return t, nil
	})
	if err == nil && take {
		s.kick(env, id)
	}
	return t, err
}
