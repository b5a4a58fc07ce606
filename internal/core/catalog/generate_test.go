package catalog

import (
	"slices"

	"pgregory.net/rapid"

	"github.com/purserhq/purser/internal/base/money"
)

// market is a country's currency.
type market struct {
	country  string
	currency money.Currency
}

// pricingMaker draws good pricing that is written as Version.Pricing writes it.
type pricingMaker struct {
	*rapid.T
	markets []market
	periods []string
}

// anyPricing draws good pricing. charged and over are metered features, sorted.
func anyPricing(t *rapid.T, charged, over []string) Pricing {
	p := Pricing{Type: rapid.SampledFrom([]string{Free, Custom, Paid, Paid, Paid}).Draw(t, "pricingType")}
	if p.Type != Paid {
		return p
	}
	m := pricingMaker{T: t, markets: []market{{"", "usd"}}, periods: []string{Monthly}}
	for _, one := range []market{{"DE", "eur"}, {"JP", "jpy"}, {"KW", "kwd"}} {
		if rapid.Bool().Draw(t, one.country) {
			m.markets = append(m.markets, one)
		}
	}
	usage := rapid.Bool().Draw(t, "usage")
	if !usage && rapid.Bool().Draw(t, "annual") {
		m.periods = append(m.periods, Annually)
	}
	p.Models = m.models(charged, usage)
	if rapid.Bool().Draw(t, "minimum spend") || !slices.ContainsFunc(p.Models, func(one PricingModel) bool { return one.BillingCadence != OneOff }) {
		for _, period := range m.somePeriods() {
			for _, at := range m.markets {
				p.MinimumSpend = append(p.MinimumSpend, SpendPeriod{period, at.country, *m.price(at)})
			}
		}
	}
	for _, ref := range over {
		one := OverageModel{BillingModel: UsageBased, FeatureID: ref}
		one.Periods = m.inPeriods(rapid.SampledFrom([]string{"", Graduated}).Draw(t, "overage tiers"), true)
		p.Overage = append(p.Overage, one)
		p.OveragePeriod = rapid.SampledFrom([]string{OnSubscriptionRenewal, Monthly}).Draw(t, "overage period")
	}
	return p
}

func (m pricingMaker) models(charged []string, usage bool) (list []PricingModel) {
	for _, cadence := range []string{"", OneOff} {
		if rapid.Bool().Draw(m.T, "fee "+cadence) {
			one := PricingModel{BillingModel: FlatFee, BillingCadence: cadence}
			one.Periods = m.inPeriods("", false)
			list = append(list, one)
		}
	}
	for _, model := range []string{PerUnit, UsageBased} {
		for _, ref := range charged {
			if !rapid.Bool().Draw(m.T, model+ref) || model == UsageBased && !usage {
				continue
			}
			one := PricingModel{BillingModel: model, FeatureID: ref, TiersMode: m.mode()}
			one.Periods = m.inPeriods(one.TiersMode, true)
			one.ResetPeriod, one.ResetMembers = anyReset(m.T)
			if model == PerUnit {
				one.MinQuantity, one.MaxQuantity = m.bounds()
			} else if one.TiersMode == "" && rapid.Bool().Draw(m.T, "credit rate") {
				for i := range one.Periods {
					one.Periods[i].CreditRate = &CreditRate{Amount: amounts().Draw(m.T, "rate").Add(money.FromInt(1)), CurrencyID: "tokens"}
				}
			}
			list = append(list, one)
		}
	}
	if rapid.Bool().Draw(m.T, "top-up") {
		one := PricingModel{BillingModel: CreditBased, TopUpCurrency: "tokens", TiersMode: m.mode()}
		one.Periods = m.inPeriods(one.TiersMode, true)
		one.MinQuantity, one.MaxQuantity = m.bounds()
		one.Periods[0].GrantCadence = rapid.SampledFrom([]string{"", "BEGINNING_OF_BILLING_PERIOD", Monthly}).Draw(m.T, "grants")
		list = append(list, one)
	}
	return list
}

func (m pricingMaker) mode() string {
	return rapid.SampledFrom([]string{"", Volume, Graduated}).Draw(m.T, "mode")
}

func (m pricingMaker) bounds() (least, most *int64) {
	if rapid.Bool().Draw(m.T, "minimum") {
		least = ptr(rapid.Int64Range(0, 5).Draw(m.T, "least"))
	}
	if rapid.Bool().Draw(m.T, "maximum") {
		most = ptr(rapid.Int64Range(5, MaxUnits).Draw(m.T, "most"))
	}
	return least, most
}

func (m pricingMaker) somePeriods() []string {
	if len(m.periods) > 1 && rapid.Bool().Draw(m.T, "one period") {
		return []string{rapid.SampledFrom(m.periods).Draw(m.T, "period")}
	}
	return m.periods
}

func (m pricingMaker) price(at market) *money.Money {
	return &money.Money{Amount: amounts().Draw(m.T, "amount"), Currency: at.currency}
}

// inPeriods draws the prices of one charge: all in the same tiers, if in any.
func (m pricingMaker) inPeriods(mode string, units bool) (list []PricePeriod) {
	var ends []int64
	if mode != "" {
		ends = rapid.SliceOfNDistinct(rapid.Int64Range(1, 100), 0, 3, rapid.ID).Draw(m.T, "ends")
		slices.Sort(ends)
	}
	for _, period := range m.somePeriods() {
		for _, at := range m.markets {
			one := PricePeriod{BillingPeriod: period, Country: at.country}
			switch {
			case mode != "":
				one.Tiers = m.tiers(ends, at)
			case units && rapid.Bool().Draw(m.T, "blocks"):
				one.BlockSize = ptr(rapid.Int64Range(1, 1000).Draw(m.T, "block"))
				fallthrough
			default:
				one.Price = m.price(at)
			}
			list = append(list, one)
		}
	}
	return list
}

func (m pricingMaker) tiers(ends []int64, at market) (tiers []Tier) {
	for i := range len(ends) + 1 {
		var one Tier
		if i < len(ends) {
			one.UpTo = &ends[i]
		}
		kind := rapid.IntRange(1, 3).Draw(m.T, "tier")
		if kind&1 != 0 {
			one.UnitPrice = m.price(at)
		}
		if kind&2 != 0 {
			one.FlatPrice = m.price(at)
		}
		tiers = append(tiers, one)
	}
	return tiers
}

// anyReset draws a reset period with where it begins.
func anyReset(t *rapid.T) (period string, members ResetMembers) {
	period = rapid.SampledFrom(append([]string{""}, resetPeriods...)).Draw(t, "reset")
	if anchors := resetAnchors[period]; anchors != nil {
		members = resetMembersOf(period, &ResetConfiguration{rapid.SampledFrom(anchors).Draw(t, "anchor")})
	}
	return period, members
}
