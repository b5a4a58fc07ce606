package rest

import (
	"context"

	"github.com/purserhq/purser/internal/api/auth"
	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/page"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/catalog"
)

// Plans are the routes of plans, their drafts, charges and entitlements.
type Plans struct{ Plans *catalog.Plans }

func (h Plans) routes(api *API) {
	row := func(id, path, summary string, p auth.Permission) op {
		return op{ID: id, Path: "/api/v1/plans" + path, Tag: "Plans", Summary: summary, Permission: p}
	}
	created := func(o op) op {
		o.Status = 201
		return o
	}
	list(api, row("listPlans", "", "List plans", auth.CatalogRead), h.list, planOf)
	post(api, created(row("createPlan", "", "Create a plan, as a draft", auth.CatalogWrite)), h.create, data(planOf))
	get(api, row("getPlan", "/{id}", "Read a plan", auth.CatalogRead), h.get, data(planOf))
	patch(api, row("updatePlan", "/{id}", "Change some fields of a plan's draft", auth.CatalogWrite), h.update, data(editedPlanOf))
	list(api, row("listPlanCharges", "/{id}/charges", "List the charges of a plan", auth.CatalogRead), h.charges, chargeOf)
	post(api, row("createPlanDraft", "/{id}/draft", "Open a draft of a published plan", auth.CatalogWrite), h.createDraft, data(editedPlanOf))
	del(api, row("removePlanDraft", "/{id}/draft", "Discard the draft", auth.CatalogWrite), h.discardDraft, data(planIDOf))
	post(api, row("publishPlan", "/{id}/publish", "Publish the draft", auth.CatalogWrite), h.publish, data(publicationOf))

	list(api, row("listPlanEntitlements", "/{id}/entitlements", "List the entitlements of a plan", auth.CatalogRead), h.entitlements, planEntitlementOf)
	post(api, created(row("createPlanEntitlements", "/{id}/entitlements", "Add entitlements to a plan's draft", auth.CatalogWrite)),
		h.addEntitlements, data(planEntitlementsOf))
	patch(api, row("updatePlanEntitlement", "/{id}/entitlements/{featureId}", "Change an entitlement of a plan's draft", auth.CatalogWrite),
		h.updateEntitlement, data(planEntitlementOf))
	del(api, row("removePlanEntitlement", "/{id}/entitlements/{featureId}", "Remove an entitlement from a plan's draft", auth.CatalogWrite),
		h.removeEntitlement, data(planEntitlementOf))
}

type planIDInput struct {
	ID string `path:"id"`
}

// planVersionInput chooses between the versions of a plan (contract §4.1).
type planVersionInput struct {
	ID      string `path:"id"`
	Version string `query:"version" enum:"draft" doc:"Shows the draft in place of the published version."`
}

func (in planVersionInput) view(ctx context.Context) (catalog.View, error) {
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

func (h Plans) get(ctx context.Context, env tenant.ID, in *planVersionInput) (catalog.Plan, error) {
	view, err := in.view(ctx)
	if err != nil {
		return catalog.Plan{}, err
	}
	return h.Plans.Get(ctx, env, in.ID, view)
}

type listPlansInput struct {
	Paging
	ProductID string    `query:"productId" maxLength:"255" doc:"Plans of this product."`
	Status    []string  `query:"status" enum:"DRAFT,PUBLISHED,ARCHIVED" doc:"Archived plans are listed only when asked for."`
	CreatedAt DateRange `query:"createdAt"`
}

func (h Plans) list(ctx context.Context, env tenant.ID, in *listPlansInput) (page.Of[catalog.Plan], error) {
	p, err := in.request()
	if err != nil {
		return page.Of[catalog.Plan]{}, err
	}
	return h.Plans.List(ctx, env, catalog.PlanFilter{
		ProductID: in.ProductID, Status: in.Status, Created: page.Range(in.CreatedAt), VisibleOnly: auth.From(ctx).PublishedOnly(),
	}, p)
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
		ParentPlanID       later              `json:"parentPlanId,omitzero"`
	}
}

func (h Plans) create(ctx context.Context, env tenant.ID, in *createPlanInput) (catalog.Plan, error) {
	b := in.Body
	n := catalog.NewPlan{
		ID: b.ID, ProductID: b.ProductID, DisplayName: b.DisplayName, Description: b.Description.Ptr(),
		BillingID: b.BillingID.Ptr(), Metadata: b.Metadata, HiddenFromWidgets: b.HiddenFromWidgets,
		PricingType: b.PricingType.Or(""), Status: b.Status, Unsupported: unsupported(b),
	}
	if t, ok := b.DefaultTrialConfig.Get(); ok {
		trial := t.trial()
		n.Trial = &trial
	}
	return h.Plans.Create(ctx, env, n)
}

type updatePlanInput struct {
	ID   string `path:"id"`
	Body struct {
		DisplayName        Given[string]           `json:"displayName,omitzero" minLength:"1" maxLength:"255"`
		Description        Opt[string]             `json:"description,omitzero" maxLength:"255"`
		BillingID          Opt[string]             `json:"billingId,omitzero" maxLength:"255"`
		Metadata           Opt[map[string]*string] `json:"metadata,omitzero" format:"metadata" doc:"Given keys replace; null or an empty text deletes."`
		HiddenFromWidgets  Opt[[]string]           `json:"hiddenFromWidgets,omitzero" enum:"PAYWALL,CUSTOMER_PORTAL,CHECKOUT"`
		DefaultTrialConfig Opt[trialConfigIn]      `json:"defaultTrialConfig,omitzero"`
		Charges            Given[chargesIn]        `json:"charges,omitzero" doc:"The whole pricing. It replaces what was there."`
		CompatibleAddonIDs later                   `json:"compatibleAddonIds,omitzero"`
		ParentPlanID       later                   `json:"parentPlanId,omitzero"`
	}
}

func (in *updatePlanInput) update() catalog.PlanUpdate {
	b := in.Body
	u := catalog.PlanUpdate{
		BillingID: change(b.BillingID), Metadata: change(b.Metadata), HiddenFromWidgets: change(b.HiddenFromWidgets),
		DisplayName: b.DisplayName.Ptr(), Description: change(b.Description), Unsupported: unsupported(b),
	}
	if t, ok := b.DefaultTrialConfig.Get(); ok {
		u.Trial.Set, u.Trial.Value = true, t.trial()
	} else {
		u.Trial.Set, u.Trial.Null = b.DefaultTrialConfig.IsNull(), b.DefaultTrialConfig.IsNull()
	}
	if c, ok := b.Charges.Get(); ok {
		pricing := c.pricing()
		u.Pricing = &pricing
	}
	return u
}

func (h Plans) update(ctx context.Context, env tenant.ID, in *updatePlanInput) (catalog.Plan, error) {
	return h.Plans.Update(ctx, env, in.ID, in.update())
}

type listChargesInput struct {
	planVersionInput
	Paging
}

func (h Plans) charges(ctx context.Context, env tenant.ID, in *listChargesInput) (page.Of[catalog.Price], error) {
	p, err := in.request()
	if err != nil {
		return page.Of[catalog.Price]{}, err
	}
	view, err := in.view(ctx)
	if err != nil {
		return page.Of[catalog.Price]{}, err
	}
	return h.Plans.Charges(ctx, env, in.ID, view, p)
}

func (h Plans) createDraft(ctx context.Context, env tenant.ID, in *planIDInput) (catalog.Plan, error) {
	return h.Plans.CreateDraft(ctx, env, in.ID)
}

func (h Plans) discardDraft(ctx context.Context, env tenant.ID, in *planIDInput) (catalog.Plan, error) {
	return h.Plans.DiscardDraft(ctx, env, in.ID)
}

type publishPlanInput struct {
	ID   string `path:"id"`
	Body *struct {
		MigrationType string `json:"migrationType,omitempty" enum:"NEW_CUSTOMERS,ALL_CUSTOMERS" doc:"Default: NEW_CUSTOMERS. ALL_CUSTOMERS is not supported yet."`
	}
}

func (h Plans) publish(ctx context.Context, env tenant.ID, in *publishPlanInput) (catalog.Publication, error) {
	migration := ""
	if in.Body != nil {
		migration = in.Body.MigrationType
	}
	return h.Plans.Publish(ctx, env, in.ID, migration)
}
