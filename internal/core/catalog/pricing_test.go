package catalog

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/money"
)

// written is a value as people see it in a file.
func written(v any) string {
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		panic(err)
	}
	return string(b)
}

// unnamed takes away what is new in every row.
func unnamed(rows []Price) []Price {
	for i := range rows {
		rows[i].ID, rows[i].CreatedAt = "", time.Time{}
	}
	return rows
}

func meteredFeatures(refs ...string) map[string]*Feature {
	m := map[string]*Feature{}
	for _, ref := range refs {
		m[ref] = &Feature{ID: "id of " + ref, RefID: ref, Type: Number, MeterType: Incremental, Status: FeatureActive}
	}
	return m
}

func TestPricingIsReadBack(t *testing.T) {
	t.Parallel()
	features := meteredFeatures("api", "calls", "seats")
	rapid.Check(t, func(t *rapid.T) {
		given := anyPricing(t, []string{"api", "seats"}, []string{"calls"})
		var c errs.Checks
		if given.check(&c, "charges"); c.Failed() {
			t.Fatal(c.Err())
		}
		v := Version{PricingType: given.Type, OveragePeriod: given.overagePeriod(), Prices: given.prices(features, time.Time{})}
		shown := v.Pricing()
		if d := cmp.Diff(written(given), written(shown)); d != "" {
			t.Fatalf("pricing (-given +read back):\n%s", d)
		}
		if shown.check(&c, "charges"); c.Failed() {
			t.Fatalf("what was read back is refused: %v", c.Err())
		}
		// The order in which rows are stored does not show.
		v.Prices = rapid.Permutation(v.Prices).Draw(t, "stored")
		if d := cmp.Diff(written(given), written(v.Pricing())); d != "" {
			t.Fatalf("pricing from rows in another order:\n%s", d)
		}
	})
}

func TestPricesAreFilledIn(t *testing.T) {
	t.Parallel()
	given := paid(
		with(byUsage(monthly(in("", "1"))), func(m *PricingModel) { m.ResetPeriod = "MONTH" }),
		PricingModel{BillingModel: MinimumSpend, Periods: []PricePeriod{monthly(in("", "5"))}},
		with(flatFee(annually(in("", "9")), monthly(in("", "1"))), func(m *PricingModel) { m.BillingCadence = OneOff }),
		with(perUnit(inTiers(Tier{FlatPrice: in("", "2")})), func(m *PricingModel) { m.TiersMode = Volume }),
	)
	given.Overage = []OverageModel{over(inTiers(Tier{UnitPrice: in("", "3")}))}
	row := func(model, period string, change func(*Price)) Price {
		return with(Price{BillingModel: model, BillingCadence: Recurring, BillingPeriod: period}, change)
	}
	of := func(p *Price, ref string) { p.FeatureID, p.FeatureRefID = "id of "+ref, ref }
	want := []Price{
		row(FlatFee, Monthly, func(p *Price) { p.BillingCadence, p.Price = OneOff, usd("1") }),
		row(FlatFee, Annually, func(p *Price) { p.BillingCadence, p.Price = OneOff, usd("9") }),
		row(MinimumSpend, Monthly, func(p *Price) { p.Price = usd("5") }),
		row(PerUnit, Monthly, func(p *Price) { of(p, "seats"); p.TiersMode, p.Tiers = Volume, []Tier{{FlatPrice: usd("2")}} }),
		row(UsageBased, Monthly, func(p *Price) {
			of(p, "calls")
			p.Price, p.ResetPeriod, p.Reset = usd("1"), "MONTH", &ResetConfiguration{"SubscriptionStart"}
		}),
		row(UsageBased, Monthly, func(p *Price) {
			of(p, "calls")
			p.Overage, p.TiersMode, p.Tiers = true, Graduated, []Tier{{UnitPrice: usd("3")}}
		}),
	}
	got := given.prices(meteredFeatures("calls", "seats"), time.Unix(5, 0))
	for i, p := range got {
		if !p.CreatedAt.Equal(time.Unix(5, 0)) || i > 0 && got[i-1].ID >= p.ID {
			t.Errorf("row %d: %s of %s; ids ascend in the order of the list", i, p.ID, p.CreatedAt)
		}
	}
	if d := cmp.Diff(want, unnamed(got)); d != "" {
		t.Errorf("rows (-want +got):\n%s", d)
	}
	// A minimum spend is read back in its own form.
	v := Version{PricingType: Paid, Prices: got}
	if d := cmp.Diff([]SpendPeriod{{Monthly, "", *usd("5")}}, v.Pricing().MinimumSpend); d != "" {
		t.Error(d)
	}
	if p := (&Version{}).Pricing(); p != nil {
		t.Errorf("pricing of what has no pricing type: %s", written(p))
	}
}

// localised is a fee in three countries and seats in one currency less.
func localised() Version {
	fee := func(period, country string, m *money.Money) Price {
		return Price{BillingModel: FlatFee, BillingCadence: Recurring, BillingPeriod: period, Country: country, Price: m}
	}
	seats := fee(Monthly, "", usd("3"))
	seats.BillingModel, seats.FeatureRefID = PerUnit, "seats"
	inGermany := seats
	inGermany.Country, inGermany.Price = "DE", in("eur", "2")
	return Version{PricingType: Paid, Prices: []Price{
		fee(Monthly, "FR", in("eur", "9")), fee(Monthly, "", usd("10")), fee(Annually, "", usd("100")), fee(Monthly, "DE", in("eur", "8")), seats, inGermany,
	}}
}

func TestApplicableAndPayable(t *testing.T) {
	t.Parallel()
	v := localised()
	for _, tc := range []struct {
		name, period, country string
		want                  []string
	}{
		{"default", Monthly, "", []string{"FLAT_FEE.MONTHLY 10 usd", "PER_UNIT.seats.MONTHLY 3 usd"}},
		{"a country", Monthly, "DE", []string{"FLAT_FEE.MONTHLY.DE 8 eur", "PER_UNIT.seats.MONTHLY.DE 2 eur"}},
		{"a country with a part", Monthly, "FR", []string{"FLAT_FEE.MONTHLY.FR 9 eur", "PER_UNIT.seats.MONTHLY 3 usd"}},
		{"a country without prices", Monthly, "US", []string{"FLAT_FEE.MONTHLY 10 usd", "PER_UNIT.seats.MONTHLY 3 usd"}},
		{"another period", Annually, "DE", []string{"FLAT_FEE.ANNUALLY 100 usd"}},
		{"every period", "", "DE", []string{"FLAT_FEE.MONTHLY.DE 8 eur", "FLAT_FEE.ANNUALLY 100 usd", "PER_UNIT.seats.MONTHLY.DE 2 eur"}},
		{"no such period", "WEEKLY", "", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			prices := Payable(v.Prices, tc.period, tc.country)
			if tc.period == "" {
				prices = Applicable(v.Prices, tc.country)
			}
			for _, p := range prices {
				got = append(got, p.path()+" "+p.Price.String())
			}
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

// What is charged once, and overage, is paid in subscriptions of any period, and once.
func TestPayableInAnyPeriod(t *testing.T) {
	t.Parallel()
	once := Price{BillingModel: FlatFee, BillingCadence: OneOff, BillingPeriod: Monthly, Price: usd("50")}
	extra := Price{BillingModel: UsageBased, BillingCadence: Recurring, BillingPeriod: Monthly, Overage: true, FeatureRefID: "calls", Price: usd("1")}
	fee := Price{BillingModel: FlatFee, BillingCadence: Recurring, BillingPeriod: Monthly, Price: usd("5")}
	yearly := func(p Price) Price { p.BillingPeriod = Annually; return p }
	all := []Price{extra, yearly(extra), fee, yearly(fee), once, yearly(once)}
	for _, tc := range []struct {
		name, period string
		given, want  []Price
	}{
		{"without an own price", Annually, []Price{extra, fee, once}, []Price{once, extra}},
		{"with one", Annually, all, []Price{yearly(fee), yearly(once), yearly(extra)}},
		{"by the month", Monthly, all, []Price{fee, once, extra}},
		{"without a period", "", all, []Price{once, extra}},
	} {
		if d := cmp.Diff(tc.want, Payable(tc.given, tc.period, "")); d != "" {
			t.Errorf("%s: %s", tc.name, d)
		}
	}
}

func TestCurrencyInAndCountryFor(t *testing.T) {
	t.Parallel()
	v := localised()
	credits := Version{Prices: []Price{{CreditRate: &CreditRate{}, BillingModel: CreditBased}, {BillingModel: FlatFee, Country: "DE", Price: in("eur", "1")}}}
	for _, tc := range []struct {
		name    string
		version *Version
		country string
		want    money.Currency
	}{
		{"default", &v, "", "usd"},
		{"a country", &v, "DE", "eur"},
		{"a country without prices", &v, "US", "usd"},
		{"credits are passed over", &credits, "DE", "eur"},
		{"nothing is paid", &credits, "", ""},
		{"no prices", &Version{}, "DE", ""},
	} {
		if got := tc.version.CurrencyIn(tc.country); got != tc.want {
			t.Errorf("%s: got %q, want %q", tc.name, got, tc.want)
		}
	}
	for _, tc := range []struct {
		name     string
		country  string
		currency money.Currency
		want     string
		ok       bool
	}{
		{"any currency", "US", "", "US", true},
		{"the country's own", "FR", "eur", "FR", true},
		{"the default's", "FR", "usd", "", true},
		{"a country that has the default", "US", "usd", "US", true},
		{"the first that has it", "US", "eur", "DE", true},
		{"nobody has it", "US", "jpy", "US", false},
	} {
		if got, ok := v.CountryFor(tc.country, tc.currency); got != tc.want || ok != tc.ok {
			t.Errorf("%s: got %q, %v; want %q, %v", tc.name, got, ok, tc.want, tc.ok)
		}
	}
}

func TestBillingPeriods(t *testing.T) {
	t.Parallel()
	price := func(period, cadence string, overage bool) Price {
		return Price{BillingPeriod: period, BillingCadence: cadence, Overage: overage}
	}
	for _, tc := range []struct {
		name  string
		given []Price
		want  []string
	}{
		{"none", nil, nil},
		{"the shorter first", []Price{price(Annually, Recurring, false), price(Monthly, Recurring, false), price(Monthly, Recurring, false)}, []string{Monthly, Annually}},
		{"what is charged once has none", []Price{price(Monthly, OneOff, false), price(Annually, Recurring, false)}, []string{Annually}},
		{"overage has none", []Price{price(Annually, Recurring, true), price(Monthly, Recurring, false)}, []string{Monthly}},
	} {
		v := Version{Prices: tc.given}
		if d := cmp.Diff(tc.want, v.BillingPeriods()); d != "" {
			t.Errorf("%s: %s", tc.name, d)
		}
	}
}

func TestOverageMakesLimitsSoft(t *testing.T) {
	t.Parallel()
	v := Version{Prices: []Price{{Overage: true, FeatureID: "1"}, {FeatureID: "2"}}}
	for _, tc := range []struct {
		name  string
		given Entitlement
		want  bool
	}{
		{"with overage", Entitlement{Type: FeatureEntitlement, FeatureID: "1"}, true},
		{"charged, without overage", Entitlement{Type: FeatureEntitlement, FeatureID: "2"}, false},
		{"of another feature", Entitlement{Type: FeatureEntitlement, FeatureID: "3"}, false},
		{"soft by itself", Entitlement{Type: FeatureEntitlement, FeatureID: "3", Soft: true}, true},
		{"credits", Entitlement{Type: CreditEntitlement}, false},
		{"soft credits", Entitlement{Type: CreditEntitlement, Soft: true}, true},
	} {
		if got := v.Soft(&tc.given); got != tc.want {
			t.Errorf("%s: %v", tc.name, got)
		}
	}
}
