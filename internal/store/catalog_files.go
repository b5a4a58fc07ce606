package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/event"
)

// LockCatalog implements catalog.Store. The order is that of all who lock more than one: products, groups, features.
func (t *Tx) LockCatalog(ctx context.Context, env tenant.ID) error {
	for _, table := range []string{"products", "feature_groups", "features", "coupons"} {
		err := t.each(ctx, func(rows) error { return nil },
			`select id from `+table+` where environment = $1 order by id`+t.db.dialect().forUpdate(), env)
		if err != nil {
			return err
		}
	}
	return nil
}

// WholeCatalog implements catalog.Store.
func (t *Tx) WholeCatalog(ctx context.Context, env tenant.ID) (w catalog.Whole, err error) {
	if w.Products, err = all(ctx, t, scanProduct, selectProduct+` where p.environment = $1 order by p.id`, env); err != nil {
		return w, err
	}
	if w.Features, err = all(ctx, t, scanFeature, selectFeature+` where f.environment = $1 order by f.id`, env); err != nil {
		return w, err
	}
	if w.Groups, err = all(ctx, t, scanGroup, selectGroup+` where g.environment = $1 order by g.id`, env); err != nil {
		return w, err
	}
	if err = t.fillGroups(ctx, env, w.Groups); err != nil {
		return w, err
	}
	if w.Coupons, err = all(ctx, t, scanCoupon, selectCoupon+` where c.environment = $1 order by c.id`, env); err != nil {
		return w, err
	}
	w.Packages, err = t.allPackages(ctx, env, "(v.is_latest or v.status = 'DRAFT')")
	return w, err
}

// allPackages reads every package of an environment with some of its versions.
func (t *Tx) allPackages(ctx context.Context, env tenant.ID, versions string) ([]catalog.Package, error) {
	q := newPackages(env, "")
	list, err := all(ctx, t, scanPackage, selectPackage+q.clause()+` order by k.id`, q.args...)
	if err != nil {
		return nil, err
	}
	q = newList("package_versions", "v", env)
	q.and(versions)
	found, err := t.versions(ctx, q)
	if err != nil {
		return nil, err
	}
	byID := make(map[string]*catalog.Package, len(list))
	for i := range list {
		byID[list[i].ID] = &list[i]
	}
	attach(byID, found)
	return list, nil
}

// AppliedFile implements catalog.Store.
func (t *Tx) AppliedFile(ctx context.Context, env tenant.ID) (*catalog.File, error) {
	var f *catalog.File
	err := t.each(ctx, func(r rows) error {
		var content string
		if err := r.Scan(&content); err != nil {
			return err
		}
		f = &catalog.File{}
		return json.Unmarshal([]byte(content), f)
	}, `select content from catalog_files where environment = $1`, env)
	return f, err
}

// SaveAppliedFile implements catalog.Store.
func (t *Tx) SaveAppliedFile(env tenant.ID, f catalog.File, at time.Time, by event.Actor) {
	content, err := json.Marshal(f)
	if err != nil {
		panic(fmt.Sprintf("store: a catalog file: %v", err)) // plain values: it cannot happen
	}
	t.exec(`
		insert into catalog_files (environment, fingerprint, content, applied_at, applied_by_type, applied_by)
		values ($1, $2, $3, $4, $5, $6)
		on conflict (environment) do update set fingerprint = excluded.fingerprint, content = excluded.content,
			applied_at = excluded.applied_at, applied_by_type = excluded.applied_by_type, applied_by = excluded.applied_by`,
		env, f.Print(), string(content), stamp(at), by.Type, by.ID)
}
