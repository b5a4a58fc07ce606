package provisioning

import (
	"context"
	"time"

	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/base/tx"
	"github.com/purserhq/purser/internal/core/subscription"
)

// onSubscriptionOf is onSubscription for changes that may find the subscription ended.
func (s *Service) onSubscriptionOf(ctx context.Context, env tenant.ID, ref string, ifVersion *int64, change func(*book, *entry) error) (View, error) {
	return tx.Do(ctx, s.db, env, func(st Store, now time.Time) (View, error) {
		b, p, err := s.openAt(ctx, st, env, ref, now)
		if err != nil {
			return View{}, err
		}
		if ifVersion != nil && *ifVersion != p.Version {
			return View{}, subscription.ErrChanged.Because("The subscription %s is at version %d, not %d: read it again.", ref, p.Version, *ifVersion)
		}
		if err := change(b, p); err != nil {
			return View{}, err
		}
		b.save()
		if b.became != nil {
			p = b.became
		}
		err = b.price(&p.Subscription)
		return View{p.Subscription, now}, err
	}, tx.Lock{Kind: tx.SubscriptionOwner, Ref: ref})
}

// openAt holds and settles the customer of a subscription, and opens the book at the subscription's entry.
func (s *Service) openAt(ctx context.Context, st Store, env tenant.ID, ref string, now time.Time) (*book, *entry, error) {
	owner, err := st.OwnerOf(ctx, env, ref)
	if err != nil {
		return nil, nil, err
	}
	c, err := st.LockCustomer(ctx, env, owner.CustomerRef)
	if err != nil {
		return nil, nil, err
	}
	b := s.open(ctx, st, env, &c, now)
	if err := b.settle(now); err != nil {
		return nil, nil, err
	}
	b.became = nil
	p, err := b.find(owner.ID)
	if err != nil || p != nil {
		return b, p, err
	}
	ended, err := st.SubscriptionByRef(ctx, env, ref)
	return b, &entry{Subscription: ended, stored: true}, err
}

// customer holds and settles a customer and opens its book; an archived one is notFound.
func (s *Service) customer(ctx context.Context, st Store, env tenant.ID, ref string, now time.Time, notFound error) (*book, error) {
	c, err := st.LockCustomer(ctx, env, ref)
	if err != nil {
		return nil, err
	}
	if c.Archived() {
		return nil, notFound
	}
	b := s.open(ctx, st, env, &c, now)
	return b, b.settle(now)
}

// Owner is whose a subscription is.
type Owner struct {
	ID          string // internal, of the subscription
	CustomerRef string
}
