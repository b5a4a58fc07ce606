package rest

import (
	"context"

	"github.com/purserhq/purser/internal/base/money"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/provisioning"
	"github.com/purserhq/purser/internal/core/subscription"
)

type cancelSubscriptionInput struct {
	ID string `path:"id"`
	MatchingSubscription
	Body *struct {
		Action  string    `json:"cancellationAction,omitempty" enum:"DEFAULT,REVOKE_ENTITLEMENTS" doc:"DEFAULT follows the customer journey, which may downgrade. REVOKE_ENTITLEMENTS does not. Default: DEFAULT."`
		Time    string    `json:"cancellationTime,omitempty" enum:"END_OF_BILLING_PERIOD,IMMEDIATE,SPECIFIC_DATE" doc:"Absent: as the product says."`
		EndDate Opt[Time] `json:"endDate,omitzero" doc:"Of SPECIFIC_DATE."`
		Prorate Opt[bool] `json:"prorate,omitzero" doc:"Give back what was paid for the time after. Absent: as the product says."`
	}
}

func (h Subscriptions) cancel(ctx context.Context, env tenant.ID, in *cancelSubscriptionInput) (provisioning.View, error) {
	var r provisioning.CancelRequest
	if b := in.Body; b != nil {
		r = provisioning.CancelRequest{
			CancelTimes: subscription.CancelTimes{Time: b.Time, Date: moment(b.EndDate)}, Action: b.Action, Prorate: b.Prorate.Ptr(),
		}
	}
	var err error
	if r.IfVersion, err = in.version(); err != nil {
		return provisioning.View{}, err
	}
	return h.Provisioning.Cancel(ctx, env, in.ID, r)
}

type migrateSubscriptionInput struct {
	ID string `path:"id"`
	MatchingSubscription
	Body *struct {
		Time string `json:"subscriptionMigrationTime,omitempty" enum:"END_OF_BILLING_PERIOD,IMMEDIATE" doc:"Default: IMMEDIATE."`
	}
}

func (h Subscriptions) migrate(ctx context.Context, env tenant.ID, in *migrateSubscriptionInput) (provisioning.View, error) {
	version, err := in.version()
	if err != nil {
		return provisioning.View{}, err
	}
	return h.Provisioning.Migrate(ctx, env, in.ID, provisioning.MigrateRequest{
		AtEnd: in.Body != nil && in.Body.Time == subscription.EndOfBillingPeriod, IfVersion: version,
	})
}

type transferSubscriptionInput struct {
	ID string `path:"id"`
	MatchingSubscription
	Body struct {
		DestinationResourceID string `json:"destinationResourceId" minLength:"1" maxLength:"255" format:"ref"`
	}
}

func (h Subscriptions) transfer(ctx context.Context, env tenant.ID, in *transferSubscriptionInput) (provisioning.View, error) {
	version, err := in.version()
	if err != nil {
		return provisioning.View{}, err
	}
	return h.Provisioning.Transfer(ctx, env, in.ID, in.Body.DestinationResourceID, version)
}

type delegateSubscriptionInput struct {
	ID string `path:"id"`
	MatchingSubscription
	Body struct {
		TargetCustomerID string `json:"targetCustomerId" minLength:"1" maxLength:"255" format:"customer-ref" doc:"Who pays from the next invoice on. The subscription's own customer takes a delegation back."`
	}
}

func (h Subscriptions) delegate(ctx context.Context, env tenant.ID, in *delegateSubscriptionInput) (provisioning.View, error) {
	version, err := in.version()
	if err != nil {
		return provisioning.View{}, err
	}
	return h.Provisioning.Delegate(ctx, env, in.ID, in.Body.TargetCustomerID, version)
}

func (h Subscriptions) cancelSchedule(ctx context.Context, env tenant.ID, in *subscriptionIDInput) (provisioning.View, error) {
	return h.Provisioning.CancelSchedule(ctx, env, in.ID)
}

func (h Subscriptions) cancelPendingPayment(ctx context.Context, env tenant.ID, in *subscriptionIDInput) (provisioning.View, error) {
	return h.Provisioning.CancelPendingPayment(ctx, env, in.ID)
}

func (h Subscriptions) markInvoicePaid(ctx context.Context, env tenant.ID, in *subscriptionIDInput) (provisioning.View, error) {
	return h.Provisioning.MarkInvoicePaid(ctx, env, in.ID)
}

type subscriptionIDBody struct {
	ID string `json:"id"`
}

func subscriptionIDOf(v provisioning.View) subscriptionIDBody { return subscriptionIDBody{v.RefID} }

type chargeUsageInput struct {
	ID   string `path:"id"`
	Body *struct {
		UntilDate Opt[Time] `json:"untilDate,omitzero" doc:"Default: now."`
	}
}

func (h Subscriptions) chargeUsage(ctx context.Context, env tenant.ID, in *chargeUsageInput) (provisioning.UsageCharge, error) {
	if in.Body == nil {
		return h.Provisioning.ChargeUsage(ctx, env, in.ID, nil)
	}
	return h.Provisioning.ChargeUsage(ctx, env, in.ID, moment(in.Body.UntilDate))
}

// usageChargeBody is the answer to charging usage.
type usageChargeBody struct {
	SubscriptionID   string             `json:"subscriptionId"`
	PeriodStart      Time               `json:"periodStart"`
	PeriodEnd        Time               `json:"periodEnd"`
	InvoiceBillingID Opt[string]        `json:"invoiceBillingId" doc:"Null without a billing provider, or when nothing was due."`
	UsageCharged     []usageChargedBody `json:"usageCharged"`
}

type usageChargedBody struct {
	FeatureID   Opt[string]   `json:"featureId"`
	UsageAmount money.Decimal `json:"usageAmount"`
}

func usageChargeOf(u provisioning.UsageCharge) usageChargeBody {
	b := usageChargeBody{
		SubscriptionID: u.SubscriptionID, PeriodStart: At(u.Start), PeriodEnd: At(u.End), InvoiceBillingID: text(u.InvoiceBillingID),
		UsageCharged: make([]usageChargedBody, 0, len(u.Charged)),
	}
	for _, c := range u.Charged {
		b.UsageCharged = append(b.UsageCharged, usageChargedBody{text(c.FeatureID), c.Amount})
	}
	return b
}

func (h Subscriptions) syncUsage(ctx context.Context, env tenant.ID, in *subscriptionIDInput) (bool, error) {
	return h.Provisioning.SyncUsage(ctx, env, in.ID)
}

type usageSyncBody struct {
	Triggered bool `json:"triggered" doc:"False when there is nothing to bring up to date."`
}

func usageSyncOf(triggered bool) usageSyncBody { return usageSyncBody{triggered} }
