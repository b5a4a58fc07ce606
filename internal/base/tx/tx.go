// Package tx is what a use case sees of transactions: a Runner that gives it a
// store and the environment's now.
package tx

import (
	"context"
	"time"

	"github.com/purserhq/purser/internal/base/tenant"
)

// Runner runs functions in transactions. S is the store that the caller's package declares.
type Runner[S any] interface {
	// Read runs fn in one database snapshot. now is the environment's business time.
	Read(ctx context.Context, env tenant.ID, fn func(st S, now time.Time) error) error
	// Write runs fn in one transaction and commits. It may run fn again after a conflict: fn touches st and plain
	// results only. The error is fn's, or the first failing queued statement's.
	Write(ctx context.Context, env tenant.ID, fn func(st S, now time.Time) error, first ...Lock) error
}

// Lock names a row that a write is about to lock, so that the lock can travel with BEGIN. It saves a round trip on
// PostgreSQL and changes nothing else: fn still asks for the lock itself.
type Lock struct {
	Kind LockKind
	Ref  string // the caller's id
}

// LockKind says which table a Lock is in.
type LockKind uint8

// What can be locked.
const (
	Customer LockKind = iota + 1
	Product
	// SubscriptionOwner is the customer of the subscription with this refId.
	SubscriptionOwner
	// Counter is a usage counter; Ref is what usage.Wanted.Lock gives.
	Counter
)

// As turns a runner of one store type into one of another: app binds every noun to the one store with it.
func As[T, S any](r Runner[T], conv func(T) S) Runner[S] { return as[T, S]{r, conv} }

type as[T, S any] struct {
	r    Runner[T]
	conv func(T) S
}

func (a as[T, S]) Read(ctx context.Context, env tenant.ID, fn func(S, time.Time) error) error {
	return a.r.Read(ctx, env, func(t T, now time.Time) error { return fn(a.conv(t), now) })
}

func (a as[T, S]) Write(ctx context.Context, env tenant.ID, fn func(S, time.Time) error, first ...Lock) error {
	return a.r.Write(ctx, env, func(t T, now time.Time) error { return fn(a.conv(t), now) }, first...)
}

// Get is Read for a function with a result.
func Get[S, R any](ctx context.Context, r Runner[S], env tenant.ID, fn func(S, time.Time) (R, error)) (R, error) {
	var out R
	err := r.Read(ctx, env, func(st S, now time.Time) (err error) {
		out, err = fn(st, now)
		return err
	})
	return out, err
}

// Do is Write for a function with a result. When the request carries an Idempotency-Key (WithOnce) the result is also
// what the stored answer is made of.
func Do[S, R any](ctx context.Context, r Runner[S], env tenant.ID, fn func(S, time.Time) (R, error), first ...Lock) (R, error) {
	var out R
	once := OnceFrom(ctx)
	err := r.Write(ctx, env, func(st S, now time.Time) (err error) {
		out, err = fn(st, now)
		if once != nil && err == nil {
			once.Result = out
		}
		return err
	}, first...)
	return out, err
}
