package rest

import (
	"cmp"
	"fmt"
	"time"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/money"
	"github.com/purserhq/purser/internal/base/opt"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/provisioning"
	"github.com/purserhq/purser/internal/core/subscription"
)

// priceOverrideIn is for one charge: baseCharge, featureId or currencyId, of the plan or of addonId.
type priceOverrideIn struct {
	BaseCharge   bool                `json:"baseCharge,omitempty" doc:"The flat fee that recurs."`
	FeatureID    Opt[string]         `json:"featureId,omitzero" maxLength:"255" format:"ref" doc:"The charge of a feature."`
	CurrencyID   Opt[string]         `json:"currencyId,omitzero" maxLength:"255" format:"ref" doc:"The charge of credits of a custom currency."`
	AddonID      Opt[string]         `json:"addonId,omitzero" maxLength:"255" format:"ref" doc:"Absent: the plan's charge."`
	Country      string              `json:"billingCountryCode,omitempty" maxLength:"2" doc:"ISO 3166-1 alpha-2: only the price for this country."`
	Currency     string              `json:"currency,omitempty" format:"currency" doc:"Only the price in this currency."`
	Amount       Opt[money.Decimal]  `json:"amount,omitzero" doc:"In whole currency units, per unit, block or period."`
	BlockSize    Opt[int64]          `json:"blockSize,omitzero"`
	Tiers        []catalog.Tier      `json:"tiers,omitempty" maxItems:"100"`
	CreditRate   *catalog.CreditRate `json:"creditRate,omitempty"`
	GrantCadence string              `json:"creditGrantCadence,omitempty" enum:"BEGINNING_OF_BILLING_PERIOD,MONTHLY"`
}

func overridesOf(list []priceOverrideIn) []subscription.PriceOverride {
	if list == nil {
		return nil
	}
	out := make([]subscription.PriceOverride, 0, len(list))
	for _, o := range list {
		currency := money.Currency(o.Currency)
		in := subscription.PriceOverride{
			BaseCharge: o.BaseCharge, FeatureRef: o.FeatureID.Or(""), TopUp: o.CurrencyID.Or(""), AddonRef: o.AddonID.Or(""),
			Country: o.Country, Currency: currency, Amount: o.Amount.Ptr(), BlockSize: o.BlockSize.Ptr(),
			CreditRate: o.CreditRate, GrantCadence: o.GrantCadence,
		}
		for _, t := range o.Tiers {
			in.Tiers = append(in.Tiers, catalog.Tier{UpTo: t.UpTo, UnitPrice: priced(t.UnitPrice, currency), FlatPrice: priced(t.FlatPrice, currency)})
		}
		out = append(out, in)
	}
	return out
}

// priced gives an amount without a currency the override's, else the default one.
func priced(m *money.Money, currency money.Currency) *money.Money {
	if m == nil {
		return nil
	}
	return &money.Money{Amount: m.Amount, Currency: cmp.Or(m.Currency, currency, money.USD)}
}

// ownEntitlementIn is an entitlement of a feature or of credits; which members it has is a matter of its type.
type ownEntitlementIn struct {
	ID         string             `json:"id" minLength:"1" maxLength:"255" format:"ref" doc:"The id of the feature, or of the custom currency."`
	Type       string             `json:"type" enum:"FEATURE,CREDIT"`
	UsageLimit Opt[int64]         `json:"usageLimit,omitzero"`
	Unlimited  bool               `json:"hasUnlimitedUsage,omitempty"`
	Soft       Opt[bool]          `json:"hasSoftLimit,omitzero" doc:"Absent: as in the plan."`
	EnumValues []string           `json:"enumValues,omitempty" maxItems:"255" doc:"Of an ENUM feature: the allowed values."`
	Reset      string             `json:"resetPeriod,omitempty" enum:"YEAR,MONTH,WEEK,DAY,HOUR" doc:"Absent: as in the plan."`
	Yearly     Opt[resetBody]     `json:"yearlyResetPeriodConfiguration,omitzero"`
	Monthly    Opt[resetBody]     `json:"monthlyResetPeriodConfiguration,omitzero"`
	Weekly     Opt[resetBody]     `json:"weeklyResetPeriodConfiguration,omitzero"`
	Amount     Opt[money.Decimal] `json:"amount,omitzero" doc:"Of credits: how many per cadence. Required."`
	Cadence    Opt[string]        `json:"cadence,omitzero" enum:"MONTH,YEAR" doc:"Of credits. Required."`
}

// valuesOf records members that do not go with the type or the reset period.
func valuesOf(c *errs.Checks, path string, list []ownEntitlementIn) []subscription.Value {
	if list == nil {
		return nil
	}
	out := make([]subscription.Value, 0, len(list))
	for i, e := range list {
		v := subscription.Value{
			Type: e.Type, ID: e.ID, UsageLimit: e.UsageLimit.Ptr(), Unlimited: e.Unlimited, Soft: e.Soft.Ptr(), EnumValues: e.EnumValues,
			ResetPeriod: e.Reset, Amount: e.Amount.Ptr(), Cadence: e.Cadence.Or(""),
		}
		if e.Type == subscription.CreditType {
			e.checkCredits(c, path, i)
		} else if v.Amount != nil || v.Cadence != "" {
			c.Rule(member(path, "entitlements", i, "type"), "must be CREDIT with an amount or a cadence")
		}
		for _, r := range []struct {
			period, name string
			of           Opt[resetBody]
		}{
			{"YEAR", "yearlyResetPeriodConfiguration", e.Yearly},
			{"MONTH", "monthlyResetPeriodConfiguration", e.Monthly},
			{"WEEK", "weeklyResetPeriodConfiguration", e.Weekly},
		} {
			reset, ok := r.of.Get()
			switch {
			case !ok:
			case r.period != e.Reset:
				c.Named(catalog.ErrResetPeriod, member(path, "entitlements", i, r.name), "needs the reset period %s", r.period)
			default:
				v.Reset = &catalog.ResetConfiguration{AccordingTo: reset.AccordingTo}
			}
		}
		out = append(out, v)
	}
	return out
}

func (e ownEntitlementIn) checkCredits(c *errs.Checks, path string, i int) {
	if e.Amount.Ptr() == nil {
		c.Shape(member(path, "entitlements", i, "amount"), "is required")
	}
	if e.Cadence.Ptr() == nil {
		c.Shape(member(path, "entitlements", i, "cadence"), "is required")
	}
	if e.UsageLimit.Ptr() != nil || e.Unlimited || len(e.EnumValues) > 0 || e.Reset != "" {
		c.Rule(member(path, "entitlements", i, "type"), "must be FEATURE with a limit, values or a reset period")
	}
}

// couponChoiceIn names a discount in exactly one of four ways.
type couponChoiceIn struct {
	CouponID        Opt[string]           `json:"couponId,omitzero" maxLength:"255" doc:"Exactly one of couponId, billingCouponId, promotionCode and discount is given."`
	BillingCouponID Opt[string]           `json:"billingCouponId,omitzero" maxLength:"255"`
	PromotionCode   Opt[string]           `json:"promotionCode,omitzero" maxLength:"255"`
	Discount        Opt[inlineDiscountIn] `json:"discount,omitzero" doc:"For this subscription alone."`
	Configuration   *struct {
		StartDate Opt[Time] `json:"startDate,omitzero" doc:"Default: now."`
	} `json:"configuration,omitempty"`
}

type inlineDiscountIn struct {
	Name             string             `json:"name,omitempty" maxLength:"255"`
	Description      string             `json:"description,omitempty" maxLength:"255"`
	PercentOff       Opt[int64]         `json:"percentOff,omitzero" doc:"A whole number from 1 to 100. Exactly one of percentOff and amountsOff is given."`
	AmountsOff       Opt[[]money.Money] `json:"amountsOff,omitzero" maxItems:"200" doc:"One amount per currency."`
	DurationInMonths Opt[int64]         `json:"durationInMonths,omitzero" doc:"Null is for ever."`
}

func (in couponChoiceIn) coupon() provisioning.AppliedCoupon {
	c := provisioning.AppliedCoupon{
		CouponID: in.CouponID.Or(""), BillingCouponID: in.BillingCouponID.Or(""), PromotionCode: in.PromotionCode.Or(""),
	}
	if in.Configuration != nil {
		c.StartDate = moment(in.Configuration.StartDate)
	}
	if d, ok := in.Discount.Get(); ok {
		c.Discount = &provisioning.InlineDiscount{
			Name: d.Name, Description: d.Description, PercentOff: d.PercentOff.Ptr(), DurationInMonths: d.DurationInMonths.Ptr(),
		}
		for _, m := range d.AmountsOff.Or(nil) {
			c.Discount.AmountsOff = append(c.Discount.AmountsOff, *priced(&m, ""))
		}
	}
	return c
}

type trialChoiceIn struct {
	IsTrial     bool      `json:"isTrial"`
	EndDate     Opt[Time] `json:"trialEndDate,omitzero" doc:"Absent: after the plan's default trial."`
	EndBehavior string    `json:"trialEndBehavior,omitempty" enum:"CONVERT_TO_PAID,CANCEL_SUBSCRIPTION" doc:"Absent: as the plan or the customer journey says."`
}

func budgetOf(o Opt[budgetBody]) opt.Of[subscription.Budget] {
	if b, ok := o.Get(); ok {
		return opt.Some(subscription.Budget{Limit: b.Limit, Soft: b.HasSoftLimit})
	}
	return opt.Of[subscription.Budget]{Set: o.IsNull(), Null: o.IsNull()}
}

func spendOf(o Opt[money.Money]) opt.Of[money.Money] {
	if m, ok := o.Get(); ok {
		return opt.Some(*priced(&m, ""))
	}
	return change(o)
}

// given is nil for what is absent or null.
func given[T any](o opt.Of[T]) (p *T) {
	o.Apply(&p)
	return p
}

// moment is nil for a time that is absent or null.
func moment(o Opt[Time]) *time.Time {
	if t, ok := o.Get(); ok {
		return &t.Time
	}
	return nil
}

func moments(o Opt[Time]) opt.Of[time.Time] {
	return opt.Of[time.Time]{Set: !o.IsZero(), Null: o.IsNull(), Value: o.Or(Time{}).Time}
}

// member names a member of a row of a list.
func member(path, list string, i int, name string) string {
	return fmt.Sprintf("%s%s[%d].%s", path, list, i, name)
}
