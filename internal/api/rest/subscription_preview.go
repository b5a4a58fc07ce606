package rest

import (
	"context"

	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/provisioning"
)

func (h Subscriptions) preview(ctx context.Context, env tenant.ID, in *subscribeInput) (provisioning.Preview, error) {
	r, err := in.Body.request()
	if err != nil {
		return provisioning.Preview{}, err
	}
	return h.Provisioning.Preview(ctx, env, r)
}

func (h Subscriptions) previewUpdate(ctx context.Context, env tenant.ID, in *updateSubscriptionInput) (provisioning.Preview, error) {
	u, err := in.update()
	if err != nil {
		return provisioning.Preview{}, err
	}
	return h.Provisioning.PreviewUpdate(ctx, env, in.ID, u)
}

// previewBody is what a change would cost.
type previewBody struct {
	ImmediateInvoice    invoiceBody        `json:"immediateInvoice" doc:"What is charged now. A change that waits costs nothing now."`
	RecurringInvoice    Given[invoiceBody] `json:"recurringInvoice,omitzero" doc:"What a whole billing period costs afterwards."`
	BillingPeriodRange  Given[spanBody]    `json:"billingPeriodRange,omitzero"`
	FreeItems           []addonQuantity    `json:"freeItems"`
	HasScheduledUpdates bool               `json:"hasScheduledUpdates" doc:"Some or all of it takes effect later."`
	IsPlanDowngrade     bool               `json:"isPlanDowngrade"`
}

func previewOf(p provisioning.Preview) previewBody {
	b := previewBody{
		ImmediateInvoice: invoiceOf(&p.Immediate, p.Discounts), FreeItems: []addonQuantity{},
		HasScheduledUpdates: p.Scheduled, IsPlanDowngrade: p.Downgrade,
	}
	if p.Recurring != nil {
		b.RecurringInvoice = give(invoiceOf(p.Recurring, p.RecurringDiscounts))
	}
	if p.Period != nil {
		b.BillingPeriodRange = span(p.Period.Start, p.Period.End)
	}
	return b
}
