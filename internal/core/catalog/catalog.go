// Package catalog is what a company sells: products, features, plans and their
// versions, entitlements and prices.
//
// Product, Feature, FeatureGroup, Package (a plan or an add-on) with its Versions, and
// Coupon are the entities. Amount says what a Price costs. Snapshot is all that is
// published, in memory, which provisioning, checks and the pricing table read without
// SQL. File is the whole catalog as one document. Rules: domain-catalog-provisioning
// §3, §4, §5.
package catalog

import (
	"time"

	"github.com/purserhq/purser/internal/core/journey"
)

// Status values of products and packages.
const (
	Draft     = "DRAFT"
	Published = "PUBLISHED"
	Archived  = "ARCHIVED"
)

// Paywall is the widget that shows what can be bought. What is hidden from it is hidden from client keys.
const Paywall = "PAYWALL"

// Pricing types of a package.
const (
	Free   = "FREE"
	Paid   = "PAID"
	Custom = "CUSTOM"
)

// Product is a product line. Its settings are the customer journey.
type Product struct {
	ID                    string // internal
	RefID                 string
	DisplayName           string
	Description           *string
	Metadata              map[string]string
	MultipleSubscriptions bool
	Status                string
	IsDefault             bool
	Settings              journey.Settings
	UsageResetCutoff      string
	// PlanOrder are refIds of plans in the order in which pricing tables show them; plans that it does not name follow
	// in the default order (domain-catalog-provisioning §3.5). Never nil.
	PlanOrder []string
	Version   int64
	CreatedAt time.Time
	UpdatedAt time.Time
}

// What a plan transition does to resettable usage (domain-catalog-provisioning §3.1).
const (
	AlwaysReset         = "ALWAYS_RESET"
	NeverReset          = "NEVER_RESET"
	BillingPeriodChange = "BILLING_PERIOD_CHANGE"
)
