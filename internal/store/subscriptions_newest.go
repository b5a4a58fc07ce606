package store

import (
	"context"

	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/subscription"
)

// NewestSubscriptions implements provisioning.Store.
func (t *Tx) NewestSubscriptions(ctx context.Context, env tenant.ID, customerID string, limit int) ([]subscription.Subscription, error) {
	list, err := all(ctx, t, scanSubscription, subscriptionSelect+`
		where s.environment = $1 and s.customer_id = $2 order by s.id desc limit $3`, env, customerID, limit)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return list, t.fillAddons(ctx, env, list)
}
