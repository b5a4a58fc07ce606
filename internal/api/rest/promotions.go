package rest

import (
	"context"

	"github.com/purserhq/purser/internal/api/auth"
	"github.com/purserhq/purser/internal/base/page"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/promotion"
	"github.com/purserhq/purser/internal/core/provisioning"
)

// Promotions are the routes of promotional entitlements.
type Promotions struct{ Provisioning *provisioning.Service }

func (h Promotions) routes(api *API) {
	row := func(id, path, summary string, p auth.Permission) op {
		return op{ID: id, Path: "/api/v1/customers/{id}/promotional-entitlements" + path, Tag: "Entitlements", Summary: summary, Permission: p}
	}
	list(api, row("listPromotionalEntitlements", "", "List the promotional entitlements of a customer", auth.PromotionRead), h.list, promotionOf)
	grant := created(row("grantPromotionalEntitlements", "", "Grant features outside of any subscription", auth.PromotionWrite))
	grant.Description = "All of them or none. Where the customer has a running one of a feature already, that one is changed: it keeps its id and startDate, and its end counts from now."
	post(api, grant, h.grant, data(promotionsOf))
	del(api, row("revokePromotionalEntitlement", "/{featureId}", "Revoke the promotional entitlement of a feature", auth.PromotionWrite), h.revoke, data(promotionOf))
}

type listPromotionsInput struct {
	ID string `path:"id"`
	Paging
	Status    []string  `query:"status" enum:"Active,Expired,Paused" doc:"A revoked one is Expired; none is ever Paused."`
	CreatedAt DateRange `query:"createdAt"`
}

func (h Promotions) list(ctx context.Context, env tenant.ID, in *listPromotionsInput) (page.Of[promotion.View], error) {
	p, err := in.request()
	if err != nil {
		return page.Of[promotion.View]{}, err
	}
	f := promotion.Filter{Created: page.Range(in.CreatedAt)}
	for _, s := range in.Status {
		f.Statuses = append(f.Statuses, promotion.Status(s))
	}
	return h.Provisioning.Promotions(ctx, env, in.ID, f, p)
}

type grantPromotionsInput struct {
	ID   string `path:"id"`
	Body struct {
		Rows []newPromotionIn `json:"promotionalEntitlements" minItems:"1" maxItems:"100"`
	}
}

type newPromotionIn struct {
	FeatureID                       string         `json:"featureId" minLength:"1" maxLength:"255" format:"ref"`
	Period                          string         `json:"period" enum:"1 week,1 month,6 month,1 year,lifetime,custom"`
	CustomEndDate                   Opt[Time]      `json:"customEndDate,omitzero" doc:"With the period custom, which needs it. It lies ahead."`
	UsageLimit                      Opt[int64]     `json:"usageLimit,omitzero" doc:"Of a NUMBER feature, unless hasUnlimitedUsage is true."`
	HasUnlimitedUsage               Opt[bool]      `json:"hasUnlimitedUsage,omitzero"`
	HasSoftLimit                    Opt[bool]      `json:"hasSoftLimit,omitzero"`
	EnumValues                      Opt[[]string]  `json:"enumValues,omitzero" maxItems:"255" doc:"Of an ENUM feature: the allowed values."`
	IsVisible                       Opt[bool]      `json:"isVisible,omitzero" doc:"In widgets. Default: true."`
	ResetPeriod                     Opt[string]    `json:"resetPeriod,omitzero" enum:"YEAR,MONTH,WEEK,DAY,HOUR" doc:"Of a metered feature. SubscriptionStart is the start of the grant here."`
	YearlyResetPeriodConfiguration  Opt[resetBody] `json:"yearlyResetPeriodConfiguration,omitzero"`
	MonthlyResetPeriodConfiguration Opt[resetBody] `json:"monthlyResetPeriodConfiguration,omitzero"`
	WeeklyResetPeriodConfiguration  Opt[resetBody] `json:"weeklyResetPeriodConfiguration,omitzero"`
}

func (in newPromotionIn) row() promotion.New {
	gives := EntitlementFields{
		UsageLimit: in.UsageLimit, HasUnlimitedUsage: in.HasUnlimitedUsage, HasSoftLimit: in.HasSoftLimit, EnumValues: in.EnumValues,
		ResetPeriod: in.ResetPeriod, YearlyResetPeriodConfiguration: in.YearlyResetPeriodConfiguration,
		MonthlyResetPeriodConfiguration: in.MonthlyResetPeriodConfiguration, WeeklyResetPeriodConfiguration: in.WeeklyResetPeriodConfiguration,
	}
	return promotion.New{
		FeatureRef: in.FeatureID, Gives: gives.update(), Visible: in.IsVisible.Ptr(), Period: in.Period, CustomEnd: moment(in.CustomEndDate),
	}
}

func (h Promotions) grant(ctx context.Context, env tenant.ID, in *grantPromotionsInput) ([]promotion.View, error) {
	rows := make([]promotion.New, 0, len(in.Body.Rows))
	for _, r := range in.Body.Rows {
		rows = append(rows, r.row())
	}
	return h.Provisioning.Grant(ctx, env, in.ID, rows)
}

type revokePromotionInput struct {
	ID        string `path:"id"`
	FeatureID string `path:"featureId" doc:"The id of the feature, not of the grant."`
}

func (h Promotions) revoke(ctx context.Context, env tenant.ID, in *revokePromotionInput) (promotion.View, error) {
	return h.Provisioning.Revoke(ctx, env, in.ID, in.FeatureID)
}

// promotionBody is a promotional entitlement on the wire, where its ids are internal ones but for that of feature.
type promotionBody struct {
	ID                       string         `json:"id" format:"uuid"`
	EnvironmentID            string         `json:"environmentId" format:"uuid"`
	FeatureID                string         `json:"featureId" format:"uuid" doc:"Internal; see feature."`
	Feature                  featureRefBody `json:"feature"`
	Description              Opt[string]    `json:"description"`
	Status                   string         `json:"status" enum:"Active,Expired,Paused"`
	Period                   string         `json:"period" enum:"1 week,1 month,6 month,1 year,lifetime,custom"`
	StartDate                Time           `json:"startDate"`
	EndDate                  Opt[Time]      `json:"endDate"`
	HasUnlimitedUsage        Opt[bool]      `json:"hasUnlimitedUsage" doc:"Of a NUMBER feature, like the limit."`
	HasSoftLimit             Opt[bool]      `json:"hasSoftLimit"`
	UsageLimit               Opt[int64]     `json:"usageLimit"`
	EnumValues               Opt[[]string]  `json:"enumValues"`
	ResetPeriod              Opt[string]    `json:"resetPeriod" enum:"YEAR,MONTH,WEEK,DAY,HOUR"`
	ResetPeriodConfiguration Opt[resetBody] `json:"resetPeriodConfiguration"`
	IsVisible                bool           `json:"isVisible"`
	FeatureGroupIDs          Opt[[]string]  `json:"featureGroupIds"`
	CreatedAt                Time           `json:"createdAt"`
	UpdatedAt                Time           `json:"updatedAt"`
}

type featureRefBody struct {
	ID string `json:"id"`
}

func promotionOf(v promotion.View) promotionBody {
	b := promotionBody{
		ID: v.ID, EnvironmentID: v.EnvironmentID, FeatureID: v.FeatureID, Feature: featureRefBody{v.FeatureRef},
		Description: Null[string](), Status: string(v.Status()), Period: v.Period, StartDate: At(v.StartDate), EndDate: Null[Time](),
		HasUnlimitedUsage: Null[bool](), HasSoftLimit: Null[bool](), UsageLimit: FromPtr(v.UsageLimit), EnumValues: Null[[]string](),
		ResetPeriod: orNull(v.ResetPeriod), ResetPeriodConfiguration: resetBodyOf(v.Reset), IsVisible: v.Visible,
		FeatureGroupIDs: Null[[]string](), CreatedAt: At(v.CreatedAt), UpdatedAt: At(v.UpdatedAt),
	}
	if v.EndDate != nil {
		b.EndDate = Some(At(*v.EndDate))
	}
	if v.UsageLimit != nil || v.Unlimited {
		b.HasUnlimitedUsage, b.HasSoftLimit = Some(v.Unlimited), Some(v.Soft)
	}
	if len(v.EnumValues) > 0 {
		b.EnumValues = Some(v.EnumValues)
	}
	return b
}

func promotionsOf(list []promotion.View) []promotionBody {
	out := make([]promotionBody, 0, len(list))
	for _, v := range list {
		out = append(out, promotionOf(v))
	}
	return out
}

func resetBodyOf(r *catalog.ResetConfiguration) Opt[resetBody] {
	if r == nil {
		return Null[resetBody]()
	}
	return Some(resetBody{r.AccordingTo})
}
