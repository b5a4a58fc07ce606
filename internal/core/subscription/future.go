package subscription

import (
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/purserhq/purser/internal/base/money"
)

// Types of scheduled updates (domain-catalog-provisioning §9.9).
const (
	ScheduleDowngrade     = "DOWNGRADE" // to another plan, a lesser one
	SchedulePlan          = "PLAN"      // to another plan
	ScheduleBillingPeriod = "BILLING_PERIOD"
	ScheduleUnitAmount    = "UNIT_AMOUNT"
	ScheduleCredits       = "RECURRING_CREDITS"
	SchedulePriceOverride = "PRICE_OVERRIDE"
	ScheduleAddon         = "ADDON"
	ScheduleCoupon        = "COUPON"
	ScheduleMigration     = "MIGRATE_TO_LATEST"
	ScheduleMetadata      = "ADDITIONAL_META_DATA"
)

// Statuses of scheduled updates.
const (
	Scheduled       = "SCHEDULED"
	WaitsForPayment = "PENDING_PAYMENT"
	UpdateFailed    = "FAILED"
)

// FutureUpdate is a change that waits for its time, for a payment, or that could not be made.
type FutureUpdate struct {
	Type    string    `json:"type"`
	Status  string    `json:"status"`
	At      time.Time `json:"at"` // when it is carried out, or was tried
	PlanRef string    `json:"planId,omitempty"`
	// Change is what it changes.
	Change Modification `json:"change"`
	Error  string       `json:"error,omitempty"` // why it failed, in words
}

// Modification is what an update changes in a subscription: nil members stay as they are.
type Modification struct {
	BillingPeriod  string            `json:"billingPeriod,omitempty"`
	Addons         *[]AddonQuantity  `json:"addons,omitempty"` // all of them
	Quantities     []Quantity        `json:"quantities,omitempty"`
	PriceOverrides *[]PriceOverride  `json:"priceOverrides,omitempty"`
	Coupon         *CouponChange     `json:"coupon,omitempty"`
	Metadata       map[string]string `json:"metadata,omitempty"` // "" deletes a key
	Values         *[]Value          `json:"values,omitempty"`
	Spend          *SpendChange      `json:"spend,omitempty"`
	SalesforceID   *string           `json:"salesforceId,omitempty"`
	RestartCycle   bool              `json:"restartCycle,omitempty"`
	Proration      string            `json:"proration,omitempty"`
	// Plan is the whole subscription that a change of the plan starts, as provisioning reads it.
	Plan json.RawMessage `json:"plan,omitempty"`
}

// SpendChange sets the bounds of spending; nil members are none.
type SpendChange struct {
	MinimumSpend *money.Money `json:"minimumSpend,omitempty"`
	Budget       *Budget      `json:"budget,omitempty"`
}

// Empty reports whether it changes nothing.
func (m Modification) Empty() bool {
	return m.BillingPeriod == "" && m.Addons == nil && len(m.Quantities) == 0 && m.PriceOverrides == nil && m.Coupon == nil &&
		len(m.Metadata) == 0 && m.Values == nil && m.Spend == nil && m.SalesforceID == nil && !m.RestartCycle
}

// Merge is both modifications, where the later one wins. What is ordered by quantity is left out.
func (m Modification) Merge(later Modification) Modification {
	if later.PriceOverrides != nil {
		m.PriceOverrides = later.PriceOverrides
	}
	if later.Values != nil {
		m.Values = later.Values
	}
	if later.Coupon != nil {
		m.Coupon = later.Coupon
	}
	if later.Spend != nil {
		m.Spend = later.Spend
	}
	if later.SalesforceID != nil {
		m.SalesforceID = later.SalesforceID
	}
	if len(later.Metadata) > 0 {
		m.Metadata = maps.Clone(m.Metadata)
		if m.Metadata == nil {
			m.Metadata = map[string]string{}
		}
		maps.Copy(m.Metadata, later.Metadata)
	}
	return m
}

// ApplyTo changes what is not ordered by quantity: prices, values, coupon, metadata and bounds of spending.
func (m Modification) ApplyTo(s *Subscription, at time.Time) {
	if m.PriceOverrides != nil {
		s.PriceOverrides = *m.PriceOverrides
	}
	if m.Values != nil {
		s.SetValues(*m.Values, at)
	}
	if m.Coupon != nil {
		c := m.Coupon.Coupon
		if c != nil && c.Floats {
			floating := c.From(at)
			c = &floating
		}
		s.GiveCoupon(c, at)
	}
	for key, value := range m.Metadata {
		if s.Metadata == nil {
			s.Metadata = map[string]string{}
		}
		if s.Metadata[key] = value; value == "" {
			delete(s.Metadata, key)
		}
	}
	if m.Spend != nil {
		s.MinimumSpend, s.Budget = m.Spend.MinimumSpend, m.Spend.Budget
	}
	if m.SalesforceID != nil {
		s.SalesforceID = *m.SalesforceID
	}
}

// CouponChange gives a coupon, or takes one away.
type CouponChange struct {
	Coupon *Coupon `json:"coupon"`
}

// AddonQuantity asks for an add-on.
type AddonQuantity struct {
	ID       string `json:"id"` // refId
	Quantity int64  `json:"quantity"`
}

// IsPlan reports whether the update leads to another plan.
func (u FutureUpdate) IsPlan() bool { return u.Type == ScheduleDowngrade || u.Type == SchedulePlan }

// Pending are the updates that wait for their time.
func (d Details) Pending() []FutureUpdate {
	return slices.DeleteFunc(slices.Clone(d.FutureUpdates), func(u FutureUpdate) bool { return u.Status != Scheduled })
}

// keptUpdates bounds how many failed updates stay listed.
const keptUpdates = 20

// Schedule puts updates in the place of those that keep does not hold on to. Failed ones stay listed.
func (d *Details) Schedule(keep func(FutureUpdate) bool, add ...FutureUpdate) {
	list := slices.DeleteFunc(slices.Clone(d.FutureUpdates), func(u FutureUpdate) bool {
		return u.Status == Scheduled && !keep(u)
	})
	list = append(list, add...)
	slices.SortStableFunc(list, func(a, b FutureUpdate) int { return a.At.Compare(b.At) })
	if n := len(list); n > keptUpdates {
		list = slices.DeleteFunc(list, func(u FutureUpdate) bool {
			drop := n > keptUpdates && u.Status == UpdateFailed
			if drop {
				n--
			}
			return drop
		})
	}
	d.FutureUpdates = list
}

// NextUpdate is when the first of the waiting updates is due.
func (d Details) NextUpdate() (at time.Time, ok bool) {
	for _, u := range d.FutureUpdates {
		if u.Status == Scheduled && (!ok || u.At.Before(at)) {
			at, ok = u.At, true
		}
	}
	return at, ok
}
