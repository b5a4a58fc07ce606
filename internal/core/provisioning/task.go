package provisioning

import (
	"context"
	"sync"
	"time"

	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/base/tx"
)

// Types and statuses of tasks (domain-catalog-provisioning §4.1).
const (
	TaskClockMove  = "TEST_CLOCK_MOVE"
	TaskInProgress = "IN_PROGRESS"
	TaskCompleted  = "COMPLETED"
	TaskFailed     = "FAILED"
)

// Task is a long piece of work that can be watched. Its instants are machine time.
type Task struct {
	ID        string
	Type      string
	Status    string
	Done      int64
	Total     int64 // an estimate until the task is done
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Task returns a task of an environment, or errs.TaskNotFound.
func (s *Service) Task(ctx context.Context, env tenant.ID, id string) (Task, error) {
	return tx.Get(ctx, s.db, env, func(st Store, _ time.Time) (Task, error) { return st.TaskByID(ctx, env, id) })
}

// taskRunner keeps the background work of this process, so that Close can end it.
type taskRunner struct {
	mu     sync.Mutex
	wg     sync.WaitGroup
	stops  map[int]context.CancelFunc
	next   int
	closed bool
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
