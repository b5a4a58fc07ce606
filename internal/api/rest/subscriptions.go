package rest

import (
	"context"
	"time"

	"github.com/purserhq/purser/internal/api/auth"
	"github.com/purserhq/purser/internal/base/money"
	"github.com/purserhq/purser/internal/base/page"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/provisioning"
	"github.com/purserhq/purser/internal/core/subscription"
)

// Subscriptions are the routes of subscriptions.
type Subscriptions struct{ Provisioning *provisioning.Service }

func (h Subscriptions) routes(api *API) {
	get(api, op{
		ID: "getSubscription", Path: "/api/v1/subscriptions/{id}", Tag: "Subscriptions", Summary: "Read a subscription",
		Permission: auth.SubscriptionRead,
	}, h.get, data(func(v provisioning.View) subscriptionBody { return subscriptionOf(v.Subscription, v.At) }))
	list(api, op{
		ID: "listSubscriptions", Path: "/api/v1/subscriptions", Tag: "Subscriptions", Summary: "List subscriptions",
		Permission: auth.SubscriptionRead,
	}, h.list, func(v provisioning.View) subscriptionBody { return subscriptionOf(v.Subscription, v.At) })
}

func (h Subscriptions) get(ctx context.Context, env tenant.ID, in *customerIDInput) (provisioning.View, error) {
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
	Prices                    []subscriptionPriceBody `json:"prices" doc:"The amounts in force."`
	BillingCycleAnchor        Opt[Time]               `json:"billingCycleAnchor"`
	CurrentBillingPeriodStart Opt[Time]               `json:"currentBillingPeriodStart"`
	CurrentBillingPeriodEnd   Opt[Time]               `json:"currentBillingPeriodEnd"`
	PaymentCollection         string                  `json:"paymentCollection" enum:"NOT_REQUIRED,PROCESSING,FAILED,ACTION_REQUIRED"`
	ExperimentInfo            Opt[struct{}]           `json:"experimentInfo"`
	Metadata                  map[string]string       `json:"metadata"`
	CreatedAt                 Time                    `json:"createdAt"`
}

type addonQuantity struct {
	ID       string `json:"id" minLength:"1" maxLength:"255" format:"ref"`
	Quantity int64  `json:"quantity"`
}

// subscriptionPriceBody is a price that a subscription pays.
type subscriptionPriceBody struct {
	AddonID            Opt[string]        `json:"addonId"`
	FeatureID          Opt[string]        `json:"featureId"`
	BaseCharge         bool               `json:"baseCharge" doc:"The flat fee that recurs."`
	IsOverage          bool               `json:"isOverage" doc:"Charged for what is used beyond the included quantity."`
	BillingModel       string             `json:"billingModel" enum:"FLAT_FEE,MINIMUM_SPEND,PER_UNIT,USAGE_BASED,CREDIT_BASED"`
	BillingCadence     string             `json:"billingCadence" enum:"RECURRING,ONE_OFF"`
	BillingPeriod      string             `json:"billingPeriod" enum:"MONTHLY,ANNUALLY"`
	BillingCountryCode Opt[string]        `json:"billingCountryCode"`
	Amount             Opt[money.Decimal] `json:"amount" doc:"Per unit, per block or flat; null with tiers."`
	Currency           Opt[string]        `json:"currency"`
	BlockSize          Opt[int64]         `json:"blockSize"`
	Tiers              Opt[[]tierBody]    `json:"tiers"`
}

func subscriptionPriceOf(c *subscription.Charge) subscriptionPriceBody {
	b := subscriptionPriceBody{
		AddonID: text(c.AddonRef), FeatureID: text(c.FeatureRefID), BaseCharge: c.BillingModel == catalog.FlatFee && c.BillingCadence == catalog.Recurring, IsOverage: c.Overage,
		BillingModel: c.BillingModel, BillingCadence: c.BillingCadence, BillingPeriod: c.BillingPeriod, BillingCountryCode: text(c.Country),
		Amount: Null[money.Decimal](), Currency: text(string(c.Currency())), BlockSize: FromPtr(c.BlockSize), Tiers: tiersOf(c.Tiers),
	}
	if c.Price.Price != nil {
		b.Amount = Some(c.Price.Price.Amount)
	}
	return b
}

type trialBody struct {
	TrialEndBehavior string `json:"trialEndBehavior" enum:"CONVERT_TO_PAID,CANCEL_SUBSCRIPTION"`
}

// subscriptionOf shows a subscription as it is at an instant of its environment.
func subscriptionOf(s subscription.Subscription, at time.Time) subscriptionBody {
	b := subscriptionBody{
		ID: s.RefID, CustomerID: s.CustomerRef, ProductID: s.ProductRef, PlanID: s.PlanRef, PlanVersion: s.PlanVersion,
		ResourceID: text(s.Resource), PricingType: s.PricingType, Status: string(s.Status), StartDate: At(s.StartDate),
		EndDate: instant(s.EndDate), TrialEndDate: instant(s.TrialEndDate), Trial: Null[trialBody](),
		EffectiveEndDate: instant(s.EffectiveEnd()), CancellationDate: instant(s.CancellationDate),
		CancelReason: text(s.CancelReason), BillingID: Null[string](), BillingPeriod: text(s.BillingPeriod),
		BillingCountryCode: text(s.Country), Addons: make([]addonQuantity, 0, len(s.Addons)), Prices: make([]subscriptionPriceBody, 0, len(s.Prices)),
		BillingCycleAnchor: instant(s.BillingCycleAnchor), PaymentCollection: s.PaymentCollection,
		ExperimentInfo: Null[struct{}](), Metadata: s.Metadata, CreatedAt: At(s.CreatedAt),
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

// text is null for an empty text.
func text(s string) Opt[string] {
	if s == "" {
		return Null[string]()
	}
	return Some(s)
}
