package store

import (
	"context"
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

// loadCatalog reads all products, features and packages, and of each package the published version.
func (t *Tx) loadCatalog(ctx context.Context, env tenant.ID, version int64) (*catalog.Snapshot, error) {
	products, err := all(ctx, t, scanProduct, selectProduct+` where p.environment = $1`, env)
	if err != nil {
		return nil, err
	}
	features, err := all(ctx, t, scanFeature, selectFeature+` where f.environment = $1`, env)
	if err != nil {
		return nil, err
	}
	packages, err := t.allPackages(ctx, env, "v.is_latest")
	if err != nil {
		return nil, err
	}
	return catalog.NewSnapshot(version, products, features, packages), nil
}
