package provisioning

import (
	"context"
	"time"

	"github.com/purserhq/purser/internal/base/page"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/base/tx"
	"github.com/purserhq/purser/internal/core/customer"
	"github.com/purserhq/purser/internal/core/subscription"
)

// settled runs a read and, when it finds something due for the customer, settles that first and reads again.
func settled[R any](ctx context.Context, s *Service, env tenant.ID, read func(st Store) (R, error), due func(R) (ref string, at *time.Time)) (R, error) {
	for {
		var now time.Time
		out, err := tx.Get(ctx, s.db, env, func(st Store, n time.Time) (R, error) {
			now = n
			return read(st)
		})
		if err != nil {
			return out, err
		}
		ref, at := due(out)
		if at == nil || at.After(now) {
			return out, nil
		}
		if err := s.Settle(ctx, env, ref); err != nil {
			return out, err
		}
	}
}

// Customer returns a customer in its settled state; an archived one only when asked for.
func (s *Service) Customer(ctx context.Context, env tenant.ID, ref string, archived bool) (customer.Customer, error) {
	return settled(ctx, s, env, func(st Store) (customer.Customer, error) {
		c, err := st.CustomerByRef(ctx, env, ref)
		if err == nil && c.Archived() && !archived {
			err = customer.ErrNotFound
		}
		return c, err
	}, func(c customer.Customer) (string, *time.Time) { return c.RefID, c.Due })
}

// Customers lists customers that are not archived.
func (s *Service) Customers(ctx context.Context, env tenant.ID, f customer.Filter, p page.Request) (page.Of[customer.Customer], error) {
	return tx.Get(ctx, s.db, env, func(st Store, _ time.Time) (page.Of[customer.Customer], error) {
		return st.ListCustomers(ctx, env, f, p)
	})
}

// Resources lists the resources of a customer; one that is archived is customer.ErrNotFound.
func (s *Service) Resources(ctx context.Context, env tenant.ID, ref string, p page.Request) (page.Of[Resource], error) {
	return tx.Get(ctx, s.db, env, func(st Store, _ time.Time) (page.Of[Resource], error) {
		c, err := st.CustomerByRef(ctx, env, ref)
		if err == nil && c.Archived() {
			err = customer.ErrNotFound
		}
		if err != nil {
			return page.Of[Resource]{}, err
		}
		return st.ListResources(ctx, env, c.ID, p)
	})
}

// View is a subscription and the instant at which it was looked at.
type View struct {
	subscription.Subscription
	At time.Time
}

// Subscription returns a subscription in its settled state.
func (s *Service) Subscription(ctx context.Context, env tenant.ID, ref string) (View, error) {
	var at time.Time
	sub, err := settled(ctx, s, env, func(st Store) (subscription.Subscription, error) {
		at = st.Now()
		return st.SubscriptionByRef(ctx, env, ref)
	}, func(sub subscription.Subscription) (string, *time.Time) { return sub.CustomerRef, sub.Due })
	return View{sub, at}, err
}

// Subscriptions lists subscriptions of all statuses. A status may lag behind what is due by as long as the timers job
// takes (contract §1.7).
func (s *Service) Subscriptions(ctx context.Context, env tenant.ID, f subscription.Filter, p page.Request) (page.Of[subscription.Subscription], time.Time, error) {
	var at time.Time
	out, err := tx.Get(ctx, s.db, env, func(st Store, now time.Time) (page.Of[subscription.Subscription], error) {
		at = now
		return st.ListSubscriptions(ctx, env, f, p)
	})
	return out, at, err
}
