package worker

import (
	"context"
	"log/slog"
	"time"

	"github.com/purserhq/purser/internal/base/tenant"
)

// Asked tells which features were checked, from memory; the entitlement cache does.
type Asked interface {
	// Asked are those since the last call.
	Asked() map[tenant.ID][]string
	// AskAgain takes back those that could not be written down.
	AskAgain(env tenant.ID, features []string)
}

// Checked writes down which features were checked, so that a publication on any node can name those that nobody asks
// about.
type Checked struct {
	Asked Asked
	Mark  func(ctx context.Context, env tenant.ID, features []string) error
	Every time.Duration // 1 min when zero
	Log   *slog.Logger
}

// Run works until ctx ends, and then once more.
func (j Checked) Run(ctx context.Context) error {
	if j.Every == 0 {
		j.Every = time.Minute
	}
	for pause(ctx, j.Every) {
		j.Flush(ctx)
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	j.Flush(last)
	return nil
}

// Flush writes down what was checked since the last time.
func (j Checked) Flush(ctx context.Context) {
	for env, features := range j.Asked.Asked() {
		if err := j.Mark(ctx, env, features); err != nil {
			j.Asked.AskAgain(env, features)
			j.Log.Warn("note checked features", "error", err)
		}
	}
}
