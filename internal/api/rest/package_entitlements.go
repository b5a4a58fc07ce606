package rest

import (
	"context"

	"github.com/purserhq/purser/internal/base/money"
	"github.com/purserhq/purser/internal/base/opt"
	"github.com/purserhq/purser/internal/base/page"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/catalog"
)

func (h packages) entitlements(ctx context.Context, env tenant.ID, in *packageVersionInput) (page.Of[catalog.Entitlement], error) {
	view, err := in.view(ctx)
	if err != nil {
		return page.Of[catalog.Entitlement]{}, err
	}
	rows, err := h.service.Entitlements(ctx, env, in.ID, view)
	return page.Of[catalog.Entitlement]{Items: rows}, err
}

type addEntitlementsInput struct {
	ID string `path:"id"`
	Matching
	Body struct {
		Entitlements []newEntitlementIn `json:"entitlements" minItems:"1" maxItems:"100"`
	}
}

type newEntitlementIn struct {
	ID string `json:"id" minLength:"1" maxLength:"255" format:"ref" doc:"The id of the feature, or of the custom currency."`
	EntitlementFields
	Type string `json:"type" enum:"FEATURE,CREDIT"`
}

// EntitlementFields is what adding and changing an entitlement have in common. It is exported for huma, which does not
// describe what is embedded otherwise.
type EntitlementFields struct {
	Behavior                        Given[string]      `json:"behavior,omitzero" enum:"Increment,Override" doc:"Increment on plans."`
	Description                     Opt[string]        `json:"description,omitzero" maxLength:"255"`
	DisplayNameOverride             Opt[string]        `json:"displayNameOverride,omitzero" maxLength:"255"`
	HasSoftLimit                    Opt[bool]          `json:"hasSoftLimit,omitzero" doc:"An overage charge makes the limit soft in any case."`
	HasUnlimitedUsage               Opt[bool]          `json:"hasUnlimitedUsage,omitzero"`
	UsageLimit                      Opt[int64]         `json:"usageLimit,omitzero"`
	HiddenFromWidgets               Opt[[]string]      `json:"hiddenFromWidgets,omitzero" enum:"PAYWALL,CUSTOMER_PORTAL,CHECKOUT"`
	IsCustom                        Opt[bool]          `json:"isCustom,omitzero" doc:"The value is set per subscription."`
	IsGranted                       Given[bool]        `json:"isGranted,omitzero"`
	Order                           Opt[float64]       `json:"order,omitzero"`
	ResetPeriod                     Opt[string]        `json:"resetPeriod,omitzero" enum:"YEAR,MONTH,WEEK,DAY,HOUR"`
	YearlyResetPeriodConfiguration  Opt[resetBody]     `json:"yearlyResetPeriodConfiguration,omitzero"`
	MonthlyResetPeriodConfiguration Opt[resetBody]     `json:"monthlyResetPeriodConfiguration,omitzero"`
	WeeklyResetPeriodConfiguration  Opt[resetBody]     `json:"weeklyResetPeriodConfiguration,omitzero"`
	EnumValues                      Opt[[]string]      `json:"enumValues,omitzero" maxItems:"255" doc:"Of an ENUM feature: the allowed values."`
	FeatureGroupIDs                 Opt[[]string]      `json:"featureGroupIds,omitzero" maxItems:"50" doc:"The groups through which the feature was added."`
	Amount                          Opt[money.Decimal] `json:"amount,omitzero" doc:"Of credits: how many per cadence."`
	Cadence                         Opt[string]        `json:"cadence,omitzero" enum:"MONTH,YEAR"`
	DependencyFeatureID             Opt[string]        `json:"dependencyFeatureId,omitzero" maxLength:"255" doc:"Of credits: the amount is multiplied by the limit of this feature."`
}

type resetBody struct {
	AccordingTo string `json:"accordingTo" enum:"SubscriptionStart,StartOfTheMonth,EverySunday,EveryMonday,EveryTuesday,EveryWednesday,EveryThursday,EveryFriday,EverySaturday"`
}

func (in EntitlementFields) update() catalog.EntitlementUpdate {
	return catalog.EntitlementUpdate{
		Behavior: in.Behavior.Ptr(), DisplayName: change(in.DisplayNameOverride), Description: change(in.Description),
		UsageLimit: change(in.UsageLimit), Unlimited: change(in.HasUnlimitedUsage), Soft: change(in.HasSoftLimit),
		IsCustom: change(in.IsCustom), Granted: in.IsGranted.Ptr(), ResetPeriod: change(in.ResetPeriod), Order: change(in.Order),
		HiddenFromWidgets: change(in.HiddenFromWidgets), EnumValues: change(in.EnumValues), FeatureGroups: change(in.FeatureGroupIDs),
		Amount: change(in.Amount), Cadence: change(in.Cadence), Dependency: change(in.DependencyFeatureID),
		Resets: map[string]opt.Of[string]{
			"YEAR":  resetOf(in.YearlyResetPeriodConfiguration),
			"MONTH": resetOf(in.MonthlyResetPeriodConfiguration),
			"WEEK":  resetOf(in.WeeklyResetPeriodConfiguration),
		},
	}
}

func resetOf(o Opt[resetBody]) opt.Of[string] {
	if r, ok := o.Get(); ok {
		return opt.Some(r.AccordingTo)
	}
	return opt.Of[string]{Set: o.IsNull(), Null: o.IsNull()}
}

func (h packages) addEntitlements(ctx context.Context, env tenant.ID, in *addEntitlementsInput) (catalog.EditedEntitlements, error) {
	match, err := in.versions()
	if err != nil {
		return catalog.EditedEntitlements{}, err
	}
	rows := make([]catalog.NewEntitlement, 0, len(in.Body.Entitlements))
	for _, e := range in.Body.Entitlements {
		rows = append(rows, catalog.NewEntitlement{Type: e.Type, Ref: e.ID, EntitlementUpdate: e.update()})
	}
	return h.service.AddEntitlements(ctx, env, in.ID, rows, match...)
}

type packageEntitlementInput struct {
	ID        string `path:"id"`
	FeatureID string `path:"featureId" doc:"The id of the feature, or of the custom currency."`
	Matching
}

type updateEntitlementInput struct {
	packageEntitlementInput
	Body struct {
		EntitlementFields
		Type string `json:"type,omitempty" enum:"FEATURE,CREDIT" doc:"Default: FEATURE."`
	}
}

func (h packages) updateEntitlement(ctx context.Context, env tenant.ID, in *updateEntitlementInput) (catalog.EditedEntitlements, error) {
	match, err := in.versions()
	if err != nil {
		return catalog.EditedEntitlements{}, err
	}
	return h.service.UpdateEntitlement(ctx, env, in.ID, in.Body.Type, in.FeatureID, in.Body.update(), match...)
}

func (h packages) removeEntitlement(ctx context.Context, env tenant.ID, in *packageEntitlementInput) (catalog.EditedEntitlements, error) {
	match, err := in.versions()
	if err != nil {
		return catalog.EditedEntitlements{}, err
	}
	return h.service.RemoveEntitlement(ctx, env, in.ID, in.FeatureID, match...)
}

// PackageEntitlementBody is an entitlement of a package on the wire; exported for huma, like PackageBody. Its id is the feature's, or the custom currency's.
// What only the other type has is left out.
type PackageEntitlementBody struct {
	ID                       string             `json:"id"`
	Type                     string             `json:"type" enum:"FEATURE,CREDIT"`
	Behavior                 string             `json:"behavior" enum:"Increment,Override"`
	Description              Opt[string]        `json:"description"`
	DisplayNameOverride      Opt[string]        `json:"displayNameOverride"`
	EnumValues               Opt[[]string]      `json:"enumValues,omitzero"`
	HasSoftLimit             bool               `json:"hasSoftLimit"`
	HasUnlimitedUsage        Given[bool]        `json:"hasUnlimitedUsage,omitzero"`
	UsageLimit               Opt[int64]         `json:"usageLimit,omitzero"`
	HiddenFromWidgets        []string           `json:"hiddenFromWidgets" enum:"PAYWALL,CUSTOMER_PORTAL,CHECKOUT"`
	IsCustom                 bool               `json:"isCustom"`
	IsGranted                bool               `json:"isGranted"`
	Order                    Opt[float64]       `json:"order"`
	ResetPeriod              Opt[string]        `json:"resetPeriod,omitzero" enum:"YEAR,MONTH,WEEK,DAY,HOUR"`
	ResetPeriodConfiguration Opt[resetBody]     `json:"resetPeriodConfiguration,omitzero"`
	FeatureGroupIDs          []string           `json:"featureGroupIds,omitempty"`
	Amount                   Opt[money.Decimal] `json:"amount,omitzero"`
	Cadence                  Opt[string]        `json:"cadence,omitzero" enum:"MONTH,YEAR"`
	DependencyFeatureID      Opt[string]        `json:"dependencyFeatureId,omitzero"`
	CreatedAt                Time               `json:"createdAt"`
	UpdatedAt                Time               `json:"updatedAt"`
}

func packageEntitlementOf(e catalog.Entitlement) PackageEntitlementBody {
	b := PackageEntitlementBody{
		ID: e.Ref(), Type: e.Type, Behavior: e.Behavior, Description: FromPtr(e.Description),
		DisplayNameOverride: FromPtr(e.DisplayName), HasSoftLimit: e.Soft, HiddenFromWidgets: e.HiddenFromWidgets,
		IsCustom: e.IsCustom, IsGranted: e.Granted, Order: FromPtr(e.Order), CreatedAt: At(e.CreatedAt), UpdatedAt: At(e.UpdatedAt),
	}
	if e.Type == catalog.CreditEntitlement {
		b.Amount, b.Cadence, b.DependencyFeatureID = FromPtr(e.Amount), orNull(e.Cadence), orNull(e.DependencyFeature)
		return b
	}
	b.EnumValues, b.HasUnlimitedUsage, b.UsageLimit = Null[[]string](), give(e.Unlimited), FromPtr(e.UsageLimit)
	if len(e.EnumValues) > 0 {
		b.EnumValues = Some(e.EnumValues)
	}
	b.ResetPeriod, b.ResetPeriodConfiguration, b.FeatureGroupIDs = orNull(e.ResetPeriod), resetBodyOf(e.ResetConfiguration), e.FeatureGroups
	return b
}

func editedRows(in catalog.EditedEntitlements) Reply[[]PackageEntitlementBody] {
	out := make([]PackageEntitlementBody, 0, len(in.Rows))
	for _, e := range in.Rows {
		out = append(out, packageEntitlementOf(e))
	}
	return Reply[[]PackageEntitlementBody]{Data: out, Header: etag(in.Version)}
}

func editedRow(in catalog.EditedEntitlements) Reply[PackageEntitlementBody] {
	return Reply[PackageEntitlementBody]{Data: packageEntitlementOf(in.Rows[0]), Header: etag(in.Version)}
}
