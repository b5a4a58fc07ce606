package entitlement

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/rules"
)

// Query is one check.
type Query struct {
	Customer string // refId
	Feature  string // refId; "" for a currency
	Currency string // refId
	Resource string // refId; "" for none
	Ask      rules.Ask
	At       time.Time // an instant to come; zero for now
	Explain  bool
}

// when is what a set is about: a customer or resource, now or at an instant to come.
type when struct {
	key
	at      time.Time
	explain int // which check is explained; 0 for none: an explanation is nobody else's
}

// CheckAll answers many checks, in their order. What is not in the cache is compiled once per customer or resource, a few
// at a time. Errors name the check as checks[i].
func (s *Service) CheckAll(ctx context.Context, env tenant.ID, list []Query) ([]Answer, error) {
	e := s.cache.environment(env)
	now := s.clock.Now(env)
	out := make([]Answer, len(list))
	var missing []when
	var c errs.Checks
	rows := map[when][]int{}
	for i := range list {
		q := &list[i]
		w := when{key: key{env, q.Customer, q.Resource}, at: q.At}
		if q.Explain {
			w.explain = i + 1
		}
		if q.At.IsZero() && !q.Explain {
			if set := s.cache.get(w.key); set != nil && e.usable(set, now.UnixMicro()) {
				out[i] = set.reply(e.vocabulary.Load(), q, now.UnixMicro())
				continue
			}
		} else if !q.At.IsZero() && q.At.Before(now) {
			c.Shape(fmt.Sprintf("checks[%d].at", i), "%s", past(now))
		}
		if rows[w] == nil {
			missing = append(missing, w)
		}
		rows[w] = append(rows[w], i)
	}
	if err := c.Err(); err != nil {
		return nil, err
	}
	err := few(ctx, len(missing), func(ctx context.Context, n int) error {
		w := missing[n]
		if w.explain > 0 {
			i := w.explain - 1
			var err error
			out[i], err = s.Explain(ctx, env, list[i])
			return named(err, i)
		}
		set, v, at, err := s.setAt(ctx, e, w)
		if err = named(err, rows[w][0]); err != nil {
			return err
		}
		for _, i := range rows[w] {
			out[i] = set.reply(v, &list[i], at)
		}
		return nil
	})
	return out, err
}

// named names the check that is refused: the clock was moved meanwhile, by another node.
func named(err error, row int) error {
	if e, ok := errs.As(err); ok && e.Code == errs.BadUserInput.Code {
		return errs.BadUserInput.At(fmt.Sprintf("checks[%d].at", row), "%s", e.Message)
	}
	return err
}

// reply is the answer to a query.
func (s *Set) reply(v *vocabulary, q *Query, now int64) Answer {
	if q.Feature != "" {
		return s.answer(v, q.Feature, q.Resource, q.Ask, now)
	}
	a := s.answer(nil, "", q.Resource, rules.Ask{}, now)
	if a.Reason == rules.FeatureNotFound {
		a.Reason = rules.EntitlementNotFound
	}
	return a
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
