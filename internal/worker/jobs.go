package worker

import (
	"context"
	"log/slog"
	"time"

	"github.com/purserhq/purser/internal/base/tenant"
)

// Resumer goes on with jobs that nobody works on any more; provisioning has it.
type Resumer interface {
	ResumeTasks(ctx context.Context, env tenant.ID) (resumed int, err error)
}

// Jobs picks up the jobs of processes that died, or were stopped in the middle. A job that is started runs at once, in the
// process that was asked for it; nobody waits for this loop.
type Jobs struct {
	Jobs         Resumer
	Environments func(context.Context) ([]tenant.ID, error)
	Every        time.Duration // 2 s when zero
	Log          *slog.Logger
}

// Run works until ctx ends.
func (j Jobs) Run(ctx context.Context) error {
	if j.Every == 0 {
		j.Every = 2 * time.Second
	}
	for {
		j.round(ctx)
		if !pause(ctx, j.Every) {
			return nil
		}
	}
}

// round looks at every environment once.
func (j Jobs) round(ctx context.Context) {
	envs, err := j.Environments(ctx)
	if err != nil {
		j.warn(ctx, err)
		return
	}
	for _, env := range envs {
		n, err := j.Jobs.ResumeTasks(ctx, env)
		if err != nil {
			j.warn(ctx, err)
		}
		if n > 0 {
			j.Log.Info("tasks resumed", "environment", env, "tasks", n)
		}
	}
}

func (j Jobs) warn(ctx context.Context, err error) {
	if ctx.Err() == nil {
		j.Log.Warn("jobs", "error", err)
	}
}
