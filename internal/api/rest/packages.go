package rest

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/purserhq/purser/internal/api/auth"
	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/page"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/catalog"
)

// packages are the routes that plans and add-ons have in common: drafts, charges, entitlements.
type packages struct {
	service *catalog.Packages
	path    string // "/api/v1/plans"
	tag     string // "Plans"
	noun    string // "Plan", in operation ids
	one     string // "a plan", in summaries
	read    auth.Permission
}

// row is an operation about packages; PACKAGE in the id and a package in the summary are replaced.
func (h packages) row(id, path, summary string, p auth.Permission) op {
	return op{
		ID: strings.ReplaceAll(id, "Package", h.noun), Path: h.path + path, Tag: h.tag,
		Summary: strings.ReplaceAll(summary, "a package", h.one), Permission: p,
	}
}

func own(o op) op {
	o.Own = true
	return o
}

func created(o op) op {
	o.Status = 201
	return o
}

// packageRoutes adds the common routes. shown and edited make the body of a package: of its published version, else the
// draft, and of its draft, else the published one.
func packageRoutes[B any](api *API, h packages, shown, edited func(catalog.Package) B) {
	read, write := h.read, auth.CatalogWrite
	list(api, h.row("listPackages", "", "List "+strings.ToLower(h.tag), read), h.list, shown)
	get(api, h.row("getPackage", "/{id}", "Read a package", read), h.get, tagged(shown))
	post(api, h.row("archivePackage", "/{id}/archive", "Archive a package: it is no longer sold", write), h.archive, tagged(shown))
	post(api, own(h.row("unarchivePackage", "/{id}/unarchive", "Bring an archived package back", write)), h.unarchive, tagged(shown))
	list(api, h.row("listPackageCharges", "/{id}/charges", "List the charges of a package", read), h.charges, chargeOf)

	post(api, h.row("createPackageDraft", "/{id}/draft", "Open a draft of a package", write), h.createDraft, tagged(edited))
	del(api, h.row("removePackageDraft", "/{id}/draft", "Discard the draft of a package", write), h.discardDraft, tagged(packageIDOf))
	get(api, own(h.row("getPackageDraftChanges", "/{id}/draft/changes", "Compare the draft of a package with its published version", write)),
		h.changes, data(func(c catalog.Changes) catalog.Changes { return c }))
	post(api, h.row("publishPackage", "/{id}/publish", "Publish the draft of a package", write), h.publish, publicationOf)

	const path, one = "/{id}/entitlements", "/{id}/entitlements/{featureId}"
	list(api, h.row("listPackageEntitlements", path, "List the entitlements of a package, without inherited ones", read), h.entitlements, packageEntitlementOf)
	post(api, created(h.row("createPackageEntitlements", path, "Add entitlements to the draft of a package", write)), h.addEntitlements, editedRows)
	patch(api, h.row("updatePackageEntitlement", one, "Change an entitlement of the draft of a package", write), h.updateEntitlement, editedRow)
	del(api, h.row("removePackageEntitlement", one, "Remove an entitlement from the draft of a package", write), h.removeEntitlement, editedRow)
}

type packageIDInput struct {
	ID string `path:"id"`
}

// Matching is embedded in the input of changes that can be bound to the version that the caller has seen. It is exported
// for huma's sake.
type Matching struct {
	IfMatch string `header:"If-Match" maxLength:"1000" doc:"The ETag that the caller has seen: another one is DraftChanged (409)."`
}

// versions reads the header: a list of ETags, or * for any.
func (m Matching) versions() ([]catalog.IfVersion, error) {
	return etags[catalog.IfVersion](m.IfMatch, "must be an ETag of this package")
}

// etags reads an If-Match header: nil without one, and for *.
func etags[V ~int64](header, issue string) ([]V, error) {
	if header == "" || strings.TrimSpace(header) == "*" {
		return nil, nil
	}
	var list []V
	for tag := range strings.SplitSeq(header, ",") {
		tag = strings.TrimPrefix(strings.TrimSpace(tag), "W/")
		n, err := strconv.ParseInt(strings.Trim(tag, `"`), 10, 64)
		if err != nil || len(tag) < 2 || tag[0] != '"' || tag[len(tag)-1] != '"' {
			return nil, errs.BadUserInput.At("If-Match", "%s", issue)
		}
		list = append(list, V(n))
	}
	return list, nil
}

// etag is the header for a version of something.
func etag(version int64) http.Header {
	return http.Header{"Etag": {`"` + strconv.FormatInt(version, 10) + `"`}}
}

// tagged makes an answer about a package, with its ETag.
func tagged[B any](body func(catalog.Package) B) func(catalog.Package) Reply[B] {
	return func(p catalog.Package) Reply[B] { return Reply[B]{Data: body(p), Header: etag(p.Version)} }
}

// packageVersionInput chooses between the versions of a package (contract §4.1).
type packageVersionInput struct {
	ID      string `path:"id"`
	Version string `query:"version" enum:"draft" doc:"Shows the draft in place of the published version."`
}

func (in packageVersionInput) view(ctx context.Context) (catalog.View, error) {
	public := auth.From(ctx).PublishedOnly()
	switch {
	case public && in.Version != "":
		return 0, errs.IdentityForbidden.Because("A client key sees no drafts.")
	case public:
		return catalog.Public, nil
	case in.Version != "":
		return catalog.InDraft, nil
	}
	return catalog.Shown, nil
}

func (h packages) get(ctx context.Context, env tenant.ID, in *packageVersionInput) (catalog.Package, error) {
	view, err := in.view(ctx)
	if err != nil {
		return catalog.Package{}, err
	}
	return h.service.Get(ctx, env, in.ID, view)
}

type listPackagesInput struct {
	Paging
	ProductID string    `query:"productId" maxLength:"255" doc:"Of this product."`
	Status    []string  `query:"status" enum:"DRAFT,PUBLISHED,ARCHIVED" doc:"Archived ones are listed only when asked for."`
	CreatedAt DateRange `query:"createdAt"`
}

func (h packages) list(ctx context.Context, env tenant.ID, in *listPackagesInput) (page.Of[catalog.Package], error) {
	p, err := in.request()
	if err != nil {
		return page.Of[catalog.Package]{}, err
	}
	return h.service.List(ctx, env, catalog.PackageFilter{
		ProductID: in.ProductID, Status: in.Status, Created: page.Range(in.CreatedAt), VisibleOnly: auth.From(ctx).PublishedOnly(),
	}, p)
}

type changePackageInput struct {
	ID string `path:"id"`
	Matching
}

func (h packages) archive(ctx context.Context, env tenant.ID, in *changePackageInput) (catalog.Package, error) {
	match, err := in.versions()
	if err != nil {
		return catalog.Package{}, err
	}
	return h.service.Archive(ctx, env, in.ID, match...)
}

func (h packages) unarchive(ctx context.Context, env tenant.ID, in *changePackageInput) (catalog.Package, error) {
	match, err := in.versions()
	if err != nil {
		return catalog.Package{}, err
	}
	return h.service.Unarchive(ctx, env, in.ID, match...)
}

type listChargesInput struct {
	packageVersionInput
	Paging
}

func (h packages) charges(ctx context.Context, env tenant.ID, in *listChargesInput) (page.Of[catalog.Price], error) {
	return h.prices(ctx, env, in, false)
}

func (h packages) overageCharges(ctx context.Context, env tenant.ID, in *listChargesInput) (page.Of[catalog.Price], error) {
	return h.prices(ctx, env, in, true)
}

func (h packages) prices(ctx context.Context, env tenant.ID, in *listChargesInput, overage bool) (page.Of[catalog.Price], error) {
	p, err := in.request()
	if err != nil {
		return page.Of[catalog.Price]{}, err
	}
	view, err := in.view(ctx)
	if err != nil {
		return page.Of[catalog.Price]{}, err
	}
	return h.service.Charges(ctx, env, in.ID, view, overage, p)
}

func (h packages) createDraft(ctx context.Context, env tenant.ID, in *packageIDInput) (catalog.Package, error) {
	return h.service.CreateDraft(ctx, env, in.ID)
}

func (h packages) discardDraft(ctx context.Context, env tenant.ID, in *changePackageInput) (catalog.Package, error) {
	match, err := in.versions()
	if err != nil {
		return catalog.Package{}, err
	}
	return h.service.DiscardDraft(ctx, env, in.ID, match...)
}

func (h packages) changes(ctx context.Context, env tenant.ID, in *packageIDInput) (catalog.Changes, error) {
	return h.service.Changes(ctx, env, in.ID)
}

type publishInput struct {
	ID string `path:"id"`
	Matching
	Body *struct {
		MigrationType string `json:"migrationType,omitempty" enum:"NEW_CUSTOMERS,ALL_CUSTOMERS" doc:"Default: NEW_CUSTOMERS. With ALL_CUSTOMERS a task moves existing subscriptions to the new version; what they pay stays."`
	}
}

func (h packages) publish(ctx context.Context, env tenant.ID, in *publishInput) (catalog.Publication, error) {
	match, err := in.versions()
	if err != nil {
		return catalog.Publication{}, err
	}
	migration := ""
	if in.Body != nil {
		migration = in.Body.MigrationType
	}
	return h.service.Publish(ctx, env, in.ID, migration, match...)
}

type packageIDBody struct {
	ID string `json:"id"`
}

func packageIDOf(p catalog.Package) packageIDBody { return packageIDBody{p.RefID} }

type publicationBody struct {
	TaskID   Opt[string]       `json:"taskId" doc:"The migration of subscriptions; null with NEW_CUSTOMERS."`
	Warnings []catalog.Warning `json:"warnings" doc:"What may be a mistake. Nothing of it kept the draft from being published."`
}

func publicationOf(p catalog.Publication) Reply[publicationBody] {
	return Reply[publicationBody]{Data: publicationBody{FromPtr(p.TaskID), p.Warnings}, Header: etag(p.Version)}
}
