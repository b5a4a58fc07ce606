package rest

import (
	"cmp"

	"github.com/purserhq/purser/internal/core/provisioning"
)

// subscriptionBody is a subscription on the wire.
type subscriptionBody struct {
	ID                        string                  `json:"id"`
	CustomerID                string                  `json:"customerId"`
	ProductID                 string                  `json:"productId"`
	PlanID                    string                  `json:"planId"`
	PlanVersion               int64                   `json:"planVersion"`
	ResourceID                Opt[string]             `json:"resourceId"`
	PricingType               string                  `json:"pricingType" enum:"FREE,PAID,CUSTOM"`
	Status                    string                  `json:"status" enum:"PAYMENT_PENDING,ACTIVE,EXPIRED,IN_TRIAL,CANCELED,NOT_STARTED"`
	StartDate                 Time                    `json:"startDate"`
	EndDate                   Opt[Time]               `json:"endDate"`
	TrialEndDate              Opt[Time]               `json:"trialEndDate"`
	Trial                     Opt[trialBody]          `json:"trial"`
	EffectiveEndDate          Opt[Time]               `json:"effectiveEndDate"`
	CancellationDate          Opt[Time]               `json:"cancellationDate"`
	CancelReason              Opt[string]             `json:"cancelReason"`
	BillingID                 Opt[string]             `json:"billingId"`
	BillingPeriod             Opt[string]             `json:"billingPeriod" enum:"MONTHLY,ANNUALLY"`
	BillingCountryCode        Opt[string]             `json:"billingCountryCode"`
	Addons                    []addonQuantity         `json:"addons"`
	Charges                   []quantityBody          `json:"charges" doc:"The quantities of what is charged by quantity."`
	Prices                    []subscriptionPriceBody `json:"prices" doc:"The amounts in force."`
	BillingCycleAnchor        Opt[Time]               `json:"billingCycleAnchor"`
	CurrentBillingPeriodStart Opt[Time]               `json:"currentBillingPeriodStart"`
	CurrentBillingPeriodEnd   Opt[Time]               `json:"currentBillingPeriodEnd"`
	PaymentCollection         string                  `json:"paymentCollection" enum:"NOT_REQUIRED,PROCESSING,FAILED,ACTION_REQUIRED"`
	PaymentCollectionMethod   string                  `json:"paymentCollectionMethod" enum:"CHARGE,INVOICE,NONE"`
	PayingCustomerID          Opt[string]             `json:"payingCustomerId" doc:"Null when the customer pays."`
	Budget                    Opt[spendLimitBody]     `json:"budget"`
	MinimumSpend              Opt[moneyBody]          `json:"minimumSpend" doc:"In place of the plan's; null when the plan's holds."`
	Coupons                   []givenCouponBody       `json:"coupons" doc:"That were given, the present one last."`
	SubscriptionEntitlements  []packageEntitlementRef `json:"subscriptionEntitlements" doc:"That are of this subscription alone. Empty in lists."`
	FutureUpdates             []futureUpdateBody      `json:"futureUpdates"`
	LatestInvoice             Opt[latestInvoiceBody]  `json:"latestInvoice"`
	SalesforceID              Opt[string]             `json:"salesforceId"`
	ContractID                Opt[string]             `json:"contractId"`
	ExperimentInfo            Opt[struct{}]           `json:"experimentInfo"`
	Metadata                  map[string]string       `json:"metadata"`
	Version                   int64                   `json:"version" doc:"Of the ETag."`
	CreatedAt                 Time                    `json:"createdAt"`
}

type addonQuantity struct {
	ID       string `json:"id" minLength:"1" maxLength:"255" format:"ref"`
	Quantity int64  `json:"quantity"`
}

type trialBody struct {
	TrialEndBehavior string `json:"trialEndBehavior" enum:"CONVERT_TO_PAID,CANCEL_SUBSCRIPTION"`
}

// subscriptionOf shows a subscription as it was when it was looked at.
func subscriptionOf(v provisioning.View) subscriptionBody {
	s, at := v.Subscription, v.At
	b := subscriptionBody{
		ID: s.RefID, CustomerID: s.CustomerRef, ProductID: s.ProductRef, PlanID: s.PlanRef, PlanVersion: s.PlanVersion,
		ResourceID: text(s.Resource), PricingType: s.PricingType, Status: string(s.Status), StartDate: At(s.StartDate),
		EndDate: instant(s.EndDate), TrialEndDate: instant(s.TrialEndDate), Trial: Null[trialBody](),
		EffectiveEndDate: instant(s.EffectiveEnd()), CancellationDate: instant(s.CancellationDate),
		CancelReason: text(s.CancelReason), BillingID: text(s.BillingID), BillingPeriod: text(s.BillingPeriod),
		BillingCountryCode: text(s.Country), Addons: make([]addonQuantity, 0, len(s.Addons)), Prices: make([]subscriptionPriceBody, 0, len(s.Prices)),
		BillingCycleAnchor: instant(s.BillingCycleAnchor), PaymentCollection: s.PaymentCollection,
		Charges: quantitiesOf(s.Quantities), PaymentCollectionMethod: cmp.Or(s.CollectionMethod, "CHARGE"), PayingCustomerID: text(s.PayingCustomerRef),
		Budget: spendLimitOf(s.Budget), MinimumSpend: moneyOf(s.MinimumSpend), Coupons: givenCouponsOf(s.Coupons, at),
		SubscriptionEntitlements: ownEntitlementsOf(s.Values), FutureUpdates: futureUpdatesOf(s.FutureUpdates),
		LatestInvoice: latestInvoiceOf(s.LatestInvoice), SalesforceID: text(s.SalesforceID), ContractID: Null[string](),
		ExperimentInfo: Null[struct{}](), Metadata: s.Metadata, Version: s.Version, CreatedAt: At(s.CreatedAt),
	}
	for _, a := range s.Addons {
		b.Addons = append(b.Addons, addonQuantity{a.RefID, a.Quantity})
	}
	for i := range s.Prices {
		b.Prices = append(b.Prices, subscriptionPriceOf(&s.Prices[i]))
	}
	if b.Metadata == nil {
		b.Metadata = map[string]string{}
	}
	if s.TrialEndBehavior != "" {
		b.Trial = Some(trialBody{s.TrialEndBehavior})
	}
	if start, end, ok := s.Period(at); ok {
		b.CurrentBillingPeriodStart, b.CurrentBillingPeriodEnd = instant(&start), instant(&end)
	}
	return b
}

// listedSubscriptionOf shows a subscription in a list.
func listedSubscriptionOf(v provisioning.View) subscriptionBody {
	b := subscriptionOf(v)
	b.SubscriptionEntitlements = []packageEntitlementRef{}
	return b
}

// text is null for an empty text.
func text(s string) Opt[string] {
	if s == "" {
		return Null[string]()
	}
	return Some(s)
}
