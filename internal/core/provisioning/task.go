package provisioning

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/page"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/base/tx"
)

// Types and statuses of tasks (domain-catalog-provisioning §4.1). STOPPED is ours: a stopped task can be resumed.
const (
	TaskClockMove = "TEST_CLOCK_MOVE"
	TaskMigration = "SUBSCRIPTION_MIGRATION"
	TaskRecount   = "METER_RECOUNT"

	TaskPending         = "PENDING"
	TaskInProgress      = "IN_PROGRESS"
	TaskCompleted       = "COMPLETED"
	TaskPartiallyFailed = "PARTIALLY_FAILED"
	TaskFailed          = "FAILED"
	TaskStopped         = "STOPPED"
)

// What a task cannot do.
var (
	ErrTaskEnded        = errs.New(errs.Conflict, "TaskEnded", "The task has ended: it can be neither stopped nor resumed.")
	ErrTaskNotStoppable = errs.New(errs.Conflict, "TaskNotStoppable", "Tasks of this type go on until they end.")
)

// maxFailures is how many failures a task lists.
const maxFailures = 100

// Task is a long piece of work that can be watched. Its instants are machine time.
type Task struct {
	Environment tenant.ID
	ID          string
	Type        string
	Status      string
	Done        int64
	Total       int64     // an estimate until the task is done
	Failures    []Failure // the first of those that were left out
	Failed      int64     // how many were left out
	Error       string    // why the task is FAILED, in words for its owner
	CreatedAt   time.Time
	UpdatedAt   time.Time

	// What only the task's kind reads: what it was asked for, how far it is, what came of it.
	Input, Cursor, Result json.RawMessage
	// Owner is the node that works on the task, until Lease. A nil Lease is free for all.
	Owner string
	Lease *time.Time

	idle bool // the next step of the job comes after a rest
}

// Failure is something that a task could not do, by the caller's id.
type Failure struct {
	ID     string `json:"id"`
	Reason string `json:"reason"`
}

// Ended reports whether nothing is going to happen unless somebody resumes the task.
func (t Task) Ended() bool { return t.Status != TaskPending && t.Status != TaskInProgress }

// fail notes what the task leaves out.
func (t *Task) fail(id, reason string) {
	t.Failed++
	if len(t.Failures) < maxFailures {
		t.Failures = append(t.Failures, Failure{id, reason})
	}
}

// TaskFilter narrows a list; empty members match all.
type TaskFilter struct {
	Types    []string
	Statuses []string
}

// Task returns a task of an environment, or errs.TaskNotFound.
func (s *Service) Task(ctx context.Context, env tenant.ID, id string) (Task, error) {
	return tx.Get(ctx, s.db, env, func(st Store, _ time.Time) (Task, error) { return st.TaskByID(ctx, env, id) })
}

// Tasks lists the tasks of an environment, the oldest first.
func (s *Service) Tasks(ctx context.Context, env tenant.ID, f TaskFilter, p page.Request) (page.Of[Task], error) {
	return tx.Get(ctx, s.db, env, func(st Store, _ time.Time) (page.Of[Task], error) { return st.ListTasks(ctx, env, f, p) })
}

// taskLook is how often somebody who waits for a task looks at it: another node may be working on it.
const taskLook = 200 * time.Millisecond

// AwaitTask returns a task as soon as it has ended, or as it is after wait.
func (s *Service) AwaitTask(ctx context.Context, env tenant.ID, id string, wait time.Duration) (Task, error) {
	patience := time.NewTimer(wait)
	defer patience.Stop()
	look := time.NewTicker(taskLook)
	defer look.Stop()
	for {
		news := s.tasks.news()
		t, err := s.Task(ctx, env, id)
		if err != nil || t.Ended() || wait <= 0 {
			return t, err
		}
		select {
		case <-news:
		case <-look.C:
		case <-patience.C:
			wait = 0
		case <-s.jobs.Stopping:
			wait = 0
		case <-ctx.Done():
			return t, ctx.Err()
		}
	}
}

// taskRunner keeps the background work of this process, so that Close can end it.
type taskRunner struct {
	mu     sync.Mutex
	wg     sync.WaitGroup
	stops  map[int]context.CancelFunc
	next   int
	closed bool

	running map[taskKey]*bool // the jobs of this process; true when somebody has asked for one once more
	ended   chan struct{}     // closed when a job of this process ends
}

type taskKey struct {
	env tenant.ID
	id  string
}

// await runs work and returns its result, or later when it is not done in time; the work then goes on.
func (r *taskRunner) await(ctx context.Context, patience time.Duration, work func(context.Context) (Clock, error), later Clock) (Clock, error) {
	type outcome struct {
		clock Clock
		err   error
	}
	done := make(chan outcome, 1)
	bg, cancel := context.WithCancel(context.WithoutCancel(ctx))
	n := r.enter(cancel)
	go func() {
		defer r.leave(n)
		c, err := work(bg)
		done <- outcome{c, err}
	}()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case o := <-done:
		return o.clock, o.err
	case <-timer.C:
		return later, nil
	case <-ctx.Done():
		return later, nil
	}
}

// background runs work that nobody waits for; Close ends it.
func (r *taskRunner) background(ctx context.Context, work func(context.Context)) {
	bg, cancel := context.WithCancel(context.WithoutCancel(ctx))
	n := r.enter(cancel)
	go func() {
		defer r.leave(n)
		work(bg)
	}()
}

func (r *taskRunner) enter(cancel context.CancelFunc) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stops == nil {
		r.stops = map[int]context.CancelFunc{}
	}
	r.next++
	r.stops[r.next] = cancel
	if r.closed {
		cancel()
	}
	r.wg.Add(1)
	return r.next
}

func (r *taskRunner) leave(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stops[n]()
	delete(r.stops, n)
	r.wg.Done()
}

// start reports whether the job has to be begun; one that runs already will look once more before it ends.
func (r *taskRunner) start(k taskKey) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if again := r.running[k]; again != nil {
		*again = true
		return false
	}
	if r.running == nil {
		r.running = map[taskKey]*bool{}
	}
	r.running[k] = new(bool)
	return true
}

// again reports whether the job was asked for while it ran; if not, it counts as ended.
func (r *taskRunner) again(k taskKey) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	again := r.running[k]
	if again == nil || !*again {
		delete(r.running, k)
		return false
	}
	*again = false
	return true
}

// drop forgets a job, however it ended.
func (r *taskRunner) drop(k taskKey) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.running, k)
}

// news is closed when a job of this process ends.
func (r *taskRunner) news() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended == nil {
		r.ended = make(chan struct{})
	}
	return r.ended
}

func (r *taskRunner) announce() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended != nil {
		close(r.ended)
		r.ended = nil
	}
}

// Close stops background work at its next step and waits for that. What was done stays done.
func (s *Service) Close() {
	r := &s.tasks
	r.mu.Lock()
	r.closed = true
	for _, stop := range r.stops {
		stop()
	}
	r.mu.Unlock()
	r.wg.Wait()
}
