package rest

import (
	"context"

	"github.com/purserhq/purser/internal/api/auth"
	"github.com/purserhq/purser/internal/base/opt"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/catalog"
)

// Plans are the routes of plans. What they have in common with add-ons is in packages.go.
type Plans struct{ Plans *catalog.Packages }

func (h Plans) routes(api *API) {
	p := packages{h.Plans, "/api/v1/plans", "Plans", "Plan", "a plan", auth.CatalogRead}
	post(api, created(p.row("createPackage", "", "Create a package, as a draft", auth.CatalogWrite)), h.create, tagged(planOf))
	patch(api, p.row("updatePackage", "/{id}", "Change some fields of the draft of a package", auth.CatalogWrite), h.update, tagged(editedPlanOf))
	list(api, p.row("listPackageOverageCharges", "/{id}/overage-charges", "List the overage charges of a package", auth.CatalogRead), p.overageCharges, chargeOf)
	packageRoutes(api, p, planOf, editedPlanOf)
}

type createPlanInput struct {
	Body struct {
		ID                 string             `json:"id,omitempty" minLength:"1" maxLength:"255" format:"ref" doc:"Made when absent."`
		ProductID          string             `json:"productId,omitempty" minLength:"1" maxLength:"255" doc:"The default product when absent."`
		DisplayName        string             `json:"displayName" minLength:"1" maxLength:"255"`
		Description        Opt[string]        `json:"description,omitzero" maxLength:"255"`
		BillingID          Opt[string]        `json:"billingId,omitzero" maxLength:"255"`
		Metadata           map[string]string  `json:"metadata,omitempty" format:"metadata"`
		HiddenFromWidgets  []string           `json:"hiddenFromWidgets,omitempty" enum:"PAYWALL,CUSTOMER_PORTAL,CHECKOUT"`
		PricingType        Opt[string]        `json:"pricingType,omitzero" enum:"FREE,PAID,CUSTOM"`
		DefaultTrialConfig Opt[trialConfigIn] `json:"defaultTrialConfig,omitzero"`
		Status             string             `json:"status,omitempty" enum:"DRAFT,PUBLISHED,ARCHIVED" doc:"Plans begin as DRAFT."`
		ParentPlanID       Opt[string]        `json:"parentPlanId,omitzero" maxLength:"255" doc:"The plan whose entitlements are inherited."`
	}
}

func (h Plans) create(ctx context.Context, env tenant.ID, in *createPlanInput) (catalog.Package, error) {
	b := in.Body
	n := catalog.NewPackage{
		ID: b.ID, ProductID: b.ProductID, DisplayName: b.DisplayName, Description: b.Description.Ptr(),
		BillingID: b.BillingID.Ptr(), Metadata: b.Metadata, HiddenFromWidgets: b.HiddenFromWidgets,
		PricingType: b.PricingType.Or(""), Status: b.Status, ParentID: b.ParentPlanID.Or(""),
	}
	if t, ok := b.DefaultTrialConfig.Get(); ok {
		trial := t.trial()
		n.Trial = &trial
	}
	return h.Plans.Create(ctx, env, n)
}

type updatePlanInput struct {
	ID string `path:"id"`
	Matching
	Body struct {
		DisplayName        Given[string]           `json:"displayName,omitzero" minLength:"1" maxLength:"255"`
		Description        Opt[string]             `json:"description,omitzero" maxLength:"255"`
		BillingID          Opt[string]             `json:"billingId,omitzero" maxLength:"255"`
		Metadata           Opt[map[string]*string] `json:"metadata,omitzero" format:"metadata" doc:"Given keys replace; null or an empty text deletes."`
		HiddenFromWidgets  Opt[[]string]           `json:"hiddenFromWidgets,omitzero" enum:"PAYWALL,CUSTOMER_PORTAL,CHECKOUT"`
		DefaultTrialConfig Opt[trialConfigIn]      `json:"defaultTrialConfig,omitzero"`
		Charges            Given[catalog.Pricing]  `json:"charges,omitzero" doc:"The whole pricing. It replaces what was there."`
		CompatibleAddonIDs Opt[[]string]           `json:"compatibleAddonIds,omitzero" maxItems:"1000" doc:"The add-ons that go with the plan. The list replaces what was there."`
		ParentPlanID       Opt[string]             `json:"parentPlanId,omitzero" maxLength:"255" doc:"The plan whose entitlements are inherited; null for none."`
	}
}

func (in *updatePlanInput) update() catalog.PackageUpdate {
	b := in.Body
	u := catalog.PackageUpdate{
		BillingID: change(b.BillingID), Metadata: change(b.Metadata), HiddenFromWidgets: change(b.HiddenFromWidgets),
		DisplayName: b.DisplayName.Ptr(), Description: change(b.Description), Pricing: b.Charges.Ptr(),
		Compatible: change(b.CompatibleAddonIDs), Parent: change(b.ParentPlanID),
	}
	if t, ok := b.DefaultTrialConfig.Get(); ok {
		u.Trial = opt.Some(t.trial())
	} else if b.DefaultTrialConfig.IsNull() {
		u.Trial = opt.Null[catalog.Trial]()
	}
	return u
}

func (h Plans) update(ctx context.Context, env tenant.ID, in *updatePlanInput) (catalog.Package, error) {
	match, err := in.versions()
	if err != nil {
		return catalog.Package{}, err
	}
	return h.Plans.Update(ctx, env, in.ID, in.update(), match...)
}
