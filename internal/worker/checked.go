package worker

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/purserhq/purser/internal/base/clock"
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
	Clock clock.Clock

	day  time.Time // of done
	done map[tenant.ID]map[string]bool
}

// atOnce is how many features one write notes: it holds up the writes of customers behind it.
const atOnce = 200

// Run works until ctx ends, and then once more.
func (j *Checked) Run(ctx context.Context) error {
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

// Flush writes down what was checked since the last time and not noted yet today (UTC): a note says no more than the day.
func (j *Checked) Flush(ctx context.Context) {
	j.turn()
	for env, features := range j.Asked.Asked() {
		done := j.done[env]
		if done == nil {
			done = map[string]bool{}
			j.done[env] = done
		}
		features = slices.DeleteFunc(features, func(ref string) bool { return done[ref] })
		for chunk := range slices.Chunk(features, atOnce) {
			if err := j.Mark(ctx, env, chunk); err != nil {
				j.Asked.AskAgain(env, chunk)
				j.Log.Warn("note checked features", "error", err)
				continue
			}
			for _, ref := range chunk {
				done[ref] = true
			}
		}
	}
}

// turn forgets at the end of a day what was noted in it.
func (j *Checked) turn() {
	if today := j.Clock.Now().UTC().Truncate(24 * time.Hour); j.done == nil || today.After(j.day) {
		j.day, j.done = today, map[tenant.ID]map[string]bool{}
	}
}
