package store

import (
	"context"
	"strings"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/page"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/catalog"
)

var _ = constraint("packages_ref", "packages.environment, packages.kind, packages.ref_id",
	errs.Duplicated.At("id", "There is a plan with this id already."))

const selectPlan = `
	select k.id, k.ref_id, k.product_id, p.ref_id, k.status, k.billing_id, k.metadata, k.hidden_from_widgets,
		k.archived_with_product, k.version, k.created_at, k.updated_at
	from packages k join products p on p.environment = k.environment and p.id = k.product_id`

func scanPlan(r rows) (catalog.Plan, error) {
	p := catalog.Plan{Metadata: map[string]string{}, HiddenFromWidgets: []string{}}
	err := r.Scan(&p.ID, &p.RefID, &p.ProductID, &p.ProductRefID, &p.Status, &p.BillingID, fromJSON{&p.Metadata},
		fromJSON{&p.HiddenFromWidgets}, &p.ArchivedWith, &p.Version, at{&p.CreatedAt}, at{&p.UpdatedAt})
	return p, err
}

// newPlans begins the conditions of every query for plans.
func newPlans(env tenant.ID) *listQuery {
	q := newList("packages", "k", env)
	q.and("k.kind = 'PLAN'")
	return q
}

// clause is what was collected, for a query that is no list.
func (q *listQuery) clause() string { return " where " + strings.Join(q.where, " and ") }

// PlanByRef reads a plan with its published version and its draft.
func (t *Tx) PlanByRef(ctx context.Context, env tenant.ID, ref string) (catalog.Plan, error) {
	q := newPlans(env)
	q.and("k.ref_id = ?", ref)
	p, err := first(ctx, t, catalog.ErrPlanNotFound, scanPlan, selectPlan+q.clause(), q.args...)
	if err != nil {
		return p, err
	}
	list := []catalog.Plan{p}
	err = t.fillPlans(ctx, env, list)
	return list[0], err
}

// PlansOfProduct reads all plans of a product, archived ones too.
func (t *Tx) PlansOfProduct(ctx context.Context, env tenant.ID, productID string) ([]catalog.Plan, error) {
	q := newPlans(env)
	q.and("k.product_id = ?", productID)
	list, err := all(ctx, t, scanPlan, selectPlan+q.clause()+" order by k.id", q.args...)
	if err != nil {
		return nil, err
	}
	return list, t.fillPlans(ctx, env, list)
}

// ListPlans reads a page of plans.
func (t *Tx) ListPlans(ctx context.Context, env tenant.ID, f catalog.PlanFilter, r page.Request) (page.Of[catalog.Plan], error) {
	q := newPlans(env)
	q.ref("p.ref_id", f.ProductID)
	q.within("k.created_at", f.Created)
	q.status("k.status", f.Status, catalog.Archived)
	if f.VisibleOnly {
		q.and("k.status = ?", catalog.Published)
		q.and(`cast(k.hidden_from_widgets as text) not like '%"PAYWALL"%'`)
	}
	found, err := listPage(ctx, t, q, r, selectPlan, scanPlan, func(p catalog.Plan) string { return p.ID })
	if err != nil {
		return found, err
	}
	err = t.fillPlans(ctx, env, found.Items)
	for i := range found.Items {
		if f.VisibleOnly {
			found.Items[i].Draft = nil
		}
	}
	return found, err
}

// fillChunk bounds the values of one query: SQLite keeps every text that it has prepared.
const fillChunk = 100

// fillPlans reads the published versions and the drafts of plans.
func (t *Tx) fillPlans(ctx context.Context, env tenant.ID, list []catalog.Plan) error {
	for len(list) > fillChunk {
		if err := t.fillPlans(ctx, env, list[:fillChunk]); err != nil {
			return err
		}
		list = list[fillChunk:]
	}
	if len(list) == 0 {
		return nil
	}
	byID := make(map[string]*catalog.Plan, len(list))
	ids := make([]string, 0, len(list))
	for i := range list {
		byID[list[i].ID] = &list[i]
		ids = append(ids, list[i].ID)
	}
	q := newList("package_versions", "v", env)
	q.in("v.package_id", ids)
	q.and("(v.is_latest or v.status = 'DRAFT')")
	versions, err := t.versions(ctx, q)
	for i := range versions {
		v := &versions[i]
		if p := byID[v.PlanID]; v.IsLatest {
			p.Latest = v
		} else {
			p.Draft = v
		}
	}
	return err
}

// InsertPlan queues a new plan without its versions.
func (t *Tx) InsertPlan(env tenant.ID, p catalog.Plan) {
	t.exec(`
		insert into packages (environment, id, kind, ref_id, product_id, status, billing_id, metadata, hidden_from_widgets,
			archived_with_product, version, created_at, updated_at)
		values ($1, $2, 'PLAN', $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		env, p.ID, p.RefID, p.ProductID, p.Status, p.BillingID, asJSON(p.Metadata), asJSON(p.HiddenFromWidgets),
		p.ArchivedWith, p.Version, stamp(p.CreatedAt), stamp(p.UpdatedAt))
}

// UpdatePlan queues a change of a plan whose product is locked.
func (t *Tx) UpdatePlan(env tenant.ID, p catalog.Plan) {
	t.expect(1, catalog.ErrPlanNotFound, `
		update packages set status = $3, billing_id = $4, metadata = $5, hidden_from_widgets = $6,
			archived_with_product = $7, version = $8, updated_at = $9
		where environment = $1 and id = $2`,
		env, p.ID, p.Status, p.BillingID, asJSON(p.Metadata), asJSON(p.HiddenFromWidgets),
		p.ArchivedWith, p.Version, stamp(p.UpdatedAt))
}
