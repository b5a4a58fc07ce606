// Package worker has the background loops: the follower of the change feed, the timers
// job and pruning.
//
// Nothing that a caller sees waits for them: a read settles what is due by itself, and a
// write tells its own process at once. Each loop runs until its context ends.
package worker

import (
	"context"
	"log/slog"
	"time"

	"github.com/purserhq/purser/internal/base/tenant"
)

// Due is what the timers job needs: provisioning has it.
type Due interface {
	SettleDue(ctx context.Context, env tenant.ID) (settled int, err error)
}

// Timers applies what is due. Nothing waits for it: a read or a write settles its customer by itself; the job is for
// the customers nobody asks for, so that events go out and lists are right (storage.md 5).
type Timers struct {
	Due          Due
	Environments func(context.Context) ([]tenant.ID, error)
	Every        time.Duration // 1 s when zero
	Log          *slog.Logger
}

// Run works until ctx ends.
func (j Timers) Run(ctx context.Context) error {
	if j.Every == 0 {
		j.Every = time.Second
	}
	for {
		busy := j.round(ctx)
		if busy && ctx.Err() == nil {
			continue
		}
		if !pause(ctx, j.Every) {
			return nil
		}
	}
}

// round looks at every environment once and reports whether there may be more to do at once.
func (j Timers) round(ctx context.Context) (busy bool) {
	envs, err := j.Environments(ctx)
	if err != nil {
		j.warn(ctx, err)
		return false
	}
	for _, env := range envs {
		n, err := j.Due.SettleDue(ctx, env)
		if err != nil {
			j.warn(ctx, err)
		}
		if n > 0 {
			busy = true
			j.Log.Info("timers settled", "environment", env, "customers", n)
		}
	}
	return busy
}

func (j Timers) warn(ctx context.Context, err error) {
	if ctx.Err() == nil {
		j.Log.Warn("timers", "error", err)
	}
}

// pause waits; false when ctx ended.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
