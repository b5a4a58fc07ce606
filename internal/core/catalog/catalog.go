// Package catalog is what a company sells: products, features, plans and their
// versions, entitlements and prices.
//
// Product, Feature, Plan and Version are the entities; Snapshot is all that is
// published, in memory, which provisioning and checks read without SQL. Rules:
// domain-catalog-provisioning §3, §4.1, §5.
package catalog

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/purserhq/purser/internal/base/money"
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
	Version               int64
	CreatedAt             time.Time
	UpdatedAt             time.Time
}

// What a plan transition does to resettable usage (domain-catalog-provisioning §3.1).
const (
	AlwaysReset         = "ALWAYS_RESET"
	NeverReset          = "NEVER_RESET"
	BillingPeriodChange = "BILLING_PERIOD_CHANGE"
)

// Feature kinds (domain-catalog-provisioning §3.2).
const (
	Boolean     = "BOOLEAN"
	Number      = "NUMBER"
	Enum        = "ENUM"
	NoMeter     = "None"
	Fluctuating = "FLUCTUATING"
	Incremental = "INCREMENTAL"
)

// Status values of features.
const (
	FeatureNew       = "NEW"
	FeatureActive    = "ACTIVE"
	FeatureSuspended = "SUSPENDED" // archived
)

// Feature is a unit of functionality. Status is NEW until a package first uses it, then ACTIVE; SUSPENDED is archived.
type Feature struct {
	ID          string
	RefID       string
	DisplayName string
	Description *string
	Type        string
	MeterType   string
	Status      string
	Units       *string
	UnitsPlural *string
	Metadata    map[string]string
	Version     int64
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// Plan is a sellable package of a product: what does not change with its versions. Latest is the published version in
// force and Draft the one being edited; at least one of them is there.
type Plan struct {
	ID                string
	RefID             string
	ProductID         string // internal
	ProductRefID      string
	Status            string
	BillingID         *string
	Metadata          map[string]string
	HiddenFromWidgets []string
	ArchivedWith      bool // archived together with its product
	Version           int64
	CreatedAt         time.Time
	UpdatedAt         time.Time
	Latest            *Version
	Draft             *Version
}

// Shown is the version that a reader sees: the published one, else the draft (contract §4.1).
func (p Plan) Shown() *Version {
	if p.Latest != nil {
		return p.Latest
	}
	return p.Draft
}

// Edited is the version that an editor works on: the draft, else the published one.
func (p Plan) Edited() *Version {
	if p.Draft != nil {
		return p.Draft
	}
	return p.Latest
}

// Visible reports whether client keys may see the plan.
func (p Plan) Visible() bool {
	return p.Status == Published && p.Latest != nil && !slices.Contains(p.HiddenFromWidgets, Paywall)
}

// Version is one version of a plan. A published one never changes.
type Version struct {
	ID           string
	PlanID       string // internal
	Number       int64
	Status       string // DRAFT or PUBLISHED
	IsLatest     bool
	DisplayName  string
	Description  *string
	PricingType  string // "" until priced
	Trial        *Trial
	Entitlements []Entitlement // by order, then feature
	Prices       []Price
	CreatedAt    time.Time
	UpdatedAt    time.Time
	PublishedAt  *time.Time
}

// Trial is a plan's default trial (domain-catalog-provisioning §3.9).
type Trial struct {
	Duration    int    `json:"duration"`
	Units       string `json:"units"`                      // DAY or MONTH
	EndBehavior string `json:"trialEndBehavior,omitempty"` // CONVERT_TO_PAID, CANCEL_SUBSCRIPTION or "" for the journey's end
}

// Entitlement is a row of a version: a feature and how much of it.
type Entitlement struct {
	ID                 string // internal
	FeatureID          string // internal
	FeatureRefID       string
	Granted            bool
	UsageLimit         *int64 // in the feature's units
	Unlimited          bool
	Soft               bool
	ResetPeriod        string // YEAR, MONTH, WEEK, DAY, HOUR or ""
	ResetConfiguration *ResetConfiguration
	Behavior           string // Increment
	IsCustom           bool
	Order              *float64
	DisplayName        *string
	Description        *string
	HiddenFromWidgets  []string
	CreatedAt          time.Time
	UpdatedAt          time.Time
}

// ResetConfiguration says where a reset period begins: SubscriptionStart, StartOfTheMonth, EverySunday….
type ResetConfiguration struct {
	AccordingTo string `json:"accordingTo"`
}

// Price is a charge of a version. This edition knows one flat monthly fee.
type Price struct {
	ID             string
	BillingModel   string // FLAT_FEE
	BillingCadence string // RECURRING
	BillingPeriod  string // MONTHLY
	Country        string // "" for the default
	Price          money.Money
	CreatedAt      time.Time
}

// String gives the trial's length in words: "14-day trial".
func (t Trial) String() string {
	return fmt.Sprintf("%d-%s trial", t.Duration, strings.ToLower(t.Units))
}

// Ends returns when a trial that begins at start ends: n·24 hours, or the same day n months later, clamped to the
// month's end (domain-catalog-provisioning §3.9).
func (t Trial) Ends(start time.Time) time.Time {
	if t.Units != "MONTH" {
		return start.Add(time.Duration(t.Duration) * 24 * time.Hour)
	}
	end := start.AddDate(0, t.Duration, 0)
	if end.Day() != start.Day() { // ran over: step back to the last day of the month before
		end = end.AddDate(0, 0, -end.Day())
	}
	return end
}
