package store

import (
	"context"
	"slices"
	"time"

	"github.com/purserhq/purser/internal/base/clock"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/catalog"
)

// FeatureUses implements catalog.Store.
func (t *Tx) FeatureUses(ctx context.Context, env tenant.ID, featureID string) (catalog.FeatureUses, error) {
	var u catalog.FeatureUses
	err := t.each(ctx, func(r rows) error {
		var kind, ref string
		var inUse bool
		var values []string
		err := r.Scan(&kind, &ref, &inUse, fromJSON{&values})
		if name := catalog.Kind(kind).Word() + " " + ref; inUse && !slices.Contains(u.Packages, name) {
			u.Packages = append(u.Packages, name)
		}
		u.EnumValues = append(u.EnumValues, values...)
		return err
	}, `
		select k.kind, k.ref_id, k.status <> 'ARCHIVED' and (v.is_latest or v.status = 'DRAFT'), e.enum_values
		from package_entitlements e
		join package_versions v on v.environment = e.environment and v.id = e.version_id
		join packages k on k.environment = v.environment and k.id = v.package_id
		where e.environment = $1 and e.feature_id = $2`, env, featureID)
	if err != nil {
		return u, err
	}
	err = t.each(ctx, func(r rows) error {
		var kind, ref, status string
		var inUse bool
		err := r.Scan(&kind, &ref, &inUse, &status)
		if name := catalog.Kind(kind).Word() + " " + ref; inUse && !slices.Contains(u.Packages, name) {
			u.Packages = append(u.Packages, name)
		}
		u.Charged = u.Charged || status == catalog.Published
		return err
	}, `
		select distinct k.kind, k.ref_id, k.status <> 'ARCHIVED' and (v.is_latest or v.status = 'DRAFT'), v.status
		from prices c
		join package_versions v on v.environment = c.environment and v.id = c.version_id
		join packages k on k.environment = v.environment and k.id = v.package_id
		where c.environment = $1 and c.feature_id = $2`, env, featureID)
	slices.Sort(u.Packages)
	slices.Sort(u.EnumValues)
	u.EnumValues = slices.Compact(u.EnumValues)
	return u, err
}

// LockLinkedDrafts implements catalog.Store.
func (t *Tx) LockLinkedDrafts(ctx context.Context, env tenant.ID, groupRef string, featureRefs []string) ([]catalog.Package, error) {
	if len(featureRefs) == 0 {
		return nil, nil
	}
	q := newList("package_entitlements", "e", env)
	q.in("f.ref_id", featureRefs)
	// _ matches too much in a pattern; whoever unlinks looks closer.
	q.and(`cast(e.feature_groups as text) like ?`, `%"`+groupRef+`"%`)
	linked := `
		from package_entitlements e
		join features f on f.environment = e.environment and f.id = e.feature_id
		join package_versions v on v.environment = e.environment and v.id = e.version_id and v.status = 'DRAFT'
		join packages k on k.environment = v.environment and k.id = v.package_id` + q.clause()
	err := t.each(ctx, func(rows) error { return nil }, `
		select p.id from products p where p.environment = $1 and p.id in (select k.product_id`+linked+`) order by p.id`+t.db.dialect().forUpdate(), q.args...)
	if err != nil {
		return nil, err
	}
	list, err := all(ctx, t, scanPackage, selectPackage+`
		where k.environment = $1 and k.id in (select v.package_id`+linked+`) order by k.id`, q.args...)
	if err != nil {
		return nil, err
	}
	return list, t.fillPackages(ctx, env, list)
}

// CheckedFeatures implements catalog.Store.
func (t *Tx) CheckedFeatures(ctx context.Context, env tenant.ID, refs []string, d time.Duration) ([]string, error) {
	var list []string
	for chunk := range slices.Chunk(refs, fillChunk) {
		q := newList("feature_checks", "k", env)
		q.in("k.feature_ref", chunk)
		q.and("k.checked_at >= ?", stamp(t.db.clock.Now().Add(-d)))
		found, err := all(ctx, t, func(r rows) (ref string, err error) {
			err = r.Scan(&ref)
			return ref, err
		}, `select k.feature_ref from feature_checks k`+q.clause(), q.args...)
		if err != nil {
			return nil, err
		}
		list = append(list, found...)
	}
	return list, nil
}

// MarkChecked queues that features were checked today. Ids that nothing has are left out by the caller.
func (t *Tx) MarkChecked(env tenant.ID, refs []string) {
	today := clock.Trim(t.db.clock.Now()).Truncate(24 * time.Hour)
	for _, ref := range refs {
		t.exec(`
			insert into feature_checks (environment, feature_ref, checked_at) values ($1, $2, $3)
			on conflict (environment, feature_ref) do update set checked_at = excluded.checked_at
			where feature_checks.checked_at < excluded.checked_at`, env, ref, stamp(today))
	}
}
