package rest

import (
	"context"

	"github.com/purserhq/purser/internal/api/auth"
	"github.com/purserhq/purser/internal/base/page"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/journey"
)

// Products are the routes of products and their customer journeys.
type Products struct{ Products *catalog.Products }

func (h Products) routes(api *API) {
	row := func(id, path, summary string, p auth.Permission) op {
		return op{ID: id, Path: "/api/v1/products" + path, Tag: "Products", Summary: summary, Permission: p}
	}
	list(api, row("listProducts", "", "List products", auth.CatalogRead), h.list, productOf)
	post(api, created(row("createProduct", "", "Create a product", auth.CatalogWrite)), h.create, data(productOf))
	get(api, row("getProduct", "/{id}", "Read a product", auth.CatalogRead), h.get, data(productOf))
	patch(api, row("updateProduct", "/{id}", "Change some fields of a product, or its customer journey", auth.CatalogWrite), h.update, data(productOf))
	post(api, row("archiveProduct", "/{id}/archive", "Archive a product with its plans and add-ons", auth.CatalogWrite), h.archive, data(productOf))
	post(api, created(row("duplicateProduct", "/{id}/duplicate", "Copy a product with its plans and add-ons", auth.CatalogWrite)), h.duplicate, data(productOf))
	post(api, row("unarchiveProduct", "/{id}/unarchive", "Bring an archived product back", auth.CatalogWrite), h.unarchive, data(productOf))
}

type productIDInput struct {
	ID string `path:"id"`
}

func (h Products) get(ctx context.Context, env tenant.ID, in *productIDInput) (catalog.Product, error) {
	return h.Products.Get(ctx, env, in.ID, auth.From(ctx).PublishedOnly())
}

type listProductsInput struct {
	Paging
	ID        string    `query:"id" maxLength:"255" doc:"Exactly this product."`
	Status    []string  `query:"status" enum:"PUBLISHED,ARCHIVED" doc:"Archived products are listed only when asked for."`
	CreatedAt DateRange `query:"createdAt"`
}

func (h Products) list(ctx context.Context, env tenant.ID, in *listProductsInput) (page.Of[catalog.Product], error) {
	p, err := in.request()
	if err != nil {
		return page.Of[catalog.Product]{}, err
	}
	f := catalog.ProductFilter{
		ID: in.ID, Status: in.Status, Created: page.Range(in.CreatedAt), PublishedOnly: auth.From(ctx).PublishedOnly(),
	}
	return h.Products.List(ctx, env, f, p)
}

type createProductInput struct {
	Body struct {
		ID                    string                 `json:"id,omitempty" minLength:"1" maxLength:"255" format:"ref" doc:"Made when absent."`
		DisplayName           string                 `json:"displayName" minLength:"1" maxLength:"255"`
		Description           Opt[string]            `json:"description,omitzero" maxLength:"255"`
		Metadata              Opt[map[string]string] `json:"metadata,omitzero" format:"metadata"`
		MultipleSubscriptions bool                   `json:"multipleSubscriptions,omitempty" doc:"One subscription per resource instead of one per customer."`
	}
}

func (h Products) create(ctx context.Context, env tenant.ID, in *createProductInput) (catalog.Product, error) {
	b := in.Body
	return h.Products.Create(ctx, env, catalog.NewProduct{
		ID: b.ID, DisplayName: b.DisplayName, Description: b.Description.Ptr(), Metadata: b.Metadata.Or(nil),
		MultipleSubscriptions: b.MultipleSubscriptions,
	})
}

type updateProductInput struct {
	ID   string `path:"id"`
	Body struct {
		DisplayName           Given[string]             `json:"displayName,omitzero" minLength:"1" maxLength:"255"`
		Description           Opt[string]               `json:"description,omitzero" maxLength:"255"`
		Metadata              Opt[map[string]*string]   `json:"metadata,omitzero" format:"metadata" doc:"Given keys replace; null or an empty text deletes."`
		MultipleSubscriptions Given[bool]               `json:"multipleSubscriptions,omitzero" doc:"Fixed once the product has subscriptions."`
		ProductSettings       Given[journeyBody]        `json:"productSettings,omitzero" doc:"The customer journey. Replaced as a whole: what is absent takes its default."`
		UsageResetCutoffRule  Given[usageResetRuleBody] `json:"usageResetCutoffRule,omitzero"`
		PlanOrder             Opt[[]string]             `json:"planOrder,omitzero" maxItems:"1000" doc:"Plans in the order in which pricing tables show them; others follow by type and price. Null brings that order back."`
	}
}

func (in *updateProductInput) update() catalog.ProductUpdate {
	b := in.Body
	u := catalog.ProductUpdate{
		DisplayName: b.DisplayName.Ptr(), Description: change(b.Description), Metadata: change(b.Metadata),
		MultipleSubscriptions: b.MultipleSubscriptions.Ptr(), PlanOrder: change(b.PlanOrder),
	}
	if s, ok := b.ProductSettings.Get(); ok {
		settings := s.settings()
		u.Settings = &settings
	}
	if r, ok := b.UsageResetCutoffRule.Get(); ok {
		u.UsageResetCutoff = &r.Behavior
	}
	return u
}

func (h Products) update(ctx context.Context, env tenant.ID, in *updateProductInput) (catalog.Product, error) {
	return h.Products.Update(ctx, env, in.ID, in.update())
}

func (h Products) archive(ctx context.Context, env tenant.ID, in *productIDInput) (catalog.Product, error) {
	return h.Products.Archive(ctx, env, in.ID)
}

func (h Products) unarchive(ctx context.Context, env tenant.ID, in *productIDInput) (catalog.Product, error) {
	return h.Products.Unarchive(ctx, env, in.ID)
}

type duplicateProductInput struct {
	ID   string `path:"id"`
	Body struct {
		TargetID    string        `json:"targetId" minLength:"1" maxLength:"255" doc:"The id of the copy. Its plans are named ID-TARGET."`
		DisplayName Given[string] `json:"displayName,omitzero" minLength:"1" maxLength:"255"`
		Description Opt[string]   `json:"description,omitzero" maxLength:"255"`
	}
}

func (h Products) duplicate(ctx context.Context, env tenant.ID, in *duplicateProductInput) (catalog.Product, error) {
	b := in.Body
	return h.Products.Duplicate(ctx, env, in.ID, catalog.Duplicate{
		TargetID: b.TargetID, DisplayName: b.DisplayName.Ptr(), Description: change(b.Description),
	})
}

// productBody is a product on the wire.
type productBody struct {
	ID                    string             `json:"id"`
	DisplayName           string             `json:"displayName"`
	Description           Opt[string]        `json:"description"`
	Metadata              map[string]string  `json:"metadata"`
	MultipleSubscriptions bool               `json:"multipleSubscriptions"`
	Status                string             `json:"status" enum:"PUBLISHED,ARCHIVED"`
	IsDefaultProduct      bool               `json:"isDefaultProduct"`
	ProductSettings       journeyBody        `json:"productSettings"`
	UsageResetCutoffRule  usageResetRuleBody `json:"usageResetCutoffRule"`
	PlanOrder             []string           `json:"planOrder"`
	CreatedAt             Time               `json:"createdAt"`
	UpdatedAt             Time               `json:"updatedAt"`
}

type usageResetRuleBody struct {
	Behavior string `json:"behavior" enum:"NEVER_RESET,ALWAYS_RESET,BILLING_PERIOD_CHANGE"`
}

func productOf(p catalog.Product) productBody {
	return productBody{
		ID: p.RefID, DisplayName: p.DisplayName, Description: FromPtr(p.Description), Metadata: p.Metadata,
		MultipleSubscriptions: p.MultipleSubscriptions, Status: p.Status, IsDefaultProduct: p.IsDefault,
		ProductSettings: journeyOf(p.Settings), UsageResetCutoffRule: usageResetRuleBody{p.UsageResetCutoff},
		PlanOrder: p.PlanOrder,
		CreatedAt: At(p.CreatedAt), UpdatedAt: At(p.UpdatedAt),
	}
}

// journeyBody is a customer journey on the wire. Every member of an answer is there.
type journeyBody struct {
	SubscriptionStartSetup       string        `json:"subscriptionStartSetup,omitempty" enum:"PLAN_SELECTION,TRIAL_PERIOD,FREE_PLAN" doc:"Default: PLAN_SELECTION."`
	SubscriptionStartPlanID      Opt[string]   `json:"subscriptionStartPlanId,omitzero" maxLength:"255"`
	SubscriptionEndSetup         string        `json:"subscriptionEndSetup,omitempty" enum:"DOWNGRADE_TO_FREE,CANCEL_SUBSCRIPTION" doc:"Default: CANCEL_SUBSCRIPTION."`
	DowngradePlanID              Opt[string]   `json:"downgradePlanId,omitzero" maxLength:"255"`
	SubscriptionCancellationTime string        `json:"subscriptionCancellationTime,omitempty" enum:"END_OF_BILLING_PERIOD,IMMEDIATE,SPECIFIC_DATE" doc:"Default: IMMEDIATE."`
	ProrateAtEndOfBillingPeriod  Opt[bool]     `json:"prorateAtEndOfBillingPeriod,omitzero"`
	SubscriptionDowngradeTime    string        `json:"subscriptionDowngradeTime,omitempty" enum:"IMMEDIATE,END_OF_BILLING_PERIOD" doc:"Default: IMMEDIATE."`
	CancelWithProductIDs         Opt[[]string] `json:"cancelWithProductIds,omitzero" maxItems:"50" doc:"Products whose cancellation also cancels this one."`
}

func (b journeyBody) settings() journey.Settings {
	return journey.Settings{
		StartSetup:                  journey.StartSetup(b.SubscriptionStartSetup),
		StartPlanID:                 journey.PlanID(b.SubscriptionStartPlanID.Or("")),
		EndSetup:                    journey.EndSetup(b.SubscriptionEndSetup),
		DowngradePlanID:             journey.PlanID(b.DowngradePlanID.Or("")),
		CancellationTime:            journey.CancellationTime(b.SubscriptionCancellationTime),
		ProrateAtEndOfBillingPeriod: b.ProrateAtEndOfBillingPeriod.Or(false),
		DowngradeTime:               journey.DowngradeTime(b.SubscriptionDowngradeTime),
		CancelWithProductIDs:        b.CancelWithProductIDs.Or(nil),
	}
}

func journeyOf(s journey.Settings) journeyBody {
	plan := func(id journey.PlanID) Opt[string] {
		if id == "" {
			return Null[string]()
		}
		return Some(string(id))
	}
	return journeyBody{
		SubscriptionStartSetup:       string(s.StartSetup),
		SubscriptionStartPlanID:      plan(s.StartPlanID),
		SubscriptionEndSetup:         string(s.EndSetup),
		DowngradePlanID:              plan(s.DowngradePlanID),
		SubscriptionCancellationTime: string(s.CancellationTime),
		ProrateAtEndOfBillingPeriod:  Some(s.ProrateAtEndOfBillingPeriod),
		SubscriptionDowngradeTime:    string(s.DowngradeTime),
		CancelWithProductIDs:         Some(s.CancelWithProductIDs),
	}
}
