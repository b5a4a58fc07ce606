package catalog

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAddonWarnings(t *testing.T) {
	t.Parallel()
	costs := func(prices ...Price) *Version { return &Version{PricingType: Paid, Prices: prices} }
	cost := func(period, country string, p string) Price {
		m := usd(p)
		if country != "" {
			m.Currency = "eur"
		}
		return Price{BillingModel: FlatFee, BillingCadence: Recurring, BillingPeriod: period, Country: country, Price: m}
	}
	addon := func(v *Version) Package {
		return Package{Kind: KindAddon, RefID: "seats", Status: Published, Latest: v}
	}
	euros := cost(Monthly, "", "1")
	euros.Price = in("eur", "1")
	plan := Version{PricingType: Paid, Compatible: []string{"seats"}, Prices: []Price{cost(Monthly, "", "9"), cost(Annually, "", "90")}}
	local := Version{PricingType: Paid, Compatible: []string{"seats"}, Prices: []Price{cost(Monthly, "", "9"), cost(Monthly, "DE", "8")}}
	for _, tc := range []struct {
		name    string
		version Version
		addon   Package
		want    []Warning
	}{
		{"fits", plan, addon(costs(cost(Monthly, "", "1"), cost(Annually, "", "10"))), nil},
		{
			"a draft", plan,
			Package{RefID: "seats", Status: Draft, Draft: costs()},
			[]Warning{{WarnAddonNotPublished, "compatibleAddonIds.seats", "The add-on seats is not published, so nobody can have it."}},
		},
		{
			"archived", plan,
			Package{RefID: "seats", Status: Archived, Latest: costs(cost(Monthly, "", "1"))},
			[]Warning{{WarnAddonNotPublished, "compatibleAddonIds.seats", "The add-on seats is not published, so nobody can have it."}},
		},
		{
			"needed, and a draft",
			Version{PricingType: Paid, Dependencies: []string{"seats"}},
			Package{RefID: "seats", Status: Draft, Draft: costs()},
			[]Warning{{WarnAddonNotPublished, "dependencies.seats", "The add-on seats is not published, so nobody can have it."}},
		},
		{
			"no annual price", plan, addon(costs(cost(Monthly, "", "1"))),
			[]Warning{{WarnAddonPeriod, "compatibleAddonIds.seats", "The add-on seats has no ANNUALLY price: subscriptions with that period cannot have it."}},
		},
		{"charged once", plan, addon(costs(with(cost(Monthly, "", "1"), func(p *Price) { p.BillingCadence = OneOff }))), nil},
		{
			"another currency", local, addon(costs(euros)),
			[]Warning{{WarnAddonCurrency, "compatibleAddonIds.seats", "The add-on seats costs eur by default, and this version usd: they cannot be billed together there."}},
		},
		{
			"no price in a country", local, addon(costs(cost(Monthly, "", "1"))),
			[]Warning{{WarnAddonCurrency, "compatibleAddonIds.seats", "The add-on seats costs usd in DE, and this version eur: they cannot be billed together there."}},
		},
		{"a price in every country", local, addon(costs(cost(Monthly, "", "1"), cost(Monthly, "DE", "1"))), nil},
		{"a free add-on", plan, addon(&Version{PricingType: Free}), nil},
		{"of a custom plan", Version{PricingType: Custom, Compatible: []string{"seats"}}, addon(costs(euros)), nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if d := cmp.Diff(tc.want, tc.version.addonWarnings([]Package{tc.addon})); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestLoweredLimitsAreNamed(t *testing.T) {
	t.Parallel()
	row := func(change func(*Entitlement)) *Version {
		e := Entitlement{Type: FeatureEntitlement, FeatureRefID: "seats", Granted: true, UsageLimit: ptr(int64(10))}
		change(&e)
		return &Version{Entitlements: []Entitlement{e}}
	}
	limited := func(n int64) *Version { return row(func(e *Entitlement) { e.UsageLimit = &n }) }
	endless := row(func(e *Entitlement) { e.UsageLimit, e.Unlimited = nil, true })
	revoked := row(func(e *Entitlement) { e.Granted = false })
	for _, tc := range []struct {
		name          string
		before, after *Version
		want          string // "" for no warning
	}{
		{"the first version", nil, limited(1), ""},
		{"the same", limited(10), limited(10), ""},
		{"more", limited(10), limited(11), ""},
		{"less", limited(10), limited(9), "The limit of seats was 10 and is 9 now."},
		{"unlimited now", limited(10), endless, ""},
		{"unlimited no more", endless, limited(1000), "The limit of seats was unlimited and is 1000 now."},
		{"gone", limited(10), &Version{}, "The version before gave seats, this one does not."},
		{"revoked", limited(10), revoked, "The version before granted seats, this one does not."},
		{"revoked before", revoked, &Version{}, ""},
		{"new", &Version{}, limited(1), ""},
		{
			"credits of the same name", limited(10), &Version{Entitlements: []Entitlement{{Type: CreditEntitlement, CurrencyID: "seats", Granted: true}}},
			"The version before gave seats, this one does not.",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var want []Warning
			if tc.want != "" {
				want = []Warning{{WarnLimitLowered, "entitlements.seats", tc.want}}
			}
			if d := cmp.Diff(want, tc.after.lowered(tc.before)); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestMissingPeriodsAreNamed(t *testing.T) {
	t.Parallel()
	price := func(model, feature, period string) Price {
		return Price{BillingModel: model, FeatureRefID: feature, BillingCadence: Recurring, BillingPeriod: period}
	}
	both := []Price{price(FlatFee, "", Monthly), price(FlatFee, "", Annually)}
	for _, tc := range []struct {
		name  string
		given []Price
		want  []Warning
	}{
		{"none", nil, nil},
		{"one period", []Price{price(FlatFee, "", Monthly), price(PerUnit, "seats", Monthly)}, nil},
		{"both", append([]Price{price(PerUnit, "seats", Annually), price(PerUnit, "seats", Monthly)}, both...), nil},
		{
			"one without a period", append([]Price{price(PerUnit, "seats", Annually)}, both...),
			[]Warning{{WarnPeriodMissing, "charges.PER_UNIT.seats", "The charge PER_UNIT.seats has no MONTHLY price: subscriptions with that period do not pay it."}},
		},
		{
			"one period each",
			[]Price{price(FlatFee, "", Monthly), price(PerUnit, "seats", Annually)},
			[]Warning{
				{WarnPeriodMissing, "charges.FLAT_FEE", "The charge FLAT_FEE has no ANNUALLY price: subscriptions with that period do not pay it."},
				{WarnPeriodMissing, "charges.PER_UNIT.seats", "The charge PER_UNIT.seats has no MONTHLY price: subscriptions with that period do not pay it."},
			},
		},
		{
			"what is charged once, and overage", append([]Price{
				with(price(FlatFee, "", Monthly), func(p *Price) { p.BillingCadence = OneOff }),
				with(price(UsageBased, "calls", Monthly), func(p *Price) { p.Overage = true }),
			}, both...), nil,
		},
		{
			"a country is no period", append([]Price{with(price(PerUnit, "seats", Annually), func(p *Price) { p.Country = "DE" }), price(PerUnit, "seats", Annually)}, both...),
			[]Warning{{WarnPeriodMissing, "charges.PER_UNIT.seats", "The charge PER_UNIT.seats has no MONTHLY price: subscriptions with that period do not pay it."}},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			v := Version{Prices: tc.given}
			if d := cmp.Diff(tc.want, v.missingPeriods()); d != "" {
				t.Error(d)
			}
		})
	}
}
