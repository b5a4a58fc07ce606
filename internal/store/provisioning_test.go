package store_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/purserhq/purser/internal/base/clock"
	"github.com/purserhq/purser/internal/base/errs"
	"github.com/purserhq/purser/internal/base/id"
	"github.com/purserhq/purser/internal/base/money"
	"github.com/purserhq/purser/internal/base/page"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/core/account"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/customer"
	"github.com/purserhq/purser/internal/core/event"
	"github.com/purserhq/purser/internal/core/journey"
	"github.com/purserhq/purser/internal/core/provisioning"
	"github.com/purserhq/purser/internal/core/subscription"
	"github.com/purserhq/purser/internal/store"
	"github.com/purserhq/purser/internal/store/storetest"
)

const env = tenant.ID(1)

// shop is a database with the account, product-demo and its three plans.
type shop struct {
	*provisioning.Service
	products *catalog.Products
	db       *store.DB
	ctx      context.Context
}

func openShop(t *testing.T, db *store.DB) shop {
	t.Helper()
	ctx := event.WithActor(context.Background(), event.System("test"))
	accounts := store.As(db, func(t *store.Tx) account.Store { return t })
	if _, err := account.NewService(accounts, id.Source{}, clock.System{}).Bootstrap(ctx, account.First{Name: "Test"}); err != nil {
		t.Fatal(err)
	}
	cat := store.As(db, func(t *store.Tx) catalog.Store { return t })
	s := shop{
		Service:  provisioning.NewService(store.As(db, func(t *store.Tx) provisioning.Store { return t }), []byte("key")),
		products: catalog.NewProducts(cat), db: db, ctx: ctx,
	}
	plans := catalog.NewPlans(cat, nil)
	must(t)(s.products.Create(ctx, env, catalog.NewProduct{ID: "product-demo", DisplayName: "Demo"}))
	must(t)(catalog.NewFeatures(cat).Create(ctx, env, catalog.NewFeature{ID: "feature-reports", DisplayName: "Reports", Type: catalog.Boolean}))
	for _, p := range []catalog.NewPackage{
		{ID: "plan-free", PricingType: catalog.Free},
		{ID: "plan-basic", PricingType: catalog.Free},
		{ID: "plan-pro", PricingType: catalog.Paid, Trial: &catalog.Trial{Duration: 14, Units: "DAY"}},
	} {
		p.DisplayName, p.ProductID = p.ID, "product-demo"
		must(t)(plans.Create(ctx, env, p))
		must(t)(plans.AddEntitlements(ctx, env, p.ID, []catalog.NewEntitlement{{Ref: "feature-reports"}}))
		if p.PricingType == catalog.Paid {
			price := money.Money{Amount: money.MustDecimal("49"), Currency: money.USD}
			must(t)(plans.Update(ctx, env, p.ID, catalog.PackageUpdate{Pricing: &catalog.Pricing{
				Type: catalog.Paid,
				Models: []catalog.PricingModel{{
					BillingModel: catalog.FlatFee, Periods: []catalog.PricePeriod{{BillingPeriod: catalog.Monthly, Price: &price}},
				}},
			}}))
		}
		must(t)(plans.Publish(ctx, env, p.ID, ""))
	}
	return s
}

// must fails the test on an error and drops the result.
func must(t *testing.T) func(any, error) {
	return func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
}

func (s shop) journey(t *testing.T, settings journey.Settings) {
	t.Helper()
	must(t)(s.products.Update(s.ctx, env, "product-demo", catalog.ProductUpdate{Settings: &settings}))
}

func ask(customerID, plan string) provisioning.Request {
	name := "Ada " + customerID
	return provisioning.Request{
		New: customer.New{ID: customerID, Name: &name}, Subscription: &provisioning.Params{PlanID: plan},
	}
}

func TestTrialJourney(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := openShop(t, db)
		s.journey(t, journey.Settings{
			StartSetup: journey.TrialPeriod, StartPlanID: "plan-pro", EndSetup: journey.DowngradeToFree, DowngradePlanID: "plan-free",
		}.Normalise())
		got, err := s.Provision(s.ctx, env, ask("c1", "plan-basic"))
		if err != nil {
			t.Fatal(err)
		}
		if got.Subscription.Status != subscription.InTrial || got.Subscription.PlanRef != "plan-pro" ||
			got.Strategy != "PREDEFINED_TRIAL_PLAN" || len(got.Entitlements) != 1 || !got.Customer.HasTried("product-demo") {
			t.Fatalf("provisioned: %+v, %+v", got, got.Subscription)
		}
		end := *got.Subscription.TrialEndDate
		if _, err := s.MoveClock(s.ctx, env, end.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		old, err := s.Subscription(s.ctx, env, got.Subscription.RefID)
		if err != nil || old.Status != subscription.Expired || old.CancelReason != subscription.TrialEnded || !old.EndDate.Equal(end) {
			t.Fatalf("after the trial: %+v, %v", old.Subscription, err)
		}
		again, err := s.Provision(s.ctx, env, ask("c1", "plan-basic"))
		if err != nil || !again.Repeated || again.Subscription.Status != subscription.Expired || len(again.Entitlements) != 1 {
			t.Fatalf("repeat: %+v, %v", again, err)
		}
		types := feedTypes(t, db)
		want := "subscription.trial_started entitlements.updated subscription.trial.ends_soon subscription.trial_expired subscription.created entitlements.updated environment.clock_moved"
		if !strings.HasSuffix(types, want) {
			t.Errorf("feed ends with %s\nwant %s", types, want)
		}
	})
}

func feedTypes(t *testing.T, db *store.DB) string {
	t.Helper()
	var names []string
	for _, e := range wholeFeed(t, db) {
		names = append(names, e.Type)
	}
	return strings.Join(names, " ")
}

func pageOf(limit int) page.Request { return page.Request{Limit: limit} }

func TestProvisionIsSafeToRepeatAndToRace(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := openShop(t, db)
		var wg sync.WaitGroup
		var mu sync.Mutex
		firsts, ids := 0, map[string]bool{}
		for range 200 {
			wg.Go(func() {
				got, err := s.Provision(s.ctx, env, ask("c1", "plan-basic"))
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					t.Errorf("provision: %v", err)
					return
				}
				if !got.Repeated {
					firsts++
				}
				ids[got.Customer.ID+got.Subscription.ID] = true
			})
		}
		wg.Wait()
		if firsts != 1 || len(ids) != 1 {
			t.Errorf("%d requests made the customer, as %d customers", firsts, len(ids))
		}
		_, err := s.Provision(s.ctx, env, ask("c1", "plan-free"))
		e, _ := errs.As(err)
		if !errors.Is(err, errs.Duplicated) || len(e.Fields) != 1 || e.Fields[0].Path != "subscriptionParams.planId" {
			t.Errorf("another request: %v", err)
		}
	})
}

func TestArchiveAndUnarchive(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := openShop(t, db)
		got, err := s.Provision(s.ctx, env, ask("c1", "plan-pro"))
		if err != nil || got.Subscription.Status != subscription.InTrial {
			t.Fatal(got.Subscription, err)
		}
		if _, err := s.Archive(s.ctx, env, "c1", false); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Customer(s.ctx, env, "c1", false); !errors.Is(err, customer.ErrNotFound) {
			t.Errorf("an archived customer: %v", err)
		}
		sub, err := s.Subscription(s.ctx, env, got.Subscription.RefID)
		if err != nil || sub.Status != subscription.Canceled || sub.CancelReason != subscription.CustomerArchived {
			t.Errorf("its subscription: %+v, %v", sub.Subscription, err)
		}
		c, err := s.Unarchive(s.ctx, env, "c1")
		if err != nil || c.Name != nil || c.Archived() {
			t.Errorf("unarchived: %+v, %v", c, err)
		}
		_, err = s.Provision(s.ctx, env, ask("c1", "plan-pro"))
		if e, ok := errs.As(err); !ok || e.Code != "DuplicatedEntityNotAllowed" {
			t.Errorf("a repeat after that: %v", err)
		}
	})
}

func TestPaidCustomersAreNotArchivedSilently(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := openShop(t, db)
		r := ask("c1", "plan-pro")
		past := clock.System{}.Now().Add(-time.Hour)
		r.Subscription.StartDate = &past
		got, err := s.Provision(s.ctx, env, r)
		if err != nil || got.Subscription.Status != subscription.Active {
			t.Fatal(got.Subscription, err)
		}
		if _, err := s.Archive(s.ctx, env, "c1", false); !errors.Is(err, customer.ErrCannotDelete) {
			t.Errorf("archive: %v", err)
		}
		if _, err := s.Archive(s.ctx, env, "c1", true); err != nil {
			t.Errorf("archive with cancelSubscriptions: %v", err)
		}
	})
}

func TestScheduledStart(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := openShop(t, db)
		clk, err := s.Clock(s.ctx, env)
		if err != nil {
			t.Fatal(err)
		}
		start := clk.Now.Add(48 * time.Hour)
		r := ask("c1", "plan-pro")
		r.Subscription.StartDate = &start
		got, err := s.Provision(s.ctx, env, r)
		if err != nil || got.Subscription.Status != subscription.NotStarted || len(got.Entitlements) != 0 {
			t.Fatal(got, err)
		}
		if _, err := s.MoveClock(s.ctx, env, start.Add(15*24*time.Hour)); err != nil {
			t.Fatal(err)
		}
		sub, err := s.Subscription(s.ctx, env, got.Subscription.RefID)
		if err != nil || sub.Status != subscription.Expired || !sub.EndDate.Equal(start.Add(14*24*time.Hour)) {
			t.Errorf("after start and trial: %+v, %v", sub.Subscription, err)
		}
	})
}
