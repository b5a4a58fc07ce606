package rest

import (
	"slices"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/money"
	"github.com/purserhq/purser/internal/core/provisioning"
	"github.com/purserhq/purser/internal/core/subscription"
)

// SubscriptionTerms is what asking for a subscription and changing one have in common. Like all that is embedded it is
// exported for huma, which does not describe it otherwise.
type SubscriptionTerms struct {
	BillingPeriod      string              `json:"billingPeriod,omitempty" enum:"MONTHLY,ANNUALLY" doc:"Required when the plan has prices for both."`
	Charges            []quantityBody      `json:"charges,omitempty" maxItems:"100" doc:"Quantities of what is charged by quantity. What is not named keeps its own, or begins with its minimum, else 1."`
	UnitQuantity       Opt[int64]          `json:"unitQuantity,omitzero" doc:"The quantity of the only charge by quantity."`
	BillableFeatures   []billableFeatureIn `json:"billableFeatures,omitempty" maxItems:"100" doc:"Another way to write charges of features."`
	BillingCycleAnchor string              `json:"billingCycleAnchor,omitempty" enum:"UNCHANGED,NOW" doc:"NOW begins a new billing period with this change. Default: UNCHANGED."`
	ScheduleStrategy   string              `json:"scheduleStrategy,omitempty" enum:"END_OF_BILLING_PERIOD,END_OF_BILLING_MONTH,IMMEDIATE" doc:"When the change takes effect. Absent: what gives more at once, what gives less as the product says."`
	Budget             Opt[budgetBody]     `json:"budget,omitzero" doc:"The most that is spent in a billing period. Null is none."`
	MinimumSpend       Opt[money.Money]    `json:"minimumSpend,omitzero" doc:"The least that is charged in a billing period, in place of the plan's. Null is the plan's."`
	SalesforceID       Opt[string]         `json:"salesforceId,omitzero" maxLength:"255"`
}

// SubscriptionFields is what asking for a subscription takes, alone and in the provision of a customer.
type SubscriptionFields struct {
	PlanID             string                `json:"planId" minLength:"1" maxLength:"255" format:"ref"`
	ID                 Opt[string]           `json:"id,omitzero" maxLength:"255" format:"ref" doc:"Made when absent."`
	ResourceID         Opt[string]           `json:"resourceId,omitzero" maxLength:"255" format:"ref" doc:"Needed where the product allows several subscriptions."`
	StartDate          Opt[Time]             `json:"startDate,omitzero" doc:"In the past it is backdated: the first charge comes with the next period. In the future it is NOT_STARTED until then."`
	CancellationDate   Opt[Time]             `json:"cancellationDate,omitzero" doc:"When it ends."`
	Metadata           map[string]string     `json:"metadata,omitempty" format:"metadata"`
	Country            Opt[string]           `json:"billingCountryCode,omitzero" doc:"ISO 3166-1 alpha-2: chooses among localised prices."`
	Addons             []addonQuantity       `json:"addons,omitempty" maxItems:"100" doc:"All of them. Absent on the same plan: unchanged."`
	PriceOverrides     []priceOverrideIn     `json:"priceOverrides,omitempty" maxItems:"200"`
	Entitlements       []ownEntitlementIn    `json:"entitlements,omitempty" maxItems:"100" doc:"Of this subscription alone, in place of the plan's."`
	AppliedCoupon      Opt[couponChoiceIn]   `json:"appliedCoupon,omitzero"`
	Trial              Opt[trialChoiceIn]    `json:"trialOverrideConfiguration,omitzero" doc:"Absent: the plan and the customer's history decide."`
	PayingCustomerID   Opt[string]           `json:"payingCustomerId,omitzero" maxLength:"255" format:"customer-ref" doc:"Who pays, when it is not the customer."`
	BillingID          Opt[string]           `json:"billingId,omitzero" maxLength:"255"`
	CollectionMethod   string                `json:"paymentCollectionMethod,omitempty" enum:"CHARGE,INVOICE,NONE" doc:"Default: CHARGE."`
	AwaitPayment       Opt[bool]             `json:"awaitPaymentConfirmation,omitzero" doc:"False answers before the payment is confirmed: the subscription is PAYMENT_PENDING. Default: true."`
	BillingInformation *billingInformationIn `json:"billingInformation,omitempty"`
	SubscriptionTerms
}

type quantityBody struct {
	ID       string `json:"id" minLength:"1" maxLength:"255" format:"ref" doc:"The id of the feature, or of the custom currency."`
	Type     string `json:"type" enum:"FEATURE,CREDIT"`
	Quantity int64  `json:"quantity"`
}

type billableFeatureIn struct {
	FeatureID string `json:"featureId" minLength:"1" maxLength:"255" format:"ref"`
	Quantity  int64  `json:"quantity"`
}

// billingInformationIn has what is used of the wire's members. The others are left to a billing provider: they are ignored
// and named in the header like every unknown member.
type billingInformationIn struct {
	ProrationBehavior string    `json:"prorationBehavior,omitempty" enum:"INVOICE_IMMEDIATELY,CREATE_PRORATIONS,NONE" doc:"What a change within a period is charged: at once, with the next invoice, or not at all. Absent: as the account says."`
	IsInvoicePaid     bool      `json:"isInvoicePaid,omitempty" doc:"The first invoice was paid elsewhere."`
	IsBackdated       Opt[bool] `json:"isBackdated,omitzero" doc:"A start in the past is enough to backdate; this says the same."`
}

// fill puts the members into the core's words. path goes before the names of bad members.
func (in SubscriptionFields) fill(path string) (provisioning.Params, error) {
	p := provisioning.Params{
		Path: path, PlanID: in.PlanID, ID: in.ID.Ptr(), ResourceID: in.ResourceID.Ptr(), StartDate: moment(in.StartDate),
		CancellationDate: moment(in.CancellationDate), Metadata: in.Metadata, BillingPeriod: in.BillingPeriod, Country: in.Country.Or(""),
		Addons: addonsOf(in.Addons), UnitQuantity: in.UnitQuantity.Ptr(), PriceOverrides: overridesOf(in.PriceOverrides),
		Budget: given(budgetOf(in.Budget)), MinimumSpend: given(spendOf(in.MinimumSpend)),
		PayingCustomerID: in.PayingCustomerID.Or(""), BillingID: in.BillingID.Or(""), SalesforceID: in.SalesforceID.Or(""),
		CollectionMethod: in.CollectionMethod, ScheduleStrategy: in.ScheduleStrategy, RestartCycle: in.BillingCycleAnchor == "NOW",
		NoWait: !in.AwaitPayment.Or(true),
	}
	if b := in.BillingInformation; b != nil {
		p.Proration, p.InvoicePaid = b.ProrationBehavior, b.IsInvoicePaid
	}
	if c, ok := in.AppliedCoupon.Get(); ok {
		coupon := c.coupon()
		p.Coupon = &coupon
	}
	if t, ok := in.Trial.Get(); ok {
		p.Trial = &subscription.TrialOverride{IsTrial: t.IsTrial, EndDate: moment(t.EndDate), EndBehavior: t.EndBehavior}
	}
	var c errs.Checks
	p.Charges = in.quantities(&c, path)
	p.Values = valuesOf(&c, path, in.Entitlements)
	return p, c.Err()
}

// quantities brings charges and billableFeatures together: they may say the same twice, and not two things.
func (in SubscriptionTerms) quantities(c *errs.Checks, path string) []subscription.Quantity {
	var list []subscription.Quantity
	for _, q := range in.Charges {
		list = append(list, subscription.Quantity{Type: q.Type, ID: q.ID, Quantity: q.Quantity})
	}
	for i, f := range in.BillableFeatures {
		q := subscription.Quantity{Type: subscription.FeatureType, ID: f.FeatureID, Quantity: f.Quantity}
		same := func(o subscription.Quantity) bool { return o.Type == q.Type && o.ID == q.ID }
		switch at := slices.IndexFunc(list, same); {
		case at < 0:
			list = append(list, q)
		case list[at] != q:
			c.Rule(member(path, "billableFeatures", i, "quantity"), "differs from another quantity of %s, which is %d", f.FeatureID, list[at].Quantity)
		}
	}
	return list
}

func addonsOf(list []addonQuantity) []provisioning.AddonQuantity {
	if list == nil {
		return nil
	}
	out := make([]provisioning.AddonQuantity, 0, len(list))
	for _, a := range list {
		out = append(out, provisioning.AddonQuantity{ID: a.ID, Quantity: a.Quantity})
	}
	return out
}
