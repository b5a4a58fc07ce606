package catalog

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/money"
)

func monthly(m *money.Money, country ...string) PricePeriod { return priced(Monthly, m, country...) }

func annually(m *money.Money, country ...string) PricePeriod { return priced(Annually, m, country...) }

func priced(period string, m *money.Money, country ...string) PricePeriod {
	p := PricePeriod{BillingPeriod: period, Price: m}
	if len(country) > 0 {
		p.Country = country[0]
	}
	return p
}

func inTiers(tiers ...Tier) PricePeriod { return PricePeriod{BillingPeriod: Monthly, Tiers: tiers} }

func flatFee(periods ...PricePeriod) PricingModel {
	return PricingModel{BillingModel: FlatFee, Periods: periods}
}

func perUnit(periods ...PricePeriod) PricingModel {
	return PricingModel{BillingModel: PerUnit, FeatureID: "seats", Periods: periods}
}

func byUsage(periods ...PricePeriod) PricingModel {
	return PricingModel{BillingModel: UsageBased, FeatureID: "calls", Periods: periods}
}

func topUp(periods ...PricePeriod) PricingModel {
	return PricingModel{BillingModel: CreditBased, TopUpCurrency: "tokens", Periods: periods}
}

func over(periods ...PricePeriod) OverageModel {
	return OverageModel{BillingModel: UsageBased, FeatureID: "calls", Periods: periods}
}

// with changes a copy.
func with[T any](v T, change func(*T)) T {
	change(&v)
	return v
}

func paid(models ...PricingModel) Pricing { return Pricing{Type: Paid, Models: models} }

// ruled is the refusal of a rule without a code of its own, at paths below the first charge.
func ruled(paths ...string) refusal {
	for i := range paths {
		paths[i] = "c.pricingModels[0]." + paths[i]
	}
	return bad("InvalidArgumentError", paths...)
}

func shaped(paths ...string) refusal {
	return refusal{"BadUserInput", ruled(paths...).Paths}
}

type pricingCase struct {
	name  string
	given Pricing
	want  refusal
}

func checkPricing(t *testing.T, cases []pricingCase) {
	t.Helper()
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var c errs.Checks
			tc.given.check(&c, "c")
			if d := cmp.Diff(tc.want, refused(c.Err())); d != "" {
				t.Errorf("%v: %s", c.Err(), d)
			}
		})
	}
}

func TestPricingCheckOfCharges(t *testing.T) {
	t.Parallel()
	ten, block := usd("10"), ptr(int64(1000))
	bounds := func(least, most *int64) func(*PricingModel) {
		return func(m *PricingModel) { m.MinQuantity, m.MaxQuantity = least, most }
	}
	n := func(v int64) *int64 { return &v }
	checkPricing(t, []pricingCase{
		{"free", Pricing{Type: Free}, refusal{}},
		{"custom", Pricing{Type: Custom}, refusal{}},
		{"paid, without prices yet", Pricing{Type: Paid}, refusal{}},
		{"no type", Pricing{}, bad("BadUserInput", "c.pricingType")},
		{"unknown type", Pricing{Type: "paid"}, bad("BadUserInput", "c.pricingType")},
		{
			"prices of a free package",
			Pricing{Type: Free, Models: []PricingModel{flatFee(monthly(ten))}, MinimumSpend: []SpendPeriod{{Monthly, "", *ten}}},
			bad("InvalidArgumentError", "c.minimumSpend", "c.pricingModels"),
		},
		{
			"overage of a custom package",
			Pricing{Type: Custom, Overage: []OverageModel{over(monthly(ten))}},
			bad("InvalidArgumentError", "c.overagePricingModels"),
		},

		{
			"every model at once",
			paid(
				flatFee(monthly(ten)), with(flatFee(monthly(ten)), func(m *PricingModel) { m.BillingCadence = OneOff }),
				PricingModel{BillingModel: MinimumSpend, Periods: []PricePeriod{monthly(ten)}}, perUnit(monthly(ten)), byUsage(monthly(ten)), topUp(monthly(ten)),
			),
			refusal{},
		},
		{"unknown model", paid(with(flatFee(monthly(ten)), func(m *PricingModel) { m.BillingModel = "RENT" })), shaped("billingModel")},
		{"unknown cadence", paid(with(flatFee(monthly(ten)), func(m *PricingModel) { m.BillingCadence = "TWICE" })), shaped("billingCadence")},
		{"usage once", paid(with(byUsage(monthly(ten)), func(m *PricingModel) { m.BillingCadence = OneOff })), ruled("billingCadence")},
		{
			"a minimum spend once",
			paid(PricingModel{BillingModel: MinimumSpend, BillingCadence: OneOff, Periods: []PricePeriod{monthly(ten)}}),
			ruled("billingCadence"),
		},
		{"units of nothing", paid(with(perUnit(monthly(ten)), func(m *PricingModel) { m.FeatureID = "" })), ruled("featureId")},
		{"usage of nothing", paid(with(byUsage(monthly(ten)), func(m *PricingModel) { m.FeatureID = "" })), ruled("featureId")},
		{"a fee for a feature", paid(with(flatFee(monthly(ten)), func(m *PricingModel) { m.FeatureID = "seats" })), ruled("featureId")},
		{"credits for a feature", paid(with(topUp(monthly(ten)), func(m *PricingModel) { m.FeatureID = "seats" })), ruled("featureId")},
		{"credits of no currency", paid(with(topUp(monthly(ten)), func(m *PricingModel) { m.TopUpCurrency = "" })), ruled("topUpCustomCurrencyId")},
		{"a fee that sells credits", paid(with(flatFee(monthly(ten)), func(m *PricingModel) { m.TopUpCurrency = "tokens" })), ruled("topUpCustomCurrencyId")},

		{"bounds", paid(with(perUnit(monthly(ten)), bounds(n(0), n(999_999)))), refusal{}},
		{"equal bounds of credits", paid(with(topUp(monthly(ten)), bounds(n(5), n(5)))), refusal{}},
		{
			"bounds of a fee", paid(with(flatFee(monthly(ten)), bounds(n(1), n(2)))),
			bad("InvalidUpdatePriceUnitAmountError", "c.pricingModels[0].maxUnitQuantity", "c.pricingModels[0].minUnitQuantity"),
		},
		{"a bound of usage", paid(with(byUsage(monthly(ten)), bounds(nil, n(2)))), bad("InvalidUpdatePriceUnitAmountError", "c.pricingModels[0].maxUnitQuantity")},
		{"bounds too low", paid(with(perUnit(monthly(ten)), bounds(n(-1), n(0)))), ruled("maxUnitQuantity", "minUnitQuantity")},
		{"a maximum too high", paid(with(perUnit(monthly(ten)), bounds(nil, n(1_000_000)))), ruled("maxUnitQuantity")},
		{"a minimum too high", paid(with(perUnit(monthly(ten)), bounds(n(1_000_000), nil))), ruled("minUnitQuantity")},
		{"a minimum above the maximum", paid(with(perUnit(monthly(ten)), bounds(n(3), n(2)))), ruled("maxUnitQuantity")},

		{"a reset", paid(with(byUsage(monthly(ten)), func(m *PricingModel) {
			m.ResetPeriod, m.Monthly = "MONTH", &ResetConfiguration{"StartOfTheMonth"}
		})), refusal{}},
		{"a reset of a fee", paid(with(flatFee(monthly(ten)), func(m *PricingModel) { m.ResetPeriod = "MONTH" })), bad("InvalidEntitlementResetPeriod", "c.pricingModels[0].resetPeriod")},
		{"an unknown reset", paid(with(byUsage(monthly(ten)), func(m *PricingModel) { m.ResetPeriod = "DECADE" })), shaped("resetPeriod")},
		{"another period's anchor", paid(with(byUsage(monthly(ten)), func(m *PricingModel) {
			m.ResetPeriod, m.Weekly = "MONTH", &ResetConfiguration{"EveryMonday"}
		})), bad("InvalidEntitlementResetPeriod", "c.pricingModels[0].weeklyResetPeriodConfiguration")},
		{"an unknown anchor", paid(with(byUsage(monthly(ten)), func(m *PricingModel) {
			m.ResetPeriod, m.Weekly = "WEEK", &ResetConfiguration{"StartOfTheMonth"}
		})), bad("InvalidEntitlementResetPeriod", "c.pricingModels[0].weeklyResetPeriodConfiguration.accordingTo")},

		{"no periods", paid(flatFee()), shaped("pricePeriods")},
		{"the same charge twice", paid(flatFee(monthly(ten)), flatFee(annually(ten))), bad("InvalidArgumentError", "c.pricingModels[1]")},
		{"two features", paid(perUnit(monthly(ten)), with(perUnit(monthly(ten)), func(m *PricingModel) { m.FeatureID = "calls" })), refusal{}},
		{"two kinds of credits", paid(topUp(monthly(ten)), with(topUp(monthly(ten)), func(m *PricingModel) { m.TopUpCurrency = "coins" })), refusal{}},
		{"unknown period", paid(flatFee(priced("WEEKLY", ten))), shaped("pricePeriods[0].billingPeriod")},
		{"unknown countries", paid(flatFee(monthly(ten), monthly(ten, "UK"), monthly(ten, "de"))), shaped("pricePeriods[1].billingCountryCode", "pricePeriods[2].billingCountryCode")},
		{"a country", paid(flatFee(monthly(ten), monthly(ten, "US"))), refusal{}},
		{"the same period twice", paid(flatFee(monthly(ten), monthly(usd("9")))), ruled("pricePeriods[1]")},
		{"the same country twice", paid(flatFee(monthly(ten), monthly(ten, "US"), monthly(ten, "US"))), ruled("pricePeriods[2]")},
		{"no default, said once", paid(flatFee(monthly(ten, "US"), monthly(ten, "GU"))), ruled("pricePeriods[0].billingCountryCode")},
		{"no default of one period", paid(flatFee(monthly(ten), annually(ten, "US"))), ruled("pricePeriods[1].billingCountryCode")},

		{"blocks", paid(perUnit(PricePeriod{BillingPeriod: Monthly, Price: ten, BlockSize: block})), refusal{}},
		{"blocks of a fee", paid(flatFee(PricePeriod{BillingPeriod: Monthly, Price: ten, BlockSize: block})), ruled("pricePeriods[0].blockSize")},
		{"blocks of nothing", paid(perUnit(PricePeriod{BillingPeriod: Monthly, Price: ten, BlockSize: n(0)})), ruled("pricePeriods[0].blockSize")},
		{"blocks too large", paid(perUnit(PricePeriod{BillingPeriod: Monthly, Price: ten, BlockSize: n(1_000_000_000_001)})), ruled("pricePeriods[0].blockSize")},
	})
}

func TestPricingCheckOfAmounts(t *testing.T) {
	t.Parallel()
	volume := func(periods ...PricePeriod) PricingModel {
		return with(perUnit(periods...), func(m *PricingModel) { m.TiersMode = Volume })
	}
	at := "pricePeriods[0]."
	open := tier(0, "1", "")
	checkPricing(t, []pricingCase{
		{"nothing", paid(flatFee(monthly(nil))), ruled(at + "price")},
		{"no fee at all", paid(flatFee(monthly(usd("0")))), refusal{}},
		{"below 0", paid(flatFee(monthly(usd("-0.01")))), ruled(at + "price.amount")},
		{"5 places", paid(perUnit(monthly(usd("0.00001")))), refusal{}},
		{"6 places", paid(perUnit(monthly(usd("0.000001")))), ruled(at + "price.amount")},
		{"15 digits", paid(flatFee(monthly(usd("999999999999999")))), refusal{}},
		{"16 digits", paid(flatFee(monthly(usd("1000000000000000")))), ruled(at + "price.amount")},
		{"the default currency", paid(flatFee(monthly(in("", "1"))), perUnit(monthly(usd("1")))), refusal{}},
		{"unknown currency", paid(flatFee(monthly(in("xxx", "1")))), shaped(at + "price.currency")},
		{"upper case", paid(flatFee(monthly(in("USD", "1")))), shaped(at + "price.currency")},

		{"tiers", paid(volume(inTiers(tier(10, "2", "5"), tier(20, "1", ""), tier(0, "", "9")))), refusal{}},
		{"one open tier", paid(volume(inTiers(open))), refusal{}},
		{"unknown mode", paid(with(volume(inTiers(open)), func(m *PricingModel) { m.TiersMode = "STAIRS" })), shaped("tiersMode")},
		{"tiers without a mode", paid(perUnit(inTiers(open))), ruled(at + "tiers")},
		{"a mode without tiers", paid(volume(monthly(usd("1")))), ruled(at + "tiers")},
		{"a price and tiers", paid(volume(PricePeriod{BillingPeriod: Monthly, Price: usd("1"), Tiers: []Tier{open}})), ruled(at + "tiers")},
		{"tiers of a fee", paid(with(flatFee(inTiers(open)), func(m *PricingModel) { m.TiersMode = Graduated })), ruled(at + "tiers")},
		{"tiers of blocks", paid(volume(PricePeriod{BillingPeriod: Monthly, BlockSize: ptr(int64(5)), Tiers: []Tier{open}})), ruled(at + "blockSize")},
		{"an end of the last tier", paid(volume(inTiers(tier(10, "1", "")))), ruled(at + "tiers[0].upTo")},
		{"no end between", paid(volume(inTiers(open, open))), ruled(at + "tiers[0].upTo")},
		{"tiers that fall", paid(volume(inTiers(tier(10, "1", ""), tier(9, "1", ""), open))), ruled(at + "tiers[1].upTo")},
		{"an empty tier", paid(volume(inTiers(tier(10, "1", ""), tier(10, "1", ""), open))), ruled(at + "tiers[1].upTo")},
		{"an end below 1", paid(volume(inTiers(tier(-1, "1", ""), open))), ruled(at + "tiers[0].upTo")},
		{"a tier without a price", paid(volume(inTiers(tier(10, "", ""), open))), ruled(at + "tiers[0]")},
		{"bad amounts of tiers", paid(volume(inTiers(tier(10, "-1", "0.000001"), open))), ruled(at+"tiers[0].flatPrice.amount", at+"tiers[0].unitPrice.amount")},
		{"two currencies", paid(volume(inTiers(tier(10, "1", ""), Tier{UnitPrice: in("eur", "1")}))), ruled(at + "tiers[1].unitPrice.currency")},
		{
			"other tiers by the year",
			paid(volume(inTiers(tier(10, "1", ""), open), PricePeriod{BillingPeriod: Annually, Tiers: []Tier{tier(11, "1", ""), open}})),
			ruled("pricePeriods[1].tiers"),
		},
		{
			"more tiers in a country",
			paid(volume(inTiers(open), PricePeriod{BillingPeriod: Monthly, Country: "US", Tiers: []Tier{tier(11, "1", ""), open}})),
			ruled("pricePeriods[1].tiers"),
		},

		{"granted monthly", paid(topUp(PricePeriod{BillingPeriod: Annually, Price: usd("1"), GrantCadence: Monthly})), refusal{}},
		{"unknown grants", paid(topUp(PricePeriod{BillingPeriod: Monthly, Price: usd("1"), GrantCadence: "DAILY"})), shaped(at + "creditGrantCadence")},
		{"grants of a fee", paid(flatFee(PricePeriod{BillingPeriod: Monthly, Price: usd("1"), GrantCadence: Monthly})), ruled(at + "creditGrantCadence")},
		{"usage in credits", paid(byUsage(PricePeriod{BillingPeriod: Monthly, CreditRate: &CreditRate{Amount: money.MustDecimal("0.5"), CurrencyID: "tokens"}})), refusal{}},
		{"units in credits", paid(perUnit(PricePeriod{BillingPeriod: Monthly, CreditRate: &CreditRate{Amount: money.FromInt(1), CurrencyID: "tokens"}})), ruled(at + "creditRate")},
		{"no credits", paid(byUsage(PricePeriod{BillingPeriod: Monthly, CreditRate: &CreditRate{CurrencyID: "tokens"}})), ruled(at + "creditRate.amount")},
		{"bad credits", paid(byUsage(PricePeriod{BillingPeriod: Monthly, CreditRate: &CreditRate{Amount: money.FromInt(1), CurrencyID: "a b"}})), shaped(at + "creditRate.currencyId")},
	})
}

func TestPricingCheckOfTheWhole(t *testing.T) {
	t.Parallel()
	ten, euros := usd("10"), in("eur", "10")
	spend := func(list ...SpendPeriod) Pricing {
		return Pricing{Type: Paid, Models: []PricingModel{flatFee(monthly(ten), annually(ten))}, MinimumSpend: list}
	}
	overage := func(m OverageModel) Pricing { return Pricing{Type: Paid, Overage: []OverageModel{m}} }
	included := func(change func(*OverageEntitlement)) Pricing {
		e := OverageEntitlement{FeatureID: "calls", UsageLimit: ptr(int64(5))}
		change(&e)
		return overage(with(over(monthly(ten)), func(m *OverageModel) { m.Entitlement = &e }))
	}
	const first = "c.overagePricingModels[0]."
	checkPricing(t, []pricingCase{
		{"usage beside an annual fee", paid(byUsage(monthly(ten)), flatFee(monthly(ten), annually(ten))), bad("InvalidArgumentError", "c.pricingModels[1].pricePeriods[1].billingPeriod")},
		{"usage by the year", paid(byUsage(annually(ten))), ruled("pricePeriods[0].billingPeriod")},
		{"overage beside an annual fee", Pricing{Type: Paid, Models: []PricingModel{flatFee(annually(ten))}, Overage: []OverageModel{over(annually(ten))}}, refusal{}},
		{"two currencies", paid(flatFee(monthly(ten)), perUnit(monthly(euros))), bad("InvalidArgumentError", "c.pricingModels[1].pricePeriods[0]")},
		{"two currencies by period", paid(flatFee(monthly(ten), annually(euros))), ruled("pricePeriods[1]")},
		{"the currency of a country", paid(flatFee(monthly(ten), monthly(euros, "DE")), perUnit(monthly(ten), monthly(euros, "DE"))), refusal{}},
		{"only one in the country's", paid(flatFee(monthly(ten), monthly(euros, "DE")), perUnit(monthly(ten))), bad("InvalidArgumentError", "c.pricingModels[1].pricePeriods[0]")},
		{"credits alone have none", paid(flatFee(monthly(euros)), byUsage(PricePeriod{BillingPeriod: Monthly, CreditRate: &CreditRate{Amount: money.FromInt(1), CurrencyID: "x"}})), refusal{}},

		{"minimum spends", spend(SpendPeriod{Monthly, "", *ten}, SpendPeriod{Annually, "", *ten}, SpendPeriod{Monthly, "US", *ten}), refusal{}},
		{"the same twice", spend(SpendPeriod{Monthly, "", *ten}, SpendPeriod{Monthly, "", *ten}), bad("InvalidArgumentError", "c.minimumSpend[1]")},
		{
			"in both forms",
			Pricing{Type: Paid, Models: []PricingModel{{BillingModel: MinimumSpend, Periods: []PricePeriod{monthly(ten)}}}, MinimumSpend: []SpendPeriod{{Monthly, "", *ten}}},
			bad("InvalidArgumentError", "c.minimumSpend[0]"),
		},
		{
			"bad fields", spend(SpendPeriod{"DAILY", "ZZ", *in("usx", "-1")}),
			bad("BadUserInput", "c.minimumSpend[0]", "c.minimumSpend[0].billingCountryCode", "c.minimumSpend[0].billingPeriod", "c.minimumSpend[0].minimum.amount", "c.minimumSpend[0].minimum.currency"),
		},
		{"in another currency", spend(SpendPeriod{Monthly, "", *euros}), bad("InvalidArgumentError", "c.minimumSpend[0]")},

		{"overage", overage(over(monthly(ten))), refusal{}},
		{"overage in tiers", overage(over(inTiers(tier(5, "2", ""), tier(0, "1", "")))), refusal{}},
		{"when it is billed", with(overage(over(monthly(ten))), func(p *Pricing) { p.OveragePeriod = Monthly }), refusal{}},
		{"an unknown time", with(overage(over(monthly(ten))), func(p *Pricing) { p.OveragePeriod = "DAILY" }), bad("BadUserInput", "c.overageBillingPeriod")},
		{"a time of nothing", Pricing{Type: Paid, OveragePeriod: Monthly}, bad("InvalidArgumentError", "c.overageBillingPeriod")},
		{"another model", overage(with(over(monthly(ten)), func(m *OverageModel) { m.BillingModel = PerUnit })), bad("InvalidArgumentError", first+"billingModel")},
		{"overage once", overage(with(over(monthly(ten)), func(m *OverageModel) { m.BillingCadence = OneOff })), bad("InvalidArgumentError", first+"billingCadence")},
		{"overage of nothing", overage(with(over(monthly(ten)), func(m *OverageModel) { m.FeatureID = "" })), bad("InvalidArgumentError", first+"featureId")},
		{"no prices", overage(over()), bad("BadUserInput", first+"pricePeriods")},
		{"one of two in tiers", overage(over(inTiers(tier(0, "1", "")), annually(ten))), bad("InvalidArgumentError", first+"pricePeriods[1].tiers")},
		{"the same overage twice", Pricing{Type: Paid, Overage: []OverageModel{over(monthly(ten)), over(monthly(ten))}}, bad("InvalidArgumentError", "c.overagePricingModels[1]")},
		{"usage and its overage", Pricing{Type: Paid, Models: []PricingModel{byUsage(monthly(ten))}, Overage: []OverageModel{over(monthly(ten))}}, refusal{}},
		{"included", included(func(*OverageEntitlement) {}), refusal{}},
		{"nothing included", included(func(e *OverageEntitlement) { e.UsageLimit = nil }), bad("InvalidArgumentError", first+"entitlement.usageLimit")},
		{"everything included", included(func(e *OverageEntitlement) { e.UsageLimit, e.Unlimited = nil, true }), refusal{}},
		{"both", included(func(e *OverageEntitlement) { e.Unlimited = true }), bad("InvalidArgumentError", first+"entitlement.usageLimit")},
		{"less than nothing", included(func(e *OverageEntitlement) { *e.UsageLimit = -1 }), bad("InvalidArgumentError", first+"entitlement.usageLimit")},
		{"of another feature", included(func(e *OverageEntitlement) { e.FeatureID = "seats" }), bad("EntitlementsMustBelongToSamePackage", first+"entitlement.featureId")},
		{"a reset", included(func(e *OverageEntitlement) {
			e.ResetPeriod, e.Yearly = "YEAR", &ResetConfiguration{"SubscriptionStart"}
		}), refusal{}},
		{"an anchor of no reset", included(func(e *OverageEntitlement) { e.Yearly = &ResetConfiguration{"SubscriptionStart"} }), bad("InvalidEntitlementResetPeriod", first+"entitlement.yearlyResetPeriodConfiguration")},
	})
}

func TestPricingNamesFeaturesThatCannotBeCharged(t *testing.T) {
	t.Parallel()
	old := Feature{RefID: "old", Type: Number, MeterType: Incremental, Status: FeatureSuspended}
	features := map[string]*Feature{"feature-calls": &calls, "feature-days": &days, "feature-sso": &sso, "old": &old}
	charge := func(ref string) Pricing {
		return paid(with(perUnit(monthly(usd("1"))), func(m *PricingModel) { m.FeatureID = ref }))
	}
	overage := Pricing{Type: Paid, Overage: []OverageModel{with(over(), func(m *OverageModel) { m.FeatureID = "feature-x" })}}
	const at = "c.pricingModels[0].featureId"
	for _, tc := range []struct {
		name  string
		given Pricing
		used  string
		want  refusal
	}{
		{"metered", charge("feature-calls"), "", refusal{}},
		{"unknown", charge("feature-x"), "", bad("FeatureNotFound", at)},
		{"unknown, of overage", overage, "", bad("FeatureNotFound", "c.overagePricingModels[0].featureId")},
		{"a value", charge("feature-days"), "", bad("UnsupportedFeatureType", at)},
		{"a boolean", charge("feature-sso"), "", bad("UnsupportedFeatureType", at)},
		{"archived", charge("old"), "feature-calls", bad("InvalidArgumentError", at)},
		{"archived, in use already", charge("old"), "old", refusal{}},
		{"none", paid(flatFee(monthly(usd("1")))), "", refusal{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var c errs.Checks
			tc.given.checkFeatures(&c, "c", features, func(ref string) bool { return ref == tc.used })
			if d := cmp.Diff(tc.want, refused(c.Err())); d != "" {
				t.Error(d)
			}
		})
	}
}
