package store

import (
	"context"
	"slices"
	"time"

	"github.com/purserhq/purser/internal/base/page"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/promotion"
)

const selectPromotion = `
	select g.id, g.customer_id, c.ref_id, g.feature_id, f.ref_id, cast(g.details as text), g.period, g.start_date, g.end_date, g.ended_at,
		g.version, g.created_at, g.updated_at
	from promotional_entitlements g
	join customers c on c.environment = g.environment and c.id = g.customer_id
	join features f on f.environment = g.environment and f.id = g.feature_id`

// hasPromotions is a column: whether promotions of the customer c run.
const hasPromotions = `
	exists (select 1 from promotional_entitlements g where g.environment = c.environment and g.customer_id = c.id and g.ended_at is null)`

func scanPromotion(r rows) (promotion.Promotion, error) {
	var p promotion.Promotion
	err := r.Scan(&p.ID, &p.CustomerID, &p.CustomerRef, &p.FeatureID, &p.FeatureRef, fromJSON{&p.Details}, &p.Period,
		at{&p.StartDate}, nullTime{&p.EndDate}, nullTime{&p.EndedAt}, &p.Version, at{&p.CreatedAt}, at{&p.UpdatedAt})
	return p, err
}

// RunningPromotions implements promotion.Store.
func (t *Tx) RunningPromotions(ctx context.Context, env tenant.ID, customerID string) ([]promotion.Promotion, error) {
	return all(ctx, t, scanPromotion, selectPromotion+`
		where g.environment = $1 and g.customer_id = $2 and g.ended_at is null order by g.id`, env, customerID)
}

// ListPromotions implements promotion.Store. A cursor belongs to the list of one customer.
func (t *Tx) ListPromotions(ctx context.Context, env tenant.ID, customerID string, f promotion.Filter, now time.Time, p page.Request) (page.Of[promotion.Promotion], error) {
	q := newList("promotional_entitlements", "g", env)
	q.and(`g.customer_id = ?`, customerID)
	q.among, q.amongArgs = ` and customer_id = $3`, []any{customerID}
	q.within("g.created_at", f.Created)
	active, expired := slices.Contains(f.Statuses, promotion.Active), slices.Contains(f.Statuses, promotion.Expired)
	switch {
	case len(f.Statuses) == 0 || active && expired:
	case active:
		q.and(`g.ended_at is null and (g.end_date is null or g.end_date > ?)`, stamp(now))
	case expired:
		q.and(`(g.ended_at is not null or g.end_date <= ?)`, stamp(now))
	default:
		q.and(`1 = 0`)
	}
	return listPage(ctx, t, q, p, selectPromotion, scanPromotion, func(p promotion.Promotion) string { return p.ID })
}

// InsertPromotion implements promotion.Store.
func (t *Tx) InsertPromotion(env tenant.ID, p promotion.Promotion) {
	t.exec(`
		insert into promotional_entitlements (environment, id, customer_id, feature_id, details, period, start_date, end_date, ended_at,
			version, created_at, updated_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		env, p.ID, p.CustomerID, p.FeatureID, asJSON(p.Details), p.Period, stamp(p.StartDate), nullStamp(p.EndDate), nullStamp(p.EndedAt),
		p.Version, stamp(p.CreatedAt), stamp(p.UpdatedAt))
}

// UpdatePromotion implements promotion.Store. Whose it is, of what, and since when never change.
func (t *Tx) UpdatePromotion(env tenant.ID, p promotion.Promotion) {
	t.expect(1, promotion.ErrNotFound, `
		update promotional_entitlements set details = $3, period = $4, end_date = $5, ended_at = $6, version = $7, updated_at = $8
		where environment = $1 and id = $2`,
		env, p.ID, asJSON(p.Details), p.Period, nullStamp(p.EndDate), nullStamp(p.EndedAt), p.Version, stamp(p.UpdatedAt))
}
