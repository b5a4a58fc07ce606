package store

import (
	"context"
	"slices"
	"time"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/catalog"
)

// Catalog returns the environment's catalog: from memory as long as nothing was published, else read once and kept. It
// is as old as the transaction's first round trip, or newer. A transaction that changed the catalog sees its change.
func (t *Tx) Catalog(ctx context.Context, env tenant.ID) (*catalog.Snapshot, error) {
	if t.catalog || env != t.env {
		return t.loadCatalog(ctx, env, 0)
	}
	version := t.head.catalogVersion
	if s := t.db.catalogs.get(env, version); s != nil {
		return s, nil
	}
	for range catalogAttempts {
		s, err := t.loadCatalog(ctx, env, version)
		if err != nil {
			return nil, err
		}
		// On PostgreSQL each query of a write sees what was committed until then. An unchanged version says that they
		// all saw the same catalog. A second connection with a snapshot of its own could wait for the first for ever.
		before := version
		if err := t.one(ctx, errNoEnvironment, []any{&version}, catalogVersionSQL, env); err != nil {
			return nil, err
		}
		if version == before {
			t.db.catalogs.put(env, s)
			return s, nil
		}
	}
	return nil, errCatalogBusy
}

// catalogAttempts bounds how often a catalog is read again that changes while it is read.
const catalogAttempts = 50

const catalogVersionSQL = `select catalog_version from environments where id = $1`

var errCatalogBusy = errs.ServiceUnavailable.Because("The catalog is changing. Try again.").After(time.Second)

// loadCatalog reads all products, features and packages, and of each package the published version. What the snapshot
// before has already is not read again: a feature or package with the same version number, and every published version,
// since those never change.
func (t *Tx) loadCatalog(ctx context.Context, env tenant.ID, version int64) (*catalog.Snapshot, error) {
	old := t.db.catalogs.newest(env)
	if old == nil {
		old = catalog.NewSnapshot(0, nil, nil, nil)
	}
	products, err := all(ctx, t, scanProduct, selectProduct+` where p.environment = $1`, env)
	if err != nil {
		return nil, err
	}
	features, err := renewed(ctx, t, newList("features", "f", env), `select f.id, f.version from features f`,
		func(id string, version int64) (f *catalog.Feature) {
			if known, ok := old.FeatureByID(id); ok && known.Version == version {
				f = known
			}
			return f
		},
		func(q *listQuery) ([]catalog.Feature, error) {
			return all(ctx, t, scanFeature, selectFeature+q.clause(), q.args...)
		})
	if err != nil {
		return nil, err
	}
	packages, err := renewed(ctx, t, newPackages(env, ""), `select k.id, k.version from packages k`,
		func(id string, version int64) (p *catalog.Package) {
			if known, ok := old.PackageByID(id); ok && known.Version == version {
				p = known
			}
			return p
		},
		func(q *listQuery) ([]catalog.Package, error) {
			return all(ctx, t, scanPackage, selectPackage+q.clause(), q.args...)
		})
	if err != nil {
		return nil, err
	}
	latest := newList("package_versions", "v", env)
	latest.and("v.is_latest")
	versions, err := renewed(ctx, t, latest, `select v.id, 0 from package_versions v`,
		func(id string, _ int64) (v *catalog.Version) { v, _ = old.VersionByID(id); return v },
		func(q *listQuery) ([]catalog.Version, error) { return t.versions(ctx, q) })
	if err != nil {
		return nil, err
	}
	byID := make(map[string]*catalog.Package, len(packages))
	for i := range packages {
		packages[i].Latest = nil
		byID[packages[i].ID] = &packages[i]
	}
	attach(byID, versions)
	return catalog.NewSnapshot(version, products, features, packages), nil
}

// renewed reads the rows of a query: known ones are copied, the others are read whole.
func renewed[T any](ctx context.Context, t *Tx, q *listQuery, heads string, known func(id string, version int64) *T, load func(*listQuery) ([]T, error)) ([]T, error) {
	var list []T
	var missing []string
	err := t.each(ctx, func(r rows) error {
		var id string
		var version int64
		err := r.Scan(&id, &version)
		if k := known(id, version); k != nil {
			list = append(list, *k)
		} else {
			missing = append(missing, id)
		}
		return err
	}, heads+q.clause(), q.args...)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return load(q)
	}
	for chunk := range slices.Chunk(missing, fillChunk) {
		some := newList(q.table, q.alias, q.env)
		some.in(q.alias+".id", chunk)
		more, err := load(some)
		if err != nil {
			return nil, err
		}
		list = append(list, more...)
	}
	return list, nil
}
