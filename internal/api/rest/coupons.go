package rest

import (
	"context"

	"github.com/purserhq/purser/internal/api/auth"
	"github.com/purserhq/purser/internal/base/money"
	"github.com/purserhq/purser/internal/base/page"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/catalog"
)

// Coupons are the routes of coupons.
type Coupons struct{ Coupons *catalog.Coupons }

func (h Coupons) routes(api *API) {
	row := func(id, path, summary string, p auth.Permission) op {
		return op{ID: id, Path: "/api/v1/coupons" + path, Tag: "Coupons", Summary: summary, Permission: p}
	}
	list(api, row("listCoupons", "", "List coupons", auth.CouponRead), h.list, couponOf)
	post(api, created(row("createCoupon", "", "Create a coupon", auth.CouponWrite)), h.create, data(couponOf))
	get(api, row("getCoupon", "/{id}", "Read a coupon", auth.CouponRead), h.get, data(couponOf))
	patch(api, row("updateCoupon", "/{id}", "Change the name, description or metadata of a coupon", auth.CouponWrite), h.update, data(couponOf))
	post(api, row("archiveCoupon", "/{id}/archive", "Archive a coupon: those who have it keep it", auth.CouponWrite), h.archive, data(couponOf))
}

type couponIDInput struct {
	ID string `path:"id"`
}

func (h Coupons) get(ctx context.Context, env tenant.ID, in *couponIDInput) (catalog.Coupon, error) {
	return h.Coupons.Get(ctx, env, in.ID)
}

func (h Coupons) archive(ctx context.Context, env tenant.ID, in *couponIDInput) (catalog.Coupon, error) {
	return h.Coupons.Archive(ctx, env, in.ID)
}

type listCouponsInput struct {
	Paging
	ID        string    `query:"id" maxLength:"255" doc:"Exactly this coupon."`
	Status    []string  `query:"status" enum:"ACTIVE,ARCHIVED" doc:"Archived coupons are listed only when asked for."`
	Type      string    `query:"type" enum:"FIXED,PERCENTAGE"`
	CreatedAt DateRange `query:"createdAt"`
}

func (h Coupons) list(ctx context.Context, env tenant.ID, in *listCouponsInput) (page.Of[catalog.Coupon], error) {
	p, err := in.request()
	if err != nil {
		return page.Of[catalog.Coupon]{}, err
	}
	return h.Coupons.List(ctx, env, catalog.CouponFilter{ID: in.ID, Type: in.Type, Status: in.Status, Created: page.Range(in.CreatedAt)}, p)
}

type createCouponInput struct {
	Body struct {
		ID               string                 `json:"id,omitempty" minLength:"1" maxLength:"255" format:"ref" doc:"Made when absent."`
		Name             string                 `json:"name" minLength:"1" maxLength:"40"`
		Description      Opt[string]            `json:"description,omitzero" maxLength:"255"`
		PercentOff       Opt[money.Decimal]     `json:"percentOff,omitzero" doc:"A whole number from 1 to 100. Exactly one of percentOff and amountsOff is given."`
		AmountsOff       Opt[[]money.Money]     `json:"amountsOff,omitzero" maxItems:"200" doc:"One amount per currency."`
		DurationInMonths Opt[int64]             `json:"durationInMonths,omitzero" doc:"Null is for ever."`
		Metadata         Opt[map[string]string] `json:"metadata,omitzero" format:"metadata"`
	}
}

func (h Coupons) create(ctx context.Context, env tenant.ID, in *createCouponInput) (catalog.Coupon, error) {
	b := in.Body
	return h.Coupons.Create(ctx, env, catalog.NewCoupon{
		ID: b.ID, Name: b.Name, Description: b.Description.Ptr(), PercentOff: b.PercentOff.Ptr(), AmountsOff: b.AmountsOff.Or(nil),
		DurationInMonths: b.DurationInMonths.Ptr(), Metadata: b.Metadata.Or(nil),
	})
}

type updateCouponInput struct {
	ID   string `path:"id"`
	Body struct {
		Name        Given[string]           `json:"name,omitzero" minLength:"1" maxLength:"40"`
		Description Opt[string]             `json:"description,omitzero" maxLength:"255"`
		Metadata    Opt[map[string]*string] `json:"metadata,omitzero" format:"metadata" doc:"Given keys replace; null or an empty text deletes."`
	}
}

func (h Coupons) update(ctx context.Context, env tenant.ID, in *updateCouponInput) (catalog.Coupon, error) {
	b := in.Body
	return h.Coupons.Update(ctx, env, in.ID, catalog.CouponUpdate{
		Name: b.Name.Ptr(), Description: change(b.Description), Metadata: change(b.Metadata),
	})
}

// couponBody is a coupon on the wire.
type couponBody struct {
	ID               string            `json:"id"`
	Name             string            `json:"name"`
	Description      Opt[string]       `json:"description"`
	Type             string            `json:"type" enum:"FIXED,PERCENTAGE"`
	PercentOff       Opt[int64]        `json:"percentOff"`
	AmountsOff       Opt[[]moneyBody]  `json:"amountsOff"`
	DurationInMonths Opt[int64]        `json:"durationInMonths"`
	Source           string            `json:"source" enum:"STIGG,STIGG_ADHOC,STRIPE" doc:"STIGG is the catalog, in the original's word."`
	Status           string            `json:"status" enum:"ACTIVE,ARCHIVED"`
	BillingID        Opt[string]       `json:"billingId"`
	BillingLinkURL   Opt[string]       `json:"billingLinkUrl"`
	Metadata         map[string]string `json:"metadata"`
	CreatedAt        Time              `json:"createdAt"`
	UpdatedAt        Time              `json:"updatedAt"`
}

func couponOf(c catalog.Coupon) couponBody {
	b := couponBody{
		ID: c.RefID, Name: c.Name, Description: FromPtr(c.Description), Type: c.Type(), PercentOff: FromPtr(c.PercentOff),
		AmountsOff: Null[[]moneyBody](), DurationInMonths: FromPtr(c.DurationInMonths), Source: c.Source, Status: c.Status,
		BillingID: FromPtr(c.BillingID), BillingLinkURL: Null[string](), Metadata: c.Metadata,
		CreatedAt: At(c.CreatedAt), UpdatedAt: At(c.UpdatedAt),
	}
	if len(c.AmountsOff) > 0 {
		b.AmountsOff = Some(moneyListOf(c.AmountsOff))
	}
	return b
}
