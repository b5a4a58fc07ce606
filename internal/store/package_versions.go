package store

import (
	"context"

	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/catalog"
)

const selectVersion = `
	select v.id, v.package_id, v.version_number, v.status, v.is_latest, v.display_name, v.description, v.pricing_type,
		v.default_trial, v.created_at, v.updated_at, v.published_at
	from package_versions v`

func scanVersion(r rows) (catalog.Version, error) {
	var v catalog.Version
	var pricing *string
	err := r.Scan(&v.ID, &v.PlanID, &v.Number, &v.Status, &v.IsLatest, &v.DisplayName, &v.Description, &pricing,
		fromJSON{&v.Trial}, at{&v.CreatedAt}, at{&v.UpdatedAt}, nullTime{&v.PublishedAt})
	if pricing != nil {
		v.PricingType = *pricing
	}
	return v, err
}

// versions reads versions with their entitlements and prices. q may speak of v only.
func (t *Tx) versions(ctx context.Context, q *listQuery) ([]catalog.Version, error) {
	list, err := all(ctx, t, scanVersion, selectVersion+q.clause()+" order by v.id", q.args...)
	if err != nil || len(list) == 0 {
		return list, err
	}
	byID := make(map[string]*catalog.Version, len(list))
	for i := range list {
		byID[list[i].ID] = &list[i]
	}
	err = t.each(ctx, func(r rows) error {
		id, e, err := scanEntitlement(r)
		if v := byID[id]; v != nil {
			v.Entitlements = append(v.Entitlements, e)
		}
		return err
	}, selectEntitlement+q.clause(), q.args...)
	if err != nil {
		return nil, err
	}
	err = t.each(ctx, func(r rows) error {
		id, p, err := scanPrice(r)
		if v := byID[id]; v != nil {
			v.Prices = append(v.Prices, p)
		}
		return err
	}, selectPrice+q.clause()+" order by c.id", q.args...)
	for i := range list {
		catalog.SortEntitlements(list[i].Entitlements)
	}
	return list, err
}

// PlanVersion reads one version of a plan, any of them. Published ones never change.
func (t *Tx) PlanVersion(ctx context.Context, env tenant.ID, versionID string) (catalog.Version, error) {
	q := newList("package_versions", "v", env)
	q.and("v.id = ?", versionID)
	list, err := t.versions(ctx, q)
	if err == nil && len(list) == 0 {
		err = catalog.ErrPlanNotFound
	}
	if err != nil {
		return catalog.Version{}, err
	}
	return list[0], nil
}

// InsertVersion queues a new version with its entitlements and prices.
func (t *Tx) InsertVersion(env tenant.ID, v catalog.Version) {
	t.exec(`
		insert into package_versions (environment, id, package_id, version_number, status, is_latest, display_name,
			description, pricing_type, default_trial, created_at, updated_at, published_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
		env, v.ID, v.PlanID, v.Number, v.Status, v.IsLatest, v.DisplayName,
		v.Description, nullText(v.PricingType), asJSON(v.Trial), stamp(v.CreatedAt), stamp(v.UpdatedAt), nullStamp(v.PublishedAt))
	for _, e := range v.Entitlements {
		t.InsertEntitlement(env, v.ID, e)
	}
	t.insertPrices(env, v.ID, v.Prices)
}

// UpdateVersion queues a change of a version's own row.
func (t *Tx) UpdateVersion(env tenant.ID, v catalog.Version) {
	t.expect(1, catalog.ErrPlanNotFound, `
		update package_versions set status = $3, is_latest = $4, display_name = $5, description = $6, pricing_type = $7,
			default_trial = $8, updated_at = $9, published_at = $10
		where environment = $1 and id = $2`,
		env, v.ID, v.Status, v.IsLatest, v.DisplayName, v.Description, nullText(v.PricingType),
		asJSON(v.Trial), stamp(v.UpdatedAt), nullStamp(v.PublishedAt))
}

// DeleteVersion queues the removal of a draft.
func (t *Tx) DeleteVersion(env tenant.ID, v catalog.Version) {
	t.exec(`delete from package_entitlements where environment = $1 and version_id = $2`, env, v.ID)
	t.exec(`delete from prices where environment = $1 and version_id = $2`, env, v.ID)
	t.expect(1, catalog.ErrNoDraft, `
		delete from package_versions where environment = $1 and id = $2 and status = 'DRAFT'`, env, v.ID)
}

const selectPrice = `
	select c.version_id, c.id, c.billing_model, c.billing_cadence, c.billing_period, c.billing_country, c.amount, c.currency,
		c.created_at
	from prices c join package_versions v on v.environment = c.environment and v.id = c.version_id`

func scanPrice(r rows) (versionID string, p catalog.Price, err error) {
	err = r.Scan(&versionID, &p.ID, &p.BillingModel, &p.BillingCadence, &p.BillingPeriod, &p.Country, &p.Price.Amount,
		&p.Price.Currency, at{&p.CreatedAt})
	return versionID, p, err
}

// ReplacePrices queues new prices for a draft in place of its old ones.
func (t *Tx) ReplacePrices(env tenant.ID, versionID string, prices []catalog.Price) {
	t.exec(`delete from prices where environment = $1 and version_id = $2`, env, versionID)
	t.insertPrices(env, versionID, prices)
}

func (t *Tx) insertPrices(env tenant.ID, versionID string, prices []catalog.Price) {
	for _, p := range prices {
		t.exec(`
			insert into prices (environment, id, version_id, billing_model, billing_cadence, billing_period, billing_country,
				amount, currency, created_at)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
			env, p.ID, versionID, p.BillingModel, p.BillingCadence, p.BillingPeriod, p.Country,
			p.Price.Amount, p.Price.Currency, stamp(p.CreatedAt))
	}
}

// nullText is null for "".
func nullText(s string) any {
	if s == "" {
		return nil
	}
	return s
}
