package event

import (
	"context"
	"errors"
	"time"

	"github.com/purserhq/purser/internal/base/errs"
)

// ReachWait is how long a reader waits for the position that it wants to see.
const ReachWait = 2 * time.Second

// Reached lets a reader see what it wrote on another node, or what it read of in the feed.
type Reached struct {
	seen Tail
	wait time.Duration
}

// NewReached takes how far this process has heard of everything, in its memory too: seen may be behind what is final.
func NewReached(seen Tail, wait time.Duration) *Reached { return &Reached{seen, wait} }

// Await returns when this process has heard of everything up to a position in its opaque form, which came from path. A
// malformed one is BadUserInput, one of another generation errs.FeedResync; one that is not reached in time, or that
// nobody was ever given, ServiceUnavailable.
func (r *Reached) Await(ctx context.Context, path, position string) error {
	c, err := ParseCursor(path, position)
	if err != nil {
		return err
	}
	if c.Generation != r.seen.Generation() {
		return errs.FeedResync
	}
	if r.seen.Final() >= c.Position {
		return nil
	}
	limited, cancel := context.WithTimeout(ctx, r.wait)
	defer cancel()
	err = r.seen.AwaitFinal(limited, c.Position-1)
	if ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
		err = errs.ServiceUnavailable.Because("This server has not reached the position yet. Try again.").After(time.Second)
	}
	return err
}
