package catalog

import (
	"math"
	"slices"
	"time"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/id"
	"github.com/purserhq/purser/internal/base/money"
	"github.com/purserhq/purser/internal/base/opt"
)

// What an entitlement does to the others of its feature.
const (
	Increment = "Increment"
	Override  = "Override"
)

// NewEntitlement is an entitlement to be added to a draft.
type NewEntitlement struct {
	Type string // FEATURE, CREDIT; "" is FEATURE
	Ref  string // refId of the feature, or of the custom currency
	EntitlementUpdate
}

// EntitlementUpdate is a partial change (contract §1.4). A usage limit ends unlimited usage and the other way round,
// unless both are given; a reset period that changes loses its configuration.
type EntitlementUpdate struct {
	Behavior          *string
	DisplayName       opt.Of[string]
	Description       opt.Of[string]
	UsageLimit        opt.Of[int64]
	Unlimited         opt.Of[bool]
	Soft              opt.Of[bool]
	IsCustom          opt.Of[bool]
	Granted           *bool
	ResetPeriod       opt.Of[string]
	Resets            map[string]opt.Of[string] // period → where it begins
	Order             opt.Of[float64]
	HiddenFromWidgets opt.Of[[]string]
	EnumValues        opt.Of[[]string]
	FeatureGroups     opt.Of[[]string] // refIds

	Amount     opt.Of[money.Decimal] // of credits, like what follows
	Cadence    opt.Of[string]
	Dependency opt.Of[string] // refId of a feature
}

// resetMembers names the wire's member for the configuration of each period; DAY and HOUR have none.
var resetMembers = map[string]string{
	"YEAR":  "yearlyResetPeriodConfiguration",
	"MONTH": "monthlyResetPeriodConfiguration",
	"WEEK":  "weeklyResetPeriodConfiguration",
}

const subscriptionStart = "SubscriptionStart"

var resetPeriods = []string{"YEAR", "MONTH", "WEEK", "DAY", "HOUR"}

var resetAnchors = map[string][]string{
	"YEAR":  {subscriptionStart},
	"MONTH": {subscriptionStart, "StartOfTheMonth"},
	"WEEK": {
		subscriptionStart, "EverySunday", "EveryMonday", "EveryTuesday", "EveryWednesday", "EveryThursday",
		"EveryFriday", "EverySaturday",
	},
}

func newEntitlement(f Feature, now time.Time) Entitlement {
	e := blankEntitlement(FeatureEntitlement, now)
	e.FeatureID, e.FeatureRefID = f.ID, f.RefID
	return e
}

func newCredits(currency string, now time.Time) Entitlement {
	e := blankEntitlement(CreditEntitlement, now)
	e.CurrencyID = currency
	return e
}

func blankEntitlement(typ string, now time.Time) Entitlement {
	return Entitlement{
		ID: id.New(), Type: typ, Granted: true, Behavior: Increment, HiddenFromWidgets: []string{}, FeatureGroups: []string{},
		CreatedAt: now, UpdatedAt: now,
	}
}

// Outside makes an entitlement to f that no package gives, and records every bad field under path.
func (u EntitlementUpdate) Outside(c *errs.Checks, path string, f Feature, now time.Time) Entitlement {
	e := newEntitlement(f, now)
	u.apply(c, path, KindPlan, f, &e)
	return e
}

// apply changes e, an entitlement to f of a package of that kind, and records every bad field under path.
func (u EntitlementUpdate) apply(c *errs.Checks, path string, kind Kind, f Feature, e *Entitlement) {
	u.applyCommon(c, path, kind, e)
	if u.EnumValues.Set {
		e.EnumValues = distinct(u.EnumValues.Value)
	}
	if u.Soft.Set {
		e.Soft = u.Soft.Value
	}
	u.applyLimit(e)
	u.applyReset(c, path, e)
	for name, given := range map[string]bool{
		"amount": u.Amount.Set && !u.Amount.Null, "cadence": u.Cadence.Set && !u.Cadence.Null, "dependencyFeatureId": u.Dependency.Value != "",
	} {
		if given {
			c.Rule(path+name, "only entitlements of type CREDIT have it")
		}
	}
	e.checkValue(c, path, f)
}

// applyCommon changes what features and credits have in common.
func (u EntitlementUpdate) applyCommon(c *errs.Checks, path string, kind Kind, e *Entitlement) {
	if u.Behavior != nil {
		e.Behavior = *u.Behavior
	}
	if u.Granted != nil {
		e.Granted = *u.Granted
	}
	u.DisplayName.Apply(&e.DisplayName)
	u.Description.Apply(&e.Description)
	u.Order.Apply(&e.Order)
	if u.IsCustom.Set {
		e.IsCustom = u.IsCustom.Value
	}
	if u.HiddenFromWidgets.Set {
		e.HiddenFromWidgets = distinct(u.HiddenFromWidgets.Value)
	}
	if u.FeatureGroups.Set {
		e.FeatureGroups = distinct(u.FeatureGroups.Value)
	}
	checkOpt(c, path+"displayNameOverride", u.DisplayName)
	checkOpt(c, path+"description", u.Description)
	checkWidgets(c, path+"hiddenFromWidgets", e.HiddenFromWidgets)
	if math.IsNaN(u.Order.Value) || math.IsInf(u.Order.Value, 0) {
		c.Shape(path+"order", "must be a number of ordinary size")
	}
	checkOneOf(c, path+"behavior", e.Behavior, Increment, Override)
	if e.Behavior == Override && kind == KindPlan {
		c.Named(ErrOverrideOnPlan, path+"behavior", "must be Increment on a plan")
	}
}

// applyCredits changes e, an entitlement to credits.
func (u EntitlementUpdate) applyCredits(c *errs.Checks, path string, kind Kind, e *Entitlement) {
	u.applyCommon(c, path, kind, e)
	u.Amount.Apply(&e.Amount)
	u.Cadence.Into(&e.Cadence)
	if u.Dependency.Set {
		e.DependencyFeature = u.Dependency.Value
	}
	if u.Soft.Set {
		e.Soft = u.Soft.Value
	}
	for name, given := range map[string]bool{
		"usageLimit": u.UsageLimit.Set && !u.UsageLimit.Null, "hasUnlimitedUsage": u.Unlimited.Value,
		"enumValues": len(u.EnumValues.Value) > 0, "resetPeriod": u.ResetPeriod.Value != "", "featureGroupIds": len(u.FeatureGroups.Value) > 0,
	} {
		if given {
			c.Rule(path+name, "only entitlements of type FEATURE have it")
		}
	}
	checkOneOf(c, path+"cadence", e.Cadence, "MONTH", "YEAR")
	switch {
	case e.Amount == nil && !e.IsCustom:
		c.Rule(path+"amount", "is required, unless isCustom is true")
	case e.Amount != nil && e.Amount.Sign() < 0:
		c.Rule(path+"amount", "must be at least 0")
	case e.Amount != nil && money.PriceIssue(*e.Amount) != "":
		c.Rule(path+"amount", "%s", money.PriceIssue(*e.Amount))
	}
}

func (u EntitlementUpdate) applyLimit(e *Entitlement) {
	limited, unlimited := u.UsageLimit.Set && !u.UsageLimit.Null, u.Unlimited.Value
	u.UsageLimit.Apply(&e.UsageLimit)
	switch {
	case u.Unlimited.Set:
		e.Unlimited = unlimited
		if unlimited && !limited {
			e.UsageLimit = nil
		}
	case limited:
		e.Unlimited = false
	}
}

// applyReset keeps period and configuration together. A period that can have one begins with the subscription by
// default (domain-entitlements-usage §4).
func (u EntitlementUpdate) applyReset(c *errs.Checks, path string, e *Entitlement) {
	if u.ResetPeriod.Set && u.ResetPeriod.Value != e.ResetPeriod {
		e.ResetPeriod, e.ResetConfiguration = u.ResetPeriod.Value, nil
	}
	for _, period := range resetPeriods {
		at, ok := u.Resets[period]
		switch {
		case !ok || !at.Set:
		case at.Null && period == e.ResetPeriod:
			e.ResetConfiguration = nil
		case at.Null:
		case period != e.ResetPeriod:
			c.Named(ErrResetPeriod, path+resetMembers[period], "needs the reset period %s", period)
		case !slices.Contains(resetAnchors[period], at.Value):
			c.Named(ErrResetPeriod, path+resetMembers[period]+".accordingTo", "must be one of %v", resetAnchors[period])
		default:
			e.ResetConfiguration = &ResetConfiguration{at.Value}
		}
	}
	if e.ResetConfiguration == nil && resetMembers[e.ResetPeriod] != "" {
		e.ResetConfiguration = &ResetConfiguration{subscriptionStart}
	}
}

// checkValue checks that what the entitlement gives fits the feature (domain-catalog-provisioning §3.4).
func (e *Entitlement) checkValue(c *errs.Checks, path string, f Feature) {
	if e.ResetPeriod != "" {
		checkOneOf(c, path+"resetPeriod", e.ResetPeriod, resetPeriods...)
		if f.MeterType == NoMeter {
			c.Named(ErrResetPeriod, path+"resetPeriod", "only metered features have one")
		}
	}
	if f.Type != Number {
		for name, given := range map[string]bool{
			"usageLimit": e.UsageLimit != nil, "hasUnlimitedUsage": e.Unlimited, "hasSoftLimit": e.Soft,
		} {
			if given {
				c.Rule(path+name, "%s features have no limit", f.Type)
			}
		}
	}
	e.checkEnum(c, path, f)
	if f.Type != Number {
		return
	}
	switch {
	case e.UsageLimit != nil && *e.UsageLimit < 0:
		c.Rule(path+"usageLimit", "must be at least 0")
	case e.UsageLimit != nil && e.Unlimited:
		c.Rule(path+"hasUnlimitedUsage", "cannot be combined with usageLimit")
	case e.UsageLimit == nil && !e.Unlimited && !e.IsCustom:
		c.Rule(path+"usageLimit", "is required for a NUMBER feature, unless hasUnlimitedUsage is true")
	}
}

func (e *Entitlement) checkEnum(c *errs.Checks, path string, f Feature) {
	switch {
	case f.Type != Enum && len(e.EnumValues) > 0:
		c.Named(ErrUnsupportedType, path+"enumValues", "only ENUM features have values, and %s is a %s", f.RefID, f.Type)
	case f.Type == Enum && len(e.EnumValues) == 0 && !e.IsCustom:
		c.Rule(path+"enumValues", "is required for an ENUM feature: one or more of its values")
	case f.Type == Enum:
		for _, v := range e.EnumValues {
			if !f.hasEnumValue(v) {
				c.Rule(path+"enumValues", "%s has no value %q", f.RefID, v)
			}
		}
	}
}

// checkResetMembers records reset members that do not fit the period.
func checkResetMembers(c *errs.Checks, path, period string, r ResetMembers) {
	if period != "" {
		checkOneOf(c, path+"resetPeriod", period, resetPeriods...)
	}
	for own, at := range map[string]*ResetConfiguration{"YEAR": r.Yearly, "MONTH": r.Monthly, "WEEK": r.Weekly} {
		switch {
		case at == nil:
		case own != period:
			c.Named(ErrResetPeriod, path+resetMembers[own], "needs the reset period %s", own)
		case !slices.Contains(resetAnchors[own], at.AccordingTo):
			c.Named(ErrResetPeriod, path+resetMembers[own]+".accordingTo", "must be one of %v", resetAnchors[own])
		}
	}
}
