package catalog

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/money"
)

// shop makes snapshots: every package is of the product "p", published and its version's id is its own.
type shop struct {
	product  Product
	packages []Package
}

func newShop(order ...string) *shop {
	return &shop{product: Product{ID: "1", RefID: "p", Status: Published, PlanOrder: order}}
}

func (s *shop) add(kind Kind, ref string, v Version, change ...func(*Package)) *shop {
	v.ID, v.PackageID = string(kind)+ref, string(kind)+ref
	p := Package{ID: string(kind) + ref, Kind: kind, RefID: ref, ProductID: "1", ProductRefID: "p", Status: Published, Latest: &v}
	for _, f := range change {
		f(&p)
	}
	s.packages = append(s.packages, p)
	return s
}

func (s *shop) plan(ref string, v Version, change ...func(*Package)) *shop {
	return s.add(KindPlan, ref, v, change...)
}

func (s *shop) addon(ref string, v Version, change ...func(*Package)) *shop {
	return s.add(KindAddon, ref, v, change...)
}

func (s *shop) table(t *testing.T, country string, currency money.Currency) PricingTable {
	t.Helper()
	got, err := NewSnapshot(1, []Product{s.product}, []Feature{sso, days, calls}, s.packages).PricingTable("p", country, currency)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func offered(list []Offer) []string {
	refs := []string{}
	for _, o := range list {
		refs = append(refs, o.RefID)
	}
	return refs
}

func sold(prices ...Price) Version { return Version{PricingType: Paid, Prices: prices} }

func costing(model, period, amount string) Price {
	return Price{BillingModel: model, BillingCadence: Recurring, BillingPeriod: period, Price: usd(amount)}
}

func TestOrderOfPlans(t *testing.T) {
	t.Parallel()
	plans := func(order ...string) *shop {
		return newShop(order...).
			plan("a-custom", Version{PricingType: Custom}).
			plan("b-dear", sold(costing(FlatFee, Monthly, "50"))).
			plan("c-cheap", sold(costing(FlatFee, Monthly, "9"))).
			plan("d-annual", sold(costing(FlatFee, Annually, "120"))). // 10 a month
			plan("e-free", Version{PricingType: Free}).
			plan("f-free", Version{PricingType: Free})
	}
	for _, tc := range []struct {
		name  string
		order []string
		want  []string
	}{
		{"by itself", nil, []string{"e-free", "f-free", "c-cheap", "d-annual", "b-dear", "a-custom"}},
		{"all set", []string{"b-dear", "a-custom", "f-free", "d-annual", "c-cheap", "e-free"}, []string{"b-dear", "a-custom", "f-free", "d-annual", "c-cheap", "e-free"}},
		{"some set", []string{"a-custom", "d-annual"}, []string{"a-custom", "d-annual", "e-free", "f-free", "c-cheap", "b-dear"}},
		{"one that is not there", []string{"nothing", "b-dear"}, []string{"b-dear", "e-free", "f-free", "c-cheap", "d-annual", "a-custom"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if d := cmp.Diff(tc.want, offered(plans(tc.order...).table(t, "", "").Plans)); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestStartingPrice(t *testing.T) {
	t.Parallel()
	seats := func(period, amount string, least *int64) Price {
		return with(costing(PerUnit, period, amount), func(p *Price) { p.FeatureRefID, p.MinQuantity = "seats", least })
	}
	tiers := with(tiered(Graduated, tier(2, "10", "1"), tier(0, "5", "")), func(p *Price) {
		p.BillingModel, p.BillingCadence, p.BillingPeriod, p.MinQuantity = PerUnit, Recurring, Monthly, ptr(int64(3))
	})
	once := with(costing(FlatFee, Monthly, "1000"), func(p *Price) { p.BillingCadence = OneOff })
	overage := with(costing(UsageBased, Monthly, "1000"), func(p *Price) { p.Overage = true })
	for _, tc := range []struct {
		name  string
		given []Price
		want  string
	}{
		{"nothing", nil, "0"},
		{"a monthly fee", []Price{costing(FlatFee, Monthly, "10")}, "120"},
		{"an annual fee", []Price{costing(FlatFee, Annually, "100")}, "100"},
		{"the cheaper of both", []Price{costing(FlatFee, Monthly, "10"), costing(FlatFee, Annually, "100")}, "100"},
		{"the cheaper of both, monthly", []Price{costing(FlatFee, Monthly, "10"), costing(FlatFee, Annually, "130")}, "120"},
		{"a fee, seats and a minimum", []Price{costing(FlatFee, Monthly, "10"), seats(Monthly, "2", nil), costing(MinimumSpend, Monthly, "5")}, "204"},
		{"the least seats", []Price{seats(Monthly, "2", ptr(int64(5)))}, "120"},
		{"no seats", []Price{seats(Monthly, "2", ptr(int64(0)))}, "0"},
		{"the least seats in tiers", []Price{tiers}, "312"},
		{"usage is nothing", []Price{costing(FlatFee, Monthly, "1"), costing(UsageBased, Monthly, "1000")}, "12"},
		{"overage and what is charged once are nothing", []Price{costing(FlatFee, Monthly, "1"), once, overage}, "12"},
	} {
		if got := yearly(tc.given); !got.Equal(money.MustDecimal(tc.want)) {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.want)
		}
	}
}

func TestHiddenPackagesAreLeftOut(t *testing.T) {
	t.Parallel()
	hidden := func(p *Package) { p.HiddenFromWidgets = []string{Paywall} }
	archived := func(p *Package) { p.Status = Archived }
	draft := func(p *Package) { p.Status, p.Draft, p.Latest = Draft, p.Latest, nil }
	free := Version{PricingType: Free}
	pro := Version{PricingType: Free, Compatible: []string{"a", "archived", "draft", "hidden", "nothing", "z"}}
	got := newShop("hidden", "pro").
		plan("pro", pro).plan("hidden", free, hidden).plan("archived", free, archived).plan("draft", free, draft).
		plan("portal", free, func(p *Package) { p.HiddenFromWidgets = []string{"CUSTOMER_PORTAL"} }).
		addon("z", free).addon("a", free).addon("hidden", free, hidden).addon("archived", free, archived).addon("draft", free, draft).addon("other", free).
		table(t, "", "")
	if d := cmp.Diff([]string{"pro", "portal"}, offered(got.Plans)); d != "" {
		t.Fatalf("plans: %s", d)
	}
	if d := cmp.Diff([]string{"a", "z"}, offered(got.Plans[0].Addons)); d != "" {
		t.Errorf("add-ons: %s", d)
	}
}

func TestOfferedEntitlements(t *testing.T) {
	t.Parallel()
	row := func(f Feature, limit int64, change ...func(*Entitlement)) Entitlement {
		e := Entitlement{Type: FeatureEntitlement, FeatureID: f.ID, FeatureRefID: f.RefID, Granted: true, UsageLimit: &limit}
		for _, c := range change {
			c(&e)
		}
		return e
	}
	hidden := func(e *Entitlement) { e.HiddenFromWidgets = []string{Paywall} }
	overage := Price{Overage: true, BillingModel: UsageBased, BillingCadence: Recurring, BillingPeriod: Monthly, FeatureID: calls.ID, FeatureRefID: calls.RefID, Price: usd("1")}
	tokens := Entitlement{Type: CreditEntitlement, CurrencyID: "feature-sso", Granted: true}
	s := newShop("top", "mid", "base").
		plan("base", Version{PricingType: Free, Entitlements: []Entitlement{row(sso, 0), row(days, 7), row(calls, 1)}}).
		plan("mid", Version{PricingType: Paid, ParentID: "base", Entitlements: []Entitlement{row(calls, 2)}, Prices: []Price{overage}}).
		plan("top", Version{PricingType: Paid, ParentID: "mid", Entitlements: []Entitlement{tokens, row(days, 9, hidden)}})
	type line struct {
		Ref, Feature, From string
		Limit              int64
		Soft               bool
	}
	want := map[string][]line{
		"base": {{"feature-sso", "feature-sso", "", 0, false}, {"feature-days", "feature-days", "", 7, false}, {"feature-calls", "feature-calls", "", 1, false}},
		"mid":  {{"feature-calls", "feature-calls", "", 2, true}, {"feature-sso", "feature-sso", "base", 0, false}, {"feature-days", "feature-days", "base", 7, false}},
		// Its own days are hidden, and with them the inherited ones; credits are no feature; overage is not inherited.
		"top": {{"feature-sso", "", "", -1, false}, {"feature-calls", "feature-calls", "mid", 2, false}, {"feature-sso", "feature-sso", "base", 0, false}},
	}
	for _, plan := range s.table(t, "", "").Plans {
		var got []line
		for _, e := range plan.Entitlements {
			one := line{Ref: e.Ref(), From: e.InheritedFrom, Limit: -1, Soft: e.Soft}
			if e.Feature != nil {
				one.Feature, one.Limit = e.Feature.RefID, *e.UsageLimit
			}
			got = append(got, one)
		}
		if d := cmp.Diff(want[plan.RefID], got); d != "" {
			t.Errorf("%s: %s", plan.RefID, d)
		}
	}
}

func TestOffersInOneCurrency(t *testing.T) {
	t.Parallel()
	local := func(usdPrice, eurPrice string, countries ...string) Version {
		v := sold(costing(FlatFee, Monthly, usdPrice))
		for _, country := range countries {
			v.Prices = append(v.Prices, with(v.Prices[0], func(p *Price) { p.Country, p.Price = country, in("eur", eurPrice) }))
		}
		return v
	}
	plan := local("10", "9", "DE", "FR")
	plan.Compatible = []string{"dollars", "seats"}
	// In France the add-on has no price of its own: it is sold at the one in the plan's currency.
	s := newShop().plan("pro", plan).addon("seats", local("2", "1", "AT", "DE")).addon("dollars", local("3", ""))
	for _, tc := range []struct {
		name, country        string
		currency             money.Currency
		plan, seats, dollars string
	}{
		{"default", "", "", "10 usd", "2 usd", "3 usd"},
		{"a country", "DE", "", "9 eur", "1 eur", "3 usd"},
		{"a country without the add-on's price", "FR", "", "9 eur", "1 eur", "3 usd"},
		{"a country with the add-on's price alone", "AT", "", "10 usd", "2 usd", "3 usd"},
		{"a currency", "", "eur", "9 eur", "1 eur", "3 usd"},
		{"the default's currency", "DE", "usd", "10 usd", "2 usd", "3 usd"},
		{"a currency that nobody has", "DE", "jpy", "9 eur", "1 eur", "3 usd"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			o := s.table(t, tc.country, tc.currency).Plans[0]
			got := []string{o.Prices[0].Price.String(), o.Addons[1].Prices[0].Price.String(), o.Addons[0].Prices[0].Price.String()}
			if d := cmp.Diff([]string{tc.plan, tc.seats, tc.dollars}, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestProductOfThePricingTable(t *testing.T) {
	t.Parallel()
	product := func(ref string, change ...func(*Product)) Product {
		p := Product{ID: ref, RefID: ref, Status: Published}
		for _, f := range change {
			f(&p)
		}
		return p
	}
	standard := func(p *Product) { p.IsDefault = true }
	archived := func(p *Product) { p.Status = Archived }
	for _, tc := range []struct {
		name  string
		given []Product
		ask   string
		want  string
		err   error
	}{
		{"named", []Product{product("a"), product("b", standard)}, "a", "a", nil},
		{"the default", []Product{product("a"), product("b", standard)}, "", "b", nil},
		{"the only one", []Product{product("a"), product("b", archived)}, "", "a", nil},
		{"the only one beside an archived default", []Product{product("a"), product("b", standard, archived)}, "", "a", nil},
		{"the only one that sells anything", []Product{product("a"), product("bare", standard)}, "", "a", nil},
		{"nobody sells anything", []Product{product("bare")}, "", "", ErrProductNotFound},
		{"one of several", []Product{product("a"), product("b")}, "", "", errs.InvalidArgument},
		{"none", nil, "", "", ErrProductNotFound},
		{"unknown", []Product{product("a")}, "x", "", ErrProductNotFound},
		{"archived", []Product{product("a", archived)}, "a", "", ErrProductNotFound},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var plans []Package
			for _, p := range tc.given {
				if p.RefID != "bare" {
					plans = append(plans, Package{
						ID: p.ID + "1", Kind: KindPlan, RefID: p.ID + "-plan", ProductID: p.ID, Status: Published, Latest: &Version{PackageID: p.ID + "1", PricingType: Free},
					})
				}
			}
			got, err := NewSnapshot(1, tc.given, nil, plans).PricingTable(tc.ask, "", "")
			if !errors.Is(err, tc.err) {
				t.Fatalf("got %v, want %v", err, tc.err)
			}
			if err == nil && (got.Product.RefID != tc.want || len(got.Plans) != 1) {
				t.Errorf("got %+v", got)
			}
		})
	}
}
