package catalog

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"github.com/purserhq/purser/internal/base/money"
	"github.com/purserhq/purser/internal/base/opt"
	"github.com/purserhq/purser/internal/core/journey"
)

// File is a whole catalog as one document: what is in it and nothing else is to be sold. It names everything by the
// caller's ids, so that it fits any environment. Ids, prices and entitlements have the forms of the REST API.
type File struct {
	Schema      string        `json:"$schema,omitempty" maxLength:"1000" doc:"For editors; ignored."`
	Format      int           `json:"formatVersion" minimum:"1" maximum:"1" doc:"The version of this form: 1."`
	Fingerprint string        `json:"fingerprint,omitempty" maxLength:"64" doc:"Of the catalog that was exported. Applying the file is refused when the catalog has become another since."`
	Features    []FileFeature `json:"features,omitempty" maxItems:"10000"`
	Groups      []FileGroup   `json:"featureGroups,omitempty" maxItems:"1000"`
	Products    []FileProduct `json:"products,omitempty" maxItems:"1000"`
	Addons      []FilePackage `json:"addons,omitempty" maxItems:"5000"`
	Plans       []FilePackage `json:"plans,omitempty" maxItems:"5000"`
	Coupons     []FileCoupon  `json:"coupons,omitempty" maxItems:"5000"`
}

// FileFeature is a feature of a file.
type FileFeature struct {
	ID             string            `json:"id" minLength:"1" maxLength:"255" format:"ref"`
	DisplayName    string            `json:"displayName" minLength:"1" maxLength:"255"`
	Description    *string           `json:"description,omitempty" maxLength:"255"`
	Type           string            `json:"featureType" enum:"BOOLEAN,NUMBER,ENUM"`
	MeterType      string            `json:"meterType,omitempty" enum:"None,FLUCTUATING,INCREMENTAL" doc:"Default: None."`
	Units          *string           `json:"featureUnits,omitempty" maxLength:"255"`
	UnitsPlural    *string           `json:"featureUnitsPlural,omitempty" maxLength:"255"`
	EnumValues     []EnumValue       `json:"enumConfiguration,omitempty" maxItems:"255"`
	Transformation *Transformation   `json:"unitTransformation,omitempty"`
	Scale          uint8             `json:"scale,omitempty" minimum:"0" maximum:"6" doc:"Of a metered feature: how many decimal places usage has. Default: 0."`
	Meter          *Meter            `json:"meter,omitempty"`
	Metadata       map[string]string `json:"metadata,omitempty" format:"metadata"`
	Archived       bool              `json:"archived,omitempty" doc:"Still used, but not to be used anew."`
}

// FileGroup is a feature group of a file.
type FileGroup struct {
	ID          string            `json:"id" minLength:"1" maxLength:"255" format:"ref"`
	DisplayName string            `json:"displayName" minLength:"1" maxLength:"255"`
	Description *string           `json:"description,omitempty" maxLength:"255"`
	Features    []string          `json:"featureIds,omitempty" maxItems:"500"`
	Metadata    map[string]string `json:"metadata,omitempty" format:"metadata"`
}

// FileProduct is a product of a file with its customer journey.
type FileProduct struct {
	ID                    string            `json:"id" minLength:"1" maxLength:"255" format:"ref"`
	DisplayName           string            `json:"displayName" minLength:"1" maxLength:"255"`
	Description           *string           `json:"description,omitempty" maxLength:"255"`
	MultipleSubscriptions bool              `json:"multipleSubscriptions,omitempty"`
	Settings              *FileJourney      `json:"productSettings,omitempty"`
	UsageResetCutoff      *FileReset        `json:"usageResetCutoffRule,omitempty"`
	PlanOrder             []string          `json:"planOrder,omitempty" maxItems:"1000"`
	Metadata              map[string]string `json:"metadata,omitempty" format:"metadata"`
}

// FileReset is the rule for resettable usage on a plan transition.
type FileReset struct {
	Behavior string `json:"behavior" enum:"NEVER_RESET,ALWAYS_RESET,BILLING_PERIOD_CHANGE"`
}

// FileJourney is a customer journey. What is absent has its default.
type FileJourney struct {
	StartSetup           string   `json:"subscriptionStartSetup,omitempty" enum:"PLAN_SELECTION,TRIAL_PERIOD,FREE_PLAN"`
	StartPlanID          string   `json:"subscriptionStartPlanId,omitempty" maxLength:"255"`
	EndSetup             string   `json:"subscriptionEndSetup,omitempty" enum:"DOWNGRADE_TO_FREE,CANCEL_SUBSCRIPTION"`
	DowngradePlanID      string   `json:"downgradePlanId,omitempty" maxLength:"255"`
	CancellationTime     string   `json:"subscriptionCancellationTime,omitempty" enum:"END_OF_BILLING_PERIOD,IMMEDIATE,SPECIFIC_DATE"`
	Prorate              bool     `json:"prorateAtEndOfBillingPeriod,omitempty"`
	DowngradeTime        string   `json:"subscriptionDowngradeTime,omitempty" enum:"IMMEDIATE,END_OF_BILLING_PERIOD"`
	CancelWithProductIDs []string `json:"cancelWithProductIds,omitempty" maxItems:"50"`
}

// FilePackage is a plan or an add-on of a file. Its content is published, unless Status is DRAFT; Draft is what is being
// prepared beside a published version.
type FilePackage struct {
	ID                string            `json:"id" minLength:"1" maxLength:"255" format:"ref"`
	ProductID         string            `json:"productId" minLength:"1" maxLength:"255"`
	Status            string            `json:"status,omitempty" enum:"DRAFT,PUBLISHED" doc:"Default: PUBLISHED."`
	BillingID         *string           `json:"billingId,omitempty" maxLength:"255"`
	HiddenFromWidgets []string          `json:"hiddenFromWidgets,omitempty" enum:"PAYWALL,CUSTOMER_PORTAL,CHECKOUT"`
	Metadata          map[string]string `json:"metadata,omitempty" format:"metadata"`
	FileContent
	Draft *FileContent `json:"draft,omitempty"`
}

// FileContent is the content of a version.
type FileContent struct {
	DisplayName  string            `json:"displayName" minLength:"1" maxLength:"255"`
	Description  *string           `json:"description,omitempty" maxLength:"255"`
	ParentID     string            `json:"parentPlanId,omitempty" maxLength:"255" doc:"Of plans: the plan whose entitlements are inherited."`
	Compatible   []string          `json:"compatibleAddonIds,omitempty" maxItems:"1000" doc:"Of plans."`
	Dependencies []string          `json:"dependencies,omitempty" maxItems:"100" doc:"Of add-ons: those that are needed with it."`
	MaxQuantity  *int64            `json:"maxQuantity,omitempty" doc:"Of add-ons."`
	Trial        *FileTrial        `json:"defaultTrialConfig,omitempty" doc:"Of plans."`
	Charges      *Pricing          `json:"charges,omitempty"`
	Entitlements []FileEntitlement `json:"entitlements,omitempty"`
}

// FileTrial is a default trial.
type FileTrial struct {
	Duration    int         `json:"duration"`
	Units       string      `json:"units" enum:"DAY,MONTH"`
	EndBehavior string      `json:"trialEndBehavior,omitempty" enum:"CONVERT_TO_PAID,CANCEL_SUBSCRIPTION"`
	Budget      *FileBudget `json:"budget,omitempty"`
}

// FileBudget bounds what a trial spends.
type FileBudget struct {
	Limit money.Decimal `json:"limit"`
	Soft  bool          `json:"hasSoftLimit,omitempty"`
}

// FileEntitlement is an entitlement of a version, to a feature or to credits.
type FileEntitlement struct {
	ID          string `json:"id" minLength:"1" maxLength:"255" format:"ref" doc:"The id of the feature, or of the custom currency."`
	Type        string `json:"type,omitempty" enum:"FEATURE,CREDIT" doc:"Default: FEATURE."`
	UsageLimit  *int64 `json:"usageLimit,omitempty"`
	Unlimited   bool   `json:"hasUnlimitedUsage,omitempty"`
	Soft        bool   `json:"hasSoftLimit,omitempty"`
	ResetPeriod string `json:"resetPeriod,omitempty" enum:"YEAR,MONTH,WEEK,DAY,HOUR"`
	ResetMembers
	EnumValues        []string       `json:"enumValues,omitempty" maxItems:"255"`
	Amount            *money.Decimal `json:"amount,omitempty"`
	Cadence           string         `json:"cadence,omitempty" enum:"MONTH,YEAR"`
	DependencyFeature string         `json:"dependencyFeatureId,omitempty" maxLength:"255"`
	Behavior          string         `json:"behavior,omitempty" enum:"Increment,Override" doc:"Default: Increment."`
	IsCustom          bool           `json:"isCustom,omitempty"`
	Granted           *bool          `json:"isGranted,omitempty" doc:"Default: true."`
	Order             *float64       `json:"order,omitempty"`
	DisplayName       *string        `json:"displayNameOverride,omitempty" maxLength:"255"`
	Description       *string        `json:"description,omitempty" maxLength:"255"`
	HiddenFromWidgets []string       `json:"hiddenFromWidgets,omitempty" enum:"PAYWALL,CUSTOMER_PORTAL,CHECKOUT"`
	FeatureGroups     []string       `json:"featureGroupIds,omitempty" maxItems:"50"`
}

// FileCoupon is a coupon of a file.
type FileCoupon struct {
	ID               string            `json:"id" minLength:"1" maxLength:"255" format:"ref"`
	Name             string            `json:"name" minLength:"1" maxLength:"40"`
	Description      *string           `json:"description,omitempty" maxLength:"255"`
	PercentOff       *money.Decimal    `json:"percentOff,omitempty"`
	AmountsOff       []money.Money     `json:"amountsOff,omitempty" maxItems:"200"`
	DurationInMonths *int64            `json:"durationInMonths,omitempty"`
	Metadata         map[string]string `json:"metadata,omitempty" format:"metadata"`
}

// Print is the fingerprint of the file's content.
func (f File) Print() string {
	f.Schema, f.Fingerprint = "", ""
	b, err := json.Marshal(f)
	if err != nil {
		panic(err) // plain values: it cannot happen
	}
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:16])
}

func (j *FileJourney) settings() journey.Settings {
	if j == nil {
		return journey.Defaults()
	}
	return journey.Settings{
		StartSetup: journey.StartSetup(j.StartSetup), StartPlanID: journey.PlanID(j.StartPlanID),
		EndSetup: journey.EndSetup(j.EndSetup), DowngradePlanID: journey.PlanID(j.DowngradePlanID),
		CancellationTime: journey.CancellationTime(j.CancellationTime), ProrateAtEndOfBillingPeriod: j.Prorate,
		DowngradeTime: journey.DowngradeTime(j.DowngradeTime), CancelWithProductIDs: j.CancelWithProductIDs,
	}.Normalise()
}

func (t *FileTrial) trial() *Trial {
	if t == nil {
		return nil
	}
	out := &Trial{Duration: t.Duration, Units: t.Units, EndBehavior: t.EndBehavior}
	if t.Budget != nil {
		out.Budget = &TrialBudget{t.Budget.Limit, t.Budget.Soft}
	}
	return out
}

// update is the entitlement as a change of a blank one.
func (e *FileEntitlement) update() EntitlementUpdate {
	u := EntitlementUpdate{
		IsCustom: set(e.IsCustom), Soft: set(e.Soft), Unlimited: set(e.Unlimited), Granted: e.Granted,
		UsageLimit: ifGiven(e.UsageLimit), DisplayName: ifGiven(e.DisplayName), Description: ifGiven(e.Description), Order: ifGiven(e.Order),
		ResetPeriod: set(e.ResetPeriod), HiddenFromWidgets: set(e.HiddenFromWidgets), EnumValues: set(e.EnumValues),
		FeatureGroups: set(e.FeatureGroups), Amount: ifGiven(e.Amount), Dependency: set(e.DependencyFeature),
		Resets: e.resets(),
	}
	if e.Behavior != "" {
		u.Behavior = &e.Behavior
	}
	if e.Cadence != "" {
		u.Cadence = set(e.Cadence)
	}
	return u
}

func set[T any](v T) opt.Of[T] { return opt.Some(v) }

func ifGiven[T any](p *T) opt.Of[T] {
	if p == nil {
		return opt.Of[T]{}
	}
	return opt.Some(*p)
}

// resets are the reset members as changes, by period.
func (r ResetMembers) resets() map[string]opt.Of[string] {
	out := map[string]opt.Of[string]{}
	for period, c := range map[string]*ResetConfiguration{"YEAR": r.Yearly, "MONTH": r.Monthly, "WEEK": r.Weekly} {
		if c != nil {
			out[period] = opt.Some(c.AccordingTo)
		}
	}
	return out
}
