package rest

import (
	"context"

	"github.com/purserhq/purser/internal/api/auth"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/entitlement"
	"github.com/purserhq/purser/internal/core/provisioning"
)

// PublishPreviews are the routes that say what publishing for all customers would do (contract §5.7).
type PublishPreviews struct{ Provisioning *provisioning.Service }

func (h PublishPreviews) routes(api *API) {
	for _, k := range []struct {
		kind            catalog.Kind
		path, tag, noun string
	}{
		{catalog.KindPlan, "/api/v1/plans", "Plans", "Plan"},
		{catalog.KindAddon, "/api/v1/addons", "Addons", "Addon"},
	} {
		get(api, own(op{
			ID: "preview" + k.noun + "Publish", Path: k.path + "/{id}/publish-preview", Tag: k.tag, Permission: auth.CatalogWrite,
			Summary: "See what publishing the draft for all customers would do",
			Description: "Nothing is changed. Where many have it, the numbers come from subscriptions spread evenly over all. " +
				"Without a draft: PackageAlreadyPublished (409).",
		}), func(ctx context.Context, env tenant.ID, in *packageIDInput) (provisioning.PublishPreview, error) {
			return h.Provisioning.PublishPreview(ctx, env, k.kind, in.ID)
		}, data(publishPreviewOf))
	}
}

type publishPreviewBody struct {
	Customers     int64               `json:"customers" doc:"Those with a subscription that would move, or cannot."`
	Subscriptions int64               `json:"subscriptions" doc:"Running subscriptions to it, or to what inherits from it."`
	Examined      int64               `json:"examined" doc:"Subscriptions that were looked at."`
	Sampled       bool                `json:"sampled" doc:"Those were not all: numbers of customers are scaled."`
	NotMovable    int64               `json:"notMovable" doc:"Customers who stay: what was free or custom is paid now, or custom, and has to be subscribed to anew."`
	OverLimit     int64               `json:"overLimit" doc:"Customers who use more of a feature than they would have."`
	Changes       []previewChangeBody `json:"changes" doc:"What would change, for how many customers; the most first, at most 500."`
	Prices        previewPricesBody   `json:"prices" doc:"What new subscriptions pay. Existing ones keep their prices."`
}

type previewChangeBody struct {
	FeatureID string                `json:"featureId"`
	Effect    string                `json:"effect" enum:"GAINS,LOSES,CHANGES" doc:"CHANGES: more in one respect and less in another."`
	Customers int64                 `json:"customers"`
	Before    Opt[previewGrantBody] `json:"before" doc:"Null when it is not granted."`
	After     Opt[previewGrantBody] `json:"after" doc:"Null when it is not granted."`
}

type previewGrantBody struct {
	UsageLimit        Opt[int64]  `json:"usageLimit"`
	HasUnlimitedUsage bool        `json:"hasUnlimitedUsage"`
	HasSoftLimit      bool        `json:"hasSoftLimit"`
	EnumValues        []string    `json:"enumValues"`
	ResetPeriod       Opt[string] `json:"resetPeriod" enum:"YEAR,MONTH,WEEK,DAY,HOUR"`
}

type previewPricesBody struct {
	Before []chargeBody `json:"before"`
	After  []chargeBody `json:"after"`
}

func publishPreviewOf(p provisioning.PublishPreview) publishPreviewBody {
	b := publishPreviewBody{
		Customers: p.Customers, Subscriptions: p.Subscriptions, Examined: p.Examined, Sampled: p.Sampled,
		NotMovable: p.NotMovable, OverLimit: p.OverLimit, Changes: make([]previewChangeBody, 0, len(p.Changes)),
		Prices: previewPricesBody{chargesOf(p.PricesBefore), chargesOf(p.PricesAfter)},
	}
	for _, c := range p.Changes {
		b.Changes = append(b.Changes, previewChangeBody{c.FeatureID, c.Effect, c.Customers, previewGrantOf(c.Before), previewGrantOf(c.After)})
	}
	return b
}

func chargesOf(prices []catalog.Price) []chargeBody {
	list := make([]chargeBody, 0, len(prices))
	for _, p := range prices {
		list = append(list, chargeOf(p))
	}
	return list
}

func previewGrantOf(e *entitlement.Entitlement) Opt[previewGrantBody] {
	if e == nil || !e.Row.Granted {
		return Null[previewGrantBody]()
	}
	b := previewGrantBody{
		UsageLimit: Null[int64](), HasUnlimitedUsage: e.Row.Unlimited, HasSoftLimit: e.Row.Soft,
		EnumValues: append([]string{}, e.Row.EnumValues...), ResetPeriod: orNull(e.ResetPeriod),
	}
	if e.Row.HasLimit {
		b.UsageLimit = Some(e.Row.Limit)
	}
	return Some(b)
}
