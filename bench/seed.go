package main

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/purserhq/purser/internal/base/clock"
	"github.com/purserhq/purser/internal/base/id"
	"github.com/purserhq/purser/internal/base/money"
	"github.com/purserhq/purser/internal/base/opt"
	"github.com/purserhq/purser/internal/base/tenant"
	"github.com/purserhq/purser/internal/base/tx"
	"github.com/purserhq/purser/internal/core/account"
	"github.com/purserhq/purser/internal/core/catalog"
	"github.com/purserhq/purser/internal/core/event"
	"github.com/purserhq/purser/internal/store"
)

// env is the environment that is measured: development, the first one.
const env = tenant.ID(1)

// metered is the feature that checks ask for.
const metered = "feature-seats"

// file is the SQLite database inside a data directory.
func (p place) file() string { return filepath.Join(p.Data, "purser.db") }

func (p place) store() store.Config {
	if p.DSN != "" {
		return store.Config{DSN: p.DSN}
	}
	return store.Config{Path: p.file()}
}

// seed makes the tables, the account and a catalog like the demo's.
func seed(ctx context.Context, p place) (err error) {
	db, err := store.Open(ctx, p.store())
	if err != nil {
		return err
	}
	defer func() { err = joined(err, db.Close) }()
	ctx = event.WithActor(ctx, event.System("bench"))
	accounts := account.NewService(store.As(db, func(t *store.Tx) account.Store { return t }), id.Source{}, clock.System{})
	_, err = accounts.Bootstrap(ctx, account.First{Name: "Bench", Secrets: map[account.Slot]string{
		{Environment: account.Development, Kind: account.ServerKey}: serverKey,
	}})
	if err != nil {
		return err
	}
	return fill(ctx, store.As(db, func(t *store.Tx) catalog.Store { return t }))
}

func fill(ctx context.Context, db tx.Runner[catalog.Store]) error {
	var list []error
	add := func(_ any, err error) { list = append(list, err) }
	add(catalog.NewProducts(db).Create(ctx, env, catalog.NewProduct{ID: "product-demo", DisplayName: "Demo"}))
	features := catalog.NewFeatures(db)
	add(features.Create(ctx, env, catalog.NewFeature{ID: "feature-reports", DisplayName: "Reports", Type: catalog.Boolean}))
	add(features.Create(ctx, env, catalog.NewFeature{
		ID: metered, DisplayName: "Seats", Type: catalog.Number, MeterType: catalog.Fluctuating,
	}))
	plans := catalog.NewPlans(db, nil)
	for _, p := range []catalog.NewPackage{
		{ID: "plan-basic", PricingType: catalog.Free},
		{ID: "plan-pro", PricingType: catalog.Paid, Trial: &catalog.Trial{Duration: 14, Units: "DAY"}},
	} {
		p.DisplayName, p.ProductID = p.ID, "product-demo"
		add(plans.Create(ctx, env, p))
		add(plans.AddEntitlements(ctx, env, p.ID, []catalog.NewEntitlement{
			{Ref: "feature-reports"},
			{Ref: metered, EntitlementUpdate: catalog.EntitlementUpdate{UsageLimit: opt.Some(int64(25))}},
		}))
		if p.PricingType == catalog.Paid {
			price := money.Money{Amount: money.MustDecimal("49"), Currency: money.USD}
			add(plans.Update(ctx, env, p.ID, catalog.PackageUpdate{Pricing: &catalog.Pricing{Type: catalog.Paid, Models: []catalog.PricingModel{{
				BillingModel: catalog.FlatFee, Periods: []catalog.PricePeriod{{BillingPeriod: catalog.Monthly, Price: &price}},
			}}}}))
		}
		add(plans.Publish(ctx, env, p.ID, ""))
	}
	return errors.Join(list...)
}
