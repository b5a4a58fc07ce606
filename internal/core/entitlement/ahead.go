package entitlement

import (
	"context"
	"fmt"
	"time"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/subscription"
)

// Foresight tells what will become of customers if nobody does anything: trials end, what is scheduled happens.
type Foresight interface {
	// Foresee reads the settled state of a customer and brings it to an instant. read gets it in the transaction that has
	// found it; nothing is written. An instant before the environment's now is refused at "at".
	Foresee(ctx context.Context, env tenant.ID, s Sight, read func(Store, Prospect) error) error
}

// Sight is where to look.
type Sight struct {
	Customer string    // refId
	Resource string    // refId; "" for none
	At       time.Time // zero for now
	All      bool      // all subscriptions are of interest, not only those that count
}

// Prospect is what is there at an instant.
type Prospect struct {
	At     time.Time
	Holder Holder
	// Subscriptions are the customer's, the newest first, where they were asked for.
	Subscriptions []subscription.Subscription
}

// WithForesight lets the service look ahead.
func (s *Service) WithForesight(f Foresight) *Service {
	s.ahead = f
	return s
}

// Past refuses to look back.
func Past(now time.Time) error { return errs.BadUserInput.At("at", "%s", past(now)) }

func past(now time.Time) string {
	return fmt.Sprintf("must not be in the past: it is %s now", now.UTC().Format(time.RFC3339Nano))
}

// CheckAt answers a check at an instant to come, as things stand now. It is compiled for the occasion: the cache is neither
// asked nor told.
func (s *Service) CheckAt(ctx context.Context, env tenant.ID, q Query) (Answer, error) {
	set, v, at, err := s.setAt(ctx, s.cache.environment(env), when{key: key{env, q.Customer, q.Resource}, at: q.At})
	if err != nil {
		return Answer{}, err
	}
	return set.reply(v, &q, at), nil
}

// setAt is what is known about a customer or resource, usable at an instant in µs.
func (s *Service) setAt(ctx context.Context, e *environment, w when) (set *Set, v *vocabulary, at int64, err error) {
	if w.at.IsZero() {
		set, at, err = s.set(ctx, e, w.key)
		return set, e.vocabulary.Load(), at, err
	}
	at = w.at.UnixMicro()
	err = s.ahead.Foresee(ctx, w.env, Sight{Customer: w.customer, Resource: w.resource, At: w.at}, func(st Store, p Prospect) (err error) {
		v = e.vocabulary.Load()
		if !p.Holder.Known {
			set, err = assembly{}.compile(p.Holder, w.key)
			return err
		}
		set, v, err = s.assemble(ctx, st, e, w.key, p.Holder, p.At)
		return err
	})
	return set, v, at, err
}
