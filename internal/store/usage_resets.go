package store

import (
	"context"
	"time"

	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/subscription"
)

// InsertUsageReset implements provisioning.Store. Instants of usage are µs since 1970.
func (t *Tx) InsertUsageReset(env tenant.ID, r subscription.UsageReset) {
	t.exec(`
		insert into usage_resets (environment, customer_id, resource, product_id, at, anchor, cut)
		values ($1, $2, $3, $4, $5, $6, $7)
		on conflict (environment, customer_id, resource, product_id, at) do nothing`,
		env, r.CustomerID, r.Resource, r.ProductID, r.At.UnixMicro(), r.Former.Anchor.UnixMicro(), r.Former.Cut)
}

// UsageResets implements provisioning.Store.
func (t *Tx) UsageResets(ctx context.Context, env tenant.ID, customerRef, resource string, from, to int64) ([]subscription.UsageReset, error) {
	return all(ctx, t, scanUsageReset, `
		select r.customer_id, r.resource, r.product_id, r.at, r.anchor, r.cut
		from usage_resets r join customers c on c.environment = r.environment and c.id = r.customer_id
		where c.environment = $1 and c.ref_id = $2 and r.resource = $3 and r.at >= $4 and r.at < $5
		order by r.at, r.product_id`, env, customerRef, resource, from, to)
}

func scanUsageReset(r rows) (u subscription.UsageReset, err error) {
	var at, anchor int64
	err = r.Scan(&u.CustomerID, &u.Resource, &u.ProductID, &at, &anchor, &u.Former.Cut)
	u.At, u.Former.Anchor = time.UnixMicro(at).UTC(), time.UnixMicro(anchor).UTC()
	return u, err
}
