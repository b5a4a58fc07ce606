package store

import (
	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/catalog"
)

var _ = constraint("package_entitlements_pkey",
	"package_entitlements.environment, package_entitlements.version_id, package_entitlements.feature_id",
	errs.Duplicated.At("id", "The plan has an entitlement to this feature already."))

const selectEntitlement = `
	select e.version_id, e.id, e.feature_id, f.ref_id, e.is_granted, e.usage_limit, e.has_unlimited_usage, e.has_soft_limit,
		e.reset_period, e.reset_configuration, e.behavior, e.is_custom, e.sort_order, e.display_name_override, e.description,
		e.hidden_from_widgets, e.created_at, e.updated_at
	from package_entitlements e
	join package_versions v on v.environment = e.environment and v.id = e.version_id
	join features f on f.environment = e.environment and f.id = e.feature_id`

func scanEntitlement(r rows) (versionID string, e catalog.Entitlement, err error) {
	e.HiddenFromWidgets = []string{}
	var reset *string
	err = r.Scan(&versionID, &e.ID, &e.FeatureID, &e.FeatureRefID, &e.Granted, &e.UsageLimit, &e.Unlimited, &e.Soft,
		&reset, fromJSON{&e.ResetConfiguration}, &e.Behavior, &e.IsCustom, &e.Order, &e.DisplayName, &e.Description,
		fromJSON{&e.HiddenFromWidgets}, at{&e.CreatedAt}, at{&e.UpdatedAt})
	if reset != nil {
		e.ResetPeriod = *reset
	}
	return versionID, e, err
}

// InsertEntitlement queues a new row of a draft.
func (t *Tx) InsertEntitlement(env tenant.ID, versionID string, e catalog.Entitlement) {
	t.exec(`
		insert into package_entitlements (environment, id, version_id, feature_id, is_granted, usage_limit,
			has_unlimited_usage, has_soft_limit, reset_period, reset_configuration, behavior, is_custom, sort_order,
			display_name_override, description, hidden_from_widgets, created_at, updated_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)`,
		env, e.ID, versionID, e.FeatureID, e.Granted, e.UsageLimit,
		e.Unlimited, e.Soft, nullText(e.ResetPeriod), asJSON(e.ResetConfiguration), e.Behavior, e.IsCustom, e.Order,
		e.DisplayName, e.Description, asJSON(e.HiddenFromWidgets), stamp(e.CreatedAt), stamp(e.UpdatedAt))
}

// UpdateEntitlement queues a change of a row of a draft.
func (t *Tx) UpdateEntitlement(env tenant.ID, versionID string, e catalog.Entitlement) {
	t.expect(1, catalog.ErrEntitlementNotFound, `
		update package_entitlements set is_granted = $4, usage_limit = $5, has_unlimited_usage = $6, has_soft_limit = $7,
			reset_period = $8, reset_configuration = $9, behavior = $10, is_custom = $11, sort_order = $12,
			display_name_override = $13, description = $14, hidden_from_widgets = $15, updated_at = $16
		where environment = $1 and version_id = $2 and feature_id = $3`,
		env, versionID, e.FeatureID, e.Granted, e.UsageLimit, e.Unlimited, e.Soft,
		nullText(e.ResetPeriod), asJSON(e.ResetConfiguration), e.Behavior, e.IsCustom, e.Order,
		e.DisplayName, e.Description, asJSON(e.HiddenFromWidgets), stamp(e.UpdatedAt))
}

// DeleteEntitlement queues the removal of a row of a draft.
func (t *Tx) DeleteEntitlement(env tenant.ID, versionID, featureID string) {
	t.expect(1, catalog.ErrEntitlementNotFound, `
		delete from package_entitlements where environment = $1 and version_id = $2 and feature_id = $3`,
		env, versionID, featureID)
}
