package subscription

import (
	"context"
	"time"

	"github.com/purserhq/purser/internal/base/money"
	"github.com/purserhq/purser/internal/base/tenant"
)

// Billing is what subscriptions need of a billing provider. Without one nothing is charged (design decision 11). It is
// asked outside of transactions.
type Billing interface {
	// Connected reports whether an environment has billing.
	Connected(env tenant.ID) bool
	// HasPaymentMethod reports whether a customer can be charged. The error is customer-facing where the provider cannot
	// know the customer (CustomerNoBillingId).
	HasPaymentMethod(ctx context.Context, env tenant.ID, customerRef string) (bool, error)
	// HostsCheckout reports whether the provider has a page on which customers pay.
	HostsCheckout(env tenant.ID) bool
	// CreateCheckout makes such a page. The request is given back when the customer has paid.
	CreateCheckout(ctx context.Context, env tenant.ID, in CheckoutRequest) (Checkout, error)
	// Charge charges an invoice and waits for the outcome as long as ctx allows.
	Charge(ctx context.Context, env tenant.ID, in ChargeRequest) (ChargeResult, error)
}

// CheckoutOptions are how a customer is brought to a page to pay on, and back (domain-catalog-provisioning §9.3).
type CheckoutOptions struct {
	SuccessURL           string `json:"successUrl"`
	CancelURL            string `json:"cancelUrl"`
	AllowPromoCodes      bool   `json:"allowPromoCodes,omitempty"`
	AllowTaxIDCollection bool   `json:"allowTaxIdCollection,omitempty"`
	BillingAddress       bool   `json:"collectBillingAddress,omitempty"`
	PhoneNumber          bool   `json:"collectPhoneNumber,omitempty"`
	ReferenceID          string `json:"referenceId,omitempty"` // echoed when the customer has paid
}

// CheckoutRequest asks for a page to pay on.
type CheckoutRequest struct {
	CustomerRef string // who pays
	Options     CheckoutOptions
	Invoice     Invoice
	// Subscription is what is subscribed to once it is paid, frozen as it was asked for.
	Subscription []byte
}

// Checkout is a page to pay on.
type Checkout struct {
	URL       string
	BillingID string
}

// ChargeRequest asks for money.
type ChargeRequest struct {
	CustomerRef    string // who pays
	SubscriptionID string // refId
	Invoice        Invoice
	Method         string // CHARGE or INVOICE
	// Key makes the request safe to repeat.
	Key string
}

// Outcomes of a charge.
const (
	ChargePaid           = "PAID"
	ChargeProcessing     = "PROCESSING"
	ChargeFailed         = "FAILED"
	ChargeActionRequired = "ACTION_REQUIRED"
)

// ChargeResult is what became of a charge.
type ChargeResult struct {
	Outcome    string // PAID, PROCESSING, FAILED or ACTION_REQUIRED
	BillingID  string // of the invoice
	PaymentURL string // where the customer can pay after all
}

// Invoice makes the record of an invoice that the provider has made.
func (r ChargeResult) Invoice(inv Invoice, reason string, at time.Time) *LatestInvoice {
	l := &LatestInvoice{
		BillingID: r.BillingID, Status: "OPEN", Total: inv.Total, AmountDue: inv.AmountDue, Currency: inv.Currency,
		RequiresAction: r.Outcome == ChargeActionRequired, BillingReason: reason, PaymentURL: r.PaymentURL, CreatedAt: at,
	}
	if r.Outcome == ChargePaid {
		l.Status, l.AmountDue = "PAID", money.Decimal{}
	}
	return l
}
