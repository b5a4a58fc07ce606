package store

import (
	"context"
	"slices"
	"strings"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/page"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/event"
)

var _ = constraint("packages_ref", "packages.environment, packages.kind, packages.ref_id",
	errs.Duplicated.At("id", "There is a package of this kind with this id already."))

const selectPackage = `
	select k.id, k.kind, k.ref_id, k.product_id, p.ref_id, k.status, k.billing_id, k.metadata, k.hidden_from_widgets,
		k.archived_with_product, k.version, k.changed_by_type, k.changed_by, k.created_at, k.updated_at
	from packages k join products p on p.environment = k.environment and p.id = k.product_id`

func scanPackage(r rows) (catalog.Package, error) {
	p := catalog.Package{Metadata: map[string]string{}, HiddenFromWidgets: []string{}}
	var kind string
	err := r.Scan(&p.ID, &kind, &p.RefID, &p.ProductID, &p.ProductRefID, &p.Status, &p.BillingID, fromJSON{&p.Metadata},
		fromJSON{&p.HiddenFromWidgets}, &p.ArchivedWith, &p.Version, &p.ChangedBy.Type, &p.ChangedBy.ID,
		at{&p.CreatedAt}, at{&p.UpdatedAt})
	p.Kind = catalog.Kind(kind)
	return p, err
}

// newPackages begins the conditions of every query for packages. An empty kind is both.
func newPackages(env tenant.ID, kind catalog.Kind) *listQuery {
	q := newList("packages", "k", env)
	if kind != "" {
		q.and("k.kind = '" + string(kind) + "'") // a constant: the planner's statistics know it
		q.among = " and kind = '" + string(kind) + "'"
	}
	return q
}

// clause is what was collected, for a query that is no list.
func (q *listQuery) clause() string { return " where " + strings.Join(q.where, " and ") }

// PackageByRef implements catalog.Store.
func (t *Tx) PackageByRef(ctx context.Context, env tenant.ID, kind catalog.Kind, ref string) (catalog.Package, error) {
	list, err := t.PackagesByRef(ctx, env, kind, []string{ref})
	if err == nil && len(list) == 0 {
		err = kind.NotFound()
	}
	if err != nil {
		return catalog.Package{}, err
	}
	return list[0], nil
}

// PackagesByRef implements catalog.Store.
func (t *Tx) PackagesByRef(ctx context.Context, env tenant.ID, kind catalog.Kind, refs []string) ([]catalog.Package, error) {
	list := []catalog.Package{}
	for chunk := range slices.Chunk(refs, fillChunk) {
		q := newPackages(env, kind)
		q.in("k.ref_id", chunk)
		found, err := t.packages(ctx, env, q)
		if err != nil {
			return nil, err
		}
		list = append(list, found...)
	}
	return list, nil
}

// PackagesOfProduct implements catalog.Store: archived ones too.
func (t *Tx) PackagesOfProduct(ctx context.Context, env tenant.ID, productID string) ([]catalog.Package, error) {
	q := newPackages(env, "")
	q.and("k.product_id = ?", productID)
	return t.packages(ctx, env, q)
}

func (t *Tx) packages(ctx context.Context, env tenant.ID, q *listQuery) ([]catalog.Package, error) {
	list, err := all(ctx, t, scanPackage, selectPackage+q.clause()+" order by k.id", q.args...)
	if err != nil {
		return nil, err
	}
	return list, t.fillPackages(ctx, env, list)
}

// ListPackages implements catalog.Store.
func (t *Tx) ListPackages(ctx context.Context, env tenant.ID, f catalog.PackageFilter, r page.Request) (page.Of[catalog.Package], error) {
	q := newPackages(env, f.Kind)
	q.ref("p.ref_id", f.ProductID)
	q.within("k.created_at", f.Created)
	q.status("k.status", f.Status, catalog.Archived)
	if f.VisibleOnly {
		q.and("k.status = ?", catalog.Published)
		q.and(`cast(k.hidden_from_widgets as text) not like '%"PAYWALL"%'`)
	}
	found, err := listPage(ctx, t, q, r, selectPackage, scanPackage, func(p catalog.Package) string { return p.ID })
	if err != nil {
		return found, err
	}
	err = t.fillPackages(ctx, env, found.Items)
	for i := range found.Items {
		if f.VisibleOnly {
			found.Items[i].Draft = nil
		}
	}
	return found, err
}

// LinksOfProduct implements catalog.Store.
func (t *Tx) LinksOfProduct(ctx context.Context, env tenant.ID, productID string) (catalog.Links, error) {
	return all(ctx, t, func(r rows) (l catalog.Link, err error) {
		var kind string
		err = r.Scan(&kind, &l.RefID, &l.Status, &l.Draft, &l.PricingType, &l.ParentID, fromJSON{&l.Compatible}, fromJSON{&l.Dependencies})
		l.Kind = catalog.Kind(kind)
		return l, err
	}, `
		select k.kind, k.ref_id, k.status, v.status = 'DRAFT', coalesce(v.pricing_type, ''), coalesce(v.parent_ref, ''), v.compatible_addons, v.dependencies
		from packages k
		join package_versions v on v.environment = k.environment and v.package_id = k.id and (v.is_latest or v.status = 'DRAFT')
		where k.environment = $1 and k.product_id = $2 order by k.id, v.id`, env, productID)
}

// fillChunk bounds the values of one query: SQLite keeps every text that it has prepared.
const fillChunk = 100

// fillPackages reads the published versions and the drafts of packages.
func (t *Tx) fillPackages(ctx context.Context, env tenant.ID, list []catalog.Package) error {
	for len(list) > fillChunk {
		if err := t.fillPackages(ctx, env, list[:fillChunk]); err != nil {
			return err
		}
		list = list[fillChunk:]
	}
	if len(list) == 0 {
		return nil
	}
	byID := make(map[string]*catalog.Package, len(list))
	ids := make([]string, 0, len(list))
	for i := range list {
		byID[list[i].ID] = &list[i]
		ids = append(ids, list[i].ID)
	}
	q := newList("package_versions", "v", env)
	q.in("v.package_id", ids)
	q.and("(v.is_latest or v.status = 'DRAFT')")
	versions, err := t.versions(ctx, q)
	attach(byID, versions)
	return err
}

// attach gives packages their versions.
func attach(byID map[string]*catalog.Package, versions []catalog.Version) {
	for i := range versions {
		v := &versions[i]
		if p := byID[v.PackageID]; p != nil && v.IsLatest {
			p.Latest = v
		} else if p != nil {
			p.Draft = v
		}
	}
}

// InsertPackage implements catalog.Store.
func (t *Tx) InsertPackage(env tenant.ID, p catalog.Package) {
	t.exec(`
		insert into packages (environment, id, kind, ref_id, product_id, status, billing_id, metadata, hidden_from_widgets,
			archived_with_product, version, changed_by_type, changed_by, created_at, updated_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
		env, p.ID, string(p.Kind), p.RefID, p.ProductID, p.Status, p.BillingID, asJSON(p.Metadata), asJSON(p.HiddenFromWidgets),
		p.ArchivedWith, p.Version, p.ChangedBy.Type, p.ChangedBy.ID, stamp(p.CreatedAt), stamp(p.UpdatedAt))
}

// UpdatePackage implements catalog.Store.
func (t *Tx) UpdatePackage(env tenant.ID, p catalog.Package) {
	t.expect(1, p.Kind.NotFound(), `
		update packages set status = $3, billing_id = $4, metadata = $5, hidden_from_widgets = $6,
			archived_with_product = $7, version = $8, updated_at = $9, changed_by_type = $10, changed_by = $11
		where environment = $1 and id = $2`,
		env, p.ID, p.Status, p.BillingID, asJSON(p.Metadata), asJSON(p.HiddenFromWidgets),
		p.ArchivedWith, p.Version, stamp(p.UpdatedAt), p.ChangedBy.Type, p.ChangedBy.ID)
}

// ActorName implements catalog.Store.
func (t *Tx) ActorName(ctx context.Context, env tenant.ID, a event.Actor) (string, error) {
	if a.Type != "API_KEY" {
		return strings.TrimSpace(strings.ToLower(a.Type) + " " + a.ID), nil
	}
	name := ""
	err := t.each(ctx, func(r rows) error { return r.Scan(&name) },
		`select name from api_keys where environment = $1 and id = $2`, env, a.ID)
	if name == "" {
		return "the API key " + a.ID, err
	}
	return "the API key " + name + " (" + a.ID + ")", err
}
