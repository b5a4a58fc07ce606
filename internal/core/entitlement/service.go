package entitlement

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/base/tx"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/rules"
)

// Feed tells up to where the change feed is complete.
type Feed interface{ Final() int64 }

// Clock tells the business time of an environment, from memory.
type Clock interface {
	Now(env tenant.ID) time.Time
}

// Settler applies what is due for a customer in a transaction of its own.
type Settler interface {
	Settle(ctx context.Context, env tenant.ID, customerRef string) error
}

// SettlerFunc is a function as a Settler.
type SettlerFunc func(ctx context.Context, env tenant.ID, customerRef string) error

// Settle calls f.
func (f SettlerFunc) Settle(ctx context.Context, env tenant.ID, customerRef string) error {
	return f(ctx, env, customerRef)
}

// Service answers what customers may use, from the cache: no SQL on a hit.
type Service struct {
	db      tx.Runner[Store]
	feed    Feed
	clock   Clock
	settler Settler
	cache   *Cache
	ahead   Foresight
}

// NewService makes a service. The cache has to observe the events of every write of this process before the writer gets
// its answer, and those of other processes from the feed.
func NewService(db tx.Runner[Store], feed Feed, clock Clock, settler Settler, cache *Cache) *Service {
	return &Service{db: db, feed: feed, clock: clock, settler: settler, cache: cache}
}

// Check answers whether a customer, or one of its resources ("" for none), may use a feature. A denial is an answer with
// a reason; errors are about the database. It allocates nothing on a hit.
func (s *Service) Check(ctx context.Context, env tenant.ID, customerRef, featureRef, resource string, ask rules.Ask) (Answer, error) {
	e := s.cache.environment(env)
	set, now, err := s.set(ctx, e, key{env, customerRef, resource})
	if err != nil {
		return Answer{}, err
	}
	return set.answer(e.vocabulary.Load(), featureRef, resource, ask, now), nil
}

// CheckCurrency answers whether a customer may use credits of a currency. There are no currencies yet: the answer is a
// denial.
func (s *Service) CheckCurrency(ctx context.Context, env tenant.ID, customerRef, _, resource string) (Answer, error) {
	set, now, err := s.set(ctx, s.cache.environment(env), key{env, customerRef, resource})
	if err != nil {
		return Answer{}, err
	}
	a := set.answer(nil, "", resource, rules.Ask{}, now)
	if a.Reason == rules.FeatureNotFound {
		a.Reason = rules.EntitlementNotFound
	}
	return a, nil
}

// List returns every effective entitlement of a customer, or of one of its resources ("" for none). An unknown resource
// has no active subscription: the list knows three denials only (rest-api, route 8).
func (s *Service) List(ctx context.Context, env tenant.ID, customerRef, resource string) (List, error) {
	set, now, err := s.set(ctx, s.cache.environment(env), key{env, customerRef, resource})
	if err != nil {
		return List{}, err
	}
	return set.list(resource, now), nil
}

// set is what is known about a key, usable at now, in µs.
func (s *Service) set(ctx context.Context, e *environment, k key) (set *Set, now int64, err error) {
	now = s.clock.Now(k.env).UnixMicro()
	if set = s.cache.get(k); set != nil && e.usable(set, now) {
		return set, now, nil
	}
	set, err = s.load(ctx, e, k, now)
	return set, now, err
}

func (s *Service) load(ctx context.Context, e *environment, k key, now int64) (*Set, error) {
	return s.cache.load(ctx, e, k, now, func(ctx context.Context) (*Set, error) { return s.compile(ctx, e, k) })
}

// compile reads the settled state of a customer: what is due is applied first, and the state read again.
func (s *Service) compile(ctx context.Context, e *environment, k key) (*Set, error) {
	set, due, err := s.read(ctx, e, k)
	if err != nil || !due {
		return set, err
	}
	if err := s.settler.Settle(ctx, k.env, k.customer); err != nil {
		return nil, err
	}
	set, _, err = s.read(ctx, e, k)
	return set, err
}

// read compiles a set of one database snapshot. What it takes from the feed it takes before.
func (s *Service) read(ctx context.Context, e *environment, k key) (set *Set, due bool, err error) {
	epoch, version := e.epoch.Load(), s.feed.Final()
	err = s.db.Read(ctx, k.env, func(st Store, now time.Time) error {
		h, err := st.EntitlementHolder(ctx, k.env, k.customer, k.resource)
		if err != nil {
			return err
		}
		due = h.isDue(now)
		if !h.Known {
			set, err = assembly{}.compile(h, k)
		} else {
			set, _, err = s.assemble(ctx, st, e, k, h, now)
		}
		if err != nil {
			return err
		}
		set.epoch, set.version = epoch, version
		return nil
	})
	return set, due, err
}

// assemble compiles a set of rows that are shared with others.
func (s *Service) assemble(ctx context.Context, st Store, e *environment, k key, h Holder, now time.Time) (*Set, *vocabulary, error) {
	c, err := st.Catalog(ctx, k.env)
	if err != nil {
		return nil, nil, err
	}
	v := e.speak(c)
	a := assembly{ctx, st, k.env, c, func(sub Subscription) (*Rows, error) { return v.rowsOf(ctx, st, k.env, sub) }, versions(ctx, st, k.env, c), now}
	set, err := a.compile(h, k)
	return set, v, err
}

// Effective is Check for somebody who records what was used: nothing is asked for, and it does not count as a check.
func (s *Service) Effective(ctx context.Context, env tenant.ID, customerRef, featureRef, resource string) (Answer, error) {
	e := s.cache.environment(env)
	set, now, err := s.set(ctx, e, key{env, customerRef, resource})
	if err != nil {
		return Answer{}, err
	}
	return set.decide(e.vocabulary.Load(), featureRef, resource, rules.Ask{}, now, nothing), nil
}

func nothing(*atomic.Bool) {}

// Catalog is the catalog that is in force, or was a moment ago.
func (s *Service) Catalog(ctx context.Context, env tenant.ID) (*catalog.Snapshot, error) {
	return tx.Get(ctx, s.db, env, func(st Store, _ time.Time) (*catalog.Snapshot, error) { return st.Catalog(ctx, env) })
}
