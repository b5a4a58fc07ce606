package app

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/purserhq/purser/internal/core/event"
)

// restartAfter is how long a job that failed rests.
const restartAfter = time.Second

// job is a background loop. It runs until its context ends; one that returns earlier, or panics, is started again.
type job struct {
	name string
	run  func(ctx context.Context) error
}

// startWorkers starts the workers; the result stops them and waits, at most as long as its context lives.
func (a *App) startWorkers(ctx context.Context) (stop func(context.Context)) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var wg sync.WaitGroup
	for _, w := range a.workers() {
		wg.Go(func() {
			ctx := event.WithActor(ctx, event.System(w.name))
			for ctx.Err() == nil {
				if err := guarded(ctx, w.run); err != nil && ctx.Err() == nil {
					a.log.Error("worker", "worker", w.name, "error", err)
				}
				sleep(ctx, restartAfter)
			}
		})
	}
	return func(deadline context.Context) {
		cancel()
		done := make(chan struct{})
		go func() { wg.Wait(); close(done) }()
		select {
		case <-done:
		case <-deadline.Done():
			a.log.Warn("workers did not stop in time")
		}
	}
}

func guarded(ctx context.Context, run func(context.Context) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return run(ctx)
}

// every makes a loop of what is done at start and then once in an interval; a failure is the loop's.
func every(d time.Duration, once func(ctx context.Context) error) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		for ctx.Err() == nil {
			if err := once(ctx); err != nil {
				return err
			}
			sleep(ctx, d)
		}
		return nil
	}
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
