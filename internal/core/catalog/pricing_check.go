package catalog

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/purserhq/purser/internal/base/country"
	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/money"
)

// MaxUnits is the most that maxUnitQuantity can be (domain-catalog-provisioning §3.7).
const MaxUnits = 999_999

// check records every bad field of pricing that can be told without the catalog, under path
// (domain-catalog-provisioning §3.7).
func (p *Pricing) check(c *errs.Checks, path string) {
	checkPricingType(c, path+".pricingType", p.Type)
	if p.Type != Paid {
		for name, n := range map[string]int{"pricingModels": len(p.Models), "minimumSpend": len(p.MinimumSpend), "overagePricingModels": len(p.Overage)} {
			if n > 0 {
				c.Rule(path+"."+name, "only a PAID package has prices")
			}
		}
	}
	if p.OveragePeriod != "" {
		checkOneOf(c, path+".overageBillingPeriod", p.OveragePeriod, OnSubscriptionRenewal, Monthly)
		if len(p.Overage) == 0 {
			c.Rule(path+".overageBillingPeriod", "needs overagePricingModels")
		}
	}
	k := pricingCheck{Checks: c, charges: map[charge]string{}, spends: map[string]bool{}}
	for i := range p.Models {
		k.model(&p.Models[i], fmt.Sprintf("%s.pricingModels[%d]", path, i))
	}
	for i := range p.MinimumSpend {
		k.spend(&p.MinimumSpend[i], fmt.Sprintf("%s.minimumSpend[%d]", path, i))
	}
	for i := range p.MinimumSpend {
		k.defaultSpend(p, i, fmt.Sprintf("%s.minimumSpend[%d]", path, i))
	}
	for i := range p.Overage {
		k.overage(&p.Overage[i], fmt.Sprintf("%s.overagePricingModels[%d]", path, i))
	}
	k.finish(path)
}

func checkPricingType(c *errs.Checks, path, v string) { checkOneOf(c, path, v, Free, Paid, Custom) }

// pricingCheck remembers what the charges before have in common with the ones to come.
type pricingCheck struct {
	*errs.Checks
	charges map[charge]string // where each charge was first
	spends  map[string]bool   // minimum spends by period and country
	usage   string            // where a pay-as-you-go charge is
	annual  string            // where an annual price is
	rows    []pricedIn
}

// pricedIn is a price: its charge, period, country and currency.
type pricedIn struct {
	charge   charge
	period   string
	country  string
	currency money.Currency
	at       string
}

func (k *pricingCheck) model(m *PricingModel, path string) {
	checkOneOf(k.Checks, path+".billingModel", m.BillingModel, modelOrder...)
	if m.BillingCadence != "" {
		checkOneOf(k.Checks, path+".billingCadence", m.BillingCadence, Recurring, OneOff)
	}
	k.subject(m, path)
	k.bounds(m, path)
	k.reset(m, path)
	if m.TiersMode != "" {
		checkOneOf(k.Checks, path+".tiersMode", m.TiersMode, Volume, Graduated)
	}
	if m.BillingModel == UsageBased && k.usage == "" {
		k.usage = path
	}
	if m.BillingModel == MinimumSpend {
		for i := range m.Periods {
			k.onlySpend(m.Periods[i].BillingPeriod, m.Periods[i].Country, fmt.Sprintf("%s.pricePeriods[%d]", path, i))
		}
	}
	ch := charge{model: m.BillingModel, cadence: cmp.Or(m.BillingCadence, Recurring), feature: m.FeatureID, currency: m.TopUpCurrency}
	k.periods(m.Periods, m.TiersMode, ch, path)
}

// subject checks what is charged for.
func (k *pricingCheck) subject(m *PricingModel, path string) {
	perFeature := m.BillingModel == PerUnit || m.BillingModel == UsageBased
	switch {
	case perFeature && m.FeatureID == "":
		k.Rule(path+".featureId", "is required for %s: the metered feature that is charged", m.BillingModel)
	case !perFeature && m.FeatureID != "":
		k.Rule(path+".featureId", "%s is not charged per feature", m.BillingModel)
	}
	switch {
	case m.BillingModel == CreditBased && m.TopUpCurrency == "":
		k.Rule(path+".topUpCustomCurrencyId", "is required for CREDIT_BASED: the custom currency that is sold")
	case m.BillingModel != CreditBased && m.TopUpCurrency != "":
		k.Rule(path+".topUpCustomCurrencyId", "only CREDIT_BASED sells credits")
	}
	checkRef(k.Checks, path+".topUpCustomCurrencyId", m.TopUpCurrency)
	if m.BillingCadence == OneOff && (m.BillingModel == UsageBased || m.BillingModel == MinimumSpend) {
		k.Rule(path+".billingCadence", "%s cannot be charged once", m.BillingModel)
	}
}

func (k *pricingCheck) bounds(m *PricingModel, path string) {
	if m.MinQuantity == nil && m.MaxQuantity == nil {
		return
	}
	if m.BillingModel != PerUnit && m.BillingModel != CreditBased {
		for name, given := range map[string]bool{".minUnitQuantity": m.MinQuantity != nil, ".maxUnitQuantity": m.MaxQuantity != nil} {
			if given {
				k.Named(ErrPriceUnitAmount, path+name, "%s has no quantity to limit", m.BillingModel)
			}
		}
		return
	}
	for name, n := range map[string]*int64{".minUnitQuantity": m.MinQuantity, ".maxUnitQuantity": m.MaxQuantity} {
		least := int64(0)
		if name == ".maxUnitQuantity" {
			least = 1
		}
		if n != nil && (*n < least || *n > MaxUnits) {
			k.Rule(path+name, "must be from %d to %d", least, MaxUnits)
		}
	}
	if m.MinQuantity != nil && m.MaxQuantity != nil && *m.MinQuantity > *m.MaxQuantity {
		k.Rule(path+".maxUnitQuantity", "must not be below minUnitQuantity")
	}
}

func (k *pricingCheck) reset(m *PricingModel, path string) {
	checkResetMembers(k.Checks, path+".", m.ResetPeriod, m.ResetMembers)
	if m.ResetPeriod != "" && m.FeatureID == "" {
		k.Named(ErrResetPeriod, path+".resetPeriod", "only charges for a metered feature have one")
	}
}

func (k *pricingCheck) spend(s *SpendPeriod, path string) {
	k.onlySpend(s.BillingPeriod, s.Country, path)
	k.period(s.BillingPeriod, s.Country, path)
	if s.BillingPeriod == Annually && k.annual == "" {
		k.annual = path
	}
	k.amount(&s.Minimum, path+".minimum")
	k.rows = append(k.rows, pricedIn{
		charge{model: MinimumSpend, cadence: Recurring}, s.BillingPeriod, s.Country, cmp.Or(s.Minimum.Currency, money.USD), path,
	})
}

// defaultSpend asks for a minimum without a country, like every charge has a price without one.
func (k *pricingCheck) defaultSpend(p *Pricing, i int, path string) {
	period := p.MinimumSpend[i].BillingPeriod
	first := slices.IndexFunc(p.MinimumSpend, func(s SpendPeriod) bool { return s.BillingPeriod == period })
	if first == i && !k.spends[period] && (period == Monthly || period == Annually) {
		k.Rule(path+".billingCountryCode", "there is no default minimum for %s: give one without a country", period)
	}
}

// onlySpend refuses a second minimum spend for a period and country.
func (k *pricingCheck) onlySpend(period, country, path string) {
	if key := period + country; k.spends[key] {
		k.Rule(path, "there is a minimum spend for this period and country already")
	} else {
		k.spends[key] = true
	}
}

func (k *pricingCheck) overage(m *OverageModel, path string) {
	if m.BillingModel != UsageBased {
		k.Rule(path+".billingModel", "must be USAGE_BASED: overage is charged by usage")
	}
	if m.BillingCadence != "" && m.BillingCadence != Recurring {
		k.Rule(path+".billingCadence", "must be RECURRING")
	}
	if m.FeatureID == "" {
		k.Rule(path+".featureId", "is required: the metered feature whose overage is charged")
	}
	if e := m.Entitlement; e != nil {
		if e.FeatureID != m.FeatureID {
			k.Named(ErrOtherPackage, path+".entitlement.featureId", "must be the feature of the charge, %s", m.FeatureID)
		}
		checkResetMembers(k.Checks, path+".entitlement.", e.ResetPeriod, e.ResetMembers)
		switch {
		case e.UsageLimit != nil && *e.UsageLimit < 0:
			k.Rule(path+".entitlement.usageLimit", "must be at least 0")
		case (e.UsageLimit == nil) == !e.Unlimited:
			k.Rule(path+".entitlement.usageLimit", "give it, or hasUnlimitedUsage, and not both")
		}
	}
	mode := ""
	for _, p := range m.Periods {
		if len(p.Tiers) > 0 {
			mode = Graduated
		}
	}
	k.periods(m.Periods, mode, charge{overage: true, model: UsageBased, cadence: Recurring, feature: m.FeatureID}, path)
}

// periods checks the prices of one charge.
func (k *pricingCheck) periods(list []PricePeriod, mode string, ch charge, path string) {
	if len(list) == 0 {
		k.Shape(path+".pricePeriods", "must have at least 1 item")
	}
	if first, ok := k.charges[ch]; ok {
		k.Rule(path, "is the same charge as %s: put all its prices into one", first)
	} else {
		k.charges[ch] = path
	}
	seen, hasDefault := map[string]bool{}, map[string]bool{}
	for i := range list {
		p, at := &list[i], fmt.Sprintf("%s.pricePeriods[%d]", path, i)
		k.period(p.BillingPeriod, p.Country, at)
		if p.BillingPeriod == Annually && k.annual == "" && !ch.overage {
			k.annual = at
		}
		if key := p.BillingPeriod + "/" + p.Country; seen[key] {
			k.Rule(at, "there is a price for this period and country already")
		} else {
			seen[key] = true
		}
		hasDefault[p.BillingPeriod] = hasDefault[p.BillingPeriod] || p.Country == ""
		k.price(p, mode, ch, at)
		k.sameBoundaries(list[0].Tiers, p.Tiers, at)
	}
	for i := range list {
		if p := &list[i]; !hasDefault[p.BillingPeriod] {
			k.Rule(fmt.Sprintf("%s.pricePeriods[%d].billingCountryCode", path, i), "there is no default price for %s: give one without a country", p.BillingPeriod)
			hasDefault[p.BillingPeriod] = true // said once
		}
	}
}

func (k *pricingCheck) period(period, code, path string) {
	checkOneOf(k.Checks, path+".billingPeriod", period, Monthly, Annually)
	if code != "" && !country.Valid(code) {
		k.Shape(path+".billingCountryCode", "must be an ISO 3166-1 alpha-2 code such as DE")
	}
}

// finish checks what all charges have in common: pay-as-you-go is monthly, and a bill is in one currency.
func (k *pricingCheck) finish(path string) {
	if k.usage != "" && k.annual != "" {
		k.Rule(k.annual+".billingPeriod", "pay-as-you-go is billed by the month: a package with %s has no annual prices", strings.TrimPrefix(k.usage, path+"."))
	}
	countries := []string{""}
	for _, r := range k.rows {
		if !slices.Contains(countries, r.country) {
			countries = append(countries, r.country)
		}
	}
	for _, country := range countries {
		k.oneCurrency(country)
	}
}

// oneCurrency checks that every charge has the same currency in a country, those without a price for it by their default.
func (k *pricingCheck) oneCurrency(code string) {
	type key struct {
		charge charge
		period string
	}
	best := map[key]pricedIn{}
	for _, r := range k.rows {
		if r.country != "" && r.country != code {
			continue
		}
		if old, ok := best[key{r.charge, r.period}]; !ok || old.country == "" {
			best[key{r.charge, r.period}] = r
		}
	}
	var first pricedIn
	for _, r := range k.rows { // in their order
		if best[key{r.charge, r.period}] != r {
			continue
		}
		if first.at == "" {
			first = r
		} else if r.currency != first.currency {
			where := "without a country"
			if code != "" {
				where = "in " + code
			}
			k.Rule(r.at, "is in %s %s, and %s in %s: a bill has one currency", r.currency, where, first.at, first.currency)
			return
		}
	}
}

// checkFeatures records what is wrong with the features that the pricing names. used tells those that the version uses
// already: an archived feature may stay.
func (p *Pricing) checkFeatures(c *errs.Checks, path string, features map[string]*Feature, used func(ref string) bool) {
	one := func(at, ref string) {
		if ref == "" {
			return
		}
		f := features[ref]
		switch {
		case f == nil:
			c.Named(ErrFeatureNotFound, at, "there is no feature %s", ref)
		case !f.Metered():
			c.Named(ErrUnsupportedType, at, "%s is not metered: only usage can be charged", ref)
		case f.Status == FeatureSuspended && !used(ref):
			c.Rule(at, "the feature %s is archived", ref)
		}
	}
	for i := range p.Models {
		one(fmt.Sprintf("%s.pricingModels[%d].featureId", path, i), p.Models[i].FeatureID)
	}
	for i := range p.Overage {
		one(fmt.Sprintf("%s.overagePricingModels[%d].featureId", path, i), p.Overage[i].FeatureID)
	}
}
