package provisioning

import (
	"context"
	"errors"
	"time"

	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/base/tx"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/customer"
	"github.com/purserhq/purser/internal/core/subscription"
)

// Resource is a unit inside a customer that scopes subscriptions. Resources are made by their first subscription.
type Resource struct {
	ID         string
	CustomerID string // internal
	RefID      string
	CreatedAt  time.Time
	UpdatedAt  time.Time
}

// Archive takes a customer out of use (domain-catalog-provisioning §8.2): running free and trial subscriptions end,
// paid and custom ones only with cancelSubscriptions, else they are CannotDeleteCustomerError. Grants end. Name, email, payment
// data, the request's fingerprint and the stored answers are erased. Archiving twice changes nothing.
func (s *Service) Archive(ctx context.Context, env tenant.ID, ref string, cancelSubscriptions bool) (customer.Customer, error) {
	return tx.Do(ctx, s.db, env, func(st Store, now time.Time) (customer.Customer, error) {
		c, err := st.LockCustomer(ctx, env, ref)
		if err != nil || c.Archived() {
			return c, err
		}
		b := s.open(ctx, st, env, &c, now)
		if err := b.settle(now); err != nil {
			return c, err
		}
		subs, err := b.all()
		if err != nil {
			return c, err
		}
		if !cancelSubscriptions {
			if err := mayArchive(subs); err != nil {
				return c, err
			}
		}
		for _, p := range subs {
			if p.Status.Ended() {
				continue
			}
			ch, err := b.ended(p, ending{reason: subscription.CustomerArchived})
			if err != nil {
				return c, err
			}
			b.write(p, ch)
		}
		if err := b.revokeAll(); err != nil {
			return c, err
		}
		b.touch()
		c.Erase()
		c.ArchivedAt = &now
		st.EraseAnswers(env, c.RefID)
		deleted := c.Event("customer.deleted", nil)
		deleted.At = now
		b.events = append(b.events, deleted)
		b.entitled("", "customer_archived")
		b.save()
		return c, nil
	}, tx.Lock{Kind: tx.Customer, Ref: ref})
}

func mayArchive(subs []*entry) error {
	for _, sub := range subs {
		paying := sub.Status == subscription.Active || sub.Status == subscription.PaymentPending || sub.Status == subscription.NotStarted
		if paying && sub.PricingType != catalog.Free {
			return customer.ErrCannotDelete.Because(
				"The customer has the %s subscription %s. Cancel it first, or archive with cancelSubscriptions=true.",
				sub.PricingType, sub.RefID)
		}
	}
	return nil
}

// Unarchive brings a customer back. What was erased and cancelled stays so. Doing it twice changes nothing.
func (s *Service) Unarchive(ctx context.Context, env tenant.ID, ref string) (customer.Customer, error) {
	return tx.Do(ctx, s.db, env, func(st Store, now time.Time) (customer.Customer, error) {
		c, err := st.LockCustomer(ctx, env, ref)
		if err != nil || !c.Archived() {
			return c, err
		}
		c.ArchivedAt, c.UpdatedAt = nil, now
		c.Version++
		st.UpdateCustomer(env, c)
		st.Append(env, c.Event("customer.unarchived", nil),
			subscription.EntitlementsUpdated(c.RefID, "", "customer_unarchived", c.Version, now))
		return c, nil
	}, tx.Lock{Kind: tx.Customer, Ref: ref})
}

// Update changes a customer partially; an archived one is customer.ErrNotFound.
func (s *Service) Update(ctx context.Context, env tenant.ID, ref string, u customer.Update) (customer.Customer, error) {
	if err := u.Validate(); err != nil {
		return customer.Customer{}, err
	}
	return tx.Do(ctx, s.db, env, func(st Store, now time.Time) (customer.Customer, error) {
		c, err := st.LockCustomer(ctx, env, ref)
		if err != nil {
			return c, err
		}
		if c.Archived() {
			return c, customer.ErrNotFound
		}
		if err := s.settle(ctx, st, env, &c, now); err != nil {
			return c, err
		}
		if err := mayHaveCoupon(ctx, st, env, u.Coupon()); err != nil {
			return c, err
		}
		changed, err := u.Apply(&c, now)
		if err != nil || len(changed) == 0 {
			return c, err
		}
		st.UpdateCustomer(env, c)
		st.Append(env, c.Event("customer.updated", map[string]any{"changed": changed}))
		return c, nil
	}, tx.Lock{Kind: tx.Customer, Ref: ref})
}

// mayHaveCoupon refuses a coupon that cannot be given; "" is none.
func mayHaveCoupon(ctx context.Context, st Store, env tenant.ID, ref string) error {
	if ref == "" {
		return nil
	}
	coupon, err := st.CouponByRef(ctx, env, ref)
	switch {
	case errors.Is(err, catalog.ErrCouponNotFound):
		return catalog.ErrCouponNotFound.At("couponId", "There is no coupon %s.", ref)
	case err == nil && coupon.Status == catalog.Archived:
		return catalog.ErrCouponArchived.At("couponId", "The coupon %s is archived.", ref)
	}
	return err
}
