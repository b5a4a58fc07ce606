package catalog

import (
	"cmp"
	"slices"
	"time"

	"github.com/purserhq/purser/internal/base/id"
	"github.com/purserhq/purser/internal/base/money"
)

// Pricing is the whole pricing of a version as it is written down: on the wire (`charges`) and in catalog files. It
// replaces what was there. pricing_check.go says what is wrong with one.
type Pricing struct {
	Type          string         `json:"pricingType" enum:"FREE,PAID,CUSTOM"`
	Models        []PricingModel `json:"pricingModels,omitempty" maxItems:"50"`
	MinimumSpend  []SpendPeriod  `json:"minimumSpend,omitempty" nullable:"true" maxItems:"300"`
	OveragePeriod string         `json:"overageBillingPeriod,omitempty" enum:"ON_SUBSCRIPTION_RENEWAL,MONTHLY" doc:"Default with overage: ON_SUBSCRIPTION_RENEWAL."`
	Overage       []OverageModel `json:"overagePricingModels,omitempty" maxItems:"50"`
}

// PricingModel is one charge: what is counted, and what it costs in each period and country.
type PricingModel struct {
	BillingModel   string `json:"billingModel" enum:"FLAT_FEE,MINIMUM_SPEND,PER_UNIT,USAGE_BASED,CREDIT_BASED"`
	BillingCadence string `json:"billingCadence,omitempty" enum:"RECURRING,ONE_OFF" doc:"Default: RECURRING."`
	FeatureID      string `json:"featureId,omitempty" maxLength:"255" format:"ref" doc:"Of PER_UNIT and USAGE_BASED: the metered feature."`
	TopUpCurrency  string `json:"topUpCustomCurrencyId,omitempty" maxLength:"255" format:"ref" doc:"Of CREDIT_BASED: the custom currency that is sold."`
	TiersMode      string `json:"tiersMode,omitempty" enum:"VOLUME,GRADUATED"`
	MinQuantity    *int64 `json:"minUnitQuantity,omitempty"`
	MaxQuantity    *int64 `json:"maxUnitQuantity,omitempty"`
	ResetPeriod    string `json:"resetPeriod,omitempty" enum:"YEAR,MONTH,WEEK,DAY,HOUR"`
	ResetMembers
	Periods []PricePeriod `json:"pricePeriods" minItems:"1" maxItems:"300"`
}

// ResetMembers are the wire's three members for where a reset period begins.
type ResetMembers struct {
	Yearly  *ResetConfiguration `json:"yearlyResetPeriodConfiguration,omitempty"`
	Monthly *ResetConfiguration `json:"monthlyResetPeriodConfiguration,omitempty"`
	Weekly  *ResetConfiguration `json:"weeklyResetPeriodConfiguration,omitempty"`
}

// PricePeriod is the price of a charge in one billing period and country: Price, or Tiers. An empty currency is USD.
type PricePeriod struct {
	BillingPeriod string       `json:"billingPeriod" enum:"MONTHLY,ANNUALLY"`
	Country       string       `json:"billingCountryCode,omitempty" maxLength:"2" doc:"ISO 3166-1 alpha-2. Each period needs a price without one: the default."`
	Price         *money.Money `json:"price,omitempty"`
	BlockSize     *int64       `json:"blockSize,omitempty" doc:"Units that are sold together: the price is that of a block."`
	Tiers         []Tier       `json:"tiers,omitempty" maxItems:"100"`
	CreditRate    *CreditRate  `json:"creditRate,omitempty"`
	GrantCadence  string       `json:"creditGrantCadence,omitempty" enum:"BEGINNING_OF_BILLING_PERIOD,MONTHLY"`
}

// SpendPeriod is the least that is charged in a billing period.
type SpendPeriod struct {
	BillingPeriod string      `json:"billingPeriod" enum:"MONTHLY,ANNUALLY"`
	Country       string      `json:"billingCountryCode,omitempty" maxLength:"2"`
	Minimum       money.Money `json:"minimum"`
}

// OverageModel is the price of usage beyond what is included. Entitlement is what is included.
type OverageModel struct {
	BillingModel   string              `json:"billingModel" enum:"FLAT_FEE,MINIMUM_SPEND,PER_UNIT,USAGE_BASED,CREDIT_BASED" doc:"USAGE_BASED."`
	BillingCadence string              `json:"billingCadence,omitempty" enum:"RECURRING,ONE_OFF" doc:"Default: RECURRING."`
	FeatureID      string              `json:"featureId,omitempty" maxLength:"255" format:"ref"`
	Entitlement    *OverageEntitlement `json:"entitlement,omitempty" doc:"What is included. The version's own entitlement when absent."`
	Periods        []PricePeriod       `json:"pricePeriods" minItems:"1" maxItems:"300"`
}

// OverageEntitlement is the included quantity of an overage charge.
type OverageEntitlement struct {
	FeatureID   string `json:"featureId" maxLength:"255" format:"ref"`
	UsageLimit  *int64 `json:"usageLimit,omitempty"`
	Unlimited   bool   `json:"hasUnlimitedUsage,omitempty"`
	Soft        bool   `json:"hasSoftLimit,omitempty" doc:"An overage charge makes the limit soft in any case."`
	ResetPeriod string `json:"resetPeriod,omitempty" enum:"YEAR,MONTH,WEEK,DAY,HOUR"`
	ResetMembers
}

// prices makes the rows of checked pricing. features has those that it names.
func (p Pricing) prices(features map[string]*Feature, now time.Time) []Price {
	var rows []Price
	for _, m := range p.Models {
		row := Price{
			BillingModel: m.BillingModel, BillingCadence: cmp.Or(m.BillingCadence, Recurring), TopUpCurrency: m.TopUpCurrency,
			TiersMode: m.TiersMode, MinQuantity: m.MinQuantity, MaxQuantity: m.MaxQuantity,
			ResetPeriod: m.ResetPeriod, Reset: m.configuration(m.ResetPeriod),
		}
		rows = append(rows, row.in(m.Periods, features[m.FeatureID])...)
	}
	for _, s := range p.MinimumSpend {
		minimum := s.Minimum
		row := Price{BillingModel: MinimumSpend, BillingCadence: Recurring}
		rows = append(rows, row.in([]PricePeriod{{BillingPeriod: s.BillingPeriod, Country: s.Country, Price: &minimum}}, nil)...)
	}
	for _, m := range p.Overage {
		row := Price{Overage: true, BillingModel: UsageBased, BillingCadence: Recurring}
		for _, period := range m.Periods {
			if len(period.Tiers) > 0 {
				row.TiersMode = Graduated
			}
		}
		rows = append(rows, row.in(m.Periods, features[m.FeatureID])...)
	}
	sortPrices(rows)
	for i := range rows { // ids ascend in the order in which prices are shown: it is the order of their lists
		rows[i].ID, rows[i].CreatedAt = id.New(), now
	}
	return rows
}

// in makes a row per period of a charge.
func (p Price) in(periods []PricePeriod, f *Feature) []Price {
	rows := make([]Price, 0, len(periods))
	for _, in := range periods {
		row := p
		if f != nil {
			row.FeatureID, row.FeatureRefID = f.ID, f.RefID
		}
		row.BillingPeriod, row.Country, row.BlockSize = in.BillingPeriod, in.Country, in.BlockSize
		row.CreditRate, row.GrantCadence = in.CreditRate, in.GrantCadence
		row.Price = inCurrency(in.Price)
		for _, t := range in.Tiers {
			row.Tiers = append(row.Tiers, Tier{t.UpTo, inCurrency(t.UnitPrice), inCurrency(t.FlatPrice)})
		}
		rows = append(rows, row)
	}
	return rows
}

// inCurrency fills in the default currency.
func inCurrency(m *money.Money) *money.Money {
	if m == nil {
		return nil
	}
	return &money.Money{Amount: m.Amount, Currency: cmp.Or(m.Currency, money.USD)}
}

func (r ResetMembers) configuration(period string) *ResetConfiguration {
	c := map[string]*ResetConfiguration{"YEAR": r.Yearly, "MONTH": r.Monthly, "WEEK": r.Weekly}[period]
	if c == nil && resetMembers[period] != "" {
		return &ResetConfiguration{subscriptionStart}
	}
	return c
}

func resetMembersOf(period string, c *ResetConfiguration) (r ResetMembers) {
	switch period {
	case "YEAR":
		r.Yearly = c
	case "MONTH":
		r.Monthly = c
	case "WEEK":
		r.Weekly = c
	}
	return r
}

// Pricing writes the version's prices down; nil when it has no pricing type. What is read back is the same prices.
func (v *Version) Pricing() *Pricing {
	if v.PricingType == "" {
		return nil
	}
	p := &Pricing{Type: v.PricingType, OveragePeriod: v.OveragePeriod}
	prices := slices.Clone(v.Prices)
	sortPrices(prices)
	for i := 0; i < len(prices); {
		n := i + 1
		for n < len(prices) && prices[n].charge() == prices[i].charge() {
			n++
		}
		p.add(prices[i:n])
		i = n
	}
	return p
}

// add writes down the rows of one charge.
func (p *Pricing) add(rows []Price) {
	first := rows[0]
	if first.BillingModel == MinimumSpend {
		for _, r := range rows {
			p.MinimumSpend = append(p.MinimumSpend, SpendPeriod{r.BillingPeriod, r.Country, *r.Price})
		}
		return
	}
	periods := make([]PricePeriod, 0, len(rows))
	for _, r := range rows {
		periods = append(periods, PricePeriod{r.BillingPeriod, r.Country, r.Price, r.BlockSize, r.Tiers, r.CreditRate, r.GrantCadence})
	}
	if first.Overage {
		p.Overage = append(p.Overage, OverageModel{BillingModel: first.BillingModel, FeatureID: first.FeatureRefID, Periods: periods})
		return
	}
	m := PricingModel{
		BillingModel: first.BillingModel, FeatureID: first.FeatureRefID, TopUpCurrency: first.TopUpCurrency,
		TiersMode: first.TiersMode, MinQuantity: first.MinQuantity, MaxQuantity: first.MaxQuantity,
		ResetPeriod: first.ResetPeriod, ResetMembers: resetMembersOf(first.ResetPeriod, first.Reset), Periods: periods,
	}
	if first.BillingCadence != Recurring {
		m.BillingCadence = first.BillingCadence
	}
	p.Models = append(p.Models, m)
}

// features are the refIds of the features that the pricing names.
func (p *Pricing) features() (refs []string) {
	add := func(ref string) {
		if ref != "" && !slices.Contains(refs, ref) {
			refs = append(refs, ref)
		}
	}
	for _, m := range p.Models {
		add(m.FeatureID)
	}
	for _, m := range p.Overage {
		add(m.FeatureID)
		if m.Entitlement != nil {
			add(m.Entitlement.FeatureID)
		}
	}
	return refs
}
