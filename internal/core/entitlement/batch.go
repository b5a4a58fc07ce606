package entitlement

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/rules"
)

// Query is one check of a feature.
type Query struct {
	Customer string // refId
	Feature  string // refId
	Resource string // refId; "" for none
	Ask      rules.Ask
}

func (q *Query) key(env tenant.ID) key { return key{env, q.Customer, q.Resource} }

// CheckAll answers many checks, in their order. What is not in the cache is compiled once per customer or resource, a few
// at a time.
func (s *Service) CheckAll(ctx context.Context, env tenant.ID, list []Query) ([]Answer, error) {
	e := s.cache.environment(env)
	now := s.clock.Now(env).UnixMicro()
	out := make([]Answer, len(list))
	var missing []key
	rows := map[key][]int{}
	for i := range list {
		k := list[i].key(env)
		if set := s.cache.get(k); set != nil && e.usable(set, now) {
			out[i] = s.answer(e, set, &list[i], now)
			continue
		}
		if rows[k] == nil {
			missing = append(missing, k)
		}
		rows[k] = append(rows[k], i)
	}
	err := few(ctx, len(missing), func(ctx context.Context, n int) error {
		set, now, err := s.set(ctx, e, missing[n])
		if err != nil {
			return err
		}
		for _, i := range rows[missing[n]] {
			out[i] = s.answer(e, set, &list[i], now)
		}
		return nil
	})
	return out, err
}

func (s *Service) answer(e *environment, set *Set, q *Query, now int64) Answer {
	return set.answer(e.vocabulary.Load(), q.Feature, q.Resource, q.Ask, now)
}

// atOnce bounds what one call does at the same time: others need the database too.
const atOnce = 8

// few does n things, a few at the same time, until one fails.
func few(ctx context.Context, n int, do func(ctx context.Context, i int) error) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(n, atOnce) {
		workers.Go(func() {
			defer func() {
				if r := recover(); r != nil { // nobody else catches it here, and it would end the process
					stop(errs.Unexpected.Wrap(fmt.Errorf("panic: %v\n%s", r, debug.Stack())))
				}
			}()
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				if err := do(ctx, i); err != nil {
					stop(err)
				}
			}
		})
	}
	workers.Wait()
	return context.Cause(ctx)
}
