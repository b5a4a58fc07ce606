package rest

import (
	"context"
	"time"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/base/tx"
	"github.com/purserhq/purser/internal/core/customer"
	"github.com/purserhq/purser/internal/core/provisioning"
)

type provisionInput struct {
	DryRun bool `query:"dryRun" doc:"Decide and answer, and write nothing."`
	Body   provisionBody
}

// provisionBody is the original's body plus subscriptionParams and excludeFromExperiment.
type provisionBody struct {
	ID                    string                  `json:"id,omitempty" maxLength:"255" format:"customer-ref" doc:"The caller's id of the customer. Required."`
	CustomerID            string                  `json:"customerId,omitempty" maxLength:"255" format:"customer-ref" doc:"An alias of id."`
	Name                  Opt[string]             `json:"name,omitzero" maxLength:"255"`
	Email                 Opt[string]             `json:"email,omitzero" maxLength:"255" format:"email"`
	BillingID             Opt[string]             `json:"billingId,omitzero" maxLength:"255"`
	BillingCurrency       Opt[string]             `json:"billingCurrency,omitzero" format:"currency"`
	CouponID              Opt[string]             `json:"couponId,omitzero" maxLength:"255"`
	Language              Opt[string]             `json:"language,omitzero" maxLength:"255"`
	Timezone              Opt[string]             `json:"timezone,omitzero" maxLength:"255" format:"timezone"`
	DefaultPaymentMethod  Opt[paymentMethodBody]  `json:"defaultPaymentMethod,omitzero"`
	Integrations          []integrationBody       `json:"integrations,omitempty"`
	Passthrough           Opt[passthroughBody]    `json:"passthrough,omitzero"`
	Metadata              map[string]string       `json:"metadata,omitempty" format:"metadata"`
	ExcludeFromExperiment bool                    `json:"excludeFromExperiment,omitempty" doc:"Take no part in experiments; the journey still applies."`
	SubscriptionParams    Opt[subscriptionParams] `json:"subscriptionParams,omitzero" doc:"The subscription that is asked for. Absent or null: a customer without one."`
}

// checkMembers wants one id, under either name.
func (*provisionBody) checkMembers(c *checker, m map[string]any) {
	id, alias := m["id"], m["customerId"]
	switch {
	case id == nil && alias == nil:
		c.at("id", "is required")
	case id != nil && alias != nil && id != alias:
		c.checks.Named(errs.EntityIDDifferent, "customerId", "differs from id")
	}
}

// subscriptionParams refuse unknown members, as a misspelt add-on must not be lost.
type subscriptionParams struct {
	_ struct{} `additionalProperties:"false"`
	SubscriptionFields
}

func (h Customers) provision(ctx context.Context, env tenant.ID, in *provisionInput) (provisioning.Result, error) {
	r, err := in.request()
	if err != nil {
		return provisioning.Result{}, err
	}
	if r.DryRun {
		ctx = tx.WithoutOnce(ctx)
	}
	about(ctx, r.ID)
	return h.Provisioning.Provision(ctx, env, r)
}

func (in *provisionInput) request() (provisioning.Request, error) {
	b := in.Body
	if b.ID == "" {
		b.ID = b.CustomerID
	}
	r := provisioning.Request{DryRun: in.DryRun}
	r.New = customer.New{
		ID: b.ID, Name: b.Name.Ptr(), Email: b.Email.Ptr(), CouponID: b.CouponID.Ptr(), Metadata: b.Metadata,
		ExcludeFromExperiment: b.ExcludeFromExperiment,
		Details: customer.Details{
			BillingID: b.BillingID.Ptr(), BillingCurrency: b.BillingCurrency.Ptr(), Language: b.Language.Ptr(), Timezone: b.Timezone.Ptr(),
		},
	}
	if m, ok := b.DefaultPaymentMethod.Get(); ok {
		r.DefaultPaymentMethod = m.stored()
	}
	if len(b.Integrations) > 0 {
		r.Integrations = storedLinks(b.Integrations)
	}
	if p, ok := b.Passthrough.Get(); ok {
		r.Passthrough = p.stored()
	}
	if p, ok := b.SubscriptionParams.Get(); ok {
		params, err := p.fill("subscriptionParams.")
		if err != nil {
			return r, err
		}
		r.Subscription = &params
	}
	return r, nil
}

// provisionedBody is the answer to a provision (contract §2.2).
type provisionedBody struct {
	ProvisionedCustomerBody
	Subscription                 Opt[subscriptionBody] `json:"subscription"`
	SubscriptionDecisionStrategy string                `json:"subscriptionDecisionStrategy" enum:"REQUESTED_PLAN,PREDEFINED_FREE_PLAN,PREDEFINED_TRIAL_PLAN,SKIPPED_SUBSCRIPTION_CREATION"`
	Decision                     decisionBody          `json:"decision"`
	Entitlements                 featureEntitlements   `json:"entitlements"`
}

type decisionBody struct {
	Steps []string `json:"steps" doc:"Why it came to this subscription, in words."`
}

func provisioned(r provisioning.Result) Reply[provisionedBody] {
	b := provisionedBody{
		ProvisionedCustomerBody: provisionedCustomerOf(r.Customer), Subscription: Null[subscriptionBody](),
		SubscriptionDecisionStrategy: r.Strategy, Decision: decisionBody{r.Steps},
		Entitlements: r.Entitlements,
	}
	if r.Subscription != nil {
		b.Subscription = Some(subscriptionOf(provisioning.View{Subscription: *r.Subscription, At: r.At}))
	}
	reply := Reply[provisionedBody]{Data: b}
	if r.Repeated {
		reply.Status = 200
	}
	return reply
}

func instant(t *time.Time) Opt[Time] {
	if t == nil {
		return Null[Time]()
	}
	return Some(At(*t))
}
