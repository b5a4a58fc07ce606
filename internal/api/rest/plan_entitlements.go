package rest

import (
	"context"

	"github.com/purserhq/purser/internal/base/opt"
	"github.com/purserhq/purser/internal/base/page"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/catalog"
)

func (h Plans) entitlements(ctx context.Context, env tenant.ID, in *planVersionInput) (page.Of[catalog.Entitlement], error) {
	view, err := in.view(ctx)
	if err != nil {
		return page.Of[catalog.Entitlement]{}, err
	}
	rows, err := h.Plans.Entitlements(ctx, env, in.ID, view)
	return page.Of[catalog.Entitlement]{Items: rows}, err
}

type addEntitlementsInput struct {
	ID   string `path:"id"`
	Body struct {
		Entitlements []newEntitlementIn `json:"entitlements" minItems:"1" maxItems:"100"`
	}
}

type newEntitlementIn struct {
	ID string `json:"id" minLength:"1" maxLength:"255" format:"ref" doc:"The id of the feature."`
	EntitlementFields
	Type string `json:"type" enum:"FEATURE,CREDIT" doc:"FEATURE; CREDIT is not supported yet."`
}

// EntitlementFields is what adding and changing an entitlement have in common. It is exported for huma, which does not
// describe what is embedded otherwise.
type EntitlementFields struct {
	Behavior                        Given[string]  `json:"behavior,omitzero" enum:"Increment,Override" doc:"Increment on plans."`
	Description                     Opt[string]    `json:"description,omitzero" maxLength:"255"`
	DisplayNameOverride             Opt[string]    `json:"displayNameOverride,omitzero" maxLength:"255"`
	HasSoftLimit                    Opt[bool]      `json:"hasSoftLimit,omitzero"`
	HasUnlimitedUsage               Opt[bool]      `json:"hasUnlimitedUsage,omitzero"`
	UsageLimit                      Opt[int64]     `json:"usageLimit,omitzero"`
	HiddenFromWidgets               Opt[[]string]  `json:"hiddenFromWidgets,omitzero" enum:"PAYWALL,CUSTOMER_PORTAL,CHECKOUT"`
	IsCustom                        Opt[bool]      `json:"isCustom,omitzero" doc:"The value is set per subscription."`
	IsGranted                       Given[bool]    `json:"isGranted,omitzero"`
	Order                           Opt[float64]   `json:"order,omitzero"`
	ResetPeriod                     Opt[string]    `json:"resetPeriod,omitzero" enum:"YEAR,MONTH,WEEK,DAY,HOUR"`
	YearlyResetPeriodConfiguration  Opt[resetBody] `json:"yearlyResetPeriodConfiguration,omitzero"`
	MonthlyResetPeriodConfiguration Opt[resetBody] `json:"monthlyResetPeriodConfiguration,omitzero"`
	WeeklyResetPeriodConfiguration  Opt[resetBody] `json:"weeklyResetPeriodConfiguration,omitzero"`
	EnumValues                      later          `json:"enumValues,omitzero"`
	Amount                          later          `json:"amount,omitzero"`
	Cadence                         later          `json:"cadence,omitzero"`
	DependencyFeatureID             later          `json:"dependencyFeatureId,omitzero"`
}

type resetBody struct {
	AccordingTo string `json:"accordingTo" enum:"SubscriptionStart,StartOfTheMonth,EverySunday,EveryMonday,EveryTuesday,EveryWednesday,EveryThursday,EveryFriday,EverySaturday"`
}

func (in EntitlementFields) update(typ string) catalog.EntitlementUpdate {
	u := catalog.EntitlementUpdate{
		Behavior: in.Behavior.Ptr(), DisplayName: change(in.DisplayNameOverride), Description: change(in.Description),
		UsageLimit: change(in.UsageLimit), Unlimited: change(in.HasUnlimitedUsage), Soft: change(in.HasSoftLimit),
		IsCustom: change(in.IsCustom), Granted: in.IsGranted.Ptr(), ResetPeriod: change(in.ResetPeriod), Order: change(in.Order),
		HiddenFromWidgets: change(in.HiddenFromWidgets), Unsupported: unsupported(in),
		Resets: map[string]opt.Of[string]{
			"YEAR":  resetOf(in.YearlyResetPeriodConfiguration),
			"MONTH": resetOf(in.MonthlyResetPeriodConfiguration),
			"WEEK":  resetOf(in.WeeklyResetPeriodConfiguration),
		},
	}
	if typ == creditType {
		u.Unsupported = append(u.Unsupported, "type")
	}
	return u
}

func resetOf(o Opt[resetBody]) opt.Of[string] {
	if r, ok := o.Get(); ok {
		return opt.Some(r.AccordingTo)
	}
	return opt.Of[string]{Set: o.IsNull(), Null: o.IsNull()}
}

func (h Plans) addEntitlements(ctx context.Context, env tenant.ID, in *addEntitlementsInput) ([]catalog.Entitlement, error) {
	rows := make([]catalog.NewEntitlement, 0, len(in.Body.Entitlements))
	for _, e := range in.Body.Entitlements {
		rows = append(rows, catalog.NewEntitlement{FeatureID: e.ID, EntitlementUpdate: e.update(e.Type)})
	}
	return h.Plans.AddEntitlements(ctx, env, in.ID, rows)
}

type planEntitlementInput struct {
	ID        string `path:"id"`
	FeatureID string `path:"featureId"`
}

type updateEntitlementInput struct {
	planEntitlementInput
	Body struct {
		EntitlementFields
		Type string `json:"type,omitempty" enum:"FEATURE,CREDIT" doc:"FEATURE; CREDIT is not supported yet."`
	}
}

func (h Plans) updateEntitlement(ctx context.Context, env tenant.ID, in *updateEntitlementInput) (catalog.Entitlement, error) {
	return h.Plans.UpdateEntitlement(ctx, env, in.ID, in.FeatureID, in.Body.update(in.Body.Type))
}

func (h Plans) removeEntitlement(ctx context.Context, env tenant.ID, in *planEntitlementInput) (catalog.Entitlement, error) {
	return h.Plans.RemoveEntitlement(ctx, env, in.ID, in.FeatureID)
}

// planEntitlementBody is an entitlement of a plan on the wire. Its id is the feature's.
type planEntitlementBody struct {
	ID                       string         `json:"id"`
	Type                     string         `json:"type" enum:"FEATURE"`
	Behavior                 string         `json:"behavior" enum:"Increment,Override"`
	Description              Opt[string]    `json:"description"`
	DisplayNameOverride      Opt[string]    `json:"displayNameOverride"`
	EnumValues               Opt[[]string]  `json:"enumValues"`
	HasSoftLimit             bool           `json:"hasSoftLimit"`
	HasUnlimitedUsage        bool           `json:"hasUnlimitedUsage"`
	UsageLimit               Opt[int64]     `json:"usageLimit"`
	HiddenFromWidgets        []string       `json:"hiddenFromWidgets" enum:"PAYWALL,CUSTOMER_PORTAL,CHECKOUT"`
	IsCustom                 bool           `json:"isCustom"`
	IsGranted                bool           `json:"isGranted"`
	Order                    Opt[float64]   `json:"order"`
	ResetPeriod              Opt[string]    `json:"resetPeriod" enum:"YEAR,MONTH,WEEK,DAY,HOUR"`
	ResetPeriodConfiguration Opt[resetBody] `json:"resetPeriodConfiguration"`
	CreatedAt                Time           `json:"createdAt"`
	UpdatedAt                Time           `json:"updatedAt"`
}

func planEntitlementOf(e catalog.Entitlement) planEntitlementBody {
	b := planEntitlementBody{
		ID: e.FeatureRefID, Type: featureType, Behavior: e.Behavior, Description: FromPtr(e.Description),
		DisplayNameOverride: FromPtr(e.DisplayName), HasSoftLimit: e.Soft, HasUnlimitedUsage: e.Unlimited,
		UsageLimit: FromPtr(e.UsageLimit), HiddenFromWidgets: e.HiddenFromWidgets, IsCustom: e.IsCustom, IsGranted: e.Granted,
		Order: FromPtr(e.Order), ResetPeriod: orNull(e.ResetPeriod), CreatedAt: At(e.CreatedAt), UpdatedAt: At(e.UpdatedAt),
	}
	if r := e.ResetConfiguration; r != nil {
		b.ResetPeriodConfiguration = Some(resetBody{r.AccordingTo})
	}
	return b
}

func planEntitlementsOf(rows []catalog.Entitlement) []planEntitlementBody {
	out := make([]planEntitlementBody, 0, len(rows))
	for _, e := range rows {
		out = append(out, planEntitlementOf(e))
	}
	return out
}
