package store

import (
	"context"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/page"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/base/tx"
	"github.com/purserhq/purser/internal/core/catalog"
)

var _ = constraint("products_ref", "products.environment, products.ref_id",
	errs.Duplicated.At("id", "There is a product with this id already."))

const productColumns = `
	p.id, p.ref_id, p.display_name, p.description, p.metadata, p.multiple_subscriptions, p.status, p.is_default,
	p.settings, p.usage_reset_cutoff, p.plan_order, p.version, p.created_at, p.updated_at`

const selectProduct = `select ` + productColumns + ` from products p`

func scanProduct(r rows) (catalog.Product, error) {
	p := catalog.Product{Metadata: map[string]string{}, PlanOrder: []string{}}
	err := r.Scan(&p.ID, &p.RefID, &p.DisplayName, &p.Description, fromJSON{&p.Metadata}, &p.MultipleSubscriptions,
		&p.Status, &p.IsDefault, fromJSON{&p.Settings}, &p.UsageResetCutoff,
		fromJSON{&p.PlanOrder}, &p.Version, at{&p.CreatedAt}, at{&p.UpdatedAt})
	return p, err
}

const productByRef = selectProduct + ` where p.environment = $1 and p.ref_id = $2`

func init() {
	lockers[tx.Product] = func(env tenant.ID, ref string) pgFirst {
		return pgFirst{
			sql: productByRef + postgresDialect{}.forUpdate(), args: []any{env, ref},
			scan: func(t *Tx) func(rows) error {
				return func(r rows) error {
					p, err := scanProduct(r)
					t.locked[tx.Lock{Kind: tx.Product, Ref: ref}] = p
					return err
				}
			},
		}
	}
}

var _ catalog.Store = (*Tx)(nil)

// LockProduct reads a product now and holds its row.
func (t *Tx) LockProduct(ctx context.Context, env tenant.ID, ref string) (catalog.Product, error) {
	if p, ok := t.locked[tx.Lock{Kind: tx.Product, Ref: ref}].(catalog.Product); ok && env == t.env && !t.flushed && len(t.queue) == 0 {
		return p, nil
	}
	return first(ctx, t, catalog.ErrProductNotFound, scanProduct, productByRef+t.db.dialect().forUpdate(), env, ref)
}

// LockDefaultProduct locks the product that is used when none is named.
func (t *Tx) LockDefaultProduct(ctx context.Context, env tenant.ID) (catalog.Product, error) {
	return first(ctx, t, catalog.ErrProductNotFound, scanProduct,
		selectProduct+` where p.environment = $1 and p.is_default`+t.db.dialect().forUpdate(), env)
}

// LockProductOfPackage locks the product that a package belongs to. A package never moves to another.
func (t *Tx) LockProductOfPackage(ctx context.Context, env tenant.ID, kind catalog.Kind, ref string) (catalog.Product, error) {
	return first(ctx, t, kind.NotFound(), scanProduct, selectProduct+`
		where p.environment = $1 and p.id = (
			select k.product_id from packages k where k.environment = $1 and k.kind = $2 and k.ref_id = $3)`+
		t.db.dialect().forUpdate(), env, string(kind), ref)
}

// ProductByRef reads a product.
func (t *Tx) ProductByRef(ctx context.Context, env tenant.ID, ref string) (catalog.Product, error) {
	return first(ctx, t, catalog.ErrProductNotFound, scanProduct, productByRef, env, ref)
}

// ListProducts reads a page of products.
func (t *Tx) ListProducts(ctx context.Context, env tenant.ID, f catalog.ProductFilter, r page.Request) (page.Of[catalog.Product], error) {
	q := newList("products", "p", env)
	q.ref("p.ref_id", f.ID)
	q.within("p.created_at", f.Created)
	q.status("p.status", f.Status, catalog.Archived)
	if f.PublishedOnly {
		q.and("p.status = ?", catalog.Published)
	}
	return listPage(ctx, t, q, r, selectProduct, scanProduct, func(p catalog.Product) string { return p.ID })
}

// ref limits a column to a value, unless that is "".
func (q *listQuery) ref(column, value string) {
	if value != "" {
		q.and(column+" = ?", value)
	}
}

// status limits a column to what was asked for; archived rows are left out unless they were.
func (q *listQuery) status(column string, asked []string, archived string) {
	q.in(column, asked)
	if len(asked) == 0 {
		q.and(column+" <> ?", archived)
	}
}

// HasSubscriptions reports whether a product ever had a subscription.
func (t *Tx) HasSubscriptions(ctx context.Context, env tenant.ID, productID string) (found bool, err error) {
	err = t.each(ctx, func(rows) error { found = true; return nil },
		`select 1 from subscriptions where environment = $1 and product_id = $2 limit 1`, env, productID)
	return found, err
}

// InsertProduct queues a new product.
func (t *Tx) InsertProduct(env tenant.ID, p catalog.Product) {
	t.exec(`
		insert into products (environment, id, ref_id, display_name, description, metadata, multiple_subscriptions, status,
			is_default, settings, usage_reset_cutoff, plan_order, version, created_at, updated_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
		env, p.ID, p.RefID, p.DisplayName, p.Description, asJSON(p.Metadata), p.MultipleSubscriptions, p.Status,
		p.IsDefault, asJSON(p.Settings), p.UsageResetCutoff, asJSON(p.PlanOrder), p.Version,
		stamp(p.CreatedAt), stamp(p.UpdatedAt))
}

// UpdateProduct queues a change of a locked product.
func (t *Tx) UpdateProduct(env tenant.ID, p catalog.Product) {
	t.expect(1, catalog.ErrProductNotFound, `
		update products set display_name = $3, description = $4, metadata = $5, multiple_subscriptions = $6, status = $7,
			settings = $8, usage_reset_cutoff = $9, plan_order = $10, version = $11, updated_at = $12
		where environment = $1 and id = $2`,
		env, p.ID, p.DisplayName, p.Description, asJSON(p.Metadata), p.MultipleSubscriptions, p.Status,
		asJSON(p.Settings), p.UsageResetCutoff, asJSON(p.PlanOrder), p.Version, stamp(p.UpdatedAt))
}

// TouchCatalog moves the environment's catalog version: every snapshot of the catalog is out of date. The row is changed
// with the commit, so that it is held for no longer than that.
func (t *Tx) TouchCatalog(tenant.ID) { t.catalog = true }
