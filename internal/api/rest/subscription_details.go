package rest

import (
	"time"

	"github.com/purserhq/purser/internal/base/money"
	"github.com/purserhq/purser/internal/core/subscription"
)

func quantitiesOf(list []subscription.Quantity) []quantityBody {
	out := make([]quantityBody, 0, len(list))
	for _, q := range list {
		out = append(out, quantityBody{q.ID, q.Type, q.Quantity})
	}
	return out
}

// spendLimitBody is a budget on the wire, where both members are always there.
type spendLimitBody struct {
	Limit        money.Decimal `json:"limit" doc:"In units of the subscription's currency."`
	HasSoftLimit bool          `json:"hasSoftLimit"`
}

func spendLimitOf(b *subscription.Budget) Opt[spendLimitBody] {
	if b == nil {
		return Null[spendLimitBody]()
	}
	return Some(spendLimitBody{b.Limit, b.Soft})
}

// givenCouponBody is a coupon of a subscription.
type givenCouponBody struct {
	ID         string           `json:"id"`
	Name       string           `json:"name"`
	Status     string           `json:"status" enum:"ACTIVE,EXPIRED,REMOVED"`
	PercentOff Opt[int64]       `json:"percentOff"`
	AmountsOff Opt[[]moneyBody] `json:"amountsOff"`
}

func givenCouponsOf(list []subscription.Coupon, at time.Time) []givenCouponBody {
	out := make([]givenCouponBody, 0, len(list))
	for _, c := range list {
		b := givenCouponBody{c.ID, c.Name, c.Status(at), Null[int64](), Null[[]moneyBody]()}
		if c.PercentOff > 0 {
			b.PercentOff = Some(c.PercentOff)
		} else {
			b.AmountsOff = Some(moneyListOf(c.AmountsOff))
		}
		out = append(out, b)
	}
	return out
}

func ownEntitlementsOf(list []subscription.Value) []packageEntitlementRef {
	out := make([]packageEntitlementRef, 0, len(list))
	for i := range list {
		out = append(out, packageEntitlementRef{list[i].ID, list[i].Type})
	}
	return out
}

// futureUpdateBody is a change that waits or that failed. Of what it changes only that is there.
type futureUpdateBody struct {
	SubscriptionScheduleType string                 `json:"subscriptionScheduleType" enum:"DOWNGRADE,PLAN,BILLING_PERIOD,UNIT_AMOUNT,RECURRING_CREDITS,PRICE_OVERRIDE,ADDON,COUPON,MIGRATE_TO_LATEST,ADDITIONAL_META_DATA,BILLING_INFO_METADATA"`
	ScheduleStatus           string                 `json:"scheduleStatus" enum:"PENDING_PAYMENT,SCHEDULED,CANCELED,DONE,FAILED"`
	ScheduledExecutionTime   Time                   `json:"scheduledExecutionTime"`
	TargetPackage            Opt[packageIDBody]     `json:"targetPackage" doc:"The plan that it leads to."`
	PlanID                   Given[string]          `json:"planId,omitzero"`
	BillingPeriod            Given[string]          `json:"billingPeriod,omitzero" enum:"MONTHLY,ANNUALLY"`
	Addons                   Given[[]addonQuantity] `json:"addons,omitzero" doc:"All of them."`
	Charges                  Given[[]quantityBody]  `json:"charges,omitzero"`
	Error                    Given[string]          `json:"error,omitzero" doc:"Why it failed, in words."`
}

func futureUpdatesOf(list []subscription.FutureUpdate) []futureUpdateBody {
	out := make([]futureUpdateBody, 0, len(list))
	for i := range list {
		u := &list[i]
		b := futureUpdateBody{
			SubscriptionScheduleType: u.Type, ScheduleStatus: u.Status, ScheduledExecutionTime: At(u.At), TargetPackage: Null[packageIDBody](),
			PlanID: nonEmpty(u.PlanRef), BillingPeriod: nonEmpty(u.Change.BillingPeriod), Error: nonEmpty(u.Error),
		}
		if u.PlanRef != "" {
			b.TargetPackage = Some(packageIDBody{u.PlanRef})
		}
		if u.Change.Addons != nil {
			addons := make([]addonQuantity, 0, len(*u.Change.Addons))
			for _, a := range *u.Change.Addons {
				addons = append(addons, addonQuantity{a.ID, a.Quantity})
			}
			b.Addons = give(addons)
		}
		if len(u.Change.Quantities) > 0 {
			b.Charges = give(quantitiesOf(u.Change.Quantities))
		}
		out = append(out, b)
	}
	return out
}

// nonEmpty is absent for an empty text.
func nonEmpty(s string) Given[string] {
	if s == "" {
		return Given[string]{}
	}
	return give(s)
}

// latestInvoiceBody is the last invoice that the billing provider made.
type latestInvoiceBody struct {
	BillingID      string        `json:"billingId"`
	Status         string        `json:"status" enum:"OPEN,CANCELED,PAID"`
	RequiresAction bool          `json:"requiresAction" doc:"The customer has to confirm the payment."`
	Total          money.Decimal `json:"total"`
	AmountDue      money.Decimal `json:"amountDue"`
	Currency       Opt[string]   `json:"currency"`
	BillingReason  Opt[string]   `json:"billingReason" enum:"BILLING_CYCLE,SUBSCRIPTION_CREATION,SUBSCRIPTION_UPDATE,MANUAL,MINIMUM_INVOICE_AMOUNT_EXCEEDED,OTHER"`
	PaymentURL     Opt[string]   `json:"paymentUrl" doc:"Where the customer can pay."`
	PDFURL         Opt[string]   `json:"pdfUrl"`
	CreatedAt      Time          `json:"createdAt"`
}

func latestInvoiceOf(l *subscription.LatestInvoice) Opt[latestInvoiceBody] {
	if l == nil {
		return Null[latestInvoiceBody]()
	}
	return Some(latestInvoiceBody{
		BillingID: l.BillingID, Status: l.Status, RequiresAction: l.RequiresAction, Total: l.Total, AmountDue: l.AmountDue,
		Currency: text(string(l.Currency)), BillingReason: text(l.BillingReason), PaymentURL: text(l.PaymentURL), PDFURL: Null[string](),
		CreatedAt: At(l.CreatedAt),
	})
}
