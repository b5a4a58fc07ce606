package catalog

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/purserhq/purser/internal/base/errs"
)

// texts are the sentences of changes: + added, * changed, - removed.
func texts(c Changes) (list []string) {
	for _, a := range c.Added {
		list = append(list, "+ "+a.Text)
	}
	for _, a := range c.Changed {
		list = append(list, "* "+a.Text)
	}
	for _, a := range c.Removed {
		list = append(list, "- "+a.Text)
	}
	return list
}

func proPlan() Version {
	fee := Price{BillingModel: FlatFee, BillingCadence: Recurring, BillingPeriod: Monthly, Price: usd("49")}
	seats := Price{
		BillingModel: PerUnit, BillingCadence: Recurring, BillingPeriod: Monthly, FeatureID: "1", FeatureRefID: "seats",
		TiersMode: Volume, Tiers: []Tier{tier(10, "5", ""), tier(0, "4", "")}, MinQuantity: ptr(int64(1)),
	}
	inGermany := fee
	inGermany.Country, inGermany.Price = "DE", in("eur", "45")
	return Version{
		DisplayName: "Pro", PricingType: Paid, Trial: &Trial{Duration: 14, Units: "DAY"}, ParentID: "free", Compatible: []string{"calls", "logs"},
		Entitlements: []Entitlement{
			{Type: FeatureEntitlement, FeatureRefID: "seats", UsageLimit: ptr(int64(10)), Granted: true, Behavior: Increment},
			{Type: FeatureEntitlement, FeatureRefID: "sso", Granted: true, Behavior: Increment},
		},
		Prices: []Price{fee, inGermany, seats},
	}
}

func TestCompare(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		change func(*Version)
		want   []string
	}{
		{"nothing", func(*Version) {}, nil},
		{"what is no content", func(v *Version) { v.ID, v.Number, v.Status, v.UpdatedAt = "x", 7, Draft, time.Unix(1, 0) }, nil},
		{"the name", func(v *Version) { v.DisplayName = "Team" }, []string{"* displayName was Pro and becomes Team."}},
		{"a description", func(v *Version) { v.Description = ptr("For teams") }, []string{"+ description is new: For teams."}},
		{"the pricing type", func(v *Version) { v.PricingType = Custom }, []string{"* pricingType was PAID and becomes CUSTOM."}},
		{"no parent", func(v *Version) { v.ParentID = "" }, []string{"- parentPlanId is gone; it was free."}},
		{"a maximum", func(v *Version) { v.MaxQuantity = ptr(int64(3)) }, []string{"+ maxQuantity is new: 3."}},
		{"when overage is billed", func(v *Version) { v.OveragePeriod = Monthly }, []string{"+ overageBillingPeriod is new: MONTHLY."}},
		{"the trial", func(v *Version) { v.Trial = &Trial{Duration: 30, Units: "DAY"} }, []string{"* defaultTrialConfig.duration was 14 and becomes 30."}},
		{"no trial", func(v *Version) { v.Trial = nil }, []string{"- defaultTrialConfig is gone; it was duration 14, units DAY."}},
		{
			"add-ons", func(v *Version) { v.Compatible = []string{"logs", "seats"} },
			[]string{"+ compatibleAddonIds.seats is new: seats.", "- compatibleAddonIds.calls is gone; it was calls."},
		},
		{"a dependency", func(v *Version) { v.Dependencies = []string{"x"} }, []string{"+ dependencies.x is new: x."}},

		{"a limit", func(v *Version) { v.Entitlements[0].UsageLimit = ptr(int64(20)) }, []string{"* entitlements.seats.usageLimit was 10 and becomes 20."}},
		{
			"no limit", func(v *Version) { v.Entitlements[0].UsageLimit, v.Entitlements[0].Unlimited = nil, true },
			[]string{"* entitlements.seats.hasUnlimitedUsage was nothing and becomes true.", "* entitlements.seats.usageLimit was 10 and becomes nothing."},
		},
		{"a revoked feature", func(v *Version) { v.Entitlements[1].Granted = false }, []string{"* entitlements.sso.isGranted was nothing and becomes false."}},
		{
			"other features", func(v *Version) {
				v.Entitlements[1] = Entitlement{Type: FeatureEntitlement, FeatureRefID: "region", EnumValues: []string{"eu", "us"}, Granted: true, Behavior: Increment}
			},
			[]string{"+ entitlements.region is new: enumValues [eu; us].", "- entitlements.sso is gone; it was granted."},
		},
		{"another order of rows", func(v *Version) { v.Entitlements[0], v.Entitlements[1] = v.Entitlements[1], v.Entitlements[0] }, nil},

		{"a price", func(v *Version) { v.Prices[0].Price = usd("59") }, []string{"* charges.FLAT_FEE.MONTHLY.price was 49 usd and becomes 59 usd."}},
		{"a price that is the same number", func(v *Version) { v.Prices[0].Price = usd("49.00") }, nil},
		{"a country's price", func(v *Version) { v.Prices[1].Price = in("eur", "40") }, []string{"* charges.FLAT_FEE.MONTHLY.DE.price was 45 eur and becomes 40 eur."}},
		{
			"a charge less", func(v *Version) { v.Prices = v.Prices[1:] },
			[]string{"- charges.FLAT_FEE.MONTHLY is gone; it was billingPeriod MONTHLY, price 49 usd."},
		},
		{
			"another period", func(v *Version) { v.Prices[0].BillingPeriod = Annually },
			[]string{
				"+ charges.FLAT_FEE.ANNUALLY is new: billingPeriod ANNUALLY, price 49 usd.",
				"- charges.FLAT_FEE.MONTHLY is gone; it was billingPeriod MONTHLY, price 49 usd.",
			},
		},
		{
			"tiers", func(v *Version) { v.Prices[2].Tiers = []Tier{tier(10, "5", ""), tier(0, "3", "")} },
			[]string{"* charges.PER_UNIT.seats.MONTHLY.tiers was [unitPrice 5 usd, upTo 10; unitPrice 4 usd] and becomes [unitPrice 5 usd, upTo 10; unitPrice 3 usd]."},
		},
		{"a bound", func(v *Version) { v.Prices[2].MinQuantity = nil }, []string{"* charges.PER_UNIT.seats.MONTHLY.minUnitQuantity was 1 and becomes nothing."}},
		{
			"overage, a one-off and credits", func(v *Version) {
				v.Prices = append(v.Prices, Price{Overage: true, BillingModel: UsageBased, BillingCadence: Recurring, BillingPeriod: Monthly, FeatureRefID: "calls", Price: usd("1")},
					Price{BillingModel: FlatFee, BillingCadence: OneOff, BillingPeriod: Monthly, Price: usd("2")},
					Price{BillingModel: CreditBased, BillingCadence: Recurring, BillingPeriod: Monthly, TopUpCurrency: "tokens", Price: usd("3")})
			},
			[]string{
				"+ charges.OVERAGE.calls.MONTHLY is new: billingPeriod MONTHLY, price 1 usd.",
				"+ charges.FLAT_FEE.ONE_OFF.MONTHLY is new: billingPeriod MONTHLY, price 2 usd.",
				"+ charges.CREDIT_BASED.tokens.MONTHLY is new: billingPeriod MONTHLY, price 3 usd.",
			},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			before, after := proPlan(), proPlan()
			tc.change(&after)
			got := Compare(&before, &after)
			if d := cmp.Diff(tc.want, texts(got)); d != "" {
				t.Error(d)
			}
			if got.Empty() != (len(tc.want) == 0) {
				t.Errorf("empty: %v", got.Empty())
			}
		})
	}
}

func TestCompareWithNothing(t *testing.T) {
	t.Parallel()
	v := Version{DisplayName: "Pro", PricingType: Free, Entitlements: proPlan().Entitlements[1:]}
	if d := cmp.Diff([]string{"+ displayName is new: Pro.", "+ pricingType is new: FREE.", "+ entitlements.sso is new: granted."}, texts(Compare(nil, &v))); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"- displayName is gone; it was Pro.", "- pricingType is gone; it was FREE.", "- entitlements.sso is gone; it was granted."}, texts(Compare(&v, nil))); d != "" {
		t.Error(d)
	}
	c := Compare(nil, nil)
	if !c.Empty() || c.Added == nil || c.Changed == nil || c.Removed == nil {
		t.Errorf("lists are never null: %+v", c)
	}
}

func TestChangesAreData(t *testing.T) {
	t.Parallel()
	before, after := proPlan(), proPlan()
	after.Prices[0].Price = usd("59.5")
	after.Entitlements = after.Entitlements[:1]
	want := `{
 "added": [],
 "changed": [
  {
   "path": "charges.FLAT_FEE.MONTHLY.price",
   "before": {
    "amount": 49,
    "currency": "usd"
   },
   "after": {
    "amount": 59.5,
    "currency": "usd"
   },
   "text": "charges.FLAT_FEE.MONTHLY.price was 49 usd and becomes 59.5 usd."
  }
 ],
 "removed": [
  {
   "path": "entitlements.sso",
   "value": {
    "id": "sso"
   },
   "text": "entitlements.sso is gone; it was granted."
  }
 ]
}`
	if d := cmp.Diff(want, written(Compare(&before, &after))); d != "" {
		t.Error(d)
	}
}

// What one way round is added, is removed the other way round.
func TestCompareBothWays(t *testing.T) {
	t.Parallel()
	features := meteredFeatures("api", "calls", "seats")
	version := func(t *rapid.T, label string) *Version {
		p := rapid.Custom(func(t *rapid.T) Pricing { return anyPricing(t, []string{"api", "seats"}, []string{"calls"}) }).Draw(t, label)
		var c errs.Checks
		if p.check(&c, ""); c.Failed() {
			t.Fatal(c.Err())
		}
		return &Version{DisplayName: "Pro", PricingType: p.Type, OveragePeriod: p.overagePeriod(), Prices: p.prices(features, time.Time{})}
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := version(t, "a"), version(t, "b")
		there, back := Compare(a, b), Compare(b, a)
		paths := func(list []Added) map[string]bool {
			m := map[string]bool{}
			for _, one := range list {
				m[one.Path] = true
			}
			return m
		}
		if d := cmp.Diff(paths(there.Added), paths(back.Removed)); d != "" {
			t.Fatalf("added, and removed on the way back:\n%s", d)
		}
		if len(there.Changed) != len(back.Changed) {
			t.Fatalf("%d changes, and %d on the way back", len(there.Changed), len(back.Changed))
		}
		if !Compare(a, a).Empty() {
			t.Fatalf("compared with itself: %v", texts(Compare(a, a)))
		}
	})
}
