package catalog

import (
	"time"

	"github.com/purserhq/purser/internal/base/money"
)

// Types and sources of coupons (domain-catalog-provisioning §3.10).
const (
	Percentage = "PERCENTAGE"
	Fixed      = "FIXED"

	SourceCatalog = "STIGG"       // made in the catalog; the wire's word
	SourceAdHoc   = "STIGG_ADHOC" // made for one subscription, and not listed
)

// Coupon is a discount. Its id and what it takes off never change.
type Coupon struct {
	ID               string
	RefID            string
	Name             string
	Description      *string
	PercentOff       *int64        // 1 to 100; nil for a fixed one
	AmountsOff       []money.Money // one per currency, by currency; nil for a percentage
	DurationInMonths *int64        // nil for ever
	BillingID        *string
	Source           string
	Status           string // ACTIVE or ARCHIVED
	Metadata         map[string]string
	Version          int64
	CreatedAt        time.Time
	UpdatedAt        time.Time
}

// Type is PERCENTAGE or FIXED.
func (c Coupon) Type() string {
	if c.PercentOff != nil {
		return Percentage
	}
	return Fixed
}

// AmountOff is what a fixed coupon takes off an invoice in a currency; ok is false when it has no amount for it.
func (c Coupon) AmountOff(cur money.Currency) (off money.Money, ok bool) {
	for _, m := range c.AmountsOff {
		if m.Currency == cur {
			return m, true
		}
	}
	return off, false
}
