package provisioning

import (
	"context"
	"time"

	"github.com/purserhq/purser/internal/base/clock"
	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/base/tx"
	"github.com/purserhq/purser/internal/core/event"
	"github.com/purserhq/purser/internal/core/timer"
)

// The limits of a clock move (storage.md 5).
const (
	// clockBatch is how many timers one transaction of a move applies.
	clockBatch = 25
	// clockPatience is how long a move is waited for before it is answered with a task.
	clockPatience = 25 * time.Second
	// clockStale is after how long a move that wrote nothing counts as dead, in machine time.
	clockStale = time.Minute
)

var errClockMoving = errs.New(errs.Conflict, "TestClockIsMoving", "The test clock is being moved. Wait until that is done.").After(time.Second)

// Environment is an environment as far as its names and its clock go.
type Environment struct {
	UUID       string
	Ref        string // slug
	Production bool
	Clock      *time.Time // where the test clock stands; nil for real time
}

// standing is the environment's time once its row is held. now was read before that, and moves that held the row
// meanwhile have ended since.
func (e Environment) standing(st clockStore, now time.Time) time.Time {
	stands := clock.Business(st.MachineNow())
	if e.Clock != nil {
		stands = *e.Clock
	}
	if stands.After(now) {
		return stands
	}
	return now
}

type clockStore interface {
	Now() time.Time
	MachineNow() time.Time
	// LockEnvironment reads the environment's row and holds it: clock moves go one after another.
	LockEnvironment(ctx context.Context, env tenant.ID) (Environment, error)
	EnvironmentByID(ctx context.Context, env tenant.ID) (Environment, error)
	SetClock(env tenant.ID, now *time.Time)
	// NextTimer is the earliest timer up to an instant; ok is false when there is none.
	NextTimer(ctx context.Context, env tenant.ID, upTo time.Time) (t timer.Timer, ok bool, err error)
	// ClaimDue takes timers that are due and not claimed, until an instant of machine time, and names their customers.
	ClaimDue(ctx context.Context, env tenant.ID, now, until time.Time, limit int) ([]string, error)
	CountTimers(ctx context.Context, env tenant.ID, upTo time.Time) (int64, error)
	TaskByID(ctx context.Context, env tenant.ID, id string) (Task, error)
	RunningTask(ctx context.Context, env tenant.ID, typ string) (Task, bool, error)
	InsertTask(env tenant.ID, t Task)
	UpdateTask(env tenant.ID, t Task)
}

// Clock is an environment's time: mode is "real" or "test".
type Clock struct {
	Now  time.Time `json:"now"`
	Mode string    `json:"mode"`
	// TaskID is set while a long move goes on.
	TaskID string `json:"-"`
}

// Clock returns the time of an environment that can have a test clock; others are TestClockNotAvailable.
func (s *Service) Clock(ctx context.Context, env tenant.ID) (Clock, error) {
	return tx.Get(ctx, s.db, env, func(st Store, now time.Time) (Clock, error) {
		e, err := st.EnvironmentByID(ctx, env)
		if err == nil && e.Production {
			err = errs.TestClockNotAvailable
		}
		return clockOf(e, now), err
	})
}

func clockOf(e Environment, now time.Time) Clock {
	if e.Clock == nil {
		return Clock{Now: now, Mode: "real"}
	}
	return Clock{Now: *e.Clock, Mode: "test"}
}

// MoveClock moves an environment's test clock forward to an instant, from due time to due time, so that effects happen
// in order. A move that takes long goes on in the background: the answer has a TaskID then. Production environments
// have no test clock (TestClockNotAvailable); backwards is InvalidArgumentError; where the clock stands already is no move.
func (s *Service) MoveClock(ctx context.Context, env tenant.ID, to time.Time) (Clock, error) {
	return s.startMove(ctx, env, func(Store) (time.Time, bool) { return clock.Business(to), false })
}

// ResetClock returns an environment to real time, moving forward to it first. It is refused while the test clock is
// ahead of real time.
func (s *Service) ResetClock(ctx context.Context, env tenant.ID) (Clock, error) {
	now, err := s.Clock(ctx, env)
	if err != nil || now.Mode == "real" {
		return now, err
	}
	return s.startMove(ctx, env, func(st Store) (time.Time, bool) { return clock.Business(st.MachineNow()), true })
}

// move is one clock move under way.
type move struct {
	*Service
	env  tenant.ID
	to   time.Time
	real bool // return to real time at the end
	task Task
}

func (s *Service) startMove(ctx context.Context, env tenant.ID, target func(Store) (time.Time, bool)) (Clock, error) {
	m := &move{Service: s, env: env}
	var done bool
	var out Clock
	err := s.db.Write(ctx, env, func(st Store, now time.Time) error {
		m.to, m.real = target(st)
		e, err := st.LockEnvironment(ctx, env)
		if err != nil {
			return err
		}
		now = e.standing(st, now)
		if done = m.real && e.Clock == nil; done { // another one has returned to real time meanwhile
			out = clockOf(e, now)
			return nil
		}
		if err := m.mayMove(ctx, st, e, now); err != nil {
			return err
		}
		if done = e.Clock != nil && e.Clock.Equal(m.to) && !m.real; done {
			out = clockOf(e, now)
			return nil
		}
		if done, err = m.step(ctx, st, now); err != nil || done {
			out = m.reached()
			return err
		}
		total, err := st.CountTimers(ctx, env, m.to)
		m.task = Task{
			Environment: env, ID: s.ids.New(), Type: TaskClockMove, Status: TaskInProgress, Total: total + clockBatch, Done: clockBatch,
			CreatedAt: st.MachineNow(), UpdatedAt: st.MachineNow(),
		}
		st.InsertTask(env, m.task)
		return err
	})
	if err != nil || done {
		return out, err
	}
	return s.tasks.await(ctx, clockPatience, func(ctx context.Context) (Clock, error) {
		return m.finish(ctx)
	}, Clock{TaskID: m.task.ID})
}

func (m *move) mayMove(ctx context.Context, st Store, e Environment, now time.Time) error {
	if e.Production {
		return errs.TestClockNotAvailable
	}
	running, ok, err := st.RunningTask(ctx, m.env, TaskClockMove)
	if err != nil {
		return err
	}
	if ok && st.MachineNow().Sub(running.UpdatedAt) < clockStale {
		return errClockMoving
	}
	if ok {
		running.Status = TaskFailed
		st.UpdateTask(m.env, running)
	}
	if m.to.Before(now) {
		return errs.InvalidArgument.At("now", "The clock of this environment stands at %s and only moves forward.",
			now.Format(time.RFC3339Nano))
	}
	if m.to.Year() > 9000 {
		return errs.InvalidArgument.At("now", "must lie before the year 9000")
	}
	return nil
}

func (m *move) reached() Clock {
	if m.real {
		return Clock{Now: m.to, Mode: "real"}
	}
	return Clock{Now: m.to, Mode: "test"}
}

// step applies the next timers, each at its due time, and leaves the clock at the last one; when none is left it moves
// the clock to its target and says so in the feed.
func (m *move) step(ctx context.Context, st Store, now time.Time) (done bool, err error) {
	for range clockBatch {
		t, ok, err := st.NextTimer(ctx, m.env, m.to)
		if err != nil {
			return false, err
		}
		if !ok {
			m.arrive(st)
			return true, nil
		}
		if t.Due.After(now) {
			now = t.Due
		}
		c, err := st.LockCustomer(ctx, m.env, t.CustomerRef)
		if err != nil {
			return false, err
		}
		if err := m.settle(ctx, st, m.env, &c, now); err != nil {
			return false, err
		}
	}
	st.SetClock(m.env, &now)
	return false, nil
}

func (m *move) arrive(st Store) {
	to := m.reached()
	if m.real {
		st.SetClock(m.env, nil)
	} else {
		st.SetClock(m.env, &m.to)
	}
	st.Append(m.env, event.Event{
		Type: "environment.clock_moved", Entity: event.Entity{Type: "environment", ID: "clock"}, At: m.to, Payload: to,
	})
}

// finish goes on with a move that did not fit in one transaction.
func (m *move) finish(ctx context.Context) (Clock, error) {
	for {
		var done bool
		err := m.db.Write(ctx, m.env, func(st Store, now time.Time) (err error) {
			e, err := st.LockEnvironment(ctx, m.env)
			if err != nil {
				return err
			}
			// A move that slept for long was declared dead, and another may have gone further since.
			t, err := st.TaskByID(ctx, m.env, m.task.ID)
			if err != nil {
				return err
			}
			if t.Status != TaskInProgress {
				return errClockMoving.Because("This move was given up after it did nothing for too long.")
			}
			if done, err = m.step(ctx, st, e.standing(st, now)); err != nil {
				return err
			}
			t.Done = min(t.Done+clockBatch, t.Total)
			t.UpdatedAt = st.MachineNow()
			if done {
				t.Status, t.Done = TaskCompleted, t.Total
			}
			st.UpdateTask(m.env, t)
			m.task = t
			return nil
		})
		if err != nil {
			m.failed(ctx)
			return Clock{}, err
		}
		if done {
			return m.reached(), nil
		}
	}
}

func (m *move) failed(ctx context.Context) {
	t := m.task
	t.Status = TaskFailed
	_ = m.db.Write(context.WithoutCancel(ctx), m.env, func(st Store, _ time.Time) error {
		t.UpdatedAt = st.MachineNow()
		st.UpdateTask(m.env, t)
		return nil
	})
}
