package worker

import (
	"context"
	"log/slog"
	"time"
)

// pruneBatch bounds the rows of one pruning write, so that people do not wait behind it.
const pruneBatch = 200

// Pruner removes what is no longer kept; the store has it.
type Pruner interface {
	// PruneFeed removes at most n events recorded before an instant of machine time and reports how many.
	PruneFeed(ctx context.Context, before time.Time, n int) (int, error)
	// PruneIdempotency removes at most n stored answers that are no longer given, and reports how many.
	PruneIdempotency(ctx context.Context, n int) (int, error)
	// PruneEventKeys forgets of at most n raw events what makes a repeat of them one, and reports how many.
	PruneEventKeys(ctx context.Context, n int) (int, error)
}

// Prune keeps the feed and the stored answers to their age.
type Prune struct {
	Store Pruner
	Now   func() time.Time // machine time
	Keep  time.Duration    // of events
	Every time.Duration    // 1 min when zero
	Log   *slog.Logger
}

// Run works until ctx ends.
func (j Prune) Run(ctx context.Context) error {
	if j.Every == 0 {
		j.Every = time.Minute
	}
	for pause(ctx, j.Every) {
		events := j.drain(ctx, func() (int, error) { return j.Store.PruneFeed(ctx, j.Now().Add(-j.Keep), pruneBatch) })
		answers := j.drain(ctx, func() (int, error) { return j.Store.PruneIdempotency(ctx, pruneBatch) })
		keys := j.drain(ctx, func() (int, error) { return j.Store.PruneEventKeys(ctx, pruneBatch) })
		if events+answers+keys > 0 {
			j.Log.Info("pruned", "events", events, "answers", answers, "event_keys", keys)
		}
	}
	return nil
}

func (j Prune) drain(ctx context.Context, batch func() (int, error)) (total int) {
	for ctx.Err() == nil {
		n, err := batch()
		if err != nil {
			j.Log.Warn("prune", "error", err)
			return total
		}
		if total += n; n < pruneBatch {
			return total
		}
	}
	return total
}
