package rest

import (
	"encoding/json"

	"github.com/purserhq/purser/internal/core/customer"
)

// CustomerBody is a customer on the wire. It is exported, as everything embedded must be: huma does not describe the rest.
type CustomerBody struct {
	ID                   string            `json:"id"`
	Name                 Opt[string]       `json:"name"`
	Email                Opt[string]       `json:"email"`
	BillingID            Opt[string]       `json:"billingId"`
	BillingCurrency      Opt[string]       `json:"billingCurrency"`
	CouponID             Opt[string]       `json:"couponId"`
	Language             Opt[string]       `json:"language"`
	Timezone             Opt[string]       `json:"timezone"`
	DefaultPaymentMethod json.RawMessage   `json:"defaultPaymentMethod"`
	Integrations         json.RawMessage   `json:"integrations"`
	Passthrough          json.RawMessage   `json:"passthrough,omitempty"`
	Metadata             map[string]string `json:"metadata"`
	Balance              []moneyBody       `json:"balance" doc:"What was given back, by currency: the next invoices are paid from it."`
	ArchivedAt           Opt[Time]         `json:"archivedAt"`
	CreatedAt            Time              `json:"createdAt"`
	UpdatedAt            Time              `json:"updatedAt"`
}

func customerOf(c customer.Customer) CustomerBody {
	return CustomerBody{
		ID: c.RefID, Name: FromPtr(c.Name), Email: FromPtr(c.Email), BillingID: FromPtr(c.BillingID),
		BillingCurrency: FromPtr(c.BillingCurrency), CouponID: FromPtr(c.CouponID), Language: FromPtr(c.Language),
		Timezone: FromPtr(c.Timezone), DefaultPaymentMethod: rawOr(c.DefaultPaymentMethod, "null"),
		Integrations: rawOr(c.Integrations, "[]"), Passthrough: c.Passthrough, Metadata: c.Metadata,
		Balance:    moneyListOf(c.Balance.List()),
		ArchivedAt: instant(c.ArchivedAt), CreatedAt: At(c.CreatedAt), UpdatedAt: At(c.UpdatedAt),
	}
}

func rawOr(raw json.RawMessage, def string) json.RawMessage {
	if len(raw) == 0 {
		return json.RawMessage(def)
	}
	return raw
}

// ProvisionedCustomerBody adds what provisioning decided about a customer (contract §2.2).
type ProvisionedCustomerBody struct {
	CustomerBody
	ExcludeFromExperiment bool          `json:"excludeFromExperiment"`
	ExperimentInfo        Opt[struct{}] `json:"experimentInfo"`
	TrialedPlans          []trialedPlan `json:"trialedPlans"`
}

type trialedPlan struct {
	ProductID string `json:"productId"`
	PlanID    string `json:"planId"`
}

func provisionedCustomerOf(c customer.Customer) ProvisionedCustomerBody {
	b := ProvisionedCustomerBody{
		CustomerBody: customerOf(c), ExcludeFromExperiment: c.ExcludeFromExperiment,
		ExperimentInfo: Null[struct{}](), TrialedPlans: make([]trialedPlan, 0, len(c.Trialed)),
	}
	for _, t := range c.Trialed {
		b.TrialedPlans = append(b.TrialedPlans, trialedPlan(t))
	}
	return b
}

type paymentMethodBody struct {
	Type            string       `json:"type" enum:"CARD,BANK,CASH_APP"`
	BillingID       Opt[string]  `json:"billingId,omitzero" maxLength:"255"`
	CardLast4Digits Opt[string]  `json:"cardLast4Digits,omitzero" maxLength:"4"`
	CardExpiryMonth Opt[float64] `json:"cardExpiryMonth,omitzero"`
	CardExpiryYear  Opt[float64] `json:"cardExpiryYear,omitzero"`
}

type integrationBody struct {
	ID               string      `json:"id" maxLength:"255"`
	SyncedEntityID   Opt[string] `json:"syncedEntityId,omitzero" maxLength:"255"`
	VendorIdentifier string      `json:"vendorIdentifier" enum:"AUTH0,ZUORA,STRIPE,HUBSPOT,AWS_MARKETPLACE,SNOWFLAKE,SALESFORCE,BIG_QUERY,OPEN_FGA,APP_STORE,RECEIVED,PREQUEL,AIRWALLEX,STRIPE_INVOICING"`
}

// passthroughBody is kept as it is, for the billing provider.
type passthroughBody struct {
	Stripe json.RawMessage `json:"stripe,omitempty"`
	Zuora  json.RawMessage `json:"zuora,omitempty"`
}

// stored is how the customer keeps it: every member is there, so that null and absent are one content.
func (b paymentMethodBody) stored() json.RawMessage {
	b.BillingID, b.CardLast4Digits = shown(b.BillingID), shown(b.CardLast4Digits)
	b.CardExpiryMonth, b.CardExpiryYear = shown(b.CardExpiryMonth), shown(b.CardExpiryYear)
	return mustJSON(b)
}

func (b passthroughBody) stored() json.RawMessage { return mustJSON(b) }

func storedLinks(list []integrationBody) json.RawMessage {
	for i := range list {
		list[i].SyncedEntityID = shown(list[i].SyncedEntityID)
	}
	return mustJSON(list)
}

func shown[T any](o Opt[T]) Opt[T] { return FromPtr(o.Ptr()) }
