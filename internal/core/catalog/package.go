package catalog

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/money"
	"github.com/purserhq/purser/internal/core/event"
)

// Kind says which sort of package something is.
type Kind string

// The kinds.
const (
	KindPlan  Kind = "PLAN"
	KindAddon Kind = "ADDON"
)

// Noun is the kind in ids and events: "plan", "addon".
func (k Kind) Noun() string { return strings.ToLower(string(k)) }

// Word is the kind in a sentence: "plan", "add-on".
func (k Kind) Word() string {
	if k == KindAddon {
		return "add-on"
	}
	return "plan"
}

// NotFound is the error for an id that no package of this kind has.
func (k Kind) NotFound() *errs.Error {
	if k == KindAddon {
		return ErrAddonNotFound
	}
	return ErrPlanNotFound
}

// Package is a plan or an add-on of a product: what does not change with its versions. Latest is the published version
// in force and Draft the one being edited; at least one of them is there.
type Package struct {
	ID                string
	Kind              Kind
	RefID             string
	ProductID         string // internal
	ProductRefID      string
	Status            string
	BillingID         *string
	Metadata          map[string]string
	HiddenFromWidgets []string
	ArchivedWith      bool // archived together with its product
	Version           int64
	ChangedBy         event.Actor // who made the last change; UpdatedAt is when
	CreatedAt         time.Time
	UpdatedAt         time.Time
	Latest            *Version
	Draft             *Version
}

// Shown is the version that a reader sees: the published one, else the draft (contract §4.1).
func (p Package) Shown() *Version {
	if p.Latest != nil {
		return p.Latest
	}
	return p.Draft
}

// Edited is the version that an editor works on: the draft, else the published one.
func (p Package) Edited() *Version {
	if p.Draft != nil {
		return p.Draft
	}
	return p.Latest
}

// Visible reports whether client keys may see the package.
func (p Package) Visible() bool {
	return p.Available() && !slices.Contains(p.HiddenFromWidgets, Paywall)
}

// Available reports whether new subscriptions may have the package.
func (p Package) Available() bool { return p.Status == Published && p.Latest != nil }

// Version is one version of a package. A published one never changes.
type Version struct {
	ID           string
	PackageID    string // internal
	Number       int64
	Status       string // DRAFT or PUBLISHED
	IsLatest     bool
	DisplayName  string
	Description  *string
	PricingType  string   // "" until priced
	Trial        *Trial   // of plans
	ParentID     string   // refId of the plan whose entitlements are inherited live; "" for none
	Compatible   []string // of plans: refIds of add-ons, sorted
	Dependencies []string // of add-ons: refIds of those that must be in the subscription too, sorted
	MaxQuantity  *int64   // of add-ons: the most in one subscription; nil for no bound
	// OveragePeriod says when overage is billed: ON_SUBSCRIPTION_RENEWAL or MONTHLY; "" without overage.
	OveragePeriod string
	Entitlements  []Entitlement // by order, then feature
	Prices        []Price
	CreatedAt     time.Time
	UpdatedAt     time.Time
	PublishedAt   *time.Time
}

// BillingPeriods are the periods for which the version has a recurring price, the shorter first.
func (v *Version) BillingPeriods() []string {
	var list []string
	for _, period := range []string{Monthly, Annually} {
		if slices.ContainsFunc(v.Prices, func(p Price) bool { return p.BillingPeriod == period && p.BillingCadence == Recurring && !p.Overage }) {
			list = append(list, period)
		}
	}
	return list
}

// Soft reports whether the limit of an entitlement of the version is shown and not enforced: an overage price makes it so
// (domain-catalog-provisioning §3.4).
func (v *Version) Soft(e *Entitlement) bool { return e.Soft || v.Overage(e) }

// Overage reports whether the version charges what is used beyond the limit of an entitlement.
func (v *Version) Overage(e *Entitlement) bool {
	return e.Type == FeatureEntitlement && slices.ContainsFunc(v.Prices, func(p Price) bool {
		return p.Overage && p.FeatureID == e.FeatureID
	})
}

// ByUsage reports whether the version charges all usage of a feature, in money.
func (v *Version) ByUsage(featureID string) bool {
	return slices.ContainsFunc(v.Prices, func(p Price) bool {
		return !p.Overage && p.BillingModel == UsageBased && p.FeatureID == featureID && p.Currency() != ""
	})
}

// Trial is a plan's default trial (domain-catalog-provisioning §3.9). Duration 0 is a trial that only its budget ends.
type Trial struct {
	Duration    int          `json:"duration"`
	Units       string       `json:"units"`                      // DAY or MONTH
	EndBehavior string       `json:"trialEndBehavior,omitempty"` // CONVERT_TO_PAID, CANCEL_SUBSCRIPTION or "" for the journey's end
	Budget      *TrialBudget `json:"budget,omitempty"`
}

// TrialBudget bounds what a trial may spend on pay-as-you-go features, in units of the subscription's currency.
type TrialBudget struct {
	Limit money.Decimal `json:"limit"`
	Soft  bool          `json:"hasSoftLimit"`
}

// String gives the trial's length in words: "14-day trial".
func (t Trial) String() string {
	if t.Duration == 0 && t.Budget != nil {
		return fmt.Sprintf("trial with a budget of %s", t.Budget.Limit)
	}
	return fmt.Sprintf("%d-%s trial", t.Duration, strings.ToLower(t.Units))
}

// Ends returns when a trial that begins at start ends: n·24 hours, or the same day n months later, clamped to the
// month's end (domain-catalog-provisioning §3.9). ok is false for a trial without an end.
func (t Trial) Ends(start time.Time) (end time.Time, ok bool) {
	switch {
	case t.Duration == 0:
		return end, false
	case t.Units != "MONTH":
		return start.Add(time.Duration(t.Duration) * 24 * time.Hour), true
	}
	end = start.AddDate(0, t.Duration, 0)
	if end.Day() != start.Day() { // ran over: step back to the last day of the month before
		end = end.AddDate(0, 0, -end.Day())
	}
	return end, true
}

// What a package entitlement gives.
const (
	FeatureEntitlement = "FEATURE"
	CreditEntitlement  = "CREDIT"
)

// Entitlement is a row of a version: a feature and how much of it, or credits of a currency and how often.
type Entitlement struct {
	ID                 string // internal
	Type               string // FEATURE or CREDIT
	FeatureID          string // internal; of a feature
	FeatureRefID       string // of a feature
	CurrencyID         string // of credits
	Granted            bool
	UsageLimit         *int64 // in the feature's units
	Unlimited          bool
	Soft               bool
	EnumValues         []string // of an ENUM: the allowed values
	ResetPeriod        string   // YEAR, MONTH, WEEK, DAY, HOUR or ""
	ResetConfiguration *ResetConfiguration
	Amount             *money.Decimal // of credits, per cadence; nil when it is set per subscription
	Cadence            string         // of credits: MONTH or YEAR
	DependencyFeature  string         // of credits: refId of the feature whose limit multiplies the amount; "" for none
	Behavior           string         // Increment or Override
	IsCustom           bool           // the value is set per subscription
	Order              *float64
	DisplayName        *string
	Description        *string
	HiddenFromWidgets  []string
	FeatureGroups      []string // refIds of the groups through which the feature was added, sorted
	CreatedAt          time.Time
	UpdatedAt          time.Time
}

// Ref is what the entitlement is called by on the wire: its feature or its currency.
func (e *Entitlement) Ref() string {
	if e.Type == CreditEntitlement {
		return e.CurrencyID
	}
	return e.FeatureRefID
}

// ResetConfiguration says where a reset period begins: SubscriptionStart, StartOfTheMonth, EverySunday….
type ResetConfiguration struct {
	AccordingTo string `json:"accordingTo" enum:"SubscriptionStart,StartOfTheMonth,EverySunday,EveryMonday,EveryTuesday,EveryWednesday,EveryThursday,EveryFriday,EverySaturday"`
}
