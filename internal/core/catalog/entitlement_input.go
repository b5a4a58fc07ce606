package catalog

import (
	"math"
	"slices"
	"time"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/id"
	"github.com/purserhq/purser/internal/base/opt"
)

// What an entitlement does to the others of its feature.
const (
	Increment = "Increment"
	Override  = "Override"
)

// NewEntitlement is an entitlement to be added to a draft.
type NewEntitlement struct {
	FeatureID string // refId
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
	Unsupported       []string // members without a meaning yet
}

// validate records what can be told without the feature.
func (u EntitlementUpdate) validate(c *errs.Checks, path string) {
	for _, name := range u.Unsupported {
		c.Rule(path+name, "is not supported yet")
	}
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
	return Entitlement{
		ID: id.New(), FeatureID: f.ID, FeatureRefID: f.RefID, Granted: true, Behavior: Increment,
		HiddenFromWidgets: []string{}, CreatedAt: now, UpdatedAt: now,
	}
}

// apply changes e, which entitles to f, and records every bad field under path.
func (u EntitlementUpdate) apply(c *errs.Checks, path string, f Feature, e *Entitlement) {
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
	if u.Soft.Set {
		e.Soft = u.Soft.Value
	}
	if u.HiddenFromWidgets.Set {
		e.HiddenFromWidgets = distinct(u.HiddenFromWidgets.Value)
	}
	u.applyLimit(e)
	u.applyReset(c, path, e)
	u.check(c, path, e)
	e.checkValue(c, path, f)
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

func (u EntitlementUpdate) check(c *errs.Checks, path string, e *Entitlement) {
	checkOpt(c, path+"displayNameOverride", u.DisplayName)
	checkOpt(c, path+"description", u.Description)
	checkWidgets(c, path+"hiddenFromWidgets", e.HiddenFromWidgets)
	if math.IsNaN(u.Order.Value) || math.IsInf(u.Order.Value, 0) {
		c.Shape(path+"order", "must be a number of ordinary size")
	}
	checkOneOf(c, path+"behavior", e.Behavior, Increment, Override)
	if e.Behavior == Override {
		c.Named(ErrOverrideOnPlan, path+"behavior", "must be Increment on a plan")
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
	if f.Type == Boolean {
		for name, given := range map[string]bool{
			"usageLimit": e.UsageLimit != nil, "hasUnlimitedUsage": e.Unlimited, "hasSoftLimit": e.Soft,
		} {
			if given {
				c.Rule(path+name, "a BOOLEAN feature has no limit")
			}
		}
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
