package store

import (
	"context"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/page"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/catalog"
)

var _ = constraint("coupons_ref", "coupons.environment, coupons.ref_id",
	errs.Duplicated.At("id", "There is a coupon with this id already."))

const selectCoupon = `
	select c.id, c.ref_id, c.name, c.description, c.percent_off, c.amounts_off, c.duration_in_months, c.billing_id, c.source,
		c.status, c.metadata, c.version, c.created_at, c.updated_at
	from coupons c`

func scanCoupon(r rows) (catalog.Coupon, error) {
	c := catalog.Coupon{Metadata: map[string]string{}}
	err := r.Scan(&c.ID, &c.RefID, &c.Name, &c.Description, &c.PercentOff, fromJSON{&c.AmountsOff}, &c.DurationInMonths,
		&c.BillingID, &c.Source, &c.Status, fromJSON{&c.Metadata}, &c.Version, at{&c.CreatedAt}, at{&c.UpdatedAt})
	return c, err
}

const couponByRef = selectCoupon + ` where c.environment = $1 and c.ref_id = $2`

// CouponByRef implements catalog.Store.
func (t *Tx) CouponByRef(ctx context.Context, env tenant.ID, ref string) (catalog.Coupon, error) {
	return first(ctx, t, catalog.ErrCouponNotFound, scanCoupon, couponByRef, env, ref)
}

// LockCoupon implements catalog.Store.
func (t *Tx) LockCoupon(ctx context.Context, env tenant.ID, ref string) (catalog.Coupon, error) {
	return first(ctx, t, catalog.ErrCouponNotFound, scanCoupon, couponByRef+t.db.dialect().forUpdate(), env, ref)
}

// ListCoupons implements catalog.Store.
func (t *Tx) ListCoupons(ctx context.Context, env tenant.ID, f catalog.CouponFilter, p page.Request) (page.Of[catalog.Coupon], error) {
	q := newList("coupons", "c", env)
	q.ref("c.ref_id", f.ID)
	q.within("c.created_at", f.Created)
	q.status("c.status", f.Status, catalog.Archived)
	q.and("c.source <> ?", catalog.SourceAdHoc)
	switch f.Type {
	case catalog.Percentage:
		q.and("c.percent_off is not null")
	case catalog.Fixed:
		q.and("c.percent_off is null")
	}
	return listPage(ctx, t, q, p, selectCoupon, scanCoupon, func(c catalog.Coupon) string { return c.ID })
}

// InsertCoupon implements catalog.Store.
func (t *Tx) InsertCoupon(env tenant.ID, c catalog.Coupon) {
	t.exec(`
		insert into coupons (environment, id, ref_id, name, description, percent_off, amounts_off, duration_in_months, billing_id,
			source, status, metadata, version, created_at, updated_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
		env, c.ID, c.RefID, c.Name, c.Description, c.PercentOff, asJSON(c.AmountsOff), c.DurationInMonths, c.BillingID,
		c.Source, c.Status, asJSON(c.Metadata), c.Version, stamp(c.CreatedAt), stamp(c.UpdatedAt))
}

// UpdateCoupon implements catalog.Store. What a coupon takes off never changes.
func (t *Tx) UpdateCoupon(env tenant.ID, c catalog.Coupon) {
	t.expect(1, catalog.ErrCouponNotFound, `
		update coupons set name = $3, description = $4, billing_id = $5, status = $6, metadata = $7, version = $8, updated_at = $9
		where environment = $1 and id = $2`,
		env, c.ID, c.Name, c.Description, c.BillingID, c.Status, asJSON(c.Metadata), c.Version, stamp(c.UpdatedAt))
}
