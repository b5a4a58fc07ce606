package subscription

import (
	"encoding/json"
	"reflect"
	"slices"
	"time"

	"github.com/purserhq/purser/internal/base/money"
	"github.com/purserhq/purser/internal/core/catalog"
)

// Details are what only the rules look into. They are stored as one.
type Details struct {
	Quantities     []Quantity      `json:"quantities,omitempty"` // of what is charged by quantity, by type and id
	PriceOverrides []PriceOverride `json:"priceOverrides,omitempty"`
	Values         []Value         `json:"values,omitempty"` // entitlements of this subscription alone, by type and id
	MinimumSpend   *money.Money    `json:"minimumSpend,omitempty"`
	Budget         *Budget         `json:"budget,omitempty"`
	Coupons        []Coupon        `json:"coupons,omitempty"` // the present one last
	FutureUpdates  []FutureUpdate  `json:"futureUpdates,omitempty"`

	// Zone is the time zone whose months the billing periods follow; "" for the anchor's own day (§9.10).
	Zone string `json:"zone,omitempty"`
	// Paid is what has been paid until the end of the current period; nil when that is simply the whole price.
	Paid *Paid `json:"paid,omitempty"`
	// Proration is what a change in the middle of a period does that does not say; "" for the account's way.
	Proration string `json:"proration,omitempty"`

	// CancelAction and CancelProrate say what a scheduled cancellation will do.
	CancelAction  string `json:"cancelAction,omitempty"`
	CancelProrate bool   `json:"cancelProrate,omitempty"`
	// Ends makes the cancellation date the end of a subscription that does not renew: EXPIRED, not CANCELED.
	Ends bool `json:"ends,omitempty"`

	// TrialWanted is what was asked about the trial of a subscription that has not started.
	TrialWanted *TrialOverride `json:"trialWanted,omitempty"`

	// UsageFrom is where its usage periods begin; nil for its start. See UsageOrigin.
	UsageFrom *UsageOrigin `json:"usageFrom,omitempty"`

	CollectionMethod string         `json:"collectionMethod,omitempty"` // CHARGE, INVOICE or NONE; "" is CHARGE
	BillingID        string         `json:"billingId,omitempty"`
	SalesforceID     string         `json:"salesforceId,omitempty"`
	LatestInvoice    *LatestInvoice `json:"latestInvoice,omitempty"`
}

// Types of what has an id of its own kind: features and credits of a custom currency.
const (
	FeatureType = catalog.FeatureEntitlement
	CreditType  = catalog.CreditEntitlement
)

// PriceOverride replaces the amount of one charge, or of one of its countries' prices (domain-catalog-provisioning §9.12).
type PriceOverride struct {
	BaseCharge   bool                `json:"baseCharge,omitempty"` // the flat fee, of the plan or of AddonRef
	FeatureRef   string              `json:"featureId,omitempty"`  // the charge of a feature
	TopUp        string              `json:"currencyId,omitempty"` // the charge of credits
	AddonRef     string              `json:"addonId,omitempty"`
	Country      string              `json:"billingCountryCode,omitempty"` // "" for all
	Currency     money.Currency      `json:"currency,omitempty"`           // "" for the charge's own
	Amount       *money.Decimal      `json:"amount,omitempty"`             // in whole currency units, per unit, block or period
	BlockSize    *int64              `json:"blockSize,omitempty"`
	Tiers        []catalog.Tier      `json:"tiers,omitempty"`
	CreditRate   *catalog.CreditRate `json:"creditRate,omitempty"`
	GrantCadence string              `json:"creditGrantCadence,omitempty"`
}

// Fits reports whether the override is for a charge.
func (o PriceOverride) Fits(c Charge) bool {
	if o.AddonRef != c.AddonRef || o.Country != "" && o.Country != c.Country || o.Currency != "" && o.Currency != c.Currency() {
		return false
	}
	switch {
	case o.FeatureRef != "":
		return c.FeatureRefID == o.FeatureRef && c.BillingModel != catalog.CreditBased
	case o.TopUp != "":
		return c.TopUpCurrency == o.TopUp
	}
	return c.BillingModel == catalog.FlatFee && c.BillingCadence == catalog.Recurring
}

// overridden is a charge with the amounts of the last override that is for it.
func (s *Subscription) overridden(c Charge) Charge {
	for _, o := range s.PriceOverrides {
		if o.Fits(c) {
			c.Price = o.apply(c.Price, c.Currency())
		}
	}
	return c
}

func (o PriceOverride) apply(p catalog.Price, currency money.Currency) catalog.Price {
	switch {
	case o.Amount != nil:
		p.Price, p.Tiers, p.TiersMode = &money.Money{Amount: *o.Amount, Currency: currency}, nil, ""
	case len(o.Tiers) > 0:
		p.Price, p.Tiers, p.BlockSize = nil, o.Tiers, nil
		if p.TiersMode == "" {
			p.TiersMode = catalog.Graduated
		}
	}
	if o.BlockSize != nil {
		p.BlockSize = o.BlockSize
	}
	if o.CreditRate != nil {
		p.CreditRate = o.CreditRate
	}
	if o.GrantCadence != "" {
		p.GrantCadence = o.GrantCadence
	}
	return p
}

// Value is an entitlement of one subscription: it replaces the plan's row (domain-entitlements-usage §2.3).
type Value struct {
	Type        string                      `json:"type"` // FEATURE or CREDIT
	ID          string                      `json:"id"`   // refId of the feature or custom currency
	UsageLimit  *int64                      `json:"usageLimit,omitempty"`
	Unlimited   bool                        `json:"hasUnlimitedUsage,omitempty"`
	Soft        *bool                       `json:"hasSoftLimit,omitempty"` // nil leaves the plan's
	EnumValues  []string                    `json:"enumValues,omitempty"`
	ResetPeriod string                      `json:"resetPeriod,omitempty"` // "" leaves the plan's
	Reset       *catalog.ResetConfiguration `json:"reset,omitempty"`
	Amount      *money.Decimal              `json:"amount,omitempty"`
	Cadence     string                      `json:"cadence,omitempty"`
	UpdatedAt   time.Time                   `json:"updatedAt,omitzero"`
}

// SetValues gives a subscription its own entitlements; those that stay the same keep their age.
func (d *Details) SetValues(list []Value, at time.Time) {
	old := d.Values
	d.Values = slices.Clone(list)
	for i := range d.Values {
		v := &d.Values[i]
		v.UpdatedAt = at
		for _, o := range old {
			if same := *v; o.Type == v.Type && o.ID == v.ID {
				if same.UpdatedAt = o.UpdatedAt; reflect.DeepEqual(same, o) {
					v.UpdatedAt = o.UpdatedAt
				}
			}
		}
	}
}

// Budget is the most that is spent in a billing period, in units of the subscription's currency (§9.12).
type Budget struct {
	Limit money.Decimal `json:"limit"`
	Soft  bool          `json:"hasSoftLimit,omitempty"`
}

// Coupon is a discount that was given to a subscription.
type Coupon struct {
	ID         string        `json:"id"` // refId of the coupon; made up for a discount given inline
	Name       string        `json:"name"`
	PercentOff int64         `json:"percentOff,omitempty"`
	AmountsOff []money.Money `json:"amountsOff,omitempty"`
	Months     int64         `json:"months,omitempty"` // how long it takes off; 0 for ever
	Start      time.Time     `json:"start"`
	End        *time.Time    `json:"end,omitempty"` // nil for ever
	// Floats says that no start was asked for: it starts with what it was given to.
	Floats  bool `json:"floats,omitempty"`
	Removed bool `json:"removed,omitempty"`
}

// Status is ACTIVE, EXPIRED or REMOVED at an instant (§3.10).
func (c Coupon) Status(at time.Time) string {
	switch {
	case c.Removed:
		return "REMOVED"
	case c.End != nil && !at.Before(*c.End):
		return "EXPIRED"
	}
	return "ACTIVE"
}

// Discount is what the coupon takes off a bill in a currency at an instant; nil for nothing.
func (c Coupon) Discount(currency money.Currency, at time.Time) *Discount {
	if c.Status(at) != "ACTIVE" || at.Before(c.Start) {
		return nil
	}
	if c.PercentOff > 0 {
		return &Discount{ID: c.ID, Name: c.Name, PercentOff: int(c.PercentOff)}
	}
	for _, m := range c.AmountsOff {
		if m.Currency == currency {
			return &Discount{ID: c.ID, Name: c.Name, AmountOff: m.Amount}
		}
	}
	return nil
}

// keptCoupons bounds how many coupons that are over a subscription remembers.
const keptCoupons = 20

// From is the coupon with its time beginning at an instant.
func (c Coupon) From(at time.Time) Coupon {
	c.Start, c.End = at, nil
	if c.Months > 0 {
		end := AddMonths(at, int(c.Months))
		c.End = &end
	}
	return c
}

// Same reports whether two coupons take off the same.
func (c Coupon) Same(o Coupon) bool {
	if c.Name != o.Name || c.PercentOff != o.PercentOff || c.Months != o.Months || len(c.AmountsOff) != len(o.AmountsOff) {
		return false
	}
	for i, m := range c.AmountsOff {
		if m.Currency != o.AmountsOff[i].Currency || !m.Amount.Equal(o.AmountsOff[i].Amount) {
			return false
		}
	}
	return true
}

// GiveCoupon puts a coupon in the place of the present one, from its start on; nil takes that away now. One that takes off
// the same as the present one is no change: its time goes on.
func (d *Details) GiveCoupon(c *Coupon, now time.Time) {
	list := slices.Clone(d.Coupons)
	if n := len(list); n > 0 && c != nil && c.Floats && list[n-1].Status(now) == "ACTIVE" && list[n-1].Same(*c) {
		return
	}
	from := now
	if c != nil && c.Start.After(now) {
		from = c.Start
	}
	for i := range list {
		old := &list[i]
		switch {
		case old.Removed || old.End != nil && !old.End.After(from):
		case from.After(now) && from.After(old.Start):
			old.End = &from
		default:
			old.Removed = true
		}
	}
	if c != nil {
		list = append(list, *c)
	}
	if n := len(list); n > keptCoupons {
		list = list[n-keptCoupons:]
	}
	d.Coupons = list
}

// CouponAt is the coupon that is in force at an instant; nil for none.
func (d Details) CouponAt(at time.Time) *Coupon {
	for i := len(d.Coupons) - 1; i >= 0; i-- {
		if c := &d.Coupons[i]; c.Status(at) == "ACTIVE" && !at.Before(c.Start) {
			return c
		}
	}
	return nil
}

// startCoupons lets coupons without a start of their own begin now: with the first invoice that they take something off.
func (d *Details) startCoupons(at time.Time) {
	list := slices.Clone(d.Coupons)
	for i := range list {
		if list[i].Floats && !list[i].Removed {
			list[i] = list[i].From(at)
		}
	}
	d.Coupons = list
}

// Paid is what has been paid for a part of a billing period.
type Paid struct {
	Until time.Time `json:"until"` // the period's end
	Bill  Bill      `json:"bill"`
	// Waiting are the lines of changes that the next invoice charges.
	Waiting []InvoiceLine `json:"waiting,omitempty"`
}

// LatestInvoice is the last invoice that a billing provider made.
type LatestInvoice struct {
	BillingID      string         `json:"billingId"`
	Status         string         `json:"status"` // OPEN, CANCELED or PAID
	RequiresAction bool           `json:"requiresAction,omitempty"`
	Total          money.Decimal  `json:"total"`
	AmountDue      money.Decimal  `json:"amountDue"`
	Currency       money.Currency `json:"currency"`
	BillingReason  string         `json:"billingReason"`
	PaymentURL     string         `json:"paymentUrl,omitempty"`
	CreatedAt      time.Time      `json:"createdAt"`
}

// Own are the members of a subscription, besides versions, that decide about entitlements.
type Own struct {
	Values     []Value    `json:"values,omitempty"`
	Quantities []Quantity `json:"quantities,omitempty"` // a charge for units of a feature gives as many
	// UsageFrom says when the usage of entitlements is counted from, and nothing about what they are.
	UsageFrom *UsageOrigin `json:"usageFrom,omitempty"`
}

// Own is what decides about entitlements besides versions.
func (d Details) Own() Own { return Own{d.Values, d.Quantities, d.UsageFrom} }

// Key names it: equal keys give equal entitlements, to customers whose usage periods begin at different times as well.
func (o Own) Key() string {
	o.UsageFrom = nil
	if len(o.Values) == 0 && len(o.Quantities) == 0 {
		return ""
	}
	b, err := json.Marshal(o)
	if err != nil {
		panic("subscription: " + err.Error()) // plain values
	}
	return string(b)
}
