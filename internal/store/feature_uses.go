package store

import (
	"context"
	"slices"
	"strings"
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

// UnlinkGroup implements catalog.Store.
func (t *Tx) UnlinkGroup(ctx context.Context, env tenant.ID, groupRef string, featureRefs []string) error {
	if len(featureRefs) == 0 {
		return nil
	}
	type link struct {
		version, feature string
		groups           []string
	}
	q := newList("package_entitlements", "e", env)
	q.in("f.ref_id", featureRefs)
	// The letters of a refId need no escape in JSON; _ and % match too much, and the loop looks closer.
	q.and(`cast(e.feature_groups as text) like ?`, `%"`+strings.ReplaceAll(groupRef, "%", "")+`"%`)
	links, err := all(ctx, t, func(r rows) (l link, err error) {
		err = r.Scan(&l.version, &l.feature, fromJSON{&l.groups})
		return l, err
	}, `
		select e.version_id, e.feature_id, e.feature_groups from package_entitlements e
		join features f on f.environment = e.environment and f.id = e.feature_id
		join package_versions v on v.environment = e.environment and v.id = e.version_id and v.status = 'DRAFT'`+q.clause(), q.args...)
	if err != nil {
		return err
	}
	for _, l := range links {
		left := slices.DeleteFunc(l.groups, func(g string) bool { return g == groupRef })
		t.exec(`update package_entitlements set feature_groups = $4 where environment = $1 and version_id = $2 and feature_id = $3`,
			env, l.version, l.feature, asJSON(left))
	}
	return nil
}

// CheckedFeatures implements catalog.Store.
func (t *Tx) CheckedFeatures(ctx context.Context, env tenant.ID, refs []string, d time.Duration) ([]string, error) {
	if len(refs) == 0 {
		return nil, nil
	}
	q := newList("feature_checks", "k", env)
	q.in("k.feature_ref", refs)
	q.and("k.checked_at >= ?", stamp(t.db.clock.Now().Add(-d)))
	return all(ctx, t, func(r rows) (ref string, err error) {
		err = r.Scan(&ref)
		return ref, err
	}, `select k.feature_ref from feature_checks k`+q.clause(), q.args...)
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
