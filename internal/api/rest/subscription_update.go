package rest

import (
	"context"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/opt"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/provisioning"
	"github.com/purserhq/purser/internal/core/subscription"
)

// MatchingSubscription is embedded in the input of changes that can be bound to the version that the caller has seen. It
// is exported for huma's sake.
type MatchingSubscription struct {
	IfMatch string `header:"If-Match" maxLength:"1000" doc:"The ETag that the caller has seen: another one is SubscriptionChanged (409)."`
}

// version reads the header: nil for any.
func (m MatchingSubscription) version() (*int64, error) {
	const issue = "must be one ETag of this subscription"
	list, err := etags[int64](m.IfMatch, issue)
	switch {
	case err != nil || len(list) == 0:
		return nil, err
	case len(list) > 1:
		return nil, errs.BadUserInput.At("If-Match", issue)
	}
	return &list[0], nil
}

type updateSubscriptionInput struct {
	ID string `path:"id"`
	MatchingSubscription
	Body updateSubscriptionBody
}

// updateSubscriptionBody is a partial change. Its lists replace what is there, apart from charges.
type updateSubscriptionBody struct {
	Addons             Given[[]addonQuantity]    `json:"addons,omitzero" maxItems:"100" doc:"All of them."`
	PriceOverrides     Given[[]priceOverrideIn]  `json:"priceOverrides,omitzero" maxItems:"200" doc:"All of them."`
	Entitlements       Given[[]ownEntitlementIn] `json:"entitlements,omitzero" maxItems:"100" doc:"All that are of this subscription alone."`
	AppliedCoupon      Opt[couponChoiceIn]       `json:"appliedCoupon,omitzero" doc:"In place of the present coupon. Null takes it away."`
	PromotionCode      Opt[string]               `json:"promotionCode,omitzero" maxLength:"255" doc:"The same as appliedCoupon.promotionCode."`
	BillingInformation *struct {
		ProrationBehavior string `json:"prorationBehavior,omitempty" enum:"INVOICE_IMMEDIATELY,CREATE_PRORATIONS,NONE" doc:"What a change within a period is charged: at once, with the next invoice, or not at all. Absent: as the account says."`
	} `json:"billingInformation,omitempty"`
	CancellationDate Opt[Time]          `json:"cancellationDate,omitzero" doc:"Null takes a scheduled cancellation back."`
	TrialEndDate     Opt[Time]          `json:"trialEndDate,omitzero" doc:"Another end of the trial. Null converts it now. To end it otherwise, cancel."`
	Metadata         map[string]*string `json:"metadata,omitempty" format:"metadata" doc:"Given keys replace; null or an empty text deletes."`
	SubscriptionTerms
}

// update puts the members into the core's words.
func (in *updateSubscriptionBody) update() (provisioning.Update, error) {
	u := provisioning.Update{
		BillingPeriod: in.BillingPeriod, UnitQuantity: in.UnitQuantity.Ptr(), MinimumSpend: spendOf(in.MinimumSpend),
		Budget: budgetOf(in.Budget), TrialEnd: moments(in.TrialEndDate), CancellationDate: moments(in.CancellationDate),
		SalesforceID: change(in.SalesforceID), ScheduleStrategy: in.ScheduleStrategy, RestartCycle: in.BillingCycleAnchor == "NOW",
	}
	if in.BillingInformation != nil {
		u.Proration = in.BillingInformation.ProrationBehavior
	}
	for key, value := range in.Metadata {
		if u.Metadata == nil {
			u.Metadata = make(map[string]string, len(in.Metadata))
		}
		if u.Metadata[key] = ""; value != nil {
			u.Metadata[key] = *value
		}
	}
	var c errs.Checks
	u.Charges = in.quantities(&c, "")
	if list, ok := in.Addons.Get(); ok {
		addons := addonsOf(list)
		u.Addons = &addons
	}
	if list, ok := in.PriceOverrides.Get(); ok {
		overrides := overridesOf(list)
		u.PriceOverrides = &overrides
	}
	if list, ok := in.Entitlements.Get(); ok {
		values := valuesOf(&c, "", list)
		u.Values = &values
	}
	u.Coupon = in.coupon(&c)
	return u, c.Err()
}

func (in *updateSubscriptionBody) coupon(c *errs.Checks) opt.Of[provisioning.AppliedCoupon] {
	code := in.PromotionCode.Or("")
	if !in.AppliedCoupon.IsZero() && code != "" {
		c.Rule("promotionCode", "goes not with appliedCoupon")
	}
	choice, ok := in.AppliedCoupon.Get()
	switch {
	case ok:
		return opt.Some(choice.coupon())
	case in.AppliedCoupon.IsNull():
		return opt.Null[provisioning.AppliedCoupon]()
	case code != "":
		return opt.Some(provisioning.AppliedCoupon{PromotionCode: code})
	}
	return opt.Of[provisioning.AppliedCoupon]{}
}

func (in *updateSubscriptionInput) update() (u provisioning.Update, err error) {
	if u, err = in.Body.update(); err == nil {
		u.IfVersion, err = in.version()
	}
	return u, err
}

func (h Subscriptions) update(ctx context.Context, env tenant.ID, in *updateSubscriptionInput) (provisioning.View, error) {
	u, err := in.update()
	if err != nil {
		return provisioning.View{}, err
	}
	return h.Provisioning.UpdateSubscription(ctx, env, in.ID, u)
}

type subscribeInput struct {
	Body subscribeBody
}

type subscribeBody struct {
	CustomerID string `json:"customerId" minLength:"1" maxLength:"255" format:"customer-ref"`
	SubscriptionFields
	Checkout *checkoutOptionsIn `json:"checkoutOptions,omitempty" doc:"Where the customer pays, when a payment is due and there is no payment method."`
}

type checkoutOptionsIn struct {
	SuccessURL           string      `json:"successUrl" minLength:"1" maxLength:"2048"`
	CancelURL            string      `json:"cancelUrl" minLength:"1" maxLength:"2048"`
	AllowPromoCodes      bool        `json:"allowPromoCodes,omitempty"`
	AllowTaxIDCollection bool        `json:"allowTaxIdCollection,omitempty"`
	BillingAddress       bool        `json:"collectBillingAddress,omitempty"`
	PhoneNumber          bool        `json:"collectPhoneNumber,omitempty"`
	ReferenceID          Opt[string] `json:"referenceId,omitzero" maxLength:"255" doc:"Repeated when the customer has paid."`
}

func (in *subscribeBody) request() (provisioning.SubscribeRequest, error) {
	p, err := in.fill("")
	if o := in.Checkout; o != nil {
		p.Checkout = &subscription.CheckoutOptions{
			SuccessURL: o.SuccessURL, CancelURL: o.CancelURL, AllowPromoCodes: o.AllowPromoCodes,
			AllowTaxIDCollection: o.AllowTaxIDCollection, BillingAddress: o.BillingAddress, PhoneNumber: o.PhoneNumber,
			ReferenceID: o.ReferenceID.Or(""),
		}
	}
	return provisioning.SubscribeRequest{CustomerID: in.CustomerID, Params: p}, err
}

func (h Subscriptions) subscribe(ctx context.Context, env tenant.ID, in *subscribeInput) (provisioning.Subscribed, error) {
	r, err := in.Body.request()
	if err != nil {
		return provisioning.Subscribed{}, err
	}
	about(ctx, r.CustomerID)
	return h.Provisioning.Subscribe(ctx, env, r)
}

// subscribedBody is the answer to a subscription that was asked for.
type subscribedBody struct {
	ID                string                   `json:"id" doc:"Of the subscription; while it has to be paid first, of the checkout."`
	Status            string                   `json:"status" enum:"SUCCESS,PAYMENT_REQUIRED" doc:"PAYMENT_REQUIRED: there is no subscription before the customer has paid at checkoutUrl."`
	Subscription      Opt[subscriptionBody]    `json:"subscription"`
	Entitlements      Opt[featureEntitlements] `json:"entitlements" doc:"All of the customer, or of the resource."`
	CheckoutURL       Given[string]            `json:"checkoutUrl,omitzero"`
	CheckoutBillingID Given[string]            `json:"checkoutBillingId,omitzero"`
	IsScheduled       bool                     `json:"isScheduled" doc:"It takes effect later. Where a plan follows another one, the subscription is the one that runs."`
}

func subscribed(r provisioning.Subscribed) Reply[subscribedBody] {
	if c := r.Checkout; c != nil {
		return Reply[subscribedBody]{Data: subscribedBody{
			ID: c.BillingID, Status: "PAYMENT_REQUIRED", Subscription: Null[subscriptionBody](), Entitlements: Null[featureEntitlements](),
			CheckoutURL: give(c.URL), CheckoutBillingID: give(c.BillingID),
		}}
	}
	return Reply[subscribedBody]{
		Header: etag(r.Version),
		Data: subscribedBody{
			ID: r.RefID, Status: "SUCCESS", Subscription: Some(subscriptionOf(r.View)),
			Entitlements: Some(featureEntitlements(r.Entitlements)), IsScheduled: r.Scheduled,
		},
	}
}
