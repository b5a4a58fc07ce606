// Package customer is who pays: contacts, metadata, resources.
//
// Customer is the entity; Service reads, lists, updates and unarchives. What spans
// nouns (provisioning, archiving, settling what is due) is in package provisioning.
// Rules: domain-catalog-provisioning §8.
package customer

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/core/event"
)

// ErrNotFound is the answer to an id that no customer has, or an archived one.
var ErrNotFound = errs.New(errs.NotFound, "CustomerNotFound", "There is no customer with this id.")

// ErrCannotDelete refuses to archive a customer who still pays.
var ErrCannotDelete = errs.New(errs.Conflict, "CannotDeleteCustomerError",
	"The customer has a paid or custom subscription. Cancel it first, or archive with cancelSubscriptions=true.")

// A customer has one coupon at most (§3.10).
var (
	ErrHasCoupon  = errs.New(errs.Conflict, "CustomerAlreadyHaveCustomerCoupon", "The customer has another coupon. Remove it first.")
	ErrUsesCoupon = errs.New(errs.Conflict, "CustomerAlreadyUsesCoupon", "The customer has this coupon already.")
)

// ErrIntegrationNotFound is the answer to an integration that does not exist (domain-catalog-provisioning §8.2). Customers
// are the first noun that names integrations; none exist yet.
var ErrIntegrationNotFound = errs.New(errs.NotFound, "IntegrationNotFound", "There is no integration with this id.")

// ErrRaced is a lost race for a new id: trying again finds the winner. It never reaches a caller.
var ErrRaced = (&errs.Error{Kind: errs.Conflict, Code: "customerRaced", Message: "another request made this customer"}).After(0)

// Customer is an organisation or a person.
type Customer struct {
	ID    string // internal
	RefID string
	Name  *string
	Email *string
	Details
	CouponID              *string // refId of the coupon that takes off every invoice; nil for none
	Metadata              map[string]string
	Trialed               []Trialed
	ExcludeFromExperiment bool
	First                 First
	Balance               Balance
	ArchivedAt            *time.Time
	Version               int64
	CreatedAt             time.Time
	UpdatedAt             time.Time
	// Promoted says that promotional entitlements run: only then a reader asks for them.
	Promoted bool
	// Due is when the earliest timer of the customer fires; nil for none. A reader settles first what is due.
	Due *time.Time
}

// Details are fields that are stored as one.
type Details struct {
	BillingID       *string `json:"billingId,omitempty"`
	BillingCurrency *string `json:"billingCurrency,omitempty"`
	Language        *string `json:"language,omitempty"`
	Timezone        *string `json:"timezone,omitempty"`
	SalesforceID    *string `json:"salesforceId,omitempty"` // only imports bring one
	// CouponUses are the coupons that the customer has and had, the present one last: what was paid with one stays so.
	CouponUses []CouponUse `json:"couponUses,omitempty"`
	// DefaultPaymentMethod, Integrations and Passthrough are kept as they were sent.
	DefaultPaymentMethod json.RawMessage `json:"defaultPaymentMethod,omitempty"`
	Integrations         json.RawMessage `json:"integrations,omitempty"`
	Passthrough          json.RawMessage `json:"passthrough,omitempty"`
}

// CouponUse is the time for which a customer has a coupon.
type CouponUse struct {
	CouponID string     `json:"couponId"` // refId
	From     time.Time  `json:"from"`
	To       *time.Time `json:"to,omitempty"` // nil while the customer has it
}

// maxCouponUses bounds how many past coupons are remembered.
const maxCouponUses = 20

// CouponAt is the coupon that the customer had at an instant; ok is false for none.
func (c Customer) CouponAt(at time.Time) (u CouponUse, ok bool) {
	for _, u := range c.CouponUses {
		if !at.Before(u.From) && (u.To == nil || at.Before(*u.To)) {
			return u, true
		}
	}
	if len(c.CouponUses) == 0 && c.CouponID != nil {
		return CouponUse{CouponID: *c.CouponID, From: c.CreatedAt}, true
	}
	return u, false
}

// useCoupon writes down which coupon the customer has from an instant on.
func (c *Customer) useCoupon(now time.Time) {
	list := slices.Clone(c.CouponUses)
	if n := len(list); n > 0 && list[n-1].To == nil {
		if c.CouponID != nil && list[n-1].CouponID == *c.CouponID {
			return
		}
		list[n-1].To = &now
	}
	if c.CouponID != nil {
		list = append(list, CouponUse{CouponID: *c.CouponID, From: now})
	}
	c.CouponUses = list[max(0, len(list)-maxCouponUses):]
}

// Trialed is a plan that the customer has tried; it is never removed and drives the one-trial rule (§8.1).
type Trialed struct {
	ProductID string `json:"productId"` // refIds
	PlanID    string `json:"planId"`
}

// First is the call that made the customer: repeating it gives the same answer (§6.6).
type First struct {
	Strategy       string
	Steps          []string
	SubscriptionID *string // internal; nil when none was created
	// Fingerprint has a keyed hash per field of the request; nil once it was erased.
	Fingerprint map[string]string
}

// Archived reports whether the customer was archived.
func (c Customer) Archived() bool { return c.ArchivedAt != nil }

// HasTried reports whether the customer ever had a trial of a product.
func (c Customer) HasTried(productRef string) bool {
	for _, t := range c.Trialed {
		if t.ProductID == productRef {
			return true
		}
	}
	return false
}

// Erase removes what is personal, as archiving must (§8.2). Metadata and billing ids stay.
func (c *Customer) Erase() {
	c.Name, c.Email = nil, nil
	c.DefaultPaymentMethod, c.Passthrough = nil, nil
	c.First.Fingerprint = nil
}

// Entity names a customer in events.
func (c Customer) Entity() event.Entity { return event.Entity{Type: "customer", ID: c.RefID} }

// Event is a change of the customer. No name, email or metadata goes into it.
func (c Customer) Event(typ string, more map[string]any) event.Event {
	payload := map[string]any{"customerId": c.RefID}
	for k, v := range more {
		payload[k] = v
	}
	return event.Event{Type: typ, Entity: c.Entity(), Version: c.Version, Customer: c.RefID, Payload: payload}
}
