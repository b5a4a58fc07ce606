package store

import (
	"context"
	"slices"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/money"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/catalog"
)

const selectVersion = `
	select v.id, v.package_id, v.version_number, v.status, v.is_latest, v.display_name, v.description,
		coalesce(v.pricing_type, ''), v.default_trial, coalesce(v.parent_ref, ''), v.compatible_addons, v.dependencies,
		v.max_quantity, coalesce(v.overage_period, ''), v.created_at, v.updated_at, v.published_at
	from package_versions v`

func scanVersion(r rows) (catalog.Version, error) {
	v := catalog.Version{Compatible: []string{}, Dependencies: []string{}}
	err := r.Scan(&v.ID, &v.PackageID, &v.Number, &v.Status, &v.IsLatest, &v.DisplayName, &v.Description,
		&v.PricingType, fromJSON{&v.Trial}, &v.ParentID, fromJSON{&v.Compatible}, fromJSON{&v.Dependencies},
		&v.MaxQuantity, &v.OveragePeriod, at{&v.CreatedAt}, at{&v.UpdatedAt}, nullTime{&v.PublishedAt})
	return v, err
}

// versions reads versions with their entitlements and prices. q may speak of v only.
func (t *Tx) versions(ctx context.Context, q *listQuery) ([]catalog.Version, error) {
	list, err := all(ctx, t, scanVersion, selectVersion+q.clause()+" order by v.id", q.args...)
	if err != nil || len(list) == 0 {
		return list, err
	}
	for chunk := range slices.Chunk(list, fillChunk) {
		if err := t.fillVersions(ctx, q.env, chunk); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// fillVersions reads what versions consist of. By their ids: SQLite would look through all of the environment's rows for a
// join.
func (t *Tx) fillVersions(ctx context.Context, env tenant.ID, list []catalog.Version) error {
	byID := make(map[string]*catalog.Version, len(list))
	ids := make([]string, 0, len(list))
	for i := range list {
		byID[list[i].ID] = &list[i]
		ids = append(ids, list[i].ID)
	}
	for _, part := range []struct {
		text string
		scan func(rows) (string, catalog.Entitlement, error)
	}{{selectEntitlement, scanEntitlement}, {selectCredits, scanCredits}} {
		q := newList("package_entitlements", "e", env)
		q.in("e.version_id", ids)
		err := t.each(ctx, func(r rows) error {
			id, e, err := part.scan(r)
			if v := byID[id]; v != nil {
				v.Entitlements = append(v.Entitlements, e)
			}
			return err
		}, part.text+q.clause(), q.args...)
		if err != nil {
			return err
		}
	}
	q := newList("prices", "c", env)
	q.in("c.version_id", ids)
	err := t.each(ctx, func(r rows) error {
		id, p, err := scanPrice(r)
		if v := byID[id]; v != nil {
			v.Prices = append(v.Prices, p)
		}
		return err
	}, selectPrice+q.clause()+" order by c.id", q.args...)
	for i := range list {
		catalog.SortEntitlements(list[i].Entitlements)
	}
	return err
}

// PackageVersion reads one version of a package, any of them. Published ones never change.
func (t *Tx) PackageVersion(ctx context.Context, env tenant.ID, versionID string) (catalog.Version, error) {
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
			description, pricing_type, default_trial, parent_ref, compatible_addons, dependencies, max_quantity, overage_period,
			created_at, updated_at, published_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)`,
		env, v.ID, v.PackageID, v.Number, v.Status, v.IsLatest, v.DisplayName,
		v.Description, nullText(v.PricingType), asJSON(v.Trial), nullText(v.ParentID), asJSON(v.Compatible),
		asJSON(v.Dependencies), v.MaxQuantity, nullText(v.OveragePeriod),
		stamp(v.CreatedAt), stamp(v.UpdatedAt), nullStamp(v.PublishedAt))
	for _, e := range v.Entitlements {
		t.InsertEntitlement(env, v.ID, e)
	}
	t.insertPrices(env, v.ID, v.Prices)
}

// UpdateVersion queues a change of a version's own row.
func (t *Tx) UpdateVersion(env tenant.ID, v catalog.Version) {
	t.expect(1, catalog.ErrNoDraft, `
		update package_versions set status = $3, is_latest = $4, display_name = $5, description = $6, pricing_type = $7,
			default_trial = $8, updated_at = $9, published_at = $10, parent_ref = $11, compatible_addons = $12, dependencies = $13,
			max_quantity = $14, overage_period = $15
		where environment = $1 and id = $2`,
		env, v.ID, v.Status, v.IsLatest, v.DisplayName, v.Description, nullText(v.PricingType),
		asJSON(v.Trial), stamp(v.UpdatedAt), nullStamp(v.PublishedAt), nullText(v.ParentID), asJSON(v.Compatible),
		asJSON(v.Dependencies), v.MaxQuantity, nullText(v.OveragePeriod))
}

// DeleteVersion queues the removal of a draft.
func (t *Tx) DeleteVersion(env tenant.ID, v catalog.Version) {
	t.exec(`delete from package_entitlements where environment = $1 and version_id = $2`, env, v.ID)
	t.exec(`delete from package_credits where environment = $1 and version_id = $2`, env, v.ID)
	t.exec(`delete from prices where environment = $1 and version_id = $2`, env, v.ID)
	t.expect(1, catalog.ErrNoDraft, `
		delete from package_versions where environment = $1 and id = $2 and status = 'DRAFT'`, env, v.ID)
}

var _ = constraint("prices_once",
	"prices.environment, prices.version_id, prices.is_overage, prices.billing_model, prices.billing_cadence, prices.feature_id, "+
		"prices.top_up_currency, prices.billing_period, prices.billing_country",
	errs.Duplicated.At("charges", "A charge has two prices for one period and country."))

const selectPrice = `
	select c.version_id, c.id, c.is_overage, c.billing_model, c.billing_cadence, c.billing_period, c.billing_country,
		c.feature_id, coalesce(f.ref_id, ''), c.amount, coalesce(c.currency, ''), coalesce(c.tiers_mode, ''), c.tiers, c.block_size,
		c.min_quantity, c.max_quantity, c.credit_rate, coalesce(c.grant_cadence, ''), c.top_up_currency,
		coalesce(c.reset_period, ''), c.reset_configuration, c.created_at
	from prices c
	left join features f on f.environment = c.environment and f.id = c.feature_id`

func scanPrice(r rows) (versionID string, p catalog.Price, err error) {
	var amount money.NullDecimal
	var currency string
	err = r.Scan(&versionID, &p.ID, &p.Overage, &p.BillingModel, &p.BillingCadence, &p.BillingPeriod, &p.Country,
		&p.FeatureID, &p.FeatureRefID, &amount, &currency, &p.TiersMode, fromJSON{&p.Tiers}, &p.BlockSize,
		&p.MinQuantity, &p.MaxQuantity, fromJSON{&p.CreditRate}, &p.GrantCadence, &p.TopUpCurrency,
		&p.ResetPeriod, fromJSON{&p.Reset}, at{&p.CreatedAt})
	if amount.Valid {
		p.Price = &money.Money{Amount: amount.Decimal, Currency: money.Currency(currency)}
	}
	return versionID, p, err
}

// ReplacePrices queues new prices for a draft in place of its old ones.
func (t *Tx) ReplacePrices(env tenant.ID, versionID string, prices []catalog.Price) {
	t.exec(`delete from prices where environment = $1 and version_id = $2`, env, versionID)
	t.insertPrices(env, versionID, prices)
}

func (t *Tx) insertPrices(env tenant.ID, versionID string, prices []catalog.Price) {
	for i := range prices {
		p := &prices[i]
		var amount any
		if p.Price != nil {
			amount = p.Price.Amount
		}
		t.exec(`
			insert into prices (environment, id, version_id, is_overage, billing_model, billing_cadence, billing_period,
				billing_country, feature_id, amount, currency, tiers_mode, tiers, block_size, min_quantity, max_quantity,
				credit_rate, grant_cadence, top_up_currency, reset_period, reset_configuration, created_at)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)`,
			env, p.ID, versionID, p.Overage, p.BillingModel, p.BillingCadence, p.BillingPeriod, p.Country,
			p.FeatureID, amount, nullText(string(p.Currency())), nullText(p.TiersMode), asJSON(p.Tiers), p.BlockSize,
			p.MinQuantity, p.MaxQuantity, asJSON(p.CreditRate), nullText(p.GrantCadence), p.TopUpCurrency,
			nullText(p.ResetPeriod), asJSON(p.Reset), stamp(p.CreatedAt))
	}
}

// nullText is null for "".
func nullText(s string) any {
	if s == "" {
		return nil
	}
	return s
}
