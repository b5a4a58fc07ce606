package store

import (
	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/money"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/catalog"
)

var _ = constraint("package_entitlements_pkey",
	"package_entitlements.environment, package_entitlements.version_id, package_entitlements.feature_id",
	errs.Duplicated.At("id", "The package has an entitlement to this feature already."))

const selectEntitlement = `
	select e.version_id, e.id, e.feature_id, f.ref_id, e.is_granted, e.usage_limit, e.has_unlimited_usage, e.has_soft_limit,
		e.enum_values, coalesce(e.reset_period, ''), e.reset_configuration, e.behavior, e.is_custom, e.sort_order,
		e.display_name_override, e.description, e.hidden_from_widgets, e.feature_groups, e.created_at, e.updated_at
	from package_entitlements e
	join features f on f.environment = e.environment and f.id = e.feature_id`

func scanEntitlement(r rows) (versionID string, e catalog.Entitlement, err error) {
	e.Type, e.HiddenFromWidgets, e.FeatureGroups = catalog.FeatureEntitlement, []string{}, []string{}
	err = r.Scan(&versionID, &e.ID, &e.FeatureID, &e.FeatureRefID, &e.Granted, &e.UsageLimit, &e.Unlimited, &e.Soft,
		fromJSON{&e.EnumValues}, &e.ResetPeriod, fromJSON{&e.ResetConfiguration}, &e.Behavior, &e.IsCustom, &e.Order,
		&e.DisplayName, &e.Description, fromJSON{&e.HiddenFromWidgets}, fromJSON{&e.FeatureGroups},
		at{&e.CreatedAt}, at{&e.UpdatedAt})
	return versionID, e, err
}

const selectCredits = `
	select e.version_id, e.id, e.currency_ref, e.amount, e.cadence, coalesce(e.dependency_feature, ''), e.is_granted,
		e.has_soft_limit, e.behavior, e.is_custom, e.sort_order, e.display_name_override, e.description, e.hidden_from_widgets,
		e.created_at, e.updated_at
	from package_credits e`

func scanCredits(r rows) (versionID string, e catalog.Entitlement, err error) {
	e.Type, e.HiddenFromWidgets, e.FeatureGroups = catalog.CreditEntitlement, []string{}, []string{}
	var amount money.NullDecimal
	err = r.Scan(&versionID, &e.ID, &e.CurrencyID, &amount, &e.Cadence, &e.DependencyFeature, &e.Granted,
		&e.Soft, &e.Behavior, &e.IsCustom, &e.Order, &e.DisplayName, &e.Description, fromJSON{&e.HiddenFromWidgets},
		at{&e.CreatedAt}, at{&e.UpdatedAt})
	if amount.Valid {
		e.Amount = &amount.Decimal
	}
	return versionID, e, err
}

// InsertEntitlement queues a new row of a draft.
func (t *Tx) InsertEntitlement(env tenant.ID, versionID string, e catalog.Entitlement) {
	if e.Type == catalog.CreditEntitlement {
		t.exec(`
			insert into package_credits (environment, id, version_id, currency_ref, amount, cadence, dependency_feature,
				is_granted, has_soft_limit, behavior, is_custom, sort_order, display_name_override, description,
				hidden_from_widgets, created_at, updated_at)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`,
			env, e.ID, versionID, e.CurrencyID, decimalOrNull(e.Amount), e.Cadence, nullText(e.DependencyFeature),
			e.Granted, e.Soft, e.Behavior, e.IsCustom, e.Order, e.DisplayName, e.Description,
			asJSON(e.HiddenFromWidgets), stamp(e.CreatedAt), stamp(e.UpdatedAt))
		return
	}
	t.exec(`
		insert into package_entitlements (environment, id, version_id, feature_id, is_granted, usage_limit,
			has_unlimited_usage, has_soft_limit, enum_values, reset_period, reset_configuration, behavior, is_custom, sort_order,
			display_name_override, description, hidden_from_widgets, feature_groups, created_at, updated_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)`,
		env, e.ID, versionID, e.FeatureID, e.Granted, e.UsageLimit,
		e.Unlimited, e.Soft, asJSON(e.EnumValues), nullText(e.ResetPeriod), asJSON(e.ResetConfiguration), e.Behavior, e.IsCustom,
		e.Order, e.DisplayName, e.Description, asJSON(e.HiddenFromWidgets), asJSON(e.FeatureGroups),
		stamp(e.CreatedAt), stamp(e.UpdatedAt))
}

// UpdateEntitlement queues a change of a row of a draft.
func (t *Tx) UpdateEntitlement(env tenant.ID, versionID string, e catalog.Entitlement) {
	if e.Type == catalog.CreditEntitlement {
		t.expect(1, catalog.ErrEntitlementNotFound, `
			update package_credits set amount = $4, cadence = $5, dependency_feature = $6, is_granted = $7, has_soft_limit = $8,
				behavior = $9, is_custom = $10, sort_order = $11, display_name_override = $12, description = $13,
				hidden_from_widgets = $14, updated_at = $15
			where environment = $1 and version_id = $2 and currency_ref = $3`,
			env, versionID, e.CurrencyID, decimalOrNull(e.Amount), e.Cadence, nullText(e.DependencyFeature), e.Granted, e.Soft,
			e.Behavior, e.IsCustom, e.Order, e.DisplayName, e.Description, asJSON(e.HiddenFromWidgets), stamp(e.UpdatedAt))
		return
	}
	t.expect(1, catalog.ErrEntitlementNotFound, `
		update package_entitlements set is_granted = $4, usage_limit = $5, has_unlimited_usage = $6, has_soft_limit = $7,
			enum_values = $8, reset_period = $9, reset_configuration = $10, behavior = $11, is_custom = $12, sort_order = $13,
			display_name_override = $14, description = $15, hidden_from_widgets = $16, feature_groups = $17, updated_at = $18
		where environment = $1 and version_id = $2 and feature_id = $3`,
		env, versionID, e.FeatureID, e.Granted, e.UsageLimit, e.Unlimited, e.Soft,
		asJSON(e.EnumValues), nullText(e.ResetPeriod), asJSON(e.ResetConfiguration), e.Behavior, e.IsCustom, e.Order,
		e.DisplayName, e.Description, asJSON(e.HiddenFromWidgets), asJSON(e.FeatureGroups), stamp(e.UpdatedAt))
}

// DeleteEntitlement queues the removal of a row of a draft.
func (t *Tx) DeleteEntitlement(env tenant.ID, versionID string, e catalog.Entitlement) {
	if e.Type == catalog.CreditEntitlement {
		t.expect(1, catalog.ErrEntitlementNotFound, `
			delete from package_credits where environment = $1 and version_id = $2 and currency_ref = $3`,
			env, versionID, e.CurrencyID)
		return
	}
	t.expect(1, catalog.ErrEntitlementNotFound, `
		delete from package_entitlements where environment = $1 and version_id = $2 and feature_id = $3`,
		env, versionID, e.FeatureID)
}

func decimalOrNull(d *money.Decimal) any {
	if d == nil {
		return nil
	}
	return *d
}
