package store

import (
	"context"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/page"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/catalog"
)

var _ = constraint("features_ref", "features.environment, features.ref_id",
	errs.Duplicated.At("id", "There is a feature with this id already."))

const selectFeature = `
	select f.id, f.ref_id, f.display_name, f.description, f.feature_type, f.meter_type, f.status, f.units, f.units_plural,
		f.enum_configuration, f.unit_transformation, f.meter, f.metadata, f.version, f.created_at, f.updated_at,
		f.scale, f.meter_version
	from features f`

func scanFeature(r rows) (catalog.Feature, error) {
	f := catalog.Feature{Metadata: map[string]string{}}
	err := r.Scan(&f.ID, &f.RefID, &f.DisplayName, &f.Description, &f.Type, &f.MeterType, &f.Status, &f.Units,
		&f.UnitsPlural, fromJSON{&f.EnumValues}, fromJSON{&f.Transformation}, fromJSON{&f.Meter}, fromJSON{&f.Metadata}, &f.Version, at{&f.CreatedAt}, at{&f.UpdatedAt},
		&f.Scale, &f.MeterVersion)
	return f, err
}

const featureByRef = selectFeature + ` where f.environment = $1 and f.ref_id = $2`

// FeatureByRef reads a feature.
func (t *Tx) FeatureByRef(ctx context.Context, env tenant.ID, ref string) (catalog.Feature, error) {
	return first(ctx, t, catalog.ErrFeatureNotFound, scanFeature, featureByRef, env, ref)
}

// LockFeature reads a feature now and holds its row.
func (t *Tx) LockFeature(ctx context.Context, env tenant.ID, ref string) (catalog.Feature, error) {
	return first(ctx, t, catalog.ErrFeatureNotFound, scanFeature, featureByRef+t.db.dialect().forUpdate(), env, ref)
}

// LockFeatures locks those of the features that exist, in the order of their internal ids.
func (t *Tx) LockFeatures(ctx context.Context, env tenant.ID, refs []string) ([]catalog.Feature, error) {
	q := newList("features", "f", env)
	q.in("f.ref_id", refs)
	return all(ctx, t, scanFeature, selectFeature+q.clause()+" order by f.id"+t.db.dialect().forUpdate(), q.args...)
}

// ListFeatures reads a page of features.
func (t *Tx) ListFeatures(ctx context.Context, env tenant.ID, f catalog.FeatureFilter, r page.Request) (page.Of[catalog.Feature], error) {
	q := newList("features", "f", env)
	q.ref("f.ref_id", f.ID)
	q.within("f.created_at", f.Created)
	q.status("f.status", f.Status, catalog.FeatureSuspended)
	q.in("f.feature_type", f.Types)
	q.in("f.meter_type", f.Meters)
	return listPage(ctx, t, q, r, selectFeature, scanFeature, func(f catalog.Feature) string { return f.ID })
}

// InsertFeature queues a new feature.
func (t *Tx) InsertFeature(env tenant.ID, f catalog.Feature) {
	t.exec(`
		insert into features (environment, id, ref_id, display_name, description, feature_type, meter_type, status, units,
			units_plural, enum_configuration, unit_transformation, meter, metadata, version, created_at, updated_at, scale, meter_version)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)`,
		env, f.ID, f.RefID, f.DisplayName, f.Description, f.Type, f.MeterType, f.Status, f.Units,
		f.UnitsPlural, asJSON(f.EnumValues), asJSON(f.Transformation), asJSON(f.Meter), asJSON(f.Metadata), f.Version,
		stamp(f.CreatedAt), stamp(f.UpdatedAt), f.Scale, f.MeterVersion)
}

// UpdateFeature queues a change of a locked feature. Its types never change.
func (t *Tx) UpdateFeature(env tenant.ID, f catalog.Feature) {
	t.expect(1, catalog.ErrFeatureNotFound, `
		update features set display_name = $3, description = $4, status = $5, units = $6, units_plural = $7, metadata = $8,
			version = $9, updated_at = $10, enum_configuration = $11, unit_transformation = $12, meter = $13,
			meter_version = $14
		where environment = $1 and id = $2`,
		env, f.ID, f.DisplayName, f.Description, f.Status, f.Units, f.UnitsPlural, asJSON(f.Metadata),
		f.Version, stamp(f.UpdatedAt), asJSON(f.EnumValues), asJSON(f.Transformation), asJSON(f.Meter), f.MeterVersion)
}
