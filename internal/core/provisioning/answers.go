package provisioning

import (
	"context"
	"time"

	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/base/tx"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/entitlement"
	"github.com/purserhq/purser/internal/core/subscription"
)

// answers are what the customer, or one of its resources, may use by what the book says: nothing is read again.
func (b *book) answers(resource string) ([]entitlement.Answer, error) {
	cat, err := b.cat()
	if err != nil {
		return nil, err
	}
	h := entitlement.Holder{ID: b.c.ID}
	if h.Promotions, err = b.promoted(); err != nil {
		return nil, err
	}
	if h.Subscriptions, err = b.entitling(resource); err != nil {
		return nil, err
	}
	return entitlement.Answers(b.ctx, b.st, b.env, cat, h, b.c.RefID, resource, b.at, func(id string) (catalog.Version, error) {
		v, err := b.version(id)
		if err != nil {
			return catalog.Version{}, err
		}
		return *v, nil
	})
}

// promoted are the grants that run, as far as they decide about entitlements.
func (b *book) promoted() (out []entitlement.Promotion, err error) {
	if !b.c.Promoted {
		return nil, nil
	}
	list, err := b.promotions()
	for _, g := range list {
		if g.EndedAt == nil {
			out = append(out, entitlement.PromotionOf(g.Promotion))
		}
	}
	return out, err
}

// entitling are the live subscriptions in the book that count for the customer, or one of its resources.
func (b *book) entitling(resource string) (out []entitlement.Subscription, err error) {
	list, err := b.all()
	if err != nil {
		return nil, err
	}
	for _, p := range list {
		if p.Status.Live() && (p.Resource == "" || p.Resource == resource) {
			e := entitling(&p.Subscription)
			if e.Spending, err = b.spending(&p.Subscription); err != nil {
				return nil, err
			}
			out = append(out, e)
		}
	}
	return out, nil
}

// spending is what bounds the spending of a subscription; nil for nothing.
func (b *book) spending(s *subscription.Subscription) (*entitlement.Spending, error) {
	var trial *catalog.Trial
	if s.Status == subscription.InTrial && s.Budget == nil {
		v, err := b.version(s.VersionID)
		if err != nil {
			return nil, err
		}
		trial = v.Trial
	}
	return entitlement.SpendingOf(*s, trial), nil
}

// entitling is what of a subscription decides about entitlements.
func entitling(s *subscription.Subscription) entitlement.Subscription {
	e := entitlement.Subscription{
		ID: s.ID, PlanID: s.PlanID, Resource: s.Resource, StartDate: s.StartDate, VersionID: s.VersionID, PriceVersionID: s.PriceVersionID, Bases: s.Bases, InTrial: s.Status == subscription.InTrial,
		TrialEndDate: s.TrialEndDate, CancellationDate: s.CancellationDate, EndDate: s.EndDate, Own: s.Own(),
	}
	for _, a := range s.Addons {
		e.Addons = append(e.Addons, entitlement.Addon{VersionID: a.VersionID, PriceVersionID: a.PriceVersionID, Quantity: a.Quantity})
	}
	return e
}

// answersFor reads what a customer may use after a transaction.
func (s *Service) answersFor(ctx context.Context, env tenant.ID, customerRef, resource string) ([]entitlement.Answer, error) {
	return tx.Get(ctx, s.db, env, func(st Store, now time.Time) ([]entitlement.Answer, error) {
		return entitlement.Load(ctx, st, env, customerRef, resource, now)
	})
}
