package store_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/purserhq/purser/internal/base/clock"
	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/money"
	"github.com/purserhq/purser/internal/base/opt"
	"github.com/purserhq/purser/internal/base/page"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/event"
	"github.com/purserhq/purser/internal/core/journey"
	"github.com/purserhq/purser/internal/store"
	"github.com/purserhq/purser/internal/store/storetest"
)

// shelf is a catalog under test in one environment.
type shelf struct {
	*testing.T
	db       *store.DB
	env      tenant.ID
	ctx      context.Context
	products *catalog.Products
	features *catalog.Features
	plans    *catalog.Packages
}

func eachShelf(t *testing.T, fn func(s shelf)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		tx := store.As(db, func(st *store.Tx) catalog.Store { return st })
		fn(shelf{
			t, db, environment(t, db, 1), context.Background(),
			catalog.NewProducts(tx), catalog.NewFeatures(tx), catalog.NewPlans(tx, nil),
		})
	})
}

// in is the same catalog in another environment.
func (s shelf) in(env tenant.ID) shelf {
	s.env = environment(s.T, s.db, env)
	return s
}

func (s shelf) ok(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s shelf) refuses(err error, want *errs.Error) {
	s.Helper()
	if !errors.Is(err, want) {
		s.Errorf("got %v, want %s", err, want.Code)
	}
}

func (s shelf) product(id string) catalog.Product {
	s.Helper()
	p, err := s.products.Create(s.ctx, s.env, catalog.NewProduct{ID: id, DisplayName: id})
	s.ok(err)
	return p
}

func (s shelf) feature(id, typ, meter string) catalog.Feature {
	s.Helper()
	f, err := s.features.Create(s.ctx, s.env, catalog.NewFeature{ID: id, DisplayName: id, Type: typ, MeterType: meter})
	s.ok(err)
	return f
}

func (s shelf) plan(product, id, pricing string, trial *catalog.Trial) catalog.Package {
	s.Helper()
	p, err := s.plans.Create(s.ctx, s.env, catalog.NewPackage{
		ID: id, ProductID: product, DisplayName: id, PricingType: pricing, Trial: trial,
	})
	s.ok(err)
	return p
}

func (s shelf) published(product, id, pricing string, trial *catalog.Trial) {
	s.Helper()
	s.plan(product, id, pricing, trial)
	if pricing == catalog.Paid {
		s.price(id, "49.99")
	}
	s.publish(id)
}

func (s shelf) price(plan, amount string) {
	s.Helper()
	_, err := s.plans.Update(s.ctx, s.env, plan, catalog.PackageUpdate{Pricing: flatPrice(amount)})
	s.ok(err)
}

func flatPrice(amount string) *catalog.Pricing {
	return &catalog.Pricing{Type: catalog.Paid, Models: []catalog.PricingModel{{
		BillingModel: catalog.FlatFee,
		Periods: []catalog.PricePeriod{{
			BillingPeriod: catalog.Monthly, Price: &money.Money{Amount: money.MustDecimal(amount)},
		}},
	}}}
}

func (s shelf) publish(plan string) {
	s.Helper()
	_, err := s.plans.Publish(s.ctx, s.env, plan, "")
	s.ok(err)
}

func (s shelf) entitle(plan, feature string, u catalog.EntitlementUpdate) catalog.Entitlement {
	s.Helper()
	rows, err := s.plans.AddEntitlements(s.ctx, s.env, plan, []catalog.NewEntitlement{{Ref: feature, EntitlementUpdate: u}})
	s.ok(err)
	return rows.Rows[0]
}

func (s shelf) get(plan string, v catalog.View) catalog.Package {
	s.Helper()
	p, err := s.plans.Get(s.ctx, s.env, plan, v)
	s.ok(err)
	return p
}

func (s shelf) snapshot() *catalog.Snapshot {
	s.Helper()
	var snap *catalog.Snapshot
	s.ok(s.db.Read(s.ctx, s.env, func(st *store.Tx, _ time.Time) (err error) {
		snap, err = st.Catalog(s.ctx, s.env)
		return err
	}))
	return snap
}

// feed is what happened in the environment.
func (s shelf) feed() (list []event.Event) {
	s.Helper()
	var head int64
	s.ok(s.db.Read(s.ctx, 0, func(st *store.Tx, _ time.Time) (err error) {
		head, err = st.FeedHead(s.ctx)
		return err
	}))
	if head > 0 {
		s.ok(s.db.AwaitFinal(s.ctx, head-1))
	}
	s.ok(s.db.Read(s.ctx, s.env, func(st *store.Tx, _ time.Time) (err error) {
		list, err = st.Events(s.ctx, s.env, 0, head, 1000)
		return err
	}))
	return list
}

// events are the types in the environment's feed, and whom they are about.
func (s shelf) events() []string {
	s.Helper()
	var types []string
	for _, e := range s.feed() {
		types = append(types, e.Type+" "+e.Entity.ID)
	}
	return types
}

func (s shelf) same(what string, got, want any) {
	s.Helper()
	if d := cmp.Diff(want, got, cmp.Comparer(func(a, b money.Decimal) bool { return a.Equal(b) })); d != "" {
		s.Errorf("%s: %s", what, d)
	}
}

func TestCatalogReadsWhatWasWritten(t *testing.T) {
	t.Parallel()
	eachShelf(t, func(s shelf) {
		note, unit := "what it is", "call"
		made, err := s.products.Create(s.ctx, s.env, catalog.NewProduct{
			ID: "product", DisplayName: "Product", Description: &note, Metadata: map[string]string{"k": "v", "empty": ""},
			MultipleSubscriptions: true,
		})
		s.ok(err)
		read, err := s.products.Get(s.ctx, s.env, "product", true)
		s.ok(err)
		s.same("product", read, made)
		s.same("metadata", read.Metadata, map[string]string{"k": "v"})
		s.same("settings", read.Settings, journey.Defaults())

		calls, err := s.features.Create(s.ctx, s.env, catalog.NewFeature{
			ID: "calls", DisplayName: "Calls", Type: catalog.Number, MeterType: catalog.Incremental, Units: &unit,
		})
		s.ok(err)
		feature, err := s.features.Get(s.ctx, s.env, "calls")
		s.ok(err)
		s.same("feature", feature, calls)
		s.feature("sso", catalog.Boolean, "")

		s.plan("product", "pro", catalog.Paid, &catalog.Trial{Duration: 14, Units: "DAY", EndBehavior: "CONVERT_TO_PAID"})
		s.price("pro", "49.99")
		limited := s.entitle("pro", "calls", catalog.EntitlementUpdate{
			UsageLimit: opt.Some(int64(1000)), Soft: opt.Some(true), Order: opt.Some(0.5), ResetPeriod: opt.Some("MONTH"),
			Resets:      map[string]opt.Of[string]{"MONTH": opt.Some("StartOfTheMonth")},
			DisplayName: opt.Some("API calls"), HiddenFromWidgets: opt.Some([]string{catalog.Paywall}),
		})
		granted := s.entitle("pro", "sso", catalog.EntitlementUpdate{})
		s.publish("pro")
		latest := s.get("pro", catalog.Shown).Latest
		s.same("entitlements", latest.Entitlements, []catalog.Entitlement{limited, granted})
		s.same("price", latest.Prices[0].Price, &money.Money{Amount: money.MustDecimal("49.99"), Currency: money.USD})
		s.same("trial", latest.Trial, &catalog.Trial{Duration: 14, Units: "DAY", EndBehavior: "CONVERT_TO_PAID"})
		seen, err := s.plans.Entitlements(s.ctx, s.env, "pro", catalog.Public)
		s.ok(err)
		s.same("entitlements of a client", seen, []catalog.Entitlement{granted})

		s.same("events", s.events(), []string{
			"product.created product", "feature.created calls", "feature.created sso", "plan.draft_created pro",
			"plan.draft_updated pro", "feature.updated calls", "plan.draft_updated pro", "feature.updated sso",
			"plan.draft_updated pro", "plan.created pro",
		})
	})
}

func TestCatalogIdsAreUniquePerKindAndEnvironment(t *testing.T) {
	t.Parallel()
	eachShelf(t, func(s shelf) {
		s.product("x")
		s.feature("x", catalog.Boolean, "")
		s.plan("x", "x", catalog.Free, nil)
		_, err := s.products.Create(s.ctx, s.env, catalog.NewProduct{ID: "x", DisplayName: "again"})
		s.refuses(err, errs.Duplicated)
		_, err = s.features.Create(s.ctx, s.env, catalog.NewFeature{ID: "x", DisplayName: "again", Type: catalog.Boolean})
		s.refuses(err, errs.Duplicated)
		_, err = s.plans.Create(s.ctx, s.env, catalog.NewPackage{ID: "x", ProductID: "x", DisplayName: "again"})
		s.refuses(err, errs.Duplicated)

		other := s.in(2)
		_, err = other.products.Get(s.ctx, other.env, "x", false)
		s.refuses(err, catalog.ErrProductNotFound)
		_, err = other.features.Get(s.ctx, other.env, "x")
		s.refuses(err, catalog.ErrFeatureNotFound)
		_, err = other.plans.Get(s.ctx, other.env, "x", catalog.Shown)
		s.refuses(err, catalog.ErrPlanNotFound)
		_, err = other.plans.Update(s.ctx, other.env, "x", catalog.PackageUpdate{})
		s.refuses(err, catalog.ErrPlanNotFound)
		_, err = other.plans.Create(s.ctx, other.env, catalog.NewPackage{ID: "y", ProductID: "x", DisplayName: "y"})
		s.refuses(err, catalog.ErrProductNotFound)
		other.product("x")
		if len(other.events()) != 1 {
			s.Errorf("events of the other environment: %v", other.events())
		}
	})
}

func TestJourneySettingsAreCheckedAgainstThePlans(t *testing.T) {
	t.Parallel()
	eachShelf(t, func(s shelf) {
		s.product("product")
		s.product("other")
		s.published("product", "free", catalog.Free, nil)
		s.published("product", "pro", catalog.Paid, &catalog.Trial{Duration: 14, Units: "DAY"})
		s.plan("product", "draft", catalog.Free, nil)
		update := func(js journey.Settings) error {
			_, err := s.products.Update(s.ctx, s.env, "product", catalog.ProductUpdate{Settings: &js})
			return err
		}
		for _, plan := range []journey.PlanID{"", "pro", "draft", "missing"} {
			s.refuses(update(journey.Settings{StartSetup: journey.FreePlan, StartPlanID: plan}), errs.InvalidArgument)
		}
		s.refuses(update(journey.Settings{StartSetup: journey.TrialPeriod, StartPlanID: "free"}), errs.InvalidArgument)
		s.refuses(update(journey.Settings{CancelWithProductIDs: []string{"missing"}}), errs.InvalidArgument)
		s.ok(update(journey.Settings{
			StartSetup: journey.TrialPeriod, StartPlanID: "pro", EndSetup: journey.DowngradeToFree, DowngradePlanID: "free",
			CancelWithProductIDs: []string{"other"},
		}))

		for _, plan := range []string{"pro", "free"} {
			_, err := s.plans.CreateDraft(s.ctx, s.env, plan)
			s.ok(err)
		}
		_, err := s.plans.Update(s.ctx, s.env, "pro", catalog.PackageUpdate{Trial: opt.Null[catalog.Trial]()})
		s.ok(err)
		_, err = s.plans.Publish(s.ctx, s.env, "pro", "")
		s.refuses(err, catalog.ErrDefaultStartPlan)
		s.price("free", "5")
		_, err = s.plans.Publish(s.ctx, s.env, "free", "")
		s.refuses(err, catalog.ErrDowngradePlan)
		s.ok(update(journey.Settings{}))
		s.publish("pro")
		s.publish("free")
		p, err := s.products.Get(s.ctx, s.env, "product", true)
		s.ok(err)
		s.same("settings", p.Settings, journey.Defaults())
	})
}

func TestArchiveProductWithItsPlans(t *testing.T) {
	t.Parallel()
	eachShelf(t, func(s shelf) {
		s.product("product")
		s.published("product", "free", catalog.Free, nil)
		s.plan("product", "draft", catalog.Free, nil)
		for range 2 {
			p, err := s.products.Archive(s.ctx, s.env, "product")
			s.ok(err)
			if p.Status != catalog.Archived || p.Version != 2 {
				s.Errorf("archived product: %+v", p)
			}
		}
		_, err := s.plans.CreateDraft(s.ctx, s.env, "free")
		s.refuses(err, catalog.ErrNoDraft)
		_, err = s.plans.Publish(s.ctx, s.env, "draft", "")
		s.refuses(err, catalog.ErrNoDraft)
		_, err = s.plans.Create(s.ctx, s.env, catalog.NewPackage{ID: "new", ProductID: "product", DisplayName: "new"})
		s.refuses(err, errs.InvalidArgument)
		_, err = s.products.Get(s.ctx, s.env, "product", true)
		s.refuses(err, catalog.ErrProductNotFound)
		if plan, _ := s.snapshot().Plan("free"); plan.Status != catalog.Archived {
			s.Errorf("snapshot: %+v", plan)
		}

		_, err = s.products.Unarchive(s.ctx, s.env, "product")
		s.ok(err)
		for plan, want := range map[string]string{"free": catalog.Published, "draft": catalog.Draft} {
			if p := s.get(plan, catalog.Shown); p.Status != want || p.ArchivedWith {
				s.Errorf("unarchived %s: %+v", plan, p)
			}
		}
		s.same("events", s.events()[4:], []string{
			"plan.deleted free", "plan.deleted draft", "product.deleted product",
			"plan.unarchived free", "plan.unarchived draft", "product.unarchived product",
		})
	})
}

func TestDuplicateProduct(t *testing.T) {
	t.Parallel()
	eachShelf(t, func(s shelf) {
		s.product("product")
		s.feature("sso", catalog.Boolean, "")
		s.plan("product", "pro", catalog.Paid, &catalog.Trial{Duration: 14, Units: "DAY"})
		s.price("pro", "49")
		s.entitle("pro", "sso", catalog.EntitlementUpdate{})
		s.publish("pro")
		s.plan("product", "draft", "", nil)
		_, err := s.products.Update(s.ctx, s.env, "product", catalog.ProductUpdate{
			Settings: &journey.Settings{StartSetup: journey.TrialPeriod, StartPlanID: "pro"},
		})
		s.ok(err)

		c, err := s.products.Duplicate(s.ctx, s.env, "product", catalog.Duplicate{TargetID: "copy", Description: opt.Some("a copy")})
		s.ok(err)
		if c.DisplayName != "product" || *c.Description != "a copy" || c.Settings.StartPlanID != "pro-copy" {
			s.Errorf("copy: %+v", c)
		}
		pro := s.get("pro-copy", catalog.Public)
		if pro.ProductRefID != "copy" || len(pro.Latest.Entitlements) != 1 || len(pro.Latest.Prices) != 1 || pro.Latest.Trial == nil {
			s.Errorf("copied plan: %+v", pro.Latest)
		}
		if d := s.get("draft-copy", catalog.InDraft); d.Draft.Number != 1 {
			s.Errorf("copied draft: %+v", d)
		}
		_, err = s.products.Update(s.ctx, s.env, "copy", catalog.ProductUpdate{Settings: &c.Settings})
		s.ok(err)
		_, err = s.products.Duplicate(s.ctx, s.env, "product", catalog.Duplicate{TargetID: "copy"})
		s.refuses(err, errs.Duplicated)
	})
}

func TestCatalogLists(t *testing.T) {
	t.Parallel()
	eachShelf(t, func(s shelf) {
		for i := range 5 {
			s.product(fmt.Sprintf("p%d", i))
			s.published(fmt.Sprintf("p%d", i), fmt.Sprintf("k%d", i), catalog.Free, nil)
		}
		s.plan("p0", "draft", catalog.Free, nil)
		_, err := s.products.Archive(s.ctx, s.env, "p4")
		s.ok(err)
		plans := func(f catalog.PackageFilter, r page.Request) (names []string, p page.Of[catalog.Package]) {
			p, err := s.plans.List(s.ctx, s.env, f, r)
			s.ok(err)
			for _, plan := range p.Items {
				names = append(names, plan.RefID)
			}
			return names, p
		}
		all := page.Request{Limit: 100}
		for _, tc := range []struct {
			name string
			f    catalog.PackageFilter
			want []string
		}{
			{"unarchived", catalog.PackageFilter{}, []string{"k0", "k1", "k2", "k3", "draft"}},
			{"archived", catalog.PackageFilter{Status: []string{catalog.Archived}}, []string{"k4"}},
			{"several", catalog.PackageFilter{Status: []string{catalog.Archived, catalog.Draft}}, []string{"k4", "draft"}},
			{"of a product", catalog.PackageFilter{ProductID: "p0"}, []string{"k0", "draft"}},
			{"visible", catalog.PackageFilter{VisibleOnly: true}, []string{"k0", "k1", "k2", "k3"}},
			{"of the future", catalog.PackageFilter{Created: page.Range{GT: clock.System{}.Now().Add(time.Hour)}}, nil},
			{"of the past", catalog.PackageFilter{ProductID: "p1", Created: page.Range{LTE: clock.System{}.Now().Add(time.Hour)}}, []string{"k1"}},
		} {
			got, _ := plans(tc.f, all)
			s.same(tc.name, got, tc.want)
		}

		got, first := plans(catalog.PackageFilter{}, page.Request{Limit: 2})
		s.same("first page", got, []string{"k0", "k1"})
		got, second := plans(catalog.PackageFilter{}, page.Request{Limit: 2, After: first.Next})
		s.same("second page", got, []string{"k2", "k3"})
		got, _ = plans(catalog.PackageFilter{}, page.Request{Limit: 2, Before: second.Prev})
		s.same("back", got, []string{"k0", "k1"})

		_, err = s.products.List(s.ctx, s.env, catalog.ProductFilter{}, page.Request{Limit: 2, After: first.Next})
		s.refuses(err, errs.BadUserInput)
		other := s.in(2)
		_, err = other.plans.List(s.ctx, other.env, catalog.PackageFilter{}, page.Request{Limit: 2, After: first.Next})
		s.refuses(err, errs.BadUserInput)
		none, err := other.products.List(s.ctx, other.env, catalog.ProductFilter{Status: []string{catalog.Published, catalog.Archived}}, all)
		s.ok(err)
		s.same("another environment", len(none.Items), 0)
	})
}

func TestFeatureFilters(t *testing.T) {
	t.Parallel()
	eachShelf(t, func(s shelf) {
		s.feature("sso", catalog.Boolean, "")
		s.feature("days", catalog.Number, "")
		s.feature("calls", catalog.Number, catalog.Incremental)
		for want, f := range map[string]catalog.FeatureFilter{
			"[sso days calls]": {},
			"[days calls]":     {Types: []string{catalog.Number}},
			"[sso days]":       {Meters: []string{catalog.NoMeter}},
			"[calls]":          {ID: "calls"},
			"[]":               {Status: []string{catalog.FeatureSuspended}},
		} {
			p, err := s.features.List(s.ctx, s.env, f, page.Request{Limit: 10})
			s.ok(err)
			names := []string{}
			for _, feature := range p.Items {
				names = append(names, feature.RefID)
			}
			s.same("features", fmt.Sprint(names), want)
		}
		f, err := s.features.Update(s.ctx, s.env, "calls", catalog.FeatureUpdate{Units: opt.Some("call")})
		s.ok(err)
		s.same("units", *f.Units, "call")
	})
}

func TestCatalogActor(t *testing.T) {
	t.Parallel()
	eachShelf(t, func(s shelf) {
		s.ctx = event.WithActor(s.ctx, event.System("test"))
		s.product("product")
		first := s.feed()[0]
		s.same("actor", first.Actor, event.System("test"))
		s.same("entity", first.Entity, event.Entity{Type: "product", ID: "product"})
	})
}
