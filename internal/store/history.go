package store

import (
	"context"
	"slices"

	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/event"
)

// SubscriptionEvents implements provisioning.Store. Pruning leaves them alone.
func (t *Tx) SubscriptionEvents(ctx context.Context, env tenant.ID, ref string, limit int) ([]event.Event, error) {
	list, err := all(ctx, t, scanEvent, `
		select position, environment, type, entity_type, entity_id, version, customer, at, recorded_at, actor_type, actor_id, payload
		from events where environment = $1 and entity_type = 'subscription' and entity_id = $2
		order by position desc limit $3`, env, ref, limit)
	slices.Reverse(list)
	return list, err
}
