package rest

import (
	"context"

	"github.com/purserhq/purser/internal/api/auth"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/catalog"
)

// Addons are the routes of add-ons. What they have in common with plans is in packages.go.
type Addons struct{ Addons *catalog.Packages }

func (h Addons) routes(api *API) {
	p := packages{h.Addons, "/api/v1/addons", "Addons", "Addon", "an add-on", auth.AddonRead}
	post(api, created(p.row("createPackage", "", "Create a package, as a draft", auth.CatalogWrite)), h.create, tagged(addonOf))
	patch(api, p.row("updatePackage", "/{id}", "Change some fields of the draft of a package", auth.CatalogWrite), h.update, tagged(editedAddonOf))
	packageRoutes(api, p, addonOf, editedAddonOf)
}

type createAddonInput struct {
	Body struct {
		ID                string            `json:"id,omitempty" minLength:"1" maxLength:"255" format:"ref" doc:"Made when absent."`
		ProductID         string            `json:"productId,omitempty" minLength:"1" maxLength:"255" doc:"The default product when absent."`
		DisplayName       string            `json:"displayName" minLength:"1" maxLength:"255"`
		Description       Opt[string]       `json:"description,omitzero" maxLength:"255"`
		BillingID         Opt[string]       `json:"billingId,omitzero" maxLength:"255"`
		Metadata          map[string]string `json:"metadata,omitempty" format:"metadata"`
		HiddenFromWidgets []string          `json:"hiddenFromWidgets,omitempty" enum:"PAYWALL,CUSTOMER_PORTAL,CHECKOUT"`
		PricingType       Opt[string]       `json:"pricingType,omitzero" enum:"FREE,PAID,CUSTOM"`
		MaxQuantity       Opt[int64]        `json:"maxQuantity,omitzero" doc:"The most in one subscription; null for no bound."`
		Status            string            `json:"status,omitempty" enum:"DRAFT,PUBLISHED,ARCHIVED" doc:"Add-ons begin as DRAFT."`
	}
}

func (h Addons) create(ctx context.Context, env tenant.ID, in *createAddonInput) (catalog.Package, error) {
	b := in.Body
	return h.Addons.Create(ctx, env, catalog.NewPackage{
		ID: b.ID, ProductID: b.ProductID, DisplayName: b.DisplayName, Description: b.Description.Ptr(),
		BillingID: b.BillingID.Ptr(), Metadata: b.Metadata, HiddenFromWidgets: b.HiddenFromWidgets,
		PricingType: b.PricingType.Or(""), Status: b.Status, MaxQuantity: b.MaxQuantity.Ptr(),
	})
}

type updateAddonInput struct {
	ID string `path:"id"`
	Matching
	Body struct {
		DisplayName       Given[string]           `json:"displayName,omitzero" minLength:"1" maxLength:"255"`
		Description       Opt[string]             `json:"description,omitzero" maxLength:"255"`
		BillingID         Opt[string]             `json:"billingId,omitzero" maxLength:"255"`
		Metadata          Opt[map[string]*string] `json:"metadata,omitzero" format:"metadata" doc:"Given keys replace; null or an empty text deletes."`
		HiddenFromWidgets Opt[[]string]           `json:"hiddenFromWidgets,omitzero" enum:"PAYWALL,CUSTOMER_PORTAL,CHECKOUT"`
		Charges           Given[catalog.Pricing]  `json:"charges,omitzero" doc:"The whole pricing. It replaces what was there."`
		Dependencies      Opt[[]string]           `json:"dependencies,omitzero" maxItems:"100" doc:"Add-ons that must be in the subscription too. The list replaces what was there."`
		MaxQuantity       Opt[int64]              `json:"maxQuantity,omitzero" doc:"The most in one subscription; null for no bound."`
		Status            string                  `json:"status,omitempty" enum:"DRAFT,PUBLISHED,ARCHIVED" doc:"Only the present one is accepted: publish, archive and unarchive are routes."`
	}
}

func (in *updateAddonInput) update() catalog.PackageUpdate {
	b := in.Body
	return catalog.PackageUpdate{
		BillingID: change(b.BillingID), Metadata: change(b.Metadata), HiddenFromWidgets: change(b.HiddenFromWidgets),
		DisplayName: b.DisplayName.Ptr(), Description: change(b.Description), Pricing: b.Charges.Ptr(),
		Dependencies: change(b.Dependencies), MaxQuantity: change(b.MaxQuantity), Status: b.Status,
	}
}

func (h Addons) update(ctx context.Context, env tenant.ID, in *updateAddonInput) (catalog.Package, error) {
	match, err := in.versions()
	if err != nil {
		return catalog.Package{}, err
	}
	return h.Addons.Update(ctx, env, in.ID, in.update(), match...)
}
