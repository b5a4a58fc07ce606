package rest

import (
	"context"

	"github.com/purserhq/purser/internal/api/auth"
	"github.com/purserhq/purser/internal/base/page"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/provisioning"
	"github.com/purserhq/purser/internal/core/subscription"
)

// Subscriptions are the routes of subscriptions.
type Subscriptions struct{ Provisioning *provisioning.Service }

func (h Subscriptions) routes(api *API) {
	row := func(id, path, summary string, p auth.Permission) op {
		return op{ID: id, Path: "/api/v1/subscriptions" + path, Tag: "Subscriptions", Summary: summary, Permission: p}
	}
	const read, write = auth.SubscriptionRead, auth.SubscriptionWrite
	list(api, row("listSubscriptions", "", "List subscriptions", read), h.list, listedSubscriptionOf)
	provision := created(row("provisionSubscription", "", "Give a customer a subscription, in the place of the one it has", write))
	provision.Description = "To the same plan it changes what is given. To another plan it follows the product's rules for upgrades and downgrades."
	post(api, provision, h.subscribe, subscribed)
	many := row("importSubscriptions", "/import", "Bring subscriptions over from somewhere else", write)
	many.Description = "The rows are imported by a task. Rows that cannot be imported are left out, the others go on. Nothing is charged."
	many.BodyLimit = importLimit
	post(api, many, h.importAll, data(taskIDOf))
	post(api, row("previewSubscription", "/preview", "See what a subscription would cost, without making it", read), h.preview, data(previewOf))
	get(api, row("getSubscription", "/{id}", "Read a subscription", read), h.get, viewed(subscriptionOf))
	patch(api, row("updateSubscription", "/{id}", "Change a subscription", write), h.update, viewed(subscriptionOf))
	post(api, own(row("previewSubscriptionUpdate", "/{id}/preview", "See what a change of a subscription would cost, without making it", read)), h.previewUpdate, data(previewOf))
	get(api, own(row("getSubscriptionHistory", "/{id}/history", "What happened to a subscription, the first first: at most the last 1,000 changes", read)), h.history, data(historiesOf))
	post(api, row("cancelSubscription", "/{id}/cancel", "Cancel a subscription now or later", write), h.cancel, viewed(subscriptionOf))
	post(api, row("delegateSubscription", "/{id}/delegate", "Let another customer pay for a subscription", write), h.delegate, viewed(subscriptionOf))
	post(api, row("migrateSubscription", "/{id}/migrate", "Move a subscription to the latest version of its plan and add-ons", write), h.migrate, viewed(subscriptionOf))
	post(api, row("transferSubscription", "/{id}/transfer", "Move a subscription to another resource of its customer", write), h.transfer, viewed(subscriptionOf))
	del(api, row("cancelSubscriptionPendingPayment", "/{id}/future-update/pending-payment", "Drop the update that waits for a payment", write), h.cancelPendingPayment, viewed(subscriptionIDOf))
	del(api, row("cancelSubscriptionSchedule", "/{id}/future-update/schedule", "Drop the updates that are scheduled", write), h.cancelSchedule, viewed(subscriptionIDOf))
	post(api, row("markSubscriptionInvoicePaid", "/{id}/invoice/paid", "Mark the latest open invoice as paid", write), h.markInvoicePaid, viewed(subscriptionIDOf))
	post(api, row("chargeSubscriptionUsage", "/{id}/usage/charge", "Charge the usage so far", write), h.chargeUsage, data(usageChargeOf))
	post(api, row("syncSubscriptionUsage", "/{id}/usage/sync", "Bring the usage at the billing provider up to date", write), h.syncUsage, data(usageSyncOf))
}

// viewed makes an answer about a subscription, with its ETag.
func viewed[B any](body func(provisioning.View) B) func(provisioning.View) Reply[B] {
	return func(v provisioning.View) Reply[B] {
		return Reply[B]{Data: body(v), Header: etag(v.Version), About: v.CustomerRef}
	}
}

type subscriptionIDInput struct {
	ID string `path:"id"`
}

func (h Subscriptions) get(ctx context.Context, env tenant.ID, in *subscriptionIDInput) (provisioning.View, error) {
	return h.Provisioning.Subscription(ctx, env, in.ID)
}

type listSubscriptionsInput struct {
	Paging
	CustomerID  string    `query:"customerId" maxLength:"255"`
	PlanID      string    `query:"planId" maxLength:"255"`
	ResourceID  string    `query:"resourceId" maxLength:"255"`
	PricingType []string  `query:"pricingType" enum:"FREE,PAID,CUSTOM"`
	Status      []string  `query:"status" enum:"PAYMENT_PENDING,ACTIVE,EXPIRED,IN_TRIAL,CANCELED,NOT_STARTED"`
	CreatedAt   DateRange `query:"createdAt"`
}

func (h Subscriptions) list(ctx context.Context, env tenant.ID, in *listSubscriptionsInput) (page.Of[provisioning.View], error) {
	var out page.Of[provisioning.View]
	p, err := in.request()
	if err != nil {
		return out, err
	}
	f := subscription.Filter{
		CustomerRef: in.CustomerID, PlanRef: in.PlanID, Resource: in.ResourceID, PricingTypes: in.PricingType,
		Created: page.Range(in.CreatedAt),
	}
	for _, s := range in.Status {
		f.Statuses = append(f.Statuses, subscription.Status(s))
	}
	rows, at, err := h.Provisioning.Subscriptions(ctx, env, f, p)
	out.Next, out.Prev = rows.Next, rows.Prev
	for _, s := range rows.Items {
		out.Items = append(out.Items, provisioning.View{Subscription: s, At: at})
	}
	return out, err
}
