package tx

import (
	"context"
	"fmt"
	"time"

	"github.com/purserhq/purser/internal/base/tenant"
)

// Once asks that a write happens at most once per (environment, Key, Route): its answer is stored in the write's own
// transaction and given again for 24 hours (storage.md 7). It belongs to one request and to its one Write.
type Once struct {
	Key   string
	Route string // method and pattern: "POST /api/v1/customers"
	// Content is a hash of the request. The same key with other content is errs.IdempotencyKeyReused.
	Content string
	// Customer is the customer that the answer is about ("" for none): archiving it erases the stored answer.
	Customer string
	// Render turns a result (err nil) or a refusal into the answer to store. Status 0: do not store.
	Render func(result any, err error) (status int, body []byte)
	// Result is set by Do.
	Result any
}

// Replay is the error that Write returns instead of running when the answer is already stored.
type Replay struct {
	Status int
	Body   []byte
}

func (r *Replay) Error() string { return fmt.Sprintf("stored answer with status %d", r.Status) }

type onceKey struct{}

// WithOnce gives the request's one Write an idempotency key.
func WithOnce(ctx context.Context, o *Once) context.Context {
	return context.WithValue(ctx, onceKey{}, o)
}

// OnceFrom returns what WithOnce stored, or nil.
func OnceFrom(ctx context.Context) *Once {
	o, _ := ctx.Value(onceKey{}).(*Once)
	return o
}

// Replayed returns what the one Write of a request with an Idempotency-Key would return instead of running: the stored
// answer as a *Replay, or a refusal of the key. It is for a request of several writes: the last one carries the key, and
// a repeat must not run those before it again.
func Replayed[S any](ctx context.Context, r Runner[S], env tenant.ID) error {
	once := OnceFrom(ctx)
	if once == nil {
		return nil
	}
	look := *once
	look.Render = func(any, error) (int, []byte) { return 0, nil }
	return r.Write(WithOnce(ctx, &look), env, func(S, time.Time) error { return nil })
}

// WithoutOnce is for the writes that a request makes besides its own (settling what is due).
func WithoutOnce(ctx context.Context) context.Context {
	if OnceFrom(ctx) == nil {
		return ctx
	}
	return context.WithValue(ctx, onceKey{}, (*Once)(nil))
}
