package entitlement_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/purserhq/purser/internal/base/clock"
	"github.com/purserhq/purser/internal/base/id"
	"github.com/purserhq/purser/internal/base/money"
	"github.com/purserhq/purser/internal/base/opt"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/base/tx"
	"github.com/purserhq/purser/internal/core/account"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/customer"
	"github.com/purserhq/purser/internal/core/entitlement"
	"github.com/purserhq/purser/internal/core/event"
	"github.com/purserhq/purser/internal/core/journey"
	"github.com/purserhq/purser/internal/core/provisioning"
	"github.com/purserhq/purser/internal/core/rules"
	"github.com/purserhq/purser/internal/store"
	"github.com/purserhq/purser/internal/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

const env = account.Development

var begin = time.Date(2026, 1, 15, 10, 0, 0, 0, time.UTC)

// shop sells plan-free (one seat), plan-pro (reports, unlimited seats; 14-day trial, then down to plan-free), and
// plan-team, which is like plan-pro and sold per resource.
type shop struct {
	*entitlement.Service
	t         *testing.T
	ctx       context.Context
	clock     *clock.Manual
	clocks    *account.Clocks
	cache     *entitlement.Cache
	reads     *atomic.Int64 // read transactions of the service
	settled   *atomic.Int64
	customers *provisioning.Service
	features  *catalog.Features
	plans     *catalog.Packages
}

// eachShop runs a test on every engine.
func eachShop(t *testing.T, fn func(s *shop)) {
	t.Helper()
	t.Parallel()
	storetest.EachConfig(t, func(t *testing.T, cfg store.Config) {
		c := clock.At(begin)
		cfg.Clock = c
		fn(open(t, storetest.Open(t, cfg), c))
	})
}

func open(t *testing.T, db *store.DB, c *clock.Manual) *shop {
	t.Helper()
	accounts := account.NewService(store.As(db, func(t *store.Tx) account.Store { return t }), id.Source{}, c)
	cat := store.As(db, func(t *store.Tx) catalog.Store { return t })
	s := &shop{
		t: t, ctx: event.WithActor(t.Context(), event.System("test")), clock: c, clocks: account.NewClocks(c),
		cache: entitlement.NewCache(1000), reads: new(atomic.Int64), settled: new(atomic.Int64),
		customers: provisioning.NewService(store.As(db, func(t *store.Tx) provisioning.Store { return t }), []byte("key")),
		features:  catalog.NewFeatures(cat), plans: catalog.NewPlans(cat, nil),
	}
	db.OnCommit(s.cache.Observe)
	db.OnCommit(s.clocks.Observe)
	settler := entitlement.SettlerFunc(func(ctx context.Context, env tenant.ID, ref string) error {
		s.settled.Add(1)
		return s.customers.Settle(ctx, env, ref)
	})
	s.Service = entitlement.NewService(counted{store.As(db, func(t *store.Tx) entitlement.Store { return t }), s.reads},
		db, s.clocks, settler, s.cache)
	_, err := accounts.Bootstrap(s.ctx, account.First{Name: "Test"})
	s.ok(err)
	s.stock(catalog.NewProducts(cat))
	return s
}

// counted counts the reads of a runner.
type counted struct {
	tx.Runner[entitlement.Store]
	reads *atomic.Int64
}

func (c counted) Read(ctx context.Context, env tenant.ID, fn func(entitlement.Store, time.Time) error) error {
	c.reads.Add(1)
	return c.Runner.Read(ctx, env, fn)
}

func (s *shop) stock(products *catalog.Products) {
	s.t.Helper()
	for product, many := range map[string]bool{"product-demo": false, "product-team": true} {
		_, err := products.Create(s.ctx, env, catalog.NewProduct{ID: product, DisplayName: product, MultipleSubscriptions: many})
		s.ok(err)
	}
	for _, f := range []catalog.NewFeature{
		{ID: "reports", DisplayName: "Reports", Type: catalog.Boolean},
		{ID: "exports", DisplayName: "Exports", Type: catalog.Boolean},
		{ID: "seats", DisplayName: "Seats", Type: catalog.Number, MeterType: catalog.Fluctuating},
	} {
		_, err := s.features.Create(s.ctx, env, f)
		s.ok(err)
	}
	trial := &catalog.Trial{Duration: 14, Units: "DAY"}
	s.plan("product-demo", "plan-free", nil, seats(1))
	s.plan("product-demo", "plan-pro", trial, unlimitedSeats, catalog.NewEntitlement{Ref: "reports"})
	s.plan("product-team", "plan-team", trial, unlimitedSeats, catalog.NewEntitlement{Ref: "reports"})
	settings := journey.Settings{EndSetup: journey.DowngradeToFree, DowngradePlanID: "plan-free"}.Normalise()
	_, err := products.Update(s.ctx, env, "product-demo", catalog.ProductUpdate{Settings: &settings})
	s.ok(err)
}

func seats(n int64) catalog.NewEntitlement {
	return catalog.NewEntitlement{Ref: "seats", EntitlementUpdate: catalog.EntitlementUpdate{UsageLimit: opt.Some(n)}}
}

var unlimitedSeats = catalog.NewEntitlement{Ref: "seats", EntitlementUpdate: catalog.EntitlementUpdate{Unlimited: opt.Some(true)}}

func (s *shop) plan(product, ref string, trial *catalog.Trial, entitlements ...catalog.NewEntitlement) {
	s.t.Helper()
	p := catalog.NewPackage{ID: ref, DisplayName: ref, ProductID: product, PricingType: catalog.Free}
	if trial != nil {
		p.PricingType, p.Trial = catalog.Paid, trial
	}
	_, err := s.plans.Create(s.ctx, env, p)
	s.ok(err)
	_, err = s.plans.AddEntitlements(s.ctx, env, ref, entitlements)
	s.ok(err)
	if trial != nil {
		price := money.Money{Amount: money.MustDecimal("49"), Currency: money.USD}
		_, err = s.plans.Update(s.ctx, env, ref, catalog.PackageUpdate{Pricing: &catalog.Pricing{
			Type: catalog.Paid,
			Models: []catalog.PricingModel{{
				BillingModel: catalog.FlatFee, Periods: []catalog.PricePeriod{{BillingPeriod: catalog.Monthly, Price: &price}},
			}},
		}})
		s.ok(err)
	}
	_, err = s.plans.Publish(s.ctx, env, ref, "")
	s.ok(err)
}

// provision makes a customer on a plan, for a resource; each is "" for none.
func (s *shop) provision(ref, plan, resource string) {
	s.t.Helper()
	s.ok(s.create(ref, plan, resource))
}

func (s *shop) create(ref, plan, resource string) error {
	r := provisioning.Request{New: customer.New{ID: ref}}
	if plan != "" {
		r.Subscription = &provisioning.Params{PlanID: plan}
	}
	if resource != "" {
		r.Subscription.ResourceID = &resource
	}
	_, err := s.customers.Provision(s.ctx, env, r)
	return err
}

// check returns the reason of a check, "" for a grant.
func (s *shop) check(ref, feature, resource string, ask rules.Ask) rules.Reason {
	s.t.Helper()
	a, err := s.Check(s.ctx, env, ref, feature, resource, ask)
	s.ok(err)
	if a.Granted != (a.Reason == "") {
		s.t.Errorf("granted %v for reason %q", a.Granted, a.Reason)
	}
	return a.Reason
}

func (s *shop) ok(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}
