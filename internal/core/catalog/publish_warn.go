package catalog

import (
	"fmt"
	"slices"
	"time"

	"github.com/purserhq/purser/internal/base/money"
)

// Codes of warnings.
const (
	WarnAddonCurrency     = "ADDON_WITHOUT_CURRENCY"
	WarnAddonPeriod       = "ADDON_WITHOUT_PERIOD"
	WarnAddonNotPublished = "ADDON_NOT_PUBLISHED"
	WarnLimitLowered      = "LIMIT_LOWERED"
	WarnNeverChecked      = "FEATURE_NEVER_CHECKED"
	WarnPeriodMissing     = "CHARGE_WITHOUT_PERIOD"
)

// Warning is something about a publication that may be meant, or a mistake. It blocks nothing.
type Warning struct {
	Code    string `json:"code" enum:"ADDON_WITHOUT_CURRENCY,ADDON_WITHOUT_PERIOD,ADDON_NOT_PUBLISHED,LIMIT_LOWERED,FEATURE_NEVER_CHECKED,CHARGE_WITHOUT_PERIOD"`
	Path    string `json:"path" doc:"What it is about: compatibleAddonIds.addon-seats, entitlements.feature-seats."`
	Message string `json:"message"`
}

// checkedLately is how long ago a feature must have been checked to count as in use, in machine time.
const checkedLately = 30 * 24 * time.Hour

// warnings looks at a draft that can be published.
func (e *edit) warnings(checked Checked) ([]Warning, error) {
	v := e.pkg.Draft
	addons, err := e.addons()
	if err != nil {
		return nil, err
	}
	list := append([]Warning{}, v.addonWarnings(addons)...)
	list = append(list, v.lowered(e.pkg.Latest)...)
	list = append(list, v.missingPeriods()...)
	var asked []string
	for _, row := range v.Entitlements {
		if row.Type == FeatureEntitlement && (checked == nil || !checked.Checked(e.env, row.FeatureRefID)) {
			asked = append(asked, row.FeatureRefID)
		}
	}
	known, err := e.st.CheckedFeatures(e.ctx, e.env, asked, checkedLately)
	for _, ref := range asked {
		if !slices.Contains(known, ref) {
			list = append(list, Warning{
				WarnNeverChecked, "entitlements." + ref,
				fmt.Sprintf("Nobody has checked the feature %s in the last 30 days: is it asked for by this id?", ref),
			})
		}
	}
	return list, err
}

// addonWarnings compares a plan with its compatible add-ons, and an add-on with those that it needs
// (domain-catalog-provisioning §3.6).
func (v *Version) addonWarnings(addons []Package) (list []Warning) {
	for _, a := range addons {
		path := "compatibleAddonIds." + a.RefID
		if slices.Contains(v.Dependencies, a.RefID) {
			path = "dependencies." + a.RefID
		}
		if !a.Available() {
			list = append(list, Warning{WarnAddonNotPublished, path, fmt.Sprintf("The add-on %s is not published, so nobody can have it.", a.RefID)})
			continue
		}
		if a.Latest.PricingType != Paid || v.PricingType != Paid {
			continue
		}
		for _, country := range v.countries() {
			want, got := v.CurrencyIn(country), a.Latest.CurrencyIn(country)
			if _, ok := a.Latest.CountryFor(country, want); got != "" && !ok {
				list = append(list, Warning{WarnAddonCurrency, path, addonCurrency(a.RefID, country, got, want)})
			}
		}
		for _, period := range v.BillingPeriods() {
			if has := a.Latest.BillingPeriods(); len(has) > 0 && !slices.Contains(has, period) {
				list = append(list, Warning{
					WarnAddonPeriod, path,
					fmt.Sprintf("The add-on %s has no %s price: subscriptions with that period cannot have it.", a.RefID, period),
				})
			}
		}
	}
	return list
}

func addonCurrency(addon, country string, got, want money.Currency) string {
	where := "by default"
	if country != "" {
		where = "in " + country
	}
	return fmt.Sprintf("The add-on %s costs %s %s, and this version %s: they cannot be billed together there.", addon, got, where, want)
}

// countries are those with prices of their own, and "" for the default.
func (v *Version) countries() []string {
	list := []string{""}
	for _, p := range v.Prices {
		if !slices.Contains(list, p.Country) {
			list = append(list, p.Country)
		}
	}
	slices.Sort(list)
	return list
}

// lowered names limits that are lower than in the version before, and what is gone.
func (v *Version) lowered(before *Version) (list []Warning) {
	if before == nil {
		return nil
	}
	for i := range before.Entitlements {
		old := &before.Entitlements[i]
		now := v.find(old.Type, old.Ref())
		path := "entitlements." + old.Ref()
		switch {
		case now == nil && old.Granted:
			list = append(list, Warning{WarnLimitLowered, path, fmt.Sprintf("The version before gave %s, this one does not.", old.Ref())})
		case now == nil:
		case old.Granted && !now.Granted:
			list = append(list, Warning{WarnLimitLowered, path, fmt.Sprintf("The version before granted %s, this one does not.", old.Ref())})
		case old.Unlimited && !now.Unlimited && now.UsageLimit != nil:
			list = append(list, Warning{WarnLimitLowered, path, fmt.Sprintf("The limit of %s was unlimited and is %d now.", old.Ref(), *now.UsageLimit)})
		case old.UsageLimit != nil && now.UsageLimit != nil && *now.UsageLimit < *old.UsageLimit:
			list = append(list, Warning{WarnLimitLowered, path, fmt.Sprintf("The limit of %s was %d and is %d now.", old.Ref(), *old.UsageLimit, *now.UsageLimit)})
		}
	}
	return list
}

// missingPeriods names charges without a price for a period in which others have one.
func (v *Version) missingPeriods() (list []Warning) {
	periods := v.BillingPeriods()
	if len(periods) < 2 {
		return nil
	}
	has := map[charge]map[string]bool{}
	var order []charge
	for i := range v.Prices {
		p := &v.Prices[i]
		if p.BillingCadence != Recurring || p.Overage {
			continue
		}
		if has[p.charge()] == nil {
			has[p.charge()] = map[string]bool{}
			order = append(order, p.charge())
		}
		has[p.charge()][p.BillingPeriod] = true
	}
	for _, ch := range order {
		for _, period := range periods {
			if !has[ch][period] {
				list = append(list, Warning{WarnPeriodMissing, "charges." + ch.String(), fmt.Sprintf(
					"The charge %s has no %s price: subscriptions with that period do not pay it.", ch, period)})
			}
		}
	}
	return list
}

// String names a charge: "PER_UNIT.feature-seats".
func (ch charge) String() string {
	s := ch.model
	if ch.overage {
		s = "OVERAGE"
	}
	for _, part := range []string{ch.feature, ch.currency} {
		if part != "" {
			s += "." + part
		}
	}
	if ch.cadence == OneOff {
		s += ".ONE_OFF"
	}
	return s
}
