package event_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/core/event"
)

func TestAwaitReachesAPosition(t *testing.T) {
	each(t, func(t *testing.T, r *reader) {
		reached := event.NewReached(r.db, time.Minute)
		if err := reached.Await(t.Context(), "p", r.start.String()); err != nil {
			t.Errorf("a position that is final: %v", err)
		}
		next := event.Cursor{Generation: r.start.Generation, Position: r.start.Position + 1}
		done := make(chan error, 1)
		go func() { done <- reached.Await(t.Context(), "p", next.String()) }()
		if _, err := r.tryWrite(env, "news"); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil {
			t.Errorf("a position that comes: %v", err)
		}
		gone, leave := context.WithCancel(t.Context())
		leave()
		far := event.Cursor{Generation: r.start.Generation, Position: r.start.Position + 1000}.String()
		for _, tc := range []struct {
			name     string
			ctx      context.Context
			position string
			want     error
		}{
			{"malformed", t.Context(), "x", errs.BadUserInput},
			{"another generation", t.Context(), "other.1", errs.FeedResync},
			{"far ahead", t.Context(), far, errs.ServiceUnavailable},
			{"a caller who left", gone, far, context.Canceled},
		} {
			impatient := event.NewReached(r.db, time.Millisecond)
			err := impatient.Await(tc.ctx, "p", tc.position)
			if !errors.Is(err, tc.want) {
				t.Errorf("%s: got %v, want %v", tc.name, err, tc.want)
			}
			if e, ok := errs.As(err); ok && e.Kind == errs.Unavailable && (!e.Retry || e.RetryAfter == 0) {
				t.Errorf("%s: %v does not say when to try again", tc.name, err)
			}
		}
	})
}
