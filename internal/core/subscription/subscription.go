// Package subscription is the life of a subscription: customer × plan version.
//
// Subscription is the entity. Create, Begin, Cancel and the others in lifecycle.go and
// transitions.go are pure functions that return a Change (the new state, its timers,
// its events), which provisioning saves. Prorate says what a change costs, Cycle when
// periods begin, ClassifyPlans and Differences what is more and what is less, EffectiveAt
// when it happens. Billing is the port to a provider. Rules: domain-catalog-provisioning §9.
package subscription

import (
	"time"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/event"
)

// ErrNotFound is the answer to an id that no subscription has.
var ErrNotFound = errs.New(errs.NotFound, "SubscriptionNotFound", "There is no subscription with this id.")

// ErrDuplicated is a subscription id that is already in use.
var ErrDuplicated = errs.Duplicated.At("subscriptionParams.id", "this subscription id is already in use")

// ErrRaced is a subscription that was decided on a product which has changed meanwhile: trying again reads it as it is.
// It never reaches a caller.
var ErrRaced = (&errs.Error{Kind: errs.Conflict, Code: "subscriptionRaced", Message: "the product changed meanwhile"}).After(0)

// Status is where a subscription stands.
type Status string

// The statuses. Active and InTrial give access.
const (
	NotStarted     Status = "NOT_STARTED"
	PaymentPending Status = "PAYMENT_PENDING"
	InTrial        Status = "IN_TRIAL"
	Active         Status = "ACTIVE"
	Canceled       Status = "CANCELED"
	Expired        Status = "EXPIRED"
)

// Valid reports whether s is a status.
func (s Status) Valid() bool {
	switch s {
	case NotStarted, PaymentPending, InTrial, Active, Canceled, Expired:
		return true
	}
	return false
}

// Live reports whether the status gives access.
func (s Status) Live() bool { return s == Active || s == InTrial }

// Ended reports whether nothing can happen any more.
func (s Status) Ended() bool { return s == Canceled || s == Expired }

// Why a subscription ended; the mixed casing is the wire's (§9.1).
const (
	TrialEnded            = "TRIAL_ENDED"
	TrialConverted        = "TRIAL_CONVERTED"
	CustomerArchived      = "CustomerArchived"
	UpgradeOrDowngrade    = "UPGRADE_OR_DOWNGRADE"
	Immediate             = "Immediate"
	ScheduledCancellation = "ScheduledCancellation"
	AutoCancellationRule  = "AutoCancellationRule"
	PendingPaymentExpired = "PENDING_PAYMENT_EXPIRED"
	EndReached            = "EXPIRED"
)

// The events of a subscription (domain-entitlements-usage §12.4).
const (
	typeCreated         = "subscription.created"
	typeUpdated         = "subscription.updated"
	typeCanceled        = "subscription.canceled"
	typeTrialStarted    = "subscription.trial_started"
	typeTrialEndsSoon   = "subscription.trial.ends_soon"
	typeTrialExpired    = "subscription.trial_expired"
	typeTrialConverted  = "subscription.trial_converted"
	typeExpired         = "subscription.expired"
	typePeriodEndsSoon  = "subscription.billing_month.ends_soon"
	typeUpdateFailed    = "subscription.update_failed" // ours: a scheduled update that could not be carried out
	entitlementsUpdated = "entitlements.updated"
)

// paymentNotRequired is the payment collection of a subscription without billing.
const paymentNotRequired = "NOT_REQUIRED"

// Subscription is a customer's use of a plan version. Its scope (customer, product, resource) holds at most one running
// trial and one running other (§9.2); the database keeps that.
type Subscription struct {
	ID                 string // internal
	RefID              string
	CustomerID         string // internal
	CustomerRef        string
	ProductID          string // internal
	ProductRef         string
	Resource           string // refId; "" for none
	PlanID             string // internal
	PlanRef            string
	VersionID          string   // the pinned plan version
	PriceVersionID     string   // the version whose prices are paid: a migration leaves it
	Bases              []string // pinned versions that the plan's version inherits from, the nearest first
	Addons             []Addon  // by refId
	PlanVersion        int64
	PricingType        string
	Status             Status
	StartDate          time.Time
	EndDate            *time.Time // when it ended
	TrialEndDate       *time.Time
	TrialEndBehavior   string
	CancellationDate   *time.Time
	CancelReason       string
	BillingPeriod      string   // "" where nothing recurs
	Country            string   // whose prices are paid, ISO 3166-1 alpha-2; "" for the default ones
	Prices             []Charge // the prices in force, where they were read or made
	BillingCycleAnchor *time.Time
	PaymentCollection  string
	PayingCustomerID   string // internal; "" when the customer pays
	PayingCustomerRef  string
	Metadata           map[string]string
	Details
	Version   int64
	CreatedAt time.Time
	UpdatedAt time.Time
	// Due is when the customer's earliest timer fires; nil for none.
	Due *time.Time
}

// Addon is an add-on of a subscription, pinned like its plan.
type Addon struct {
	PackageID      string // internal
	RefID          string
	VersionID      string
	PriceVersionID string
	Quantity       int64
}

// Charge is a price that a subscription pays.
type Charge struct {
	AddonRef string // "" for the plan's
	catalog.Price
}

// Pay adds the prices of a version that the subscription pays in its period and country: the plan's first, and those of
// an add-on in the currency of what is there, since a bill has one. Overrides of the subscription apply.
func (s *Subscription) Pay(addonRef string, prices []catalog.Price) {
	country := s.Country
	for i := range s.Prices {
		if c := s.Prices[i].Currency(); c != "" {
			v := catalog.Version{Prices: prices}
			country, _ = v.CountryFor(country, c)
			break
		}
	}
	for _, p := range catalog.Payable(prices, s.BillingPeriod, country) {
		s.Prices = append(s.Prices, s.overridden(Charge{addonRef, p}))
	}
}

// PayFrom sets the prices in force: those of the versions that are paid, with the subscription's own amounts.
func (s *Subscription) PayFrom(pricesOf func(versionID string) []catalog.Price) {
	s.Prices = []Charge{}
	s.Pay("", pricesOf(s.PriceVersionID))
	for _, a := range s.Addons {
		s.Pay(a.RefID, pricesOf(a.PriceVersionID))
	}
}

// EffectiveEnd is the earliest date at which the subscription stops, or stopped; nil for none in sight (§9.1).
func (s Subscription) EffectiveEnd() *time.Time {
	if s.EndDate != nil {
		return s.EndDate
	}
	end := s.CancellationDate
	if s.Status == InTrial && s.TrialEndDate != nil && (end == nil || s.TrialEndDate.Before(*end)) {
		end = s.TrialEndDate
	}
	return end
}

// Entity names a subscription in events.
func (s Subscription) Entity() event.Entity {
	return event.Entity{Type: "subscription", ID: s.RefID}
}

// told is the payload of a subscription's events: what a reader needs to act without asking.
type told struct {
	SubscriptionID string     `json:"subscriptionId"`
	CustomerID     string     `json:"customerId"`
	ProductID      string     `json:"productId"`
	PlanID         string     `json:"planId"`
	PlanVersion    int64      `json:"planVersion"`
	Status         Status     `json:"status"`
	StartDate      time.Time  `json:"startDate"`
	ResourceID     string     `json:"resourceId,omitempty"`
	TrialEndDate   *time.Time `json:"trialEndDate,omitempty"`
	EndDate        *time.Time `json:"endDate,omitempty"`
	CancelReason   string     `json:"cancelReason,omitempty"`
	Reason         string     `json:"reason,omitempty"`  // of this change
	Steps          []string   `json:"steps,omitempty"`   // of a decision
	Invoice        *Invoice   `json:"invoice,omitempty"` // what the change cost
	IsUpgrade      bool       `json:"isUpgrade,omitempty"`
	IsDowngrade    bool       `json:"isDowngrade,omitempty"`
}

// Note is what an event of a subscription says besides its state.
type Note struct {
	Reason    string
	Steps     []string
	Invoice   *Invoice // nil when the change cost nothing and gave nothing back
	Direction Direction
}

func (s Subscription) event(typ string, at time.Time) event.Event {
	return s.eventWith(typ, at, Note{})
}

func (s Subscription) eventWith(typ string, at time.Time, n Note) event.Event {
	if n.Invoice != nil && n.Invoice.Zero() {
		n.Invoice = nil
	}
	return event.Event{
		Type: typ, Entity: s.Entity(), Version: s.Version, At: at, Customer: s.CustomerRef,
		Payload: told{
			s.RefID, s.CustomerRef, s.ProductRef, s.PlanRef, s.PlanVersion, s.Status, s.StartDate, s.Resource,
			s.TrialEndDate, s.EndDate, s.CancelReason, n.Reason, n.Steps, n.Invoice, n.Direction > 0, n.Direction < 0,
		},
	}
}

// Cycle is how the subscription is billed; ok is false for one that is not (domain-catalog-provisioning §9.10).
func (s Subscription) Cycle() (c Cycle, ok bool) {
	if s.Status != Active || s.BillingCycleAnchor == nil || s.BillingPeriod == "" {
		return c, false
	}
	return Cycle{Period: s.BillingPeriod, Anchor: *s.BillingCycleAnchor, Zone: s.Zone}, true
}

// Renews reports whether the subscription is billed in periods.
func (s Subscription) Renews() bool {
	_, ok := s.Cycle()
	return ok
}

// Period returns the billing period that contains now; ok is false for a subscription without one.
func (s Subscription) Period(now time.Time) (start, end time.Time, ok bool) {
	c, ok := s.Cycle()
	if !ok {
		return start, end, false
	}
	span := c.At(now)
	return span.Start, span.End, true
}
